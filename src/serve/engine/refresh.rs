//! Tells charts where their services are by now, and what follows services to their places: what a chart makes besides its Deployment
//! (services, exports, imports) follows the values `clustersAffinity` and `serviceImportClusters`, also of services that did not move
//! themselves but are called from elsewhere.

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
    /// Begins to listen; it ends with what is returned, and the task has ended when nothing is told any more.
    pub fn start(parts: Parts, runtime: &Handle) -> (Self, JoinHandle<()>) {
        let (newest, listen) = watch::channel(Some(parts.places.clone()));
        let given = Arc::new(Mutex::new(parts.given.clone()));
        let graph = (parts.graph.clone(), parts.descriptor.clone());
        let monitors = monitors::follow(parts.context.clone(), graph, parts.karmada.clone(), newest.subscribe());
        let monitors = runtime.spawn(monitors);
        let following = runtime.spawn(follow(parts, listen, given.clone()));
        (Self { newest, given, monitors }, following)
    }
}

impl Refresh for Refresher {
    fn refresh(&self, targets: Option<&BTreeMap<String, Shares>>) {
        self.newest.send_if_modified(|newest| {
            let differs = newest.as_ref() != targets;
            if differs {
                *newest = targets.cloned();
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
        if listen.has_changed().is_err() {
            // The run is over: nothing is begun for it any more.
            return;
        }
        let values = plan::values(&parts.world, &planned(&parts.world, &targets));
        if values == parts.given {
            continue;
        }
        while let Err(error) = tell_charts(&mut parts, &values, &listen).await {
            if parts.context.is_left(&parts.graph.id) {
                return;
            }
            if is_held(&listen) {
                break;
            }
            let told = ("service.values-failed", error.to_string(), Value::Null);
            parts.context.tell(&parts.graph, None, (told.0, &told.1, told.2)).await;
            if !is_to_be_tried_again(&mut listen).await {
                break;
            }
        }
        given.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&parts.given);
    }
}

/// Waits a while, unless the run is over or there is something newer to tell, which is then seen next; whether neither came.
async fn is_to_be_tried_again<T>(listen: &mut watch::Receiver<T>) -> bool {
    let Ok(changed) = tokio::time::timeout(AGAIN_AFTER, listen.changed()).await else { return true };
    if changed.is_ok() {
        listen.mark_changed();
    }
    false
}

/// Whether nothing is to be told now: the kill switch is on.
fn is_held<T>(listen: &watch::Receiver<Option<T>>) -> bool {
    listen.borrow().is_none()
}

async fn tell_charts(
    parts: &mut Parts,
    values: &BTreeMap<String, Value>,
    listen: &watch::Receiver<Option<BTreeMap<String, Shares>>>,
) -> Result<(), crate::backend::live::outside::CallError> {
    let names: Vec<_> = parts.connection.services.ids().collect();
    for id in names {
        let counterpart = &mut parts.connection.services[id];
        if let (Some(release), Some(values)) = (&mut counterpart.release, values.get(&counterpart.workload)) {
            release.values = values.clone();
        }
    }
    let registry = parts.context.settings.registry(&parts.connection.charts);
    // Until all have been told, nobody knows what each was given: to go back is to tell them, too.
    parts.given.clear();
    let is_left = || parts.context.is_left(&parts.graph.id) || is_held(listen);
    releases(&parts.karmada, &parts.connection, &registry, &is_left).await?;
    parts.given = values.clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Refresh as _, Refresher, Shares, is_held, is_to_be_tried_again};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use tokio::sync::watch;

    #[tokio::test]
    async fn what_is_newer_is_not_lost_and_an_end_is_not_waited_for() {
        let (newest, mut listen) = watch::channel(1);
        newest.send_replace(2);
        assert!(!is_to_be_tried_again(&mut listen).await);
        assert!(listen.has_changed().unwrap(), "it is seen next");
        assert_eq!(*listen.borrow_and_update(), 2);
        drop(newest);
        assert!(!is_to_be_tried_again(&mut listen).await);
        assert!(listen.has_changed().is_err());
    }

    /// The kill switch is turned on and off, and nothing else is wanted than before.
    #[tokio::test]
    async fn what_was_held_is_told_again() {
        let places = BTreeMap::from([("web".to_owned(), Shares::from([("a".to_owned(), 1)]))]);
        let (newest, mut listen) = watch::channel(Some(places.clone()));
        let refresher = Refresher { newest, given: Arc::default(), monitors: tokio::spawn(async {}) };
        refresher.refresh(Some(&places));
        assert!(!listen.has_changed().unwrap() && !is_held(&listen), "it is known");
        refresher.refresh(None);
        assert!(is_held(&listen));
        assert!(!is_to_be_tried_again(&mut listen).await, "what was begun is not tried again");
        assert_eq!(*listen.borrow_and_update(), None);
        refresher.refresh(Some(&places));
        assert!(listen.has_changed().unwrap() && !is_held(&listen));
    }
}
