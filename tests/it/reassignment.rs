//! The public instances of machine reassignment: what their given assignments cost, to the unit, and that these are sound.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use crate::program::smo;
use smo::input::tables::reassignment::{assignment, problem};
use smo::solver::reassignment::{Budget, breaches, cost, search};
use std::path::PathBuf;

const INSTANCES: [(&str, u128); 10] = [
    ("a1_1", 49_528_750),
    ("a1_2", 1_061_649_570),
    ("a1_3", 583_662_270),
    ("a1_4", 632_499_600),
    ("a1_5", 782_189_690),
    ("a2_1", 391_189_190),
    ("a2_2", 1_876_768_120),
    ("a2_3", 2_272_487_840),
    ("a2_4", 3_223_516_130),
    ("a2_5", 787_355_300),
];

fn folder() -> Option<PathBuf> {
    let folder = data_dir().map(|data| data.join("roadef2012_A"));
    if folder.is_none() {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data");
    }
    folder
}

#[test]
fn given_assignments_cost_what_the_challenge_states_and_break_no_rule() {
    let Some(folder) = folder() else { return };
    for (name, wanted) in INSTANCES {
        let problem = problem(&folder.join(format!("model_{name}.txt"))).unwrap();
        let given = assignment(&folder.join(format!("assignment_{name}.txt")), &problem).unwrap();
        assert_eq!(cost(&problem, &given, &given).total(), wanted, "{name}");
        let stated = std::fs::read_to_string(folder.join(format!("original_cost_{name}.txt"))).unwrap();
        assert_eq!(stated.trim(), wanted.to_string(), "{name}");
        assert_eq!(breaches(&problem, &given, &given), [], "{name}");
    }
}

#[test]
fn broken_models_name_the_line_and_what_would_follow() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("model.txt");
    for (text, wanted) in [
        ("", "the file ends where a number of resources would follow"),
        ("1\n0 x\n", "line 2: `x` is no weight of a load"),
        ("1\n2 10\n", "line 2: transient flag 2 is too large"),
        ("1\n0 10\n1\n0 0 5", "the file ends where a safety capacity would follow"),
        ("99999999999\n", "line 1: number of resources 99999999999 is too large"),
        ("0\n0\n0\n0\n0\n1 1 1\n7\n", "line 7: more numbers follow than belong here"),
        ("0\n0\n1\n0 1 1\n", "line 4: service 1 is too large"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = problem(&path).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

/// Goal: what the search answers on real instances keeps every rule, costs what it says, and never more than staying.
#[test]
fn answers_on_public_instances_are_sound_and_cheaper() {
    let Some(folder) = folder() else { return };
    for (name, original) in INSTANCES {
        let problem = problem(&folder.join(format!("model_{name}.txt"))).unwrap();
        let given = assignment(&folder.join(format!("assignment_{name}.txt")), &problem).unwrap();
        let answer = search(&problem, &given, 1, Budget { steps: 60_000, time: None }).unwrap();
        assert_eq!(breaches(&problem, &given, &answer.assignment), [], "{name}");
        assert_eq!(cost(&problem, &given, &answer.assignment).total(), answer.cost, "{name}");
        assert!(answer.cost < original, "{name}: {}", answer.cost);
    }
}

/// A folder with an instance of two machines, on the first of which all are too many.
fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let model = "1 0 10  2  0 0 20 5 0 1  0 1 20 5 1 0  2  1 0  1 0  2  0 5 1  1 5 1  0  1 1 1\n";
    std::fs::write(folder.path().join("model_x.txt"), model).unwrap();
    std::fs::write(folder.path().join("assignment_x.txt"), "0 0\n").unwrap();
    folder
}

/// Both on one machine cost 10 · (10 − 5); one that moves costs 1 + 1 + 1. All of a run is the same whatever `-j`.
#[test]
fn the_command_finds_prints_and_writes_the_cheapest_assignment() {
    let folder = small();
    std::fs::write(folder.path().join("lb_x.txt"), "2\n").unwrap();
    let options = ["--steps", "2000", "--searches", "2", "--out", "found"];
    let table = smo(folder.path(), ["bench", "roadef", "."].iter().chain(&options)).well().out;
    assert!(table.lines().count() == 2 && table.contains("+50.0000 %"), "{table}");
    let written = std::fs::read_to_string(folder.path().join("found/new_assignment_x.txt")).unwrap();
    assert!(["0 1\n", "1 0\n"].contains(&written.as_str()), "{written}");
    let json = |jobs: &str| {
        let words = ["bench", "roadef", ".", "--format", "json", "-j", jobs];
        let printed = smo(folder.path(), words.iter().chain(&options)).well().out;
        let mut value: serde_json::Value = serde_json::from_str(&printed).unwrap();
        value["instances"][0].as_object_mut().unwrap().remove("seconds");
        value
    };
    let value = json("1");
    assert_eq!(value, json("2"));
    let row = &value["instances"][0];
    assert_eq!((&row["original_cost"], &row["cost"], &row["lower_bound"]), (&50.into(), &3.into(), &2.into()));
    assert!(row["gurobi_1h"].is_null(), "{row}");
}

#[test]
fn the_command_refuses_bad_folders_files_and_options_with_the_place() {
    let folder = small();
    let bench = |options: &[&str]| smo(folder.path(), ["bench", "roadef"].iter().chain(options));
    bench(&["nowhere"]).refused(2, "nowhere: the folder cannot be read");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    bench(&["empty"]).refused(2, "empty: no instance is there");
    bench(&[".", "--seconds", "0"]).refused(2, "more than 0");
    bench(&[".", "--steps", "0"]).refused(2, "--steps");
    bench(&[".", "--searches", "1001"]).refused(2, "at most 1000");
    std::fs::write(folder.path().join("file"), "").unwrap();
    bench(&[".", "--steps", "10", "--out", "file"]).refused(1, "file: cannot be written");
    let replaced = |name: &str, text: &str, wanted: &str| {
        let folder = small();
        std::fs::write(folder.path().join(name), text).unwrap();
        smo(folder.path(), ["bench", "roadef", ".", "--steps", "10"]).refused(2, wanted);
    };
    replaced("assignment_x.txt", "0 2\n", "assignment_x.txt: line 1: machine 2 is too large");
    replaced("original_cost_x.txt", "51\n", "original_cost_x.txt: states 51, but the given assignment costs 50");
    replaced("lb_x.txt", "-1\n", "lb_x.txt: the file is to hold one whole number");
    replaced("model_y.txt", "1 0 10", "model_y.txt: line 1: the file ends where a number of machines would follow");
    let full = "1 0 10  2  0 0 9 5 0 1  0 1 20 5 1 0  2  1 0  1 0  2  0 5 1  1 5 1  0  1 1 1\n";
    replaced("model_x.txt", full, "machine 0 has 10 of resource 0 in use, more than its 9");
    let vast = "1 0 4000000000000000000  2  0 0 20 5 0 1  0 1 20 5 1 0  2  1 0  1 0  2  0 5 1  1 5 1  0  1 1 1\n";
    replaced("model_x.txt", vast, "instance x: the amounts are too large");
}
