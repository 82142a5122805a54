//! Alerts that fire, for services that wait for an event.

use super::rows::Firing;
use super::sql::sql;
use super::{Store, StoreError};

impl Store {
    /// Notes that an alert fires, or does not any more; whether that is news. An alert that fires on keeps the time since when, and one that
    /// fires since later than what has ended is another, whose firing was told first.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no such graph, or a database that does not answer.
    pub async fn set_firing(&self, graph_id: &str, alert: &Firing, fires: bool) -> Result<bool, StoreError> {
        let set = if fires {
            sql("INSERT INTO firings (graph_id, service, event, since) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .text(graph_id)
                .text(&alert.service)
                .text(&alert.event)
                .at(alert.since)
        } else {
            sql("DELETE FROM firings WHERE graph_id = $1 AND service = $2 AND event = $3 AND since <= $4")
                .text(graph_id)
                .text(&alert.service)
                .text(&alert.event)
                .at(alert.since)
        };
        Ok(set.run(&mut *self.writing().await?).await? > 0)
    }

    /// The alerts that fire for a graph, by service and event.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn firings(&self, graph_id: &str) -> Result<Vec<Firing>, StoreError> {
        let all =
            sql("SELECT service, event, since FROM firings WHERE graph_id = $1 ORDER BY service, event").text(graph_id);
        let rows = all.rows(&mut *self.reading().await?).await?;
        let firing = |row: &super::sql::Row| -> Result<Firing, StoreError> {
            Ok(Firing { service: row.text("service")?, event: row.text("event")?, since: row.at("since")? })
        };
        rows.iter().map(firing).collect()
    }

    /// Forgets all alerts of a graph.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn clear_firings(&self, graph_id: &str) -> Result<(), StoreError> {
        sql("DELETE FROM firings WHERE graph_id = $1").text(graph_id).run(&mut *self.writing().await?).await.map(drop)
    }
}
