//! Traces of `smo serve`, as a collector gets them: whose they are, what is in them, and that a collector that is away disturbs nobody.

use super::served::{SHOP, Server, home};
use crate::collector::{Collector, attribute, hex, spans};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use reqwest::{Method, RequestBuilder};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A span of whoever asks.
const CALLER: &str = "b7ad6b7169203331";
/// By then, whatever is waited for has happened.
const DEADLINE: Duration = Duration::from_mins(1);

/// The id of a trace that ends so.
fn trace(number: u8) -> String {
    format!("0af7651916cd43dd8448eb211c8031{number:02x}")
}

impl Server {
    /// The code that it ends with when it is told to end.
    fn end(mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill starts");
        self.child.wait().unwrap().code()
    }
}

/// A request to the server as part of a trace, which is kept or not.
fn ask(server: &Server, (method, path): (Method, &str), (number, kept): (u8, u8)) -> RequestBuilder {
    smo::backend::live::tls::install();
    let request = reqwest::Client::new().request(method, format!("{}{path}", server.url));
    request.header("traceparent", format!("00-{}-{CALLER}-{kept:02x}", trace(number)))
}

/// The only span of a trace with that name.
#[track_caller]
fn only<'a>(spans: &'a [Span], number: u8, name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| hex(&span.trace_id) == trace(number) && span.name == name);
    let names: Vec<(String, &str)> = spans.iter().map(|span| (hex(&span.trace_id), span.name.as_str())).collect();
    let span = found.next().unwrap_or_else(|| panic!("no `{name}` in trace {number}: {names:?}"));
    assert!(found.next().is_none(), "`{name}` is there twice: {names:?}");
    span
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

#[test]
fn requests_and_what_they_lead_to_are_part_of_the_callers_trace() {
    let (home, collector) = (home(), Collector::start());
    let endpoint = format!("otel.endpoint={}", collector.url);
    let more = ["--set", &endpoint, "--set", "otel.headers=authorization=Bearer%20hunter2"];
    let server = Server::with(home.path(), &more, (&[("OTEL_SERVICE_NAME", "smo-lab")], Stdio::null()));
    let runtime = Runtime::new().unwrap();
    let status = |request: RequestBuilder| runtime.block_on(request.send()).unwrap().status().as_u16();
    let graphs = "/v1/projects/demo/graphs";
    let shop = |request: RequestBuilder| request.header("content-type", "application/yaml").body(SHOP);

    let nowhere = ask(&server, (Method::GET, "/v1/projects/demo/graphs/none"), (1, 1)).header("x-request-id", "r-1");
    assert_eq!(status(nowhere), 404);
    let tried = shop(ask(&server, (Method::POST, &format!("{graphs}?dry_run=true")), (2, 1)));
    assert_eq!(status(tried), 200);
    assert_eq!(status(shop(ask(&server, (Method::POST, graphs), (3, 1)))), 202);
    // It is answered when it is done.
    assert_eq!(status(ask(&server, (Method::DELETE, &format!("{graphs}/shop?wait=60s")), (4, 1))), 200);
    // Neither whoever does not keep the trace nor probes are of interest.
    assert_eq!(status(ask(&server, (Method::GET, "/v1/graphs"), (5, 0))), 200);
    assert_eq!(status(ask(&server, (Method::GET, "/healthz"), (6, 1))), 200);
    assert_eq!(server.end(), Some(0));

    let batches = collector.batches();
    let spans = spans(&batches);
    assert!(batches.iter().all(|batch| batch.headers["authorization"] == "Bearer hunter2"));
    let resource = batches[0].sent.resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(attribute(&resource, "service.name").as_deref(), Some("smo-lab"));

    let request = only(&spans, 1, "GET /v1/projects/{project}/graphs/{name}");
    assert_eq!((hex(&request.parent_span_id).as_str(), request.kind()), (CALLER, SpanKind::Server));
    let of = |name: &str| attribute(&request.attributes, name).unwrap_or_default();
    assert_eq!(
        (of("http.route").as_str(), of("http.request.method").as_str()),
        ("/v1/projects/{project}/graphs/{name}", "GET")
    );
    assert_eq!((of("http.response.status_code").as_str(), of("smo.request_id").as_str()), ("404", "r-1"));
    assert!(!is_error(request), "what a caller does wrong is no error of the server");

    let request = only(&spans, 2, "POST /v1/projects/{project}/graphs");
    let (dry_run, plan) = (only(&spans, 2, "dry run"), only(&spans, 2, "plan"));
    assert_eq!((&dry_run.parent_span_id, &plan.parent_span_id), (&request.span_id, &dry_run.span_id));
    assert_eq!(attribute(&plan.attributes, "smo.refusals").as_deref(), Some("0"));
    assert_eq!(attribute(&plan.attributes, "smo.services").as_deref(), Some("1"));

    let request = only(&spans, 4, "DELETE /v1/projects/{project}/graphs/{name}");
    let job = only(&spans, 4, "job remove");
    assert_eq!(job.parent_span_id, request.span_id);
    let id = attribute(&job.attributes, "smo.job");
    assert!(id.is_some() && id == attribute(&request.attributes, "smo.job"), "{id:?}");
    assert!(spans.iter().all(|span| ![trace(5), trace(6)].contains(&hex(&span.trace_id))));
}

#[test]
fn a_collector_that_is_away_costs_one_warning_and_nothing_else() {
    let home = home();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{closed}")), ("OTEL_BSP_SCHEDULE_DELAY", "10".into())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut server = Server::with(home.path(), &[], (&variables, Stdio::piped()));
    let (tell, lines) = channel();
    let log = BufReader::new(server.child.stderr.take().unwrap());
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let runtime = Runtime::new().unwrap();
    let get = |server: &Server, path| {
        runtime.block_on(ask(server, (Method::GET, path), (1, 1)).send()).unwrap().status().as_u16()
    };
    let told = |what: &str| while !lines.recv_timeout(DEADLINE).expect(what).contains(what) {};

    assert_eq!((get(&server, "/v1/graphs"), get(&server, "/v1/graphs/none")), (200, 404));
    told("traces cannot be sent");
    // The second batch, sent at the end at the latest, is lost as the first.
    assert_eq!(get(&server, "/v1/graphs/none"), 404);
    told(&trace(1));
    assert_eq!(server.end(), Some(0));
    let rest: Vec<String> = lines.iter().filter(|line| line.contains("traces cannot")).collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_log_is_lines_of_json_where_that_is_wanted() {
    let home = home();
    let mut server = Server::with(home.path(), &["--set", "log.format=json"], (&[], Stdio::piped()));
    let mut log = BufReader::new(server.child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    // What comes behind it is read to its end, so that the server never waits for a reader.
    std::thread::spawn(move || log.lines().for_each(drop));
    let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for key in ["timestamp", "level", "target"] {
        assert!(said[key].is_string(), "{key}: {said}");
    }
    assert_eq!(server.end(), Some(0));
}
