//! Nephele: the original's whole loop, as it runs when a graph is deployed and scaled.
//!
//! 1. A graph that is nowhere is placed naively, first fit in the order of declaration.
//! 2. Replicas are then decided cluster by cluster ([`nephele-scaling`](crate::policy::scaling::nephele)), and nothing moves.
//! 3. Only where a cluster is infeasible the graph is placed anew, with the fewest moves
//!    ([`nephele-placement`](crate::policy::placement::nephele_placement)), at the replicas that it had.
//!
//! So, as with the original, nobody reacts to the loss of a cluster: what was there is missed until a cluster becomes
//! infeasible. Replicas that find no room at home wait there for it; here they are refused, and asked for again at the next decision.

use super::{Entry, ParameterError, Parameters};
use crate::model::{Explanation, Plan, ServiceId, Snapshot, Wanted, Why, explanation};
use crate::policy::placement::draft::Draft;
use crate::policy::placement::greedy::fullness;
use crate::policy::placement::naive::{Naive, PreCheck};
use crate::policy::placement::nephele_placement::{NephelePlacement, Version};
use crate::policy::placement::rooms::Rooms;
use crate::policy::placement::whole::{Question, first};
use crate::policy::scaling::nephele::{self, NepheleScaling};
use crate::policy::{Budget, Context, Placement, Policy, PolicyError};
use crate::seed::Stream;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "nephele",
    summary: "the original's loop: first fit once, its scaling, and fewest moves where that is infeasible",
    about: "`naive` for what is nowhere yet; then `nephele-scaling` at home; `nephele-placement` only when a cluster cannot serve \
        what it hosts. Nothing reacts to the loss of a cluster. Source: deployment, scaling loop and re-placement of the \
        Synergetic Meta-Orchestrator.",
    parameters: nephele::PARAMETERS,
    build: |parameters| Ok(Box::new(Loop::read(parameters, Era::Service)?)),
};

/// Whose placements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// First fit, and fewest moves.
    Service,
    /// The program of 2024, see [`nephele_2024`](super::nephele_2024).
    Gurobi,
}

/// A scaling, and placements when it asks for them.
#[derive(Clone)]
pub(super) struct Loop {
    era: Era,
    scaling: NepheleScaling,
    naive: Naive,
    fewest_moves: NephelePlacement,
    rooms: Option<Rooms>,
    /// The last wish, where there are tasks besides.
    wish: Option<Wanted>,
}

impl Loop {
    pub fn read(parameters: &Parameters, era: Era) -> Result<Self, ParameterError> {
        Ok(Self {
            era,
            scaling: NepheleScaling::read(parameters)?,
            naive: Naive::new(PreCheck::Largest),
            fewest_moves: NephelePlacement::new(Version::Service),
            rooms: None,
            wish: None,
        })
    }

    /// Replicas of services, and of every class of tasks as many as there are; whether the scaling asks for a placement.
    fn wanted(&mut self, snapshot: &Snapshot) -> (Wanted, bool) {
        let kept = self.wish.take().filter(|_| !snapshot.is_tick);
        let asks = kept.is_none();
        let mut wanted = kept.unwrap_or_else(|| self.scaling.decide(snapshot));
        let asks = asks && self.scaling.asks_for_placement();
        self.wish = Some(wanted.clone());
        for class in snapshot.known.application.tasks() {
            wanted.replicas.push(snapshot.services[class].tasks);
            wanted.why.push(Why::new("tasks that are there", &[]));
        }
        (wanted, asks)
    }
}

impl Policy for Loop {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let (wanted, asks) = self.wanted(snapshot);
        let is_nowhere = {
            let rooms = Rooms::of_world(&mut self.rooms, snapshot);
            let question = Question::new(snapshot, &wanted, rooms);
            question.homes.values().all(Vec::is_empty)
        };
        let context = Context { budget, stream };
        let mut plan = match self.era {
            Era::Service if is_nowhere => self.naive.place(snapshot, &wanted, context)?,
            Era::Service if asks => self.fewest_moves.place(snapshot, &wanted, context)?,
            Era::Gurobi if is_nowhere || asks => {
                let rooms = Rooms::of_world(&mut self.rooms, snapshot);
                super::nephele_2024::place((snapshot, &wanted, rooms), is_nowhere, budget)
            }
            Era::Service | Era::Gurobi => at_home(snapshot, &wanted, Rooms::of_world(&mut self.rooms, snapshot)),
        };
        plan.why = wanted.why;
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        explanation::explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// Everything stays where it is and grows there as far as it can.
fn at_home(snapshot: &Snapshot, wanted: &Wanted, rooms: &Rooms) -> Plan {
    let mut draft = Draft::new(snapshot, wanted, rooms);
    draft.keep(fullness);
    let (services, classes): (Vec<ServiceId>, Vec<ServiceId>) =
        snapshot.services.ids().partition(|service| !snapshot.known.application.is_task(*service));
    for service in services {
        let homes = draft.targets().of(service).to_vec();
        for home in homes {
            let replicas = draft.room(service, home.cluster).min(draft.missing(service));
            draft.add(service, home.cluster, replicas);
        }
    }
    draft.fill(&classes, first);
    draft.finish(None, |_| None)
}
