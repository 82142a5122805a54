//! Clusters that a run does not know: it decides about those that were usable when it began, and only the next one sees what has come since, or
//! is ready again.
//!
//! A cluster that is lost ends no run: the loop leaves it, and returns to it. One that has come does, but no young one: a beginning takes
//! seconds in which nothing is decided, and a cluster that comes and goes would leave time for little else.

use super::clusters;
use super::inventory::is_usable;
use crate::backend::live::clock;
use crate::model::scenario::Known;
use crate::serve::store::rows::ClusterRow;
use crate::serve::store::{Store, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time that every run is given before newcomers are looked for.
const GIVEN: Duration = Duration::from_mins(5);

/// Looks for them.
#[derive(Debug)]
pub struct Newcomers {
    known: Arc<Known>,
    look_at: Instant,
}

impl Newcomers {
    /// For a run that begins now and knows so much.
    pub fn to(known: Arc<Known>) -> Self {
        Self { known, look_at: clock::now() + GIVEN }
    }

    /// Whether there are some; looked for as often as clusters are asked for.
    ///
    /// # Errors
    /// The store.
    pub async fn have_come(&mut self, store: &Store) -> Result<bool, StoreError> {
        let now = clock::now();
        if now < self.look_at {
            return Ok(false);
        }
        self.look_at = now + clusters::LOOK_EVERY;
        let is_known = |row: &ClusterRow| self.known.clusters.values().any(|one| one.name == row.name);
        Ok(store.clusters().await?.iter().any(|row| is_usable(row) && !is_known(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::{ClusterRow, Newcomers, Store, clock};
    use crate::serve::engine::stand_in::{descriptor, row, service, world_of};

    #[tokio::test]
    async fn a_cluster_that_has_come_is_seen_in_time_and_one_that_is_lost_is_no_newcomer() {
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let world = world_of(&descriptor(&service("web", "light", "{}", "")), &[row("a")]);
        let mut newcomers = Newcomers::to(world.scenario.known.clone());
        let sick = |name: &str| ClusterRow { ready: false, ..row(name) };
        store.put_clusters(&[row("a"), row("b")]).await.unwrap();
        assert!(!newcomers.have_come(&store).await.unwrap(), "the run has just begun");
        for (seen, come) in [
            (vec![row("a"), sick("b")], false),
            (vec![row("a"), row("b")], true),
            (vec![sick("a"), row("b")], true),
            (vec![sick("a")], false),
        ] {
            store.put_clusters(&seen).await.unwrap();
            newcomers.look_at = clock::now();
            assert_eq!(newcomers.have_come(&store).await.unwrap(), come, "{seen:?}");
            assert!(!newcomers.have_come(&store).await.unwrap(), "it was looked a moment ago");
        }
    }
}
