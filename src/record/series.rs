//! `series.parquet`: services, placements and clusters over time, in one tidy table.
//!
//! A row is a service (no cluster), a service in a cluster, a cluster (no service), or all tasks (neither) at one instant; a column that says
//! nothing of its kind of row is null. The columns are [`FLOATS`], [`COUNTS`] and `up` behind `time_s`, `service` and
//! `cluster`. Row groups have a fixed number of rows and are written as they fill, on the thread of the run: memory stays
//! bounded, and the same samples give the same bytes.

use crate::model::observation::{ClusterSample, PlacementSample, Quantiles, Sample, ServiceSample, TaskSample};
use crate::model::resources::DEVICE;
use crate::model::scenario::Known;
use crate::model::{ClusterId, ServiceId};
use crate::units::{Rate, Span, Time};
use polars::prelude::{BatchedWriter, Column, DataFrame, ParquetCompression, ParquetWriter, PolarsError, PolarsResult};
use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

/// Rows of a row group.
const GROUP_ROWS: usize = 32_768;

/// One row before it is written.
#[derive(Debug, Clone, Copy)]
pub enum Row {
    /// A service since the sample before.
    Service(ServiceSample),
    /// A service in a cluster.
    Placement(PlacementSample),
    /// A cluster.
    Cluster(ClusterSample),
    /// All tasks: neither service nor cluster.
    Tasks(TaskSample),
}

/// A column by name, and how it is taken from a row.
type Field<T> = (&'static str, fn(&Row) -> Option<T>);

/// Columns of floats.
pub const FLOATS: &[Field<f64>] = &[
    ("offered_per_s", |row| row.flow(|row| row.offered, |row| row.offered).flatten().map(Rate::per_second)),
    ("served_per_s", |row| row.flow(|row| row.served, |row| row.served).flatten().map(Rate::per_second)),
    ("dropped_per_s", |row| row.service().and_then(|row| row.dropped).map(Rate::per_second)),
    ("backlog_requests", |row| row.flow(|row| row.backlog, |row| row.backlog)),
    ("capacity_per_s", |row| row.service().map(|row| row.capacity.per_second())),
    ("latency_mean_ms", |row| row.latency_ms(|latency| latency.mean.as_seconds_f64())),
    ("latency_p50_ms", |row| row.latency_ms(|latency| latency.p50.as_seconds_f64())),
    ("latency_p95_ms", |row| row.latency_ms(|latency| latency.p95.as_seconds_f64())),
    ("latency_p99_ms", |row| row.latency_ms(|latency| latency.p99.as_seconds_f64())),
    ("latency_own_mean_ms", |row| {
        row.placement().and_then(|row| row.latency_own).map(|latency| latency.as_seconds_f64() * 1e3)
    }),
    ("slo_violated_share", |row| row.service().and_then(|row| row.slo_violated)),
    ("rate_seen_per_s", |row| row.service().and_then(|row| row.rate_seen).map(Rate::per_second)),
    ("rate_age_s", |row| row.service().and_then(|row| row.rate_age).map(Span::as_seconds_f64)),
    ("cpu_seconds", |row| row.placement().map(|row| row.cpu_seconds)),
    ("cpu_allocatable_cores", |row| row.cluster().map(|row| row.cpu_allocatable)),
    ("cpu_allocatable_used_cores", |row| row.cluster().map(|row| row.cpu_allocatable_used)),
    ("cpu_requested_cores", |row| row.cluster().map(|row| row.cpu_requested)),
    ("cpu_used_cores", |row| row.cluster().map(|row| row.cpu_used)),
    ("memory_allocatable_bytes", |row| row.cluster().map(|row| row.memory_allocatable.0 as f64)),
    ("memory_requested_bytes", |row| row.cluster().map(|row| row.memory_requested.0 as f64)),
    ("gpu_allocatable", |row| row.cluster().map(|row| row.gpu_allocatable as f64 / DEVICE as f64)),
    ("gpu_requested", |row| row.cluster().map(|row| row.gpu_requested as f64 / DEVICE as f64)),
    ("power_w", |row| row.cluster().map(|row| row.power)),
    ("carbon_intensity_g_per_kwh", |row| row.cluster().map(|row| row.carbon_intensity)),
    ("cost_usd", |row| row.cluster().map(|row| row.cost)),
    ("energy_j", |row| row.cluster().map(|row| row.energy)),
    ("carbon_g", |row| row.cluster().map(|row| row.carbon)),
];

/// Columns of counts.
pub const COUNTS: &[Field<u32>] = &[
    ("replicas_target", |row| row.placement().map(|row| row.target)),
    ("replicas_ready", |row| row.placement().map(|row| row.ready)),
    ("replicas_pending", |row| row.placement().map(|row| row.pending)),
    ("replicas_starting", |row| row.placement().map(|row| row.starting)),
    ("nodes", |row| row.cluster().map(|row| row.nodes)),
    ("tasks_running", |row| row.cluster().map(|row| row.tasks_running).or_else(|| row.tasks(|tasks| tasks.running))),
    ("tasks_waiting", |row| row.tasks(|tasks| tasks.waiting)),
    ("tasks_arrived", |row| row.tasks(|tasks| tasks.arrived)),
    ("tasks_completed", |row| row.tasks(|tasks| tasks.completed)),
    ("nodes_used", |row| row.cluster().map(|row| row.nodes_used)),
];

impl Row {
    const fn service(&self) -> Option<&ServiceSample> {
        if let Self::Service(row) = self { Some(row) } else { None }
    }

    const fn placement(&self) -> Option<&PlacementSample> {
        if let Self::Placement(row) = self { Some(row) } else { None }
    }

    const fn cluster(&self) -> Option<&ClusterSample> {
        if let Self::Cluster(row) = self { Some(row) } else { None }
    }

    /// What both a service and a placement tell.
    fn flow<T>(&self, of_service: fn(&ServiceSample) -> T, of_placement: fn(&PlacementSample) -> T) -> Option<T> {
        self.service().map(of_service).or_else(|| self.placement().map(of_placement))
    }

    fn tasks(&self, count: fn(&TaskSample) -> u64) -> Option<u32> {
        if let Self::Tasks(row) = self { Some(u32::try_from(count(row)).unwrap_or(u32::MAX)) } else { None }
    }

    fn latency_ms(&self, seconds: fn(&Quantiles) -> f64) -> Option<f64> {
        self.service().and_then(|row| row.latency.as_ref()).map(|latency| seconds(latency) * 1e3)
    }

    const fn service_id(&self) -> Option<ServiceId> {
        match self {
            Self::Service(row) => Some(row.service),
            Self::Placement(row) => Some(row.service),
            Self::Cluster(_) | Self::Tasks(_) => None,
        }
    }

    const fn cluster_id(&self) -> Option<ClusterId> {
        match self {
            Self::Service(_) | Self::Tasks(_) => None,
            Self::Placement(row) => Some(row.cluster),
            Self::Cluster(row) => Some(row.cluster),
        }
    }
}

/// Writes samples as they come.
pub struct SeriesWriter {
    known: Arc<Known>,
    writer: BatchedWriter<BufWriter<File>>,
    rows: Vec<(Time, Row)>,
}

impl SeriesWriter {
    /// A writer of an empty table.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn new(file: File, known: Arc<Known>) -> io::Result<Self> {
        let schema = frame(&known, &[]).map_err(other)?.schema().clone();
        let writer = ParquetWriter::new(BufWriter::new(file))
            .with_compression(ParquetCompression::Zstd(None))
            .set_parallel(false)
            .batched(&schema)
            .map_err(other)?;
        Ok(Self { known, writer, rows: Vec::new() })
    }

    /// Appends the rows of a sample: services, placements, clusters, tasks.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn push(&mut self, sample: &Sample) -> io::Result<()> {
        let services = sample.services.iter().copied().map(Row::Service);
        let placements = sample.placements.iter().copied().map(Row::Placement);
        let clusters = sample.clusters.iter().copied().map(Row::Cluster);
        for row in services.chain(placements).chain(clusters).chain(sample.tasks.map(Row::Tasks)) {
            self.rows.push((sample.at, row));
            if self.rows.len() == GROUP_ROWS {
                self.write_group()?;
            }
        }
        Ok(())
    }

    /// Writes what is left and the file's end.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.writer.finish().map_err(other)?;
        Ok(())
    }

    fn write_group(&mut self) -> io::Result<()> {
        let frame = frame(&self.known, &self.rows).map_err(other)?;
        self.writer.write_batch(&frame).map_err(other)?;
        self.rows.clear();
        Ok(())
    }
}

/// The rows as a table.
fn frame(known: &Known, rows: &[(Time, Row)]) -> PolarsResult<DataFrame> {
    let service = |row: &Row| row.service_id().map(|id| known.application.services[id].name.as_str());
    let cluster = |row: &Row| row.cluster_id().map(|id| known.clusters[id].name.as_str());
    let mut columns = vec![
        Column::new("time_s".into(), rows.iter().map(|(at, _)| at.as_seconds_f64()).collect::<Vec<_>>()),
        Column::new("service".into(), rows.iter().map(|(_, row)| service(row)).collect::<Vec<_>>()),
        Column::new("cluster".into(), rows.iter().map(|(_, row)| cluster(row)).collect::<Vec<_>>()),
    ];
    for (name, get) in FLOATS {
        // What nobody measures is not a number, and null in a file.
        let measured = |row: &Row| get(row).filter(|value| value.is_finite());
        columns.push(Column::new((*name).into(), rows.iter().map(|(_, row)| measured(row)).collect::<Vec<_>>()));
    }
    for (name, get) in COUNTS {
        columns.push(Column::new((*name).into(), rows.iter().map(|(_, row)| get(row)).collect::<Vec<_>>()));
    }
    let up = rows.iter().map(|(_, row)| row.cluster().map(|row| row.up)).collect::<Vec<_>>();
    columns.push(Column::new("up".into(), up));
    DataFrame::new(rows.len(), columns)
}

fn other(error: PolarsError) -> io::Error {
    match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
        error => io::Error::other(error.to_string()),
    }
}
