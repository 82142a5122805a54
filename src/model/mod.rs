//! What the world is made of: plain data, with no input or output, no clock and no randomness.
//!
//! Every stage speaks in these types and no stage owns another's. What a policy may know is a [`Snapshot`], what it may
//! say is a [`Plan`], what ever comes back from a backend is an [`Observation`]; [`check`] is the one judge of plans and
//! [`binding`] the one answer to which node takes a replica.

pub mod action;
pub mod application;
pub mod autoscaler;
pub mod binding;
pub mod breach;
pub mod capacity;
pub mod check;
pub mod cluster;
pub mod condition;
pub mod connection;
pub mod control;
pub mod delay;
pub mod environment;
pub mod expectation;
pub mod explanation;
pub mod fault;
pub mod figures;
pub mod gate;
pub mod id;
pub mod intent;
pub mod network;
pub mod observation;
pub mod occupied;
pub mod peers;
pub mod plan;
pub mod rails;
pub mod reassignment;
pub mod resources;
pub mod rules;
pub mod scenario;
pub mod selector;
pub mod snapshot;
pub mod suite;
pub mod task;
pub mod window;
pub mod workload;

pub use application::{Application, Call, Service, Slo};
pub use capacity::{Capacity, CapacityByClass};
pub use cluster::{Cluster, NodeTerms, Pool, Taint, TaintEffect, Toleration};
pub use control::{Control, Rails, Telemetry};
pub use delay::Delay;
pub use expectation::Expectation;
pub use explanation::Explanation;
pub use id::{ActionId, ClusterId, NodeId, PoolId, ReplicaId, ServiceId, Table};
pub use observation::{Observation, Sample, Totals};
pub use occupied::Occupied;
pub use peers::PeerTerms;
pub use plan::{Plan, Refusal, Targets, Wanted, Why};
pub use resources::Resources;
pub use rules::Rules;
pub use scenario::Scenario;
pub use selector::Selector;
pub use snapshot::{ClusterView, Phase, ReplicaGroup, Seen, ServiceView, Snapshot};
pub use task::{TaskRow, TaskSource};
