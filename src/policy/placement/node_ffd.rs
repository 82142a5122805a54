//! Node first-fit decreasing: the node placement of `MCBench`, a benchmark derived from the original.
//!
//! Nodes by falling (CPU, memory), services by falling (accelerators, CPU, memory), each replica onto the first node that has room
//! for it: [`first_fit_decreasing`]. The function counts accelerators as a flag that is never used up; the policy counts
//! them. One replica that fits nowhere aborts everything, so everything stays as it is.
//!
//! The policy looks at the nodes of every cluster as declared, beside what others hold, within what the cluster offers at
//! present, and runs when something is missing or may not stay: like the original, which places once.

use super::Entry;
use super::draft::{Draft, unchanged};
use super::greedy::fullness;
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use super::whole::{first, stopped};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, NodeId, Plan, PoolId, Resources, ServiceId, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};
use std::cmp::Reverse;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "node-ffd",
    summary: "replicas by falling size onto the first of the nodes by falling size: MCBench's node placement",
    about: "Nodes by (CPU, memory) falling, services by (accelerators, CPU, memory) falling, each replica onto the first node with \
        room; one that fits nowhere aborts all. Runs when a replica is missing or may not stay. Source: the node placement of \
        MCBench (SWNRG/nephele-scheduling-benchmarking).",
    parameters: &[],
    partner: "static",
    build: |_| Ok(Box::new(NodeFfd { rooms: None })),
};

/// The function of `MCBench`: for each request the node that takes it, or `None` where one finds none. Accelerators are a
/// flag: a node that has any takes all that want some.
pub fn first_fit_decreasing(nodes: &[Resources], requests: &[Resources]) -> Option<Vec<NodeId>> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|node| Reverse((nodes[*node].cpu, nodes[*node].memory)));
    let mut falling: Vec<usize> = (0..requests.len()).collect();
    falling.sort_by_key(|one| Reverse((requests[*one].gpu > 0, requests[*one].cpu, requests[*one].memory)));
    let mut free = nodes.to_vec();
    let mut chosen = vec![NodeId(0); requests.len()];
    for one in falling {
        let request = requests[one];
        let fits = |node: &&usize| {
            let free = free[**node];
            free.cpu >= request.cpu && free.memory >= request.memory && (request.gpu == 0 || free.gpu > 0)
        };
        let node = *order.iter().find(fits)?;
        free[node].cpu -= request.cpu;
        free[node].memory -= request.memory;
        chosen[one] = NodeId(u32::try_from(node).ok()?);
    }
    Some(chosen)
}

/// First-fit decreasing over the nodes of all clusters.
#[derive(Clone)]
pub struct NodeFfd {
    rooms: Option<Rooms>,
}

/// A node of a cluster, and what it has left.
struct Node {
    cluster: ClusterId,
    pool: PoolId,
    free: Resources,
}

/// All nodes that can be reached, as large as they may get, by falling size.
fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let reachable = snapshot.clusters.iter().filter(|(_, view)| view.reachable).map(|(cluster, _)| cluster);
    let mut nodes: Vec<Node> = reachable
        .flat_map(|cluster| {
            snapshot.cluster(cluster).pools.iter().flat_map(move |(pool, declared)| {
                let offers = declared.offered_max();
                offers.flat_map(move |(count, free)| (0..count).map(move |_| Node { cluster, pool, free }))
            })
        })
        .collect();
    nodes.sort_by_key(|node| Reverse((node.free.cpu, node.free.memory)));
    nodes
}

/// Services by falling (accelerators, CPU, memory), pinned ones before all others: they cannot be asked again.
fn falling(snapshot: &Snapshot) -> Vec<ServiceId> {
    let mut services: Vec<ServiceId> = snapshot.known.application.requests().collect();
    services.sort_by_key(|service| {
        let declared = snapshot.service(*service);
        (!declared.pinned, Reverse((declared.request.gpu > 0, declared.request.cpu, declared.request.memory)))
    });
    services
}

/// Places all that is missing in `draft`; the service that fits nowhere where one does not. A pinned service takes what it
/// gets in one cluster, and aborts nothing.
fn place(draft: &mut Draft<'_>) -> Result<(), ServiceId> {
    let snapshot = draft.snapshot;
    let mut nodes = nodes(snapshot);
    for service in falling(snapshot) {
        let declared = snapshot.service(service);
        let mut home = draft.home(service);
        let held = home.map_or(0, |home| draft.targets().get(service, home));
        for replica in 0..draft.wanted.replicas[service].max(held) {
            let fits = |node: &&mut Node| {
                let pool = &snapshot.cluster(node.cluster).pools[node.pool];
                home.is_none_or(|home| home == node.cluster)
                    && node.free.holds(declared.request) > 0
                    && (replica < held || draft.room(service, node.cluster) > 0)
                    && declared.terms.admit(snapshot.cluster(node.cluster), pool, declared.request).is_ok()
            };
            let Some(node) = nodes.iter_mut().find(fits) else {
                if declared.pinned && home.is_some() {
                    break;
                }
                return Err(service);
            };
            node.free = node.free.saturating_sub(declared.request);
            if declared.pinned {
                home = Some(node.cluster);
            }
            if replica >= held {
                draft.add(service, node.cluster, 1);
            }
        }
    }
    Ok(())
}

impl Placement for NodeFfd {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        if let Some(plan) = unchanged(snapshot, wanted, rooms, usize::MAX) {
            return Ok(plan);
        }
        let mut draft = Draft::new(snapshot, wanted, rooms);
        for service in snapshot.known.application.requests().filter(|service| !snapshot.service(*service).pinned) {
            for Target { cluster, replicas, .. } in draft.targets().of(service).to_vec() {
                draft.remove(service, cluster, replicas);
            }
        }
        draft.keep(fullness);
        match place(&mut draft) {
            Ok(()) => {
                let classes: Vec<ServiceId> = snapshot.known.application.tasks().collect();
                draft.fill(&classes, first);
                Ok(draft.finish(None, |_| None))
            }
            Err(service) => {
                let name = &snapshot.service(service).name;
                let message = format!("a replica of {name} fits onto no node, which aborts the placement of all");
                Ok(stopped(snapshot, wanted, rooms, &message))
            }
        }
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: first, terms: [Some(("in order", -1.0, "")), None], next: next_with_room }
            .explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::first_fit_decreasing;
    use crate::model::{NodeId, Resources};
    use crate::units::{Bytes, MilliCores};

    fn amount(cores: u64, gib: u64, gpu: u64) -> Resources {
        Resources { cpu: MilliCores(cores * 1_000), memory: Bytes(gib << 30), gpu: gpu * 1_000, pods: 0 }
    }

    /// Nodes in the order 1 (8 cores), 0, 2. The service with an accelerator goes first, to node 2; then 5 and 4 cores go to 1
    /// and 0; 3 fit into 1 again. A second one of 5 cores fits nowhere, and nothing is placed.
    #[test]
    fn the_largest_goes_first_and_one_failure_aborts_all() {
        let nodes = [amount(4, 8, 0), amount(8, 8, 0), amount(4, 4, 1)];
        let requests = [amount(4, 1, 0), amount(3, 1, 0), amount(5, 1, 0), amount(1, 1, 1)];
        let chosen = first_fit_decreasing(&nodes, &requests);
        assert_eq!(chosen, Some(vec![NodeId(0), NodeId(1), NodeId(1), NodeId(2)]));
        let more = [&requests[..], &[amount(5, 1, 0)]].concat();
        assert_eq!(first_fit_decreasing(&nodes, &more), None);
    }
}
