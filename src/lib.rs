//! `smo`: what runs where, in how many replicas, and what would happen if.
//!
//! ```text
//!  files ──► input ──► model ──► policy ──► model::check ──► backend ──► record ──► report
//!  (scenario, inventory,   (Snapshot)  (Plan)  (violations)   sim | shadow         (HTML, tables)
//!   application, traces)       ▲                                │
//!                              └────────── Observation ◄────────┘
//! ```
//!
//! Data flows one way; the only thing that comes back from a backend is an `Observation`. [`run`] is the one loop and the
//! only place where the stages meet.

pub mod backend;
pub mod cli;
pub mod input;
pub mod model;
pub mod policy;
pub mod record;
pub mod report;
pub mod run;
pub mod seed;
pub mod solver;
pub mod units;
