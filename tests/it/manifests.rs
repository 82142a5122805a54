//! The objects that carry a plan out: Karmada divides replicas by them exactly as planned, charts get what the original gave.

use crate::worlds::{cluster, request, service, targets, world};
use serde_json::{Value, json};
use smo::backend::manifest::helm::{self, Implementer};
use smo::backend::manifest::{ManifestError, karmada};
use smo::model::{Plan, ServiceId, Snapshot, Taint, TaintEffect, Targets, Toleration};
use std::sync::Arc;

const NAMES: [&str; 4] = ["alpha", "bravo", "charlie", "delta"];

fn four_clusters() -> Snapshot {
    world(NAMES.map(|name| cluster(name, 1, 64.0, 64)).to_vec(), vec![service("web", request(1.0, 1), 1)])
}

fn plan(targets: Targets) -> Plan {
    Plan { targets, ..Plan::default() }
}

/// The clusters and weights of a rendered placement.
fn weights(placement: &Value) -> Vec<(String, u64)> {
    let list = &placement["replicaScheduling"]["weightPreference"]["staticWeightList"];
    let weight = |entry: &Value| {
        let name = entry["targetCluster"]["clusterNames"][0].as_str().unwrap().to_owned();
        (name, entry["weight"].as_u64().unwrap())
    };
    list.as_array().unwrap().iter().map(weight).collect()
}

/// Karmada's division, method of Webster: the next replica to the largest weight / (2 · seats + 1), of equals to the one with
/// fewer seats, then by name, in a direction that a hash of the object's id chooses. In integers: a / b > c / d as a · d > c · b.
fn webster(replicas: u64, weights: &[(String, u64)], reversed: bool) -> Vec<u64> {
    let mut seats = vec![0; weights.len()];
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| weights[*index].0.clone());
    if reversed {
        order.reverse();
    }
    for _ in 0..replicas {
        let better = |a: usize, b: usize| {
            let (left, right) = (weights[a].1 * (2 * seats[b] + 1), weights[b].1 * (2 * seats[a] + 1));
            left > right || (left == right && seats[a] < seats[b])
        };
        let best = order.iter().copied().reduce(|best, next| if better(next, best) { next } else { best });
        seats[best.unwrap()] += 1;
    }
    seats
}

/// The division of earlier releases: shares rounded down, what is left by one to the largest weights.
fn rounded_down(replicas: u64, weights: &[(String, u64)]) -> Vec<u64> {
    let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut shares: Vec<u64> = weights.iter().map(|(_, weight)| weight * replicas / all).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(weights[*index].1));
    let left = replicas - shares.iter().sum::<u64>();
    for index in order.into_iter().cycle().take(usize::try_from(left).unwrap()) {
        shares[index] += 1;
    }
    shares
}

/// Recorded from a running Karmada: weights 1, 3 and 5 share 20 replicas as 2, 7 and 11.
#[test]
fn the_division_that_we_check_against_is_karmadas() {
    let weights: Vec<(String, u64)> =
        [("m1", 1), ("m2", 3), ("m3", 5)].map(|(name, weight)| (name.to_owned(), weight)).into();
    assert_eq!(webster(20, &weights, false), [2, 7, 11]);
    assert_eq!(webster(20, &weights, true), [2, 7, 11]);
}

/// Goal: whatever is planned, Karmada divides so. Method: all 7⁴ − 1 plans of up to 6 replicas in each of 4 clusters, and some
/// large ones, by both rules and both directions of ties.
#[test]
fn every_plan_is_divided_exactly() {
    let snapshot = four_clusters();
    let small = (1..7_u32.pow(4)).map(|number| [0, 1, 2, 3].map(|place| number / 7_u32.pow(place) % 7));
    let large = [[1, 999, 0, 1000], [997, 1, 1, 1], [500, 500, 500, 500], [0, 0, 0, 2000]];
    for counts in small.chain(large) {
        let entries: Vec<(u32, u32, u32)> =
            (0..4).zip(counts).filter(|(_, count)| *count > 0).map(|(cluster, count)| (0, cluster, count)).collect();
        let plan = plan(targets(&entries));
        let objects = karmada::objects(&snapshot.known, &plan, "default").unwrap();
        let [policy, deployment] = &objects[..] else { panic!("a policy and a number: {objects:?}") };
        let weights = weights(&policy["spec"]["placement"]);
        let replicas = deployment["spec"]["replicas"].as_u64().unwrap();
        let planned: Vec<u64> = entries.iter().map(|(_, _, count)| u64::from(*count)).collect();
        for division in
            [webster(replicas, &weights, false), webster(replicas, &weights, true), rounded_down(replicas, &weights)]
        {
            assert_eq!(division, planned, "{counts:?}");
        }
        let affinity = policy["spec"]["placement"]["clusterAffinity"]["clusterNames"].as_array().unwrap();
        let listed: Vec<&str> = weights.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(affinity.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), listed);
    }
}

/// An empty list of clusters would mean all of them.
#[test]
fn a_service_without_replicas_has_a_number_and_no_policy() {
    let objects = karmada::objects(&four_clusters().known, &Plan::default(), "shop").unwrap();
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 0},
    });
    assert_eq!(objects, [deployment]);
}

/// Without the toleration Karmada leaves a tainted cluster out, and divides among the others.
#[test]
fn tolerations_that_a_planned_cluster_needs_are_told_to_karmada() {
    let mut tainted = cluster("alpha", 1, 8.0, 8);
    tainted.taints.push(Taint { key: "team".into(), value: "b".into(), effect: TaintEffect::NoSchedule });
    let mut web = service("web", request(1.0, 1), 1);
    let tolerate = |key: Option<&str>, value: Option<&str>, effect| Toleration {
        key: key.map(str::to_owned),
        value: value.map(str::to_owned),
        effect,
    };
    web.terms.tolerations = vec![
        tolerate(Some("team"), Some("b"), Some(TaintEffect::NoSchedule)),
        tolerate(Some("other"), None, None),
        tolerate(None, None, None),
    ];
    let snapshot = world(vec![tainted, cluster("bravo", 1, 8.0, 8)], vec![web]);
    let placement = |entries| karmada::placement(&snapshot.known, &plan(targets(entries)), ServiceId(0)).unwrap();
    assert_eq!(
        placement(&[(0, 0, 1), (0, 1, 1)])["clusterTolerations"],
        json!([{"key": "team", "operator": "Equal", "value": "b", "effect": "NoSchedule"}, {"operator": "Exists"}])
    );
    assert_eq!(placement(&[(0, 1, 2)])["clusterTolerations"], Value::Null);
}

#[test]
fn names_that_kubernetes_does_not_take_are_refused() {
    let mut snapshot = four_clusters();
    Arc::make_mut(&mut snapshot.known).application.services[ServiceId(0)].name = "Web_1".to_owned();
    let refused = karmada::objects(&snapshot.known, &plan(targets(&[(0, 0, 1)])), "default");
    assert_eq!(refused, Err(ManifestError::Name("Web_1".to_owned())));
    assert!(karmada::objects(&four_clusters().known, &Plan::default(), "My Space").is_err());
}

/// A split service lists all its clusters, for itself and for whom it calls.
#[test]
fn charts_get_the_clusters_of_their_service_and_of_its_callers() {
    let services = ["front", "side", "back"].map(|name| service(name, request(1.0, 1), 1)).to_vec();
    let mut snapshot = world(NAMES.map(|name| cluster(name, 1, 64.0, 64)).to_vec(), services);
    let call = |from, to| smo::model::Call {
        from: ServiceId(from),
        to: ServiceId(to),
        per_request: smo::units::Ratio::ONE,
        bytes: smo::units::Bytes::ZERO,
    };
    Arc::make_mut(&mut snapshot.known).application.calls = vec![call(1, 2), call(0, 2)];
    let plan = plan(targets(&[(0, 0, 1), (0, 2, 2), (1, 2, 1), (2, 1, 1)]));
    let values =
        |service, implementer| helm::values(&snapshot.known, &plan, ServiceId(service), (implementer, json!({"a": 1})));
    let back = json!({"clustersAffinity": ["bravo"], "serviceImportClusters": ["alpha", "charlie", "charlie"]});
    let mut at_root = back.clone();
    at_root["a"] = json!(1);
    assert_eq!(values(2, Implementer::Helm), at_root);
    assert_eq!(values(2, Implementer::Wot), json!({"a": 1, "voChartOverwrite": back}));
    assert_eq!(
        values(0, Implementer::Helm),
        json!({"a": 1, "clustersAffinity": ["alpha", "charlie"], "serviceImportClusters": []})
    );
}
