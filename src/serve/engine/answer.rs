//! What the engine answers those who ask: a plan with its reasons, or why there is none.
//!
//! An [`EngineError`] says whose matter it is ([`Trouble`]), so that the interface can answer by the right status without reading
//! the sentence.

use crate::serve::store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A placement that was computed and not carried out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct PlanAnswer {
    /// Who decided.
    pub policy: String,
    /// Replicas by service and cluster.
    pub targets: BTreeMap<String, BTreeMap<String, u32>>,
    /// What could not be done, in sentences.
    pub refusals: Vec<String>,
    /// The values that each chart would be given, by service.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
    /// What is odd about the descriptor and can be lived with, in sentences.
    pub notes: Vec<String>,
    /// Why the plan is as it is.
    #[schema(value_type = Value)]
    pub explanation: Value,
    /// How long the decision took, in milliseconds.
    pub took_ms: f64,
}

/// Whose matter it is that something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// What was asked for cannot be meant.
    Invalid,
    /// It can be meant, and is not allowed.
    Refused,
    /// Somebody else does not answer.
    Unreachable,
    /// There is no such thing.
    NotFound,
    /// Ours.
    Internal,
}

impl Trouble {
    /// The status by which HTTP says it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Refused => 400,
            Self::Unreachable => 503,
            Self::NotFound => 404,
            Self::Internal => 500,
        }
    }
}

/// Why the engine did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default())]
pub struct EngineError {
    /// Whose matter it is.
    pub kind: Trouble,
    /// What is wrong.
    pub message: String,
    /// What would be right, where that is known.
    pub remedy: Option<String>,
}

impl EngineError {
    /// Such a trouble, without a remedy.
    pub fn new(kind: Trouble, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: None }
    }

    /// The same, with what would be right.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

impl From<StoreError> for EngineError {
    /// What is said of the store's own troubles stays in the log: where it is, and what it was asked, is nobody's concern.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(reason) => {
                tracing::warn!(%reason, "the store does not answer");
                Self::new(Trouble::Unreachable, "the store does not answer; try again")
            }
            StoreError::Broken(reason) => {
                tracing::error!(%reason, "the store failed");
                Self::new(Trouble::Internal, "the store failed; the log has the reason")
            }
            // What was looked at has changed meanwhile.
            other => Self::new(Trouble::Unreachable, other.to_string()).with_remedy("try again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EngineError, Trouble};
    use crate::serve::store::StoreError;

    #[test]
    fn what_the_store_says_of_itself_is_not_told() {
        let away = EngineError::from(StoreError::Unreachable("error connecting to 10.0.0.7:5432".to_owned()));
        assert_eq!(
            (away.kind, away.to_string().as_str()),
            (Trouble::Unreachable, "the store does not answer; try again")
        );
        let broken = EngineError::from(StoreError::Broken("no such column: secret".to_owned()));
        assert_eq!(broken.kind, Trouble::Internal);
        assert!(!broken.to_string().contains("secret"), "{broken}");
        let gone = EngineError::from(StoreError::Absent { what: "graph `g`".to_owned() });
        assert_eq!((gone.kind, gone.to_string().as_str()), (Trouble::Unreachable, "there is no graph `g`; try again"));
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_would_be_right() {
        let error = EngineError::new(Trouble::Invalid, "`sum(` is no PromQL");
        assert_eq!(error.to_string(), "`sum(` is no PromQL");
        let error = error.with_remedy("close the bracket");
        assert_eq!(error.to_string(), "`sum(` is no PromQL; close the bracket");
        assert_eq!(error.kind.status(), 422);
    }
}
