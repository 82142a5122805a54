//! `series.parquet`: services, placements and clusters over time.

/// Some columns of a run's series, as plain vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Series;
