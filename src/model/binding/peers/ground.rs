//! The cluster as its labels and taints divide it: which domain a node is in, and what each pool is to each service.

use super::relations::{Key, Relations};
use super::unfit::Unfit;
use crate::model::binding::Node;
use crate::model::cluster::{Cluster, NodeTerms, TaintEffect};
use crate::model::id::{Id, NodeId, PoolId, ServiceId, Table};
use crate::model::peers::HOSTNAME;

/// The taint of a node that was closed to new replicas (`kubectl cordon`).
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Pools of one cluster, as terms see them.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    domains: Vec<Domains>,
    /// What each pool is to a service; `None` for those that only mind room, which are most: there may be thousands.
    pools: Table<ServiceId, Option<Table<PoolId, PoolFacts>>>,
}

/// The domains of one topology key.
#[derive(Debug, Clone)]
struct Domains {
    /// The value of each pool's label, numbered from 0.
    of_pool: Table<PoolId, Option<usize>>,
    /// How many values there are.
    values: usize,
    /// Whether nodes of pools without the label are domains of their own, numbered behind the values.
    by_node: bool,
}

/// What a pool is to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PoolFacts {
    /// Why none of its nodes takes a replica.
    pub(super) unfit: Option<Unfit>,
    /// Whether selector and required affinity admit it.
    pub(super) is_admitted: bool,
    /// Whether all its taints are tolerated that keep replicas away.
    pub(super) is_tolerated: bool,
    /// Weights of the preferences that hold there.
    pub(super) preference: i64,
    /// Taints that would rather not have the replica.
    pub(super) reluctance: i64,
}

impl Ground {
    pub(super) fn new<'a>(
        cluster: &Cluster,
        relations: &Relations,
        terms: impl IntoIterator<Item = &'a NodeTerms>,
    ) -> Self {
        let domains = relations.keys.iter().map(|key| Domains::new(cluster, key)).collect();
        let all = cluster.taints.iter().chain(cluster.pools.values().flat_map(|pool| &pool.taints));
        let is_reluctant = all.into_iter().any(|taint| taint.effect == TaintEffect::PreferNoSchedule);
        let pools = |(service, terms): (usize, &NodeTerms)| {
            let is_concerned = relations.concern(ServiceId::from_index(service));
            let may_prefer = is_reluctant || !terms.preferred.is_empty();
            let facts = (is_concerned || may_prefer).then(|| facts(cluster, terms))?;
            (is_concerned || tells_pools_apart(&facts)).then_some(facts)
        };
        Self { domains, pools: terms.into_iter().enumerate().map(pools).collect() }
    }

    /// What the pools are to `service`; `None` where it only minds room.
    pub(super) fn pools(&self, service: ServiceId) -> Option<&Table<PoolId, PoolFacts>> {
        self.pools[service].as_ref()
    }

    /// Whether there is a service that minds more than room.
    pub(super) fn concerns_any(&self) -> bool {
        self.pools.values().any(Option::is_some)
    }

    /// The domain of a node under a key; `None` where it lacks the label.
    pub(super) fn domain(&self, key: Key, id: NodeId, node: &Node) -> Option<usize> {
        let domains = &self.domains[key];
        domains.of_pool[node.pool].or_else(|| domains.by_node.then(|| domains.values + id.index()))
    }

    /// More than the number of any domain of a key, with so many nodes.
    pub(super) fn domain_end(&self, key: Key, nodes: usize) -> usize {
        let domains = &self.domains[key];
        domains.values + if domains.by_node { nodes } else { 0 }
    }
}

impl Domains {
    fn new(cluster: &Cluster, key: &str) -> Self {
        let mut values: Vec<&str> = Vec::new();
        let mut number = |value| {
            values.iter().position(|known| *known == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            })
        };
        let of_pool = cluster
            .pools
            .values()
            .map(|pool| pool.labels.get(key).map(String::as_str).or_else(|| cluster.label(key)).map(&mut number))
            .collect();
        Self { of_pool, values: values.len(), by_node: key == HOSTNAME }
    }
}

impl PoolFacts {
    fn new(cluster: &Cluster, pool: PoolId, terms: &NodeTerms) -> Self {
        let pool = &cluster.pools[pool];
        let is_admitted = terms.clusters.admit(cluster) && terms.admits_labels(cluster, pool).is_ok();
        let untolerated = |effect: fn(TaintEffect) -> bool| {
            let taints = cluster.taints.iter().chain(&pool.taints).filter(move |taint| effect(taint.effect));
            taints.filter(|taint| !terms.tolerations.iter().any(|one| one.tolerates(taint)))
        };
        let mut refusing = untolerated(|effect| effect != TaintEffect::PreferNoSchedule);
        let unfit = match refusing
            .next()
            .map(|first| first.key == UNSCHEDULABLE || refusing.any(|taint| taint.key == UNSCHEDULABLE))
        {
            Some(true) => Some(Unfit::Unschedulable),
            Some(false) => Some(Unfit::Taint),
            None if !is_admitted => Some(Unfit::Affinity),
            None => None,
        };
        let label = |key: &str| pool.labels.get(key).map(String::as_str).or_else(|| cluster.label(key));
        let preferred = terms.preferred.iter().filter(|(_, selector)| selector.matches(label));
        Self {
            unfit,
            is_admitted,
            is_tolerated: !matches!(unfit, Some(Unfit::Unschedulable | Unfit::Taint)),
            preference: preferred.map(|(weight, _)| i64::from(*weight)).sum(),
            reluctance: untolerated(|effect| effect == TaintEffect::PreferNoSchedule).map(|_| 1).sum(),
        }
    }
}

/// What the pools of a cluster are to replicas with these terms.
pub(super) fn facts(cluster: &Cluster, terms: &NodeTerms) -> Table<PoolId, PoolFacts> {
    cluster.pools.ids().map(|pool| PoolFacts::new(cluster, pool, terms)).collect()
}

/// Whether pools that may take the replica differ in how welcome it is.
fn tells_pools_apart(facts: &Table<PoolId, PoolFacts>) -> bool {
    let mut open =
        facts.values().filter(|facts| facts.unfit.is_none()).map(|facts| (facts.preference, facts.reluctance));
    let first = open.next();
    open.any(|other| Some(other) != first)
}
