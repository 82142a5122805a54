//! Fitting capacity: against generated truth, against published measurements, and against data that lie.

mod bad_input;
mod departure;
mod measured;
mod strangers;
mod threads;
mod truth;
