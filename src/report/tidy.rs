//! Figures for notebooks and spreadsheets: a row a run and metric, in base units, as CSV (RFC 4180) or Parquet.
//!
//! | column | what |
//! |---|---|
//! | `scenario`, `variant`, `policy`, `seed` | which run; the base has no variant |
//! | `metric` | its name, as in the page's definitions |
//! | `unit` | of the value: `1` for shares (0 to 1), `ms`, `USD`, `kWh`, `kg` (CO₂e), `h`, and nothing for counts |
//! | `better` | `lower`, `higher`, or nothing |
//! | `value` | over the whole run; empty where it is undefined |

use super::Comparison;
use super::metric::{Better, METRICS, Metric};
use super::unit::Unit;
use polars::prelude::{Column, DataFrame, ParquetCompression, ParquetWriter, PolarsResult};
use std::fmt::Write as _;

/// One row.
struct Row<'a> {
    scenario: &'a str,
    variant: Option<&'a str>,
    policy: &'a str,
    seed: u64,
    metric: &'static Metric,
    value: Option<f64>,
}

fn rows(comparisons: &[Comparison]) -> Vec<Row<'_>> {
    let runs = comparisons.iter().flat_map(|one| &one.runs);
    let of = |run| METRICS.iter().map(move |metric| (run, metric));
    let row = |(run, metric): (&'_ crate::record::RunRecord, &'static Metric)| (metric, metric.of(&run.summary));
    runs.flat_map(of)
        .map(|(run, metric)| {
            let header = &run.manifest.header;
            let (metric, value) = row((run, metric));
            Row {
                scenario: &header.scenario,
                variant: header.variant.as_deref(),
                policy: &header.policy,
                seed: header.seed,
                metric,
                value,
            }
        })
        .collect()
}

/// The unit of a value.
const fn unit(metric: &Metric) -> &'static str {
    match metric.unit {
        Unit::Share => "1",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::Dollars => "USD",
        Unit::KilowattHours => "kWh",
        Unit::KilogramsCo2e => "kg",
        Unit::Hours => "h",
        Unit::Count => "",
    }
}

const fn better(metric: &Metric) -> &'static str {
    match metric.better {
        Better::Lower => "lower",
        Better::Higher => "higher",
        Better::Neither => "",
    }
}

/// As CSV with a header line.
///
/// # Panics
/// Never: a string takes all.
pub fn csv(comparisons: &[Comparison]) -> String {
    let mut text = "scenario,variant,policy,seed,metric,unit,better,value\n".to_owned();
    for row in rows(comparisons) {
        let value = row.value.map(|value| value.to_string()).unwrap_or_default();
        let names = [row.scenario, row.variant.unwrap_or_default(), row.policy].map(quoted);
        let (metric, unit, better) = (row.metric.name, unit(row.metric), better(row.metric));
        writeln!(text, "{},{},{metric},{unit},{better},{value}", names.join(","), row.seed)
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
/// # Errors
/// Where polars cannot write it.
pub fn parquet(comparisons: &[Comparison]) -> PolarsResult<Vec<u8>> {
    fn column<'a, T>(rows: &[Row<'a>], get: fn(&Row<'a>) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    let rows = rows(comparisons);
    let columns = vec![
        Column::new("scenario".into(), column(&rows, |row| row.scenario)),
        Column::new("variant".into(), column(&rows, |row| row.variant)),
        Column::new("policy".into(), column(&rows, |row| row.policy)),
        Column::new("seed".into(), column(&rows, |row| row.seed)),
        Column::new("metric".into(), column(&rows, |row| row.metric.name)),
        Column::new("unit".into(), column(&rows, |row| unit(row.metric))),
        Column::new("better".into(), column(&rows, |row| better(row.metric))),
        Column::new("value".into(), column(&rows, |row| row.value)),
    ];
    let mut frame = DataFrame::new(rows.len(), columns)?;
    let mut file = Vec::new();
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
        .finish(&mut frame)?;
    Ok(file)
}
