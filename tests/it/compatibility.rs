//! `docs/smo-compatibility.md`: each feature of the original once, with a verdict, and the tests that it names are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Features of the original, and those that were asked of it.
const FEATURES: usize = 142;
/// So many of them at least work here.
const WORKING: usize = 125;

/// A row of the table.
struct Row {
    number: usize,
    verdict: String,
    place: String,
}

/// The rows of the table whose first cell is a number.
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let numbered = cells.filter(|cells| cells[0].chars().all(|c| c.is_ascii_digit()) && !cells[0].is_empty());
    numbered
        .map(|cells| match cells[..] {
            [number, _, verdict, place] => {
                let number = number.parse().map_err(|_| format!("`{number}` is no number"))?;
                Ok(Row { number, verdict: verdict.trim_matches('*').to_owned(), place: place.to_owned() })
            }
            _ => Err(format!("row {} has {} cells, not 4; a `|` in a cell is written `&#124;`", cells[0], cells.len())),
        })
        .collect()
}

/// The tests that a cell names: `tests/live/api.rs::a_sentence`.
fn named(place: &str) -> Vec<(&str, &str)> {
    place
        .split('`')
        .filter_map(|part| part.split_once("::"))
        .filter(|(file, _)| Path::new(file).extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// Whether a file has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = |line: &&str| line.starts_with("fn ") || line.starts_with("async fn ");
    let is_it = |line: &str| {
        line.trim_start_matches("async ").strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{name}(")))
    };
    lines.iter().enumerate().filter(|(_, line)| head(line) && is_it(line)).any(|(index, _)| {
        // The attributes of a function stand right above it.
        let above = lines[..index].iter().rev().take_while(|line| !line.is_empty() && **line != "}");
        above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// All that is wrong with the table.
fn wrongs(text: &str) -> Vec<String> {
    let rows = match rows(text) {
        Ok(rows) => rows,
        Err(wrong) => return vec![wrong],
    };
    let mut wrongs = Vec::new();
    let mut seen = BTreeMap::new();
    for row in &rows {
        *seen.entry(row.number).or_insert(0) += 1;
        wrongs.extend(wrong_row(row));
    }
    let once = |number: &usize| seen.get(number) != Some(&1);
    wrongs.extend((1..=FEATURES).filter(once).map(|number| format!("feature {number} does not stand there once")));
    wrongs.extend(
        seen.keys()
            .filter(|number| !(1..=FEATURES).contains(*number))
            .map(|number| format!("there is no feature {number}")),
    );
    let count = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).count();
    let (works, better, missing) = (count("works"), count("better"), count("not yet"));
    if works + better < WORKING {
        wrongs.push(format!("{} features work, fewer than {WORKING}", works + better));
    }
    let sentence = format!("{works} work, {better} are better, {missing} are not there yet.");
    if !text.contains(&sentence) {
        wrongs.push(format!("it does not say: {sentence}"));
    }
    wrongs
}

fn wrong_row(Row { number, verdict, place }: &Row) -> Vec<String> {
    let tests = named(place);
    match verdict.as_str() {
        "works" | "better" if tests.is_empty() => vec![format!("feature {number} names no test")],
        "not yet" if place.is_empty() => vec![format!("feature {number} gives no reason")],
        "works" | "better" | "not yet" => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let there = |(file, name): &(&str, &str)| {
                fs::read_to_string(root.join(file)).is_ok_and(|source| has_test(&source, name))
            };
            tests
                .into_iter()
                .filter(|test| !there(test))
                .map(|(file, name)| format!("feature {number}: no test {file}::{name}"))
                .collect()
        }
        _ => vec![format!("feature {number}: `{verdict}` is no verdict; write *works*, *better* or *not yet*")],
    }
}

fn table() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/smo-compatibility.md")).unwrap()
}

#[test]
fn every_feature_stands_once_and_its_tests_are_there() {
    let wrongs = wrongs(&table());
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

#[test]
fn breaches_that_are_planted_are_found() {
    let good = table();
    let first = good.lines().find(|line| line.starts_with("| 1 |")).unwrap();
    let found = |old: &str, new: &str, wanted: &str| {
        let wrongs = wrongs(&good.replacen(old, new, 1));
        assert!(wrongs.iter().any(|wrong| wrong.contains(wanted)), "{wanted}: {wrongs:?}");
    };
    found(first, "", "feature 1 does not stand there once");
    found(first, &format!("{first}\n{first}"), "feature 1 does not stand there once");
    found(first, &first.replacen("::", "::no_such_test_as_", 1), "feature 1: no test");
    found(first, &first.replacen(".rs::", "_nowhere.rs::", 1), "feature 1: no test");
    found(first, "| 1 | parse | *works* | trust us |", "feature 1 names no test");
    found(first, "| 1 | parse | *perhaps* | `tests/it/main.rs::x` |", "is no verdict");
    found(first, "| 1 | parse | *not yet* |  |", "feature 1 gives no reason");
    found(first, "| 143 | parse | *not yet* | later |", "there is no feature 143");
    found(" work, ", " works, ", "it does not say");
    let none = good.replace("*works*", "*not yet*").replace("*better*", "*not yet*");
    assert!(wrongs(&none).iter().any(|wrong| wrong.contains("fewer than 125")));
}

/// A function that is no test, and a test of another name, are none.
#[test]
fn tests_are_told_from_other_functions() {
    let source = "#[test]\nfn one() {\n}\n\nfn two() {\n}\n\n#[tokio::test(flavor = \"multi_thread\")]\n#[expect(x)]\nasync fn three() {}\n";
    assert_eq!(["one", "two", "three", "on"].map(|name| has_test(source, name)), [true, false, true, false]);
}

/// The page of the service names every key of its configuration.
#[cfg(feature = "live")]
#[test]
fn the_book_has_every_key_of_the_configuration() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/serve.md")).unwrap();
    for key in smo::serve::config::keys::KEYS {
        assert!(page.contains(&format!("\n| `{}` | ", key.path)), "docs/src/serve.md does not name `{}`", key.path);
    }
}
