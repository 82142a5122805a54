//! Which clusters a workload may go to at all, and what is said where none is left.
//!
//! Of several obstacles the first is told: in Karmada the order is that of a hash map, drawn anew at each start; here it is that
//! of the scheduler whose decisions were recorded.
//!
//! A cluster that has the workload already stays feasible in spite of taints and a missing API: evicting is not the scheduler's
//! business. Affinities, eviction tasks and the properties that spread constraints need count always.

use super::cluster::Cluster;
use super::placement::{Affinities, AffinityTerm, Field, Placement};
use super::schedule::Binding;
use crate::model::{Taint, TaintEffect};
use std::fmt;

/// Why a cluster is out of the question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It does not serve the API of the workload.
    NoApi,
    /// It has a taint that is not tolerated.
    Tainted(Taint),
    /// It is not one of the wanted ones.
    NotWanted,
    /// It lacks what a spread constraint asks for.
    Lacks(&'static str),
    /// The workload is being evicted from it.
    Evicted,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoApi => f.write_str("cluster(s) did not have the API resource"),
            Self::Tainted(taint) => write!(f, "cluster(s) had untolerated taint {{{}}}", TaintText(taint)),
            Self::NotWanted => f.write_str("cluster(s) did not match the placement cluster affinity constraint"),
            Self::Lacks(property) => write!(f, "cluster(s) did not have {property} property"),
            Self::Evicted => f.write_str("cluster(s) is in the process of eviction"),
        }
    }
}

/// `key=value:effect` without what is empty.
struct TaintText<'a>(&'a Taint);

impl fmt::Display for TaintText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taint { key, value, effect } = self.0;
        let equals = if value.is_empty() { "" } else { "=" };
        write!(f, "{key}{equals}{value}:{effect:?}")
    }
}

/// Why `cluster` takes no replica under the affinity group `group`; `None` where it may.
pub fn verdict(
    cluster: &Cluster,
    (placement, group): (&Placement, Option<&AffinityTerm>),
    binding: &Binding,
) -> Option<Verdict> {
    let is_there = binding.previous.iter().any(|one| one.cluster == cluster.name);
    if !is_wanted(cluster, placement, group, binding) {
        return Some(Verdict::NotWanted);
    }
    if let Some(property) = placement.spread.iter().find_map(|constraint| lacking(cluster, constraint.field)) {
        return Some(Verdict::Lacks(property));
    }
    if binding.evicting.contains(&cluster.name) {
        return Some(Verdict::Evicted);
    }
    if !is_there && !cluster.serves_api {
        return Some(Verdict::NoApi);
    }
    untolerated(cluster, placement).filter(|_| !is_there).cloned().map(Verdict::Tainted)
}

fn is_wanted(cluster: &Cluster, placement: &Placement, group: Option<&AffinityTerm>, binding: &Binding) -> bool {
    match (&placement.affinities, group) {
        (Affinities::One(affinity), _) => affinity.matches(cluster),
        (_, Some(term)) => {
            let overflow = term.overflow.iter().any(|affinity| affinity.matches(cluster));
            term.affinity.matches(cluster) || (binding.is_workload() && overflow)
        }
        (Affinities::All | Affinities::Groups(_), None) => true,
    }
}

fn untolerated<'a>(cluster: &'a Cluster, placement: &Placement) -> Option<&'a Taint> {
    let repels = |taint: &&Taint| {
        taint.effect != TaintEffect::PreferNoSchedule && !placement.tolerations.iter().any(|one| one.tolerates(taint))
    };
    cluster.taints.iter().find(repels)
}

fn lacking(cluster: &Cluster, field: Field) -> Option<&'static str> {
    match field {
        Field::Provider if cluster.provider.is_empty() => Some("provider"),
        Field::Region if cluster.region.is_empty() => Some("region"),
        Field::Zone if cluster.zones.is_empty() => Some("zones"),
        _ => None,
    }
}
