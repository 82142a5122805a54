//! The Universal Scalability Law by non-linear least squares.
//!
//! **Formula.** X(N) = γN / (1 + σ(N−1) + κN(N−1)) with γ, σ, κ ≥ 0. The start is the linearised quadratic: with γ₀ the best
//! X/N, N·γ₀/X − 1 = σ(N−1) + κN(N−1) is linear in σ and κ. From there Levenberg–Marquardt on X itself; where a coefficient
//! would turn negative it is fixed at zero and the others are fitted again. Peak at N = √((1−σ)/κ).
//!
//! **Assumes** at least four levels that span a factor of four (six or more are better), each measured at saturation.
//! **Source**: Gunther, *Guerrilla Capacity Planning* (2007); the R package `usl`. **Fails** where only the rising part was
//! measured: κ is then noise, which is why the shape must win its cross-validation.

use super::levenberg::{Loss, minimise};
use super::robust::{Moments, solve_non_negative};
use crate::model::capacity::Capacity;

/// Levels needed.
pub const LEVELS_MIN: usize = 4;
/// Largest level over the smallest, at least.
pub const SPAN_MIN: f64 = 4.0;

/// Coefficients of the law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Throughput of one replica.
    pub gamma: f64,
    /// Contention.
    pub sigma: f64,
    /// Coherency.
    pub kappa: f64,
}

impl Usl {
    /// Throughput of `replicas`.
    pub fn at(&self, replicas: f64) -> f64 {
        self.gamma * replicas / (1.0 + self.sigma * (replicas - 1.0) + self.kappa * replicas * (replicas - 1.0))
    }

    /// Replicas with the highest throughput; infinite where it never falls.
    pub fn peak(&self) -> f64 {
        if self.kappa > 0.0 { ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt() } else { f64::INFINITY }
    }

    /// As a model of the planner.
    pub const fn capacity(&self) -> Capacity {
        Capacity::Usl { gamma: self.gamma, sigma: self.sigma, kappa: self.kappa }
    }
}

/// Whether levels suffice for the law.
pub fn suffices(levels: &[(f64, f64)]) -> bool {
    let mut counts: Vec<f64> = levels.iter().map(|level| level.0).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    counts.len() >= LEVELS_MIN && counts[counts.len() - 1] >= SPAN_MIN * counts[0]
}

/// Fits `(replicas, throughput)`; `None` for fewer than three levels or throughput that is not positive.
pub fn fit(points: &[(f64, f64)]) -> Option<Usl> {
    if points.len() < 3 || points.iter().any(|point| !(point.0 > 0.0 && point.1 > 0.0)) {
        return None;
    }
    let start = linearised(points)?;
    let free = least_squares(points, start, [true, true]);
    let feasible = |usl: &Usl| usl.sigma >= 0.0 && usl.kappa >= 0.0 && usl.gamma > 0.0;
    if feasible(&free) {
        return Some(free);
    }
    let without_kappa = Usl { kappa: 0.0, ..start };
    let without_sigma = Usl { sigma: 0.0, ..start };
    let bound = [
        least_squares(points, without_kappa, [true, false]),
        least_squares(points, without_sigma, [false, true]),
        least_squares(points, Usl { sigma: 0.0, kappa: 0.0, ..start }, [false, false]),
    ];
    let best = bound.into_iter().filter(feasible);
    best.min_by(|a, b| squares(points, a).total_cmp(&squares(points, b)))
}

fn linearised(points: &[(f64, f64)]) -> Option<Usl> {
    let gamma = points.iter().map(|point| point.1 / point.0).fold(0.0, f64::max);
    let mut sums = Moments::default();
    for (n, x) in points {
        let z = [n - 1.0, n * (n - 1.0), 0.0];
        sums.add(&z, 1.0, n * gamma / x - 1.0);
    }
    let theta = solve_non_negative(&sums).unwrap_or([0.01, 1e-6, 0.0]);
    (gamma > 0.0).then_some(Usl { gamma, sigma: theta[0], kappa: theta[1] })
}

/// Parameters are scaled to about one: γ by its start, σ and κ by what halves the throughput at the largest level.
fn least_squares(points: &[(f64, f64)], start: Usl, free: [bool; 2]) -> Usl {
    let largest = points.iter().map(|point| point.0).fold(2.0, f64::max);
    let unit = [start.gamma, 1.0 / largest, 1.0 / (largest * largest)];
    let decode = |p: &[f64]| {
        let mut rest = p[1..].iter();
        let mut next = |free: bool, unit: f64| if free { rest.next().map_or(0.0, |value| value * unit) } else { 0.0 };
        Usl { gamma: p[0] * unit[0], sigma: next(free[0], unit[1]), kappa: next(free[1], unit[2]) }
    };
    let mut encoded = vec![1.0];
    encoded.extend(free[0].then_some(start.sigma / unit[1]));
    encoded.extend(free[1].then_some(start.kappa / unit[2]));
    let height = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let found = minimise(&encoded, points.len(), Loss { scale: f64::INFINITY }, |p, errors| {
        let usl = decode(p);
        for (error, (n, x)) in errors.iter_mut().zip(points) {
            *error = (usl.at(*n) - x) / height;
        }
    });
    decode(&found.parameters)
}

fn squares(points: &[(f64, f64)], usl: &Usl) -> f64 {
    points.iter().map(|(n, x)| (usl.at(*n) - x).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::{Usl, fit, suffices};

    #[test]
    fn an_exact_law_is_recovered() {
        let truth = Usl { gamma: 120.0, sigma: 0.03, kappa: 0.002 };
        let points: Vec<(f64, f64)> = (1..=16).map(|n| (f64::from(n), truth.at(f64::from(n)))).collect();
        let found = fit(&points).expect("enough levels");
        assert!((found.gamma - 120.0).abs() < 1e-5 && (found.sigma - 0.03).abs() < 1e-7, "{found:?}");
        assert!((found.kappa - 0.002).abs() < 1e-8 && (found.peak() - (0.97_f64 / 0.002).sqrt()).abs() < 1e-3);
    }

    /// Throughput that rises faster than its replicas would need a negative sigma: the law's bound is a straight line.
    #[test]
    fn superlinear_throughput_gives_no_negative_coefficient() {
        let found = fit(&[(1.0, 10.0), (2.0, 22.0), (4.0, 48.0), (8.0, 100.0)]).expect("fits");
        assert!(found.sigma >= 0.0 && found.kappa >= 0.0, "{found:?}");
    }

    #[test]
    fn narrow_levels_do_not_suffice() {
        assert!(!suffices(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (3.5, 3.0)]));
        assert!(suffices(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]));
    }
}
