//! Where replicas run. One file a policy, one line each in [`PLACEMENTS`].
//!
//! `draft` is the plan under construction that all of them share, `whole` the question for those that place services as
//! wholes, `refusal` says what was missing, `reasons` why a plan is as it is.

pub mod anytime;
pub mod carbon_aware;
pub mod classic;
pub mod demands;
pub mod draft;
pub mod engine;
pub mod greedy;
pub mod green;
pub mod karmada;
pub mod kubeadmiral;
pub mod lagrangian;
pub mod low_util;
pub mod memory_aware;
#[cfg(feature = "milp")]
pub mod milp;
#[cfg(feature = "milp")]
pub mod milp_costed;
#[cfg(feature = "milp")]
mod milp_reasons;
pub mod naive;
pub mod nephele_placement;
pub mod node_ffd;
pub mod ocm;
mod rearrange;
mod reasons;
pub mod refusal;
pub mod rooms;
pub mod smo_placement;
pub mod spread;
pub mod whole;

use super::Placement;
use super::parameter::{Parameter, ParameterError, Parameters};

/// A placement policy as people find it.
pub struct Entry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// How it decides: its formulas, what it assumes, and where they come from.
    pub about: &'static str,
    /// Its knobs.
    pub parameters: &'static [Parameter],
    /// The scaling that goes with it when none is named.
    pub partner: &'static str,
    /// Makes one.
    pub build: fn(&Parameters) -> Result<Box<dyn Placement>, ParameterError>,
}

/// All placement policies, in the order in which they are listed.
pub const PLACEMENTS: &[Entry] = &[
    naive::ENTRY,
    greedy::ENTRY,
    spread::ENTRY,
    karmada::ENTRY,
    karmada::descheduler::ENTRY,
    karmada::rebalancer::ENTRY,
    ocm::ENTRY,
    kubeadmiral::ENTRY,
    low_util::ENTRY,
    naive::NEPHELE,
    nephele_placement::ENTRY,
    smo_placement::ENTRY,
    green::ENTRY,
    carbon_aware::ENTRY,
    memory_aware::ENTRY,
    node_ffd::ENTRY,
    classic::FIRST_FIT,
    classic::BEST_FIT,
    classic::WORST_FIT,
    classic::DOT_PRODUCT,
    classic::L2,
    classic::KUBE_SCHEDULER,
    classic::RANDOM,
    classic::ROUND_ROBIN,
    #[cfg(feature = "milp")]
    milp::ENTRY,
    lagrangian::ENTRY,
    #[cfg(feature = "milp")]
    milp_costed::ENTRY,
    anytime::ENTRY,
];
