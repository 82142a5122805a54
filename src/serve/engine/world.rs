//! From what is wanted of a graph and what is seen of the clusters to a world that policies can decide in: the same reading, defaults
//! and checks as of a scenario's files.

use super::inventory::{self, Held};
use super::{capacities, network, values};
use crate::input::capacities::read_fitted;
use crate::input::hdag::{Artifact, Descriptor};
use crate::input::{self, InputError};
use crate::model::{Resources, Scenario};
use crate::serve::store::rows::{CapacityOrigin, ClusterRow, Options, Status};
use crate::units::{Bytes, MilliCores};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a world is made of.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The graph.
    pub descriptor: &'a Descriptor,
    /// What the operator says of it.
    pub options: &'a Options,
    /// Its services that run, or are to.
    pub services: &'a BTreeSet<String>,
    /// What their Deployments really ask for, where they are there: CPU and memory.
    pub requests: &'a BTreeMap<String, (MilliCores, Bytes)>,
    /// What was observed of it, where capacities that were fitted are believed.
    pub fitted: Option<&'a Status>,
    /// The clusters.
    pub clusters: &'a [ClusterRow],
    /// What the graph itself holds, by cluster.
    pub held: &'a BTreeMap<String, Held>,
    /// Capacities by service, as `smo fit` wrote them.
    pub capacities: Option<&'a Path>,
    /// Whether charts are told what the descriptor says of resources and devices.
    pub inject_resources: bool,
}

/// A world.
#[derive(Debug)]
pub struct World {
    /// To decide in.
    pub scenario: Scenario,
    /// Charts and values, by service.
    pub artifacts: BTreeMap<String, Artifact>,
    /// What was assumed or is unusual, in sentences.
    pub notes: Vec<String>,
    /// Who says what replicas can serve, by service.
    pub origins: BTreeMap<String, CapacityOrigin>,
}

impl World {
    /// Services whose capacity is known: only these are scaled by load.
    pub fn scaled(&self) -> BTreeSet<String> {
        let known = self.origins.iter().filter(|(_, origin)| **origin != CapacityOrigin::None);
        known.map(|(service, _)| service.clone()).collect()
    }
}

/// The world cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Nothing to place on.
    #[error("no cluster is ready; join one to Karmada, or look at `GET /v1/clusters`")]
    NoCluster,
    /// What is wrong with the descriptor or the options.
    #[error("{0}")]
    Input(String),
    /// The server's file of capacities cannot be read now: that is no fault of the graph's.
    #[error("the server's file of capacities: {0}")]
    Capacities(String),
    /// No room for files.
    #[error("a folder for the world's files cannot be made: {0}")]
    Folder(#[from] std::io::Error),
}

/// Makes the world of the clusters that were seen.
///
/// # Errors
/// See [`WorldError`].
pub fn world(asked: Asked<'_>) -> Result<World, WorldError> {
    world_on(asked, None)
}

/// The same, on the clusters of an inventory where one is named.
///
/// # Errors
/// See [`WorldError`].
pub fn world_on(asked: Asked<'_>, file: Option<&Path>) -> Result<World, WorldError> {
    if file.is_none() && !asked.clusters.iter().any(inventory::is_usable) {
        return Err(WorldError::NoCluster);
    }
    let folder = tempfile::tempdir()?;
    let write = |name: &str, value: &Value| -> Result<std::path::PathBuf, std::io::Error> {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string())?;
        Ok(path)
    };
    let inventory = match file {
        Some(file) => file.to_owned(),
        None => write("clusters", &inventory::document(asked.clusters, asked.held))?,
    };
    let fitted =
        asked.capacities.map(read_fitted).transpose().map_err(|error| WorldError::Capacities(error.to_string()))?;
    let said = capacities::said(&asked, fitted.as_ref());
    let application = write("application", &overlay(&asked, &said))?;
    let mut set = Vec::new();
    if let Some(carbon) = inventory::carbon(asked.clusters) {
        set.push(("environment.carbon".to_owned(), carbon.to_string()));
    }
    if let Some(pairs) = network::pairs(asked.clusters).filter(|_| file.is_none()) {
        set.push(("network.pairs".to_owned(), pairs.to_string()));
    }
    let applications = [application];
    // Nobody has seen the files that it is read from.
    let wrong = |error: InputError| {
        let place = format!("{}: ", applications[0].display());
        WorldError::Input(error.to_string().replace(&place, "the graph with its options: "))
    };
    let mut world = input::world::load(&inventory, &applications, &set).map_err(wrong)?;
    if let Some(devices) = network::devices(&world.scenario.known).filter(|_| has_devices(&asked)) {
        set.push(("network.origins".to_owned(), devices.to_string()));
        world = input::world::load(&inventory, &applications, &set).map_err(wrong)?;
    }
    let mut scenario = world.scenario.as_ref().clone();
    really_asked(&mut scenario, asked.requests);
    let origins = said.into_iter().map(|(service, (origin, _))| (service, origin)).collect();
    // What is odd about the descriptor was said when it was checked.
    let own = applications[0].display().to_string();
    let is_ours = |note: &String| !is_of_simulation(note) && !note.starts_with(&own);
    let refused = fitted.iter().flat_map(|file| capacities::refusals(file, asked.services));
    let notes = world.notes.into_iter().filter(is_ours).chain(refused).collect();
    let mut artifacts = world.artifacts;
    if asked.inject_resources {
        inject(asked.descriptor, &mut artifacts);
    }
    Ok(World { scenario, artifacts, notes, origins })
}

/// Whether any of the services wants to be near a device.
fn has_devices(asked: &Asked<'_>) -> bool {
    let ours = asked.descriptor.services.iter().filter(|service| asked.services.contains(&service.id));
    ours.map(|service| service.deployment.intent.network.device_proximity).any(|near| near.enabled)
}

fn inject(descriptor: &Descriptor, artifacts: &mut BTreeMap<String, Artifact>) {
    for (name, artifact) in artifacts {
        if let Some(service) = descriptor.service(name) {
            artifact.values_overwrite = values::injected(service, &artifact.values_overwrite);
        }
    }
}

/// What only a simulation would have to be told.
fn is_of_simulation(note: &str) -> bool {
    ["No service has an SLO", "have no price", "No origins are given"].iter().any(|part| note.contains(part))
}

/// The descriptor with some of its services only; those that waited for an event have seen it.
pub fn part(descriptor: &Descriptor, services: &BTreeSet<String>) -> Descriptor {
    let mut part = descriptor.clone();
    part.services.retain(|service| services.contains(&service.id));
    for service in &mut part.services {
        service.deployment.trigger = input::hdag::Trigger::Auto { dependencies: Vec::new() };
    }
    part
}

/// What stands beside the descriptor.
fn overlay(asked: &Asked<'_>, said: &capacities::Said) -> Value {
    let available = asked.descriptor.intent.high_availability.enabled;
    let mut services = Map::new();
    for name in asked.services {
        let options = asked.options.services.get(name).cloned().unwrap_or_default();
        // One that has to outlive a cluster has replicas in two.
        let least = options.replicas_min.unwrap_or(if available { 2 } else { 1 });
        let first = options.replicas.unwrap_or(least).max(least);
        let most = options.replicas_max.unwrap_or(1_000).max(first);
        let mut service = json!({"replicas": {"initial": first, "min": least, "max": most}});
        if let Some((_, law)) = said.get(name) {
            service["capacity"] = law.clone();
        }
        services.insert(name.clone(), service);
    }
    let mut overlay = json!({"descriptor": part(asked.descriptor, asked.services).document(), "services": services});
    let trusted = asked.clusters.iter().any(|one| inventory::is_usable(one) && one.attributes.trusted == Some(true));
    if asked.descriptor.intent.security.enabled && trusted {
        overlay["intents"] = json!({"security": format!("{}=true", inventory::TRUSTED)});
    }
    overlay
}

/// A plan has to reckon with what Deployments really ask for, whatever the descriptor says.
fn really_asked(scenario: &mut Scenario, requests: &BTreeMap<String, (MilliCores, Bytes)>) {
    let mut known = scenario.known.as_ref().clone();
    let ids: Vec<_> = known.application.services.ids().collect();
    for id in ids {
        let service = &mut known.application.services[id];
        if let Some((cpu, memory)) = requests.get(&service.name) {
            service.request = Resources { cpu: *cpu, memory: *memory, ..service.request };
        }
    }
    scenario.known = known.into();
}
