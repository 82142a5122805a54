//! The past of the real world as a scenario: what Prometheus kept of it, piece by piece, so that an interrupted recording goes on.
//!
//! A piece is asked for, appended, and noted in `progress.json`; what a killed process wrote after its last note is cut off
//! again. A value that is not there stays an empty field: unknown is not zero. The inventory is that of now, since nobody keeps its past.

use super::super::Failure;
use super::present;
use crate::backend::live::clock::{duration, since_epoch};
use crate::backend::live::history::{self, Row};
use crate::cli::job::Setting;
use crate::input::{self, Request};
use crate::model::connection::Connection;
use crate::model::scenario::Known;
use crate::model::{ClusterId, ServiceId};
use crate::record::aside::replace_file;
use crate::units::Span;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// Steps of a piece.
const PIECE: u32 = 2_000;

/// What is recorded: how long ago from, how long ago until, and at which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// From so long ago on.
    pub from: Span,
    /// Until so long ago.
    pub until: Span,
    /// From one value to the next.
    pub step: Span,
}

/// How far a recording is. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    asked_from: u64,
    asked_until: u64,
    from: u64,
    until: u64,
    step: u64,
    next: u64,
    /// Bytes of both files up to here.
    load: u64,
    observations: u64,
}

/// Records, or goes on.
///
/// # Errors
/// A connection that cannot be used, Prometheus that does not answer, or a directory with another recording.
pub fn record(
    setting: &Setting,
    connection: &Path,
    (asked, directory): (Asked, &Path),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let known = &setting.loaded.scenario.known;
    let at = input::connection::load(connection, known).map_err(Failure::input)?;
    if asked.step.0 == 0 || asked.from <= asked.until {
        return Err(Failure::input(anyhow!(
            "--from, --until, --step: there is nothing between; the begin lies before the end"
        )));
    }
    let in_directory = |error: std::io::Error| Failure::run(anyhow!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(in_directory)?;
    let mut progress = begin(directory, asked)?;
    if progress.next > progress.until {
        let directory = directory.display();
        writeln!(out, "complete  {directory} holds this recording already; remove it to record anew")?;
    }
    let recorder = history::Recorder::open(&at).map_err(super::failure)?;
    while progress.next <= progress.until {
        let last = progress.until.min(progress.next + u64::from(PIECE - 1) * progress.step);
        let (from, until, step) = (millis(progress.next), millis(last), millis(progress.step));
        let rows = recorder.rows(from..=until, step).map_err(super::failure)?;
        let (load, observations) = (load(known, &rows, &progress), seen((known, &at), &rows, &progress));
        append(&directory.join("load.csv"), progress.load, &load).map_err(in_directory)?;
        append(&directory.join("observations.csv"), progress.observations, &observations).map_err(in_directory)?;
        progress.load += load.len() as u64;
        progress.observations += observations.len() as u64;
        progress.next = last + progress.step;
        note(directory, &progress)?;
        let done = progress.next.min(progress.until).saturating_sub(progress.from);
        writeln!(
            out,
            "recorded  {} of {}",
            Span(done * 1_000_000),
            Span((progress.until - progress.from) * 1_000_000)
        )?;
        out.flush()?;
    }
    scenario(setting, connection, directory)?;
    writeln!(out, "scenario  {}", directory.join("scenario.yaml").display())?;
    Ok(writeln!(out, "          smo simulate {}", directory.join("scenario.yaml").display())?)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Where an earlier recording of the same stopped, or the begin of a new one.
fn begin(directory: &Path, asked: Asked) -> Result<Progress, Failure> {
    let path = directory.join("progress.json");
    let whole = |span: Span| u64::try_from(duration(span).as_millis()).unwrap_or(u64::MAX);
    let (asked_from, asked_until, step) = (whole(asked.from), whole(asked.until), whole(asked.step).max(1));
    if path.exists() {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string()).map_err(Failure::run)?;
        let old: Progress =
            serde_json::from_str(&text).with_context(|| path.display().to_string()).map_err(Failure::input)?;
        if (old.asked_from, old.asked_until, old.step) == (asked_from, asked_until, step) {
            return Ok(old);
        }
        let directory = directory.display();
        return Err(Failure::input(anyhow!(
            "{directory}: it holds a recording of other times\n  name another directory, or remove it"
        )));
    }
    let now = u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX);
    let on_grid = |at: u64| at - at % step;
    let (from, until) = (on_grid(now.saturating_sub(asked_from)), on_grid(now.saturating_sub(asked_until)));
    let progress = Progress { asked_from, asked_until, from, until, step, next: from, load: 0, observations: 0 };
    note(directory, &progress)?;
    Ok(progress)
}

fn note(directory: &Path, progress: &Progress) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(progress).map_err(Failure::run)?;
    let path = directory.join("progress.json");
    replace_file(&path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)
}

/// Appends after the first `length` bytes; what stands behind them was never noted.
fn append(path: &Path, length: u64, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Services that users call: their rates are the load, calls follow from them.
fn entries(known: &Known) -> Vec<ServiceId> {
    let called = |id: &ServiceId| known.application.calls.iter().any(|call| call.to == *id);
    known.application.requests().filter(|id| !called(id)).collect()
}

/// The load as a wide table: a column a service, an empty field where nothing was measured.
fn load(known: &Known, rows: &[Row], progress: &Progress) -> String {
    let entries = entries(known);
    let mut text = String::new();
    if progress.next == progress.from {
        let names: Vec<&str> = entries.iter().map(|id| known.application.services[*id].name.as_str()).collect();
        writeln!(text, "timestamp_s,{}", names.join(",")).expect("a string takes all");
    }
    for row in rows {
        let rate = |id: &ServiceId| row.services[*id].total.map_or_else(String::new, |rate| format!("{rate:.6}"));
        let rates: Vec<String> = entries.iter().map(rate).collect();
        writeln!(text, "{},{}", row.at.as_secs_f64(), rates.join(",")).expect("a string takes all");
    }
    text
}

/// What was seen of each service in each cluster.
fn seen((known, connection): (&Known, &Connection), rows: &[Row], progress: &Progress) -> String {
    let mut text = String::new();
    let measured = connection.services.values().any(|one| one.replicas.is_some());
    if !measured {
        return text;
    }
    if progress.next == progress.from {
        text.push_str("time,service,cluster,class,replicas_ready,offered_per_s,cpu_cores,latency_p95_s\n");
    }
    for row in rows {
        for (id, service) in row.services.iter() {
            for (cluster, replicas) in &service.replicas {
                let by = |values: &std::collections::BTreeMap<ClusterId, f64>| {
                    values.get(cluster).map_or_else(String::new, |value| format!("{value:.6}"))
                };
                let latency = service.latency_p95.map_or_else(String::new, |latency| format!("{latency:.6}"));
                let declared = &known.clusters[*cluster];
                writeln!(
                    text,
                    "{},{},{},{},{replicas},{},{},{latency}",
                    row.at.as_secs_f64(),
                    known.application.services[id].name,
                    declared.name,
                    declared.class,
                    by(&service.rates),
                    by(&service.cpu_used),
                )
                .expect("a string takes all");
            }
        }
    }
    text
}

/// The scenario with the inventory of now and the recorded load.
fn scenario(setting: &Setting, connection: &Path, directory: &Path) -> Result<(), Failure> {
    let snapshot = present::look(connection, &setting.loaded.scenario)?;
    let set = setting.request.set.iter().cloned().chain(present::world(&snapshot));
    let file = directory.join("load.csv");
    let file = std::path::absolute(&file).map_err(Failure::run)?;
    let set = set.chain([("traces".to_owned(), serde_json::json!([{"file": file}]).to_string())]).collect();
    let request = Request { set, variant: setting.request.variant.clone(), ..Request::default() };
    let loaded = input::load(&setting.path, &request).map_err(Failure::input)?;
    let mut resolved = loaded.resolved();
    resolved["traces"][0]["file"] = "load.csv".into();
    let text = crate::cli::yaml::document(&resolved)?;
    let path = directory.join("scenario.yaml");
    replace_file(&path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)
}
