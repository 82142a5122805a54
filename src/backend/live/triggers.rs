//! Services that wait for an event: their rules go to Prometheus, its alerts come back through Alertmanager, and wake them.
//!
//! What a scenario says of such a service (`start_when`) is what the simulation evaluates; the connection says the same in the PromQL
//! of the real world. A service is woken once, however often its alert is repeated; it sleeps again only where the scenario says so
//! (`stop_when_resolved`), when the last of its alerts has ended: a rule of several series has as many. An alert that ends because its rule
//! is gone puts nobody to sleep.

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
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Alerts that may wait to be taken.
const WAITING: usize = 256;
/// How long an operator and the kubelet may take to pass rules on.
const PATIENCE: Duration = Duration::from_mins(2);
/// The label of an alert that says whom it wakes.
const SERVICE_LABEL: &str = "smo_service";

/// The alerts that fire for each service, by their fingerprints.
type Firing = BTreeMap<ServiceId, BTreeSet<String>>;

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
    let mut firing = Firing::new();
    while let Some(alert) = alerts.recv().await {
        on_alert(&shared, &alert, &mut firing);
    }
    drop(listener);
}

/// Wakes the service of an alert, or puts it to sleep where no other one fires for it.
fn on_alert(shared: &Shared, alert: &Alert, firing: &mut Firing) {
    let label = |name: &str| alert.labels.get(name).map(String::as_str);
    let ours = label(PROJECT_LABEL) == Some(&shared.connection.karmada.namespace)
        && label(GRAPH_LABEL) == Some(&shared.connection.name);
    let mut world = shared.world();
    let name = label(SERVICE_LABEL).unwrap_or_default();
    let Some(service) = world.known.application.services.find(|one| one.name == name).filter(|_| ours) else { return };
    let fires = firing.entry(service).or_default();
    let awake = match alert.state {
        State::Firing => {
            fires.insert(alert.fingerprint.clone());
            true
        }
        State::Resolved => {
            fires.remove(&alert.fingerprint);
            if !fires.is_empty() || !stops(&world.known, service) || !is_current(shared, &world.known, alert) {
                return;
            }
            false
        }
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

#[cfg(test)]
mod tests {
    use super::{Alert, BTreeMap, Duration, Firing, GRAPH_LABEL, PROJECT_LABEL, REVISION_ANNOTATION, SERVICE_LABEL};
    use super::{Arc, ServiceId, Shared, State, on_alert, rules};
    use crate::backend::live::clock::Clock;
    use crate::backend::live::stand_in::{connection, known};
    use crate::backend::live::world::World;
    use crate::model::condition::{StartWhen, Takes};
    use crate::model::connection::StartWhenExpr;
    use crate::units::Span;
    use std::sync::mpsc::channel;

    /// A rule of three series, one of which is that of a rule that is gone when it ends.
    #[test]
    fn a_service_sleeps_when_the_last_of_its_alerts_has_ended() {
        let (web, mut known, mut connection) = (ServiceId(0), known(), connection());
        let start = StartWhen { takes: Takes::Any, events: Vec::new(), stop_when_resolved: true };
        known.application.conditions.push((web, start));
        let expr = "up == 0".to_owned();
        connection.services[web].start_when = Some(StartWhenExpr { expr, lasting: Span::seconds(1) });
        let revision = rules(&connection, &known).unwrap().revision();
        let (tell, _inbox) = channel();
        let shared = Shared::new(World::new(known.into(), Arc::new(connection)), Clock::start(), tell);
        let mut firing = Firing::new();
        let mut is_awake_after = |fingerprint: &str, state: State, revision: &str| {
            let labels = [(PROJECT_LABEL, "shop"), (GRAPH_LABEL, "shop"), (SERVICE_LABEL, "web")];
            let alert = Alert {
                state,
                labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                annotations: BTreeMap::from([(REVISION_ANNOTATION.to_owned(), revision.to_owned())]),
                starts_at: Duration::ZERO,
                fingerprint: fingerprint.to_owned(),
            };
            on_alert(&shared, &alert, &mut firing);
            shared.world().awake[web]
        };
        for series in ["a", "b", "c"] {
            assert!(is_awake_after(series, State::Firing, &revision));
        }
        assert!(is_awake_after("b", State::Resolved, &revision), "two fire still");
        assert!(is_awake_after("a", State::Resolved, &revision));
        assert!(is_awake_after("c", State::Resolved, "another"), "its rule is gone");
        assert!(is_awake_after("a", State::Firing, &revision));
        assert!(!is_awake_after("a", State::Resolved, &revision));
        assert!(is_awake_after("a", State::Firing, &revision), "it is woken again");
    }
}
