//! What all keepers share: the store, the settings, who is to be told, and whether the server ends.

use super::answer::{EngineError, Trouble};
use super::capacities::{self, Figure};
use super::dashboards;
use super::settings::Settings;
use crate::backend::live::clock;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::outside::{CallError, Class};
use crate::serve::at::At;
use crate::serve::store::asked::NewEvent;
use crate::serve::store::rows::{Event, Graph, Job, Status};
use crate::serve::store::{Store, StoreError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, broadcast};

/// For how long a client of the control plane is used before its kubeconfig is read again: who we are may have been renewed there.
const CLIENT_FRESH_FOR: Duration = Duration::from_mins(1);

/// Shared by the engine and all keepers.
#[derive(Debug)]
pub struct Context {
    /// What is wanted, and what was observed.
    pub store: Store,
    /// How the world is reached.
    pub settings: Settings,
    /// What happens, to whoever listens.
    pub told: broadcast::Sender<Event>,
    /// Something that is wanted changed.
    pub changed: Notify,
    /// What all who write dashboards share.
    pub dashboards: dashboards::Shared,
    plane: Mutex<Option<Plane>>,
    started_at: At,
    /// Capacities of the graphs that are kept here, by their ids.
    figures: Mutex<BTreeMap<String, Vec<Figure>>>,
    /// Graphs that another server has taken over, by their ids, as long as their keepers here have not left.
    lost: Mutex<BTreeSet<String>>,
    /// Until when nothing could be done for a graph, by nobody's fault; by the ids of graphs.
    held_up: Mutex<BTreeMap<String, At>>,
    ending: AtomicBool,
}

/// The control plane, as somebody has reached it.
#[derive(Debug, Clone)]
struct Plane {
    opened_at: Instant,
    /// When its kubeconfig had been written.
    written_at: Option<SystemTime>,
    karmada: Karmada,
}

/// Why a keeper could not do something.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The world.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What is wanted cannot be had: trying again does not help.
    #[error("{0}")]
    Impossible(String),
}

impl KeepError {
    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Call(error) => error.class != Class::Permanent,
            Self::Impossible(_) => false,
        }
    }
}

impl From<KeepError> for EngineError {
    fn from(error: KeepError) -> Self {
        let kind = match &error {
            KeepError::Call(call) if call.is_absent() => Trouble::NotFound,
            KeepError::Call(call) if call.class == Class::Permanent => Trouble::Refused,
            KeepError::Call(_) => Trouble::Unreachable,
            KeepError::Impossible(_) => Trouble::Invalid,
            KeepError::Store(error) => return error.clone().into(),
        };
        Self::new(kind, error.to_string())
    }
}

impl Context {
    /// Nothing has happened yet.
    pub fn new(store: Store, settings: Settings) -> Arc<Self> {
        let (told, _) = broadcast::channel(1_024);
        let (changed, dashboards) = (Notify::new(), dashboards::Shared::default());
        let (started_at, figures, ending) = (At::now(), Mutex::default(), AtomicBool::new(false));
        let (lost, held_up, plane) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { store, settings, told, changed, dashboards, plane, started_at, figures, lost, held_up, ending })
    }

    /// The control plane, in the namespace of a project. Connections are shared: each new one costs both sides a handshake.
    ///
    /// # Errors
    /// None is configured, or its kubeconfig cannot be read or used.
    pub async fn karmada(&self, project: &str) -> Result<Karmada, CallError> {
        let at = self.settings.karmada_at(project)?;
        let now = clock::now();
        let written_at = tokio::fs::metadata(&at.kubeconfig).await.and_then(|file| file.modified()).ok();
        let young = self.plane().clone().filter(|plane| now.duration_since(plane.opened_at) < CLIENT_FRESH_FOR);
        let plane = match young {
            Some(known) if known.written_at == written_at => known,
            older => match (Karmada::open(&at).await, older) {
                (Ok(karmada), _) => self.plane().insert(Plane { opened_at: now, written_at, karmada }).clone(),
                // Somebody may be writing it at this moment.
                (Err(_), Some(older)) => older,
                (Err(error), None) => return Err(error),
            },
        };
        Ok(Karmada::with_client(plane.karmada.client().clone(), &at.namespace, at.division))
    }

    fn plane(&self) -> MutexGuard<'_, Option<Plane>> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when all that a job is about has to be ready. What was asked for before this server started was not worked on meanwhile,
    /// nor was a graph whose kill switch was on until now, or that was held up.
    pub fn deadline(&self, job: &Job, graph: &Graph) -> At {
        let held_up = self.held_up().get(&graph.id).copied().unwrap_or_default();
        let began = job.created_at.max(graph.updated_at).max(self.started_at).max(held_up);
        began.after(self.settings.deploy_timeout)
    }

    /// Whether trouble that may pass is nobody's fault: a control plane or a store that is silent, or a kill switch, by whatever hand. It is
    /// waited for, as long as it takes: nothing could be taken back either. The time until now counts for no deadline.
    pub fn is_held_up(&self, graph: &Graph, error: &KeepError) -> bool {
        let is_answered = matches!(error, KeepError::Call(call) if call.system != "karmada");
        let is_held_up = !is_answered || graph.paused.is_some();
        if is_held_up {
            self.hold_up(&graph.id, At::now());
        }
        is_held_up
    }

    /// Nothing could be done for a graph until then, by nobody's fault.
    pub fn hold_up(&self, graph_id: &str, until: At) {
        let mut all = self.held_up();
        // What was over so long ago moves no deadline that is still to come.
        all.retain(|_, at| at.after(self.settings.deploy_timeout) > until);
        all.insert(graph_id.to_owned(), until);
    }

    fn held_up(&self) -> MutexGuard<'_, BTreeMap<String, At>> {
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the capacities of a graph that is kept here.
    pub fn set_figures(&self, graph: &Graph, status: &Status) {
        let mut all = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(graph.id.clone(), capacities::figures(graph, status));
    }

    /// A graph is kept here no more.
    pub fn forget_figures(&self, graph_id: &str) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).remove(graph_id);
    }

    /// What is known of the capacities of all graphs that are kept here.
    pub fn figures(&self) -> Vec<Figure> {
        let all = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().flatten().cloned().collect()
    }

    /// Another server has taken a graph over; whether that is news.
    pub fn lose(&self, graph_id: &str) -> bool {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(graph_id.to_owned())
    }

    /// A graph is kept here from now on.
    pub fn hold(&self, graph_id: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).remove(graph_id);
    }

    /// Whether whoever keeps a graph here leaves it as it is: the server ends, or another one has taken it over.
    pub fn is_left(&self, graph_id: &str) -> bool {
        self.is_ending() || self.lost.lock().unwrap_or_else(PoisonError::into_inner).contains(graph_id)
    }

    /// The server ends: keepers leave what they keep as it is.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Whether it does.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Writes down that something happened that is about no graph.
    pub async fn tell_all(&self, subject: &str, (kind, message): (&str, &str)) {
        let (kind, message) = (kind.to_owned(), message.to_owned());
        self.append(NewEvent { kind, message, subject: Some(subject.to_owned()), ..NewEvent::default() }).await;
    }

    /// Writes down that something happened to a graph, and tells who listens.
    pub async fn tell(&self, graph: &Graph, subject: Option<&str>, (kind, message, data): (&str, &str, Value)) {
        let event = NewEvent {
            kind: kind.to_owned(),
            project: Some(graph.project.clone()),
            graph: Some(graph.name.clone()),
            subject: subject.map(str::to_owned),
            message: message.to_owned(),
            data,
        };
        self.append(event).await;
    }

    async fn append(&self, event: NewEvent) {
        match self.store.append_event(&event).await {
            // Nobody may listen.
            Ok(event) => drop(self.told.send(event)),
            Err(error) => tracing::warn!(kind = event.kind, %error, "an event could not be written down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CallError, Class, KeepError};
    use crate::serve::at::At;
    use crate::serve::engine::stand_in;
    use crate::serve::store::asked::NewGraph;
    use crate::serve::store::rows::{Graph, Job, Options};
    use serde_json::json;
    use std::time::{Duration, SystemTime};

    const MINUTE: Duration = Duration::from_mins(1);

    /// Who we are to the control plane has changed: the next call knows.
    #[tokio::test]
    async fn a_kubeconfig_that_was_written_anew_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        let written = |namespace: &str, seconds: u64| {
            let text = format!(
                "clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:9'}}}}]\n\
                 contexts: [{{name: x, context: {{cluster: c, namespace: {namespace}}}}}]\ncurrent-context: x\n"
            );
            std::fs::write(&path, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            std::fs::File::options().append(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        written("first", 1);
        let context =
            stand_in::context(stand_in::settings(&[("karmada.kubeconfig", &path.display().to_string())])).await;
        let seen = async || {
            let karmada = context.karmada("shop").await.unwrap();
            (karmada.client().default_namespace().to_owned(), karmada.namespace().to_owned())
        };
        let (first, second) = (("first".to_owned(), "shop".to_owned()), ("second".to_owned(), "shop".to_owned()));
        assert_eq!(seen().await, first);
        written("second", 1);
        assert_eq!(seen().await, first, "the client is used again");
        std::fs::write(&path, "clusters: [").unwrap();
        assert_eq!(seen().await, first, "it is being written");
        written("second", 2);
        assert_eq!(seen().await, second);
    }

    #[tokio::test]
    async fn time_in_which_nobody_could_work_on_a_job_does_not_count() {
        let context = stand_in::context(stand_in::settings(&[("control.deploy_timeout", "1 min")])).await;
        let new = NewGraph {
            project: "shop".to_owned(),
            name: "port".to_owned(),
            descriptor: json!({}),
            source: None,
            options: Options::default(),
        };
        let (graph, job) = context.store.insert_graph(&new, "somebody").await.unwrap();
        let until = |asked: At, changed: At| {
            let (job, graph) =
                (Job { created_at: asked, ..job.clone() }, Graph { updated_at: changed, ..graph.clone() });
            context.deadline(&job, &graph)
        };
        let (long_ago, start) = (At(0), context.started_at);
        let (soon, later) = (start.after(MINUTE), start.after(2 * MINUTE));
        assert_eq!(until(long_ago, long_ago), start.after(MINUTE), "the server was not there before");
        assert_eq!(until(soon, soon), soon.after(MINUTE));
        assert_eq!(until(soon, later), later.after(MINUTE), "its kill switch was on until then");
        let error = |system| KeepError::from(CallError::new(system, "read", Class::Retryable, "it is away"));
        assert!(!context.is_held_up(&graph, &error("helm")));
        assert_eq!(until(long_ago, long_ago), start.after(MINUTE), "a job that does not get anywhere has no more time");
        context.hold_up("another", later);
        context.hold_up(&graph.id, soon);
        assert_eq!(until(long_ago, long_ago), soon.after(MINUTE), "it was held up until then");
        assert_eq!(until(soon, later), later.after(MINUTE));
        assert!(context.is_held_up(&graph, &error("karmada")));
        let paused = Graph { paused: Some("incident 4711".to_owned()), ..graph.clone() };
        assert!(context.is_held_up(&paused, &error("helm")));
    }
}
