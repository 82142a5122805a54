//! Stub until the trace readers are merged: an empty load.

use crate::model::ServiceId;
use crate::model::workload::{RateSource, RowsInMemory};
use crate::units::{Ratio, Span};
use std::path::Path;

/// What is done to a trace.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// File, for messages.
    pub label: String,
    /// Factor.
    pub scale: Ratio,
    /// Delay.
    pub shift: Span,
    /// Whose.
    pub service: Option<ServiceId>,
}

/// What is wrong with a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TraceError(pub String);

/// Opens nothing.
///
/// # Errors
/// Never.
pub fn open(
    _path: &Path,
    _services: &dyn Fn(&str) -> Option<ServiceId>,
    _options: &TraceOptions,
) -> Result<Box<dyn RateSource>, TraceError> {
    Ok(Box::new(RowsInMemory::new(Vec::new(), Span::ZERO)))
}

/// Merges nothing.
///
/// # Errors
/// Never.
pub fn merged(sources: Vec<Box<dyn RateSource>>) -> Result<Box<dyn RateSource>, TraceError> {
    sources.into_iter().next().ok_or_else(|| TraceError("no trace".to_owned()))
}
