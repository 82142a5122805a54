//! What the original decides about places: re-placement in all its versions, carbon, consolidation.
//!
//! Verdict and objective have to be the same, and the placement one of the optima that are listed. Where the original
//! fails by a slip (a transposed matrix, text for numbers), ours has to fail too, in its own words.

use crate::vectors_smo::Vector;
use serde_json::Value;
use smo::model::{ClusterId, ServiceId, Table};
use smo::policy::joint::nephele_2024::decide_placement_2024;
use smo::policy::placement::carbon_aware::{CarbonError, Weights, carbon_aware};
use smo::policy::placement::green::{footprint, green_consolidation};
use smo::policy::placement::naive::{FirstFitError, Inputs};
use smo::policy::placement::nephele_placement::{Relocation, RelocationError, Version, decide_placement, need_of_text};

/// A judgement: nothing, or what is different.
type Judged = Result<(), String>;

const NODES: u32 = 1_000_000;

/// The inputs of all placements, as far as they are of the right types.
struct Given {
    capacities: Vec<f64>,
    accelerated: Vec<bool>,
    cores: Vec<f64>,
    accelerate: Vec<bool>,
    replicas: Vec<u32>,
}

/// Numbers; `None` where there is something else.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// Flags as booleans or numbers; text counts as the original's reading of it does: whatever is not empty is true.
fn flags(value: &Value) -> Option<Vec<bool>> {
    let flag = |value: &Value| match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => Some(!text.is_empty()),
        number => number.as_f64().map(|number| number > 0.0),
    };
    value.as_array()?.iter().map(flag).collect()
}

impl Given {
    /// The inputs, with cores that are text multiplied as text is.
    fn of(vector: &Vector) -> Option<Self> {
        let given = |key: &str| &vector.inputs[key];
        let replicas: Vec<u32> =
            numbers(given("replicas"))?.into_iter().map(crate::vectors_smo_replicas::count).collect::<Option<_>>()?;
        let cores = given("cpu_limits").as_array()?.iter().zip(&replicas).map(|(cores, count)| match cores {
            Value::String(text) => Some(need_of_text(text, *count)? / f64::from(*count)),
            number => number.as_f64(),
        });
        Some(Self {
            capacities: numbers(given("cluster_capacities"))?,
            accelerated: flags(given("cluster_accelerations"))?,
            cores: cores.collect::<Option<_>>()?,
            accelerate: flags(given("accelerations"))?,
            replicas,
        })
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            capacities: &self.capacities,
            accelerated: &self.accelerated,
            cores: &self.cores,
            accelerate: &self.accelerate,
            replicas: &self.replicas,
        }
    }
}

/// The matrix, `None` where there is none or it is no matrix of numbers.
fn current(vector: &Vector) -> Option<Vec<Vec<f64>>> {
    vector.inputs["current_placement"].as_array()?.iter().map(numbers).collect()
}

fn matrix(places: &Table<ServiceId, ClusterId>, clusters: usize) -> Value {
    let row = |cluster: &ClusterId| (0..clusters).map(|e| i32::from(e == cluster.0 as usize)).collect::<Vec<_>>();
    places.values().map(row).collect::<Vec<_>>().into_iter().map(|row| serde_json::json!(row)).collect()
}

/// Whether two matrices have the same numbers.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_array(), other.as_array()) {
        (Some(one), Some(other)) => one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b)),
        _ => one.as_f64().is_some() && one.as_f64() == other.as_f64(),
    }
}

fn near(found: f64, expected: &Value) -> bool {
    expected.as_f64().is_some_and(|expected| (found - expected).abs() <= 1e-6)
}

/// A placement with its objective against the expectation of an optimiser.
fn judge_optimum(found: &Result<(Value, f64), String>, expect: &Value) -> Judged {
    let same = match found {
        Err(_) => expect["feasible"] != Value::Bool(true),
        Ok((places, objective)) => {
            let listed = expect["all_optima"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_optimum = listed.is_empty() || listed.iter().any(|optimum| is_same(optimum, places));
            expect["feasible"] == Value::Bool(true) && near(*objective, &expect["objective"]) && is_optimum
        }
    };
    let words = match (found, &expect["error"]["message"]) {
        (Err(found), Value::String(wanted))
            if wanted.starts_with("Optimal placement") || wanted.starts_with("Re-opt") =>
        {
            // What text was made of has no message of ours that the original would have.
            found == wanted || found.starts_with("inputs of the wrong type")
        }
        _ => true,
    };
    if same && words { Ok(()) } else { Err(format!("{found:?} instead of {expect}")) }
}

/// Re-placement, as services call it and in the versions that are given.
pub fn judge_placement(vector: &Vector) -> Judged {
    let clusters = vector.inputs["cluster_capacities"].as_array().map_or(0, Vec::len);
    let decide = |version| {
        let Some(given) = Given::of(vector) else { return Err("inputs of the wrong type".to_owned()) };
        decide_placement(&given.inputs(), current(vector).as_deref(), version, NODES).map_err(|error| error.to_string())
    };
    let answer = |found: Result<Relocation, String>| {
        found.map(|found| {
            assert!(found.is_proved, "{}: not proved", vector.id);
            (matrix(&found.places, clusters), found.objective)
        })
    };
    judge_optimum(&answer(decide(Version::Service)), &vector.expect)?;
    for (name, version) in
        [("fork_utils_decide_placement", Version::Utils), ("upstream_glpk_list_input", Version::Upstream)]
    {
        if let Some(expect) = vector.variants.get(name) {
            judge_version(&answer(decide(version)), expect, vector).map_err(|what| format!("{name}: {what}"))?;
        }
    }
    Ok(())
}

/// A version that says whether it succeeds, with one of its solutions and, where it is another one, its objective.
fn judge_version(found: &Result<(Value, f64), String>, expect: &Value, vector: &Vector) -> Judged {
    let wanted = if expect["objective"].is_null() { &vector.expect["objective"] } else { &expect["objective"] };
    let same = match found {
        Err(_) => expect["success"] == Value::Bool(false),
        Ok((_, objective)) => expect["success"] == Value::Bool(true) && near(*objective, wanted),
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {expect}")) }
}

/// The program of 2024, by its model.
pub fn judge_placement_2024(vector: &Vector) -> Judged {
    let clusters = vector.inputs["cluster_capacities"].as_array().map_or(0, Vec::len);
    let is_initial = vector.inputs["initial_placement"].as_bool().unwrap_or(false);
    let found = Given::of(vector).zip(current(vector)).ok_or("inputs of the wrong type".to_owned());
    let found = found.and_then(|(given, current)| {
        decide_placement_2024(&given.inputs(), &current, is_initial).map_err(|error| error.to_string())
    });
    judge_optimum(&found.map(|found| (matrix(&found.places, clusters), found.objective)), &vector.expect)
}

/// Moves against carbon.
pub fn judge_carbon(vector: &Vector) -> Judged {
    let clusters = vector.inputs["cluster_capacities"].as_array().map_or(0, Vec::len);
    let given = Given::of(vector).zip(numbers(&vector.inputs["cluster_carbon_costs"]));
    let Some((given, costs)) = given else {
        return judge_optimum(&Err("inputs of the wrong type".to_owned()), &vector.expect);
    };
    let found = carbon_aware(&given.inputs(), &costs, current(vector).as_deref(), Weights::default());
    let words = |error: CarbonError| error.to_string();
    judge_optimum(&found.map(|found| (matrix(&found.places, clusters), found.objective)).map_err(words), &vector.expect)
}

/// Consolidation, which is deterministic.
pub fn judge_green(vector: &Vector) -> Judged {
    let clusters = vector.inputs["cluster_capacities"].as_array().map_or(0, Vec::len);
    let expect = &vector.expect;
    let given = Given::of(vector).zip(numbers(&vector.inputs["cluster_carbon_costs"]));
    let Some((given, costs)) = given else {
        return if expect["success"] == Value::Bool(false) {
            Ok(())
        } else {
            Err("inputs of the wrong type".to_owned())
        };
    };
    let found = green_consolidation(&given.inputs(), &costs);
    let same = match &found {
        Ok(places) => {
            expect["success"] == Value::Bool(true)
                && is_same(&matrix(places, clusters), &expect["solution"])
                && near(footprint(&given.inputs(), &costs, places), &expect["footprint"])
        }
        Err(error) => {
            let (ours, theirs) = (error.to_string(), expect["error"]["message"].as_str().unwrap_or_default());
            let is_python = theirs.contains("empty sequence");
            expect["success"] == Value::Bool(false) && (is_python || crate::vectors_smo::same_words(&ours, theirs))
        }
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {expect}")) }
}

/// A placement that is worse, or not feasible, is noticed; so is a wrong message.
#[test]
fn vectors_of_placements_that_are_wrong_are_noticed() {
    let expect = serde_json::json!({"feasible": true, "objective": 3.0, "all_optima": [[[1, 0]]]});
    let place = |row: [i32; 2]| serde_json::json!([row]);
    assert!(judge_optimum(&Ok((place([1, 0]), 3.0)), &expect).is_ok());
    for wrong in [Ok((place([0, 1]), 3.0)), Ok((place([1, 0]), 4.0)), Err("infeasible".to_owned())] {
        assert!(judge_optimum(&wrong, &expect).is_err(), "{wrong:?}");
    }
    let infeasible =
        serde_json::json!({"feasible": false, "error": {"message": RelocationError::Infeasible.to_string()}});
    assert!(judge_optimum(&Err(RelocationError::Infeasible.to_string()), &infeasible).is_ok());
    assert!(judge_optimum(&Err(FirstFitError::NoClusters.to_string()), &infeasible).is_err());
}
