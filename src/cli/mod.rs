//! The command line, one file a command. It sits on top of all stages, and is the only place that knows a wall clock.
//!
//! Commands write to the output that they are handed and return a [`Failure`] with an exit code: so that a reader that
//! hangs up is met in one place, and nothing panics.

mod aligned;
mod asked;
mod backtest;
mod bench;
pub mod bounds;
mod client;
mod clock;
mod completions;
mod config;
mod diff;
mod drill;
mod execute;
mod expand;
mod explain;
mod export;
mod failure;
mod fit;
mod formats;
mod headroom;
mod init;
mod job;
mod live;
mod man;
mod names;
mod page;
mod plan;
mod policies;
mod pools;
mod replay;
mod report;
mod runs;
mod scenario;
mod serve;
mod show;
mod simulate;
mod timed;
mod trace;
mod whatif;
mod yaml;

pub use failure::Failure;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write;

const EXAMPLES: &str = "\
First steps, in a clone of the repository:
  smo simulate scenarios/quickstart.yaml     three policies through a day: a table and a page
  smo plan scenarios/quickstart.yaml         one decision now, and why
  smo whatif scenarios/quickstart.yaml --change 'lose cluster edge-1'     what a change would do
  smo drill scenarios/quickstart.yaml        every cluster lost once, when it hurts most
  smo headroom scenarios/quickstart.yaml --slo 'slo_violation_time < 1 %'      the cheapest nodes
  smo run shop.yaml --shadow live.yaml       what a policy would do with real clusters
  smo graph deploy shop.yaml --wait          an application graph, kept running by `smo serve`
  smo policies                               what else could decide
  smo init mine                              a scenario of your own, or from what kubectl says
  smo scenario check scenarios/*.yaml        what is in a scenario, or wrong with it
  smo show runs/quickstart/naive-1           one run: figures, sparklines, what went wrong
  smo report runs --out report.html          all runs on one page that can be sent
  smo export --openmetrics runs/quickstart/naive-1 --out naive.om      for Grafana
  smo replay runs/quickstart                 the same runs again: identical, or where not
  smo trace generate --services web --mean 60/s --daily 2 --out day.csv.gz     a load
  smo trace info traces/*.csv.gz             what is in a load, with its course
  smo fit observations.csv --out capacity.yaml     what a replica can serve, from what was observed
  smo backtest runs/quickstart/naive-1 --train 70%     whether that predicts what came after
  smo bench suite.yaml                       policies compared: tuned alike, on other days
  smo formats                                what can be read, and written

Exit codes: 0; 1 for a failure at run time; 2 for wrong usage or input; 3 for a plan
that could not place everything, or a drill with --check that fails; 4 for a suite that does
not pass its gate.
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
    Init(init::Arguments),
    Simulate(simulate::Arguments),
    Plan(plan::Arguments),
    Whatif(whatif::Arguments),
    Drill(drill::Arguments),
    Headroom(headroom::Arguments),
    Observe(live::observe::Arguments),
    Run(live::run::Arguments),
    Pause(live::pause::Arguments),
    Remove(live::remove::Arguments),
    Serve(serve::Arguments),
    #[command(flatten)]
    Client(client::Command),
    Fit(fit::Arguments),
    Backtest(backtest::Arguments),
    Explain(explain::Arguments),
    Diff(diff::Arguments),
    Replay(replay::Arguments),
    Report(report::Arguments),
    Show(show::Arguments),
    Export(export::Arguments),
    Policies(policies::Arguments),
    #[command(subcommand)]
    Scenario(scenario::Command),
    #[command(subcommand)]
    Trace(trace::Command),
    Bench(bench::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Formats(formats::Arguments),
    #[command(subcommand)]
    Config(config::Command),
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
            Command::Init(arguments) => init::run(&arguments, out),
            Command::Simulate(arguments) => simulate::run(&arguments, out),
            Command::Plan(arguments) => plan::run(&arguments, out),
            Command::Whatif(arguments) => whatif::run(&arguments, out),
            Command::Drill(arguments) => drill::run(&arguments, out),
            Command::Headroom(arguments) => headroom::run(&arguments, out),
            Command::Observe(arguments) => live::observe::run(&arguments, out),
            Command::Run(arguments) => live::run::run(&arguments, out),
            Command::Pause(arguments) => live::pause::run(&arguments, out),
            Command::Remove(arguments) => live::remove::run(&arguments, out),
            Command::Serve(arguments) => serve::run(&arguments, out),
            Command::Client(command) => client::run(&command, out),
            Command::Fit(arguments) => fit::run(&arguments, out),
            Command::Backtest(arguments) => backtest::run(&arguments, out),
            Command::Diff(arguments) => diff::run(&arguments, out),
            Command::Explain(arguments) => explain::run(&arguments, out),
            Command::Replay(arguments) => replay::run(&arguments, out),
            Command::Report(arguments) => report::run(&arguments, out),
            Command::Show(arguments) => show::run(&arguments, out),
            Command::Export(arguments) => export::run(&arguments, out),
            Command::Policies(arguments) => policies::run(&arguments, out),
            Command::Scenario(command) => scenario::run(&command, out),
            Command::Trace(command) => trace::run(&command, out),
            Command::Bench(arguments) => bench::run(&arguments, out),
            Command::Completions(arguments) => completions::run(&arguments, out),
            Command::Man(arguments) => man::run(&arguments, out),
            Command::Formats(arguments) => formats::run(&arguments, out),
            Command::Config(command) => config::run(&command, out),
        }
    }
}
