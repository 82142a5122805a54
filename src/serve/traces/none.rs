//! Without the feature `otel`: nothing leaves this process, and nobody's trace goes on here.

use crate::serve::config::Otel;
use axum::http::HeaderMap;
use tokio::runtime::Handle;
use tracing::Span;
use tracing_subscriber::{Layer, Registry};

/// Nothing.
#[derive(Debug)]
pub struct Exporting;

impl Exporting {
    /// Begins nothing: a configuration that wants more was refused when it was read.
    ///
    /// # Errors
    /// None.
    #[expect(clippy::unnecessary_wraps, reason = "with the feature, it may fail")]
    pub fn begin(_: Option<&Otel>, _: &Handle) -> Result<Self, String> {
        Ok(Self)
    }

    /// Who listens to spans: nobody.
    #[expect(clippy::unused_self, reason = "with the feature, it is somebody")]
    pub fn layer(&self) -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
        None
    }

    /// Ends nothing.
    pub fn end(self) {}
}

pub(super) fn go_on(_: &Span, _: &HeaderMap) {}

pub(super) fn go_on_with(_: &Span, _: &str) {}

/// A job was asked for.
pub fn asked(_: &str) {}
