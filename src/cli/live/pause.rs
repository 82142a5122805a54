//! `smo pause`: the kill switch. Whoever drives the connection, on whatever machine, writes nothing until it is turned off.

use super::super::Failure;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo pause live.yaml --reason 'incident 4711'     within two seconds nothing is written any more
  smo pause live.yaml --off                        the latest plan is carried out

The switch is the key `paused` of ConfigMap smo-NAME on the control plane, where NAME is that of
the connection's file: `kubectl` can turn it too. A run that is paused goes on to decide and to
record; what has been written stays.";

/// Stop whoever acts on the world of a connection from writing, or let it go on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The connection.
    #[arg(value_name = "CONNECTION")]
    connection: PathBuf,
    /// Turn the switch off again.
    #[arg(long, conflicts_with = "reason")]
    off: bool,
    /// Why, for whoever finds it.
    #[arg(long, value_name = "TEXT", default_value = "paused by smo pause", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
}

/// Turns the switch.
///
/// # Errors
/// A connection that cannot be used, or a control plane that does not answer.
#[cfg(not(feature = "live"))]
pub fn run(_: &Arguments, _: &mut dyn Write) -> Result<(), Failure> {
    Err(super::unavailable("pause"))
}

/// Turns the switch.
///
/// # Errors
/// A connection that cannot be used, or a control plane that does not answer.
#[cfg(feature = "live")]
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let (name, at) = crate::input::connection::control_plane(&arguments.connection).map_err(Failure::input)?;
    let reason = (!arguments.off).then_some(arguments.reason.as_str());
    crate::backend::live::pause(&at, &name, reason).map_err(super::failure)?;
    let word = if arguments.off { "goes on" } else { "paused" };
    Ok(writeln!(out, "{word}  {name}, namespace {}", at.namespace)?)
}
