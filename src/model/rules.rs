//! What a plan has to keep and what it is weighed by, beyond room and the bounds of a service: declared as data, so that
//! every policy, the checker and every report mean the same by them.
//!
//! A rule is hard (a plan that makes it wrong is unsound) or has a price for each unit by which it is broken. What is
//! already broken when a policy looks is not held against a plan that makes it no worse: fix first, never worsen.
//! Where a service may run at all is no rule: that is [`NodeTerms`](super::NodeTerms).

use super::id::ServiceId;
use crate::units::{Money, Ratio, Span};

/// Everything that is demanded of plans, and what they are weighed by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// The demands, in the order of their declaration.
    pub demands: Vec<Demand>,
    /// The weights.
    pub weights: Weights,
}

/// One demand and how serious it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// What is demanded.
    pub rule: Rule,
    /// Price of one unit by which it is broken, for an hour; `None` where it must not be broken at all.
    pub price: Option<Money>,
}

/// What is demanded.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The services run in the same clusters: every cluster that has replicas of one has replicas of all.
    Together(Vec<ServiceId>),
    /// No cluster has replicas of two of the services.
    Apart(Vec<ServiceId>),
    /// The replicas of the service lie in at least so many domains (or in as many as it has replicas).
    Spread {
        /// Whose replicas.
        service: ServiceId,
        /// Over what.
        over: Domain,
        /// In how many.
        at_least: u32,
    },
    /// No domain has more than this share of the service's replicas, rounded up to whole replicas.
    Share {
        /// Whose replicas.
        service: ServiceId,
        /// Over what.
        over: Domain,
        /// Of all its replicas.
        at_most: Ratio,
    },
    /// Whichever one domain is lost, at least so many replicas are left.
    Survive {
        /// Whose replicas.
        service: ServiceId,
        /// What is lost.
        over: Domain,
        /// What is left.
        at_least: u32,
    },
    /// Every cluster with replicas of the service is at most so far from all users (weighted by their shares: the mean).
    NearUsers {
        /// Whose replicas.
        service: ServiceId,
        /// Mean round trip from the users.
        rtt_max: Span,
    },
    /// From every cluster that has replicas of `from` there is one with replicas of `to` at most so far away.
    Near {
        /// The caller.
        from: ServiceId,
        /// The one called.
        to: ServiceId,
        /// Round trip between them.
        rtt_max: Span,
    },
    /// The replicas that the service has stay where they are, as long as they may.
    Frozen(ServiceId),
    /// All that runs costs no more than this in an hour, by the prices of cores.
    Budget(Money),
}

/// What is lost or spread over as one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// A cluster.
    Cluster,
    /// All clusters of a region.
    Region,
}

/// What a unit of each cost term weighs, against one dollar of one hour. A weight of zero leaves the term out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Dollars that cores cost by the hour.
    pub cost: f64,
    /// Dollars that traffic between clusters costs by the hour.
    pub egress: f64,
    /// Dollars for one request per second that waits one second for the network.
    pub latency: f64,
    /// Dollars for a kilogram of CO₂e.
    pub carbon: f64,
    /// Dollars for each replica that starts in another cluster than it was, and for each GiB of its state.
    pub moves: f64,
    /// Dollars an hour for using a cluster at all.
    pub activation: f64,
    /// Dollars an hour for the share of its CPU by which the fullest cluster exceeds the mean.
    pub balance: f64,
    /// Dollars an hour for each replica that is wanted and not placed.
    pub shortage: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            cost: 1.0,
            egress: 1.0,
            latency: 0.0,
            carbon: 0.0,
            moves: 0.02,
            activation: 0.0,
            balance: 0.0,
            shortage: 1_000.0,
        }
    }
}
