//! Files to model: the only stage that parses.

pub mod trace;
