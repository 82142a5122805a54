//! The keeper of one graph: brings it to what is wanted, again and again, on a thread of its own.
//!
//! Whatever it does is computed from what is stored and what is there, so that it does not matter how often it is done, by whom, or
//! where it was cut off. While a graph runs, the loop of [`run`](crate::run) decides and the live backend acts; everything else is
//! done between two runs: another descriptor, services that are due, an end.

use super::clerk::{Clerk, Verdict};
use super::configured::windows;
use super::context::{Context, KeepError};
use super::deploy::{Deployed, Refresher};
use super::status::{asleep, first_status, noted};
use super::steady::Steady;
use super::told::{Teller, Told};
use super::{capacities, dashboards, deploy, due, events, fixed, monitors, newcomers, remove};
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::{LiveBackend, Mode};
use crate::input::hdag::{self, Descriptor};
use crate::learning::Learning;
use crate::model::control::Rails;
use crate::run::Run;
use crate::seed::Seed;
use crate::serve::at::At;
use crate::serve::store::asked::{Ask, Ended};
use crate::serve::store::rows::{Change, Graph, Job, JobKind, JobState, Phase, Status, Wish};
use crate::serve::traces;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tracing::Instrument as _;

/// Who goes back to what worked, in the job's own words.
const ROLLBACK: &str = "smo (rollback)";
/// After trouble that may pass.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// From one sample of what is there to the next.
const SEEN_EVERY: crate::units::Span = crate::units::Span(1_000_000_000);

/// What is to be done with a graph next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is as wanted, and stays so by itself.
    Done,
    /// Look again, after so long.
    Again(Duration),
}

/// A keeper.
pub struct Keeper {
    /// What is shared.
    pub context: Arc<Context>,
    /// Where what waits is done.
    pub runtime: Handle,
    /// The graph.
    pub id: String,
}

impl Keeper {
    /// Keeps the graph until there is nothing to do, the server ends, or another one has taken the graph over.
    pub fn keep(&self) -> Next {
        loop {
            if self.context.is_left(&self.id) {
                return Next::Done;
            }
            let graph = match self.wait(self.context.store.graph_by_id(&self.id)) {
                Ok(Some(graph)) => graph,
                Ok(None) => return Next::Done,
                Err(error) => {
                    tracing::warn!(graph = self.id, %error, "the store cannot be read");
                    return Next::Again(AGAIN_AFTER);
                }
            };
            let turned = self.turn(&graph);
            self.context.forget_figures(&self.id);
            match turned {
                Ok(None) => {}
                Ok(Some(next)) => return next,
                // Whoever keeps it next finds it as it is: what failed here may be none of that one's trouble.
                Err(_) if self.context.is_left(&self.id) => return Next::Done,
                Err(error) => {
                    tracing::warn!(graph = graph.name, %error, "the graph could not be kept");
                    if let Some(next) = self.on_error(&graph, &error) {
                        return next;
                    }
                }
            }
        }
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn turn(&self, graph: &Graph) -> Result<Option<Next>, KeepError> {
        match graph.wanted {
            Wish::Running if has_given_up(graph) => Ok(Some(Next::Done)),
            Wish::Running => self.run(graph),
            Wish::Stopped => self.wait(self.stop(graph)).map(|()| Some(Next::Done)),
            Wish::Removed => self.wait(self.remove(graph)).map(|()| Some(Next::Done)),
        }
    }

    /// One run: deploys what is due, then decides and acts until something else is wanted.
    fn run(&self, graph: &Graph) -> Result<Option<Next>, KeepError> {
        let descriptor = read(graph)?;
        let (job, firings) = self.wait(self.begin(graph))?;
        let mut status = first_status(graph, &descriptor, &self.context.settings.me);
        let services = due::services(&descriptor, &status, &firings);
        for service in status.services.iter_mut().filter(|one| !services.contains(&one.name)) {
            asleep(service, Phase::Pending);
        }
        let asked = deploy::Asked { context: &self.context, graph, descriptor: &descriptor, services: &services };
        let span = traces::job(job.as_ref());
        let deploying = deploy::deploy(asked, &mut status, job.as_ref()).instrument(span.clone());
        let deployed = self.wait(deploying).inspect_err(|error| traces::failed(&span, error))?;
        // Prometheus may take minutes to load rules: nothing waits for that.
        let rules = self.runtime.spawn(events::keep(self.context.clone(), graph.clone(), descriptor.clone()));
        // Nor for Grafana.
        let shown = dashboards::Shown::default();
        let keeping = dashboards::keep(self.context.clone(), graph.clone(), descriptor.clone(), shown.clone());
        let drawing = self.runtime.spawn(keeping);
        let ran =
            self.run_deployed(deployed, (graph, descriptor, services), (status, job.map(|job| (job, span)), shown));
        rules.abort();
        drawing.abort();
        // What they write now would outlive the graph; that they were ended is no news.
        drop((self.wait(rules), self.wait(drawing)));
        ran
    }

    /// Decides and acts, or only looks where the charts place themselves, until something else is wanted.
    fn run_deployed(
        &self,
        deployed: Deployed,
        (graph, descriptor, services): (&Graph, Descriptor, BTreeSet<String>),
        (status, job, shown): (Status, Option<(Job, tracing::Span)>, dashboards::Shown),
    ) -> Result<Option<Next>, KeepError> {
        let clerk = Clerk {
            context: self.context.clone(),
            graph: graph.clone(),
            descriptor,
            services,
            written: Status { generation: -1, ..graph.status.clone() },
            status,
            job,
            remote: None,
            refresh: None,
            decided: None,
            held: false,
            newcomers: None,
            shown,
        };
        let (status, verdict, failed) = match deployed {
            Deployed::Fixed(karmada) => {
                let (tell, told) = unbounded_channel();
                let (services, graph) = (clerk.services.clone(), (graph.clone(), clerk.descriptor.clone()));
                let (places, seen) = tokio::sync::watch::channel(None);
                let (status, verdict) = self.wait(async {
                    let monitors = tokio::spawn(monitors::follow(self.context.clone(), graph, karmada.clone(), seen));
                    let looking = tokio::spawn(fixed::look(karmada, services, (tell, places)));
                    let worked = clerk.work(told).await;
                    looking.abort();
                    monitors.abort();
                    worked
                });
                (status, verdict, None)
            }
            Deployed::Placed(placed) => self.drive(*placed, clerk)?,
        };
        match (verdict, failed) {
            (Verdict::Late(reason), _) => Err(KeepError::Impossible(reason)),
            (Verdict::Changed, _) => Ok(None),
            (Verdict::Over, Some(error)) => {
                self.wait(self.note(graph, (status, Phase::Degraded), &error));
                Ok(Some(Next::Again(AGAIN_AFTER)))
            }
            (Verdict::Over, None) => Ok(Some(Next::Done)),
        }
    }

    fn drive(&self, placed: deploy::Placed, mut clerk: Clerk) -> Result<(Status, Verdict, Option<String>), KeepError> {
        let deploy::Placed { mut scenario, connection, policy, origins, refresher } = placed;
        let settings = &self.context.settings;
        scenario.until = None;
        (scenario.control.every, scenario.sample_every) = (settings.every, Some(SEEN_EVERY));
        scenario.telemetry.scrape = settings.every.min(crate::units::Span::seconds(5));
        let known = scenario.known.clone();
        let live = LiveBackend::connect(scenario, connection, Mode::Act).map_err(of_connecting)?;
        let (tell, told) = unbounded_channel::<Told>();
        let mut teller = Teller::new(known.clone(), tell);
        (clerk.remote, clerk.newcomers) = (Some(live.remote()), Some(newcomers::Newcomers::to(known)));
        let started_at = live.started_at();
        // Connecting takes seconds: windows are on the clock of the run, like all that is decided by.
        let rails = Rails { freezes: windows(&settings.freezes, started_at), ..settings.rails.clone() };
        let past = self.wait(capacities::past(&self.context, &clerk.graph, (&teller, &origins), started_at))?;
        let live = Learning::around(live, settings.learn).going_on(past);
        let (refresher, telling) = Refresher::start(refresher, &self.runtime);
        clerk.refresh = Some(Arc::new(refresher));
        let policy = policy.build().map_err(|error| KeepError::Impossible(error.to_string()))?;
        let policy = if settings.decides { policy } else { Box::new(Steady::new(policy)) };
        let clerk = self.runtime.spawn(clerk.work(told));
        let driven = Run::new(live, policy, rails, Seed(1)).drive(None, &mut teller);
        drop(teller);
        let worked = self.wait(clerk);
        // A chart that is being told of its places now would be installed again behind the end of its graph.
        drop(self.wait(telling));
        let (status, verdict) = worked.map_err(|error| KeepError::Impossible(format!("the clerk failed: {error}")))?;
        Ok((status, verdict, driven.err().map(|error| error.to_string())))
    }

    /// What a run begins with: its job is worked on.
    async fn begin(&self, graph: &Graph) -> Result<(Option<Job>, Vec<crate::serve::store::rows::Firing>), KeepError> {
        let store = &self.context.store;
        let job = self.job(graph).await?;
        if let Some(job) = job.as_ref().filter(|job| job.state == JobState::Queued) {
            store.job_state(&job.id, JobState::Running, None).await?;
        }
        Ok((job, store.firings(&graph.id).await?))
    }

    /// The job that is about the graph as it was read: another one may have been asked for since, and what became of the graph before is
    /// none of its business.
    async fn job(&self, graph: &Graph) -> Result<Option<Job>, KeepError> {
        let job = self.context.store.unfinished_job(&graph.id).await?;
        Ok(job.filter(|job| job.generation == graph.generation))
    }

    async fn stop(&self, graph: &Graph) -> Result<(), KeepError> {
        let job = self.begin(graph).await?.0;
        self.take_down(graph, job.as_ref()).await?;
        let mut status = first_status(graph, &read(graph)?, &self.context.settings.me);
        for service in &mut status.services {
            asleep(service, if service.conditional { Phase::Pending } else { Phase::Stopped });
        }
        let dashboard = status.dashboard.clone();
        let status = Status { phase: Phase::Stopped, reason: None, dashboard, ..status };
        self.finish(graph, status, ended(job.as_ref(), JobState::Succeeded, None)).await?;
        self.context.tell(graph, None, ("graph.stopped", "nothing of it is deployed any more", Value::Null)).await;
        Ok(())
    }

    async fn remove(&self, graph: &Graph) -> Result<(), KeepError> {
        let job = self.begin(graph).await?.0;
        if graph.status.phase != Phase::Removing {
            let status = Status { phase: Phase::Removing, reason: None, since: At::now(), ..graph.status.clone() };
            let status = Status { generation: graph.generation, ..status };
            self.context.store.set_status(&graph.id, &status).await?;
        }
        self.take_down(graph, job.as_ref()).await?;
        // With the graph ends whatever job removes it: whoever waits for that can use the name at once.
        self.context.store.delete_graph(&graph.id).await?;
        self.context
            .tell(graph, None, ("graph.removed", "it is gone, with all that was made for it", Value::Null))
            .await;
        let context = self.context.clone();
        self.runtime.spawn(async move {
            // What is left now is removed by whoever looks after it.
            drop(dashboards::sweep(&context).await);
        });
        Ok(())
    }

    /// Trouble: what may pass is tried again; what cannot is given up, and what worked before comes back.
    fn on_error(&self, graph: &Graph, error: &KeepError) -> Option<Next> {
        let reason = error.to_string();
        self.wait(async {
            // As it is noted by now: what has begun to be installed since it was read is ours, and is not to be forgotten.
            let status = match self.context.store.graph_by_id(&graph.id).await {
                Ok(Some(now)) => now.status,
                Ok(None) => return Some(Next::Done),
                Err(error) => {
                    tracing::warn!(graph = graph.name, %error, "the store cannot be read");
                    return Some(Next::Again(AGAIN_AFTER));
                }
            };
            let graph = &Graph { status, ..graph.clone() };
            if (error.may_pass() && !self.is_overdue(graph, error).await) || graph.wanted != Wish::Running {
                let phase = if graph.wanted == Wish::Removed { Phase::Removing } else { graph.status.phase };
                self.note(graph, (graph.status.clone(), phase), &reason).await;
                return Some(Next::Again(AGAIN_AFTER));
            }
            if self.has_stood(graph).await {
                self.note(graph, (graph.status.clone(), Phase::Degraded), &reason).await;
                return Some(Next::Again(AGAIN_AFTER));
            }
            match self.give_up(graph, &reason).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(graph = graph.name, %error, "what failed could not be taken back yet");
                    Some(Next::Again(AGAIN_AFTER))
                }
            }
        })
    }

    /// Whether a job has waited long enough for what may pass, and is not held up by what is nobody's fault.
    async fn is_overdue(&self, graph: &Graph, error: &KeepError) -> bool {
        let job = self.job(graph).await.ok().flatten();
        let is_late = job.is_some_and(|job| At::now() > self.context.deadline(&job, graph));
        !self.context.is_held_up(graph, error) && is_late
    }

    /// Whether it ran as it is wanted, and nobody waits for anything else. Room that a service finds none of when it is woken, or a mistake
    /// in what the server was started with, is no reason to leave the rest of it alone for ever.
    async fn has_stood(&self, graph: &Graph) -> bool {
        let has_worked = graph.previous.as_ref().is_some_and(|previous| previous.descriptor == graph.descriptor);
        has_worked && matches!(self.job(graph).await, Ok(None))
    }

    async fn give_up(&self, graph: &Graph, reason: &str) -> Result<(), KeepError> {
        let store = &self.context.store;
        let job = self.job(graph).await?;
        let is_rollback = job.as_ref().is_some_and(|job| job.actor == ROLLBACK);
        let worked = graph.previous.as_ref().filter(|previous| previous.descriptor != graph.descriptor && !is_rollback);
        let failed = ended(job.as_ref(), JobState::Failed, Some(reason));
        if let Some(worked) = worked {
            let back = (worked.descriptor.clone(), worked.source.clone(), worked.options.clone());
            let change = Change { descriptor: Some(back), ..Change::default() };
            let (expected, actor) = (Some(graph.generation), ROLLBACK.to_owned());
            let ask = Ask { expected, change, kind: JobKind::Update, actor };
            store.change_instead(&graph.id, &ask, failed).await?;
            self.tell_failed(graph, reason, true).await;
            return Ok(());
        }
        // One that never ran leaves nothing behind; one that did keeps what there is.
        if graph.previous.is_none() {
            remove::take_down(&self.context, graph, job.as_ref()).await?;
        }
        let mut status = first_status(graph, &read(graph)?, &self.context.settings.me);
        if graph.previous.is_none() {
            for service in &mut status.services {
                asleep(service, Phase::Stopped);
            }
        }
        self.finish(graph, Status { phase: Phase::Failed, reason: Some(reason.to_owned()), ..status }, failed).await?;
        self.tell_failed(graph, reason, false).await;
        Ok(())
    }

    /// As a part of the trace of its job.
    async fn take_down(&self, graph: &Graph, job: Option<&Job>) -> Result<(), KeepError> {
        let span = traces::job(job);
        let taken = remove::take_down(&self.context, graph, job).instrument(span.clone()).await;
        taken.inspect_err(|error| traces::failed(&span, error))
    }

    async fn tell_failed(&self, graph: &Graph, reason: &str, is_rolled_back: bool) {
        self.context.tell(graph, None, ("graph.failed", reason, json!({"rolled_back": is_rolled_back}))).await;
    }

    /// What became of a graph that is looked at no more, and of its job.
    async fn finish(&self, graph: &Graph, mut status: Status, job: Option<Ended<'_>>) -> Result<(), KeepError> {
        let now = At::now();
        (status.since, status.observed_at, status.generation) = (now, now, graph.generation);
        Ok(self.context.store.conclude(&graph.id, &status, job).await?)
    }

    /// Says why it is not as wanted, without a claim that it ever will be.
    async fn note(&self, graph: &Graph, (status, phase): (Status, Phase), reason: &str) {
        let phase = if phase == Phase::Pending { Phase::Deploying } else { phase };
        let status = noted(status, (phase, reason), At::now());
        if let Err(error) = self.context.store.set_status(&graph.id, &status).await {
            tracing::warn!(graph = graph.name, %error, "a status could not be written down");
        }
    }
}

/// Another driver, or a kill switch that is on, passes; all else is as it was said.
fn of_connecting(error: CallError) -> CallError {
    let passes = error.call.starts_with("drive ") || error.call == "check of the kill switch";
    if passes { CallError { class: Class::Retryable, ..error } } else { error }
}

fn ended<'a>(job: Option<&'a Job>, state: JobState, reason: Option<&'a str>) -> Option<Ended<'a>> {
    job.map(|job| Ended { job: &job.id, state, reason })
}

/// What was given up stays so until something else is wanted.
pub fn has_given_up(graph: &Graph) -> bool {
    graph.status.phase == Phase::Failed && graph.status.generation == graph.generation
}

/// The descriptor, which was read before it was stored.
///
/// # Errors
/// It is none: somebody changed the store by hand.
pub fn read(graph: &Graph) -> Result<Descriptor, KeepError> {
    let parsed = hdag::parse(graph.descriptor.to_string(), &graph.name);
    parsed.map(|(descriptor, _)| descriptor).map_err(|error| KeepError::Impossible(error.to_string()))
}

#[cfg(test)]
mod tests;
