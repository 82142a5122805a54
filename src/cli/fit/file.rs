//! Fits to `capacity.yaml` and back: the file has what scenarios and back tests need, and rounds to six digits.

use super::super::Failure;
use crate::capacity::ceiling::{Ceiling, CeilingSource};
use crate::capacity::demand::Demand;
use crate::capacity::drift::DriftVerdict;
use crate::capacity::latency::LatencyFit;
use crate::capacity::{Estimate, Fitted, FittedGroup, IdentifiedBy, Options, Outcome, Scope};
use crate::cli::yaml;
use crate::input::capacities::{FittedClass, FittedCpu, FittedFile, FittedLatency, FittedRefusal};
use crate::model::Capacity;
use crate::units::Time;
use std::collections::BTreeMap;

/// The file of all groups; of several for one class the surest counts.
pub fn to_file(
    groups: &[FittedGroup],
    class_of: &BTreeMap<String, String>,
    options: &Options,
    made_by: &str,
) -> FittedFile {
    let mut services: BTreeMap<String, BTreeMap<String, FittedClass>> = BTreeMap::new();
    let mut chosen: BTreeMap<(String, String), f64> = BTreeMap::new();
    for group in groups {
        let class = class_of.get(&group.class).unwrap_or(&group.class).clone();
        let width = group.fitted().map_or(f64::INFINITY, |fitted| fitted.per_replica.relative_half_width());
        let width = if width.is_nan() { f64::MAX } else { width };
        let key = (group.service.clone(), class.clone());
        if chosen.get(&key).is_some_and(|before| *before <= width) {
            continue;
        }
        chosen.insert(key, width);
        services.entry(group.service.clone()).or_default().insert(class, of_group(group));
    }
    FittedFile { made_by: made_by.to_owned(), capacity_quantile: options.capacity_quantile, services }
}

/// The file as YAML.
///
/// # Errors
/// Never; the writer says it can fail.
pub fn to_yaml(file: &FittedFile) -> Result<String, Failure> {
    let value = serde_json::to_value(file).map_err(Failure::run)?;
    let head = "# Capacities as `smo fit` found them: scenarios read them by `capacities: FILE`, `smo backtest` by --capacity.\n";
    Ok(head.to_owned() + &yaml::document(&value)?)
}

fn of_group(group: &FittedGroup) -> FittedClass {
    let notes = group.notes.iter().map(|note| note.message.clone()).collect();
    let fitted = match &group.outcome {
        Outcome::Refused(refusal) => {
            let refused = FittedRefusal {
                code: refusal.code.to_owned(),
                reason: refusal.reason.clone(),
                would_help: refusal.would_help.clone(),
            };
            return FittedClass { refused: Some(refused), notes, ..FittedClass::default() };
        }
        Outcome::Fitted(fitted) => fitted,
    };
    let interval = |estimate: &Estimate| [rounded(estimate.low), rounded(estimate.high)];
    FittedClass {
        identified_by: Some(fitted.identified_by.name().to_owned()),
        scope: serde_json::to_value(fitted.scope).ok().and_then(|scope| scope.as_str().map(str::to_owned)),
        capacity: Some(rounded_capacity(&fitted.capacity).into()),
        capacity_low: Some(rounded_capacity(&fitted.capacity_low).into()),
        intervals: fitted.coefficients.iter().map(|one| (one.name.to_owned(), interval(&one.estimate))).collect(),
        per_replica: Some(three(&fitted.per_replica)),
        version: fitted.version.clone(),
        points: Some(group.points.used),
        cpu: fitted.demand.as_ref().map(|demand| FittedCpu {
            seconds_per_request: three(&demand.per_request),
            cores_per_idle_replica: three(&demand.per_replica),
            scale_cores: rounded(demand.scale),
            growth: demand.growth.map(rounded),
            limit_cores: fitted.ceiling.as_ref().map(|ceiling| rounded(ceiling.limit)),
            ceiling_share: fitted.ceiling.as_ref().map(|ceiling| three(&ceiling.share)),
        }),
        latency: fitted.latency.as_ref().map(|latency| FittedLatency {
            column: latency.column.to_owned(),
            fixed_s: rounded(latency.fixed),
            per_worker_per_s: rounded(latency.service_rate),
            workers: latency.workers,
            variability: rounded(latency.variability),
            // Without an interval the curve describes the latency, and identifies nothing.
            per_replica: Some(&latency.per_replica).filter(|one| one.low.is_finite()).map(three),
            per_replica_within_slo: latency.per_replica_within_slo.as_ref().map(three),
            load_max: rounded(latency.load_max),
            error: rounded(latency.error),
        }),
        drift_at_s: fitted.drift.at.filter(|_| fitted.drift.drifted).map(Time::as_seconds_f64),
        notes,
        refused: None,
    }
}

/// What predictions need of a fit, read back; `None` for a refusal.
pub fn to_fitted(class: &FittedClass) -> Option<Fitted> {
    let capacity = Capacity::try_from(class.capacity?).ok()?;
    let capacity_low = class.capacity_low.and_then(|law| Capacity::try_from(law).ok()).unwrap_or(capacity);
    let identified_by = [IdentifiedBy::Saturation, IdentifiedBy::Cpu, IdentifiedBy::Latency, IdentifiedBy::Assumed]
        .into_iter()
        .find(|by| Some(by.name()) == class.identified_by.as_deref())
        .unwrap_or(IdentifiedBy::Assumed);
    let demand = class.cpu.as_ref().map(|cpu| Demand {
        per_request: estimate(cpu.seconds_per_request),
        per_replica: estimate(cpu.cores_per_idle_replica),
        growth: cpu.growth,
        scale: cpu.scale_cores,
        r_squared: f64::NAN,
    });
    let ceiling = class.cpu.as_ref().and_then(|cpu| {
        Some(Ceiling { share: estimate(cpu.ceiling_share?), source: CeilingSource::Known, limit: cpu.limit_cores? })
    });
    let columns = ["latency_mean", "latency_p50", "latency_p95", "latency_p99"];
    let latency = class.latency.as_ref().and_then(|latency| {
        Some(LatencyFit {
            column: columns.into_iter().find(|column| **column == latency.column)?,
            fixed: latency.fixed_s,
            service_rate: latency.per_worker_per_s,
            workers: latency.workers,
            variability: latency.variability,
            per_replica: latency.per_replica.map_or(Estimate::exact(f64::NAN), estimate),
            per_replica_within_slo: latency.per_replica_within_slo.map(estimate),
            load_max: latency.load_max,
            error: latency.error,
            identifies: true,
            draws: Vec::new(),
        })
    });
    let per_replica = class.per_replica.map_or(Estimate { value: f64::NAN, low: f64::NAN, high: f64::NAN }, estimate);
    Some(Fitted {
        identified_by,
        capacity,
        capacity_low,
        coefficients: Vec::new(),
        per_replica,
        levels: Vec::new(),
        scope: Scope::Class,
        version: class.version.clone(),
        span: (Time::ZERO, Time::ZERO),
        candidates: Vec::new(),
        demand,
        ceiling,
        latency,
        shape: None,
        r_squared: f64::NAN,
        validation: None,
        drift: DriftVerdict { drifted: false, at: None, alarm_at: None, by: Vec::new(), ratio: None },
    })
}

const fn estimate([value, low, high]: [f64; 3]) -> Estimate {
    Estimate { value, low, high }
}

fn three(estimate: &Estimate) -> [f64; 3] {
    [rounded(estimate.value), rounded(estimate.low), rounded(estimate.high)]
}

fn rounded_capacity(capacity: &Capacity) -> Capacity {
    match *capacity {
        Capacity::Linear { alpha, beta } => Capacity::Linear { alpha: rounded(alpha), beta: rounded(beta) },
        Capacity::Usl { gamma, sigma, kappa } => {
            Capacity::Usl { gamma: rounded(gamma), sigma: rounded(sigma), kappa: rounded(kappa) }
        }
    }
}

/// Six digits: more than any fit knows. An end of an interval that is unbounded becomes the largest number that YAML has for
/// everybody.
pub fn rounded(value: f64) -> f64 {
    if value.is_infinite() {
        return value.signum() * 1e300;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn six_digits_are_kept() {
        let shown = [30.123_456_789, -0.000_123_456_789, 0.0, f64::INFINITY].map(|value| rounded(value).to_string());
        assert_eq!(shown[..3], ["30.1235", "-0.000123457", "0"]);
        assert!(shown[3].parse::<f64>().is_ok_and(f64::is_finite));
    }
}
