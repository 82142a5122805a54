//! Where replicas run. One file a policy, one line each in [`PLACEMENTS`].
//!
//! `draft` is the plan under construction that all of them share, `refusal` says what was missing, `reasons`
//! why a plan is as it is.

pub mod demands;
mod draft;
pub mod greedy;
pub mod karmada;
pub mod kubeadmiral;
pub mod low_util;
#[cfg(feature = "milp")]
pub mod milp;
#[cfg(feature = "milp")]
mod milp_reasons;
pub mod naive;
pub mod ocm;
mod reasons;
pub mod refusal;
pub mod rooms;
pub mod spread;

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
    #[cfg(feature = "milp")]
    milp::ENTRY,
];
