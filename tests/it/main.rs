//! The integration tests: one binary, one file a behaviour.

mod binding;
mod binding_reference;
mod closed_forms;
mod fork;
mod simulated_control;
mod vectors_kube_scheduler;
mod world;
