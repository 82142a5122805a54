//! The reference of file formats, from the pages that importers give.

use super::cell;
use smo::input::formats::{FORMATS, FormatPage, Kind};
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# File formats

Made from what each importer says of itself; `smo formats` prints the same. A format is recognised by the ending of a file
and by its first line or keys.

";

/// The whole page.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut kinds: Vec<Kind> = FORMATS.iter().map(|format| format.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        write!(text, "## {}\n\n", title(kind)).unwrap();
        FORMATS.iter().filter(|format| format.kind == kind).for_each(|format| section(&mut text, format));
    }
    text.trim_end().to_owned() + "\n"
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Rates => "Request rates",
        Kind::Observations => "Observations",
        Kind::Tasks => "Pods, jobs and machines",
        Kind::Inventory => "Inventories",
        Kind::Application => "Applications",
        Kind::Prices => "Prices",
        Kind::Carbon => "Carbon intensity",
        Kind::Distances => "Distances",
    }
}

fn section(text: &mut String, format: &FormatPage) {
    let written = if format.writable { " It can be written too." } else { "" };
    let endings: Vec<String> = format.extensions.iter().map(|ending| format!("`{ending}`")).collect();
    let endings = if endings.is_empty() { String::new() } else { format!(" Endings: {}.", endings.join(", ")) };
    write!(text, "### {}\n\n{}{endings}{written}\n\n", format.name, format.what).unwrap();
    if !format.columns.is_empty() {
        text.push_str("| column or key | unit | meaning |\n|---|---|---|\n");
        for column in format.columns {
            writeln!(text, "| `{}` | {} | {} |", cell(column.name), cell(column.unit), cell(column.meaning)).unwrap();
        }
        text.push('\n');
    }
    write!(text, "```text\n{}\n```\n\n", format.example.trim_end()).unwrap();
}
