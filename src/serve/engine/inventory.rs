//! The clusters as they were seen last, written as the inventory that plans are made on.
//!
//! Karmada sums its members up and does not show their nodes, so the nodes of a cluster are taken as equal, and what others hold as
//! spread evenly over them. What an operator says of a cluster (price, carbon, PUE, trust) goes in as an inventory's fields and labels.

use crate::serve::store::rows::ClusterRow;
use crate::units::{Bytes, MilliCores};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The label of clusters that graphs with the security intent may use.
pub const TRUSTED: &str = "smo.dev/trusted";
/// The label of clusters that devices are near.
pub const NEAR_DEVICES: &str = "smo.dev/near-devices";

/// What is held of a cluster by one graph: it is room for that graph.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Held {
    /// Cores.
    pub cpu: f64,
    /// Bytes.
    pub memory: f64,
    /// Accelerators.
    pub gpu: f64,
}

/// The inventory, without clusters that have left, are not ready or have no nodes; `held` is what the graph itself holds where.
pub fn document(clusters: &[ClusterRow], held: &BTreeMap<String, Held>) -> Value {
    let usable = clusters.iter().filter(|cluster| is_usable(cluster));
    let nothing = Held::default();
    json!({"clusters": usable.map(|one| cluster(one, held.get(&one.name).unwrap_or(&nothing))).collect::<Vec<_>>()})
}

/// Whether replicas may go there.
pub fn is_usable(cluster: &ClusterRow) -> bool {
    cluster.present && cluster.ready && cluster.nodes > 0 && cluster.cpu.allocatable > 0.0
}

/// The carbon intensity of each cluster that has one, as fields of a scenario's environment: every cluster is its own region.
pub fn carbon(clusters: &[ClusterRow]) -> Option<Value> {
    let said = |cluster: &ClusterRow| Some((cluster.name.clone(), json!(cluster.attributes.carbon?)));
    let regions: Map<String, Value> = clusters.iter().filter(|one| is_usable(one)).filter_map(said).collect();
    // What nobody says of a cluster is taken as the worst of those that something is said of.
    let worst = regions.values().filter_map(Value::as_f64).fold(0.0, f64::max);
    (!regions.is_empty()).then(|| json!({"default": worst, "regions": regions}))
}

fn cluster(row: &ClusterRow, held: &Held) -> Value {
    let nodes = f64::from(row.nodes);
    let each = |amount: f64| (amount / nodes).max(0.0);
    let others = |amount: crate::serve::store::rows::Amount, held: f64| {
        (amount.allocatable - amount.free - held).clamp(0.0, amount.allocatable)
    };
    let cpu = MilliCores::from_cores(each(row.cpu.allocatable));
    let mut pool = json!({
        "name": "nodes",
        "cpu": cpu.to_string(),
        "memory": bytes(each(row.memory.allocatable)).to_string(),
        "nodes": row.nodes,
        "occupied": [{
            "cpu": MilliCores::from_cores(each(others(row.cpu, held.cpu))).min(cpu).to_string(),
            "memory": bytes(each(others(row.memory, held.memory))).to_string(),
        }],
    });
    let gpu = row.gpu.free + held.gpu;
    let said = if row.attributes.acceleration == Some(true) && row.gpu.allocatable == 0.0 { nodes } else { gpu };
    if said > 0.0 {
        // Accelerators are whole: as many nodes as there are take one, or each takes several.
        pool["gpu"] = json!(whole((said / nodes).ceil()));
    }
    if let Some(price) = row.attributes.price_per_core_hour {
        pool["price_per_hour"] = json!(format!("{} $", price * cpu.cores()));
    }
    let mut labels = Map::new();
    let mut label = |key: &str, value: &str| labels.insert(key.to_owned(), value.into());
    label("smo.dev/cluster", &row.name);
    for (key, holds) in [(TRUSTED, row.attributes.trusted), (NEAR_DEVICES, row.attributes.near_devices)] {
        if holds == Some(true) {
            label(key, "true");
        }
    }
    if !row.region.is_empty() {
        label("topology.kubernetes.io/region", &row.region);
    }
    let mut cluster = json!({"name": row.name, "region": row.name, "labels": labels, "pools": [pool]});
    if let Some(pue) = row.attributes.pue {
        cluster["pue"] = json!(pue);
    }
    cluster
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and less than nothing is nothing"
)]
fn whole(amount: f64) -> u64 {
    amount as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and less than nothing is nothing"
)]
fn bytes(amount: f64) -> Bytes {
    Bytes(amount.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::{Held, carbon, document};
    use crate::serve::at::At;
    use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn row(name: &str, free: f64) -> ClusterRow {
        ClusterRow {
            name: name.to_owned(),
            present: true,
            ready: true,
            seen_at: At(0),
            cpu: Amount { allocatable: 12.0, free },
            memory: Amount { allocatable: 24.0 * 1_073_741_824.0, free: 12.0 * 1_073_741_824.0 },
            gpu: Amount::default(),
            nodes: 3,
            version: "v1.35".to_owned(),
            region: "here".to_owned(),
            pod_cidr: None,
            service_cidr: None,
            rtt_ms: BTreeMap::new(),
            attributes: ClusterAttributes::default(),
            dashboard: None,
        }
    }

    /// 12 cores on 3 nodes are 4 each; 12 − 6 − 3 = 3 are held by others, 1 on each node.
    #[test]
    fn what_the_graph_holds_itself_is_room_for_it() {
        let held = BTreeMap::from([("a".to_owned(), Held { cpu: 3.0, memory: 0.0, gpu: 0.0 })]);
        let pool = document(&[row("a", 6.0)], &held)["clusters"][0]["pools"][0].clone();
        assert_eq!((&pool["cpu"], &pool["memory"], &pool["nodes"]), (&json!("4"), &json!("8 GiB"), &json!(3)));
        assert_eq!(pool["occupied"], json!([{"cpu": "1", "memory": "4 GiB"}]));
    }

    /// One accelerator somewhere in a cluster of three nodes: Karmada does not say on which, so each counts as having it.
    #[test]
    fn accelerators_are_whole_numbers() {
        let mut with = row("a", 6.0);
        with.gpu = Amount { allocatable: 1.0, free: 1.0 };
        let pool = document(&[with.clone()], &BTreeMap::new())["clusters"][0]["pools"][0].clone();
        assert_eq!(pool["gpu"].to_string(), "1");
        (with.gpu, with.attributes.acceleration) = (Amount::default(), Some(true));
        assert_eq!(document(&[with], &BTreeMap::new())["clusters"][0]["pools"][0]["gpu"].to_string(), "1");
    }

    #[test]
    fn clusters_that_left_or_are_not_ready_are_no_room() {
        let (mut gone, mut sick) = (row("gone", 6.0), row("sick", 6.0));
        (gone.present, sick.ready) = (false, false);
        let inventory = document(&[gone, sick, row("well", 6.0)], &BTreeMap::new());
        assert_eq!(inventory["clusters"].as_array().unwrap().len(), 1);
        assert_eq!(inventory["clusters"][0]["name"], "well");
    }

    #[test]
    fn what_nobody_says_of_carbon_is_taken_as_the_worst() {
        let (mut one, mut other) = (row("one", 6.0), row("other", 6.0));
        one.attributes.carbon = Some(40.0);
        other.attributes.carbon = Some(500.0);
        let said = carbon(&[one, other, row("third", 6.0)]).unwrap();
        assert_eq!(said, json!({"default": 500.0, "regions": {"one": 40.0, "other": 500.0}}));
        assert_eq!(carbon(&[row("third", 6.0)]), None);
    }
}
