//! One row a run, with all measures, for notebooks and spreadsheets: as CSV (RFC 4180) and Parquet.
//!
//! | column | what |
//! |---|---|
//! | `scenario`, `contestant`, `policy`, `seed`, `key` | which run |
//! | `baseline`, `hindsight` | whether it is the baseline; whether it was tuned on the test days |
//! | `failed` | why it has no figures; empty where it has |
//! | `bound_services_usd`, `bound_coupled_usd` | lower bounds on the loss |
//! | `loss`, `bad_requests`, every metric | in base units (share 0..1, ms, USD, kWh, kg, h); empty where undefined |

use super::measure::Measure;
use super::results::{Bounds, Cell, Outcome, Results};
use polars::prelude::{Column, DataFrame, ParquetCompression, ParquetWriter};
use std::fmt::Write as _;

fn runs(results: &Results) -> Vec<(&Cell, &Outcome)> {
    results.cells.iter().flat_map(|cell| cell.runs.iter().map(move |run| (cell, run))).collect()
}

fn value(results: &Results, run: &Outcome, measure: Measure) -> Option<f64> {
    measure.value(&results.suite, run.result.as_ref().ok()?)
}

fn bound(run: &Outcome, part: fn(&Bounds) -> f64) -> Option<f64> {
    run.bound.as_ref().map(part)
}

/// As CSV with a header line.
///
/// # Panics
/// Never: a string takes all.
pub fn csv(results: &Results) -> String {
    let measures = Measure::all();
    let names: Vec<&str> = measures.iter().map(|measure| measure.name()).collect();
    let head = "scenario,contestant,policy,seed,key,baseline,hindsight,failed,bound_services_usd,bound_coupled_usd";
    let mut text = format!("{head},{}\n", names.join(","));
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for (cell, run) in runs(results) {
        let names = [&cell.scenario, &cell.contestant, &cell.policy].map(|name| quoted(name));
        let failed = run.result.as_ref().err().map(|reason| quoted(reason)).unwrap_or_default();
        let bounds = [bound(run, |bound| bound.services_usd), bound(run, |bound| bound.coupled_usd)].map(number);
        let values: Vec<String> = measures.iter().map(|measure| number(value(results, run, *measure))).collect();
        let flags = [cell.contestant == results.suite.baseline, cell.hindsight];
        writeln!(
            text,
            "{},{},{},{},{},{failed},{},{}",
            names.join(","),
            run.seed,
            run.key,
            flags[0],
            flags[1],
            bounds.join(","),
            values.join(",")
        )
        .expect("a string takes all");
    }
    text
}

/// A field that may hold commas.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// As a Parquet file.
///
/// # Panics
/// Never: all columns are as long, their names differ, and memory takes all.
pub fn parquet(results: &Results) -> Vec<u8> {
    let runs = runs(results);
    let words = |name: &str, get: fn(&(&Cell, &Outcome)) -> String| {
        Column::new(name.into(), runs.iter().map(get).collect::<Vec<_>>())
    };
    let flags = |name: &str, get: &dyn Fn(&Cell) -> bool| {
        Column::new(name.into(), runs.iter().map(|(cell, _)| get(cell)).collect::<Vec<_>>())
    };
    let bounds = |name: &str, part: fn(&Bounds) -> f64| {
        Column::new(name.into(), runs.iter().map(|(_, run)| bound(run, part)).collect::<Vec<_>>())
    };
    let failed: Vec<Option<String>> = runs.iter().map(|(_, run)| run.result.as_ref().err().cloned()).collect();
    let mut columns = vec![
        words("scenario", |(cell, _)| cell.scenario.clone()),
        words("contestant", |(cell, _)| cell.contestant.clone()),
        words("policy", |(cell, _)| cell.policy.clone()),
        Column::new("seed".into(), runs.iter().map(|(_, run)| run.seed).collect::<Vec<_>>()),
        words("key", |(_, run)| run.key.clone()),
        flags("baseline", &|cell| cell.contestant == results.suite.baseline),
        flags("hindsight", &|cell| cell.hindsight),
        Column::new("failed".into(), failed),
        bounds("bound_services_usd", |bound| bound.services_usd),
        bounds("bound_coupled_usd", |bound| bound.coupled_usd),
    ];
    for measure in Measure::all() {
        let values: Vec<Option<f64>> = runs.iter().map(|(_, run)| value(results, run, measure)).collect();
        columns.push(Column::new(measure.name().into(), values));
    }
    let mut frame = DataFrame::new(runs.len(), columns).expect("all columns are as long, and their names differ");
    let mut file = Vec::new();
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
        .finish(&mut frame)
        .expect("memory takes all");
    file
}
