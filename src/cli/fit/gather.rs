//! From paths to what is fitted: files are read by `input`, run directories by `record`, and both become one table.
//!
//! A fit is of a service on a class of clusters. Samples of several clusters of one class are put into one series, each with
//! its own cluster's replicas, rate and CPU; nothing is added up, because replicas here and load there say nothing of each other.

use super::super::Failure;
use super::reading::Reading;
use super::run_directory;
use crate::capacity::{Observations, Regime, Series};
use crate::input::capacities::ALL;
use crate::input::observations::{self, ObservedSeries, Quantity};
use crate::record;
use crate::units::Time;
use anyhow::anyhow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rows without time that may be repetitions of one level of a load test.
const ROWS_OF_LEVEL_MAX: usize = 5;
/// What rows without time are taken for.
const TIMELESS: &str = "Rows have no time: each is taken as a level of a load test at its highest throughput. If they were watched in \
     operation, give a column of times.";

/// What was observed, and how it was read.
#[derive(Debug)]
pub struct Gathered {
    /// For the fit.
    pub observations: Observations,
    /// The class of a cluster that stands for it in `observations`.
    pub class_of: BTreeMap<String, String>,
    /// Worth telling.
    pub notes: Vec<String>,
    /// Whether times are dates, not seconds since the start of a run.
    pub has_dates: bool,
}

/// Reads all paths; only the named services, where some are named.
///
/// # Errors
/// What is wrong with a file, or a service that is not there.
pub fn gather(paths: &[PathBuf], reading: &Reading, services: &[String]) -> Result<Gathered, Failure> {
    let (runs, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    if !runs.is_empty() && !files.is_empty() {
        let what =
            "a directory of a run and files are given together, whose clocks differ\n  fit them one after the other";
        return Err(Failure::input(anyhow!(what)));
    }
    let options = reading.options()?;
    let mut observed = if runs.is_empty() {
        let files: Vec<PathBuf> = files.into_iter().cloned().collect();
        observations::read(&files, &options).map_err(Failure::input)?
    } else {
        of_runs(&runs)?
    };
    let has_dates =
        observed.series.iter().any(|series| series.at.first().is_some_and(|at| at.0 > 86_400_000_000_000 * 365));
    let is_load_test = reading.load_test || observed.is_timeless;
    if is_load_test && !reading.load_test {
        check_levels(&observed.series)?;
        observed.notes.push(TIMELESS.to_owned());
    }
    let regime = if is_load_test { Regime::Saturated } else { Regime::Operation };
    let mut gathered = joined(observed.series, regime);
    gathered.notes.splice(0..0, observed.notes);
    gathered.has_dates = has_dates;
    choose(&mut gathered, services)?;
    Ok(gathered)
}

fn of_runs(runs: &[&PathBuf]) -> Result<observations::Observed, Failure> {
    let mut all = observations::Observed::default();
    // Runs begin at zero: each is put behind the one before, so far that no window reaches over the gap.
    let mut begin = 0;
    for path in runs {
        check_run(path)?;
        let run = record::read(path).map_err(Failure::input)?;
        let observed = run_directory::observed(&run, begin)?;
        all.notes.extend(observed.notes);
        for series in observed.series {
            let same = |other: &&mut ObservedSeries| {
                (&other.service, &other.cluster, &other.class) == (&series.service, &series.cluster, &series.class)
            };
            match all.series.iter_mut().find(same) {
                None => all.series.push(series),
                Some(other) => append(other, series),
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run lasts less than centuries")]
        let span = (run.summary.span_s * 1e9) as u64;
        begin += span + 86_400_000_000_000;
    }
    Ok(all)
}

fn check_run(path: &Path) -> Result<(), Failure> {
    if path.join(record::MANIFEST).is_file() {
        return Ok(());
    }
    let what = format!(
        "{}: a directory without {}\n  name the directory of one run, like runs/quickstart/naive-1, or files of observations",
        path.display(),
        record::MANIFEST
    );
    Err(Failure::input(anyhow!(what)))
}

fn append(first: &mut ObservedSeries, second: ObservedSeries) {
    let rows = first.at.len();
    first.at.extend(second.at);
    for (quantity, column) in second.columns {
        let held = first.columns.entry(quantity).or_default();
        held.resize(rows, f64::NAN);
        held.extend(column);
    }
    let all = first.at.len();
    first.columns.values_mut().for_each(|column| column.resize(all, f64::NAN));
}

/// Rows without times are a load test if a few of them make a level; many of one level are minutes of operation.
fn check_levels(series: &[ObservedSeries]) -> Result<(), Failure> {
    for one in series {
        let replicas = one.columns.get(&Quantity::Replicas).map_or(&[][..], |column| column);
        let levels: BTreeSet<u64> = replicas.iter().map(|count| count.to_bits()).collect();
        if one.at.len() > ROWS_OF_LEVEL_MAX * levels.len() {
            let what = format!(
                "{} rows have no time, and only {} counts of replicas: they seem to be watched in operation, where throughput is no capacity\n  give a column of times, like `time` or `timestamp_s`; if each row is a load test at its highest throughput, say `--load-test`",
                one.at.len(),
                levels.len()
            );
            return Err(Failure::input(anyhow!(what)));
        }
    }
    Ok(())
}

/// Gives every series the class under which it is fitted, and clusters of one class one series.
fn joined(observed: Vec<ObservedSeries>, regime: Regime) -> Gathered {
    let or_all = |name: String| if name.is_empty() { ALL.to_owned() } else { name };
    let mut classes: BTreeMap<(String, String), Vec<ObservedSeries>> = BTreeMap::new();
    for mut one in observed {
        let class = if one.class.is_empty() { one.cluster.clone() } else { std::mem::take(&mut one.class) };
        classes.entry((std::mem::take(&mut one.service), or_all(class))).or_default().push(one);
    }
    let (mut class_of, mut notes) = (BTreeMap::new(), Vec::new());
    let mut series = Vec::with_capacity(classes.len());
    for ((service, class), clusters) in classes {
        if clusters.len() > 1 {
            let note = format!(
                "Class {class} has {} clusters, whose samples are fitted together, each with its own replicas.",
                clusters.len()
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        class_of.insert(class.clone(), class.clone());
        let service = if service.is_empty() { "service".to_owned() } else { service };
        series.push(of_observed(pooled(clusters), (service, class), regime));
    }
    Gathered { observations: Observations { series }, class_of, notes, has_dates: false }
}

/// Samples of all clusters in order of time, and which cluster each is of; nothing is copied where there is one.
fn pooled(mut clusters: Vec<ObservedSeries>) -> (ObservedSeries, Vec<u32>) {
    if clusters.len() < 2 {
        return (clusters.pop().unwrap_or_default(), Vec::new());
    }
    let mut order: Vec<(Time, u32, usize)> = Vec::new();
    for (cluster, one) in (0..).zip(&clusters) {
        order.extend(one.at.iter().enumerate().map(|(row, at)| (*at, cluster, row)));
    }
    order.sort_unstable();
    let quantities: BTreeSet<Quantity> = clusters.iter().flat_map(|one| one.columns.keys().copied()).collect();
    let column = |quantity: Quantity| {
        let value = |(_, cluster, row): &(Time, u32, usize)| {
            let column = clusters[*cluster as usize].columns.get(&quantity);
            column.and_then(|column| column.get(*row)).copied().unwrap_or(f64::NAN)
        };
        (quantity, order.iter().map(value).collect())
    };
    let columns = quantities.into_iter().map(column).collect();
    let mut versions: Vec<String> = Vec::new();
    let version = if clusters.iter().all(|one| !one.version.is_empty()) {
        let label = |(_, cluster, row): &(Time, u32, usize)| {
            let one = &clusters[*cluster as usize];
            let label = &one.versions[one.version[*row] as usize];
            let known = versions.iter().position(|known| known == label).unwrap_or_else(|| {
                versions.push(label.clone());
                versions.len() - 1
            });
            u32::try_from(known).unwrap_or(u32::MAX)
        };
        order.iter().map(label).collect()
    } else {
        Vec::new()
    };
    let at = order.iter().map(|(at, ..)| *at).collect();
    let of = order.iter().map(|(_, cluster, _)| *cluster).collect();
    (ObservedSeries { at, columns, version, versions, ..ObservedSeries::default() }, of)
}

/// The columns as the fit names them; nothing is copied.
fn of_observed(
    (mut observed, cluster): (ObservedSeries, Vec<u32>),
    (service, class): (String, String),
    regime: Regime,
) -> Series {
    let mut take = |quantity| observed.columns.remove(&quantity).unwrap_or_default();
    Series {
        service,
        class,
        regime,
        replicas: take(Quantity::Replicas),
        offered: take(Quantity::Offered),
        completed: take(Quantity::Completed),
        cpu: take(Quantity::Cpu),
        cpu_limit: take(Quantity::CpuLimit),
        throttled: take(Quantity::Throttled),
        errors: take(Quantity::Errors),
        waiting: take(Quantity::Waiting),
        latency_mean: take(Quantity::LatencyMean),
        latency_p50: take(Quantity::LatencyP50),
        latency_p95: take(Quantity::LatencyP95),
        latency_p99: take(Quantity::LatencyP99),
        restarts: take(Quantity::Restarts),
        at: observed.at,
        version: observed.version,
        versions: observed.versions,
        cluster,
    }
}

fn choose(gathered: &mut Gathered, services: &[String]) -> Result<(), Failure> {
    let all = &mut gathered.observations.series;
    let known: BTreeSet<String> = all.iter().map(|series| series.service.clone()).collect();
    if let Some(stranger) = services.iter().find(|service| !known.contains(*service)) {
        let known: Vec<&str> = known.iter().map(String::as_str).take(20).collect();
        let what = format!("--service {stranger}: nothing was observed of it\n  there are {}", known.join(", "));
        return Err(Failure::input(anyhow!(what)));
    }
    if !services.is_empty() {
        all.retain(|series| services.contains(&series.service));
    }
    Ok(())
}
