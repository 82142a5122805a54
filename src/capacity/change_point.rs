//! Bayesian online change-point detection: how long ago the present regime began.
//!
//! **Formula.** P(run length) is updated with each value: grown runs by (1 − 1/H) times the predictive density of their own
//! mean and variance (normal-inverse-gamma, so a Student t), and a new run by 1/H. The answer is the most probable run
//! length after the last value.
//!
//! **Assumes** values that are independent within a regime: callers give means over blocks. **Source**: Adams and Mackay 2007.
//! **Fails** for slow drift, which has no change point; the cumulative sums of [`super::drift`] see it.

use statrs::distribution::{Continuous, StudentsT};

/// Expected length of a regime, in values.
const HAZARD: f64 = 200.0;
/// Run lengths less probable than this are dropped.
const NEGLIGIBLE: f64 = 1e-8;

/// What a run has seen: count, mean and half the sum of squares, on a weak prior.
#[derive(Debug, Clone, Copy)]
struct Run {
    begun: usize,
    probability: f64,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Run {
    /// The prior: mean 0 worth a tenth of a value, variance 1 worth two.
    const fn new(begun: usize, probability: f64) -> Self {
        Self { begun, probability, count: 0.1, mean: 0.0, squares: 1.0 }
    }

    fn density(&self, value: f64) -> f64 {
        let shape = 1.0 + self.count / 2.0;
        let scale = (self.squares * (self.count + 1.0) / (shape * self.count)).sqrt();
        StudentsT::new(self.mean, scale, 2.0 * shape).map_or(0.0, |law| law.pdf(value))
    }

    fn take(&mut self, value: f64) {
        let next = self.count + 1.0;
        self.squares += self.count * (value - self.mean).powi(2) / (2.0 * next);
        self.mean += (value - self.mean) / next;
        self.count = next;
    }
}

/// Index at which the present regime most probably began; 0 where it is the first.
pub fn last_change(values: &[f64]) -> usize {
    let mut runs = vec![Run::new(0, 1.0)];
    for (at, value) in values.iter().enumerate() {
        let mut fresh = 0.0;
        for run in &mut runs {
            let joint = run.probability * run.density(*value);
            fresh += joint / HAZARD;
            run.probability = joint * (1.0 - 1.0 / HAZARD);
            run.take(*value);
        }
        runs.push(Run::new(at + 1, fresh));
        let total: f64 = runs.iter().map(|run| run.probability).sum();
        if total <= 0.0 {
            return 0;
        }
        for run in &mut runs {
            run.probability /= total;
        }
        runs.retain(|run| run.probability > NEGLIGIBLE || run.begun == at + 1);
    }
    runs.iter().max_by(|a, b| a.probability.total_cmp(&b.probability)).map_or(0, |run| run.begun)
}

#[cfg(test)]
mod tests {
    use super::last_change;

    fn noise(at: u32) -> f64 {
        f64::from(at * 7919 % 101) / 50.0 - 1.0
    }

    #[test]
    fn a_step_is_found_where_it_is_and_none_where_there_is_none() {
        let steady: Vec<f64> = (0..200).map(noise).collect();
        assert_eq!(last_change(&steady), 0);
        let stepped: Vec<f64> = (0..200).map(|at| noise(at) + if at >= 120 { 4.0 } else { 0.0 }).collect();
        assert!(last_change(&stepped).abs_diff(120) <= 2, "{}", last_change(&stepped));
    }
}
