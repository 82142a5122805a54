//! What was observed of one service on one class of clusters: columns of equal length, most of them optional.
//!
//! A column that was not observed is empty, a single value that is missing is NaN: missing is never zero. Units are those
//! of the column's name and are converted by whoever reads them: rates are per second, CPU is in cores, latency in
//! seconds, shares lie between 0 and 1. Times are nanoseconds since the Unix epoch, or since the start of a run.

use crate::units::Time;

/// How a series came to be, which decides what its throughput says about capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Watched while it ran: throughput is what was asked, not what was possible.
    #[default]
    Operation,
    /// A load test that raised the load until no more was served: each row's throughput *is* the capacity of its replicas.
    Saturated,
}

/// The series of one service on one cluster class. `at`, `replicas` and one of `offered` and `completed` are required.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Name of the service.
    pub service: String,
    /// Class of clusters (hardware generation) that it ran on.
    pub class: String,
    /// How the samples were taken.
    pub regime: Regime,
    /// When each sample was taken. May be out of order or repeated: that is noted and repaired, or refused.
    pub at: Vec<Time>,
    /// Ready replicas.
    pub replicas: Vec<f64>,
    /// Requests per second that arrived.
    pub offered: Vec<f64>,
    /// Requests per second that were answered.
    pub completed: Vec<f64>,
    /// CPU that all replicas together used, in cores.
    pub cpu: Vec<f64>,
    /// CPU limit of one replica, in cores.
    pub cpu_limit: Vec<f64>,
    /// Share of scheduling periods in which the CPU was throttled.
    pub throttled: Vec<f64>,
    /// Share of requests that failed.
    pub errors: Vec<f64>,
    /// Requests that waited, at the time of the sample.
    pub waiting: Vec<f64>,
    /// Mean latency in seconds.
    pub latency_mean: Vec<f64>,
    /// Median latency in seconds.
    pub latency_p50: Vec<f64>,
    /// 95th percentile of latency in seconds.
    pub latency_p95: Vec<f64>,
    /// 99th percentile of latency in seconds.
    pub latency_p99: Vec<f64>,
    /// Restarts of replicas since the beginning (a counter).
    pub restarts: Vec<f64>,
    /// Index into `versions` of what ran; empty where no label was observed.
    pub version: Vec<u32>,
    /// Version labels, in order of first appearance.
    pub versions: Vec<String>,
    /// Which cluster of the class each sample is of; empty where there is one. Replicas and rates are those of that cluster
    /// alone: samples of several clusters stand beside each other and are never added up.
    pub cluster: Vec<u32>,
}

impl Series {
    /// Samples.
    pub const fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether nothing was observed.
    pub const fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// The first `rows` samples, in the order of the series; all of them where there are fewer.
    #[must_use]
    pub fn first(&self, rows: usize) -> Self {
        fn cut<T: Clone>(column: &[T], rows: usize) -> Vec<T> {
            column[..rows.min(column.len())].to_vec()
        }
        Self {
            service: self.service.clone(),
            class: self.class.clone(),
            regime: self.regime,
            at: cut(&self.at, rows),
            replicas: cut(&self.replicas, rows),
            offered: cut(&self.offered, rows),
            completed: cut(&self.completed, rows),
            cpu: cut(&self.cpu, rows),
            cpu_limit: cut(&self.cpu_limit, rows),
            throttled: cut(&self.throttled, rows),
            errors: cut(&self.errors, rows),
            waiting: cut(&self.waiting, rows),
            latency_mean: cut(&self.latency_mean, rows),
            latency_p50: cut(&self.latency_p50, rows),
            latency_p95: cut(&self.latency_p95, rows),
            latency_p99: cut(&self.latency_p99, rows),
            restarts: cut(&self.restarts, rows),
            version: cut(&self.version, rows),
            versions: self.versions.clone(),
            cluster: cut(&self.cluster, rows),
        }
    }

    /// Every numeric column that may be absent, with its name: for checks and for messages.
    pub fn columns(&self) -> [(&'static str, &[f64]); 13] {
        [
            ("replicas", &self.replicas),
            ("offered", &self.offered),
            ("completed", &self.completed),
            ("cpu", &self.cpu),
            ("cpu_limit", &self.cpu_limit),
            ("throttled", &self.throttled),
            ("errors", &self.errors),
            ("waiting", &self.waiting),
            ("latency_mean", &self.latency_mean),
            ("latency_p50", &self.latency_p50),
            ("latency_p95", &self.latency_p95),
            ("latency_p99", &self.latency_p99),
            ("restarts", &self.restarts),
        ]
    }
}

/// A value of an optional column: NaN where the column was not observed.
pub fn value(column: &[f64], sample: usize) -> f64 {
    column.get(sample).copied().unwrap_or(f64::NAN)
}

/// Everything that was observed: one series for each service and class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observations {
    /// In the order in which results are reported.
    pub series: Vec<Series>,
}

#[cfg(test)]
mod tests {
    use super::Series;
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    /// Goal: what trains a model holds nothing of what came after.
    /// Method: the first rows have as many values in each observed column, none in others, and the same values.
    #[test]
    fn the_first_rows_are_those_of_every_column() {
        let whole =
            Series { version: vec![0; 60], ..Truth { minutes: 60, ..Truth::default() }.series("shop", Seed(1)) };
        let first = whole.first(7);
        assert_eq!((first.len(), first.version.len()), (7, 7));
        for ((name, column), (_, all)) in first.columns().into_iter().zip(whole.columns()) {
            assert_eq!(column, &all[..7.min(all.len())], "{name}");
        }
        assert_eq!(whole.first(1_000), whole);
    }
}
