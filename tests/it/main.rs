//! The integration tests: one binary, one file a behaviour.

mod closed_forms;
mod data;
mod fork;
mod readme;
mod simulated_control;
mod tidy;
mod world;
