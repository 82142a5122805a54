//! The integration tests: one binary, one file a behaviour.

#![expect(clippy::print_stdout, reason = "tests say what they skip and how many vectors passed")]

mod binding;
mod binding_reference;
mod closed_forms;
mod conformance_backends;
mod conformance_policies;
mod fork;
mod milp;
mod policies;
mod request_level;
mod simulated_control;
mod vectors_hpa;
mod vectors_kube_scheduler;
mod vectors_smo;
mod world;
mod worlds;
