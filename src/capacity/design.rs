//! What to measure next: the load levels and counts of replicas that shrink the interval most.
//!
//! **Formula.** The logarithm of the capacity of r replicas is taken as ln α + s·ln(r/r₀), with r₀ the usual count: s is 0 where
//! replicas scale perfectly beside 1 already taken out. An experiment adds information J = g gᵀ/v: one at saturation of r
//! replicas sees ln α + s·ln(r/r₀) with v = level² + scatter²/independent minutes; one below saturation sees ln α through
//! CPU, with the variance of c = ∂ln α/∂(D, b) under the demand's normal equations plus that of the ceiling. Greedily, the
//! experiment is taken that shrinks the mean variance over the counts of interest most per minute (c-optimality;
//! Pukelsheim 1993).
//!
//! **Assumes** noise like that seen so far (2 % between levels, 5 % between minutes, where nothing was). **Fails** to see what
//! no sample hinted at, such as another bottleneck at higher counts: that is why it spreads its levels.

use super::ceiling::ASSUMED;
use super::outcome::{Fitted, FittedGroup, IdentifiedBy};
use super::predict::throughput;
use nalgebra::{Matrix2, Vector2};
use serde::Serialize;

/// Deviation of a level's capacity from the curve, relative.
const LEVEL: f64 = 0.02;
/// Scatter of minutes at saturation, relative.
const SCATTER: f64 = 0.05;
/// Prior standard deviation of ln α where nothing is known: a factor of two either way.
const UNKNOWN: f64 = 0.7;
/// Prior standard deviation of the exponent s.
const BENDING: f64 = 0.3;
/// Minutes of one experiment.
const MINUTES: u32 = 15;
/// 95 % quantile of the normal law.
const NORMAL_95: f64 = 1.645;

/// One experiment of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    /// Ready replicas to hold.
    pub replicas: u32,
    /// Requests per second to offer; where it must saturate, the rate to go beyond. NaN where nothing is known yet.
    pub rate: f64,
    /// Minutes to hold it.
    pub minutes: u32,
    /// Whether it must reach saturation.
    pub saturating: bool,
    /// Relative half-width of the 90 % interval of the capacity over the counts of interest, once this one and those before it
    /// were measured.
    pub half_width: f64,
    /// Why this one.
    pub why: String,
}

/// What to measure next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Name of the service.
    pub service: String,
    /// Class of clusters.
    pub class: String,
    /// Relative half-width now, over the counts of interest.
    pub half_width_now: f64,
    /// In the order in which they help most.
    pub experiments: Vec<Experiment>,
}

/// What is known: the information on (ln α, s), and the capacity of a replica if any.
struct Known {
    information: Matrix2<f64>,
    usual: f64,
    per_replica: f64,
    counts: Vec<u32>,
    /// Variance of ln α that CPU at any load cannot remove: that of the ceiling.
    ceiling: f64,
    cpu_noise: f64,
    /// Experiments at saturation by count: a second one at a level removes no deviation of that level.
    measured: Vec<u32>,
}

/// Plans `count` experiments for a group; `replicas_max` is the largest count that may be used.
pub fn plan(group: &FittedGroup, replicas_max: u32, count: usize) -> Plan {
    let mut known = known(group, replicas_max.max(1));
    let half_width_now = NORMAL_95 * mean_variance(&known, &known.information).sqrt();
    let mut experiments = Vec::new();
    for _ in 0..count {
        let options = candidates(&known, replicas_max.max(1));
        let scored = options.into_iter().map(|option| {
            let information = known.information + option.gain(&known);
            (mean_variance(&known, &information), information, option)
        });
        let Some((variance, information, option)) = scored.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        known.information = information;
        if option.saturating {
            known.measured.push(option.replicas);
        }
        experiments.push(Experiment {
            replicas: option.replicas,
            rate: option.load * known.per_replica * f64::from(option.replicas),
            minutes: MINUTES,
            saturating: option.saturating,
            half_width: NORMAL_95 * variance.sqrt(),
            why: option.why(&known),
        });
    }
    Plan { service: group.service.clone(), class: group.class.clone(), half_width_now, experiments }
}

fn known(group: &FittedGroup, replicas_max: u32) -> Known {
    let prior = Matrix2::new(UNKNOWN.powi(-2), 0.0, 0.0, BENDING.powi(-2));
    let Some(fitted) = group.fitted() else {
        let counts = vec![1, replicas_max.div_ceil(2), replicas_max];
        let (usual, per_replica) = (f64::from(replicas_max.div_ceil(2)), f64::NAN);
        return Known {
            information: prior,
            usual,
            per_replica,
            counts,
            ceiling: ASSUMED.1,
            cpu_noise: SCATTER,
            measured: Vec::new(),
        };
    };
    let usual = fitted.levels.iter().max_by_key(|level| level.points).map_or(1.0, |level| f64::from(level.replicas));
    let mut counts: Vec<u32> = fitted.levels.iter().map(|level| level.replicas).chain([replicas_max]).collect();
    counts.sort_unstable();
    counts.dedup();
    let variance = (fitted.per_replica.relative_half_width() / NORMAL_95).max(1e-4).powi(2);
    let seen = Matrix2::new(1.0 / variance, 0.0, 0.0, 0.0);
    let information = Matrix2::new(0.0, 0.0, 0.0, prior[(1, 1)]) + seen + bending_seen(fitted, usual);
    let ceiling = fitted.ceiling.map_or(ASSUMED.1, |ceiling| ceiling.share.relative_half_width() / NORMAL_95);
    let cpu = fitted
        .demand
        .as_ref()
        .map_or(SCATTER, |demand| demand.scale / demand.per_request.value.max(1e-12) / fitted.per_replica.value);
    Known {
        information,
        usual,
        per_replica: fitted.per_replica.value,
        counts,
        ceiling,
        cpu_noise: cpu.max(0.01),
        measured: Vec::new(),
    }
}

/// What levels measured at saturation say about s.
fn bending_seen(fitted: &Fitted, usual: f64) -> Matrix2<f64> {
    if fitted.identified_by != IdentifiedBy::Saturation {
        return Matrix2::zeros();
    }
    let each = |replicas: f64| (replicas / usual).ln().powi(2) / (LEVEL * LEVEL);
    let levels = fitted.shape.as_ref().map_or(&[][..], |shape| &shape.measured);
    Matrix2::new(0.0, 0.0, 0.0, levels.iter().map(|level| each(level.0)).sum())
}

/// Mean variance of ln C(r) over the counts of interest.
fn mean_variance(known: &Known, information: &Matrix2<f64>) -> f64 {
    let Some(covariance) = information.try_inverse() else { return f64::INFINITY };
    let each = |count: &u32| {
        let gradient = Vector2::new(1.0, (f64::from(*count) / known.usual).ln());
        gradient.dot(&(covariance * gradient))
    };
    known.counts.iter().map(each).sum::<f64>() / known.counts.len() as f64
}

struct Choice {
    replicas: u32,
    load: f64,
    saturating: bool,
}

impl Choice {
    fn gain(&self, known: &Known) -> Matrix2<f64> {
        let gradient = Vector2::new(1.0, (f64::from(self.replicas) / known.usual).ln());
        let independent = f64::from(MINUTES) / 3.0;
        if self.saturating {
            let again = known.measured.contains(&self.replicas);
            let variance = if again { LEVEL * LEVEL * 8.0 } else { LEVEL * LEVEL } + SCATTER * SCATTER / independent;
            return gradient * gradient.transpose() / variance;
        }
        // CPU sees ln α alone: closer to the ceiling, the demand is extrapolated less.
        let reach = known.cpu_noise / self.load / independent.sqrt();
        let variance = known.ceiling.powi(2) + reach * reach + (0.1 * (1.0 - self.load)).powi(2);
        Matrix2::new(1.0 / variance, 0.0, 0.0, 0.0)
    }

    fn why(&self, known: &Known) -> String {
        let replicas = self.replicas;
        if !self.saturating {
            return format!("CPU per request at {:.0} % of the capacity, without overload", 100.0 * self.load);
        }
        if known.counts.last() == Some(&replicas) {
            format!(
                "capacity of {replicas} replicas, the most that are planned with: nothing else shows whether replicas still add up there"
            )
        } else if known.counts.first() == Some(&replicas) {
            format!("capacity of {replicas} replicas, the other end: the slope needs both")
        } else {
            format!("capacity of {replicas} replicas, measured where it is planned with")
        }
    }
}

fn candidates(known: &Known, replicas_max: u32) -> Vec<Choice> {
    let mut counts = vec![1, replicas_max.div_ceil(4), replicas_max.div_ceil(2), replicas_max];
    counts.extend(known.counts.iter().copied().filter(|count| *count <= replicas_max));
    counts.sort_unstable();
    counts.dedup();
    let mut choices: Vec<Choice> =
        counts.iter().map(|replicas| Choice { replicas: *replicas, load: 1.0, saturating: true }).collect();
    if known.per_replica.is_finite() {
        choices.extend([0.5, 0.85].map(|load| Choice { replicas: replicas_max.div_ceil(2), load, saturating: false }));
    }
    choices
}

impl Plan {
    /// Requests per second that the plan needs at most, by the model; NaN where none is known.
    pub fn rate_max(&self, fitted: Option<&Fitted>) -> f64 {
        let most = self.experiments.iter().map(|experiment| experiment.replicas).max().unwrap_or(0);
        fitted.map_or(f64::NAN, |fitted| throughput(&fitted.capacity, f64::from(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::plan;
    use crate::capacity::fit_series;
    use crate::capacity::options::Options;
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    #[test]
    fn every_experiment_shrinks_the_interval_and_the_first_one_saturates() {
        let options = Options { resamples: 40, ..Options::default() };
        let group = fit_series(&Truth::default().series("shop", Seed(1)), &options, None);
        let plan = plan(&group, 40, 4);
        assert!(plan.experiments[0].saturating, "{plan:?}");
        let widths: Vec<f64> = plan.experiments.iter().map(|experiment| experiment.half_width).collect();
        assert!(widths[0] < 0.7 * plan.half_width_now && widths.windows(2).all(|pair| pair[1] <= pair[0]), "{plan:?}");
        assert!(
            plan.experiments.iter().any(|experiment| experiment.replicas == 40),
            "the far end is measured: {plan:?}"
        );
    }

    #[test]
    fn a_refusal_is_planned_for_too() {
        let mut series = Truth::default().series("shop", Seed(1));
        series.cpu.clear();
        let group = fit_series(&series, &Options { resamples: 20, ..Options::default() }, None);
        assert!(group.refused().is_some());
        let plan = plan(&group, 10, 3);
        assert!(plan.half_width_now > 1.0 && plan.experiments[2].half_width < 0.1, "{plan:?}");
    }
}
