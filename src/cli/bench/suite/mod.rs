//! `smo bench SUITE.yaml`: policies against each other, honestly: tuned alike on some days, compared on others.
//!
//! ```text
//! suite ─► arena (all read) ─► warm-ups ─► tuning ─► seeds until sure ─► cells ─► results.json, or a part of it
//! ```
//!
//! A cell (a contestant in a scenario) is a pure function of the suite and the files that it names. So neither the number of
//! threads nor how cells are divided over machines, nor whether a run came from the cache, changes a byte of the results.

mod arena;
mod cache;
mod cells;
mod gate;
mod key;
mod knobs;
mod output;
mod part;
mod runner;
mod warm_up;

use super::Format;
use crate::cli::Failure;
use crate::report::bench::results::{Cell, Results, Stopped};
use anyhow::anyhow;
use arena::Arena;
use cache::Cache;
use output::Folder;
use part::{Part, Shard};
use runner::Runner;
use serde::Serialize;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  smo bench suite.yaml                           everything, on all cores
  smo bench suite.yaml --resume                  goes on where it was interrupted
  smo bench suite.yaml --shard 1/3 --out a       a third of it, here; the others elsewhere
  smo bench merge a b c --out all                joined: the bytes of one process
  smo bench suite.yaml --gate gate.yaml          exit code 4 where it got worse
  smo bench schema > suite.schema.json           what a suite may say, for editors

OUT holds report.html, report.md, table.tex, runs.csv, runs.parquet and results.json, which all of them are made from (or
part-I-of-N.json), in cache/ each run by its hash, and gate.md where there was a gate.";

pub const MERGE_EXAMPLES: &str = "\
Examples:
  smo bench merge a/part-1-of-2.json b/part-2-of-2.json --out all
  smo bench merge a b --out all --gate gate.yaml";

/// What to run, and how.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// The suite.
    #[arg(value_name = "SUITE", required = true)]
    suite: Option<PathBuf>,
    /// Directory for results; default: bench/SUITE.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs at the same time; default: one a core. The output is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Take the runs that lie in the directory; those that are missing or have changed are made.
    #[arg(long)]
    resume: bool,
    /// Only the I-th of N parts, to be joined by `smo bench merge`.
    #[arg(long, value_name = "I/N", conflicts_with = "gate")]
    shard: Option<Shard>,
    /// Thresholds against stored results: exit code 4 where the suite is worse.
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Which parts to join.
#[derive(Debug, clap::Args)]
pub struct MergeArguments {
    /// Parts, or folders that hold some.
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// Directory for results.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Thresholds against stored results: exit code 4 where the suite is worse.
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs a suite or a part of it.
///
/// # Errors
/// Wrong input; a run that failed (the others are done, and the results say which); a gate that is not passed.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let path = arguments.suite.as_ref().ok_or_else(|| Failure::input(anyhow!("no suite is named")))?;
    let gate = arguments.gate.as_deref().map(gate::load).transpose()?;
    let arena = Arena::load(path)?;
    let shard = arguments.shard.unwrap_or(Shard { number: 1, count: 1 });
    if shard.count > arena.cells() {
        let (cells, count) = (arena.cells(), shard.count);
        return Err(Failure::input(anyhow!(
            "--shard {}/{count}: there are {cells} cells; divide them by {cells} at most",
            shard.number
        )));
    }
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("bench").join(&arena.suite.name));
    let folder = Folder::open(folder, &arena.head, arguments.resume)?;
    let cache = Cache::new(folder.path("cache"), arguments.resume).map_err(|error| folder.unwritable(error))?;
    let runner = Runner { cache, threads: arguments.threads, bad_million_usd: arena.head.bad_million_usd };
    let mut head = arena.head.clone();
    for (scenario, found) in head.scenarios.iter_mut().zip(warm_up::all(&arena, &runner)?) {
        scenario.warm_up_s = found.span.as_seconds_f64();
        scenario.span_s -= scenario.warm_up_s;
        scenario.warm_up_by = found.by;
    }
    let numbers: Vec<usize> = (0..arena.cells()).filter(|number| shard.has(*number)).collect();
    let cells = cells::all(&arena, &head, &numbers, &runner)?;
    let results = Results { suite: head, cells };
    if arguments.shard.is_some() {
        let file = folder.path(&shard.file());
        let part = Part { shard, results };
        folder.put(&shard.file(), to_json(&part).as_bytes())?;
        writeln!(out, "{}: {} of {} cells", file.display(), numbers.len(), arena.cells())?;
        return tell_gaps(&part.results.cells);
    }
    folder.put("results.json", to_json(&results).as_bytes())?;
    finish((&results, &folder), gate.as_ref(), arguments.format, out)
}

/// Joins parts.
///
/// # Errors
/// Parts that do not fit together; then as [`run`].
pub fn merge(arguments: &MergeArguments, out: &mut dyn Write) -> Result<(), Failure> {
    let gate = arguments.gate.as_deref().map(gate::load).transpose()?;
    let results = part::join(&arguments.parts)?;
    let folder = Folder::open(arguments.out.clone(), &results.suite, false)?;
    folder.put("results.json", to_json(&results).as_bytes())?;
    finish((&results, &folder), gate.as_ref(), arguments.format, out)
}

/// Says what came out, then what is missing, then what the gate finds.
fn finish(
    (results, folder): (&Results, &Folder),
    gate: Option<&gate::Checked>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match format {
        Format::Json => {
            output::report(results, folder, &mut io::sink())?;
            write!(out, "{}", to_json(results))?;
        }
        Format::Table => output::report(results, folder, out)?,
    }
    out.flush()?;
    let gaps = tell_gaps(&results.cells);
    let Some(judgement) = gate.map(|gate| gate.judge(results)).transpose()? else { return gaps };
    folder.put("gate.md", judgement.markdown().as_bytes())?;
    write!(io::stderr().lock(), "{}", judgement.text())?;
    if judgement.trips() { Err(Failure::worse()) } else { gaps }
}

/// Says which cells have no figures, and why.
fn tell_gaps(cells: &[Cell]) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    let mut has_gaps = false;
    for cell in cells {
        let Cell { contestant, scenario, .. } = cell;
        let failed = cell.runs.iter().find_map(|run| Some((run.seed, run.result.as_ref().err()?)));
        if let Some((seed, error)) = failed.filter(|_| cell.stopped == Stopped::Failed) {
            writeln!(err, "error: {contestant} in {scenario}: the run with seed {seed} failed: {error}")?;
            has_gaps = true;
        }
        let is_untuned = !cell.tuning.is_empty() && cell.tuning.iter().all(|trial| trial.loss_usd.is_none());
        if is_untuned {
            writeln!(
                err,
                "error: {contestant} in {scenario}: every run of its tuning failed; its knobs are the defaults"
            )?;
            has_gaps = true;
        }
    }
    if has_gaps { Err(Failure::told(false)) } else { Ok(()) }
}

/// Pretty-printed JSON with a line feed at its end.
fn to_json(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("results have only text as keys");
    text + "\n"
}
