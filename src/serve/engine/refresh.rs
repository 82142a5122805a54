//! Tells charts where their services are by now, and what follows services to their places: what a chart makes besides its Deployment (services, exports, imports) follows the values
//! `clustersAffinity` and `serviceImportClusters`, also of services that did not move themselves but are called from elsewhere.

use super::clerk::Refresh;
use super::context::Context;
use super::deploy::planned;
use super::told::Shares;
use super::world::World;
use super::{monitors, plan};
use crate::backend::live::deploy::releases;
use crate::backend::live::karmada::Karmada;
use crate::input::hdag::Descriptor;
use crate::model::connection::Connection;
use crate::serve::store::rows::Graph;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// After trouble.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What it takes.
pub struct Parts {
    /// What is shared.
    pub context: Arc<Context>,
    /// The graph.
    pub graph: Graph,
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// The control plane.
    pub karmada: Karmada,
    /// The world of the run.
    pub world: World,
    /// Where it is, with the releases.
    pub connection: Connection,
    /// The values that charts have been given.
    pub given: BTreeMap<String, Value>,
    /// Where services have been placed.
    pub places: BTreeMap<String, Shares>,
}

/// Brings values to the newest placement, one change at a time.
pub struct Refresher {
    newest: watch::Sender<Option<BTreeMap<String, Shares>>>,
    given: Arc<Mutex<BTreeMap<String, Value>>>,
    monitors: JoinHandle<()>,
}

/// Nothing is made of a graph that may be on its way out.
impl Drop for Refresher {
    fn drop(&mut self) {
        self.monitors.abort();
    }
}

impl Refresher {
    /// Begins to listen; it ends with what is returned.
    pub fn start(parts: Parts, runtime: &Handle) -> Self {
        let (newest, listen) = watch::channel(Some(parts.places.clone()));
        let given = Arc::new(Mutex::new(parts.given.clone()));
        let graph = (parts.graph.clone(), parts.descriptor.clone());
        let monitors = monitors::follow(parts.context.clone(), graph, parts.karmada.clone(), newest.subscribe());
        let monitors = runtime.spawn(monitors);
        runtime.spawn(follow(parts, listen, given.clone()));
        Self { newest, given, monitors }
    }
}

impl Refresh for Refresher {
    fn refresh(&self, targets: &BTreeMap<String, Shares>) {
        self.newest.send_if_modified(|newest| {
            let differs = newest.as_ref() != Some(targets);
            if differs {
                *newest = Some(targets.clone());
            }
            differs
        });
    }

    fn given(&self) -> BTreeMap<String, Value> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn follow(
    mut parts: Parts,
    mut listen: watch::Receiver<Option<BTreeMap<String, Shares>>>,
    given: Arc<Mutex<BTreeMap<String, Value>>>,
) {
    while listen.changed().await.is_ok() {
        let Some(targets) = listen.borrow_and_update().clone() else { continue };
        let values = plan::values(&parts.world, &planned(&parts.world, &targets));
        if values == parts.given {
            continue;
        }
        while let Err(error) = tell_charts(&mut parts, &values).await {
            let told = ("service.values-failed", error.to_string(), Value::Null);
            parts.context.tell(&parts.graph, None, (told.0, &told.1, told.2)).await;
            tokio::time::sleep(AGAIN_AFTER).await;
            // The run may be over, or there is something newer to tell.
            if !matches!(listen.has_changed(), Ok(false)) {
                break;
            }
        }
        given.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&parts.given);
    }
}

async fn tell_charts(
    parts: &mut Parts,
    values: &BTreeMap<String, Value>,
) -> Result<(), crate::backend::live::outside::CallError> {
    let names: Vec<_> = parts.connection.services.ids().collect();
    for id in names {
        let counterpart = &mut parts.connection.services[id];
        if let (Some(release), Some(values)) = (&mut counterpart.release, values.get(&counterpart.workload)) {
            release.values = values.clone();
        }
    }
    let registry = parts.context.settings.registry(&parts.connection.charts);
    releases(&parts.karmada, &parts.connection, &registry).await?;
    parts.given = values.clone();
    Ok(())
}
