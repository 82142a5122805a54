//! What descriptors want to be measured, and what is measured between clusters: monitors in the members, round trips of their gateways.
//!
//! Prometheus' operator does not run here, so the definition of its kind is written by the test, and what a monitor says is looked at
//! where an operator would find it. There is no data plane of Submariner either: its objects are written as in `l11`.

use crate::graphs::{app, plain, publish_all};
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);
const MEMBERS: [&str; 2] = ["member1", "member2"];
const MONITORS: &str = "servicemonitors.monitoring.coreos.com";

fn started(stack: &Stack) -> Service<'_> {
    publish_all(stack);
    let mut service = Service::new(stack, free_port());
    service.start();
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    service
}

fn define(stack: &Stack, cluster: &str) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    stack.apply(
        cluster,
        &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": MONITORS},
        "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": {"kind": "ServiceMonitor", "listKind": "ServiceMonitorList", "plural": "servicemonitors", "singular": "servicemonitor"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}}),
    );
    let wait = ["wait", "--for=condition=Established", "crd", MONITORS, "--timeout=30s"];
    stack.kubectl(cluster, &wait).unwrap();
}

fn undefine(stack: &Stack, cluster: &str) {
    stack.kubectl(cluster, &["delete", "crd", MONITORS, "--ignore-not-found"]).unwrap();
}

fn with_metrics(stack: &Stack, name: &str) -> Value {
    let mut graph = plain(stack, name, &[app("hello-world", "1", "1Gi")]);
    graph["hdaGraph"]["services"][0]["deployment"]["intent"]["metrics"] = json!([
        {"id": "rate", "metricName": "http_requests_total", "selector": {"app": "hello-world"}, "endpoint": {"port": "web", "interval": "5s"}}
    ]);
    graph
}

/// Where a graph's service has its monitor.
fn found(stack: &Stack, namespace: &str) -> Vec<&'static str> {
    let named = ["servicemonitor", "smo-hello-world", "--namespace", namespace];
    MEMBERS.into_iter().filter(|member| stack.get(member, &named).is_some()).collect()
}

#[test]
fn a_monitor_is_where_its_service_is_and_goes_with_it() {
    let Some(stack) = stack("monitors") else { return };
    for cluster in ["karmada", "member1", "member2"] {
        define(&stack, cluster);
    }
    let service = started(&stack);
    service.deploy("smo-monitors", &with_metrics(&stack, "monitors"), &json!({}));
    let places = service.service("smo-monitors", "monitors", "hello-world")["clusters"].clone();
    let places: Vec<&String> = places.as_object().unwrap().keys().collect();
    until("the monitor is where the service is", SOON, || found(&stack, "smo-monitors") == places);
    let named = ["servicemonitor", "smo-hello-world", "--namespace", "smo-monitors"];
    let monitor = stack.get(places[0], &named).unwrap();
    assert_eq!(monitor["spec"]["selector"]["matchLabels"], json!({"app": "hello-world"}));
    assert_eq!(monitor["spec"]["endpoints"], json!([{"port": "web", "interval": "5s"}]));
    service.delete("/v1/projects/smo-monitors/graphs/monitors?wait=60s");
    until("it is gone", SOON, || found(&stack, "smo-monitors").is_empty());
    assert_eq!(stack.get("karmada", &named), None);
    let policy = ["propagationpolicy", "smo-hello-world.mon", "--namespace", "smo-monitors"];
    assert_eq!(stack.get("karmada", &policy), None);
    for cluster in ["karmada", "member1", "member2"] {
        undefine(&stack, cluster);
    }
}

#[test]
fn a_control_plane_without_monitors_runs_the_graph_and_it_is_told_once() {
    let Some(stack) = stack("no monitors") else { return };
    undefine(&stack, "karmada");
    let service = started(&stack);
    let graph = service.deploy("smo-unmonitored", &with_metrics(&stack, "unmonitored"), &json!({}));
    assert_eq!(graph["status"]["phase"], "running");
    let told = || {
        let events = service.get("/v1/events?project=smo-unmonitored&kind=graph.metrics-unscraped").is(200).json();
        events["items"].as_array().unwrap().clone()
    };
    until("it is told", SOON, || !told().is_empty());
    let all = told();
    assert_eq!(all.len(), 1);
    assert!(all[0]["message"].as_str().unwrap().contains("does not know servicemonitors"), "{all:?}");
    service.delete("/v1/projects/smo-unmonitored/graphs/unmonitored?wait=60s");
}

/// The gateway of a member says how far it is to the other; it is asked through the control plane.
#[test]
fn round_trips_of_gateways_are_shown() {
    let Some(stack) = stack("round trips") else { return };
    let namespace = "submariner-operator";
    stack.apply("member1", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    let endpoint = |to: &str| {
        json!({"cluster_id": to, "cable_name": "x", "hostname": "gw", "subnets": [], "private_ip": "10.0.0.2",
        "public_ip": "", "nat_enabled": false, "backend": "libreswan"})
    };
    let connection = json!({"status": "connected", "statusMessage": "", "endpoint": endpoint("member2"), "usingIP": "10.0.0.2",
        "usingNAT": false, "latencyRTT": {"last": "2ms", "min": "1ms", "average": "1.5ms", "max": "3ms", "stdDev": "0.1ms"}});
    stack.apply(
        "member1",
        &json!({"apiVersion": "submariner.io/v1", "kind": "Gateway", "metadata": {"name": "gw", "namespace": namespace},
        "status": {"version": "0.20.0", "haStatus": "active", "localEndpoint": endpoint("member1"), "statusFailure": "",
            "connections": [connection]}}),
    );
    let service = started(&stack);
    until("it is known", Duration::from_secs(90), || {
        service.get("/v1/clusters/member1").is(200).json()["rtt_ms"] == json!({"member2": 1.5})
    });
    let said = service.patch("/v1/clusters/member2", &json!({"rtt_ms": {"member1": 4.0}})).is(200).json();
    assert_eq!(said["attributes"]["rtt_ms"], json!({"member1": 4.0}));
    stack.kubectl("member1", &["delete", "gateways.submariner.io", "--all", "-n", namespace]).unwrap();
}
