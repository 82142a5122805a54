//! A collector of OpenTelemetry on loopback: takes traces as a real one does, and hands the spans to the test.

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::sync::mpsc::{Receiver, channel};
use tokio::runtime::Runtime;

/// What came with one request.
pub struct Batch {
    /// The headers.
    pub headers: HeaderMap,
    /// What was sent.
    pub sent: ExportTraceServiceRequest,
}

/// A collector that runs until the test ends.
pub struct Collector {
    /// Its address.
    pub url: String,
    came: Receiver<Batch>,
    /// It ends with this.
    _runtime: Runtime,
}

impl Collector {
    /// One on a port of its own.
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, came) = channel();
        let take = move |headers: HeaderMap, body: Bytes| {
            let told = tell.send(Batch { headers, sent: ExportTraceServiceRequest::decode(body).unwrap() });
            async move { told.unwrap() }
        };
        let router = Router::new().route("/v1/traces", post(take));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url, came, _runtime: runtime }
    }

    /// All that came until now.
    pub fn batches(&self) -> Vec<Batch> {
        self.came.try_iter().collect()
    }
}

/// The spans of batches.
pub fn spans(batches: &[Batch]) -> Vec<Span> {
    let of_resources = batches.iter().flat_map(|batch| &batch.sent.resource_spans);
    of_resources.flat_map(|one| &one.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
}

/// An attribute as a text; nothing where there is none.
pub fn attribute(all: &[KeyValue], name: &str) -> Option<String> {
    let value = all.iter().find(|one| one.key == name)?.value.as_ref()?.value.as_ref()?;
    Some(match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

/// Bytes as hexadecimal digits, as ids are written.
pub fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from_digit(u32::from(half), 16).expect("a half has sixteen values")).collect()
}
