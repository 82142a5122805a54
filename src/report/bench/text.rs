//! The suite as text: a table for the terminal (100 columns), Markdown for a pull request, a LaTeX table for a paper.

use super::analysis::{Analysis, Score};
use super::family::{Family, Finding};
use super::grid::Place;
use super::overall::Row;
use super::page::behind;
use super::page::first::warnings;
use super::verdict::Sentence;
use super::{regret, written};
use crate::report::markdown::{escape, folded, row, rule};
use crate::report::table::{right, width, wrapped};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement, Table};
use std::fmt::Write as _;

/// Columns of a terminal.
const WIDTH: usize = 100;

/// The figures of a row of the ranking, as all texts show them.
fn figures(analysis: &Analysis<'_>, one: &Row) -> [String; 5] {
    let is_baseline = Some(one.contestant) == analysis.grid.baseline();
    let Score { better, open, worse, gaps } = analysis.score(one.contestant);
    let gaps = if gaps > 0 { format!(" ({gaps} gaps)") } else { String::new() };
    let told = written::told(one, analysis.overall.scenarios.len());
    let regret = regret::overall(&analysis.regrets, one.contestant);
    [
        if is_baseline { "1 (baseline)".to_owned() } else { written::ratio(one) },
        told.to_owned(),
        written::rank(one),
        if is_baseline { written::NONE.to_owned() } else { format!("{better}/{open}/{worse}{gaps}") },
        regret.map_or_else(|| written::NONE.to_owned(), |regret| written::share(&regret)),
    ]
}

/// What `smo bench` prints.
///
/// # Panics
/// Never: a string takes all.
pub fn table(analysis: &Analysis<'_>, sentences: &[Sentence]) -> String {
    let (grid, suite) = (&analysis.grid, &analysis.grid.results.suite);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let heads = [
        "loss ÷ baseline's\n↓ 95 %",
        "told from\nfirst",
        "mean rank\n↓ 95 %",
        "better/open/worse\nscenarios",
        "regret ≤\n% ↓",
    ];
    table.set_header(std::iter::once(Cell::new("policy")).chain(heads.map(|head| right(head.to_owned()))));
    for one in &analysis.overall.rows {
        let cells = figures(analysis, one).map(right);
        table.add_row(std::iter::once(Cell::new(grid.name(one.contestant))).chain(cells));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 2 }, 0));
    }
    if width(&table) > WIDTH {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(WIDTH).unwrap_or(u16::MAX));
    }
    let heading = format!("{}: {}", suite.name, written::size(grid));
    let mut text = wrapped(&heading, WIDTH);
    text += &wrapped(&super::verdict::paragraph(sentences), WIDTH);
    writeln!(text, "\n{}\n", table.trim_fmt()).expect("a string takes all");
    for (contestant, reason) in &analysis.overall.unranked {
        text += &wrapped(&format!("{} is not ranked: {reason}", grid.name(*contestant)), WIDTH);
    }
    for warning in warnings(analysis) {
        text += &wrapped(&format!("Beware: {warning}"), WIDTH);
    }
    text
}

/// Markdown for a pull request.
///
/// # Panics
/// Never: a string takes all.
pub fn markdown(analysis: &Analysis<'_>, sentences: &[Sentence]) -> String {
    let (grid, suite) = (&analysis.grid, &analysis.grid.results.suite);
    let title = if suite.question.is_empty() { &suite.name } else { &suite.question };
    let mut text = format!("## {}\n\n", escape(title));
    for sentence in sentences {
        let mut parts = sentence.text.split('`');
        let mut said = escape(parts.next().unwrap_or_default());
        while let Some(code) = parts.next() {
            write!(said, "`{code}`{}", escape(parts.next().unwrap_or_default())).expect("a string takes all");
        }
        writeln!(text, "{said} [(figures)](report.html#{})", sentence.anchor).expect("a string takes all");
    }
    text.push('\n');
    for warning in warnings(analysis) {
        writeln!(text, "> Beware: {}\n", warning.replace('`', "").split('\n').map(escape).collect::<String>())
            .expect("a string takes all");
    }
    let heads =
        ["policy", "loss ÷ baseline's ↓ (95 %)", "told from first", "mean rank ↓", "better/open/worse", "regret ≤ % ↓"];
    let mut lines = vec![row(heads.map(str::to_owned)), rule(1, heads.len() - 1)];
    for one in &analysis.overall.rows {
        lines.push(row(std::iter::once(escape(grid.name(one.contestant))).chain(figures(analysis, one))));
    }
    writeln!(text, "{}\n", lines.join("\n")).expect("a string takes all");
    text += &folded("Loss by scenario, % of the baseline's", &losses(analysis));
    text += &folded("Gaps", &gaps(analysis));
    let method: Vec<String> = behind::sentences(analysis).iter().map(|one| format!("- {}", escape(one))).collect();
    let method = method.join("\n") + "\n";
    text += &folded("How the figures came about", &method);
    text
}

fn losses(analysis: &Analysis<'_>) -> String {
    let grid = &analysis.grid;
    let heads = std::iter::once("policy".to_owned()).chain(grid.scenarios().map(|one| escape(grid.scenario(one))));
    let mut lines = vec![row(heads), rule(1, grid.scenarios().len())];
    for contestant in grid.contestants() {
        let cell = |scenario: usize| loss(analysis.loss(), Place { scenario, contestant });
        lines.push(row(std::iter::once(escape(grid.name(contestant))).chain(grid.scenarios().map(cell))));
    }
    lines.join("\n") + "\n\nBold: shown better; italic: shown worse; plain: no difference shown.\n"
}

fn loss(family: &Family, place: Place) -> String {
    let Some(pair) = family.at(place) else { return "baseline".to_owned() };
    let text = written::relative(pair);
    match pair.finding {
        finding if finding.is_better() => format!("**{text}**"),
        finding if finding.is_worse() => format!("_{text}_"),
        Finding::Gap => "gap".to_owned(),
        _ => text,
    }
}

fn gaps(analysis: &Analysis<'_>) -> String {
    let grid = &analysis.grid;
    let gap = |(place, reason): &(Place, String)| {
        format!(
            "- {} in {} {}\n",
            escape(grid.name(place.contestant)),
            escape(grid.scenario(place.scenario)),
            escape(reason)
        )
    };
    let unranked =
        |(one, reason): &(usize, String)| format!("- {} is not ranked: {}\n", escape(grid.name(*one)), escape(reason));
    analysis.gaps.iter().map(gap).chain(analysis.overall.unranked.iter().map(unranked)).collect()
}

/// A LaTeX table that needs no package.
///
/// # Panics
/// Never: a string takes all.
pub fn latex(analysis: &Analysis<'_>) -> String {
    let (grid, suite) = (&analysis.grid, &analysis.grid.results.suite);
    let mut text = format!(
        "% {} (smo bench). Needs no package.\n\\begin{{table}}\n\\caption{{{}: loss as a multiple of that of {}, geometric mean over {} scenarios with 95\\,\\% interval (less is better); mean rank; scenarios in which a policy is shown better, not told apart, shown worse (Holm, 5\\,\\%); regret over a lower bound.}}\n\\label{{tab:{}}}\n\\begin{{tabular}}{{lrrrr}}\n\\hline\n",
        tex(&suite.name).replace('\n', " "),
        tex(&suite.name),
        tex(&suite.baseline),
        analysis.overall.scenarios.len(),
        suite.name.chars().filter(char::is_ascii_alphanumeric).collect::<String>()
    );
    text += "policy & loss ratio & mean rank & better/open/worse & regret, \\% \\\\\n\\hline\n";
    for one in &analysis.overall.rows {
        let [ratio, _, rank, score, regret] = figures(analysis, one).map(|figure| tex(&figure));
        let ratio = if one.is_shown() && one.ratio < 1.0 { format!("\\textbf{{{ratio}}}") } else { ratio };
        writeln!(text, "{} & {ratio} & {rank} & {score} & {regret} \\\\", tex(grid.name(one.contestant)))
            .expect("a string takes all");
    }
    for (contestant, reason) in &analysis.overall.unranked {
        writeln!(text, "{} & \\multicolumn{{4}}{{l}}{{not ranked: {}}} \\\\", tex(grid.name(*contestant)), tex(reason))
            .expect("a string takes all");
    }
    text + "\\hline\n\\end{tabular}\n\\end{table}\n"
}

/// What TeX would take for its own.
fn tex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '±' => escaped.push_str("$\\pm$"),
            '÷' => escaped.push_str("$\\div$"),
            '–' => escaped.push_str("--"),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
