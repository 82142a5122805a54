//! Karmada's scheduler, decision by decision as `karmada-scheduler` v1.18.2 takes it.
//!
//! A comparison with Karmada is worth what the Karmada in it is worth, and its corners decide: free capacity is what the
//! estimator believes and not what there is, scaling is incremental, ties fall by a hash of the object's UID, and some spread
//! constraints are ignored. So this is its algorithm, judged by decisions that were recorded from the real scheduler:
//!
//! filter → score → estimate → select clusters (spread) → divide the replicas, once for each affinity group until one works.
//!
//! It is pure and knows nothing of our own model beyond labels, taints and ids: [`schedule()`] takes member clusters as Karmada's
//! `Cluster` objects show them and a [`Binding`], and gives what would stand in the binding afterwards.
//!
//! Not here: workload affinity and workloads of several components (feature gates that are off by default), priorities and
//! quotas, and when a binding is scheduled at all. Where Karmada's own answer depends on chance (the order of its plugins
//! decides which of several obstacles a message names) a fixed order stands in.

mod amount;
mod cluster;
mod divide;
mod estimate;
mod filter;
mod grades;
mod groups;
mod placement;
mod schedule;
mod sort;
mod spread;
mod webster;

pub use amount::{Amount, AmountError, ResourceList};
pub use cluster::{Cluster, Grade, GradeCount, Summary};
pub use estimate::{available, unlimited};
pub use filter::Verdict;
pub use grades::{count_nodes, default_grades};
pub use placement::{Affinities, Affinity, AffinityTerm, Division, Field, Placement, SpreadConstraint, WeightRule};
pub use schedule::{Assigned, Binding, Failure, Outcome, World, schedule};
pub use webster::{Party, TieBreak, allocate};
