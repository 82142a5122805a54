//! The resource models that Karmada gives a cluster that joins, and how it counts nodes by them.
//!
//! Nine grades, each twice the last in CPU and memory: grade 3 is from 4 cores and 32 GiB on. A node belongs to the highest
//! grade whose lower ends it reaches in *every* resource, so a node of 8 cores and 16 GiB is of grade 2: 2 cores. That is why a
//! freshly joined cluster looks far emptier of room than it is.

use super::amount::{Amount, ResourceList};
use super::cluster::{Grade, GradeCount};

/// Lower ends of the default grades: cores, GiB.
const DEFAULTS: [(i64, i64); 9] =
    [(0, 0), (1, 4), (2, 16), (4, 32), (8, 64), (16, 128), (32, 256), (64, 512), (128, 1_024)];

/// The grades of a cluster whose owner states none.
pub fn default_grades() -> Vec<Grade> {
    let grade = |(grade, (cores, gib)): (u32, (i64, i64))| {
        let least = [("cpu", Amount::units(cores)), ("memory", Amount::units(gib << 30))];
        Grade { grade, least: least.into_iter().map(|(name, amount)| (name.to_owned(), amount)).collect() }
    };
    (0..).zip(DEFAULTS).map(grade).collect()
}

/// How many of the nodes, given by what is free on each, are in each grade. Nodes after the first that takes no more pods are
/// not counted: Karmada stops there.
pub fn count_nodes<'a>(grades: &[Grade], free: impl IntoIterator<Item = &'a ResourceList>) -> Vec<GradeCount> {
    let mut counts: Vec<GradeCount> = grades.iter().map(|one| GradeCount { grade: one.grade, count: 0 }).collect();
    for node in free {
        if node.get("pods").is_some_and(|pods| pods.value() <= 0) {
            break;
        }
        if let Some(index) = grade_of(grades, node) {
            counts[index].count += 1;
        }
    }
    counts
}

/// Place of the highest grade that the node reaches in every resource that the grades name.
fn grade_of(grades: &[Grade], node: &ResourceList) -> Option<usize> {
    let reaches =
        |grade: &&Grade| grade.least.iter().all(|(name, least)| node.get(name).copied().unwrap_or_default() >= *least);
    grades.iter().rposition(|grade| reaches(&grade))
}

#[cfg(test)]
mod tests {
    use super::{Amount, ResourceList, count_nodes, default_grades};

    fn node(cores: i64, gib: i64, pods: i64) -> ResourceList {
        let entries = [("cpu", cores), ("memory", gib << 30), ("pods", pods)];
        entries.into_iter().map(|(name, amount)| (name.to_owned(), Amount::units(amount))).collect()
    }

    fn counted(nodes: &[ResourceList]) -> Vec<i64> {
        count_nodes(&default_grades(), nodes).iter().map(|one| one.count).collect()
    }

    #[test]
    fn a_node_is_of_the_lower_grade_of_its_resources() {
        let nodes = [node(8, 16, 110), node(4, 32, 110), node(200, 2_000, 110), node(0, 999, 110)];
        assert_eq!(counted(&nodes), [1, 0, 1, 1, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_node_below_every_grade_is_in_none() {
        let mut short = node(1, 4, 110);
        short.insert("cpu".to_owned(), Amount::units(-1));
        assert_eq!(counted(&[short]).iter().sum::<i64>(), 0);
    }

    #[test]
    fn counting_stops_at_a_node_that_takes_no_pods() {
        assert_eq!(counted(&[node(1, 4, 110), node(1, 4, 0), node(1, 4, 110)]).iter().sum::<i64>(), 1);
    }
}
