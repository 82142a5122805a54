//! What nobody will ask for any more, so that a store does not grow for ever.

use super::idempotency::oldest;
use super::sql::sql;
use super::{Store, StoreError};
use crate::serve::at::At;

/// So many events are kept.
pub const EVENTS_KEPT: u32 = 100_000;
/// So many rows of the audit log are kept.
pub const AUDITS_KEPT: u32 = 100_000;
/// Milliseconds that a job stays after its end: 30 days.
const JOBS_KEPT_MS: i64 = 30 * 24 * 3_600_000;

impl Store {
    /// Forgets what has had its time; how many rows. To be done now and then: answers to keys, jobs that ended long ago, leases that
    /// nobody renewed for a day, and all but the latest events and audited requests.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn tidy(&self) -> Result<u64, StoreError> {
        let now = At::now();
        let day = oldest(now);
        let statements = [
            sql("DELETE FROM answers WHERE at <= $1").at(day),
            sql("DELETE FROM leases WHERE expires_at <= $1").at(day),
            sql("DELETE FROM jobs WHERE ended_at <= $1").number(now.0 - JOBS_KEPT_MS),
            sql("DELETE FROM events WHERE seq <= (SELECT value FROM counters WHERE name = 'events') - $1")
                .number(EVENTS_KEPT),
            sql("DELETE FROM audit WHERE seq <= (SELECT value FROM counters WHERE name = 'audit') - $1")
                .number(AUDITS_KEPT),
        ];
        let mut forgotten = 0;
        for statement in statements {
            forgotten += statement.run(&mut *self.writing().await?).await?;
        }
        Ok(forgotten)
    }
}
