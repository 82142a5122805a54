//! `smo backtest`: a fitted model against what came after, on recorded history.

mod score;

use super::aligned::Columns;
use super::fit::file::to_fitted;
use super::fit::gather::{Gathered, gather};
use super::fit::reading::Reading;
use super::fit::table::{figure, instant, wrapped};
use super::fit::{self, Model};
use super::{Failure, Format};
use crate::capacity::{Fitted, FittedGroup, Observations, Options, Series};
use crate::input::capacities::{self, ALL, FittedFile};
use crate::units::Ratio;
use anyhow::anyhow;
use score::{Errors, Score, score};
use serde_json::{Value, json};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo backtest runs/quickstart/naive-1 --capacity capacity.yaml --train 70%
  smo backtest observations.parquet --train 50%            fits the first half, predicts the second
  smo backtest cpu_cores.json replicas_ready.json requests_per_s.json --capacity capacity.yaml

Predicted are CPU, latency and replicas of the samples after the training part, from their own load.
MAPE is the mean absolute error relative to what was observed, bias the mean error; `missed` counts
saturation below 90 % of the capacity, `false alarm` load above it that was served all the same.";

/// Test a capacity model on what came after: errors of CPU, latency and replicas, saturation missed, drift with its date.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files of observations, joined by time, or directories of runs.
    #[arg(required = true, value_name = "OBSERVATIONS")]
    observations: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    model: Model,
    /// The model, as `smo fit --out` wrote it; without one, the training part is fitted.
    #[arg(long, value_name = "FILE")]
    capacity: Option<PathBuf>,
    /// The share of the samples, in order of time, before what is predicted.
    #[arg(long, value_name = "SHARE", default_value = "70 %")]
    train: Ratio,
    /// Only this service; may be given again.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Services at the same time; default: one a core. The output is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// One service on one class, tested or not.
struct Tested<'a> {
    series: &'a Series,
    /// The figures, or why there are none.
    score: Result<Score, String>,
    /// The fit of the whole, which says whether the service changed.
    whole: Option<&'a FittedGroup>,
}

/// Tests and tells.
///
/// # Errors
/// Observations or a model that cannot be read; nothing that could be tested (after everything was told).
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let train = arguments.train;
    if train == Ratio::ZERO || train >= Ratio::ONE {
        let what = format!(
            "--train {train}: nothing is left to train on or to predict\n  write more than 0 % and less than 100 %"
        );
        return Err(Failure::input(anyhow!(what)));
    }
    let options = Options { train: train.as_f64(), ..arguments.model.options()? };
    let file = arguments.capacity.as_deref().map(capacities::read_fitted).transpose().map_err(Failure::input)?;
    let gathered = gather(&arguments.observations, &arguments.reading, &arguments.services)?;
    let whole = fit::fitted(&gathered, &options, arguments.jobs)?;
    let trained = match &file {
        Some(_) => Vec::new(),
        None => fit::fitted(&training_part(&gathered, train.as_f64()), &options, arguments.jobs)?,
    };
    let tested: Vec<Tested<'_>> = gathered
        .observations
        .series
        .iter()
        .map(|series| {
            let model = match &file {
                Some(file) => of_file(file, series, &gathered),
                None => of_groups(&trained, series),
            };
            let score = model.and_then(|model| {
                score(series, &model, options.train, &options)
                    .ok_or_else(|| "no usable samples after the training part".to_owned())
            });
            let is_same = |group: &&FittedGroup| group.service == series.service && group.class == series.class;
            Tested { series, score, whole: whole.iter().find(is_same) }
        })
        .collect();
    match arguments.format {
        Format::Table => print(&tested, &gathered, arguments, &mut *out)?,
        Format::Json => {
            let all: Vec<Value> = tested.iter().map(|one| to_json(one, &gathered)).collect();
            writeln!(out, "{:#}", json!({"train": options.train, "notes": gathered.notes, "services": all}))?;
        }
    }
    if tested.iter().all(|one| one.score.is_err()) { Err(Failure::refused()) } else { Ok(()) }
}

/// The samples of each series before the split.
fn training_part(gathered: &Gathered, train: f64) -> Gathered {
    let cut = |series: &Series| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let rows = (series.len() as f64 * train).round() as usize;
        first_rows(series, rows)
    };
    let series = gathered.observations.series.iter().map(cut).collect();
    Gathered {
        observations: Observations { series },
        class_of: gathered.class_of.clone(),
        notes: Vec::new(),
        has_dates: gathered.has_dates,
    }
}

/// The first rows of a series.
fn first_rows(series: &Series, rows: usize) -> Series {
    let cut = |column: &[f64]| column[..rows.min(column.len())].to_vec();
    Series {
        service: series.service.clone(),
        class: series.class.clone(),
        regime: series.regime,
        at: series.at[..rows.min(series.len())].to_vec(),
        replicas: cut(&series.replicas),
        offered: cut(&series.offered),
        completed: cut(&series.completed),
        cpu: cut(&series.cpu),
        cpu_limit: cut(&series.cpu_limit),
        throttled: cut(&series.throttled),
        errors: cut(&series.errors),
        waiting: cut(&series.waiting),
        latency_mean: cut(&series.latency_mean),
        latency_p50: cut(&series.latency_p50),
        latency_p95: cut(&series.latency_p95),
        latency_p99: cut(&series.latency_p99),
        restarts: cut(&series.restarts),
        version: series.version[..rows.min(series.version.len())].to_vec(),
        versions: series.versions.clone(),
        cluster: series.cluster[..rows.min(series.cluster.len())].to_vec(),
    }
}

fn of_groups(groups: &[FittedGroup], series: &Series) -> Result<Fitted, String> {
    let group = groups.iter().find(|group| group.service == series.service && group.class == series.class);
    let group = group.ok_or_else(|| "the training part has nothing of it".to_owned())?;
    match (group.fitted(), group.refused()) {
        (Some(fitted), _) => Ok(fitted.clone()),
        (None, Some(refusal)) => Err(format!("the training part does not identify it: {}", refusal.reason)),
        (None, None) => Err("the training part does not identify it".to_owned()),
    }
}

fn of_file(file: &FittedFile, series: &Series, gathered: &Gathered) -> Result<Fitted, String> {
    let class = gathered.class_of.get(&series.class).unwrap_or(&series.class);
    let classes =
        file.services.get(&series.service).ok_or_else(|| "the file of capacities has no such service".to_owned())?;
    let found = classes.get(class).or_else(|| classes.get(ALL)).ok_or_else(|| {
        let known: Vec<&str> = classes.keys().map(String::as_str).collect();
        format!("the file of capacities has no class {class} of it, only {}", known.join(", "))
    })?;
    match &found.refused {
        Some(refused) => Err(format!("it was refused: {}", refused.reason)),
        None => to_fitted(found).ok_or_else(|| "the file of capacities has no coefficients of it".to_owned()),
    }
}

fn to_json(one: &Tested<'_>, gathered: &Gathered) -> Value {
    let mut value = match &one.score {
        Ok(score) => serde_json::to_value(score).unwrap_or_default(),
        Err(why) => json!({"untested": why}),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("service".to_owned(), json!(one.series.service));
        object.insert("class".to_owned(), json!(one.series.class));
        let drift = one.whole.and_then(FittedGroup::fitted).map(|fitted| &fitted.drift);
        object.insert("drift".to_owned(), serde_json::to_value(drift).unwrap_or_default());
        let at = drift.and_then(|verdict| verdict.at).map(|at| instant(at, gathered.has_dates));
        object.insert("drift_at".to_owned(), json!(at));
    }
    value
}

fn print(
    tested: &[Tested<'_>],
    gathered: &Gathered,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let mut columns = Columns::new([
        "service",
        "class",
        ">tested",
        ">CPU MAPE",
        ">bias",
        ">inside",
        ">latency MAPE",
        ">bias",
        ">replicas MAPE",
        ">bias",
        ">saturated",
        ">missed",
        ">false alarms",
        "drift",
    ]);
    for one in tested {
        columns.row(row(one, gathered));
    }
    columns.print("", out)?;
    for one in tested {
        if let Err(why) = &one.score {
            wrapped(&format!("untested  {} on {}: {why}", one.series.service, one.series.class), "          ", out)?;
        }
    }
    for note in &gathered.notes {
        wrapped(&format!("read      {note}"), "          ", out)?;
    }
    let model = if let Some(path) = &arguments.capacity {
        let path = path.display();
        format!("the model is that of {path}; where it was fitted to the same samples, these figures flatter it")
    } else {
        let percent = figure(arguments.train.as_f64() * 100.0);
        format!("fitted to the first {percent} % of the samples of each service")
    };
    wrapped(&format!("model     {model}"), "          ", out)
}

fn row(one: &Tested<'_>, gathered: &Gathered) -> Vec<String> {
    let mut cells = vec![one.series.service.clone(), one.series.class.clone()];
    let percent = |share: f64| format!("{} %", figure(share * 100.0));
    let of = |errors: Option<&Errors>, figure: fn(&Errors) -> Option<f64>| {
        errors.and_then(figure).map_or_else(|| "–".to_owned(), percent)
    };
    match &one.score {
        Err(_) => cells.extend(std::iter::repeat_n("–".to_owned(), 11)),
        Ok(score) => {
            cells.push(score.tested.to_string());
            let cpu = score.cpu.as_ref();
            cells.extend([of(cpu, |e| Some(e.mape)), of(cpu, |e| Some(e.bias)), of(cpu, |e| e.coverage)]);
            for errors in [score.latency.as_ref(), score.replicas.as_ref()] {
                cells.extend([of(errors, |e| Some(e.mape)), of(errors, |e| Some(e.bias))]);
            }
            cells.extend([score.saturated, score.saturation_missed, score.false_alarms].map(|count| count.to_string()));
        }
    }
    cells.push(match one.whole.and_then(FittedGroup::fitted).map(|fitted| &fitted.drift) {
        None => "–".to_owned(),
        Some(verdict) if !verdict.drifted => "none".to_owned(),
        Some(verdict) => verdict.at.map_or_else(|| "yes".to_owned(), |at| instant(at, gathered.has_dates)),
    });
    cells
}
