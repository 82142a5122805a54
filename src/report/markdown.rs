//! The comparison as Markdown, for a pull request: the answer, which policy, a compact table, and the rest folded away.

use super::Comparison;
use super::caveat::caveats;
use super::choice::choices;
use super::compare::Group;
use super::expect::{Certainty, Outcome};
use super::metric::{METRICS, Metric};
use super::table::{columns_at_most, legend, value, what_was_run};
use crate::record::InputFile;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Columns of the compact table.
const COLUMNS_MAX: usize = 6;

/// The text, with a line feed at its end. No wall-clock time: the same runs give the same bytes.
///
/// # Panics
/// Never: a string takes all.
pub fn render(comparisons: &[Comparison], command: &str) -> String {
    let mut text = comparisons.iter().map(scenario).collect::<Vec<_>>().join("\n");
    let body = format!("```console\n{}\n```\n{}", fenced(command), files(comparisons));
    text += &folded("How to run it again", &body);
    text
}

fn scenario(comparison: &Comparison) -> String {
    let title = if comparison.question.is_empty() { &comparison.scenario } else { &comparison.question };
    let mut text = format!("## {}\n\n", escape(title));
    let mut line = |line: &str| writeln!(text, "{line}\n").expect("a string takes all");
    line(&format!("**{}**", escape(&comparison.answer())));
    for caveat in caveats(comparison) {
        line(&format!("> Beware: {}", escape(&caveat)));
    }
    let several = comparison.variants().len() > 1;
    let choices = choices(comparison);
    for choice in &choices {
        let variant = choice.variant.as_deref().unwrap_or("base");
        let place = if several { format!("In {}: ", escape(variant)) } else { String::new() };
        let figures: Vec<String> = choice.figures.iter().map(|figure| format!("- {}", escape(figure))).collect();
        let figures = figures.join("\n");
        line(&format!("{place}{}\n\n{figures}", escape(&choice.verdict)));
    }
    if let Some(first) = choices.first() {
        line(&escape(&first.sureness));
    }
    line(&compact(comparison));
    line(&format!("{}; {}.", escape(&what_was_run(comparison)), escape(&legend(comparison, "bold:"))));
    text += &folded("What was expected", &expected(comparison));
    text += &folded("All figures", &all_figures(comparison));
    text += &folded("What was assumed", &notes(comparison));
    text
}

/// Something to be opened; nothing where there is nothing in it.
fn folded(summary: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n\n")
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

/// The line below a table's head: labels to the left, figures to the right.
fn rule(labels: usize, figures: usize) -> String {
    row(std::iter::repeat_n(":--".to_owned(), labels).chain(std::iter::repeat_n("--:".to_owned(), figures)))
}

fn head(metric: &Metric) -> String {
    let (title, unit) = metric.head();
    if unit.is_empty() { title.to_owned() } else { format!("{title}, {unit}") }
}

fn compact(comparison: &Comparison) -> String {
    let several = comparison.variants().len() > 1;
    let columns = columns_at_most(comparison, COLUMNS_MAX);
    let labels = if several { vec!["policy", "variant"] } else { vec!["policy"] };
    let mut lines =
        vec![row(labels.iter().map(|label| (*label).to_owned()).chain(columns.iter().map(|metric| head(metric))))];
    lines.push(rule(labels.len(), columns.len()));
    for group in &comparison.groups {
        let variant = several.then(|| escape(group.variant.as_deref().unwrap_or("base")));
        let names = std::iter::once(escape(&group.policy)).chain(variant);
        lines.push(row(names.chain(columns.iter().map(|metric| cell(comparison, group, metric)))));
    }
    lines.join("\n")
}

fn cell(comparison: &Comparison, group: &Group, metric: &Metric) -> String {
    match value(comparison, group, metric) {
        (text, true) => format!("**{}**", escape(&text)),
        (text, false) => escape(&text),
    }
}

fn all_figures(comparison: &Comparison) -> String {
    let name = |group: &Group| match &group.variant {
        Some(variant) => format!("{} in {}", escape(&group.policy), escape(variant)),
        None => escape(&group.policy),
    };
    let mut lines = vec![row(std::iter::once("figure".to_owned()).chain(comparison.groups.iter().map(name)))];
    lines.push(rule(1, comparison.groups.len()));
    for metric in METRICS {
        let cells = comparison.groups.iter().map(|group| cell(comparison, group, metric));
        lines.push(row(std::iter::once(head(metric)).chain(cells)));
    }
    lines.join("\n") + "\n"
}

fn expected(comparison: &Comparison) -> String {
    let line = |verdict: &super::expect::Verdict| {
        let word = match verdict.outcome {
            Outcome::Holds(Certainty::Mean) => "holds on average, within chance",
            Outcome::Holds(_) => "holds",
            Outcome::Fails(Certainty::Mean) => "fails on average, within chance",
            Outcome::Fails(_) => "fails",
            Outcome::Unjudged => "not judged",
        };
        format!("- `{}` **{word}**: {}\n", verdict.text.replace('`', "'"), escape(&verdict.because))
    };
    comparison.verdicts.iter().map(line).collect::<Vec<_>>().concat()
}

fn notes(comparison: &Comparison) -> String {
    let notes = comparison.runs.iter().flat_map(|run| &run.manifest.header.notes);
    let notes: BTreeSet<&String> = notes.collect();
    notes.into_iter().map(|note| format!("- {}\n", escape(note))).collect::<Vec<_>>().concat()
}

fn files(comparisons: &[Comparison]) -> String {
    let runs = comparisons.iter().flat_map(|one| &one.runs);
    let files: BTreeSet<&InputFile> = runs.flat_map(|run| &run.manifest.header.inputs).collect();
    let line = |file: &InputFile| format!("- {} ({} B, sha256 `{}`)\n", escape(&file.path), file.bytes, file.sha256);
    files.into_iter().map(line).fold("\n".to_owned(), |text, line| text + &line)
}

/// What Markdown or HTML would take for its own.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' | '~' => escaped.extend(['\\', letter]),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A command within a fence, which it must not end.
fn fenced(command: &str) -> String {
    command.lines().map(|line| format!("$ {}", line.replace("```", "'''"))).collect::<Vec<_>>().join("\n")
}
