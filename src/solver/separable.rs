//! The assignment where no cluster runs short: each service by itself, exactly, without a solver.
//!
//! Leave out the capacity rows and services have nothing to do with each other. The replicas of one service then cost,
//! cluster by cluster, `cost` each up to the incumbent's number and `cost + start` beyond: prices that only rise, so the
//! cheapest `wanted` of them are the best choice. If what comes out fits into the clusters after all, it is the optimum
//! of the whole problem, since leaving out rows never makes an optimum dearer. Most decisions are of this kind.

use super::assignment::{Assignment, Demand, Place};
use crate::model::plan::Target;
use crate::model::{ServiceId, Targets};

/// The optimum, or `None` where a cluster runs short or using clusters has a price.
pub fn solve(problem: &Assignment) -> Option<Targets> {
    if problem.activation > 0.0 {
        return None;
    }
    let choose = |(service, demand): (ServiceId, &Demand)| {
        let counts = if demand.is_single { in_one(problem, demand) } else { cheapest(problem, demand) };
        let places = demand.places.iter().zip(counts);
        places.map(move |(place, replicas)| Target { service, cluster: place.cluster, replicas }).collect::<Vec<_>>()
    };
    let targets: Targets = problem.demands.iter().flat_map(choose).collect();
    problem.admits(&targets).then_some(targets)
}

/// The cheapest replicas, wherever they are: a step is a price and the number of replicas at this price.
fn cheapest(problem: &Assignment, demand: &Demand) -> Vec<u32> {
    let mut counts: Vec<u32> = demand.places.iter().map(|place| place.least).collect();
    let mut left = demand.wanted.saturating_sub(counts.iter().sum());
    let mut steps: Vec<(f64, usize, u32)> = Vec::with_capacity(2 * demand.places.len());
    for (index, place) in demand.places.iter().enumerate() {
        let stay = place.incumbent.clamp(place.least, place.most);
        steps.push((place.cost, index, stay - place.least));
        steps.push((place.cost + problem.start, index, place.most - stay));
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (_, index, count) in steps {
        let taken = count.min(left);
        counts[index] += taken;
        left -= taken;
    }
    counts
}

/// All replicas in the one cluster where they, and those that do not fit there, cost least.
fn in_one(problem: &Assignment, demand: &Demand) -> Vec<u32> {
    let mut counts = vec![0; demand.places.len()];
    let replicas = |place: &Place| place.most.min(demand.wanted);
    let cost = |place: &Place| {
        let short = f64::from(demand.wanted - replicas(place)) * problem.shortage;
        problem.cost_at(place, replicas(place)) + short
    };
    let places = demand.places.iter().enumerate();
    if let Some((index, place)) = places.min_by(|(_, a), (_, b)| cost(a).total_cmp(&cost(b))) {
        counts[index] = replicas(place);
    }
    counts
}
