//! A run is a pure function of its manifest: again, and with any number of threads, it leaves the same bytes; and who
//! alters a record is found out.

use crate::program::{scratch, smo};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// sha256 of every file below a directory but `timing.json`, which alone may differ.
fn hashes(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(directory: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if !path.ends_with("timing.json") {
                let digest = Sha256::digest(std::fs::read(&path).unwrap());
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), digest.to_vec());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

/// What two directories do not have alike.
fn differing(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (hashes(one), hashes(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

#[test]
fn two_runs_and_any_number_of_threads_leave_the_same_bytes() {
    let scenarios = ["scenarios/quickstart.yaml", "scenarios/flash-crowd.yaml", "scenarios/cluster-loss.yaml"];
    let simulate = |threads: &str| {
        let scratch = scratch();
        let options = ["--seeds", "2", "--until", "90min", "-j", threads];
        let said = smo(scratch.path(), ["simulate"].into_iter().chain(scenarios).chain(options)).well();
        (scratch, said.out)
    };
    let (one, said) = simulate("1");
    let files = hashes(&one.path().join("runs"));
    assert!(files.len() >= 3 * (2 * 4 + 1) && files.contains_key("quickstart/report.html"), "{:?}", files.keys());
    for threads in ["2", "2", "7"] {
        let (other, said_too) = simulate(threads);
        let differing = differing(&one.path().join("runs"), &other.path().join("runs"));
        assert!(differing.is_empty(), "-j {threads}: {differing:?}");
        assert_eq!(said, said_too, "-j {threads}");
    }
}

#[test]
fn replay_says_identical_and_finds_the_line_that_was_altered() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let simulate =
        ["simulate", "scenarios/quickstart.yaml", "--policy", "greedy+rate", "--seeds", "2", "--until", "3h"];
    smo(scratch.path(), simulate).well();
    let said = smo(scratch.path(), ["replay", "runs"]).well();
    assert_eq!(said.out, "runs/quickstart/greedy+rate-1: identical\nruns/quickstart/greedy+rate-2: identical\n");

    let decisions = at("runs/quickstart/greedy+rate-1/decisions.jsonl");
    let lines: Vec<String> = std::fs::read_to_string(&decisions).unwrap().lines().map(str::to_owned).collect();
    let mut altered = lines.clone();
    assert!(altered.len() > 7, "{altered:?}");
    altered[6] = altered[6].replacen("\"at_s\":", "\"at_s\":1", 1);
    assert_ne!(altered[6], lines[6]);
    std::fs::write(&decisions, altered.join("\n") + "\n").unwrap();
    let said = smo(scratch.path(), ["replay", "runs/quickstart/greedy+rate-1"]);
    assert_eq!(said.code, 1, "{said:?}");
    for wanted in ["decisions.jsonl: line 7", "recorded ", "repeated ", "was altered after the run"] {
        assert!(said.out.contains(wanted), "wanted {wanted:?}: {}", said.out);
    }
}

#[test]
fn replay_names_the_input_that_has_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let generate = |seed: &str| {
        let trace =
            ["trace", "generate", "--services", "gateway=9/s", "--noise", "0.1", "--out", "load.csv", "--seed", seed];
        smo(scratch.path(), trace).well();
    };
    generate("1");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.yaml");
    let set = format!("traces.0.file={}", scratch.path().join("load.csv").display());
    let scenario = scenario.display().to_string();
    let simulate = ["simulate", &scenario, "--policy", "greedy", "--seeds", "1", "--until", "1h", "--set", &set];
    smo(scratch.path(), simulate).well();
    smo(scratch.path(), ["replay", "runs"]).well();
    generate("2");
    let said = smo(scratch.path(), ["replay", "runs"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("load.csv: its sha256 was "), "{}", said.out);
    std::fs::remove_file(scratch.path().join("load.csv")).unwrap();
    let said = smo(scratch.path(), ["replay", "runs"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("cannot be repeated") && said.out.contains("load.csv"), "{}", said.out);
}
