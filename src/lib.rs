//! `smo`: what runs where, in how many replicas, and what would happen if.
//!
//! ```text
//!  files ──► input ──► model ──► policy ──► model::check ──► backend ──► record ──► report
//!  (scenario, inventory,   (Snapshot)  (Plan)  (violations)   sim | shadow | live  (HTML, tables, JSON)
//!   application, traces)       ▲                                │
//!                              └────────── Observation ◄────────┘
//! ```
//!
//! Data flows one way; the only thing that comes back from a backend is an [`Observation`](model::Observation). [`run`] is
//! the one loop and the only place where the stages meet.
//!
//! # What always holds
//!
//! * A policy sees a [`Snapshot`](model::Snapshot) made of telemetry, never the truth. Missing is never zero.
//! * A [`Plan`](model::Plan) leaves a backend nothing to decide. What it could not do it refuses, with the reason.
//! * One checker, [`model::check::violations`], judges every plan before any backend sees it, in integers. What is unsound
//!   is dropped and recorded, never applied.
//! * The same seed gives the same bytes: time is integer nanoseconds, everyone who draws has a [stream](seed) of their own,
//!   nothing reads the clock, and runs are parallel only among each other. `backend::live` alone lives in real time: its records
//!   are the same, but cannot be run again.
//! * Live, a plan is stored before it is acted on, and silence of the telemetry means hold.
//! * `offered = served + dropped + waiting` holds for every service to the last unit of 10⁻¹⁵ requests.
//!
//! # In reading order
//!
//! | module | what |
//! |---|---|
//! | [`units`], [`seed`] | quantities and random streams as types |
//! | [`model`] | what the world is made of; no input or output, no clock, no randomness |
//! | [`input`] | files to model; the only stage that parses |
//! | [`policy`], [`solver`] | snapshot to plan, and the algorithms that policies share |
//! | [`capacity`] | observations to fitted capacity models, or a refusal |
//! | [`backend`] | where plans are carried out: simulated, only watched, or real (feature `live`) |
//! | [`record`], [`report`] | what happened, and what it says |
//! | [`learning`] | capacities that are learnt while a run goes on |
//! | [`run`] | the loop |
//! | [`drill`] | one past, and a future for each thing that might be lost |
//! | `serve` | the service: application graphs kept running over REST (feature `live`) |
//! | [`cli`] | one file a command |
//!
//! `tests/it/tidy.rs` keeps who may import whom. Against the first drawing of the architecture, this differs: a
//! [`Placement`](policy::Placement) gets its budget and stream as one [`Context`](policy::Context), policies and workloads
//! can be forked, a [`Sample`](model::Sample) of the series is an observation like any other, the record's trait stands
//! with the record, and an [`Explanation`](model::Explanation) is no part of a plan: it is asked of the policy afterwards.

pub mod backend;
pub mod capacity;
pub mod cli;
pub mod drill;
pub mod input;
pub mod learning;
pub mod model;
pub mod policy;
pub mod record;
pub mod report;
pub mod run;
pub mod seed;
#[cfg(feature = "live")]
pub mod serve;
pub mod solver;
pub mod units;

/// The Rust of the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
