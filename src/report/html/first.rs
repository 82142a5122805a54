//! The first screen: the question, the answer, the table with the best marked, and one picture that shows it.

use super::chart::scatter::scatter;
use super::markup::{Cell, Head, escape, figure, list, prose, put, table};
use crate::report::caveat::caveats;
use crate::report::choice::{capital, choices};
use crate::report::compare::{Comparison, Group};
use crate::report::expect::{Certainty, Outcome, Verdict};
use crate::report::metric::{self, METRICS, Metric};
use crate::report::rank;
use crate::report::table::{columns_at_most, duration, legend, value, what_was_run};

/// Columns of figures that a page has room for.
const COLUMNS_MAX: usize = 8;
/// Policies that stand side by side in the table of all figures.
const ACROSS_MAX: usize = 12;

/// Everything above the details of one scenario. `over_time` is the picture where policies cannot be set against each
/// other.
pub fn screen(comparison: &Comparison, over_time: &str) -> String {
    let title = if comparison.question.is_empty() { &comparison.scenario } else { &comparison.question };
    let mut html = format!(
        "<header><p class=\"what\">{}</p>\n<h1>{}</h1>\n<p class=\"answer\">{}</p></header>\n",
        escape(&what_was_run(comparison)),
        escape(title),
        prose(&comparison.answer())
    );
    for caveat in caveats(comparison) {
        put(&mut html, format_args!("<p class=\"beware\"><b>Beware:</b> {}</p>\n", escape(&caveat)));
    }
    html += &which(comparison);
    html += &figures(comparison);
    html += "<div class=\"grid\">\n";
    html += &picture(comparison).unwrap_or_else(|| over_time.to_owned());
    html += &verdicts(&comparison.verdicts);
    html + "</div>\n"
}

/// Which policy to take, and how sure that is.
fn which(comparison: &Comparison) -> String {
    let choices = choices(comparison);
    if choices.is_empty() {
        return String::new();
    }
    let several = comparison.variants().len() > 1;
    let mut html = "<section class=\"which\"><h2>Which policy, and how sure is that?</h2>\n".to_owned();
    let sureness = prose(&choices[0].sureness);
    for choice in choices {
        let variant = choice.variant.as_deref().unwrap_or("base");
        let place = if several { format!("In {}: ", escape(variant)) } else { String::new() };
        put(&mut html, format_args!("<p>{place}<strong>{}</strong></p>\n", prose(&choice.verdict)));
        html += &list(choice.figures.iter().map(String::as_str));
    }
    html + &format!("<p>{sureness}</p></section>\n")
}

/// The table of policies, as wide as a page, and all figures behind it.
fn figures(comparison: &Comparison) -> String {
    let several = comparison.variants().len() > 1;
    let columns = columns_at_most(comparison, COLUMNS_MAX);
    let ranks = rank::legend(comparison);
    let mut heads = vec![Head::new("policy")];
    if let Some(means) = &ranks {
        heads.push(Head { means: means.clone(), ..Head::new("rank") });
    }
    if several {
        heads.push(Head::new("variant"));
    }
    heads.extend(columns.iter().map(|metric| {
        let (title, unit) = metric.head();
        Head { title: title.to_owned(), unit, means: format!("{}: {}", metric.name, metric.formula) }
    }));
    let row = |group: &Group| {
        let mut row = vec![Cell::label(&group.policy)];
        if ranks.is_some() {
            row.push(Cell::number(&group.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string())));
        }
        if several {
            row.push(Cell::text(group.variant.as_deref().unwrap_or("base")));
        }
        row.extend(columns.iter().map(|metric| figure_cell(comparison, group, metric)));
        row
    };
    let rows: Vec<Vec<Cell>> = comparison.groups.iter().map(row).collect();
    let all = all_figures(comparison);
    let span = comparison.runs.iter().map(|run| run.summary.span_s).fold(0.0, f64::max);
    let halves = "; write +rate into the field to see placements beside the same scaling, greedy+ to see scalings beside the same placement";
    let ranks = ranks.map(|ranks| format!("; {ranks}{halves}")).unwrap_or_default();
    let caption = format!(
        "Every figure is of one whole run ({}), per run and not per hour; {}{ranks}",
        duration(span),
        legend(comparison, "bold and shaded:")
    );
    table(&caption, &heads, &rows) + &format!("<details><summary>All figures</summary>{all}</details>\n")
}

/// Every metric in a row, every policy in a column; many policies in rows, to be sorted.
fn all_figures(comparison: &Comparison) -> String {
    if comparison.groups.len() > ACROSS_MAX {
        return all_figures_by_policy(comparison);
    }
    let head = |group: &Group| Head {
        title: group.policy.clone(),
        unit: group.variant.clone().unwrap_or_default(),
        means: String::new(),
    };
    let heads: Vec<Head> = std::iter::once(Head::new("figure")).chain(comparison.groups.iter().map(head)).collect();
    let row = |metric: &&Metric| {
        let (title, unit) = metric.head();
        let cells = comparison.groups.iter().map(|group| figure_cell(comparison, group, metric));
        std::iter::once(Cell::text(format!("{title} {unit}").trim())).chain(cells).collect()
    };
    table(
        "All figures, over the whole run",
        &heads,
        &METRICS.iter().collect::<Vec<_>>().iter().map(row).collect::<Vec<_>>(),
    )
}

fn all_figures_by_policy(comparison: &Comparison) -> String {
    let is_known = |metric: &&Metric| comparison.groups.iter().any(|group| group.figure(metric).is_some());
    let metrics: Vec<&Metric> = METRICS.iter().filter(is_known).collect();
    let head = |metric: &&Metric| {
        let (title, unit) = metric.head();
        Head { title: title.to_owned(), unit, means: metric.formula.to_owned() }
    };
    let heads: Vec<Head> = std::iter::once(Head::new("policy")).chain(metrics.iter().map(head)).collect();
    let row = |group: &Group| {
        let variant = group.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
        let cells = metrics.iter().map(|metric| figure_cell(comparison, group, metric));
        std::iter::once(Cell::label(&format!("{}{variant}", group.policy))).chain(cells).collect()
    };
    table("All figures, over the whole run", &heads, &comparison.groups.iter().map(row).collect::<Vec<_>>())
}

fn figure_cell(comparison: &Comparison, group: &Group, metric: &Metric) -> Cell {
    match value(comparison, group, metric) {
        (text, true) => Cell::best(&text),
        (text, false) => Cell::number(&text),
    }
}

/// Policies of the first variant against each other: what it costs, and how well users are served for it.
fn picture(comparison: &Comparison) -> Option<String> {
    let variant = comparison.variants()[0];
    let groups = comparison.of_variant(variant);
    let is_ranked = groups.iter().any(|group| group.rank.is_some());
    let price = if is_ranked { rank::aims(&groups).pop() } else { None };
    let across = price.filter(|price| price.name.starts_with("cost")).or_else(|| metric::find("cost"))?;
    let mut upwards = ["slo_violation_time", "latency_p95", "task_wait_mean"].into_iter().filter_map(metric::find);
    let (svg, up) = upwards.find_map(|up| Some((scatter(&groups, across, up)?, up)))?;
    let place = variant.map(|variant| format!(" in {variant}")).unwrap_or_default();
    let bars = if comparison.seeds().len() > 1 { "; bars are 95 % intervals" } else { "" };
    let unit = up.unit.symbol();
    let what = capital(up.title);
    let far = svg.left_out;
    let far = if far > 0 {
        format!("; {far} policies lie far outside, or have no figure, and are left out")
    } else {
        String::new()
    };
    let named = if svg.named < groups.len() { "; those of rank 1 have names, point at the others" } else { "" };
    let caption = format!(
        "{what} ({unit}, upwards) against {}{place}: the best corner is the lower left{bars}{named}{far}",
        across.title
    );
    Some(figure(&caption, &svg.svg, &[]))
}

/// Each expectation, whether it holds, and by which figures.
fn verdicts(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return String::new();
    }
    let mut html = "<section class=\"verdicts\"><h2>What was expected</h2>\n<ul>\n".to_owned();
    for verdict in verdicts {
        let (class, word) = match verdict.outcome {
            Outcome::Holds(Certainty::Mean) => ("holds", "holds on average, within chance"),
            Outcome::Holds(_) => ("holds", "holds"),
            Outcome::Fails(Certainty::Mean) => ("fails", "fails on average, within chance"),
            Outcome::Fails(_) => ("fails", "fails"),
            Outcome::Unjudged => ("unjudged", "not judged"),
        };
        let (text, because) = (escape(&verdict.text), prose(&verdict.because));
        put(&mut html, format_args!("<li class=\"{class}\"><code>{text}</code> <b>{word}</b>: {because}</li>\n"));
    }
    html + "</ul></section>\n"
}
