//! What observations must be before anything is fitted: an error for what is not data, a refusal for data that lie.
//!
//! An [`ObservationError`] stops the whole fit: columns that do not match, two series of one name. A [`Refusal`] stops
//! one series: percentages among shares, millicores among cores, two services mixed under one name. Both say what would be
//! right. Single values that cannot be (negative rates) are dropped and counted by [`super::clean`].

use super::estimate::{median, quantile};
use super::observations::{Observations, Series, value};
use super::outcome::Refusal;
use std::collections::BTreeSet;

/// Utilisation of a CPU limit that only another unit explains.
const UTILISATION_MAX: f64 = 5.0;
/// Ratio between neighbours, in ascending order, that only another unit explains.
const UNIT_GAP: f64 = 20.0;
/// Median latency in seconds beyond which it is taken for milliseconds.
const LATENCY_MAX: f64 = 300.0;

/// Observations that cannot be read as what they claim to be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObservationError {
    /// Results are named by service and class, so a pair may occur once.
    #[error(
        "service `{service}` on class `{class}` occurs twice; give the two different names, or join them into one series"
    )]
    Repeated {
        /// The service.
        service: String,
        /// The class.
        class: String,
    },
    /// Columns are parallel.
    #[error(
        "service `{service}`: column `{column}` has {found} values for {wanted} samples; a column that was not observed is \
         empty"
    )]
    Length {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
        /// Values in it.
        found: usize,
        /// Samples.
        wanted: usize,
    },
    /// Replicas and a rate are the least.
    #[error(
        "service `{service}`: column `{column}` is missing; a fit needs time, ready replicas and a request rate (offered or \
         completed)"
    )]
    Missing {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
    },
    /// A share beyond 1 is a percentage.
    #[error(
        "service `{service}`, sample {sample}: `{column}` is {value}; a share lies between 0 and 1, divide percentages by 100"
    )]
    Share {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
        /// The sample.
        sample: usize,
        /// What was found.
        value: f64,
    },
    /// Nothing was given.
    #[error("there are no observations; give at least one series of time, ready replicas and a request rate")]
    Nothing,
}

/// Checks the form of all series.
///
/// # Errors
///
/// The first breach, with the service and the column.
pub fn check(observations: &Observations) -> Result<(), ObservationError> {
    if observations.series.is_empty() {
        return Err(ObservationError::Nothing);
    }
    let mut names = BTreeSet::new();
    for series in &observations.series {
        if !names.insert((&series.service, &series.class)) {
            return Err(ObservationError::Repeated { service: series.service.clone(), class: series.class.clone() });
        }
        check_series(series)?;
    }
    Ok(())
}

fn check_series(series: &Series) -> Result<(), ObservationError> {
    let (service, wanted) = (|| series.service.clone(), series.len());
    let lengths = series.columns().map(|(column, values)| (column, values.len()));
    for (column, found) in
        lengths.into_iter().chain([("version", series.version.len()), ("cluster", series.cluster.len())])
    {
        if found != 0 && found != wanted {
            return Err(ObservationError::Length { service: service(), column, found, wanted });
        }
    }
    let absent = [
        ("replicas", series.replicas.is_empty()),
        ("completed", series.offered.is_empty() && series.completed.is_empty()),
    ];
    if let Some((column, _)) = absent.into_iter().find(|(_, absent)| *absent && wanted > 0) {
        return Err(ObservationError::Missing { service: service(), column });
    }
    for (column, values) in [("throttled", &series.throttled), ("errors", &series.errors)] {
        if let Some(sample) = values.iter().position(|share| *share > 1.05) {
            return Err(ObservationError::Share { service: service(), column, sample, value: values[sample] });
        }
    }
    Ok(())
}

/// Whether the columns contradict each other so that no number could be trusted.
pub fn contradiction(series: &Series) -> Option<Refusal> {
    cpu_in_another_unit(series).or_else(|| rate_in_two_units(series)).or_else(|| latency_in_another_unit(series))
}

fn mixed(reason: String, help: &str) -> Refusal {
    Refusal { code: "mixed_units", reason, would_help: vec![help.to_owned()] }
}

fn cpu_in_another_unit(series: &Series) -> Option<Refusal> {
    if series.cpu.is_empty() || series.cpu_limit.is_empty() {
        return None;
    }
    let used: Vec<f64> = (0..series.len())
        .filter(|at| series.replicas[*at] > 0.0 && series.cpu_limit[*at] > 0.0)
        .map(|at| series.cpu[at] / (series.replicas[at] * series.cpu_limit[at]))
        .collect();
    let middle = median(&used);
    (middle > UTILISATION_MAX).then(|| {
        let reason =
            format!("replicas use {middle:.0} times their CPU limit; `cpu` and `cpu_limit` are not in one unit");
        mixed(reason, "CPU of all replicas and the limit of one replica, both in cores (500m is 0.5)")
    })
}

/// Two groups of samples, each more than one in twenty, whose requests per core differ twentyfold at similar CPU.
fn rate_in_two_units(series: &Series) -> Option<Refusal> {
    if series.cpu.is_empty() {
        return None;
    }
    let rates = if series.completed.is_empty() { &series.offered } else { &series.completed };
    let mut both: Vec<(f64, f64)> = (0..series.len())
        .filter(|at| rates[*at] > 0.0 && series.cpu[*at] > 0.0)
        .map(|at| (rates[at] / series.cpu[at], series.cpu[at]))
        .collect();
    both.sort_by(|a, b| a.0.total_cmp(&b.0));
    let margin = both.len() / 20 + 1;
    let upper = (margin..both.len().saturating_sub(margin)).find(|at| both[*at].0 > UNIT_GAP * both[at - 1].0)?;
    let middle = |part: &[(f64, f64)]| median(&part.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let (below, above) = (middle(&both[..upper]), middle(&both[upper..]));
    (below < 3.0 * above && above < 3.0 * below).then(|| {
        let ratio = both[upper].0 / both[upper - 1].0;
        let reason = format!(
            "requests per core jump {ratio:.0}-fold between samples of similar CPU: rates or CPU change their unit"
        );
        mixed(reason, "all rates per second and all CPU in cores over the whole series")
    })
}

fn latency_in_another_unit(series: &Series) -> Option<Refusal> {
    for (column, values) in series.columns().into_iter().filter(|(column, _)| column.starts_with("latency")) {
        let middle = quantile(values, 0.5);
        if middle > LATENCY_MAX {
            let reason = format!("the median of `{column}` is {middle:.0} s: it looks like milliseconds");
            return Some(mixed(reason, "latencies in seconds"));
        }
    }
    let disordered =
        (0..series.len()).filter(|at| value(&series.latency_p50, *at) > 1.01 * value(&series.latency_p95, *at));
    let count = disordered.count();
    (count * 4 > series.len() && count > 0).then(|| {
        let reason = format!("in {count} of {} samples the median latency is above the 95th percentile", series.len());
        mixed(reason, "both quantiles of the same requests, in seconds")
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Truth;
    use super::{ObservationError, check, contradiction};
    use crate::capacity::Observations;
    use crate::seed::Seed;

    #[test]
    fn form_is_checked() {
        let series = Truth { minutes: 60, ..Truth::default() }.series("shop", Seed(1));
        let both = |change: fn(&mut crate::capacity::Series)| {
            let mut other = series.clone();
            change(&mut other);
            check(&Observations { series: vec![other] })
        };
        assert_eq!(check(&Observations::default()), Err(ObservationError::Nothing));
        assert!(matches!(
            check(&Observations { series: vec![series.clone(), series.clone()] }),
            Err(ObservationError::Repeated { .. })
        ));
        assert!(matches!(both(|s| s.cpu.truncate(3)), Err(ObservationError::Length { column: "cpu", found: 3, .. })));
        assert!(matches!(both(|s| s.throttled[7] = 12.0), Err(ObservationError::Share { sample: 7, .. })));
        assert!(matches!(both(|s| s.replicas.clear()), Err(ObservationError::Missing { column: "replicas", .. })));
        assert_eq!(both(|_| {}), Ok(()));
    }

    #[test]
    fn other_units_are_seen_and_an_idle_night_is_not_one() {
        let series = Truth { minutes: 600, ..Truth::default() }.series("shop", Seed(1));
        assert_eq!(contradiction(&series), None);
        let mut millicores = series.clone();
        millicores.cpu.iter_mut().for_each(|cpu| *cpu *= 1000.0);
        assert_eq!(contradiction(&millicores).map(|refusal| refusal.code), Some("mixed_units"));
        let mut minutes = series.clone();
        minutes.completed[200..].iter_mut().for_each(|rate| *rate *= 60.0);
        assert_eq!(contradiction(&minutes).map(|refusal| refusal.code), Some("mixed_units"));
        let mut night = series.clone();
        for at in 0..200 {
            night.completed[at] = 0.01;
            night.cpu[at] = 0.05 * night.replicas[at];
        }
        assert_eq!(contradiction(&night), None);
        let mut milliseconds = series;
        milliseconds.latency_mean.iter_mut().for_each(|latency| *latency *= 1e4);
        assert!(contradiction(&milliseconds).is_some());
    }
}
