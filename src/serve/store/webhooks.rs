//! Webhooks, and how far each has been told.
//!
//! Their secrets are kept as they are: they sign what is sent, which their digests could not.

use super::asked::NewWebhook;
use super::ids::{id, secret};
use super::rows::Webhook;
use super::sql::{Row, sql};
use super::{Store, StoreError};
use crate::serve::at::At;

macro_rules! columns {
    () => {
        "id, url, kinds, project, created_at, secret, sent, trouble"
    };
}

impl Store {
    /// Makes a webhook, which is told what happens from now on.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn add_webhook(&self, new: &NewWebhook) -> Result<Webhook, StoreError> {
        let insert = sql(concat!(
            "INSERT INTO webhooks (id, url, kinds, project, created_at, secret, sent) \
             SELECT $1, $2, $3, $4, $5, $6, value FROM counters WHERE name = 'events' RETURNING ",
            columns!()
        ));
        let secret = new.secret.clone().unwrap_or_else(|| secret("whsec_"));
        let insert = insert.text(&id("w")).text(&new.url).json(&new.kinds).text_or_null(new.project.as_deref());
        let row = insert.at(At::now()).text(&secret).row(&mut *self.writing().await?).await?;
        webhook(&row.ok_or_else(|| StoreError::Broken("counter `events` is missing".to_owned()))?)
    }

    /// All webhooks, oldest first.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let all = sql(concat!("SELECT ", columns!(), " FROM webhooks ORDER BY created_at, id"));
        all.rows(&mut *self.reading().await?).await?.iter().map(webhook).collect()
    }

    /// Deletes a webhook; whether it was there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn delete_webhook(&self, id: &str) -> Result<bool, StoreError> {
        Ok(sql("DELETE FROM webhooks WHERE id = $1").text(id).run(&mut *self.writing().await?).await? > 0)
    }

    /// Notes up to which event a webhook was told, and why the last try failed if it did.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn set_webhook_sent(&self, id: &str, seq: i64, trouble: Option<&str>) -> Result<(), StoreError> {
        let set = sql("UPDATE webhooks SET sent = $2, trouble = $3 WHERE id = $1").text(id).number(seq);
        match set.text_or_null(trouble).run(&mut *self.writing().await?).await? {
            0 => Err(StoreError::absent("webhook", id)),
            _ => Ok(()),
        }
    }
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: row.text("id")?,
        url: row.text("url")?,
        kinds: row.json("kinds")?,
        project: row.text_or_null("project")?,
        created_at: row.at("created_at")?,
        secret: row.text("secret")?,
        sent: row.number("sent")?,
        trouble: row.text_or_null("trouble")?,
    })
}
