//! What a service demands of the replicas that it runs beside, as people write it, and which nodes it would rather have.
//!
//! ```yaml
//! neighbours:
//!   labels: {app: cart}                       # besides `smo.dev/service`, which every service has: its name
//!   near: [{topology: topology.kubernetes.io/zone, matching: smo.dev/service=redis}]
//!   apart: [{matching: app=cart}]             # no two on one node
//!   prefer_apart: [{weight: 100, topology: topology.kubernetes.io/zone, matching: app=cart}]
//!   prefer_nodes: [{weight: 10, matching: disk=ssd}]
//!   spread: [{topology: topology.kubernetes.io/zone, matching: app=cart, skew_max: 1}]
//! ```
//!
//! These are the terms of Kubernetes under other names: pod affinity, pod anti-affinity, both preferred, preferred node
//! affinity, and topology spread constraints. Which node they lead to, `model::binding::peers` says.

use super::at::At;
use super::error::InputError;
use super::terms::selector;
use super::written::Positive;
use crate::model::peers::{HOSTNAME, Namespaces, PeerTerm, PeerTerms, SERVICE_LABEL, SpreadTerm};
use crate::model::{NodeTerms, Selector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kubernetes' bound on weights.
const WEIGHT_MAX: u32 = 100;

/// What a service demands of the replicas that it runs beside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NeighboursFile {
    /// Labels of its replicas; the label `smo.dev/service` with its name comes on top.
    pub labels: BTreeMap<String, String>,
    /// Its namespace: terms are about replicas of the same one, unless they say otherwise.
    pub namespace: String,
    /// Only where a replica is near that matches all of these (Kubernetes: required pod affinity). The first of replicas that
    /// match themselves may go anywhere.
    pub near: Vec<NearFile>,
    /// Only where no replica is near that matches one of these (required pod anti-affinity); it keeps those away, too.
    pub apart: Vec<NearFile>,
    /// Rather near these (preferred pod affinity).
    pub prefer_near: Vec<PreferNearFile>,
    /// Rather apart from these (preferred pod anti-affinity).
    pub prefer_apart: Vec<PreferNearFile>,
    /// Nodes that it would rather have (preferred node affinity).
    pub prefer_nodes: Vec<PreferNodesFile>,
    /// Even shares over zones, nodes or other parts (topology spread constraints).
    pub spread: Vec<SpreadFile>,
    /// Whether its replicas are spread over nodes and zones as kube-scheduler does by itself with those of a Deployment, where
    /// `spread` says nothing. It costs time: every node is scored for every replica.
    pub spread_by_default: bool,
}

/// Which replicas, and what is near.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearFile {
    /// Label of nodes: those that share its value are near each other.
    #[serde(default = "hostname")]
    pub topology: String,
    /// Label selector of the replicas, like `app in (a, b)`; all of the namespace where nothing is said.
    #[serde(default)]
    pub matching: Option<String>,
    /// Namespaces of the replicas; that of the service where nothing is said.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Whether replicas of every namespace are meant.
    #[serde(default)]
    pub any_namespace: bool,
}

/// Which replicas, what is near, and how much that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferNearFile {
    /// From 1 to 100.
    pub weight: Positive<u32>,
    /// Label of nodes: those that share its value are near each other.
    #[serde(default = "hostname")]
    pub topology: String,
    /// Label selector of the replicas, like `app in (a, b)`; all of the namespace where nothing is said.
    #[serde(default)]
    pub matching: Option<String>,
    /// Namespaces of the replicas; that of the service where nothing is said.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Whether replicas of every namespace are meant.
    #[serde(default)]
    pub any_namespace: bool,
}

/// Nodes that are welcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferNodesFile {
    /// From 1 to 100.
    pub weight: Positive<u32>,
    /// Label selector of the nodes, like `disk=ssd, !spot`.
    pub matching: String,
}

/// An even share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpreadFile {
    /// Label of nodes: those that share its value are one part.
    #[serde(default = "hostname")]
    pub topology: String,
    /// Label selector of the replicas that are counted; all of the namespace where nothing is said.
    #[serde(default)]
    pub matching: Option<String>,
    /// How many more replicas than the emptiest part another may have.
    #[serde(default = "one")]
    pub skew_max: Positive<u32>,
    /// Whether other nodes are out of the question (`DoNotSchedule`), or only worse (`ScheduleAnyway`).
    #[serde(default = "yes")]
    pub required: bool,
    /// With fewer parts than this, the emptiest counts as empty.
    #[serde(default = "one")]
    pub domains_min: Positive<u32>,
    /// Whether only nodes count that selector and affinity admit.
    #[serde(default = "yes")]
    pub honors_affinity: bool,
    /// Whether only nodes count whose taints are tolerated.
    #[serde(default)]
    pub honors_taints: bool,
}

fn hostname() -> String {
    HOSTNAME.to_owned()
}

const fn one() -> Positive<u32> {
    Positive(1)
}

const fn yes() -> bool {
    true
}

/// Adds to `terms` what the service called `name` demands of others.
///
/// # Errors
/// A selector that is none, or a weight out of bounds, below `at`.
pub fn add_to(terms: &mut NodeTerms, name: &str, file: &NeighboursFile, at: &At<'_>) -> Result<(), InputError> {
    let mut labels = file.labels.clone();
    labels.insert(SERVICE_LABEL.to_owned(), name.to_owned());
    let labels = labels.into_iter().collect();
    let near = |key: &str, list: &[NearFile]| -> Result<Vec<PeerTerm>, InputError> {
        let at = at.key(key);
        list.iter().enumerate().map(|(index, file)| file.term(&at.index(index))).collect()
    };
    let prefer = |key: &str, list: &[PreferNearFile], sign: i64| -> Result<Vec<(i64, PeerTerm)>, InputError> {
        let at = at.key(key);
        let one = |(index, file): (usize, &PreferNearFile)| file.term(&at.index(index), sign);
        list.iter().enumerate().map(one).collect()
    };
    let spread_at = at.key("spread");
    let spread = file.spread.iter().enumerate().map(|(index, file)| file.term(&spread_at.index(index)));
    let nodes_at = at.key("prefer_nodes");
    let nodes = file.prefer_nodes.iter().enumerate().map(|(index, file)| file.term(&nodes_at.index(index)));
    terms.preferred = nodes.collect::<Result<_, _>>()?;
    let mut leaning = prefer("prefer_near", &file.prefer_near, 1)?;
    leaning.extend(prefer("prefer_apart", &file.prefer_apart, -1)?);
    terms.peers = PeerTerms {
        labels,
        namespace: file.namespace.clone(),
        near: near("near", &file.near)?,
        apart: near("apart", &file.apart)?,
        leaning,
        spread: spread.collect::<Result<_, _>>()?,
        spread_by_default: file.spread_by_default,
    };
    Ok(())
}

impl NearFile {
    fn term(&self, at: &At<'_>) -> Result<PeerTerm, InputError> {
        Ok(PeerTerm {
            topology: topology(&self.topology, at)?,
            selector: Some(matching(self.matching.as_deref(), at)?),
            namespaces: Namespaces {
                names: self.namespaces.iter().cloned().collect(),
                selector: self.any_namespace.then(Selector::default),
            },
        })
    }
}

impl PreferNearFile {
    fn term(&self, at: &At<'_>, sign: i64) -> Result<(i64, PeerTerm), InputError> {
        let Self { weight, topology, matching, namespaces, any_namespace } = self.clone();
        let term = NearFile { topology, matching, namespaces, any_namespace }.term(at)?;
        Ok((sign * i64::from(bounded(weight, at)?), term))
    }
}

impl PreferNodesFile {
    fn term(&self, at: &At<'_>) -> Result<(u32, Selector), InputError> {
        Ok((bounded(self.weight, at)?, matching(Some(&self.matching), at)?))
    }
}

impl SpreadFile {
    fn term(&self, at: &At<'_>) -> Result<SpreadTerm, InputError> {
        Ok(SpreadTerm {
            topology: topology(&self.topology, at)?,
            selector: Some(matching(self.matching.as_deref(), at)?),
            skew_max: self.skew_max.0,
            is_required: self.required,
            domains_min: self.domains_min.0,
            honors_affinity: self.honors_affinity,
            honors_taints: self.honors_taints,
        })
    }
}

fn bounded(weight: Positive<u32>, at: &At<'_>) -> Result<u32, InputError> {
    if weight.0 > WEIGHT_MAX {
        return Err(at.key("weight").error(format!("a weight of {} is too much; write 1 to {WEIGHT_MAX}", weight.0)));
    }
    Ok(weight.0)
}

fn topology(key: &str, at: &At<'_>) -> Result<String, InputError> {
    if key.is_empty() {
        return Err(at.key("topology").error("no label is named; write one like `topology.kubernetes.io/zone`"));
    }
    Ok(key.to_owned())
}

fn matching(text: Option<&str>, at: &At<'_>) -> Result<Selector, InputError> {
    let Some(text) = text else { return Ok(Selector::default()) };
    selector(text).ok_or_else(|| {
        let wanted = "write it like `app in (a, b)`, `tier=edge, !spot`, or `gpu`";
        at.key("matching").error(format!("`{text}` is not a label selector; {wanted}"))
    })
}
