//! A plan as JSON: names instead of ids, no wall-clock time, so the same input gives the same bytes.

use super::Decided;
use crate::model::id::Id;
use crate::model::plan::Target;
use crate::model::{Refusal, ServiceId, Snapshot};
use crate::record::decisions::named;
use crate::record::explained::ServiceExplained;
use crate::units::Rate;
use serde_json::{Map, Value, json};

/// The plan, and its explanation where there is one.
pub fn render(decided: &Decided<'_>) -> Value {
    let Decided { situation, policy, plan, violations, explained, .. } = decided;
    let snapshot = &situation.snapshot;
    let violations: Vec<Value> = violations.iter().map(|violation| named(&snapshot.known, violation)).collect();
    let quality = plan.quality.map(|quality| {
        json!({
            "objective": quality.objective,
            "bound": quality.bound,
            "gap": quality.gap(),
            "tier": quality.tier,
            "stop": quality.stop,
            "shortage": explained.as_ref().and_then(|explained| explained.shortage),
        })
    });
    json!({
        "name": situation.name,
        "at_s": snapshot.at.as_seconds_f64(),
        "policy": policy.label,
        "parameters": policy.resolved(),
        "services": snapshot.services.ids().map(|service| of_service(decided, service)).collect::<Vec<_>>(),
        "refusals": plan.refusals.iter().map(|refusal| of_refusal(snapshot, refusal)).collect::<Vec<_>>(),
        "violations": violations,
        "quality": quality,
        "scarce": explained.as_ref().map(|explained| &explained.scarce),
        "conflicts": explained.as_ref().map(|explained| &explained.conflicts),
        "notes": situation.notes,
    })
}

fn of_service(decided: &Decided<'_>, service: ServiceId) -> Value {
    let (snapshot, plan) = (&decided.situation.snapshot, &decided.plan);
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    set("service", json!(snapshot.service(service).name));
    set("rate_per_s", json!(snapshot.services[service].rate.value.map(Rate::per_second)));
    set("replicas", json!(plan.targets.total(service)));
    set("targets", by_cluster(snapshot, plan.targets.of(service)));
    set("why", json!(plan.why.get(service).map(ToString::to_string)));
    let explained = decided.explained.iter().flat_map(|explained| &explained.services);
    if let Some(explained) = explained.into_iter().nth(service.index()) {
        set("explanation", of_reasons(explained));
    }
    fields.into()
}

fn of_refusal(snapshot: &Snapshot, refusal: &Refusal) -> Value {
    json!({
        "service": snapshot.service(refusal.service).name,
        "replicas": refusal.replicas,
        "reason": refusal.reason,
        "remedy": refusal.remedy,
    })
}

fn by_cluster(snapshot: &Snapshot, targets: &[Target]) -> Value {
    let entry = |target: &Target| (snapshot.cluster(target.cluster).name.clone(), Value::from(target.replicas));
    targets.iter().map(entry).collect::<Map<_, _>>().into()
}

/// All that is said of a service; the fields are those of `explanations.jsonl`.
fn of_reasons(explained: &ServiceExplained) -> Value {
    let ServiceExplained { wanted, candidates, next_best, fits_wholly_with, .. } = explained;
    json!({
        "wanted": wanted,
        "candidates": candidates,
        "next_best": next_best,
        "fits_wholly_with": fits_wholly_with,
    })
}
