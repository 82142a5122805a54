//! `smo man`: manual pages, one a command, from the same declarations as the help.

use super::{Cli, Failure};
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo man | man -l -
  smo man --out ~/.local/share/man/man1

With --out there is a page for each command: `man smo-plan`, `man smo-trace-generate`.";

/// Print the manual page, or write one for each command into a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Directory for a page of each command.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the pages.
///
/// # Errors
/// Where they cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &arguments.out else { return Ok(out.write_all(&page(&command)?)?) };
    fs::create_dir_all(directory).with_context(|| directory.display().to_string()).map_err(Failure::run)?;
    write_below(&command, directory, out)
}

fn write_below(command: &Command, directory: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let path = directory.join(Man::new(command.clone()).get_filename());
    fs::write(&path, page(command)?).with_context(|| path.display().to_string()).map_err(Failure::run)?;
    writeln!(out, "{}", path.display())?;
    command.get_subcommands().try_for_each(|below| write_below(below, directory, out))
}

/// One page. What stands behind the options is examples, and the section is called so.
fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).manual("smo manual").render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH EXAMPLES\n").into_bytes())
}
