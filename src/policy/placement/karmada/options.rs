//! What one says to Karmada: the division, the spread, and what its scheduler is allowed to know.

use super::super::{Parameter, ParameterError, Parameters};
use crate::policy::karmada::{Affinities, Affinity, Division, Field, Placement, SpreadConstraint, WeightRule};
use crate::policy::scaling::threshold::number_or;
use crate::units::Span;

/// How Karmada is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Division and spread; affinity and tolerations are those of each service.
    pub placement: Placement,
    /// What is known of free room.
    pub estimator: Estimator,
    /// How old the resource summary of a cluster gets before it is read again.
    pub refresh: Span,
}

/// What Karmada's scheduler knows of free room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// `karmada-scheduler-estimator` in every member cluster: as the nodes are, at once, with what was just assigned.
    Nodes,
    /// Sums over the cluster, from the last resource summary.
    Sums,
    /// Nodes by grade in sixteenths of the largest node.
    Models,
    /// Nodes by Karmada's nine default grades: what a freshly joined cluster shows.
    DefaultGrades,
}

/// The parameters that all Karmada policies share.
pub const PARAMETERS: [Parameter; 8] = [
    Parameter {
        name: "division",
        default: "dynamic",
        summary: "`dynamic` (weights by room), `aggregated` (fewest clusters), `static` (fixed weights), or `duplicated` (one cluster, whatever its room)",
    },
    Parameter {
        name: "weights",
        default: "equal",
        summary: "fixed weights for `static`: `cluster:weight` separated by `;`, or `equal`",
    },
    Parameter {
        name: "estimator",
        default: "nodes",
        summary: "what is known of room: `nodes` (accurate estimator), `sums`, `models` (grades of a sixteenth node) or `default-grades`",
    },
    Parameter {
        name: "refresh",
        default: "10 s",
        summary: "age at which the resource summary of a cluster is read again; `nodes` is always up to date",
    },
    Parameter { name: "clusters-min", default: "any", summary: "spread: fewest clusters for a service" },
    Parameter { name: "clusters-max", default: "any", summary: "spread: most clusters for a service" },
    Parameter { name: "regions-min", default: "any", summary: "spread: fewest regions for a service" },
    Parameter { name: "regions-max", default: "any", summary: "spread: most regions for a service" },
];

impl Options {
    /// From the parameters of a policy.
    ///
    /// # Errors
    /// One that does not fit, or does not go with another.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let division = division(parameters)?;
        let mut spread = spread(parameters)?;
        if division == Division::Duplicated {
            if spread.iter().any(|one| one.groups_min > 1) {
                let reason = "duplicated replicas are in one cluster here; leave the spread at `any`".to_owned();
                return Err(parameters.invalid("division", reason));
            }
            spread = vec![SpreadConstraint { field: Field::Cluster, groups_min: 1, groups_max: 1 }];
        }
        if matches!(division, Division::StaticWeights(_)) && !spread.is_empty() {
            let reason = "Karmada ignores spread constraints under static weights; leave them at `any`".to_owned();
            return Err(parameters.invalid("division", reason));
        }
        Ok(Self {
            placement: Placement { affinities: Affinities::All, tolerations: Vec::new(), spread, division },
            estimator: estimator(parameters)?,
            refresh: parameters.span("refresh")?,
        })
    }
}

fn division(parameters: &Parameters) -> Result<Division, ParameterError> {
    let weights = weights(parameters)?;
    let division = parameters.get::<String>("division")?;
    if weights.is_some() && division != "static" {
        return Err(parameters.invalid("weights", format!("they go with `division=static`, not `{division}`")));
    }
    match division.as_str() {
        "dynamic" => Ok(Division::DynamicWeights),
        "aggregated" => Ok(Division::Aggregated),
        "static" => Ok(Division::StaticWeights(weights)),
        "duplicated" => Ok(Division::Duplicated),
        other => {
            let reason = format!("`{other}` is none of `dynamic`, `aggregated`, `static` and `duplicated`");
            Err(parameters.invalid("division", reason))
        }
    }
}

/// `edge:3;cloud:1`, or nothing for `equal`.
fn weights(parameters: &Parameters) -> Result<Option<Vec<WeightRule>>, ParameterError> {
    let text = parameters.get::<String>("weights")?;
    if text == "equal" {
        return Ok(None);
    }
    let rule = |part: &str| {
        let (name, weight) = part.split_once(':')?;
        let weight = weight.parse::<u32>().ok()?;
        Some(WeightRule { target: Affinity::names([name]), weight: weight.into() })
    };
    let rules: Option<Vec<WeightRule>> = text.split(';').map(rule).collect();
    let mistake = || parameters.invalid("weights", format!("`{text}` is neither `equal` nor like `edge:3;cloud:1`"));
    rules.map(Some).ok_or_else(mistake)
}

fn estimator(parameters: &Parameters) -> Result<Estimator, ParameterError> {
    match parameters.get::<String>("estimator")?.as_str() {
        "nodes" => Ok(Estimator::Nodes),
        "sums" => Ok(Estimator::Sums),
        "models" => Ok(Estimator::Models),
        "default-grades" => Ok(Estimator::DefaultGrades),
        other => {
            let reason = format!("`{other}` is none of `nodes`, `sums`, `models` and `default-grades`");
            Err(parameters.invalid("estimator", reason))
        }
    }
}

/// A cluster constraint goes with every other one, as Karmada's webhook demands.
fn spread(parameters: &Parameters) -> Result<Vec<SpreadConstraint>, ParameterError> {
    let regions = groups(parameters, Field::Region, ("regions-min", "regions-max"))?;
    let clusters = groups(parameters, Field::Cluster, ("clusters-min", "clusters-max"))?;
    let all = SpreadConstraint { field: Field::Cluster, groups_min: 1, groups_max: usize::MAX };
    Ok(match (regions, clusters) {
        (None, clusters) => clusters.into_iter().collect(),
        (Some(regions), clusters) => vec![regions, clusters.unwrap_or(all)],
    })
}

fn groups(
    parameters: &Parameters,
    field: Field,
    (min, max): (&'static str, &'static str),
) -> Result<Option<SpreadConstraint>, ParameterError> {
    let (least, most) = (number_or(parameters, min, "any")?, number_or(parameters, max, "any")?);
    if least.is_none() && most.is_none() {
        return Ok(None);
    }
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let (groups_min, groups_max) = (least.map_or(1, count), most.map_or(usize::MAX, count));
    if groups_min == 0 || groups_max < groups_min {
        let reason = format!("{groups_max} lies below {min}, which is {groups_min} and at least 1");
        return Err(parameters.invalid(max, reason));
    }
    Ok(Some(SpreadConstraint { field, groups_min, groups_max }))
}
