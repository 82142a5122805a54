//! What was observed of running services: files of CSV, Parquet and answers of Prometheus, one table whatever wrote them.
//!
//! ```text
//! file ─► csv | parquet | prometheus ─► Collector ─► Observed (a series for each service and cluster)
//!         (names of columns: quantity)  (order, duplicates, counters, per replica)
//! ```
//!
//! In contrast to a trace, observations are held whole: whoever fits them needs them at once. Units are read from the names
//! of columns and refused where they are open; clocks are those of traces. What is wrong is told with file, line and
//! column. A value that is missing, or `NaN`, is unknown and never zero. Rows out of order are sorted and told; two rows that
//! contradict each other are refused. What the observations mean is for the stage `capacity` to say.

pub mod quantity;

mod collector;
mod csv;
mod finish;
mod kinds;
mod parquet;
mod prometheus;
mod row;

pub use quantity::{Meaning, Quantity};

use super::formats::{Column, FormatPage, Kind};
use super::trace::{Fault, TraceError, Zone};
use crate::units::{Bytes, Time};
use collector::Collector;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The page of tables.
pub const PAGE: FormatPage = FormatPage {
    name: "observations",
    kind: Kind::Observations,
    what: "What was observed of services over time, a row for each service (and cluster) and time, as CSV or Parquet: read by \
           `smo fit` and `smo backtest`. Any subset of the columns; the name of each says its unit.",
    extensions: &[".csv", ".csv.gz", ".csv.zst", ".parquet"],
    columns: &[
        Column {
            name: "time, timestamp_s, ts_ms",
            unit: "RFC 3339, or s, ms, µs, ns",
            meaning: "when; a number without unit is told by its size, or refused",
        },
        Column {
            name: "service (app, deployment, workload)",
            unit: "text",
            meaning: "whose; one service where the column is missing",
        },
        Column {
            name: "class (instance_type) or cluster",
            unit: "text",
            meaning: "where; a cluster is its own class where no class is given",
        },
        Column { name: "namespace", unit: "text", meaning: "tells services of one name apart" },
        Column { name: "version (image, revision)", unit: "text", meaning: "what ran; a change starts a new fit" },
        Column { name: "replicas_ready (ready, pods)", unit: "1", meaning: "replicas that serve" },
        Column {
            name: "requests_per_s (rps, throughput_rps, requests_per_min, requests_total)",
            unit: "1/s or 1/min; `total` is a counter",
            meaning: "requests that were answered",
        },
        Column { name: "offered_per_s", unit: "1/s or 1/min", meaning: "requests that arrived" },
        Column {
            name: "cpu_cores (cpu_millicores, cpu_per_replica_cores, cpu_percent_of_limit, cpu_seconds_total)",
            unit: "as it says",
            meaning: "CPU in use, of all replicas together unless it says otherwise",
        },
        Column { name: "cpu_limit_cores", unit: "cores or millicores", meaning: "CPU limit of one replica" },
        Column {
            name: "throttled_share",
            unit: "share or percent",
            meaning: "scheduling periods in which CPU was throttled",
        },
        Column { name: "error_ratio (errors_per_s)", unit: "share, percent or 1/s", meaning: "requests that failed" },
        Column { name: "waiting (queue_length, backlog)", unit: "1", meaning: "requests that wait" },
        Column {
            name: "latency_p50_ms, latency_p95_ms, latency_p99_ms, latency_mean_ms",
            unit: "s, ms, µs, ns",
            meaning: "latency",
        },
        Column { name: "restarts", unit: "1", meaning: "restarts since the beginning" },
    ],
    example: "time,service,class,replicas_ready,requests_per_s,cpu_cores,cpu_limit_cores,latency_p95_ms\n\
              2024-02-29T12:00:00Z,cart,edge,3,71.5,2.31,1,38\n\
              2024-02-29T12:01:00Z,cart,edge,3,74.0,2.39,1,39\n",
    writable: false,
};

/// The page of answers of Prometheus.
pub const PAGE_PROMETHEUS: FormatPage = FormatPage {
    name: "observations-prometheus",
    kind: Kind::Observations,
    what: "Answers of Prometheus to range queries (`/api/v1/query_range`), one after the other or in several files: read by \
           `smo fit` and `smo backtest`.",
    extensions: &[".json", ".json.gz", ".json.zst"],
    columns: &[
        Column {
            name: "metric.__name__",
            unit: "text",
            meaning: "the quantity and its unit, named like a column of a table, or a metric of Kubernetes; without it, the name of the file says (`cpu_cores.json`); `--column METRIC=cpu_cores` says it for others",
        },
        Column {
            name: "metric.service (app, deployment, workload, job)",
            unit: "text",
            meaning: "whose; `--service-from LABEL` names another label; series of one service are added up, quantiles must not be several",
        },
        Column {
            name: "metric.class or cluster",
            unit: "text",
            meaning: "where; `--class-from LABEL` names another label",
        },
        Column { name: "values[][0]", unit: "s since 1970", meaning: "when" },
        Column {
            name: "values[][1]",
            unit: "as the name says",
            meaning: "a counter becomes its increase over the time; `NaN` is unknown",
        },
    ],
    example: "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[\n\
              {\"metric\":{\"__name__\":\"cpu_cores\",\"service\":\"cart\"},\"values\":[[1709208000,\"2.31\"],[1709208060,\"2.39\"]]}]}}\n",
    writable: false,
};

/// How files of observations are to be read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Columns (or metrics) by their names in the file, and as what they are read; an empty name leaves the column out.
    pub columns: BTreeMap<String, String>,
    /// The zone of dates that state none.
    pub timezone: Option<Zone>,
    /// The label, or column, that names the service.
    pub service_from: Option<String>,
    /// The label, or column, that names the class.
    pub class_from: Option<String>,
    /// Whether each row is a level of a load test, at its highest throughput; then no time is needed.
    pub load_test: bool,
    /// What a compressed file may expand to.
    pub size_max: Bytes,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            timezone: None,
            service_from: None,
            class_from: None,
            load_test: false,
            size_max: Bytes(64 << 30),
        }
    }
}

/// What was observed of one service in one cluster (or class of them): columns of one length. One that was not observed is
/// empty; a value that is missing is NaN.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedSeries {
    /// Service; empty where the file does not say.
    pub service: String,
    /// Class of clusters; empty where the file does not say.
    pub class: String,
    /// Cluster; empty where the file does not say.
    pub cluster: String,
    /// When, rising.
    pub at: Vec<Time>,
    /// Values by quantity, in the unit of the quantity.
    pub columns: BTreeMap<Quantity, Vec<f64>>,
    /// Index into `versions`; empty where no version was observed.
    pub version: Vec<u32>,
    /// Versions in the order of first appearance.
    pub versions: Vec<String>,
}

/// All that was observed, and what is worth telling of how it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// By service, class and cluster.
    pub series: Vec<ObservedSeries>,
    /// Sentences.
    pub notes: Vec<String>,
    /// Whether rows had no times: then they are those of a load test, if anything.
    pub is_timeless: bool,
}

/// Reads files of observations; several are joined by time.
///
/// # Errors
/// The first mistake, with file, line and column.
pub fn read(paths: &[PathBuf], options: &ReadOptions) -> Result<Observed, TraceError> {
    let mut collector = Collector::new(options);
    let mut answers = prometheus::Answers::default();
    for path in paths {
        let name = path.to_string_lossy().to_lowercase();
        match kind_of(&name) {
            Some(Shape::Table) => csv::read(path, options, &mut collector)?,
            Some(Shape::Columns) => parquet::read(path, options, &mut collector)?,
            Some(Shape::Answers) => answers.read(path, options)?,
            None => {
                let endings =
                    ".csv, .csv.gz, .csv.zst, .parquet, .json, .json.gz, .json.zst, or a directory of a run of smo";
                let what = format!("observations do not end like this\n  they end in {endings}");
                return Err(TraceError::whole(path, Fault::Observed(what)));
            }
        }
        collector.end_of_file();
    }
    if let Some(first) = paths.first() {
        answers.hand_over(first, &mut collector)?;
    }
    collector.finish(paths.first().map_or(Path::new(""), PathBuf::as_path))
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Table,
    Columns,
    Answers,
}

fn kind_of(name: &str) -> Option<Shape> {
    let bare = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let ending = bare.rsplit('.').next()?;
    match ending {
        "csv" => Some(Shape::Table),
        "parquet" if bare == name => Some(Shape::Columns),
        "json" | "jsonl" => Some(Shape::Answers),
        _ => None,
    }
}
