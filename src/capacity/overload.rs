//! Samples in which requests fail because there were too many of them: what was served meanwhile is the capacity after all.
//!
//! **Formula.** A sample with more failures than are tolerated, at most half, counts as overloaded where CPU was above 85 % of its
//! limit, throttled in more than 5 % of the periods, or latency above three times its tenth percentile, and replicas had
//! stood still for two samples. Whether the rate holds the failed requests too is not said by its column, and decided by the
//! data: served at the capacity is the same again and again, asked for is not. Of x/r and x·(1 − errors)/r the one that scatters less
//! is the throughput, if its densest half lies within ± 5 %; else all stay left out.
//!
//! **Assumes** that a service which sheds load serves the rest at its capacity. **Source**: policies §6.2 step 0 keeps failures
//! as a set of their own; this says when they speak. **Fails** where a failing request costs as much as one that is served:
//! then the throughput falls with the load and scatters, and nothing is taken.

use super::clean::Buckets;
use super::estimate::{median, quantile};
use super::outcome::{Note, Standing};
use super::saturation::{POINTS_MIN, STRAINED, THROTTLED};

/// Failures beyond which a service is broken, not busy.
const ERRORS_MAX: f64 = 0.5;
/// Relative half-width of the densest half.
const SCATTER_MAX: f64 = 0.05;

/// Takes failing buckets as saturated where overload explains them; their rate becomes what was served.
pub fn reclaim(buckets: &mut Buckets) -> Option<Note> {
    let used: Vec<f64> = buckets.used().into_iter().map(|at| buckets.tail[at]).collect();
    let slow = 3.0 * quantile(&used, 0.1);
    let overloaded: Vec<usize> = (0..buckets.len()).filter(|at| is_overloaded(buckets, *at, slow)).collect();
    if overloaded.len() < POINTS_MIN {
        return None;
    }
    let each = |served: fn(f64, f64) -> f64| -> Vec<f64> {
        let throughput = |at: &usize| served(buckets.rate[*at], buckets.errors[*at]) / buckets.replicas[*at];
        overloaded.iter().map(throughput).collect()
    };
    let (all, without) = (each(|rate, _| rate), each(|rate, errors| rate * (1.0 - errors)));
    let (wide_all, wide_without) = (half_width(&all), half_width(&without));
    if wide_all.min(wide_without) > SCATTER_MAX {
        return None;
    }
    let holds_failures = wide_without < wide_all;
    for at in &overloaded {
        buckets.standing[*at] = Standing::Saturated;
        if holds_failures {
            buckets.rate[*at] *= 1.0 - buckets.errors[*at];
        }
    }
    let counted = if holds_failures { "without the failed ones" } else { "which does not hold the failed ones" };
    let message = format!(
        "{} samples in which requests failed under load count as saturated, with their rate {counted}",
        overloaded.len()
    );
    Some(Note { code: "overloaded", message })
}

fn is_overloaded(buckets: &Buckets, at: usize, slow: f64) -> bool {
    let strained = buckets.utilisation(at) > STRAINED || buckets.throttled[at] > THROTTLED || buckets.tail[at] > slow;
    buckets.standing[at] == Standing::Failing
        && buckets.errors[at] <= ERRORS_MAX
        && strained
        && stood_still(buckets, at)
}

fn stood_still(buckets: &Buckets, at: usize) -> bool {
    let same = |other: &usize| (buckets.replicas[*other] - buckets.replicas[at]).abs() < 1e-6;
    let before = buckets.before(at).filter(same);
    before.and_then(|before| buckets.before(before)).is_some_and(|before| same(&before))
}

/// Half of the width of the shortest interval that holds half of the values, over their median.
fn half_width(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let widths = (0..sorted.len() - half).map(|at| sorted[at + half] - sorted[at]);
    widths.fold(f64::INFINITY, f64::min) / 2.0 / median(values)
}

#[cfg(test)]
mod tests {
    use super::super::clean::clean;
    use super::reclaim;
    use crate::capacity::synthetic::Truth;
    use crate::capacity::{Options, Series};
    use crate::seed::Seed;

    /// Overloaded minutes in which what is beyond the capacity fails: the rate with or without the failures, both give 30.
    #[test]
    fn what_is_served_while_the_rest_is_rejected_is_the_capacity() {
        let shed = |whole: bool| {
            let mut series = Truth { saturated: 0.05, ..Truth::default() }.series("shop", Seed(6));
            series.errors = (0..series.len()).map(|at| 1.0 - series.completed[at] / series.offered[at]).collect();
            if whole {
                series.completed = std::mem::take(&mut series.offered);
            }
            series
        };
        for series in [shed(true), shed(false)] {
            let mut buckets = clean(&series, &Options::default()).expect("clean").buckets;
            assert_eq!(reclaim(&mut buckets).map(|note| note.code), Some("overloaded"));
            let plateau = super::super::saturation::estimate(&buckets, &buckets.used(), &Options::default(), 0);
            let each = plateau.expect("saturated").per_replica;
            assert!((each / 30.0 - 1.0).abs() < 0.01, "{each}");
        }
    }

    #[test]
    fn failures_that_load_does_not_explain_stay_out() {
        let mut series: Series = Truth::default().series("shop", Seed(6));
        series.errors = (0..series.len()).map(|at| if at % 9 == 0 { 0.2 } else { 0.0 }).collect();
        let mut buckets = clean(&series, &Options::default()).expect("clean").buckets;
        assert_eq!(reclaim(&mut buckets), None);
    }
}
