//! One run over time: what pages draw and terminals sketch, read from its series and decisions.

pub mod breaks;
pub mod layout;
pub mod outage;
pub mod sums;
pub mod task_lines;

use crate::record::line::{Line, Series};
use crate::record::{Journal, RecordError, RunRecord};
use breaks::Break;
use outage::Outage;
use sums::{Fullness, Stacks};
use task_lines::TaskLines;

/// Entry services that are drawn; the busiest ones.
const ENTRIES_MAX: usize = 3;
/// Episodes of each kind, failures, and changes that are kept.
const JOURNAL_MAX: usize = 60;

/// The columns of the series that are read.
const COLUMNS: [&str; 23] = [
    "offered_per_s",
    "served_per_s",
    "capacity_per_s",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "slo_violated_share",
    "rate_seen_per_s",
    "rate_age_s",
    "replicas_target",
    "replicas_ready",
    "up",
    "nodes",
    "cpu_allocatable_cores",
    "cpu_allocatable_used_cores",
    "cpu_requested_cores",
    "cpu_used_cores",
    "memory_allocatable_bytes",
    "memory_requested_bytes",
    "gpu_allocatable",
    "gpu_requested",
    "cost_usd",
    "carbon_g",
];
/// Those that are read besides where there are tasks.
const TASK_COLUMNS: [&str; 4] = ["tasks_running", "tasks_waiting", "tasks_arrived", "tasks_completed"];

/// A run over time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// How long it was.
    pub span_s: f64,
    /// When samples were taken.
    pub times: Vec<f64>,
    /// The busiest entry services.
    pub entries: Vec<Entry>,
    /// How many entry services there are.
    pub entries_count: usize,
    /// Tasks; `None` where there are none.
    pub tasks: Option<TaskLines>,
    /// Ready replicas of all services, by cluster.
    pub replicas: Stacks,
    /// Replicas that were asked for, over all services and clusters, at each of the times.
    pub asked: Vec<f64>,
    /// Ready nodes by cluster.
    pub nodes: Stacks,
    /// How full the nodes are, over all clusters.
    pub fullness: Fullness,
    /// The same by cluster, as means over time.
    pub fullness_by_cluster: Vec<(String, Fullness)>,
    /// How old the newest measurement of a service's rate was: the oldest one over the services.
    pub age_worst: Line,
    /// The median over the services.
    pub age_median: Line,
    /// Share of the services of which nothing was seen, over samples.
    pub unseen: Line,
    /// Dollars per hour, over all clusters.
    pub cost_rate: Line,
    /// When SLOs were broken, the longest ones, in order.
    pub breaks: Vec<Break>,
    /// How many there were.
    pub breaks_all: usize,
    /// What was broken, and when.
    pub outages: Vec<Outage>,
    /// What the decisions tell.
    pub journal: Journal,
}

/// An entry service over time.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub service: String,
    /// Its promise.
    pub slo: Option<Promise>,
    /// Requests per second that arrive.
    pub offered: Line,
    /// Requests per second that are served.
    pub served: Line,
    /// Requests per second that the ready replicas can serve.
    pub capacity: Line,
    /// Median latency in milliseconds.
    pub p50: Line,
    /// 95th percentile of latency in milliseconds.
    pub p95: Line,
    /// 99th percentile of latency in milliseconds.
    pub p99: Line,
    /// Share of the time since the sample before in which the SLO was broken.
    pub broken: Line,
}

/// An SLO.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// How long a request may take, in milliseconds.
    pub latency_ms: f64,
    /// How many of them must keep it, 0..1.
    pub share: f64,
}

impl Timeline {
    /// Reads what is drawn of `run`.
    ///
    /// # Errors
    /// Where its series or decisions cannot be read.
    pub fn read(run: &RunRecord) -> Result<Self, RecordError> {
        let of_tasks: &[&str] = if run.summary.tasks.is_some() { &TASK_COLUMNS } else { &[] };
        let series = run.series(&[&COLUMNS[..], of_tasks].concat())?;
        let journal = run.journal(JOURNAL_MAX)?;
        let clusters: Vec<&str> = run.summary.by_cluster.iter().map(|row| row.cluster.as_str()).collect();
        let times = sums::times(&series);
        let ready = sums::by_cluster(&series, &clusters, &times, "replicas_ready");
        let nodes = sums::by_row(&series, &clusters, &times, "nodes");
        let shown = sums::shown(&clusters, &ready, &nodes);
        let outages = outage::outages(&journal.events);
        let entries = entries(run, &series);
        let (breaks, breaks_all) =
            breaks::find(&breaks::Seen { series: &series, entries: &entries, outages: &outages, journal: &journal });
        let (age_worst, age_median, unseen) = sums::ages(&series, &times);
        Ok(Self {
            span_s: run.summary.span_s,
            entries_count: run.summary.by_service.iter().filter(|service| service.entry).count(),
            tasks: TaskLines::of(&series, &clusters, &times, &shown),
            replicas: shown.joined(&ready),
            nodes: shown.joined(&nodes),
            asked: sums::total(&sums::by_cluster(&series, &clusters, &times, "replicas_target"), times.len()),
            fullness: Fullness::of(&series, &clusters),
            fullness_by_cluster: clusters
                .iter()
                .map(|name| ((*name).to_owned(), Fullness::of(&series, &[name])))
                .collect(),
            age_worst,
            age_median,
            unseen,
            cost_rate: sums::rate_per_hour(&series, &clusters, "cost_usd"),
            breaks,
            breaks_all,
            times,
            entries,
            outages,
            journal,
        })
    }
}

fn entries(run: &RunRecord, series: &Series) -> Vec<Entry> {
    let mut entries: Vec<_> = run.summary.by_service.iter().filter(|service| service.entry).collect();
    entries.sort_by(|a, b| b.busyness().total_cmp(&a.busyness()));
    let entry = |service: &crate::record::summary::ServiceSummary| {
        let line = |column| series.line(Some(&service.service), None, column);
        let slo = service.slo_latency_ms.zip(service.slo_share);
        Entry {
            service: service.service.clone(),
            slo: slo.map(|(latency_ms, share)| Promise { latency_ms, share }),
            offered: line("offered_per_s"),
            served: line("served_per_s"),
            capacity: line("capacity_per_s"),
            p50: line("latency_p50_ms"),
            p95: line("latency_p95_ms"),
            p99: line("latency_p99_ms"),
            broken: line("slo_violated_share"),
        }
    };
    entries.into_iter().take(ENTRIES_MAX).map(entry).collect()
}
