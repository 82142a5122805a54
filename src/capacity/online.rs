//! stub
use super::{FittedGroup, Options};
use crate::units::Time;

/// One sample of the running service; NaN is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// Ready replicas.
    pub replicas: f64,
    /// Requests per second that arrived.
    pub offered: f64,
    /// Requests per second that were answered.
    pub completed: f64,
    /// CPU of all replicas in cores.
    pub cpu: f64,
    /// CPU limit of one replica in cores.
    pub cpu_limit: f64,
    /// Share of throttled periods.
    pub throttled: f64,
    /// Share of requests that failed.
    pub errors: f64,
    /// Requests that wait.
    pub waiting: f64,
    /// Latency in seconds (95th percentile where there is a choice).
    pub latency: f64,
}

/// Fits one service on one class while it runs, in bounded memory.
#[derive(Debug, Clone)]
pub struct Online {
    _options: Options,
}

impl Online {
    /// Nothing seen yet.
    pub fn new(_service: &str, _class: &str, options: Options) -> Self {
        Self { _options: options }
    }
    /// Takes one sample; says whether the drift alarm was raised by it.
    pub fn push(&mut self, _sample: &Sample) -> bool {
        false
    }
    /// The model as of now. Cheap enough for every decision: it is refitted only when enough has changed.
    pub fn current(&mut self) -> Option<&FittedGroup> {
        None
    }
}
