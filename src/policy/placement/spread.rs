//! Spread: each replica goes where the largest share is free afterwards.
//!
//! kube-scheduler's `LeastAllocated`, over clusters instead of nodes: the mean of the free shares of CPU and memory, ties
//! to the lowest id. Services are placed in the order of their declaration. What is there stays, so clusters even out as
//! replicas come and go, not by moving them; surplus is taken from the cluster with the smallest free share.

use super::Entry;
use super::draft::{Draft, unchanged};
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "spread",
    summary: "each replica onto the cluster with the largest free share of CPU and memory",
    about: "score(e) = ½·(free CPU ÷ all CPU + free memory ÷ all memory) with the replica in place; the highest wins, \
        the lowest id among equals. Source: kube-scheduler, plugin NodeResourcesFit, strategy LeastAllocated, with \
        clusters in place of nodes.",
    parameters: &[],
    partner: "rate",
    build: |_| Ok(Box::new(Spread { rooms: None })),
};

/// Least allocated first.
#[derive(Clone)]
pub struct Spread {
    rooms: Option<Rooms>,
}

impl Placement for Spread {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot);
        if let Some(plan) = unchanged(snapshot, wanted, rooms, usize::MAX) {
            return Ok(plan);
        }
        let mut draft = Draft::new(snapshot, wanted, rooms);
        draft.keep(freedom);
        draft.fill(&draft.incomplete(), freedom);
        Ok(draft.finish(None, |_| None))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let terms = [Some(("free with one more", 1.0, "")), None];
        ByRank { rank: freedom, terms, next: next_with_room }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

/// The cluster that is freest with one replica more is the best.
pub(super) fn freedom(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [draft.share_free(cluster, draft.snapshot.service(service).request), 0.0]
}
