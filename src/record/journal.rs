//! Reads `decisions.jsonl` for reports: what broke, what was refused, held back or found unsound, what moved where.
//!
//! A month of decisions is a large file of which little is out of the ordinary. Only such lines are parsed; of the others,
//! those that changed most. What is the same in decisions that follow one another is one [`Episode`]. What a line holds is
//! declared in [`history`](super::history), which reads them all.

use super::DECISIONS;
use super::history::{DecisionRead, FailedRead, HappenedRead, HeldRead, RefusedRead};
use super::read::{RecordError, RunRecord, content, open};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{BufRead, BufReader};

/// Episodes that are kept while the file is read, for each one that is wanted.
const SPARE: usize = 4;

/// What a run's decisions tell besides their targets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Journal {
    /// Everything that broke or came back, in order.
    pub events: Vec<HappenedRead>,
    /// Refusals, services that were held back, and violations: of each kind those of the most decisions, in order.
    pub episodes: Vec<Episode>,
    /// How many episodes of each kind there were.
    pub episodes_all: BTreeMap<EpisodeKind, u64>,
    /// Services that were held back, by reason: decisions × services.
    pub held: BTreeMap<String, u64>,
    /// What the checker found, by kind.
    pub violations: BTreeMap<String, u64>,
    /// Actions that failed for good, in order; the first of them.
    pub failures: Vec<FailedRead>,
    /// Replicas that left one cluster for another.
    pub moves: BTreeMap<(String, String), u64>,
    /// The decisions that changed most, the first of the run excluded, in order.
    pub changes: Vec<DecisionRead>,
    /// How many decisions changed anything, the first of the run excluded.
    pub changes_all: u64,
}

/// Kinds of episodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EpisodeKind {
    /// Replicas could not be placed.
    Refused,
    /// A rail or the checker kept a service where it was.
    Held,
    /// The checker found a part of a plan unsound, and it was not applied.
    Violation,
}

/// The same answer in decisions that follow one another.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Of which kind.
    pub kind: EpisodeKind,
    /// The first of these decisions, in seconds since the start.
    pub from_s: f64,
    /// The last of them.
    pub until_s: f64,
    /// How many decisions.
    pub decisions: u64,
    /// Whose; empty where it is about a cluster as a whole.
    pub service: String,
    /// Replicas that were refused; zero for the other kinds.
    pub replicas: u32,
    /// What was missing, why it was held, or what was found.
    pub reason: String,
    /// What would help.
    pub remedy: Option<String>,
    /// Number of the last of these decisions.
    last: u64,
}

impl RunRecord {
    /// What the decisions tell, with at most `most` episodes of each kind, failures and changes.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn journal(&self, most: usize) -> Result<Journal, RecordError> {
        let path = self.dir.join(DECISIONS);
        let mut reader = BufReader::with_capacity(1 << 18, open(&path)?);
        let mut collector = Collector { most, ..Collector::default() };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = reader.read_until(b'\n', &mut line);
            if length.map_err(|source| RecordError::File { path: path.clone(), source })? == 0 {
                break;
            }
            collector.take(&line).map_err(|error| content(&path, number, &error))?;
        }
        collector.finish().map_err(|error| content(&path, 0, &error))
    }
}

/// What a line may hold that is out of the ordinary.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    at_s: f64,
    #[serde(default)]
    decision: u64,
    event: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    moves: Vec<MoveLine>,
    #[serde(default)]
    refusals: Vec<RefusedRead>,
    #[serde(default)]
    held: Vec<HeldRead>,
    #[serde(default)]
    violations: Vec<ViolationLine>,
}

#[derive(Deserialize)]
struct MoveLine {
    from: String,
    to: String,
    replicas: u64,
}

#[derive(Deserialize)]
struct ViolationLine {
    violation: String,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    cluster: Option<String>,
}

/// The journal while it is read.
#[derive(Default)]
struct Collector {
    most: usize,
    journal: Journal,
    /// The newest episode of each kind, service and reason; those that ended are in `ended`.
    open: BTreeMap<(EpisodeKind, String, String), Episode>,
    ended: Vec<Episode>,
    /// The lines with the most actions, the least of them on top; of equals the earlier stays.
    largest: BinaryHeap<(Reverse<usize>, u64, Vec<u8>)>,
    lines: u64,
}

/// What makes a line worth parsing.
const KEYS: [&str; 6] = ["\"event\":", "\"failed\":", "\"moves\":", "\"refusals\":", "\"held\":", "\"violations\":"];

impl Collector {
    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        self.lines += 1;
        let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        self.rank(line, text);
        if !KEYS.iter().any(|key| text.contains(key)) {
            return Ok(());
        }
        let broken = |error: serde_json::Error| error.to_string();
        if text.contains("\"failed\":") && text.contains("\"asked_at_s\":") {
            let failure = serde_json::from_str(text).map_err(broken)?;
            if self.journal.failures.len() < self.most {
                self.journal.failures.push(failure);
            }
            return Ok(());
        }
        self.add(serde_json::from_str(text).map_err(broken)?);
        Ok(())
    }

    /// Keeps the line where it is among those with the most actions. The first decision of a run changes everything.
    fn rank(&mut self, line: &[u8], text: &str) {
        let actions = text.rsplit_once("\"actions\":").map_or("", |(_, rest)| rest);
        let digits = actions.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(actions.len());
        let actions: usize = actions[..digits].parse().unwrap_or(0);
        if actions == 0 || text.contains("\"decision\":0,") {
            return;
        }
        self.journal.changes_all += 1;
        let least = self.largest.peek().map_or(0, |(Reverse(least), ..)| *least);
        if self.largest.len() < self.most {
            self.largest.push((Reverse(actions), self.lines, line.to_vec()));
        } else if actions > least {
            self.largest.pop();
            self.largest.push((Reverse(actions), self.lines, line.to_vec()));
        }
    }

    fn add(&mut self, line: Line) {
        let Line { at_s, decision, event, subject, moves, refusals, held, violations } = line;
        if let (Some(event), Some(subject)) = (event, subject) {
            self.journal.events.push(HappenedRead { at_s, event, subject });
        }
        for one in moves {
            *self.journal.moves.entry((one.from, one.to)).or_default() += one.replicas;
        }
        let at = (at_s, decision);
        for one in refusals {
            let RefusedRead { service, replicas, reason, remedy } = one;
            self.join(at, Episode { replicas, remedy, ..Episode::of(EpisodeKind::Refused, service, reason) });
        }
        for one in held {
            *self.journal.held.entry(one.reason.clone()).or_default() += 1;
            self.join(at, Episode::of(EpisodeKind::Held, one.service, one.reason));
        }
        for one in violations {
            let reason = match &one.cluster {
                Some(cluster) => format!("{} ({cluster})", one.violation),
                None => one.violation.clone(),
            };
            *self.journal.violations.entry(one.violation).or_default() += 1;
            self.join(at, Episode::of(EpisodeKind::Violation, one.service.unwrap_or_default(), reason));
        }
    }

    /// Joins an answer to the same one of the decision before, or begins an episode.
    fn join(&mut self, (at_s, decision): (f64, u64), new: Episode) {
        let key = (new.kind, new.service.clone(), new.reason.clone());
        let same = |old: &&mut Episode| old.replicas == new.replicas && decision <= old.last + 1;
        if let Some(old) = self.open.get_mut(&key).filter(|old| same(old)) {
            old.decisions += u64::from(decision != old.last);
            (old.until_s, old.last) = (at_s, decision);
            return;
        }
        let new = Episode { from_s: at_s, until_s: at_s, last: decision, ..new };
        *self.journal.episodes_all.entry(new.kind).or_default() += 1;
        self.ended.extend(self.open.insert(key, new));
        if self.open.len() > SPARE * self.most {
            let (gone, open) = std::mem::take(&mut self.open).into_iter().partition(|(_, one)| one.last + 1 < decision);
            self.open = open;
            self.ended.extend(BTreeMap::into_values(gone));
        }
        if self.ended.len() > 3 * SPARE * self.most {
            self.ended = longest(std::mem::take(&mut self.ended), self.most);
        }
    }

    fn finish(mut self) -> Result<Journal, serde_json::Error> {
        self.ended.extend(self.open.into_values());
        self.journal.episodes = longest(self.ended, self.most);
        let mut lines = self.largest.into_vec();
        lines.sort_by_key(|(_, number, _)| *number);
        for (_, _, line) in lines {
            self.journal.changes.push(serde_json::from_slice(&line)?);
        }
        Ok(self.journal)
    }
}

impl Episode {
    fn of(kind: EpisodeKind, service: String, reason: String) -> Self {
        let (from_s, until_s, decisions, last) = (0.0, 0.0, 1, 0);
        Self { kind, from_s, until_s, decisions, service, replicas: 0, reason, remedy: None, last }
    }
}

/// Of each kind those of the most decisions, all in order of time.
fn longest(mut episodes: Vec<Episode>, most: usize) -> Vec<Episode> {
    let first = |a: &Episode, b: &Episode| a.from_s.total_cmp(&b.from_s);
    episodes.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.decisions.cmp(&a.decisions)).then_with(|| first(a, b)));
    let mut counts = BTreeMap::<EpisodeKind, usize>::new();
    episodes.retain(|one| {
        let count = counts.entry(one.kind).or_default();
        *count += 1;
        *count <= most
    });
    episodes.sort_by(|a, b| first(a, b).then(a.kind.cmp(&b.kind)).then_with(|| a.service.cmp(&b.service)));
    episodes
}
