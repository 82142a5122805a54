//! A member cluster as the control plane sees it: the parts of Karmada's `Cluster` object that its scheduler reads.

use super::amount::{Amount, ResourceList};
use crate::model::Taint;
use std::collections::BTreeMap;

/// A member cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Provider; empty where it has none.
    pub provider: String,
    /// Region; empty where it has none.
    pub region: String,
    /// Zones.
    pub zones: Vec<String>,
    /// Taints of the whole cluster.
    pub taints: Vec<Taint>,
    /// Whether it serves the API of the workload.
    pub serves_api: bool,
    /// Resource models of its spec, by rising grade.
    pub models: Vec<Grade>,
    /// What it reports of its resources, if it does.
    pub summary: Option<Summary>,
}

/// `status.resourceSummary`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// What all nodes offer.
    pub allocatable: ResourceList,
    /// What pods on nodes ask for.
    pub allocated: ResourceList,
    /// What pods without a node ask for.
    pub allocating: ResourceList,
    /// Nodes by grade; empty where grades are not counted.
    pub grades: Vec<GradeCount>,
}

/// One grade of nodes: from this much of each resource on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// Its number.
    pub grade: u32,
    /// The lower end of its range, by resource.
    pub least: ResourceList,
}

/// How many nodes are in a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradeCount {
    /// Number of the grade.
    pub grade: u32,
    /// Nodes; a negative count is a broken status, which Karmada does not use.
    pub count: i64,
}

impl Summary {
    /// What is left of a resource: allocatable − allocated − allocating. `None` where none is offered at all.
    pub fn left(&self, resource: &str) -> Option<Amount> {
        let offered = *self.allocatable.get(resource)?;
        let of = |list: &ResourceList| list.get(resource).copied().unwrap_or_default();
        Some(offered.minus(of(&self.allocated)).minus(of(&self.allocating)))
    }

    /// Pods that may still be created; never negative.
    pub fn pods_left(&self) -> i64 {
        let of = |list: &ResourceList| list.get("pods").copied().unwrap_or_default().value();
        of(&self.allocatable).saturating_sub(of(&self.allocated)).saturating_sub(of(&self.allocating)).max(0)
    }
}
