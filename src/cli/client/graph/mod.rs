//! `smo graph`: application graphs on a server.
//!
//! In reading order: this file (what can be asked), `descriptor` (what is sent), `write` (what changes something), `read` (what
//! does not), `watch`, and the tables: `table` (graphs), `plan` (plans and differences).

#[cfg(feature = "live")]
mod descriptor;
#[cfg(feature = "live")]
mod plan;
#[cfg(feature = "live")]
mod read;
#[cfg(feature = "live")]
mod table;
#[cfg(feature = "live")]
mod watch;
#[cfg(feature = "live")]
mod write;

use super::flags::{Common, Named, Project, Sure, Wait, Within};
use crate::units::Span;
use clap::ValueEnum;
use std::path::PathBuf;

const DEPLOY: &str = "\
Examples:
  smo graph deploy shop.yaml --dry-run                   what would run where; nothing is stored
  smo graph deploy shop.yaml --project demo --wait
  smo graph deploy oci://registry.local:5000/demo/shop:1.0.0 --project demo
  smo graph deploy shop.yaml --options shop-options.yaml --wait=5min
  smo graph deploy shop.yaml --update                    the differences first, then the question

A file is checked before it is sent. Exit codes: 1 where the server or the job failed; 2 where the
descriptor, or what is asked, is wrong; 3 for a dry run that could not place everything.";

const LIST: &str = "\
Examples:
  smo graph list
  smo graph list --project demo --phase degraded
  smo graph list --format json | jq '.[].name'";

const SHOW: &str = "\
Examples:
  smo graph show shop
  smo graph show shop --project demo --format yaml
  smo graph show shop --descriptor > shop.yaml";

const PLAN: &str = "\
Examples:
  smo graph plan shop
  smo graph plan shop --format json | jq .explanation

Exit code 3: something of it would find no place.";

const DIFF: &str = "\
Examples:
  smo graph diff shop shop-2.yaml
  smo graph diff shop oci://registry.local:5000/demo/shop:2.0.0 --project demo";

const START: &str = "\
Examples:
  smo graph start shop
  smo graph start shop --project demo --wait";

const STOP: &str = "\
Examples:
  smo graph stop shop
  smo graph stop shop --yes --wait=2min";

const REMOVE: &str = "\
Examples:
  smo graph remove shop
  smo graph remove shop --dry-run                        what would be taken down
  smo graph remove shop --project demo --yes --wait";

const RE_PLACE: &str = "\
Examples:
  smo graph re-place shop
  smo graph re-place shop --dry-run                      what would run where
  smo graph re-place shop --wait";

const WATCH: &str = "\
Examples:
  smo graph watch shop                                   until Ctrl-C
  smo graph watch shop --until running --timeout 5min
  smo graph watch shop --until gone --format json

On a terminal the table is drawn again when something changes; elsewhere each change is a line.
Exit code 1: it failed while something else was waited for, or the time was over.";

const PAUSE: &str = "\
Examples:
  smo graph pause shop --reason 'incident 4711'          nothing of it is changed any more
  smo graph pause shop --off                             what is wanted is carried out";

/// Phases that a server can be asked for.
const PHASES: [&str; 7] = ["pending", "deploying", "running", "degraded", "stopped", "removing", "failed"];

/// What can be asked about graphs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Deploy a graph from a descriptor, or from an artifact of a registry.
    #[command(after_help = DEPLOY)]
    Deploy(Deploy),
    /// List graphs: of a project where one is named, else of all.
    #[command(after_help = LIST)]
    List(List),
    /// Show a graph: its services, where they run, how many replicas are ready, and why not.
    #[command(after_help = SHOW)]
    Show(Show),
    /// Say what would be decided about a graph now; nothing is changed.
    #[command(after_help = PLAN)]
    Plan(Looked),
    /// Say what another descriptor would change about a graph; nothing is changed.
    #[command(after_help = DIFF)]
    Diff(Diff),
    /// Run a stopped graph again.
    #[command(after_help = START)]
    Start(Asked),
    /// Stop a graph: nothing of it runs any more, and it can be started again.
    #[command(after_help = STOP)]
    Stop(Confirmed),
    /// Remove a graph: nothing of it is left.
    #[command(after_help = REMOVE)]
    Remove(Confirmed),
    /// Decide anew where a graph runs; what comes out as it is stays there.
    #[command(after_help = RE_PLACE)]
    RePlace(Asked),
    /// Watch a graph until Ctrl-C, or until it is as wanted.
    #[command(after_help = WATCH)]
    Watch(Watch),
    /// Hold a graph as it is, or let it go on.
    #[command(after_help = PAUSE)]
    Pause(Pause),
}

/// What is deployed, and how.
#[derive(Debug, clap::Args)]
pub struct Deploy {
    #[command(flatten)]
    sent: Sent,
    #[command(flatten)]
    project: Project,
    /// Change the graph that is there; of an artifact, its name has to be said.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not said, said alone, or with a value")]
    update: Option<Option<String>>,
    /// Say what would be decided; nothing is stored.
    #[arg(long, conflicts_with = "within")]
    dry_run: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    common: Common,
}

/// A descriptor, and what is said beside it.
#[derive(Debug, clap::Args)]
pub struct Sent {
    /// A descriptor (HDAG, YAML or JSON), or an artifact: `oci://...`, `http(s)://...`.
    #[arg(value_name = "FILE|ARTIFACT")]
    what: String,
    /// A file (YAML or JSON) with the policy, and by service: query of the rate, capacity, bounds of replicas.
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
}

/// Which graphs are listed.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    project: Within,
    /// Those in this phase only.
    #[arg(long, value_name = "PHASE", value_parser = PHASES)]
    phase: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Which graph is shown.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    named: Named,
    /// Its descriptor only.
    #[arg(long)]
    descriptor: bool,
    #[command(flatten)]
    common: Common,
}

/// Which graph is looked at.
#[derive(Debug, clap::Args)]
pub struct Looked {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    common: Common,
}

/// What is compared.
#[derive(Debug, clap::Args)]
pub struct Diff {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    sent: Sent,
    #[command(flatten)]
    common: Common,
}

/// What is asked for, and whether it is waited for.
#[derive(Debug, clap::Args)]
pub struct Asked {
    #[command(flatten)]
    named: Named,
    /// Say what would be decided; nothing is done.
    #[arg(long, conflicts_with = "within")]
    dry_run: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    common: Common,
}

/// The same, where it is asked about again.
#[derive(Debug, clap::Args)]
pub struct Confirmed {
    #[command(flatten)]
    named: Named,
    /// Say what would be taken down; nothing is done.
    #[arg(long, conflicts_with = "within")]
    dry_run: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    common: Common,
}

/// What is watched, until when.
#[derive(Debug, clap::Args)]
pub struct Watch {
    #[command(flatten)]
    named: Named,
    /// End when it is in this phase, as it is wanted now.
    #[arg(long, value_enum)]
    until: Option<Phase>,
    /// Give up after so long: `5min`.
    #[arg(long, value_name = "SPAN", requires = "until")]
    timeout: Option<Span>,
    #[command(flatten)]
    common: Common,
}

/// What is held.
#[derive(Debug, clap::Args)]
pub struct Pause {
    #[command(flatten)]
    named: Named,
    /// Let it go on.
    #[arg(long, conflicts_with = "reason")]
    off: bool,
    /// Why, for whoever finds it.
    #[arg(long, value_name = "TEXT", default_value = "paused by smo graph pause", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// What is observed of a graph, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Nothing was done yet.
    Pending,
    /// It is being deployed.
    Deploying,
    /// All that is wanted is ready.
    Running,
    /// Less is ready than is wanted.
    Degraded,
    /// Nothing of it is deployed.
    Stopped,
    /// It is being removed.
    Removing,
    /// It cannot go on.
    Failed,
    /// It is not there (any more).
    Gone,
}

#[cfg(feature = "live")]
impl Phase {
    /// As the server writes it.
    const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Deploying => "deploying",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Stopped => "stopped",
            Self::Removing => "removing",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }
}

/// Does what was asked.
///
/// # Errors
/// See the commands.
#[cfg(feature = "live")]
pub async fn run(command: &Command, out: &mut dyn std::io::Write) -> Result<(), crate::cli::Failure> {
    match command {
        Command::Deploy(arguments) => write::deploy(arguments, out).await,
        Command::List(arguments) => read::list(arguments, out).await,
        Command::Show(arguments) => read::show(arguments, out).await,
        Command::Plan(arguments) => read::plan(arguments, out).await,
        Command::Diff(arguments) => read::diff(arguments, out).await,
        Command::Start(arguments) => write::start(arguments, out).await,
        Command::Stop(arguments) => write::stop(arguments, out).await,
        Command::Remove(arguments) => write::remove(arguments, out).await,
        Command::RePlace(arguments) => write::re_place(arguments, out).await,
        Command::Watch(arguments) => watch::watch(arguments, out).await,
        Command::Pause(arguments) => write::pause(arguments, out).await,
    }
}
