//! Runs side by side: means and 95 % intervals over seeds, what is best, and what became of the expectations.
//!
//! Policies face the same load, faults and delays seed by seed (common random numbers), so they are compared by the mean
//! of the *differences* of the same seed and its interval. That is much narrower than the difference of two means, and
//! it is the only right one for pairs (policy A's lucky day is policy B's too).

use super::estimate::Estimate;
use super::expect::{self, Verdict};
use super::metric::{Better, METRICS, Metric};
use super::rank::RANKED_FROM;
use super::{answer, metric};
use crate::model::Expectation;
use crate::record::RunRecord;
use std::collections::BTreeSet;

/// All runs of one scenario.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Name of the scenario.
    pub scenario: String,
    /// What it asks; may be empty.
    pub question: String,
    /// The runs, as they were given.
    pub runs: Vec<RunRecord>,
    /// The runs of a policy in a variant, in the order in which these first appear; many policies by their rank.
    pub groups: Vec<Group>,
    /// What became of the expectations, in their order.
    pub verdicts: Vec<Verdict>,
}

/// The runs of one policy in one variant.
#[derive(Debug, Clone)]
pub struct Group {
    /// The variant; `None` for the base.
    pub variant: Option<String>,
    /// The policy.
    pub policy: String,
    /// Its place among many policies of its variant, see [`rank`](super::rank); none among few.
    pub rank: Option<u32>,
    /// Its runs, as indices into [`Comparison::runs`], by rising seed.
    pub runs: Vec<usize>,
    /// The figures, in the order of [`METRICS`].
    pub figures: Vec<Figure>,
}

/// A metric of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Over the seeds; `None` where the metric is undefined.
    pub estimate: Option<Estimate>,
    /// Whether it is the best of its variant, or cannot be told from the best.
    pub best: bool,
}

impl Comparison {
    /// Groups the runs of one scenario and judges the expectations.
    ///
    /// # Panics
    /// Without any run.
    pub fn new(runs: Vec<RunRecord>, expect: &[Expectation]) -> Self {
        let first = &runs.first().expect("a comparison has at least one run").manifest.header;
        let (scenario, question) = (first.scenario.clone(), first.question.clone());
        let groups = group(&runs);
        let mut comparison = Self { scenario, question, runs, groups, verdicts: Vec::new() };
        comparison.mark_best();
        comparison.rank();
        comparison.verdicts = expect.iter().map(|one| expect::judge(&comparison, one)).collect();
        comparison
    }

    /// The answer to the scenario's question in one or two sentences, as strong as the figures are and no stronger.
    pub fn answer(&self) -> String {
        answer::compose(self)
    }

    /// The variants in the order of the groups; `None` is the base.
    pub fn variants(&self) -> Vec<Option<&str>> {
        let mut variants = Vec::new();
        for group in &self.groups {
            if !variants.contains(&group.variant.as_deref()) {
                variants.push(group.variant.as_deref());
            }
        }
        variants
    }

    /// The policies in the order of the groups.
    pub fn policies(&self) -> Vec<&str> {
        let mut policies = Vec::new();
        for group in &self.groups {
            if !policies.contains(&group.policy.as_str()) {
                policies.push(&group.policy);
            }
        }
        policies
    }

    /// All seeds.
    pub fn seeds(&self) -> BTreeSet<u64> {
        self.runs.iter().map(|run| run.manifest.header.seed).collect()
    }

    /// The groups of one variant.
    pub fn of_variant(&self, variant: Option<&str>) -> Vec<&Group> {
        self.groups.iter().filter(|group| group.variant.as_deref() == variant).collect()
    }

    /// The values of a metric by seed, in a group.
    pub fn values(&self, group: &Group, metric: &Metric) -> Vec<(u64, f64)> {
        let value = |index: &usize| {
            let run = &self.runs[*index];
            metric.of(&run.summary).map(|value| (run.manifest.header.seed, value))
        };
        group.runs.iter().filter_map(value).collect()
    }

    /// The mean of `left − factor · right`, seed by seed.
    pub fn difference(&self, left: (&Group, &Metric), factor: f64, right: (&Group, &Metric)) -> Option<Estimate> {
        let others = self.values(right.0, right.1);
        let pair = |(seed, value): &(u64, f64)| {
            others.iter().find(|(other, _)| other == seed).map(|(_, other)| value - factor * other)
        };
        Estimate::of(&self.values(left.0, left.1).iter().filter_map(pair).collect::<Vec<_>>())
    }

    fn mark_best(&mut self) {
        for variant in self.variants().into_iter().map(|variant| variant.map(str::to_owned)).collect::<Vec<_>>() {
            for (column, metric) in METRICS.iter().enumerate() {
                let best = self.best_of(variant.as_deref(), metric);
                for index in best {
                    self.groups[index].figures[column].best = true;
                }
            }
        }
    }

    /// The groups with the best mean, and those that the pairs of seeds do not tell from it; none where that is all.
    fn best_of(&self, variant: Option<&str>, metric: &Metric) -> Vec<usize> {
        let sign = match metric.better {
            Better::Lower => 1.0,
            Better::Higher => -1.0,
            Better::Neither => return Vec::new(),
        };
        let rated = |(index, group): (usize, &Group)| {
            let estimate = group.figure(metric).filter(|_| group.variant.as_deref() == variant)?;
            Some((index, sign * estimate.mean))
        };
        let rated: Vec<(usize, f64)> = self.groups.iter().enumerate().filter_map(rated).collect();
        let Some(&(best, least)) = rated.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else { return Vec::new() };
        let as_good = |(index, mean): &(usize, f64)| {
            let difference = self.difference((&self.groups[*index], metric), 1.0, (&self.groups[best], metric));
            *mean <= least || difference.is_some_and(|one| one.half_width.is_some() && !one.excludes_zero())
        };
        let marked: Vec<usize> = rated.iter().filter(|one| as_good(one)).map(|(index, _)| *index).collect();
        // Where most of many are as good, a mark tells nothing.
        let most = if rated.len() < RANKED_FROM { rated.len() } else { rated.len() / 2 };
        if marked.len() < most { marked } else { Vec::new() }
    }
}

impl Group {
    /// The metric over the group's seeds.
    pub fn figure(&self, metric: &Metric) -> Option<Estimate> {
        let column = METRICS.iter().position(|other| other.name == metric.name)?;
        self.figures.get(column)?.estimate
    }

    /// The metric of that name over the group's seeds.
    pub fn figure_named(&self, name: &str) -> Option<Estimate> {
        self.figure(metric::find(name)?)
    }
}

fn group(runs: &[RunRecord]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let header = &run.manifest.header;
        let same = |group: &&mut Group| group.variant == header.variant && group.policy == header.policy;
        match groups.iter_mut().find(same) {
            Some(group) => group.runs.push(index),
            None => groups.push(Group {
                variant: header.variant.clone(),
                policy: header.policy.clone(),
                rank: None,
                runs: vec![index],
                figures: Vec::new(),
            }),
        }
    }
    for group in &mut groups {
        group.runs.sort_by_key(|index| runs[*index].manifest.header.seed);
        let values = |metric: &Metric| -> Vec<f64> {
            group.runs.iter().filter_map(|index| metric.of(&runs[*index].summary)).collect()
        };
        let figures = METRICS.iter().map(|metric| Figure { estimate: Estimate::of(&values(metric)), best: false });
        group.figures = figures.collect();
    }
    groups
}
