//! Observations to fitted capacity models, with their uncertainty, or to a refusal that says what would help.
//!
//! A planner needs to know what r replicas *could* serve. Operation shows what they *did* serve, and under an autoscaler
//! that is the target utilisation times the capacity: regression of throughput on replicas lands 35–40 % low, with an
//! excellent fit. Only three things identify capacity: samples taken at saturation, CPU per request under a ceiling that
//! is known, and the way latency bends. Each has an estimator here, in a file of its own; [`fit()`] runs them, says which one
//! identified the result, and refuses where none did.
//!
//! | step | module | estimates |
//! |---|---|---|
//! | what was observed | [`observations`], [`check`], [`clean`], [`pool`] | one series a service and cluster class; buckets; what is left out and why |
//! | 1 | [`demand`] | CPU per request and per idle replica |
//! | 1 | [`ceiling`] | the share of the CPU limit that can be used |
//! | 2 | [`saturation`], [`overload`], [`theil_sen`] | throughput per replica where it was saturated |
//! | 3 | [`latency`], [`levenberg`] | the service rate from how latency rises with load |
//! | 4 | [`shape`], [`usl`], [`concave`] | linear, concave or USL |
//! | 5, 6 | [`combine`], [`bootstrap`] | one answer with its interval |
//! | 7, 8 | [`validate`], [`drift`], [`departure`] | whether it predicts what came after, and whether it still holds |
//! | besides | [`regression`], [`design`], [`online`], [`synthetic`] | the plain regression as a warning, what to measure next, one sample at a time, truth to test against |
//!
//! Deliberately absent: reading files and drawing pages (they stand on these types), and any pooling of throughput across
//! services: two services share no capacity, only a cluster's ceiling.

pub mod answer;
pub mod bootstrap;
pub mod ceiling;
pub mod change_point;
pub mod check;
pub mod clean;
pub mod combine;
pub mod concave;
pub mod demand;
pub mod departure;
pub mod design;
pub mod drift;
pub mod estimate;
pub mod fit;
pub mod group;
pub mod latency;
pub mod levenberg;
pub mod load_test;
pub mod notes;
pub mod observations;
pub mod ols;
pub mod online;
pub mod options;
pub mod outcome;
pub mod overload;
pub mod pool;
pub mod predict;
pub mod refuse;
pub mod regression;
pub mod robust;
pub mod saturation;
pub mod shape;
pub mod synthetic;
pub mod theil_sen;
pub mod usl;
pub mod validate;

pub use check::ObservationError;
pub use estimate::Estimate;
pub use fit::{fit, fit_series};
pub use observations::{Observations, Regime, Series};
pub use options::{Method, Options};
pub use outcome::{Fitted, FittedGroup, IdentifiedBy, Note, Outcome, Refusal, Scope};
