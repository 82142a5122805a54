//! Terms among replicas, from files: what a native application and a Kubernetes manifest say arrives in the model alike.

use smo::input::{Loaded, Request, load};
use smo::model::peers::{HOSTNAME, Namespaces, PeerTerm, PeerTerms, SERVICE_LABEL, SpreadTerm, ZONE};
use smo::model::selector::{Operator, Requirement};
use smo::model::{Cluster, NodeTerms, Selector};
use std::fs;

use crate::worlds::{cluster, request};
use tempfile::TempDir;

const INVENTORY: &str =
    "inventory: {clusters: [{name: here, pools: [{name: main, cpu: 8, memory: 32 GiB, nodes: 2}]}]}\n";

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, tier: back}}
    spec:
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - {weight: 10, preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}
        podAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - topologyKey: topology.kubernetes.io/zone
              labelSelector: {matchLabels: {app: redis}}
              namespaces: [data]
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - {topologyKey: kubernetes.io/hostname, labelSelector: {}, matchLabelKeys: [app, pod-template-hash]}
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 60
              podAffinityTerm:
                topologyKey: topology.kubernetes.io/zone
                labelSelector: {matchLabels: {tier: back}}
                namespaceSelector: {}
      topologySpreadConstraints:
        - maxSkew: 2
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: DoNotSchedule
          minDomains: 3
          nodeTaintsPolicy: Honor
          labelSelector: {matchLabels: {app: cart}}
      containers:
        - {name: cart, resources: {requests: {cpu: 500m, memory: 256Mi}}}
";

const NATIVE: &str = "\
application:
  services:
    - name: cart
      cpu: 500m
      memory: 256 MiB
      capacity: 5 /s
      neighbours:
        labels: {app: cart, tier: back}
        namespace: shop
        near: [{topology: topology.kubernetes.io/zone, matching: app=redis, namespaces: [data]}]
        apart: [{matching: app=cart}]
        prefer_apart: [{weight: 60, topology: topology.kubernetes.io/zone, matching: tier=back, any_namespace: true}]
        prefer_nodes: [{weight: 10, matching: disk=ssd}]
        spread: [{topology: topology.kubernetes.io/zone, matching: app=cart, skew_max: 2, domains_min: 3, honors_taints: true}]
";

/// Loads a scenario with this application.
fn scenario(application: &str) -> Result<Loaded, String> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scenario.yaml");
    fs::write(directory.path().join("load.csv"), "timestamp_s,service,requests_per_s\n0,cart,5\n60,cart,5\n").unwrap();
    fs::write(directory.path().join("cart.yaml"), MANIFEST).unwrap();
    let rest = "traces: [{file: load.csv, service: cart}]\npolicies: [naive]\n";
    fs::write(&path, format!("question: Does it load?\n{application}{INVENTORY}{rest}")).unwrap();
    load(&path, &Request::default()).map_err(|error| error.to_string())
}

fn terms(application: &str) -> NodeTerms {
    let loaded = scenario(application).unwrap_or_else(|error| panic!("{error}"));
    let services = &loaded.scenario.known.application.services;
    services.values().next().expect("there is a service").terms.clone()
}

fn equal(key: &str, value: &str) -> Selector {
    Selector(vec![Requirement { key: key.to_owned(), operator: Operator::In([value.to_owned()].into()) }])
}

fn expected() -> PeerTerms {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let everywhere = Namespaces { selector: Some(Selector::default()), ..Namespaces::default() };
    let term = |topology: &str, selector, namespaces| PeerTerm { topology: topology.to_owned(), selector, namespaces };
    let data = Namespaces { names: ["data".to_owned()].into(), selector: None };
    PeerTerms {
        labels: [label("app", "cart"), label(SERVICE_LABEL, "cart"), label("tier", "back")].into(),
        namespace: "shop".to_owned(),
        near: vec![term(ZONE, Some(equal("app", "redis")), data)],
        apart: vec![term(HOSTNAME, Some(equal("app", "cart")), Namespaces::default())],
        leaning: vec![(-60, term(ZONE, Some(equal("tier", "back")), everywhere))],
        spread: vec![SpreadTerm {
            topology: ZONE.to_owned(),
            selector: Some(equal("app", "cart")),
            skew_max: 2,
            is_required: true,
            domains_min: 3,
            honors_affinity: true,
            honors_taints: true,
        }],
        spread_by_default: false,
    }
}

#[test]
fn a_native_file_and_a_manifest_say_the_same() {
    let manifest = "application: {descriptor: cart.yaml, services: {cart: {capacity: 5 /s}}}\n";
    for application in [NATIVE, manifest] {
        let found = terms(application);
        assert_eq!(found.peers, expected(), "{application}");
        assert_eq!(found.preferred, [(10, equal("disk", "ssd"))], "{application}");
    }
}

#[test]
fn terms_that_make_no_sense_are_refused_at_their_line() {
    for (from, to, wanted) in [
        ("weight: 60", "weight: 600", "a weight of 600 is too much; write 1 to 100"),
        ("matching: disk=ssd", "matching: disk is ssd", "`disk is ssd` is not a label selector"),
        ("skew_max: 2", "skew_max: 0", "zero makes no sense here"),
        ("apart: [{matching", "apart: [{topology: '', matching", "no label is named"),
        ("near:", "nearby:", "nearby"),
    ] {
        let error = scenario(&NATIVE.replacen(from, to, 1)).err().unwrap_or_else(|| panic!("{to} is taken"));
        let error = error.replace("\n  ", "; ");
        assert!(error.contains(wanted) && error.contains("scenario.yaml:"), "{to}: {error}");
    }
}

/// Three nodes hold 24 replicas of one core, but only three that keep apart, and only one where all nodes are one zone.
#[test]
fn placements_know_that_replicas_keep_apart() {
    let mut cluster = cluster("here", 3, 8.0, 32);
    let room = |terms: &NodeTerms, cluster: &Cluster| terms.room_max(cluster, request(1.0, 1)).unwrap();
    assert_eq!(room(&NodeTerms::default(), &cluster), 24);
    let terms = NodeTerms { peers: PeerTerms { near: Vec::new(), ..expected() }, ..NodeTerms::default() };
    assert_eq!(room(&terms, &cluster), 3);
    let mut zoned = terms;
    zoned.peers.apart[0].topology = ZONE.to_owned();
    assert_eq!(room(&zoned, &cluster), 24, "nodes without the label are no domain, and are not kept apart");
    cluster.labels.insert(ZONE.to_owned(), "a".to_owned());
    assert_eq!(room(&zoned, &cluster), 1);
}
