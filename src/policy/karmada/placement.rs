//! What a `PropagationPolicy` says in `spec.placement`, with the defaults that its webhook fills in.

use super::cluster::Cluster;
use crate::model::selector::Operator;
use crate::model::{Selector, Toleration};
use std::collections::BTreeSet;

/// Where a workload may go and how it is divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Which clusters.
    pub affinities: Affinities,
    /// Which taints do not matter.
    pub tolerations: Vec<Toleration>,
    /// Over how many of what.
    pub spread: Vec<SpreadConstraint>,
    /// How the replicas are divided.
    pub division: Division,
}

/// `clusterAffinity` or `clusterAffinities`; they exclude each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Affinities {
    /// Every cluster.
    #[default]
    All,
    /// One affinity.
    One(Affinity),
    /// Groups that are tried in order.
    Groups(Vec<AffinityTerm>),
}

/// One group of `clusterAffinities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffinityTerm {
    /// Name of the group.
    pub name: String,
    /// Its clusters.
    pub affinity: Affinity,
    /// Clusters that take what these have no room for, tier by tier.
    pub overflow: Vec<Affinity>,
}

/// Conditions on a cluster that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affinity {
    /// Names of the only ones; empty for any.
    pub names: BTreeSet<String>,
    /// Names of those that are out of the question.
    pub exclude: BTreeSet<String>,
    /// Conditions on labels.
    pub labels: Selector,
    /// Conditions on the fields `provider`, `region` and `zone`.
    pub fields: Selector,
}

/// What clusters are spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Clusters.
    Cluster,
    /// Regions.
    Region,
    /// Zones: a cluster without any is filtered out; otherwise this version ignores the constraint.
    Zone,
    /// Providers: a cluster without one is filtered out; otherwise this version ignores the constraint.
    Provider,
    /// A label: this version ignores the constraint.
    Label,
}

/// One spread constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpreadConstraint {
    /// Over what.
    pub field: Field,
    /// At least so many groups; the webhook makes 0 to 1.
    pub groups_min: usize,
    /// At most so many groups. Zero is what it is: none.
    pub groups_max: usize,
}

/// How replicas are divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Division {
    /// Every cluster gets all replicas.
    #[default]
    Duplicated,
    /// By fixed weights; `None` where no preference is stated at all, which also switches spread constraints off.
    StaticWeights(Option<Vec<WeightRule>>),
    /// By the replicas that each cluster has room for.
    DynamicWeights,
    /// Into as few clusters as suffice.
    Aggregated,
}

/// A weight for the clusters that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightRule {
    /// Which clusters.
    pub target: Affinity,
    /// The weight; of several that match the largest counts.
    pub weight: i64,
}

impl Placement {
    /// The last constraint over `field`.
    pub fn spread_over(&self, field: Field) -> Option<SpreadConstraint> {
        self.spread.iter().rev().find(|one| one.field == field).copied()
    }

    /// Whether spread constraints do not bind: static weights decide alone.
    pub fn ignores_spread(&self) -> bool {
        matches!(&self.division, Division::StaticWeights(rules) if rules.as_ref().is_none_or(|rules| !rules.is_empty()))
    }
}

impl Affinity {
    /// These clusters and no others.
    pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Whether `cluster` is meant.
    pub fn matches(&self, cluster: &Cluster) -> bool {
        !self.exclude.contains(&cluster.name)
            && self.labels.matches(|key| cluster.labels.get(key).map(String::as_str))
            && self.fields.0.iter().all(|one| field_holds(&one.key, &one.operator, cluster))
            && (self.names.is_empty() || self.names.contains(&cluster.name))
    }
}

/// A condition on a field. Of several zones one must be meant, and none must be excluded.
fn field_holds(key: &str, operator: &Operator, cluster: &Cluster) -> bool {
    let present = |value: &'_ str| if value.is_empty() { None } else { Some(value.to_owned()) };
    match key {
        "zone" => zones_hold(operator, &cluster.zones),
        "provider" => operator.holds(present(&cluster.provider).as_deref()),
        "region" => operator.holds(present(&cluster.region).as_deref()),
        _ => operator.holds(None),
    }
}

fn zones_hold(operator: &Operator, zones: &[String]) -> bool {
    match operator {
        Operator::In(values) => zones.iter().any(|zone| values.contains(zone)),
        Operator::NotIn(values) => !zones.iter().any(|zone| values.contains(zone)),
        Operator::Exists => !zones.is_empty(),
        Operator::DoesNotExist => zones.is_empty(),
        Operator::Above(_) | Operator::Below(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Affinity, Cluster};
    use crate::model::Selector;
    use crate::model::selector::{Operator, Requirement};

    fn fields(key: &str, operator: Operator) -> Affinity {
        Affinity { fields: Selector(vec![Requirement { key: key.to_owned(), operator }]), ..Affinity::default() }
    }

    fn values(values: &[&str]) -> std::collections::BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn fields_that_are_not_there_are_in_nothing_and_outside_everything() {
        let zones = vec!["a".to_owned(), "b".to_owned()];
        let two = Cluster { provider: "p".to_owned(), zones, ..Cluster::default() };
        let bare = Cluster::default();
        let cases = [
            ("zone", Operator::In(values(&["b", "c"])), true, false),
            ("zone", Operator::NotIn(values(&["b", "c"])), false, true),
            ("zone", Operator::NotIn(values(&["c"])), true, true),
            ("zone", Operator::Exists, true, false),
            ("zone", Operator::DoesNotExist, false, true),
            ("provider", Operator::In(values(&["p"])), true, false),
            ("provider", Operator::NotIn(values(&["p"])), false, true),
            ("region", Operator::In(values(&[""])), false, false),
            ("region", Operator::DoesNotExist, true, true),
        ];
        for (key, operator, on_two, on_bare) in cases {
            let affinity = fields(key, operator.clone());
            assert_eq!((affinity.matches(&two), affinity.matches(&bare)), (on_two, on_bare), "{key} {operator:?}");
        }
    }

    #[test]
    fn what_is_excluded_is_out_even_where_it_is_named() {
        let mut affinity = Affinity::names(["a", "b"]);
        affinity.exclude.insert("a".to_owned());
        let named = |name: &str| Cluster { name: name.to_owned(), ..Cluster::default() };
        assert!(!affinity.matches(&named("a")));
        assert!(affinity.matches(&named("b")));
        assert!(!affinity.matches(&named("c")));
    }
}
