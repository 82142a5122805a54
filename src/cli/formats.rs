//! `smo formats`: what can be read, with an example each; one format with its columns and units.

use super::{Failure, Format};
use crate::input::formats::{FORMATS, FormatPage, Kind};
use anyhow::anyhow;
use serde_json::json;
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  smo formats
  smo formats long-csv
  smo formats --format json";

/// What can be read, and written: every format with an example, or one with its columns and units.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One format.
    name: Option<String>,
    /// Text, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Kinds in the order in which they are listed, and what they are.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Rates, "Request rates over time"),
    (Kind::Observations, "Observations of running services, for `smo fit`"),
    (Kind::Tasks, "Pods, jobs and machines over time"),
    (Kind::Application, "Applications: services, their requests and calls"),
    (Kind::Inventory, "Inventories: clusters and nodes"),
    (Kind::Prices, "Prices"),
    (Kind::Carbon, "Carbon intensity"),
    (Kind::Distances, "Distances between regions or sites"),
];

/// Lists formats, or shows one.
///
/// # Errors
/// A name that no format has.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let of = |kind: Kind| FORMATS.iter().copied().filter(move |page| page.kind == kind);
    let pages: Vec<&FormatPage> = match &arguments.name {
        Some(name) => vec![find(name)?],
        None => KINDS.into_iter().flat_map(|(kind, _)| of(kind)).collect(),
    };
    match (arguments.format, &arguments.name) {
        (Format::Json, _) => writeln!(out, "{:#}", json!(pages))?,
        (Format::Table, Some(_)) => pages.iter().try_for_each(|page| write_one(page, out))?,
        (Format::Table, None) => write_all(&pages, out)?,
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static FormatPage, Failure> {
    FORMATS.iter().copied().find(|page| page.name == name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|page| page.name).collect();
        let known = crate::input::known_names(name, "formats", &names);
        Failure::input(anyhow!("no format is called `{name}`\n  {known}"))
    })
}

fn write_all(pages: &[&FormatPage], out: &mut dyn Write) -> io::Result<()> {
    for (kind, title) in KINDS.iter().filter(|(kind, _)| pages.iter().any(|page| page.kind == *kind)) {
        writeln!(out, "{title}")?;
        for page in pages.iter().filter(|page| page.kind == *kind) {
            writeln!(out, "\n  {}{}", page.name, if page.writable { ", can be written" } else { "" })?;
            text(page.what).try_for_each(|line| writeln!(out, "    {line}"))?;
            page.example.lines().take(2).try_for_each(|line| writeln!(out, "      {line}"))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "`smo formats NAME` shows the columns of one format, with their units.")
}

fn write_one(page: &FormatPage, out: &mut dyn Write) -> io::Result<()> {
    let writable = if page.writable { "read and written" } else { "read" };
    writeln!(out, "{}: {}\n", page.name, page.what)?;
    writeln!(out, "  files    {}; {writable}\n", page.extensions.join(", "))?;
    let width =
        |length: fn(&crate::input::formats::Column) -> usize| page.columns.iter().map(length).max().unwrap_or(0);
    let (names, units) = (width(|column| column.name.chars().count()), width(|column| column.unit.chars().count()));
    for column in page.columns {
        writeln!(out, "  {:names$}  {:units$}  {}", column.name, column.unit, column.meaning)?;
    }
    writeln!(out)?;
    page.example.lines().try_for_each(|line| writeln!(out, "    {line}"))
}

/// A sentence in lines of at most 110 letters.
fn text(sentence: &str) -> impl Iterator<Item = String> {
    const WIDTH: usize = 110;
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.into_iter()
}
