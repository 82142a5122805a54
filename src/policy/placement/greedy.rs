//! Greedy best fit: the largest replica first, onto the fullest cluster that still has room.
//!
//! Large replicas go first so that small ones fill the gaps they leave. One pass, no backtracking: the plan is sound, not
//! optimal. `milp` is the yardstick. Replicas of one service may be split among clusters. What is there stays; surplus is
//! taken from the emptiest cluster, so that clusters empty out.
//!
//! Size of a replica: the largest, over all resources, of its request over what all reachable clusters offer together.

use super::draft::{Draft, Rank, unchanged};
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "greedy",
    summary: "largest replica first, onto the fullest cluster that still has room",
    about: "Size of a replica: max over resources of request ÷ what all reachable clusters offer. Best-fit decreasing: \
        the largest first, onto the open cluster with the smallest free share (mean of CPU and memory). O(replicas × \
        clusters), no backtracking. Source: best-fit decreasing for vector bin packing, Panigrahy et al., Heuristics \
        for vector bin packing, 2011.",
    parameters: &[Parameter {
        name: "by",
        default: "fullness",
        summary: "which cluster is best: `fullness`, or `price` (cheapest core first, the fullest among equals)",
    }],
    partner: "rate",
    build: |parameters| Ok(Box::new(Greedy { by: By::read(parameters)?, rooms: None })),
};

/// Which cluster is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Fullness,
    Price,
}

impl By {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        match parameters.get::<String>("by")?.as_str() {
            "fullness" => Ok(Self::Fullness),
            "price" => Ok(Self::Price),
            other => Err(parameters.invalid("by", format!("`{other}` is neither `fullness` nor `price`"))),
        }
    }

    fn rank(self) -> Rank {
        match self {
            Self::Fullness => fullness,
            Self::Price => cheapness,
        }
    }

    /// What the two numbers of a rank are called, with sign and unit.
    const fn terms(self) -> [Option<(&'static str, f64, &'static str)>; 2] {
        match self {
            Self::Fullness => [Some(("full", 1.0, "")), None],
            Self::Price => [Some(("a core", -1.0, "$/h")), Some(("full", 1.0, ""))],
        }
    }
}

/// Best fit decreasing.
#[derive(Clone)]
pub struct Greedy {
    by: By,
    rooms: Option<Rooms>,
}

impl Greedy {
    /// By fullness.
    pub const fn by_fullness() -> Self {
        Self { by: By::Fullness, rooms: None }
    }
}

impl Placement for Greedy {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot);
        if let Some(plan) = unchanged(snapshot, wanted, rooms, usize::MAX) {
            return Ok(plan);
        }
        let draft = Draft::new(snapshot, wanted, rooms);
        Ok(pack(draft, self.by.rank()).finish(None, |_| None))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: self.by.rank(), terms: self.by.terms(), next: next_with_room }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

/// The whole method on a draft: keep, then fill by falling size.
pub fn pack(mut draft: Draft<'_>, rank: Rank) -> Draft<'_> {
    draft.keep(rank);
    let incomplete = draft.incomplete();
    if !incomplete.is_empty() {
        let order = by_falling_size(draft.snapshot, incomplete);
        draft.fill(&order, rank);
    }
    draft
}

/// The fullest cluster is the best.
pub fn fullness(draft: &Draft<'_>, _: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [1.0 - draft.share_free(cluster, Resources::ZERO), 0.0]
}

/// The cheapest core is the best, the fullest cluster among equals.
pub fn cheapness(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [-draft.snapshot.clusters[cluster].price_per_core_hour, fullness(draft, service, cluster)[0]]
}

/// Services by falling size of a replica, by id among equals.
fn by_falling_size(snapshot: &Snapshot, mut services: Vec<ServiceId>) -> Vec<ServiceId> {
    let reachable = snapshot.clusters.values().filter(|view| view.reachable);
    let all: Resources = reachable.map(|view| view.allocatable_max).sum();
    let size = |service: ServiceId| {
        let amounts = snapshot.service(service).request.amounts().into_iter().zip(all.amounts());
        amounts.map(|(want, have)| want as f64 / have.max(1) as f64).fold(0.0, f64::max)
    };
    services.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
    services
}
