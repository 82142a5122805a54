//! What Karmada's control plane would see of a snapshot: `Cluster` objects with their resource summary.
//!
//! A summary says what ready nodes offer, what bound pods ask for (`allocated`) and what waiting ones do (`allocating`): no more
//! than telemetry tells. Node by node nothing is known here, so for grades what is used is assumed to lie evenly on the nodes of
//! a cluster.

use super::options::Estimator;
use crate::model::{self, ClusterId, Phase, Resources, Snapshot, Table};
use crate::policy::karmada::{Amount, Cluster, Grade, ResourceList, Summary, count_nodes, default_grades};

/// Name of accelerators in a request.
const ACCELERATORS: &str = "nvidia.com/gpu";

/// Grades of `models`: parts of the largest node.
const PARTS: u32 = 16;

/// All clusters as Karmada sees them.
pub fn clusters(snapshot: &Snapshot, estimator: Estimator) -> Table<ClusterId, Cluster> {
    snapshot.clusters.ids().map(|id| cluster(snapshot, id, estimator)).collect()
}

/// What one replica asks for; `None` where that is nothing.
pub fn request(asked: Resources) -> Option<ResourceList> {
    let mut list = amounts(asked);
    list.remove("pods");
    list.retain(|_, amount| *amount > Amount::default());
    (!list.is_empty()).then_some(list)
}

fn cluster(snapshot: &Snapshot, id: ClusterId, estimator: Estimator) -> Cluster {
    let declared = snapshot.cluster(id);
    let mut seen = Cluster {
        name: declared.name.clone(),
        labels: declared.labels.clone(),
        region: declared.region.clone(),
        taints: declared.taints.clone(),
        serves_api: true,
        summary: Some(if estimator == Estimator::Nodes { boundless() } else { summary(snapshot, id) }),
        ..Cluster::default()
    };
    match estimator {
        Estimator::Nodes | Estimator::Sums => {}
        Estimator::Models => grade(&mut seen, parts_of_largest(declared), &free_by_node(snapshot, id)),
        Estimator::DefaultGrades => grade(&mut seen, default_grades(), &free_by_node(snapshot, id)),
    }
    seen
}

fn grade(seen: &mut Cluster, grades: Vec<Grade>, nodes: &[ResourceList]) {
    if let Some(summary) = &mut seen.summary {
        summary.grades = count_nodes(&grades, nodes);
    }
    seen.models = grades;
}

fn summary(snapshot: &Snapshot, id: ClusterId) -> Summary {
    let view = &snapshot.clusters[id];
    let waiting = snapshot
        .services
        .iter()
        .map(|(service, seen)| snapshot.service(service).request.repeated(seen.count_in(id, Phase::Pending).into()));
    Summary {
        allocatable: amounts(view.allocatable),
        allocated: amounts(view.allocated),
        allocating: amounts(waiting.sum()),
        grades: Vec::new(),
    }
}

/// Where an accurate estimator runs, its figure is the smaller one: it alone counts.
fn boundless() -> Summary {
    let most = Amount::units(i64::MAX);
    let all = ["cpu", "memory", ACCELERATORS].map(|name| (name.to_owned(), most));
    let pods = ("pods".to_owned(), Amount::units(i32::MAX.into()));
    Summary { allocatable: all.into_iter().chain([pods]).collect(), ..Summary::default() }
}

/// Accelerators are missing where there are none, as in Kubernetes.
fn amounts(resources: Resources) -> ResourceList {
    let whole = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    let list = [
        ("cpu", Amount::millis(whole(resources.cpu.0))),
        ("memory", Amount::units(whole(resources.memory.0))),
        ("pods", Amount::units(whole(resources.pods))),
        (ACCELERATORS, Amount::millis(whole(resources.gpu))),
    ];
    let is_there = |(name, amount): &(&str, Amount)| *name != ACCELERATORS || *amount > Amount::default();
    list.into_iter().filter(is_there).map(|(name, amount)| (name.to_owned(), amount)).collect()
}

/// What is free on each ready node: its shape without its share of what is used in the cluster.
fn free_by_node(snapshot: &Snapshot, id: ClusterId) -> Vec<ResourceList> {
    let (declared, view) = (snapshot.cluster(id), &snapshot.clusters[id]);
    let (all, used) = (view.allocatable.amounts(), view.allocated.amounts());
    let free = |shape: Resources| {
        let mut left = shape.amounts();
        for (index, amount) in left.iter_mut().enumerate() {
            let share = u128::from(*amount) * u128::from(used[index]) / u128::from(all[index].max(1));
            *amount = amount.saturating_sub(u64::try_from(share).unwrap_or(u64::MAX));
        }
        amounts(Resources::from_amounts(left))
    };
    let declared_nodes: u64 = declared.pools.values().map(|pool| u64::from(pool.nodes)).sum();
    let nodes = declared.pools.values().flat_map(|pool| {
        let ready = u64::from(pool.nodes) * u64::from(view.nodes) / declared_nodes.max(1);
        let node = free(pool.offered_later());
        (0..ready).map(move |_| node.clone())
    });
    nodes.collect()
}

fn parts_of_largest(declared: &model::Cluster) -> Vec<Grade> {
    let shapes = declared.pools.values().map(model::Pool::offered_later);
    let largest = shapes.max_by_key(|shape| shape.amounts()).unwrap_or(Resources::ZERO);
    let part = |grade: u32| {
        let amount = |all: u64| all / u64::from(PARTS) * u64::from(grade);
        let mut least = amounts(Resources::from_amounts(largest.amounts().map(amount)));
        least.remove("pods");
        Grade { grade, least }
    };
    (0..=PARTS).map(part).collect()
}
