//! `smo remove`: gives up what `smo run --live` has claimed: its policies, and with them what they put into the members.

use super::super::Failure;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo remove shop.yaml live.yaml

Removed are the policies that `smo run --live` made, with the replicas that they put into the
members, the ConfigMap in which it stores what is wanted, and what the connection names besides:
Helm releases, rules, the dashboard. Deployments that no release made stay, without replicas. What is gone already is no error: the command can be repeated.";

/// Take an application off its clusters again: policies and stored state.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The scenario that describes the world.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The connection.
    #[arg(value_name = "CONNECTION")]
    connection: PathBuf,
    /// A field of the scenario, set by its path; may be given again.
    #[arg(long, value_name = "path=value", value_parser = super::super::simulate::parse_set)]
    set: Vec<(String, String)>,
}

/// Removes, and says what was there.
///
/// # Errors
/// A connection that cannot be used, or somebody who still drives it.
#[cfg(not(feature = "live"))]
pub fn run(_: &Arguments, _: &mut dyn Write) -> Result<(), Failure> {
    Err(super::unavailable("remove"))
}

/// Removes, and says what was there.
///
/// # Errors
/// A connection that cannot be used, or somebody who still drives it.
#[cfg(feature = "live")]
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    use crate::input::{Request, connection, load};
    let loaded = load(&arguments.scenario, &Request { set: arguments.set.clone(), ..Request::default() })
        .map_err(Failure::input)?;
    let at = connection::load(&arguments.connection, &loaded.scenario.known).map_err(Failure::input)?;
    let removed = crate::backend::live::remove(&at, &loaded.scenario.known).map_err(super::failure)?;
    if removed.is_empty() {
        return Ok(writeln!(out, "nothing of {} was there", at.name)?);
    }
    for what in removed {
        writeln!(out, "removed  {what}")?;
    }
    Ok(())
}
