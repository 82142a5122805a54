//! What happens in the simulated world, and what goes first when several things happen at one instant.

use super::kernel::Class;
use crate::model::{ClusterId, NodeId, PoolId, ReplicaId, ServiceId};

/// Something that happens. A few ids: what it is about lies in the tables of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Carbon intensity or price of one or more regions changes.
    EnvironmentChanged,
    /// A new version of a service runs: which of its changes.
    ServiceChanged { service: ServiceId, change: u32 },
    /// A fault strikes.
    FaultBegan(u32),
    /// A fault is repaired; `victim` is what was drawn when it struck.
    FaultEnded { fault: u32, victim: u32 },
    /// The control plane calls a cluster lost.
    ClusterLossNoticed { cluster: ClusterId, outage: u32 },
    /// The control plane calls the replicas of a lost node lost.
    NodeLossNoticed { cluster: ClusterId, node: NodeId },
    /// A new node is ready.
    NodeBooted { cluster: ClusterId, pool: PoolId },
    /// A node that was empty when this was scheduled may be given back.
    NodeIdled { cluster: ClusterId, node: NodeId },
    /// The nodes of a cluster are looked through for unneeded ones.
    NodesScanned(ClusterId),
    /// A replica serves.
    ReplicaReadied(ReplicaId),
    /// A replica has ended.
    ReplicaDrained(ReplicaId),
    /// A task has run for its time.
    TaskCompleted(ReplicaId),
    /// A backlog is empty or full, or has changed enough to look again.
    FlowTurned(u32),
    /// A plan takes effect.
    PlanArrived,
    /// A move has waited too long for its new replicas.
    MoveOverdue { service: ServiceId, order: u32 },
    /// A service is scraped.
    Scraped(ServiceId),
    /// The conditions of services that wait for an event are looked at.
    ConditionsLooked,
    /// The series are sampled.
    Sampled,
    /// A decision is due.
    Decided,
    /// Tasks have come or gone: a decision is due between two ticks.
    TasksChanged,
    /// The sums of the run begin.
    WarmedUp,
    /// The run is over.
    Ended,
}

/// Order at one instant: first the world changes, then its flows, then plans arrive, then somebody looks, then somebody
/// decides. Rows of the trace come before all of them.
impl Event {
    /// The class of rows of the trace.
    pub(super) const LOAD: Class = Class(0);

    /// The class of this event.
    pub(super) const fn class(self) -> Class {
        Class(match self {
            Self::EnvironmentChanged => 1,
            Self::FaultBegan(_) | Self::FaultEnded { .. } | Self::ServiceChanged { .. } => 2,
            Self::ClusterLossNoticed { .. } | Self::NodeLossNoticed { .. } => 3,
            Self::NodeBooted { .. } | Self::NodeIdled { .. } | Self::NodesScanned(_) => 4,
            Self::ReplicaReadied(_) | Self::ReplicaDrained(_) | Self::TaskCompleted(_) => 5,
            Self::FlowTurned(_) => 6,
            Self::PlanArrived | Self::MoveOverdue { .. } => 7,
            Self::Scraped(_) => 8,
            Self::ConditionsLooked => 9,
            Self::WarmedUp | Self::Ended => 10,
            Self::Sampled => 11,
            Self::Decided => 12,
            Self::TasksChanged => 13,
        })
    }
}
