//! Where and how many at once: policies that are no pair of a scaling and a placement. One file a policy, one line each in
//! [`JOINTS`].

pub mod milp_joint;
pub mod nephele;
pub mod nephele_2024;

use super::Policy;
use super::parameter::{Parameter, ParameterError, Parameters};

/// A joint policy as people find it.
pub struct Entry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// How it decides: its formulas, what it assumes, and where they come from.
    pub about: &'static str,
    /// Its knobs.
    pub parameters: &'static [Parameter],
    /// Makes one.
    pub build: fn(&Parameters) -> Result<Box<dyn Policy>, ParameterError>,
}

/// All joint policies, in the order in which they are listed.
pub const JOINTS: &[Entry] = &[milp_joint::ENTRY, nephele::ENTRY, nephele_2024::ENTRY];
