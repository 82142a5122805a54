//! `smo plan` on a world small enough to be planned by hand, and what every policy's explanation has to keep.
//!
//! Two clusters and a tainted one. A replica of `web` takes 2 cores: at 0.03 $ a core-hour it costs 0.06 $/h in `a` (4 cores,
//! room for 2) and at 0.05 $ 0.10 $/h in `b` (8 cores, room for 4). It serves 10 /s.

use crate::program::{Said, scratch, smo};
use crate::worlds;
use serde_json::Value;
use smo::model::explanation::{Limit, Verdict, wanted};
use smo::model::{check, explanation};
use smo::policy::placement::PLACEMENTS;
use smo::policy::{Budget, PolicySpec};
use smo::seed::Seed;
use std::path::Path;
use tempfile::TempDir;

const INVENTORY: &str = "\
clusters:
  - {name: a, pools: [{name: p, cpu: 4, memory: 16 GiB, nodes: 1, price_per_hour: 0.12 $}]}
  - {name: b, pools: [{name: p, cpu: 8, memory: 16 GiB, nodes: 1, price_per_hour: 0.40 $}]}
  - {name: c, taints: ['team=x:NoSchedule'], pools: [{name: p, cpu: 8, memory: 16 GiB, nodes: 1, price_per_hour: 0.08 $}]}
";

const APPLICATION: &str = "\
name: shop
services:
  - {name: web, cpu: 2, memory: 1 GiB, capacity: 10 /s}
";

const OTHER: &str = "\
name: extra
services:
  - {name: side, cpu: 1, memory: 1 GiB, capacity: 10 /s}
  - {name: deep, cpu: 1, memory: 1 GiB, capacity: 10 /s}
calls:
  - {from: side, to: deep, per_request: 50 %}
";

fn files() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, content) in [("inventory.yaml", INVENTORY), ("shop.yaml", APPLICATION), ("extra.yaml", OTHER)] {
        std::fs::write(home.path().join(name), content).unwrap();
    }
    home
}

fn plan(home: &Path, more: &[&str]) -> Said {
    smo(home, ["plan", "inventory.yaml", "shop.yaml"].iter().chain(more))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

/// 24 /s with head-room of 20 % are 28.8 /s: 3 replicas. Two go to `a`, the third to `b`.
/// Objective: 2 · 0.06 + 0.10 + 3 · 0.02 (starts) = 0.28, and a tie-break in the sixth digit.
/// Next best: one of `a` in `b` instead, 0.04 dearer. `a` would hold the third replica with 2 cores more.
#[cfg(feature = "milp")]
#[test]
fn the_best_plan_is_explained_as_worked_out_by_hand() {
    let home = files();
    let said = plan(home.path(), &["--rate", "web=24", "--policy", "milp", "--explain"]).well().out;
    let wanted = [
        "shop at 00:00: 3 replicas of 1 service by milp",
        "web      24.0 /s  3         a (2), b (1)",
        "web   3 replicas → a (2), b (1)",
        "  because fewest replicas that serve the rate with head-room: rate_per_s 24, with_headroom_per_s 28.8, replicas 3",
        "  a  chosen    price 0.0600 $/h + start 0.0200 $ each; full after 2 (cpu binds: nothing left)",
        "  b  chosen    price 0.1000 $/h + start 0.0200 $ each; room for 3 more (cpu binds: 6 cores left)",
        "  c  filtered  the taint team is not tolerated",
        "  next best +0.0400: a (1), b (2).   Would fit wholly on a with 2 cores more.",
        "objective 0.2800, bound 0.2800 (gap 0.00 %), tier separable: proved best",
        "milp: the cheapest assignment by HiGHS, moves priced, with bound and gap",
    ];
    for line in wanted {
        assert!(said.lines().any(|one| one == line), "wanted {line:?} in\n{said}");
    }
}

/// What is said of the terms is what the objective counts: replicas · (price + start + tie-break), and the refused ones.
#[cfg(feature = "milp")]
#[test]
fn terms_add_up_to_the_objective() {
    let home = files();
    for rate in ["web=24", "web=70"] {
        let said = plan(home.path(), &["--rate", rate, "--policy", "milp", "--explain", "--format", "json"]);
        let plan = json(&said);
        let candidates = plan["services"][0]["explanation"]["candidates"].as_array().unwrap();
        let terms = |candidate: &Value| {
            let terms = candidate["terms"].as_array().into_iter().flatten();
            terms.map(|term| term["value"].as_f64().unwrap()).sum::<f64>()
        };
        let placed: f64 = candidates.iter().map(|one| one["replicas"].as_f64().unwrap_or(0.0) * terms(one)).sum();
        let refused: f64 =
            plan["refusals"].as_array().unwrap().iter().map(|one| one["replicas"].as_f64().unwrap()).sum();
        let shortage = refused * plan["quality"]["shortage"].as_f64().unwrap();
        let objective = plan["quality"]["objective"].as_f64().unwrap();
        assert!(
            (placed + shortage - objective).abs() < 1e-9 * objective,
            "{rate}: {placed} + {shortage} ≠ {objective}"
        );
    }
}

/// Goal: the number is chosen with the place, and terms explain what the second best costs, calls included.
/// Method: at 07:00 the second best is a whole service in another cluster, dearer by the difference of all replicas' terms. At
/// 19:30 482 pictures/s with 20 % head-room are 578.4 /s: 15 replicas in the cloud (40·15 − 4 = 596), but 17 at an edge (36·17 − 4 =
/// 608, and 572 with 16), where 15 have room: nothing is second best.
#[test]
fn terms_explain_what_the_second_best_costs_with_its_calls() {
    let home = scratch();
    let first_at = |time: &str| {
        let arguments = ["plan", "scenarios/quickstart.yaml", "--at", time, "--explain", "--format", "json"];
        json(&smo(home.path(), arguments).well())["services"][0].clone()
    };
    let service = first_at("07:00");
    let explanation = &service["explanation"];
    let each = |cluster: &str| -> f64 {
        let candidates = explanation["candidates"].as_array().unwrap();
        let terms = candidates.iter().find(|one| one["cluster"] == cluster).unwrap()["terms"].as_array().unwrap();
        assert_eq!(cluster != "edge-1", terms.iter().any(|term| term["name"] == "calls"), "{terms:?}");
        terms.iter().map(|term| term["value"].as_f64().unwrap()).sum()
    };
    assert_eq!(service["targets"], serde_json::json!({"edge-1": 3}));
    let (to, replicas) = explanation["next_best"]["targets"].as_object().unwrap().iter().next().unwrap();
    let dearer = replicas.as_f64().unwrap() * each(to) - 3.0 * each("edge-1");
    let difference = explanation["next_best"]["difference"].as_f64().unwrap();
    assert!((dearer - difference).abs() < 1e-5, "{dearer} against {difference}");

    let service = first_at("19:30");
    assert_eq!((&service["service"], &service["targets"]["cloud-1"]), (&"image-compression-vo".into(), &15.into()));
    assert!(service["explanation"]["next_best"].is_null(), "{}", service["explanation"]);
}

/// 70 /s with head-room are 84 /s: 9 replicas, of which 2 + 4 have room.
#[test]
fn what_finds_no_place_is_named_and_the_exit_code_says_so() {
    let home = files();
    for format in ["table", "json", "yaml", "karmada", "helm"] {
        let said = plan(home.path(), &["--rate", "web=70/s", "--policy", "greedy", "--format", format]);
        assert_eq!(said.code, 3, "{format}: {}", said.err);
        assert!(said.out.contains("web") && said.err.is_empty(), "{format}: {}", said.err);
    }
    let said = plan(home.path(), &["--rate", "web=70", "--policy", "greedy"]);
    assert!(said.out.contains("\nrefused   web: 3 of 9 replicas: no cluster has room, "), "{}", said.out);
    let plan = json(&plan(home.path(), &["--rate", "web=70", "--policy", "greedy", "--format", "json"]));
    assert_eq!((&plan["services"][0]["replicas"], &plan["refusals"][0]["replicas"]), (&6.into(), &3.into()));
}

/// Policies without an objective say their rule, how they rank the clusters, and who comes next.
#[test]
fn rules_are_told_where_there_is_no_objective() {
    let home = files();
    let told = |policy: &str| plan(home.path(), &["--rate", "web=14", "--explain", "--policy", policy]).well().out;
    // 14 /s with head-room are 16.8 /s: 2 replicas. `a` is the first and is full with them.
    let greedy = told("greedy+rate");
    assert!(greedy.contains("greedy: largest replica first, onto the fullest cluster that still has room"), "{greedy}");
    assert!(greedy.contains("  a  chosen      56 % full; full after 2 (cpu binds: nothing left)"), "{greedy}");
    assert!(greedy.contains("  b  not chosen  0 % full; room for 4 more (cpu binds: 8 cores left)"), "{greedy}");
    assert!(greedy.contains("  next best: a (1), b (1)."), "{greedy}");
    assert!(greedy.contains("no objective: the policy goes by its rule"), "{greedy}");
    // By price the 0.03 $ of `a` win as well.
    assert!(told("greedy:by=price+rate").contains("a core 0.0300 $/h + 56 % full"), "{}", told("greedy:by=price+rate"));
    // Where most is free afterwards: first `b` (6/8 of the CPU and 15/16 of the memory; `a` 2/4 and 15/16), then `a`, since
    // a second one would leave 4/8 and 14/16 of `b`.
    let spread = told("spread+rate");
    assert!(spread.contains("web   2 replicas → a (1), b (1)"), "{spread}");
    assert!(spread.contains("% free with one more"), "{spread}");
    let naive = told("naive+rate");
    assert!(naive.contains("  a  chosen      no. 1 in order; full after 2"), "{naive}");
    assert!(naive.contains("  next best: b (2)."), "{naive}");
}

/// Two applications are planned as one; 12 calls a second at `side` make 6 at `deep`.
#[test]
fn several_applications_are_planned_together_and_rates_follow_calls() {
    let home = files();
    let said = smo(
        home.path(),
        ["plan", "inventory.yaml", "shop.yaml", "extra.yaml", "--rate", "side=12", "--format", "json"],
    );
    let plan = json(&said.well());
    assert_eq!(plan["name"], "shop+extra");
    let rates: Vec<Option<f64>> =
        plan["services"].as_array().unwrap().iter().map(|one| one["rate_per_s"].as_f64()).collect();
    assert_eq!(rates, [None, Some(12.0), Some(6.0)], "nothing is known of `web`: missing is not zero");
    let twice = smo(home.path(), ["plan", "inventory.yaml", "shop.yaml", "shop.yaml"]);
    twice.refused(2, "web");
}

#[test]
fn plans_are_written_into_files_one_a_service() {
    let home = files();
    for (format, wanted) in
        [("karmada", "web.yaml"), ("helm", "web.values.yaml"), ("json", "plan.json"), ("table", "plan.txt")]
    {
        let said = plan(home.path(), &["--format", format, "--out", "out"]).well();
        assert_eq!(said.out, format!("out/{wanted}\n"));
        let written = std::fs::read_to_string(home.path().join("out").join(wanted)).unwrap();
        assert_eq!(written, plan(home.path(), &["--format", format]).well().out, "{format}");
    }
}

/// Goal: values begin with those of the descriptor, and its implementer says where the plan's go.
/// Method: a virtual object (`WOT`) with values of its own, and a chart (`HELM`) that it calls.
#[test]
fn helm_values_begin_with_what_the_descriptor_says() {
    let home = files();
    let service = |id: &str, implementer: &str, calls: &str, values: &str| {
        format!(
            "  - id: {id}\n    deployment: {{trigger: {{auto: {{dependencies: []}}}}, intent: {{compute: {{cpu: small, ram: small}}, \
             connectionPoints: [{calls}]}}}}\n    artifact: {{ociImage: \"oci://registry.example/{id}\", ociConfig: {{type: App, \
             implementer: {implementer}}}, valuesOverwrite: {values}}}\n"
        )
    };
    let descriptor = format!(
        "hdaGraph:\n  imVersion: 0.4.0\n  id: pair\n  services:\n{}{}",
        service("camera", "WOT", "finder", "{voChartOverwrite: {cpu: 2}, image: a}"),
        service("finder", "HELM", "", "{image: b}"),
    );
    let scenario = "question: q?\napplication: {descriptor: pair.yaml, services: {camera: {capacity: 10 /s}, finder: {capacity: 10 /s}}}\n\
                    inventory: inventory.yaml\ntraces: [{file: load.csv, service: camera}]\npolicies: [greedy]\n";
    let load = "timestamp_s,service,requests_per_s\n0,camera,5\n60,camera,5\n";
    for (name, content) in [("pair.yaml", descriptor.as_str()), ("scenario.yaml", scenario), ("load.csv", load)] {
        std::fs::write(home.path().join(name), content).unwrap();
    }
    let arguments = ["plan", "scenario.yaml", "--policy", "greedy", "--format", "helm", "--out", "values"];
    smo(home.path(), arguments).well();
    let read = |name: &str| std::fs::read_to_string(home.path().join("values").join(name)).unwrap();
    let (camera, finder) = (read("camera.values.yaml"), read("finder.values.yaml"));
    let below = camera.split("voChartOverwrite:").nth(1).unwrap();
    assert!(camera.contains("image: a") && below.contains("cpu: 2") && below.contains("clustersAffinity"), "{camera}");
    assert!(finder.contains("\nclustersAffinity") && finder.contains("image: b"), "{finder}");
    assert!(!finder.contains("voChartOverwrite"), "{finder}");
}

#[test]
fn the_same_question_has_the_same_answer_to_the_byte() {
    let home = files();
    for format in ["json", "yaml", "karmada", "helm", "table"] {
        let ask = || plan(home.path(), &["--rate", "web=24", "--explain", "--format", format]).well().out;
        assert_eq!(ask(), ask(), "{format}");
    }
}

#[test]
fn wrong_questions_are_refused_with_the_way_out() {
    let home = files();
    let cases: [(&[&str], &str); 9] = [
        (&["inventory.yaml"], "name an application behind it: `smo plan inventory.yaml APP`"),
        (&["nowhere.yaml", "shop.yaml"], "there is no file `nowhere.yaml`"),
        (&["inventory.yaml", "nowhere.yaml"], "there is no file `nowhere.yaml`"),
        (&["inventory.yaml", "inventory.yaml"], "inventory.yaml: line"),
        (&["inventory.yaml", "shop.yaml", "--rate", "wbe=5"], "no service is called `wbe`"),
        (&["inventory.yaml", "shop.yaml", "--rate", "web"], "write `service=rate`"),
        (&["inventory.yaml", "shop.yaml", "--rate", "web=-5"], "is not a rate"),
        (&["inventory.yaml", "shop.yaml", "--variant", "x"], "an inventory has no variants"),
        (&["inventory.yaml", "shop.yaml", "--format", "helm", "--wot", "wbe"], "no service is called `wbe`"),
    ];
    for (arguments, wanted) in cases {
        smo(home.path(), ["plan"].iter().chain(arguments)).refused(2, wanted);
    }
    let scratch = scratch();
    let quick = "scenarios/quickstart.yaml";
    smo(scratch.path(), ["plan", quick, "scenarios/applications/web.yaml"]).refused(2, "has its application");
    smo(scratch.path(), ["plan", quick, "--at", "9 d"]).refused(2, "the load ends at");
    smo(scratch.path(), ["plan", quick, "--variant", "mars"]).refused(2, "no variant is called `mars`");
}

/// The load of the working day: at 19:30 the evening peak, more than at night.
#[test]
fn a_scenario_is_planned_with_the_load_of_the_instant() {
    let scratch = scratch();
    let rate = |at: &str| {
        let said = smo(scratch.path(), ["plan", "scenarios/quickstart.yaml", "--at", at, "--format", "json"]).well();
        json(&said)["services"][0]["rate_per_s"].as_f64().unwrap()
    };
    assert!(rate("19:30") > 1.5 * rate("0 s"));
    // The cluster that is lost from 19:30 on is called lost half a minute later, and filtered then.
    let lost = |at: &str| {
        let said = smo(scratch.path(), ["plan", "scenarios/cluster-loss.yaml", "--at", at, "--explain"]).well().out;
        said.contains("  edge-1   filtered    it cannot be reached")
    };
    assert!(!lost("19:29") && lost("19:40") && !lost("20:30"));
}

/// Every policy's plans in awkward worlds: whoever got replicas was open to them, and room means room.
#[test]
fn explanations_agree_with_the_checker() {
    for seed in 0..60 {
        let snapshot = worlds::random(seed);
        for placement in PLACEMENTS {
            let policy: PolicySpec = format!("{}+rate", placement.name).parse().unwrap();
            let mut deciding = policy.build().unwrap();
            let plan = deciding.decide(&snapshot, &Budget::default(), &mut Seed(1).stream("policy", 0)).unwrap();
            let explained = deciding.explain(&snapshot, &plan);
            for (service, reasons) in explained.services.iter() {
                let label = format!("{} in world {seed}, {service:?}: {reasons:?}", placement.name);
                assert_eq!(reasons.wanted, wanted(&plan, service), "{label}");
                for (cluster, candidate) in reasons.candidates.iter() {
                    assert_eq!(candidate.replicas(), plan.targets.get(service, cluster), "{label}");
                    if let Verdict::Open { room, .. } = candidate.verdict
                        && room.more > 0
                        && room.more < 1_000
                    {
                        let mut more = plan.clone();
                        more.targets.set(service, cluster, candidate.replicas() + room.more);
                        let breaks = |found: &check::Violation| {
                            matches!(
                                found,
                                check::Violation::Overcommitted { .. } | check::Violation::Ineligible { .. }
                            )
                        };
                        assert!(!check::violations(&snapshot, &more).iter().any(breaks), "{label}");
                        // What was there before is never held against a plan, be it too much.
                        let is_empty = snapshot.targets.iter().all(|target| target.cluster != cluster);
                        if is_empty && matches!(room.limit, Limit::Resource(..)) {
                            more.targets.set(service, cluster, candidate.replicas() + room.more + 1);
                            assert!(check::violations(&snapshot, &more).iter().any(breaks), "{label}");
                        }
                    }
                }
                if let Some(next) = &reasons.alternative {
                    assert!(!next.targets.is_empty() && next.targets != plan.targets.of(service), "{label}");
                    let moved: u32 = next.targets.iter().map(|target| target.replicas).sum();
                    let is_free = crate::policies::CHOOSE_NUMBERS.contains(&placement.name);
                    let most = if is_free { snapshot.service(service).replicas_max } else { reasons.wanted };
                    assert!(moved <= most.max(reasons.wanted), "{label}");
                }
            }
            assert_eq!(explanation::explain(&snapshot, &plan).services.len(), explained.services.len());
        }
    }
}

/// Done when most of 149 days' pods are there, on 1,523 nodes: a plan with a bound. Without the data it says so and skips.
#[test]
fn the_busiest_instant_of_real_tasks_is_planned_with_a_bound() {
    if crate::data_dir().is_none() {
        return println!("skipped: no SMO_DATA_DIR and no ../shared/data for openb");
    }
    let scratch = scratch();
    let said = smo(scratch.path(), ["plan", "scenarios/real/openb.yaml", "--policy", "anytime", "--format", "json"]);
    assert!([0, 3].contains(&said.code), "{}", said.err);
    let plan = json(&said);
    let replicas: u64 = plan["services"].as_array().unwrap().iter().filter_map(|one| one["replicas"].as_u64()).sum();
    assert_eq!(replicas, 56, "the most pods that are there at once, had none of them waited");
    assert!(plan["quality"]["bound"].is_number(), "{}", plan["quality"]);
}
