//! Step 3: capacity from how latency rises with load.
//!
//! **Formula.** R = t₀ + 1/μ + W, W = V · ρ^(√(2(c+1)) − 1) / (c(1−ρ)μ), with c = r·k workers, ρ = x/(cμ), V = (Ca² + Cs²)/2
//! (Sakasegawa 1977; Allen and Cunneen). With α = kμ the capacity of a replica, W = V · ρ^(…) / (r(1−ρ)α), so base = t₀ + 1/μ,
//! α and V are fitted for each k of 1, 2, 4 … 64 by Levenberg–Marquardt on log R with a soft-L1 loss; k is that of the
//! least loss with base ≥ 1/μ. For a percentile instead of the mean, V also takes up the ratio of that percentile's wait to
//! the mean wait. The capacity within an objective is the largest x/r whose predicted latency meets it.
//!
//! **Assumes** that load causes the latency, and that the queue is in its steady state within a bucket. **Source**: policies
//! §5.7 and §6.2 step 3; Kraft et al. 2009. **Fails** at low load, where latency is flat: the fit is refused unless the
//! busiest samples pass half of the capacity and the curve explains the latency clearly better than a constant. Real
//! latency has other causes too, so the interval is never narrower than ± [`MODEL_ERROR`] (one standard deviation).

use super::bootstrap::{Blocks, spread};
use super::clean::Buckets;
use super::estimate::{Estimate, median, quantile};
use super::levenberg::{Loss, Minimum, minimise};
use super::options::Context;
use super::outcome::Standing;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

/// Relative standard deviation that a model of latency has on real services at best (policies §6.1: 5–15 %).
pub const MODEL_ERROR: f64 = 0.05;
/// Samples that are fitted, at most.
const POINTS_MAX: usize = 300;
/// Resamples at most: each is a non-linear fit.
const RESAMPLES_MAX: usize = 40;
/// Load of the busiest samples, as a share of the capacity, below which latency says nothing.
const LOAD_MIN: f64 = 0.5;
/// Relative half-width of the interval beyond which the curve says nothing.
const HALF_WIDTH_MAX: f64 = 0.3;
/// Share of the loss of a constant that the curve must save.
const GAIN_MIN: f64 = 0.3;

/// Latency as a function of load: `fixed + 1/service_rate + waiting` (Sakasegawa).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyFit {
    /// Which latency was fitted: `latency_mean`, `latency_p50`, `latency_p95` or `latency_p99`.
    pub column: &'static str,
    /// Latency that does not depend on load and needs no worker, in seconds.
    pub fixed: f64,
    /// Requests per second of one worker.
    pub service_rate: f64,
    /// Workers of one replica.
    pub workers: u32,
    /// (Ca² + Cs²)/2: 1 for Poisson arrivals and exponential service.
    pub variability: f64,
    /// Requests per second of one replica.
    pub per_replica: Estimate,
    /// Requests per second of one replica within the objective of the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_replica_within_slo: Option<Estimate>,
    /// Highest load that was observed (99th percentile), as a share of the capacity.
    pub load_max: f64,
    /// Median relative error of the predicted latency.
    pub error: f64,
    /// Whether the curve identifies the capacity; if not, it only describes the latency.
    pub identifies: bool,
    /// Capacity of one replica in each resample.
    #[serde(skip)]
    pub draws: Vec<f64>,
}

impl LatencyFit {
    /// Latency in seconds of `replicas` at `rate`; infinite at and beyond the capacity.
    pub fn at(&self, rate: f64, replicas: f64) -> f64 {
        let alpha = self.service_rate * f64::from(self.workers);
        let base = self.fixed + 1.0 / self.service_rate;
        curve(&Curve { base, alpha, variability: self.variability }, self.workers, rate, replicas)
    }
}

/// Mean waiting time in seconds of `load` requests per second at `workers` of `rate` each (Sakasegawa 1977).
pub fn sakasegawa(load: f64, workers: f64, rate: f64) -> f64 {
    let busy = load / (workers * rate);
    busy.powf((2.0 * (workers + 1.0)).sqrt() - 1.0) / (workers * (1.0 - busy)) / rate
}

/// Parameters of one curve.
#[derive(Debug, Clone, Copy)]
struct Curve {
    base: f64,
    alpha: f64,
    variability: f64,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    rate: f64,
    replicas: f64,
    latency: f64,
}

fn curve(p: &Curve, workers: u32, rate: f64, replicas: f64) -> f64 {
    let busy = rate / (replicas * p.alpha);
    if busy >= 1.0 {
        return f64::INFINITY;
    }
    let exponent = (2.0 * (replicas * f64::from(workers) + 1.0)).sqrt() - 1.0;
    p.base + p.variability * busy.powf(exponent) / (replicas * (1.0 - busy) * p.alpha)
}

/// Fits the latency of the buckets `at`, starting from `hint` requests per second of a replica where another estimator gave
/// one; `None` where latency was seldom observed.
pub fn estimate(
    buckets: &Buckets,
    at: &[usize],
    (column, hint): (&'static str, Option<f64>),
    context: &Context<'_>,
) -> Option<LatencyFit> {
    let Context { options, entity, .. } = *context;
    let samples = thinned(buckets, at);
    if samples.len() < 30 {
        return None;
    }
    let counts = options.workers.map_or_else(|| vec![1, 2, 4, 8, 16, 32, 64], |workers| vec![workers.max(1)]);
    let fits: Vec<(u32, Curve, f64)> = counts
        .iter()
        .filter_map(|workers| fit_workers(&samples, *workers, hint).map(|(curve, loss)| (*workers, curve, loss)))
        .collect();
    let (workers, found, loss) = fits.iter().copied().min_by(|a, b| a.2.total_cmp(&b.2))?;
    let loads: Vec<f64> = samples.iter().map(|sample| sample.rate / sample.replicas / found.alpha).collect();
    let load_max = quantile(&loads, 0.99);
    let gain = 1.0 - loss / loss_of_constant(&samples);
    let bends = load_max >= LOAD_MIN && gain >= GAIN_MIN;
    let mut draws = if bends { resample(&samples, workers, &found, context) } else { Vec::new() };
    // Counts of workers that fit as well are possible truths too.
    let rivals: Vec<f64> =
        fits.iter().filter(|(_, _, other)| *other < 1.02 * loss).map(|(_, curve, _)| curve.alpha).collect();
    let mut stream = options.seed.stream("capacity_latency_model", entity);
    for (at, draw) in draws.iter_mut().enumerate() {
        let shift = rivals[at % rivals.len()] / found.alpha;
        let error: f64 = StandardNormal.sample(&mut stream);
        *draw *= shift * (MODEL_ERROR * error).exp();
    }
    let per_replica = Estimate::from_draws(found.alpha, &draws, options.confidence);
    let identifies = bends && per_replica.relative_half_width() <= HALF_WIDTH_MAX && draws.len() >= 20;
    let errors: Vec<f64> =
        samples.iter().map(|s| (curve(&found, workers, s.rate, s.replicas) / s.latency - 1.0).abs()).collect();
    let service_rate = found.alpha / f64::from(workers);
    let within = options.slo_p95.map(|slo| within_slo(&found, workers, slo, &samples));
    Some(LatencyFit {
        column,
        fixed: (found.base - 1.0 / service_rate).max(0.0),
        service_rate,
        workers,
        variability: found.variability,
        per_replica,
        per_replica_within_slo: within.map(|share| per_replica.scaled(share)),
        load_max,
        error: median(&errors),
        identifies,
        draws,
    })
}

/// Unsaturated buckets with latency, evenly thinned; the busiest tenth is kept whole as far as there is room, for it is where
/// the curve bends.
fn thinned(buckets: &Buckets, at: &[usize]) -> Vec<Sample> {
    let usable = |at: &&usize| {
        buckets.standing[**at] == Standing::Used && buckets.latency[**at] > 0.0 && buckets.rate[**at] > 0.0
    };
    let known: Vec<usize> = at.iter().filter(usable).copied().collect();
    let load: Vec<f64> = known.iter().map(|at| buckets.rate[*at] / buckets.replicas[*at]).collect();
    let busy = quantile(&load, 0.9);
    let stride = known.len().div_ceil(POINTS_MAX).max(1);
    let busy_stride = (known.len() / 10).div_ceil(POINTS_MAX / 3).max(1);
    let kept = |index: usize| index.is_multiple_of(if load[index] >= busy { busy_stride } else { stride });
    let sample =
        |at: usize| Sample { rate: buckets.rate[at], replicas: buckets.replicas[at], latency: buckets.latency[at] };
    (0..known.len()).filter(|index| kept(*index)).map(|index| sample(known[index])).collect()
}

/// The curve with a given count of workers; `None` where it needs a latency below its own service time.
fn fit_workers(samples: &[Sample], workers: u32, hint: Option<f64>) -> Option<(Curve, f64)> {
    let highest = highest(samples);
    let base = quantile(&samples.iter().map(|sample| sample.latency).collect::<Vec<_>>(), 0.05);
    let mut starts = vec![1.15 * highest, 1.8 * highest];
    starts.extend(hint.filter(|hint| *hint > highest));
    let found = starts.into_iter().map(|alpha| descend(samples, workers, &Curve { base, alpha, variability: 1.0 }));
    let (curve, loss) = found.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let serves = curve.base * curve.alpha * 1.1 >= f64::from(workers);
    (serves && loss.is_finite()).then_some((curve, loss))
}

/// The capacity that the busiest sample excludes anything below.
fn highest(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.rate / sample.replicas).fold(0.0, f64::max)
}

/// Parameters are logarithms: of the base, of how far α lies above the busiest sample, and of V, which is held near 1.
fn descend(samples: &[Sample], workers: u32, start: &Curve) -> (Curve, f64) {
    let highest = highest(samples);
    let decode = |p: &[f64]| Curve { base: p[0].exp(), alpha: highest * (1.0 + p[1].exp()), variability: p[2].exp() };
    let encoded = [start.base.ln(), (start.alpha / highest - 1.0).max(1e-3).ln(), start.variability.ln()];
    // One more residual holds V: without it, V and α trade places on a gentle bend. ±1 in its logarithm counts as one
    // standard deviation of a sample.
    let count = samples.len() + 1;
    let Minimum { parameters, loss } = minimise(&encoded, count, Loss { scale: 0.1 }, |p, errors| {
        let at = decode(p);
        for (error, sample) in errors.iter_mut().zip(samples) {
            *error = (curve(&at, workers, sample.rate, sample.replicas) / sample.latency).ln();
        }
        errors[samples.len()] = 0.3 * p[2];
    });
    (decode(&parameters), loss)
}

fn loss_of_constant(samples: &[Sample]) -> f64 {
    let logs: Vec<f64> = samples.iter().map(|sample| sample.latency.ln()).collect();
    let start = [median(&logs)];
    minimise(&start, logs.len(), Loss { scale: 0.1 }, |p, errors| {
        errors.iter_mut().zip(&logs).for_each(|(error, log)| *error = log - p[0]);
    })
    .loss
}

fn resample(samples: &[Sample], workers: u32, found: &Curve, context: &Context<'_>) -> Vec<f64> {
    let Context { options, entity, .. } = *context;
    let blocks = Blocks::new(samples.len(), (samples.len() / 40).max(1));
    let mut stream = options.seed.stream("capacity_latency", entity);
    let mut draws = Vec::new();
    for _ in 0..options.resamples.min(RESAMPLES_MAX) {
        let counts = blocks.draw(&mut stream);
        let cells = counts.iter().enumerate().flat_map(|(cell, count)| std::iter::repeat_n(cell, *count as usize));
        let drawn: Vec<Sample> = cells.flat_map(|cell| samples[blocks.range(cell)].iter().copied()).collect();
        if drawn.is_empty() || highest(&drawn) <= 0.0 {
            continue;
        }
        let alpha = found.alpha.max(1.05 * highest(&drawn));
        draws.push(descend(&drawn, workers, &Curve { alpha, ..*found }).0.alpha);
    }
    spread(&mut draws, found.alpha, blocks.spread());
    let wanted = options.resamples;
    let again: Vec<f64> = (draws.len()..wanted)
        .filter(|_| !draws.is_empty())
        .map(|_| draws[stream.random_range(0..draws.len())])
        .collect();
    draws.extend(again);
    draws
}

/// The largest share of the capacity at which the predicted latency meets the objective, at the usual count of replicas.
fn within_slo(found: &Curve, workers: u32, slo: f64, samples: &[Sample]) -> f64 {
    let replicas = median(&samples.iter().map(|sample| sample.replicas).collect::<Vec<_>>());
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if curve(found, workers, middle * found.alpha * replicas, replicas) <= slo {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::super::clean::clean;
    use super::{LatencyFit, estimate, sakasegawa};
    use crate::capacity::options::{Context, Options};
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    fn fitted(truth: &Truth, seed: u64) -> Option<LatencyFit> {
        let options = Options { resamples: 40, ..Options::default() };
        let cleaned = clean(&truth.series("shop", Seed(seed)), &options).expect("clean");
        let used = cleaned.buckets.used();
        estimate(
            &cleaned.buckets,
            &used,
            ("latency_mean", None),
            &Context { options: &options, entity: 0, fleet: None },
        )
    }

    /// One worker: ρ^(√4 − 1)/(1 − ρ)/μ = ρ/(μ(1−ρ)), which is M/M/1 exactly: 0.8/(10·0.2) = 0.4 s.
    #[test]
    fn the_formula_is_exact_for_one_worker() {
        assert!((sakasegawa(8.0, 1.0, 10.0) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn the_bend_shows_the_capacity() {
        let truth = Truth { target: 0.75, workers: 1, ..Truth::default() };
        let found = fitted(&truth, 1).expect("latency was observed");
        assert!(found.identifies, "{found:?}");
        assert!((found.per_replica.value / 30.0 - 1.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn a_flat_curve_identifies_nothing() {
        let truth = Truth { target: 0.15, ..Truth::default() };
        assert!(!fitted(&truth, 1).is_some_and(|found| found.identifies));
    }
}
