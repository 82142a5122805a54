//! What the interface asks of the engine, answered.

use super::{Engine, EngineError, PlanAnswer};
use crate::backend::live::alerts::Alert;
use crate::input::hdag::Descriptor;
use crate::serve::api::acts::{Acts, AlertsTaken, Answer, Calls, Figures, Reach};
use crate::serve::store::rows::{ClusterRow, Event, Graph, Options, Source};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::broadcast;

impl Acts for Engine {
    fn wake(&self) {
        Self::wake(self);
    }

    fn dry_run<'a>(&'a self, project: &'a str, descriptor: &'a Value, options: &'a Options) -> Answer<'a, PlanAnswer> {
        async move { Self::dry_run(self, project, (descriptor, options), None).await }.boxed()
    }

    fn diff<'a>(&'a self, graph: &'a Graph, descriptor: &'a Value, options: &'a Options) -> Answer<'a, Value> {
        Self::diff(self, graph, descriptor, options).boxed()
    }

    fn sync_clusters(&self) -> Answer<'_, Vec<ClusterRow>> {
        Self::sync_clusters(self).boxed()
    }

    fn check<'a>(&'a self, descriptor: &'a Descriptor, options: &'a Options) -> Answer<'a, Vec<String>> {
        self.check_read(descriptor, options).boxed()
    }

    fn pull<'a>(&'a self, reference: &'a str) -> Answer<'a, (Value, Source)> {
        Self::pull(self, reference).boxed()
    }

    fn on_alerts<'a>(&'a self, alerts: &'a [Alert]) -> Answer<'a, AlertsTaken> {
        async move {
            let taken: Result<super::Taken, EngineError> = Self::on_alerts(self, alerts).await;
            taken.map(|taken| AlertsTaken { taken: taken.news, repeated: taken.repeated, unknown: taken.unknown })
        }
        .boxed()
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.listen()
    }

    fn control_plane(&self) -> Reach {
        match Self::control_plane(self) {
            None => Reach::NotConfigured,
            Some(Ok(())) => Reach::Reached,
            Some(Err(reason)) => Reach::Lost(reason),
        }
    }

    fn figures(&self) -> Figures {
        Figures { leases_held: self.kept(), calls: Vec::<Calls>::new() }
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        self.shut_down().boxed()
    }
}
