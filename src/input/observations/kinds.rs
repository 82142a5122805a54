//! What columns are called: the names of every quantity, and the units that may follow them.
//!
//! A new spelling is a word here; the documentation and the messages name the `right` ones only.

use super::quantity::{Form, Quantity};

/// A unit at the end of a name.
type Unit = (&'static str, f64, Form);

/// One kind of column: first names, then units; `bare` is the unit of a name without one.
pub struct Kind {
    /// The quantity.
    pub quantity: Quantity,
    /// Names without a unit.
    pub stems: &'static [&'static str],
    /// Units.
    pub units: &'static [Unit],
    /// What a name without a unit is; `None` refuses it.
    pub bare: Option<(f64, Form)>,
    /// Names that would be right, for messages and for the documentation.
    pub right: &'static str,
}

const PLAIN: Option<(f64, Form)> = Some((1.0, Form::Plain));

const RATES: &[Unit] = &[
    ("per_s", 1.0, Form::Plain),
    ("per_sec", 1.0, Form::Plain),
    ("per_second", 1.0, Form::Plain),
    ("rps", 1.0, Form::Plain),
    ("qps", 1.0, Form::Plain),
    ("req_s", 1.0, Form::Plain),
    ("req_per_s", 1.0, Form::Plain),
    ("requests_per_s", 1.0, Form::Plain),
    ("requests_per_second", 1.0, Form::Plain),
    ("per_min", 1.0 / 60.0, Form::Plain),
    ("per_minute", 1.0 / 60.0, Form::Plain),
    ("rpm", 1.0 / 60.0, Form::Plain),
    ("req_per_min", 1.0 / 60.0, Form::Plain),
    ("requests_per_min", 1.0 / 60.0, Form::Plain),
    ("requests_per_minute", 1.0 / 60.0, Form::Plain),
    ("total", 1.0, Form::Counter),
];
const CORES: &[Unit] = &[
    ("cores", 1.0, Form::Plain),
    ("vcpu", 1.0, Form::Plain),
    ("vcpus", 1.0, Form::Plain),
    ("millicores", 1e-3, Form::Plain),
    ("mcores", 1e-3, Form::Plain),
    ("millicpu", 1e-3, Form::Plain),
    ("m", 1e-3, Form::Plain),
    ("nanocores", 1e-9, Form::Plain),
];
const SHARES: &[Unit] = &[
    ("ratio", 1.0, Form::Plain),
    ("share", 1.0, Form::Plain),
    ("fraction", 1.0, Form::Plain),
    ("percent", 0.01, Form::Plain),
    ("pct", 0.01, Form::Plain),
];
const SPANS: &[Unit] = &[
    ("s", 1.0, Form::Plain),
    ("sec", 1.0, Form::Plain),
    ("seconds", 1.0, Form::Plain),
    ("ms", 1e-3, Form::Plain),
    ("millis", 1e-3, Form::Plain),
    ("milliseconds", 1e-3, Form::Plain),
    ("us", 1e-6, Form::Plain),
    ("ns", 1e-9, Form::Plain),
];

/// All kinds of columns, in the order of the documentation.
pub const KINDS: &[Kind] = &[
    Kind {
        quantity: Quantity::Replicas,
        stems: &[
            "replicas_ready",
            "ready_replicas",
            "ready",
            "replicas",
            "replica_count",
            "pods_ready",
            "ready_pods",
            "pods",
            "instances",
            "kube_deployment_status_replicas_ready",
            "kube_deployment_status_replicas_available",
            "kube_statefulset_status_replicas_ready",
        ],
        units: &[],
        bare: PLAIN,
        right: "replicas_ready",
    },
    Kind {
        quantity: Quantity::Offered,
        stems: &["offered", "offered_rate", "arrivals", "arrival_rate", "demand", "load"],
        units: RATES,
        bare: None,
        right: "offered_per_s, offered_per_min",
    },
    Kind {
        quantity: Quantity::Completed,
        stems: &[
            "",
            "rate",
            "request_rate",
            "requests",
            "throughput",
            "served",
            "completed",
            "http_requests",
            "istio_requests",
            "req",
            "reqs",
            "http_server_requests",
            "calls",
        ],
        units: RATES,
        bare: None,
        right: "requests_per_s, requests_per_min, throughput_rps, requests_total (a counter)",
    },
    Kind {
        quantity: Quantity::Completed,
        stems: &[
            "http_server_requests_seconds_count",
            "http_request_duration_seconds_count",
            "request_duration_seconds_count",
        ],
        units: &[],
        bare: Some((1.0, Form::Counter)),
        right: "requests_total",
    },
    Kind {
        quantity: Quantity::Cpu,
        stems: &["cpu", "cpu_used", "cpu_usage", "cpu_total", "cpu_use"],
        units: CORES,
        bare: None,
        right: "cpu_cores, cpu_millicores (of all replicas together), cpu_per_replica_cores, cpu_percent_of_limit, cpu_seconds_total (a counter)",
    },
    Kind {
        quantity: Quantity::Cpu,
        stems: &["cpu", "cpu_usage", "container_cpu_usage", "process_cpu"],
        units: &[("seconds_total", 1.0, Form::Counter), ("seconds", 1.0, Form::Counter)],
        bare: None,
        right: "cpu_cores, cpu_millicores, cpu_seconds_total (a counter)",
    },
    Kind {
        quantity: Quantity::Cpu,
        stems: &["cpu_per_replica", "cpu_per_pod", "cpu_mean"],
        units: &[
            ("cores", 1.0, Form::PerReplica),
            ("millicores", 1e-3, Form::PerReplica),
            ("mcores", 1e-3, Form::PerReplica),
            ("m", 1e-3, Form::PerReplica),
        ],
        bare: None,
        right: "cpu_per_replica_cores, cpu_per_replica_millicores",
    },
    Kind {
        quantity: Quantity::Cpu,
        stems: &["cpu", "cpu_usage", "cpu_used"],
        units: &[
            ("percent_of_limit", 0.01, Form::OfLimit),
            ("pct_of_limit", 0.01, Form::OfLimit),
            ("share_of_limit", 1.0, Form::OfLimit),
            ("ratio_of_limit", 1.0, Form::OfLimit),
            ("over_limit", 1.0, Form::OfLimit),
        ],
        bare: None,
        right: "cpu_percent_of_limit, cpu_share_of_limit",
    },
    Kind {
        quantity: Quantity::CpuLimit,
        stems: &[
            "cpu_limit",
            "limit_cpu",
            "limits_cpu",
            "pod_cpu",
            "limit",
            "cpu_limit_per_replica",
            "kube_pod_container_resource_limits_cpu",
        ],
        units: CORES,
        bare: None,
        right: "cpu_limit_cores, cpu_limit_millicores (of one replica)",
    },
    Kind {
        quantity: Quantity::Throttled,
        stems: &["throttled", "cpu_throttled", "throttling", "throttled_periods", "cpu_throttling"],
        units: SHARES,
        bare: PLAIN,
        right: "throttled_share, throttled_percent",
    },
    Kind {
        quantity: Quantity::Errors,
        stems: &["error", "errors", "error_rate", "failed", "failure", "failures"],
        units: SHARES,
        bare: None,
        right: "error_ratio, error_percent, errors_per_s",
    },
    Kind {
        quantity: Quantity::Errors,
        stems: &["errors", "failures", "failed", "error", "failed_requests"],
        units: &[
            ("per_s", 1.0, Form::OverRequests),
            ("per_second", 1.0, Form::OverRequests),
            ("per_min", 1.0 / 60.0, Form::OverRequests),
        ],
        bare: None,
        right: "errors_per_s",
    },
    Kind {
        quantity: Quantity::Waiting,
        stems: &["waiting", "queue", "queue_length", "queued", "backlog", "backlog_requests", "waiting_requests"],
        units: &[],
        bare: PLAIN,
        right: "waiting",
    },
    Kind {
        quantity: Quantity::LatencyMean,
        stems: &[
            "latency_mean",
            "mean_latency",
            "latency_avg",
            "avg_latency",
            "latency",
            "response_time",
            "mean",
            "response_time_mean",
        ],
        units: SPANS,
        bare: None,
        right: "latency_mean_ms, latency_mean_s",
    },
    Kind {
        quantity: Quantity::LatencyP50,
        stems: &[
            "latency_p50",
            "p50",
            "p50_latency",
            "latency_median",
            "median",
            "median_latency",
            "response_time_p50",
        ],
        units: SPANS,
        bare: None,
        right: "latency_p50_ms, latency_p50_s",
    },
    Kind {
        quantity: Quantity::LatencyP95,
        stems: &["latency_p95", "p95", "p95_latency", "response_time_p95"],
        units: SPANS,
        bare: None,
        right: "latency_p95_ms, latency_p95_s",
    },
    Kind {
        quantity: Quantity::LatencyP99,
        stems: &["latency_p99", "p99", "p99_latency", "response_time_p99"],
        units: SPANS,
        bare: None,
        right: "latency_p99_ms, latency_p99_s",
    },
    Kind {
        quantity: Quantity::Restarts,
        stems: &["restarts", "restarts_total", "restart_count", "kube_pod_container_status_restarts_total"],
        units: &[],
        bare: PLAIN,
        right: "restarts",
    },
];

/// Names of the columns that are no quantity: time, service, class, cluster, version. Spelled as [`plain`](super::quantity::plain) gives them.
pub const SERVICES: &[&str] =
    &["service", "app", "application", "deployment", "workload", "microservice", "destination_workload", "job", "name"];
/// Names of the class of clusters (or of machines).
pub const CLASSES: &[&str] =
    &["class", "cluster_class", "node_class", "instance_type", "host_instance_type", "machine_type"];
/// Names of the cluster, which stands for its class where no class is given.
pub const CLUSTERS: &[&str] = &["cluster"];
/// Names of the namespace, which tells services of one name apart.
pub const NAMESPACES: &[&str] = &["namespace"];
/// Names of the version.
pub const VERSIONS: &[&str] = &["version", "image", "revision", "release"];
