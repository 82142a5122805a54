//! The rules of a scenario, and its calls, in the form that the solver weighs.
//!
//! A rule with a price costs that for each unit; one without costs more than refusing all replicas of a service, so it is
//! broken only where it was broken before and cannot be mended. Replicas that lie too far from the users count one by one.
//! A budget for everything together and the balance of clusters are not weighed here; the checker still counts them.

use super::weigh::Weighing;
use crate::model::rules::{Demand, Domain, Rule};
use crate::model::{ClusterId, ServiceId, Snapshot, id::Id};
use crate::policy::placement::draft::Draft;
use crate::solver::anytime::problem::{Problem, index};
use crate::solver::anytime::social::{Cap, Group, Pair, Spread};
use crate::units::Span;
use std::collections::BTreeMap;

/// Adds calls and rules to a problem.
pub fn add(problem: &mut Problem, draft: &Draft<'_>, weighing: &Weighing<'_>) {
    add_calls(problem, draft.snapshot, weighing);
    let hard = hard_price(problem);
    for Demand { rule, price } in &draft.snapshot.known.rules.demands {
        add_rule(problem, draft, (rule, price.map_or(hard, |price| price.0)));
    }
}

/// More than it costs to refuse all replicas of the largest service.
fn hard_price(problem: &Problem) -> f64 {
    let all = problem.services.iter().map(|service| service.shortage * f64::from(service.demand + 1));
    4.0 * all.fold(1.0, f64::max)
}

/// Traffic between clusters and its way, where either costs anything.
fn add_calls(problem: &mut Problem, snapshot: &Snapshot, weighing: &Weighing<'_>) {
    let network = &snapshot.known.network;
    let egress = matrix(snapshot, |from, to| network.egress_per_gb[from][to].0);
    let way = matrix(snapshot, |from, to| network.rtt[from][to].as_seconds_f64());
    let first = index(problem.rules.distances.len());
    let is_priced = [&egress, &way].map(|matrix| matrix.iter().any(|value| *value > 0.0));
    problem.rules.distances.extend([egress, way]);
    for call in &snapshot.known.application.calls {
        let Some(rate) = snapshot.services[call.from].rate.value else { continue };
        let rate = rate.per_second() * call.per_request.as_f64();
        let (traffic, wait) = weighing.call(rate, call.bytes.0 as f64);
        let (from, to) = (call.from.0, call.to.0);
        for (at, weight) in [traffic, wait].into_iter().enumerate() {
            if weight > 0.0 && is_priced[at] && from != to {
                problem.rules.pairs.push(Pair { from, to, distance: first + index(at), weight });
            }
        }
    }
}

/// A row for each cluster; nothing costs anything inside a cluster.
fn matrix(snapshot: &Snapshot, value: impl Fn(ClusterId, ClusterId) -> f64) -> Vec<f64> {
    let clusters = || snapshot.clusters.ids();
    let cell = |from: ClusterId, to: ClusterId| if from == to { 0.0 } else { value(from, to).max(0.0) };
    clusters().flat_map(|from| clusters().map(move |to| (from, to))).map(|(from, to)| cell(from, to)).collect()
}

fn add_rule(problem: &mut Problem, draft: &Draft<'_>, (rule, price): (&Rule, f64)) {
    let snapshot = draft.snapshot;
    match rule {
        Rule::Together(services) => add_group(problem, services, (true, price)),
        Rule::Apart(services) => add_group(problem, services, (false, price)),
        Rule::Spread { service, over, at_least } => {
            let domains = domains(problem, snapshot, (*service, *over));
            problem.rules.spreads.push(Spread { service: service.0, domains, at_least: *at_least, price });
        }
        Rule::Share { service, over, at_most } => {
            let most = (f64::from(draft.wanted.replicas[*service]) * at_most.as_f64() - 1e-9).ceil().max(0.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
            cap(problem, snapshot, ((*service, *over), most as u32, price));
        }
        Rule::Survive { service, over, at_least } => {
            let most = draft.wanted.replicas[*service].saturating_sub(*at_least).max(1);
            cap(problem, snapshot, ((*service, *over), most, price));
        }
        Rule::NearUsers { service, rtt_max } => keep_near(problem, snapshot, (*service, *rtt_max, price)),
        Rule::Near { from, to, rtt_max } => {
            let network = &snapshot.known.network;
            let far = matrix(snapshot, |here, there| f64::from(network.rtt[here][there] > *rtt_max));
            problem.rules.distances.push(far);
            let distance = index(problem.rules.distances.len() - 1);
            problem.rules.pairs.push(Pair { from: from.0, to: to.0, distance, weight: price });
        }
        // What is frozen is a lower limit of its places; a budget is the checker's.
        Rule::Frozen(_) | Rule::Budget(_) => {}
    }
}

fn add_group(problem: &mut Problem, services: &[ServiceId], (is_together, price): (bool, f64)) {
    let mut services: Vec<u32> = services.iter().map(|service| service.0).collect();
    services.sort_unstable();
    services.dedup();
    problem.rules.groups.push(Group { services, is_together, price });
}

/// The domain of each place of a service.
fn domains(problem: &Problem, snapshot: &Snapshot, (service, over): (ServiceId, Domain)) -> Vec<u32> {
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    let places = &problem.places[problem.places_of(service.index())];
    let of = |cluster: u32| match over {
        Domain::Cluster => cluster,
        Domain::Region => {
            let next = index(names.len());
            *names.entry(&snapshot.cluster(ClusterId(cluster)).region).or_insert(next)
        }
    };
    places.iter().map(|place| place.cluster).map(of).collect()
}

/// No more than `most` replicas in any domain.
fn cap(problem: &mut Problem, snapshot: &Snapshot, ((service, over), most, price): ((ServiceId, Domain), u32, f64)) {
    let first = problem.services[service.index()].first;
    let mut by_domain: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (at, domain) in domains(problem, snapshot, (service, over)).into_iter().enumerate() {
        by_domain.entry(domain).or_default().push(first + index(at));
    }
    let caps = by_domain.into_values().map(|places| Cap { service: service.0, places, most, price });
    problem.rules.caps.extend(caps);
}

/// Places too far from the users cost the price of the rule for each replica.
fn keep_near(problem: &mut Problem, snapshot: &Snapshot, (service, rtt_max, price): (ServiceId, Span, f64)) {
    let origins = &snapshot.known.network.origins;
    for place in problem.places_of(service.index()) {
        let row = &mut problem.places[place];
        let cluster = ClusterId(row.cluster);
        let mean: f64 = origins.iter().map(|origin| origin.share.as_f64() * origin.rtt[cluster].as_seconds_f64()).sum();
        if mean > rtt_max.as_seconds_f64() {
            row.cost += price;
        }
    }
}
