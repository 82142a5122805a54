//! The answer in words: from the expectations where there are some, else who does best at what.
//!
//! Never stronger than the figures: what holds on average only is said to, and one seed is said to have no interval.

use super::compare::{Comparison, Group};
use super::expect::{Certainty, Outcome, Verdict};
use super::metric::{self, Metric};
use std::collections::BTreeSet;

/// One or two sentences.
pub fn compose(comparison: &Comparison) -> String {
    let judged = judged(&comparison.verdicts);
    let unjudged = unjudged(&comparison.verdicts);
    let mut sentences = match (judged.is_empty(), unjudged.is_none()) {
        (false, _) => judged,
        (true, true) => vec![neutral(comparison), "Nothing was expected, so this is no verdict.".to_owned()],
        (true, false) => vec![neutral(comparison)],
    };
    sentences.extend(unjudged);
    if comparison.seeds().len() == 1 {
        sentences.push("One seed: there is no interval.".to_owned());
    }
    sentences.join(" ")
}

/// What is expected of one policy in one variant.
struct Case<'a> {
    who: String,
    verdicts: Vec<&'a Verdict>,
}

impl Case<'_> {
    /// `None` where nothing could be judged.
    fn holds(&self) -> Option<bool> {
        let judged: Vec<bool> = self
            .verdicts
            .iter()
            .filter_map(|verdict| match verdict.outcome {
                Outcome::Holds(_) => Some(true),
                Outcome::Fails(_) => Some(false),
                Outcome::Unjudged => None,
            })
            .collect();
        (!judged.is_empty()).then(|| judged.iter().all(|holds| *holds))
    }

    /// The figures that decide: all where all hold, those that fail where some do.
    fn because(&self, holds: bool) -> String {
        let decides = |verdict: &&&Verdict| match verdict.outcome {
            Outcome::Holds(_) => holds,
            Outcome::Fails(_) => !holds,
            Outcome::Unjudged => false,
        };
        self.verdicts.iter().filter(decides).map(|verdict| verdict.because.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A case that holds is as sure as its least sure verdict; one that fails, as the surest of those that fail.
    fn on_average(&self, holds: bool) -> bool {
        let on_average = |outcome: Outcome| match outcome {
            Outcome::Holds(certainty) if holds => Some(certainty == Certainty::Mean),
            Outcome::Fails(certainty) if !holds => Some(certainty == Certainty::Mean),
            _ => None,
        };
        let mut flags = self.verdicts.iter().filter_map(|verdict| on_average(verdict.outcome));
        if holds { flags.any(|flag| flag) } else { flags.all(|flag| flag) }
    }
}

/// `Yes for anytime: ... No for naive: ...`
fn judged(verdicts: &[Verdict]) -> Vec<String> {
    let cases = cases(verdicts);
    let alone = cases.len() == 1;
    let mut sentences = Vec::new();
    for holds in [true, false] {
        let chosen: Vec<&Case<'_>> = cases.iter().filter(|case| case.holds() == Some(holds)).collect();
        let Some(first) = chosen.first() else { continue };
        let word = if holds { "Yes" } else { "No" };
        let average = |case: &Case<'_>| if case.on_average(holds) { ", on average only (within chance)" } else { "" };
        sentences.push(if alone {
            format!("{word}{}: {}.", average(first), first.because(holds))
        } else {
            let parts = chosen.iter().map(|case| format!("{}{}: {}", case.who, average(case), case.because(holds)));
            format!("{word} for {}.", parts.collect::<Vec<_>>().join("; for "))
        });
    }
    sentences
}

/// Why some expectations cannot be judged, each reason once.
fn unjudged(verdicts: &[Verdict]) -> Option<String> {
    let unjudged = verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Unjudged);
    let reasons: BTreeSet<&str> = unjudged.map(|verdict| verdict.because.as_str()).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    (!reasons.is_empty()).then(|| format!("Not judged: {}.", reasons.join("; ")))
}

fn cases(verdicts: &[Verdict]) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for verdict in verdicts {
        let who = match &verdict.variant {
            Some(variant) => format!("{} in {variant}", verdict.policy),
            None => verdict.policy.clone(),
        };
        match cases.iter_mut().find(|case| case.who == who) {
            Some(case) => case.verdicts.push(verdict),
            None => cases.push(Case { who, verdicts: vec![verdict] }),
        }
    }
    cases
}

/// Who breaks the SLO least and who costs least, in the first variant (the base, where it was run).
fn neutral(comparison: &Comparison) -> String {
    let variant = comparison.variants()[0];
    let groups = comparison.of_variant(variant);
    let place = variant.map(|variant| format!(" in {variant}")).unwrap_or_default();
    if let [group] = groups.as_slice() {
        let figures: Vec<String> = ["slo_violation_time", "latency_p95", "task_wait_p95", "tasks_waiting", "cost"]
            .into_iter()
            .filter_map(metric::find)
            .filter_map(|metric| Some(format!("{} {}", metric.words(), metric.unit.estimate(&group.figure(metric)?))))
            .collect();
        return format!("{}{place}: {}.", group.policy, figures.join(", "));
    }
    // Who serves nothing well is cheap, which is no merit.
    let serves_nothing = |group: &&Group| group.figure_named("cost_per_million_good").is_none();
    let (some, all) = (groups.iter().any(serves_nothing), groups.iter().all(serves_nothing));
    let price = if some && !all {
        ("cost_per_million_good", "least cost per million good requests")
    } else {
        ("cost", "least cost")
    };
    let firsts = [
        ("slo_violation_time", "Least time over the SLO"),
        ("task_wait_mean", "Shortest mean wait of tasks"),
        ("tasks_waiting", "fewest tasks left waiting"),
        price,
    ];
    let parts: Vec<String> = firsts
        .into_iter()
        .filter_map(|(name, what)| Some(format!("{what}: {}", leaders(&groups, metric::find(name)?)?)))
        .collect();
    format!("{}{place}.", parts.join("; "))
}

/// The groups that are marked as best, or all where nothing tells them apart.
fn leaders(groups: &[&Group], metric: &'static Metric) -> Option<String> {
    let column = metric::METRICS.iter().position(|other| other.name == metric.name)?;
    let best: Vec<&&Group> = groups.iter().filter(|group| group.figures[column].best).collect();
    match best.as_slice() {
        [] => Some(format!("no difference ({})", metric.unit.estimate(&groups.first()?.figure(metric)?))),
        [first] => Some(format!("{} ({})", first.policy, metric.unit.estimate(&first.figure(metric)?))),
        several => {
            let names: Vec<&str> = several.iter().map(|group| group.policy.as_str()).collect();
            Some(format!("{}, which are not told apart", names.join(" and ")))
        }
    }
}
