//! Small worlds for tests: servers of a few settings, graphs of a few words on clusters as they are stored.

use super::context::Context;
use super::settings::Settings;
use super::world::{Asked, World, world};
use crate::input::hdag::{Descriptor, parse};
use crate::serve::at::At;
use crate::serve::config::Config;
use crate::serve::store::Store;
use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow, Options};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A server with these settings, and nothing else said.
pub fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags: Vec<_> = flags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let config = Config::load(None, &flags, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    Settings::of(&config, &std::env::temp_dir()).expect("settings")
}

/// What the keepers of such a server share, with a store of its own.
pub async fn context(settings: Settings) -> Arc<Context> {
    Context::new(Store::open("sqlite://:memory:").await.expect("a store"), settings)
}

/// A cluster with five cores on one node.
pub fn row(name: &str) -> ClusterRow {
    ClusterRow {
        name: name.to_owned(),
        present: true,
        ready: true,
        seen_at: At(0),
        cpu: Amount { allocatable: 5.0, free: 5.0 },
        memory: Amount { allocatable: 32.0 * 1_073_741_824.0, free: 32.0 * 1_073_741_824.0 },
        gpu: Amount::default(),
        nodes: 1,
        version: "v1.35".to_owned(),
        region: String::new(),
        pod_cidr: None,
        service_cidr: None,
        rtt_ms: BTreeMap::new(),
        attributes: ClusterAttributes::default(),
        dashboard: None,
    }
}

/// A graph of these services.
pub fn descriptor(services: &str) -> Descriptor {
    parse(format!("hdaGraph: {{id: g, services: [{services}]}}"), "graph").expect("it is one").0
}

/// A service, in the words of a descriptor.
pub fn service(id: &str, cpu: &str, network: &str, calls: &str) -> String {
    format!(
        "{{id: {id}, deployment: {{trigger: {{}}, intent: {{compute: {{cpu: {cpu}, ram: small}}, network: {network}, \
         connectionPoints: [{calls}]}}}}, artifact: {{ociImage: 'oci://r/{id}', ociConfig: {{type: App, implementer: HELM}}, valuesOverwrite: {{}}}}}}"
    )
}

/// All of a graph, on these clusters.
pub fn world_of(descriptor: &Descriptor, clusters: &[ClusterRow]) -> World {
    world_with(descriptor, clusters, false)
}

/// The same, with charts that are told of resources or not.
pub fn world_with(descriptor: &Descriptor, clusters: &[ClusterRow], inject_resources: bool) -> World {
    let services: BTreeSet<String> = descriptor.services.iter().map(|service| service.id.clone()).collect();
    let (requests, held, options) = (BTreeMap::new(), BTreeMap::new(), Options::default());
    let asked = Asked {
        descriptor,
        options: &options,
        services: &services,
        requests: &requests,
        fitted: None,
        clusters,
        held: &held,
        capacities: None,
        inject_resources,
    };
    world(asked).unwrap_or_else(|error| panic!("{error}"))
}
