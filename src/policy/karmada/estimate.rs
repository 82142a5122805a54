//! How many more replicas a cluster has room for, as Karmada's *general* estimator believes.
//!
//! ```text
//! pods     = allocatable − allocated − allocating pods, at least 0
//! sums     = min over requested resources of ⌊left ÷ request⌋
//! grades   = Σ over grades of nodes · min(110, min over requested resources of ⌊least ÷ request⌋)
//! estimate = min(pods, grades where nodes are counted by grade, sums otherwise)
//! ```
//!
//! Both are wrong in a way that matters: sums see one large node where there are many small ones, and grades count each node
//! by the lower end of its grade, which the default grades make much less than what is free. An *accurate* estimator, where one
//! runs, can only lower the figure. Missing is never zero: a resource that a cluster does not report cannot be had there, and
//! a cluster that reports nothing has no room.

use super::amount::ResourceList;
use super::cluster::{Cluster, Summary};
use std::collections::BTreeMap;

/// Pods that Karmada assumes for a node of any grade.
const PODS_PER_NODE: i64 = 110;

/// What Karmada takes for unlimited.
pub const fn unlimited() -> i32 {
    i32::MAX
}

/// Replicas with this request that `cluster` has room for. `None` is a workload that states no request.
pub fn available(cluster: &Cluster, request: Option<&ResourceList>) -> i32 {
    let Some(summary) = &cluster.summary else { return 0 };
    let pods = summary.pods_left();
    let most = match request {
        _ if pods == 0 => 0,
        None => pods,
        Some(request) => by_grades(cluster, summary, request).unwrap_or_else(|| by_sums(summary, request)),
    };
    truncated(most.min(pods))
}

/// The lower 32 bits, as the conversion in Karmada keeps them.
#[expect(clippy::cast_possible_truncation, reason = "Karmada's own conversion, kept because it is part of the answer")]
const fn truncated(replicas: i64) -> i32 {
    replicas as i32
}

fn by_sums(summary: &Summary, request: &ResourceList) -> i64 {
    let mut most = i64::MAX;
    for (resource, asked) in request.iter().filter(|(_, asked)| asked.value() > 0) {
        let Some(left) = summary.left(resource).filter(|left| left.value() > 0) else { return 0 };
        let (left, asked) =
            if resource == "cpu" { (left.milli_value(), asked.milli_value()) } else { (left.value(), asked.value()) };
        most = most.min(left / asked);
    }
    most
}

/// `None` where nodes are not counted by grade, or in a way that cannot be: Karmada falls back to sums.
fn by_grades(cluster: &Cluster, summary: &Summary, request: &ResourceList) -> Option<i64> {
    if summary.grades.is_empty() || cluster.models.is_empty() || summary.grades.iter().any(|one| one.count < 0) {
        return None;
    }
    let least: BTreeMap<u32, &ResourceList> = cluster.models.iter().map(|one| (one.grade, &one.least)).collect();
    let counted = summary.grades.iter().filter_map(|one| Some((one.count, least.get(&one.grade)?)));
    let nodes = counted.map(|(count, least)| count.saturating_mul(on_node(least, request)));
    Some(nodes.fold(0, i64::saturating_add).min(unlimited().into()))
}

fn on_node(least: &ResourceList, request: &ResourceList) -> i64 {
    let mut most = PODS_PER_NODE;
    for (resource, asked) in request.iter().filter(|(resource, _)| counts_on_nodes(resource)) {
        let of = |amount: super::Amount| if resource == "cpu" { amount.milli_value() } else { amount.value() };
        let (asked, least) = (of(*asked), least.get(resource).map_or(0, |least| of(*least)));
        if asked > 0 {
            most = most.min(least / asked);
        }
    }
    most.max(0)
}

/// Resources that Karmada looks at node by node; names that are neither native nor those of a vendor it passes over there.
fn counts_on_nodes(resource: &str) -> bool {
    let is_native = matches!(resource, "cpu" | "memory" | "ephemeral-storage");
    let is_attachable = resource.starts_with("attachable-volumes-") || resource.starts_with("hugepages-");
    is_native || is_attachable || (resource.contains('/') && !resource.starts_with("requests."))
}

#[cfg(test)]
mod tests {
    use super::super::grades::{count_nodes, default_grades};
    use super::super::{Amount, Grade, GradeCount};
    use super::{Cluster, ResourceList, Summary, available};

    fn list(entries: &[(&str, &str)]) -> ResourceList {
        entries.iter().map(|(name, amount)| ((*name).to_owned(), amount.parse().expect("a quantity"))).collect()
    }

    fn cluster(allocatable: &[(&str, &str)], allocated: &[(&str, &str)]) -> Cluster {
        let summary = Summary { allocatable: list(allocatable), allocated: list(allocated), ..Summary::default() };
        Cluster { summary: Some(summary), ..Cluster::default() }
    }

    #[test]
    fn sums_are_the_scarcest_resource_and_the_pods() {
        let world = cluster(&[("cpu", "16"), ("memory", "32Gi"), ("pods", "110")], &[("cpu", "4"), ("memory", "8Gi")]);
        let room = |request: &[(&str, &str)]| available(&world, Some(&list(request)));
        assert_eq!(room(&[("cpu", "1"), ("memory", "3Gi")]), 8);
        assert_eq!(room(&[("cpu", "700m")]), 17);
        assert_eq!(room(&[("cpu", "10m")]), 110);
        assert_eq!(room(&[("cpu", "0")]), 110);
        assert_eq!(room(&[("cpu", "-1"), ("memory", "5Gi")]), 4);
        assert_eq!(available(&world, None), 110);
    }

    #[test]
    fn what_is_not_reported_cannot_be_had() {
        let request = list(&[("nvidia.com/gpu", "1")]);
        assert_eq!(available(&cluster(&[("cpu", "16"), ("pods", "110")], &[]), Some(&request)), 0);
        assert_eq!(available(&Cluster::default(), None), 0);
        assert_eq!(available(&cluster(&[("cpu", "16")], &[]), None), 0, "no pod slots are reported");
        let over = cluster(&[("cpu", "1"), ("pods", "9")], &[("cpu", "2"), ("pods", "1")]);
        assert_eq!(available(&over, Some(&list(&[("cpu", "1")]))), 0);
    }

    /// Grade 1 from 2 CPUs and 8 Gi on, grade 2 from 8 and 32: 2 · min(2, 8/3) + 1 · min(8, 32/3) = 2·2 + 8 = 12 of 1 CPU, 3 Gi.
    #[test]
    fn nodes_count_by_the_lower_end_of_their_grade() {
        let mut world = cluster(&[("cpu", "40"), ("memory", "160Gi"), ("pods", "220")], &[]);
        let least =
            [[("cpu", "0"), ("memory", "0")], [("cpu", "2"), ("memory", "8Gi")], [("cpu", "8"), ("memory", "32Gi")]];
        world.models = (0..).zip(least).map(|(grade, least)| Grade { grade, least: list(&least) }).collect();
        let counts = [(0, 3), (1, 2), (2, 1)].map(|(grade, count)| GradeCount { grade, count });
        let mut with = |counts: &[GradeCount], request: &[(&str, &str)]| {
            world.summary.as_mut().expect("it has one").grades = counts.to_vec();
            available(&world, Some(&list(request)))
        };
        assert_eq!(with(&counts, &[("cpu", "1"), ("memory", "3Gi")]), 12);
        assert_eq!(with(&counts, &[("cpu", "9")]), 0);
        // No node of a grade is known to have accelerators.
        assert_eq!(with(&counts, &[("nvidia.com/gpu", "1")]), 0);
        // Without a request of anything each node takes its 110 pods: six nodes 660, cut by the cluster's 220.
        assert_eq!(with(&counts, &[]), 220);
        // A broken count is not used: sums are.
        assert_eq!(with(&[GradeCount { grade: 0, count: -1 }], &[("cpu", "9")]), 4);
    }

    /// Seen on a real Karmada: 3 nodes of 4 CPUs and 8 Gi and 2 nodes of 8 CPUs and 16 Gi hold 28 replicas of 1 CPU, and the
    /// default grades show 3·1 + 2·2 = 7.
    #[test]
    fn the_default_grades_show_a_quarter_of_what_is_free() {
        let small = list(&[("cpu", "4"), ("memory", "8Gi"), ("pods", "110")]);
        let large = list(&[("cpu", "8"), ("memory", "16Gi"), ("pods", "110")]);
        let mut world = cluster(&[("cpu", "28"), ("memory", "56Gi"), ("pods", "550")], &[]);
        world.models = default_grades();
        let counts = count_nodes(&world.models, [&small, &small, &small, &large, &large]);
        let one_cpu = list(&[("cpu", "1")]);
        assert_eq!(available(&world, Some(&one_cpu)), 28);
        world.summary.as_mut().expect("it has one").grades = counts;
        assert_eq!(available(&world, Some(&one_cpu)), 7);
        assert_eq!(Amount::units(1), one_cpu["cpu"]);
    }
}
