//! `smo trace`: traces from a seeded generator.

use super::Failure;
use std::io::Write;

/// Make traces.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Generate a trace.
    Generate,
}

/// Makes a trace.
///
/// # Errors
/// Options that do not fit, or a file that cannot be written.
pub fn run(command: &Command, _: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Generate => Err(Failure::run(anyhow::anyhow!("not merged yet"))),
    }
}
