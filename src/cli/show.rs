//! `smo show`: the summary of a recorded run in a terminal.

use super::{Failure, Format, runs};
use crate::record;
use crate::report::show::{self, Sketch};
use crate::report::timeline::Timeline;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo show runs/quickstart/naive-1
  smo show runs/quickstart/naive-1 --width 160
  smo show runs/quickstart/naive-1 --format json | jq .slo_breaks";

/// Show a recorded run: figures, sparklines, when the SLO was broken, what was refused.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A run directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Columns to use; default: those of the terminal, else 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=400))]
    width: Option<u16>,
}

/// Shows the run.
///
/// # Errors
/// A run that is not there or cannot be read.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let record = record::read(&runs::only(&arguments.run)?)?;
    let timeline = Timeline::read(&record)?;
    let text = match arguments.format {
        Format::Json => show::json(&record, &timeline),
        Format::Table => {
            let sketch = Sketch::on_stdout();
            let width = arguments.width.map_or(sketch.width, usize::from);
            show::render(&record, &timeline, Sketch { width, ..sketch })
        }
    };
    Ok(out.write_all(text.as_bytes())?)
}
