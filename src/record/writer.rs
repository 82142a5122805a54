//! Writes a run's record aside and renames it when it is whole.
//!
//! The files lie in a hidden sibling (`.NAME.partial`) until [`Writer::close`]; a writer that is dropped before leaves
//! nothing behind, and a run that stood there before stays until the new one is complete. What a killed process left is
//! cleared by the next writer: the operating system gives its lock on `decisions.jsonl` back.

use super::aside::Aside;
use super::counts::Counts;
use super::decisions::{DecisionLine, EventLine, FailureLine, Refused, refused_tasks};
use super::explained::Explained;
use super::manifest::{Manifest, ManifestHeader, Program, Timing};
use super::series::SeriesWriter;
use super::summary::Summary;
use super::{DECISIONS, Decision, EXPLANATIONS, MANIFEST, Record, SERIES, SUMMARY, TIMING};
use crate::model::scenario::Known;
use crate::model::{Observation, Targets, Totals};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// A run's record while it grows.
pub struct Writer {
    known: Arc<Known>,
    decisions: BufWriter<File>,
    series: SeriesWriter,
    counts: Counts,
    /// Decisions since the start, those of the warm-up included.
    decided: u64,
    /// Tasks that the last decision refused.
    refused: Refused,
    /// What the last decision wanted. A shadow's decisions change nothing, so what is there may have become what it wants.
    wanted: Targets,
    explanations: Option<Vec<Explained>>,
    aside: Aside,
}

impl Writer {
    /// Starts a record that is to lie at `dir`.
    ///
    /// # Errors
    /// Where `dir` cannot be written beside, or holds something that is not a run, or another process writes there.
    pub fn create(dir: &Path, known: &Arc<Known>) -> io::Result<Self> {
        let (aside, decisions) = Aside::begin(dir, MANIFEST, DECISIONS)?;
        let series = SeriesWriter::new(File::create_new(aside.path(SERIES))?, known.clone())?;
        Ok(Self {
            known: known.clone(),
            decisions: BufWriter::new(decisions),
            series,
            counts: Counts::default(),
            decided: 0,
            refused: Refused::new(),
            wanted: Targets::default(),
            explanations: None,
            aside,
        })
    }

    /// Why the decisions that mattered were as they were; without it the record holds no explanations.
    #[must_use]
    pub fn explain(self, explanations: Vec<Explained>) -> Self {
        Self { explanations: Some(explanations), ..self }
    }

    /// Writes what is left, and puts the record in its place; an older run there is replaced.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing is left of it.
    pub fn close(self, totals: &Totals, header: ManifestHeader, timing: Timing) -> io::Result<Summary> {
        let Self { known, mut decisions, series, counts, explanations, aside, .. } = self;
        let summary = Summary::new(&known, totals, &counts);
        decisions.flush()?;
        series.finish()?;
        write_json(&aside.path(SUMMARY), &summary)?;
        if let Some(explanations) = &explanations {
            write_lines(&aside.path(EXPLANATIONS), explanations)?;
        }
        let hash = |name: &str| Ok((name.to_owned(), sha256_of(&aside.path(name))?));
        let files = [DECISIONS, SERIES, SUMMARY].into_iter().chain(explanations.map(|_| EXPLANATIONS));
        let records = files.map(hash).collect::<io::Result<_>>()?;
        write_json(&aside.path(MANIFEST), &Manifest { header, program: Program::this(), records })?;
        write_json(&aside.path(TIMING), &timing)?;
        aside.commit()?;
        Ok(summary)
    }

    fn write_line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.decisions, line)?;
        self.decisions.write_all(b"\n")
    }
}

impl Record for Writer {
    fn decision(&mut self, decision: Decision<'_>) -> io::Result<()> {
        let line = DecisionLine::new(&decision, self.decided, (&self.refused, &self.wanted));
        self.decided += 1;
        serde_json::to_writer(&mut self.decisions, &line)?;
        self.decisions.write_all(b"\n")?;
        self.counts.decision(decision)?;
        self.refused = refused_tasks(&decision);
        self.wanted = decision.plan.targets.clone();
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> io::Result<()> {
        self.counts.happened(observation)?;
        match observation {
            Observation::Event(event) => self.write_line(&EventLine::new(event)),
            Observation::Failed { action, error } => {
                let known = self.known.clone();
                self.write_line(&FailureLine::new(&known, action, error))
            }
            Observation::Sampled(sample) => self.series.push(sample),
            Observation::WarmedUp(_) => {
                self.counts = Counts::default();
                Ok(())
            }
            Observation::Due(_) | Observation::Finished(_) | Observation::Ended(_) => Ok(()),
        }
    }
}

fn write_lines(path: &Path, lines: &[impl Serialize]) -> io::Result<()> {
    let texts = lines.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    fs::write(path, texts.into_iter().map(|text| text + "\n").collect::<String>())
}

fn write_json(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(content)?;
    text.push('\n');
    fs::write(path, text)
}

/// The hash of a file as it lies on the disk, in lower-case hexadecimal digits.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
    let mut digits = String::new();
    for byte in hasher.finalize() {
        write!(digits, "{byte:02x}").expect("a string takes all");
    }
    Ok(digits)
}

/// A hasher to write to.
struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
