//! `smo observe`: the real world as it is now; or as it was, as a scenario that `smo simulate` replays and `smo fit` reads.

use super::super::simulate::parse_set;
use super::super::{Failure, Format};
use crate::units::Span;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo observe shop.yaml live.yaml                                what is where, now
  smo observe shop.yaml live.yaml --from '6 h' --out recorded    six hours as a scenario
  smo observe shop.yaml live.yaml --from '7 d' --until '1 d' --step 1min --out recorded
  smo simulate recorded/scenario.yaml
  smo fit recorded/observations.csv --out capacity.yaml

--from and --until say how long ago. OUT holds scenario.yaml (the scenario with the inventory of
now), load.csv (the measured rates, gaps as gaps) and observations.csv (what the queries of the
connection gave, where `replicas` is one of them). Asked for again with the same times, an
interrupted recording goes on where it stopped: the times are kept in OUT.";

/// Show what a connection sees now, or record what it saw as a scenario.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[cfg_attr(not(feature = "live"), expect(dead_code, reason = "only read where there is a real world"))]
pub struct Arguments {
    /// The scenario that describes the world.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The connection.
    #[arg(value_name = "CONNECTION")]
    connection: PathBuf,
    /// A field of the scenario, set by its path; may be given again.
    #[arg(long, value_name = "path=value", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// Record from so long ago on.
    #[arg(long, value_name = "SPAN", requires = "out")]
    from: Option<Span>,
    /// Record until so long ago; default: now.
    #[arg(long, value_name = "SPAN", requires = "from")]
    until: Option<Span>,
    /// From one value to the next.
    #[arg(long, value_name = "SPAN", default_value = "15s")]
    step: Span,
    /// Directory for the recorded scenario.
    #[arg(long, value_name = "DIR", requires = "from")]
    out: Option<PathBuf>,
    /// What to print of what is there now.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Looks, or records.
///
/// # Errors
/// A connection that cannot be used, or a world that is not as it must be.
#[cfg(not(feature = "live"))]
pub fn run(_: &Arguments, _: &mut dyn Write) -> Result<(), Failure> {
    Err(super::unavailable("observe"))
}

/// Looks, or records.
///
/// # Errors
/// A connection that cannot be used, or a world that is not as it must be.
#[cfg(feature = "live")]
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    use super::{present, recording, sight};
    use crate::cli::job::Setting;
    use crate::input::Request;
    let request = Request { set: arguments.set.clone(), ..Request::default() };
    let setting = Setting::load(&arguments.scenario, request).map_err(Failure::input)?;
    let Some((from, directory)) = arguments.from.zip(arguments.out.as_ref()) else {
        let snapshot = present::look(&arguments.connection, &setting.loaded.scenario)?;
        return sight::print(&snapshot, arguments.format, out);
    };
    let asked = recording::Asked { from, until: arguments.until.unwrap_or(Span::ZERO), step: arguments.step };
    recording::record(&setting, &arguments.connection, (asked, directory), out)
}
