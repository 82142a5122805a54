//! Services that wait for an event: their rules go to Prometheus, its alerts come back through Alertmanager, and wake them.
//!
//! What a scenario says of such a service (`start_when`) is what the simulation evaluates; the connection says the same in the PromQL
//! of the real world. A service is woken once, however often its alert is repeated; it sleeps again only where the scenario says so
//! (`stop_when_resolved`), and an alert that ends because its rule is gone puts nobody to sleep.

use super::alerts::{Alert, Inbox, State};
use super::connect::{prometheus_at, token_at};
use super::happening::Happening;
use super::karmada::{Karmada, MANAGED_BY};
use super::outside::{CallError, Class};
use super::rules::{GRAPH_LABEL, Operator, PROJECT_LABEL, Place, REVISION_ANNOTATION, RuleSet, Rules, Trigger};
use super::shared::Shared;
use crate::model::ServiceId;
use crate::model::connection::{Connection, PrometheusAt};
use crate::model::observation::{Event, EventKind};
use crate::model::scenario::Known;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Alerts that may wait to be taken.
const WAITING: usize = 256;
/// How long an operator and the kubelet may take to pass rules on.
const PATIENCE: Duration = Duration::from_mins(2);
/// The label of an alert that says whom it wakes.
const SERVICE_LABEL: &str = "smo_service";

/// The rules of all services that wait for an event.
///
/// # Errors
/// A name that Kubernetes does not take.
pub fn rules(connection: &Connection, known: &Known) -> Result<RuleSet, CallError> {
    let triggers = connection.services.iter().filter_map(|(id, counterpart)| {
        let when = counterpart.start_when.as_ref()?;
        let name = &known.application.services[id].name;
        Some(Trigger {
            alert: format!("smo-{name}"),
            expr: when.expr.clone(),
            lasting: super::clock::duration(when.lasting),
            labels: BTreeMap::from([(SERVICE_LABEL.to_owned(), name.clone())]),
        })
    });
    RuleSet::new(&connection.karmada.namespace, &connection.name, triggers.collect())
}

/// The place where rules of a connection are written.
fn place_of(karmada: &Karmada, connection: &Connection) -> Result<Rules, CallError> {
    let labels = connection.alerts.as_ref().map(|alerts| alerts.rule_labels.clone()).unwrap_or_default();
    loaded_from(objects(karmada, karmada.namespace(), labels), connection.prometheus.as_ref())
}

/// Rules as objects of the control plane, for an operator that looks for `labels` in `namespace`.
pub fn objects(karmada: &Karmada, namespace: &str, mut labels: BTreeMap<String, String>) -> Place {
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    Place::Operator(Box::new(Operator::new(karmada.client().clone(), namespace, labels)))
}

/// Rules that are written to `place` and loaded by `prometheus`.
///
/// # Errors
/// There is no Prometheus, or its address is none.
pub fn loaded_from(place: Place, prometheus: Option<&PrometheusAt>) -> Result<Rules, CallError> {
    let none = || CallError::new("prometheus", "rules", Class::Permanent, "no Prometheus is named");
    let prometheus = prometheus_at(prometheus.ok_or_else(none)?)?;
    Ok(Rules::new(Arc::new(prometheus), place, PATIENCE))
}

/// Brings the rules to what the connection says.
///
/// # Errors
/// A wrong expression (nothing was written), or rules that were not loaded in time.
pub async fn write(karmada: &Karmada, connection: &Connection, known: &Known) -> Result<(), CallError> {
    let set = rules(connection, known)?;
    if set.triggers().is_empty() {
        return Ok(());
    }
    place_of(karmada, connection)?.apply(&set).await
}

/// Removes the rules; whether the connection has some.
///
/// # Errors
/// Rules that were not unloaded in time.
pub async fn remove(karmada: &Karmada, connection: &Connection, known: &Known) -> Result<bool, CallError> {
    let set = rules(connection, known)?;
    if set.triggers().is_empty() {
        return Ok(false);
    }
    place_of(karmada, connection)?.remove(&set).await?;
    Ok(true)
}

/// Listens for alerts until the run is over.
pub async fn listen(shared: Arc<Shared>) {
    let Some(at) = shared.connection.alerts.clone() else { return };
    let trouble =
        |reason: String| CallError::new("alertmanager", format!("listen at {}", at.listen), Class::Permanent, reason);
    let token = match at.token_file.as_deref().map(token_at).transpose() {
        Ok(token) => token,
        Err(error) => return shared.tell(Happening::Broken(error)),
    };
    let (inbox, mut alerts) = Inbox::new(WAITING, token.as_deref());
    let listener = match inbox.listen(at.listen, "/alerts").await {
        Ok(listener) => listener,
        Err(error) => return shared.tell(Happening::Broken(trouble(error.to_string()))),
    };
    while let Some(alert) = alerts.recv().await {
        on_alert(&shared, &alert);
    }
    drop(listener);
}

/// Wakes the service of an alert, or puts it to sleep.
fn on_alert(shared: &Shared, alert: &Alert) {
    let label = |name: &str| alert.labels.get(name).map(String::as_str);
    let ours = label(PROJECT_LABEL) == Some(&shared.connection.karmada.namespace)
        && label(GRAPH_LABEL) == Some(&shared.connection.name);
    let mut world = shared.world();
    let name = label(SERVICE_LABEL).unwrap_or_default();
    let Some(service) = world.known.application.services.find(|one| one.name == name).filter(|_| ours) else { return };
    let awake = match alert.state {
        State::Firing => true,
        State::Resolved if stops(&world.known, service) && is_current(shared, &world.known, alert) => false,
        State::Resolved => return,
    };
    if std::mem::replace(&mut world.awake[service], awake) == awake {
        return;
    }
    drop(world);
    let kind = if awake { EventKind::ServiceWanted } else { EventKind::ServiceUnwanted };
    shared.tell(Happening::Event(Event { at: shared.clock.time(), kind, subject: name.to_owned() }));
    shared.tell(Happening::Due);
}

fn stops(known: &Known, service: ServiceId) -> bool {
    known.application.conditions.iter().any(|(one, when)| *one == service && when.stop_when_resolved)
}

/// Whether the alert's rule is one of those that stand now.
fn is_current(shared: &Shared, known: &Known, alert: &Alert) -> bool {
    let revision = rules(&shared.connection, known).map(|set| set.revision());
    revision.is_ok_and(|revision| alert.annotations.get(REVISION_ANNOTATION) == Some(&revision))
}
