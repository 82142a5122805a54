//! Decisions recorded from the real karmada-scheduler v1.18.2, reproduced one for one.
//!
//! `tests/vectors/karmada-vectors.jsonl` has ten worlds and 793 cases: a placement as in a `PropagationPolicy`, a workload, and
//! what the scheduler made of it. `karmada-computed.jsonl` has 600 more on 24 random worlds of up to 40 clusters, in the same
//! form and without messages: computed, not recorded, by the packages `core`, `spreadconstraint` and `helper` of the same
//! release, for what the recorded worlds do not have (overflow tiers, zones, providers, many ties, odd quantities, odd grades).
//! `SMO_KARMADA_VECTORS` names more such files, separated by colons. Judged are whether it was
//! scheduled, the reason, the clusters with their replicas, and the affinity group.

use serde::Deserialize;
use serde_json::Value;
use smo::model::selector::{Operator, Requirement};
use smo::model::{ClusterId, Selector, Table, Taint, TaintEffect, Toleration};
use smo::policy::karmada::{
    Affinities, Affinity, AffinityTerm, Amount, Assigned, Binding, Cluster, Division, Field, Grade, GradeCount,
    Placement, ResourceList, SpreadConstraint, Summary, WeightRule, World, schedule,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    World { name: String, clusters: Vec<ClusterIn> },
    Case(Box<Case>),
}

#[derive(Deserialize)]
struct ClusterIn {
    name: String,
    labels: BTreeMap<String, String>,
    provider: String,
    region: String,
    zones: Vec<String>,
    taints: Vec<TaintIn>,
    allocatable: BTreeMap<String, String>,
    allocated: BTreeMap<String, String>,
    allocating: BTreeMap<String, String>,
    models: Option<ModelsIn>,
    apps_v1: bool,
    summary: bool,
}

#[derive(Deserialize)]
struct TaintIn {
    key: String,
    #[serde(default)]
    value: String,
    effect: TaintEffect,
}

#[derive(Deserialize)]
struct ModelsIn {
    grades: Vec<GradeIn>,
    counts: Vec<CountIn>,
}

#[derive(Deserialize)]
struct GradeIn {
    grade: u32,
    ranges: Vec<RangeIn>,
}

#[derive(Deserialize)]
struct RangeIn {
    name: String,
    min: String,
}

#[derive(Deserialize)]
struct CountIn {
    grade: u32,
    count: i64,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    world: String,
    placement: Value,
    replicas: i32,
    request: BTreeMap<String, String>,
    previous: Vec<TargetIn>,
    uid: String,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    evicting: BTreeSet<String>,
    result: ResultIn,
}

#[derive(Deserialize)]
struct TargetIn {
    name: String,
    #[serde(default)]
    replicas: i32,
}

#[derive(Deserialize)]
struct ResultIn {
    scheduled: String,
    reason: String,
    message: String,
    clusters: Vec<TargetIn>,
    affinity: String,
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn list(amounts: &BTreeMap<String, String>) -> ResourceList {
    amounts.iter().map(|(name, text)| (name.clone(), amount(text))).collect()
}

fn assigned(targets: &[TargetIn]) -> Vec<Assigned> {
    targets.iter().map(|one| Assigned::new(&one.name, one.replicas)).collect()
}

impl ClusterIn {
    fn cluster(&self) -> Cluster {
        let models = self.models.as_ref();
        let grades = models.map_or(&[][..], |models| &models.grades);
        let counts = models.map_or(&[][..], |models| &models.counts);
        let least =
            |grade: &GradeIn| grade.ranges.iter().map(|range| (range.name.clone(), amount(&range.min))).collect();
        let summary = || Summary {
            allocatable: list(&self.allocatable),
            allocated: list(&self.allocated),
            allocating: list(&self.allocating),
            grades: counts.iter().map(|one| GradeCount { grade: one.grade, count: one.count }).collect(),
        };
        let taint = |one: &TaintIn| Taint { key: one.key.clone(), value: one.value.clone(), effect: one.effect };
        Cluster {
            name: self.name.clone(),
            labels: self.labels.clone(),
            provider: self.provider.clone(),
            region: self.region.clone(),
            zones: self.zones.clone(),
            taints: self.taints.iter().map(taint).collect(),
            serves_api: self.apps_v1,
            models: grades.iter().map(|one| Grade { grade: one.grade, least: least(one) }).collect(),
            summary: self.summary.then(summary),
        }
    }
}

impl Case {
    fn binding(&self) -> Binding {
        Binding {
            replicas: self.replicas,
            request: Some(list(&self.request)).filter(|request| !request.is_empty()),
            previous: assigned(&self.previous),
            uid: self.uid.clone(),
            fresh: self.fresh,
            evicting: self.evicting.clone(),
            affinity: None,
        }
    }
}

/// An array, or nothing where there is none.
fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn number(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_i64).unwrap_or(0)
}

fn strings(value: &Value, key: &str) -> BTreeSet<String> {
    array(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn placement(value: &Value) -> Placement {
    let groups = array(value, "clusterAffinities");
    let affinities = match value.get("clusterAffinity") {
        Some(one) => Affinities::One(affinity(one)),
        None if groups.is_empty() => Affinities::All,
        None => Affinities::Groups(groups.iter().map(term).collect()),
    };
    Placement {
        affinities,
        tolerations: array(value, "clusterTolerations").iter().filter_map(toleration).collect(),
        spread: array(value, "spreadConstraints").iter().map(constraint).collect(),
        division: value.get("replicaScheduling").map_or(Division::Duplicated, division),
    }
}

fn term(value: &Value) -> AffinityTerm {
    let overflow = array(value, "overflowAffinities").iter().map(affinity).collect();
    AffinityTerm { name: text(value, "affinityName").to_owned(), affinity: affinity(value), overflow }
}

fn affinity(value: &Value) -> Affinity {
    let selector = |key: &str| value.get(key).map_or_else(Selector::default, selector);
    Affinity {
        names: strings(value, "clusterNames"),
        exclude: strings(value, "exclude"),
        labels: selector("labelSelector"),
        fields: selector("fieldSelector"),
    }
}

fn selector(value: &Value) -> Selector {
    let labels = value.get("matchLabels").and_then(Value::as_object);
    let equal = |(key, value): (&String, &Value)| {
        let values = BTreeSet::from([value.as_str().expect("a label is a text").to_owned()]);
        Requirement { key: key.clone(), operator: Operator::In(values) }
    };
    let requirement = |one: &Value| {
        let values = || strings(one, "values");
        let bound = || values().first().and_then(|bound| bound.parse().ok()).expect("a whole number");
        let operator = match text(one, "operator") {
            "In" => Operator::In(values()),
            "NotIn" => Operator::NotIn(values()),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Above(bound()),
            "Lt" => Operator::Below(bound()),
            other => panic!("unknown operator `{other}`"),
        };
        Requirement { key: text(one, "key").to_owned(), operator }
    };
    let labels = labels.into_iter().flatten().map(equal);
    Selector(labels.chain(array(value, "matchExpressions").iter().map(requirement)).collect())
}

/// None for one that tolerates nothing.
fn toleration(value: &Value) -> Option<Toleration> {
    let effect = match text(value, "effect") {
        "" => None,
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        _ => return None,
    };
    let equal_to = match text(value, "operator") {
        "Exists" => None,
        "" | "Equal" => Some(text(value, "value").to_owned()),
        _ => return None,
    };
    Some(Toleration { key: Some(text(value, "key").to_owned()).filter(|key| !key.is_empty()), value: equal_to, effect })
}

/// With the defaults of Karmada's webhook.
fn constraint(value: &Value) -> SpreadConstraint {
    let field = match text(value, "spreadByField") {
        "" if !text(value, "spreadByLabel").is_empty() => Field::Label,
        "" | "cluster" => Field::Cluster,
        "region" => Field::Region,
        "zone" => Field::Zone,
        "provider" => Field::Provider,
        other => panic!("unknown field `{other}`"),
    };
    let groups = |key: &str| usize::try_from(number(value, key)).expect("a count");
    SpreadConstraint { field, groups_min: groups("minGroups").max(1), groups_max: groups("maxGroups") }
}

fn division(value: &Value) -> Division {
    let preference = value.get("weightPreference");
    match (text(value, "replicaSchedulingType"), text(value, "replicaDivisionPreference")) {
        ("Duplicated", _) => Division::Duplicated,
        ("" | "Divided", "Aggregated") => Division::Aggregated,
        ("" | "Divided", "" | "Weighted") => match preference {
            Some(preference) if !text(preference, "dynamicWeight").is_empty() => Division::DynamicWeights,
            _ => Division::StaticWeights(preference.map(rules)),
        },
        other => panic!("unknown division {other:?}"),
    }
}

fn rules(value: &Value) -> Vec<WeightRule> {
    let rule = |one: &Value| WeightRule {
        target: one.get("targetCluster").map_or_else(Affinity::default, affinity),
        weight: number(one, "weight"),
    };
    array(value, "staticWeightList").iter().map(rule).collect()
}

/// What differs, one line a case; prints how many do not, and how many messages are the same.
fn differences(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut worlds: BTreeMap<String, Table<ClusterId, Cluster>> = BTreeMap::new();
    let (mut cases, mut told, mut told_alike, mut differing) = (0, 0, 0, Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), index + 1));
        let case = match line {
            Line::World { name, clusters } => {
                worlds.insert(name, clusters.iter().map(ClusterIn::cluster).collect());
                continue;
            }
            Line::Case(case) => case,
        };
        cases += 1;
        let clusters = worlds.get(&case.world).unwrap_or_else(|| panic!("{}: no world `{}`", case.id, case.world));
        let ours = schedule(World { clusters, accurate: None }, &placement(&case.placement), &case.binding());
        let scheduled = if ours.failure.is_none() { "True" } else { "False" };
        let ours_told = (scheduled, ours.reason(), ours.clusters, ours.affinity.unwrap_or_default());
        let ResultIn { scheduled, reason, message, clusters, affinity } = &case.result;
        let mut recorded = assigned(clusters);
        recorded.sort_by(|a, b| a.cluster.cmp(&b.cluster));
        let recorded = (scheduled.as_str(), reason.as_str(), recorded, affinity.clone());
        if ours_told != recorded {
            differing.push(format!("{}: recorded {recorded:?} `{message}`, ours {ours_told:?}", case.id));
        }
        let ours_said = ours.failure.map_or_else(String::new, |failure| failure.to_string());
        told += u32::from(!message.is_empty());
        told_alike += u32::from(!message.is_empty() && ours_said == *message);
    }
    assert!(cases > 0, "{}: no vectors in it", path.display());
    let passed = cases - differing.len();
    println!("{}: {passed} of {cases} passed ({told_alike} of {told} messages word for word)", path.display());
    differing
}

#[test]
fn vectors_of_the_real_karmada_scheduler_are_reproduced() {
    let shipped = ["karmada-vectors", "karmada-computed"];
    let shipped = shipped.map(|name| format!("{}/tests/vectors/{name}.jsonl", env!("CARGO_MANIFEST_DIR")));
    let named = std::env::var("SMO_KARMADA_VECTORS").unwrap_or_default();
    let paths = named.split(':').filter(|path| !path.is_empty()).map(str::to_owned);
    let differing: Vec<_> = shipped.into_iter().chain(paths).flat_map(|path| differences(Path::new(&path))).collect();
    assert!(differing.is_empty(), "{} vectors differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
#[should_panic(expected = "/nowhere/karmada.jsonl")]
fn vectors_of_karmada_that_are_missing_are_named() {
    differences(Path::new("/nowhere/karmada.jsonl"));
}
