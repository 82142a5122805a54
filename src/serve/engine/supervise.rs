//! Sees to it that every graph that needs one has a keeper, and that no graph has two: a keeper holds the graph's lease in the store, and
//! a lease that is not renewed passes to another server.

use super::context::Context;
use super::keeper::{Keeper, Next};
use super::{clusters, dashboards, network};
use crate::serve::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often it is looked after graphs that need a keeper.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A keeper that has not been heard of for so long is gone.
const LEASE: Duration = Duration::from_secs(15);
/// A lease is renewed when a third of it is gone.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often the distances between clusters are read.
const MEASURE_EVERY: Duration = Duration::from_mins(1);
/// The lease of whoever looks after the clusters.
const CLUSTERS: &str = "clusters";
/// How often the store forgets what nobody will ask for any more.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// The lease of whoever sees to that.
const TIDY: &str = "tidy";

/// A supervisor that works.
#[derive(Debug)]
pub struct Handle {
    ended: watch::Receiver<bool>,
}

impl Handle {
    /// Waits until all keepers have left.
    pub async fn ended(&self) {
        // One that is gone has ended as well.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

/// A keeper at work.
struct Kept {
    thread: JoinHandle<Next>,
    renewed: Instant,
}

struct Supervisor {
    context: Arc<Context>,
    kept: BTreeMap<String, Kept>,
    /// Graphs that are looked at again later.
    later: BTreeMap<String, Instant>,
}

/// Starts a supervisor.
pub fn start(context: Arc<Context>) -> Handle {
    let (tell, ended) = watch::channel(false);
    tokio::spawn(async move {
        let looking = tokio::spawn(look_after_clusters(context.clone()));
        let drawing = tokio::spawn(dashboards::look_after(context.clone()));
        let tidying = tokio::spawn(look_after_store(context.clone()));
        let mut supervisor = Supervisor { context, kept: BTreeMap::new(), later: BTreeMap::new() };
        supervisor.work().await;
        looking.abort();
        drawing.abort();
        tidying.abort();
        let _ = tell.send(true);
    });
    Handle { ended }
}

fn lease_of(graph: &str) -> String {
    format!("graph/{graph}")
}

impl Supervisor {
    async fn work(&mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.context.is_ending() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.context.clone().changed_now() => {}
            }
            self.reap().await;
            self.renew().await;
            if let Err(error) = self.hire().await {
                tracing::warn!(%error, "what is wanted could not be read");
            }
        }
        for (graph, kept) in std::mem::take(&mut self.kept) {
            // A keeper that panicked has left as well.
            let _ = kept.thread.await;
            self.give_back(&graph).await;
        }
    }

    /// Takes leave of keepers that have ended.
    async fn reap(&mut self) {
        let ended: Vec<String> =
            self.kept.iter().filter(|(_, kept)| kept.thread.is_finished()).map(|(graph, _)| graph.clone()).collect();
        for graph in ended {
            let Some(kept) = self.kept.remove(&graph) else { continue };
            let again = match kept.thread.await {
                Ok(Next::Done) => None,
                Ok(Next::Again(after)) => Some(after),
                Err(error) => {
                    tracing::error!(graph, %error, "a keeper failed");
                    Some(LEASE)
                }
            };
            if let Some(after) = again {
                self.later.insert(graph.clone(), crate::backend::live::clock::now() + after);
            }
            self.give_back(&graph).await;
        }
    }

    async fn give_back(&self, graph: &str) {
        if let Err(error) = self.context.store.release(&lease_of(graph), &self.context.settings.me).await {
            tracing::warn!(graph, %error, "a lease could not be given back; it ends by itself");
        }
    }

    async fn renew(&mut self) {
        let now = crate::backend::live::clock::now();
        for (graph, kept) in &mut self.kept {
            if now.duration_since(kept.renewed) < RENEW_EVERY {
                continue;
            }
            match self.context.store.acquire(&lease_of(graph), &self.context.settings.me, LEASE).await {
                Ok(true) => kept.renewed = now,
                // Nobody could keep it in time: whoever does so now is not to be disturbed.
                Ok(false) if self.context.lose(graph) => {
                    tracing::warn!(graph, "another server has taken the graph over; it is left to that one");
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(graph, %error, "a lease could not be renewed"),
            }
        }
    }

    /// Gives every graph that needs one a keeper.
    async fn hire(&mut self) -> Result<(), StoreError> {
        let now = crate::backend::live::clock::now();
        self.later.retain(|_, at| *at > now);
        for graph in self.context.store.graph_ids_to_keep().await? {
            if self.kept.contains_key(&graph) || self.later.contains_key(&graph) || self.context.is_ending() {
                continue;
            }
            if !self.context.store.acquire(&lease_of(&graph), &self.context.settings.me, LEASE).await? {
                continue;
            }
            self.context.hold(&graph);
            let runtime = tokio::runtime::Handle::current();
            let keeper = Keeper { context: self.context.clone(), runtime, id: graph.clone() };
            let thread = tokio::task::spawn_blocking(move || keeper.keep());
            self.kept.insert(graph, Kept { thread, renewed: now });
        }
        Ok(())
    }
}

/// Asks for the clusters now and then; of several servers, one does.
async fn look_after_clusters(context: Arc<Context>) {
    if context.settings.karmada.is_none() {
        return;
    }
    let mut ticks = tokio::time::interval(clusters::LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut was_silent, mut measured) = (false, None);
    loop {
        ticks.tick().await;
        let is_mine = context.store.acquire(CLUSTERS, &context.settings.me, clusters::LOOK_EVERY * 3).await;
        if !is_mine.unwrap_or(false) {
            continue;
        }
        let looked = clusters::sync(&context).await;
        let is_silent = looked.is_err();
        if is_silent
            && !was_silent
            && let Err(error) = &looked
        {
            tracing::warn!(%error, "the control plane does not answer; what was known of the clusters stands");
        }
        was_silent = is_silent;
        let now = crate::backend::live::clock::now();
        if !is_silent && measured.is_none_or(|at| now.duration_since(at) >= MEASURE_EVERY) {
            measured = Some(now);
            if let Err(error) = network::keep(&context).await {
                tracing::debug!(%error, "distances between clusters could not be kept");
            }
        }
    }
}

/// Has the store tidied now and then.
async fn look_after_store(context: Arc<Context>) {
    let mut ticks = tokio::time::interval(TIDY_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = tidy(&context.store, &context.settings.me).await {
            tracing::warn!(%error, "the store could not be tidied; it grows until it can");
        }
    }
}

/// Tidies the store, unless another server has done so within the hour; how many rows are gone.
async fn tidy(store: &Store, me: &str) -> Result<Option<u64>, StoreError> {
    if !store.acquire(TIDY, me, TIDY_EVERY).await? {
        return Ok(None);
    }
    store.tidy().await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::{Kept, LEASE, RENEW_EVERY, Supervisor, TIDY, lease_of, tidy};
    use crate::backend::live::clock;
    use crate::serve::engine::keeper::Next;
    use crate::serve::engine::stand_in;
    use crate::serve::store::Store;
    use std::collections::BTreeMap;

    /// A server that could not renew its lease in time finds another one in its place.
    #[tokio::test]
    async fn a_graph_that_another_server_has_taken_over_is_left_to_it() {
        let context = stand_in::context(stand_in::settings(&[])).await;
        assert!(context.store.acquire(&lease_of("g"), "another", LEASE).await.unwrap());
        let thread = tokio::task::spawn_blocking(|| Next::Done);
        let renewed = clock::now().checked_sub(RENEW_EVERY).unwrap();
        let kept = BTreeMap::from([("g".to_owned(), Kept { thread, renewed })]);
        let mut supervisor = Supervisor { context: context.clone(), kept, later: BTreeMap::new() };
        supervisor.renew().await;
        assert!(context.is_left("g") && !context.is_left("h"));
        assert!(!context.lose("g"), "it is told once");
        context.hold("g");
        assert!(!context.is_left("g"), "kept here anew");
    }

    #[tokio::test]
    async fn of_several_servers_one_tidies_the_store() {
        let store = Store::open("sqlite://:memory:").await.unwrap();
        assert_eq!(tidy(&store, "a").await.unwrap(), Some(0));
        assert_eq!(tidy(&store, "b").await.unwrap(), None);
        assert_eq!(tidy(&store, "a").await.unwrap(), Some(0), "whoever did it last does it again");
        store.release(TIDY, "a").await.unwrap();
        assert_eq!(tidy(&store, "b").await.unwrap(), Some(0));
    }
}
