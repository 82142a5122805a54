//! Statements and rows: the only place that binds and reads, so that what holds for one statement holds for all.
//!
//! The text of a statement is part of the program and never made of what came from outside; that is bound. PostgreSQL takes no
//! zero character in a text: it is replaced on the way, so that a name with one is unknown instead of an error. A database that
//! does not answer for [`STATEMENT_MAX`] counts as unreachable, also where its network swallows everything.

use super::error::StoreError;
use crate::serve::at::At;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Column as _, Decode, Row as _, Type};
use std::time::Duration;

/// The longest that a statement may take.
const STATEMENT_MAX: Duration = Duration::from_secs(20);

/// A statement with what is bound to it.
pub(super) struct Statement(Query<'static, Any, AnyArguments>);

/// A statement, with `$1`, `$2` ... for what is bound to it, in that order.
pub(super) fn sql(text: &'static str) -> Statement {
    Statement(sqlx::query(text))
}

impl Statement {
    /// Binds a text.
    pub(super) fn text(self, value: &str) -> Self {
        Self(self.0.bind(clean(value)))
    }

    /// Binds a text, or nothing.
    pub(super) fn text_or_null(self, value: Option<&str>) -> Self {
        Self(self.0.bind(value.map(clean)))
    }

    /// Binds a number.
    pub(super) fn number(self, value: impl Into<i64>) -> Self {
        Self(self.0.bind(value.into()))
    }

    /// Binds a number, or nothing.
    pub(super) fn number_or_null(self, value: Option<i64>) -> Self {
        Self(self.0.bind(value))
    }

    /// Binds an instant.
    pub(super) fn at(self, at: At) -> Self {
        self.number(at.0)
    }

    /// Binds a document.
    pub(super) fn json(self, value: &impl Serialize) -> Self {
        Self(self.0.bind(written(value)))
    }

    /// Binds a document, or nothing.
    pub(super) fn json_or_null(self, value: Option<&impl Serialize>) -> Self {
        Self(self.0.bind(value.map(written)))
    }

    /// Binds the word of an enumeration.
    pub(super) fn word(self, value: &impl Serialize) -> Self {
        Self(self.0.bind(word(value)))
    }

    /// Carries it out; how many rows it changed.
    pub(super) async fn run(self, on: &mut AnyConnection) -> Result<u64, StoreError> {
        Ok(in_time(self.0.execute(on)).await?.rows_affected())
    }

    /// Carries it out, and reads all that it gives.
    pub(super) async fn rows(self, on: &mut AnyConnection) -> Result<Vec<Row>, StoreError> {
        Ok(in_time(self.0.fetch_all(on)).await?.into_iter().map(Row).collect())
    }

    /// Carries it out to its end, and reads the first row that it gives.
    pub(super) async fn row(self, on: &mut AnyConnection) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(on).await?.into_iter().next())
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Unreachable(format!("no answer within {} s", STATEMENT_MAX.as_secs()))),
    }
}

fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A document, as it is stored. JSON writes a zero character as `\u0000`, which is six others.
pub(super) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is stored are texts, numbers, lists and maps with texts as keys")
}

/// The word that stands for an enumeration's value, here as in the interface.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("only enumerations without content are stored as words, not {other:?}"),
    }
}

/// A row that was read.
pub(super) struct Row(AnyRow);

impl Row {
    fn get<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, column: &'static str) -> Result<T, StoreError> {
        self.0.try_get(column).map_err(StoreError::from)
    }

    /// Whether the statement gives this column.
    pub(super) fn has(&self, column: &'static str) -> bool {
        self.0.columns().iter().any(|one| one.name() == column)
    }

    /// A text.
    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get::<String>(column)
    }

    /// A text, or nothing.
    pub(super) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    /// A number.
    pub(super) fn number(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    /// An instant.
    pub(super) fn at(&self, column: &'static str) -> Result<At, StoreError> {
        Ok(At(self.get(column)?))
    }

    /// An instant, or nothing.
    pub(super) fn at_or_null(&self, column: &'static str) -> Result<Option<At>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(At))
    }

    /// A document.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        parsed(self.get(column)?, column)
    }

    /// A document, or nothing.
    pub(super) fn json_or_null<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        self.get::<Option<&str>>(column)?.map(|text| parsed(text, column)).transpose()
    }

    /// An enumeration's value.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let word = serde_json::Value::String(self.text(column)?);
        serde_json::from_value(word).map_err(|error| StoreError::Broken(format!("column `{column}`: {error}")))
    }
}

fn parsed<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Broken(format!("column `{column}`: {error}")))
}
