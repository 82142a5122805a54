//! SMO placement: the original's re-placement without its faults.
//!
//! The question is the same, whole services with the fewest moves, and so is the method. What is different:
//!
//! | the original | here |
//! |---|---|
//! | stops altogether where one service fits nowhere | places all others; what fits in no cluster as a whole is split, what fits not at all is refused |
//! | an initial placement has no objective | the fullest cluster with room, so that large services find room later |
//! | CPU and a flag for accelerators | every resource, labels, taints, node sizes, accelerators by number and kind |
//! | capacity is what is left beside the application's own replicas, which are counted twice | what the application may have, its own included |
//! | the present placement by position of clusters | by cluster, so that one that joins or leaves changes nothing else |
//! | CPU as text, so that one core twice are eleven | integers |
//! | solver dependent ties, no limit, no gap | stated ties, a limit on nodes, a bound and whether it was met |
//!
//! Where no placement of whole services exists (or none is found), the method of [`greedy`](super::greedy) goes on from what is
//! there: largest replica first, split where need be.

use super::Entry;
use super::draft::Draft;
use super::greedy::{fullness, pack};
use super::nephele_placement::{nodes, quality};
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::whole::{Question, Solved, stays};
use crate::model::{Explanation, Plan, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "smo-placement",
    summary: "whole services with the fewest moves, split or refused only where they must be: the original repaired",
    about: "As `nephele-placement`, min moves by the certificate |F| + Σ κ_e and by search, on every resource and whatever else a \
        service demands. Where no placement of whole services exists, best-fit decreasing from what is there, replica by \
        replica; what has no room is refused, with the smallest remedy, and nothing else stops.",
    parameters: &[],
    partner: "smo-scaling",
    build: |_| Ok(Box::new(SmoPlacement { rooms: None, solved: Solved::none() })),
};

/// Fewest moves of whole services, then best fit of replicas.
#[derive(Clone)]
pub struct SmoPlacement {
    rooms: Option<Rooms>,
    solved: Solved,
}

impl Placement for SmoPlacement {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot);
        let question = Question::new(snapshot, wanted, rooms);
        let count = question.services.len();
        match self.solved.solve(question.moves(), nodes(context.budget)) {
            Ok(answer) => Ok(question.answer(&answer.places, Some(quality(count, &answer)))),
            Err(_) => Ok(pack(Draft::new(snapshot, wanted, rooms), fullness).finish(None, |_| None)),
        }
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let terms = [Some(("is there", 1.0, "")), None];
        ByRank { rank: stays, terms, next: next_for_all }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
