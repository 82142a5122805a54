//! The words that are exchanged with a program: names instead of ids, units in the names, seconds and dollars.
//!
//! What is not known is `null`, never zero. A value that was seen has its age beside it.

use super::plan_of;
use crate::model::scenario::Known;
use crate::model::{
    Capacity, ClusterId, ClusterView, Plan, Refusal, Resources, Seen, Service, ServiceId, ServiceView, Snapshot,
    Targets,
};
use crate::units::{Rate, Span};
use serde::Deserialize;
use serde_json::{Value, json};

/// The first line: everything that was declared.
pub fn introduction(known: &Known) -> String {
    let application = &known.application;
    let services: Vec<Value> =
        application.services.iter().map(|(id, one)| service(known, one, application.is_task(id))).collect();
    let name = |id: ServiceId| application.services[id].name.as_str();
    let calls: Vec<Value> = application
        .calls
        .iter()
        .map(|call| {
            json!({
                "from": name(call.from), "to": name(call.to),
                "calls_per_request": call.per_request.as_f64(), "bytes": call.bytes.0,
            })
        })
        .collect();
    let rtt = |row: ClusterId| known.network.rtt[row].values().map(|span| span.as_seconds_f64()).collect::<Vec<_>>();
    let egress = |row: ClusterId| known.network.egress_per_gb[row].values().map(|money| money.0).collect::<Vec<_>>();
    let clusters = || known.clusters.ids();
    json!({
        "smo": 1,
        "application": {"name": application.name, "services": services, "calls": calls},
        "clusters": known.clusters.values().map(|cluster| json!({
            "name": cluster.name, "region": cluster.region, "class": cluster.class, "labels": cluster.labels,
            "speed": cluster.speed.as_f64(), "pue": cluster.pue.as_f64(),
        })).collect::<Vec<_>>(),
        "network": {
            "rtt_s": clusters().map(rtt).collect::<Vec<_>>(),
            "egress_usd_per_gb": clusters().map(egress).collect::<Vec<_>>(),
        },
    })
    .to_string()
}

/// One service as it is declared, with the clusters that may run it and how many replicas each could hold were it empty.
fn service(known: &Known, service: &Service, is_task: bool) -> Value {
    let room = |cluster| service.terms.room_max(cluster, service.request).ok();
    let rooms = known.clusters.values().filter_map(|cluster| Some((cluster.name.clone(), json!(room(cluster)?))));
    json!({
        "name": service.name,
        "is_task": is_task,
        "request": resources(service.request),
        "replicas": {"initial": service.replicas, "min": service.replicas_min, "max": service.replicas_max},
        "workers": service.workers,
        "capacity": capacity(&service.capacity.default),
        "slo": service.slo.map(|slo| json!({"latency_s": slo.latency.as_seconds_f64(), "share": slo.share.as_f64()})),
        "pinned": service.pinned,
        "room_max": rooms.collect::<serde_json::Map<_, _>>(),
    })
}

fn capacity(capacity: &Capacity) -> Value {
    match *capacity {
        Capacity::Linear { alpha, beta } => json!({"alpha": alpha, "beta": beta}),
        Capacity::Usl { gamma, sigma, kappa } => json!({"gamma": gamma, "sigma": sigma, "kappa": kappa}),
    }
}

/// What is seen now.
pub fn question(snapshot: &Snapshot) -> String {
    let targets: Vec<Value> = snapshot
        .targets
        .iter()
        .map(|target| {
            json!({
                "service": snapshot.service(target.service).name,
                "cluster": snapshot.cluster(target.cluster).name,
                "replicas": target.replicas,
            })
        })
        .collect();
    json!({
        "at_s": snapshot.at.as_seconds_f64(),
        "is_tick": snapshot.is_tick,
        "clusters": snapshot.clusters.iter().map(|(id, view)| cluster_seen(snapshot, id, view)).collect::<Vec<_>>(),
        "services": snapshot.services.iter().map(|(id, view)| service_seen(snapshot, id, view)).collect::<Vec<_>>(),
        "targets": targets,
        "actions_under_way": snapshot.under_way.len(),
    })
    .to_string()
}

fn cluster_seen(snapshot: &Snapshot, id: ClusterId, view: &ClusterView) -> Value {
    json!({
        "name": snapshot.cluster(id).name,
        "reachable": view.reachable,
        "nodes": view.nodes,
        "allocatable": resources(view.allocatable),
        "allocatable_max": resources(view.allocatable_max),
        "allocated": resources(view.allocated),
        "price_per_core_hour_usd": view.price_per_core_hour,
        "carbon_g_per_kwh": seen(snapshot, view.carbon, |value| value),
    })
}

fn service_seen(snapshot: &Snapshot, id: ServiceId, view: &ServiceView) -> Value {
    let cpu = view.cpu_used.iter().map(|(cluster, used)| {
        let millicores = seen(snapshot, *used, |value| {
            #[expect(clippy::cast_precision_loss, reason = "a number for a program to read")]
            let millicores = value.0 as f64;
            millicores
        });
        (snapshot.cluster(*cluster).name.clone(), millicores)
    });
    let replicas = view.replicas.iter().map(|group| {
        json!({
            "cluster": snapshot.cluster(group.cluster).name,
            "phase": group.phase,
            "count": group.count,
            "for_s": snapshot.at.since(group.since).as_seconds_f64(),
        })
    });
    json!({
        "name": snapshot.service(id).name,
        "rate_per_s": seen(snapshot, view.rate, Rate::per_second),
        "latency_p95_s": seen(snapshot, view.latency_p95, Span::as_seconds_f64),
        "cpu_used_millicores": cpu.collect::<serde_json::Map<_, _>>(),
        "replicas": replicas.collect::<Vec<_>>(),
        "tasks": view.tasks,
    })
}

/// A value and its age, or `null`.
fn seen<T: Copy>(snapshot: &Snapshot, seen: Seen<T>, figure: impl Fn(T) -> f64) -> Value {
    let with_age = |value| json!({"value": figure(value), "age_s": seen.age(snapshot.at).as_seconds_f64()});
    seen.value.map_or(Value::Null, with_age)
}

fn resources(amount: Resources) -> Value {
    json!({
        "cpu_millicores": amount.cpu.0, "memory_bytes": amount.memory.0, "gpu_thousandths": amount.gpu, "pods": amount.pods,
    })
}

/// The answer to the introduction.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Introduced {
    #[serde(default)]
    stateful: bool,
}

/// Whether the program keeps state between decisions.
///
/// # Errors
/// What is wrong with the answer, and what would be right.
pub fn is_stateful(answer: &str) -> Result<bool, String> {
    let introduced: Introduced = serde_json::from_str(answer)
        .map_err(|error| format!("{error}; the first answer is {{\"stateful\": false}} or true"))?;
    Ok(introduced.stateful)
}

/// The answer to a question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    targets: Vec<WishedTarget>,
    #[serde(default)]
    refusals: Vec<WishedRefusal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WishedTarget {
    service: String,
    cluster: String,
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WishedRefusal {
    service: String,
    replicas: u32,
    reason: String,
    #[serde(default)]
    remedy: Option<String>,
}

/// The plan that an answer says.
///
/// # Errors
/// What is wrong with the answer, and what would be right.
pub fn plan(snapshot: &Snapshot, answer: &str) -> Result<Plan, String> {
    let wish: Wish = serde_json::from_str(answer).map_err(|error| error.to_string())?;
    let service = |name: &str| {
        let found = snapshot.known.application.service(name);
        found.ok_or_else(|| format!("no service is called `{name}`"))
    };
    let cluster = |name: &str| {
        let found = snapshot.known.clusters.find(|cluster| cluster.name == name);
        found.ok_or_else(|| format!("no cluster is called `{name}`"))
    };
    let mut targets = Targets::default();
    for one in wish.targets {
        let (service_id, cluster_id) = (service(&one.service)?, cluster(&one.cluster)?);
        if targets.get(service_id, cluster_id) > 0 {
            return Err(format!("two targets for `{}` in `{}`; say one", one.service, one.cluster));
        }
        targets.set(service_id, cluster_id, one.replicas);
    }
    let refusals = wish.refusals.into_iter().map(|one| {
        let WishedRefusal { service: name, replicas, reason, remedy } = one;
        Ok(Refusal { service: service(&name)?, replicas, reason, remedy })
    });
    let refusals = refusals.collect::<Result<Vec<_>, String>>()?;
    Ok(plan_of(snapshot, targets, refusals))
}
