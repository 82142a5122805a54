//! `smo headroom`: the cheapest nodes are what arithmetic says, and what trying all of them says.

use crate::program::{Said, smo};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// 100 requests/s for an hour, replicas of one core and 10 requests/s, of which `rate` with 20 % head-room wants twelve. Nodes
/// of 2 cores for 1 $ and of 4 cores for 1.50 $.
fn two_sizes(directory: &Path) {
    fs::write(directory.join("load.csv"), "timestamp_s,service,requests_per_s\n0,web,100\n").unwrap();
    let text = "question: Which nodes?\n\
         application:\n  name: web\n  services:\n    - {name: web, cpu: 1, memory: 1 GiB, replicas: {initial: 12, min: 1, max: 40}, \
         capacity: {alpha: 10, beta: 0}, slo: {latency: 1 s, share: 95 %}, start: 5 s}\n\
         inventory:\n  clusters:\n    - name: a\n      pools:\n\
         \x20       - {name: small, cpu: 2, memory: 8 GiB, nodes: 4, price_per_hour: 1 $}\n\
         \x20       - {name: large, cpu: 4, memory: 16 GiB, nodes: 2, price_per_hour: 1.5 $}\n\
         traces: [{file: load.csv, last: 6 h}]\n\
         policies: [\"greedy+rate:headroom=20%\"]\n\
         seeds: 3\nuntil: 1 h\n";
    fs::write(directory.join("sizes.yaml"), text).unwrap();
}

fn headroom(directory: &Path, more: &[&str]) -> Said {
    smo(directory, ["headroom", "sizes.yaml", "--slo", "slo_violation_time < 10 %"].iter().chain(more))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

/// Ten cores are busy all the time, and queues grow without end; all sums of 2 and 4 are even, so twelve cores it is: three
/// large nodes for 4.50 $, where two large and two small cost 5 $, and six small 6 $. Today's four and two cost 7 $.
#[test]
fn the_cheapest_nodes_are_what_arithmetic_says_whether_all_are_tried_or_not() {
    let scratch = tempfile::tempdir().unwrap();
    two_sizes(scratch.path());
    for (budget, proof) in [("100", "exhaustive"), ("30", "no_better_step")] {
        let said = headroom(scratch.path(), &["--format", "json", "--budget", budget]).well();
        let one = json(&said)["answers"][0].clone();
        assert_eq!(one["proof"], proof);
        assert_eq!(one["found"]["nodes"]["a/large"]["max"], 3, "{one:#}");
        assert_eq!(one["found"]["nodes"]["a/small"]["max"], 0, "{one:#}");
        let cost = |which: &str| one[which]["cost"]["mean"].as_f64().unwrap();
        assert!((cost("found") - 4.5).abs() < 1e-6 && (cost("today") - 7.0).abs() < 1e-6, "{one:#}");
        let set: Vec<&str> = one["set"].as_array().unwrap().iter().map(|set| set.as_str().unwrap()).collect();
        let mut pasted = vec!["simulate", "sizes.yaml", "--format", "json"];
        for set in &set {
            pasted.extend(["--set", set]);
        }
        let runs = json(&smo(scratch.path(), pasted).well());
        assert!(runs.to_string().contains("slo_violation_time"), "the patches can be pasted");
    }
}

#[test]
fn a_confidence_of_every_seed_and_a_metric_that_is_dear_are_understood() {
    let scratch = tempfile::tempdir().unwrap();
    two_sizes(scratch.path());
    let said = headroom(scratch.path(), &["--confidence", "all", "--budget", "20"]).well();
    assert!(said.out.contains("with each of 3 seeds"), "{}", said.out);
    assert!(scratch.path().join("runs/sizes/headroom.html").is_file());
    headroom(scratch.path(), &["--slo", "slo_time < 1"]).refused(2, "metrics are");
    headroom(scratch.path(), &["--confidence", "2"]).refused(2, "is no confidence");
    let never = headroom(scratch.path(), &["--slo", "cost < 0.5", "--budget", "20"]).well();
    assert!(never.out.contains("nothing was found that keeps"), "{}", never.out);
}

#[test]
fn a_search_is_the_same_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    two_sizes(scratch.path());
    let said = |threads: &str| headroom(scratch.path(), &["--budget", "20", "-j", threads]).well().out;
    assert_eq!(said("1"), said("2"));
}
