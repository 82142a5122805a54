//! `smo scenario`: what is in a scenario or wrong with it, and the schema that lets editors complete one.

use super::job::Setting;
use super::{Failure, Format, expand};
use crate::input::{self, Request};
use crate::model::Scenario;
use crate::model::workload::RateRow;
use crate::report::metric;
use crate::units::Time;
use anyhow::Context;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo scenario check scenarios/quickstart.yaml
  smo scenario check scenarios/*.yaml scenarios/real/*.yaml
  smo scenario check scenarios/quickstart.yaml --format json";

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
        /// What to print.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
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
    let (files, format) = match command {
        Command::Schema => return Ok(writeln!(out, "{:#}", input::schema())?),
        Command::Check { files, format } => (files, *format),
    };
    let mut sound = true;
    let mut found = Vec::new();
    for file in files {
        match check(file) {
            Ok(summary) if format == Format::Table => writeln!(out, "{}", summary.words())?,
            Ok(summary) => found.push(summary.to_json()),
            Err(failure) => {
                sound = false;
                found.push(failure.error.as_ref().map_or(Value::Null, |error| {
                    json!({"scenario": file.display().to_string(), "sound": false, "error": format!("{error:#}")})
                }));
                out.flush()?;
                failure.tell(&mut io::stderr().lock())?;
            }
        }
    }
    if format == Format::Json {
        writeln!(out, "{:#}", json!({"scenarios": found}))?;
    }
    if sound { Ok(()) } else { Err(Failure::told(true)) }
}

/// What is in a scenario.
struct Summary {
    setting: Setting,
    policies: Vec<String>,
    rows: u64,
    end: Time,
}

/// Reads everything.
fn check(path: &Path) -> Result<Summary, Failure> {
    let load = |variant: Option<String>| {
        let request = Request { variant, ..Request::default() };
        Setting::load(path, request).map_err(Failure::input)
    };
    let setting = load(None)?;
    metric::check(&setting.loaded.expect).with_context(|| path.display().to_string()).map_err(Failure::input)?;
    let policies: Vec<String> = expand::policies(&setting, &[])?.into_iter().map(|policy| policy.label).collect();
    let (rows, end) = read_to_end(&setting)?;
    for variant in &setting.loaded.variants {
        read_to_end(&load(Some(variant.clone()))?)?;
    }
    Ok(Summary { setting, policies, rows, end })
}

impl Summary {
    fn variants(&self) -> Vec<&str> {
        std::iter::once("base").chain(self.setting.loaded.variants.iter().map(String::as_str)).collect()
    }

    fn words(&self) -> String {
        let Self { setting, policies, rows, end } = self;
        let (loaded, variants) = (&setting.loaded, self.variants());
        let mut said = vec![
            format!("{}: {}", setting.path.display(), loaded.question),
            format!("  world      {}", world(&loaded.scenario)),
            load_line(*rows, *end, loaded.task_count()),
            format!("  policies   {}", policies.join(", ")),
            format!("  variants   {}", variants.join(", ")),
            format!("  runs       {} × {} × {} seeds", policies.len(), variants.len(), loaded.seeds),
        ];
        said.extend(loaded.inputs.iter().map(|file| format!("  read       {}, {} bytes", file.path, file.bytes)));
        said.extend(loaded.expect.iter().map(|one| format!("  expected   {}", one.text)));
        said.extend(loaded.notes.iter().map(|note| format!("  note       {note}")));
        said.join("\n")
    }

    fn to_json(&self) -> Value {
        let Self { setting, policies, rows, end } = self;
        let loaded = &setting.loaded;
        let known = &loaded.scenario.known;
        json!({
            "scenario": setting.path.display().to_string(),
            "sound": true,
            "question": loaded.question,
            "services": known.application.services.values().map(|service| &service.name).collect::<Vec<_>>(),
            "clusters": known.clusters.values().map(|cluster| &cluster.name).collect::<Vec<_>>(),
            "nodes": nodes(&loaded.scenario),
            "faults": loaded.scenario.faults.len(),
            "load": {"rows": rows, "until_s": end.as_seconds_f64(), "tasks": loaded.task_count()},
            "policies": policies,
            "variants": self.variants(),
            "seeds": loaded.seeds,
            "inputs": loaded.inputs,
            "expect": loaded.expect.iter().map(|one| &one.text).collect::<Vec<_>>(),
            "notes": loaded.notes,
        })
    }
}

fn nodes(scenario: &Scenario) -> u32 {
    scenario.known.clusters.values().flat_map(|cluster| cluster.pools.values()).map(|pool| pool.nodes).sum()
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
    let nodes = nodes(scenario);
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
