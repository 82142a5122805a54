//! One binary for all integration tests, one file a behaviour.

mod conformance_policies;
#[cfg(feature = "milp")]
mod milp;
mod policies;
mod vectors_hpa;
mod vectors_smo;
mod worlds;
