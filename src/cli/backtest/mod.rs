//! `smo backtest`: a fitted model against what came after, on recorded history.
//!
//! The model is that of a file, or one fitted to the training part. Where it is a file's, drift means that the test part
//! departs from it; where there is none, that the service changed at any time while it was observed.

mod model;
mod page;
mod score;
mod text;
mod verdict;

use super::fit::gather::Gathered;
use super::fit::subject::Subject;
use super::fit::table::{instant, named};
use super::{Failure, Format, fit};
use crate::capacity::drift::{DriftVerdict, threshold};
use crate::capacity::{FittedGroup, Options, Series};
use crate::input::capacities;
use crate::record::aside::replace_file;
use crate::units::{Ratio, Time};
use anyhow::{Context, anyhow};
use score::{Scored, score};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo backtest runs/quickstart/naive-1 --capacity capacity.yaml --train 70%
  smo backtest observations.parquet --train 50%            fits the first half, predicts the second
  smo backtest observations.csv --capacity capacity.yaml --report backtest.html
  smo backtest cpu_cores.json replicas_ready.json requests_per_s.json --capacity capacity.yaml

Predicted are CPU, latency and replicas of the samples after the training part, from their own load.
MAPE is the mean absolute error relative to what was observed, bias the mean error; `missed` counts
saturation below 90 % of the capacity, `false alarm` load above it that was served all the same.
Drift is judged against the file where one is given, and within the series otherwise.";

/// Test a capacity model on what came after: errors of CPU, latency and replicas, saturation missed, drift with its date.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The model, as `smo fit --out` wrote it; without one, the training part is fitted.
    #[arg(long, value_name = "FILE")]
    capacity: Option<PathBuf>,
    /// The share of the samples, in order of time, before what is predicted.
    #[arg(long, value_name = "SHARE", default_value = "70 %")]
    train: Ratio,
    /// Write a page here: predicted against recorded over time, errors, drift.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// One service on one class, tested or not.
struct Tested<'a> {
    series: &'a Series,
    /// Service and class.
    name: String,
    /// The figures and samples, or why there are none.
    scored: Result<Scored, String>,
    /// What was found of drift.
    drift: Drift,
}

/// A verdict on drift with what a chart shows of it.
#[derive(Debug, Default)]
struct Drift {
    /// `None` where nothing was tested at all.
    verdict: Option<DriftVerdict>,
    /// Median CPU over that of the file before the test part.
    before: Option<f64>,
    path: Vec<(Time, f64, f64)>,
    threshold: f64,
}

/// Everything that is told.
struct Tests<'a> {
    all: Vec<Tested<'a>>,
    gathered: &'a Gathered,
    arguments: &'a Arguments,
    options: &'a Options,
}

impl Tests<'_> {
    /// An instant as it is shown.
    fn instant(&self, at: Time) -> String {
        instant(at, self.gathered.has_dates)
    }

    /// Whether the model is that of a file, so that drift is departure from it.
    const fn is_of_file(&self) -> bool {
        self.arguments.capacity.is_some()
    }

    /// The command that tests again.
    fn command(&self) -> String {
        let Arguments { subject, capacity, train, .. } = self.arguments;
        let capacity =
            capacity.iter().map(|path| format!(" --capacity {}", super::page::quoted(&path.display().to_string())));
        format!("{}{} --train {train}", subject.command("backtest"), capacity.collect::<String>())
    }
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
    let options =
        Options { train: train.as_f64(), details: arguments.report.is_some(), ..arguments.subject.model.options()? };
    let gathered = arguments.subject.gather()?;
    let all = tested(&gathered, arguments, &options)?;
    let tests = Tests { all, gathered: &gathered, arguments, options: &options };
    match arguments.format {
        Format::Table => text::print(&tests, &mut *out)?,
        Format::Json => writeln!(out, "{:#}", to_json(&tests))?,
    }
    if let Some(path) = &arguments.report {
        let html = page::render(&tests);
        replace_file(path, html.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)?;
        if arguments.format == Format::Table {
            writeln!(out, "report    {}", path.display())?;
        }
    }
    if tests.all.iter().all(|one| one.scored.is_err()) { Err(Failure::refused()) } else { Ok(()) }
}

/// Tests every series by the model of the file, or by one that is fitted to its training part.
fn tested<'a>(gathered: &'a Gathered, arguments: &Arguments, options: &Options) -> Result<Vec<Tested<'a>>, Failure> {
    let scored = |series: &Series, model: Result<_, String>| {
        let model = model?;
        score(series, &model, options).ok_or_else(|| "no usable samples after the training part".to_owned())
    };
    let all = gathered.observations.series.iter();
    let name = |series: &Series| named(&series.service, &series.class);
    if let Some(path) = &arguments.capacity {
        let file = capacities::read_fitted(path).map_err(Failure::input)?;
        let one = |series: &'a Series| {
            let scored = scored(series, model::of_file(&file, series, gathered));
            Tested { series, name: name(series), drift: scored.as_ref().map(of_departure).unwrap_or_default(), scored }
        };
        return Ok(all.map(one).collect());
    }
    let jobs = arguments.subject.jobs;
    let whole = fit::fitted(gathered, options, jobs)?;
    let trained = fit::fitted(&model::training_part(gathered, options.train), options, jobs)?;
    let one = |series: &'a Series| Tested {
        series,
        name: name(series),
        scored: scored(series, model::of_groups(&trained, series)),
        drift: model::group_of(&whole, series).map(of_whole).unwrap_or_default(),
    };
    Ok(all.map(one).collect())
}

fn of_departure(scored: &Scored) -> Drift {
    let found = &scored.departure;
    Drift {
        verdict: Some(found.verdict.clone()),
        before: found.before,
        path: found.path.clone(),
        threshold: found.threshold,
    }
}

fn of_whole(group: &FittedGroup) -> Drift {
    let path = group.details.as_ref().map(|details| details.drift.clone()).unwrap_or_default();
    let threshold = threshold(path.len());
    Drift { verdict: group.fitted().map(|fitted| fitted.drift.clone()), before: None, path, threshold }
}

fn to_json(tests: &Tests<'_>) -> Value {
    let services: Vec<Value> = tests.all.iter().map(|one| of_tested(one, tests)).collect();
    json!({
        "answer": verdict::sentences(tests),
        "train": tests.options.train,
        "drift_of": if tests.is_of_file() { "test_part_against_file" } else { "whole_series" },
        "notes": tests.gathered.notes,
        "services": services,
    })
}

fn of_tested(one: &Tested<'_>, tests: &Tests<'_>) -> Value {
    let (mut value, reasons) = match &one.scored {
        Ok(scored) => {
            let value = serde_json::to_value(&scored.score).unwrap_or_default();
            (value, Some(verdict::reasons(one, tests)))
        }
        Err(why) => (json!({"untested": why}), None),
    };
    let Some(object) = value.as_object_mut() else { return value };
    let mut insert = |key: &str, value: Value| object.insert(key.to_owned(), value);
    insert("service", json!(one.series.service));
    insert("class", json!(one.series.class));
    if let Some(reasons) = reasons {
        insert("predicts", json!(reasons.is_empty()));
        insert("why_not", json!(reasons));
    }
    let verdict = one.drift.verdict.as_ref();
    insert("drift", serde_json::to_value(verdict).unwrap_or_default());
    insert("drift_at", json!(verdict.and_then(|verdict| verdict.at).map(|at| tests.instant(at))));
    if let Some(before) = one.drift.before {
        insert("cpu_over_model_before", json!(before));
    }
    value
}
