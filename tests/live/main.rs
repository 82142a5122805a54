//! Tests on the live stack: real etcd, Kubernetes, Karmada, Prometheus, Alertmanager, Helm, registry, Grafana.
//!
//! They run inside `scripts/live exec`, which says where everything is; elsewhere each says that it was skipped, and why. With
//! `SMO_LIVE_REQUIRED` set (CI) a skip is a failure. All share one stack, so they run one at a time. Each asserts on the outside
//! system, not on our own records alone.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::wrong_self_convention,
    reason = "a test may stop at a surprise, and says aloud what it skips"
)]

mod api;
mod artifacts;
mod bad_input;
mod charts;
#[cfg(feature = "otel")]
#[path = "../it/collector.rs"]
mod collector;
mod conformance;
mod dashboards;
mod decisions;
mod demos;
mod faults;
mod graphs;
mod l02;
mod l08;
mod l09;
mod l11;
mod l14;
mod l15;
mod learnt;
mod losses;
mod measured;
mod moves;
mod outages;
mod postgres;
mod recovery;
mod refused;
mod service;
mod shop;
mod sights;
mod six_commands;
mod stack;
#[cfg(feature = "otel")]
mod traced;
mod two_servers;
mod waits;
mod wishes;
