//! Step 7: whether the later part of the samples is what the earlier part predicts.
//!
//! **Formula.** The demand is fitted on the first 70 % in order of time, never on a random part, for neighbours repeat each
//! other. On the rest: MAPE and bias of CPU, the pinball loss at 0.9, and the share inside the 90 % prediction interval
//! (± 1.645 scales · √r). And what decisions would have suffered from: samples served above the capacity although not
//! saturated (it is too low), and saturated samples below 90 % of it (too high).
//!
//! **Source**: policies §6.2 step 7. **Fails** where the last part saw other loads than the first: errors are then those of
//! extrapolation, which is a reason to distrust the fit.

use super::clean::Buckets;
use super::demand;
use super::options::Options;
use super::outcome::Standing;
use serde::Serialize;

/// Prediction of the later samples from the earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validation {
    /// Samples trained on.
    pub trained: usize,
    /// Samples held out.
    pub held_out: usize,
    /// Mean absolute percentage error of CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_mape: Option<f64>,
    /// Mean of (predicted − observed)/observed of CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_bias: Option<f64>,
    /// Pinball loss at the 0.9 quantile, in cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_pinball: Option<f64>,
    /// Share of held-out CPU inside the predicted interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_coverage: Option<f64>,
    /// Share of held-out, unsaturated samples above the capacity: it is too low.
    pub served_above_capacity: f64,
    /// Share of saturated held-out samples below 90 % of the capacity: it is too high. NaN without any.
    pub saturated_below_capacity: f64,
}

/// Normal quantile of a two-sided 90 % interval.
pub const NORMAL_95: f64 = 1.644_854;

/// Validates on the buckets `at`; `capacity` is that of one replica. `None` for fewer than ten on either side.
pub fn validate(buckets: &Buckets, at: &[usize], capacity: f64, options: &Options) -> Option<Validation> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let cut = (at.len() as f64 * options.train.clamp(0.0, 1.0)) as usize;
    let (train, rest) = at.split_at(cut);
    if train.len() < 10 || rest.len() < 10 {
        return None;
    }
    let cheap = Options { resamples: 0, ..options.clone() };
    let errors = demand::estimate(buckets, train, &cheap, 0).map(|fitted| cpu_errors(buckets, rest, &fitted));
    let errors = errors.filter(|errors| errors.count > 0.0);
    let of = |pick: fn(&Errors) -> f64| errors.as_ref().map(|errors| pick(errors) / errors.count);
    let share = |standing: Standing, breach: fn(f64) -> bool| {
        let these = || rest.iter().filter(|at| buckets.standing[**at] == standing);
        let load = |at: usize| buckets.rate[at] / (capacity * buckets.replicas[at]);
        these().filter(|at| breach(load(**at))).count() as f64 / these().count() as f64
    };
    Some(Validation {
        trained: train.len(),
        held_out: rest.len(),
        cpu_mape: of(|errors| errors.absolute),
        cpu_bias: of(|errors| errors.signed),
        cpu_pinball: of(|errors| errors.pinball),
        cpu_coverage: of(|errors| errors.inside),
        served_above_capacity: share(Standing::Used, |load| load > 1.0),
        saturated_below_capacity: share(Standing::Saturated, |load| load < 0.9),
    })
}

#[derive(Default)]
struct Errors {
    count: f64,
    absolute: f64,
    signed: f64,
    pinball: f64,
    inside: f64,
}

fn cpu_errors(buckets: &Buckets, at: &[usize], fitted: &demand::DemandFit) -> Errors {
    let mut errors = Errors::default();
    for at in at.iter().filter(|at| buckets.cpu[**at] > 0.0) {
        let (observed, replicas) = (buckets.cpu[*at], buckets.replicas[*at]);
        let predicted = fitted.cpu(buckets.rate[*at], replicas);
        let deviation = fitted.scale * replicas.sqrt();
        let above = observed - (predicted + 1.281_552 * deviation);
        errors.count += 1.0;
        errors.absolute += (predicted / observed - 1.0).abs();
        errors.signed += predicted / observed - 1.0;
        errors.pinball += if above > 0.0 { 0.9 * above } else { -0.1 * above };
        errors.inside += f64::from(u8::from((observed - predicted).abs() <= NORMAL_95 * deviation));
    }
    errors
}
