//! Policies against each other over a suite of scenarios: from the results of all runs to what may be said of them.
//!
//! [`results`] is what a suite leaves; all else here is computed from it and from nothing else, so that a page can be made
//! again from what lies on the disk, and shards that were joined read like one process.

pub mod mser;
pub mod results;
