//! `smo trace catalogue`: where traces are to be had.

use super::Failure;
use crate::cli::Format;
use crate::input::formats::Kind;
use crate::input::trace::catalogue::{ARCHIVES, Archive};
use anyhow::anyhow;
use serde_json::json;
use std::io::{self, Write};

pub const EXAMPLES: &str = "\
Examples:
  smo trace catalogue
  smo trace catalogue nasa-http-1995
  smo trace catalogue --format json

Nothing is downloaded. Read and keep the terms of an archive before you use it.";

/// Archives to be shown.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One archive, or all whose name or content has this word.
    #[arg(value_name = "WORD")]
    word: Option<String>,
    /// Text, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Lists archives.
///
/// # Errors
/// A word that is in none.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let archives = chosen(arguments.word.as_deref())?;
    match arguments.format {
        Format::Json => writeln!(out, "{:#}", json!(archives))?,
        Format::Table => write_all(&archives, out)?,
    }
    Ok(())
}

fn chosen(word: Option<&str>) -> Result<Vec<&'static Archive>, Failure> {
    let Some(word) = word else { return Ok(ARCHIVES.iter().collect()) };
    if let Some(archive) = ARCHIVES.iter().find(|archive| archive.name == word) {
        return Ok(vec![archive]);
    }
    let has = |text: &str| text.to_lowercase().contains(&word.to_lowercase());
    let found: Vec<&Archive> = ARCHIVES.iter().filter(|archive| has(archive.name) || has(archive.holds)).collect();
    if found.is_empty() {
        let names: Vec<&str> = ARCHIVES.iter().map(|archive| archive.name).collect();
        let known = crate::input::known_names(word, "archives", &names);
        return Err(Failure::input(anyhow!("no archive has `{word}` in its name or content\n  {known}")));
    }
    Ok(found)
}

fn write_all(archives: &[&Archive], out: &mut dyn Write) -> io::Result<()> {
    let kinds = [(Kind::Rates, "Request rates"), (Kind::Tasks, "Pods, jobs and machines")];
    for (kind, title) in kinds {
        let of_kind: Vec<_> = archives.iter().filter(|archive| archive.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "{title}")?;
        for archive in of_kind {
            let Archive { name, holds, size, licence, place, format, import, .. } = archive;
            let size = if size.is_empty() { String::new() } else { format!("; {size}") };
            writeln!(out, "\n  {name}\n    {holds}{size}")?;
            writeln!(out, "    licence  {licence}\n    where    {place}")?;
            let format = format.map_or_else(String::new, |format| format!("  ({format})"));
            writeln!(out, "    import   {import}{format}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
