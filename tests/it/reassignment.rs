//! The public instances of machine reassignment: what their given assignments cost, to the unit, and that these are sound.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use smo::input::tables::reassignment::{assignment, problem};
use smo::solver::reassignment::{breaches, cost};
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
