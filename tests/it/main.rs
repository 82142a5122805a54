//! The integration tests: one binary, one file a behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at a surprise, and says aloud what it skips"
)]

mod bad_input;
mod bad_trace;
mod binding;
mod binding_reference;
mod cli;
mod closed_forms;
mod conformance_backends;
mod conformance_policies;
mod damaged_trace;
mod determinism;
mod expectations;
mod fork;
mod generated_traces;
mod init;
mod kubernetes;
#[cfg(feature = "milp")]
mod milp;
mod occupied;
mod policies;
mod program;
mod readme;
mod real_traces;
mod request_level;
mod scenarios;
mod simulated_control;
mod tidy;
mod trace_formats;
mod vectors_hpa;
mod vectors_kube_scheduler;
mod vectors_smo;
mod vectors_smo_hdag;
mod world;
mod worlds;

use std::path::{Path, PathBuf};

/// Where the public data lie that are too large to ship: `SMO_DATA_DIR`, or `../shared/data`; `None` where neither is there.
fn data_dir() -> Option<PathBuf> {
    let given = std::env::var_os("SMO_DATA_DIR").map(PathBuf::from);
    let data = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    data.canonicalize().ok().filter(|data| data.is_dir())
}
