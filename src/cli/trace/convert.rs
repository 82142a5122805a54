//! `smo trace convert`: the same trace in another format.

use super::Failure;
use super::output::{Output, write};
use super::reading::Reading;
use crate::input::trace::edit::{Script, prepare};
use crate::input::trace::write::Head;
use clap::builder::PossibleValuesParser;
use std::io::Write;
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  smo trace convert day.csv.gz --out day.parquet
  smo trace convert day.parquet --out day.csv --to wide-csv

Rows, unknown rates, totals and the trace's own clock stay what they are; the file is read again and counted before it is
put in its place. A rate is a whole number of millionths of a request per second, however many digits the file has:
`smo trace info` says what it adds up to.";

/// A trace and where it goes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Trace, in any format that `smo formats` lists for rates.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write; it may be the same one.
    #[arg(long, short, value_name = "OUT")]
    out: PathBuf,
    /// Format to write; without it, the ending of OUT says: .csv, .csv.gz and .csv.zst long, .parquet wide.
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    to: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// The formats that can be written, as `--to` takes them.
pub fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(crate::input::trace::write::WRITERS.iter().map(|writer| writer.name))
}

/// Converts.
///
/// # Errors
/// A trace that cannot be read, or a file that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let output = Output::new(&arguments.out, arguments.to.as_deref())?;
    let options = arguments.reading.options()?;
    let nothing = Script::default();
    let prepared = prepare(&arguments.file, &nothing, Path::new(""), &options).map_err(Failure::input)?;
    let mut rows = prepared.open().map_err(Failure::input)?;
    let head = Head { services: &prepared.services, begin: prepared.begin };
    let written = write(&mut rows, head, &output)?;
    Ok(writeln!(out, "{}", written.told(&arguments.out, head))?)
}
