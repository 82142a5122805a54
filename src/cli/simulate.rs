//! `smo simulate`: runs policies through scenarios and answers their questions.
//!
//! Everything is read and checked before anything is run, so that wrong input leaves nothing behind. A run that fails
//! does not lose the others. Nothing that is written depends on the number of threads or on the clock, but `timing.json`.

use super::expand::{self, Batch};
use super::job::{Job, JobError};
use super::page::{self, quoted};
use super::timed::Stopwatch;
use super::{Failure, Format, execute};
use crate::policy::Asked;
use crate::record::aside::replace_file;
use crate::record::{self, RunRecord};
use crate::report::table::{self, Shown};
use crate::report::{Comparison, json};
use crate::units::Span;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo simulate scenarios/quickstart.yaml
  smo simulate scenarios/quickstart.yaml --policy hpa:target=60% --policy spread+rate
  smo simulate scenarios/quickstart.yaml --policy all --seeds 1 --until 2h
  smo simulate scenarios/flash-crowd.yaml --set telemetry.delay=30s --until 6h
  smo simulate scenarios/*.yaml -j 4 --format json > figures.json

Runs lie in OUT/SCENARIO/POLICY-SEED, those of variants in OUT/SCENARIO/VARIANT/POLICY-SEED;
the page is OUT/SCENARIO/report.html.";

/// Run policies through scenarios, and answer the scenarios' questions by a table and a page.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Scenario files.
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    /// A policy instead of the scenario's, as `smo policies` lists them, or `all`, `placements`, `scalings`, `joints`: all of
    /// a kind, each with its partner; may be given again.
    #[arg(long = "policy", value_name = "NAME[:key=value,...]")]
    pub policies: Vec<Asked>,
    /// Seeds of each policy and variant, 1 to N; default: the scenario's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: Option<u32>,
    /// A field of the scenario, set by its path, in all variants; may be given again.
    #[arg(long, value_name = "path=value", value_parser = parse_set)]
    pub set: Vec<(String, String)>,
    /// A variant of the scenario to run besides the base; may be given again; default: all.
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<String>,
    /// End of each run, from its start: `6 h`, `90 min`; default: the end of the trace.
    #[arg(long, value_name = "T")]
    pub until: Option<Span>,
    /// Directory for runs and pages.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Runs at the same time; default: one a core. The output is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// `path=value`.
///
/// # Errors
/// Where there is no `=`.
pub fn parse_set(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("write `path=value`, like `telemetry.delay=30s`")?;
    Ok((path.trim().to_owned(), value.trim().to_owned()))
}

/// Runs everything, then says what came of it.
///
/// # Errors
/// Wrong input, or a run that failed.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let batches = expand::batches(arguments)?;
    let jobs: Vec<&Job> = batches.iter().flat_map(|batch| &batch.jobs).collect();
    let fresh = absent(&arguments.out, &jobs);
    let stopwatch = Stopwatch::start();
    let mut results = execute::all(&jobs, arguments.threads, |job| job.run())?.into_iter();
    let wall_s = io::stdout().is_terminal().then(|| stopwatch.elapsed().as_secs_f64());
    let mut failures = Failures::default();
    let mut comparisons = Vec::new();
    for batch in &batches {
        let done = batch.jobs.iter().zip(results.by_ref()).filter_map(|(job, result)| failures.keep(job, result));
        let records = done.map(|job| record::read(&job.directory)).collect::<Result<Vec<_>, _>>();
        comparisons.extend(report(arguments, batch, records.map_err(Failure::run)?)?);
    }
    remove_empty(&fresh);
    print(arguments.format, &comparisons, wall_s, out)?;
    failures.tell()
}

/// The comparison of a scenario's runs, and its page on the disk; nothing where no run came to its end.
fn report(
    arguments: &Arguments,
    batch: &Batch,
    records: Vec<RunRecord>,
) -> Result<Option<(Comparison, PathBuf)>, Failure> {
    if records.is_empty() {
        return Ok(None);
    }
    let path = batch.directory.join("report.html");
    let comparison = Comparison::new(records, &batch.expect);
    let scenario = &batch.jobs[0].setting.path;
    let command = command(arguments, scenario);
    let text = page::render(std::slice::from_ref(&comparison), &command, arguments.threads)?;
    replace_file(&path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)?;
    Ok(Some((comparison, path)))
}

fn print(
    format: Format,
    comparisons: &[(Comparison, PathBuf)],
    wall_s: Option<f64>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if format == Format::Json {
        let comparisons: Vec<Comparison> = comparisons.iter().map(|(comparison, _)| comparison.clone()).collect();
        return Ok(out.write_all(json::render(&comparisons).as_bytes())?);
    }
    for (index, (comparison, path)) in comparisons.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let shown = Shown { wall_s, report: Some(path), ..Shown::on_stdout() };
        write!(out, "{gap}{}", table::render(comparison, &shown))?;
    }
    Ok(())
}

/// The command that makes the runs of one scenario again: without what changes nothing in them (threads, format, place).
fn command(arguments: &Arguments, scenario: &Path) -> String {
    let mut text = format!("smo simulate {}", quoted(&scenario.display().to_string()));
    let mut add = |option: &str, value: &str| write!(text, " {option} {}", quoted(value)).expect("a string takes all");
    arguments.policies.iter().for_each(|policy| add("--policy", &policy.label));
    arguments.seeds.iter().for_each(|seeds| add("--seeds", &seeds.to_string()));
    arguments.set.iter().for_each(|(path, value)| add("--set", &format!("{path}={value}")));
    arguments.variants.iter().for_each(|variant| add("--variant", variant));
    arguments.until.iter().for_each(|until| add("--until", &until.to_string().replace(' ', "")));
    text
}

/// The directories that runs will be put into and that are not there yet, parents first.
fn absent(out: &Path, jobs: &[&Job]) -> BTreeSet<PathBuf> {
    let parents = |job: &&Job| -> Vec<PathBuf> {
        let above = job.directory.ancestors().skip(1).take_while(|path| path.starts_with(out));
        above.filter(|path| !path.exists()).map(Path::to_path_buf).collect()
    };
    jobs.iter().flat_map(parents).collect()
}

/// Removes those of the directories that stayed empty, children first.
fn remove_empty(directories: &BTreeSet<PathBuf>) {
    for directory in directories.iter().rev() {
        // One that holds something stays, which is what is wanted.
        let _ = fs::remove_dir(directory);
    }
}

/// The runs that failed, by what was wrong.
#[derive(Debug, Default)]
struct Failures {
    runs: BTreeMap<String, Vec<PathBuf>>,
    at_run_time: bool,
}

impl Failures {
    /// The job, if it came to its end; otherwise what was wrong is kept.
    fn keep<'a>(&mut self, job: &'a Job, result: Result<(), JobError>) -> Option<&'a Job> {
        let Err(error) = result else { return Some(job) };
        self.at_run_time |= !error.is_input();
        self.runs.entry(error.to_string()).or_default().push(job.directory.clone());
        None
    }

    /// Says each reason once.
    fn tell(self) -> Result<(), Failure> {
        if self.runs.is_empty() {
            return Ok(());
        }
        let mut err = io::stderr().lock();
        for (reason, runs) in &self.runs {
            let others = if runs.len() > 1 { format!(" and {} more", runs.len() - 1) } else { String::new() };
            writeln!(err, "error: {reason}\n  failed: {}{others}", runs[0].display())?;
        }
        Err(Failure::told(!self.at_run_time))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_set;

    #[test]
    fn a_field_is_set_by_path_and_value() {
        assert_eq!(parse_set("a.b = 3 s"), Ok(("a.b".to_owned(), "3 s".to_owned())));
        assert!(parse_set("a.b").is_err());
    }
}
