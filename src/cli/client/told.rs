//! How answers are printed: as they came (JSON, YAML), or as a table; and the small readings of an answer that tables share.
//!
//! Tables are made of JSON, not of the server's types: a client goes on to show what it knows of a server that is newer.

use super::flags::Format;
use crate::cli::aligned::Columns;
use crate::cli::{Failure, yaml};
use serde_json::Value;
use std::io::Write;

/// Prints an answer as it came, or what `table` makes of it.
///
/// # Errors
/// Where the output does not take it.
pub fn print(
    format: Format,
    answer: &Value,
    out: &mut dyn Write,
    table: impl FnOnce(&Value) -> String,
) -> Result<(), Failure> {
    let text = match format {
        Format::Table => table(answer),
        Format::Json => format!("{answer:#}\n"),
        Format::Yaml => yaml::document(answer)?,
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// One answer of many that come over time: a line of JSON, or a document of a YAML stream.
///
/// # Errors
/// YAML that cannot be written, which is never.
pub fn one_of_many(format: Format, answer: &Value) -> Result<String, Failure> {
    Ok(match format {
        Format::Yaml => format!("---\n{}", yaml::document(answer)?),
        Format::Table | Format::Json => format!("{answer}\n"),
    })
}

/// The items of a list, whether they come as a page or alone.
pub fn items(mut body: Value) -> Value {
    if body.is_array() { body } else { body["items"].take() }
}

/// A text; empty where there is none.
pub fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

/// Whatever stands there, for a cell: a dash where nothing does.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => DASH.to_owned(),
        Value::String(text) if text.is_empty() => DASH.to_owned(),
        Value::String(text) => one_line(text),
        Value::Bool(yes) => yes_no(*yes).to_owned(),
        Value::Array(items) if items.is_empty() => DASH.to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A text without what a terminal would take for a command: servers are told names by others.
pub fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What stands for nothing.
pub const DASH: &str = "–";

/// `yes` or `no`.
pub const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `1 service`, `2 services`.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// An instant to the second: `2026-11-30T08:15:00.042Z` as `2026-11-30 08:15:00`.
pub fn instant(text: &str) -> String {
    let whole = text.split_once('.').map_or_else(|| text.trim_end_matches('Z'), |(whole, _)| whole);
    if whole.is_empty() { DASH.to_owned() } else { one_line(whole).replacen('T', " ", 1) }
}

/// The same without its day: `08:15:00`.
pub fn clock(text: &str) -> String {
    let instant = instant(text);
    instant.split_once(' ').map_or_else(|| instant.clone(), |(_, clock)| clock.to_owned())
}

/// Bytes, in GiB.
pub fn gib(bytes: f64) -> String {
    format!("{:.1} GiB", bytes / f64::from(1_u32 << 30))
}

/// `web: edge-1 2, cloud-1 1`: replicas by cluster.
pub fn places(targets: &Value) -> String {
    let places: Vec<String> = targets
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, replicas)| replicas.as_u64() != Some(0))
        .map(|(cluster, replicas)| format!("{} ({replicas})", one_line(cluster)))
        .collect();
    if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") }
}

/// A table as text.
pub fn printed(columns: &Columns) -> String {
    let mut text = Vec::new();
    columns.print("", &mut text).expect("a vector takes all");
    String::from_utf8(text).expect("strings were written")
}

/// Lines, each ended.
pub fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::{cell, clock, counted, gib, instant, one_of_many, places, print};
    use crate::cli::client::flags::Format;
    use serde_json::{Value, json};

    #[test]
    fn an_answer_is_printed_as_it_came_or_as_a_table() {
        let answer = json!({"a": [1, "x"]});
        let said = |format| {
            let mut out = Vec::new();
            print(format, &answer, &mut out, |answer| format!("table of {}\n", answer["a"][1])).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(said(Format::Table), "table of \"x\"\n");
        assert_eq!(serde_json::from_str::<Value>(&said(Format::Json)).unwrap(), answer);
        assert!(said(Format::Yaml).starts_with("a:\n"));
        assert_eq!(one_of_many(Format::Json, &answer).unwrap(), "{\"a\":[1,\"x\"]}\n");
    }

    #[test]
    fn cells_are_words_of_one_line() {
        let cells =
            [json!(null), json!(""), json!("a\nb\u{1b}[2J"), json!(true), json!(["a", 2]), json!([]), json!(1.5)];
        assert_eq!(cells.each_ref().map(cell), ["–", "–", "a b [2J", "yes", "a, 2", "–", "1.5"]);
    }

    #[test]
    fn instants_amounts_and_places_are_short() {
        assert_eq!(instant("2026-11-30T08:15:00.042Z"), "2026-11-30 08:15:00");
        assert_eq!(instant("2026-11-30T08:15:00Z"), "2026-11-30 08:15:00");
        assert_eq!((instant("").as_str(), clock("2026-11-30T08:15:00.042Z").as_str()), ("–", "08:15:00"));
        assert_eq!(gib(1.5 * 1024.0 * 1024.0 * 1024.0), "1.5 GiB");
        assert_eq!(places(&json!({"edge-1": 2, "far": 0, "cloud-1": 1})), "edge-1 (2), cloud-1 (1)");
        assert_eq!(places(&json!({})), "nowhere");
        assert_eq!((counted(1, "graph"), counted(0, "graph")), ("1 graph".into(), "0 graphs".into()));
    }
}
