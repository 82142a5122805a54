//! Where and how many at once: replicas are dear in one cluster and slow in another, so neither can be decided first.
//!
//! ```text
//! min  Σ price[s,e]·r[s,e] + moves·(r[s,e] − now[s,e])⁺ + activation·used[e] + Σ calls traffic·distance + shortage·short[s]
//! s.t. Σ_e work[s,e]·r[s,e] + short[s] ≥ all of s's requests,  Σ_s request[s,k]·r[s,e] ≤ capacity[e,k],  the rules
//! ```
//!
//! A replica's work in a cluster is one part of `n`, where `n` replicas there serve all requests by the capacity that is
//! believed of the service in the cluster's class: exact where a service is in one cluster, and not too much where it is
//! split, as long as capacity is concave. Services stay in one cluster unless none could hold all of one; then calls
//! between them are counted exactly, in the bound too. What does not fit is short, and refused with the smallest change that
//! would help, in the place of "infeasible".
//!
//! Rates are those that are seen, with headroom; a service whose rate was never seen keeps the replicas that it has.

use super::Entry;
use crate::model::plan::Quality;
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Table, Targets, Wanted, Why, id::Id};
use crate::policy::parameter::Parameter;
use crate::policy::placement::draft::Draft;
use crate::policy::placement::engine::pose::{Needs, Posed, pose};
use crate::policy::placement::engine::{checked, reasons};
use crate::policy::placement::rooms::Rooms;
use crate::policy::{Budget, Policy, PolicyError};
use crate::seed::Stream;
use crate::solver::anytime::limits::{Limit, Quota};
use crate::solver::anytime::problem::index;
use crate::solver::anytime::{Answer, Effort, Hint, Tiers, solve};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "milp-joint",
    summary: "where and how many at once: cheapest for the rates that are seen, shortage instead of infeasible",
    about: "n(s,e) replicas in cluster e would serve rate(s)·(1 + headroom) by the believed capacity of its class. min \
        Σ price·r + moves·(r − now)⁺ + activation·used + traffic·distance + shortage·short, Σ_e r(s,e)/n(s,e) + \
        short(s) ≥ 1, requests ≤ capacity, rules of the scenario. Solved by all tiers of `anytime`: prices with calls in \
        a tree chosen exactly, annealing, reduced-cost fixing, HiGHS.",
    parameters: &[
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the rate that is seen" },
        Parameter { name: "gap", default: "0.1 %", summary: "share of the cost that is not worth searching for" },
    ],
    build: |parameters| {
        Ok(Box::new(Joint {
            headroom: parameters.ratio("headroom", 0.0, 10.0)?.as_f64(),
            gap: parameters.ratio("gap", 0.0, 1.0)?.as_f64(),
            rooms: None,
            needs: None,
            solved: None,
        }))
    },
};

/// Placement and replicas together.
#[derive(Clone)]
struct Joint {
    headroom: f64,
    gap: f64,
    rooms: Option<Rooms>,
    /// As of the last tick.
    needs: Option<Needs>,
    solved: Option<Solved>,
}

/// The last question and its answer.
#[derive(Clone)]
struct Solved {
    needs: Needs,
    tasks: Vec<u32>,
    clusters: Vec<(bool, Resources, u64)>,
    incumbent: Targets,
    targets: Targets,
    wanted: Wanted,
    quality: Quality,
    prices: Vec<f64>,
}

impl Policy for Joint {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, _: &mut Stream) -> Result<Plan, PolicyError> {
        let needs = match self.needs.take().filter(|_| !snapshot.is_tick) {
            Some(needs) => needs,
            None => self.needs_of(snapshot),
        };
        self.needs = Some(needs.clone());
        let rooms = Rooms::of_world(&mut self.rooms, snapshot).clone();
        if self.solved.as_ref().is_none_or(|known| !known.answers(snapshot, &needs)) {
            let solved = self.solve(snapshot, (&needs, &rooms), budget)?;
            self.solved = Some(solved);
        }
        let known = self.solved.as_ref().expect("an answer has just been found");
        let draft = Draft::new(snapshot, &known.wanted, &rooms).with_targets(known.targets.clone());
        let mut plan = draft.finish(Some(known.quality), |_| None);
        plan.why = known.wanted.why.clone();
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let prices = self.solved.as_ref().map_or(&[][..], |known| &known.prices);
        reasons::explain(snapshot, plan, (prices, self.needs.as_ref()))
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

impl Joint {
    /// Replicas that would serve each service alone in each cluster.
    fn needs_of(&self, snapshot: &Snapshot) -> Needs {
        let need = |service: ServiceId, cluster: ClusterId| self.need(snapshot, (service, cluster));
        let row = |service| snapshot.clusters.ids().map(move |cluster| need(service, cluster)).collect();
        snapshot.services.ids().map(row).collect()
    }

    fn need(&self, snapshot: &Snapshot, (service, cluster): (ServiceId, ClusterId)) -> u32 {
        let (declared, site) = (snapshot.service(service), snapshot.cluster(cluster));
        let (least, most) = (declared.replicas_min, declared.replicas_max);
        if snapshot.services[service].dormant {
            // It waits for its event.
            return 0;
        }
        let Some(rate) = snapshot.services[service].rate.value else {
            let present = snapshot.targets.total(service);
            return if present > 0 { present } else { declared.replicas }.clamp(least, most);
        };
        let conditions = &snapshot.known.application.conditions;
        let begins = conditions.iter().any(|(one, _)| *one == service) && snapshot.targets.of(service).is_empty();
        // A service whose event has happened begins as declared, because no rate is known yet.
        let least = if begins { least.max(declared.replicas).min(most) } else { least };
        if rate.per_second() <= 0.0 {
            return least;
        }
        let wanted = crate::units::Rate::from_per_second(rate.per_second() * (1.0 + self.headroom));
        let needed = declared.capacity.of(&site.class).replicas_for(wanted, site.speed, most);
        // Where even the most replicas do not serve all, all of them are wanted.
        needed.unwrap_or(most).clamp(least, most)
    }

    fn solve(
        &self,
        snapshot: &Snapshot,
        (needs, rooms): (&Needs, &Rooms),
        budget: &Budget,
    ) -> Result<Solved, PolicyError> {
        let failed = |reason: String| PolicyError { policy: ENTRY.name.to_owned(), reason };
        let most = most_wanted(snapshot, needs);
        let draft = Draft::new(snapshot, &most, rooms);
        let mut posed = pose(&draft, Some(needs)).map_err(|error| failed(error.to_string()))?;
        limit_totals(&mut posed, snapshot);
        let Budget { nodes, steps, time } = *budget;
        let effort = Effort { nodes, steps, time, gap: self.gap, tiers: Tiers::All };
        let known = self.solved.as_ref();
        let hint = Hint {
            answers: vec![posed.counts(known.map_or(&snapshot.targets, |known| &known.targets))],
            prices: known.map(|known| known.prices.clone()).unwrap_or_default(),
        };
        let answer = checked(&posed, &draft, solve(&posed.problem, &hint, &effort));
        let Answer { counts, objective, bound, tier, stop, prices } = answer;
        let targets = posed.targets(&counts);
        Ok(Solved {
            needs: needs.clone(),
            tasks: tasks(snapshot),
            clusters: clusters(snapshot),
            incumbent: snapshot.targets.clone(),
            wanted: wanted(snapshot, (&posed, &counts), (&targets, &most)),
            targets,
            quality: Quality { objective, bound: Some(bound), tier, stop },
            prices,
        })
    }
}

impl Solved {
    fn answers(&self, snapshot: &Snapshot, needs: &Needs) -> bool {
        self.needs == *needs
            && (snapshot.targets == self.targets || snapshot.targets == self.incumbent)
            && self.tasks == tasks(snapshot)
            && self.clusters == clusters(snapshot)
    }
}

fn tasks(snapshot: &Snapshot) -> Vec<u32> {
    snapshot.known.application.tasks().map(|class| snapshot.services[class].tasks).collect()
}

fn clusters(snapshot: &Snapshot) -> Vec<(bool, Resources, u64)> {
    let views = snapshot.clusters.values();
    views.map(|view| (view.reachable, view.allocatable_max, view.price_per_core_hour.to_bits())).collect()
}

/// The most replicas of each service that any division could have: what its slowest cluster needs, and all tasks.
fn most_wanted(snapshot: &Snapshot, needs: &Needs) -> Wanted {
    let application = &snapshot.known.application;
    let of = |service: ServiceId| {
        if application.is_task(service) {
            return snapshot.services[service].tasks;
        }
        needs[service].values().copied().max().unwrap_or(0)
    };
    Wanted { replicas: snapshot.services.ids().map(of).collect(), why: Table::new() }
}

/// A service that is split has no more replicas than it may.
fn limit_totals(posed: &mut Posed, snapshot: &Snapshot) {
    let problem = &mut posed.problem;
    let dearest = problem.services.iter().map(|row| row.shortage * f64::from(row.demand)).fold(1.0, f64::max);
    for service in snapshot.known.application.requests() {
        if !problem.services[service.index()].is_single {
            let places = index(problem.places_of(service.index()).len());
            let quota = Quota::Most(snapshot.service(service).replicas_max);
            let domains = vec![(0..places).collect()];
            problem.rules.limits.push(Limit { service: service.0, domains, quota, price: dearest });
        }
    }
}

/// What the answer amounts to: what is placed, and what would serve the rest where a replica does most.
fn wanted(snapshot: &Snapshot, (posed, counts): (&Posed, &[u32]), (targets, most): (&Targets, &Wanted)) -> Wanted {
    let of = |service: ServiceId| {
        let placed = targets.total(service);
        let declared = snapshot.service(service);
        let row = &posed.problem.services[service.index()];
        if snapshot.known.application.is_task(service) {
            return most.replicas[service];
        }
        if row.demand == 0 {
            // Nothing to decide: what is fixed, or nowhere to go.
            return most.replicas[service].max(placed);
        }
        let places = &posed.problem.places[posed.problem.places_of(service.index())];
        let yields = places.iter().map(|place| place.yields).max().unwrap_or(1);
        let short = posed.problem.short(service.index(), counts).div_ceil(u64::from(yields.max(1)));
        let short = u32::try_from(short).unwrap_or(u32::MAX);
        placed.saturating_add(short).clamp(declared.replicas_min, declared.replicas_max.max(placed))
    };
    let why = |service: ServiceId| {
        let rate = snapshot.services[service].rate.value.map_or(0.0, crate::units::Rate::per_second);
        if snapshot.known.application.is_task(service) {
            return Why::new("tasks that are there", &[]);
        }
        Why::new("the fewest dollars that serve the rate, wherever that is", &[("rate", rate)])
    };
    Wanted { replicas: snapshot.services.ids().map(of).collect(), why: snapshot.services.ids().map(why).collect() }
}
