//! Tasks from files: which pods, jobs and machines came when, what they asked for and how long they ran.
//!
//! ```text
//! file ─► records (text, JSON, Parquet) ─► importer ─► Raw tasks ─► Collector ─► classes + rows in order of arrival
//! ```
//!
//! Files are read as streams; what is kept of a task is 40 bytes, and of what it asks for one *shape* for all that are
//! alike. So all runs of a scenario share one list, and a run never stops for a mistake in line 80,000. Importers say what
//! stands in the file; windows, scales and roundings are the collector's, the same for all formats.

mod collect;
mod file;
pub mod format;
pub mod gaia;
pub mod google;
pub mod openb;
pub mod opendc;
mod records;
pub mod simkube;

pub use collect::{Collected, Collector, Raw, Row, Shape, TaskOptions};
pub use file::{TaskFile, Tasks, load, truth};

/// Nanoseconds in a second.
const SECOND: u64 = crate::units::NANOS_PER_SECOND;
