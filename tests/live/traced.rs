//! A deploy on real programs as a collector sees it: one trace, from the request of a caller down to Helm and Karmada.

use crate::collector::{Collector, attribute, hex, spans};
use crate::graphs::{app, plain, publish_all};
use crate::service::{Service, free_port};
use crate::stack::stack;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

/// The trace of a caller, and its span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// The names of the spans that one is part of, from itself upwards.
fn upwards<'a>(spans: &'a [Span], name: &str) -> Vec<&'a str> {
    let by_id = |id: &[u8]| spans.iter().find(|span| span.span_id == id);
    let first = spans.iter().find(|span| span.name == name);
    std::iter::successors(first, |span| by_id(&span.parent_span_id)).map(|span| span.name.as_str()).collect()
}

#[test]
fn a_deploy_is_one_trace_from_the_request_to_helm_and_karmada() {
    let Some(stack) = stack("traces") else { return };
    publish_all(&stack);
    let collector = Collector::start();
    let mut service = Service::new(&stack, free_port());
    service.configure(&["otel"], json!({"endpoint": collector.url}));
    service.start();
    let (graphs, wish) = ("/v1/projects/smo-traced/graphs", plain(&stack, "traced", &[app("hello-world", "1", "1Gi")]));
    let parent = format!("00-{TRACE}-{CALLER}-01");
    service.send("POST", &format!("{graphs}?wait=60s"), &wish, &[("traceparent", &parent)]).is(200);
    service.delete(&format!("{graphs}/traced?wait=60s"));
    assert_eq!(service.end(), 0);

    let batches = collector.batches();
    assert!(batches.iter().all(|batch| batch.headers["content-type"] == "application/x-protobuf"));
    let spans: Vec<Span> = spans(&batches).into_iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    for name in ["plan", "helm upgrade", "karmada apply"] {
        assert_eq!(upwards(&spans, name), [name, "job deploy", "POST /v1/projects/{project}/graphs"], "{name}");
    }
    let helm = spans.iter().find(|span| span.name == "helm upgrade").expect("it was seen above");
    assert_eq!(attribute(&helm.attributes, "smo.tries").as_deref(), Some("1"));
    assert!(attribute(&helm.attributes, "smo.call").is_some_and(|call| call.contains("hello-world")), "{helm:?}");
}
