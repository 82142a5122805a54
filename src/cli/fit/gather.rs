//! From paths to what is fitted: files are read by `input`, run directories by `record`, and both become one table.
//!
//! A fit is of a service on a class of clusters. Where several clusters of one class were observed at the same time, each is
//! fitted by itself under its own name, because replicas here and load there say nothing of each other; whoever writes
//! `capacity.yaml` gives the class the surest of them.

use super::super::Failure;
use super::reading::Reading;
use super::run_directory;
use crate::capacity::{Observations, Regime, Series};
use crate::input::capacities::ALL;
use crate::input::observations::{self, ObservedSeries, Quantity};
use crate::record;
use anyhow::anyhow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    let observed = if runs.is_empty() {
        let files: Vec<PathBuf> = files.into_iter().cloned().collect();
        observations::read(&files, &options).map_err(Failure::input)?
    } else {
        of_runs(&runs)?
    };
    let has_dates =
        observed.series.iter().any(|series| series.at.first().is_some_and(|at| at.0 > 86_400_000_000_000 * 365));
    let regime = if reading.load_test { Regime::Saturated } else { Regime::Operation };
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

/// Gives every series the class under which it is fitted.
fn joined(observed: Vec<ObservedSeries>, regime: Regime) -> Gathered {
    let or_all = |name: &str| if name.is_empty() { ALL.to_owned() } else { name.to_owned() };
    let class_of_series = |series: &ObservedSeries| {
        if series.class.is_empty() { or_all(&series.cluster) } else { series.class.clone() }
    };
    let mut clusters: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for series in &observed {
        let key = (series.service.clone(), class_of_series(series));
        clusters.entry(key).or_default().insert(series.cluster.clone());
    }
    let (mut class_of, mut notes) = (BTreeMap::new(), Vec::new());
    let mut series = Vec::with_capacity(observed.len());
    for one in observed {
        let class = class_of_series(&one);
        let several = clusters[&(one.service.clone(), class.clone())].len() > 1;
        let label = if several { or_all(&one.cluster) } else { class.clone() };
        if several {
            let note = format!("Clusters of class {class} are fitted one by one.");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        class_of.insert(label.clone(), class);
        series.push(of_observed(one, label, regime));
    }
    Gathered { observations: Observations { series }, class_of, notes, has_dates: false }
}

/// The columns as the fit names them; nothing is copied.
fn of_observed(mut observed: ObservedSeries, class: String, regime: Regime) -> Series {
    let mut take = |quantity| observed.columns.remove(&quantity).unwrap_or_default();
    let service = if observed.service.is_empty() { "service".to_owned() } else { observed.service };
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
