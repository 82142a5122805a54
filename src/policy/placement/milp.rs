//! MILP: the cheapest assignment, as a mixed-integer program, with a bound on how much cheaper any other could be.
//!
//! What it pays for: each replica the price of its cores where it runs, each replica that newly starts in a cluster a
//! price for the disturbance (that is what keeps incumbents where they are), each cluster that is used a price if one is
//! given, and each refused replica more than all else together. See [`assignment`](crate::solver::assignment).
//!
//! Where no cluster runs short, services do not get in each other's way and the optimum is found without a solver (tier
//! `separable`). Where one does, `HiGHS` searches (tier `milp`), and its answer is taken if it is cheaper than the greedy
//! plan by more than the gap. When it fails, or its answer does not survive being counted in integers, the greedy plan
//! stands without a bound (tier `greedy`). The same question is not solved twice: as long as wishes, clusters and prices
//! stay the same, so does the plan, whether it has been carried out meanwhile or not.
//! Among clusters that cost the same the lowest id is taken, by a price difference of a hundred-thousandth.

use super::draft::Draft;
use super::greedy::{fullness, pack};
use super::milp_reasons;
use super::rooms::{Clog, Rooms};
use super::{Entry, Parameter};
use crate::model::breach::Counts;
use crate::model::check::loads;
use crate::model::plan::{Quality, Stop, Target};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Table, Targets, Wanted, id::Id};
use crate::policy::{Budget, Context, Placement, PolicyError};
use crate::solver::assignment::{Assignment, Demand, Place};
use crate::solver::milp::{self, Limits};
use crate::solver::separable;
use crate::units::{Money, Ratio};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "milp",
    summary: "the cheapest assignment by HiGHS, moves priced, with bound and gap",
    about: "min Σ price(e)·cpu(s)·r(s,e) + move·(r(s,e) − now(s,e))⁺ + activate·used(e) + shortage·refused(s), Σ_e \
        r(s,e) + refused(s) = wanted(s), Σ_s request(s)·r(s,e) ≤ room(e). Solved apart for each service where no \
        cluster runs short, by HiGHS (branch and cut, node-limited, one thread) otherwise; every answer is recounted \
        in integers.",
    parameters: &[
        Parameter {
            name: "move",
            default: "0.02 $",
            summary: "price of starting one replica in a cluster, against an hour's price",
        },
        Parameter { name: "activate", default: "0 $", summary: "price of using a cluster at all, per hour" },
        Parameter { name: "gap", default: "0.01 %", summary: "share of the cost that is not worth searching for" },
    ],
    partner: "rate",
    build: |parameters| {
        Ok(Box::new(Milp {
            start: parameters.get("move")?,
            activation: parameters.get("activate")?,
            gap: parameters.ratio("gap", 0.0, 1.0)?,
            rooms: None,
            solved: None,
        }))
    },
};

/// A price difference between clusters that are equally good, as a share of the dearest replica.
const TIE: f64 = 1e-5;

/// Price of a refused replica, as a multiple of the dearest one that is placed and started.
const SHORTAGE: f64 = 1e3;

/// The cheapest assignment.
#[derive(Clone)]
pub struct Milp {
    start: Money,
    activation: Money,
    gap: Ratio,
    rooms: Option<Rooms>,
    solved: Option<Solved>,
}

/// The last question and its answer.
#[derive(Clone)]
struct Solved {
    wanted: Table<ServiceId, u32>,
    clusters: Vec<(bool, Resources, u64)>,
    clogs: Vec<Clog>,
    incumbent: Targets,
    targets: Targets,
    quality: Quality,
    cost_of_starts: f64,
}

impl Placement for Milp {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot).clone();
        let draft = Draft::new(snapshot, wanted, &rooms);
        let known = self.solved.take().filter(|solved| solved.answers(snapshot, (wanted, rooms.clogs())));
        let solved = known.unwrap_or_else(|| self.solve(draft.clone(), context.budget));
        let plan = draft.with_targets(solved.targets.clone()).finish(Some(solved.quality_at(snapshot)), |_| None);
        self.solved = Some(solved);
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        milp_reasons::explain(snapshot, plan, |draft| self.problem(draft))
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

impl Milp {
    fn solve(&self, draft: Draft<'_>, budget: &Budget) -> Solved {
        let (snapshot, wanted) = (draft.snapshot, draft.wanted);
        let clogs = draft.rooms.clogs().to_vec();
        let mut problem = self.problem(&draft);
        let (greedy, fixed) = split(&problem, pack(draft, fullness).settled().targets());
        problem.capacity = capacity_beside(snapshot, &problem, &fixed);
        want_beside(&mut problem, &fixed);
        let running = problem.cost(&greedy) - problem.cost_of_shortage(&greedy);
        let limits = Limits { nodes: budget.nodes, time: budget.time, gap: running * self.gap.as_f64() };
        let keeps_rules = |targets: &Targets| keeps_rules(snapshot, (targets, &greedy), &fixed);
        let (best, quality) = best(&problem, (greedy.clone(), &keeps_rules), &limits);
        Solved {
            wanted: wanted.replicas.clone(),
            clusters: state_of_clusters(snapshot),
            clogs,
            incumbent: snapshot.targets.clone(),
            quality,
            cost_of_starts: problem.cost_of_starts(&best),
            targets: best.iter().chain(fixed.iter()).copied().collect(),
        }
    }

    /// The problem of placing what the draft wants.
    fn problem(&self, draft: &Draft<'_>) -> Assignment {
        let Snapshot { clusters, services, .. } = draft.snapshot;
        let cores = |service: ServiceId| draft.snapshot.service(service).request.cpu.cores();
        let price = |service, cluster: ClusterId| {
            let price = clusters[cluster].price_per_core_hour * cores(service);
            if price.is_finite() { price } else { 0.0 } // a cluster without nodes has no price
        };
        let every = || services.ids().flat_map(|service| clusters.ids().map(move |cluster| (service, cluster)));
        let dearest = every().map(|(service, cluster)| price(service, cluster)).fold(1e-3, f64::max);
        let place = |service, cluster: ClusterId| {
            let (wanted, incumbent) = (draft.wanted.replicas[service], draft.snapshot.targets.get(service, cluster));
            let most = draft.most(service, cluster);
            let most = if draft.is_too_far(service, cluster) { most.min(incumbent) } else { most };
            let stays = draft.home(service) == Some(cluster)
                || (draft.is_frozen(service) && most >= incumbent)
                || (draft.snapshot.known.application.is_task(service) && most >= incumbent);
            let least = if stays { incumbent.min(wanted) } else { 0 };
            let most = if most == 0 { 0 } else { most.min(wanted).max(least) };
            let tie = dearest * TIE * cluster.index() as f64 / clusters.len() as f64;
            Place { cluster, least, most, incumbent, cost: price(service, cluster) + tie }
        };
        let demand = |service| {
            let places = clusters.ids().map(|cluster| place(service, cluster)).filter(|place| place.most > 0);
            let request = draft.snapshot.service(service).request;
            let is_single = draft.snapshot.service(service).pinned;
            let mut demand = Demand { request, wanted: 0, is_single, places: places.collect() };
            demand.wanted = if demand.places.is_empty() { 0 } else { draft.wanted.replicas[service] };
            demand
        };
        Assignment {
            capacity: clusters.values().map(|view| view.allocatable_max).collect(),
            demands: services.ids().map(demand).collect(),
            start: self.start.0,
            activation: self.activation.0,
            shortage: SHORTAGE * (dearest + self.start.0 + self.activation.0),
        }
    }
}

/// Whether `targets` break no hard rule by more than the greedy plan does, which was made with the rules in mind.
fn keeps_rules(snapshot: &Snapshot, (targets, greedy): (&Targets, &Targets), fixed: &Targets) -> bool {
    if !snapshot.known.rules.has_hard() {
        return true;
    }
    let all = |targets: &Targets| targets.iter().chain(fixed.iter()).copied().collect::<Targets>();
    let (targets, greedy) = (all(targets), all(greedy));
    let (ours, theirs) = (Counts::of(snapshot, &targets), Counts::of(snapshot, &greedy));
    let mut hard = snapshot.known.rules.demands.iter().filter(|demand| demand.price.is_none());
    hard.all(|demand| ours.units(&demand.rule) <= theirs.units(&demand.rule))
}

/// The cheaper one of the greedy plan and of what the first method that fits has found, with what is known about it. The
/// problem does not know of rules: where its answer breaks them, the greedy plan stands, and the bound still holds.
fn best(
    problem: &Assignment,
    (greedy, keeps_rules): (Targets, &dyn Fn(&Targets) -> bool),
    limits: &Limits,
) -> (Targets, Quality) {
    let of =
        |tier, targets: &Targets, bound| Quality { objective: problem.cost(targets), bound, tier, stop: Stop::Optimal };
    if let Some(targets) = separable::solve(problem) {
        if !keeps_rules(&targets) {
            let bound = Some(problem.cost(&targets));
            let quality = Quality { stop: Stop::Heuristic, ..of("greedy", &greedy, bound) };
            return (greedy, quality);
        }
        let quality = of("separable", &targets, Some(problem.cost(&targets)));
        return (targets, quality);
    }
    let Ok(answer) = milp::solve(problem, limits) else {
        let quality = Quality { stop: Stop::Heuristic, ..of("greedy", &greedy, None) };
        return (greedy, quality);
    };
    let worth = problem.cost(&greedy) - limits.gap.max(1e-9);
    let is_answer = answer.targets.as_ref().is_none_or(keeps_rules);
    let cheaper = |targets: &Targets| problem.cost(targets) < worth && keeps_rules(targets);
    let targets = answer.targets.filter(cheaper).unwrap_or(greedy);
    let (tier, stop) = if is_answer { ("milp", answer.stop) } else { ("greedy", Stop::Heuristic) };
    let quality = Quality { stop, ..of(tier, &targets, Some(answer.bound)) };
    (targets, quality)
}

impl Solved {
    fn answers(&self, snapshot: &Snapshot, (wanted, clogs): (&Wanted, &[Clog])) -> bool {
        self.wanted == wanted.replicas
            && self.clogs == clogs
            && (snapshot.targets == self.targets || snapshot.targets == self.incumbent)
            && self.clusters == state_of_clusters(snapshot)
    }

    /// Quality once the plan is carried out: nothing starts any more. The bound sinks by as much as the objective does,
    /// because starts obey the triangle inequality: what would be saved by another plan now could have been saved then.
    fn quality_at(&self, snapshot: &Snapshot) -> Quality {
        if snapshot.targets == self.incumbent {
            return self.quality;
        }
        let bound = self.quality.bound.map(|bound| bound - self.cost_of_starts);
        Quality { objective: self.quality.objective - self.cost_of_starts, bound, ..self.quality }
    }
}

/// What of the clusters the problem depends on.
fn state_of_clusters(snapshot: &Snapshot) -> Vec<(bool, Resources, u64)> {
    let views = snapshot.clusters.values();
    views.map(|view| (view.reachable, view.allocatable_max, view.price_per_core_hour.to_bits())).collect()
}

/// What clusters have for the problem: what they offer beside `fixed`, and at least what pinned services hold there, be it
/// more than is offered.
fn capacity_beside(snapshot: &Snapshot, problem: &Assignment, fixed: &Targets) -> Table<ClusterId, Resources> {
    let fixed = loads(snapshot, fixed);
    let held = problem.demands.iter().flat_map(|(service, demand)| {
        let target = move |place: &Place| Target { service, cluster: place.cluster, replicas: place.least };
        demand.places.iter().map(target)
    });
    let held = loads(snapshot, &held.collect());
    let larger = |a: Resources, b: Resources| {
        let mut amounts = a.amounts();
        for (amount, other) in amounts.iter_mut().zip(b.amounts()) {
            *amount = other.max(*amount);
        }
        Resources::from_amounts(amounts)
    };
    let views = snapshot.clusters.iter();
    views.map(|(cluster, view)| larger(view.allocatable_max.saturating_sub(fixed[cluster]), held[cluster])).collect()
}

/// Replicas that `fixed` holds are not wanted once more.
fn want_beside(problem: &mut Assignment, fixed: &Targets) {
    for target in fixed {
        let demand = &mut problem.demands[target.service];
        let least: u32 = demand.places.iter().map(|place| place.least).sum();
        demand.wanted = demand.wanted.saturating_sub(target.replicas).max(least.min(demand.wanted));
        for place in &mut demand.places {
            place.most = place.most.min(demand.wanted).max(place.least);
        }
    }
}

/// `targets` that the problem speaks of, and those that it does not: pinned where nothing can be changed.
fn split(problem: &Assignment, targets: &Targets) -> (Targets, Targets) {
    let (inside, outside): (Vec<_>, Vec<_>) = targets
        .iter()
        .copied()
        .partition(|target| problem.demands[target.service].places.iter().any(|place| place.cluster == target.cluster));
    (inside.into_iter().collect(), outside.into_iter().collect())
}
