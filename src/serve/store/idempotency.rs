//! Answers that are given again to a request that comes again with its key, for a day.

use super::asked::{Answer, Remembered};
use super::ids::{digest, id};
use super::sql::sql;
use super::{Store, StoreError};
use crate::serve::at::At;
use std::time::Duration;

/// So long an answer is kept.
pub(super) const KEPT: Duration = Duration::from_hours(24);

/// So long a key is taken by whoever does what it came with, unless they say that they are still at it.
pub const KEY_TAKEN: Duration = Duration::from_secs(30);

/// A key that is taken, on whatever server.
#[derive(Debug)]
pub struct TakenKey {
    lease: String,
    holder: String,
}

impl Store {
    /// Takes a key of somebody's, so that nobody else does what it came with; nothing where it is taken.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn take_key(&self, key: &str, actor: &str) -> Result<Option<TakenKey>, StoreError> {
        let taken = TakenKey { lease: format!("key/{}", digest(&format!("{actor}\n{key}"))), holder: id("k") };
        Ok(self.keep_key(&taken).await?.then_some(taken))
    }

    /// Says that what the key came with is still being done; whether the key was ours all the time.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn keep_key(&self, taken: &TakenKey) -> Result<bool, StoreError> {
        self.acquire(&taken.lease, &taken.holder, KEY_TAKEN).await
    }

    /// Gives a key back.
    ///
    /// # Errors
    /// A database that does not answer: it is free after [`KEY_TAKEN`], then.
    pub async fn give_key_back(&self, taken: &TakenKey) -> Result<(), StoreError> {
        self.release(&taken.lease, &taken.holder).await
    }

    /// Remembers an answer; whether it is the first one to its key within a day, or the same answer to it.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn remember(&self, answer: &Answer) -> Result<bool, StoreError> {
        let now = At::now();
        let remember =
            sql("INSERT INTO answers (key, actor, digest, status, body, at) VALUES ($1, $2, $3, $4, $5, $6) \
                            ON CONFLICT (key, actor) DO UPDATE SET digest = excluded.digest, status = excluded.status, \
                            body = excluded.body, at = excluded.at WHERE answers.at <= $7");
        let remember = remember.text(&answer.key).text(&answer.actor).text(&answer.request_digest);
        let remember = remember.number(answer.status).text(&answer.body).at(now).at(oldest(now));
        Ok(remember.run(&mut *self.writing().await?).await? > 0)
    }

    /// The answer that was given to a key of somebody within a day.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn recall(&self, key: &str, actor: &str) -> Result<Option<Remembered>, StoreError> {
        let recall = sql("SELECT digest, status, body, at FROM answers WHERE key = $1 AND actor = $2 AND at > $3");
        let recall = recall.text(key).text(actor).at(oldest(At::now()));
        let Some(row) = recall.row(&mut *self.reading().await?).await? else { return Ok(None) };
        let status = u16::try_from(row.number("status")?);
        Ok(Some(Remembered {
            request_digest: row.text("digest")?,
            status: status.map_err(|_| StoreError::Broken("an answer has no status of HTTP".to_owned()))?,
            body: row.text("body")?,
            at: row.at("at")?,
        }))
    }
}

/// What is not younger than this is forgotten.
pub(super) fn oldest(now: At) -> At {
    At(now.0.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX)))
}
