//! `smo fit`: capacities from observations, or the reasons why there are none.

pub mod file;
pub mod gather;
mod page;
pub mod reading;
mod run_directory;
pub mod subject;
pub mod table;

use super::page::quoted;
use super::{Failure, Format};
use crate::capacity::{self, FittedGroup, Method, Options};
use crate::record::aside::replace_file;
use crate::report::table::Shown;
use crate::seed::Seed;
use crate::units::{Ratio, Span};
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use gather::Gathered;
use serde_json::json;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use subject::Subject;

const EXAMPLES: &str = "\
Examples:
  smo fit observations.csv --out capacity.yaml --report fit.html
  smo fit runs/quickstart/naive-1 --out capacity.yaml
  smo fit cpu_cores.json replicas_ready.json requests_per_s.json --service cart
  smo fit load-test.csv --load-test --column throughput=requests_per_s
  smo fit observations.parquet --slo 200ms --design
  smo fit observations.csv --method ols           what plain regression says, and why it is wrong

Observations are tables or answers of Prometheus (`smo formats observations`), or the directory of
a run. Every result says what identified it: saturation, cpu, latency, or assumed; where nothing
did, it is refused with the data that would help. Exit code 3: nothing could be fitted.";

/// Fit the capacity of services to what was observed of them: how many requests r replicas can serve, how sure that is, and
/// what it rests on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Write the capacities here, as scenarios read them: `capacities: capacity.yaml`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a page here: the data, the fit, residuals, drift.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Say what to measure next, to shrink the interval most.
    #[arg(long)]
    design: bool,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How it is fitted.
#[derive(Debug, Clone, clap::Args)]
pub struct Model {
    /// The pipeline, or plain regression as a warning.
    #[arg(long, value_enum, default_value = "pipeline")]
    method: MethodName,
    /// Latency objective (95th percentile): the capacity within it is told too.
    #[arg(long, value_name = "LATENCY")]
    slo: Option<Span>,
    /// Share of the CPU limit that can be used, where it is known; estimated otherwise.
    #[arg(long, value_name = "SHARE")]
    ceiling: Option<Ratio>,
    /// Requests that a replica works on at a time, where it is known.
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// The lower quantile that careful policies plan by.
    #[arg(long, value_name = "SHARE", default_value = "10 %")]
    capacity_quantile: Ratio,
    /// Samples are averaged over this time.
    #[arg(long, value_name = "T", default_value = "60 s")]
    bucket: Span,
    /// Samples so soon after a change of replicas are left out.
    #[arg(long, value_name = "T", default_value = "2 min")]
    settle: Span,
    /// Samples lose half their weight at this age; all weigh alike where nothing is said.
    #[arg(long, value_name = "T")]
    half_life: Option<Span>,
    /// Seed of the resampling that gives the intervals.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodName {
    /// Utilisation law, saturation, latency; cross-validated shape; refuses where nothing identifies.
    Pipeline,
    /// Least squares of throughput on replicas: what was asked, not what could be served.
    Ols,
}

impl Model {
    /// As the fit takes them.
    ///
    /// # Errors
    /// A share or a time out of its range.
    pub fn options(&self) -> Result<Options, Failure> {
        let wrong = |what: String| Err(Failure::input(anyhow!(what)));
        let quantile = self.capacity_quantile.as_f64();
        if !(quantile > 0.0 && quantile < 0.5) {
            return wrong(format!(
                "--capacity-quantile {}: not a lower quantile\n  write more than 0 % and less than 50 %",
                self.capacity_quantile
            ));
        }
        if let Some(ceiling) = self.ceiling.filter(|ceiling| *ceiling == Ratio::ZERO || *ceiling > Ratio::ONE) {
            return wrong(format!(
                "--ceiling {ceiling}: not a share of the limit\n  write more than 0 % and at most 100 %"
            ));
        }
        for (name, span) in [("bucket", Some(self.bucket)), ("half-life", self.half_life), ("slo", self.slo)] {
            if span == Some(Span::ZERO) {
                return wrong(format!("--{name} 0 s: no time at all\n  write a time above zero, like 60s"));
            }
        }
        if self.workers == Some(0) {
            return wrong("--workers 0: nobody works\n  write at least 1".to_owned());
        }
        Ok(Options {
            method: match self.method {
                MethodName::Pipeline => Method::Pipeline,
                MethodName::Ols => Method::Ols,
            },
            bucket: self.bucket,
            settle: self.settle,
            ceiling: self.ceiling.map(Ratio::as_f64),
            workers: self.workers,
            slo_p95: self.slo.map(Span::as_seconds_f64),
            capacity_quantile: quantile,
            half_life: self.half_life,
            seed: Seed(self.seed),
            ..Options::default()
        })
    }

    /// The options that are not their defaults, as they are typed.
    pub fn words(&self) -> Vec<String> {
        let defaults = Options::default();
        let given = |name: &str, value: Option<String>| value.map(|value| format!("--{name} {}", quoted(&value)));
        let time = |span: Span, usual: Span| (span != usual).then(|| typed(&span));
        [
            (self.method == MethodName::Ols).then(|| "--method ols".to_owned()),
            given("slo", self.slo.as_ref().map(typed)),
            given("ceiling", self.ceiling.as_ref().map(typed)),
            given("workers", self.workers.map(|workers| workers.to_string())),
            given(
                "capacity-quantile",
                (self.capacity_quantile != Ratio(100_000)).then(|| typed(&self.capacity_quantile)),
            ),
            given("bucket", time(self.bucket, defaults.bucket)),
            given("settle", time(self.settle, defaults.settle)),
            given("half-life", self.half_life.as_ref().map(typed)),
            given("seed", (Seed(self.seed) != defaults.seed).then(|| self.seed.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A quantity without the blank before its unit, as one types it.
fn typed<T: std::fmt::Display>(quantity: &T) -> String {
    quantity.to_string().replace(' ', "")
}

/// Fits, tells, and writes what was asked for.
///
/// # Errors
/// Observations that cannot be read; nothing that could be fitted (after everything was told).
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options { details: arguments.report.is_some(), ..arguments.subject.model.options()? };
    let gathered = arguments.subject.gather()?;
    let groups = fitted(&gathered, &options, arguments.subject.jobs)?;
    let plans = if arguments.design { designs(&groups, &gathered) } else { Vec::new() };
    match arguments.format {
        Format::Table => table::print((&groups, &plans), &gathered, &options, &mut *out)?,
        Format::Json => {
            let groups = groups.iter().zip(plans.iter().map(Some).chain(std::iter::repeat(None)));
            let groups = groups.map(|(group, plan)| of_group(group, plan)).collect::<Result<Vec<_>, Failure>>()?;
            let object = json!({"options": options, "notes": gathered.notes, "fits": groups});
            writeln!(out, "{object:#}")?;
        }
    }
    let command = arguments.subject.command("fit");
    let mut written = Vec::new();
    if let Some(path) = &arguments.out {
        let text = file::to_yaml(&file::to_file(&groups, &gathered.class_of, &options, &command))?;
        replace_file(path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)?;
        written.push(("capacity", path));
    }
    if let Some(path) = &arguments.report {
        let html = page::render(&groups, &gathered, &options, &command);
        replace_file(path, html.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)?;
        written.push(("report", path));
    }
    if arguments.format == Format::Table {
        for (what, path) in written {
            writeln!(out, "{what:<9} {}", path.display())?;
        }
    }
    if groups.iter().all(|group| group.fitted().is_none()) { Err(Failure::refused()) } else { Ok(()) }
}

/// Fits everything that was gathered by so many threads.
///
/// # Errors
/// Observations that are not what they claim to be.
pub fn fitted(
    gathered: &Gathered,
    options: &Options,
    threads: Option<NonZeroUsize>,
) -> Result<Vec<FittedGroup>, Failure> {
    let threads = threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::run)?;
    pool.install(|| capacity::fit(&gathered.observations, options)).map_err(Failure::input)
}

/// What to measure next of each group, with at most half as many replicas again as were seen.
fn designs(groups: &[FittedGroup], gathered: &Gathered) -> Vec<capacity::design::Plan> {
    const EXPERIMENTS: usize = 4;
    let plan = |group: &FittedGroup| {
        let series = gathered.observations.series.iter();
        let mut series = series.filter(|series| series.service == group.service && series.class == group.class);
        let most = series.next().map_or(0.0, |series| series.replicas.iter().copied().fold(0.0, f64::max));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let most = (most * 1.5).ceil() as u32;
        capacity::design::plan(group, most.max(4), EXPERIMENTS)
    };
    groups.iter().map(plan).collect()
}

fn of_group(group: &FittedGroup, plan: Option<&capacity::design::Plan>) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(group).map_err(Failure::run)?;
    if let (Some(object), Some(plan)) = (value.as_object_mut(), plan) {
        object.insert("design".to_owned(), serde_json::to_value(plan).map_err(Failure::run)?);
    }
    Ok(value)
}

/// As standard output is.
fn width() -> usize {
    Shown::on_stdout().width
}
