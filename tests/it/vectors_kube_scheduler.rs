//! Bindings of the real kube-scheduler (Kubernetes 1.35.3), recorded: the nodes it chose must be our best ones.
//!
//! The file shipped with the tests is joined by those named in `SMO_KUBE_SCHEDULER_VECTORS` (paths, separated by colons).
//! A case is covered where the pod has no terms but a node selector and tolerations, and where its preferences
//! (`PreferNoSchedule` taints) tell no two nodes with room apart. Each node is a pool of its own here, because nodes of
//! the recorded worlds differ in labels and taints.

use serde::Deserialize;
use smo::model::binding::{NodeScore, NodeTable, eligible};
use smo::model::cluster::{Cluster, NodeTerms, Pool, Taint, TaintEffect, Toleration};
use smo::model::{Delay, NodeId, Occupied, PoolId, Resources, Table};
use smo::units::{Bytes, MilliCores, Money, Ratio, Span, Watts};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    World(World),
    Case(Case),
}

#[derive(Deserialize)]
struct World {
    name: String,
    nodes: Vec<NodeIn>,
    bound: Vec<Bound>,
}

#[derive(Deserialize)]
struct NodeIn {
    name: String,
    #[serde(flatten)]
    amounts: Amounts,
    pods: u64,
    labels: BTreeMap<String, String>,
    taints: Vec<TaintIn>,
    unschedulable: bool,
}

#[derive(Deserialize)]
struct Amounts {
    cpu_m: u64,
    mem_mi: u64,
    #[serde(default)]
    gpu: u64,
}

#[derive(Deserialize)]
struct TaintIn {
    key: String,
    #[serde(default)]
    value: String,
    effect: TaintEffect,
}

#[derive(Deserialize)]
struct Bound {
    node: String,
    #[serde(flatten)]
    amounts: Amounts,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    world: String,
    pod: Pod,
    result: Outcome,
}

#[derive(Deserialize)]
struct Pod {
    #[serde(flatten)]
    amounts: Amounts,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_selector: BTreeMap<String, String>,
    #[serde(default)]
    tolerations: Vec<TolerationIn>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct TolerationIn {
    key: Option<String>,
    #[serde(default)]
    operator: String,
    value: Option<String>,
    effect: Option<TaintEffect>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    nodes: BTreeSet<String>,
}

impl Amounts {
    fn resources(&self, pods: u64) -> Resources {
        Resources { cpu: MilliCores(self.cpu_m), memory: Bytes(self.mem_mi << 20), gpu: self.gpu * 1_000, pods }
    }
}

impl NodeIn {
    fn pool(&self) -> Pool {
        let mut labels = self.labels.clone();
        labels.insert("kubernetes.io/hostname".into(), self.name.clone());
        if let Some(zone) = self.labels.get("zone") {
            labels.insert("topology.kubernetes.io/zone".into(), zone.clone());
        }
        let own = |taint: &TaintIn| Taint { key: taint.key.clone(), value: taint.value.clone(), effect: taint.effect };
        let mut taints: Vec<Taint> = self.taints.iter().map(own).collect();
        if self.unschedulable {
            let key = "node.kubernetes.io/unschedulable".into();
            taints.push(Taint { key, value: String::new(), effect: TaintEffect::NoSchedule });
        }
        Pool {
            name: self.name.clone(),
            shape: self.amounts.resources(self.pods),
            labels,
            taints,
            nodes: 1,
            nodes_min: 1,
            nodes_max: 1,
            boot: Delay::Fixed(Span::ZERO),
            idle_timeout: Span::ZERO,
            price_per_hour: Money(0.0),
            power_idle: Watts(0.0),
            occupied: Occupied::default(),
            power_max: Watts(0.0),
        }
    }
}

impl Spec {
    fn terms(&self) -> NodeTerms {
        let tolerations = self.tolerations.iter().map(|one| Toleration {
            key: one.key.clone().filter(|key| !key.is_empty()),
            value: if one.operator == "Exists" { None } else { Some(one.value.clone().unwrap_or_default()) },
            effect: one.effect,
        });
        NodeTerms { selector: self.node_selector.clone(), tolerations: tolerations.collect(), ..NodeTerms::default() }
    }
}

/// A recorded world as a cluster of one-node pools, and its nodes with what is bound to them.
fn build(world: &World) -> (Cluster, NodeTable) {
    let pools: Table<PoolId, Pool> = world.nodes.iter().map(NodeIn::pool).collect();
    let mut nodes = NodeTable::new(NodeScore::LeastAllocated);
    for (id, pool) in pools.iter() {
        nodes.add_node(id, pool.shape);
    }
    for bound in &world.bound {
        let pool = pools.find(|pool| pool.name == bound.node).expect("pods are bound to known nodes");
        assert!(nodes.bind_to(NodeId(pool.0), bound.amounts.resources(1)), "{}: {}", world.name, bound.node);
    }
    let cluster = Cluster {
        name: world.name.clone(),
        region: String::new(),
        class: String::new(),
        speed: Ratio::ONE,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        pools,
        pue: Ratio::ONE,
    };
    (cluster, nodes)
}

/// How many taints of a pool would rather not have the replica.
fn repelled(terms: &NodeTerms, pool: &Pool) -> usize {
    let repels = |taint: &&Taint| {
        taint.effect == TaintEffect::PreferNoSchedule && !terms.tolerations.iter().any(|one| one.tolerates(taint))
    };
    pool.taints.iter().filter(repels).count()
}

/// Judges one case; `None` where it is not covered.
fn judge(cluster: &Cluster, nodes: &mut NodeTable, case: &Case) -> Option<Result<(), String>> {
    if !case.pod.spec.rest.is_empty() {
        return None;
    }
    let terms = case.pod.spec.terms();
    let request = case.pod.amounts.resources(1);
    let pools = eligible(cluster, &terms, request);
    let scores: Vec<(NodeId, u64)> = nodes.scores(request, &pools).collect();
    let repelled: BTreeSet<usize> =
        scores.iter().map(|(node, _)| repelled(&terms, &cluster.pools[nodes.node(*node).pool])).collect();
    if repelled.len() > 1 {
        return None;
    }
    let highest = scores.iter().map(|(_, score)| *score).max();
    let best: Vec<NodeId> = scores.iter().filter(|(_, score)| Some(*score) == highest).map(|(node, _)| *node).collect();
    let names: BTreeSet<String> = best.iter().map(|node| cluster.pools[nodes.node(*node).pool].name.clone()).collect();
    let chosen = &case.result.nodes;
    // A single node does not prove that there was no tie: of seven best nodes the twelve draws once found only two.
    let agrees = chosen.is_subset(&names) && chosen.is_empty() == names.is_empty();
    let first = nodes.best(request, &pools);
    Some(if agrees && first == best.first().copied() {
        Ok(())
    } else {
        Err(format!("{}: chosen {chosen:?}, our best {names:?}, our choice {first:?}", case.id))
    })
}

/// Judges one file; how many cases passed and how many are not covered.
fn judge_file(path: &Path) -> (usize, usize, Vec<String>) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut worlds = BTreeMap::new();
    let (mut passed, mut uncovered, mut failures) = (0, 0, Vec::new());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}: line {}: {error}", path.display(), number + 1));
        match line {
            Line::World(world) => {
                worlds.insert(world.name.clone(), build(&world));
            }
            Line::Case(case) => {
                let (cluster, nodes) = worlds.get_mut(&case.world).expect("worlds come before their cases");
                match judge(cluster, nodes, &case) {
                    None => uncovered += 1,
                    Some(Ok(())) => passed += 1,
                    Some(Err(failure)) => failures.push(failure),
                }
            }
        }
    }
    (passed, uncovered, failures)
}

#[test]
#[expect(clippy::print_stdout, reason = "whoever brings vectors wants to know how many of them pass")]
fn vectors_of_kube_scheduler_are_reproduced() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/kube-scheduler-vectors.jsonl");
    let more = std::env::var_os("SMO_KUBE_SCHEDULER_VECTORS").unwrap_or_default();
    let files = std::env::split_paths(&more).filter(|path| !path.as_os_str().is_empty());
    let mut failures = Vec::new();
    for path in std::iter::once(own).chain(files).collect::<Vec<PathBuf>>() {
        let (passed, uncovered, failed) = judge_file(&path);
        println!("{}: {passed} passed, {} failed, {uncovered} not covered", path.display(), failed.len());
        assert!(passed > 0, "{}: no case was covered", path.display());
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
