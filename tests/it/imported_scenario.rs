//! What a scenario says about a file of another tool, from its YAML to the rows that a run gets.

use crate::imported_traces::{S, line};
use smo::input::{Request, load};
use smo::model::workload::RateRow;
use std::fs;
use std::path::Path;

/// Loads a scenario with these entries under `traces`, next to the given files; the rows, or the mistake.
fn rows(traces: &str, files: &[(&str, String)]) -> Result<(Vec<RateRow>, Vec<String>), String> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, content) in files {
        fs::write(dir.path().join(name), content).expect("the directory takes files");
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let path = dir.path().join("scenario.yaml");
    let text = format!(
        "question: What does a log say?\napplication: {0}/applications/web.yaml\ninventory: {0}/inventories/edge-cloud.yaml\n\
         policies: [naive]\ntraces:\n{traces}",
        shipped.display()
    );
    fs::write(&path, text).expect("the directory takes files");
    let loaded = load(&path, &Request::default()).map_err(|error| error.to_string())?;
    let mut workload = loaded.workload().map_err(|error| error.to_string())?;
    let (mut rows, mut row) = (Vec::new(), RateRow::default());
    while workload.next_row(&mut row).map_err(|error| error.to_string())? {
        rows.push(row.clone());
    }
    Ok((rows, loaded.notes))
}

fn log(at: &str) -> String {
    line(&format!("29/Feb/2024:{at} +0000"), "/")
}

#[test]
fn a_scenario_reads_rotated_logs_of_one_clock() {
    let traces = "  - {file: access.log.1, then: [access.log], service: pages, step: 1 min, out_of_order: 30 s, \
                  epoch: 2024-02-29T11:59:00Z}\n";
    let files = [("access.log.1", log("12:00:00")), ("access.log", log("12:01:30"))];
    let (rows, notes) = rows(traces, &files).expect("they are sound");
    assert_eq!(rows.iter().map(|row| row.at.0 / S).collect::<Vec<_>>(), [60, 120]);
    assert!(notes.iter().any(|note| note.contains("counted in steps of 60 s")), "{notes:?}");
}

#[test]
fn a_scenario_says_the_zone_and_the_column_of_requests() {
    let traces =
        "  - {file: a.csv, service: pages, time_from: when, timezone: +02:00, epoch: \"2024-02-29T10:00:00Z\"}\n";
    let files = [("a.csv", "when\n2024-02-29 12:00:05\n".to_owned())];
    let (rows, notes) = rows(traces, &files).expect("it is sound");
    assert_eq!(rows[0].at.0 / S, 5);
    assert!(notes.iter().any(|note| note.contains("are read as +02:00")), "{notes:?}");
}

#[test]
fn mistakes_in_options_are_told_with_their_place() {
    let files = [("access.log", log("12:00:00"))];
    for (option, said) in [
        ("timezone: Berlin", "field `traces.0.timezone`: `Berlin` is no zone\n  write `UTC`, or `+02:00`"),
        (
            "epoch: 2024-02-30T00:00:00Z",
            "field `traces.0.epoch`: `2024-02-30T00:00:00Z` is not a time: there is no such day\n",
        ),
        ("epoch: 2024-02-29T00:00:00", "field `traces.0.epoch`: `2024-02-29T00:00:00` states no time zone\n"),
        ("then: [gone.log]", "field `traces.0.then.0`: there is no file"),
        ("step: 0 s", "field `traces.0.step`: zero makes no sense here"),
        (
            "counter: true",
            "`counter` means nothing for the format `access-log`\n  it takes `step`, `service_from`, `out_of_order`",
        ),
        ("format: apache", "no trace format is called `apache`\n  formats are"),
    ] {
        let found = rows(&format!("  - {{file: access.log, service: pages, {option}}}\n"), &files).expect_err(option);
        assert!(found.contains(said), "expected {said}\n   found {found}");
    }
}
