//! A plan as JSON: names instead of ids, no wall-clock time, so the same input gives the same bytes.

use super::Decided;
use crate::model::explanation::{Alternative, Candidate, Conflict, Limit, Reasons, Scarce, Verdict};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Refusal, ServiceId, Snapshot};
use crate::record::decisions::named;
use crate::units::Rate;
use serde_json::{Map, Value, json};

/// The plan, and its explanation where there is one.
pub fn render(decided: &Decided<'_>) -> Value {
    let Decided { situation, policy, plan, violations, explanation, .. } = decided;
    let snapshot = &situation.snapshot;
    let violations: Vec<Value> = violations.iter().map(|violation| named(&snapshot.known, violation)).collect();
    let quality = plan.quality.map(|quality| {
        json!({
            "objective": quality.objective,
            "bound": quality.bound,
            "gap": quality.gap(),
            "tier": quality.tier,
            "stop": quality.stop,
            "shortage": explanation.as_ref().and_then(|explanation| explanation.shortage),
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
        "scarce": explanation.as_ref().map(|one| one.scarce.iter().map(|one| of_scarce(snapshot, one)).collect::<Vec<_>>()),
        "conflicts": explanation
            .as_ref()
            .map(|one| one.conflicts.iter().map(|one| of_conflict(snapshot, one)).collect::<Vec<_>>()),
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
    if let Some(explanation) = &decided.explanation {
        set("explanation", of_reasons(snapshot, explanation, service));
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

fn of_scarce(snapshot: &Snapshot, scarce: &Scarce) -> Value {
    let Scarce { cluster, resource, unit, price } = scarce;
    json!({"cluster": snapshot.cluster(*cluster).name, "resource": resource, "unit": unit, "dollars_per_hour": price})
}

fn of_conflict(snapshot: &Snapshot, conflict: &Conflict) -> Value {
    json!({
        "services": conflict.services.iter().map(|service| &snapshot.service(*service).name).collect::<Vec<_>>(),
        "clusters": conflict.clusters.iter().map(|cluster| &snapshot.cluster(*cluster).name).collect::<Vec<_>>(),
        "resource": conflict.resource,
        "wanted": conflict.wanted,
        "available": conflict.available,
    })
}

fn by_cluster(snapshot: &Snapshot, targets: &[Target]) -> Value {
    let entry = |target: &Target| (snapshot.cluster(target.cluster).name.clone(), Value::from(target.replicas));
    targets.iter().map(entry).collect::<Map<_, _>>().into()
}

fn of_reasons(snapshot: &Snapshot, explanation: &Explanation, service: ServiceId) -> Value {
    let Reasons { wanted, candidates, alternative, whole } = &explanation.services[service];
    let candidates = candidates.iter().map(|(cluster, candidate)| of_candidate(snapshot, cluster, candidate));
    let alternative = alternative.as_ref().map(|Alternative { targets, difference }| {
        json!({"targets": by_cluster(snapshot, targets), "difference": difference})
    });
    let whole = whole.map(|(cluster, more)| json!({"cluster": snapshot.cluster(cluster).name, "more": more}));
    json!({
        "wanted": wanted,
        "candidates": candidates.collect::<Vec<_>>(),
        "next_best": alternative,
        "fits_wholly_with": whole,
    })
}

fn of_candidate(snapshot: &Snapshot, cluster: ClusterId, candidate: &Candidate) -> Value {
    let name = &snapshot.cluster(cluster).name;
    let (replicas, room) = match &candidate.verdict {
        Verdict::Filtered(reason) => return json!({"cluster": name, "filtered": reason}),
        Verdict::Open { replicas, room } => (replicas, room),
    };
    let (binds, left) = match room.limit {
        Limit::Resource(resource, left) => (resource, Some(left)),
        Limit::Nodes => ("nodes", None),
    };
    let terms = candidate.terms.iter().map(|term| json!({"name": term.name, "value": term.value, "unit": term.unit}));
    json!({
        "cluster": name,
        "replicas": replicas,
        "room_for": room.more,
        "binds": binds,
        "left": left,
        "terms": terms.collect::<Vec<_>>(),
    })
}
