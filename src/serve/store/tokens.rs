//! Tokens: shown once, then known by their digest only.

use super::asked::NewToken;
use super::ids::{digest, id, secret};
use super::rows::Token;
use super::sql::{Row, sql};
use super::{Store, StoreError};
use crate::serve::at::At;

macro_rules! columns {
    () => {
        "id, name, role, project, created_at, expires_at"
    };
}

impl Store {
    /// Makes a token: what is kept of it, and itself, which nobody sees again.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn add_token(&self, new: &NewToken) -> Result<(Token, String), StoreError> {
        let secret = secret("smo_");
        let insert = sql(concat!(
            "INSERT INTO tokens (id, name, role, project, created_at, expires_at, digest) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             RETURNING ",
            columns!()
        ));
        let insert = insert.text(&id("t")).text(&new.name).word(&new.role).text_or_null(new.project.as_deref());
        let insert = insert.at(At::now()).number_or_null(new.expires_at.map(|at| at.0)).text(&digest(&secret));
        let row = insert.row(&mut *self.writing().await?).await?;
        let row = row.ok_or_else(|| StoreError::Broken("a token was not inserted".to_owned()))?;
        Ok((token(&row)?, secret))
    }

    /// The token that this is, also one that has expired: whoever asks decides.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn token_by_secret(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        let found = sql(concat!("SELECT ", columns!(), " FROM tokens WHERE digest = $1")).text(&digest(secret));
        found.row(&mut *self.reading().await?).await?.as_ref().map(token).transpose()
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let all = sql(concat!("SELECT ", columns!(), " FROM tokens ORDER BY created_at, id"));
        all.rows(&mut *self.reading().await?).await?.iter().map(token).collect()
    }

    /// Takes a token away; whether it was there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn revoke_token(&self, id: &str) -> Result<bool, StoreError> {
        Ok(sql("DELETE FROM tokens WHERE id = $1").text(id).run(&mut *self.writing().await?).await? > 0)
    }

    /// Whether there is any token.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn has_tokens(&self) -> Result<bool, StoreError> {
        Ok(sql("SELECT id FROM tokens LIMIT 1").row(&mut *self.reading().await?).await?.is_some())
    }
}

fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.text("id")?,
        name: row.text("name")?,
        role: row.word("role")?,
        project: row.text_or_null("project")?,
        created_at: row.at("created_at")?,
        expires_at: row.at_or_null("expires_at")?,
    })
}
