//! Documents of others, by kind and id: the store keeps them and does not look into them.

use super::sql::{Row, sql};
use super::{Store, StoreError};
use serde_json::Value;

impl Store {
    /// Keeps a document, in place of the one that is there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn put_doc(&self, kind: &str, id: &str, document: &Value) -> Result<(), StoreError> {
        let put = sql("INSERT INTO documents (kind, id, body) VALUES ($1, $2, $3) \
                       ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body");
        put.text(kind).text(id).json(document).run(&mut *self.writing().await?).await.map(drop)
    }

    /// A document.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn doc(&self, kind: &str, id: &str) -> Result<Option<Value>, StoreError> {
        let found = sql("SELECT body FROM documents WHERE kind = $1 AND id = $2").text(kind).text(id);
        found.row(&mut *self.reading().await?).await?.map(|row| row.json("body")).transpose()
    }

    /// All documents of a kind, by id.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn docs(&self, kind: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let all = sql("SELECT id, body FROM documents WHERE kind = $1 ORDER BY id").text(kind);
        let document = |row: &Row| Ok((row.text("id")?, row.json("body")?));
        all.rows(&mut *self.reading().await?).await?.iter().map(document).collect()
    }

    /// Deletes a document; whether it was there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn delete_doc(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM documents WHERE kind = $1 AND id = $2").text(kind).text(id);
        Ok(delete.run(&mut *self.writing().await?).await? > 0)
    }
}
