//! `smo bench`: how good the solvers are, measured on problems that others have published answers for.

mod instance;
mod roadef;

use super::Failure;
use std::io::Write;

/// Measure solvers on public problems, next to published answers and bounds.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Reassign the processes of machines: instances of the EURO/ROADEF challenge 2012.
    #[command(after_help = roadef::EXAMPLES)]
    Roadef(roadef::Arguments),
}

/// Does what was asked.
///
/// # Errors
/// Problems that cannot be read, and results that cannot be written.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Roadef(arguments) => roadef::run(arguments, out),
    }
}
