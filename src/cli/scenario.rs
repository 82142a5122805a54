//! `smo scenario`: what is in a scenario or wrong with it, and the schema that lets editors complete one.

use super::job::Setting;
use super::{Failure, expand};
use crate::input::{self, Request};
use crate::model::Scenario;
use crate::model::workload::RateRow;
use crate::report::metric;
use crate::units::Time;
use anyhow::Context;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo scenario check scenarios/quickstart.yaml
  smo scenario check scenarios/*.yaml scenarios/real/*.yaml";

const SCHEMA_EXAMPLES: &str = "\
Example, with an editor that knows the YAML language server:
  smo scenario schema > scenario.schema.json
  and as the first line of a scenario:  # yaml-language-server: $schema=scenario.schema.json";

/// Check scenarios, or print their schema.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read scenarios with all that they name, all variants, traces to their end, and say what is in them.
    #[command(after_help = EXAMPLES)]
    Check {
        /// Scenario files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of a scenario, made from the types that read it.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
}

/// Checks, or prints the schema.
///
/// # Errors
/// A scenario with a mistake.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    let files = match command {
        Command::Schema => return Ok(writeln!(out, "{:#}", input::schema())?),
        Command::Check { files } => files,
    };
    let mut sound = true;
    for file in files {
        match check(file) {
            Ok(summary) => writeln!(out, "{summary}")?,
            Err(failure) => {
                sound = false;
                out.flush()?;
                failure.tell(&mut io::stderr().lock())?;
            }
        }
    }
    if sound { Ok(()) } else { Err(Failure::told(true)) }
}

/// Reads everything; what is in the scenario, in a few lines.
fn check(path: &Path) -> Result<String, Failure> {
    let load = |variant: Option<String>| {
        let request = Request { variant, ..Request::default() };
        Setting::load(path, request).map_err(Failure::input)
    };
    let base = load(None)?;
    metric::check(&base.loaded.expect).with_context(|| path.display().to_string()).map_err(Failure::input)?;
    let policies: Vec<String> = expand::policies(&base, &[])?.into_iter().map(|policy| policy.label).collect();
    let (rows, end) = read_to_end(&base)?;
    for variant in &base.loaded.variants {
        read_to_end(&load(Some(variant.clone()))?)?;
    }
    let loaded = &base.loaded;
    let variants: Vec<&str> = std::iter::once("base").chain(loaded.variants.iter().map(String::as_str)).collect();
    let mut said = vec![
        format!("{}: {}", path.display(), loaded.question),
        format!("  world      {}", world(&loaded.scenario)),
        load_line(rows, end, loaded.task_count()),
        format!("  policies   {}", policies.join(", ")),
        format!("  variants   {}", variants.join(", ")),
        format!("  runs       {} × {} × {} seeds", policies.len(), variants.len(), loaded.seeds),
    ];
    said.extend(loaded.inputs.iter().map(|file| format!("  read       {}, {} bytes", file.path, file.bytes)));
    said.extend(loaded.expect.iter().map(|one| format!("  expected   {}", one.text)));
    said.extend(loaded.notes.iter().map(|note| format!("  note       {note}")));
    Ok(said.join("\n"))
}

fn load_line(rows: u64, end: Time, tasks: usize) -> String {
    match (rows, tasks) {
        (0, tasks) => format!("  load       {tasks} tasks"),
        (rows, 0) => format!("  load       {rows} rows until {end}"),
        (rows, tasks) => format!("  load       {rows} rows until {end}, and {tasks} tasks"),
    }
}

fn world(scenario: &Scenario) -> String {
    let known = &scenario.known;
    let nodes: u32 = known.clusters.values().flat_map(|cluster| cluster.pools.values()).map(|pool| pool.nodes).sum();
    let (services, calls) = (known.application.requests().len(), known.application.calls.len());
    let (clusters, faults) = (known.clusters.len(), scenario.faults.len());
    format!("{services} services, {calls} calls between them, {clusters} clusters of {nodes} nodes, {faults} faults")
}

/// The rows of the load, and when it ends.
fn read_to_end(setting: &Setting) -> Result<(u64, Time), Failure> {
    let mut source = setting.loaded.workload().map_err(Failure::input)?;
    let (mut row, mut rows) = (RateRow::default(), 0);
    while source.next_row(&mut row).map_err(Failure::input)? {
        rows += 1;
    }
    Ok((rows, source.end()))
}
