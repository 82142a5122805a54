//! What was measured of services, for capacities that are fitted while graphs run: so that a server that takes a graph over, or
//! starts again, goes on where the last one was.

use super::sql::{Row, sql};
use super::{Store, StoreError};
use crate::capacity::online::{Sample, WINDOW};
use crate::units::Time;
use std::collections::BTreeMap;

/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

impl Store {
    /// Keeps a sample of a graph's service, and forgets those before `since`: they count no more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no such graph, or a database that does not answer.
    pub async fn append_sample(
        &self,
        (graph_id, service): (&str, &str),
        sample: &Sample,
        since: Time,
    ) -> Result<(), StoreError> {
        let mut within = self.begin().await?;
        // JSON knows no NaN: what is missing is nothing.
        let body = sample.values().map(|value| value.is_finite().then_some(value));
        let insert =
            sql("INSERT INTO samples (graph_id, service, at, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
        insert.text(graph_id).text(service).number(millis(sample.at)).json(&body).run(&mut within).await?;
        let forget = sql("DELETE FROM samples WHERE graph_id = $1 AND service = $2 AND at < $3");
        forget.text(graph_id).text(service).number(millis(since)).run(&mut within).await?;
        Ok(within.commit().await?)
    }

    /// Forgets the samples of a graph's service that were taken after an instant; how many.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn forget_samples(&self, (graph_id, service): (&str, &str), after: Time) -> Result<u64, StoreError> {
        let forget = sql("DELETE FROM samples WHERE graph_id = $1 AND service = $2 AND at > $3");
        let forget = forget.text(graph_id).text(service).number(millis(after));
        forget.run(&mut *self.writing().await?).await
    }

    /// The samples of a graph by service, in order of time.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn samples(&self, graph_id: &str) -> Result<BTreeMap<String, Vec<Sample>>, StoreError> {
        let all = sql("SELECT service, at, body FROM samples WHERE graph_id = $1 ORDER BY service, at").text(graph_id);
        let mut found: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for row in all.rows(&mut *self.reading().await?).await? {
            found.entry(row.text("service")?).or_default().push(sample(&row)?);
        }
        for samples in found.values_mut() {
            samples.drain(..samples.len().saturating_sub(WINDOW));
        }
        Ok(found)
    }
}

fn sample(row: &Row) -> Result<Sample, StoreError> {
    let values: [Option<f64>; 9] = row.json("body")?;
    let at = Time(row.number("at")?.unsigned_abs() * NANOS);
    Ok(Sample::of(at, values.map(|value| value.unwrap_or(f64::NAN))))
}

/// As the store keeps times.
fn millis(at: Time) -> i64 {
    i64::try_from(at.0 / NANOS).unwrap_or(i64::MAX)
}
