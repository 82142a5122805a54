//! The comparison for machines: one object with the runs, the groups and the answers of every scenario.

use super::Comparison;
use super::caveat::caveats;
use super::choice::{Choice, choices};
use super::compare::Group;
use super::expect::{Certainty, Outcome, Verdict};
use super::metric::METRICS;
use crate::record::RunRecord;
use serde_json::{Map, Value, json};

/// Pretty-printed JSON, with a line feed at its end. No wall-clock time: the same runs give the same bytes.
pub fn render(comparisons: &[Comparison]) -> String {
    let object = json!({
        "answers": comparisons.iter().map(answer).collect::<Vec<_>>(),
        "groups": comparisons.iter().flat_map(|one| one.groups.iter().map(|group| of_group(one, group))).collect::<Vec<_>>(),
        "runs": comparisons.iter().flat_map(|one| &one.runs).map(of_run).collect::<Vec<_>>(),
    });
    format!("{object:#}\n")
}

fn answer(comparison: &Comparison) -> Value {
    json!({
        "scenario": comparison.scenario,
        "question": comparison.question,
        "answer": comparison.answer(),
        "caveats": caveats(comparison),
        "choices": choices(comparison).iter().map(choice).collect::<Vec<_>>(),
        "expectations": comparison.verdicts.iter().map(expectation).collect::<Vec<_>>(),
    })
}

fn choice(choice: &Choice) -> Value {
    json!({"variant": choice.variant, "verdict": choice.verdict, "sureness": choice.sureness, "figures": choice.figures})
}

fn expectation(verdict: &Verdict) -> Value {
    let (holds, certainty) = match verdict.outcome {
        Outcome::Holds(certainty) => (Some(true), Some(certainty)),
        Outcome::Fails(certainty) => (Some(false), Some(certainty)),
        Outcome::Unjudged => (None, None),
    };
    let certainty = certainty.map(|certainty| match certainty {
        Certainty::Interval => "interval",
        Certainty::Mean => "mean_only",
        Certainty::OneSeed => "one_seed",
    });
    json!({"expectation": verdict.text, "holds": holds, "certainty": certainty, "because": verdict.because})
}

fn of_group(comparison: &Comparison, group: &Group) -> Value {
    let mut metrics = Map::new();
    for (metric, figure) in METRICS.iter().zip(&group.figures) {
        let value = figure.estimate.map(|estimate| {
            json!({
                "mean": estimate.mean,
                "half_width_95": estimate.half_width,
                "seeds": estimate.count,
                "best": figure.best,
            })
        });
        metrics.insert(metric.name.to_owned(), value.into());
    }
    json!({
        "scenario": comparison.scenario,
        "variant": group.variant,
        "policy": group.policy,
        "rank": group.rank,
        "seeds": group.runs.iter().map(|index| comparison.runs[*index].manifest.header.seed).collect::<Vec<_>>(),
        "metrics": metrics,
    })
}

fn of_run(run: &RunRecord) -> Value {
    let header = &run.manifest.header;
    json!({
        "scenario": header.scenario,
        "variant": header.variant,
        "policy": header.policy,
        "seed": header.seed,
        "directory": run.dir.display().to_string(),
        "summary": run.summary,
    })
}
