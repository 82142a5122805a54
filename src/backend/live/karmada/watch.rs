//! What changes on the control plane: clusters and bindings, as they come, with a new list after every gap.

use super::binding::BindingSeen;
use super::cluster::ClusterSeen;
use super::{BINDING, CLUSTER, CallError, Karmada};
use crate::backend::live::kubernetes;
use futures::{Stream, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

/// From one list to the next at most, in seconds: what a watch has missed is found then.
const RESYNC_SECONDS: u32 = 60;

/// Something that is different now.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A cluster is so.
    Cluster(Box<ClusterSeen>),
    /// A cluster has left.
    ClusterGone(String),
    /// The binding of a workload is so.
    Binding(Box<BindingSeen>),
    /// A workload has no binding any more.
    BindingGone(String),
    /// The watch was interrupted; it comes back by itself.
    Trouble(CallError),
}

impl Karmada {
    /// Changes of clusters and of the bindings of the namespace, all that is there first.
    pub fn changes(&self) -> impl Stream<Item = Change> + Send + use<> {
        let config = watcher::Config::default().timeout(RESYNC_SECONDS);
        let trouble = |error: watcher::Error| {
            let what = "watch";
            Change::Trouble(match error {
                watcher::Error::InitialListFailed(error)
                | watcher::Error::WatchStartFailed(error)
                | watcher::Error::WatchFailed(error) => kubernetes::error("karmada", what, &error),
                other => CallError::new("karmada", what, super::Class::Retryable, other),
            })
        };
        let clusters = watcher(self.everywhere(CLUSTER), config.clone()).default_backoff().filter_map(move |event| {
            let change = match event {
                Ok(Event::Apply(object) | Event::InitApply(object)) => {
                    ClusterSeen::of(&object).ok().map(|seen| Change::Cluster(Box::new(seen)))
                }
                Ok(Event::Delete(object)) => object.metadata.name.map(Change::ClusterGone),
                Ok(Event::Init | Event::InitDone) => None,
                Err(error) => Some(trouble(error)),
            };
            std::future::ready(change)
        });
        let bindings = watcher(self.namespaced(BINDING), config).default_backoff().filter_map(move |event| {
            let change = match event {
                Ok(Event::Apply(object) | Event::InitApply(object)) => {
                    BindingSeen::of(&object).map(|seen| Change::Binding(Box::new(seen)))
                }
                Ok(Event::Delete(object)) => BindingSeen::of(&object).map(|seen| Change::BindingGone(seen.workload)),
                Ok(Event::Init | Event::InitDone) => None,
                Err(error) => Some(trouble(error)),
            };
            std::future::ready(change)
        });
        futures::stream::select(clusters, bindings)
    }
}
