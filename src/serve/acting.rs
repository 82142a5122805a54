//! The engine as the interface knows it.
//!
//! It adds what the engine does not have of its own: where artifacts come from, and a memory of two seconds for whether the control
//! plane answers, since anybody may ask for that as often as they like.

use super::api::acts::{Acts, AlertsTaken, Answer, Figures, Reach};
use super::artifact::{self, ArtifactError, Pulled};
use super::config::Config;
use super::engine::{Engine, EngineError, Settings, Trouble};
use super::store::Store;
use super::store::rows::{ClusterRow, Event, Graph, Options};
use super::traces;
use crate::backend::live::alerts::Alert;
use crate::backend::live::clock;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, broadcast};
use tokio::time::timeout;
use tracing::Instrument as _;

/// How long it is believed that the control plane answers, or does not.
const BELIEVED: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The engine, and what the interface wants besides.
pub struct Acting {
    engine: Engine,
    store: Store,
    config: Arc<Config>,
    /// What the engine's leases are held by.
    me: String,
    reach: Mutex<Option<(Instant, Reach)>>,
}

impl Acting {
    /// Begins to keep the graphs of a store. Has to be called inside a runtime.
    pub fn start(store: Store, config: Arc<Config>, settings: Settings) -> Self {
        let me = settings.me.clone();
        Self { engine: Engine::start(store.clone(), settings), store, config, me, reach: Mutex::default() }
    }

    async fn ask(&self) -> Reach {
        match timeout(PATIENCE, self.engine.is_reachable()).await {
            Ok(None) => Reach::NotConfigured,
            Ok(Some(true)) => Reach::Reached,
            Ok(Some(false)) => Reach::Lost("it does not answer".to_owned()),
            Err(_) => Reach::Lost(format!("it does not answer within {} s", PATIENCE.as_secs())),
        }
    }
}

impl Acts for Acting {
    fn wake(&self) {
        self.engine.wake();
    }

    fn dry_run<'a>(
        &'a self,
        project: &'a str,
        descriptor: &'a Value,
        options: &'a Options,
    ) -> Answer<'a, super::engine::PlanAnswer> {
        let span = traces::dry_run(project);
        let dry_run = async move {
            let name = descriptor["hdaGraph"]["id"].as_str().unwrap_or_default();
            let now = self.store.graph(project, name).await?;
            self.engine.dry_run(project, (descriptor, options), now.as_ref()).await
        };
        let inside = dry_run.instrument(span.clone());
        inside.inspect_err(move |error| traces::failed(&span, error)).boxed()
    }

    fn diff<'a>(&'a self, graph: &'a Graph, descriptor: &'a Value, options: &'a Options) -> Answer<'a, Value> {
        self.engine.diff(graph, descriptor, options).boxed()
    }

    fn sync_clusters(&self) -> Answer<'_, Vec<ClusterRow>> {
        self.engine.sync_clusters().boxed()
    }

    fn check<'a>(&'a self, descriptor: &'a Value, options: &'a Options) -> Answer<'a, Vec<String>> {
        async move { self.engine.check(descriptor, options).await.map(|(_, notes)| notes) }.boxed()
    }

    fn pull<'a>(&'a self, reference: &'a str) -> Answer<'a, Pulled> {
        async move { artifact::pull(reference, &self.config.charts).await.map_err(EngineError::from) }.boxed()
    }

    fn pause<'a>(&'a self, graph: &'a Graph, reason: Option<&'a str>) -> Answer<'a, ()> {
        async move {
            // Without a control plane nothing is written anyway.
            if self.config.karmada.is_none() { Ok(()) } else { self.engine.pause(graph, reason).await }
        }
        .boxed()
    }

    fn on_alerts<'a>(&'a self, alerts: &'a [Alert]) -> Answer<'a, AlertsTaken> {
        async move {
            let taken = self.engine.on_alerts(alerts).await?;
            Ok(AlertsTaken { taken: taken.news, repeated: taken.repeated, unknown: taken.unknown })
        }
        .boxed()
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.engine.listen()
    }

    fn control_plane(&self) -> BoxFuture<'_, Reach> {
        async move {
            // Held while it is asked: whoever comes in between waits for that answer.
            let mut known = self.reach.lock().await;
            match &*known {
                Some((at, reach)) if at.elapsed() < BELIEVED => reach.clone(),
                _ => {
                    let reach = self.ask().await;
                    *known = Some((clock::now(), reach.clone()));
                    reach
                }
            }
        }
        .boxed()
    }

    fn figures(&self) -> Answer<'_, Figures> {
        async move {
            let leases_held = self.store.leases_held(&self.me, "graph/").await?;
            Ok(Figures { leases_held, capacities: self.engine.capacities() })
        }
        .boxed()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        self.engine.shut_down().boxed()
    }
}

impl From<ArtifactError> for EngineError {
    fn from(error: ArtifactError) -> Self {
        let kind = match &error {
            ArtifactError::Wrong { .. } => Trouble::Invalid,
            ArtifactError::Refused { .. } => Trouble::Refused,
            ArtifactError::Absent { .. } => Trouble::NotFound,
            ArtifactError::Unreachable { .. } => Trouble::Unreachable,
        };
        Self::new(kind, error.to_string())
    }
}
