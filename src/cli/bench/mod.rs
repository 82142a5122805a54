//! `smo bench`: policies against each other over a suite of scenarios; and how good the solvers are, measured on problems that
//! others have published answers for.

mod instance;
mod roadef;
mod suite;

use super::{Failure, Format};
use crate::input;
use std::io::Write;

const SCHEMA_EXAMPLES: &str = "\
Examples:
  smo bench schema > suite.schema.json
  smo bench schema --gate > gate.schema.json
  and as the first line of a suite:  # yaml-language-server: $schema=suite.schema.json";

/// Compare policies over a suite of scenarios: tuned alike on some days, reported on others.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = suite::EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    suite: suite::Arguments,
}

/// What else there is.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Join the parts of a suite that `--shard` left: to the bytes of one process.
    #[command(after_help = suite::MERGE_EXAMPLES)]
    Merge(suite::MergeArguments),
    /// Print the JSON Schema of a suite or a gate, made from the types that read them.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// That of a gate.
        #[arg(long)]
        gate: bool,
    },
    /// Reassign the processes of machines: instances of the EURO/ROADEF challenge 2012.
    #[command(after_help = roadef::EXAMPLES)]
    Roadef(roadef::Arguments),
}

/// Does what was asked.
///
/// # Errors
/// Input that cannot be read, runs that failed, and results that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    match &arguments.command {
        None => suite::run(&arguments.suite, out),
        Some(Command::Merge(arguments)) => suite::merge(arguments, out),
        Some(Command::Schema { gate: true }) => Ok(writeln!(out, "{:#}", input::gate::schema())?),
        Some(Command::Schema { gate: false }) => Ok(writeln!(out, "{:#}", input::suite::schema())?),
        Some(Command::Roadef(arguments)) => roadef::run(arguments, out),
    }
}
