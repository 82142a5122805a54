//! Regret by scenario, and how much each knob matters.

use crate::report::bench::analysis::{Analysis, anchor};
use crate::report::bench::grid::Place;
use crate::report::bench::sensitivity::{Knob, Setting};
use crate::report::bench::{regret, written};
use crate::report::html::markup::{Cell, Head, prose, table};
use crate::report::unit::Unit;
use std::collections::BTreeSet;

/// Regret over the bound, policy by scenario.
pub fn regret(analysis: &Analysis<'_>) -> String {
    let grid = &analysis.grid;
    let intro = "A lower bound on the loss of any policy that knew everything beforehand is computed for each run. Regret is the \
                 loss over that bound, less one. Since it is a bound and no plan, the true regret may be less, and no policy may be \
                 able to come so low.";
    let mut html = format!("<h2>Regret</h2>\n<p>{}</p>\n", prose(intro));
    let has_any = analysis.regrets.iter().any(|regret| regret.over_bound.is_ok());
    let scenario = |scenario: usize| Head::with_unit(grid.scenario(scenario), "% ↓, at most");
    let heads: Vec<Head> = [Head::new("policy"), Head::with_unit("all scenarios", "% ↓, at most")]
        .into_iter()
        .chain(grid.scenarios().map(scenario))
        .collect();
    let row = |contestant: usize| {
        let cell = |scenario: usize| match analysis.regret(Place { scenario, contestant }).map(|one| &one.over_bound) {
            Some(Ok(estimate)) => Cell::number(&written::share(estimate)),
            _ => Cell::number(written::NONE),
        };
        let overall = regret::overall(&analysis.regrets, contestant);
        let overall = overall.map_or_else(|| written::NONE.to_owned(), |estimate| written::share(&estimate));
        let name = Cell::label(grid.name(contestant)).at(&anchor::regret(contestant));
        [name, Cell::number(&overall)].into_iter().chain(grid.scenarios().map(cell)).collect()
    };
    let rows: Vec<Vec<Cell>> = grid.contestants().map(row).collect();
    if has_any {
        html += &table(
            "Regret over the bound in per cent of it: mean over seeds ± 95 % interval; over all scenarios the interval is over these",
            &heads,
            &rows,
        );
        html += &bounds(analysis);
    }
    let reasons = analysis.regrets.iter().filter_map(|one| Some((one, one.over_bound.as_ref().err()?)));
    let reasons: BTreeSet<String> = reasons
        .map(|(one, reason)| {
            format!(
                "<li>{}</li>\n",
                prose(&format!(
                    "`{}` in `{}`: {reason}",
                    grid.name(one.place.contestant),
                    grid.scenario(one.place.scenario)
                ))
            )
        })
        .collect();
    if reasons.is_empty() {
        return html;
    }
    let all: String = reasons.iter().map(String::as_str).collect();
    html + &format!(
        "<details><summary>{} results without regret, and why</summary><ul>{all}</ul></details>\n",
        reasons.len()
    )
}

/// The bounds themselves.
fn bounds(analysis: &Analysis<'_>) -> String {
    let grid = &analysis.grid;
    let row = |scenario: usize| {
        let bound = grid.contestants().find_map(|contestant| analysis.regret(Place { scenario, contestant })?.bound);
        let text = bound.map_or_else(|| written::NONE.to_owned(), |bound| Unit::Dollars.estimate(&bound));
        vec![Cell::text(grid.scenario(scenario)), Cell::number(&text)]
    };
    let rows: Vec<Vec<Cell>> = grid.scenarios().map(row).collect();
    let table = table(
        "The bound, in dollars a run: mean over seeds ± 95 % interval",
        &["scenario", "bound"].map(Head::new),
        &rows,
    );
    format!("<details><summary>The bounds</summary>{table}</details>\n")
}

/// How much each knob matters.
pub fn knobs(analysis: &Analysis<'_>) -> String {
    if analysis.knobs.is_empty() {
        return "<h2>Knobs</h2>\n<p>No policy was tuned: each ran as the suite gives it.</p>\n".to_owned();
    }
    let grid = &analysis.grid;
    let most = analysis.knobs.iter().filter_map(|knob| knob.spread).fold(0.0, f64::max);
    let row = |knob: &Knob| {
        let spread = match knob.spread {
            Some(spread) => Cell::bar(&Unit::Share.number(spread, 1), if most > 0.0 { spread / most } else { 0.0 }),
            None => Cell::number(written::NONE),
        };
        let edge = if knob.at_edge { " (at the edge)" } else { "" };
        vec![
            Cell::label(grid.name(knob.place.contestant)),
            Cell::text(&knob.name),
            Cell::text(grid.scenario(knob.place.scenario)),
            spread,
            Cell::text(&format!("{}{edge}", knob.chosen.as_deref().unwrap_or(written::NONE))),
            Cell::text(&settings(&knob.settings)),
        ]
    };
    let rows: Vec<Vec<Cell>> = analysis.knobs.iter().map(row).collect();
    let heads = [
        Head::new("policy"),
        Head::new("knob"),
        Head::new("scenario"),
        Head {
            means: "loss at its worst value over loss at its best, less one".to_owned(),
            ..Head::with_unit("matters", "% of the loss")
        },
        Head::new("chosen"),
        Head::with_unit("best loss with each value", "$ a run on the training days ↓"),
    ];
    let intro = format!(
        "Each policy had at most {} trials a scenario, on training days that are not reported. For each value of a knob the best trial \
         with it counts, whatever the others were; a value at the edge of those tried may not be the best there is. No intervals: \
         these are trials, not findings.",
        grid.results.suite.tuning_runs
    );
    format!(
        "<h2>How much each knob matters</h2>\n<p>{}</p>\n{}",
        prose(&intro),
        table("Sensitivity of the loss to each knob", &heads, &rows)
    )
}

fn settings(settings: &[Setting]) -> String {
    let text = |setting: &Setting| match setting.loss_usd {
        Some(loss) => format!("{}: {}", setting.value, Unit::Dollars.number(loss, 2)),
        None => format!("{}: all {} failed", setting.value, setting.trials),
    };
    settings.iter().map(text).collect::<Vec<_>>().join("; ")
}
