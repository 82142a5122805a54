//! What is given to the store and asked of it, where that is more than a few words.

use super::rows::{Change, JobKind, JobState, Options, Phase, Role, Source};
use crate::serve::at::At;
use serde_json::Value;

/// A graph that is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGraph {
    /// Its project; made where it is missing.
    pub project: String,
    /// Its name: the descriptor's `hdaGraph.id`.
    pub name: String,
    /// The document with its key `hdaGraph`.
    pub descriptor: Value,
    /// Where the descriptor came from, if from a registry.
    pub source: Option<Source>,
    /// What the operator says beside it.
    pub options: Options,
}

/// Something new that is wanted of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The generation that the asker saw; else whatever stands is changed.
    pub expected: Option<i64>,
    /// What is to be changed.
    pub change: Change,
    /// What the job is called that does it.
    pub kind: JobKind,
    /// Who asks.
    pub actor: String,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended<'a> {
    /// Which one.
    pub job: &'a str,
    /// How.
    pub state: JobState,
    /// Why, if that has to be said.
    pub reason: Option<&'a str>,
}

/// Which graphs are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphFilter {
    /// Those of a project.
    pub project: Option<String>,
    /// Those in a phase.
    pub phase: Option<Phase>,
    /// Those after this one: `project/name`, as it was given with the page before.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Default for GraphFilter {
    fn default() -> Self {
        Self { project: None, phase: None, after: None, limit: 100 }
    }
}

/// Something that happened, before it has a number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewEvent {
    /// What kind, with dots: `graph.deployed`.
    pub kind: String,
    /// In which project, if in one.
    pub project: Option<String>,
    /// To which graph, by name.
    pub graph: Option<String>,
    /// To which service, or cluster.
    pub subject: Option<String>,
    /// In a sentence.
    pub message: String,
    /// Figures.
    pub data: Value,
}

/// Which events are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// Those with a greater number.
    pub after: i64,
    /// Those of a project.
    pub project: Option<String>,
    /// Those of a graph, by name.
    pub graph: Option<String>,
    /// Those of a kind, or whose kind has this before a dot: `graph` is also `graph.deployed`.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self { after: 0, project: None, graph: None, kind: None, limit: 100 }
    }
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// In which project; in all where nothing is said.
    pub project: Option<String>,
    /// When it ends; never where nothing is said.
    pub expires_at: Option<At>,
}

/// A webhook that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// Which kinds; all where there are none.
    pub kinds: Vec<String>,
    /// Of which project; of all where nothing is said.
    pub project: Option<String>,
    /// Signs what is sent; one is made where nothing is said.
    pub secret: Option<String>,
}

/// An answer that is to be given again to the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The key that the request came with.
    pub key: String,
    /// Who asked.
    pub actor: String,
    /// What was asked: the same key with another request is a mistake.
    pub request_digest: String,
    /// What was answered.
    pub status: u16,
    /// In full.
    pub body: String,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What was asked.
    pub request_digest: String,
    /// What was answered.
    pub status: u16,
    /// In full.
    pub body: String,
    /// When.
    pub at: At,
}
