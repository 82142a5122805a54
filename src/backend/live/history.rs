//! The past, as Prometheus kept it: what the queries of a connection gave at each step.

use super::connect::prometheus_at;
use super::outside::{CallError, Class};
use super::prometheus::{Prometheus, Series};
use crate::model::connection::{Connection, Counterpart};
use crate::model::{ClusterId, ServiceId, Table};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What was measured of all services at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// When, since 1970.
    pub at: Duration,
    /// By service.
    pub services: Table<ServiceId, ServiceRow>,
}

/// What was measured of one service. What is not in it was not measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServiceRow {
    /// Requests per second over all clusters.
    pub total: Option<f64>,
    /// Requests per second by cluster, where the query tells clusters apart.
    pub rates: BTreeMap<ClusterId, f64>,
    /// Ready replicas by cluster.
    pub replicas: BTreeMap<ClusterId, f64>,
    /// Cores in use by cluster.
    pub cpu_used: BTreeMap<ClusterId, f64>,
    /// 95th percentile of the latency in seconds.
    pub latency_p95: Option<f64>,
}

/// Reads the past.
#[derive(Debug)]
pub struct Recorder {
    runtime: Runtime,
    prometheus: Prometheus,
    connection: Connection,
}

impl Recorder {
    /// A reader for a connection.
    ///
    /// # Errors
    /// A connection without Prometheus, or one whose token cannot be read.
    pub fn open(connection: &Connection) -> Result<Self, CallError> {
        let Some(at) = &connection.prometheus else {
            let reason = "the connection names none, so nobody has kept the past; write `prometheus: {url: ...}`";
            return Err(CallError::new("prometheus", "history", Class::Permanent, reason));
        };
        Ok(Self { runtime: super::runtime()?, prometheus: prometheus_at(at)?, connection: connection.clone() })
    }

    /// What was measured at each step of `during`, its ends included.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn rows(&self, during: RangeInclusive<Duration>, step: Duration) -> Result<Vec<Row>, CallError> {
        let count = self.connection.services.len();
        let mut rows = Vec::new();
        let mut at = *during.start();
        while at <= *during.end() {
            rows.push(Row { at, services: Table::build(count, |_| ServiceRow::default()) });
            at += step;
        }
        for (id, counterpart) in self.connection.services.iter() {
            self.fill(&mut rows, (id, counterpart), (&during, step))?;
        }
        Ok(rows)
    }

    fn fill(
        &self,
        rows: &mut [Row],
        (id, counterpart): (ServiceId, &Counterpart),
        (during, step): (&RangeInclusive<Duration>, Duration),
    ) -> Result<(), CallError> {
        let start = *during.start();
        let mut each = |query: &Option<String>, put: &dyn Fn(&mut ServiceRow, Option<ClusterId>, f64)| {
            let Some(query) = query else { return Ok(()) };
            let asked = self.prometheus.query_range(query, during.clone(), step);
            for series in self.runtime.block_on(asked)? {
                let cluster = self.cluster(&series);
                for (at, value) in &series.points {
                    if let Some(row) = index(start, step, *at).and_then(|index| rows.get_mut(index)) {
                        put(&mut row.services[id], cluster, *value);
                    }
                }
            }
            Ok::<(), CallError>(())
        };
        each(&counterpart.rate, &|row, cluster, value| {
            row.total = Some(row.total.unwrap_or(0.0) + value);
            if let Some(cluster) = cluster {
                *row.rates.entry(cluster).or_insert(0.0) += value;
            }
        })?;
        each(&counterpart.replicas, &|row, cluster, value| by(&mut row.replicas, cluster, value))?;
        each(&counterpart.cpu_used, &|row, cluster, value| by(&mut row.cpu_used, cluster, value))?;
        each(&counterpart.latency_p95, &|row, _, value| {
            row.latency_p95 = Some(row.latency_p95.map_or(value, |before| before.max(value)));
        })
    }

    fn cluster(&self, series: &Series) -> Option<ClusterId> {
        let name = series.labels.get("cluster")?;
        self.connection.clusters.find(|called| called == name)
    }
}

fn by(values: &mut BTreeMap<ClusterId, f64>, cluster: Option<ClusterId>, value: f64) {
    if let Some(cluster) = cluster {
        *values.entry(cluster).or_insert(0.0) += value;
    }
}

/// Which step an instant is.
fn index(start: Duration, step: Duration, at: Duration) -> Option<usize> {
    let since = at.checked_sub(start)?.as_millis() + step.as_millis() / 2;
    usize::try_from(since / step.as_millis().max(1)).ok()
}
