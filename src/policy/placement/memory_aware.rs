//! Memory-aware: the cluster placement of `MCBench`, a benchmark derived from the original.
//!
//! The original's re-placement with memory as a second capacity, asked as if everything were in the first cluster: so it puts as
//! many services there as fit and the others anywhere else, whatever is where. Whole services; one that fits nowhere
//! stops everything (the function returns nothing). Kept as it is: the first service is exempt from accelerators, which the
//! policy cannot keep, because no node would take it.

use super::Entry;
use super::nephele_placement::{RelocationError, nodes, quality};
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::whole::{Question, Solved, first, stopped};
use crate::model::{ClusterId, Explanation, Plan, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "memory-aware",
    summary: "whole services by CPU and memory, as many in the first cluster as fit: MCBench's cluster placement",
    about: "The original's min Σ x + Σ y·(y − x) with y all in the first cluster, Σ d·x ≤ K for CPU and for memory: as many \
        services as possible in the first cluster, the others anywhere. By certificate or search, see \
        `nephele-placement`. Source: the cluster placement of MCBench (SWNRG/nephele-scheduling-benchmarking).",
    parameters: &[],
    partner: "static",
    build: |_| Ok(Box::new(MemoryAware { rooms: None, solved: Solved::none() })),
};

/// As many as possible in the first cluster.
#[derive(Clone)]
pub struct MemoryAware {
    rooms: Option<Rooms>,
    solved: Solved,
}

impl Placement for MemoryAware {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        let question = Question::new(snapshot, wanted, rooms);
        let count = question.services.len();
        let mut problem = question.moves();
        for (_, service) in problem.services.iter_mut() {
            (service.home, service.more_homes) = (Some(ClusterId(0)), Vec::new());
        }
        match self.solved.solve(problem.clone(), nodes(context.budget)) {
            Ok(answer) => {
                let quality = quality(count, &answer);
                // Among equally good placements the one that is there stays.
                let settled = question.settled().filter(|places| problem.moves(places) <= answer.moves);
                Ok(question.answer(&settled.unwrap_or(answer.places), Some(quality)))
            }
            Err(_) => Ok(stopped(snapshot, wanted, rooms, &RelocationError::Infeasible.to_string())),
        }
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: first, terms: [Some(("in order", -1.0, "")), None], next: next_for_all }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
