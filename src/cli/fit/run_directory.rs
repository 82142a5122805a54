//! A recorded run as observations: what a monitoring system would have seen, a series a service and cluster.
//!
//! CPU limits are what replicas request, since limits are not simulated. Rates of a cluster whose speed differs from that of
//! its class are divided by it, so that what is fitted holds for the class. Dropped requests are not counted as errors: in
//! the simulation they are saturation.

use super::super::Failure;
use crate::input::observations::{Observed, ObservedSeries, Quantity};
use crate::record::{RunRecord, Series};
use crate::units::{MilliCores, Ratio, Time};
use serde_json::Value;
use std::collections::BTreeMap;

/// Columns of the series: name, quantity, and what a value is multiplied by.
const COLUMNS: [(&str, Quantity, f64); 6] = [
    ("replicas_ready", Quantity::Replicas, 1.0),
    ("offered_per_s", Quantity::Offered, 1.0),
    ("served_per_s", Quantity::Completed, 1.0),
    ("cpu_seconds", Quantity::Cpu, 1.0),
    ("backlog_requests", Quantity::Waiting, 1.0),
    ("latency_own_mean_ms", Quantity::LatencyMean, 1e-3),
];

/// What is observed of a run that begins at `begin` (nanoseconds).
///
/// # Errors
/// Where the series cannot be read.
pub fn observed(run: &RunRecord, begin: u64) -> Result<Observed, Failure> {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    let series = run.series(&names).map_err(Failure::input)?;
    let resolved = &run.manifest.header.resolved;
    let limits = by_name(resolved.pointer("/application/services"), |service| {
        service["cpu"].as_str()?.parse::<MilliCores>().ok().map(MilliCores::cores)
    });
    let clusters = by_name(resolved.pointer("/inventory/clusters"), |cluster| {
        let speed = cluster["speed"].as_str().and_then(|text| text.parse::<Ratio>().ok());
        let speed = speed.map(Ratio::as_f64).or_else(|| cluster["speed"].as_f64()).unwrap_or(1.0);
        Some((cluster["class"].as_str().unwrap_or_default().to_owned(), speed))
    });
    let mut observed = Observed::default();
    let keys = series.keys().filter_map(|(service, cluster)| Some((service?.to_owned(), cluster?.to_owned())));
    for (service, cluster) in keys.collect::<Vec<_>>() {
        let (class, speed) = clusters.get(&cluster).cloned().unwrap_or_default();
        let mut one = of_placement(&series, (&service, &cluster), begin);
        if (speed - 1.0).abs() > 1e-9 && speed > 0.0 {
            for quantity in [Quantity::Offered, Quantity::Completed] {
                one.columns.entry(quantity).and_modify(|column| column.iter_mut().for_each(|rate| *rate /= speed));
            }
            observed.notes.push(format!("Rates in {cluster} are divided by its speed, {speed}."));
        }
        let limit = limits.get(&service).copied();
        one.columns.extend(limit.map(|limit| (Quantity::CpuLimit, vec![limit; one.at.len()])));
        observed.series.push(ObservedSeries { class, ..one });
    }
    observed.notes.sort();
    observed.notes.dedup();
    Ok(observed)
}

fn by_name<T>(list: Option<&Value>, of: impl Fn(&Value) -> Option<T>) -> BTreeMap<String, T> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((item["name"].as_str()?.to_owned(), of(item)?))).collect()
}

fn of_placement(series: &Series, (service, cluster): (&str, &str), begin: u64) -> ObservedSeries {
    let mut one =
        ObservedSeries { service: service.to_owned(), cluster: cluster.to_owned(), ..ObservedSeries::default() };
    for (name, quantity, unit) in COLUMNS {
        let line = series.line(Some(service), Some(cluster), name);
        if one.at.is_empty() {
            one.at = line.iter().map(|(at, _)| Time(begin + nanos(*at))).collect();
        }
        let mut column: Vec<f64> = line.iter().map(|(_, value)| value.map_or(f64::NAN, |value| value * unit)).collect();
        if quantity == Quantity::Cpu {
            to_cores(&line, &mut column);
        }
        one.columns.insert(quantity, column);
    }
    one
}

/// Core-seconds since the start to mean cores since the sample before.
fn to_cores(line: &[(f64, Option<f64>)], column: &mut [f64]) {
    let mut before: Option<(f64, f64)> = None;
    for ((at, used), cores) in line.iter().zip(column.iter_mut()) {
        let now = used.map(|used| (*at, used));
        *cores = match (before, now) {
            (Some((then, was)), Some((at, used))) if at > then => (used - was) / (at - then),
            _ => f64::NAN,
        };
        before = now.or(before);
    }
}

fn nanos(seconds: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a run are not negative")]
    let nanos = (seconds * 1e9).round() as u64;
    nanos
}
