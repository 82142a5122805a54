//! Events: what happened, in an order without gaps.

use super::asked::{EventFilter, NewEvent};
use super::rows::Event;
use super::sql::{Row, sql};
use super::{Store, StoreError, next_number};
use crate::serve::at::At;
use serde_json::json;

impl Store {
    /// Writes down what happened, and gives it its number.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn append_event(&self, new: &NewEvent) -> Result<Event, StoreError> {
        let mut within = self.begin().await?;
        let event = Event {
            seq: next_number("events", &mut within).await?,
            at: At::now(),
            kind: new.kind.clone(),
            project: new.project.clone(),
            graph: new.graph.clone(),
            subject: new.subject.clone(),
            message: new.message.clone(),
            // An object in any case, as it is described: without figures, an empty one.
            data: if new.data.is_null() { json!({}) } else { new.data.clone() },
        };
        let insert = sql("INSERT INTO events (seq, at, kind, project, graph, subject, message, data) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let insert = insert.number(event.seq).at(event.at).text(&event.kind).text_or_null(event.project.as_deref());
        let insert = insert.text_or_null(event.graph.as_deref()).text_or_null(event.subject.as_deref());
        insert.text(&event.message).json(&event.data).run(&mut within).await?;
        within.commit().await?;
        Ok(event)
    }

    /// Events in their order: those after a number.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        let found = sql("SELECT seq, at, kind, project, graph, subject, message, data FROM events WHERE seq > $1 \
                         AND ($2 IS NULL OR project = $2) AND ($3 IS NULL OR graph = $3) \
                         AND ($4 IS NULL OR kind = $4 OR substr(kind, 1, length($4) + 1) = $4 || '.') \
                         ORDER BY seq LIMIT $5");
        let found = found.number(filter.after).text_or_null(filter.project.as_deref());
        let found = found.text_or_null(filter.graph.as_deref()).text_or_null(filter.kind.as_deref());
        found.number(filter.limit).rows(&mut *self.reading().await?).await?.iter().map(event).collect()
    }

    /// The number of the latest event; 0 where there was none.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn last_event(&self) -> Result<i64, StoreError> {
        let last = sql("SELECT value FROM counters WHERE name = 'events'").row(&mut *self.reading().await?).await?;
        last.map_or(Ok(0), |row| row.number("value"))
    }
}

fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.number("seq")?,
        at: row.at("at")?,
        kind: row.text("kind")?,
        project: row.text_or_null("project")?,
        graph: row.text_or_null("graph")?,
        subject: row.text_or_null("subject")?,
        message: row.text("message")?,
        data: row.json("data")?,
    })
}
