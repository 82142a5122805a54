//! How many replicas a service has. One file a policy, one line each in [`SCALINGS`].
//!
//! Missing telemetry is never zero load: what is not seen, or too old, leaves the last wish as it is. The one exception says
//! so: `nephele-scaling` has the original's fault.

pub mod hpa;
pub mod nephele;
pub mod rate;
pub mod smo_scaling;
pub mod static_;
pub mod threshold;
mod wish;

use super::Scaling;
use super::parameter::{Parameter, ParameterError, Parameters};

/// A scaling policy as people find it.
pub struct Entry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// How it decides: its formulas, what it assumes, and where they come from.
    pub about: &'static str,
    /// Its knobs.
    pub parameters: &'static [Parameter],
    /// The placement that goes with it when none is named.
    pub partner: &'static str,
    /// Makes one.
    pub build: fn(&Parameters) -> Result<Box<dyn Scaling>, ParameterError>,
}

/// All scaling policies, in the order in which they are listed.
pub const SCALINGS: &[Entry] =
    &[static_::ENTRY, threshold::ENTRY, rate::ENTRY, hpa::ENTRY, nephele::ENTRY, smo_scaling::ENTRY];
