//! The integration tests: one binary, one file a behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at a surprise, and says aloud what it skips"
)]

mod anytime;
mod anytime_rules;
mod autoscaling;
mod backtest_commands;
mod bad_input;
mod bad_trace;
mod bench_chance;
mod bench_suite;
mod binding;
mod binding_peers;
mod binding_reference;
mod bombs;
#[cfg(feature = "milp")]
mod book;
mod bounds;
mod brute_force;
mod capacity;
mod classics;
mod cli;
#[cfg(feature = "live")]
mod client;
mod closed_forms;
#[cfg(feature = "otel")]
mod collector;
mod compatibility;
mod conditional;
mod conformance_backends;
mod conformance_policies;
mod corpus;
mod damaged_trace;
mod data_index;
mod data_tables;
mod defects;
mod demos;
mod determinism;
mod drill;
mod engine;
mod engine_rules;
mod exec;
mod expectations;
mod fit_commands;
mod fork;
mod fragmented;
mod generated_traces;
mod headroom;
mod help;
mod imported_limits;
mod imported_logs;
mod imported_real_traces;
mod imported_scenario;
mod imported_traces;
mod init;
mod intents;
mod joined_tables;
mod kubernetes;
mod learning;
mod manifests;
mod memory;
#[cfg(feature = "milp")]
mod milp;
mod neighbour_files;
#[cfg(feature = "live")]
mod nfvcl;
mod observations;
mod occupied;
mod original_models;
mod peers_reference;
mod plan;
mod policies;
mod policies_karmada;
mod policies_peers;
mod program;
mod readme;
mod real_traces;
mod reassignment;
mod report;
mod request_level;
mod ruled_worlds;
mod rules;
mod scalings;
mod scalings_in_the_loop;
mod scenarios;
mod shortcuts;
mod shortcuts_scaling;
mod shown;
mod simulated_control;
mod simulated_tasks;
mod task_files;
mod tidy;
mod told;
mod trace_commands;
mod trace_formats;
mod trace_properties;
mod vectors_hpa;
mod vectors_karmada;
mod vectors_kube_scheduler;
mod vectors_kube_scheduler_spec;
mod vectors_smo;
mod vectors_smo_clusters;
mod vectors_smo_decisions;
mod vectors_smo_hdag;
mod vectors_smo_replicas;
mod warm_up;
mod whatif;
mod world;
mod worlds;

use std::path::{Path, PathBuf};

/// Where the public data lie that are too large to ship: `SMO_DATA_DIR`, or `../shared/data`; `None` where neither is there.
fn data_dir() -> Option<PathBuf> {
    let given = std::env::var_os("SMO_DATA_DIR").map(PathBuf::from);
    let data = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    data.canonicalize().ok().filter(|data| data.is_dir())
}
