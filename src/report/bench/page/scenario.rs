//! One scenario: its question and days, every policy against the baseline, the picture, and all figures behind it.

use super::picture;
use crate::report::bench::analysis::{Analysis, anchor};
use crate::report::bench::family::{Family, Pair};
use crate::report::bench::grid::Place;
use crate::report::bench::measure::Measure;
use crate::report::bench::results::Stopped;
use crate::report::bench::written;
use crate::report::html::markup::{Cell, Head, escape, put, table};
use crate::report::table::duration;

/// Figures beside the loss.
const COLUMNS_MAX: usize = 6;

/// The section of a scenario.
pub fn section(analysis: &Analysis<'_>, scenario: usize) -> String {
    let head = &analysis.grid.results.suite.scenarios[scenario];
    let mut html = format!("<section id=\"{}\"><h2>Scenario {}</h2>\n", anchor::scenario(scenario), escape(&head.name));
    if !head.question.is_empty() {
        put(&mut html, format_args!("<p>{}</p>\n", escape(&head.question)));
    }
    let warm_up = if head.warm_up_s > 0.0 {
        format!("the first {} are warm-up and count nowhere ({})", duration(head.warm_up_s), head.warm_up_by)
    } else {
        format!("no warm-up is cut off ({})", head.warm_up_by)
    };
    let days = format!(
        "Reported are {}: {} a run after the warm-up; {warm_up}. Knobs were tuned on {}.",
        head.test,
        duration(head.span_s),
        head.train
    );
    put(&mut html, format_args!("<p class=\"what\">{}</p>\n", escape(&days)));
    html += &comparisons(analysis, scenario);
    html += "<div class=\"grid\">\n";
    html += &picture::of_scenario(analysis, scenario);
    // In a box of its own: the script puts a field above a long table, which must not take a column.
    put(&mut html, format_args!("<div>{}</div>\n</div>\n", side(analysis, scenario)));
    html += &all(analysis, scenario);
    html + "</section>\n"
}

/// Loss against the baseline, and the tabled figures.
fn comparisons(analysis: &Analysis<'_>, scenario: usize) -> String {
    let grid = &analysis.grid;
    let columns = written::columns(grid, COLUMNS_MAX);
    let mut heads = vec![
        Head::new("policy"),
        Head::with_unit("loss", "$ a run ↓"),
        Head {
            means: "policy minus baseline, seed by seed".to_owned(),
            ..Head::with_unit("minus baseline", "$ a run ↓")
        },
        Head::with_unit("the same", "% of baseline ↓"),
        Head { means: "after Holm over all comparisons of the loss".to_owned(), ..Head::with_unit("p", "Holm") },
        Head::new("finding"),
        Head {
            means: "how it was judged, and by how many pairs of seeds".to_owned(),
            ..Head::with_unit("test", "pairs")
        },
    ];
    heads.extend(columns.iter().map(|measure| {
        let (title, unit) = measure.head();
        Head { title: title.to_owned(), unit, means: measure.words().to_owned() }
    }));
    let families: Vec<&Family> = columns.iter().filter_map(|measure| family(analysis, *measure)).collect();
    let row = |contestant: usize| {
        let place = Place { scenario, contestant };
        let mut cells = vec![Cell::label(grid.name(contestant)).at(&anchor::cell(place))];
        cells.extend(loss(analysis, place));
        cells.extend(families.iter().map(|family| figure(analysis, family, place)));
        cells
    };
    let rows: Vec<Vec<Cell>> = grid.contestants().map(row).collect();
    let caption = "Means over seeds ± 95 % intervals; differences by pairs of the same seed. Bold and shaded: shown better than the \
                   baseline, red: shown worse, each figure corrected for itself";
    table(caption, &heads, &rows)
}

fn loss(analysis: &Analysis<'_>, place: Place) -> Vec<Cell> {
    let grid = &analysis.grid;
    let decimals = written::decimals(grid, Measure::Loss, place.scenario);
    let estimate = grid.estimate(Measure::Loss, place);
    let missing = estimate.as_ref().err().cloned();
    let mut cells = vec![Cell::number(&written::estimate(estimate, Measure::Loss.unit(), decimals))];
    match analysis.loss().at(place) {
        None => {
            let what = missing.map_or_else(|| "is the baseline".to_owned(), |reason| format!("baseline: {reason}"));
            cells.extend([
                Cell::number(written::NONE),
                Cell::number(written::NONE),
                Cell::number(written::NONE),
                Cell::text(&what),
                Cell::text(""),
            ]);
        }
        Some(Pair { difference: Err(reason), .. }) => {
            cells.extend([Cell::number(written::NONE), Cell::number(written::NONE), Cell::number(written::NONE)]);
            cells.extend([Cell::text(&format!("gap: {reason}")), Cell::text("")]);
        }
        Some(pair) => {
            let Ok(difference) = &pair.difference else { return cells };
            let relative = written::relative(pair);
            cells.push(Cell::number(&written::difference(difference, Measure::Loss.unit())));
            cells.push(match pair.finding {
                finding if finding.is_better() => Cell::best(&relative),
                finding if finding.is_worse() => Cell::worse(&relative),
                _ => Cell::number(&relative),
            });
            cells.push(Cell::number(&written::p(pair.adjusted)));
            cells.push(Cell::text(pair.finding.words()));
            cells.push(Cell::text(&written::test(difference)));
        }
    }
    cells
}

fn family<'a>(analysis: &'a Analysis<'_>, measure: Measure) -> Option<&'a Family> {
    analysis.families.iter().find(|family| family.measure.name() == measure.name())
}

fn figure(analysis: &Analysis<'_>, family: &Family, place: Place) -> Cell {
    let grid = &analysis.grid;
    let decimals = written::decimals(grid, family.measure, place.scenario);
    let text = written::estimate(grid.estimate(family.measure, place), family.measure.unit(), decimals);
    match written::finding(family, place) {
        Some(finding) if finding.is_better() => Cell::best(&text),
        Some(finding) if finding.is_worse() => Cell::worse(&text),
        _ => Cell::number(&text),
    }
}

/// What ran, why no more seeds, regret.
fn side(analysis: &Analysis<'_>, scenario: usize) -> String {
    let grid = &analysis.grid;
    let has_static = analysis.regrets.iter().any(|regret| regret.over_static.is_some());
    let mut heads = vec![
        Head::new("policy"),
        Head::new("as it ran"),
        Head {
            means: "runs on the test days, and why there are no more".to_owned(),
            ..Head::with_unit("seeds", "stopped")
        },
        Head {
            means: "loss over the lower bound of any policy, less one".to_owned(),
            ..Head::with_unit("regret", "% ↓, at most")
        },
    ];
    if has_static {
        heads.push(Head::with_unit("over best static", "in hindsight, % ↓"));
    }
    let row = |contestant: usize| {
        let place = Place { scenario, contestant };
        let cell = grid.cell(place);
        let stopped = cell.map_or("not run", |cell| stopped(cell.stopped));
        let seeds = format!("{} {stopped}", cell.map_or(0, |cell| cell.runs.len()));
        let regret = analysis.regret(place);
        let over = |found: Option<&Result<_, String>>| match found {
            Some(Ok(estimate)) => Cell::number(&written::share(estimate)),
            Some(Err(_)) | None => Cell::number(written::NONE),
        };
        let mut cells = vec![
            Cell::label(grid.name(contestant)),
            Cell::label(cell.map_or(written::NONE, |cell| cell.policy.as_str())),
            Cell::text(&seeds),
            over(regret.map(|regret| &regret.over_bound)),
        ];
        if has_static {
            cells.push(over(regret.and_then(|regret| regret.over_static.as_ref())));
        }
        cells
    };
    let rows: Vec<Vec<Cell>> = grid.contestants().map(row).collect();
    table("What ran, on how many seeds, and how far it is from the bound", &heads, &rows)
}

const fn stopped(why: Stopped) -> &'static str {
    match why {
        Stopped::Precise => "(precise enough)",
        Stopped::Budget => "(no more allowed)",
        Stopped::Certain => "(all agree)",
        Stopped::Failed => "(a run failed)",
    }
}

/// Every measure in a row, every policy in a column.
fn all(analysis: &Analysis<'_>, scenario: usize) -> String {
    let grid = &analysis.grid;
    let known = |family: &&Family| {
        let mut places = grid.contestants().map(|contestant| Place { scenario, contestant });
        places.any(|place| grid.estimate(family.measure, place).is_ok_and(|estimate| estimate.mean.abs() > 0.0))
    };
    let row = |family: &Family| {
        let (title, unit) = family.measure.head();
        let cells = grid.contestants().map(|contestant| figure(analysis, family, Place { scenario, contestant }));
        std::iter::once(Cell::text(format!("{title} {unit}").trim())).chain(cells).collect::<Vec<Cell>>()
    };
    let rows: Vec<Vec<Cell>> = analysis.families.iter().filter(known).map(row).collect();
    let heads = std::iter::once("figure").chain(grid.contestants().map(|one| grid.name(one))).map(Head::new);
    let caption = "All figures that are not zero for all: means over seeds ± 95 % intervals, marked as above";
    let table = table(caption, &heads.collect::<Vec<_>>(), &rows);
    format!("<details><summary>All figures of {}</summary>{table}</details>\n", escape(grid.scenario(scenario)))
}
