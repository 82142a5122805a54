//! L01: what is seen of the inventory; and what-if questions and recordings that start from it.

use crate::shop::{Filler, Shop, smo, until, wait};
use crate::stack::stack;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(30);

/// The entry of a cluster or service by its name.
fn entry<'a>(seen: &'a Value, part: &str, name: &str) -> &'a Value {
    let key = if part == "clusters" { "cluster" } else { "service" };
    let all = seen[part].as_array().into_iter().flatten();
    all.into_iter().find(|one| one[key] == name).unwrap_or_else(|| panic!("no {name} in {seen}"))
}

/// L01: what is free is what the nodes have without what others ask for; a cluster whose API server hangs is not reached, and is
/// again afterwards; a run keeps what it saw last of it.
#[test]
fn l01_the_inventory_is_what_the_nodes_say() {
    let Some(stack) = stack("l01") else { return };
    let shop = Shop::new(&stack, "l01");
    shop.load(54.0);
    let _filler = Filler::new(&stack, "member1", ("2", 3));
    let mut driver = shop.start("--live", &[]);
    until("it drives", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
    assert_eq!(driver.end(), 0, "{}", driver.said());
    // 3 nodes of 4 cores and 8 GiB, of which others have 3 times 2 cores and 1 GiB; our own are free to us.
    let sums = || {
        let seen = shop.observe();
        let near = entry(&seen, "clusters", "near");
        near["allocatable"]["cpu_cores"] == 6.0 && near["allocatable"]["memory_bytes"] == 21_u64 << 30
    };
    until("Karmada's sums are there", SOON, sums);
    let seen = shop.observe();
    assert_eq!(entry(&seen, "clusters", "near")["nodes"], 3);
    assert_eq!(entry(&seen, "clusters", "far")["nodes"], 2);
    let front = entry(&seen, "services", "front");
    let ready: u64 = front["clusters"].as_array().into_iter().flatten().filter_map(|one| one["ready"].as_u64()).sum();
    assert_eq!(ready, 4, "{front}");
    assert!(front["rate_per_s"].as_f64().is_some_and(|rate| (rate - 54.0).abs() < 6.0), "{front}");

    let frozen = stack.freeze("api-member1");
    let seen = shop.observe();
    assert_eq!(entry(&seen, "clusters", "near")["reachable"], false, "{seen}");
    assert_eq!(entry(&seen, "clusters", "far")["reachable"], true, "{seen}");
    drop(frozen);
    until("it is reached again", SOON, || entry(&shop.observe(), "clusters", "near")["reachable"] == true);
}

/// "What if I lose the near cluster now?": a drill and a what-if on the live state, soon enough to be asked in an incident.
#[test]
#[expect(clippy::disallowed_methods, reason = "how long an answer takes is told")]
fn what_if_questions_start_from_the_live_state() {
    let Some(stack) = stack("now") else { return };
    let shop = Shop::new(&stack, "now");
    shop.load(54.0);
    let mut driver = shop.start("--live", &[]);
    until("it drives", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
    assert_eq!(driver.end(), 0, "{}", driver.said());
    let start = Instant::now();
    let answer =
        shop.ask("drill", &["--until", "30min", "--for", "20min", "--seeds", "1", "--no-search", "--format", "json"]);
    eprintln!("drill on the live state: {:.2} s (program built as this test is)", start.elapsed().as_secs_f64());
    let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
    assert!(answer.to_string().contains("near"), "{answer}");
    let load = std::fs::read_to_string(shop.folder.path().join("runs/shop/now/load.csv")).expect("the load is kept");
    let rate: f64 = load.lines().nth(1).and_then(|line| line.rsplit(',').next()?.parse().ok()).expect("a rate");
    assert!((rate - 54.0).abs() < 6.0, "{load}");
    let answer =
        shop.ask("whatif", &["--until", "10min", "--seeds", "2", "--change", "lose cluster near", "--policy", "naive"]);
    assert!(answer.contains("lose cluster near"), "{answer}");
}

/// What `smo observe` complains of where it ends with this exit code.
fn complaint(shop: &Shop<'_>, code: i32, more: &[&str]) -> String {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/live/shop.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_smo"));
    let done = command.arg("observe").arg(scenario).arg(shop.connection()).args(more).output().expect("smo starts");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{said}");
    said
}

/// What Prometheus kept becomes a scenario that runs, also when the recording is interrupted and asked for again.
#[test]
fn the_past_becomes_a_scenario_that_can_be_simulated() {
    let Some(stack) = stack("past") else { return };
    let mut shop = Shop::new(&stack, "past");
    shop.load(54.0);
    wait(18);
    let out = shop.folder.path().join("recorded");
    let arguments = ["--from", "13s", "--step", "1s", "--out", out.to_str().expect("a plain path")];
    shop.ask("observe", &arguments);
    let load = std::fs::read_to_string(out.join("load.csv")).expect("it is there");
    let rates: Vec<f64> = load.lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse().ok()).collect();
    assert!(rates.len() >= 10 && rates.iter().skip(6).all(|rate| (rate - 54.0).abs() < 6.0), "{load}");
    // Asked for again: the same files, nothing twice.
    shop.ask("observe", &arguments);
    assert_eq!(std::fs::read_to_string(out.join("load.csv")).expect("it is there"), load);
    let scenario = out.join("scenario.yaml");
    let done = smo(&[
        "simulate",
        scenario.to_str().expect("a plain path"),
        "--seeds",
        "1",
        "--out",
        out.to_str().expect("plain"),
    ]);
    assert!(done.contains("1 policy"), "{done}");
    // By other queries it would be another recording; what nobody measures, or asks for, is none.
    shop.connect(&["services", "front", "rate"], json!("sum(rate(nobody_has_this[5s]))"));
    let said = complaint(&shop, 2, &arguments);
    assert!(said.contains("of other services, clusters or queries, or from another Prometheus"), "{said}");
    let empty = shop.folder.path().join("empty");
    let said = complaint(&shop, 1, &["--from", "13s", "--step", "1s", "--out", empty.to_str().expect("a plain path")]);
    assert!(said.contains("nobody measured the rate of `front`") && !empty.join("scenario.yaml").exists(), "{said}");
    shop.connect(&["services", "front"], json!({}));
    let unasked = shop.folder.path().join("unasked");
    let said =
        complaint(&shop, 2, &["--from", "13s", "--step", "1s", "--out", unasked.to_str().expect("a plain path")]);
    assert!(said.contains("nobody measures the rate of `front`; say by `rate`") && !unasked.exists(), "{said}");
}
