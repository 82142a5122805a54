//! The integration tests: one binary, one file a behaviour.

mod bad_input;
mod closed_forms;
mod fork;
mod scenarios;
mod simulated_control;
mod world;
