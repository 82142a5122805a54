//! Distances as they are known, and what policies make of them: the real policies, on worlds of clusters as they are stored.

use super::{devices, longer, pairs, rtts};
use crate::backend::live::submariner::{Connection, Link};
use crate::input::hdag::{Descriptor, parse};
use crate::model::Targets;
use crate::serve::at::At;
use crate::serve::engine::plan::decide;
use crate::serve::engine::world::{Asked, World, world};
use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow, Options};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Policies that weigh rules.
const POLICIES: [&str; 2] = ["anytime+rate", "lagrangian+rate"];

/// A cluster with five cores on one node.
fn row(name: &str) -> ClusterRow {
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

fn far(rtts: &[(&str, f64)]) -> BTreeMap<String, f64> {
    rtts.iter().map(|(name, ms)| ((*name).to_owned(), *ms)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it is a field that may be missing")]
fn some(rtts: &[(&str, f64)]) -> Option<BTreeMap<String, f64>> {
    Some(far(rtts))
}

fn descriptor(services: &str) -> Descriptor {
    parse(format!("hdaGraph: {{id: g, services: [{services}]}}"), "graph").expect("it is one").0
}

fn service(id: &str, cpu: &str, network: &str, calls: &str) -> String {
    format!(
        "{{id: {id}, deployment: {{trigger: {{}}, intent: {{compute: {{cpu: {cpu}, ram: small}}, network: {network}, \
         connectionPoints: [{calls}]}}}}, artifact: {{ociImage: 'oci://r/{id}', ociConfig: {{type: App, implementer: HELM}}, valuesOverwrite: {{}}}}}}"
    )
}

fn world_of(descriptor: &Descriptor, clusters: &[ClusterRow]) -> World {
    world_with(descriptor, clusters, false)
}

fn world_with(descriptor: &Descriptor, clusters: &[ClusterRow], inject_resources: bool) -> World {
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

/// Where each service is, or why one is not.
fn places(world: &World, policy: &str) -> Result<BTreeMap<String, Vec<String>>, Vec<String>> {
    let made = decide(world, &policy.parse().expect("a policy"), Targets::default())
        .unwrap_or_else(|error| panic!("{policy}: {error}"));
    if !made.answer.refusals.is_empty() {
        return Err(made.answer.refusals);
    }
    Ok(made.answer.targets.into_iter().map(|(name, shares)| (name, shares.into_keys().collect())).collect())
}

#[test]
fn what_is_said_goes_before_what_is_measured_and_the_longer_way_counts() {
    let (mut one, mut other, mut sick) = (row("one"), row("other"), row("sick"));
    assert_eq!(pairs(&[one.clone(), other.clone()]), None, "nobody knows anything");
    one.rtt_ms = far(&[("other", 7.5), ("sick", 1.0), ("elsewhere", 2.0)]);
    other.rtt_ms = far(&[("one", 8.25)]);
    sick.ready = false;
    let all = |rows: &[&ClusterRow]| pairs(&rows.iter().map(|row| (*row).clone()).collect::<Vec<_>>());
    assert_eq!(all(&[&one, &other, &sick]), Some(json!([{"between": ["one", "other"], "rtt": "8250 us"}])));
    other.attributes.rtt_ms = some(&[("one", 3.0)]);
    assert_eq!(all(&[&one, &other]), Some(json!([{"between": ["one", "other"], "rtt": "3 ms"}])));
    // What is no time is as good as not said.
    other.attributes.rtt_ms = some(&[("one", f64::NAN)]);
    assert_eq!(longer([None, other.attributes.rtt_ms.as_ref()], (&one, &other)), None);
}

#[test]
fn only_connections_that_stand_say_how_far_it_is() {
    let to = |cluster: &str, link, rtt: Option<u64>| Connection {
        cluster: cluster.to_owned(),
        link,
        rtt: rtt.map(Duration::from_micros),
        message: String::new(),
    };
    let all =
        [to("a", Link::Connected, Some(1_500)), to("b", Link::Error, Some(1_500)), to("c", Link::Connected, None)];
    assert_eq!(rtts(all.into()), far(&[("a", 1.5)]));
}

/// `c` is near devices, and 30 ms from `b`; to `a` nobody knows, so it is 20 ms as between any two regions.
#[test]
fn devices_are_as_far_from_a_cluster_as_the_nearest_that_is_near_them() {
    let (a, mut b, mut c) = (row("a"), row("b"), row("c"));
    b.attributes.rtt_ms = some(&[("c", 30.0)]);
    let graph = descriptor(&service("s", "light", "{}", ""));
    assert_eq!(devices(&world_of(&graph, &[a.clone(), b.clone(), c.clone()]).scenario.known), None);
    c.attributes.near_devices = Some(true);
    let origins = devices(&world_of(&graph, &[a, b, c]).scenario.known);
    let rtt = json!({"a": "20 ms", "b": "30 ms", "c": "500 us"});
    assert_eq!(origins, Some(json!([{"name": "devices", "share": "100 %", "local": "c", "rtt": rtt}])));
}

/// Half a core, 1 GiB, the nearest cluster: in the values only where the operator wants it so.
#[test]
fn charts_are_told_of_devices_and_resources_where_that_is_wanted() {
    let graph = descriptor(&service("sensor", "light", "{deviceProximity: {enabled: true}}", ""));
    let told = |inject| {
        let world = world_with(&graph, &[row("a")], inject);
        decide(&world, &"anytime+rate".parse().expect("a policy"), Targets::default()).expect("a plan").answer.values["sensor"].clone()
    };
    assert_eq!(told(false), json!({"clustersAffinity": ["a"], "serviceImportClusters": []}));
    let amounts = json!({"cpu": "500m", "memory": "1Gi"});
    assert_eq!(
        told(true),
        json!({
            "deviceProximity": true, "resources": {"requests": amounts, "limits": amounts},
            "clustersAffinity": ["a"], "serviceImportClusters": [],
        })
    );
}

#[test]
fn a_service_with_a_device_goes_where_devices_are_near_and_others_stay_where_they_were() {
    let near = "{deviceProximity: {enabled: true}}";
    let graph =
        descriptor(&[service("sensor", "light", near, "store"), service("store", "light", "{}", "")].join(", "));
    for at in ["a", "b", "c"] {
        let clusters: Vec<ClusterRow> = ["a", "b", "c"]
            .map(|name| {
                let mut row = row(name);
                row.attributes.near_devices = (name == at).then_some(true);
                row
            })
            .into();
        for policy in POLICIES {
            let places = places(&world_of(&graph, &clusters), policy).expect("there is room");
            assert_eq!(places["sensor"], [at], "{policy}");
        }
    }
    // Where that cluster has no room it goes elsewhere: it is a preference.
    let mut full = row("b");
    full.attributes.near_devices = Some(true);
    full.cpu.free = 0.25;
    for policy in POLICIES {
        let places = places(&world_of(&graph, &[row("a"), full.clone()]), policy).expect("there is room");
        assert_eq!(places["sensor"], ["a"], "{policy}");
    }
}

/// Each service fills a cluster. `a` is 40 ms from both others, which are 5 ms apart.
#[test]
fn ultralow_latency_pulls_services_into_clusters_that_are_near_each_other() {
    let ultralow = "{latencies: [{connectionPoint: back, qos: ultralow}]}";
    let graph =
        descriptor(&[service("front", "medium", ultralow, "back"), service("back", "medium", "{}", "")].join(", "));
    let (a, mut b, mut c) = (row("a"), row("b"), row("c"));
    b.rtt_ms = far(&[("a", 40.0), ("c", 5.0)]);
    c.rtt_ms = far(&[("a", 40.0), ("b", 5.0)]);
    for policy in POLICIES {
        let places = places(&world_of(&graph, &[a.clone(), b.clone(), c.clone()]), policy).expect("there is room");
        let used: BTreeSet<&str> = places.values().flatten().map(String::as_str).collect();
        assert_eq!(used, BTreeSet::from(["b", "c"]), "{policy}: {places:?}");
    }
    // Nobody knows of any two that are near: then only one cluster will do, and none has room for both.
    for policy in POLICIES {
        let refused = places(&world_of(&graph, &[row("a"), row("b"), row("c")]), policy).expect_err(policy);
        assert_eq!(refused.len(), 1, "{policy}: {refused:?}");
    }
}

/// High performance weighs the same ways without demanding them: where no two are near, the graph is placed all the same.
#[test]
fn high_performance_prefers_clusters_that_are_near_each_other() {
    let services = [service("front", "medium", "{}", "back"), service("back", "medium", "{}", "")].join(", ");
    let graph = |intent: &str| {
        let text = format!("hdaGraph: {{id: g, hdaGraphIntent: {intent}, services: [{services}]}}");
        parse(text, "graph").expect("it is one").0
    };
    let (a, mut b, mut c) = (row("a"), row("b"), row("c"));
    b.attributes.rtt_ms = some(&[("a", 40.0), ("c", 5.0)]);
    c.attributes.rtt_ms = some(&[("a", 40.0)]);
    let fast = graph("{highPerformance: {enabled: true}}");
    for policy in POLICIES {
        let places = places(&world_of(&fast, &[a.clone(), b.clone(), c.clone()]), policy).expect("there is room");
        let used: BTreeSet<&str> = places.values().flatten().map(String::as_str).collect();
        assert_eq!(used, BTreeSet::from(["b", "c"]), "{policy}: {places:?}");
        assert!(self::places(&world_of(&fast, &[row("a"), row("b")]), policy).is_ok(), "{policy}");
    }
}
