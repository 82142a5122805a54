//! Why something about NFVCL was not done.

use crate::backend::live::outside::{CallError, Class};
use crate::serve::store::StoreError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NfvclError {
    /// What was asked cannot be meant.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    Absent(String),
    /// It does not go with what is there.
    #[error("{0}")]
    Conflict(String),
    /// NFVCL, or Karmada, refuses it.
    #[error("{0}")]
    Refused(String),
    /// NFVCL, or Karmada, does not answer.
    #[error("{0}")]
    Away(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CallError> for NfvclError {
    fn from(error: CallError) -> Self {
        let said = error.to_string();
        match error.class {
            Class::Retryable => Self::Away(said),
            Class::Conflict => Self::Conflict(said),
            Class::Permanent => Self::Refused(said),
        }
    }
}
