//! The integration tests: one binary, one file a behaviour.

mod closed_forms;
mod fork;
mod simulated_control;
mod world;
