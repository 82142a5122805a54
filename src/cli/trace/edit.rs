//! `smo trace edit`: a trace, changed by a script.

use super::Failure;
use super::convert::formats;
use super::output::{Output, failure, write};
use super::reading::Reading;
use crate::input::trace::edit::{Script, prepare};
use crate::input::trace::write::{Compress, Head, long_csv};
use anyhow::{Context, anyhow};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  smo trace edit day.csv.gz -o friday.csv.gz -e 'scale 1.3'
  smo trace edit day.csv.gz -o burst.csv \\
      -e 'add burst at 12:00 for 20min times 6 to frontend' -e 'resample 5min'
  smo trace edit day.csv -o two.csv \\
      -e 'select service \"web-*\" during 2h..4h | scale 150%' -e 'merge \"other.csv\"'
  smo trace edit day.parquet -o week.parquet --script week.smo-edit
  smo trace edit --sort events.csv -o sorted.csv

A statement is a selection, if any, and edits joined by `|`; one after the other, from each -e and then from the script.
  select service NAME, ...  series by name, with * and ?  except NAME, ...  without these
    label KEY=NAME  series called like web{zone=\"eu\"}  during A..B  only then; A.. and ..B too
  scale 1.5  rates times 1.5, 150% or 3/2  set 5/s, add 5/s  rates become, or gain
  clip 1/s..100/s  rates within bounds; ..100/s too  smooth 10min  mean over a window
  add burst at T for 20min times 6 [ramp 2min] [to NAME, ...]
  add crowd at T times 8 rise 2min decay 15min [to NAME, ...]  a flash crowd
  cut 2h..26h  only that time, which becomes the begin  shift 2h, shift -2h  series later or earlier
  repeat 7, repeat for 30d  one after the other  resample 5min  as many requests at that step
  fill previous|zero|linear [every 1min]  unknown rates, and missing rows, stated
  drop, keep                 series go, or all others                     rename \"web-*\" to \"shop-*\"
  sum into NAME  series as one  merge \"FILE\" [at T|by clock] [adding]
  begin at 2024-01-01  the date of the begin  sort  the first edit, for a file in any order

A moment T is an offset from the begin (2h, 1h30min), a time of the first day (12:00), or a date (2021-08-01T12:00Z, UTC
where it says no zone) of a trace whose times are dates. Rates are exact to 10^-12 between edits and rounded once.";

/// A trace, its edits, and where it goes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Trace, in any format that `smo formats` lists for rates.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write; it may be the same one. Without it, CSV is printed.
    #[arg(long, short, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Edits; may be given again.
    #[arg(long = "edit", short, value_name = "EDIT")]
    edits: Vec<String>,
    /// A file of edits, or `-` for standard input; files that it merges are found from its folder.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Take rows in any order of time and sort them: the edit `sort`, before all others.
    #[arg(long)]
    sort: bool,
    /// Format to write; without it, the ending of OUT says: .csv, .csv.gz and .csv.zst long, .parquet wide.
    #[arg(long, value_name = "FORMAT", value_parser = formats(), requires = "out")]
    to: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Edits.
///
/// # Errors
/// A mistake in the edits, a trace that cannot be read, or a file that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let script = script(arguments)?;
    if script.is_empty() {
        let remedy = "give some by `-e` or `--script`; `smo trace convert` only writes another format";
        return Err(Failure::input(anyhow!("no edit is given\n  {remedy}")));
    }
    let path = arguments.out.as_deref();
    let output = path.map(|path| Output::new(path, arguments.to.as_deref())).transpose()?;
    let options = arguments.reading.options()?;
    let prepared = prepare(&arguments.file, &script, Path::new(""), &options).map_err(Failure::input)?;
    let mut rows = prepared.open().map_err(Failure::input)?;
    let head = Head { services: &prepared.services, begin: prepared.begin };
    let (Some(output), Some(path)) = (output, path) else {
        return long_csv(&mut rows, head, out, Compress::No).map_err(failure);
    };
    let written = write(&mut rows, head, &output)?;
    Ok(writeln!(out, "{}", written.told(path, head))?)
}

/// All edits in their order.
fn script(arguments: &Arguments) -> Result<Script, Failure> {
    let parse = |text: &str, label: &str| Script::parse(text, label).map_err(|mistake| Failure::input(*mistake));
    let mut script = parse(if arguments.sort { "sort" } else { "" }, "--sort")?;
    for (index, text) in arguments.edits.iter().enumerate() {
        let label = if arguments.edits.len() == 1 { "-e".to_owned() } else { format!("-e {}", index + 1) };
        script.append(parse(text, &label)?);
    }
    if let Some(path) = &arguments.script {
        let label = path.display().to_string();
        let mut read = parse(&text(path).with_context(|| label.clone()).map_err(Failure::input)?, &label)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        read.files().for_each(|file| *file = folder.join(&*file).display().to_string());
        script.append(read);
    }
    Ok(script)
}

fn text(path: &Path) -> std::io::Result<String> {
    /// Twice the longest script.
    const SIZE_MAX: u64 = 2 << 20;
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(SIZE_MAX).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(SIZE_MAX).read_to_string(&mut text)?;
    }
    Ok(text)
}
