//! Capacities as people write them: a rate per replica, `{alpha, beta}`, or `{gamma, sigma, kappa}`, by cluster class.

use super::at::At;
use super::error::InputError;
use super::written::Written;
use crate::model::{Capacity, CapacityByClass};
use crate::units::{Rate, Ratio};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Capacity of a service in all cluster classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written<Rate, CapacityLaws>", into = "CapacityLaws")]
#[schemars(with = "Written<Rate, CapacityLaws>")]
pub struct CapacityFile(pub CapacityByClass);

/// Capacity in one cluster class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written<Rate, CapacityLaw>", into = "CapacityLaw")]
#[schemars(with = "Written<Rate, CapacityLaw>")]
pub struct ClassCapacity(pub Capacity);

/// Requests per second of r ready replicas: `alpha·r + beta`, or `gamma·r / (1 + sigma·(r−1) + kappa·r·(r−1))`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityLaw {
    /// Requests per second that one more replica adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Requests per second at the intercept; often negative; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Requests per second of a single replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Contention: the share that is serial; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// Coherency: the cost of every pair of replicas; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
}

/// The same, and other coefficients for clusters of other classes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityLaws {
    /// Requests per second that one more replica adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Requests per second at the intercept; often negative; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Requests per second of a single replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Contention: the share that is serial; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// Coherency: the cost of every pair of replicas; 0 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
    /// By cluster class, where it differs from the above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_class: BTreeMap<String, ClassCapacity>,
}

impl TryFrom<CapacityLaw> for Capacity {
    type Error = String;

    fn try_from(law: CapacityLaw) -> Result<Self, String> {
        let zero = |value: Option<f64>| value.unwrap_or(0.0);
        match law {
            CapacityLaw { alpha: Some(alpha), beta, gamma: None, sigma: None, kappa: None } => {
                if alpha <= 0.0 {
                    return Err(format!("alpha {alpha} gives zero capacity to more replicas; write more than 0"));
                }
                Ok(Self::Linear { alpha, beta: zero(beta) })
            }
            CapacityLaw { alpha: None, beta: None, gamma: Some(gamma), sigma, kappa } => {
                let (sigma, kappa) = (zero(sigma), zero(kappa));
                if gamma <= 0.0 {
                    return Err(format!("gamma {gamma} is zero capacity; write more than 0"));
                }
                if sigma < 0.0 || kappa < 0.0 {
                    return Err("sigma and kappa are costs and cannot be negative; write 0 or more".to_owned());
                }
                Ok(Self::Usl { gamma, sigma, kappa })
            }
            _ => Err("these keys are no capacity; write `40 /s`, `{alpha: 40, beta: -5}` or \
                      `{gamma: 40, sigma: 0.02, kappa: 0.0005}`"
                .to_owned()),
        }
    }
}

fn per_replica(rate: Rate) -> Result<Capacity, String> {
    if rate == Rate::ZERO {
        return Err("zero capacity never serves anything; write a rate, like `40 /s`".to_owned());
    }
    Ok(Capacity::Linear { alpha: rate.per_second(), beta: 0.0 })
}

impl TryFrom<Written<Rate, CapacityLaw>> for ClassCapacity {
    type Error = String;

    fn try_from(written: Written<Rate, CapacityLaw>) -> Result<Self, String> {
        match written {
            Written::Short(rate) => per_replica(rate).map(Self),
            Written::Long(law) => law.try_into().map(Self),
        }
    }
}

impl TryFrom<Written<Rate, CapacityLaws>> for CapacityFile {
    type Error = String;

    fn try_from(written: Written<Rate, CapacityLaws>) -> Result<Self, String> {
        match written {
            Written::Short(rate) => per_replica(rate).map(CapacityByClass::uniform).map(Self),
            Written::Long(CapacityLaws { alpha, beta, gamma, sigma, kappa, by_class }) => Ok(Self(CapacityByClass {
                default: CapacityLaw { alpha, beta, gamma, sigma, kappa }.try_into()?,
                by_class: by_class.into_iter().map(|(class, capacity)| (class, capacity.0)).collect(),
            })),
        }
    }
}

impl From<ClassCapacity> for CapacityLaw {
    fn from(capacity: ClassCapacity) -> Self {
        match capacity.0 {
            Capacity::Linear { alpha, beta } => Self { alpha: Some(alpha), beta: Some(beta), ..Self::default() },
            Capacity::Usl { gamma, sigma, kappa } => {
                Self { gamma: Some(gamma), sigma: Some(sigma), kappa: Some(kappa), ..Self::default() }
            }
        }
    }
}

impl From<CapacityFile> for CapacityLaws {
    fn from(file: CapacityFile) -> Self {
        let CapacityLaw { alpha, beta, gamma, sigma, kappa } = ClassCapacity(file.0.default).into();
        let by_class = file.0.by_class.into_iter().map(|(class, capacity)| (class, ClassCapacity(capacity))).collect();
        Self { alpha, beta, gamma, sigma, kappa, by_class }
    }
}

impl CapacityFile {
    /// Refuses a capacity that stays zero however many replicas there are, up to `most`.
    ///
    /// # Errors
    /// At `at`, or at the class.
    pub fn check(&self, most: u32, at: &At<'_>) -> Result<(), InputError> {
        let serves = |capacity: &Capacity| capacity.replicas_for(Rate(1), Ratio::ONE, most).is_some();
        let message = format!("zero capacity even with {most} replicas; write coefficients that serve something");
        if !serves(&self.0.default) {
            return Err(at.error(message));
        }
        match self.0.by_class.iter().find(|(_, capacity)| !serves(capacity)) {
            Some((class, _)) => Err(at.key("by_class").key(class).error(message)),
            None => Ok(()),
        }
    }
}
