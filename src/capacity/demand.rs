//! Step 1: what a request and an idle replica cost in CPU (the utilisation law).
//!
//! **Formula.** CPU = D·x + b·r, with the total CPU in cores, x requests per second, r ready replicas, D the service demand in
//! CPU seconds and b the overhead of an idle replica, both ≥ 0, by Huber-weighted least squares with weights 1/r (noise of
//! replicas adds up). Capacity of a replica under a ceiling η of its limit: α = (η·limit − b)/D. Where the data ask for it
//! (ΔBIC > 10 and an effect that matters), demand grows with load: CPU = D·x + b·r + D₂·x²/r, which is what
//! frequency scaling and shared cores do.
//!
//! **Noisy rates.** Scrapes that do not line up make x noisy; that shrinks D (attenuation) and makes α too large: by 13 % for
//! rates that are off by 5 %, since an autoscaler lets x/r vary by little more. The fit with the neighbouring samples' rates as
//! instruments, whose noise is independent, has no such error; it is taken where it is about as sure as the plain one, and
//! where the two differ significantly, which is noted.
//!
//! **Assumes** one mix of requests. **Source**: Spinner, Casale, Brosig, Kounev, *Evaluating approaches to resource demand
//! estimation* (2015); Zhang et al. 2013 for the quadratic term; Durbin 1954, Wu, Hausman for the comparison.
//! **Fails** where x/r never varies (D and b cannot be told apart; [`DemandFit::conditioning`]) and where CPU is not what
//! runs out.

use super::bootstrap::Blocks;
use super::clean::Buckets;
use super::estimate::{Estimate, median, quantile, scale_of};
use super::options::Options;
use super::robust::{Moments, RobustFit, Row, conditioning, fit, newton_moments, newton_step, r_squared};
use nalgebra::{Matrix2, Vector2};
use serde::Serialize;

/// Difference of the Bayesian information criterion that speaks for a growing demand.
const BIC_MIN: f64 = 10.0;
/// Conditioning below which D and b cannot be told apart: a rate per replica that varies by less than 3 %.
pub const CONDITIONING_MIN: f64 = 5e-4;
/// Relative difference of the instrumental demand that matters.
const ATTENUATION_MIN: f64 = 0.02;
/// Deviation of the instrumental demand over that of the plain one, up to which nothing is lost by taking it.
const SURENESS_MAX: f64 = 1.25;

/// CPU that requests and idle replicas cost: `cpu = per_request · x + per_replica · r`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Demand {
    /// CPU seconds of one request.
    pub per_request: Estimate,
    /// Cores of an idle replica.
    pub per_replica: Estimate,
    /// Growth of the demand, where the data ask for it: CPU gains `growth · x² / r`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<f64>,
    /// Robust standard deviation of the residuals of one replica, in cores; of r replicas it is √r times that.
    pub scale: f64,
    /// Share of the variance of CPU that it explains.
    pub r_squared: f64,
}

/// A fitted demand with its resamples.
#[derive(Debug, Clone)]
pub struct DemandFit {
    /// D, b and D₂.
    pub theta: [f64; 3],
    /// The same of each resample.
    pub draws: Vec<[f64; 3]>,
    /// Robust standard deviation of a residual over √r.
    pub scale: f64,
    /// Share of the variance that is explained.
    pub r_squared: f64,
    /// Smallest eigenvalue of the columns' correlation; near 0 they cannot be told apart.
    pub conditioning: f64,
    /// Whether the instrumental fit says something else than the plain one.
    pub instrumental: bool,
    /// 99th percentile of CPU per replica, in cores: beyond it the law extrapolates.
    pub cpu_max: f64,
    /// Samples.
    pub points: usize,
}

impl DemandFit {
    /// CPU of `replicas` at `rate`.
    pub fn cpu(&self, rate: f64, replicas: f64) -> f64 {
        cpu(&self.theta, rate, replicas)
    }

    /// The rate at which one replica uses `cores`, of the fit and of each resample; NaN where it never does.
    pub fn rate_at(&self, cores: f64) -> f64 {
        rate_at(&self.theta, cores)
    }

    /// For the report.
    pub fn summary(&self, confidence: f64) -> Demand {
        let column = |at: usize| {
            let draws: Vec<f64> = self.draws.iter().map(|draw| draw[at]).collect();
            Estimate::from_draws(self.theta[at], &draws, confidence)
        };
        Demand {
            per_request: column(0),
            per_replica: column(1),
            growth: (self.theta[2] > 0.0).then_some(self.theta[2]),
            scale: self.scale,
            r_squared: self.r_squared,
        }
    }
}

/// CPU of `replicas` at `rate` for coefficients D, b, D₂.
pub fn cpu(theta: &[f64; 3], rate: f64, replicas: f64) -> f64 {
    theta[0] * rate + theta[1] * replicas + theta[2] * rate * rate / replicas.max(1e-9)
}

/// The rate at which one replica uses `cores`: D₂y² + Dy + b = cores.
pub fn rate_at(theta: &[f64; 3], cores: f64) -> f64 {
    let [linear, idle, growth] = *theta;
    let room = cores - idle;
    if room <= 0.0 {
        return f64::NAN;
    }
    // The form without cancellation, which is room/D for D₂ = 0.
    2.0 * room / (linear + (linear * linear + 4.0 * growth * room).sqrt())
}

/// Fits the demand on the buckets `at`; `None` where CPU was seldom observed or does not vary.
pub fn estimate(buckets: &Buckets, at: &[usize], options: &Options, entity: u64) -> Option<DemandFit> {
    let known: Vec<usize> = at.iter().copied().filter(|at| buckets.cpu[*at] >= 0.0).collect();
    if known.len() < 3 {
        return None;
    }
    let straight: Vec<Row> = known.iter().map(|at| row(buckets, *at, options, false)).collect();
    let fitted = fit(&straight)?;
    if fitted.theta[0] <= 0.0 {
        return None;
    }
    let blocks = Blocks::new(known.len(), block_samples(buckets, &known, options));
    let curved: Vec<Row> = known.iter().map(|at| row(buckets, *at, options, true)).collect();
    let growing = fit(&curved).filter(|growing| asks_for_growth(&straight, &curved, (&fitted, growing), &blocks));
    let (rows, fitted) = growing.map_or((straight, fitted), |growing| (curved, growing));
    let mut resampled = Resampled { blocks, options, entity };
    let mut theta = fitted.theta;
    let mut draws = resampled.newton(&rows, &fitted);
    let mut instrumental = false;
    if fitted.theta[2] == 0.0 {
        let sums = instrument_sums(buckets, &known, (&rows, &fitted), &blocks);
        if let Some(found) = resampled.instrumental(&sums, &theta, &draws) {
            (theta, draws, instrumental) = (found.theta, found.draws, found.differs);
        }
    }
    let per_replica: Vec<f64> = known.iter().map(|at| buckets.cpu[*at] / buckets.replicas[*at]).collect();
    let final_fit = RobustFit { theta, scale: fitted.scale };
    Some(DemandFit {
        theta,
        draws,
        scale: fitted.scale,
        r_squared: r_squared(&rows, &final_fit),
        conditioning: conditioning(&rows),
        instrumental,
        cpu_max: quantile(&per_replica, 0.99),
        points: known.len(),
    })
}

/// Buckets of a block of the bootstrap.
pub fn block_samples(buckets: &Buckets, at: &[usize], options: &Options) -> usize {
    let sources = buckets.sources() as f64;
    let first = at.iter().copied().filter(|bucket| buckets.source[*bucket] == buckets.source[at[0]]);
    let times: Vec<u64> = first.map(|bucket| buckets.at[bucket]).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    let step = median(&gaps).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
    let samples = (sources * options.block.0 as f64 / step).round().clamp(1.0, 1e6) as usize;
    samples
}

fn row(buckets: &Buckets, at: usize, options: &Options, growing: bool) -> Row {
    let (rate, replicas) = (buckets.rate[at], buckets.replicas[at]);
    let age = buckets.at.last().map_or(0, |last| last.saturating_sub(buckets.at[at]));
    let fresh = options.half_life.map_or(1.0, |half| 0.5_f64.powf(age as f64 / half.0.max(1) as f64));
    let square = if growing { rate * rate / replicas } else { 0.0 };
    Row { z: [rate, replicas, square], y: buckets.cpu[at], weight: fresh / replicas }
}

fn asks_for_growth(straight: &[Row], curved: &[Row], fits: (&RobustFit, &RobustFit), blocks: &Blocks) -> bool {
    let (plain, growing) = fits;
    if growing.theta[2] <= 0.0 || growing.theta[0] <= 0.0 {
        return false;
    }
    let bounded = |rows: &[Row], fit: &RobustFit| -> f64 {
        let limit = 3.0 * plain.scale;
        rows.iter().map(|row| (row.residual(&fit.theta) * row.weight.sqrt()).clamp(-limit, limit).powi(2)).sum()
    };
    // Neighbouring samples repeat each other: a block counts for four.
    let independent = (4.0 * blocks.cells() as f64 / blocks.cells_per_block as f64).min(straight.len() as f64);
    let gain = independent * (bounded(straight, plain) / bounded(curved, growing)).ln() - independent.ln();
    let rates: Vec<f64> = straight.iter().map(|row| row.z[0] / row.z[1]).collect();
    let high = quantile(&rates, 0.99);
    let share = growing.theta[2] * high / (growing.theta[0] + growing.theta[2] * high);
    gain > BIC_MIN && share > 0.03
}

/// Sums of an instrumental fit of one cell: Σ w z̃ zᵀ and Σ w z̃ y, with z̃ = (neighbours' rate, r).
type InstrumentSums = (Matrix2<f64>, Vector2<f64>);

fn instrument_sums(
    buckets: &Buckets,
    known: &[usize],
    (rows, fit): (&[Row], &RobustFit),
    blocks: &Blocks,
) -> Vec<InstrumentSums> {
    let mut cells = vec![(Matrix2::zeros(), Vector2::zeros()); blocks.cells()];
    for (at, bucket) in known.iter().enumerate() {
        let row = &rows[at];
        let standard = row.residual(&fit.theta) * row.weight.sqrt();
        let Some((before, after)) = buckets.neighbours(*bucket).filter(|_| standard.abs() <= 4.0 * fit.scale) else {
            continue;
        };
        // The neighbours' load, not their load per replica: a controller answers noise by replicas, which would come back.
        let neighbours = f64::midpoint(buckets.rate[before], buckets.rate[after]);
        if neighbours.is_nan() {
            continue;
        }
        let z = Vector2::new(row.z[0], row.z[1]);
        let instrument = Vector2::new(neighbours, row.z[1]);
        let cell = &mut cells[at / blocks.cell];
        cell.0 += instrument * z.transpose() * row.weight;
        cell.1 += instrument * (row.y * row.weight);
    }
    cells
}

/// The deviation of D by leaving out a block at a time, over that of the draws, at least 1: a few blocks of extreme load pull
/// the fit to themselves, so that resamples which hold them err too little (the HC3 of `MacKinnon` and White 1985).
fn jackknife_ratio(cells: &[Moments], blocks: &Blocks, fitted: &RobustFit, draws: &[[f64; 3]]) -> f64 {
    let mut all = Moments::default();
    for cell in cells {
        all.add_times(cell, 1.0);
    }
    let without = |block: &[Moments]| {
        let mut rest = all;
        for cell in block {
            rest.add_times(cell, -1.0);
        }
        newton_step(fitted, &rest).map(|theta| theta[0])
    };
    let left: Vec<f64> = cells.chunks(blocks.cells_per_block).filter_map(without).collect();
    let drawn: Vec<f64> = draws.iter().map(|draw| draw[0]).collect();
    let ratio = deviation(&left) * (left.len() as f64 - 1.0).max(0.0).sqrt() / deviation(&drawn);
    if ratio.is_finite() { ratio.clamp(1.0, 3.0) } else { 1.0 }
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

struct Resampled<'a> {
    blocks: Blocks,
    options: &'a Options,
    entity: u64,
}

impl Resampled<'_> {
    fn counts(&self) -> impl Iterator<Item = Vec<u32>> {
        let mut stream = self.options.seed.stream("capacity_demand", self.entity);
        (0..self.options.resamples).map(move |_| self.blocks.draw(&mut stream))
    }

    fn newton(&mut self, rows: &[Row], fitted: &RobustFit) -> Vec<[f64; 3]> {
        let cells: Vec<Moments> =
            (0..self.blocks.cells()).map(|cell| newton_moments(&rows[self.blocks.range(cell)], fitted)).collect();
        let draw = |counts: Vec<u32>| {
            let mut sums = Moments::default();
            for (cell, count) in cells.iter().zip(&counts).filter(|(_, count)| **count > 0) {
                sums.add_times(cell, f64::from(*count));
            }
            newton_step(fitted, &sums)
        };
        let mut draws: Vec<[f64; 3]> = self.counts().filter_map(draw).filter(|theta| theta[0] > 0.0).collect();
        let factor = self.blocks.spread() * jackknife_ratio(&cells, &self.blocks, fitted, &draws);
        // All coefficients alike: D and b err together, and α is their quotient.
        for draw in &mut draws {
            for (value, centre) in draw.iter_mut().zip(fitted.theta) {
                *value = (centre + factor * (*value - centre)).max(0.0);
            }
        }
        draws.retain(|theta| theta[0] > 0.0);
        draws
    }

    /// The instrumental coefficients with their draws, where they are about as sure as the plain ones or differ from them
    /// beyond noise; and whether they differ.
    fn instrumental(&mut self, cells: &[InstrumentSums], plain: &[f64; 3], draws: &[[f64; 3]]) -> Option<Instrumental> {
        let theta = instrumental_solution(cells, &vec![1; cells.len()])
            .filter(|theta| theta[0] > 0.0 && theta.iter().all(|value| value.is_finite()))?;
        let mut resampled: Vec<[f64; 3]> =
            self.counts().filter_map(|counts| instrumental_solution(cells, &counts)).collect();
        if resampled.len() != draws.len() || resampled.len() < 20 {
            return None;
        }
        let differences: Vec<f64> = resampled.iter().zip(draws).map(|(a, b)| a[0] / b[0] - 1.0).collect();
        // Attenuation only ever shrinks the plain demand.
        let differs = theta[0] / plain[0] - 1.0 > ATTENUATION_MIN && quantile(&differences, 0.02) > 0.0;
        let factor = self.blocks.spread();
        for draw in &mut resampled {
            for (value, centre) in draw.iter_mut().zip(theta) {
                *value = (centre + factor * (*value - centre)).max(0.0);
            }
        }
        let first = |draws: &[[f64; 3]]| scale_of(&draws.iter().map(|draw| draw[0]).collect::<Vec<_>>());
        let as_sure = first(&resampled) / theta[0] <= SURENESS_MAX * first(draws) / plain[0];
        resampled.retain(|draw| draw[0] > 0.0);
        (differs || as_sure).then_some(Instrumental { theta, draws: resampled, differs })
    }
}

/// A demand by instruments.
struct Instrumental {
    theta: [f64; 3],
    draws: Vec<[f64; 3]>,
    /// Whether it differs from the plain one beyond noise.
    differs: bool,
}

fn instrumental_solution(cells: &[InstrumentSums], counts: &[u32]) -> Option<[f64; 3]> {
    let (mut matrix, mut side) = (Matrix2::zeros(), Vector2::zeros());
    for (cell, count) in cells.iter().zip(counts) {
        matrix += cell.0 * f64::from(*count);
        side += cell.1 * f64::from(*count);
    }
    let solution = matrix.lu().solve(&side)?;
    if solution[1] < 0.0 {
        return Some([side[0] / matrix[(0, 0)], 0.0, 0.0]);
    }
    Some([solution[0], solution[1], 0.0])
}

#[cfg(test)]
mod tests {
    use super::super::clean::clean;
    use super::super::options::Options;
    use super::super::synthetic::Truth;
    use super::{cpu, estimate, rate_at};
    use crate::capacity::Series;
    use crate::seed::Seed;
    use rand::RngExt;

    fn demand(series: &Series) -> super::DemandFit {
        let options = Options::default();
        let cleaned = clean(series, &options).expect("clean");
        let used = cleaned.buckets.used();
        estimate(&cleaned.buckets, &used, &options, 0).expect("cpu was observed")
    }

    /// D = (0.92 − 0.05)/30 = 0.029 s.
    #[test]
    fn the_demand_of_a_synthetic_service_is_found() {
        let fitted = demand(&Truth::default().series("shop", Seed(1)));
        assert!((fitted.theta[0] / 0.029 - 1.0).abs() < 0.02, "{:?}", fitted.theta);
        assert!((fitted.rate_at(0.92) / 30.0 - 1.0).abs() < 0.01, "{:?}", fitted.rate_at(0.92));
        assert!(!fitted.instrumental);
    }

    /// Rates that are off by up to 25 % from sample to sample shrink the plain demand by several percent; the instrument does not.
    #[test]
    fn noisy_rates_do_not_make_the_capacity_too_large() {
        let truth = Truth { target: 0.9, ..Truth::default() };
        let mut series = truth.series("shop", Seed(2));
        series.replicas.fill(12.0);
        let mut stream = Seed(2).stream("test", 0);
        for at in 0..series.len() {
            let rate = 200.0 + 120.0 * (at as f64 / 200.0).sin();
            series.cpu[at] = 0.029 * rate + 0.05 * 12.0;
            series.completed[at] = rate * stream.random_range(0.75..1.25);
        }
        let fitted = demand(&series);
        assert!(fitted.instrumental);
        assert!((fitted.theta[0] / 0.029 - 1.0).abs() < 0.03, "{:?}", fitted.theta);
    }

    /// 0.02·10 + 0.1 + 0.001·100 = 0.4 cores, and back.
    #[test]
    fn the_rate_at_a_ceiling_inverts_the_law() {
        let theta = [0.02, 0.1, 0.001];
        assert!((cpu(&theta, 10.0, 1.0) - 0.4).abs() < 1e-12);
        assert!((rate_at(&theta, 0.4) - 10.0).abs() < 1e-12);
        assert!((rate_at(&[0.029, 0.05, 0.0], 0.92) - 30.0).abs() < 1e-12);
        assert!(rate_at(&theta, 0.05).is_nan());
    }
}
