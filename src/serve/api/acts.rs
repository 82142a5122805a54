//! What the interface asks of the engine: everything that acts, and nothing of how.
//!
//! A trait, so that routes are tried against a double that answers at once; the engine implements it by its methods of the same
//! names. Futures are boxed, for the trait is used behind `dyn`.

use crate::backend::live::alerts::Alert;
use crate::serve::artifact::Pulled;
use crate::serve::engine::capacities::Figure;
use crate::serve::engine::{EngineError, PlanAnswer};
use crate::serve::store::rows::{ClusterRow, Event, Graph, Options};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// What the engine says.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// Who acts.
pub trait Acts: Send + Sync {
    /// Something wanted has changed: whoever keeps graphs looks at once.
    fn wake(&self);

    /// A plan for a descriptor, which nobody carries out.
    fn dry_run<'a>(&'a self, project: &'a str, descriptor: &'a Value, options: &'a Options) -> Answer<'a, PlanAnswer>;

    /// What another descriptor would change: services that come, go and change, and the plan now and then.
    fn diff<'a>(&'a self, graph: &'a Graph, descriptor: &'a Value, options: &'a Options) -> Answer<'a, Value>;

    /// Asks the control plane for its clusters now, and stores them.
    fn sync_clusters(&self) -> Answer<'_, Vec<ClusterRow>>;

    /// Whether a descriptor can be deployed at all, before anything of it is stored; what is odd about it, in sentences.
    fn check<'a>(&'a self, descriptor: &'a Value, options: &'a Options) -> Answer<'a, Vec<String>>;

    /// The descriptor of an artifact, and what it was pinned to.
    fn pull<'a>(&'a self, reference: &'a str) -> Answer<'a, Pulled>;

    /// Turns the kill switch of a graph on, with a reason, or off: from then on nothing is written for it.
    fn pause<'a>(&'a self, graph: &'a Graph, reason: Option<&'a str>) -> Answer<'a, ()>;

    /// Alerts that begin or end, in the order in which they came. Telling one twice changes nothing.
    fn on_alerts<'a>(&'a self, alerts: &'a [Alert]) -> Answer<'a, AlertsTaken>;

    /// Events as they are stored, from now on; only a knock on the door, for those of other servers are not among them.
    fn events(&self) -> broadcast::Receiver<Event>;

    /// Whether the control plane answers, as it was seen last.
    fn control_plane(&self) -> BoxFuture<'_, Reach>;

    /// What is counted.
    fn figures(&self) -> Answer<'_, Figures>;

    /// Ends what is being done in good order; what is not through is gone on with by whoever comes next.
    fn shutdown(&self) -> BoxFuture<'_, ()>;
}

/// What became of the alerts of one payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct AlertsTaken {
    /// They changed what fires.
    pub taken: u64,
    /// They had been told before.
    pub repeated: u64,
    /// They are about nothing that is known here.
    pub unknown: u64,
}

/// Whether somebody answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// Nobody of the kind is configured.
    #[default]
    NotConfigured,
    /// It does.
    Reached,
    /// It does not, for this reason.
    Lost(String),
}

/// What the engine counts, for `/metrics`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Graphs that this server keeps.
    pub leases_held: u64,
    /// What replicas of the services of these can serve, where that is known.
    pub capacities: Vec<Figure>,
}
