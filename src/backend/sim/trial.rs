//! What would become of a site if a node were emptied: its nodes once more, to try that on.

use super::sites::{Site, bind};
use super::world::SlotId;
use crate::model::binding::peers::{Peers, Request};
use crate::model::binding::{Device, NodeTable};
use crate::model::{NodeId, PoolId, Table};

/// A copy of a site's account of nodes.
pub(super) struct Trial {
    nodes: NodeTable,
    peers: Option<Peers>,
}

/// A replica that would have to go elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaver {
    pub(super) request: Request,
    pub(super) slot: SlotId,
}

impl Trial {
    pub(super) fn new(site: &Site) -> Self {
        Self { nodes: site.nodes.clone(), peers: site.peers.clone() }
    }

    /// Takes `node` away and gives its replicas other nodes, in pools that `pools` tells; `None`, and nothing is changed,
    /// where one of them finds none.
    pub(super) fn empty<'a>(
        &mut self,
        node: NodeId,
        leavers: &[Leaver],
        pools: impl Fn(SlotId) -> &'a Table<PoolId, bool>,
    ) -> Option<Vec<NodeId>> {
        self.nodes.set_up(node, false);
        for leaver in leavers {
            self.each_peers(|peers| peers.remove(leaver.request.service, node, false));
        }
        let mut bound: Vec<(Request, NodeId, Device)> = Vec::new();
        for leaver in leavers {
            let Some(found) = bind(&mut self.nodes, &mut self.peers, leaver.request, pools(leaver.slot)) else {
                self.undo(node, leavers, bound);
                return None;
            };
            bound.push((leaver.request, found, self.nodes.node(found).shared.latest()));
        }
        Some(bound.into_iter().map(|(_, found, _)| found).collect())
    }

    fn undo(&mut self, node: NodeId, leavers: &[Leaver], bound: Vec<(Request, NodeId, Device)>) {
        for (request, found, device) in bound {
            self.nodes.release_from(found, request.resources, device);
            self.each_peers(|peers| peers.remove(request.service, found, false));
        }
        self.nodes.set_up(node, true);
        for leaver in leavers {
            self.each_peers(|peers| peers.add(leaver.request.service, node));
        }
    }

    fn each_peers(&mut self, change: impl FnOnce(&mut Peers)) {
        if let Some(peers) = &mut self.peers {
            change(peers);
        }
    }
}
