//! What the original makes of clusters, limits and placement matrices.

use crate::vectors_smo::Vector;
use serde_json::{Value, json};
use smo::backend::manifest::matrix::{by_cluster, by_service};
use smo::input::kubernetes::{cluster_info, limit_cores, memory_text};

/// A judgement: nothing, or what is different.
type Judged = Result<(), String>;

/// Two JSON values with numbers compared as numbers.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap_or(f64::NAN), other.as_f64().unwrap_or(f64::NAN));
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => one == other,
    }
}

/// `found` against a value under `key`, or an error of both.
fn compare(found: &Result<Value, String>, vector: &Vector, key: &str) -> Judged {
    let wants_error = !vector.expect["error"].is_null();
    let same = match found {
        Ok(found) => !wants_error && alike(found, &vector.expect[key]),
        Err(_) => wants_error,
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {}", vector.expect)) }
}

/// Bytes as text.
pub fn judge_memory_text(vector: &Vector) -> Judged {
    let given = &vector.inputs["bytes"];
    #[expect(clippy::cast_possible_truncation, reason = "bytes of a cluster are below 2^53")]
    let bytes = given.as_i64().or_else(|| given.as_f64().map(|bytes| bytes.trunc() as i64));
    compare(&bytes.map(|bytes| json!(memory_text(bytes))).ok_or("no number of bytes".to_owned()), vector, "text")
}

/// Cores of a limit.
pub fn judge_limit(vector: &Vector) -> Judged {
    let text = vector.inputs["limit"].as_str().ok_or("a limit that is no text".to_owned());
    let found = text.and_then(|text| limit_cores(text).map_err(|error| error.to_string()));
    compare(&found.map(|cores| json!(cores)), vector, "cores")
}

/// A Karmada cluster.
pub fn judge_cluster_info(vector: &Vector) -> Judged {
    let found = cluster_info(&vector.inputs).map(Value::from).map_err(|error| error.to_string());
    compare(&found, vector, "result")
}

/// Services by cluster.
pub fn judge_swap(vector: &Vector) -> Judged {
    let Some(placement) = vector.inputs["placement"].as_object() else { return Err("no placement".to_owned()) };
    let pairs = placement.iter().map(|(service, cluster)| (service.as_str(), cluster.as_str().unwrap_or_default()));
    compare(&Ok(by_cluster(pairs).into()), vector, "result")
}

/// Clusters by service. A row without a one is left out by one version and an error in another.
pub fn judge_convert(vector: &Vector) -> Judged {
    let names = |key: &str| {
        serde_json::from_value::<Vec<String>>(vector.inputs[key].clone()).map_err(|error| error.to_string())
    };
    let matrix: Vec<Vec<f64>> =
        serde_json::from_value(vector.inputs["matrix"].clone()).map_err(|error| error.to_string())?;
    let found = by_service(&matrix, &names("services")?, &names("clusters")?);
    compare(&found.map(Value::from).map_err(|error| error.to_string()), vector, "result")
}
