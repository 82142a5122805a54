//! MILP: the cheapest assignment, as a mixed-integer program, with a bound on how much cheaper any other could be.
//!
//! What it pays for: each replica the price of its cores where it runs, each replica that newly starts in a cluster a
//! price for the disturbance (that is what keeps incumbents where they are), each cluster that is used a price if one is
//! given, and each refused replica more than all else together. See [`assignment`](crate::solver::assignment).
//!
//! It starts from the greedy plan, so it is never worse than that by its own measure, and falls back to it when the
//! solver fails or its answer does not survive being counted in integers. The same question is not solved twice: as long
//! as wishes, clusters and prices stay the same, so does the plan, whether it has been carried out meanwhile or not.
//! Among clusters that cost the same the lowest id is taken, by a price difference of a hundred-thousandth.

use super::draft::Draft;
use super::greedy::{fullness, pack};
use super::rooms::Rooms;
use super::{Entry, Parameter};
use crate::model::check::loads;
use crate::model::plan::{Quality, Stop};
use crate::model::{ClusterId, Plan, Resources, ServiceId, Snapshot, Table, Targets, Wanted, id::Id};
use crate::policy::{Budget, Context, Placement, PolicyError};
use crate::solver::assignment::{Assignment, Demand, Place};
use crate::solver::milp::{Limits, solve};
use crate::units::{Money, Ratio};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "milp",
    summary: "the cheapest assignment by HiGHS, moves priced, with bound and gap",
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
    incumbent: Targets,
    targets: Targets,
    quality: Quality,
    cost_of_starts: f64,
}

impl Placement for Milp {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let mut rooms = self.rooms.take();
        let draft = Draft::new(snapshot, wanted, Rooms::of_world(&mut rooms, snapshot));
        if !self.solved.as_ref().is_some_and(|solved| solved.answers(snapshot, wanted)) {
            self.solved = Some(self.solve(draft.clone(), context.budget));
        }
        let solved = self.solved.as_ref().expect("it was solved just now");
        let plan = draft.with_targets(solved.targets.clone()).finish(Some(solved.quality_at(snapshot)), |_| None);
        self.rooms = rooms;
        Ok(plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

impl Milp {
    fn solve(&self, draft: Draft<'_>, budget: &Budget) -> Solved {
        let mut problem = self.problem(&draft);
        let (snapshot, wanted) = (draft.snapshot, draft.wanted);
        let (start, fixed) = split(&problem, pack(draft, fullness).targets());
        for (cluster, load) in loads(snapshot, &fixed).iter() {
            problem.capacity[cluster] = problem.capacity[cluster].saturating_sub(*load);
        }
        let running = problem.cost(&start) - problem.cost_of_shortage(&start);
        let limits = Limits { nodes: budget.nodes, time: budget.time, gap: running * self.gap.as_f64() };
        let found = solve(&problem, &start, &limits).ok().filter(|answer| problem.admits(&answer.targets));
        let (bound, stop, tier) = match &found {
            Some(answer) => (Some(answer.bound), answer.stop, "milp"),
            None => (None, Stop::Heuristic, "greedy"),
        };
        let better = found.map(|answer| answer.targets).filter(|found| problem.cost(found) < problem.cost(&start));
        let best = better.unwrap_or(start);
        let quality = Quality { objective: problem.cost(&best), bound, tier, stop };
        Solved {
            wanted: wanted.replicas.clone(),
            clusters: state_of_clusters(snapshot),
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
        let price = |service, cluster: ClusterId| clusters[cluster].price_per_core_hour * cores(service);
        let every = || services.ids().flat_map(|service| clusters.ids().map(move |cluster| (service, cluster)));
        let dearest = every().map(|(service, cluster)| price(service, cluster)).fold(1e-3, f64::max);
        let place = |service, cluster: ClusterId| Place {
            cluster,
            most: draft.most(service, cluster).min(draft.wanted.replicas[service]),
            incumbent: draft.snapshot.targets.get(service, cluster),
            cost: price(service, cluster) + dearest * TIE * cluster.index() as f64 / clusters.len() as f64,
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

impl Solved {
    fn answers(&self, snapshot: &Snapshot, wanted: &Wanted) -> bool {
        self.wanted == wanted.replicas
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

/// `targets` that the problem speaks of, and those that it does not: pinned where nothing can be changed.
fn split(problem: &Assignment, targets: &Targets) -> (Targets, Targets) {
    let (inside, outside): (Vec<_>, Vec<_>) = targets
        .iter()
        .copied()
        .partition(|target| problem.demands[target.service].places.iter().any(|place| place.cluster == target.cluster));
    (inside.into_iter().collect(), outside.into_iter().collect())
}
