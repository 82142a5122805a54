//! How the figures came about, and all that it takes to get them again.

use crate::report::bench::analysis::Analysis;
use crate::report::bench::written;
use crate::report::html::markup::{Cell, Head, escape, list, prose, put, table};

/// Keys of runs that are listed; `results.json` has all.
const KEYS_MAX: usize = 1_000;

/// What was computed how, one sentence each.
pub fn sentences(analysis: &Analysis<'_>) -> Vec<String> {
    let suite = &analysis.grid.results.suite;
    vec![
        "Policies meet the same load, faults and delays seed by seed (common random numbers), so they are compared by the differences of the same seed.".to_owned(),
        "Intervals of differences are Student's t. Fewer than 20 differences whose skewness lies beyond two standard errors are judged by Wilcoxon's signed ranks (exact up to 25), with the Hodges–Lehmann interval.".to_owned(),
        "Where every seed gives the same difference no chance is involved: it is certain for the days that were simulated, and no statement about other days. In counts that vary from seed to seed it may be a coincidence, and a sign test judges.".to_owned(),
        format!("Holm's step-down keeps the chance of even one false finding at 5 % over all comparisons of the same figure with {}: {} for the loss.", suite.baseline, analysis.loss().tested),
        format!("The order of the ranking is judged by all {} pairs of policies over scenarios, since the first was picked for being first.", analysis.overall.pairs),
        "A result of which any run failed has no figures: the seeds that survived are the easier ones. A policy without a figure in some scenario is not ranked.".to_owned(),
        format!("Seeds are added to a result, from {} to {}, until half of the 95 % interval of its loss is below {} of the mean; intervals after such a rule are slightly too narrow.", suite.seeds.0, suite.seeds.1, crate::report::unit::Unit::Share.text(suite.precision)),
    ]
}

/// The method as a section.
pub fn method(analysis: &Analysis<'_>) -> String {
    let sentences = sentences(analysis);
    format!("<h2>How the figures came about</h2>\n{}", list(sentences.iter().map(String::as_str)))
}

/// The reproducibility block.
pub fn again(analysis: &Analysis<'_>) -> String {
    let (grid, suite) = (&analysis.grid, &analysis.grid.results.suite);
    let path = suite.inputs.keys().find(|path| stem(path) == suite.name);
    let path = path.cloned().unwrap_or_else(|| format!("{}.yaml", suite.name));
    let mut html = format!("<h2>How to run it again</h2>\n<pre>smo bench {}</pre>\n", escape(&path));
    let seeds: Vec<String> = grid.seeds().iter().map(u64::to_string).collect();
    let said = format!("{}. {} seeds a result, of these: {}.", suite.program, written::seeds(grid), seeds.join(", "));
    put(&mut html, format_args!("<p>{}</p>\n", prose(&said)));
    let file = |(path, hash): (&String, &String)| vec![Cell::code(path), Cell::code(hash)];
    let rows: Vec<Vec<Cell>> = suite.inputs.iter().map(file).collect();
    html += &table("What was read", &["file", "sha256"].map(Head::new), &rows);
    let runs = grid.results.cells.iter().flat_map(|cell| cell.runs.iter().map(move |run| (cell, run)));
    let row = |(cell, run): (&crate::report::bench::results::Cell, &crate::report::bench::results::Outcome)| {
        vec![
            Cell::text(&cell.scenario),
            Cell::label(&cell.contestant),
            Cell::number(&run.seed.to_string()),
            Cell::code(&run.key),
        ]
    };
    let (all, rows) = (runs.clone().count(), runs.take(KEYS_MAX).map(row).collect::<Vec<_>>());
    let caption = if all > rows.len() {
        format!("Keys of runs: the first {} of {all}; results.json has all", rows.len())
    } else {
        "Keys of runs: sha256 of everything that a run is a function of".to_owned()
    };
    let keys = table(&caption, &["scenario", "policy", "seed", "key"].map(Head::new), &rows);
    html + &format!("<details><summary>Keys of all runs</summary>{keys}</details>\n")
}

/// The name of a file without folders and ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}
