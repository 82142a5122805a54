//! The command line as people and scripts meet it: help, exit codes, and what is said when something is wrong.

use crate::program::{scratch, smo};
use smo::policy::registry;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const QUICK: [&str; 6] = ["simulate", "scenarios/quickstart.yaml", "--seeds", "1", "--until", "2h"];

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn help_alone_gets_a_stranger_to_a_result() {
    let scratch = scratch();
    let said = smo(scratch.path(), ["--help"]).well();
    assert!(said.out.contains("smo simulate scenarios/quickstart.yaml"), "{}", said.out);
    for command in
        ["init", "simulate", "replay", "report", "show", "export", "policies", "scenario", "trace", "formats"]
    {
        assert!(said.out.contains(&format!("\n  {command}")), "{command} is not listed");
        assert!(said.out.matches(&format!("smo {command}")).count() >= 1, "{command} has no example");
    }
    assert_eq!(smo::<&str>(scratch.path(), []).code, 2);
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let scratch = scratch();
    let commands: [&[&str]; 15] = [
        &["init"],
        &["simulate"],
        &["replay"],
        &["report"],
        &["show"],
        &["export"],
        &["policies"],
        &["scenario", "check"],
        &["scenario", "schema"],
        &["trace", "generate"],
        &["trace", "info"],
        &["trace", "convert"],
        &["trace", "edit"],
        &["trace", "catalogue"],
        &["formats"],
    ];
    for command in commands {
        let said = smo(scratch.path(), command.iter().copied().chain(["--help"])).well();
        let example = format!("\n  smo {}", command.join(" "));
        assert!(said.out.contains("Example") && said.out.contains(&example), "{}", said.out);
    }
}

#[test]
fn wrong_usage_and_wrong_input_are_refused_with_the_way_out_and_leave_nothing_behind() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("broken.yaml"), "question: [").unwrap();
    let cases: [(&[&str], &str); 13] = [
        (&["simulate"], "<SCENARIO>"),
        (&["simualte", "x"], "simulate"),
        (&["simulate", "nowhere.yaml"], "there is no file `nowhere.yaml`"),
        (&["simulate", "broken.yaml"], "broken.yaml: line 1"),
        (&["simulate", "scenarios/quickstart.yaml", "--policy", "hpaa"], "did you mean `hpa`"),
        (&["simulate", "scenarios/quickstart.yaml", "--policy", "hpa:goal=60%"], "no parameter `goal`; it takes"),
        (&["simulate", "scenarios/quickstart.yaml", "--policy", "hpa:target=high"], "target"),
        (&["simulate", "scenarios/quickstart.yaml", "--until", "5"], "write it like `30 s`"),
        (&["simulate", "scenarios/quickstart.yaml", "--seeds", "0"], "0 is not in 1..="),
        (&["simulate", "scenarios/quickstart.yaml", "--set", "control.every"], "write `path=value`"),
        (&["simulate", "scenarios/quickstart.yaml", "--set", "control.evry=3s"], "control.evry"),
        (&["simulate", "scenarios/quickstart.yaml", "--variant", "mars"], "no variant is called `mars`"),
        (&["simulate", "scenarios/quickstart.yaml", "-j", "0"], "-j"),
    ];
    for (arguments, wanted) in cases {
        smo(scratch.path(), arguments).refused(2, wanted);
        assert!(!scratch.path().join("runs").exists(), "{arguments:?} left something behind");
    }
    smo(scratch.path(), ["policies", "hpaa"]).refused(2, "did you mean `hpa`");
    smo(scratch.path(), ["replay", "nowhere"]).refused(2, "nowhere: ");
    smo(scratch.path(), ["replay", "scenarios"]).refused(2, "there is no run here");
    smo(scratch.path(), ["trace", "generate", "--services", "a", "--out", "a.txt"]).refused(2, "end it in .csv");
}

#[test]
fn a_mistake_late_in_a_trace_is_met_before_or_during_the_runs_and_leaves_nothing_behind() {
    let scratch = scratch();
    let trace = |rows: &str| {
        std::fs::write(scratch.path().join("bad.csv"), format!("timestamp_s,service,requests_per_s\n{rows}"))
    };
    let service = "gateway";
    trace(&format!("0,{service},5\n60,{service},5\n30,{service},5\n")).unwrap();
    let path = scratch.path().join("bad.csv");
    let set = format!("traces.0.file={}", path.display());
    let said = smo(scratch.path(), QUICK.iter().copied().chain(["--set", &set]));
    let said = said.refused(2, "bad.csv: line 4");
    assert_eq!(files_below(&scratch.path().join("runs")), Vec::<PathBuf>::new(), "{}", said.err);
    assert!(!scratch.path().join("runs").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_a_failure_at_run_time() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("runs"), "a file").unwrap();
    smo(scratch.path(), QUICK).refused(1, "runs/quickstart");
}

#[test]
fn a_reader_that_hangs_up_is_no_failure() {
    for arguments in [&["policies"] as &[&str], &["scenario", "schema"], &["trace", "generate", "--services", "a"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smo"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}: {err}");
        assert_eq!(err, "", "{arguments:?}");
    }
}

#[test]
fn policies_are_listed_from_the_registries() {
    let scratch = scratch();
    let listed = smo(scratch.path(), ["policies"]).well().out;
    let parsed: serde_json::Value =
        serde_json::from_str(&smo(scratch.path(), ["policies", "--format", "json"]).well().out).unwrap();
    let names: Vec<&str> = parsed.as_array().unwrap().iter().map(|policy| policy["name"].as_str().unwrap()).collect();
    let known: Vec<&str> = registry::names().chain(["exec"]).collect();
    assert_eq!(names, known);
    for name in known {
        assert!(listed.contains(&format!("\n  {name} ")), "{name} is not listed");
        let one = smo(scratch.path(), ["policies", name]).well().out;
        assert!(one.starts_with(&format!("{name} (")), "{one}");
    }
}

#[test]
fn the_schema_and_the_figures_are_json() {
    let scratch = scratch();
    let schema = smo(scratch.path(), ["scenario", "schema"]).well().out;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["question"].is_object());
    let figures = smo(scratch.path(), QUICK.iter().copied().chain(["--format", "json"])).well().out;
    let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
    assert!(figures["runs"].as_array().is_some_and(|runs| !runs.is_empty()));
}

#[test]
fn shipped_scenarios_are_sound() {
    let scratch = scratch();
    let mut check = vec![
        "scenario",
        "check",
        "scenarios/quickstart.yaml",
        "scenarios/flash-crowd.yaml",
        "scenarios/cluster-loss.yaml",
    ];
    if crate::data_dir().is_some() {
        check.extend([
            "scenarios/real/nasa-peak-day.yaml",
            "scenarios/real/azure-llm.yaml",
            "scenarios/real/wikipedia.yaml",
        ]);
    } else {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data for scenarios/real");
    }
    let said = smo(scratch.path(), &check).well();
    assert_eq!(said.out.matches("\n  load ").count(), check.len() - 2, "{}", said.out);
    let said = smo(scratch.path(), ["scenario", "check", "nowhere.yaml", "scenarios/quickstart.yaml"]);
    assert!(said.refused(2, "nowhere.yaml").out.contains("  world "), "the others are checked all the same");
}

#[test]
fn runs_lie_where_the_help_says() {
    let scratch = scratch();
    let policies = ["--policy", "greedy+rate:headroom=20%", "--policy", "spread+static", "--policy", "spread + static"];
    let said = smo(scratch.path(), QUICK.iter().copied().chain(policies)).well();
    assert!(said.out.contains("runs/quickstart/report.html") && said.out.contains("smo replay runs/quickstart/"));
    let at = |name: &str| scratch.path().join("runs/quickstart").join(name);
    for run in ["greedy+rate-headroom=20pct-1", "spread+static-1"] {
        for file in ["manifest.json", "decisions.jsonl", "series.parquet", "summary.json", "timing.json"] {
            assert!(at(run).join(file).is_file(), "{run}/{file}");
        }
    }
    assert!(!at("spread+static-1~2").exists(), "a policy that is named twice runs once");
}

#[test]
fn a_generated_trace_is_the_same_again_and_can_be_read() {
    let scratch = scratch();
    for name in ["a.csv", "a.csv.gz", "a.csv.zst", "a.parquet"] {
        let arguments =
            ["trace", "generate", "--service", "gateway=9/s", "--daily", "2", "--noise", "0.1", "--out", name];
        smo(scratch.path(), arguments).well();
        let first = std::fs::read(scratch.path().join(name)).unwrap();
        smo(scratch.path(), arguments).well();
        assert_eq!(std::fs::read(scratch.path().join(name)).unwrap(), first, "{name}");
        let set = format!("traces.0.file={}", scratch.path().join(name).display());
        smo(scratch.path(), QUICK.iter().copied().chain(["--set", &set])).well();
    }
    let printed =
        smo(scratch.path(), ["trace", "generate", "--services", "gateway=9/s", "--daily", "2", "--noise", "0.1"]);
    assert_eq!(printed.well().out, std::fs::read_to_string(scratch.path().join("a.csv")).unwrap());
}
