//! How spans leave this process: in batches, as OTLP (protobuf over HTTP), to the collector of the configuration.
//!
//! A thread of its own collects and sends them; whoever ends a span hands it over or, where the queue is full, lets it go. So a collector that
//! is slow or away costs spans and nothing else: it is told once when they cannot be sent, and once when they can again. What the crates read
//! from the environment besides goes on to count: `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_...`, `OTEL_EXPORTER_OTLP_TIMEOUT`.
//!
//! A job is done after its request was answered, by a keeper that has the job from the store. Of which trace it is part is remembered here, as
//! long as this process lives and for the newest jobs: a job that another server does, or a later start, begins a trace of its own.

use crate::backend::live::traced::TARGET;
use crate::serve::config::Otel;
use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

/// How long the last spans may take at the end.
const FLUSH_MAX: Duration = Duration::from_secs(5);
/// How long a collector may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Jobs whose trace is remembered.
const ASKED_MAX: usize = 1_024;

/// Which traces jobs are part of, the oldest first. One a process, as the listener to spans is.
static ASKED: Mutex<VecDeque<(String, SpanContext)>> = Mutex::new(VecDeque::new());

/// What sends spans away, where somebody is to have them.
#[derive(Debug)]
pub struct Exporting(Option<(SdkTracerProvider, SdkTracer)>);

impl Exporting {
    /// Begins to; what waits is done on `runtime`.
    ///
    /// # Errors
    /// A client that cannot be made, or variables of the environment that mean nothing, in a sentence.
    pub fn begin(to: Option<&Otel>, runtime: &Handle) -> Result<Self, String> {
        let Some(to) = to else { return Ok(Self(None)) };
        let exporter =
            Exporter { inner: Arc::new(exporter(to)?), runtime: runtime.clone(), is_failing: AtomicBool::new(false) };
        let named = Resource::builder().with_service_name(to.service_name.clone());
        let resource = named.with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider =
            SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
        let tracer = provider.tracer("smo");
        Ok(Self(Some((provider, tracer))))
    }

    /// Who listens to spans, if anybody.
    pub fn layer(&self) -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
        let (_, tracer) = self.0.as_ref()?;
        let layer = tracing_opentelemetry::layer().with_tracer(tracer.clone());
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        Some(layer.with_filter(filter_fn(is_of_a_trace).with_max_level_hint(LevelFilter::INFO)).boxed())
    }

    /// Sends what is left, as far as that is possible soon.
    pub fn end(self) {
        if let Some((provider, _)) = self.0 {
            // What cannot be sent is lost, which was said already.
            let _ = provider.shutdown_with_timeout(FLUSH_MAX);
        }
    }
}

/// Spans that are meant to leave, and what was logged of trouble within them.
fn is_of_a_trace(of: &Metadata<'_>) -> bool {
    of.target() == TARGET || (of.is_event() && of.target().starts_with("smo") && *of.level() <= Level::WARN)
}

fn exporter(to: &Otel) -> Result<SpanExporter, String> {
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT_MAX).build();
    let client = client.map_err(|error| format!("otel.endpoint: no client: {}", error.without_url()))?;
    let headers = to.headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect();
    let builder = SpanExporter::builder().with_http().with_http_client(client).with_headers(headers);
    let built = builder.with_protocol(Protocol::HttpBinary).with_endpoint(&to.endpoint).build();
    built.map_err(|error| format!("otel.endpoint: {error}"))
}

/// Sends spans on the runtime, where the client can wait, and says when that begins or ceases to fail.
#[derive(Debug)]
struct Exporter {
    inner: Arc<SpanExporter>,
    runtime: Handle,
    is_failing: AtomicBool,
}

impl Exporter {
    fn note(&self, sent: &OTelSdkResult) {
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Err(error) if !was_failing => {
                tracing::warn!(%error, "traces cannot be sent to `otel.endpoint`: they are dropped, and all else goes on");
            }
            Ok(()) if was_failing => tracing::info!("traces are sent again"),
            _ => {}
        }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let inner = Arc::clone(&self.inner);
        let sending = self.runtime.spawn(async move { inner.export(batch).await });
        let sent = sending.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.note(&sent);
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

/// The span is part of the trace that the headers tell of (`traceparent`), if they do.
pub(super) fn go_on(span: &Span, headers: &HeaderMap) {
    if !span.is_disabled() && headers.contains_key("traceparent") {
        // Fails only where nobody listens.
        let _ = span
            .set_parent(TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers)));
    }
}

/// The id of the trace that a span is part of, where anybody listens.
pub fn id(span: &Span) -> Option<String> {
    (!span.is_disabled()).then(|| context_of(span)).filter(SpanContext::is_valid).map(|of| of.trace_id().to_string())
}

fn context_of(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

/// A job was asked for, by whatever is done now.
pub fn asked(job: &str) {
    let span = Span::current();
    span.record("smo.job", job);
    let by = context_of(&span);
    if by.is_valid() {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push_back((job.to_owned(), by));
        if asked.len() > ASKED_MAX {
            asked.pop_front();
        }
    }
}

/// The span is part of the trace in which the job was asked for, if that is known.
pub(super) fn go_on_with(span: &Span, job: &str) {
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, by)) = asked.iter().rfind(|(known, _)| known == job) {
        // Fails only where nobody listens.
        let _ = span.set_parent(Context::new().with_remote_span_context(by.clone()));
    }
}
