//! Who did what: one row a request that was to change something.

use super::rows::AuditRow;
use super::sql::{Row, sql};
use super::{Store, StoreError, next_number};

impl Store {
    /// Writes down who did what, and gives it its number; the one that it comes with does not count.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn audit(&self, row: &AuditRow) -> Result<i64, StoreError> {
        let mut within = self.begin().await?;
        let seq = next_number("audit", &mut within).await?;
        let insert = sql("INSERT INTO audit (seq, at, actor, method, path, status, request_id) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let insert = insert.number(seq).at(row.at).text(&row.actor).text(&row.method).text(&row.path);
        insert.number(row.status).text(&row.request_id).run(&mut within).await?;
        within.commit().await?;
        Ok(seq)
    }

    /// Who did what, in order: those after a number.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn audits(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let found = sql("SELECT seq, at, actor, method, path, status, request_id FROM audit WHERE seq > $1 \
                         ORDER BY seq LIMIT $2");
        found.number(after).number(limit).rows(&mut *self.reading().await?).await?.iter().map(audit).collect()
    }
}

fn audit(row: &Row) -> Result<AuditRow, StoreError> {
    let status = u16::try_from(row.number("status")?);
    Ok(AuditRow {
        seq: row.number("seq")?,
        at: row.at("at")?,
        actor: row.text("actor")?,
        method: row.text("method")?,
        path: row.text("path")?,
        status: status.map_err(|_| StoreError::Broken("an audited answer has no status of HTTP".to_owned()))?,
        request_id: row.text("request_id")?,
    })
}
