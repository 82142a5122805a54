//! Writes a run's record aside and renames it when it is whole.
//!
//! The files lie in a hidden sibling (`.NAME.partial`) until [`Writer::close`]; a writer that is dropped before leaves
//! nothing behind, and a run that stood there before stays until the new one is complete. What a killed process left is
//! cleared by the next writer: the operating system gives its lock on `decisions.jsonl` back.

use super::manifest::{ManifestHeader, Timing};
use super::summary::Summary;
use super::{Decision, Record};
use crate::model::scenario::Known;
use crate::model::{Observation, Totals};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A run's record while it grows.
pub struct Writer;

impl Writer {
    /// Starts a record that is to lie at `dir`.
    ///
    /// # Errors
    /// Where `dir` cannot be written beside, or holds something that is not a run, or another process writes there.
    pub fn create(dir: &Path, known: &Arc<Known>) -> io::Result<Self> {
        let _ = (dir, known);
        unimplemented!()
    }

    /// Writes what is left, and puts the record in its place; an older run there is replaced.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing is left of it.
    pub fn close(self, totals: &Totals, header: ManifestHeader, timing: Timing) -> io::Result<Summary> {
        let _ = (totals, header, timing);
        unimplemented!()
    }
}

impl Record for Writer {
    fn decision(&mut self, decision: Decision<'_>) -> io::Result<()> {
        let _ = decision;
        unimplemented!()
    }

    fn happened(&mut self, observation: &Observation) -> io::Result<()> {
        let _ = observation;
        unimplemented!()
    }
}
