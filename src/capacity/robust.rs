//! Non-negative least squares with Huber weights, for up to three columns.
//!
//! **Formula.** minimise Σ wᵢ ρ((yᵢ − zᵢᵀθ)/s) over θ ≥ 0, with Huber's ρ: quadratic up to δ = 1.345, linear beyond (95 %
//! efficient under normal errors; Huber 1964). Iteratively re-weighted: each step solves weighted normal equations with the
//! weight min(1, δs/|e|), and s = 1.4826 · MAD of the residuals. Residuals beyond 10 s weigh nothing. Non-negativity is
//! exact: of the at most seven sets of columns, the best whose unconstrained solution is non-negative (the
//! Karush–Kuhn–Tucker conditions leave no other optimum).
//!
//! **Assumes** that fewer than a third of the samples are off to one side. **Source**: Huber, *Robust Statistics* (1981),
//! ch. 7; policies §6.2 step 1. **Fails** where columns are proportional to each other ([`conditioning`] says so), and
//! where outliers sit at extreme loads, for it bounds residuals and not leverage.

use super::estimate::scale_of;
use nalgebra::{DMatrix, DVector, Matrix3, Vector3};

/// Huber's tuning constant.
pub const DELTA: f64 = 1.345;
/// Residuals beyond this many scales weigh nothing.
pub const GROSS: f64 = 10.0;
/// Residuals that the scale is taken from, at most, evenly spread.
const SCALE_SAMPLES: usize = 10_000;

/// One sample: up to three columns (unused ones are zero), the value, and its prior weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Columns.
    pub z: [f64; 3],
    /// What they explain.
    pub y: f64,
    /// Prior weight: the inverse of the variance, up to a factor.
    pub weight: f64,
}

impl Row {
    /// What `theta` leaves unexplained.
    pub fn residual(&self, theta: &[f64; 3]) -> f64 {
        self.y - self.z[0] * theta[0] - self.z[1] * theta[1] - self.z[2] * theta[2]
    }

    fn standardised(&self, theta: &[f64; 3]) -> f64 {
        self.residual(theta) * self.weight.sqrt()
    }
}

/// Coefficients and the scale of the residuals (of weight 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RobustFit {
    /// Coefficients, none negative.
    pub theta: [f64; 3],
    /// Robust standard deviation of a residual of weight 1.
    pub scale: f64,
}

/// Sums of one step: the matrix of the normal equations and their right side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Σ w z zᵀ.
    pub matrix: Matrix3<f64>,
    /// Σ w z y, or Σ ψ z.
    pub side: Vector3<f64>,
}

impl Default for Moments {
    fn default() -> Self {
        Self { matrix: Matrix3::zeros(), side: Vector3::zeros() }
    }
}

impl Moments {
    /// Adds one row with the given weight on its square and on its side.
    pub fn add(&mut self, z: &[f64; 3], square: f64, side: f64) {
        let column = Vector3::new(z[0], z[1], z[2]);
        self.matrix += column * column.transpose() * square;
        self.side += column * side;
    }

    /// Adds other sums `count` times.
    pub fn add_times(&mut self, other: &Self, count: f64) {
        self.matrix += other.matrix * count;
        self.side += other.side * count;
    }
}

/// Fits `rows`; `None` where no column varies from zero, or there are fewer rows than columns in use.
pub fn fit(rows: &[Row]) -> Option<RobustFit> {
    let mut theta = solve_non_negative(&moments(rows, |_| 1.0))?;
    let mut scale = scale(rows, &theta);
    for _ in 0..50 {
        let weigh = |row: &Row| huber_weight(row.standardised(&theta), scale);
        let next = solve_non_negative(&moments(rows, weigh))?;
        let moved = (0..3).map(|at| (next[at] - theta[at]).abs() / (next[at].abs() + 1e-300)).fold(0.0, f64::max);
        theta = next;
        scale = self::scale(rows, &theta);
        if moved < 1e-7 {
            break;
        }
    }
    Some(RobustFit { theta, scale })
}

/// Sums of the Newton step at a fit, of one cell of samples: θ* = θ̂ + (Σ ψ′ z zᵀ)⁻¹ Σ ψ z over a resample is the one-step
/// bootstrap of an M-estimator (Andrews 2002, *Econometrica* 70), and needs only these sums.
pub fn newton_moments(rows: &[Row], fit: &RobustFit) -> Moments {
    let mut sums = Moments::default();
    for row in rows {
        let standard = row.standardised(&fit.theta);
        let bounded = bound(standard, fit.scale);
        let inside = f64::from(u8::from(standard.abs() <= DELTA * fit.scale));
        sums.add(&row.z, inside * row.weight, bounded * row.weight.sqrt());
    }
    sums
}

/// Coefficients of a resample by one Newton step; those that turn negative are zero and the others adapt.
pub fn newton_step(fit: &RobustFit, sums: &Moments) -> Option<[f64; 3]> {
    // Around zero instead of around the fit, so that the same non-negative solver serves.
    let around = sums.matrix * Vector3::from(fit.theta) + sums.side;
    solve_non_negative(&Moments { matrix: sums.matrix, side: around })
}

/// θ ≥ 0 that minimises θᵀAθ − 2gᵀθ, by enumeration of the columns that are positive.
pub fn solve_non_negative(moments: &Moments) -> Option<[f64; 3]> {
    let mut best: Option<([f64; 3], f64)> = None;
    for set in 1..8_u8 {
        let columns: Vec<usize> = (0..3).filter(|column| set & (1 << column) != 0).collect();
        if columns.iter().any(|column| moments.matrix[(*column, *column)] <= 0.0) {
            continue;
        }
        let Some(theta) = solve_subset(moments, &columns) else { continue };
        if theta.iter().any(|value| *value < 0.0) {
            continue;
        }
        let vector = Vector3::from(theta);
        let objective = vector.dot(&(moments.matrix * vector)) - 2.0 * moments.side.dot(&vector);
        if best.is_none_or(|(_, least)| objective < least) {
            best = Some((theta, objective));
        }
    }
    best.map(|(theta, _)| theta)
}

/// The smallest eigenvalue of the correlation matrix of the columns in use: 1 for orthogonal ones, 0 where one is a
/// multiple of another and the coefficients cannot be told apart.
pub fn conditioning(rows: &[Row]) -> f64 {
    let matrix = moments(rows, |_| 1.0).matrix;
    let used: Vec<usize> = (0..3).filter(|column| matrix[(*column, *column)] > 0.0).collect();
    let scaled = DMatrix::from_fn(used.len(), used.len(), |a, b| {
        matrix[(used[a], used[b])] / (matrix[(used[a], used[a])] * matrix[(used[b], used[b])]).sqrt()
    });
    scaled.symmetric_eigenvalues().iter().copied().fold(f64::INFINITY, f64::min)
}

/// Share of the weighted variance of `y` that a fit explains, of the rows that are no gross outliers.
pub fn r_squared(rows: &[Row], fit: &RobustFit) -> f64 {
    let kept = || rows.iter().filter(|row| row.standardised(&fit.theta).abs() <= GROSS * fit.scale.max(1e-300));
    let total: f64 = kept().map(|row| row.weight).sum();
    let mean = kept().map(|row| row.weight * row.y).sum::<f64>() / total;
    let spread: f64 = kept().map(|row| row.weight * (row.y - mean).powi(2)).sum();
    let rest: f64 = kept().map(|row| row.standardised(&fit.theta).powi(2)).sum();
    if spread > 0.0 { 1.0 - rest / spread } else { f64::NAN }
}

fn moments(rows: &[Row], weigh: impl Fn(&Row) -> f64) -> Moments {
    let mut sums = Moments::default();
    for row in rows {
        let weight = weigh(row) * row.weight;
        sums.add(&row.z, weight, weight * row.y);
    }
    sums
}

fn solve_subset(moments: &Moments, columns: &[usize]) -> Option<[f64; 3]> {
    let size = columns.len();
    // Scaled to a unit diagonal, so that the pivot says how close to collinear the columns are.
    let root: Vec<f64> = columns.iter().map(|column| moments.matrix[(*column, *column)].sqrt()).collect();
    let matrix = DMatrix::from_fn(size, size, |a, b| moments.matrix[(columns[a], columns[b])] / (root[a] * root[b]));
    let side = DVector::from_fn(size, |a, _| moments.side[columns[a]] / root[a]);
    let factor = matrix.cholesky()?;
    if (0..size).any(|at| factor.l_dirty()[(at, at)] < 1e-6) {
        return None;
    }
    let solution = factor.solve(&side);
    let mut theta = [0.0; 3];
    for (at, column) in columns.iter().enumerate() {
        theta[*column] = solution[at] / root[at];
    }
    Some(theta)
}

fn scale(rows: &[Row], theta: &[f64; 3]) -> f64 {
    let stride = rows.len().div_ceil(SCALE_SAMPLES).max(1);
    let residuals: Vec<f64> = rows.iter().step_by(stride).map(|row| row.standardised(theta)).collect();
    scale_of(&residuals)
}

fn huber_weight(standard: f64, scale: f64) -> f64 {
    if standard == 0.0 { 1.0 } else { bound(standard, scale) / standard }
}

/// Huber's ψ, times the scale: the residual itself up to δ·s, δ·s beyond, nothing for gross outliers.
fn bound(standard: f64, scale: f64) -> f64 {
    if scale <= 0.0 {
        return standard;
    }
    if standard.abs() > GROSS * scale { 0.0 } else { standard.clamp(-DELTA * scale, DELTA * scale) }
}

#[cfg(test)]
mod tests {
    use super::{Row, conditioning, fit};

    fn rows(outlier: f64) -> Vec<Row> {
        let row = |at: u32| {
            let (x, r) = (f64::from(at * 7 % 23), 1.0 + f64::from(at % 4));
            let noise = 0.01 * f64::from(at * 13 % 7) - 0.03;
            let extra = if at.is_multiple_of(10) { outlier } else { 0.0 };
            Row { z: [x, r, 0.0], y: 2.0 * x + 0.5 * r + noise + extra, weight: 1.0 }
        };
        (0..200).map(row).collect()
    }

    /// One sample in ten is off by 100: least squares would move by about 10 in all, this moves in the third digit.
    #[test]
    fn outliers_do_not_move_it() {
        let fitted = fit(&rows(100.0)).expect("identified");
        assert!((fitted.theta[0] - 2.0).abs() < 2e-3, "{:?}", fitted.theta);
        assert!((fitted.theta[1] - 0.5).abs() < 2e-2, "{:?}", fitted.theta);
    }

    /// y = x − r would need a negative coefficient: it is zero, and x alone is fitted.
    #[test]
    fn coefficients_are_never_negative() {
        let rows: Vec<Row> = rows(0.0).iter().map(|row| Row { y: row.z[0] - row.z[1], ..*row }).collect();
        let fitted = fit(&rows).expect("identified");
        assert!(fitted.theta[1] == 0.0 && fitted.theta[0] > 0.5, "{:?}", fitted.theta);
    }

    #[test]
    fn proportional_columns_are_seen() {
        let proportional: Vec<Row> =
            rows(0.0).iter().map(|row| Row { z: [row.z[1] * 3.0, row.z[1], 0.0], ..*row }).collect();
        assert!(conditioning(&proportional) < 1e-12);
        assert!(conditioning(&rows(0.0)) > 0.05);
    }
}
