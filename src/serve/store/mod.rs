//! The store: what is wanted, what was observed of it, and who did what. SQLite in a file, or PostgreSQL, by the same statements.
//!
//! `rows` are the types; everything else is how they are kept. A graph is one row: what is wanted is written by the interface, and
//! what was observed by the graph's keeper, each without touching the other's columns.
//!
//! In reading order: `rows` and `asked` (what is given and asked), `error`, `open` (databases and migrations), `sql` (the only place
//! that binds and reads), then a file a table. What changes several rows is one transaction; what depends on what was there is one
//! statement with a condition, never a look and then a write: so several servers may share one PostgreSQL.
//!
//! Deliberately absent: caches. Whatever is read was asked of the database, which is what makes two servers agree.

pub mod asked;
mod audit;
mod clusters;
mod counts;
mod decisions;
mod documents;
mod error;
mod events;
mod firings;
mod graphs;
mod idempotency;
mod ids;
mod jobs;
mod leases;
mod open;
mod projects;
pub mod rows;
mod samples;
mod sql;
#[cfg(test)]
mod tests;
mod tidy;
mod tokens;
mod wanted;
mod webhooks;

pub use error::StoreError;
pub use idempotency::{KEY_TAKEN, TakenKey};

use open::Kind;
use sql::sql;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

/// A store. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Store {
    kind: Kind,
    reader: AnyPool,
    writer: AnyPool,
}

impl Store {
    /// Opens the store at a URL: `sqlite:///path/to/smo.db` (made where it is missing), `sqlite://:memory:`, or
    /// `postgres://user:password@host/database`.
    ///
    /// # Errors
    /// A URL that leads to none, a place that cannot be written, a server that does not answer, and a store of a newer program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        open::open(url).await
    }

    /// Which database it is: `sqlite` or `postgres`.
    pub const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
        }
    }

    /// Asks the database for a sign of life: for readiness.
    ///
    /// # Errors
    /// None came.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sql("SELECT 1 AS alive").row(&mut *self.reading().await?).await.map(drop)
    }

    /// Ends its connections, after what is being done.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
    }

    /// A connection to read by.
    async fn reading(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.reader.acquire().await?)
    }

    /// A connection for one statement that writes.
    async fn writing(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.writer.acquire().await?)
    }

    /// A transaction: all of it, or where it is dropped, nothing.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.kind {
            Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.writer.begin().await?,
        })
    }
}

/// The next number of what is told in order. The counter's row stays locked until the transaction ends, so numbers are committed in
/// their order.
async fn next_number(of: &'static str, within: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = sql("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value").text(of).row(within).await?;
    row.ok_or_else(|| StoreError::Broken(format!("counter `{of}` is missing")))?.number("value")
}
