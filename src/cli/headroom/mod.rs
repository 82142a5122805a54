//! `smo headroom`: the cheapest inventory that keeps an SLO: node counts by pool, found by simulating.
//!
//! In reading order: this file (what is asked), `trials` (what a number of nodes comes to), `told` (what is said of it).

mod told;
mod trials;

use super::Failure;
use super::asked::{Scenario, Telling};
use super::pools::{self, Nodes, PoolNow};
use crate::input::{Criterion, criterion, known_names};
use crate::report::metric::{self, METRICS, Metric};
use crate::solver::sizing::{Space, search};
use crate::units::Span;
use std::io::Write;
use told::{Answered, Told};
use trials::{Confidence, Slo, Trials};

const EXAMPLES: &str = "\
Examples:
  smo headroom scenarios/quickstart.yaml --slo 'slo_violation_time < 1 %'
  smo headroom scenarios/quickstart.yaml --slo 'latency_p95 < 400' --slo 'requests_dropped < 1'
  smo headroom scenarios/quickstart.yaml --slo 'slo_violation_time < 2 %' --confidence 99%
  smo headroom scenarios/flash-crowd.yaml --slo 'slo_violation_time < 5 %' --until 6h --budget 40

Of a pool with a fixed number of nodes, that number is sought; of one that is autoscaled, the nodes
that are always there and the most. A cluster may come out without any, and is then switched off.
Cheapest is what the simulated run costs, nodes and traffic. --confidence 95% asks that the
one-sided 95 % bound of the mean over the seeds keeps the SLO; `all`, that it is kept with every
seed. The page is OUT/SCENARIO/headroom.html.";

/// Find the cheapest inventory that keeps an SLO: the nodes of each pool, at a stated confidence.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    asked: Scenario,
    /// What has to hold: a metric of `smo simulate --format json` compared with a number in its unit (ms, $, kWh, kg, or a
    /// share as `0.5 %`); may be given again.
    #[arg(long, required = true, value_name = "METRIC<N", value_parser = slo)]
    slo: Vec<Slo>,
    /// How surely: `95%`, or `all` for every seed.
    #[arg(long, value_name = "C", default_value = "95%")]
    confidence: Confidence,
    /// End of each run, from its start: `6 h`, `90 min`; default: the end of the trace.
    #[arg(long, value_name = "T")]
    until: Option<Span>,
    /// Pools grow to so many nodes at most; default: twice what they have, or 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    most: Option<u32>,
    /// Inventories that may be tried, for each policy; where there are no more, all are.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    budget: u32,
    #[command(flatten)]
    telling: Telling,
}

fn slo(text: &str) -> Result<Slo, String> {
    let criterion: Criterion = criterion(text)?;
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let metric: &'static Metric =
        metric::find(&criterion.name).ok_or_else(|| known_names(&criterion.name, "metrics", &names))?;
    Ok(Slo { criterion, metric })
}

/// Searches, and says what was found.
///
/// # Errors
/// Wrong input, or a run that failed.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let Arguments { asked, telling, until, .. } = arguments;
    asked.look(&telling.out)?;
    let setting = asked.load(*until, &[])?;
    let (seeds, policies) = (asked.seeds(&setting), asked.policies(&setting)?);
    let now = pools::pools(&setting.loaded);
    let dimensions = dimensions(&now);
    let space = space(&dimensions, &now, arguments);
    let mut answers = Vec::new();
    for policy in &policies {
        let mut trials =
            Trials { arguments, policy, seeds: &seeds, now: &now, dimensions: &dimensions, seen: Vec::new() };
        let answer = search(&space, &mut trials)?;
        let today = trials.today(&setting)?;
        let of = |point: &Vec<u32>| trials.seen.iter().find(|(seen, _)| seen == point).map(|(_, trial)| trial.clone());
        let (found, nearest) = (answer.found.as_ref().and_then(|(point, _)| of(point)), of(&answer.nearest.0));
        let tried = trials.seen.iter().map(|(_, trial)| trial.clone()).collect();
        let policy = policy.label.clone();
        answers.push(Answered { policy, today, found, nearest, tried, proof: answer.proof });
    }
    let told = Told { setting: &setting, arguments, pools: &now, answers: &answers, seeds: seeds.len() };
    let path = telling.out.join(super::names::file_name(&setting.loaded.name)).join("headroom.html");
    telling.tell((&told.sheet(), &told.json()), &path, out)
}

/// A number that is sought: of which pool, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Nodes of a pool that has always as many.
    Fixed(usize),
    /// Nodes of an autoscaled pool that are always there.
    Always(usize),
    /// Nodes that it may have beyond these.
    Beyond(usize),
}

fn dimensions(now: &[PoolNow]) -> Vec<Dimension> {
    let of = |(place, pool): (usize, &PoolNow)| {
        if pool.nodes.is_autoscaled() {
            vec![Dimension::Always(place), Dimension::Beyond(place)]
        } else {
            vec![Dimension::Fixed(place)]
        }
    };
    now.iter().enumerate().flat_map(of).collect()
}

/// The nodes of each pool at a point.
fn nodes(dimensions: &[Dimension], point: &[u32], now: &[PoolNow]) -> Vec<Nodes> {
    let mut nodes: Vec<Nodes> = now.iter().map(|pool| pool.nodes).collect();
    for (dimension, number) in dimensions.iter().zip(point) {
        match *dimension {
            Dimension::Fixed(place) => nodes[place] = Nodes { min: *number, initial: *number, max: *number },
            Dimension::Always(place) => nodes[place].min = *number,
            Dimension::Beyond(place) => nodes[place].max = nodes[place].min + number,
        }
    }
    for nodes in &mut nodes {
        nodes.initial = nodes.initial.clamp(nodes.min, nodes.max);
    }
    nodes
}

fn space(dimensions: &[Dimension], now: &[PoolNow], arguments: &Arguments) -> Space {
    let pool = |dimension: &Dimension| match *dimension {
        Dimension::Fixed(place) | Dimension::Always(place) | Dimension::Beyond(place) => &now[place],
    };
    let most = |pool: &PoolNow| arguments.most.unwrap_or((pool.nodes.max * 2).max(4));
    let start = |dimension: &Dimension| {
        let nodes = pool(dimension).nodes;
        match dimension {
            Dimension::Fixed(_) => nodes.max,
            Dimension::Always(_) => nodes.min,
            Dimension::Beyond(_) => nodes.max - nodes.min,
        }
    };
    let high = |dimension: &Dimension| {
        let pool = pool(dimension);
        match dimension {
            Dimension::Always(_) => most(pool).min(pool.nodes.max),
            _ => most(pool),
        }
    };
    let weight = |dimension: &Dimension| match dimension {
        // What is not always there costs only while it is.
        Dimension::Beyond(_) => pool(dimension).price / 2.0,
        _ => pool(dimension).price,
    };
    let high: Vec<u32> = dimensions.iter().map(high).collect();
    let start = dimensions.iter().map(start).zip(&high).map(|(start, high)| start.min(*high)).collect();
    let weights = dimensions.iter().map(weight).collect();
    Space { low: vec![0; dimensions.len()], high, start, weights, budget: arguments.budget as usize }
}

#[cfg(test)]
mod tests {
    use super::{Dimension, Nodes, PoolNow, dimensions, nodes};

    #[test]
    fn a_point_says_the_nodes_of_each_pool() {
        let pool = |nodes| PoolNow { cluster: "a".to_owned(), pool: "x".to_owned(), nodes, price: 1.0 };
        let now = [pool(Nodes { min: 2, initial: 2, max: 2 }), pool(Nodes { min: 1, initial: 4, max: 6 })];
        let sought = dimensions(&now);
        assert_eq!(sought, [Dimension::Fixed(0), Dimension::Always(1), Dimension::Beyond(1)]);
        let three = Nodes { min: 3, initial: 3, max: 3 };
        assert_eq!(nodes(&sought, &[3, 0, 2], &now), [three, Nodes { min: 0, initial: 2, max: 2 }]);
        assert_eq!(nodes(&sought, &[3, 5, 0], &now)[1], Nodes { min: 5, initial: 5, max: 5 });
    }
}
