//! Alerts that fire, for services that wait for an event.

use super::rows::Firing;
use super::sql::sql;
use super::{Store, StoreError};

impl Store {
    /// Notes that an alert of an event, which its fingerprint tells from others, fires, or does not any more; whether that is news. An alert that
    /// fires on keeps the time since when, and one that fires since later than what has ended is another, whose firing was told first. What
    /// fires without a fingerprint ends with any alert of its event.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no such graph, or a database that does not answer.
    pub async fn set_firing(
        &self,
        graph_id: &str,
        (alert, fingerprint): (&Firing, &str),
        fires: bool,
    ) -> Result<bool, StoreError> {
        let set = if fires {
            sql("INSERT INTO firings (graph_id, service, event, fingerprint, since) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING")
        } else {
            sql("DELETE FROM firings \
                 WHERE graph_id = $1 AND service = $2 AND event = $3 AND fingerprint IN ($4, '') AND since <= $5")
        };
        let set = set.text(graph_id).text(&alert.service).text(&alert.event).text(fingerprint).at(alert.since);
        Ok(set.run(&mut *self.writing().await?).await? > 0)
    }

    /// The events that fire for a graph, by service and event, since the first of their alerts.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn firings(&self, graph_id: &str) -> Result<Vec<Firing>, StoreError> {
        let all = sql("SELECT service, event, MIN(since) AS since FROM firings WHERE graph_id = $1 \
                       GROUP BY service, event ORDER BY service, event");
        let rows = all.text(graph_id).rows(&mut *self.reading().await?).await?;
        let firing = |row: &super::sql::Row| -> Result<Firing, StoreError> {
            Ok(Firing { service: row.text("service")?, event: row.text("event")?, since: row.at("since")? })
        };
        rows.iter().map(firing).collect()
    }

    /// Forgets all alerts of an event.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn clear_event(&self, graph_id: &str, service: &str, event: &str) -> Result<(), StoreError> {
        let clear = sql("DELETE FROM firings WHERE graph_id = $1 AND service = $2 AND event = $3");
        clear.text(graph_id).text(service).text(event).run(&mut *self.writing().await?).await.map(drop)
    }

    /// Forgets all alerts of a graph.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn clear_firings(&self, graph_id: &str) -> Result<(), StoreError> {
        sql("DELETE FROM firings WHERE graph_id = $1").text(graph_id).run(&mut *self.writing().await?).await.map(drop)
    }
}
