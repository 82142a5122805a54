//! What is true of the services, where it differs from what they declare and policies believe.

use super::application::ServiceFile;
use super::at::At;
use super::capacity::CapacityFile;
use super::error::{InputError, known_names};
use super::written::{NonNegative, Positive};
use crate::model::capacity::{Capacity, CapacityByClass};
use crate::model::scenario::Truth;
use crate::model::{ServiceId, Table};
use crate::units::{Ratio, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The key that stands for every service.
pub const ALL: &str = "all";

/// What is true of a service; where nothing is said, what its application file declares. Policies never see this.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TruthFile {
    /// The capacity that it really has.
    pub capacity: Option<CapacityFile>,
    /// The true capacity as a multiple of the declared one (or of `capacity` here): `80 %` is slower than believed.
    pub capacity_factor: Option<Positive<Ratio>>,
    /// Time that a request takes in a worker when nobody waits.
    pub service_time: Option<Positive<Span>>,
    /// Squared coefficient of variation of the service time: 0 constant, 1 exponential.
    pub service_variability: Option<NonNegative>,
    /// Squared coefficient of variation of the times between arrivals: 1 is a Poisson stream.
    pub arrival_variability: Option<NonNegative>,
    /// Work that waits beyond this, in seconds at the present capacity, is dropped.
    pub queue_limit: Option<Positive<Span>>,
    /// CPU that a replica uses at full load, as a share of what it requests.
    pub cpu_at_capacity: Option<Ratio>,
    /// CPU that an idle replica uses, as a share of what it requests.
    pub cpu_idle: Option<Ratio>,
    /// New versions during the run, by rising time: each makes the capacity a multiple of the one at the start.
    pub changes: Vec<ChangeFile>,
}

/// A new version of a service.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFile {
    /// When every replica runs it.
    pub at: Time,
    /// Its capacity as a multiple of the one at the start: `50 %` serves half.
    pub capacity_factor: Positive<Ratio>,
}

/// The truth of every service: as declared, then `all`, then what is said of the service itself.
///
/// # Errors
/// A service that does not exist, or a capacity that stays zero, at `at`, which is the truth.
pub fn truth(
    services: &[ServiceFile],
    overrides: &BTreeMap<String, TruthFile>,
    at: &At<'_>,
) -> Result<Table<ServiceId, Truth>, InputError> {
    let names: Vec<&str> = services.iter().map(|service| service.name.0.as_str()).collect();
    for name in overrides.keys().filter(|name| *name != ALL) {
        if !names.contains(&name.as_str()) {
            let known = known_names(name, "services", &names);
            return Err(at
                .key(name)
                .error(format!("no service is called `{name}`; {known}, and `{ALL}` is every one")));
        }
    }
    let truth_of = |service: &ServiceFile| {
        let mut truth = truth_as_declared(service);
        for key in [ALL, service.name.0.as_str()] {
            let Some(over) = overrides.get(key) else { continue };
            if let Some(capacity) = &over.capacity {
                capacity.check(service.replicas.max, &at.key(key).key("capacity"))?;
            }
            if let Some(index) = (1..over.changes.len()).find(|at| over.changes[*at].at <= over.changes[*at - 1].at) {
                let before = over.changes[index - 1].at;
                let at = at.key(key).key("changes").index(index).key("at");
                return Err(at.error(format!("the version before it came at {before}; write them by rising time")));
            }
            over.apply(&mut truth);
        }
        Ok(truth)
    };
    services.iter().map(truth_of).collect()
}

impl TruthFile {
    fn apply(&self, truth: &mut Truth) {
        if let Some(capacity) = &self.capacity {
            truth.capacity = capacity.0.clone();
        }
        if let Some(factor) = self.capacity_factor {
            truth.capacity = scaled(&truth.capacity, factor.0.as_f64());
        }
        truth.service_time = self.service_time.map(|time| time.0).or(truth.service_time);
        truth.service_variability = self.service_variability.map_or(truth.service_variability, |value| value.0);
        truth.arrival_variability = self.arrival_variability.map_or(truth.arrival_variability, |value| value.0);
        truth.queue_limit = self.queue_limit.map_or(truth.queue_limit, |limit| limit.0);
        truth.cpu_at_capacity = self.cpu_at_capacity.unwrap_or(truth.cpu_at_capacity);
        truth.cpu_idle = self.cpu_idle.unwrap_or(truth.cpu_idle);
        if !self.changes.is_empty() {
            truth.changes = self.changes.iter().map(|change| (change.at, change.capacity_factor.0)).collect();
        }
    }
}

/// `factor` times the capacity at every number of replicas.
fn scaled(capacity: &CapacityByClass, factor: f64) -> CapacityByClass {
    let scaled = |capacity: &Capacity| match *capacity {
        Capacity::Linear { alpha, beta } => Capacity::Linear { alpha: alpha * factor, beta: beta * factor },
        Capacity::Usl { gamma, sigma, kappa } => Capacity::Usl { gamma: gamma * factor, sigma, kappa },
    };
    CapacityByClass {
        default: scaled(&capacity.default),
        by_class: capacity.by_class.iter().map(|(class, one)| (class.clone(), scaled(one))).collect(),
    }
}

/// What is true of a service where nothing else is said: what its file declares.
pub fn truth_as_declared(file: &ServiceFile) -> Truth {
    Truth {
        capacity: file.capacity.0.clone(),
        service_time: file.service_time.map(|time| time.0),
        service_variability: file.service_variability.0,
        arrival_variability: file.arrival_variability.0,
        queue_limit: file.queue_limit.0,
        cpu_at_capacity: file.cpu_at_capacity,
        cpu_idle: file.cpu_idle,
        changes: Vec::new(),
    }
}
