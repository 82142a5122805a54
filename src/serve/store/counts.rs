//! How many there are, by phase and state: for metrics, without reading what is counted.

use super::rows::{JobState, Phase};
use super::sql::sql;
use super::{Store, StoreError};

impl Store {
    /// Graphs by phase; phases without any are left out.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn phase_counts(&self) -> Result<Vec<(Phase, u64)>, StoreError> {
        let counts = sql("SELECT phase, COUNT(*) AS graphs FROM graphs GROUP BY phase ORDER BY phase");
        let rows = counts.rows(&mut *self.reading().await?).await?;
        rows.iter().map(|row| Ok((row.word("phase")?, row.number("graphs")?.unsigned_abs()))).collect()
    }

    /// Jobs by state; states without any are left out.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn job_counts(&self) -> Result<Vec<(JobState, u64)>, StoreError> {
        let counts = sql("SELECT state, COUNT(*) AS jobs FROM jobs GROUP BY state ORDER BY state");
        let rows = counts.rows(&mut *self.reading().await?).await?;
        rows.iter().map(|row| Ok((row.word("state")?, row.number("jobs")?.unsigned_abs()))).collect()
    }
}
