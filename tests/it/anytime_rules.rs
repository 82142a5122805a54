//! What is asked beyond single places, rule by rule, against the plainest of all methods: every answer is tried.

use crate::brute_force::{cheapest, random};
use rand::RngExt;
use smo::seed::{Seed, Stream};
use smo::solver::anytime::limits::{Limit, Quota, Stay, by_number};
use smo::solver::anytime::problem::{Problem, index};
use smo::solver::anytime::social::{Group, Near};
use smo::solver::anytime::state::State;
use smo::solver::anytime::totals::{Balance, Budget};
use smo::solver::anytime::{Answer, Effort, Hint, Tiers, solve};

const ALL: [Tiers; 3] = [Tiers::Search, Tiers::Exact, Tiers::All];

fn answer(problem: &Problem, tiers: Tiers) -> Answer {
    solve(problem, &Hint::default(), &Effort { nodes: 10_000, steps: 100_000, time: None, gap: 0.0, tiers })
}

/// One kind of rule, added to a random problem.
type Rule = (&'static str, fn(&mut Stream, &mut Problem));

const RULES: [Rule; 9] = [
    ("near", add_near),
    ("together", |stream, problem| add_group(stream, problem, true)),
    ("apart", |stream, problem| add_group(stream, problem, false)),
    ("share", |stream, problem| {
        let (of, parts) = (stream.random_range(1..=6), stream.random_range(1..=6));
        add_limit(stream, problem, Quota::Share { parts, of });
    }),
    ("survive", |stream, problem| {
        let at_least = stream.random_range(1..=3);
        add_limit(stream, problem, Quota::Survive(at_least));
    }),
    ("spread", |stream, problem| {
        let at_least = stream.random_range(1..=3);
        add_limit(stream, problem, Quota::Spread(at_least));
    }),
    ("stay", add_stay),
    ("budget", add_budget),
    ("balance", add_balance),
];

/// Some rules are priced and some must hold as far as they can.
fn price(stream: &mut Stream) -> f64 {
    [0.3, 2.0, 500.0][stream.random_range(0..3)]
}

fn add_near(stream: &mut Stream, problem: &mut Problem) {
    let (services, clusters) = (problem.services.len(), problem.clusters());
    let (from, to) = (stream.random_range(0..services), stream.random_range(0..services));
    if from != to {
        let is_far = (0..clusters * clusters).map(|_| stream.random_bool(0.5)).collect();
        problem.rules.nears.push(Near { from: index(from), to: index(to), is_far, price: price(stream) });
    }
}

fn add_group(stream: &mut Stream, problem: &mut Problem, is_together: bool) {
    let services: Vec<u32> = (0..index(problem.services.len())).filter(|_| stream.random_bool(0.6)).collect();
    problem.rules.groups.push(Group { services, is_together, price: price(stream) });
}

fn add_limit(stream: &mut Stream, problem: &mut Problem, quota: Quota) {
    let service = stream.random_range(0..problem.services.len());
    let numbers: Vec<u32> = problem.places_of(service).map(|_| stream.random_range(0..3)).collect();
    let domains = by_number(&numbers);
    problem.rules.limits.push(Limit { service: index(service), domains, quota, price: price(stream) });
}

fn add_stay(stream: &mut Stream, problem: &mut Problem) {
    let service = stream.random_range(0..problem.services.len());
    let may_stay = |place: usize| problem.places[place].incumbent.min(problem.places[place].most);
    let kept =
        problem.places_of(service).map(|place| if stream.random_bool(0.8) { may_stay(place) } else { 0 }).collect();
    let lost = stream.random_range(0..2);
    problem.rules.stays.push(Stay { service: index(service), kept, lost, price: price(stream) });
}

/// Rates of up to six thousandths of a dollar, with odd ends, and a limit that some answers keep.
fn add_budget(stream: &mut Stream, problem: &mut Problem) {
    let rates = problem.places.iter().map(|_| stream.random_range(0..6_000_000)).collect();
    let (held, most) = (stream.random_range(0..2_000_000), stream.random_range(0..30_000_000));
    problem.rules.budgets.push(Budget { rates, held, most, price: price(stream) });
}

fn add_balance(stream: &mut Stream, problem: &mut Problem) {
    let kind = stream.random_range(0..problem.kinds);
    let held: Vec<u64> = (0..problem.clusters()).map(|_| stream.random_range(0..3)).collect();
    let some = |cluster: usize| problem.capacity[cluster * problem.kinds + kind] + held[cluster];
    let all = (0..problem.clusters()).map(some).collect();
    let weight = [0.5, 3.0, 20.0][stream.random_range(0..3)];
    problem.rules.balance = Some(Balance { weight, kind, held, all });
}

/// Goal: for every rule, alone and with others, no bound is above the cheapest of all answers, the exact tiers find it and
/// prove it, and search alone seldom misses it.
#[test]
fn every_rule_is_weighed_as_trying_all_answers_weighs_it() {
    for (at, (name, add)) in RULES.iter().enumerate() {
        let mut missed = 0;
        for seed in 0..60 {
            let mut stream = Seed(seed).stream("anytime rules", at as u64);
            let mut problem = random(&mut stream, 4);
            add(&mut stream, &mut problem);
            if stream.random_bool(0.3) {
                RULES[stream.random_range(0..RULES.len())].1(&mut stream, &mut problem);
            }
            let best = cheapest(&problem);
            for tiers in ALL {
                let Answer { counts, objective, bound, tier, .. } = answer(&problem, tiers);
                let what =
                    format!("{name}, {seed}, {tiers:?}, tier {tier}: {objective}, bound {bound}, best is {best}");
                assert!(problem.admits(&counts) && (problem.cost(&counts) - objective).abs() < 1e-9, "{what}");
                assert!(bound <= best + 1e-6 && objective >= best - 1e-6, "{what}");
                if tiers != Tiers::Search && cfg!(feature = "milp") {
                    assert!((objective - best).abs() < 1e-6 && (bound - best).abs() < 1e-6, "{what}");
                }
                missed += u32::from(tiers == Tiers::Search && objective > best + 1e-6);
            }
        }
        assert!(missed <= 6, "{name}: search misses {missed} of 60 optima");
    }
}

/// Goal: what single changes add up to is what the whole costs. Method: random walks through admitted answers.
#[test]
fn changes_add_up_to_the_cost_of_the_whole() {
    for (at, (name, add)) in RULES.iter().enumerate() {
        for seed in 0..40 {
            let mut stream = Seed(seed).stream("anytime walks", at as u64);
            let mut problem = random(&mut stream, 5);
            add(&mut stream, &mut problem);
            RULES[stream.random_range(0..RULES.len())].1(&mut stream, &mut problem);
            let mut state = State::least(&problem);
            for _ in 0..40 {
                let Some(last) = problem.places.len().checked_sub(1) else { break };
                let place = stream.random_range(0..=last);
                let count = stream.random_range(0..=problem.places[place].most);
                let service = state.owner[place] as usize;
                let is_elsewhere = problem.places_of(service).any(|other| other != place && state.counts[other] > 0);
                if count > state.counts[place]
                    && (!state.has_room(place, count - state.counts[place])
                        || (problem.services[service].is_single && is_elsewhere))
                {
                    continue;
                }
                state.set(place, count);
                let whole = problem.cost(&state.counts);
                assert!((state.cost - whole).abs() < 1e-6, "{name}, {seed}: {} and {whole}", state.cost);
            }
        }
    }
}

/// Goal: where services have to be together, a price is as good as a constraint. An answer that breaks it becomes cheaper by
/// losing all replicas of the group, if the price of a unit is above what refusing all of them costs; no other rule is there to
/// mind. So no best answer breaks it, and no tier's answer does.
#[test]
fn a_price_above_refusing_keeps_services_together() {
    for seed in 0..120 {
        let mut stream = Seed(seed).stream("anytime together", 0);
        let mut problem = random(&mut stream, 5);
        let services: Vec<u32> = (0..index(problem.services.len())).filter(|_| stream.random_bool(0.7)).collect();
        let refusing = |service: &u32| {
            let row = &problem.services[*service as usize];
            f64::from(row.demand) * row.shortage
        };
        let price = 1.0 + services.iter().map(refusing).sum::<f64>();
        problem.rules.groups.push(Group { services, is_together: true, price });
        for tiers in ALL {
            let Answer { counts, tier, .. } = answer(&problem, tiers);
            assert!(problem.rules.cost(&problem, &counts) == 0.0, "{seed}, {tiers:?}, tier {tier}: {counts:?}");
        }
    }
}

/// Goal: a larger budget, or a lower price of being uneven, never costs more; and all prices doubled double the cost.
#[test]
#[cfg(feature = "milp")]
fn looser_budgets_and_lighter_weights_never_cost_more() {
    for seed in 0..40 {
        let mut stream = Seed(seed).stream("anytime totals", 0);
        let mut problem = random(&mut stream, 5);
        add_budget(&mut stream, &mut problem);
        add_balance(&mut stream, &mut problem);
        let before = answer(&problem, Tiers::All).objective;
        let mut richer = problem.clone();
        richer.rules.budgets[0].most += 3_000_000;
        assert!(answer(&richer, Tiers::All).objective <= before + 1e-6, "{seed}");
        let mut lighter = problem.clone();
        lighter.rules.balance.as_mut().expect("it was added").weight *= 0.5;
        assert!(answer(&lighter, Tiers::All).objective <= before + 1e-6, "{seed}");
        let mut dearer = problem.clone();
        dearer.activation.iter_mut().for_each(|price| *price *= 2.0);
        dearer.services.iter_mut().for_each(|service| service.shortage *= 2.0);
        dearer.places.iter_mut().for_each(|place| (place.cost, place.start) = (place.cost * 2.0, place.start * 2.0));
        dearer.rules.budgets[0].price *= 2.0;
        dearer.rules.balance.as_mut().expect("it was added").weight *= 2.0;
        assert!((answer(&dearer, Tiers::All).objective - 2.0 * before).abs() < 1e-5, "{seed}");
    }
}
