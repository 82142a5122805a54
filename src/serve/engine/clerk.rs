//! The clerk of a graph while it runs: writes down what is observed and decided, sees when a deployment is through, and ends the run
//! when something else is wanted.

use super::context::Context;
use super::dashboards::Shown;
use super::due;
use super::newcomers::Newcomers;
use super::status::{see, settle};
use super::told::{Decided, Shares, Told};
use super::{capacities, events, pause};
use crate::backend::live::remote::Remote;
use crate::input::hdag::Descriptor;
use crate::learning::Lesson;
use crate::model::observation::{Event, EventKind};
use crate::serve::at::At;
use crate::serve::store::StoreError;
use crate::serve::store::rows::{DecisionRow, Graph, Job, JobState, Phase, Previous, Status};
use crate::serve::traces;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How often what is wanted is looked at, besides when this server changed it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A status that says nothing new is written down so often, so that its age is known.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Why a run was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// By itself, because the server ends, or because another one keeps the graph now.
    Over,
    /// Something else is wanted, another generation, more or fewer services; or there are clusters that the run does not know.
    Changed,
    /// What was deployed was not ready in time.
    Late(String),
}

/// The clerk.
pub struct Clerk {
    /// What is shared.
    pub context: Arc<Context>,
    /// The graph, as it was when the run began.
    pub graph: Graph,
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// The services that run.
    pub services: BTreeSet<String>,
    /// What is observed.
    pub status: Status,
    /// What is deployed, where a job waits for it, and its span, which ends with it.
    pub job: Option<(Job, tracing::Span)>,
    /// Ends the run.
    pub remote: Option<Remote>,
    /// Brings what charts are told to a new placement.
    pub refresh: Option<Arc<dyn Refresh>>,
    /// The placement that was decided last.
    pub decided: Option<BTreeMap<String, Shares>>,
    /// Whether the driver holds: it has seen the kill switch on, by whatever hand.
    pub held: bool,
    /// Clusters that the run does not know, where it decides about some.
    pub newcomers: Option<Newcomers>,
    /// What was written down last.
    pub written: Status,
    /// Where it is shown, once it is.
    pub shown: Shown,
}

/// Tells charts where their services are now.
pub trait Refresh: Send + Sync {
    /// Begins to; what goes wrong is told as an event. Where there are no targets, nothing is begun until there are.
    fn refresh(&self, targets: Option<&BTreeMap<String, Shares>>);

    /// The values that charts have been given, by service.
    fn given(&self) -> BTreeMap<String, Value>;
}

impl Clerk {
    /// Works until the run is over or the clerk has ended it.
    pub async fn work(mut self, mut told: UnboundedReceiver<Told>) -> (Status, Verdict) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut verdict = Verdict::Over;
        loop {
            tokio::select! {
                one = told.recv() => match one {
                    Some(one) => self.take(one).await,
                    None => return (self.status, verdict),
                },
                _ = ticks.tick() => {}
                () = self.context.clone().changed_now() => {}
            }
            if verdict == Verdict::Over
                && let Some(found) = self.look().await
            {
                verdict = found;
                if let Some(remote) = &self.remote {
                    remote.end();
                } else {
                    return (self.status, verdict);
                }
            }
        }
    }

    /// What a run tells; what cannot be written down now is written with what comes next.
    async fn take(&mut self, told: Told) {
        match told {
            Told::Seen(services) => {
                for (name, places, rate) in &services {
                    if let Some(service) = self.status.services.iter_mut().find(|one| one.name == *name) {
                        see(service, places, *rate);
                    }
                }
                self.write_down().await;
            }
            Told::Decided(decided) => self.on_decided(&decided).await,
            Told::Learnt(service, lesson) => self.on_learnt(&service, &lesson).await,
            Told::Happened(event) => self.on_event(&event).await,
            Told::Failed(service, why) => {
                let told = ("service.action-failed", why.as_str(), Value::Null);
                self.context.tell(&self.graph, Some(&service), told).await;
            }
        }
    }

    /// A sample that cannot be kept now is missing later, no more.
    async fn on_learnt(&mut self, name: &str, lesson: &Lesson) {
        let kept = self.context.store.append_sample((&self.graph.id, name), &lesson.sample, lesson.since).await;
        if let Err(error) = kept {
            tracing::warn!(graph = self.graph.name, service = name, %error, "a sample could not be kept");
        }
        let Some(service) = self.status.services.iter_mut().find(|one| one.name == name) else { return };
        let news = capacities::learn(name, service.capacity.get_or_insert_default(), lesson, At::now());
        for (kind, message, data) in news {
            self.context.tell(&self.graph, Some(name), (kind, &message, data)).await;
        }
    }

    async fn write_down(&mut self) {
        let now = At::now();
        self.context.set_figures(&self.graph, &self.status);
        let given = self.refresh.as_ref().map(|refresh| refresh.given()).unwrap_or_default();
        for service in &mut self.status.services {
            if let Some(values) = given.get(&service.name) {
                service.values.clone_from(values);
            }
        }
        if let Some(links) = self.shown.get() {
            links.fill(&mut self.status);
        }
        let is_news = settle(&mut self.status, &self.written, now);
        if is_news || now.since(self.written.observed_at) >= WRITE_EVERY {
            if is_news && self.status.phase != self.written.phase {
                let message = format!("{:?} → {:?}", self.written.phase, self.status.phase).to_lowercase();
                self.context.tell(&self.graph, None, ("graph.phase", &message, json!(self.status.phase))).await;
            }
            match self.context.store.set_status(&self.graph.id, &self.status).await {
                Ok(()) => self.written = self.status.clone(),
                Err(error) => tracing::warn!(graph = self.graph.name, %error, "a status could not be written down"),
            }
        }
        if self.status.phase == Phase::Running && self.is_whole() {
            self.on_deployed().await;
        }
    }

    /// Whether nothing waits for anything but an event.
    fn is_whole(&self) -> bool {
        due::services(&self.descriptor, &self.status, &[]).is_subset(&self.services)
            && self.status.services.iter().all(|one| one.phase == Phase::Running || one.conditional)
    }

    /// All of it is ready: a job that waited for that is through, and there is something to go back to.
    async fn on_deployed(&mut self) {
        let Some((job, span)) = self.job.take() else { return };
        match self.end(&job).await {
            Ok(()) => {
                let message = format!("{} is deployed, all services are ready", self.graph.name);
                self.context.tell(&self.graph, None, ("graph.deployed", &message, json!({"job": job.id}))).await;
            }
            // It is tried again with the next status.
            Err(error) => {
                tracing::warn!(graph = self.graph.name, %error, "a job could not be ended");
                self.job = Some((job, span));
            }
        }
    }

    /// Keeps what works by now, forgets alerts of events that it does not have, and ends the job. Not before: what goes back to the
    /// descriptor that had them finds them as they are.
    async fn end(&self, job: &Job) -> Result<(), StoreError> {
        let store = &self.context.store;
        let Graph { descriptor, options, source, .. } = self.graph.clone();
        store.keep_previous(&self.graph.id, &Previous { descriptor, options, source }).await?;
        events::forget(store, &self.graph.id, &self.descriptor).await?;
        store.job_state(&job.id, JobState::Succeeded, None).await.map(drop)
    }

    async fn on_decided(&mut self, decided: &Decided) {
        for service in &mut self.status.services {
            let measured = decided.measured.get(&service.name).copied().unwrap_or_default();
            (service.latency_p95, service.cpu_used) = measured;
        }
        for (service, before, after, moved) in &decided.changed {
            let places = decided.targets.get(service).cloned().unwrap_or_default();
            let listed = places.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
            let (kind, message) = if before == after {
                ("service.moved", format!("{service}: {moved} of {after} replicas move, now {listed}"))
            } else {
                ("service.scaled", format!("{service}: {before} → {after} replicas ({listed})"))
            };
            let data = json!({"before": before, "after": after, "moved": moved, "clusters": places});
            self.context.tell(&self.graph, Some(service), (kind, &message, data)).await;
        }
        if !decided.changed.is_empty() || !decided.refusals.is_empty() || !decided.held.is_empty() {
            let row = DecisionRow {
                seq: 0,
                at: At::now(),
                policy: self.policy(),
                targets: decided.targets.clone(),
                refusals: decided.refusals.clone(),
                actions: u32::try_from(decided.actions).unwrap_or(u32::MAX),
                held: decided.held.clone(),
                explanation: None,
            };
            if let Err(error) = self.context.store.append_decision(&self.graph.id, &row).await {
                tracing::warn!(graph = self.graph.name, %error, "a decision could not be written down");
            }
        }
        self.decided = Some(decided.targets.clone());
        self.tell_charts();
    }

    /// Has charts told of what was decided last, and of nothing while the kill switch is on: replicas are where they were.
    fn tell_charts(&self) {
        if let Some(refresh) = &self.refresh {
            refresh.refresh(self.decided.as_ref().filter(|_| !self.is_paused()));
        }
    }

    /// Whether the kill switch is on: as is wanted here, or as the driver sees it.
    const fn is_paused(&self) -> bool {
        self.held || self.graph.paused.is_some()
    }

    fn policy(&self) -> String {
        self.graph.options.policy.clone().unwrap_or_else(|| self.context.settings.policy.label.clone())
    }

    async fn on_event(&mut self, event: &Event) {
        if matches!(event.kind, EventKind::ControlPaused | EventKind::ControlResumed) {
            self.on_switched(event.kind == EventKind::ControlPaused);
        }
        let (kind, what) = match event.kind {
            EventKind::ClusterLost => ("cluster.lost", "does not answer"),
            EventKind::ClusterBack => ("cluster.back", "answers again"),
            EventKind::TelemetryLost => ("telemetry.lost", "is silent: nothing is decided"),
            EventKind::TelemetryBack => ("telemetry.back", "is heard again"),
            EventKind::ControlPaused => ("graph.paused", "the kill switch is on"),
            EventKind::ControlResumed => ("graph.resumed", "the kill switch is off"),
            _ => return,
        };
        let message = format!("{}: {what}", event.subject);
        self.context.tell(&self.graph, Some(&event.subject), (kind, &message, Value::Null)).await;
    }

    /// The driver has seen the kill switch turned.
    fn on_switched(&mut self, is_on: bool) {
        // What has to be ready in time could not become so meanwhile.
        (self.held, self.graph.updated_at) = (is_on, At::now());
        self.tell_charts();
    }

    /// Whether the run has to end, and why.
    async fn look(&mut self) -> Option<Verdict> {
        if self.context.is_left(&self.graph.id) {
            return Some(Verdict::Over);
        }
        match self.is_as_wanted().await {
            Ok(true) => {}
            Ok(false) => return Some(Verdict::Changed),
            // What is wanted cannot be read: what was wanted goes on.
            Err(error) => tracing::warn!(graph = self.graph.name, %error, "what is wanted could not be read"),
        }
        let is_late = self.job.as_ref().is_some_and(|(job, _)| At::now() > self.context.deadline(job, &self.graph));
        // With the kill switch on, nothing is taken back either.
        if is_late && !self.is_paused() {
            let reason = self.status.reason.clone().unwrap_or_else(|| "it is not ready".to_owned());
            let limit = self.context.settings.deploy_timeout;
            let reason = format!("not ready within {} s: {reason}", limit.as_secs());
            self.job.iter().for_each(|(_, span)| traces::failed(span, &reason));
            return Some(Verdict::Late(reason));
        }
        None
    }

    /// Turns the kill switch where the driver looks at it before every write; with the next look again, if that fails.
    async fn turn_switch(&mut self, paused: Option<String>) {
        match pause::turn(&self.context, &self.graph, paused.as_deref()).await {
            Ok(()) => {
                (self.graph.paused, self.graph.updated_at) = (paused, At::now());
                self.tell_charts();
            }
            Err(error) => tracing::warn!(graph = self.graph.name, %error, "the kill switch could not be turned yet"),
        }
    }

    async fn is_as_wanted(&mut self) -> Result<bool, StoreError> {
        let store = self.context.store.clone();
        let Some(graph) = store.graph_by_id(&self.graph.id).await? else { return Ok(false) };
        if graph.generation != self.graph.generation {
            return Ok(false);
        }
        if graph.paused != self.graph.paused {
            self.turn_switch(graph.paused).await;
        }
        let firings = store.firings(&self.graph.id).await?;
        if due::services(&self.descriptor, &self.status, &firings) != self.services {
            return Ok(false);
        }
        // With the kill switch on, the next run could not begin.
        let is_paused = self.is_paused();
        match &mut self.newcomers {
            Some(newcomers) if !is_paused => Ok(!newcomers.have_come(&store).await?),
            _ => Ok(true),
        }
    }
}

impl Context {
    /// Waits until something that is wanted was changed here.
    pub async fn changed_now(self: Arc<Self>) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests;
