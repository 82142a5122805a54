//! What an inventory comes to: simulated with every seed, judged by the SLO at the confidence that is asked for.

use super::{Arguments, Dimension, nodes};
use crate::backend::sim::SimBackend;
use crate::cli::job::{JobError, Setting};
use crate::cli::pools::{self, Nodes, PoolNow};
use crate::cli::{Failure, execute};
use crate::input::Criterion;
use crate::learning::Learning;
use crate::model::expectation::Comparison;
use crate::policy::PolicySpec;
use crate::record::Summary;
use crate::record::counts::Counts;
use crate::report::estimate::Estimate;
use crate::report::metric::Metric;
use crate::run::Run;
use crate::seed::Seed;
use crate::solver::sizing::{Judge, Judged, Point};
use std::str::FromStr;

/// A figure that has to keep a bound.
#[derive(Debug, Clone)]
pub struct Slo {
    /// What has to hold.
    pub criterion: Criterion,
    /// The figure.
    pub metric: &'static Metric,
}

/// How surely it has to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Confidence {
    /// The one-sided bound of the mean at that confidence keeps it.
    Bound(f64),
    /// Every seed keeps it.
    EverySeed,
}

impl FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "all" {
            return Ok(Self::EverySeed);
        }
        let digits = text.trim().trim_end_matches('%').trim_end();
        let share =
            digits.parse::<f64>().ok().map(|percent| percent / 100.0).filter(|share| (0.5..1.0).contains(share));
        share.map(Self::Bound).ok_or_else(|| format!("`{text}` is no confidence; write `95%`, from 50% on, or `all`"))
    }
}

impl std::fmt::Display for Confidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bound(share) => write!(f, "{}%", (share * 1e6).round() / 1e4),
            Self::EverySeed => f.write_str("all"),
        }
    }
}

impl Slo {
    /// The value that is judged: the bound of the mean on the side of the SLO, or the worst seed.
    pub fn judged(&self, values: &[f64], confidence: Confidence) -> f64 {
        let is_upper = matches!(self.criterion.comparison, Comparison::Less | Comparison::LessOrEqual);
        match confidence {
            Confidence::EverySeed if is_upper => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Confidence::EverySeed => values.iter().copied().fold(f64::INFINITY, f64::min),
            Confidence::Bound(share) => {
                let width = Estimate::one_sided(values, share).unwrap_or(0.0);
                let mean = Estimate::of(values).map_or(f64::NAN, |estimate| estimate.mean);
                if is_upper { mean + width } else { mean - width }
            }
        }
    }

    /// Whether it holds.
    pub fn holds(&self, values: &[f64], confidence: Confidence) -> bool {
        self.criterion.comparison.holds(self.judged(values, confidence), self.criterion.bound)
    }
}

/// An inventory that was tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The nodes of each pool.
    pub nodes: Vec<Nodes>,
    /// Whether it keeps the SLO.
    pub passes: bool,
    /// What it costs, over the seeds; none where it cannot be run at all.
    pub cost: Option<Estimate>,
    /// The values of each figure of the SLO, by seed; none where one has no value.
    pub values: Vec<Option<Vec<f64>>>,
}

/// All inventories of one policy that were tried.
pub struct Trials<'a> {
    pub arguments: &'a Arguments,
    pub policy: &'a PolicySpec,
    pub seeds: &'a [u64],
    pub now: &'a [PoolNow],
    pub dimensions: &'a [Dimension],
    pub seen: Vec<(Point, Trial)>,
}

impl Trials<'_> {
    /// The inventory as it is, simulated.
    ///
    /// # Errors
    /// Where a run fails.
    pub fn today(&self, setting: &Setting) -> Result<Trial, Failure> {
        let runs =
            execute::all(self.seeds, self.arguments.telling.threads, |seed| simulate(setting, self.policy, *seed))?;
        let runs = runs.into_iter().collect::<Result<Vec<Summary>, JobError>>().map_err(failure)?;
        Ok(self.trial(self.now.iter().map(|pool| pool.nodes).collect(), &runs))
    }

    fn trial(&self, nodes: Vec<Nodes>, runs: &[Summary]) -> Trial {
        let values = |slo: &Slo| runs.iter().map(|run| slo.metric.of(run)).collect::<Option<Vec<f64>>>();
        let values: Vec<Option<Vec<f64>>> = self.arguments.slo.iter().map(values).collect();
        let holds = |(slo, values): (&Slo, &Option<Vec<f64>>)| {
            values.as_ref().is_some_and(|values| slo.holds(values, self.arguments.confidence))
        };
        let passes = !runs.is_empty() && self.arguments.slo.iter().zip(&values).all(holds);
        let costs: Vec<f64> = runs.iter().map(|run| run.cost_usd).collect();
        Trial { nodes, passes, cost: Estimate::of(&costs), values }
    }

    fn judged(&self, trial: &Trial) -> Judged {
        let miss = |(slo, values): (&Slo, &Option<Vec<f64>>)| match values {
            None => 1e9,
            Some(values) if slo.holds(values, self.arguments.confidence) => 0.0,
            Some(values) => {
                let (value, bound) = (slo.judged(values, self.arguments.confidence), slo.criterion.bound);
                1e-6 + (value - bound).abs() / bound.abs().max(1e-3)
            }
        };
        let miss = self.arguments.slo.iter().zip(&trial.values).map(miss).sum();
        Judged { passes: trial.passes, cost: trial.cost.map_or(f64::INFINITY, |cost| cost.mean), miss }
    }
}

impl Judge for Trials<'_> {
    type Error = Failure;

    fn judge(&mut self, points: &[Point]) -> Result<Vec<Judged>, Failure> {
        let sized: Vec<Vec<Nodes>> = points.iter().map(|point| nodes(self.dimensions, point, self.now)).collect();
        // Without any node there is nothing to run anything in.
        let load = |nodes: &Vec<Nodes>| {
            let patches = pools::patches(self.now, nodes);
            let is_any = nodes.iter().any(|nodes| nodes.max > 0);
            is_any.then(|| self.arguments.asked.load(self.arguments.until, &patches)).transpose()
        };
        let settings = sized.iter().map(load).collect::<Result<Vec<Option<Setting>>, Failure>>()?;
        let jobs: Vec<(&Setting, u64)> =
            settings.iter().flatten().flat_map(|setting| self.seeds.iter().map(move |seed| (setting, *seed))).collect();
        let threads = self.arguments.telling.threads;
        let mut runs =
            execute::all(&jobs, threads, |(setting, seed)| simulate(setting, self.policy, *seed))?.into_iter();
        let mut judged = Vec::with_capacity(points.len());
        for ((point, nodes), setting) in points.iter().zip(sized).zip(&settings) {
            let count = if setting.is_some() { self.seeds.len() } else { 0 };
            let own = runs.by_ref().take(count).collect::<Result<Vec<Summary>, JobError>>().map_err(failure)?;
            let trial = self.trial(nodes, &own);
            judged.push(self.judged(&trial));
            self.seen.push((point.clone(), trial));
        }
        Ok(judged)
    }
}

fn failure(error: JobError) -> Failure {
    if error.is_input() { Failure::input(error) } else { Failure::run(error) }
}

/// The figures of one run; nothing of it is kept.
fn simulate(setting: &Setting, policy: &PolicySpec, seed: u64) -> Result<Summary, JobError> {
    let (loaded, seed) = (&setting.loaded, Seed(seed));
    let scenario = &loaded.scenario;
    let backend = SimBackend::with_tasks(scenario.clone(), (loaded.workload()?, loaded.tasks()), seed)?;
    let backend = Learning::around(backend, scenario.learn);
    let mut run = Run::new(backend, policy.build()?, scenario.control.rails.clone(), seed);
    let mut counts = Counts::default();
    let totals = run.drive(None, &mut counts)?.expect("without a pause, a run goes on to its end");
    Ok(Summary::new(&scenario.known, &totals, &counts))
}

#[cfg(test)]
mod tests {
    use super::Confidence;

    #[test]
    fn a_confidence_reads_back() {
        for text in ["95%", "99.5%", "all"] {
            assert_eq!(text.parse::<Confidence>().expect("is one").to_string(), text);
        }
        assert!("20%".parse::<Confidence>().is_err() && "sure".parse::<Confidence>().is_err());
    }
}
