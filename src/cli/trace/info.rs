//! `smo trace info`: what is in a trace.

use super::Failure;
use super::output::{counted, thousands};
use super::reading::Reading;
use crate::cli::Format;
use crate::cli::aligned::Columns;
use crate::input::trace::info::{Info, ServiceInfo, info, instant, sparkline};
use crate::input::trace::{ServiceNames, TraceOptions, calendar, format, open_whole};
use crate::report::table::Shown;
use crate::units::{Span, Time};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  smo trace info traces/day.csv.gz
  smo trace info --format json day.parquet week.csv.zst
  smo trace info access.log --service-from path

The sparkline is the mean rate over time, from nothing to the service's own highest. Requests are exact: rate times time in
units of 10^-15, to the nearest request. A rate that a row does not state is unknown, and the one before it holds.";

/// Traces to be described.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Traces, in any format that `smo formats` lists for rates.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Services that the table shows: those with the most requests. JSON has all.
    #[arg(long, value_name = "N", default_value_t = 40)]
    top: usize,
    /// Text, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// A trace and what is in it.
struct Described<'a> {
    path: &'a Path,
    format: &'static str,
    begin: u64,
    services: ServiceNames,
    info: Info,
}

/// Describes traces.
///
/// # Errors
/// A trace with a mistake; the others are described all the same.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let options = arguments.reading.options()?;
    let (mut sound, mut all) = (true, Vec::new());
    for (index, path) in arguments.files.iter().enumerate() {
        match (describe(path, &options), arguments.format) {
            (Ok(described), Format::Table) => {
                let separator = if index > 0 { "\n" } else { "" };
                write!(out, "{separator}")?;
                described.print(arguments.top, out)?;
            }
            (Ok(described), Format::Json) => all.push(described.to_json()),
            (Err(failure), _) => {
                sound = false;
                out.flush()?;
                failure.tell(&mut io::stderr().lock())?;
            }
        }
    }
    if arguments.format == Format::Json {
        writeln!(out, "{:#}", Value::Array(all))?;
    }
    if sound { Ok(()) } else { Err(Failure::told(true)) }
}

fn describe<'a>(path: &'a Path, options: &TraceOptions) -> Result<Described<'a>, Failure> {
    let format = format::of(path, options).map_err(Failure::input)?.name();
    let (services, mut trace) = open_whole(path, options).map_err(Failure::input)?;
    let info = info(&mut trace, services.count());
    let info = info.with_context(|| path.display().to_string()).map_err(Failure::input)?;
    Ok(Described { path, format, begin: trace.begin(), services, info })
}

impl Described<'_> {
    fn print(&self, top: usize, out: &mut dyn Write) -> io::Result<()> {
        let Info { total, end, .. } = &self.info;
        let services = counted(self.services.count() as u128, "service");
        writeln!(out, "{}: {}, {services}", self.path.display(), self.format)?;
        let (from, to) = (instant(self.begin, Time::ZERO), instant(self.begin, *end));
        writeln!(out, "  span      {}, from {from} to {to}", elapsed(*end))?;
        writeln!(out, "  rows      {}", self.rows())?;
        let (mean, peak) = (figure(total.mean(self.info.span())), figure(total.peak_per_second()));
        let at = self.when(total.peak.1);
        let requests = thousands(total.requests.nearest());
        writeln!(out, "  requests  {requests}; {mean} /s on average, at most {peak} /s, at {at}")?;
        // Where its clock begins stands above.
        for note in self.info.notes.iter().filter(|note| !note.starts_with("begins at ")) {
            writeln!(out, "  note      {note}")?;
        }
        writeln!(out)?;
        self.table(top, out)
    }

    fn rows(&self) -> String {
        let rows = thousands(u128::from(self.info.rows));
        match (self.info.step(), self.info.other_steps()) {
            (None, _) => rows,
            (Some(step), 0) => format!("{rows}, each {step}"),
            (Some(step), others) => {
                format!("{rows}, most of them each {step}, {} after another step", thousands(others.into()))
            }
        }
    }

    /// An instant of the trace: a date, or how long after the begin.
    fn when(&self, at: Time) -> String {
        if calendar::has_dates(self.begin) {
            return instant(self.begin, at).trim_end_matches(" UTC").to_owned();
        }
        elapsed(at)
    }

    fn table(&self, top: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut columns =
            Columns::new(["service", ">requests", ">mean /s", ">peak /s", "at", ">zero", ">unknown", "course"]);
        let mut order: Vec<usize> = (0..self.services.count()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(self.info.services[*index].requests));
        let names: Vec<&str> = self.services.iter().collect();
        let mut rows: Vec<(&str, &ServiceInfo)> =
            order.iter().take(top).map(|index| (names[*index], &self.info.services[*index])).collect();
        if names.len() > 1 {
            rows.push(("all", &self.info.total));
        }
        for (name, service) in &rows {
            columns.row(self.cells(name, service));
        }
        let room = Shown::on_stdout().width.saturating_sub(columns.width_before_last() + 2).clamp(8, 96);
        columns.last(rows.iter().map(|(_, service)| sparkline(&service.course.columns(room, self.info.end))));
        columns.print("  ", out)?;
        if order.len() > top {
            let left: u128 = order[top..].iter().map(|index| self.info.services[*index].requests.nearest()).sum();
            let (services, requests) = (counted((order.len() - top) as u128, "service"), counted(left, "request"));
            writeln!(out, "  and {services} more with {requests}; `--top` or `--format json` shows them")?;
        }
        Ok(())
    }

    fn cells(&self, name: &str, service: &ServiceInfo) -> Vec<String> {
        let zero = service.zero.as_seconds_f64() / self.info.span().as_seconds_f64().max(f64::MIN_POSITIVE) * 100.0;
        vec![
            name.to_owned(),
            thousands(service.requests.nearest()),
            figure(service.mean(self.info.span())),
            figure(service.peak_per_second()),
            self.when(service.peak.1),
            if service.zero == Span::ZERO { "–".to_owned() } else { format!("{zero:.1} %") },
            match self.info.rows - service.stated {
                0 => "–".to_owned(),
                rows => counted(rows.into(), "row"),
            },
        ]
    }

    fn to_json(&self) -> Value {
        let info = &self.info;
        let steps = info.steps.iter().map(|(step, count)| json!({"step_s": step.as_seconds_f64(), "rows": count}));
        let services = self.services.iter().zip(&info.services).map(|(name, service)| self.service_json(name, service));
        let dated = calendar::has_dates(self.begin);
        json!({
            "file": self.path.display().to_string(),
            "format": self.format,
            "begin_s": Time(self.begin).as_seconds_f64(),
            "begin_utc": dated.then(|| calendar::utc(self.begin)),
            "span_s": info.span().as_seconds_f64(),
            "rows": info.rows,
            "step_s": info.step().map(Span::as_seconds_f64),
            "steps": steps.collect::<Vec<_>>(),
            "notes": info.notes,
            "total": self.service_json("all", &info.total),
            "services": services.collect::<Vec<_>>(),
        })
    }

    fn service_json(&self, name: &str, service: &ServiceInfo) -> Value {
        let course: Vec<f64> = service.course.columns(96, self.info.end);
        json!({
            "name": name,
            "requests": u64::try_from(service.requests.nearest()).unwrap_or(u64::MAX),
            "requests_e-15": service.requests.0.to_string(),
            "mean_per_s": service.mean(self.info.span()),
            "peak_per_s": service.peak_per_second(),
            "peak_at_s": service.peak.1.as_seconds_f64(),
            "zero_s": service.zero.as_seconds_f64(),
            "rows_zero": service.zeros,
            "rows_unknown": self.info.rows - service.stated,
            "course_per_s": course,
        })
    }
}

/// A time since the begin as people say it: `09:49:00`, `12 d 09:49:00`, `7 d`.
fn elapsed(at: Time) -> String {
    let (days, seconds) = (at.0 / calendar::DAY, at.0 % calendar::DAY / 1_000_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (days, at.0 % calendar::DAY) {
        (1.., 0) => format!("{days} d"),
        (0, _) => clock,
        _ => format!("{days} d {clock}"),
    }
}

/// A figure to four digits or to the whole.
fn figure(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is not negative")]
            let whole = value.round() as u128;
            thousands(whole)
        }
        value if value >= 100.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value if value > 0.0 => format!("{value:.4}"),
        _ => "0".to_owned(),
    }
}
