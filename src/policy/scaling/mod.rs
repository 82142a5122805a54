//! Scaling policies: how many replicas a service should have.

pub mod hpa;
