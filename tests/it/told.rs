//! `smo explain` and `smo diff` on runs of two hours with and without a loss: what they tell is what the records hold.

use crate::program::{scratch, smo};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const RATE: &str = "runs/cluster-loss/greedy+rate-1";
const NO_LOSS: &str = "runs/cluster-loss/no_loss/greedy+rate-1";

/// Runs with and without the loss of a cluster, which comes after half an hour.
fn runs() -> TempDir {
    let scratch = scratch();
    let scenario = std::fs::read_to_string(scratch.path().join("scenarios/cluster-loss.yaml")).unwrap();
    let early = scenario.replace("at: 19:30", "at: 00:30").replace(": applications/", ": scenarios/applications/");
    let early = early.replace(": inventories/", ": scenarios/inventories/").replace("../traces/", "traces/");
    assert!(early.contains("at: 00:30"), "{early}");
    std::fs::write(scratch.path().join("cluster-loss.yaml"), early).unwrap();
    let arguments = ["simulate", "cluster-loss.yaml", "--seeds", "2", "--until", "2h"];
    smo(scratch.path(), arguments.iter().chain(&["--policy", "greedy+rate", "--policy", "naive"])).well();
    scratch
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    let said = smo(directory, arguments.iter().chain(&["--format", "json"])).well();
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

fn decisions(directory: &Path, run: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(directory.join(run).join("decisions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_tells_every_change_and_what_followed() {
    let scratch = runs();
    let story = json(scratch.path(), &["explain", RATE, "--service", "gateway"]);
    let changes = story["changes"].as_array().unwrap();
    // The same by hand, from the record.
    let named = |line: &Value| {
        line["services"].as_array().into_iter().flatten().find(|one| one["service"] == "gateway").cloned()
    };
    let by_hand: Vec<(f64, Value)> = decisions(scratch.path(), RATE)
        .iter()
        .filter_map(|line| Some((line["at_s"].as_f64()?, named(line)?)))
        .filter(|(at_s, service)| *at_s == 0.0 || service["was"] != service["target"])
        .map(|(at_s, service)| (at_s, service["target"].clone()))
        .collect();
    let told: Vec<(f64, Value)> =
        changes.iter().map(|one| (one["at_s"].as_f64().unwrap(), one["target"].clone())).collect();
    assert_eq!(told, by_hand);
    for change in changes {
        let count = |places: &Value| places.as_object().unwrap().values().map(|one| one.as_i64().unwrap()).sum::<i64>();
        assert_eq!(count(&change["actions"]), count(&change["target"]) - count(&change["was"]), "{change}");
        if let Some(at_s) = change["as_wanted_at_s"].as_f64() {
            assert!(at_s > change["at_s"].as_f64().unwrap(), "{change}");
        }
    }
    assert!(changes.iter().filter(|one| one["as_wanted_at_s"].is_number()).count() * 2 > changes.len());
    assert_eq!(story["events"][0]["event"], "cluster_lost");
    let listed = smo(scratch.path(), ["explain", RATE, "--service", "gateway"]).well().out;
    // A heading, an empty line, the head of the table, the changes, and both ends of the outage.
    assert_eq!(listed.lines().count(), 3 + changes.len() + 2, "{listed}");
    assert!(listed.contains("cluster lost") && listed.contains("cluster back"), "{listed}");
}

#[test]
fn an_instant_is_told_in_full_with_figures_and_their_ages() {
    let scratch = runs();
    let story = json(scratch.path(), &["explain", RATE, "--at", "00:45"]);
    let changes = story["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 3, "one for each service");
    assert!(changes.iter().all(|change| change["at_s"].as_f64().unwrap() <= 2_700.0));
    let said = smo(scratch.path(), ["explain", RATE, "--at", "00:45", "--service", "gateway"]).well().out;
    for wanted in [
        " (decision ",
        ", and so until 00:45",
        "  seen ",
        " requests/s, ",
        " s old; ready replicas: ",
        "  decided ",
        "  because ",
        "  followed ",
        "before    00:30: cluster lost (edge-1)",
    ] {
        assert!(said.contains(wanted), "wanted {wanted:?} in\n{said}");
    }
}

#[test]
fn the_decisions_of_two_variants_part_when_the_loss_is_noticed() {
    let scratch = runs();
    let compared = json(scratch.path(), &["diff", RATE, NO_LOSS]);
    let difference = &compared["difference"];
    let fields: Vec<&str> =
        difference["manifests"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["variant", "scenario.faults.0.at", "scenario.faults.0.for", "scenario.faults.0.lose"]);
    // The loss at 00:30 is noticed after 45 s at the latest, and decided upon at once.
    let at_s = difference["divergence"]["at_s"].as_f64().unwrap();
    assert!((1_800.0..=1_860.0).contains(&at_s), "{at_s}");
    let left = decisions(scratch.path(), RATE);
    let right = decisions(scratch.path(), NO_LOSS);
    let wishes = |lines: &[Value], until: f64| -> Vec<Value> {
        let before = lines.iter().filter(|line| line["decision"].is_u64() && line["at_s"].as_f64().unwrap() < until);
        before
            .flat_map(|line| line["services"].as_array().cloned().unwrap_or_default())
            .map(|one| one["target"].clone())
            .collect()
    };
    assert_eq!(wishes(&left, at_s), wishes(&right, at_s));
    assert_ne!(wishes(&left, at_s + 1.0), wishes(&right, at_s + 1.0));
    for side in ["left", "right"] {
        assert!(difference["divergence"]["services"][0][side]["why"].is_string());
    }
}

/// What is said of the time after the parting has to agree with the summaries where the decisions part at once.
#[test]
fn consequences_from_the_start_are_those_of_the_whole_run() {
    let scratch = runs();
    let compared = json(scratch.path(), &["diff", "runs/cluster-loss/naive-1", RATE]);
    let difference = &compared["difference"];
    assert_eq!(difference["divergence"]["at_s"], 0.0);
    let figure = |list: &str, name: &str, side: &str| {
        let pairs = difference[list].as_array().unwrap();
        let pair = pairs.iter().find(|pair| pair["name"] == name).unwrap_or_else(|| panic!("{name} in {list}"));
        pair[side].as_f64().unwrap()
    };
    for side in ["left", "right"] {
        let pairs = [
            ("requests served", "requests_served"),
            ("requests dropped", "requests_dropped"),
            ("cost", "cost"),
            ("carbon", "carbon"),
        ];
        for (since, whole) in pairs {
            let (since, whole) = (figure("consequences", since, side), figure("metrics", whole, side));
            assert!((since - whole).abs() <= 0.01 * whole.abs() + 1e-6, "{side} {since} {whole}");
        }
        let hours = figure("metrics", "replica_hours", side);
        let mean = figure("consequences", "mean ready replicas", side);
        assert!((mean * 2.0 - hours).abs() < 0.05 * hours, "{mean} replicas for 2 h, {hours} h");
    }
    let difference_of = figure("metrics", "cost", "difference");
    assert!((difference_of - (figure("metrics", "cost", "right") - figure("metrics", "cost", "left"))).abs() < 1e-12);
}

#[test]
fn runs_that_do_not_differ_are_no_failure() {
    let scratch = runs();
    let same = smo(scratch.path(), ["diff", RATE, RATE]).well().out;
    assert!(same.contains("The manifests are the same.") && same.contains("The decisions are the same:"), "{same}");
    let seeds = smo(scratch.path(), ["diff", "runs/cluster-loss/naive-1", "runs/cluster-loss/naive-2"]).well().out;
    assert!(seeds.contains("what was run  left  right\n  seed        1     2\n\n"), "{seeds}");
    assert!(smo(scratch.path(), ["diff", RATE, NO_LOSS]).well().out.contains("From then on they want the same at "));
}

#[test]
fn what_is_no_run_or_no_service_is_refused_with_the_way_out() {
    let scratch = runs();
    smo(scratch.path(), ["explain", "scenarios"]).refused(2, "manifest.json");
    smo(scratch.path(), ["explain", RATE, "--service", "gatewy"])
        .refused(2, "its services are gateway, detector, archive");
    smo(scratch.path(), ["explain", RATE, "--at", "3h"]).refused(2, "the run ends at 02:00");
    smo(scratch.path(), ["explain", RATE, "--at", "noon"]).refused(2, "write it like");
    smo(scratch.path(), ["diff", RATE, "nowhere"]).refused(2, "nowhere");
    let broken = scratch.path().join(RATE).join("decisions.jsonl");
    std::fs::write(&broken, "{\"at_s\": 0, \"decision\": \"first\"}\n").unwrap();
    for command in [vec!["explain", RATE], vec!["diff", RATE, NO_LOSS]] {
        smo(scratch.path(), command).refused(2, "decisions.jsonl:1: ");
    }
}

#[test]
fn replays_and_checks_speak_json() {
    let scratch = runs();
    let replayed = json(scratch.path(), &["replay", RATE]);
    assert_eq!((&replayed["runs"][0]["run"], &replayed["runs"][0]["verdict"]), (&RATE.into(), &"identical".into()));
    let said =
        smo(scratch.path(), ["scenario", "check", "scenarios/quickstart.yaml", "nowhere.yaml", "--format", "json"]);
    let said = said.refused(2, "nowhere.yaml");
    let checked: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        checked["scenarios"][0]["services"],
        serde_json::json!(["image-compression-vo", "noise-reduction", "image-detection"])
    );
    assert_eq!(checked["scenarios"][1]["sound"], false);
    assert!(checked["scenarios"][1]["error"].as_str().unwrap().contains("nowhere.yaml"));
}
