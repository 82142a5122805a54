//! Where the warm-up of a run ends: MSER-5, the truncation after which the mean is known best.
//!
//! Of a series X₁ … Xₙ the means Y₁ … Yₘ of batches of five are taken, and of all truncations d the one with the least
//! `MSER(d) = Σ_{i > d} (Yᵢ − Ȳ_d)² / (m − d)²`, where `Ȳ_d` is the mean behind it (White 1997, Simulation 69(6); in batches of
//! five: White, Cobb and Spratt 2000, Winter Simulation Conference). The begin goes as long as what it adds to the spread is
//! more than what its observations add to certainty. Only truncations of at most half the batches are looked at: behind
//! that, the least of few batches is chance. Where the least lies at that end, the series has not come to rest.
//!
//! It supposes a series that comes to rest. Of a load that goes up and down with the day it may cut a slope for a
//! transient; so whoever uses it says what was cut.

/// Observations of a batch.
pub const BATCH: usize = 5;

/// What is cut from the begin of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// Observations that go.
    pub observations: usize,
    /// Whether the least was found at the last truncation that was looked at: then no warm-up was found.
    pub is_at_limit: bool,
}

/// The truncation of `series`; `None` where it has fewer than four batches. Of equals, the shortest.
pub fn truncation(series: &[f64]) -> Option<Truncation> {
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let limit = batches.len() / 2;
    if limit < 2 {
        return None;
    }
    let errors = (0..=limit).map(|cut| squared_error(&batches[cut..]));
    let (cut, _) = errors.enumerate().reduce(|best, next| if next.1 < best.1 { next } else { best })?;
    Some(Truncation { observations: cut * BATCH, is_at_limit: cut == limit })
}

/// The squared standard error of the mean of `batches`, but for a factor: `Σ(Yᵢ − Ȳ)² / k²`.
fn squared_error(batches: &[f64]) -> f64 {
    let count = batches.len() as f64;
    let mean = batches.iter().sum::<f64>() / count;
    batches.iter().map(|batch| (batch - mean).powi(2)).sum::<f64>() / (count * count)
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Truncation, truncation};

    /// Observations whose batches have these means.
    fn series(means: &[f64]) -> Vec<f64> {
        means.iter().flat_map(|mean| [mean - 2.0, mean + 2.0, *mean, mean + 1.0, mean - 1.0]).collect()
    }

    /// Goal: the rule is White's.
    /// Method: batches 10, 4, 1, 3, 1, 3, 1, 3 by hand: MSER(0) = (6.75² + 0.75² + 3·2.25² + 3·0.25²)/64 = 61.5/64 = 0.961;
    /// MSER(1) = (1.714² + 3·1.286² + 3·0.714²)/49 = 9.429/49 = 0.192; MSER(2) = 6/36 = 0.167; MSER(3), of 3, 1, 3, 1, 3:
    /// 4.8/25 = 0.192; MSER(4) = 4/16 = 0.25. So two batches go.
    #[test]
    fn the_begin_goes_that_spoils_the_mean() {
        let found = truncation(&series(&[10.0, 4.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0]));
        assert_eq!(found, Some(Truncation { observations: 2 * BATCH, is_at_limit: false }));
    }

    #[test]
    fn a_series_at_rest_is_not_cut_and_a_short_one_not_judged() {
        let rest = Some(Truncation { observations: 0, is_at_limit: false });
        assert_eq!(truncation(&series(&[2.0; 12])), rest);
        assert_eq!(truncation(&series(&[1.0, 3.0, 1.0, 3.0, 1.0, 3.0])), rest);
        assert_eq!(truncation(&series(&[9.0, 1.0, 1.0])), None);
        assert_eq!(truncation(&[]), None);
    }

    /// A series that falls to its end has no warm-up that could be cut: the limit is reported.
    #[test]
    fn a_series_that_never_comes_to_rest_is_found_out() {
        let falling: Vec<f64> = (0..10).map(|at| 100.0 - 10.0 * f64::from(at)).collect();
        assert_eq!(truncation(&series(&falling)), Some(Truncation { observations: 25, is_at_limit: true }));
    }

    /// Observations that fill no batch are left out.
    #[test]
    fn a_rest_of_a_batch_does_not_count() {
        let mut all = series(&[2.0; 8]);
        all.extend([1e9; 4]);
        assert_eq!(truncation(&all), Some(Truncation { observations: 0, is_at_limit: false }));
    }
}
