//! `smo completions`: what a shell needs to complete commands and options, from the same declarations as the help.

use super::{Cli, Failure};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  smo completions bash > ~/.local/share/bash-completion/completions/smo
  smo completions zsh > ~/.zfunc/_smo
  smo completions fish > ~/.config/fish/completions/smo.fish";

/// Print a script that lets a shell complete commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Where it cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    // Into memory first: the generator panics where its output hangs up.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "smo", &mut script);
    Ok(out.write_all(&script)?)
}
