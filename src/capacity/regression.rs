//! Plain least squares of throughput on replicas: the regression that everybody tries first, with its warning.
//!
//! **Formula.** α = Σ(r−r̄)(x−x̄)/Σ(r−r̄)², β = x̄ − α r̄.
//!
//! **Assumes** that throughput was capacity, which holds for load tests only. **Source**: any textbook; policies §6.1 for why
//! it is wrong. **Fails** under an autoscaler: a controller keeps x ≈ θ·α·r, so the slope is θ·α, 35–40 % low at a target of
//! 60 %, with an r² close to 1.

use serde::Serialize;

/// Says why this is no capacity.
pub const WARNING: &str = "plain regression of throughput on replicas measures what was asked, not what can be served: \
     under an autoscaler it lands at the target utilisation times the capacity, 35-40 % too low; use it only on load tests";

/// A line with its coefficient of determination.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// Rise for one more replica.
    pub alpha: f64,
    /// Intercept.
    pub beta: f64,
    /// Share of the variance that it explains.
    pub r_squared: f64,
}

/// The least-squares line through `(x, y)`; `None` where `x` does not vary.
pub fn ordinary(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    let x_mean = points.iter().map(|point| point.0).sum::<f64>() / count;
    let y_mean = points.iter().map(|point| point.1).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|point| (point.0 - x_mean).powi(2)).sum();
    if spread.is_nan() || spread <= 0.0 {
        return None;
    }
    let alpha = points.iter().map(|point| (point.0 - x_mean) * (point.1 - y_mean)).sum::<f64>() / spread;
    let beta = y_mean - alpha * x_mean;
    Some(Line { alpha, beta, r_squared: r_squared(points, |x| alpha * x + beta) })
}

/// Share of the variance of `y` that `model` explains; 1 where `y` does not vary and the model agrees.
pub fn r_squared(points: &[(f64, f64)], model: impl Fn(f64) -> f64) -> f64 {
    let mean = points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64;
    let total: f64 = points.iter().map(|point| (point.1 - mean).powi(2)).sum();
    let rest: f64 = points.iter().map(|point| (point.1 - model(point.0)).powi(2)).sum();
    if total > 0.0 {
        1.0 - rest / total
    } else if rest <= 0.0 {
        1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::ordinary;

    /// t2.large primeapp 0.1 CPU: 341, 771, 2418 requests per minute at 1, 2, 3 replicas. Mean 1176.67 at 2;
    /// slope (2418 − 341)/2 = 1038.5; intercept 1176.67 − 2077 = −900.33; r² = 0.89731.
    #[test]
    fn the_line_of_three_points() {
        let line = ordinary(&[(1.0, 341.0), (2.0, 771.0), (3.0, 2418.0)]).expect("x varies");
        assert!((line.alpha - 1038.5).abs() < 1e-9 && (line.beta + 900.333_333).abs() < 1e-5);
        assert!((line.r_squared - 0.897_31).abs() < 1e-5);
        assert_eq!(ordinary(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
