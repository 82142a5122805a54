//! The integration tests: one binary, one file a behaviour.

mod binding;
mod binding_reference;
mod closed_forms;
mod conformance_policies;
mod data;
mod fork;
mod milp;
mod policies;
mod readme;
mod simulated_control;
mod tidy;
mod vectors_hpa;
mod vectors_kube_scheduler;
mod vectors_smo;
mod world;
mod worlds;
