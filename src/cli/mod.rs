//! The command line, one file a command. It sits on top of all stages, and is the only place that knows a wall clock.
//!
//! Commands write to the output that they are handed and return a [`Failure`] with an exit code: so that a reader that
//! hangs up is met in one place, and nothing panics.

mod execute;
mod expand;
mod export;
mod failure;
mod job;
mod names;
mod page;
mod policies;
mod replay;
mod report;
mod runs;
mod scenario;
mod show;
mod simulate;
mod timed;
mod trace;

pub use failure::Failure;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write;

const EXAMPLES: &str = "\
First steps, in a clone of the repository:
  smo simulate scenarios/quickstart.yaml     three policies through a day: a table and a page
  smo policies                               what else could decide
  smo scenario check scenarios/*.yaml        what is in a scenario, or wrong with it
  smo show runs/quickstart/naive-1           one run: figures, sparklines, what went wrong
  smo report runs --out report.html          all runs on one page that can be sent
  smo export --openmetrics runs/quickstart/naive-1 --out naive.om      for Grafana
  smo replay runs/quickstart                 the same runs again: identical, or where not
  smo trace generate --services web --mean 60/s --daily 2 --out day.csv.gz     a load

Exit codes: 0; 1 for a failure at run time; 2 for wrong usage or input.
`smo COMMAND --help` has examples for each command.";

/// What runs where, in how many replicas, and what would happen if: replays request traces against placement and scaling
/// policies on simulated Kubernetes clusters.
#[derive(Debug, Parser)]
#[command(name = "smo", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Simulate(simulate::Arguments),
    Replay(replay::Arguments),
    Report(report::Arguments),
    Show(show::Arguments),
    Export(export::Arguments),
    Policies(policies::Arguments),
    #[command(subcommand)]
    Scenario(scenario::Command),
    #[command(subcommand)]
    Trace(trace::Command),
}

/// For people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text that fits the terminal.
    Table,
    /// JSON.
    Json,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// What is to be said, and the exit code.
    pub fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        match self.command {
            Command::Simulate(arguments) => simulate::run(&arguments, out),
            Command::Replay(arguments) => replay::run(&arguments, out),
            Command::Report(arguments) => report::run(&arguments, out),
            Command::Show(arguments) => show::run(&arguments, out),
            Command::Export(arguments) => export::run(&arguments, out),
            Command::Policies(arguments) => policies::run(&arguments, out),
            Command::Scenario(command) => scenario::run(&command, out),
            Command::Trace(command) => trace::run(&command, out),
        }
    }
}
