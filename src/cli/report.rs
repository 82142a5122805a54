//! `smo report`: recorded runs as one page, or as Markdown, CSV, Parquet or JSON.

use super::{Failure, page, runs};
use crate::record::aside::replace_file;
use crate::report::{Comparison, json, markdown, tidy};
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo report runs                                  everything on one page, ./report.html
  smo report runs/quickstart --out day.html        one scenario
  smo report runs/quickstart --to markdown         for a pull request
  smo report before after --out both.html          two sets of runs side by side
  smo report runs --out figures.csv                a row a run and figure; also .parquet, .json

Runs of one scenario are compared with one another; policies, variants and seeds may be any.";

/// Report recorded runs: one page that stands alone, or figures for other programs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Run directories, or directories that hold some.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The file to write; default: report.html, and for text the standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to write; default: what the ending of --out says, else html.
    #[arg(long, value_enum)]
    to: Option<To>,
    /// Runs that are drawn at the same time; default: one a core. The page is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// A page that stands alone.
    Html,
    /// Markdown with the verdict, a compact table, and details folded away.
    Markdown,
    /// A row a run and figure.
    Csv,
    /// The same as Parquet.
    Parquet,
    /// Runs, groups and answers.
    Json,
}

impl To {
    /// The endings of file names, and what they ask for.
    const ENDINGS: [(&'static str, Self); 7] = [
        ("html", Self::Html),
        ("htm", Self::Html),
        ("md", Self::Markdown),
        ("markdown", Self::Markdown),
        ("csv", Self::Csv),
        ("parquet", Self::Parquet),
        ("json", Self::Json),
    ];

    fn by_name(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = Self::ENDINGS.iter().find(|(name, _)| *name == ending).map(|(_, to)| *to);
        known.ok_or_else(|| {
            let remedy = "end it in .html, .md, .csv, .parquet or .json, or say it by `--to`";
            Failure::input(anyhow!("{}: no report has this ending\n  {remedy}", path.display()))
        })
    }
}

/// Writes the report.
///
/// # Errors
/// Runs that are not there or cannot be read, or a file that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let to = match (arguments.to, &arguments.out) {
        (Some(to), _) => to,
        (None, Some(path)) => To::by_name(path)?,
        (None, None) => To::Html,
    };
    if to == To::Parquet && arguments.out.is_none() {
        return Err(Failure::input(anyhow!("Parquet is not for a terminal\n  name a file: `--out figures.parquet`")));
    }
    let comparisons = runs::compare(&arguments.runs)?;
    let content = content(to, &comparisons, arguments.threads)?;
    let default = (to == To::Html).then(|| PathBuf::from("report.html"));
    let Some(path) = arguments.out.clone().or(default) else { return Ok(out.write_all(&content)?) };
    replace_file(&path, &content).with_context(|| path.display().to_string()).map_err(Failure::run)?;
    for comparison in &comparisons {
        writeln!(out, "{}: {}", comparison.scenario, comparison.answer())?;
    }
    Ok(writeln!(out, "report  {}", path.display())?)
}

fn content(to: To, comparisons: &[Comparison], threads: Option<NonZeroUsize>) -> Result<Vec<u8>, Failure> {
    let command = page::commands(comparisons);
    Ok(match to {
        To::Html => page::render(comparisons, &command, threads)?.into_bytes(),
        To::Markdown => markdown::render(comparisons, &command).into_bytes(),
        To::Csv => tidy::csv(comparisons).into_bytes(),
        To::Parquet => tidy::parquet(comparisons).map_err(Failure::run)?,
        To::Json => json::render(comparisons).into_bytes(),
    })
}
