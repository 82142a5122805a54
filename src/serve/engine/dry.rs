//! A dry run: the world of a graph as it would be, and one decision in it, with nothing stored and nothing done.
//!
//! A solver may take seconds: it is the caller's to see to it that whoever else asks the server meanwhile is answered.

use super::answer::{EngineError, PlanAnswer, Trouble};
use super::settings::Settings;
use super::told::Shares;
use super::world::WorldError;
use super::{clusters, deploy, plan, world};
use crate::input::hdag::Descriptor;
use crate::policy::PolicySpec;
use crate::serve::store::rows::{ClusterRow, Options, ServiceStatus, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be decided.
pub struct DryRun<'a> {
    /// The server's configuration.
    pub settings: &'a Settings,
    /// The graph as it would be.
    pub descriptor: &'a Descriptor,
    /// What the operator says of it.
    pub options: &'a Options,
    /// What is observed of it, where it runs already.
    pub status: &'a Status,
    /// The clusters.
    pub clusters: &'a [ClusterRow],
    /// Who decides.
    pub policy: &'a PolicySpec,
}

impl DryRun<'_> {
    /// Decides, all events of conditional services having happened.
    ///
    /// # Errors
    /// What is wrong, or why nothing can be said.
    pub fn decide(&self) -> Result<PlanAnswer, EngineError> {
        let (settings, requests) = (self.settings, BTreeMap::new());
        let services: BTreeSet<String> = self.descriptor.services.iter().map(|service| service.id.clone()).collect();
        let held = clusters::held(self.descriptor, self.status, &requests);
        let asked = world::Asked {
            descriptor: self.descriptor,
            options: self.options,
            services: &services,
            requests: &requests,
            fitted: settings.learn.map(|_| self.status),
            clusters: self.clusters,
            held: &held,
            capacities: settings.capacities.as_deref(),
            inject_resources: settings.inject_resources,
        };
        let inventory = settings.inventory.as_deref().filter(|_| settings.karmada.is_none());
        let world = world::world_on(asked, inventory).map_err(|error| {
            let kind = match error {
                WorldError::NoCluster => Trouble::Refused,
                WorldError::Input(_) => Trouble::Invalid,
                WorldError::Capacities(_) | WorldError::Folder(_) => Trouble::Internal,
            };
            EngineError::new(kind, error.to_string())
        })?;
        // What is placed weighs as much as where it is decided in earnest.
        let targets = deploy::planned(&world, &placed(self.status)).targets;
        let made = plan::decide(&world, self.policy, targets);
        Ok(made.map_err(|error| EngineError::new(Trouble::Internal, error.to_string()))?.answer)
    }
}

/// What is wanted of each service of a graph, by cluster.
fn placed(status: &Status) -> BTreeMap<String, Shares> {
    let shares = |one: &ServiceStatus| {
        let clusters = one.clusters.iter().filter(|(_, replicas)| replicas.wanted > 0);
        clusters.map(|(cluster, replicas)| (cluster.clone(), replicas.wanted)).collect()
    };
    status.services.iter().map(|one| (one.name.clone(), shares(one))).collect()
}
