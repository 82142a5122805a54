//! `smo bench SUITE`: tuned on some days, reported on others, and the same bytes however it was run.

use crate::program::{Said, smo};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// One service, 40 requests a second a replica, a node of its own for each replica; 110/s in the first hour, 70/s in the next
/// two.
const SCENARIO: &str = "\
question: How many replicas does it need?
application:
  services:
    - name: web
      cpu: 1
      memory: 1 GiB
      capacity: 40 /s
      replicas: {initial: 2, min: 1, max: 10}
      slo: {latency: 1 s, share: 95 %}
      start: {median: 20 s, p95: 60 s}
inventory:
  clusters:
    - name: cloud
      region: here
      pools: [{name: main, cpu: 1, memory: 4 GiB, nodes: {min: 1, max: 10}, price_per_hour: 1 $}]
traces: [{file: load.csv}]
faults: [{lose: replica web, every: 20 min, for: 1 min}]
policies: [naive]
";

const SUITE: &str = "\
question: Which number of replicas costs the least?
scenarios:
  - {file: web.yaml, train: {until: 1 h}, test: {from: 1 h, until: 2 h}}
  - {name: slow, file: web.yaml, set: {telemetry.delay: 30 s}, train: {until: 1 h}, test: {from: 2 h}}
contestants:
  - naive
  - {name: fixed, policy: greedy+static, tune: {replicas: [1, 4, 9]}}
  - {name: rate, policy: greedy+rate, tune: {headroom: [10 %, 50 %]}}
baseline: naive
bad_million: 100 $
tuning_runs: 8
seeds: {least: 2, most: 4}
precision: 5 %
warm_up: 5 min
";

/// A folder with the scenario, its load and the suite, in which some texts are others.
fn folder(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rate = |minute: u32| if minute < 60 { 110 } else { 70 };
    let rows: Vec<String> = (0..180).map(|minute| format!("{},{}\n", minute * 60, rate(minute))).collect();
    fs::write(at("load.csv"), format!("timestamp_s,web\n{}", rows.concat())).unwrap();
    fs::write(at("web.yaml"), SCENARIO).unwrap();
    let suite = changes.iter().fold(SUITE.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} stands once in the suite");
        text.replace(old, new)
    });
    fs::write(at("suite.yaml"), suite).unwrap();
    folder
}

fn bench(folder: &Path, options: &str) -> Said {
    smo(folder, ["bench"].into_iter().chain(options.split_whitespace()))
}

fn bytes(folder: &Path, out: &str) -> String {
    fs::read_to_string(folder.join(out).join("results.json")).unwrap()
}

fn results(folder: &Path, out: &str) -> Value {
    serde_json::from_str(&bytes(folder, out)).unwrap()
}

fn cell<'a>(results: &'a Value, scenario: &str, contestant: &str) -> &'a Value {
    let cells = results["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["scenario"] == scenario && cell["contestant"] == contestant).unwrap()
}

/// Goal: threads, parts and what was there before change no byte.
/// Method: one process with a thread; with two; three parts, two of them in one folder, joined in another order.
#[test]
fn threads_and_parts_leave_the_bytes_of_one_process() {
    let scratch = folder(&[]);
    let at = scratch.path();
    let said = bench(at, "suite.yaml -j1 --out one --format json").well();
    let one = bytes(at, "one");
    assert_eq!(said.out, one);
    bench(at, "suite.yaml -j2 --out two").well();
    assert_eq!(one, bytes(at, "two"));
    for (shard, out) in [("1/3", "a"), ("2/3", "b"), ("3/3", "b")] {
        let said = bench(at, &format!("suite.yaml --shard {shard} --out {out}")).well();
        assert!(said.out.contains("2 of 6 cells"), "{}", said.out);
    }
    bench(at, "merge b a/part-1-of-3.json --out all").well();
    assert_eq!(one, bytes(at, "all"));

    let refused = |parts: &str, wanted: &str| bench(at, &format!("merge {parts} --out no")).refused(2, wanted);
    refused("a", "no part holds fixed in web");
    refused("a", "`--shard 2/3` makes it");
    refused("a b a/part-1-of-3.json", "both hold naive in web; name each part once");
    refused("one/results.json", "is no part of a suite");
    refused("one", "no part lies there");
    bench(at, "suite.yaml --shard 1/2 --out c").well();
    refused("a b c", "name parts of one division");
    fs::write(at.join("suite.yaml"), SUITE.replace("most: 4", "most: 3")).unwrap();
    bench(at, "suite.yaml --shard 1/3 --out d").well();
    refused("d b", "do not fit together: `suite.yaml` was another file");
    for wrong in ["0/3", "4/3", "3", "a/b", "1/7"] {
        assert_eq!(bench(at, &format!("suite.yaml --shard {wrong} --out e")).code, 2, "{wrong}");
    }
    assert!(!at.join("no").exists() && !at.join("e").exists());
}

/// Goal: a suite that was killed goes on, to the bytes of one that was not.
/// Method: half of the kept runs are removed, one is cut in the middle; what is left is used, for its files stay as they are.
#[test]
fn a_suite_that_was_interrupted_goes_on_to_the_same_bytes() {
    let scratch = folder(&[("warm_up: 5 min", "warm_up: auto")]);
    let at = scratch.path();
    bench(at, "suite.yaml --out one").well();
    let whole = bytes(at, "one");
    fs::remove_file(at.join("one/results.json")).unwrap();
    let mut kept: Vec<_> = fs::read_dir(at.join("one/cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    assert!(kept.len() > 20, "{kept:?}");
    let (gone, kept) = kept.split_at(kept.len() / 2);
    for path in gone {
        fs::remove_file(path).unwrap();
    }
    let text = fs::read_to_string(&kept[0]).unwrap();
    fs::write(&kept[0], &text[..text.len() / 2]).unwrap();
    let made = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before: Vec<_> = kept[1..].iter().map(|path| made(path)).collect();
    bench(at, "suite.yaml --out one --resume").well();
    assert_eq!(whole, bytes(at, "one"));
    assert_eq!(before, kept[1..].iter().map(|path| made(path)).collect::<Vec<_>>());
    assert_eq!(text, fs::read_to_string(&kept[0]).unwrap());

    fs::write(at.join("suite.yaml"), SUITE.replace("most: 4", "most: 3")).unwrap();
    bench(at, "suite.yaml --out one").refused(2, "`--resume` to keep those of its runs that have not changed");
    bench(at, "suite.yaml --out one --resume").well();
    fs::copy(at.join("suite.yaml"), at.join("other.yaml")).unwrap();
    bench(at, "other.yaml --out one --resume").refused(2, "holds the suite suite; name another `--out`");
    bench(at, "suite.yaml --out .").refused(2, "is not empty, and holds no suite");
}

/// Goal: the best knob of the training days is found, and reported on other days.
/// Method: by hand. 110/s need 3 replicas of 40/s; of 1, 2 (declared), 4 and 9 on nodes at 1 $ each, 1 drops 70 and 2 drop
/// 30 a second, 252,000 and 108,000 in an hour at 100 $ a million: 25 $ and 11 $; 4 replicas cost 4 $, 9 cost 9 $. The test
/// hour has 70/s · 3,600 s = 252,000 requests, the training hour 396,000.
#[test]
fn the_best_knob_of_the_training_days_is_reported_on_others() {
    let scratch = folder(&[("warm_up: 5 min", "warm_up: 0 s")]);
    let at = scratch.path();
    bench(at, "suite.yaml").well();
    let page = fs::read_to_string(at.join("bench/suite/report.html")).unwrap();
    assert!(page.contains("replicas=4"), "the page names the knob that was chosen");
    let results = results(at, "bench/suite");
    let fixed = cell(&results, "web", "fixed");
    assert_eq!(fixed["policy"], "greedy+static:replicas=4");
    let tuning = fixed["tuning"].as_array().unwrap();
    let tried: Vec<&str> = tuning.iter().map(|trial| trial["knobs"]["replicas"].as_str().unwrap()).collect();
    assert_eq!(tried, ["declared", "1", "4", "9"]);
    let chosen: Vec<bool> = tuning.iter().map(|trial| trial["chosen"].as_bool().unwrap()).collect();
    assert_eq!(chosen, [false, false, true, false]);
    for trial in tuning {
        let seeds: Vec<u64> =
            trial["runs"].as_array().unwrap().iter().map(|run| run["seed"].as_u64().unwrap()).collect();
        assert_eq!(seeds, [1_000_001, 1_000_002], "8 runs, 4 settings");
    }
    let offered = |run: &Value| run["result"]["Ok"]["requests_offered"].as_f64().unwrap();
    for (number, run) in fixed["runs"].as_array().unwrap().iter().enumerate() {
        assert_eq!(run["seed"].as_u64(), Some(number as u64 + 1));
        assert!((offered(run) - TEST_REQUESTS).abs() < 1.0, "{}", offered(run));
    }
    assert!((offered(&tuning[0]["runs"][0]) - TRAIN_REQUESTS).abs() < 1.0);
    assert!(cell(&results, "web", "naive")["tuning"].as_array().unwrap().is_empty());
    let head = &results["suite"]["scenarios"][0];
    assert_eq!((&head["train"], &head["test"]), (&"the first 1 h".into(), &"from 1 h until 2 h".into()));
    assert_eq!((head["warm_up_s"].as_f64(), head["span_s"].as_f64()), (Some(0.0), Some(3_600.0)));
    let inputs: Vec<&String> = results["suite"]["inputs"].as_object().unwrap().keys().collect();
    assert_eq!(inputs, ["load.csv", "suite.yaml", "web.yaml"]);
}

const TEST_REQUESTS: f64 = 252_000.0;
const TRAIN_REQUESTS: f64 = 396_000.0;

/// Goal: a policy that fails is a gap that is told, and the others are there.
/// Method: a program of the user's that ends at once.
#[test]
fn a_policy_that_fails_is_a_gap_and_the_others_are_compared() {
    let scratch = folder(&[("  - naive\n", "  - naive\n  - {name: broken, policy: \"exec:false\"}\n")]);
    let at = scratch.path();
    let said = bench(at, "suite.yaml --out one").refused(1, "error: broken in web: the run with seed 1 failed: ");
    assert!(said.out.contains("`broken` in `web` failed in 1 of 1 seeds (seed 1: policy"), "{}", said.out);
    let results = results(at, "one");
    let broken = cell(&results, "web", "broken");
    assert_eq!((broken["stopped"].as_str(), broken["runs"].as_array().map(Vec::len)), (Some("failed"), Some(1)));
    assert!(broken["runs"][0]["result"]["Err"].as_str().is_some());
    assert_ne!(cell(&results, "web", "rate")["stopped"], "failed");
}

/// Goal: what is wrong with a suite is said with its place before anything is run, and nothing is left.
#[test]
fn a_suite_with_a_mistake_is_refused_at_its_place() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "replicas: [1, 4, 9]",
            "replica: [1]",
            &["suite.yaml: line 7", "contestants.fixed", "has no knob `replica`", "did you mean `replicas`?"],
        ),
        ("replicas: [1, 4, 9]", "replicas: [many]", &["line 7", "`many` is neither a number"]),
        ("replicas: [1, 4, 9]", "replicas: []", &["line 7", "`contestants.fixed.tune.replicas`", "0 values"]),
        ("replicas: [1, 4, 9]", "replicas: [1, 4, 1]", &["`1` is tried already"]),
        ("policy: greedy+static", "policy: greedy+statik", &["line 7", "did you mean `static`?"]),
        ("least: 2", "least: 1", &["line 12", "`seeds.least`", "write at least 2"]),
        ("most: 4", "most: 1", &["line 12", "`seeds.most`", "less than the least"]),
        ("baseline: naive", "baseline: native", &["line 9", "`baseline`", "did you mean `naive`?"]),
        ("name: rate", "name: fixed", &["line 8", "two contestants are called `fixed`"]),
        ("name: slow, ", "", &["line 4", "two scenarios are called `web`"]),
        ("test: {from: 2 h}", "test: {from: 50 min}", &["line 4", "`scenarios.slow.test`", "tuned on too"]),
        ("until: 2 h", "until: 1 h", &["line 3", "ends before it begins"]),
        ("until: 2 h", "until: 4 h", &["line 3", "scenarios.web", "the test days", "the load ends after 3 h"]),
        ("test: {from: 2 h}", "test: {from: 4 h}", &["line 4", "the test days (from 4 h on)", "load.csv"]),
        ("telemetry.delay: 30 s", "telemetry.delai: 30 s", &["line 4", "telemetry.delai"]),
        (
            "file: web.yaml, train: {until: 1 h}, test: {from: 1 h",
            "file: wob.yaml, train: {until: 1 h}, test: {from: 1 h",
            &["line 3", "wob.yaml"],
        ),
        ("tuning_runs", "tuning_run", &["line 11", "did you mean `tuning_runs`?"]),
        ("question: Which number of replicas costs the least?", "question: \"\"", &["line 1", "the question is empty"]),
        ("bad_million: 100 $\n", "", &["`bad_million`", "smo bench schema"]),
        ("warm_up: 5 min", "warm_up: often", &["line 14", "`auto`, or a time"]),
        ("warm_up: 5 min", "warm_up: 1 h", &["leaves nothing"]),
        ("precision: 5 %", "precision: 0", &["line 13", "more than zero"]),
    ];
    for (old, new, words) in cases {
        let scratch = folder(&[(*old, *new)]);
        let said = bench(scratch.path(), "suite.yaml");
        assert_eq!(said.code, 2, "{new}: {said:?}");
        for word in *words {
            assert!(said.err.contains(word), "{new}: wanted {word:?}, said\n{}", said.err);
        }
        assert!(!scratch.path().join("bench").exists(), "{new}");
    }
}

/// Goal: a gate lets equal results pass, and stops worse ones with its own exit code.
/// Method: the same suite; then with a contestant that may only keep nine replicas; gates that cannot judge. Replicas crash at
/// random, so it takes some seeds until that is sure.
#[test]
fn a_gate_stops_what_got_worse() {
    let (few, enough) = ("seeds: {least: 2, most: 4}", "seeds: {least: 8, most: 8}");
    let scratch = folder(&[(few, enough)]);
    let at = scratch.path();
    bench(at, "suite.yaml --out good").well();
    let gate = |text: &str| fs::write(at.join("gate.yaml"), text).unwrap();
    gate("baseline: good/results.json\nthresholds: [{metric: loss, contestant: fixed, relative: 5 %}]\n");
    bench(at, "suite.yaml --out good --resume --gate gate.yaml").well();
    fs::write(at.join("suite.yaml"), SUITE.replace(few, enough).replace("replicas: [1, 4, 9]", "replicas: [9]"))
        .unwrap();
    let said = bench(at, "suite.yaml --out bad --gate gate.yaml");
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("worse: web: loss of fixed is"), "{}", said.err);

    let refused = |text: &str, wanted: &str| {
        gate(text);
        bench(at, "suite.yaml --out no --gate gate.yaml").refused(2, wanted);
    };
    refused(
        "baseline: nowhere.json\nthresholds: [{metric: loss, relative: 5 %}]\n",
        "there is no file `nowhere.json` to compare with",
    );
    refused("thresholds: [{metric: loss, relative: 5 %}]\n", "`baseline`");
    refused("baseline: web.yaml\nthresholds: [{metric: loss, relative: 5 %}]\n", "is no `results.json` of a suite");
    refused("baseline: good/results.json\nthresholds: []\n", "lets all pass");
    refused("baseline: good/results.json\nthresholds: [{metric: loss}]\n", "how much worse it may be is missing");
    refused("baseline: good/results.json\nthresholds: [{metric: lost, relative: 1 %}]\n", "no metric is called `lost`");
    refused(
        "baseline: good/results.json\nthresholds: [{metric: loss, scenario: wub, relative: 1 %}]\n",
        "the suite has no scenario `wub`; there are web, slow",
    );
    bench(at, "suite.yaml --shard 1/2 --gate gate.yaml").refused(2, "cannot be used with");
    assert!(!at.join("no").exists());
}
