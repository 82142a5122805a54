//! `decisions.jsonl`: one JSON line for every decision, event and failed action, in order.
//!
//! A decision's line names only the services that it concerns: whose targets it changed, that were refused, held back or
//! in violation. The first one names all. So a service that stays as it is costs nothing, however long the run. Lines
//! carry names, no ids, and no wall-clock time.

use super::Decision;
use crate::model::check::Violation;
use crate::model::observation::{Action, Event};
use crate::model::plan::{Stop, Target};
use crate::model::rails::moves;
use crate::model::scenario::Known;
use crate::model::{ClusterId, Phase, ServiceId, Targets};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// Tasks of each class that were refused.
pub type Refused = BTreeMap<ServiceId, u32>;

/// Tasks that a decision refused, by class; services are left out, whose refusals are told each time.
pub fn refused_tasks(decision: &Decision<'_>) -> Refused {
    let application = &decision.snapshot.known.application;
    let refusals = decision.plan.refusals.iter().filter(|refusal| application.is_task(refusal.service));
    refusals.map(|refusal| (refusal.service, refusal.replicas)).collect()
}

/// The line of a decision.
#[derive(Serialize)]
pub struct DecisionLine<'a> {
    at_s: f64,
    decision: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    services: Vec<ServiceLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moves: Vec<MoveLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<RefusalLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held: Vec<HeldLine<'a>>,
    #[serde(flatten)]
    quality: Option<QualityLine>,
    actions: usize,
}

/// What a decision did with one service, and what it saw of it.
#[derive(Serialize)]
struct ServiceLine<'a> {
    service: &'a str,
    rate_seen_per_s: Option<f64>,
    rate_age_s: f64,
    ready: u32,
    was: ByCluster<'a>,
    target: ByCluster<'a>,
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
}

/// Replicas by the name of the cluster.
struct ByCluster<'a> {
    known: &'a Known,
    targets: &'a [Target],
}

impl Serialize for ByCluster<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.targets.iter().map(|target| (cluster_name(self.known, target.cluster), target.replicas)))
    }
}

/// Replicas that leave one cluster for another.
#[derive(Serialize)]
struct MoveLine<'a> {
    service: &'a str,
    from: &'a str,
    to: &'a str,
    replicas: u32,
}

#[derive(Serialize)]
struct RefusalLine<'a> {
    service: &'a str,
    replicas: u32,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
struct HeldLine<'a> {
    service: &'a str,
    reason: crate::model::rails::HeldReason,
}

#[derive(Serialize)]
struct QualityLine {
    objective: f64,
    bound: Option<f64>,
    gap: Option<f64>,
    tier: &'static str,
    stop: Stop,
}

impl<'a> DecisionLine<'a> {
    /// The line of the `number`th decision. Of classes of tasks that were refused as many replicas as at the decision before
    /// (`told`) nothing is said again: a queue may be long, and is decided about whenever a task comes. A service of which the
    /// decision before wanted something else is named even where this changes nothing: others may have acted meanwhile.
    pub fn new(decision: &Decision<'a>, number: u64, (told, wanted): (&Refused, &Targets)) -> Self {
        let Decision { snapshot, plan, violations, held, actions } = *decision;
        let known: &'a Known = &snapshot.known;
        let news = plan.refusals.iter().filter(|refusal| told.get(&refusal.service) != Some(&refusal.replicas));
        let mut concerned = concerned(decision, number, news.clone().map(|refusal| refusal.service));
        let other = wanted.changed(&plan.targets).into_iter();
        concerned.extend(other.filter(|service| snapshot.services.get(*service).is_some()));
        let moves = concerned.iter().flat_map(|service| moves(&snapshot.targets, &plan.targets, *service));
        let moves = moves.map(|one| MoveLine {
            service: service_name(known, one.service),
            from: cluster_name(known, one.from),
            to: cluster_name(known, one.to),
            replicas: one.replicas,
        });
        let refusals = news.map(|refusal| RefusalLine {
            service: service_name(known, refusal.service),
            replicas: refusal.replicas,
            reason: &refusal.reason,
            remedy: refusal.remedy.as_deref(),
        });
        let held = held.iter().map(|held| HeldLine { service: service_name(known, held.service), reason: held.reason });
        let quality = plan.quality.map(|quality| QualityLine {
            objective: quality.objective,
            bound: quality.bound,
            gap: quality.gap(),
            tier: quality.tier,
            stop: quality.stop,
        });
        Self {
            at_s: snapshot.at.as_seconds_f64(),
            decision: number,
            moves: moves.collect(),
            services: concerned.into_iter().map(|service| service_line(decision, service)).collect(),
            refusals: refusals.collect(),
            violations: violations.iter().map(|violation| named(known, violation)).collect(),
            held: held.collect(),
            quality,
            actions: actions.len(),
        }
    }
}

/// The services that a decision's line names.
fn concerned(decision: &Decision<'_>, number: u64, refused: impl Iterator<Item = ServiceId>) -> BTreeSet<ServiceId> {
    let Decision { snapshot, plan, violations, held, .. } = *decision;
    if number == 0 {
        let wanted = plan.targets.iter().map(|target| target.service);
        return snapshot.known.application.requests().chain(wanted).collect();
    }
    let mut services = BTreeSet::new();
    services.extend(snapshot.targets.changed(&plan.targets));
    services.extend(refused);
    services.extend(held.iter().map(|held| held.service));
    services.extend(violations.iter().filter_map(|violation| match violation {
        Violation::Unreachable { service, .. }
        | Violation::Ineligible { service, .. }
        | Violation::OutOfBounds { service, .. }
        | Violation::Split { service, .. } => Some(*service),
        _ => None,
    }));
    services.retain(|service| snapshot.services.get(*service).is_some());
    services
}

fn service_line<'a>(decision: &Decision<'a>, service: ServiceId) -> ServiceLine<'a> {
    let Decision { snapshot, plan, .. } = *decision;
    let known: &'a Known = &snapshot.known;
    let view = &snapshot.services[service];
    ServiceLine {
        service: service_name(known, service),
        rate_seen_per_s: view.rate.value.map(crate::units::Rate::per_second),
        rate_age_s: view.rate.age(snapshot.at).as_seconds_f64(),
        ready: view.count(Phase::Ready),
        was: ByCluster { known, targets: snapshot.targets.of(service) },
        target: ByCluster { known, targets: plan.targets.of(service) },
        why: plan.why.get(service).map(ToString::to_string).unwrap_or_default(),
    }
}

/// A violation with names in the place of its ids.
///
/// # Panics
/// Never: violations are plain data.
pub fn named(known: &Known, violation: &Violation) -> serde_json::Value {
    let mut value = serde_json::to_value(violation).expect("violations are plain data");
    let id = |value: &serde_json::Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    if let Some(service) = value.get_mut("service") {
        *service = id(service).map(|id| service_name(known, ServiceId(id))).into();
    }
    if let Some(cluster) = value.get_mut("cluster") {
        *cluster = id(cluster).map(|id| cluster_name(known, ClusterId(id))).into();
    }
    if let Some(serde_json::Value::Array(services)) = value.get_mut("services") {
        for service in services {
            *service = id(service).map(|id| service_name(known, ServiceId(id))).into();
        }
    }
    let demand = violation.breach().and_then(|breach| known.rules.demands.get(breach.demand));
    if let (Some(demand), Some(fields)) = (demand, value.as_object_mut()) {
        fields.insert("rule".to_owned(), demand.rule.words(known).into());
    }
    value
}

/// The line of something that happened by itself.
#[derive(Serialize)]
pub struct EventLine<'a> {
    at_s: f64,
    event: crate::model::observation::EventKind,
    subject: &'a str,
}

impl<'a> EventLine<'a> {
    /// The line of `event`.
    pub fn new(event: &'a Event) -> Self {
        Self { at_s: event.at.as_seconds_f64(), event: event.kind, subject: &event.subject }
    }
}

/// The line of an action that failed for good.
#[derive(Serialize)]
pub struct FailureLine<'a> {
    asked_at_s: f64,
    failed: &'a str,
    service: &'a str,
    cluster: &'a str,
    from: u32,
    to: u32,
}

impl<'a> FailureLine<'a> {
    /// The line of a failed `action`.
    pub fn new(known: &'a Known, action: &Action, error: &'a str) -> Self {
        Self {
            asked_at_s: action.asked_at.as_seconds_f64(),
            failed: error,
            service: service_name(known, action.service),
            cluster: cluster_name(known, action.cluster),
            from: action.from,
            to: action.to,
        }
    }
}

/// The name of a service; a plan may name one that does not exist.
fn service_name(known: &Known, service: ServiceId) -> &str {
    known.application.services.get(service).map_or("?", |service| &service.name)
}

/// The name of a cluster; a plan may name one that does not exist.
fn cluster_name(known: &Known, cluster: ClusterId) -> &str {
    known.clusters.get(cluster).map_or("?", |cluster| &cluster.name)
}
