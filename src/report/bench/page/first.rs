//! The first screen: the question, the verdict, the ranking, the picture over all scenarios, losses by scenario, gaps.

use super::picture;
use crate::report::bench::analysis::{Analysis, anchor};
use crate::report::bench::family::{Finding, Pair};
use crate::report::bench::grid::Place;
use crate::report::bench::overall::Row;
use crate::report::bench::regret;
use crate::report::bench::statistics::{LEVEL, Test, pareto};
use crate::report::bench::verdict::Sentence;
use crate::report::bench::written;
use crate::report::html::markup::{Cell, Head, escape, prose, put, table, table_of_words};
use crate::report::unit::Unit;

/// Everything above the scenarios.
pub fn screen(analysis: &Analysis<'_>, sentences: &[Sentence]) -> String {
    let suite = &analysis.grid.results.suite;
    let title = if suite.question.is_empty() { &suite.name } else { &suite.question };
    let mut html = format!(
        "<header><p class=\"what\">Suite {}: {}, baseline {}</p>\n<h1>{}</h1>\n",
        escape(&suite.name),
        written::size(&analysis.grid),
        escape(&suite.baseline),
        escape(title)
    );
    html += "<p class=\"answer\">";
    for (index, sentence) in sentences.iter().enumerate() {
        let text = prose(&sentence.text);
        let link = format!(
            "<sup><a href=\"#{0}\" aria-label=\"figures behind sentence {1}\">{1}</a></sup>",
            escape(&sentence.anchor),
            index + 1
        );
        put(&mut html, format_args!("{text}{link} "));
    }
    html += "</p></header>\n";
    html += &reading(analysis);
    html += &ranking(analysis);
    put(&mut html, format_args!("<div class=\"grid\">\n{}</div>\n", picture::overall(analysis)));
    html += &fronts(analysis);
    html += &losses(analysis);
    html + &gaps(analysis)
}

/// What the words mean, before the first table.
fn reading(analysis: &Analysis<'_>) -> String {
    let suite = &analysis.grid.results.suite;
    let bad = Unit::Dollars.text(suite.bad_million_usd);
    let text = format!(
        "Loss is the bill of one run in dollars plus {bad} for every million bad requests (slow, dropped or failed); less is better. \
         A run covers the test days of its scenario after the warm-up. `Shown` means that a difference as large would come about by \
         chance in less than 5 % of cases, after Holm's correction over all comparisons of the same figure; `no difference shown` \
         does not mean that there is none. ± and ranges are 95 % intervals."
    );
    format!("<p id=\"{}\" class=\"what\">{}</p>\n", anchor::SUITE, prose(&text))
}

fn ranking(analysis: &Analysis<'_>) -> String {
    let (grid, overall) = (&analysis.grid, &analysis.overall);
    let mut heads = vec![
        Head::new("policy"),
        Head {
            means: "geometric mean over scenarios of mean loss ÷ the baseline's; below 1 is better".to_owned(),
            ..Head::with_unit("loss ÷ baseline's", "↓ (95 % interval)")
        },
        Head { means: "p of a ratio other than 1, after Holm".to_owned(), ..Head::with_unit("p", "Holm") },
        Head::with_unit("told apart", "from the first"),
        Head {
            means: "mean over scenarios of the rank by loss, 1 being least".to_owned(),
            ..Head::with_unit("mean rank", "↓ (95 % interval)")
        },
        Head {
            means: "scenarios in which it is shown better than the baseline, no difference is shown, it is shown worse"
                .to_owned(),
            ..Head::with_unit("scenarios", "better / open / worse")
        },
    ];
    let has_regret = grid.contestants().any(|one| regret::overall(&analysis.regrets, one).is_some());
    if has_regret {
        heads.push(Head {
            means: "loss over the lower bound of any policy, less one; mean over scenarios".to_owned(),
            ..Head::with_unit("regret", "% ↓, at most")
        });
    }
    let mut rows: Vec<Vec<Cell>> = overall.rows.iter().map(|row| ranked(analysis, row, has_regret)).collect();
    rows.extend(overall.unranked.iter().map(|(contestant, reason)| {
        let mut cells = vec![Cell::label(grid.name(*contestant)).at(&anchor::rank(*contestant))];
        cells.push(Cell::text(&format!("not ranked: {reason}")));
        cells.resize_with(heads.len(), || Cell::text(""));
        cells
    }));
    let mut html = "<h2>Ranking over all scenarios</h2>\n".to_owned();
    for warning in warnings(analysis) {
        put(&mut html, format_args!("<p class=\"beware\"><b>Beware:</b> {}</p>\n", prose(&warning)));
    }
    let caption = format!(
        "By loss over {} scenarios, the least first; intervals are over scenarios: how a scenario like these might turn out. \
         Best where shown better than the baseline",
        overall.scenarios.len()
    );
    html + &table(&caption, &heads, &rows)
}

fn ranked(analysis: &Analysis<'_>, row: &Row, has_regret: bool) -> Vec<Cell> {
    let grid = &analysis.grid;
    let is_baseline = Some(row.contestant) == grid.baseline();
    let name = Cell::label(grid.name(row.contestant)).at(&anchor::rank(row.contestant));
    let ratio = written::ratio(row);
    let ratio = match (row.is_shown(), row.ratio < 1.0) {
        (true, true) => Cell::best(&ratio),
        (true, false) => Cell::worse(&ratio),
        _ if is_baseline => Cell::number("1 (baseline)"),
        _ => Cell::number(&ratio),
    };
    let told = written::told(row, analysis.overall.scenarios.len());
    let score = analysis.score(row.contestant);
    let gaps = if score.gaps > 0 { format!(", {} not compared", score.gaps) } else { String::new() };
    let score = if is_baseline {
        written::NONE.to_owned()
    } else {
        format!("{} / {} / {}{gaps}", score.better, score.open, score.worse)
    };
    let mut cells = vec![
        name,
        ratio,
        Cell::number(&written::p(row.adjusted)),
        Cell::text(told),
        Cell::number(&written::rank(row)),
        Cell::number(&score),
    ];
    if has_regret {
        let regret = regret::overall(&analysis.regrets, row.contestant);
        cells.push(Cell::number(&regret.map_or_else(|| written::NONE.to_owned(), |regret| written::share(&regret))));
    }
    cells
}

/// What a reader of the order alone would miss.
pub fn warnings(analysis: &Analysis<'_>) -> Vec<String> {
    let (grid, overall) = (&analysis.grid, &analysis.overall);
    let mut warnings = Vec::new();
    let others = overall.rows.iter().skip(1);
    let overlapping: Vec<&Row> = others.filter(|row| row.told_from_first == Some(false)).collect();
    if let Some(first) = overall.rows.first().filter(|_| !overlapping.is_empty() && overall.scenarios.len() > 1) {
        let overlap = overlapping.iter().filter(|row| overall.overlaps_first(row)).count();
        warnings.push(format!(
            "the order is not all shown: {} of {} others are not told apart from `{}`, and the intervals of {overlap} of these overlap with its own.",
            overlapping.len(), overall.rows.len() - 1, grid.name(first.contestant)
        ));
    }
    if overall.scenarios.len() == 1 {
        warnings.push("one scenario: there is no interval over scenarios, and nothing is said of others.".to_owned());
    } else if (2..5).contains(&overall.scenarios.len()) {
        warnings.push(format!(
            "{} scenarios only: intervals over scenarios are wide, and those of ranks too narrow.",
            overall.scenarios.len()
        ));
    }
    warnings.extend(too_few_seeds(analysis));
    for (scenario, reason) in &overall.dropped {
        warnings.push(format!("`{}` does not count: {reason}.", grid.scenario(*scenario)));
    }
    warnings
}

/// Signed ranks of few seeds can show nothing after a correction over many comparisons, however large the difference is.
fn too_few_seeds(analysis: &Analysis<'_>) -> Option<String> {
    let loss = analysis.loss();
    let least = |pairs: usize| 0.5_f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX) - 1);
    let is_hopeless = |pair: &&Pair| {
        let ranked = pair.difference.as_ref().ok().filter(|one| one.test == Test::SignedRank);
        ranked.is_some_and(|one| least(one.pairs) * loss.tested as f64 >= LEVEL) && pair.finding == Finding::NotShown
    };
    let count = loss.pairs.iter().filter(is_hopeless).count();
    let needed = (6..10_000).find(|seeds| least(*seeds) * (loss.tested as f64) < LEVEL)?;
    (count > 0).then(|| {
        format!(
            "{count} of {} comparisons have skewed differences of too few seeds to show anything after the correction; {needed} seeds would do.",
            loss.tested
        )
    })
}

/// Who is beaten in both aims, over all scenarios.
fn fronts(analysis: &Analysis<'_>) -> String {
    let (grid, front) = (&analysis.grid, &analysis.front);
    if front.points.len() < 2 {
        return String::new();
    }
    let heads = [
        Head::new("policy"),
        Head::with_unit("bill ÷ baseline's", "↓"),
        Head::with_unit(front.aims[1].title(), &format!("{} ↓", front.aims[1].unit().symbol())),
        Head::new("beaten by"),
        Head {
            means: "share of the box that only this policy covers".to_owned(),
            ..Head::with_unit("covers alone", "% ↑")
        },
    ];
    let unit = front.aims[1].unit();
    let means: Vec<f64> = front.points.iter().map(|point| point.aims[1].mean).collect();
    let decimals = unit.decimals(&means);
    let rows = front.points.iter().map(|point| {
        let by = point.dominated_by.map_or_else(|| "nobody".to_owned(), |by| grid.name(by).to_owned());
        vec![
            Cell::label(grid.name(point.contestant)).at(&anchor::front(point.contestant)),
            Cell::number(&format!("{:.3}", point.aims[0].mean)),
            Cell::number(&unit.number(point.aims[1].mean, decimals)),
            Cell::label(&by),
            Cell::number(&format!("{:.2}", point.exclusive * 100.0)),
        ]
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let three = front
        .volume_three
        .map(|volume| format!("; {:.1} % of the volume with {}", volume * 100.0, front.aims[2].words()));
    let caption = format!(
        "Means over scenarios. Beaten: shown better in one aim and not worse by {} % in the other (paired differences, Holm over all pairs); \
         what is open is a tie. All together cover {:.1} % of the box below 1.1 × the worst{}",
        pareto::MARGIN * 100.0,
        front.volume * 100.0,
        three.unwrap_or_default()
    );
    table(&caption, &heads, &rows)
}

/// Loss against the baseline, scenario by scenario.
fn losses(analysis: &Analysis<'_>) -> String {
    let (grid, loss) = (&analysis.grid, analysis.loss());
    let scenario = |scenario: usize| Head::with_unit(grid.scenario(scenario), "% ↓");
    let heads: Vec<Head> = std::iter::once(Head::new("policy")).chain(grid.scenarios().map(scenario)).collect();
    let row = |contestant: usize| {
        let cell = |scenario: usize| {
            let Some(pair) = loss.at(Place { scenario, contestant }) else { return Cell::number("baseline") };
            let text = written::relative(pair);
            match pair.finding {
                finding if finding.is_better() => Cell::best(&text),
                finding if finding.is_worse() => Cell::worse(&text),
                _ => Cell::number(&text),
            }
        };
        let name = Cell::label(grid.name(contestant)).at(&anchor::losses(contestant));
        std::iter::once(name).chain(grid.scenarios().map(cell)).collect()
    };
    let rows: Vec<Vec<Cell>> = grid.contestants().map(row).collect();
    let caption = format!(
        "Loss against {} by scenario, in per cent of its loss, below zero is better; bold and shaded: shown better, red: shown worse \
         (Holm over {} comparisons, p < {LEVEL}), plain: no difference shown, {}: a gap. Without ±: all seeds agree",
        grid.results.suite.baseline,
        loss.tested,
        written::NONE
    );
    format!("<h2 id=\"{}\">Loss by scenario</h2>\n{}", anchor::LOSSES, table(&caption, &heads, &rows))
}

/// What is missing, and why.
fn gaps(analysis: &Analysis<'_>) -> String {
    let grid = &analysis.grid;
    let mut html = format!("<h2 id=\"{}\">Gaps</h2>\n", anchor::GAPS);
    if analysis.gaps.is_empty() && analysis.overall.unranked.is_empty() {
        return html + "<p>None: every policy has its runs in every scenario.</p>\n";
    }
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (place, reason) in &analysis.gaps {
        let (scenario, name) = (grid.scenario(place.scenario), grid.name(place.contestant));
        rows.push(vec![
            Cell::label(name),
            Cell::text("").with_link(scenario, &anchor::scenario(place.scenario)),
            Cell::text(reason),
        ]);
    }
    for (contestant, reason) in &analysis.overall.unranked {
        rows.push(vec![
            Cell::label(grid.name(*contestant)),
            Cell::text("all"),
            Cell::text(&format!("not ranked: {reason}")),
        ]);
    }
    html += &table_of_words(
        "What has no figure, and why; nothing stands in for it",
        &["policy", "scenario", "reason"].map(Head::new),
        &rows,
    );
    html
}
