//! Decisions of the original, recorded by running its functions: ours must be the same.
//!
//! The file shipped with the tests is joined by those named in `SMO_VECTORS` (paths, separated by colons). Each is one
//! JSON document whose `vectors` hold `function`, `inputs`, `expect` and, where versions differ, `variants`. Functions
//! that this program does not have yet are counted and named. Where the original fails by accident (an empty list, text
//! for a number), ours has to fail too, in its own words.

use crate::vectors_smo_clusters as clusters;
use crate::vectors_smo_decisions as decisions;
use crate::vectors_smo_hdag as hdag;
use crate::vectors_smo_replicas as replicas;
use serde::Deserialize;
use serde_json::Value;
use smo::backend::manifest::helm::imports;
use smo::model::id::Id;
use smo::model::{ClusterId, ServiceId, Table};
use smo::policy::placement::naive::{FirstFitError, Inputs, PreCheck, first_fit};
use smo::policy::scaling::threshold::{Step, Thresholds, step};
use std::collections::BTreeMap;
use std::path::Path;

/// A file: its vectors under a key, beside whatever else there is, or alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Keyed { vectors: Vec<Vector> },
    Alone(Vec<Vector>),
}

#[derive(Deserialize)]
pub struct Vector {
    /// Its name.
    pub id: String,
    function: String,
    /// What the function was given.
    pub inputs: Value,
    /// What it made of it.
    pub expect: Value,
    /// What other versions made of it.
    #[serde(default)]
    pub variants: BTreeMap<String, Value>,
}

/// Judges one vector: nothing, or what is different.
type Judge = fn(&Vector) -> Result<(), String>;

/// The functions that this program has.
const JUDGES: &[(&str, Judge)] = &[
    ("naive_placement", judge_naive),
    ("threshold_scaler", judge_threshold),
    ("translate_cpu", hdag::judge_cpu),
    ("translate_memory", hdag::judge_memory),
    ("translate_storage", hdag::judge_storage),
    ("service_imports", judge_imports),
    ("gpu_flag", hdag::judge_gpu_flag),
    ("create_alert", hdag::judge_alert),
    ("decide_placement", decisions::judge_placement),
    ("decide_placement_gurobi_era", decisions::judge_placement_2024),
    ("carbon_aware", decisions::judge_carbon),
    ("green_consolidation", decisions::judge_green),
    ("decide_replicas", replicas::judge_replicas),
    ("format_memory", clusters::judge_memory_text),
    ("cpu_limit", clusters::judge_limit),
    ("karmada_cluster_info", clusters::judge_cluster_info),
    ("swap_placement", clusters::judge_swap),
    ("convert_placement", clusters::judge_convert),
];

#[test]
fn vectors_of_the_original_are_reproduced() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/smo-vectors.json");
    let named = std::env::var("SMO_VECTORS").unwrap_or_default();
    let paths = std::iter::once(own).chain(named.split(':').filter(|path| !path.is_empty()));
    let differences: Vec<String> = paths.flat_map(|path| differences(Path::new(path))).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn vectors_that_are_wrong_are_noticed() {
    let inputs = serde_json::json!({
        "cluster_capacities": [2.0, 2.0], "cluster_accelerations": [0, 0], "cpu_limits": [1.5], "accelerations": [0], "replicas": [1],
    });
    let expect = serde_json::json!({ "success": true, "solution": [[0, 1]] });
    let vector =
        Vector { id: "X".into(), function: "naive_placement".into(), inputs, expect, variants: BTreeMap::new() };
    assert!(judge_naive(&vector).is_err());
}

/// Every difference of a file, with its path and vector; prints how many passed.
#[expect(clippy::print_stdout, reason = "whoever hands in vectors wants to know how many passed")]
fn differences(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (File::Keyed { vectors } | File::Alone(vectors)) = file;
    let mut differences = Vec::new();
    let mut not_covered = BTreeMap::<&str, u32>::new();
    for (function, judge) in JUDGES {
        let own: Vec<&Vector> = vectors.iter().filter(|vector| vector.function == *function).collect();
        let wrong: Vec<String> = own
            .iter()
            .filter_map(|vector| Some((vector, judge(vector).err()?)))
            .map(|(vector, what)| format!("{}: {}: {what}", path.display(), vector.id))
            .collect();
        println!("{}: {function}: {} of {} passed", path.display(), own.len() - wrong.len(), own.len());
        differences.extend(wrong);
    }
    for vector in &vectors {
        if !JUDGES.iter().any(|(function, _)| *function == vector.function) {
            *not_covered.entry(&vector.function).or_default() += 1;
        }
    }
    println!("{}: not covered yet: {} ({not_covered:?})", path.display(), not_covered.values().sum::<u32>());
    differences
}

#[derive(Deserialize)]
struct NaiveInputs {
    cluster_capacities: Vec<f64>,
    cluster_accelerations: Vec<Value>,
    cpu_limits: Vec<f64>,
    accelerations: Vec<Value>,
    replicas: Vec<u32>,
}

fn judge_naive(vector: &Vector) -> Result<(), String> {
    let place = |check| {
        let Ok(given) = NaiveInputs::deserialize(&vector.inputs) else { return Err(None) };
        let flags = |values: &[Value]| {
            values
                .iter()
                .map(|value| *value == Value::Bool(true) || value.as_f64().is_some_and(|flag| flag > 0.0))
                .collect::<Vec<bool>>()
        };
        let inputs = Inputs {
            capacities: &given.cluster_capacities,
            accelerated: &flags(&given.cluster_accelerations),
            cores: &given.cpu_limits,
            accelerate: &flags(&given.accelerations),
            replicas: &given.replicas,
        };
        first_fit(&inputs, check).map_err(Some)
    };
    compare_placement(&place(PreCheck::Largest), &vector.expect)?;
    match vector.variants.get("upstream_min_capacity_precheck") {
        Some(expect) => {
            compare_placement(&place(PreCheck::Smallest), expect).map_err(|what| format!("early version: {what}"))
        }
        None => Ok(()),
    }
}

/// `Err(None)` stands for inputs that are not even of the right type.
type Placed = Result<Table<ServiceId, ClusterId>, Option<FirstFitError>>;

fn compare_placement(found: &Placed, expect: &Value) -> Result<(), String> {
    let same = match (found, expect["success"].as_bool()) {
        (Ok(places), Some(true)) => {
            places.values().zip(expect["solution"].as_array().into_iter().flatten()).all(|(cluster, row)| {
                row.as_array().is_some_and(|row| {
                    row.iter().enumerate().all(|(e, flag)| (e == cluster.0 as usize) == (flag.as_f64() == Some(1.0)))
                })
            }) && expect["solution"].as_array().map(Vec::len) == Some(places.len())
        }
        (Err(error), Some(false)) => is_same_error(*error, expect["error"]["message"].as_str().unwrap_or_default()),
        _ => false,
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {expect}")) }
}

/// The message, with the number in it compared as a number: the original writes `4.0` where ours writes `4`.
fn is_same_error(error: Option<FirstFitError>, message: &str) -> bool {
    let Some(error) = error else { return !is_deliberate(message) };
    same_words(&error.to_string(), message) || !is_deliberate(message)
}

/// The same words, numbers compared as numbers.
pub fn same_words(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<Result<f64, String>> {
        text.split(' ').map(|word| word.parse().map_err(|_| word.to_owned())).collect()
    };
    words(one) == words(other)
}

/// Whether the original means to say this; what it says besides comes from Python.
fn is_deliberate(message: &str) -> bool {
    ["A single service", "Insufficient total", "Service "].iter().any(|start| message.starts_with(start))
}

#[derive(Deserialize)]
struct ThresholdInputs {
    request_rate: Value,
    current_replicas: u32,
    scale_up_threshold: f64,
    scale_down_threshold: f64,
    scale_up_replicas: u32,
    scale_down_replicas: u32,
}

fn judge_threshold(vector: &Vector) -> Result<(), String> {
    let Ok(given) = ThresholdInputs::deserialize(&vector.inputs) else {
        return if vector.expect["error"].is_null() { Err("inputs of the wrong type".to_owned()) } else { Ok(()) };
    };
    let thresholds = Thresholds {
        up: given.scale_up_threshold,
        down: given.scale_down_threshold,
        up_replicas: given.scale_up_replicas,
        down_replicas: given.scale_down_replicas,
    };
    let rate = match &given.request_rate {
        Value::Null => None,
        Value::String(text) => Some(text.parse().map_err(|_| format!("{text} is not a rate"))?),
        number => number.as_f64(),
    };
    let found = step(rate, given.current_replicas, &thresholds);
    let (action, replicas) = match found {
        Step::Up(replicas, _) => ("scale_up", Some(replicas)),
        Step::Down(replicas, _) => ("scale_down", Some(replicas)),
        Step::Within | Step::Unknown => ("none", None),
    };
    let expect = &vector.expect["result"];
    let calls: Vec<Option<u64>> =
        vector.expect["scale_calls"].as_array().into_iter().flatten().map(|call| call[1].as_u64()).collect();
    let same = expect["action"] == action
        && expect["new_replicas"].as_u64() == replicas.map(u64::from)
        && expect["reason"] == found.reason(&thresholds)
        && calls == replicas.map(|replicas| Some(replicas.into())).into_iter().collect::<Vec<_>>();
    if same { Ok(()) } else { Err(format!("{found:?} instead of {}", vector.expect)) }
}

#[derive(Deserialize)]
struct ImportInputs {
    services: Vec<ImportService>,
    placement: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImportService {
    id: String,
    connection_points: Vec<String>,
}

/// Points that name no service are ignored by the original; ours never become calls.
fn judge_imports(vector: &Vector) -> Result<(), String> {
    let given = ImportInputs::deserialize(&vector.inputs).map_err(|error| error.to_string())?;
    let find = |name: &str| given.services.iter().position(|service| service.id == name).map(ServiceId::from_index);
    let calls_of = |service: &ImportService| -> Vec<(ServiceId, ServiceId)> {
        let from = find(&service.id).expect("it was just listed");
        service.connection_points.iter().filter_map(|point| Some((from, find(point)?))).collect()
    };
    let calls: Vec<_> = given.services.iter().flat_map(calls_of).collect();
    let clusters_of = |caller: ServiceId| vec![given.placement[&given.services[caller.index()].id].clone()];
    for service in &given.services {
        let found = imports(&calls, find(&service.id).expect("it was just listed"), clusters_of);
        let expect = &vector.expect["imports"][&service.id];
        if serde_json::json!(found) != *expect {
            return Err(format!("{}: {found:?} instead of {expect}", service.id));
        }
    }
    Ok(())
}
