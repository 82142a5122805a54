//! The integration tests: one binary, one file a behaviour.

mod bad_input;
mod bad_trace;
mod binding;
mod binding_reference;
mod closed_forms;
mod conformance_policies;
mod data;
mod fork;
mod generated_traces;
mod milp;
mod policies;
mod readme;
mod real_traces;
mod scenarios;
mod simulated_control;
mod tidy;
mod trace_formats;
mod vectors_hpa;
mod vectors_kube_scheduler;
mod vectors_smo;
mod world;
mod worlds;
