//! What the service says of itself to Prometheus: `/metrics`.
//!
//! Requests are counted as they end; everything else is asked of the store and the engine when somebody scrapes.

use super::App;
use super::acts::Figures;
use super::problem::Problem;
use crate::serve::engine::capacities::Figure;
use crate::serve::store::rows::{JobState, Phase};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The media type.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the histogram, in seconds: from a read out of memory to a deploy that is waited for.
const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InPhase {
    phase: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfService {
    project: String,
    graph: String,
    service: String,
    origin: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: String,
}

/// Everything that is measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Family<Route, Histogram>,
    underway: Gauge,
    streams: Gauge,
    graphs: Family<InPhase, Gauge>,
    jobs: Family<InState, Gauge>,
    leases: Gauge,
    capacities: Family<OfService, Gauge<f64, AtomicU64>>,
    drifted: Family<OfService, Gauge>,
    /// Held by whoever writes down what is asked for only when somebody scrapes.
    telling: Mutex<()>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("smo"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            underway: Gauge::default(),
            streams: Gauge::default(),
            graphs: Family::default(),
            jobs: Family::default(),
            leases: Gauge::default(),
            capacities: Family::default(),
            drifted: Family::default(),
            telling: Mutex::default(),
        };
        let registry = &mut all.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This program", build);
        registry.register("http_requests", "Requests that were answered", all.requests.clone());
        registry.register("http_request_duration_seconds", "From the request to its answer", all.seconds.clone());
        registry.register("http_requests_underway", "Requests that are not answered yet", all.underway.clone());
        registry.register("event_streams", "Clients that follow events", all.streams.clone());
        registry.register("graphs", "Graphs by what is observed of them", all.graphs.clone());
        registry.register("jobs", "Jobs by how far they are", all.jobs.clone());
        registry.register("leases_held", "Graphs that this server keeps", all.leases.clone());
        let help = "Requests per second that one replica serves, by who says so";
        registry.register("service_capacity", help, all.capacities.clone());
        let help = "Whether a service contradicts the capacity that it is believed to have";
        registry.register("service_capacity_drifted", help, all.drifted.clone());
        all
    }
}

impl Metrics {
    /// A request begins; it ends when what is given back is dropped.
    pub fn begin(&self) -> Counted {
        Counted::of(&self.underway)
    }

    /// A client begins to follow events.
    pub fn stream(&self) -> Counted {
        Counted::of(&self.streams)
    }

    /// A request was answered.
    pub fn answered(&self, (method, route): (&str, &str), status: u16, took: Duration) {
        let (method, route) = (named(method).to_owned(), route.to_owned());
        let asked = Asked { method: method.clone(), route: route.clone(), status };
        self.requests.get_or_create(&asked).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    fn set_capacities(&self, figures: Vec<Figure>) {
        self.capacities.clear();
        self.drifted.clear();
        for Figure { project, graph, service, capacity } in figures {
            let of = OfService { project, graph, service, origin: word(&capacity.origin) };
            if let Some(rate) = capacity.per_replica {
                self.capacities.get_or_create(&of).set(rate);
            }
            self.drifted.get_or_create(&of).set(i64::from(capacity.drifted_at.is_some()));
        }
    }

    fn set_stored(&self, phases: &[(Phase, u64)], states: &[(JobState, u64)]) {
        let narrow = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.graphs.clear();
        for (phase, count) in phases {
            self.graphs.get_or_create(&InPhase { phase: word(phase) }).set(narrow(*count));
        }
        self.jobs.clear();
        for (state, count) in states {
            self.jobs.get_or_create(&InState { state: word(state) }).set(narrow(*count));
        }
    }
}

/// A method by its name, where HTTP knows it: any other word is the caller's, and each would be a series that stays for ever.
fn named(method: &str) -> &str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
    if KNOWN.contains(&method) { method } else { "other" }
}

/// Something that is counted for as long as it lasts.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// All of it, as text.
///
/// # Errors
/// What the store says.
pub async fn text(app: &App) -> Result<String, Problem> {
    let (phases, states) = (app.store.phase_counts().await?, app.store.job_counts().await?);
    let Figures { leases_held, capacities } = app.acts.figures().await?;
    // One after the other: what is cleared for one scrape would be missing in another.
    let _alone = app.metrics.telling.lock().unwrap_or_else(PoisonError::into_inner);
    app.metrics.set_stored(&phases, &states);
    app.metrics.set_capacities(capacities);
    app.metrics.leases.set(i64::try_from(leases_held).unwrap_or(i64::MAX));
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(text)
}

/// An enumeration's word, as JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
