//! `smo plan`: one decision now, by the same policies as in a simulation, judged by the same checker.
//!
//! In reading order: `rates` and `world` (what is seen), this file (the decision), `table`, `why` and `json` (what is said of
//! it), `objects` (what would carry it out).

mod json;
mod objects;
mod rates;
mod table;
mod tasks;
mod why;
mod world;

use super::names::file_name;
use super::simulate::parse_set;
use super::timed::Stopwatch;
use super::{Failure, yaml};
use crate::input::Request;
use crate::model::Plan;
use crate::model::check::{self, Violation};
use crate::policy::{Budget, PolicySpec};
use crate::record::explained::{self, Because, Explained};
use crate::seed::Seed;
use crate::units::Time;
use anyhow::{Context, anyhow};
use rates::Given;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use world::{Asked, Situation};

/// Who decides where nobody else is named.
const POLICY: &str = "anytime";

const EXAMPLES: &str = "\
Examples:
  smo plan scenarios/quickstart.yaml --explain
  smo plan scenarios/quickstart.yaml --at 19:30 --policy greedy+rate:headroom=50%
  smo plan scenarios/inventories/edge-cloud.yaml scenarios/applications/web.yaml --rate pages=12
  smo plan scenarios/quickstart.yaml --format karmada | kubectl apply --server-side -f -

Nothing of the application runs yet in the world that is planned for. Exit code 3: something
found no place; what was placed is printed all the same.";

/// Decide once, now: replicas and clusters of each service, why, and the objects that carry it out.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A scenario, or an inventory with application files behind it.
    #[arg(value_name = "SCENARIO|INVENTORY")]
    world: PathBuf,
    /// Application files to put on the clusters of an inventory.
    #[arg(value_name = "APP")]
    applications: Vec<PathBuf>,
    /// Who decides, as `smo policies` lists them.
    #[arg(long, value_name = "NAME[:key=value,...]", default_value = POLICY)]
    policy: PolicySpec,
    /// Requests per second that arrive at a service, instead of the load's; calls follow from it; may be given again.
    #[arg(long = "rate", value_name = "SERVICE=RPS")]
    rates: Vec<Given>,
    /// The instant whose load, prices and faults count: `19:30`, `90 min`; default: the start, or of tasks alone, when most
    /// of them are there.
    #[arg(long, value_name = "T")]
    at: Option<Time>,
    /// A variant of the scenario.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// A field of the scenario, set by its path; may be given again.
    #[arg(long, value_name = "path=value", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// Say of each service why: all clusters, what was weighed, what binds, and the next best.
    #[arg(long)]
    explain: bool,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Namespace of the objects of `--format karmada`.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// A service whose chart takes its values under `voChartOverwrite`, for `--format helm`; may be given again. Of services
    /// of an HDAG descriptor, its implementer says it.
    #[arg(long = "wot", value_name = "SERVICE")]
    wot: Vec<String>,
    /// A directory for files in the place of printing; for objects and values, one file a service.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What of a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text that fits the terminal.
    Table,
    /// The plan as JSON.
    Json,
    /// The same as YAML.
    Yaml,
    /// The Karmada policies and numbers of replicas that carry the plan out, as YAML.
    Karmada,
    /// The values that the services' Helm charts get, as YAML.
    Helm,
}

/// A decision and all that is said of it.
struct Decided<'a> {
    situation: &'a Situation,
    policy: &'a PolicySpec,
    plan: Plan,
    violations: Vec<Violation>,
    explained: Option<Explained>,
    /// On the wall clock; told to people only.
    took: Duration,
}

/// A file, or what would stand in it.
struct Document {
    name: String,
    content: String,
}

/// Decides, and prints.
///
/// # Errors
/// Wrong input; a plan that refuses something, after it was printed.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let request = Request { set: arguments.set.clone(), variant: arguments.variant.clone(), ..Request::default() };
    let Arguments { world, applications, rates, at, .. } = arguments;
    let situation = Asked { world, applications, request, given: rates, at: *at }.look()?;
    let decided = decide(&situation, &arguments.policy, arguments.explain)?;
    let documents = render(arguments, &decided)?;
    if let Some(directory) = &arguments.out {
        write_files(directory, &documents, out)?;
    } else {
        let texts: Vec<&str> = documents.iter().map(|document| document.content.as_str()).collect();
        write!(out, "{}", texts.join("---\n"))?;
    }
    if !decided.violations.is_empty() {
        out.flush()?;
        return Err(Failure::run(anyhow!("the plan is unsound: {}", table::violations(&decided).join("; "))));
    }
    if decided.plan.refusals.is_empty() { Ok(()) } else { Err(Failure::refused()) }
}

fn decide<'a>(situation: &'a Situation, policy: &'a PolicySpec, explain: bool) -> Result<Decided<'a>, Failure> {
    let mut deciding = policy.build().map_err(Failure::input)?;
    let mut stream = Seed(1).stream("policy", 0);
    let stopwatch = Stopwatch::start();
    let plan = deciding.decide(&situation.snapshot, &Budget::default(), &mut stream).map_err(Failure::run)?;
    let took = stopwatch.elapsed();
    let violations = check::violations(&situation.snapshot, &plan);
    let explained = explain.then(|| {
        let (snapshot, explanation) = (&situation.snapshot, deciding.explain(&situation.snapshot, &plan));
        let decided = explained::Decided {
            because: Because::First,
            number: 0,
            snapshot,
            plan: &plan,
            explanation: &explanation,
            is_reduced: false,
        };
        Explained::new(&decided)
    });
    Ok(Decided { situation, policy, plan, violations, explained, took })
}

fn render(arguments: &Arguments, decided: &Decided<'_>) -> Result<Vec<Document>, Failure> {
    let one = |name: &str, content: String| Ok(vec![Document { name: name.to_owned(), content }]);
    match arguments.format {
        Format::Table => {
            let timed = arguments.out.is_none() && std::io::stdout().is_terminal();
            one("plan.txt", table::render(decided, timed))
        }
        Format::Json => one("plan.json", format!("{:#}\n", json::render(decided))),
        Format::Yaml => one("plan.yaml", yaml::document(&json::render(decided))?),
        Format::Karmada => objects::karmada(decided, &arguments.namespace),
        Format::Helm => objects::helm(decided, &arguments.wot),
    }
}

fn write_files(directory: &Path, documents: &[Document], out: &mut dyn Write) -> Result<(), Failure> {
    let unwritten = |path: &Path| format!("{}: cannot be written", path.display());
    fs::create_dir_all(directory).with_context(|| unwritten(directory)).map_err(Failure::run)?;
    for document in documents {
        let path = directory.join(file_name(&document.name));
        fs::write(&path, &document.content).with_context(|| unwritten(&path)).map_err(Failure::run)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
