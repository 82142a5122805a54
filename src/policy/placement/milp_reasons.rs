//! Why the cheapest assignment is as it is: what each replica costs in each cluster, and the next best place of a service.
//!
//! The next best is looked for with all other services where they are: one replica in another cluster, or the whole service
//! in one. Costs only rise with the number of replicas in a cluster, so without a price for using a cluster nothing else
//! can be second.

use super::draft::Draft;
use super::reasons::{is_open, wanted};
use super::rooms::Rooms;
use crate::model::explanation::{self, Alternative, Reasons, Term};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table};
use crate::solver::assignment::{Assignment, Demand, Place};

/// What can be said of any plan, with costs and alternatives of the problem that `pose` makes of what the plan was asked
/// for.
pub fn explain(snapshot: &Snapshot, plan: &Plan, pose: impl FnOnce(&Draft<'_>) -> Assignment) -> Explanation {
    let mut explanation = explanation::explain(snapshot, plan);
    let wanted = wanted(snapshot, plan);
    let mut rooms = None;
    let rooms = Rooms::of_world(&mut rooms, snapshot);
    let problem = pose(&Draft::new(snapshot, &wanted, rooms));
    let used = Table::build(snapshot.clusters.len(), |cluster| {
        plan.targets.iter().filter(|target| target.cluster == cluster).map(|target| target.replicas).sum()
    });
    for (service, reasons) in explanation.services.iter_mut() {
        let demand = &problem.demands[service];
        for place in &demand.places {
            let candidate = &mut reasons.candidates[place.cluster];
            if is_open(candidate) {
                candidate.terms = terms(snapshot, &problem, (service, place));
            }
        }
        reasons.alternative = Question { problem: &problem, demand, reasons, used: &used }.second(service);
    }
    explanation.shortage = Some(problem.shortage);
    explanation
}

/// What one replica in one place adds to the objective; the start only where it is one more than there are already.
fn terms(snapshot: &Snapshot, problem: &Assignment, (service, place): (ServiceId, &Place)) -> Vec<Term> {
    let per_core = snapshot.clusters[place.cluster].price_per_core_hour;
    let price = per_core * snapshot.service(service).request.cpu.cores();
    let price = if price.is_finite() { price } else { 0.0 };
    let mut terms = vec![Term { name: "price", value: price, unit: "$/h" }];
    if problem.start > 0.0 {
        terms.push(Term { name: "start", value: problem.start, unit: "$" });
    }
    terms.push(Term { name: "tie-break", value: place.cost - price, unit: "$/h" });
    terms
}

/// What would be second for one service.
struct Question<'a> {
    problem: &'a Assignment,
    demand: &'a Demand,
    reasons: &'a Reasons,
    /// Replicas of all services by cluster.
    used: &'a Table<ClusterId, u32>,
}

impl Question<'_> {
    fn second(&self, service: ServiceId) -> Option<Alternative> {
        let present = self.counts(|place| self.replicas(place.cluster));
        let cost = self.cost(&present);
        let others = self.single_moves(&present).chain(self.wholes(&present)).filter(|counts| *counts != present);
        let differing = others.map(|counts| (self.cost(&counts) - cost, counts));
        let (difference, counts) = differing.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let target = |(place, replicas): (&Place, u32)| Target { service, cluster: place.cluster, replicas };
        let targets = self.demand.places.iter().zip(counts).map(target).filter(|target| target.replicas > 0).collect();
        Some(Alternative { targets, difference: Some(difference) })
    }

    fn replicas(&self, cluster: ClusterId) -> u32 {
        self.reasons.candidates[cluster].replicas()
    }

    fn more(&self, cluster: ClusterId) -> u32 {
        self.reasons.candidates[cluster].more()
    }

    fn counts(&self, of: impl Fn(&Place) -> u32) -> Vec<u32> {
        self.demand.places.iter().map(of).collect()
    }

    /// One replica leaves a place for another one that has room.
    fn single_moves<'b>(&'b self, present: &'b [u32]) -> impl Iterator<Item = Vec<u32>> + 'b {
        let places = &self.demand.places;
        let from = (0..places.len()).filter(|from| present[*from] > places[*from].least && !self.demand.is_single);
        from.flat_map(move |from| {
            let open = (0..places.len()).filter(move |to| *to != from && self.more(places[*to].cluster) > 0);
            open.map(move |to| {
                let mut counts = present.to_vec();
                counts[from] -= 1;
                counts[to] += 1;
                counts
            })
        })
    }

    /// All replicas go to one place that has room for all.
    fn wholes<'b>(&'b self, present: &'b [u32]) -> impl Iterator<Item = Vec<u32>> + 'b {
        let places = &self.demand.places;
        let placed: u32 = present.iter().sum();
        let may_leave =
            move |to: usize| (0..places.len()).all(|other| other == to || places[other].least == 0 || placed == 0);
        let fits = move |to: &usize| self.more(places[*to].cluster) >= placed - present[*to];
        let possible = (0..places.len()).filter(move |to| placed > 0 && may_leave(*to) && fits(to));
        possible.map(move |to| (0..places.len()).map(|place| if place == to { placed } else { 0 }).collect())
    }

    /// The service's part of the objective: its replicas, and the clusters that are used for it alone.
    fn cost(&self, counts: &[u32]) -> f64 {
        let cost = |(place, replicas): (&Place, &u32)| {
            let others = self.used[place.cluster] - self.replicas(place.cluster);
            let alone = if others == 0 && *replicas > 0 { self.problem.activation } else { 0.0 };
            self.problem.cost_at(place, *replicas) + alone
        };
        self.demand.places.iter().zip(counts).map(cost).sum()
    }
}
