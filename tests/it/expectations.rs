//! Every scenario that ships says what it expects of its answer; here it is held to it.

use crate::program::{scratch, smo};
use serde_json::Value;
use std::path::Path;

/// The scenarios of a folder.
pub fn scenarios(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("yaml".as_ref()));
    let mut paths: Vec<String> =
        files.map(|path| format!("{folder}/{}", path.file_name().unwrap().display())).collect();
    paths.sort();
    paths
}

/// Runs a scenario as it ships, and asserts each of its expectations.
pub fn holds(scenario: &str) {
    let scratch = scratch();
    let said = smo(scratch.path(), ["simulate", scenario, "--format", "json"]).well();
    let answers: Value = serde_json::from_str(&said.out).unwrap();
    let answer = &answers["answers"][0];
    let expectations = answer["expectations"].as_array().unwrap();
    assert!(!expectations.is_empty(), "{scenario} expects nothing");
    assert!(answer["question"].as_str().is_some_and(|question| question.ends_with('?')), "{scenario} asks nothing");
    for expectation in expectations {
        println!("{scenario}: {}", expectation["because"]);
        assert_eq!(expectation["holds"], Value::Bool(true), "{scenario}: {expectation:#}");
    }
}

#[test]
fn shipped_scenarios_get_the_answers_that_they_expect() {
    let all = scenarios("scenarios");
    assert!(all.len() >= 3, "{all:?}");
    for scenario in &all {
        holds(scenario);
    }
}

#[test]
fn scenarios_on_real_data_get_the_answers_that_they_expect() {
    let all = scenarios("scenarios/real");
    assert!(all.len() >= 3, "{all:?}");
    if crate::data_dir().is_none() {
        return println!("skipped: no SMO_DATA_DIR and no ../shared/data for {}", all.join(", "));
    }
    for scenario in &all {
        holds(scenario);
    }
}
