//! The real world as it is now, as changes of the scenario that describes it: what-if questions start from the live state.
//!
//! Replicas are those that are asked for, nodes those that are ready, what others hold is spread evenly over the nodes, a cluster
//! that is lost is switched off, and the load is what is measured now, for ever. What the live world does not tell (prices,
//! delays, capacities) stays what the scenario says.

use super::super::Failure;
use crate::backend::live::{LiveBackend, Mode};
use crate::input;
use crate::model::resources::DEVICE;
use crate::model::{Resources, Scenario, Snapshot};
use crate::record::aside::replace_file;
use anyhow::{Context, anyhow};
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
    Ok(fields)
}

/// Replicas and clusters.
pub fn world(snapshot: &Snapshot) -> Fields {
    let mut fields = Fields::new();
    for (id, service) in snapshot.known.application.services.iter() {
        let total = snapshot.targets.total(id).clamp(service.replicas_min, service.replicas_max);
        fields.push((format!("application.services.{}.replicas.initial", service.name), total.to_string()));
    }
    for (id, cluster) in snapshot.known.clusters.iter() {
        let view = &snapshot.clusters[id];
        let at = format!("inventory.clusters.{}", cluster.name);
        if !view.reachable {
            fields.push((format!("{at}.enabled"), "false".to_owned()));
            continue;
        }
        // Which of several pools a node belongs to is not seen from outside.
        let Some(pool) = cluster.pools.values().next().filter(|_| cluster.pools.len() == 1) else { continue };
        let at = format!("{at}.pools.{}", pool.name);
        if pool.nodes_min == pool.nodes_max {
            fields.push((format!("{at}.nodes"), view.nodes.max(1).to_string()));
        }
        let whole = pool.shape.repeated(view.nodes.into());
        let others = whole.saturating_sub(view.allocatable);
        if others != Resources::ZERO && view.nodes > 0 {
            fields.push((format!("{at}.occupied"), occupied(others, view.nodes)));
        }
    }
    fields
}

/// What others hold, on each of the nodes alike.
fn occupied(others: Resources, nodes: u32) -> String {
    let each = others.amounts().map(|amount| amount.div_ceil(nodes.into()));
    let each = Resources::from_amounts(each);
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
