//! `smo backtest` as people meet it: fit, simulate, back test, on a run and on a dump of Prometheus; drift; the page.

use crate::fit_commands::{EXAMPLE, answers, csv, fitted, json};
use crate::program::{scratch, smo};
use smo::capacity::synthetic::Truth;
use smo::seed::Seed;
use std::fs;

#[track_caller]
fn fits_100_columns(text: &str) {
    let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
    assert!(widest.chars().count() <= 100, "{} columns: {widest}", widest.chars().count());
}

/// Self-contained, and says what a reader who was not there asks: which way is better, over which hours, how sure.
#[track_caller]
fn is_a_page(page: &str) {
    for wanted in [
        "Does the model predict what came after?",
        "<svg",
        "CPU of all replicas in cores",
        "Ready replicas, time since",
        "lower is better",
        "nearest 90 % is better",
        "begin of the test part",
        "Tested over",
        "saturation missed",
        "What the figures mean",
        "<code>smo backtest",
        "</html>",
    ] {
        assert!(page.contains(wanted), "wanted {wanted}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "the page asks for nothing from outside");
}

/// Three commands on a recorded run. The world's gateway serves 36 or 40 a replica, less 4; with fits in the place of what was
/// declared, a second run is like the first.
#[test]
fn fit_simulate_backtest_go_round_on_a_run_directory() {
    let scratch = scratch();
    let scenario = fs::read_to_string(scratch.path().join("scenarios/new-version.yaml")).unwrap();
    let scenario = scenario
        .replace("applications/", "scenarios/applications/")
        .replace("inventories/", "scenarios/inventories/")
        .replace("../traces/", "traces/")
        .replace("truth:\n  gateway: {changes: [{at: 12 h, capacity_factor: 50 %}]}\n", "");
    let kept = |line: &&str| !line.starts_with("  - greedy") && !line.starts_with("expect:");
    let scenario: Vec<&str> = scenario.split("variants:").next().unwrap().lines().filter(kept).collect();
    let scenario = scenario.join("\n") + "\n";
    fs::write(scratch.path().join("base.yaml"), &scenario).unwrap();
    smo(scratch.path(), ["simulate", "base.yaml", "--seeds", "1"]).well();
    let run = "runs/base/greedy+rate-headroom=20pct-1";
    smo(scratch.path(), ["fit", run, "--ceiling", "100%", "--out", "capacity.yaml", "--report", "fit.html"]).well();
    let fitted = fs::read_to_string(scratch.path().join("capacity.yaml")).unwrap();
    assert!(fitted.contains("gateway:") && fitted.contains("identified_by: cpu"), "{fitted}");
    fs::write(scratch.path().join("again.yaml"), format!("{scenario}capacities: capacity.yaml\n")).unwrap();
    let said = smo(scratch.path(), ["simulate", "again.yaml", "--seeds", "1"]).well();
    let again = "runs/again/greedy+rate-headroom=20pct-1";
    let manifest = json(&fs::read_to_string(scratch.path().join(again).join("manifest.json")).unwrap());
    assert!(manifest["notes"].to_string().contains("Policies believe the capacities in capacity.yaml"), "{}", said.out);
    assert!(manifest["inputs"].to_string().contains("capacity.yaml"));
    smo(scratch.path(), ["replay", again]).well();
    let arguments = ["backtest", again, "--capacity", "capacity.yaml", "--train", "70%", "--format", "json"];
    let said = smo(scratch.path(), arguments).well();
    for service in json(&said.out)["services"].as_array().unwrap() {
        assert!(service["cpu"]["mape"].as_f64().unwrap() < 0.02, "{service:#}");
        assert!(service["drift"]["drifted"] == false, "{service:#}");
    }
    let arguments = ["backtest", again, "--capacity", "capacity.yaml", "--report", "backtest.html"];
    let said = smo(scratch.path(), arguments).well();
    assert!(said.out.starts_with("Yes: the model predicts what came after, for gateway"), "{}", said.out);
    assert!(said.out.contains("No drift: in the test part"), "{}", said.out);
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for limit in ["at most 10 % for CPU and 30 % for latency", "at most 10 % of the saturated", "at most 5 % of all"] {
        assert!(words.contains(limit), "{limit} in {words}");
    }
    let is_tiny = |word: &str| word.contains('e') && word.parse::<f64>().is_ok();
    assert!(!words.split(' ').any(is_tiny), "rounding of the machine is told as none: {}", said.out);
    fits_100_columns(&said.out);
    is_a_page(&fs::read_to_string(scratch.path().join("backtest.html")).unwrap());
}

/// Three commands on answers of Prometheus to range queries; the simulation takes the service as it was fitted, and the fit of
/// a table of the same samples agrees.
#[test]
fn fit_simulate_backtest_go_round_on_a_dump_of_prometheus() {
    let scratch = scratch();
    let truth = Truth { saturated: 0.05, minutes: 1440, ..Truth::default() };
    let series = truth.series("shop", Seed(3));
    let files = answers(scratch.path(), &series);
    fs::write(scratch.path().join("shop.csv"), csv(&series)).unwrap();
    let mut arguments =
        vec!["fit".to_owned(), "--format".to_owned(), "json".to_owned(), "--out".to_owned(), "c.yaml".to_owned()];
    arguments.extend(files.clone());
    let dump = smo(scratch.path(), &arguments).well();
    let (value, ..) = fitted(&json(&dump.out), "shop");
    let table = smo(scratch.path(), ["fit", "shop.csv", "--column", "latency_mean_s=", "--format", "json"]).well();
    let (other, ..) = fitted(&json(&table.out), "shop");
    assert!((value / 30.0 - 1.0).abs() < 0.05 && (value / other - 1.0).abs() < 1e-6, "{value} {other}");
    let mut arguments = vec!["backtest", "--capacity", "c.yaml", "--train", "70%", "--format", "json"];
    arguments.extend(files.iter().map(String::as_str));
    let said = smo(scratch.path(), arguments).well();
    let one = &json(&said.out)["services"][0];
    assert!(one["cpu"]["mape"].as_f64().unwrap() < 0.1 && one["cpu"]["coverage"].as_f64().unwrap() > 0.7, "{one:#}");
    assert!(
        one["saturated"].as_u64().unwrap() > 0
            && one["saturation_missed"].as_u64().unwrap() <= one["saturated"].as_u64().unwrap() / 4,
        "{one:#}"
    );
    let scenario = "question: Do policies believe it?\n\
         application: {services: [{name: shop, cpu: 1, memory: 1 GiB, replicas: {max: 100}}]}\n\
         inventory: scenarios/inventories/edge-cloud.yaml\ntraces: [{file: day.csv, service: shop}]\n\
         capacities: c.yaml\npolicies: [\"greedy+rate\"]\nuntil: 2 h\nseeds: 1\n";
    fs::write(scratch.path().join("day.csv"), "timestamp_s,service,requests_per_s\n0,shop,100\n7200,shop,200\n")
        .unwrap();
    fs::write(scratch.path().join("simulated.yaml"), scenario).unwrap();
    smo(scratch.path(), ["simulate", "simulated.yaml"]).well();
    let mut arguments = vec!["backtest", "--capacity", "c.yaml", "--report", "backtest.html"];
    arguments.extend(files.iter().map(String::as_str));
    let said = smo(scratch.path(), arguments).well();
    assert!(said.out.contains("tested    shop: 2024-03-01 "), "{}", said.out);
    fits_100_columns(&said.out);
    let page = fs::read_to_string(scratch.path().join("backtest.html")).unwrap();
    is_a_page(&page);
    assert!(page.contains("time since 2024-02-29 12:0"), "the time of the pictures has its date");
}

/// A version at minute 1000 halves the capacity: the verdict has its date, 16 h 40 min after 2024-02-29 12:00.
#[test]
fn without_a_file_drift_is_that_of_the_series_and_has_its_date() {
    let scratch = scratch();
    let truth = Truth { change: Some((1000, 0.5)), minutes: 1700, ..Truth::default() };
    fs::write(scratch.path().join("shop.csv"), csv(&truth.series("shop", Seed(1)))).unwrap();
    let said = smo(scratch.path(), ["backtest", "shop.csv", "--train", "50%", "--format", "json"]).well();
    let one = &json(&said.out)["services"][0];
    assert_eq!(one["drift"]["drifted"], true, "{one:#}");
    let at = one["drift_at"].as_str().unwrap();
    assert!(at.starts_with("2024-03-01 04:") || at.starts_with("2024-03-01 05:"), "{at}");
    assert!(one["cpu"]["bias"].as_f64().unwrap() < -0.3, "half of what the requests cost is not predicted: {one:#}");
}

/// Goal: with a file drift is departure from it over the test part, dated by its first sample.
/// Method: the file is fitted to another day of the same service; a version at minute 1300 of 1700 halves the capacity, which is
/// 2024-03-01 09:40 (the table begins on 2024-02-29 at 12:00). Before minute 850 nothing is judged, nor is anything after an
/// unchanged day.
#[test]
fn with_a_file_drift_is_departure_from_it_and_has_its_date() {
    let scratch = scratch();
    let truth = Truth { minutes: 1_700, ..Truth::default() };
    let write = |name: &str, truth: &Truth, seed: u64| {
        fs::write(scratch.path().join(name), csv(&truth.series("shop", Seed(seed)))).unwrap();
    };
    write("before.csv", &truth, 1);
    write("same.csv", &truth, 2);
    write("changed.csv", &Truth { change: Some((1_300, 0.5)), ..truth.clone() }, 2);
    write("reverted.csv", &Truth { change: Some((400, 0.5)), ..truth }, 2);
    smo(scratch.path(), ["fit", "before.csv", "--out", "c.yaml"]).well();
    let tested = |name: &str| {
        let arguments = ["backtest", name, "--capacity", "c.yaml", "--train", "50%", "--format", "json"];
        json(&smo(scratch.path(), arguments).well().out)
    };
    let same = tested("same.csv");
    assert_eq!(
        (&same["services"][0]["drift"]["drifted"], &same["services"][0]["predicts"]),
        (&false.into(), &true.into())
    );
    assert_eq!(same["drift_of"], "test_part_against_file");
    let changed = &tested("changed.csv")["services"][0];
    let at = changed["drift_at"].as_str().unwrap();
    assert!(at.starts_with("2024-03-01 09:4"), "{at}");
    assert!(changed["drift"]["ratio"].as_f64().unwrap() > 1.7, "{changed:#}");
    assert_eq!(changed["predicts"], false);
    // It had changed before the test part: the departure begins with it, and the part before says that it was not new.
    let earlier = &tested("reverted.csv")["services"][0];
    let at = earlier["drift_at"].as_str().unwrap();
    assert!(at.starts_with("2024-03-01 02:0") || at.starts_with("2024-03-01 02:1"), "{at}");
    assert!(earlier["cpu_over_model_before"].as_f64().unwrap() > 1.3, "{earlier:#}");
    let arguments = ["backtest", "changed.csv", "--capacity", "c.yaml", "--train", "50%", "--report", "backtest.html"];
    let said = smo(scratch.path(), arguments).well();
    assert!(said.out.contains("Drift: shop on edge departs from the model at 2024-03-01 09:4"), "{}", said.out);
    let page = fs::read_to_string(scratch.path().join("backtest.html")).unwrap();
    for wanted in ["<b>Drift</b>: it departs from the model at 2024-03-01 09:4", "since the drift began", "alarm"] {
        assert!(page.contains(wanted), "wanted {wanted}");
    }
}

/// Goal: what cannot be tested is told with its reason, in the table, on the page and in JSON, and the table fits.
/// Method: `mail` of the example was refused; names of Kubernetes at their longest stand on lines of their own.
#[test]
fn refusals_are_said_and_the_table_fits_whatever_names_are() {
    let scratch = scratch();
    smo(scratch.path(), ["fit", EXAMPLE, "--out", "c.yaml"]).well();
    let said = smo(scratch.path(), ["backtest", EXAMPLE, "--capacity", "c.yaml", "--report", "backtest.html"]).well();
    assert!(
        said.out.contains("not tested: mail on edge") && said.out.contains("untested  mail on edge: it was refused"),
        "{}",
        said.out
    );
    fits_100_columns(&said.out);
    let page = fs::read_to_string(scratch.path().join("backtest.html")).unwrap();
    is_a_page(&page);
    assert!(page.contains("<b>Not tested</b>: it was refused"), "the page says why");
    let long = |part: &str| format!("{part}-{}", "x".repeat(61 - part.len()));
    let text = csv(&Truth { minutes: 700, ..Truth::default() }.series("shop", Seed(1)));
    let text = text.replace(",shop,edge,", &format!(",{},{},", long("service"), long("class")));
    fs::write(scratch.path().join("long.csv"), text).unwrap();
    fits_100_columns(
        &smo(scratch.path(), ["backtest", "long.csv"])
            .well()
            .out
            .replace(&format!("{} on {}", long("service"), long("class")), "name"),
    );
    let said = smo(scratch.path(), ["backtest", "long.csv", "--report", "long.html", "--format", "json"]).well();
    assert!(json(&said.out)["answer"][0].as_str().unwrap().contains("predict"), "{}", said.out);
}
