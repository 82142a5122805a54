//! A dry run: the world of a graph as it would be, and one decision in it, with nothing stored and nothing done.
//!
//! It owns all that it needs: a solver may take seconds, and whoever else asks the server meanwhile is answered, so that it is done on a
//! thread of its own.

use super::answer::{EngineError, PlanAnswer, Trouble};
use super::context::Context;
use super::told::Shares;
use super::world::WorldError;
use super::{clusters, deploy, plan, world};
use crate::input::hdag::Descriptor;
use crate::policy::PolicySpec;
use crate::serve::store::rows::{ClusterRow, Options, ServiceStatus, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is to be decided.
pub struct DryRun {
    /// What is shared.
    pub context: Arc<Context>,
    /// The graph as it would be.
    pub descriptor: Descriptor,
    /// What the operator says of it.
    pub options: Options,
    /// What is observed of it, where it runs already.
    pub status: Status,
    /// The clusters.
    pub clusters: Vec<ClusterRow>,
    /// Who decides.
    pub policy: PolicySpec,
}

impl DryRun {
    /// Decides elsewhere, as a part of the trace of whoever asks.
    ///
    /// # Errors
    /// See [`Self::decide`].
    pub async fn decided(self) -> Result<PlanAnswer, EngineError> {
        let within = tracing::Span::current();
        let deciding = tokio::task::spawn_blocking(move || within.in_scope(|| self.decide()));
        deciding.await.unwrap_or_else(|error| Err(EngineError::new(Trouble::Internal, error.to_string())))
    }

    /// Decides, all events of conditional services having happened.
    ///
    /// # Errors
    /// What is wrong, or why nothing can be said.
    fn decide(&self) -> Result<PlanAnswer, EngineError> {
        let (settings, requests) = (&self.context.settings, BTreeMap::new());
        let services: BTreeSet<String> = self.descriptor.services.iter().map(|service| service.id.clone()).collect();
        let held = clusters::held(&self.descriptor, &self.status, &requests);
        let asked = world::Asked {
            descriptor: &self.descriptor,
            options: &self.options,
            services: &services,
            requests: &requests,
            fitted: settings.learn.map(|_| &self.status),
            clusters: &self.clusters,
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
        let targets = deploy::planned(&world, &placed(&self.status)).targets;
        let made = plan::decide(&world, &self.policy, targets);
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

#[cfg(test)]
mod tests {
    use super::DryRun;
    use crate::serve::config::Config;
    use crate::serve::engine::context::Context;
    use crate::serve::engine::settings::Settings;
    use crate::serve::engine::stand_in::{descriptor, row, service};
    use crate::serve::store::Store;
    use crate::serve::store::rows::{Options, Status};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tracing::span::{Attributes, Id};
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::{Context as Within, Layer, SubscriberExt as _};

    /// Spans that begin on a thread.
    #[derive(Clone, Default)]
    struct Begun(Arc<Mutex<Vec<&'static str>>>);

    impl Layer<Registry> for Begun {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Within<'_, Registry>) {
            self.0.lock().unwrap().push(attributes.metadata().name());
        }
    }

    /// Goal: no decision keeps the runtime's threads busy. Method: each of them is a span, and none begins where others are answered.
    #[tokio::test]
    async fn a_decision_is_made_where_nobody_waits_for_an_answer() {
        let settings = Settings::of(&Config::load(None, &[], &BTreeMap::new()).unwrap(), &std::env::temp_dir());
        let context = Context::new(Store::open("sqlite://:memory:").await.unwrap(), settings.unwrap());
        let dry_run = DryRun {
            context,
            descriptor: descriptor(&service("web", "light", "{}", "")),
            options: Options::default(),
            status: Status::default(),
            clusters: vec![row("a")],
            policy: "greedy+rate".parse().unwrap(),
        };
        let begun = Begun::default();
        let _listening = tracing::subscriber::set_default(Registry::default().with(begun.clone()));
        let answer = dry_run.decided().await.unwrap();
        assert_eq!(answer.targets["web"].get("a"), Some(&1));
        let begun = begun.0.lock().unwrap().clone();
        assert!(!begun.contains(&"plan"), "{begun:?}");
    }
}
