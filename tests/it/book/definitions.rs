//! The references of metrics and policies, from their registries.

use super::cell;
use smo::policy::exec;
use smo::policy::joint::JOINTS;
use smo::policy::parameter::Parameter;
use smo::policy::placement::PLACEMENTS;
use smo::policy::scaling::SCALINGS;
use smo::report::metric::{Better, METRICS};
use std::fmt::Write as _;

const METRICS_INTRODUCTION: &str = "\
# Metrics

Made from the registry that tables, pages, exports and expectations take them from. Each is a figure of one run; tables show
the mean over the seeds with its 95 % interval.

| name | unit | better | formula | source |
|---|---|---|---|---|
";

const POLICIES_INTRODUCTION: &str = "\
# Policies

Made from the registries. A policy is written `placement+scaling`, each with parameters, as `greedy+rate:headroom=20%`; a half
that is left out is the partner that the other one names. `smo policies NAME` prints the same.

";

/// The page of metrics.
pub fn metrics() -> String {
    let mut text = METRICS_INTRODUCTION.to_owned();
    for metric in METRICS {
        let better = match metric.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "neither",
        };
        let (formula, source) = (cell(metric.formula), cell(metric.source));
        writeln!(text, "| `{}` | {} | {better} | {formula} | {source} |", metric.name, metric.unit.symbol()).unwrap();
    }
    text
}

/// The page of policies.
pub fn policies() -> String {
    let mut text = POLICIES_INTRODUCTION.to_owned();
    text.push_str("## Placements\n\n");
    for entry in PLACEMENTS {
        one(&mut text, entry.name, [entry.summary, entry.about], entry.parameters);
    }
    text.push_str("## Scalings\n\n");
    for entry in SCALINGS {
        one(&mut text, entry.name, [entry.summary, entry.about], entry.parameters);
    }
    if !JOINTS.is_empty() {
        text.push_str("## Joint policies\n\n");
    }
    for entry in JOINTS {
        one(&mut text, entry.name, [entry.summary, entry.about], entry.parameters);
    }
    text.push_str("## Programs of yours\n\n");
    one(&mut text, "exec", [exec::SUMMARY, exec::ABOUT], &[]);
    text.trim_end().to_owned() + "\n"
}

fn one(text: &mut String, name: &str, [summary, about]: [&str; 2], parameters: &[Parameter]) {
    write!(text, "### {name}\n\n{summary}\n\n{about}\n\n").unwrap();
    if !parameters.is_empty() {
        text.push_str("| parameter | default | meaning |\n|---|---|---|\n");
        for Parameter { name, default, summary } in parameters {
            writeln!(text, "| `{name}` | `{default}` | {} |", cell(summary)).unwrap();
        }
        text.push('\n');
    }
}
