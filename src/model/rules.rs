//! What a plan has to keep and what it is weighed by, beyond room and the bounds of a service: declared as data, so that
//! every policy, the checker and every report mean the same by them.
//!
//! A rule is hard (a plan that makes it wrong is unsound) or has a price for each unit by which it is broken. What is
//! already broken when a policy looks is not held against a plan that makes it no worse: fix first, never worsen.
//! Where a service may run at all is no rule: that is [`NodeTerms`](super::NodeTerms).

use super::id::ServiceId;
use super::scenario::Known;
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
    /// The replicas that the service has stay where they are, as long as they may: none is started elsewhere in their place.
    Frozen(ServiceId),
    /// All that runs costs no more than this in an hour, by the prices of cores.
    Budget(Money),
}

impl Rule {
    /// Whom it is about; nobody where it is about all.
    pub fn services(&self) -> Vec<ServiceId> {
        match self {
            Self::Together(services) | Self::Apart(services) => services.clone(),
            Self::Near { from, to, .. } => vec![*from, *to],
            Self::Spread { service, .. }
            | Self::Share { service, .. }
            | Self::Survive { service, .. }
            | Self::NearUsers { service, .. }
            | Self::Frozen(service) => vec![*service],
            Self::Budget(_) => Vec::new(),
        }
    }

    /// Whether it is about `service`, be it as one of all.
    pub fn concerns(&self, service: ServiceId) -> bool {
        match self {
            Self::Together(services) | Self::Apart(services) => services.contains(&service),
            Self::Near { from, to, .. } => *from == service || *to == service,
            Self::Spread { service: one, .. }
            | Self::Share { service: one, .. }
            | Self::Survive { service: one, .. }
            | Self::NearUsers { service: one, .. }
            | Self::Frozen(one) => *one == service,
            Self::Budget(_) => true,
        }
    }

    /// The rule as a person would say it.
    pub fn words(&self, known: &Known) -> String {
        let name = |service: &ServiceId| known.application.services[*service].name.as_str();
        let all = |services: &[ServiceId]| services.iter().map(name).collect::<Vec<_>>().join(", ");
        match self {
            Self::Together(services) => format!("{} in the same clusters", all(services)),
            Self::Apart(services) => format!("{} in different clusters", all(services)),
            Self::Spread { service, over, at_least } => {
                format!("{} in at least {at_least} {}s", name(service), over.word())
            }
            Self::Share { service, over, at_most } => {
                format!("at most {} of {} in one {}", at_most, name(service), over.word())
            }
            Self::Survive { service, over, at_least } => {
                format!("{at_least} of {} left when a {} is lost", name(service), over.word())
            }
            Self::NearUsers { service, rtt_max } => format!("{} within {rtt_max} of its users", name(service)),
            Self::Near { from, to, rtt_max } => format!("{} within {rtt_max} of {}", name(to), name(from)),
            Self::Frozen(service) => format!("{} stays where it is", name(service)),
            Self::Budget(most) => format!("at most {most} an hour"),
        }
    }
}

impl Rules {
    /// Whether something is demanded that must not be broken.
    pub fn has_hard(&self) -> bool {
        self.demands.iter().any(|demand| demand.price.is_none())
    }
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

impl Domain {
    /// What one is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Region => "region",
        }
    }
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
