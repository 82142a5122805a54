//! `smo fit` as people meet it: what it says and writes, refusals, what is told of bad input.

use crate::program::{scratch, smo};
use serde_json::Value;
use smo::capacity::Series;
use smo::capacity::synthetic::Truth;
use smo::seed::Seed;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

pub const EXAMPLE: &str = "scenarios/observations/three-services.csv.gz";

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What was fitted of a service: one replica's value and interval, and by what.
pub fn fitted(said: &Value, service: &str) -> (f64, f64, f64, String) {
    let fits = said["fits"].as_array().unwrap();
    let one = fits.iter().find(|one| one["service"] == service).unwrap_or_else(|| panic!("{service} in {said:#}"));
    let replica = &one["fitted"]["per_replica"];
    let number = |key: &str| replica[key].as_f64().unwrap();
    let by = one["fitted"]["identified_by"].as_str().unwrap().to_owned();
    (number("value"), number("low"), number("high"), by)
}

/// A generated service as CSV, with the columns of monitoring.
pub fn csv(series: &Series) -> String {
    let mut text =
        "time,service,class,replicas_ready,offered_per_s,requests_per_s,cpu_cores,cpu_limit_cores,latency_mean_s\n"
            .to_owned();
    for row in 0..series.len() {
        let at = 1_709_208_000 + series.at[row].0 / 1_000_000_000;
        let of = |column: &[f64]| column.get(row).copied().unwrap_or(f64::NAN);
        let (offered, completed) = (of(&series.offered), of(&series.completed));
        let (cpu, limit, latency) = (of(&series.cpu), of(&series.cpu_limit), of(&series.latency_mean));
        let (service, replicas) = (&series.service, of(&series.replicas));
        writeln!(text, "{at},{service},edge,{replicas},{offered},{completed},{cpu},{limit},{latency}").unwrap();
    }
    text
}

/// The same as answers of Prometheus, a file a metric.
pub fn answers(directory: &Path, series: &Series) -> Vec<String> {
    let columns: [(&str, &[f64]); 5] = [
        ("replicas_ready", &series.replicas),
        ("offered_per_s", &series.offered),
        ("requests_per_s", &series.completed),
        ("cpu_cores", &series.cpu),
        ("cpu_limit_cores", &series.cpu_limit),
    ];
    let write = |(name, column): &(&str, &[f64])| {
        let value =
            |(at, value): (&smo::units::Time, &f64)| format!("[{},\"{value}\"]", 1_709_208_000 + at.0 / 1_000_000_000);
        let values: Vec<String> = series.at.iter().zip(*column).map(value).collect();
        let result = format!("{{\"metric\":{{\"service\":\"{}\"}},\"values\":[{}]}}", series.service, values.join(","));
        let text = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{result}]}}}}");
        let file = format!("{name}.json");
        fs::write(directory.join(&file), text).unwrap();
        file
    };
    columns.iter().map(write).collect()
}

/// `cart` serves 30 a replica and `web` 55; of `mail` nothing is known that would tell.
#[test]
fn a_fit_says_how_much_how_sure_and_by_what_and_refuses_what_nobody_can_know() {
    let scratch = scratch();
    let said = smo(scratch.path(), ["fit", EXAMPLE, "--format", "json"]).well();
    let found = json(&said.out);
    let (cart, low, high, by) = fitted(&found, "cart");
    assert!((cart / 30.0 - 1.0).abs() < 0.05, "{cart}");
    assert!(low <= 30.0 * 1.05 && high >= 30.0 * 0.95 && low < high, "{low} {high}");
    assert!(["saturation", "cpu"].contains(&by.as_str()), "{by}");
    let (web, ..) = fitted(&found, "web");
    assert!((web / 55.0 - 1.0).abs() < 0.15, "{web}");
    let mail = found["fits"].as_array().unwrap().iter().find(|one| one["service"] == "mail").unwrap();
    assert!(!mail["refused"]["would_help"].as_array().unwrap().is_empty(), "{mail}");
    let said = smo(scratch.path(), ["fit", EXAMPLE]).well();
    for wanted in ["cart", "identified by", "refused   mail on edge", "help"] {
        assert!(said.out.contains(wanted), "wanted {wanted}\n{}", said.out);
    }
    smo(scratch.path(), ["fit", EXAMPLE, "--service", "mail"]).refused(3, "");
}

#[test]
fn plain_regression_is_far_too_low_and_says_so() {
    let scratch = scratch();
    let said = smo(scratch.path(), ["fit", EXAMPLE, "--method", "ols"]).well();
    assert!(said.out.contains("warning: plain regression"), "{}", said.out);
    let said = smo(scratch.path(), ["fit", EXAMPLE, "--method", "ols", "--service", "cart", "--format", "json"]).well();
    let (cart, ..) = fitted(&json(&said.out), "cart");
    assert!(cart < 0.75 * 30.0, "{cart}");
}

#[test]
fn the_output_is_the_same_for_any_number_of_threads_and_files_are_whole() {
    let scratch = scratch();
    let run = |jobs: &str, out: &str| {
        let arguments =
            ["fit", EXAMPLE, "-j", jobs, "--out", out, "--report", "fit.html", "--design", "--format", "json"];
        let said = smo(scratch.path(), arguments).well();
        (
            said.out,
            fs::read(scratch.path().join(out)).unwrap(),
            fs::read_to_string(scratch.path().join("fit.html")).unwrap(),
        )
    };
    let (one, two) = (run("1", "a.yaml"), run("2", "b.yaml"));
    assert_eq!(one, two);
    let page = &one.2;
    for wanted in
        ["How much can a replica serve?", "<svg", "cart on edge", "Refused", "Coefficients", "Drift", "</html>"]
    {
        assert!(page.contains(wanted), "wanted {wanted}");
    }
    assert!(json(&one.0)["fits"][0]["design"]["experiments"].as_array().is_some_and(|plan| !plan.is_empty()));
}

/// Rows of a service that never scales, is off, or is too short to tell: refusals with a reason, never a number.
#[test]
fn what_cannot_be_known_is_refused_with_what_would_help() {
    let scratch = scratch();
    let head = "time_s,service,replicas_ready,requests_per_s\n";
    let rows = |count: u32, replicas: u32, rate: f64| {
        let row = |row: u32| format!("{},web,{replicas},{}\n", row * 60, rate * f64::from(1 + row % 7));
        (0..count).map(row).collect::<Vec<_>>().concat()
    };
    for (name, text) in [
        ("short.csv", head.to_owned() + &rows(5, 2, 3.0)),
        ("constant.csv", head.to_owned() + &rows(600, 2, 3.0)),
        ("off.csv", head.to_owned() + &rows(600, 0, 0.0)),
    ] {
        fs::write(scratch.path().join(name), text).unwrap();
        let said = smo(scratch.path(), ["fit", name, "--out", "none.yaml"]).refused(3, "");
        assert!(said.out.contains("refused   web") && said.out.contains("help"), "{name}: {}", said.out);
        let file = fs::read_to_string(scratch.path().join("none.yaml")).unwrap();
        assert!(file.contains("refused:") && !file.contains("alpha"), "{file}");
    }
}

#[test]
fn wrong_input_and_options_are_told_and_nothing_is_written() {
    let scratch = scratch();
    let broken = "time_s,replicas_ready,requests_per_s\n0,1,2\n60,1,-4\n";
    fs::write(scratch.path().join("broken.csv"), broken).unwrap();
    let refused = |arguments: &[&str], said: &str| drop(smo(scratch.path(), arguments).refused(2, said));
    refused(&["fit", "broken.csv", "--out", "x.yaml"], "broken.csv: line 3: field `requests_per_s`: -4 is negative");
    assert!(!scratch.path().join("x.yaml").exists());
    refused(&["fit", "absent.csv"], "absent.csv: cannot be read");
    refused(&["fit", EXAMPLE, "--service", "nobody"], "--service nobody: nothing was observed of it");
    refused(&["fit", EXAMPLE, "--ceiling", "120%"], "--ceiling 1.2: not a share of the limit");
    refused(&["fit", EXAMPLE, "--capacity-quantile", "60%"], "not a lower quantile");
    refused(&["fit", EXAMPLE, "--column", "cpu"], "maps no column");
    refused(&["fit", EXAMPLE, "--timezone", "Mars"], "--timezone Mars is no zone");
    refused(&["fit", "scenarios"], "a directory without manifest.json");
    refused(&["backtest", EXAMPLE, "--train", "100%"], "nothing is left to train on or to predict");
    fs::write(scratch.path().join("bad.yaml"), "capacity_quantile: 0.1\nservices: {cart: {edge: {}}}\n").unwrap();
    refused(&["backtest", EXAMPLE, "--capacity", "bad.yaml"], "neither or both of a capacity and a refusal");
}

/// A fitted file in a scenario: what is declared stays true, and the careful quantile asks for more replicas.
#[test]
fn scenarios_believe_fitted_capacities_and_stay_true_to_what_is_declared() {
    let scratch = scratch();
    let file =
        "capacity_quantile: 0.1\nservices:\n  gateway:\n    all: {capacity: {alpha: 60}, capacity_low: {alpha: 30}}\n";
    fs::write(scratch.path().join("fitted.yaml"), file).unwrap();
    let text = |quantile: &str| {
        format!(
            "question: Is it believed?\napplication: {{services: [{{name: gateway, cpu: 1, memory: 1 GiB, capacity: 60 /s, replicas: {{max: 100}}}}]}}\n\
             inventory: scenarios/inventories/edge-cloud.yaml\ntraces: [{{file: traces/day.csv.gz, service: gateway}}]\n\
             capacities: {{file: fitted.yaml, quantile: {quantile}}}\npolicies: [\"greedy+rate\"]\nuntil: 3 h\nseeds: 1\n"
        )
    };
    let mut hours = Vec::new();
    for quantile in ["50 %", "10 %"] {
        fs::write(scratch.path().join("s.yaml"), text(quantile)).unwrap();
        let said = smo(scratch.path(), ["simulate", "s.yaml", "--format", "json"]).well();
        hours.push(
            json(&said.out)["runs"][0]["summary"]["replica_hours"].as_f64().unwrap_or_else(|| panic!("{}", said.out)),
        );
    }
    assert!(hours[1] > 1.7 * hours[0], "twice the replicas at the careful quantile: {hours:?}");
    fs::write(scratch.path().join("s.yaml"), text("60 %")).unwrap();
    smo(scratch.path(), ["simulate", "s.yaml"]).refused(2, "not a quantile to plan by");
}

/// Three levels without times are a load test; three hundred minutes without times are none, and where two clusters of a class were
/// watched they are one fit.
#[test]
fn rows_without_times_are_a_load_test_and_clusters_of_a_class_are_one_fit() {
    let scratch = scratch();
    fs::write(scratch.path().join("levels.csv"), "replicas,requests_per_s\n1,30\n2,61\n4,119\n").unwrap();
    let said = smo(scratch.path(), ["fit", "levels.csv"]).well();
    assert!(said.out.contains("saturation") && said.out.contains("Rows have no time"), "{}", said.out);
    let minutes: String = (0..300).fold("replicas,requests_per_s\n".to_owned(), |text, at| text + &format!("3,{at}\n"));
    fs::write(scratch.path().join("minutes.csv"), minutes).unwrap();
    let said = smo(scratch.path(), ["fit", "minutes.csv"]).refused(2, "300 rows have no time");
    assert!(said.err.contains("--load-test"), "{}", said.err);

    let truth = Truth { minutes: 1000, saturated: 0.05, ..Truth::default() };
    let mut text = String::new();
    for (seed, cluster) in [(1, "north"), (2, "south")] {
        let table = csv(&truth.series("shop", Seed(seed)));
        for (row, line) in table.lines().enumerate() {
            match (row, text.is_empty()) {
                (0, true) => writeln!(text, "{line},cluster").unwrap(),
                (0, false) => {}
                _ => writeln!(text, "{line},{cluster}").unwrap(),
            }
        }
    }
    fs::write(scratch.path().join("two.csv"), text).unwrap();
    let said = json(&smo(scratch.path(), ["fit", "two.csv", "--format", "json"]).well().out);
    assert_eq!(said["fits"].as_array().unwrap().len(), 1);
    let (value, ..) = fitted(&said, "shop");
    assert!((value / 30.0 - 1.0).abs() < 0.02, "{value}");
}
