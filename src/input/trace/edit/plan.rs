//! A script that was held against a trace: every name found, every moment a time, so that rows only flow.

use super::flow::{Source, Stage, Transform, Unedited};
use super::join::{Merged, Repeat, Side};
use super::sort::Sorted;
use crate::input::trace::{ServiceNames, TraceOptions, open};
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::Span;
use std::path::PathBuf;
use std::sync::Arc;

/// Where rows come from, and what is done to them.
pub struct Plan {
    /// Where they come from.
    pub base: Base,
    /// What is done to them, in order.
    pub steps: Vec<Step>,
}

/// Where rows come from.
#[derive(Clone)]
pub enum Base {
    /// A file that is read from begin to end.
    File {
        /// The file.
        path: PathBuf,
        /// All its services.
        services: ServiceNames,
        /// How it is read.
        options: Box<TraceOptions>,
    },
    /// A file that was sorted.
    Sorted(Sorted),
}

/// What is done to rows.
pub enum Step {
    /// One row after the other.
    Transform(Box<dyn Transform>),
    /// All of them, so many times.
    Repeat(u64),
    /// Those of another trace come in between.
    Merge(Box<Merging>),
}

/// Another trace.
#[derive(Clone)]
pub struct Merging {
    /// Its rows.
    pub base: Base,
    /// Where this trace's begin comes to lie, and that of the other.
    pub offsets: [Span; 2],
    /// The services of the other, as this trace knows them.
    pub ids: Arc<[ServiceId]>,
}

impl Base {
    fn source(&self) -> Result<Box<dyn Source>, WorkloadError> {
        Ok(match self {
            Self::File { path, services, options } => Box::new(Unedited::new(open(path, services, options)?)),
            Self::Sorted(sorted) => Box::new(Unedited::new(sorted.clone())),
        })
    }
}

impl Plan {
    /// The rows after the first `steps` steps, from their begin.
    ///
    /// # Errors
    /// Where a file cannot be opened.
    pub fn source(self: &Arc<Self>, steps: usize) -> Result<Box<dyn Source>, WorkloadError> {
        // The last repetition makes the rows before it itself.
        let from = self.steps[..steps].iter().rposition(|step| matches!(step, Step::Repeat(_)));
        let mut source = match from.map(|index| (index, &self.steps[index])) {
            Some((index, Step::Repeat(count))) => Box::new(Repeat::new(self, index, *count)?),
            _ => self.base.source()?,
        };
        for step in &self.steps[from.map_or(0, |index| index + 1)..steps] {
            source = match step {
                Step::Transform(transform) => Box::new(Stage::new(source, transform.copy())),
                Step::Merge(merging) => Box::new(merging.with(source)?),
                Step::Repeat(_) => source,
            };
        }
        Ok(source)
    }
}

impl Merging {
    fn with(&self, source: Box<dyn Source>) -> Result<Merged, WorkloadError> {
        let other = Side::new(self.base.source()?, self.offsets[1], Arc::clone(&self.ids));
        Ok(Merged::new([Side::new(source, self.offsets[0], Arc::new([])), other]))
    }
}
