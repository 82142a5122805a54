//! `explanations.jsonl`: why the decisions that mattered were as they were, one JSON line a decision, with names.
//!
//! It lies beside `decisions.jsonl`, which says what was decided: explanations are long, so only some decisions have one, and
//! of each the services that it concerns. [`Explained::new`] says it of all services where somebody asks for one decision
//! (`smo plan --explain`); [`Writer::explain`](super::Writer::explain) shortens it.

use super::EXPLANATIONS;
use super::history::{Places, RefusedRead};
use super::read::{RecordError, RunRecord, content, open};
use crate::model::explanation::{self, Limit, Verdict};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

/// Services that are kept of a decision in a record.
pub const SERVICES_MAX: usize = 12;
/// Clusters that are kept of each service in a record.
pub const CLUSTERS_MAX: usize = 40;
/// Prices and conflicts that are kept of a decision in a record.
const FINDINGS_MAX: usize = 40;

/// Why a decision is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It was the first, which decides about all services.
    First,
    /// It refused replicas of a service for the first time.
    Refused,
    /// It is one of those that changed most.
    Changed,
    /// It was the last: what it left runs at the end.
    Last,
}

/// A decision and its explanation, with ids.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Why it is explained.
    pub because: Because,
    /// Its number, from zero.
    pub number: u64,
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// What was decided.
    pub plan: &'a Plan,
    /// Why.
    pub explanation: &'a Explanation,
    /// Whether the policy was not asked, because the world is too large: then nothing is known of costs.
    pub is_reduced: bool,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// When, in seconds since the start.
    pub at_s: f64,
    /// The number of the decision, from zero.
    pub decision: u64,
    /// Why it is explained.
    pub because: Because,
    /// Whether costs and next best places were left out, because the world is too large.
    #[serde(default)]
    pub reduced: bool,
    /// Services of the decision, those included that are not listed here.
    pub services_all: usize,
    /// Services, those that matter most first.
    pub services: Vec<ServiceExplained>,
    /// What the objective counts for each refused replica, where the policy has one.
    pub shortage: Option<f64>,
    /// Shadow prices, the dearest first.
    pub scarce: Vec<Scarce>,
    /// What cannot be had together.
    pub conflicts: Vec<Conflict>,
}

/// Why one service is where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceExplained {
    /// Its name.
    pub service: String,
    /// Replicas that were to be placed.
    pub wanted: u32,
    /// Where they went.
    pub targets: Places,
    /// Why there are so many; may be empty.
    #[serde(default)]
    pub why: String,
    /// What found no place.
    pub refused: Option<RefusedRead>,
    /// What each cluster was to it: all in a plan, the chosen and the nearest in a record.
    pub candidates: Vec<Candidate>,
    /// Clusters, those included that are not listed here.
    pub clusters_all: usize,
    /// What would have been second.
    pub next_best: Option<NextBest>,
    /// Of a service that is split: the smallest change after which one cluster would hold all of it.
    pub fits_wholly_with: Option<FitsWith>,
}

/// One cluster, seen by one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub cluster: String,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Seen,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Seen {
    /// Out of the question.
    Filtered {
        /// Why.
        filtered: String,
    },
    /// It may run the service.
    Open {
        /// Replicas that it got.
        replicas: u32,
        /// Replicas that it could take besides, under the whole plan.
        room_for: u32,
        /// What ends first: a resource, or `nodes`.
        binds: String,
        /// What is left of that resource; none where nodes end first.
        left: Option<Resources>,
        /// What the policy weighs, for one replica here.
        terms: Vec<Term>,
    },
}

/// Something that a policy weighs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// What.
    pub name: String,
    /// How much.
    pub value: f64,
    /// In which unit; empty for a share or a rank.
    pub unit: String,
}

/// Another place for the replicas of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextBest {
    /// All its replicas.
    pub targets: Places,
    /// By how much the objective would be larger, where the policy has one.
    pub difference: Option<f64>,
}

/// A change that would keep a service together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitsWith {
    /// Where.
    pub cluster: String,
    /// What is lacking.
    pub more: Resources,
}

/// The shadow price of a resource of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scarce {
    /// Where.
    pub cluster: String,
    /// Of what.
    pub resource: String,
    /// The unit that is priced.
    pub unit: String,
    /// Dollars an hour that one unit more would save.
    pub dollars_per_hour: f64,
}

/// Services that cannot all be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Which.
    pub services: Vec<String>,
    /// All clusters where they may run.
    pub clusters: Vec<String>,
    /// What there is too little of.
    pub resource: String,
    /// How much they want, in base units.
    pub wanted: u64,
    /// How much there is.
    pub available: u64,
}

impl Explained {
    /// The explanation of a decision, of all services that were wanted somewhere, in the order of their ids.
    pub fn new(decided: &Decided<'_>) -> Self {
        let Decided { because, number, snapshot, plan, explanation, is_reduced } = *decided;
        let names = Names(snapshot);
        let services: Vec<ServiceId> = snapshot.services.ids().collect();
        Self {
            at_s: snapshot.at.as_seconds_f64(),
            decision: number,
            because,
            reduced: is_reduced,
            services_all: services.len(),
            services: services.into_iter().map(|service| names.service(service, (plan, explanation))).collect(),
            shortage: explanation.shortage,
            scarce: explanation.scarce.iter().map(|one| names.scarce(one)).collect(),
            conflicts: explanation.conflicts.iter().map(|one| names.conflict(one)).collect(),
        }
    }

    /// The same, short enough for a record: services that were refused something first, then those in `first`, then the
    /// largest; of each the clusters that were chosen, then those with room, then those that were out of the question.
    #[must_use]
    pub fn shortened(mut self, first: &BTreeSet<&str>) -> Self {
        self.services.retain(|one| one.wanted > 0);
        self.services_all = self.services.len();
        self.services.sort_by_key(|one| {
            let is_first = first.contains(one.service.as_str());
            (one.refused.is_none(), !is_first, std::cmp::Reverse(one.wanted))
        });
        self.services.truncate(SERVICES_MAX);
        for service in &mut self.services {
            service.candidates.sort_by_key(|candidate| candidate.verdict.rank());
            service.candidates.truncate(CLUSTERS_MAX);
        }
        self.scarce.truncate(FINDINGS_MAX);
        self.conflicts.truncate(FINDINGS_MAX);
        self
    }
}

impl Seen {
    /// The chosen first, then what has room, then what has none, then what was out of the question.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Open { replicas: 1.., .. } => 0,
            Self::Open { room_for: 1.., .. } => 1,
            Self::Open { .. } => 2,
            Self::Filtered { .. } => 3,
        }
    }
}

/// Names in the place of ids.
struct Names<'a>(&'a Snapshot);

impl Names<'_> {
    fn cluster(&self, cluster: ClusterId) -> String {
        self.0.cluster(cluster).name.clone()
    }

    fn places(&self, targets: &[Target]) -> Places {
        targets.iter().map(|target| (self.cluster(target.cluster), target.replicas)).collect()
    }

    fn service(&self, service: ServiceId, (plan, explanation): (&Plan, &Explanation)) -> ServiceExplained {
        let name = &self.0.service(service).name;
        let explanation::Reasons { wanted, candidates, alternative, whole } = &explanation.services[service];
        let refused = plan.refusals.iter().find(|refusal| refusal.service == service && refusal.replicas > 0);
        let candidate = |(cluster, one): (ClusterId, &explanation::Candidate)| Candidate {
            cluster: self.cluster(cluster),
            verdict: seen(one),
        };
        ServiceExplained {
            service: name.clone(),
            wanted: *wanted,
            targets: self.places(plan.targets.of(service)),
            why: plan.why.get(service).map(ToString::to_string).unwrap_or_default(),
            refused: refused.map(|refusal| RefusedRead {
                service: name.clone(),
                replicas: refusal.replicas,
                reason: refusal.reason.clone(),
                remedy: refusal.remedy.clone(),
            }),
            candidates: candidates.iter().map(candidate).collect(),
            clusters_all: candidates.len(),
            next_best: alternative.as_ref().map(|explanation::Alternative { targets, difference }| NextBest {
                targets: self.places(targets),
                difference: difference.filter(|difference| difference.is_finite()),
            }),
            fits_wholly_with: whole.map(|(cluster, more)| FitsWith { cluster: self.cluster(cluster), more }),
        }
    }

    fn scarce(&self, scarce: &explanation::Scarce) -> Scarce {
        Scarce {
            cluster: self.cluster(scarce.cluster),
            resource: scarce.resource.to_owned(),
            unit: scarce.unit.to_owned(),
            dollars_per_hour: scarce.price,
        }
    }

    fn conflict(&self, conflict: &explanation::Conflict) -> Conflict {
        Conflict {
            services: conflict.services.iter().map(|service| self.0.service(*service).name.clone()).collect(),
            clusters: conflict.clusters.iter().map(|cluster| self.cluster(*cluster)).collect(),
            resource: conflict.resource.to_owned(),
            wanted: conflict.wanted,
            available: conflict.available,
        }
    }
}

fn seen(candidate: &explanation::Candidate) -> Seen {
    let (replicas, room) = match &candidate.verdict {
        Verdict::Filtered(reason) => return Seen::Filtered { filtered: reason.clone() },
        Verdict::Open { replicas, room } => (*replicas, *room),
    };
    let (binds, left) = match room.limit {
        Limit::Resource(resource, left) => (resource, Some(left)),
        Limit::Nodes => ("nodes", None),
    };
    let term =
        |term: &explanation::Term| Term { name: term.name.to_owned(), value: term.value, unit: term.unit.to_owned() };
    // What is not a number is not known; JSON has no word for it.
    let terms = candidate.terms.iter().filter(|term| term.value.is_finite()).map(term).collect();
    Seen::Open { replicas, room_for: room.more, binds: binds.to_owned(), left, terms }
}

impl RunRecord {
    /// Why the decisions that mattered were as they were; nothing where the run was recorded without.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn explanations(&self) -> Result<Vec<Explained>, RecordError> {
        if !self.manifest.records.contains_key(EXPLANATIONS) {
            return Ok(Vec::new());
        }
        let path = self.dir.join(EXPLANATIONS);
        let lines = BufReader::new(open(&path)?).lines().enumerate().map(|(index, line)| {
            let line = line.map_err(|source| RecordError::File { path: path.clone(), source })?;
            serde_json::from_str(&line).map_err(|error| content(&path, index + 1, &error))
        });
        lines.collect()
    }
}
