//! How many replicas a service has. One file a policy, one line each in [`SCALINGS`].
//!
//! Missing telemetry is never zero load: what is not seen, or too old, leaves the last wish as it is. The one exception says
//! so: `nephele-scaling` has the original's fault.
//!
//! In reading order: `each` (what policies that decide service by service share), `knobs`, `wish`, `shares` and `lead` (parameters, wishes, what
//! replicas are believed to serve where they are, how long a start takes), then the policies: simple ones (`static_`, `threshold`,
//! `rate`, `reactive`, `pid`), peers (`hpa`, `keda`, `vpa`, `autopilot`, `aws`), by queueing theory (`queueing`), by forecast
//! (`forecast`), by planning (`mpc`), the original and its repair (`nephele`, `smo_scaling`), and the yardstick (`oracle`).

pub mod autopilot;
pub mod aws;
pub mod cron_federated_hpa;
pub mod crontab;
mod each;
pub mod federated_hpa;
pub mod forecast;
pub mod hpa;
pub mod keda;
mod knobs;
mod lead;
pub mod mpc;
pub mod nephele;
pub mod oracle;
pub mod pid;
pub mod queueing;
pub mod rate;
pub mod reactive;
mod shares;
pub mod smo_scaling;
pub mod static_;
pub mod threshold;
pub mod vpa;
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
pub const SCALINGS: &[Entry] = &[
    static_::ENTRY,
    threshold::ENTRY,
    rate::ENTRY,
    reactive::ENTRY,
    pid::ENTRY,
    hpa::ENTRY,
    federated_hpa::ENTRY,
    cron_federated_hpa::ENTRY,
    keda::ENTRY,
    vpa::ENTRY,
    autopilot::ENTRY,
    aws::step::ENTRY,
    aws::TRACKING,
    aws::predictive::ENTRY,
    queueing::erlang_c::ENTRY,
    queueing::square_root::ENTRY,
    queueing::usl::ENTRY,
    forecast::seasonal_quantile::ENTRY,
    forecast::holt_winters::ENTRY,
    forecast::ets::ENTRY,
    forecast::newsvendor::ENTRY,
    mpc::ENTRY,
    nephele::ENTRY,
    smo_scaling::ENTRY,
    oracle::ENTRY,
];
