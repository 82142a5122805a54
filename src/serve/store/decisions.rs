//! Decisions of policies, the latest of each graph.

use super::rows::DecisionRow;
use super::sql::{Row, sql};
use super::{Store, StoreError, next_number};

/// So many are kept of a graph.
pub const DECISIONS_KEPT: u32 = 1_000;

impl Store {
    /// Writes a decision down, gives it its number, and forgets the oldest of its graph where there are too many.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no such graph, or a database that does not answer.
    pub async fn append_decision(&self, graph_id: &str, decision: &DecisionRow) -> Result<i64, StoreError> {
        let mut within = self.begin().await?;
        let seq = next_number("decisions", &mut within).await?;
        let insert = sql("INSERT INTO decisions (seq, graph_id, body) VALUES ($1, $2, $3)").number(seq).text(graph_id);
        insert.json(&DecisionRow { seq, ..decision.clone() }).run(&mut within).await?;
        let forget = sql("DELETE FROM decisions WHERE graph_id = $1 AND seq <= \
                          (SELECT seq FROM decisions WHERE graph_id = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)");
        forget.text(graph_id).number(DECISIONS_KEPT).run(&mut within).await?;
        within.commit().await?;
        Ok(seq)
    }

    /// The latest decisions about a graph, newest first: those before a number, or the last of all.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn decisions(
        &self,
        graph_id: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let found = sql("SELECT body FROM decisions WHERE graph_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3");
        let found = found.text(graph_id).number(before.unwrap_or(i64::MAX)).number(limit);
        let decision = |row: &Row| row.json("body");
        found.rows(&mut *self.reading().await?).await?.iter().map(decision).collect()
    }
}
