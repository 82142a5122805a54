//! Reads `decisions.jsonl` line by line: what was decided, what happened by itself, what failed.
//!
//! The counterpart of [`decisions`](super::decisions), with names as they stand there. Fields that this version does not
//! know are passed over.

use super::DECISIONS;
use super::read::{RecordError, RunRecord, content, open};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

/// Replicas by the name of the cluster.
pub type Places = BTreeMap<String, u32>;

/// One line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// A decision.
    Decided(DecisionRead),
    /// Something that happened by itself.
    Happened(HappenedRead),
    /// An action that failed for good.
    Failed(FailedRead),
}

/// A decision: the services that it concerned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRead {
    /// When, in seconds since the start.
    pub at_s: f64,
    /// Its number, from 0.
    pub decision: u64,
    /// What was done with each, and what was seen of it.
    #[serde(default)]
    pub services: Vec<ServiceRead>,
    /// What found no place.
    #[serde(default)]
    pub refusals: Vec<RefusedRead>,
    /// What the checker found, with its fields by name.
    #[serde(default)]
    pub violations: Vec<serde_json::Map<String, serde_json::Value>>,
    /// What was held back.
    #[serde(default)]
    pub held: Vec<HeldRead>,
    /// Value of the objective, where the policy has one.
    pub objective: Option<f64>,
    /// The bound on it.
    pub bound: Option<f64>,
    /// How far it may be from the best.
    pub gap: Option<f64>,
    /// How many actions were started.
    #[serde(default)]
    pub actions: u64,
}

/// A service in a decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceRead {
    /// Its name.
    pub service: String,
    /// The rate that was seen; `None` where none was.
    pub rate_seen_per_s: Option<f64>,
    /// How old the rate was, or for how long none was seen.
    #[serde(default)]
    pub rate_age_s: f64,
    /// Replicas that served.
    #[serde(default)]
    pub ready: u32,
    /// What was asked for before.
    #[serde(default)]
    pub was: Places,
    /// What was asked for then.
    #[serde(default)]
    pub target: Places,
    /// The rule and its figures; may be empty.
    #[serde(default)]
    pub why: String,
}

/// Replicas that found no place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRead {
    /// Whose.
    pub service: String,
    /// How many.
    pub replicas: u32,
    /// What was missing.
    pub reason: String,
    /// What would help.
    pub remedy: Option<String>,
}

/// A service that did not get what the plan wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRead {
    /// Whose.
    pub service: String,
    /// Which limit.
    pub reason: String,
}

/// Something that happened by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HappenedRead {
    /// When, in seconds since the start.
    pub at_s: f64,
    /// What.
    pub event: String,
    /// Whom it struck.
    pub subject: String,
}

/// An action that failed for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedRead {
    /// When it was asked for, in seconds since the start.
    pub asked_at_s: f64,
    /// Why it failed.
    pub failed: String,
    /// Whose replicas.
    pub service: String,
    /// Where.
    pub cluster: String,
    /// How many there were to be.
    pub from: u32,
    /// How many there are to be.
    pub to: u32,
}

impl RunRecord {
    /// All that was decided and that happened, in order.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn history(&self) -> Result<Vec<Told>, RecordError> {
        let path = self.dir.join(DECISIONS);
        let lines = BufReader::new(open(&path)?).lines().enumerate();
        let told = lines.map(|(index, line)| {
            let line = line.map_err(|source| RecordError::File { path: path.clone(), source })?;
            serde_json::from_str(&line).map_err(|error| content(&path, index + 1, &error))
        });
        told.collect()
    }
}
