//! L11: the objects of Submariner, as a member holds them: addresses, connections, round trips.
//!
//! There is no data plane here, so the objects are written by the test, in the shapes of Submariner's own definitions.

use super::stack::stack;
use serde_json::{Value, json};
use smo::backend::live::submariner::{Link, Submariner};
use std::time::Duration;

const NAMESPACE: &str = "submariner-operator";

fn cluster(name: &str, pods: &str) -> Value {
    json!({"apiVersion": "submariner.io/v1", "kind": "Cluster", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"cluster_id": name, "cluster_cidr": [pods], "service_cidr": ["10.96.0.0/16"], "global_cidr": []}})
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_addresses_and_connections_are_read() {
    let Some(stack) = stack("l11") else { return };
    smo::backend::live::tls::install();
    let kubeconfig = kube::config::Kubeconfig::read_from(stack.kubeconfig("member1")).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let elsewhere = Submariner::new(client.clone(), "smo-l11-nowhere");
    assert!(elsewhere.addresses().await.unwrap().is_empty() && elsewhere.connections().await.unwrap().is_empty());

    stack.apply("member1", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}));
    stack.apply("member1", &cluster("member2", "10.2.0.0/16"));
    stack.apply("member1", &cluster("member1", "10.1.0.0/16"));
    let endpoint = |to: &str| {
        json!({"cluster_id": to, "cable_name": "x", "hostname": "gw", "subnets": [], "private_ip": "10.0.0.2",
        "public_ip": "", "nat_enabled": false, "backend": "libreswan"})
    };
    let connection = json!({"status": "connected", "statusMessage": "", "endpoint": endpoint("member2"), "usingIP": "10.0.0.2",
        "usingNAT": false, "latencyRTT": {"last": "2ms", "min": "1ms", "average": "1.5ms", "max": "3ms", "stdDev": "0.1ms"}});
    let status = json!({"version": "0.20.0", "haStatus": "active", "localEndpoint": endpoint("member1"), "statusFailure": "",
        "connections": [connection]});
    stack.apply(
        "member1",
        &json!({"apiVersion": "submariner.io/v1", "kind": "Gateway",
        "metadata": {"name": "gw", "namespace": NAMESPACE}, "status": status}),
    );

    let submariner = Submariner::new(client, NAMESPACE);
    let addresses = submariner.addresses().await.unwrap();
    let pods: Vec<_> = addresses.iter().map(|one| (one.cluster.as_str(), one.pods[0].as_str())).collect();
    assert_eq!(pods, [("member1", "10.1.0.0/16"), ("member2", "10.2.0.0/16")]);
    let connections = submariner.connections().await.unwrap();
    assert_eq!((connections[0].cluster.as_str(), connections[0].link), ("member2", Link::Connected));
    assert_eq!((connections.len(), connections[0].rtt), (1, Some(Duration::from_micros(1_500))));
    for kind in ["clusters.submariner.io", "gateways.submariner.io"] {
        stack.kubectl("member1", &["delete", kind, "--all", "-n", NAMESPACE]).unwrap();
    }
}
