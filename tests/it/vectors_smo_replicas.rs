//! What the original decides about numbers of replicas, and what its variant with upper bounds does.

use crate::vectors_smo::Vector;
use serde_json::Value;
use smo::policy::scaling::nephele::{Inputs, ReplicasError, Rule, decide_replicas, objective};
use smo::solver::scaling::Tie;

/// A judgement: nothing, or what is different.
type Judged = Result<(), String>;

/// The inputs, as far as they are of the right types.
struct Given {
    rates: Vec<f64>,
    previous: Vec<u32>,
    cores: Vec<f64>,
    accelerate: Vec<bool>,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    capacity: f64,
    accelerated: bool,
    maxima: Vec<u32>,
}

/// A number, also as the text `NaN`, `inf` or `-inf`.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A whole number, also one that is written as `3.0`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked to be one")]
pub fn count(number: f64) -> Option<u32> {
    let is_count = number.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&number);
    is_count.then_some(number as u32)
}

fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| Some(number(value)? > 0.0))
}

impl Given {
    fn of(inputs: &Value) -> Option<Self> {
        let list = |key: &str| inputs[key].as_array();
        let numbers = |key| list(key)?.iter().map(number).collect::<Option<Vec<f64>>>();
        let counts = |key| numbers(key)?.into_iter().map(count).collect::<Option<Vec<u32>>>();
        Some(Self {
            rates: numbers("request_rates")?,
            previous: counts("previous_replicas")?,
            cores: numbers("cpu_limits")?,
            accelerate: list("acceleration")?.iter().map(flag).collect::<Option<_>>()?,
            alpha: numbers("alpha")?,
            beta: numbers("beta")?,
            capacity: number(&inputs["cluster_capacity"])?,
            accelerated: flag(&inputs["cluster_acceleration"])?,
            maxima: counts("maximum_replicas")?,
        })
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            rates: &self.rates,
            previous: &self.previous,
            cores: &self.cores,
            accelerate: &self.accelerate,
            alpha: &self.alpha,
            beta: &self.beta,
            capacity: self.capacity,
            accelerated: self.accelerated,
            maxima: &self.maxima,
        }
    }
}

/// Whether `replicas` with their objective are what is expected; lists of optima may be left out.
fn judge(found: &Result<Option<(Vec<u32>, f64)>, String>, expect: &Value) -> Judged {
    let same = match found {
        Err(_) => expect["feasible"].is_null(),
        Ok(None) => expect["feasible"] == Value::Bool(false),
        Ok(Some((replicas, objective))) => {
            let listed = expect["all_optima"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_listed = |optimum: &Value| {
                let optimum: Option<Vec<f64>> =
                    optimum.as_array().and_then(|row| row.iter().map(Value::as_f64).collect());
                optimum.is_some_and(|optimum| optimum.iter().copied().eq(replicas.iter().copied().map(f64::from)))
            };
            let wanted = expect["objective"].as_f64().unwrap_or(f64::NAN);
            expect["feasible"] == Value::Bool(true)
                && (objective - wanted).abs() <= 1e-6
                && (listed.is_empty() || listed.iter().any(is_listed))
        }
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {expect}")) }
}

/// Both ties, and the variant with bounds.
pub fn judge_replicas(vector: &Vector) -> Judged {
    let decide = |rule: Rule| -> Result<Option<(Vec<u32>, f64)>, String> {
        let Some(given) = Given::of(&vector.inputs) else { return Err("inputs of the wrong type".to_owned()) };
        let found = decide_replicas(&given.inputs(), rule).map_err(|error: ReplicasError| error.to_string())?;
        Ok(found.map(|replicas| {
            let objective = objective(&given.inputs(), rule, &replicas);
            (replicas, objective)
        }))
    };
    for tie in [Tie::Present, Tie::Least] {
        judge(&decide(Rule { tie, ..Rule::default() }), &vector.expect).map_err(|what| format!("{tie:?}: {what}"))?;
        if let Some(expect) = vector.variants.get("gurobi_era_with_upper_bound") {
            let bounded = Rule { tie, is_bounded: true, ..Rule::default() };
            judge(&decide(bounded), expect).map_err(|what| format!("with bounds, {tie:?}: {what}"))?;
        }
    }
    Ok(())
}

#[test]
fn vectors_of_replicas_that_are_wrong_are_noticed() {
    let expect = serde_json::json!({"feasible": true, "objective": 0.4, "all_optima": [[1], [2]]});
    assert!(judge(&Ok(Some((vec![2], 0.4))), &expect).is_ok());
    for wrong in [Ok(Some((vec![3], 0.4))), Ok(Some((vec![2], 0.5))), Ok(None), Err("NaN".to_owned())] {
        assert!(judge(&wrong, &expect).is_err(), "{wrong:?}");
    }
}
