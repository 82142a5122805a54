//! Our own placement: all tiers of [`solver::anytime`](crate::solver::anytime), as a policy.
//!
//! The last answer and its prices of capacity are kept. As long as nothing is asked that was not asked before, the answer
//! stands, whether it has been carried out meanwhile or not. When little has changed, it is mended around the change, and
//! that is taken if it is proved to be about as good as the last answer was; only otherwise everything is decided anew.
//!
//! Where a scaling says what its replicas are to serve, their number is decided with their place: see [`needs`].

mod conflict;
mod demands;
pub mod needs;
pub mod pose;
pub mod reasons;
pub mod weigh;

use self::needs::Needs;
use self::pose::{Posed, pose};
use super::draft::Draft;
use super::greedy::{fullness, pack};
use super::rooms::{Clog, Rooms};
use crate::model::plan::{Quality, Stop};
use crate::model::{Explanation, Plan, Resources, ServiceId, Snapshot, Table, Targets, Wanted, id::Id};
use crate::policy::parameter::{Parameter, ParameterError, Parameters};
use crate::policy::{Context, Placement, PolicyError};
use crate::solver::anytime::problem::index;
use crate::solver::anytime::{Answer, Effort, Hint, Tiers, mend, solve};

/// What all policies of this engine take.
pub const PARAMETERS: &[Parameter] =
    &[Parameter { name: "gap", default: "0.01 %", summary: "share of the cost that is not worth searching for" }];

/// How much the gap may widen by mending, as a share of the objective, before everything is decided anew.
const GAP_OF_MENDING: f64 = 0.0025;

/// The share of services that may have changed for an answer to be mended.
const CHANGED_MAX: usize = 20;

/// Places up to which the greedy plan is worked out as well.
const GREEDY_MAX: usize = 20_000;

/// A placement by the engine.
#[derive(Clone)]
pub struct Engine {
    name: &'static str,
    tiers: Tiers,
    gap: f64,
    rooms: Option<Rooms>,
    solved: Option<Solved>,
}

/// The last question and its answer.
#[derive(Clone)]
struct Solved {
    asked: Asked,
    incumbent: Targets,
    targets: Targets,
    /// What the answer was taken to be an answer to: replicas of each service, wherever they are.
    wanted: Wanted,
    quality: Quality,
    starts: f64,
    prices: Vec<f64>,
}

/// What an answer depends on, besides where everything is.
#[derive(Clone, PartialEq)]
struct Asked {
    wanted: Table<ServiceId, u32>,
    /// Replicas by cluster that would serve what is to be served; then `wanted` is of no account.
    needs: Option<Needs>,
    clusters: Vec<(bool, Resources, u64, u64)>,
    /// Rates to a tenth, where calls or users are weighed: noise is no new question.
    rates: Vec<i64>,
    waiting: Vec<u32>,
    /// Clusters without room on single nodes.
    clogs: Vec<Clog>,
}

impl Engine {
    /// A policy of this engine.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn new(name: &'static str, tiers: Tiers, parameters: &Parameters) -> Result<Self, ParameterError> {
        let gap = parameters.ratio("gap", 0.0, 1.0)?.as_f64();
        Ok(Self { name, tiers, gap, rooms: None, solved: None })
    }

    fn answer(&self, (posed, asked): (&Posed, &Asked), draft: &Draft<'_>, effort: &Effort) -> Answer {
        let (problem, snapshot) = (&posed.problem, draft.snapshot);
        // What greedy would do is never better than the answer, where working it out costs little.
        let is_small = problem.places.len() <= GREEDY_MAX;
        let greedy = is_small.then(|| posed.counts(pack(draft.clone(), fullness).targets()));
        if let Some(known) = &self.solved {
            let answers = std::iter::once(posed.counts(&known.targets)).chain(greedy).collect();
            let hint = Hint { answers, prices: known.prices.clone() };
            let changed = known.changed(snapshot, asked);
            let gap = |objective: f64, bound: f64| (objective - bound) / objective.abs().max(1e-9);
            if changed.len() * CHANGED_MAX <= problem.services.len() {
                let answer = mend(problem, &hint, (&changed, effort));
                let before = known.quality.gap().unwrap_or(0.0);
                if gap(answer.objective, answer.bound) <= before.max(effort.gap) + GAP_OF_MENDING {
                    return answer;
                }
            }
            return solve(problem, &hint, effort);
        }
        let answers = std::iter::once(posed.counts(&snapshot.targets)).chain(greedy).collect();
        solve(problem, &Hint { answers, prices: Vec::new() }, effort)
    }
}

impl Placement for Engine {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot).clone();
        let asked = Asked { clogs: rooms.clogs().to_vec(), ..Asked::of(snapshot, wanted) };
        if self.solved.as_ref().is_none_or(|known| !known.answers(snapshot, &asked)) {
            self.solved = Some(self.solve(snapshot, (asked, wanted, &rooms), context.budget)?);
        }
        let known = self.solved.as_ref().expect("an answer has just been found");
        let draft = Draft::new(snapshot, &known.wanted, &rooms).with_targets(known.targets.clone());
        let mut plan = draft.finish(Some(known.quality_at(snapshot)), |_| None);
        if !wanted.why.is_empty() {
            plan.why = needs::reasons(wanted, &known.wanted);
        }
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let known = self.solved.as_ref();
        let prices = known.map_or(&[][..], |known| &known.prices);
        reasons::explain(snapshot, plan, (prices, known.and_then(|known| known.asked.needs.as_ref())))
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

impl Engine {
    /// Decides anew, from the last answer on where there is one.
    fn solve(
        &self,
        snapshot: &Snapshot,
        (asked, wish, rooms): (Asked, &Wanted, &Rooms),
        budget: &crate::policy::Budget,
    ) -> Result<Solved, PolicyError> {
        let failed = |reason: String| PolicyError { policy: self.name.to_owned(), reason };
        let most = needs::most(asked.needs.as_ref(), &asked.wanted);
        let draft = Draft::new(snapshot, &most, rooms);
        let mut posed = pose(&draft, asked.needs.as_ref()).map_err(|error| failed(error.to_string()))?;
        needs::limit_totals(&mut posed, snapshot);
        let crate::policy::Budget { nodes, steps, time } = *budget;
        let effort = Effort { nodes, steps, time, gap: self.gap, tiers: self.tiers };
        let answer = checked(&posed, &draft, self.answer((&posed, &asked), &draft, &effort));
        let targets = posed.targets(&answer.counts);
        let wanted = needs::wanted(snapshot, (&posed, &answer.counts), (&targets, wish, &most));
        let settled = Draft::new(snapshot, &wanted, rooms).with_targets(targets.clone()).settled().targets().clone();
        let (settled, wanted) = needs::top_up(snapshot, rooms, (settled, wanted));
        let Answer { objective, bound, tier, stop, prices, .. } = answer;
        let quality = Quality { objective, bound: Some(bound), tier, stop };
        let counts = posed.counts(&settled);
        let quality = if settled == targets {
            quality
        } else {
            // A rule was mended when everything was placed, or a split service topped up: the answer is another one, and the
            // bound holds for it too.
            Quality { objective: posed.problem.cost(&counts), stop: Stop::Heuristic, ..quality }
        };
        let starts = starts(&posed, &counts);
        Ok(Solved { asked, incumbent: snapshot.targets.clone(), targets: settled, wanted, quality, starts, prices })
    }
}

/// The answer; where it does not survive being counted again in integers, the greedy plan, which does: a policy never returns
/// nothing. The bound is of the problem and holds for both.
pub fn checked(posed: &Posed, draft: &Draft<'_>, answer: Answer) -> Answer {
    let problem = &posed.problem;
    if problem.admits(&answer.counts) {
        return answer;
    }
    let mut counts = posed.counts(pack(draft.clone(), fullness).settled().targets());
    problem.trim(&mut counts);
    let objective = problem.cost(&counts);
    Answer { bound: answer.bound.min(objective), counts, objective, tier: "greedy", stop: Stop::Heuristic, ..answer }
}

/// What the answer pays for replicas that start.
fn starts(posed: &Posed, counts: &[u32]) -> f64 {
    let places = posed.problem.places.iter().zip(counts);
    places.map(|(place, count)| f64::from(count.saturating_sub(place.incumbent)) * place.start).sum()
}

impl Asked {
    fn of(snapshot: &Snapshot, wanted: &Wanted) -> Self {
        let views = snapshot.clusters.values();
        let carbon = |seen: Option<f64>| seen.unwrap_or(f64::NAN).to_bits();
        let weights = snapshot.known.rules.weights;
        let has_calls = !snapshot.known.application.calls.is_empty() && weights.egress != 0.0;
        let rates = if has_calls || weights.latency != 0.0 {
            snapshot
                .services
                .values()
                .map(|view| view.rate.value.map_or(-1, |rate| tenths(rate.per_second())))
                .collect()
        } else {
            Vec::new()
        };
        let tasks = snapshot.known.application.tasks();
        let needs = needs::of(snapshot, wanted);
        // A number that follows from what is to be served says nothing more.
        let count = |(service, count): (ServiceId, &u32)| {
            if needs.as_ref().is_some_and(|needs| needs[service].is_some()) { 0 } else { *count }
        };
        Self {
            wanted: wanted.replicas.iter().map(count).collect(),
            needs,
            clusters: views
                .map(|view| {
                    let carbon = if weights.carbon == 0.0 { 0 } else { carbon(view.carbon.value) };
                    (view.reachable, view.allocatable_max, view.price_per_core_hour.to_bits(), carbon)
                })
                .collect(),
            rates,
            waiting: tasks.map(|class| snapshot.services[class].count(crate::model::Phase::Pending)).collect(),
            clogs: Vec::new(),
        }
    }
}

/// A rate to about a tenth of itself.
#[expect(clippy::cast_possible_truncation, reason = "logarithms of rates are small")]
fn tenths(rate: f64) -> i64 {
    if rate <= 0.0 { i64::MIN } else { (rate.ln() * 10.0).round() as i64 }
}

impl Solved {
    fn answers(&self, snapshot: &Snapshot, asked: &Asked) -> bool {
        self.asked == *asked && (snapshot.targets == self.targets || snapshot.targets == self.incumbent)
    }

    /// Services of which another number is wanted than was, or that are elsewhere than was planned, and those in clusters that
    /// have changed.
    fn changed(&self, snapshot: &Snapshot, now: &Asked) -> Vec<u32> {
        let moved = |cluster: u32| self.asked.clusters.get(cluster as usize) != now.clusters.get(cluster as usize);
        let need = |asked: &Asked, service: ServiceId| {
            (asked.needs.as_ref().and_then(|needs| needs[service].clone()), asked.wanted.get(service).copied())
        };
        let is_changed = |service: &ServiceId| {
            let targets = self.targets.of(*service);
            need(&self.asked, *service) != need(now, *service)
                || snapshot.targets.of(*service) != targets
                || targets.iter().any(|target| moved(target.cluster.0))
        };
        snapshot.services.ids().filter(is_changed).map(|service| index(service.index())).collect()
    }

    /// Quality once the plan is carried out: nothing starts any more. The bound sinks by as much as the objective does,
    /// because starts obey the triangle inequality: what would be saved by another plan now could have been saved then.
    fn quality_at(&self, snapshot: &Snapshot) -> Quality {
        if snapshot.targets == self.incumbent {
            return self.quality;
        }
        let bound = self.quality.bound.map(|bound| bound - self.starts);
        Quality { objective: self.quality.objective - self.starts, bound, stop: self.stop(), ..self.quality }
    }

    const fn stop(&self) -> Stop {
        self.quality.stop
    }
}
