//! Policies: a snapshot in, a plan out.

pub mod scaling;
