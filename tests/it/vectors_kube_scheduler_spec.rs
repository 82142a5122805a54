//! The spec of a recorded pod as terms: node selector, tolerations, affinity, topology spread constraints, as Kubernetes
//! writes them. Unknown fields are refused: what is not understood must not pass as if it were not there.

use serde::Deserialize;
use smo::model::Selector;
use smo::model::cluster::{NodeTerms, TaintEffect, Toleration};
use smo::model::peers::{Namespaces, PeerTerm, PeerTerms, SpreadTerm, with_label_keys};
use smo::model::selector::{Operator, Requirement};
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Spec {
    node_selector: BTreeMap<String, String>,
    tolerations: Vec<TolerationIn>,
    affinity: Affinity,
    topology_spread_constraints: Vec<Spread>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TolerationIn {
    key: Option<String>,
    #[serde(default)]
    operator: String,
    value: Option<String>,
    effect: Option<TaintEffect>,
    #[serde(rename = "tolerationSeconds")]
    _seconds: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names are those of Kubernetes")]
struct Affinity {
    node_affinity: NodeAffinity,
    pod_affinity: PodAffinity,
    pod_anti_affinity: PodAffinity,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Option<NodeSelector>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    preferred: Vec<Preferred>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NodeSelector {
    node_selector_terms: Vec<NodeTerm>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct NodeTerm {
    match_expressions: Vec<Expression>,
    match_fields: Vec<Expression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preferred {
    weight: u32,
    preference: NodeTerm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PodAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Vec<PodTerm>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    preferred: Vec<WeightedPodTerm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WeightedPodTerm {
    weight: i64,
    pod_affinity_term: PodTerm,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodTerm {
    label_selector: Option<Labels>,
    topology_key: String,
    #[serde(default)]
    namespaces: Vec<String>,
    namespace_selector: Option<Labels>,
    #[serde(default)]
    match_label_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spread {
    max_skew: u32,
    topology_key: String,
    when_unsatisfiable: String,
    label_selector: Option<Labels>,
    min_domains: Option<u32>,
    node_affinity_policy: Option<String>,
    node_taints_policy: Option<String>,
    #[serde(default)]
    match_label_keys: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Labels {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

/// Replicas with the label `app`.
pub fn labelled(app: &str) -> PeerTerms {
    PeerTerms {
        labels: [("app".to_owned(), app.to_owned())].into(),
        namespace: "default".to_owned(),
        ..PeerTerms::default()
    }
}

impl Spec {
    /// As the model has it, for a pod with the label `app`.
    pub fn terms(&self, app: &str) -> NodeTerms {
        let tolerations = self.tolerations.iter().map(|one| Toleration {
            key: one.key.clone().filter(|key| !key.is_empty()),
            value: if one.operator == "Exists" { None } else { Some(one.value.clone().unwrap_or_default()) },
            effect: one.effect,
        });
        let node = &self.affinity.node_affinity;
        let preferred = node.preferred.iter().map(|one| (one.weight, one.preference.selector()));
        NodeTerms {
            selector: self.node_selector.clone(),
            tolerations: tolerations.collect(),
            affinity: node.required.iter().flat_map(|one| &one.node_selector_terms).map(NodeTerm::selector).collect(),
            preferred: preferred.collect(),
            peers: self.peers(app),
            ..NodeTerms::default()
        }
    }

    fn peers(&self, app: &str) -> PeerTerms {
        let own = labelled(app);
        let Affinity { pod_affinity: near, pod_anti_affinity: apart, .. } = &self.affinity;
        let leaning = |terms: &[WeightedPodTerm], sign: i64| -> Vec<(i64, PeerTerm)> {
            terms.iter().map(|one| (sign * one.weight, one.pod_affinity_term.term(&own))).collect()
        };
        PeerTerms {
            near: near.required.iter().map(|term| term.term(&own)).collect(),
            apart: apart.required.iter().map(|term| term.term(&own)).collect(),
            leaning: [leaning(&near.preferred, 1), leaning(&apart.preferred, -1)].concat(),
            spread: self.topology_spread_constraints.iter().map(|spread| spread.term(&own)).collect(),
            ..own
        }
    }
}

impl NodeTerm {
    /// A field is `metadata.name`, which is the host name in the recorded worlds.
    fn selector(&self) -> Selector {
        let fields = self.match_fields.iter().map(|field| {
            assert_eq!(field.key, "metadata.name", "nodes have no other field to match");
            Requirement { key: "kubernetes.io/hostname".to_owned(), ..field.requirement() }
        });
        Selector(self.match_expressions.iter().map(Expression::requirement).chain(fields).collect())
    }
}

impl Expression {
    fn requirement(&self) -> Requirement {
        let values = || self.values.iter().cloned().collect();
        let bound = || self.values[0].parse().expect("bounds are whole numbers");
        let operator = match self.operator.as_str() {
            "In" => Operator::In(values()),
            "NotIn" => Operator::NotIn(values()),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Above(bound()),
            "Lt" => Operator::Below(bound()),
            other => panic!("there is no operator {other}"),
        };
        Requirement { key: self.key.clone(), operator }
    }
}

impl PodTerm {
    fn term(&self, own: &PeerTerms) -> PeerTerm {
        let selector = self.label_selector.as_ref().map(Labels::selector);
        PeerTerm {
            topology: self.topology_key.clone(),
            selector: selector.map(|selector| {
                with_label_keys(selector, &self.match_label_keys, &own.labels.iter().cloned().collect())
            }),
            namespaces: Namespaces {
                names: self.namespaces.iter().cloned().collect(),
                selector: self.namespace_selector.as_ref().map(Labels::selector),
            },
        }
    }
}

impl Spread {
    fn term(&self, own: &PeerTerms) -> SpreadTerm {
        let selector = self.label_selector.as_ref().map(Labels::selector);
        SpreadTerm {
            topology: self.topology_key.clone(),
            selector: selector.map(|selector| {
                with_label_keys(selector, &self.match_label_keys, &own.labels.iter().cloned().collect())
            }),
            skew_max: self.max_skew,
            is_required: self.when_unsatisfiable == "DoNotSchedule",
            domains_min: self.min_domains.unwrap_or(1),
            honors_affinity: self.node_affinity_policy.as_deref() != Some("Ignore"),
            honors_taints: self.node_taints_policy.as_deref() == Some("Honor"),
        }
    }
}

impl Labels {
    fn selector(&self) -> Selector {
        let equal = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::In([value.clone()].into()),
        };
        let expressions = self.match_expressions.iter().map(Expression::requirement);
        Selector(self.match_labels.iter().map(equal).chain(expressions).collect())
    }
}
