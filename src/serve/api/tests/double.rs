//! A stand-in for the engine: it does every job as soon as it is woken, and says what a test tells it to.

use crate::backend::live::alerts::Alert;
use crate::serve::api::acts::{Acts, AlertsTaken, Answer, Figures, Reach};
use crate::serve::artifact::Pulled;
use crate::serve::at::At;
use crate::serve::engine::capacities::Figure;
use crate::serve::engine::{EngineError, PlanAnswer};
use crate::serve::store::Store;
use crate::serve::store::asked::NewEvent;
use crate::serve::store::rows::{
    CapacityOrigin, CapacityStatus, ClusterRow, Event, Graph, Job, JobKind, JobState, Options, Phase, Replicas,
    ServiceStatus, Status,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use tokio::sync::broadcast;

/// What it says, where that is not what it says by itself.
#[derive(Debug, Default)]
pub struct Says {
    /// Jobs fail, for this reason.
    pub fails: Option<String>,
    /// Jobs are not begun.
    pub idles: bool,
    /// What comes out of an artifact.
    pub pulled: Option<Result<Pulled, EngineError>>,
    /// What it thinks of a descriptor.
    pub checked: Option<Result<Vec<String>, EngineError>>,
    /// The clusters.
    pub clusters: Option<Result<Vec<ClusterRow>, EngineError>>,
    /// Whether the control plane answers.
    pub reach: Reach,
    /// Why nothing can be paused.
    pub unpausable: Option<EngineError>,
    /// It panics when it is asked for a plan.
    pub panics: bool,
}

/// The stand-in.
pub struct Double {
    store: Store,
    events: broadcast::Sender<Event>,
    pub says: Mutex<Says>,
    /// What was paused, with its reason, and let go on.
    pub paused: Mutex<Vec<Option<String>>>,
    /// Alerts that fire, by their labels.
    firing: Mutex<BTreeSet<String>>,
}

impl Double {
    pub fn new(store: Store) -> Self {
        let (events, _) = broadcast::channel(16);
        Self { store, events, says: Mutex::default(), paused: Mutex::default(), firing: Mutex::default() }
    }

    /// Changes what it says.
    pub fn say(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.says.lock().unwrap());
    }

    /// Something happens, of which whoever follows events hears.
    pub async fn happens(&self, kind: &str, project: &str, graph: &str) -> Event {
        let new = NewEvent {
            kind: kind.to_owned(),
            project: Some(project.to_owned()),
            graph: Some(graph.to_owned()),
            message: format!("{kind} of {graph}"),
            data: json!({}),
            ..NewEvent::default()
        };
        let event = self.store.append_event(&new).await.unwrap();
        let _ = self.events.send(event.clone());
        event
    }
}

impl Acts for Double {
    fn wake(&self) {
        let (fails, idles) = {
            let says = self.says.lock().unwrap();
            (says.fails.clone(), says.idles)
        };
        if idles {
            return;
        }
        let (store, events) = (self.store.clone(), self.events.clone());
        tokio::spawn(async move {
            for job in store.jobs(None, 1_000).await.unwrap().into_iter().filter(|job| !job.state.has_ended()) {
                do_job(&store, &job, fails.as_deref()).await;
                let kind = format!("job.{:?}", job.kind).to_lowercase();
                let event = NewEvent {
                    kind,
                    project: Some(job.project),
                    graph: Some(job.graph),
                    data: json!({}),
                    ..Default::default()
                };
                let _ = events.send(store.append_event(&event).await.unwrap());
            }
        });
    }

    fn dry_run<'a>(&'a self, _: &'a str, descriptor: &'a Value, options: &'a Options) -> Answer<'a, PlanAnswer> {
        assert!(!self.says.lock().unwrap().panics, "a mistake that a test plants");
        let services = descriptor["hdaGraph"]["services"].as_array().cloned().unwrap_or_default();
        let target =
            |service: &Value| (service["id"].as_str().unwrap().to_owned(), BTreeMap::from([("member1".to_owned(), 1)]));
        let plan = PlanAnswer {
            policy: options.policy.clone().unwrap_or_else(|| "naive+rate".to_owned()),
            targets: services.iter().map(target).collect(),
            explanation: json!({}),
            took_ms: 0.5,
            ..PlanAnswer::default()
        };
        async move { Ok(plan) }.boxed()
    }

    fn diff<'a>(&'a self, graph: &'a Graph, descriptor: &'a Value, _: &'a Options) -> Answer<'a, Value> {
        let same = graph.descriptor == *descriptor;
        async move { Ok(json!({"same": same})) }.boxed()
    }

    fn sync_clusters(&self) -> Answer<'_, Vec<ClusterRow>> {
        let said = self.says.lock().unwrap().clusters.clone().unwrap_or_else(|| Ok(Vec::new()));
        async move {
            let clusters = said?;
            self.store.put_clusters(&clusters).await.unwrap();
            Ok(clusters)
        }
        .boxed()
    }

    fn check<'a>(&'a self, _: &'a Value, _: &'a Options) -> Answer<'a, Vec<String>> {
        let said = self.says.lock().unwrap().checked.clone().unwrap_or_else(|| Ok(Vec::new()));
        async move { said }.boxed()
    }

    fn pull<'a>(&'a self, reference: &'a str) -> Answer<'a, Pulled> {
        let said = self.says.lock().unwrap().pulled.clone();
        let none =
            || EngineError::new(crate::serve::engine::Trouble::NotFound, format!("there is no artifact `{reference}`"));
        let said = said.unwrap_or_else(|| Err(none()));
        async move { said }.boxed()
    }

    fn on_alerts<'a>(&'a self, alerts: &'a [Alert]) -> Answer<'a, AlertsTaken> {
        let mut taken = AlertsTaken::default();
        let mut firing = self.firing.lock().unwrap();
        for alert in alerts {
            let key = format!("{:?}", alert.labels);
            let changed = match alert.state {
                _ if !alert.labels.contains_key("service") => {
                    taken.unknown += 1;
                    continue;
                }
                crate::backend::live::alerts::State::Firing => firing.insert(key),
                crate::backend::live::alerts::State::Resolved => firing.remove(&key),
            };
            if changed { taken.taken += 1 } else { taken.repeated += 1 }
        }
        async move { Ok(taken) }.boxed()
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn pause<'a>(&'a self, _: &'a Graph, reason: Option<&'a str>) -> Answer<'a, ()> {
        let said = self.says.lock().unwrap().unpausable.clone();
        self.paused.lock().unwrap().push(reason.map(str::to_owned));
        async move { said.map_or(Ok(()), Err) }.boxed()
    }

    fn control_plane(&self) -> BoxFuture<'_, Reach> {
        let reach = self.says.lock().unwrap().reach.clone();
        async move { reach }.boxed()
    }

    fn figures(&self) -> Answer<'_, Figures> {
        let capacity = CapacityStatus {
            origin: CapacityOrigin::Fitted,
            per_replica: Some(20.5),
            drifted_at: Some(At(1)),
            ..CapacityStatus::default()
        };
        let (project, graph, service) = ("demo".to_owned(), "shop".to_owned(), "front".to_owned());
        let capacities = vec![Figure { project, graph, service, capacity }];
        async { Ok(Figures { leases_held: 3, capacities }) }.boxed()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// Does a job, or lets it fail.
async fn do_job(store: &Store, job: &Job, fails: Option<&str>) {
    store.job_state(&job.id, JobState::Running, None).await.unwrap();
    if let Some(reason) = fails {
        store.job_state(&job.id, JobState::Failed, Some(reason)).await.unwrap();
        return;
    }
    store.job_step(&job.id, "done").await.unwrap();
    if job.kind == JobKind::Remove {
        store.delete_graph(&job.graph_id).await.unwrap();
    } else if let Some(graph) = store.graph_by_id(&job.graph_id).await.unwrap() {
        store.set_status(&graph.id, &status(&graph, job.kind)).await.unwrap();
    }
    store.job_state(&job.id, JobState::Succeeded, None).await.unwrap();
}

/// What is observed once a job is done: everything in one cluster, and what waits for an event waits.
fn status(graph: &Graph, kind: JobKind) -> Status {
    let stopped = kind == JobKind::Stop;
    let services = graph.descriptor["hdaGraph"]["services"].as_array().cloned().unwrap_or_default();
    let service = |described: &Value| {
        let waits = described["deployment"]["trigger"].get("event").is_some();
        let runs = !stopped && !waits;
        let phase = match (waits, stopped) {
            (true, _) => Phase::Pending,
            (_, true) => Phase::Stopped,
            _ => Phase::Running,
        };
        ServiceStatus {
            name: described["id"].as_str().unwrap().to_owned(),
            phase,
            conditional: waits,
            clusters: runs.then(|| ("member1".to_owned(), Replicas { wanted: 1, ready: 1 })).into_iter().collect(),
            values: json!({"colour": "blue", "clustersAffinity": ["member1"]}),
            ..ServiceStatus::default()
        }
    };
    Status {
        phase: if stopped { Phase::Stopped } else { Phase::Running },
        since: At::now(),
        observed_at: At::now(),
        generation: graph.generation,
        services: services.iter().map(service).collect(),
        ..Status::default()
    }
}
