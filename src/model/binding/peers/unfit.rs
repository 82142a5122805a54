//! Why a node does not take a replica, in the words of kube-scheduler, and what it then says of all nodes together.

use crate::model::binding::Node;
use crate::model::resources::Resources;
use std::collections::BTreeMap;

/// The first filter that a node does not pass; the variants stand in the order of the filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is closed to new replicas (cordoned).
    Unschedulable,
    /// One of its taints is not tolerated.
    Taint,
    /// Its labels are not those of the selector or the affinity.
    Affinity,
    /// It has no room.
    Room(Shortage),
    /// It lacks the label over which replicas have to be spread.
    SpreadLabel,
    /// Its domain already has too many replicas.
    Spread,
    /// No replica is there that has to be near.
    Near,
    /// A replica is there that has to be apart.
    Apart,
    /// A replica is there that wants to be apart from the new one.
    Repelled,
}

/// What a node has too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// In the order of the resources: CPU, memory, accelerators, pod slots.
    short: [bool; 4],
    /// Whether even the empty node is too small.
    is_hopeless: bool,
}

impl Unfit {
    /// What it is called, a name for each reason.
    fn reasons(self) -> Vec<&'static str> {
        vec![match self {
            Self::Unschedulable => "node(s) were unschedulable",
            Self::Taint => "node(s) had untolerated taint(s)",
            Self::Affinity => "node(s) didn't match Pod's node affinity/selector",
            Self::Room(shortage) => return shortage.reasons(),
            Self::SpreadLabel => "node(s) didn't match pod topology spread constraints (missing required label)",
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::Near => "node(s) didn't match pod affinity rules",
            Self::Apart => "node(s) didn't match pod anti-affinity rules",
            Self::Repelled => "node(s) didn't satisfy existing pods anti-affinity rules",
        }]
    }

    /// Whether the node would take the replica if others left it.
    #[must_use]
    pub const fn is_curable(self) -> bool {
        match self {
            Self::Room(shortage) => !shortage.is_hopeless,
            Self::Spread | Self::Apart | Self::Repelled => true,
            Self::Unschedulable | Self::Taint | Self::Affinity | Self::SpreadLabel | Self::Near => false,
        }
    }
}

impl Shortage {
    /// What `node` has too little of for `request`; `None` where it has room.
    pub(super) fn of(node: &Node, request: Resources) -> Option<Self> {
        if node.takes(request) {
            return None;
        }
        let (wanted, free, whole) = (request.amounts(), node.free().amounts(), node.shape.amounts());
        let mut short = [0, 1, 2, 3].map(|of| wanted[of] > free[of]);
        // There may be enough in sum, but not on one device.
        short[2] = request.gpu > 0 && !node.shared.fits(node.free().gpu, request);
        let is_hopeless = (0..3).any(|of| wanted[of] > whole[of]);
        Some(Self { short, is_hopeless })
    }

    fn reasons(self) -> Vec<&'static str> {
        let names = ["Insufficient cpu", "Insufficient memory", "Insufficient nvidia.com/gpu", "Too many pods"];
        names.into_iter().zip(self.short).filter(|(_, short)| *short).map(|(name, _)| name).collect()
    }
}

/// What kube-scheduler says where no node takes a replica: every reason with the number of nodes that have it, and whether
/// it would help to remove replicas of lower priority (there are none).
#[must_use]
pub fn message(unfit: &[Unfit]) -> String {
    let all = unfit.len();
    let reasons = counted(unfit.iter().flat_map(|unfit| unfit.reasons()));
    let cures = counted(unfit.iter().map(|unfit| {
        if unfit.is_curable() {
            "No preemption victims found for incoming pod"
        } else {
            "Preemption is not helpful for scheduling"
        }
    }));
    format!(
        "0/{all} nodes are available: {reasons}. no new claims to deallocate, preemption: 0/{all} nodes are available: \
         {cures}."
    )
}

/// `3 this, 5 that`, sorted as text.
fn counted<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut texts: Vec<String> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    texts.sort();
    texts.join(", ")
}
