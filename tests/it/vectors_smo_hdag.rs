//! Decisions of the original about descriptors: levels, imports, the GPU flag, alert rules.
//!
//! The original treats the GPU flag in three ways, of which two are mistakes; what it stores is what is compared here, but
//! for text that says no, which it stores as yes.

use crate::vectors_smo::Vector;
use serde_json::{Value, json};
use smo::input::hdag::{Descriptor, Level, parse, ram_level, storage_level};

/// A judgement: nothing, or what is different.
type Judged = Result<(), String>;

fn level(vector: &Vector) -> Option<Level> {
    Level::named(vector.inputs["level"].as_str().unwrap_or_default())
}

/// `value` as the original has it, or an error of both.
#[expect(clippy::needless_pass_by_value, reason = "made for this call")]
fn compare(found: Option<Value>, vector: &Vector) -> Judged {
    let same = match &found {
        None => vector.expect["error"].is_string(),
        Some(value) => {
            value.as_f64().is_none_or(|number| Some(number) == vector.expect["value"].as_f64())
                && (value.is_number() || *value == vector.expect["value"])
        }
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {}", vector.expect)) }
}

/// Cores of a level.
pub fn judge_cpu(vector: &Vector) -> Judged {
    compare(level(vector).map(|level| json!(level.cpu().cores())), vector)
}

/// Memory of a level.
pub fn judge_memory(vector: &Vector) -> Judged {
    compare(level(vector).map(|level| json!(ram_level(level).0)), vector)
}

/// Storage of a level.
pub fn judge_storage(vector: &Vector) -> Judged {
    compare(level(vector).and_then(storage_level).map(|(text, _)| json!(text)), vector)
}

fn descriptor(services: &[Value]) -> Result<Descriptor, String> {
    let document = json!({"hdaGraph": {"id": "g", "services": services}});
    Ok(parse(document.to_string(), "vector").map_err(|error| error.to_string())?.0)
}

/// The flag as it is stored.
pub fn judge_gpu_flag(vector: &Vector) -> Judged {
    let flag = &vector.inputs["gpu_enabled"];
    let compute = if flag == "<absent>" { json!({}) } else { json!({"gpu": {"enabled": flag}}) };
    let service = json!({"id": "s", "deployment": {"intent": {"compute": compute}}});
    let enabled = descriptor(&[service])?.services[0].deployment.intent.compute.gpu.enabled;
    let says_no = flag.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false"));
    let wanted = vector.expect["stored_gpu"] == "1" && !says_no;
    if enabled == wanted { Ok(()) } else { Err(format!("{enabled} for {flag} instead of {}", vector.expect)) }
}

/// The alert rule of an event.
pub fn judge_alert(vector: &Vector) -> Judged {
    let given = |key: &str| vector.inputs[key].clone();
    let condition = json!({
        "promQuery": given("prom_query"), "gracePeriod": given("grace_period"), "description": given("description"),
    });
    let event = json!({"id": given("event_id"), "condition": condition});
    let service = json!({"id": given("service"), "deployment": {"trigger": {"event": {"events": [event]}}}});
    let graph = descriptor(&[service])?;
    let name = &graph.services[0].id;
    let smo::input::hdag::Trigger::Event { events, .. } = &graph.services[0].deployment.trigger else {
        return Err("no event".to_owned());
    };
    let found = events[0].alert_rule(name);
    if found == vector.expect["rule"] { Ok(()) } else { Err(format!("{found} instead of {}", vector.expect)) }
}
