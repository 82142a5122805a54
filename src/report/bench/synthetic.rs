//! Results of suites that nobody ran, for tests of what is said of them.
//!
//! The loss of a run is `day(scenario, seed) · effect(contestant, scenario) · own(contestant, scenario, seed)`: the day is common to
//! all contestants and widely spread, the rest is each contestant's own luck. So pairs are needed to see an effect.

use super::results::{Bounds, Cell, Outcome, Results, ScenarioHead, Stopped, SuiteHead, Trial};
use crate::model::Totals;
use crate::record::Summary;
use crate::record::counts::Counts;
use crate::record::synthetic;
use crate::seed::Seed;
use crate::units::Span;
use rand_distr::{Distribution, Normal};
use std::collections::BTreeMap;

/// Spread of the days' logarithms.
const DAYS: f64 = 0.25;
/// Dollars of the baseline on a middling day.
const COST: f64 = 40.0;

/// A suite that nobody ran.
#[derive(Debug, Clone)]
pub struct World {
    /// Contestants; the first is the baseline.
    pub contestants: Vec<&'static str>,
    /// Scenarios.
    pub scenarios: usize,
    /// Seeds.
    pub seeds: std::ops::RangeInclusive<u64>,
    /// Spread of the contestants' own luck, as a share.
    pub noise: f64,
    /// Which world: others have other days.
    pub world: u64,
    /// Which luck the contestants have on these days.
    pub luck: u64,
    /// Factors on bill and on bad requests of a contestant in a scenario.
    pub effect: fn(usize, usize) -> (f64, f64),
}

impl World {
    /// Contestants that do not differ.
    pub fn alike(contestants: &[&'static str], scenarios: usize, world: u64) -> Self {
        let contestants = contestants.to_vec();
        Self { contestants, scenarios, seeds: 1..=10, noise: 0.03, world, luck: 0, effect: |_, _| (1.0, 1.0) }
    }

    /// What the suite left.
    pub fn results(&self) -> Results {
        let blank = blank();
        let cells = (0..self.scenarios)
            .flat_map(|scenario| (0..self.contestants.len()).map(move |contestant| (scenario, contestant)));
        let cells = cells.map(|(scenario, contestant)| self.cell(&blank, scenario, contestant)).collect();
        Results { suite: self.head(), cells }
    }

    fn head(&self) -> SuiteHead {
        let inputs = ["suite.yaml", "scenarios/day-0.yaml", "traces/friday.csv.gz"]
            .map(|path| (path.to_owned(), "ab".repeat(32)));
        SuiteHead {
            name: "placements".to_owned(),
            question: "Which policy serves users best for its money?".to_owned(),
            scenarios: (0..self.scenarios).map(scenario).collect(),
            contestants: self.contestants.iter().map(|name| (*name).to_owned()).collect(),
            baseline: self.contestants[0].to_owned(),
            bad_million_usd: 20.0,
            tuning_runs: 16,
            seeds: (5, u32::try_from(self.seeds.clone().count()).expect("few seeds")),
            precision: 0.05,
            inputs: BTreeMap::from(inputs),
            program: "smo 0.1.0, features: milp".to_owned(),
        }
    }

    fn cell(&self, blank: &Summary, scenario: usize, contestant: usize) -> Cell {
        let name = self.contestants[contestant];
        let runs = self.seeds.clone().map(|seed| self.run(blank, (scenario, contestant), seed)).collect();
        let tuned = contestant > 0 && self.contestants.len() > 2;
        let tuning = if tuned { tuning(scenario, contestant) } else { Vec::new() };
        let policy = format!("spread+{name}{}", if tuned { ":target=70%,window=5min" } else { "" });
        let (scenario, contestant) = (format!("day-{scenario}"), name.to_owned());
        Cell { scenario, contestant, policy, tuning, runs, stopped: Stopped::Precise, hindsight: false }
    }

    fn run(&self, blank: &Summary, (scenario, contestant): (usize, usize), seed: u64) -> Outcome {
        let normal = |purpose: &str, entity: usize| {
            let mut stream = Seed(self.world.wrapping_mul(1_000).wrapping_add(seed)).stream(purpose, entity as u64);
            Normal::new(0.0, 1.0).expect("the standard normal law").sample(&mut stream)
        };
        let day = (DAYS * normal("day", scenario)).exp() * (1.0 + scenario as f64 / 2.0);
        let own =
            |what: &str| 1.0 + self.noise * normal(&format!("{what} {}", self.luck), scenario * 1_000 + contestant);
        let (cost, bad) = (self.effect)(contestant, scenario);
        let mut summary = blank.clone();
        summary.cost_usd = COST * day * cost * own("cost");
        summary.cost_nodes_usd = summary.cost_usd;
        summary.requests_offered = 20e6 * day;
        summary.requests_good = summary.requests_offered * (1.0 - 0.01 * bad * own("bad"));
        summary.requests_served = summary.requests_good;
        summary.slo_violation_time_share = Some(0.02 * bad * own("slo"));
        summary.cost_per_million_good_usd = Some(summary.cost_usd / summary.requests_good * 1e6);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some hundreds, rounded and not below zero"
        )]
        {
            summary.replica_changes = (400.0 * day * own("changes")).round().max(0.0) as u64;
        }
        let bound = summary.cost_usd / cost * 0.6;
        let bound = Some(Bounds { services_usd: bound * 0.95, coupled_usd: bound });
        Outcome { seed, key: format!("{seed:064x}"), result: Ok(summary), bound }
    }
}

/// The cell of a contestant, to be changed.
///
/// # Panics
/// Where there is no such cell.
pub fn cell<'a>(results: &'a mut Results, scenario: &str, contestant: &str) -> &'a mut Cell {
    let is_it = |cell: &&mut Cell| cell.scenario == scenario && cell.contestant == contestant;
    results.cells.iter_mut().find(is_it).expect("the cell is there")
}

fn scenario(index: usize) -> ScenarioHead {
    ScenarioHead {
        name: format!("day-{index}"),
        question: format!("Does it last through day {index}?"),
        train: "2 to 8 March".to_owned(),
        test: format!("{} March", 9 + index),
        warm_up_s: 3_600.0,
        warm_up_by: "MSER-5 on the first training run of the baseline".to_owned(),
        span_s: 82_800.0,
    }
}

fn tuning(scenario: usize, contestant: usize) -> Vec<Trial> {
    let trial = |(target, window): (u32, &str)| {
        let off = (f64::from(target) - 70.0) / 20.0;
        let loss = 44.0
            + scenario as f64
            + contestant as f64 * 0.2
            + off * off * 3.0
            + if window == "5min" { 0.0 } else { 0.7 };
        let knobs =
            BTreeMap::from([("target".to_owned(), format!("{target}%")), ("window".to_owned(), window.to_owned())]);
        Trial { knobs, runs: Vec::new(), loss_usd: Some(loss), chosen: target == 70 && window == "5min" }
    };
    [50, 60, 70, 80].into_iter().flat_map(|target| [(target, "1min"), (target, "5min")]).map(trial).collect()
}

/// A run of which nothing is said yet.
fn blank() -> Summary {
    let ms = |ms: u64| Span(ms * 1_000_000);
    let latency = Some(crate::model::observation::Quantiles { mean: ms(60), p50: ms(45), p95: ms(118), p99: ms(300) });
    let totals = Totals { span: Span::seconds(82_800), requests_good: 2e7, latency, ..Totals::default() };
    Summary::new(&synthetic::known(), &totals, &Counts::default())
}
