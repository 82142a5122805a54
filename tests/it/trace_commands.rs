//! The commands about traces as people meet them: what they print, what they refuse, and that nothing half-written stays.

use crate::program::{scratch, smo};
use serde_json::Value;
use std::fs;
use std::path::Path;

const LONG: &str = "timestamp_s,service,requests_per_s\n0,web,1\n0,api,2\n60,web,3\n60,api,\n120,web,0\n120,api,4\n";

fn with_trace() -> tempfile::TempDir {
    let scratch = scratch();
    fs::write(scratch.path().join("a.csv"), LONG).unwrap();
    scratch
}

fn names(directory: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn info_says_what_is_in_a_trace() {
    let scratch = with_trace();
    let said = smo(scratch.path(), ["trace", "info", "a.csv"]).well();
    // web: 1, 3 and 0 for a minute each; api: 2 for two minutes, one of them unknown, and 4 for one.
    for wanted in [
        "a.csv: long-csv, 2 services",
        "span      00:03:00, from 0 s to 180 s",
        "rows      3, each 1 min",
        "requests  720; 4.00 /s on average, at most 5.00 /s, at 00:01:00",
        "`api` has no rate in 1 of 3 rows",
    ] {
        assert!(said.out.contains(wanted), "wanted {wanted}\n{}", said.out);
    }
    let line = |name: &str| {
        let line = said.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("web "), "web 240 1.33 3.00 00:01:00 33.3 % – ▃█");
    assert_eq!(line("api "), "api 480 2.67 4.00 00:02:00 – 1 row ▄▄█");
    assert!(said.out.lines().all(|line| line.chars().count() <= 120), "{}", said.out);
}

#[test]
fn info_is_json_for_programs_and_goes_on_after_a_broken_file() {
    let scratch = with_trace();
    fs::write(scratch.path().join("b.csv"), "timestamp_s,web\n5,1\n2,1\n").unwrap();
    let said = smo(scratch.path(), ["trace", "info", "--format", "json", "b.csv", "a.csv"]);
    let said = said.refused(2, "b.csv: line 3: field `timestamp_s`: 2 s follows 5 s");
    assert!(said.err.contains("`smo trace edit --sort FILE -o OUT` does it"), "{}", said.err);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json[0]["total"]["requests"], 720);
    assert_eq!(json[0]["services"][1]["requests_e-15"], "480000000000000000");
    assert_eq!(json[0]["services"][1]["rows_unknown"], 1);
    assert_eq!(json[0]["step_s"], 60.0);
    assert_eq!(json[0]["begin_utc"], Value::Null);
}

#[test]
fn convert_writes_every_format_and_leaves_nothing_beside_it() {
    let scratch = with_trace();
    for arguments in [
        &["trace", "convert", "a.csv", "--out", "b.parquet"][..],
        &["trace", "convert", "b.parquet", "--out", "c.csv.zst", "--to", "wide-csv"],
        &["trace", "convert", "c.csv.zst", "--out", "d.parquet", "--to", "long-parquet"],
        &["trace", "convert", "d.parquet", "-o", "e.csv.gz"],
        &["trace", "convert", "e.csv.gz", "-o", "f.csv"],
    ] {
        let said = smo(scratch.path(), arguments).well();
        assert!(said.out.contains("3 rows, 2 services, 3 min, 720 requests"), "{}", said.out);
    }
    // The row of 60 s does not name `api`, as before.
    let expected = LONG.replace("60,api,\n", "");
    assert_eq!(fs::read_to_string(scratch.path().join("f.csv")).unwrap(), expected);
    let expected =
        ["a.csv", "b.parquet", "c.csv.zst", "d.parquet", "e.csv.gz", "f.csv", "scenarios", "suites", "traces"];
    assert_eq!(names(scratch.path()), expected);
    smo(scratch.path(), ["trace", "convert", "a.csv", "-o", "a.txt"])
        .refused(2, "end it in .csv, .csv.gz, .csv.zst or .parquet");
    smo(scratch.path(), ["trace", "convert", "a.csv", "-o", "a.csv", "--to", "wide-parquet"])
        .refused(2, "end it in .parquet");
    smo(scratch.path(), ["trace", "convert", "a.csv", "-o", "g.csv", "--to", "wide"]).refused(2, "wide-csv");
    smo(scratch.path(), ["trace", "convert", "nowhere.csv", "-o", "g.csv"]).refused(2, "nowhere.csv: cannot be read");
    fs::write(scratch.path().join("late.csv"), "timestamp_s,web\n0,1\n60,1\n120,x\n").unwrap();
    smo(scratch.path(), ["trace", "convert", "late.csv", "-o", "g.csv"]).refused(2, "late.csv: line 4");
    fs::remove_file(scratch.path().join("late.csv")).unwrap();
    assert_eq!(names(scratch.path()), expected);
}

#[test]
fn a_trace_keeps_its_own_clock() {
    let scratch = scratch();
    fs::write(scratch.path().join("a.csv"), "timestamp_s,web\n1627776000.25,1\n1627776060.25,2\n").unwrap();
    smo(scratch.path(), ["trace", "convert", "a.csv", "-o", "b.parquet"]).well();
    smo(
        scratch.path(),
        ["trace", "edit", "b.parquet", "-o", "c.csv", "--to", "wide-csv", "-e", "cut 2021-08-01T00:00:30.25Z.."],
    )
    .well();
    let said = smo(scratch.path(), ["trace", "info", "c.csv"]).well();
    assert!(said.out.contains("from 2021-08-01 00:00:30.25 UTC to 2021-08-01 00:02:00.25 UTC"), "{}", said.out);
    assert!(fs::read_to_string(scratch.path().join("c.csv")).unwrap().contains("\n1627776030.25,1\n1627776060.25,2\n"));
}

#[test]
fn edits_come_from_the_command_line_and_from_a_file() {
    let scratch = with_trace();
    fs::create_dir(scratch.path().join("edits")).unwrap();
    fs::write(scratch.path().join("edits/other.csv"), "timestamp_s,job\n0,5\n90,5\n").unwrap();
    fs::write(
        scratch.path().join("edits/a.smo-edit"),
        "merge \"other.csv\"   # beside this file\nrename job to batch\n",
    )
    .unwrap();
    let arguments =
        ["trace", "edit", "a.csv", "-e", "scale 2", "-e", "select service api | drop", "--script", "edits/a.smo-edit"];
    let said = smo(scratch.path(), arguments).well();
    let expected = "timestamp_s,service,requests_per_s\n0,web,2\n0,batch,5\n60,web,6\n90,batch,5\n120,web,0\n150,web,0\n150,batch,5\n";
    // Both end at 180 s; after 30 s from 90 to 120, a row at 150 says so.
    assert_eq!(said.out, expected);
    smo(scratch.path(), ["trace", "edit", "a.csv"]).refused(2, "no edit is given");
    smo(scratch.path(), ["trace", "edit", "a.csv", "-e", "scale 2", "-e", "scael 2"])
        .refused(2, "-e 2: line 1, column 1: `scael` is not an edit");
    fs::write(scratch.path().join("broken.smo-edit"), "scale 2\n\n  select").unwrap();
    smo(scratch.path(), ["trace", "edit", "a.csv", "--script", "broken.smo-edit"])
        .refused(2, "broken.smo-edit: line 3, column 9");
    smo(scratch.path(), ["trace", "edit", "a.csv", "-o", "b.csv", "-e", "cut 1h.."])
        .refused(2, "`cut` begins at 3600 s");
    assert!(!scratch.path().join("b.csv").exists());
}

#[test]
fn a_trace_that_is_out_of_order_is_sorted_as_its_error_says() {
    let scratch = scratch();
    let lines = ["120,web,0", "0,web,1", "60,web,3", "0,api,2", "120,api,4"];
    fs::write(scratch.path().join("a.csv"), format!("timestamp_s,service,requests_per_s\n{}\n", lines.join("\n")))
        .unwrap();
    smo(scratch.path(), ["trace", "info", "a.csv"]).refused(2, "0 s follows 120 s");
    smo(scratch.path(), ["trace", "edit", "--sort", "a.csv", "-o", "sorted.csv"]).well();
    let sorted = fs::read_to_string(scratch.path().join("sorted.csv")).unwrap();
    assert_eq!(sorted, "timestamp_s,service,requests_per_s\n0,web,1\n0,api,2\n60,web,3\n120,web,0\n120,api,4\n");
    fs::write(scratch.path().join("a.csv"), "timestamp_s,service,requests_per_s\n9,web,1\n0,web,1\n9,web,2\n").unwrap();
    smo(scratch.path(), ["trace", "edit", "--sort", "a.csv"]).refused(2, "a second rate of `web` at 9 s");
}

#[test]
fn a_scenario_edits_its_traces() {
    let scratch = scratch();
    let scenario = fs::read_to_string(scratch.path().join("scenarios/quickstart.yaml")).unwrap();
    let at = scenario.find("\ntraces:").unwrap();
    let file = scenario[at..].split_once("file: ").unwrap().1.split(['\n', ' ', '}', ',']).next().unwrap();
    let day = scratch.path().join("scenarios").join(file);
    fs::create_dir(scratch.path().join("mine")).unwrap();
    let write = |edit: &str| {
        let absolute = format!("file: {}", day.display());
        let text = scenario[at..].replacen(&format!("file: {file}"), &format!("{absolute}\n    edit: [{edit:?}]"), 1);
        let before = scenario[..at].replace("applications/", "../scenarios/applications/");
        let before = before.replace("inventories/", "../scenarios/inventories/");
        fs::write(scratch.path().join("mine/edited.yaml"), before + &text).unwrap();
    };
    write("scale 2 | cut 1h..2h");
    let said = smo(scratch.path(), ["scenario", "check", "mine/edited.yaml"]).well();
    assert!(said.out.contains("edited"), "{}", said.out);
    write("scale 2 | cutt 1h..2h");
    smo(scratch.path(), ["scenario", "check", "mine/edited.yaml"])
        .refused(2, "line 1, column 11 of the text: `cutt` is not an edit\n  did you mean `cut`?");
    write("select service nobody | scale 2");
    smo(scratch.path(), ["scenario", "check", "mine/edited.yaml"]).refused(2, "no series is called `nobody`");
}

#[test]
fn a_generated_crowd_rises_sharply_and_is_forgotten() {
    let scratch = scratch();
    let crowd = "at=01:00,times=9,rise=0 s,decay=10 min";
    smo(
        scratch.path(),
        ["trace", "generate", "--services", "a", "--mean", "100/s", "--span", "3h", "--crowd", crowd, "-o", "a.csv"],
    )
    .well();
    let text = fs::read_to_string(scratch.path().join("a.csv")).unwrap();
    let rate = |minute: u64| -> f64 {
        let begin = format!("{},a,", minute * 60);
        text.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().parse().unwrap()
    };
    // In the middle of a minute: 100 + 800·e^(−0.05), and ten minutes later 1/e of that.
    assert!((rate(59) - 100.0).abs() < 1e-9 && (rate(60) - 100.0 - 800.0 * (-0.05_f64).exp()).abs() < 0.001);
    assert!(((rate(60) - 100.0) / (rate(70) - 100.0) - 1_f64.exp()).abs() < 0.001);
    let week = "0,1,1,1,1,1,2";
    smo(
        scratch.path(),
        [
            "trace",
            "generate",
            "--services",
            "a",
            "--mean",
            "70/s",
            "--span",
            "7d",
            "--step",
            "1h",
            "--week",
            week,
            "-o",
            "w.csv",
        ],
    )
    .well();
    let said = smo(scratch.path(), ["trace", "info", "w.csv"]).well();
    // Seven days at 70 /s on average: no load on Monday, 140 /s on Sunday.
    assert!(said.out.contains("42,336,000; 70.00 /s on average, at most 140.0 /s, at 6 d"), "{}", said.out);
    smo(scratch.path(), ["trace", "generate", "--services", "a", "--week", "1,2"])
        .refused(2, "seven ratios from Monday on");
    smo(scratch.path(), ["trace", "generate", "--services", "a", "--crowd", "at=1 h"])
        .refused(2, "is not a flash crowd");
}

#[test]
fn the_catalogue_and_the_formats_are_lists_for_people_and_programs() {
    let scratch = scratch();
    let all = smo(scratch.path(), ["trace", "catalogue"]).well();
    for name in ["azure-functions-2019", "google-2019", "nasa-http-1995", "worldcup-1998", "bitbrains", "simkube"] {
        assert!(all.out.contains(&format!("\n  {name}\n")), "{name}");
    }
    let one = smo(scratch.path(), ["trace", "catalogue", "clarknet-1995"]).well();
    assert!(one.out.contains("3,328,587 requests") && one.out.contains("(access-log)"), "{}", one.out);
    let json: Value =
        serde_json::from_str(&smo(scratch.path(), ["trace", "catalogue", "--format", "json"]).well().out).unwrap();
    assert!(json.as_array().unwrap().len() >= 25);
    smo(scratch.path(), ["trace", "catalogue", "clarknet-1996"]).refused(2, "did you mean `clarknet-1995`?");
    let formats = smo(scratch.path(), ["formats"]).well();
    for page in smo::input::formats::FORMATS {
        let writable = if page.writable { ", can be written" } else { "" };
        assert!(formats.out.contains(&format!("\n  {}{writable}\n", page.name)), "{}", page.name);
        let example = page.example.lines().next().unwrap();
        assert!(formats.out.contains(example), "{}", page.name);
        let one = smo(scratch.path(), ["formats", page.name]).well();
        assert!(page.columns.iter().all(|column| one.out.contains(column.meaning)), "{}", page.name);
    }
    let json: Value = serde_json::from_str(&smo(scratch.path(), ["formats", "--format", "json"]).well().out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), smo::input::formats::FORMATS.len());
    smo(scratch.path(), ["formats", "long-cvs"]).refused(2, "did you mean `long-csv`?");
}

/// Goal: the examples in the help are sound: each edit parses, each option exists.
#[test]
fn the_examples_of_the_help_work() {
    let scratch = scratch();
    let day = fs::read(scratch.path().join("traces/day.csv.gz")).unwrap();
    fs::write(scratch.path().join("day.csv.gz"), day).unwrap();
    for arguments in [
        &["trace", "convert", "day.csv.gz", "--out", "day.parquet"][..],
        &["trace", "convert", "day.parquet", "--out", "day.csv", "--to", "wide-csv"],
        &["trace", "info", "traces/day.csv.gz"],
        &["trace", "edit", "day.csv.gz", "-o", "friday.csv.gz", "-e", "scale 1.3"],
        &[
            "trace",
            "edit",
            "day.csv.gz",
            "-o",
            "b.csv",
            "-e",
            "add burst at 12:00 for 20min times 6 to gateway",
            "-e",
            "resample 5min",
        ],
        &[
            "trace",
            "edit",
            "day.csv.gz",
            "-o",
            "c.csv",
            "-e",
            "clip 1/s..100/s; shift -2h; repeat for 30d; resample 5min",
        ],
    ] {
        smo(scratch.path(), arguments).well();
    }
}
