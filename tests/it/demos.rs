//! The demonstrations of the original as scenarios: each gets the answer that it expects, and replicas are where its story says.
//!
//! `tests/live/demos.rs` tells the same stories to a real Karmada, with the same descriptors.

use crate::expectations::{holds, scenarios};
use crate::program::{scratch, smo};
use serde_json::{Value, json};
use smo::input::hdag::parse;
use std::fs;
use std::path::Path;

const FOLDER: &str = "scenarios/demos";

#[test]
fn every_demonstration_gets_the_answers_that_it_expects() {
    let all = scenarios(FOLDER);
    let demos: Vec<&String> =
        all.iter().filter(|path| !path.ends_with("/inventory.yaml") && !path.ends_with("/serve.yaml")).collect();
    assert_eq!(demos.len(), 9, "{demos:?}");
    for demo in demos {
        holds(demo);
    }
}

/// What is odd about the descriptors: nothing, but for the one that is meant to be read in spite of its slips.
#[test]
fn descriptors_of_the_demonstrations_are_read_and_slips_are_noted() {
    let mut read = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join("graphs")).unwrap() {
        let path = entry.unwrap().path();
        if path.display().to_string().ends_with(".hdag.yaml") {
            let (descriptor, notes) = parse(fs::read_to_string(&path).unwrap(), "graph").unwrap();
            let slips: Vec<String> = notes.iter().map(ToString::to_string).collect();
            if descriptor.id == "robot-fleet" {
                assert_eq!(descriptor.services.len(), 11);
                for wanted in ["`fleet-cov`", "`zenoh_router`", "is no chart in an OCI registry"] {
                    assert!(slips.iter().any(|slip| slip.contains(wanted)), "{wanted}: {slips:?}");
                }
            } else {
                assert!(slips.is_empty(), "{}: {slips:?}", descriptor.id);
            }
            read += 1;
        }
    }
    assert_eq!(read, 7);
}

/// The lines of what was decided and happened in a run.
fn told(demo: &str, policy: &str) -> Vec<Value> {
    let scratch = scratch();
    let scenario = format!("{FOLDER}/{demo}.yaml");
    smo(scratch.path(), ["simulate", &scenario, "--policy", policy, "--out", "runs"]).well();
    let folder = fs::read_dir(scratch.path().join("runs").join(demo)).unwrap();
    let run = folder.map(|entry| entry.unwrap().path()).find(|path| path.join("decisions.jsonl").is_file()).unwrap();
    let text = fs::read_to_string(run.join("decisions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was wanted of a service last before an instant.
fn wanted(lines: &[Value], service: &str, before_s: f64) -> Value {
    let until = lines.iter().filter(|line| line["at_s"].as_f64().is_some_and(|at| at < before_s));
    let of = |line: &Value| line["services"].as_array()?.iter().find(|one| one["service"] == service).cloned();
    until.filter_map(of).next_back().unwrap_or_default()["target"].clone()
}

/// One accelerator is in member2; member1 is the cheaper by the core.
#[test]
fn inference_lands_where_the_accelerator_is_and_the_front_end_where_it_is_cheapest() {
    let lines = told("4-gpu", "anytime");
    assert_eq!(wanted(&lines, "web-frontend", f64::INFINITY), json!({"member1": 1}));
    assert_eq!(wanted(&lines, "ml-inference", f64::INFINITY), json!({"member2": 1}));
}

/// 4/s until 600 s, then 60/s: above 20/s the scaler jumps to 4. From 1,800 s on 2/s: below 5/s it jumps back to 1.
#[test]
fn replicas_jump_up_and_down_by_the_thresholds() {
    let policy = "greedy+threshold:up=20/s,down=5/s,up_replicas=4,down_replicas=1,cooldown=60s";
    let lines = told("5-autoscaling", policy);
    let total = |before_s: f64| -> u64 {
        let target = wanted(&lines, "web-server", before_s);
        target.as_object().unwrap().values().filter_map(Value::as_u64).sum()
    };
    assert_eq!((total(600.0), total(660.0), total(1_800.0), total(1_900.0)), (1, 4, 4, 1));
}

/// Two replicas, so that one is left whichever cluster is lost; member1 is lost at 1,200 s.
#[test]
fn a_lost_cluster_leaves_one_replica_and_the_other_comes_back_elsewhere() {
    let lines = told("6-resilience", "anytime");
    assert_eq!(wanted(&lines, "critical-service", 1_200.0), json!({"member1": 1, "member2": 1}));
    assert_eq!(wanted(&lines, "critical-service", 1_260.0), json!({"member2": 2}));
}

/// member2 is lost at 1,200 s, and its monitoring with it. The condition has to hold for two minutes, and is seen at scrapes, every
/// 5 s: it fires between 1,320 s and 1,330 s.
#[test]
fn the_virtual_object_waits_for_its_event() {
    let lines = told("7-brussels", "naive");
    let fired: Vec<f64> = lines
        .iter()
        .filter(|line| line["event"] == "service_wanted")
        .inspect(|line| assert_eq!(line["subject"], "image-compression-vo"))
        .filter_map(|line| line["at_s"].as_f64())
        .collect();
    assert_eq!(fired.len(), 1, "{fired:?}");
    assert!((1_320.0..=1_330.0).contains(&fired[0]), "{fired:?}");
    assert_eq!(wanted(&lines, "image-compression-vo", 1_320.0), json!({}));
    assert_eq!(wanted(&lines, "image-compression-vo", 1_400.0), json!({"member1": 1}));
}

/// The footprints that the original's script compares, from where the services are: cores times 0.5, 1 and 0.
#[test]
fn footprints_of_the_green_comparison_are_13_and_5_and_3() {
    let cores = [("analytics", 6.0), ("archive", 5.0), ("training", 5.0)];
    let dirt = [("hybrid", 0.5), ("fossil", 1.0), ("green", 0.0)];
    for (policy, figure) in [("naive", 13.0), ("green-consolidation", 5.0), ("carbon-aware", 3.0)] {
        let lines = told("8-green", policy);
        let footprint: f64 = cores
            .iter()
            .flat_map(|(service, cores)| dirt.iter().map(move |(cluster, dirt)| (service, cluster, cores * dirt)))
            .filter(|(service, cluster, _)| wanted(&lines, service, f64::INFINITY)[**cluster] == 1)
            .map(|(_, _, footprint)| footprint)
            .sum();
        assert!((footprint - figure).abs() < 1e-9, "{policy}: {footprint}");
    }
}

/// Fifty clusters of four sizes and three prices, ten services in a chain: everything has a place, and it is proved the best.
#[cfg(feature = "milp")]
#[test]
fn a_graph_of_ten_finds_the_best_place_on_fifty_clusters() {
    let home = tempfile::tempdir().unwrap();
    let cluster = |index: usize| {
        let (cpu, price) = (8 + 8 * (index % 4), ["0.3 $", "0.4 $", "0.5 $"][index % 3]);
        json!({"name": format!("cluster-{index}"), "region": format!("region-{}", index % 5),
            "pools": [{"name": "main", "cpu": cpu, "memory": "64 GiB", "nodes": 2, "price_per_hour": price}]})
    };
    let service = |index: usize| json!({"name": format!("s{index}"), "cpu": 2, "memory": "2 GiB", "capacity": "20 /s"});
    let call = |index: usize| json!({"from": format!("s{index}"), "to": format!("s{}", index + 1)});
    let application =
        json!({"services": (0..10).map(service).collect::<Vec<_>>(), "calls": (0..9).map(call).collect::<Vec<_>>()});
    let inventory = json!({"clusters": (0..50).map(cluster).collect::<Vec<_>>()});
    fs::write(home.path().join("inventory.yaml"), inventory.to_string()).unwrap();
    fs::write(home.path().join("application.yaml"), application.to_string()).unwrap();
    // 60/s with a fifth of head-room are 72/s: four replicas of each.
    let policy = "anytime+rate:headroom=20%";
    let arguments =
        ["plan", "inventory.yaml", "application.yaml", "--policy", policy, "--rate", "s0=60/s", "--format", "json"];
    let plan: Value = serde_json::from_str(&smo(home.path(), arguments).well().out).unwrap();
    assert_eq!((&plan["refusals"], &plan["violations"]), (&json!([]), &json!([])));
    let services = plan["services"].as_array().unwrap();
    assert!(services.len() == 10 && services.iter().all(|service| service["replicas"] == 4), "{services:#?}");
    assert!(plan["quality"]["gap"].as_f64().is_some_and(|gap| gap < 1e-4), "{}", plan["quality"]);
}
