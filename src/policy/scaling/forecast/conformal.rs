//! A margin on top of forecasts, from how wrong they were: split conformal prediction.
//!
//! Of the last n errors (seen − forecast, h steps ahead) the ⌈(n + 1)·q⌉-th smallest is added. If errors are exchangeable,
//! what comes lies below with a chance of at least q, whatever their distribution (Vovk, Gammerman & Shafer 2005; Lei et
//! al. 2018). Loads are not exchangeable, so the promise is approximate; a window of recent errors follows their drift.
//! Where n is too small for q, the largest error is taken.

use std::collections::VecDeque;

/// Errors of forecasts that have come true.
#[derive(Debug, Clone)]
pub(in super::super) struct Conformal {
    share: f64,
    keep: usize,
    pending: VecDeque<(u64, f64)>,
    errors: VecDeque<f64>,
    margin: f64,
}

impl Conformal {
    /// A margin that covers `share` of what comes, from the last `keep` errors; a share of zero is no margin at all.
    pub(in super::super) fn new(share: f64, keep: usize) -> Self {
        Self { share, keep, pending: VecDeque::new(), errors: VecDeque::new(), margin: 0.0 }
    }

    /// A forecast for the step `index`; forecasts come in order.
    pub(in super::super) fn forecast(&mut self, index: u64, value: f64) {
        if self.share > 0.0 && self.pending.back().is_none_or(|(last, _)| *last < index) {
            self.pending.push_back((index, value));
        }
    }

    /// What came; `None` where nothing was seen.
    pub(in super::super) fn learn(&mut self, index: u64, seen: Option<f64>) {
        if self.share <= 0.0 {
            return;
        }
        while let Some((step, forecast)) = self.pending.front().copied().filter(|(step, _)| *step <= index) {
            self.pending.pop_front();
            if let Some(seen) = seen.filter(|_| step == index) {
                self.errors.push_back(seen - forecast);
            }
        }
        while self.errors.len() > self.keep {
            self.errors.pop_front();
        }
        let mut sorted: Vec<f64> = self.errors.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        self.margin = quantile(&sorted, self.share).unwrap_or(0.0);
    }

    /// What to add to a forecast.
    pub(in super::super) const fn margin(&self) -> f64 {
        self.margin
    }
}

/// The ⌈(n + 1)·q⌉-th smallest of n sorted values, the largest where there is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among a few hundred values")]
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = ((sorted.len() + 1) as f64 * share - 1e-9).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a margin is one of the errors")]
mod tests {
    use super::Conformal;
    use crate::seed::Seed;
    use rand::RngExt;

    /// Errors 1 to 9 of forecasts of 0: of (9 + 1)·0.8 = 8 the 8th smallest, of 0.95·10 = 9.5 the 10th, which is not there.
    #[test]
    fn the_margin_is_a_rank_among_the_errors() {
        let margin = |share: f64| {
            let mut conformal = Conformal::new(share, 100);
            for step in 1..=9_u32 {
                conformal.forecast(step.into(), 0.0);
                conformal.learn(step.into(), Some(f64::from(10 - step)));
            }
            conformal.margin()
        };
        assert_eq!([margin(0.8), margin(0.95), margin(0.1)], [8.0, 9.0, 1.0]);
    }

    #[test]
    fn gaps_and_old_errors_do_not_count() {
        let mut conformal = Conformal::new(0.9, 2);
        for (step, seen) in [(1, Some(50.0)), (2, None), (3, Some(1.0)), (4, Some(2.0))] {
            conformal.forecast(step, 0.0);
            conformal.learn(step, seen);
        }
        assert_eq!(conformal.margin(), 2.0);
    }

    /// Goal: the promise holds for errors that are exchangeable. Method: 4,000 steps of skewed noise (squares of uniform
    /// draws), margins for 90 % from the last 200 errors; 90 ± 2 % of what came lies below.
    #[test]
    fn the_share_that_is_promised_is_covered() {
        let stream = &mut Seed(1).stream("conformal", 0);
        let mut conformal = Conformal::new(0.9, 200);
        let mut covered = 0_u32;
        for step in 0..4_200_u64 {
            let seen = 100.0 * stream.random::<f64>().powi(2);
            if step >= 200 {
                covered += u32::from(seen <= 30.0 + conformal.margin());
            }
            conformal.forecast(step, 30.0);
            conformal.learn(step, Some(seen));
        }
        assert!((3_520..=3_680).contains(&covered), "{covered} of 4000");
    }
}
