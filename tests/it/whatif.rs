//! `smo whatif`: words become the patches that they stand for, and differences are those of the same seed.

use crate::program::{scratch, smo};
use serde_json::Value;
use smo::input::{Change, Loaded, Request, change, load};
use std::fs;
use std::path::Path;

fn quickstart() -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.yaml");
    load(&path, &Request::default()).unwrap()
}

fn patches(text: &str) -> Vec<(String, String)> {
    change(text, &quickstart()).unwrap().patches
}

fn pair(path: &str, value: &str) -> (String, String) {
    (path.to_owned(), value.to_owned())
}

#[test]
fn words_stand_for_patches_of_this_scenario() {
    assert_eq!(patches("lose cluster edge-1"), [pair("inventory.clusters.edge-1.enabled", "false")]);
    assert_eq!(patches("lose region europe-west6"), [pair("inventory.clusters.edge-2.enabled", "false")]);
    assert_eq!(patches("load x 1.5"), [pair("traces.0.scale", "1.5")]);
    assert_eq!(patches("load image-compression-vo x 50%"), [pair("traces.0.scale", "0.5")]);
    // 0.310928 $ · 0.5
    assert_eq!(
        patches("price edge-1 x 0.5"),
        [pair("inventory.clusters.edge-1.pools.main.price_per_hour", "0.155464 $")]
    );
    assert_eq!(
        patches("price edge-1/main = 0.2 $"),
        [pair("inventory.clusters.edge-1.pools.main.price_per_hour", "0.2 $")]
    );
    assert_eq!(patches("nodes edge-1 + 2"), [pair("inventory.clusters.edge-1.pools.main.nodes", "3")]);
    assert_eq!(
        patches("nodes cloud-1 x 2"),
        [pair("inventory.clusters.cloud-1.pools.main.nodes", r#"{"min":2,"initial":2,"max":12}"#)]
    );
    assert_eq!(patches("telemetry.delay=30s"), [pair("telemetry.delay", "30s")]);
    let loss = patches("lose cluster edge-1 at 19:30 for 20 min");
    assert_eq!(loss, [pair("faults", r#"[{"lose":"cluster edge-1","at":"19:30","for":"20 min"}]"#)]);
    let Change { policy, patches, label, .. } = change("policy greedy+rate ;  load x2", &quickstart()).unwrap();
    assert_eq!(
        (policy.as_deref(), patches.len(), label.as_str()),
        (Some("greedy+rate"), 1, "policy greedy+rate; load x2")
    );
}

/// Half as much again, twice: 2.25 times.
#[test]
fn a_clause_sees_what_those_before_it_changed() {
    assert_eq!(patches("load x 1.5; load x 1.5").last(), Some(&pair("traces.0.scale", "2.25")));
    let two = patches("lose telemetry at 1h; lose link edge-1 edge-2 at 2h for 5 min");
    assert_eq!(two[1], pair("faults.1", r#"{"lose":"link edge-1 edge-2","at":"2h","for":"5 min"}"#));
    let added = patches("add cluster edge-3 like edge-1; price edge-3 x 2");
    assert_eq!(added.last().unwrap().0, "inventory.clusters.edge-3.pools.main.price_per_hour");
    // It is as far from edge-2 and cloud-1 as edge-1 is.
    assert_eq!(added.iter().filter(|(path, _)| path.starts_with("network.pairs.")).count(), 2);
}

#[test]
fn every_change_can_be_loaded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.yaml");
    for text in [
        "lose cluster edge-1",
        "lose cluster edge-1 at 19:30 for 20 min; lose node cloud-1 at 20:00",
        "lose link edge-1 cloud-1",
        "lose replica image-detection at 6h; lose telemetry at 7h for 5 min",
        "add cluster edge-3 like edge-1; load x 2",
        "price x 2; nodes cloud-1 x 2; nodes edge-2 = 2",
    ] {
        let request = Request { set: patches(text), ..Request::default() };
        let loaded = load(&path, &request).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            loaded.scenario.known.clusters.len(),
            3 + usize::from(text.starts_with("add")) - usize::from(text == "lose cluster edge-1")
        );
    }
}

#[test]
fn what_is_no_change_is_one_clear_error() {
    let error = |text: &str| change(text, &quickstart()).unwrap_err();
    assert!(error("move cluster edge-1").contains("is no change; write `lose cluster|region NAME"));
    assert!(error("lose cluster edge-9").contains("did you mean `edge-1`?"));
    assert!(error("lose region mars").contains("regions are"));
    assert!(error("load nobody x 2").contains("no trace brings load to `nobody`"));
    assert!(error("load x two").contains("is not a factor"));
    assert!(error("price edge-1 0.5").contains("by how much is not clear"));
    assert!(error("add cluster edge-1 like edge-2").contains("choose another name"));
    assert!(
        error("lose cluster edge-1; lose cluster edge-2; lose cluster cloud-1").contains("no cluster would be left")
    );
    assert!(error("load x 2 please").contains("`please` is left over"));
    let scratch = scratch();
    let asked = ["whatif", "scenarios/quickstart.yaml", "--change", "lose the plot"];
    smo(scratch.path(), asked).refused(2, "--change `lose the plot`: what is lost is not clear");
    let asked = ["whatif", "scenarios/quickstart.yaml", "--change", "policy gredy"];
    smo(scratch.path(), asked).refused(2, "did you mean `greedy`?");
}

/// Goal: a difference is that of the same seed, and as large as arithmetic says.
/// Method: twice the price of the one node of edge-1 for two hours: 2 · 0.310928 $ more with each seed, and nothing else.
#[test]
fn a_dearer_node_costs_what_arithmetic_says_and_changes_nothing_else() {
    let scratch = scratch();
    let asked = [
        "whatif",
        "scenarios/quickstart.yaml",
        "--policy",
        "naive",
        "--until",
        "2h",
        "--seeds",
        "3",
        "--change",
        "price edge-1 x 2",
        "--format",
        "json",
    ];
    let said = smo(scratch.path(), asked).well();
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let figures = told["differences"][0]["figures"].as_array().unwrap().clone();
    let of = |name: &str| figures.iter().find(|figure| figure["metric"] == name).unwrap_or_else(|| panic!("{name}"));
    let cost = of("cost");
    assert!((cost["difference"]["mean"].as_f64().unwrap() - 2.0 * 0.310_928).abs() < 1e-9, "{cost:#}");
    assert_eq!(cost["says"], "shown");
    assert_eq!(of("latency_p95")["says"], "same");
    assert_eq!(of("carbon")["says"], "same");
    let page = fs::read_to_string(scratch.path().join("runs/quickstart/whatif.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("cost rises by 0.62"), "the page has the sentence and a picture");
    // A run with a change is a run like any other.
    smo(scratch.path(), ["replay", "runs/quickstart/whatif"]).well();
}

#[test]
fn several_changes_are_told_in_words_and_as_markdown() {
    let scratch = scratch();
    let asked = [
        "whatif",
        "scenarios/quickstart.yaml",
        "--policy",
        "naive",
        "--until",
        "2h",
        "--change",
        "load x 1.5",
        "--change",
        "policy greedy+rate:headroom=50%",
        "-j",
        "2",
        "--format",
        "markdown",
    ];
    let said = smo(scratch.path(), asked).well();
    assert!(said.out.starts_with("## What if: load x 1.5, or policy "), "{}", said.out);
    assert!(said.out.contains("Load x 1.5, naive: ") && said.out.contains("instead of naive: "), "{}", said.out);
}
