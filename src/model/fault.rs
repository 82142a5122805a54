//! What breaks, when, and for how long.

use super::id::{ClusterId, ServiceId};
use crate::units::{Span, Time};

/// What a fault takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultTarget {
    /// All nodes of the cluster stop; it is unreachable.
    Cluster(ClusterId),
    /// One node of the cluster, drawn at random, stops with all that runs there.
    Node(ClusterId),
    /// One ready replica of the service, drawn at random, crashes; it starts again on its node.
    Replica(ServiceId),
    /// Calls between the two clusters, in both directions.
    Link(ClusterId, ClusterId),
    /// All telemetry: scrapes see nothing.
    Telemetry,
}

/// Faults of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What is lost.
    pub target: FaultTarget,
    /// When.
    pub when: FaultTimes,
}

/// When faults come.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultTimes {
    /// At these instants, each for so long, by rising instant.
    Listed(Vec<(Time, Span)>),
    /// Again and again: time between failures and time to repair, both exponential, drawn from the run's seed.
    Random {
        /// Mean time from a repair to the next failure.
        mean_between: Span,
        /// Mean time to repair.
        mean_repair: Span,
    },
}
