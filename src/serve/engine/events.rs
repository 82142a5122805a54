//! Services that wait for an event: their rules in Prometheus, and what comes back from Alertmanager.
//!
//! Every event of a service is a rule of its own, whose alerts, one for each series, say by labels whom they wake; an event is over when the
//! last of its alerts has ended. So `ANY` and `ALL` are decided here, from what fires now. A service that was woken stays awake, unless the
//! graph says that it sleeps again when its events have ended. Alerts of services that nobody knows are left alone: Alertmanager tells
//! everything to everybody.

use super::context::{Context, KeepError};
use super::due::{self, AWAKE};
use super::keeper::read;
use crate::backend::live::alerts::{Alert, State};
use crate::backend::live::clock;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::rules::{Files, GRAPH_LABEL, PROJECT_LABEL, Place, RuleSet, Rules, Trigger as Rule};
use crate::backend::live::triggers::{loaded_from, objects};
use crate::input::hdag::{Descriptor, Trigger};
use crate::serve::at::At;
use crate::serve::config::RulesAt;
use crate::serve::store::rows::{Firing, Graph, Wish};
use crate::serve::store::{Store, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The label of an alert that says whom it wakes; the original's name for it.
const SERVICE_LABEL: &str = "service";
/// The label of an alert that says which of the service's events it is.
const EVENT_LABEL: &str = "smo_event";
/// After trouble with rules.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The rules of all services that wait for an event.
///
/// # Errors
/// A name that Kubernetes does not take.
pub fn rules(graph: &Graph, descriptor: &Descriptor) -> Result<RuleSet, CallError> {
    let of = |service: &crate::input::hdag::DescribedService| match &service.deployment.trigger {
        Trigger::Auto { .. } => Vec::new(),
        Trigger::Event { events, .. } => {
            let rule = |event: &crate::input::hdag::Event| Rule {
                alert: event.id.clone(),
                expr: event.condition.prom_query.clone(),
                lasting: clock::duration(event.condition.grace_period),
                labels: [("severity", "critical"), (SERVICE_LABEL, &service.id), (EVENT_LABEL, &event.id)]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            };
            events.iter().map(rule).collect()
        }
    };
    RuleSet::new(&graph.project, &graph.name, descriptor.services.iter().flat_map(of).collect())
}

/// Brings the rules to what the graph says, and tries again until they are loaded.
pub async fn keep(context: Arc<Context>, graph: Graph, descriptor: Descriptor) {
    let mut told = None;
    loop {
        match write(&context, &graph, &descriptor).await {
            Ok(()) => return,
            Err(error) => {
                let reason = error.to_string();
                if told.as_ref() != Some(&reason) {
                    context.tell(&graph, None, ("graph.rules-failed", &reason, Value::Null)).await;
                    told = Some(reason);
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}

async fn write(context: &Context, graph: &Graph, descriptor: &Descriptor) -> Result<(), KeepError> {
    let set = rules(graph, descriptor)?;
    // A graph that had events may have none any more.
    let had = graph.previous.as_ref().is_some_and(|previous| previous.descriptor.to_string().contains("\"event\""));
    if set.triggers().is_empty() && !had {
        return Ok(());
    }
    let karmada = context.karmada(&graph.project).await?;
    Ok(place(context, &karmada)?.apply(&set).await?)
}

/// Where rules are written: as the configuration says, and as objects beside the graph where it names no namespace.
fn place(context: &Context, karmada: &Karmada) -> Result<Rules, CallError> {
    let place = match &context.settings.rules {
        RulesAt::Operator { namespace, labels } => {
            objects(karmada, namespace.as_deref().unwrap_or_else(|| karmada.namespace()), labels.clone())
        }
        RulesAt::Files { folder } => Place::Files(Files::new(folder.clone())),
    };
    loaded_from(place, context.settings.prometheus.as_ref())
}

/// Removes the rules.
///
/// # Errors
/// Rules that were not unloaded in time.
pub async fn remove(context: &Context, karmada: &Karmada, graph: &Graph) -> Result<(), KeepError> {
    let Ok(descriptor) = read(graph) else { return Ok(()) };
    let set = rules(graph, &descriptor)?;
    if context.settings.prometheus.is_none() {
        return Ok(());
    }
    let place = place(context, karmada)?;
    if !set.triggers().is_empty() {
        return Ok(place.remove(&set).await?);
    }
    // A descriptor before this one may have had some, and nobody has come to remove them.
    match place.delete(&set).await {
        // Where the kind is not known, there are none; and who may not look has made none.
        Err(error) if error.class == Class::Permanent => Ok(()),
        deleted => Ok(deleted?),
    }
}

/// Forgets alerts of events that a graph does not have, and that services were awake which wait for none: should they come back, they have to
/// happen anew.
///
/// # Errors
/// The store.
pub async fn forget(store: &Store, graph_id: &str, descriptor: &Descriptor) -> Result<(), StoreError> {
    for firing in store.firings(graph_id).await? {
        if !has(descriptor, &firing) {
            store.clear_event(graph_id, &firing.service, &firing.event).await?;
        }
    }
    Ok(())
}

/// Whether there is such an event, or for [`AWAKE`], a service that waits for any.
fn has(descriptor: &Descriptor, firing: &Firing) -> bool {
    match descriptor.service(&firing.service).map(|one| &one.deployment.trigger) {
        Some(Trigger::Event { events, .. }) => {
            firing.event == AWAKE || events.iter().any(|event| event.id == firing.event)
        }
        _ => false,
    }
}

/// What became of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// They changed something.
    pub news: u64,
    /// They were known.
    pub repeated: u64,
    /// They are about nobody here.
    pub unknown: u64,
}

/// Takes alerts as they come: repeated ones and resolved ones, also of graphs that are gone.
///
/// # Errors
/// The store.
pub async fn on_alerts(context: &Context, alerts: &[Alert]) -> Result<Taken, KeepError> {
    let mut taken = Taken::default();
    let mut known: BTreeMap<String, Vec<Graph>> = BTreeMap::new();
    let mut alerts: Vec<&Alert> = alerts.iter().collect();
    // What fires goes first, or a service might be put to sleep between an alert that ends and one that is not known yet.
    alerts.sort_by_key(|alert| alert.state);
    for alert in alerts {
        let Some(service) = alert.labels.get(SERVICE_LABEL).or_else(|| alert.labels.get("smo_service")) else {
            taken.unknown += 1;
            continue;
        };
        let key = alert.labels.get(GRAPH_LABEL).cloned().unwrap_or_default();
        if !known.contains_key(&key) {
            let graphs = if key.is_empty() { all(context).await? } else { context.store.graphs_named(&key).await? };
            known.insert(key.clone(), graphs);
        }
        let project = alert.labels.get(PROJECT_LABEL);
        let of_it = |graph: &&Graph| project.is_none_or(|name| graph.project == *name) && graph.wanted == Wish::Running;
        let graphs = known.get(&key).into_iter().flatten().filter(of_it);
        let mut found = None;
        for graph in graphs {
            if let Some(change) = on_alert(context, graph, service, alert).await? {
                found = Some(found.unwrap_or(false) || change);
            }
        }
        match found {
            None => taken.unknown += 1,
            Some(true) => taken.news += 1,
            Some(false) => taken.repeated += 1,
        }
    }
    if taken.news > 0 {
        context.changed.notify_waiters();
    }
    Ok(taken)
}

/// Graphs of any name: an alert of the original's rules says only whom it wakes.
async fn all(context: &Context) -> Result<Vec<Graph>, KeepError> {
    let mut graphs = Vec::new();
    let mut filter = crate::serve::store::asked::GraphFilter { limit: 500, ..Default::default() };
    loop {
        let (page, next) = context.store.graphs(&filter).await?;
        graphs.extend(page);
        filter.after = next;
        if filter.after.is_none() {
            return Ok(graphs);
        }
    }
}

/// Whether the alert changed anything; `None` where the graph has no such event, and none is left that it had.
async fn on_alert(context: &Context, graph: &Graph, service: &str, alert: &Alert) -> Result<Option<bool>, KeepError> {
    let Ok(descriptor) = read(graph) else { return Ok(None) };
    let named = alert.labels.get(EVENT_LABEL).or_else(|| alert.labels.get("alertname"));
    let Some(event) = named.filter(|name| *name != AWAKE) else { return Ok(None) };
    let store = &context.store;
    let fires = alert.state == State::Firing;
    let at = At(i64::try_from(alert.starts_at.as_millis()).unwrap_or(0));
    let firing = |event: &str| Firing { service: service.to_owned(), event: event.to_owned(), since: at };
    if !has(&descriptor, &firing(event)) {
        // It is over also where the graph had it before. What names neither the graph nor one of its services is about somebody else.
        let may_be_ours = alert.labels.contains_key(GRAPH_LABEL) || descriptor.service(service).is_some();
        let is_over =
            !fires && may_be_ours && store.set_firing(&graph.id, (&firing(event), &alert.fingerprint), false).await?;
        return Ok(is_over.then_some(true));
    }
    let is_on = |all: &[Firing]| all.iter().any(|one| one.service == service && one.event == *event);
    // Looked at before: of two servers that take two alerts of it at once, one at least finds that nothing fired.
    let was_on = fires && is_on(&store.firings(&graph.id).await?);
    let changed = store.set_firing(&graph.id, (&firing(event), &alert.fingerprint), fires).await?;
    if !changed && !fires {
        return Ok(Some(false));
    }
    let firings = store.firings(&graph.id).await?;
    let is_due = due::services(&descriptor, &graph.status, &firings).contains(service);
    let is_awake = firings.iter().any(|one| one.service == service && one.event == AWAKE);
    // Also where the alert is known: whoever took it first may have fallen before this.
    if fires && is_due && !is_awake && !graph.options.stop_when_resolved {
        store.set_firing(&graph.id, (&firing(AWAKE), ""), true).await?;
    }
    // The first alert begins it, and the last one ends it.
    if !changed || was_on || (!fires && is_on(&firings)) {
        return Ok(Some(changed));
    }
    let (kind, message) = if fires {
        (
            "event.fired",
            format!("{service}: `{event}` has happened{}", if is_due { "" } else { "; others are missing" }),
        )
    } else {
        ("event.ended", format!("{service}: `{event}` has ended"))
    };
    context.tell(graph, Some(service), (kind, &message, json!({"event": event}))).await;
    Ok(Some(true))
}

#[cfg(test)]
mod tests {
    use super::{AWAKE, Alert, Firing, Graph, Karmada, RulesAt, State, Taken, forget, on_alerts, place, read};
    use crate::model::connection::{Division, KarmadaAt, PrometheusAt};
    use crate::serve::at::At;
    use crate::serve::engine::settings::Settings;
    use crate::serve::engine::stand_in;
    use crate::serve::store::Store;
    use crate::serve::store::asked::{EventFilter, NewGraph};
    use crate::serve::store::rows::Options;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::time::Duration;

    /// A graph whose service waits for an event.
    async fn waiting(store: &Store, options: Options) -> Graph {
        let event = json!({"id": "hot", "condition": {"promQuery": "up == 0", "gracePeriod": "1s"}});
        let trigger = json!({"event": {"condition": "ANY", "events": [event]}});
        let deployment = json!({"trigger": trigger, "intent": {"compute": {"cpu": "light", "ram": "light"}}});
        let descriptor = json!({"hdaGraph": {"id": "port", "services": [{"id": "late", "deployment": deployment}]}});
        let (project, name) = ("lab".to_owned(), "port".to_owned());
        let new = NewGraph { project, name, descriptor, source: None, options };
        store.insert_graph(&new, "tester").await.unwrap().0
    }

    /// An alert of that event, by one of its series.
    fn hot(series: &str, state: State) -> Alert {
        let labels = [("alertname", "hot"), ("service", "late"), ("series", series)];
        Alert {
            state,
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            annotations: BTreeMap::new(),
            starts_at: Duration::ZERO,
            fingerprint: series.to_owned(),
        }
    }

    /// A server takes an alert and falls before it has noted that the service stays awake; Alertmanager tells it again.
    #[tokio::test]
    async fn a_service_stays_awake_also_where_its_alert_had_to_be_told_twice() {
        let context = stand_in::context(stand_in::settings(&[])).await;
        let store = &context.store;
        let graph = waiting(store, Options::default()).await;
        let firing = Firing { service: "late".to_owned(), event: "hot".to_owned(), since: At(0) };
        assert!(store.set_firing(&graph.id, (&firing, "a"), true).await.unwrap());

        let known = Taken { repeated: 1, ..Taken::default() };
        assert_eq!(on_alerts(&context, &[hot("a", State::Firing)]).await.unwrap(), known);
        let is_awake = store.firings(&graph.id).await.unwrap().iter().any(|one| one.event == AWAKE);
        assert!(is_awake);
        assert_eq!(on_alerts(&context, &[hot("a", State::Resolved)]).await.unwrap().news, 1);
        let left = store.firings(&graph.id).await.unwrap();
        assert_eq!(left.iter().map(|one| one.event.as_str()).collect::<Vec<_>>(), [AWAKE]);
    }

    #[tokio::test]
    async fn an_event_of_several_series_is_over_when_the_last_of_them_is() {
        let context = stand_in::context(stand_in::settings(&[])).await;
        let store = &context.store;
        let graph = waiting(store, Options { stop_when_resolved: true, ..Options::default() }).await;
        let told = async |alerts: Vec<Alert>| {
            let taken = on_alerts(&context, &alerts).await.unwrap();
            let events = EventFilter { kind: Some("event".to_owned()), ..EventFilter::default() };
            let events = store.events(&events).await.unwrap();
            let kinds: Vec<String> = events.into_iter().map(|event| event.kind).collect();
            (taken.news, !store.firings(&graph.id).await.unwrap().is_empty(), kinds.join(" "))
        };
        let of = |news: u64, is_on: bool, told: &str| (news, is_on, told.to_owned());
        let both = vec![hot("a", State::Firing), hot("b", State::Firing)];
        assert_eq!(told(both).await, of(2, true, "event.fired"));
        assert_eq!(told(vec![hot("b", State::Resolved)]).await, of(1, true, "event.fired"));
        // One ends and another begins: between the two, nobody is put to sleep.
        let turn = vec![hot("a", State::Resolved), hot("c", State::Firing)];
        assert_eq!(told(turn).await, of(2, true, "event.fired"));
        assert_eq!(told(vec![hot("c", State::Resolved)]).await, of(1, false, "event.fired event.ended"));
    }

    /// A graph that had an event `cold`, and a service `gone` that was awake.
    #[tokio::test]
    async fn what_fired_of_events_that_a_graph_has_no_more_ends_and_is_forgotten() {
        let context = stand_in::context(stand_in::settings(&[])).await;
        let store = &context.store;
        let graph = waiting(store, Options::default()).await;
        for (service, event) in [("gone", "hot"), ("gone", AWAKE), ("late", "cold"), ("late", "hot"), ("late", AWAKE)] {
            let firing = Firing { service: service.to_owned(), event: event.to_owned(), since: At(0) };
            assert!(store.set_firing(&graph.id, (&firing, "a"), true).await.unwrap());
        }
        let left = async || {
            let firings = store.firings(&graph.id).await.unwrap();
            firings.iter().map(|one| format!("{} {}", one.service, one.event)).collect::<Vec<_>>().join(", ")
        };
        let told = async |event: &str, state: State| {
            let mut alert = hot("a", state);
            alert.labels.insert("alertname".to_owned(), event.to_owned());
            on_alerts(&context, &[alert]).await.unwrap()
        };
        let unknown = Taken { unknown: 1, ..Taken::default() };
        assert_eq!(told("cold", State::Firing).await, unknown);
        assert_eq!(told("cold", State::Resolved).await, Taken { news: 1, ..Taken::default() });
        assert_eq!(told("cold", State::Resolved).await, unknown, "it has ended");
        assert_eq!(told(AWAKE, State::Resolved).await, unknown, "no alert puts a service to sleep by that name");
        assert_eq!(left().await, "gone *, gone hot, late *, late hot");
        forget(store, &graph.id, &read(&graph).unwrap()).await.unwrap();
        assert_eq!(left().await, "late *, late hot");
    }

    #[tokio::test]
    async fn alerts_of_nobody_change_nothing() {
        let context = stand_in::context(stand_in::settings(&[])).await;
        let alert = |labels: &[(&str, &str)]| Alert {
            state: State::Firing,
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            annotations: BTreeMap::new(),
            starts_at: Duration::ZERO,
            fingerprint: String::new(),
        };
        let alerts = [alert(&[]), alert(&[("alertname", "x")]), alert(&[("alertname", "x"), ("service", "nobody")])];
        let unknown = Taken { unknown: 3, ..Taken::default() };
        assert_eq!(on_alerts(&context, &alerts).await.unwrap(), unknown);
    }

    #[tokio::test]
    async fn rules_are_written_where_the_configuration_says() {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("karmada.config");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        let (namespace, division) = ("lab".to_owned(), Division::Own);
        let at = KarmadaAt { kubeconfig: path, context: None, namespace, division };
        let karmada = Karmada::open(&at).await.unwrap();
        let files = RulesAt::Files { folder: folder.path().to_owned() };
        let objects = RulesAt::Operator { namespace: None, labels: BTreeMap::new() };
        for (rules, wanted) in [(files, "Files"), (objects, "Operator")] {
            let prometheus = Some(PrometheusAt { url: "http://127.0.0.1:9".to_owned(), token_file: None });
            let settings = Settings { prometheus, rules, ..stand_in::settings(&[]) };
            let context = stand_in::context(settings).await;
            let place = place(&context, &karmada).unwrap();
            assert!(format!("{place:?}").contains(wanted), "{place:?}");
        }
    }
}
