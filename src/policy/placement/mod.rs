//! Where replicas run. One file a policy, one line each in [`PLACEMENTS`].
//!
//! `draft` is the plan under construction that all of them share, `refusal` says what was missing, `reasons`
//! why a plan is as it is.

pub mod anytime;
pub mod demands;
pub mod draft;
pub mod engine;
pub mod greedy;
pub mod lagrangian;
#[cfg(feature = "milp")]
pub mod milp;
#[cfg(feature = "milp")]
pub mod milp_costed;
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
    #[cfg(feature = "milp")]
    milp::ENTRY,
    lagrangian::ENTRY,
    #[cfg(feature = "milp")]
    milp_costed::ENTRY,
    anytime::ENTRY,
];
