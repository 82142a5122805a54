//! The real world behind the same trait: Karmada, Prometheus, Helm, Grafana.

pub mod clock;
pub mod outside;
