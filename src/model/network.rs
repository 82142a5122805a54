//! Distances between clusters, and from the users to them: round-trip times and the price of traffic.

use super::id::{ClusterId, Table};
use crate::units::{Money, Ratio, Span};

/// Round trips and traffic prices between clusters, and where the users are.
#[derive(Debug, Clone)]
pub struct Network {
    /// Round-trip time from row to column.
    pub rtt: Table<ClusterId, Table<ClusterId, Span>>,
    /// Price of 10⁹ bytes from row to column.
    pub egress_per_gb: Table<ClusterId, Table<ClusterId, Money>>,
    /// Where users call from; their shares add up to one.
    pub origins: Vec<Origin>,
    /// How calls are shared among clusters.
    pub routing: Routing,
}

impl Network {
    /// Mean round trip from all users to `cluster`: `Σ share · rtt`.
    pub fn rtt_from_users(&self, cluster: ClusterId) -> Span {
        let weighed = self.origins.iter().map(|origin| u128::from(origin.share.0) * u128::from(origin.rtt[cluster].0));
        let mean = weighed.sum::<u128>() / u128::from(Ratio::ONE.0);
        Span(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// One hop: the shortest round trip with which every cluster reaches itself and another one.
    pub fn hop(&self) -> Span {
        let nearest = |(from, row): (ClusterId, &Table<ClusterId, Span>)| {
            let others = row.iter().filter(|(to, _)| *to != from).map(|(_, rtt)| *rtt);
            others.min().map_or(row[from], |nearest| nearest.max(row[from]))
        };
        self.rtt.iter().map(nearest).max().unwrap_or(Span::ZERO)
    }
}

/// A place from which users call.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Name.
    pub name: String,
    /// Its share of every entry service's requests.
    pub share: Ratio,
    /// Round-trip time to each cluster.
    pub rtt: Table<ClusterId, Span>,
    /// The cluster that counts as local: the nearest one; `None` where all are equally far.
    pub local: Option<ClusterId>,
}

/// How the calls of one source are shared among the clusters where the service is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// The local cluster up to four fifths of its ready capacity, what is left by what is left of the others' four fifths;
    /// beyond that by ready capacity. As implementations of the multi-cluster services API prefer local endpoints, and
    /// spill over before they are saturated.
    #[default]
    LocalFirst,
    /// In proportion to ready capacity, wherever the caller is.
    ByCapacity,
}
