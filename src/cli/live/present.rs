//! The real world as it is now, as changes of the scenario that describes it: what-if questions start from the live state.
//!
//! Replicas are those that are asked for, where they are asked for, and run already; nodes those that are ready; what others hold is
//! spread evenly over the nodes; a cluster that is lost is switched off, and the load is what is measured now, for ever. What the
//! live world does not tell (prices, delays, capacities) stays what the scenario says.

use super::super::Failure;
use crate::backend::live::{LiveBackend, Mode};
use crate::input;
use crate::model::resources::DEVICE;
use crate::model::{Cluster, ClusterView, Pool, Resources, Scenario, Snapshot};
use crate::record::aside::replace_file;
use anyhow::{Context, anyhow};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long measurements are waited for.
const MEASURED_WITHIN: Duration = Duration::from_secs(5);

/// Fields to set, path and value.
pub type Fields = Vec<(String, String)>;

/// What the world of `connection` is like now.
///
/// # Errors
/// A connection that cannot be used, or a world that is not as it must be.
pub fn look(connection: &Path, scenario: &Scenario) -> Result<Snapshot, Failure> {
    let at = input::connection::load(connection, &scenario.known).map_err(Failure::input)?;
    let live = LiveBackend::connect(scenario.clone(), at, Mode::Watch).map_err(super::failure)?;
    Ok(live.look(MEASURED_WITHIN))
}

/// The present as fields of the scenario; the load lies in `folder`.
///
/// # Errors
/// A load that nobody measures, or that cannot be written.
pub fn fields(snapshot: &Snapshot, folder: &Path) -> Result<Fields, Failure> {
    let load = folder.join("load.csv");
    fs::create_dir_all(folder)
        .and_then(|()| replace_file(&load, load_now(snapshot)?.as_bytes()).map_err(std::io::Error::other))
        .with_context(|| load.display().to_string())
        .map_err(Failure::run)?;
    let load = std::path::absolute(&load).map_err(Failure::run)?;
    let file = serde_json::json!([{"file": load, "last": "7 d"}]);
    let mut fields = vec![("traces".to_owned(), file.to_string())];
    fields.extend(world(snapshot));
    fields.push(("placed".to_owned(), placed(snapshot)));
    Ok(fields)
}

/// What runs where. What was asked for in a cluster that is lost runs nowhere.
fn placed(snapshot: &Snapshot) -> String {
    let known = &snapshot.known;
    let places = |service| {
        let targets = snapshot.targets.of(service).iter().filter(|target| snapshot.clusters[target.cluster].reachable);
        targets.map(|target| (known.clusters[target.cluster].name.as_str(), target.replicas)).collect()
    };
    let services = known.application.requests();
    let all: BTreeMap<&str, BTreeMap<&str, u32>> =
        services.map(|id| (known.application.services[id].name.as_str(), places(id))).collect();
    serde_json::json!(all).to_string()
}

/// Numbers of replicas, and clusters.
pub fn world(snapshot: &Snapshot) -> Fields {
    let mut fields = Fields::new();
    for (id, service) in snapshot.known.application.services.iter() {
        let total = snapshot.targets.total(id).clamp(service.replicas_min, service.replicas_max);
        fields.push((format!("application.services.{}.replicas.initial", service.name), total.to_string()));
    }
    for (id, cluster) in snapshot.known.clusters.iter() {
        let view = &snapshot.clusters[id];
        let at = format!("inventory.clusters.{}", cluster.name);
        let is_fixed = cluster.pools.values().all(|pool| pool.nodes_min == pool.nodes_max);
        if !view.reachable || (view.nodes == 0 && is_fixed) {
            fields.push((format!("{at}.enabled"), "false".to_owned()));
        } else {
            fields.extend(pools(cluster, view).into_iter().map(|(path, value)| (format!("{at}.pools.{path}"), value)));
        }
    }
    fields
}

/// The nodes of a cluster, and what others hold of them. Which of several pools a node belongs to is not seen from outside: they
/// have the nodes that they are said to have, but for those that are not there. Autoscaled pools lack them first, as far as they
/// may, and can boot them; the room of the others counts as held.
fn pools(cluster: &Cluster, view: &ClusterView) -> Fields {
    let is_only = cluster.pools.len() == 1;
    let starts = if is_only { vec![view.nodes] } else { nodes_there(cluster, view.nodes) };
    let each = cluster.pools.values().zip(&starts);
    let whole: Resources = each.map(|(pool, nodes)| pool.shape.repeated((*nodes).into())).sum();
    let others = whole.saturating_sub(view.allocatable);
    let mut fields = Fields::new();
    for (pool, nodes) in cluster.pools.values().zip(starts) {
        if pool.nodes_min < pool.nodes_max {
            let nodes = nodes.clamp(pool.nodes_min, pool.nodes_max);
            fields.push((format!("{}.nodes.initial", pool.name), nodes.to_string()));
        } else if is_only {
            fields.push((format!("{}.nodes", pool.name), nodes.to_string()));
        }
        fields.push((format!("{}.occupied", pool.name), occupied(pool.shape, others, whole)));
    }
    fields
}

/// The nodes with which each pool of a cluster starts where `seen` are ready: where those are fewer than it is said to have,
/// autoscaled pools start with fewer, in their order.
fn nodes_there(cluster: &Cluster, seen: u32) -> Vec<u32> {
    let said: u32 = cluster.pools.values().map(|pool| pool.nodes).sum();
    let mut missing = said.saturating_sub(seen);
    let start = |pool: &Pool| {
        let lacking = missing.min(pool.nodes.saturating_sub(pool.nodes_min));
        missing -= lacking;
        pool.nodes - lacking
    };
    cluster.pools.values().map(start).collect()
}

/// What others hold of a node of this shape, where they hold `others` of a cluster's `whole`: of each resource the same share of
/// every node.
fn occupied(shape: Resources, others: Resources, whole: Resources) -> String {
    if others == Resources::ZERO {
        return "[]".to_owned();
    }
    let (shape, others, whole) = (shape.amounts(), others.amounts(), whole.amounts());
    let share = |resource: usize| {
        let held = u128::from(shape[resource]) * u128::from(others[resource]);
        u64::try_from(held.div_ceil(u128::from(whole[resource]).max(1))).unwrap_or(u64::MAX)
    };
    let each = Resources::from_amounts(std::array::from_fn(share));
    let gpu = each.gpu.div_ceil(DEVICE);
    serde_json::json!([{"cpu": each.cpu.to_string(), "memory": each.memory.to_string(), "gpu": gpu, "pods": each.pods}])
        .to_string()
}

/// The load that is measured now at services that nobody calls; calls follow from it.
fn load_now(snapshot: &Snapshot) -> Result<String, std::io::Error> {
    let mut text = "timestamp_s,service,requests_per_s\n".to_owned();
    let called = |id| snapshot.known.application.calls.iter().any(|call| call.to == id);
    for (id, view) in snapshot.services.iter().filter(|(id, _)| !called(*id)) {
        let name = &snapshot.known.application.services[id].name;
        let rate = view.rate.value.ok_or_else(|| {
            let error =
                anyhow!("nobody measures the rate of `{name}`; say by `rate` in the connection how it is measured");
            std::io::Error::other(error)
        })?;
        writeln!(text, "0,{name},{}", rate.per_second()).expect("a string takes all");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{placed, pools};
    use crate::backend::live::stand_in;
    use crate::model::{ClusterId, ClusterView, Resources, Seen, ServiceId};
    use crate::units::{Bytes, MilliCores, Time};

    /// Nodes of 5 cores, 8 GiB and 110 pods.
    fn view(nodes: u32, cores: u64, gib: u64) -> ClusterView {
        let allocatable = Resources {
            cpu: MilliCores(cores * 1_000),
            memory: Bytes(gib << 30),
            gpu: 0,
            pods: u64::from(nodes) * 110,
        };
        ClusterView {
            reachable: true,
            allocatable,
            allocatable_max: allocatable,
            allocated: Resources::ZERO,
            nodes,
            price_per_core_hour: 0.0,
            carbon: Seen::now(0.0, Time::ZERO),
        }
    }

    fn fields(cluster: &crate::model::Cluster, view: &ClusterView) -> Vec<(String, serde_json::Value)> {
        let fields = pools(cluster, view).into_iter();
        fields.map(|(path, value)| (path, serde_json::from_str(&value).unwrap())).collect()
    }

    /// Of 15 cores others hold 3, of 24 GiB 6.
    #[test]
    fn the_only_pool_has_the_nodes_that_are_ready_and_what_others_hold_lies_on_all() {
        let known = stand_in::known();
        let mut cluster = known.clusters[ClusterId(0)].clone();
        let held = serde_json::json!([{"cpu": "1", "memory": "2 GiB", "gpu": 0, "pods": 0}]);
        let expected = [("default.nodes".to_owned(), 3.into()), ("default.occupied".to_owned(), held)];
        assert_eq!(fields(&cluster, &view(3, 12, 18)), expected);
        let free = fields(&cluster, &view(3, 15, 24));
        assert_eq!(free[1].1, serde_json::json!([]), "nothing is held, whatever the scenario says");
        for (_, pool) in cluster.pools.iter_mut() {
            (pool.nodes_min, pool.nodes_max) = (1, 4);
        }
        assert_eq!(fields(&cluster, &view(9, 45, 72))[0], ("default.nodes.initial".to_owned(), 4.into()));
    }

    /// 2 nodes of 5 cores and 2 of 10: others hold 12 of 30 cores, two fifths of each node.
    #[test]
    fn several_pools_share_what_others_hold() {
        let mut cluster = stand_in::known().clusters[ClusterId(0)].clone();
        let mut large = cluster.pools.values().next().unwrap().clone();
        large.name = "large".to_owned();
        large.shape = large.shape.repeated(2);
        cluster.pools.push(large);
        let held = |value: &serde_json::Value| (value[0]["cpu"].clone(), value[0]["memory"].clone());
        let mut seen = view(4, 18, 48);
        seen.allocatable.pods = 660;
        let fields = fields(&cluster, &seen);
        assert_eq!(
            fields.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["default.occupied", "large.occupied"]
        );
        assert_eq!(held(&fields[0].1), ("2".into(), "0 B".into()));
        assert_eq!(held(&fields[1].1), ("4".into(), "0 B".into()));
    }

    /// 2 nodes of 5 cores, and 2 of 10 in a pool that may shrink: as long as it can be their lack, nobody holds anything.
    #[test]
    fn nodes_that_an_autoscaled_pool_lacks_can_boot_and_are_not_held() {
        let mut cluster = stand_in::known().clusters[ClusterId(0)].clone();
        let mut large = cluster.pools.values().next().unwrap().clone();
        large.name = "large".to_owned();
        large.shape = large.shape.repeated(2);
        (large.nodes_min, large.nodes_max) = (0, 4);
        cluster.pools.push(large);
        let mut one_less = view(3, 20, 32);
        one_less.allocatable.pods = 440;
        let [default, initial, large] =
            ["default.occupied", "large.nodes.initial", "large.occupied"].map(str::to_owned);
        let nothing = serde_json::json!([]);
        let expected = [(default, nothing.clone()), (initial, 1.into()), (large, nothing)];
        assert_eq!(fields(&cluster, &one_less), expected);
        // The third that is missing cannot be one of the large ones: half of the other two nodes counts as held.
        let three_less = fields(&cluster, &view(1, 5, 8));
        assert_eq!(three_less[1].1, 0);
        let half = serde_json::json!([{"cpu": MilliCores(2_500).to_string(), "memory": "4 GiB", "gpu": 0, "pods": 55}]);
        assert_eq!(three_less[0].1, half);
        // More than the scenario says: it is not seen of which pool they are.
        assert_eq!(fields(&cluster, &view(6, 50, 80))[1].1, 2);
    }

    #[test]
    fn what_was_asked_for_in_a_lost_cluster_runs_nowhere() {
        let known = std::sync::Arc::new(stand_in::known());
        let mut targets = crate::model::Targets::default();
        targets.set(ServiceId(0), ClusterId(0), 2);
        targets.set(ServiceId(0), ClusterId(1), 3);
        let lost = ClusterView { reachable: false, ..view(2, 10, 16) };
        let snapshot = crate::model::Snapshot {
            at: Time::ZERO,
            is_tick: true,
            known,
            clusters: [view(2, 10, 16), lost].into_iter().collect(),
            services: crate::model::Table::new(),
            targets,
            under_way: Vec::new(),
            foreseen: None,
        };
        assert_eq!(placed(&snapshot), r#"{"web":{"a":2}}"#);
    }
}
