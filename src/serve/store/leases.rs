//! Leases: who of several servers keeps what, until when.
//!
//! By the clock of the database, so that servers whose clocks differ agree. A lease is taken, renewed and refused by one
//! statement: between looking and writing there is nothing.

use super::open::Kind;
use super::sql::sql;
use super::{Store, StoreError};
use crate::serve::at::At;
use std::time::Duration;

/// The database's clock in milliseconds since 1970. PostgreSQL's `now()` would be that of the transaction's beginning.
macro_rules! now {
    (sqlite) => {
        "CAST(ROUND(unixepoch('subsec') * 1000) AS BIGINT)"
    };
    (postgres) => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}

macro_rules! acquire {
    ($kind:ident) => {
        concat!(
            "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, ",
            now!($kind),
            " + $3) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE leases.holder = excluded.holder OR leases.expires_at <= ",
            now!($kind)
        )
    };
}

macro_rules! read {
    ($kind:ident) => {
        concat!("SELECT holder, expires_at FROM leases WHERE name = $1 AND expires_at > ", now!($kind))
    };
}

macro_rules! held {
    ($kind:ident) => {
        concat!(
            "SELECT COUNT(*) AS held FROM leases WHERE holder = $1 AND name LIKE $2 || '%' AND expires_at > ",
            now!($kind)
        )
    };
}

impl Store {
    /// How many leases somebody holds whose names begin with `prefix`.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn leases_held(&self, holder: &str, prefix: &str) -> Result<u64, StoreError> {
        let held = match self.kind {
            Kind::Sqlite => sql(held!(sqlite)),
            Kind::Postgres => sql(held!(postgres)),
        };
        let row = held.text(holder).text(prefix).row(&mut *self.reading().await?).await?;
        row.map_or(Ok(0), |row| Ok(row.number("held")?.unsigned_abs()))
    }

    /// Takes a lease where it is free, has expired or is the holder's own (which is so renewed); whether the holder has it now.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn acquire(&self, name: &str, holder: &str, lasting: Duration) -> Result<bool, StoreError> {
        let acquire = match self.kind {
            Kind::Sqlite => sql(acquire!(sqlite)),
            Kind::Postgres => sql(acquire!(postgres)),
        };
        let acquire =
            acquire.text(name).text(holder).number(i64::try_from(lasting.as_millis()).unwrap_or(i64::MAX / 2));
        Ok(acquire.run(&mut *self.writing().await?).await? > 0)
    }

    /// Gives a lease back, if the holder has it.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let release = sql("DELETE FROM leases WHERE name = $1 AND holder = $2").text(name).text(holder);
        release.run(&mut *self.writing().await?).await.map(drop)
    }

    /// Who has a lease, and until when; nobody where it has expired.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn lease(&self, name: &str) -> Result<Option<(String, At)>, StoreError> {
        let read = match self.kind {
            Kind::Sqlite => sql(read!(sqlite)),
            Kind::Postgres => sql(read!(postgres)),
        };
        let row = read.text(name).row(&mut *self.reading().await?).await?;
        row.map(|row| Ok((row.text("holder")?, row.at("expires_at")?))).transpose()
    }
}
