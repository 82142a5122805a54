//! `smo trace`: what is in traces, and making, rewriting and editing them.

mod catalogue;
mod convert;
mod edit;
mod generate;
mod info;
mod output;
mod reading;

use super::Failure;
use std::io::Write;

/// Look into traces; make, convert and edit them.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say what is in traces: span, step, services, mean, peak, exact totals, gaps, and their course.
    #[command(after_help = info::EXAMPLES)]
    Info(info::Arguments),
    /// Write a trace in another format, with the same rows, gaps and totals.
    #[command(after_help = convert::EXAMPLES)]
    Convert(convert::Arguments),
    /// Generate a trace: daily course, weekends, trend, noise, bursts and flash crowds, the same for the same seed
    /// everywhere.
    #[command(after_help = generate::EXAMPLES)]
    Generate(Box<generate::Arguments>),
    /// Edit a trace: select by service, time or label; scale, clip, add bursts, cut, shift, repeat, resample, smooth, fill,
    /// drop, rename, sum, merge, sort.
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::Arguments),
    /// List public archives of traces: what they hold, their licence and size, where they are, and how to import them.
    #[command(after_help = catalogue::EXAMPLES)]
    Catalogue(catalogue::Arguments),
}

/// Does what was asked.
///
/// # Errors
/// A trace that cannot be read, options that do not fit, or a file that cannot be written.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Info(arguments) => info::run(arguments, out),
        Command::Convert(arguments) => convert::run(arguments, out),
        Command::Generate(arguments) => generate::run(arguments, out),
        Command::Edit(arguments) => edit::run(arguments, out),
        Command::Catalogue(arguments) => catalogue::run(arguments, out),
    }
}
