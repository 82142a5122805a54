//! Levenberg–Marquardt with a soft-L1 loss: the small non-linear fits (latency, USL).
//!
//! **Formula.** minimise Σ ρ(eᵢ(p)), ρ(e) = 2s²(√(1+(e/s)²) − 1). Each step solves `(JᵀWJ + λ diag(JᵀWJ)) d = −JᵀWe` with
//! W = 1/√(1+(e/s)²) and a Jacobian of central differences; λ falls after a step that helped and rises otherwise.
//!
//! **Assumes** a smooth residual and a start in the right valley. **Source**: Marquardt 1963; Triggs et al. 2000 for the
//! robust weights. **Fails** (returns the start, or a local optimum) from a bad start: callers try several.

use nalgebra::{DMatrix, DVector};

/// What the loss is soft beyond; infinite is plain least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Residuals beyond this count linearly.
    pub scale: f64,
}

/// Where it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// Parameters.
    pub parameters: Vec<f64>,
    /// Sum of the losses.
    pub loss: f64,
}

/// Minimises the losses of `residuals` from `start`. The function fills the residuals of the given parameters; one that is
/// not finite makes the step fail.
pub fn minimise(start: &[f64], count: usize, loss: Loss, residuals: impl Fn(&[f64], &mut [f64])) -> Minimum {
    let mut parameters = start.to_vec();
    let mut errors = vec![0.0; count];
    residuals(&parameters, &mut errors);
    let mut best = total(&errors, loss);
    let mut damping = 1e-3;
    for _ in 0..100 {
        let (matrix, side) = normal_equations(&parameters, &errors, loss, &residuals);
        let mut improved = false;
        for _ in 0..12 {
            let Some(next) = step(&parameters, &matrix, &side, damping) else { break };
            let mut trial = vec![0.0; count];
            residuals(&next, &mut trial);
            let value = total(&trial, loss);
            if value < best {
                improved = best - value > 1e-14 * best.abs();
                (parameters, errors, best) = (next, trial, value);
                damping = (damping / 5.0).max(1e-12);
                break;
            }
            damping *= 4.0;
        }
        if !improved {
            break;
        }
    }
    Minimum { parameters, loss: best }
}

fn total(errors: &[f64], loss: Loss) -> f64 {
    let sum: f64 = errors.iter().map(|error| soft(*error, loss)).sum();
    if sum.is_finite() { sum } else { f64::INFINITY }
}

fn soft(error: f64, loss: Loss) -> f64 {
    if loss.scale.is_infinite() {
        return error * error;
    }
    2.0 * loss.scale * loss.scale * ((1.0 + (error / loss.scale).powi(2)).sqrt() - 1.0)
}

fn normal_equations(
    parameters: &[f64],
    errors: &[f64],
    loss: Loss,
    residuals: &impl Fn(&[f64], &mut [f64]),
) -> (DMatrix<f64>, DVector<f64>) {
    let (size, count) = (parameters.len(), errors.len());
    let mut jacobian = DMatrix::zeros(count, size);
    let (mut above, mut below) = (vec![0.0; count], vec![0.0; count]);
    for column in 0..size {
        let width = 1e-6 * parameters[column].abs().max(1e-3);
        let mut moved = parameters.to_vec();
        moved[column] = parameters[column] + width;
        residuals(&moved, &mut above);
        moved[column] = parameters[column] - width;
        residuals(&moved, &mut below);
        for row in 0..count {
            let slope = (above[row] - below[row]) / (2.0 * width);
            jacobian[(row, column)] = if slope.is_finite() { slope } else { 0.0 };
        }
    }
    let weight =
        |error: f64| if loss.scale.is_infinite() { 1.0 } else { 1.0 / (1.0 + (error / loss.scale).powi(2)).sqrt() };
    let (mut matrix, mut side) = (DMatrix::zeros(size, size), DVector::zeros(size));
    for row in 0..count {
        let w = weight(errors[row]);
        for a in 0..size {
            side[a] -= w * jacobian[(row, a)] * errors[row];
            for b in 0..size {
                matrix[(a, b)] += w * jacobian[(row, a)] * jacobian[(row, b)];
            }
        }
    }
    (matrix, side)
}

fn step(parameters: &[f64], matrix: &DMatrix<f64>, side: &DVector<f64>, damping: f64) -> Option<Vec<f64>> {
    let mut damped = matrix.clone();
    for at in 0..parameters.len() {
        damped[(at, at)] += damping * matrix[(at, at)].max(1e-30);
    }
    let delta = damped.cholesky()?.solve(side);
    Some(parameters.iter().zip(delta.iter()).map(|(value, change)| value + change).collect())
}

#[cfg(test)]
mod tests {
    use super::{Loss, minimise};

    /// y = 3·exp(−0.5 t) sampled without noise, and one gross outlier that the soft loss shrugs off.
    #[test]
    fn an_exponential_is_found_despite_an_outlier() {
        let times: Vec<f64> = (0..40).map(|at| f64::from(at) * 0.1).collect();
        let mut values: Vec<f64> = times.iter().map(|t| 3.0 * (-0.5 * t).exp()).collect();
        values[7] += 50.0;
        let found = minimise(&[1.0, 0.1], times.len(), Loss { scale: 0.01 }, |p, errors| {
            for (at, t) in times.iter().enumerate() {
                errors[at] = p[0] * (-p[1] * t).exp() - values[at];
            }
        });
        assert!((found.parameters[0] - 3.0).abs() < 0.01 && (found.parameters[1] - 0.5).abs() < 0.01, "{found:?}");
    }
}
