//! Where replicas run. One file a policy, one line each in [`PLACEMENTS`].
//!
//! `draft` is the plan under construction that all of them share, `refusal` says what was missing, `reasons`
//! why a plan is as it is.

pub mod classic;
pub mod draft;
pub mod greedy;
#[cfg(feature = "milp")]
pub mod milp;
#[cfg(feature = "milp")]
mod milp_reasons;
pub mod naive;
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
];
