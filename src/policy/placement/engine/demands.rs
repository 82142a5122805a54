//! The rules of a scenario, and its calls, in the form that the solver weighs.
//!
//! A rule with a price costs that for each unit; one without costs more than refusing whatever has to be refused to mend a
//! unit of it, so it is broken only where it was broken before and cannot be mended. What a unit is says
//! [`breach`](crate::model::breach), and a test holds the two to the same counts.

use super::weigh::Weighing;
use crate::model::breach::{billionths, may_stay, price_of_replica};
use crate::model::rules::{Demand, Domain, Rule};
use crate::model::{ClusterId, ClusterView, ServiceId, Snapshot, id::Id};
use crate::policy::placement::draft::Draft;
use crate::solver::anytime::limits::{Limit, Quota, Stay, by_number};
use crate::solver::anytime::problem::{Place, Problem, index};
use crate::solver::anytime::social::{Group, Near, Pair};
use crate::solver::anytime::totals::{Balance, Budget, UNIT};
use crate::units::{Money, Ratio, Span};
use std::collections::BTreeMap;

/// Which of the resources CPU is.
const CPU: usize = 0;

/// Replicas that have to be refused at most to mend a unit of a budget, as far as its price heeds it.
const REFUSED_MAX: u64 = 100;

/// Adds calls, the balance and rules to a problem, in which `kinds` says what each resource is.
pub fn add(problem: &mut Problem, draft: &Draft<'_>, (weighing, kinds): (&Weighing<'_>, &[usize])) {
    add_calls(problem, draft.snapshot, weighing);
    add_balance(problem, draft.snapshot, kinds);
    let hard = hard_price(problem);
    for Demand { rule, price } in &draft.snapshot.known.rules.demands {
        let hard = match rule {
            // At worst all of every member goes.
            Rule::Together(services) => hard * services.len() as f64,
            _ => hard,
        };
        add_rule(problem, draft, (rule, price.map(|price| price.0), hard));
    }
}

/// More than it costs to refuse all replicas of the largest service.
fn hard_price(problem: &Problem) -> f64 {
    let all = problem.services.iter().map(|service| service.shortage * f64::from(service.demand + 1));
    4.0 * all.fold(1.0, f64::max)
}

/// What the fullest of the clusters that can be reached exceeds the mean by, of the CPU that they offer.
fn add_balance(problem: &mut Problem, snapshot: &Snapshot, kinds: &[usize]) {
    let weight = snapshot.known.rules.weights.balance;
    let Some(kind) = kinds.iter().position(|kind| *kind == CPU).filter(|_| weight > 0.0) else { return };
    let offered = |view: &ClusterView| if view.reachable { view.allocatable_max.cpu.0 } else { 0 };
    let all = snapshot.clusters.values().map(offered).collect();
    problem.rules.balance = Some(Balance { weight, kind, held: vec![0; snapshot.clusters.len()], all });
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

fn add_rule(problem: &mut Problem, draft: &Draft<'_>, (rule, price, hard): (&Rule, Option<f64>, f64)) {
    let (snapshot, soft) = (draft.snapshot, price);
    let price = price.unwrap_or(hard);
    match rule {
        Rule::Together(services) => add_group(problem, services, (true, price)),
        Rule::Apart(services) => add_group(problem, services, (false, price)),
        Rule::Spread { service, over, at_least } => {
            add_limit(problem, snapshot, ((*service, *over), Quota::Spread(*at_least), price));
        }
        Rule::Share { service, over, at_most } => {
            let quota = Quota::Share { parts: at_most.0, of: Ratio::ONE.0 };
            add_limit(problem, snapshot, ((*service, *over), quota, price));
        }
        Rule::Survive { service, over, at_least } if !snapshot.services[*service].dormant => {
            add_limit(problem, snapshot, ((*service, *over), Quota::Survive(*at_least), price));
        }
        Rule::NearUsers { service, rtt_max } => keep_near(problem, snapshot, (*service, *rtt_max, price)),
        Rule::Near { from, to, rtt_max } => {
            let network = &snapshot.known.network;
            let clusters = || snapshot.clusters.ids();
            let pairs = clusters().flat_map(|here| clusters().map(move |there| (here, there)));
            let is_far = pairs.map(|(here, there)| network.rtt[here][there] > *rtt_max).collect();
            problem.rules.nears.push(Near { from: from.0, to: to.0, is_far, price });
        }
        Rule::Budget(most) => add_budget(problem, snapshot, (*most, soft, hard)),
        Rule::Frozen(service) if soft.is_some() => add_stay(problem, snapshot, (*service, price)),
        // What is frozen without a price is a lower limit of its places; who waits for an event survives nothing.
        Rule::Frozen(_) | Rule::Survive { .. } => {}
    }
}

/// Rates are whole billionths of a dollar, as the checker counts them.
fn add_budget(problem: &mut Problem, snapshot: &Snapshot, (most, soft, hard): (Money, Option<f64>, f64)) {
    let mut rates = Vec::with_capacity(problem.places.len());
    for service in snapshot.services.ids() {
        let places = &problem.places[problem.places_of(service.index())];
        rates.extend(places.iter().map(|place| price_of_replica(snapshot, service, ClusterId(place.cluster))));
    }
    let least = rates.iter().copied().filter(|rate| *rate > 0).min().unwrap_or(UNIT);
    let refused = UNIT.div_ceil(least).clamp(1, REFUSED_MAX);
    let price = soft.unwrap_or(hard * refused as f64);
    let most = billionths(most.0);
    problem.rules.budgets.push(Budget { rates, held: 0, most, price });
}

/// Replicas that may stay where they are cost the price of the rule when they leave for others.
fn add_stay(problem: &mut Problem, snapshot: &Snapshot, (service, price): (ServiceId, f64)) {
    let places = &problem.places[problem.places_of(service.index())];
    let kept = |place: &Place| may_stay(snapshot, service, ClusterId(place.cluster));
    let kept = places.iter().map(|place| u32::try_from(kept(place)).unwrap_or(u32::MAX)).collect();
    problem.rules.stays.push(Stay { service: service.0, kept, lost: 0, price });
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

fn add_limit(
    problem: &mut Problem,
    snapshot: &Snapshot,
    ((service, over), quota, price): ((ServiceId, Domain), Quota, f64),
) {
    let domains = by_number(&domains(problem, snapshot, (service, over)));
    problem.rules.limits.push(Limit { service: service.0, domains, quota, price });
}

/// Places too far from the users cost the price of the rule for each replica.
fn keep_near(problem: &mut Problem, snapshot: &Snapshot, (service, rtt_max, price): (ServiceId, Span, f64)) {
    for place in problem.places_of(service.index()) {
        let row = &mut problem.places[place];
        let cluster = ClusterId(row.cluster);
        if snapshot.known.network.rtt_from_users(cluster) > rtt_max {
            row.cost += price;
        }
    }
}
