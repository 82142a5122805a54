//! What `smo simulate` prints: what was run, the answer, the table with the best marked, and where to read on.

use super::Comparison;
use super::compare::Group;
use super::metric::{METRICS, Metric};
use super::rank;
use super::unit::Unit;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

/// Where and how the table is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether the best is marked by bold type; by `*` otherwise.
    pub bold: bool,
    /// Wall-clock time of all runs together, in seconds, where it is to be told.
    pub wall_s: Option<f64>,
    /// Where the page lies.
    pub report: Option<&'a Path>,
}

impl Shown<'_> {
    /// As standard output is: its width and bold type on a terminal without `NO_COLOR`, 120 columns and `*` otherwise.
    pub fn on_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = Table::new().width().filter(|_| terminal).map_or(120, usize::from);
        Self { width: width.clamp(80, 200), bold: terminal && !plain, wall_s: None, report: None }
    }
}

/// The text, with a line feed at its end.
pub fn render(comparison: &Comparison, shown: &Shown<'_>) -> String {
    let mut columns = columns_at_most(comparison, METRICS.len());
    while width(&table(comparison, &columns, false)) > shown.width && columns.len() > 1 {
        columns = columns_at_most(comparison, columns.len() - 1);
    }
    let mut table = table(comparison, &columns, shown.bold);
    if width(&table) > shown.width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(shown.width).unwrap_or(u16::MAX));
    }
    let mut text = wrapped(&heading(comparison, shown), shown.width);
    text += &wrapped(&comparison.answer(), shown.width);
    writeln!(text, "\n{}\n", table.trim_fmt()).expect("a string takes all");
    text += &wrapped(&legend(comparison, if shown.bold { "bold:" } else { "*" }), shown.width);
    if let Some(ranks) = rank::legend(comparison) {
        text += &wrapped(&ranks, shown.width);
    }
    text + &links(comparison, shown)
}

/// The metrics that stand in the table: those meant for tables of which there is something to see, and those that are
/// expected of.
///
/// Where there is room for `most` only, the last ones go, and of those that are expected of the last of all.
pub(super) fn columns_at_most(comparison: &Comparison, most: usize) -> Vec<&'static Metric> {
    let stands = |metric: &&Metric| {
        let means = || comparison.groups.iter().filter_map(|group| group.figure(metric)).map(|estimate| estimate.mean);
        let trivial = matches!(metric.unit, Unit::Count | Unit::Hours | Unit::KilowattHours | Unit::KilogramsCo2e);
        let seen = means().any(|mean| !trivial || mean.abs() > 0.0);
        means().next().is_some() && (is_expected(comparison, metric) || (metric.tabled && seen))
    };
    let mut columns: Vec<&'static Metric> = METRICS.iter().filter(stands).collect();
    while columns.len() > most.max(1) {
        let spare = columns.iter().rposition(|metric| !is_expected(comparison, metric));
        columns.remove(spare.unwrap_or(columns.len() - 1));
    }
    columns
}

/// Whether an expectation names the metric.
fn is_expected(comparison: &Comparison, metric: &Metric) -> bool {
    comparison.verdicts.iter().any(|verdict| verdict.metrics.iter().any(|name| name == metric.name))
}

fn table(comparison: &Comparison, columns: &[&'static Metric], bold: bool) -> Table {
    let several = comparison.variants().len() > 1;
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if bold {
        table.enforce_styling();
    }
    let ranked = comparison.groups.iter().any(|group| group.rank.is_some());
    let mut header = vec![Cell::new("policy")];
    if ranked {
        header.push(right("rank".to_owned()));
    }
    if several {
        header.push(Cell::new("variant"));
    }
    header.extend(columns.iter().map(|metric| {
        let (title, unit) = metric.head();
        right(format!("{title}\n{unit}"))
    }));
    table.set_header(header);
    for group in &comparison.groups {
        let mut row = vec![Cell::new(&group.policy)];
        if ranked {
            row.push(right(group.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string())));
        }
        if several {
            row.push(Cell::new(group.variant.as_deref().unwrap_or("base")));
        }
        row.extend(columns.iter().map(|metric| match (value(comparison, group, metric), bold) {
            ((text, true), true) => right(text).add_attribute(Attribute::Bold),
            ((text, true), false) => right(format!("*{text}")),
            ((text, false), _) => right(text),
        }));
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 2 }, 0));
    }
    table
}

pub(super) fn right(text: String) -> Cell {
    Cell::new_owned(text).set_alignment(CellAlignment::Right)
}

/// `0.20 ± 0.10`, and whether it is the best. All of a column have the same decimals.
pub(super) fn value(comparison: &Comparison, group: &Group, metric: &Metric) -> (String, bool) {
    let means: Vec<f64> =
        comparison.groups.iter().filter_map(|group| group.figure(metric)).map(|estimate| estimate.mean).collect();
    let decimals = rank::digits(metric.unit, &means);
    let column = METRICS.iter().position(|other| other.name == metric.name);
    let best = column.is_some_and(|column| group.figures[column].best);
    let Some(estimate) = group.figure(metric) else { return ("–".to_owned(), false) };
    (metric.unit.estimate_number(&estimate, decimals), best)
}

/// The widest line; nothing here is wider than one column a character.
pub(super) fn width(table: &Table) -> usize {
    table.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
}

/// `quickstart: 3 policies × 2 variants × 5 seeds, 24 h each   30 runs in 0.4 s`
fn heading(comparison: &Comparison, shown: &Shown<'_>) -> String {
    let wall = shown.wall_s.map(|wall| format!(" in {wall:.1} s")).unwrap_or_default();
    format!("{}   {}{wall}", what_was_run(comparison), counted(comparison.runs.len(), "run", "runs"))
}

/// `quickstart: 3 policies × 2 variants × 5 seeds, 24 h each`
pub(super) fn what_was_run(comparison: &Comparison) -> String {
    let variants = comparison.variants().len();
    let mut parts = vec![counted(comparison.policies().len(), "policy", "policies")];
    if variants > 1 {
        parts.push(counted(variants, "variant", "variants"));
    }
    parts.push(counted(comparison.seeds().len(), "seed", "seeds"));
    let span = comparison.runs.iter().map(|run| run.summary.span_s).fold(0.0, f64::max);
    let alike = comparison.runs.iter().all(|run| run.summary.span_s >= span);
    let (before, after) = if alike { ("", " each") } else { ("up to ", "") };
    format!("{}: {}, {before}{}{after}", comparison.scenario, parts.join(" × "), duration(span))
}

/// `1 policy`, `3 policies`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Seconds in the unit that people would use: `45 s`, `30 min`, `24 h`, `7 d`.
pub fn duration(seconds: f64) -> String {
    let units = [(86_400.0, "d", 172_800.0), (3_600.0, "h", 3_600.0), (60.0, "min", 60.0)];
    let (size, unit) =
        units.iter().find(|(.., from)| seconds >= *from).map_or((1.0, "s"), |(size, unit, _)| (*size, *unit));
    let rounded = (seconds / size * 10.0).round() / 10.0;
    format!("{rounded} {unit}")
}

/// What the marks mean.
pub(super) fn legend(comparison: &Comparison, mark: &str) -> String {
    let seeds = comparison.seeds().len();
    let arrow = "↓ lower is better";
    let whose = if comparison.variants().len() > 1 { " of its variant" } else { "" };
    match (comparison.groups.len() > 1, seeds > 1) {
        (true, true) => {
            format!(
                "{arrow}; {mark} the best{whose}, or not told apart from it; ± 95 % interval over {seeds} seeds, left out below the last digit"
            )
        }
        (true, false) => format!("{arrow}; {mark} the best{whose}; one seed, so nobody knows how surely"),
        (false, true) => format!("{arrow}; ± 95 % interval over {seeds} seeds, left out below the last digit"),
        (false, false) => arrow.to_owned(),
    }
}

/// Where to read on, and how to run it again.
fn links(comparison: &Comparison, shown: &Shown<'_>) -> String {
    let replay = comparison.runs.first().map(|run| format!("replay  smo replay {}", run.dir.display()));
    let report = shown.report.map(|path| format!("report  {}", path.display()));
    let links: Vec<String> = report.into_iter().chain(replay).collect();
    let one_line = links.join("      ");
    let separator = if one_line.chars().count() <= shown.width { "      " } else { "\n" };
    links.join(separator) + "\n"
}

/// Breaks a text between words, so that no line is longer than `width` where words allow. A number stays with its sign
/// and its unit.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let signed = pieces.last().is_some_and(|piece| piece.ends_with(['<', '>', '≤', '≥', '±', '×']));
        match pieces.last_mut() {
            Some(piece) if signed || word.starts_with(['%', '$', '×', '±']) => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    let mut lines = String::new();
    let mut length = 0;
    for piece in pieces {
        let wide = piece.chars().count();
        let (separator, start) = match length {
            0 => ("", 0),
            _ if length + 1 + wide > width => ("\n", 0),
            _ => (" ", length + 1),
        };
        lines += separator;
        lines += &piece;
        length = start + wide;
    }
    lines + "\n"
}
