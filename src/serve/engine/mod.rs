//! Who keeps which graph, and how.
//!
//! In reading order: `answer` (what the engine says, and what it says instead), `settings` with `configured` (how the world is reached),
//! `context` (what all share), `check` (what can be wrong before anything is stored), `inventory`, `world` and `plan` (one decision), `dry` (one that is not carried out), `capacities` (what replicas can serve), `clusters` (what
//! there is), `network` (how far it is between them), `values` (what charts are told besides), `due` and `status` (pure: what is to run,
//! what is observed), `events` (what wakes services), `dashboards` and `monitors` (what people and Prometheus see), `deploy` with
//! `owners`, `wishes` and `pause`, `refresh`, `fixed` and `remove` (steps, each repeatable), `steady` (who decides nothing of its own accord), `told`, `newcomers`, `clerk` and `keeper` (one graph, from day to day),
//! `supervise` (all of them).

pub mod answer;
pub mod capacities;
pub mod check;
pub mod clerk;
pub mod clusters;
pub mod configured;
pub mod context;
pub mod dashboards;
pub mod deploy;
pub mod dry;
pub mod due;
pub mod events;
pub mod fixed;
pub mod inventory;
pub mod keeper;
pub mod monitors;
pub mod network;
pub mod newcomers;
pub mod owners;
pub mod pause;
pub mod plan;
pub mod refresh;
pub mod remove;
pub mod settings;
#[cfg(test)]
mod stand_in;
pub mod status;
pub mod steady;
pub mod supervise;
pub mod told;
pub mod values;
pub mod wishes;
pub mod world;

pub use answer::{EngineError, PlanAnswer, Trouble};
pub use events::Taken;
pub use settings::Settings;

use crate::backend::live::alerts::Alert;
use crate::backend::live::busy::busy;
use crate::input::hdag::Descriptor;
use crate::serve::store::Store;
use crate::serve::store::rows::{ClusterRow, Event, Graph, Options, Project, Status};
use context::{Context, KeepError};
use dry::DryRun;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::broadcast;

/// The engine: one a server.
#[derive(Debug, Clone)]
pub struct Engine {
    context: Arc<Context>,
    supervisor: Arc<supervise::Handle>,
}

impl Engine {
    /// Begins to keep graphs. Has to be called inside a runtime.
    pub fn start(store: Store, settings: Settings) -> Self {
        let context = Context::new(store, settings);
        let supervisor = Arc::new(supervise::start(context.clone()));
        Self { context, supervisor }
    }

    /// What is wanted changed.
    pub fn wake(&self) {
        self.context.changed.notify_waiters();
    }

    /// What happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.context.told.subscribe()
    }

    /// Leaves everything as it is, and gives up its leases.
    pub async fn shut_down(&self) {
        self.context.end();
        self.supervisor.ended().await;
    }

    /// Everything that can be wrong with a graph before it is stored; what is odd and can be lived with.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self, document: &Value, options: &Options) -> Result<(Descriptor, Vec<String>), EngineError> {
        let (descriptor, mut notes) = busy(|| check::descriptor(document))?;
        notes.extend(self.check_read(&descriptor, options).await?);
        Ok((descriptor, notes))
    }

    /// The same of a descriptor that was read.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check_read(&self, descriptor: &Descriptor, options: &Options) -> Result<Vec<String>, EngineError> {
        check::alone(descriptor, options)?;
        check::hosts(&self.context, descriptor).await?;
        check::expressions(&self.context, descriptor, options).await
    }

    /// What would be placed where, all events of conditional services having happened. `now` is the graph as it stands, whose own
    /// replicas are room for it.
    ///
    /// # Errors
    /// What is wrong, or why nothing can be said.
    pub async fn dry_run(
        &self,
        project: &str,
        (document, options): (&Value, &Options),
        now: Option<&Graph>,
    ) -> Result<PlanAnswer, EngineError> {
        let (descriptor, notes) = self.check(document, options).await?;
        let context = &self.context;
        let rows = clusters::rows(context).await?;
        let policy = match &options.policy {
            Some(name) => check::policy(name)?,
            None => match self.project(project).await?.and_then(|project| project.policy) {
                Some(name) => check::policy(&name)?,
                None => context.settings.policy.clone(),
            },
        };
        let empty = Status::default();
        let dry_run = DryRun {
            settings: &context.settings,
            descriptor: &descriptor,
            options,
            status: now.map_or(&empty, |graph| &graph.status),
            clusters: &rows,
            policy: &policy,
        };
        let mut answer = busy(|| dry_run.decide())?;
        answer.notes.splice(0..0, notes);
        Ok(answer)
    }

    async fn project(&self, name: &str) -> Result<Option<Project>, EngineError> {
        Ok(self.context.store.project(name).await.map_err(KeepError::from)?)
    }

    /// What another descriptor would change: services that come, go, or differ, and the placement.
    ///
    /// # Errors
    /// What is wrong with it, or why nothing can be said.
    pub async fn diff(&self, graph: &Graph, document: &Value, options: &Options) -> Result<Value, EngineError> {
        let (new, _) = busy(|| check::descriptor(document))?;
        let (old, _) = busy(|| check::descriptor(&graph.descriptor))?;
        if new.id != graph.name {
            let message = format!("the descriptor is of `{}`, and the graph is `{}`", new.id, graph.name);
            return Err(
                EngineError::new(Trouble::Invalid, message).with_remedy("compare it with the graph of its own id")
            );
        }
        let names =
            |descriptor: &Descriptor| descriptor.services.iter().map(|one| one.id.clone()).collect::<BTreeSet<_>>();
        let (had, has) = (names(&old), names(&new));
        let value = |one: &Descriptor, name: &str| one.service(name).map(|service| json!(service)).unwrap_or_default();
        let changed: BTreeMap<&String, Vec<Value>> = had
            .intersection(&has)
            .map(|name| (name, differences(&value(&old, name), &value(&new, name))))
            .filter(|(_, changes)| !changes.is_empty())
            .collect();
        let plan = self.dry_run(&graph.project, (document, options), Some(graph)).await?;
        let now: BTreeMap<&String, BTreeMap<&String, u32>> = graph
            .status
            .services
            .iter()
            .map(|one| (&one.name, one.clusters.iter().map(|(name, n)| (name, n.wanted)).collect()))
            .collect();
        Ok(json!({
            "added": has.difference(&had).collect::<Vec<_>>(),
            "removed": had.difference(&has).collect::<Vec<_>>(),
            "changed": changed,
            "graph": differences(&without_services(&old), &without_services(&new)),
            "options": differences(&json!(graph.options), &json!(options)),
            "now": now,
            "then": plan.targets,
            "refusals": plan.refusals,
            "notes": plan.notes,
        }))
    }

    /// Asks for the clusters now.
    ///
    /// # Errors
    /// There is no control plane, or it does not answer.
    pub async fn sync_clusters(&self) -> Result<Vec<ClusterRow>, EngineError> {
        Ok(clusters::sync(&self.context).await?)
    }

    /// Takes alerts.
    ///
    /// # Errors
    /// The store.
    pub async fn on_alerts(&self, alerts: &[Alert]) -> Result<Taken, EngineError> {
        Ok(events::on_alerts(&self.context, alerts).await?)
    }

    /// Turns the kill switch of a graph on, with a reason, or off: within two seconds nothing is written for it any more.
    ///
    /// # Errors
    /// The control plane.
    pub async fn pause(&self, graph: &Graph, reason: Option<&str>) -> Result<(), EngineError> {
        Ok(pause::turn(&self.context, graph, reason).await?)
    }

    /// What is known of the capacities of the graphs that are kept here.
    pub fn capacities(&self) -> Vec<capacities::Figure> {
        self.context.figures()
    }

    /// Whether the control plane answers; `None` where there is none.
    pub async fn is_reachable(&self) -> Option<bool> {
        self.context.settings.karmada.as_ref()?;
        match self.context.karmada("default").await {
            Ok(karmada) => Some(karmada.clusters().await.is_ok()),
            Err(_) => Some(false),
        }
    }
}

fn without_services(descriptor: &Descriptor) -> Value {
    let mut value = descriptor.document()["hdaGraph"].clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("services");
    }
    value
}

/// Where two documents differ: the field, what it was and what it is to be.
fn differences(old: &Value, new: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    differ(old, new, "", &mut found);
    found
}

fn differ(old: &Value, new: &Value, path: &str, found: &mut Vec<Value>) {
    match (old, new) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differ(one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null), &below, found);
            }
        }
        (old, new) if old != new => found.push(json!({"field": path, "from": old, "to": new})),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, Settings, differences};
    use crate::serve::config::Config;
    use crate::serve::store::Store;
    use crate::serve::store::asked::NewGraph;
    use crate::serve::store::rows::{Options, Replicas, ServiceStatus, Status};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// Which cluster the policy chooses for a new graph, and which one where it stands elsewhere already.
    #[tokio::test]
    async fn a_dry_run_of_a_graph_that_stands_begins_with_what_stands() {
        let inventory = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/inventories/edge-cloud.yaml");
        let flags = [("inventory", inventory), ("policy", "greedy+rate")];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = Settings::of(&Config::load(None, &flags, &BTreeMap::new()).unwrap(), &std::env::temp_dir());
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let engine = Engine::start(store.clone(), settings.unwrap());
        let descriptor: Value = json!({"hdaGraph": {"id": "shop", "services": [{
            "id": "web", "deployment": {"trigger": {}, "intent": {"compute": {"cpu": "light", "ram": "light"}}},
            "artifact": {"ociImage": "oci://8.8.8.8/web:1", "ociConfig": {"type": "App", "implementer": "HELM"}, "valuesOverwrite": {}},
        }]}});
        let (project, name, options) = ("lab".to_owned(), "shop".to_owned(), Options::default());
        let new = NewGraph { project, name, descriptor: descriptor.clone(), source: None, options: options.clone() };
        let (mut graph, _) = store.insert_graph(&new, "tester").await.unwrap();
        let chosen = engine.dry_run("lab", (&descriptor, &options), Some(&graph)).await.unwrap().targets["web"].clone();
        let other = if chosen.contains_key("edge-1") { "edge-2" } else { "edge-1" };
        let clusters = BTreeMap::from([(other.to_owned(), Replicas { wanted: 1, ready: 1 })]);
        let web = ServiceStatus { name: "web".to_owned(), clusters, ..ServiceStatus::default() };
        graph.status = Status { services: vec![web], ..Status::default() };
        let kept = engine.dry_run("lab", (&descriptor, &options), Some(&graph)).await.unwrap().targets["web"].clone();
        assert_eq!(kept, BTreeMap::from([(other.to_owned(), 1)]), "new it would be in {chosen:?}");
        engine.shut_down().await;
    }

    #[test]
    fn differences_name_the_field_and_both_values() {
        let (old, new) = (json!({"a": {"b": 1, "c": [1]}, "d": 2}), json!({"a": {"b": 1, "c": [1, 2]}, "e": 3}));
        let found = differences(&old, &new);
        assert_eq!(
            found,
            [
                json!({"field": "a.c", "from": [1], "to": [1, 2]}),
                json!({"field": "d", "from": 2, "to": null}),
                json!({"field": "e", "from": null, "to": 3}),
            ]
        );
        assert!(differences(&old, &old).is_empty());
    }
}
