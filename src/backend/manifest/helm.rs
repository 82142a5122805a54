//! What a service's Helm chart is told, as the original Synergetic Meta-Orchestrator tells it.
//!
//! Two values are injected: `clustersAffinity`, the clusters of the service, and `serviceImportClusters`, the clusters of
//! its callers, from which it must be reachable. They stand at the root of the values, or under `voChartOverwrite` where
//! the chart is a virtual object (implementer `WOT`). The original knows services in one cluster only; a service that the
//! plan splits lists all its clusters, and as many for each of its callers.
//!
//! Values say nothing of the number of replicas, nor of their division: a chart whose policy has no `replicaScheduling`
//! gives every listed cluster all of them. [`karmada`](super::karmada) says both.

use super::places;
use crate::model::scenario::Known;
use crate::model::{Plan, ServiceId};
use serde_json::{Map, Value, json};

/// Where the chart of a service expects the injected values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Implementer {
    /// At the root: an ordinary chart.
    #[default]
    Helm,
    /// Under `voChartOverwrite`: a virtual object of the Web of Things.
    Wot,
}

/// The key under which charts of virtual objects take values.
pub const VO_CHART_OVERWRITE: &str = "voChartOverwrite";

/// The values of a service's chart: `base` with what the plan injects.
pub fn values(known: &Known, plan: &Plan, service: ServiceId, (implementer, base): (Implementer, Value)) -> Value {
    let affinity: Vec<&str> = places(known, plan, service).map(|(cluster, _)| cluster).collect();
    let calls: Vec<(ServiceId, ServiceId)> = known.application.calls.iter().map(|call| (call.from, call.to)).collect();
    let of = |caller| places(known, plan, caller).map(|(cluster, _)| cluster).collect();
    inject(
        base,
        implementer,
        &[("clustersAffinity", affinity), ("serviceImportClusters", imports(&calls, service, of))],
    )
}

/// The clusters of everyone that calls `callee`, callers in the order of their declaration. A cluster stands there once
/// for each caller in it, the callee's own cluster included: so does the original.
pub fn imports<T>(
    calls: &[(ServiceId, ServiceId)],
    callee: ServiceId,
    clusters_of: impl Fn(ServiceId) -> Vec<T>,
) -> Vec<T> {
    let mut callers: Vec<ServiceId> = calls.iter().filter(|(_, to)| *to == callee).map(|(from, _)| *from).collect();
    callers.sort_unstable();
    callers.dedup();
    callers.into_iter().flat_map(clusters_of).collect()
}

/// Puts lists of clusters where the chart expects them. What stands in the way and is no map is replaced.
fn inject(base: Value, implementer: Implementer, lists: &[(&str, Vec<&str>)]) -> Value {
    let map = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
    let mut root = map(base);
    match implementer {
        Implementer::Helm => set(&mut root, lists),
        Implementer::Wot => {
            let slot = root.entry(VO_CHART_OVERWRITE).or_insert(Value::Null);
            let mut below = map(slot.take());
            set(&mut below, lists);
            *slot = below.into();
        }
    }
    root.into()
}

fn set(target: &mut Map<String, Value>, lists: &[(&str, Vec<&str>)]) {
    for (key, clusters) in lists {
        target.insert((*key).to_owned(), json!(clusters));
    }
}

#[cfg(test)]
mod tests {
    use super::{Implementer, inject};
    use serde_json::json;

    /// smo.md's rule: the root for HELM, `voChartOverwrite` for WOT, created when missing, all else kept.
    #[test]
    fn values_are_injected_where_the_chart_expects_them() {
        let lists = [("clustersAffinity", vec!["c1"])];
        let base = json!({"image": "a:1", "voChartOverwrite": {"cpu": 2, "clustersAffinity": ["old"]}});
        assert_eq!(
            inject(base.clone(), Implementer::Wot, &lists),
            json!({"image": "a:1", "voChartOverwrite": {"cpu": 2, "clustersAffinity": ["c1"]}})
        );
        assert_eq!(
            inject(base, Implementer::Helm, &lists),
            json!({
                "image": "a:1",
                "voChartOverwrite": {"cpu": 2, "clustersAffinity": ["old"]},
                "clustersAffinity": ["c1"],
            })
        );
        let created = json!({"voChartOverwrite": {"clustersAffinity": ["c1"]}});
        assert_eq!(inject(json!({}), Implementer::Wot, &lists), created);
        assert_eq!(inject(json!(null), Implementer::Wot, &lists), created);
    }
}
