//! The page of every format that can be read: what `smo formats` prints and the documentation is made of.
//!
//! An importer describes itself by one [`FormatPage`] beside its code; here is only the list.

use super::{machines, tables, tasks};

/// What a file of a format is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Request rates over time.
    Rates,
    /// What was observed of running services, for fits.
    Observations,
    /// Pods, jobs or machines that arrive, run for a time and go.
    Tasks,
    /// Clusters and their nodes.
    Inventory,
    /// Services, their requests and calls.
    Application,
    /// Prices of machines or of traffic.
    Prices,
    /// Carbon intensity of regions.
    Carbon,
    /// Distances between regions or sites.
    Distances,
}

/// One column, field or key that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Column {
    /// Its name as it stands in a file.
    pub name: &'static str,
    /// Unit, or `text`.
    pub unit: &'static str,
    /// What it means, and what is done where it is missing.
    pub meaning: &'static str,
}

/// One format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FormatPage {
    /// Name, as it is written after `--format` or `--to`.
    pub name: &'static str,
    /// What it is about.
    pub kind: Kind,
    /// One sentence: what it is and who writes it.
    pub what: &'static str,
    /// Endings of file names, compressed ones included.
    pub extensions: &'static [&'static str],
    /// What is read of it.
    pub columns: &'static [Column],
    /// The first lines of a file, two or three.
    pub example: &'static str,
    /// Whether it can be written too.
    pub writable: bool,
}

/// All formats, by kind and name.
pub const FORMATS: &[&FormatPage] = &[
    &super::trace::access_log::PAGE,
    &super::trace::arrivals::PAGE,
    &super::trace::azure_functions::PAGE,
    &super::trace::cloudwatch::PAGE,
    &super::trace::concurrency::PAGE,
    &super::trace::limbo::PAGE,
    &super::trace::long_csv::PAGE,
    &super::trace::long_parquet::PAGE,
    &super::trace::prometheus::PAGE,
    &super::trace::values::PAGE,
    &super::trace::wide_csv::PAGE,
    &super::trace::wide_parquet::PAGE,
    &super::observations::PAGE,
    &super::observations::PAGE_PROMETHEUS,
    &tasks::gaia::PAGE,
    &tasks::google::PAGE,
    &tasks::openb::PAGE,
    &tasks::opendc::PAGE,
    &tasks::simkube::PAGE,
    &machines::openb::PAGE,
    &machines::opendc::PAGE,
    &super::hdag::PAGE,
    &tables::carbon::PAGE,
    &tables::carbon::PAGE_WIDE,
    &tables::carbon::PAGE_LONG,
    &tables::carbon::PAGE_YEARLY,
    &tables::carbon::PAGE_FACTORS,
    &tables::latency::PAGE,
    &tables::latency::PAGE_PAIRS,
    &tables::latency::PAGE_EGRESS,
    &tables::machine_types::PAGE,
    &tables::machines::PAGE,
    &tables::machines::PAGE_GCP,
    &tables::machines::PAGE_SPEC,
    &tables::power::PAGE,
    &tables::prices::PAGE,
    &tables::prices::PAGE_ACCELERATORS,
    &tables::reassignment::PAGE,
    &tables::regions::PAGE,
    &tables::regions::PAGE_GSF,
    &tables::sites::PAGE,
    &tables::sites::PAGE_USERS,
    &super::kubernetes::PAGE_INVENTORY,
    &super::kubernetes::PAGE_APPLICATION,
];
