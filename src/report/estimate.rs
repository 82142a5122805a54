//! A mean over seeds and how sure it is.

use super::bench::statistics::student::Student;

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half of the width of the interval; `None` for a single value.
    pub half_width: Option<f64>,
    /// How many values.
    pub count: usize,
}

impl Estimate {
    /// The mean of `values` and `t(0.975, n − 1) · s / √n`, with s² = Σ(x − mean)² / (n − 1) (Student 1908); `None`
    /// without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n;
        let half_width = Self::one_sided(values, 0.975);
        Some(Self { mean, half_width, count })
    }

    /// From the mean to its one-sided bound: `t(confidence, n − 1) · s / √n`; `None` for a single value, or none. Values that do
    /// not differ have a bound at their mean, and what is no number has none.
    pub fn one_sided(values: &[f64], confidence: f64) -> Option<f64> {
        let alike = || 0.0 * values.iter().sum::<f64>();
        (values.len() > 1).then(|| Student::of(values).map_or_else(alike, |student| student.reach(confidence)))
    }

    /// Whether zero lies outside the interval; never, where there is none. A spread of nothing is certain.
    pub fn excludes_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

#[cfg(test)]
mod tests {
    use super::Estimate;

    /// 1, 2, 3: mean 2, s = 1, t(0.975, 2) = 4.302653, so 4.302653 / √3 = 2.484138.
    #[test]
    fn the_interval_of_three_seeds_is_students() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]).expect("there are values");
        assert!((estimate.mean - 2.0).abs() < 1e-12);
        assert!((estimate.half_width.expect("there are three") - 2.484_138).abs() < 1e-5);
        assert!(!estimate.excludes_zero());
    }

    /// 1, 2, 3: s = 1, t(0.95, 2) = 2.919986, so 2.919986 / √3 = 1.685855.
    #[test]
    fn one_side_of_three_seeds_is_nearer() {
        let width = Estimate::one_sided(&[1.0, 2.0, 3.0], 0.95).expect("there are three");
        assert!((width - 1.685_855).abs() < 1e-5);
        assert_eq!(Estimate::one_sided(&[1.0], 0.95), None);
    }

    #[test]
    fn one_seed_has_no_interval_and_none_no_mean() {
        let estimate = Estimate::of(&[7.0]).expect("there is a value");
        assert_eq!((estimate.half_width, estimate.excludes_zero()), (None, false));
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn seeds_that_agree_are_certain() {
        let estimate = Estimate::of(&[-1.0; 5]).expect("there are values");
        assert!(estimate.excludes_zero());
    }
}
