//! What is not counted at the begin of the runs of a scenario: as the suite says, or what MSER-5 cuts from one run.
//!
//! The run is the baseline's with the knobs as they come, with the first seed of the training, on the training days; so the
//! warm-up is one for all contestants, and nothing of the test days decides it. The series is the loss from sample to sample:
//! bill, and bad requests at the suite's price.

use super::arena::Arena;
use super::cells::TRAINING_SEEDS;
use super::key;
use super::runner::{Asked, Runner};
use crate::cli::{Failure, execute};
use crate::model::suite::WarmUp;
use crate::record::tally::Step;
use crate::report::bench::mser;
use crate::units::Span;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A warm-up, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How long it is.
    pub span: Span,
    /// In words.
    pub by: String,
}

/// The warm-up of each scenario.
///
/// # Errors
/// Where the cache cannot be written.
pub fn all(arena: &Arena, runner: &Runner) -> Result<Vec<Found>, Failure> {
    if let WarmUp::Fixed(span) = arena.suite.warm_up {
        let by = "the suite says so".to_owned();
        return Ok(arena.grounds.iter().map(|_| Found { span, by: by.clone() }).collect());
    }
    let grounds: Vec<usize> = (0..arena.grounds.len()).collect();
    let found = execute::all(&grounds, runner.threads, |ground| of(arena, *ground, runner))?;
    found.into_iter().collect::<Result<_, _>>().context("a warm-up cannot be kept").map_err(Failure::run)
}

fn of(arena: &Arena, ground: usize, runner: &Runner) -> std::io::Result<Found> {
    let world = &arena.grounds[ground].train;
    let policy = &arena.settings[arena.suite.baseline][0].policy;
    let asked = Asked { world, policy, seed: TRAINING_SEEDS, warm_up: Span::ZERO };
    let price = arena.suite.bad_million.0;
    let key = key::of(
        &json!({ "warm_up_of": asked.key(), "bad_million_usd": price, "test": arena.grounds[ground].test.span.0 }),
    );
    let found = runner.kept(policy, &key, || {
        let (_, course) = asked.run(true)?;
        Ok::<_, crate::cli::job::JobError>(judge(&course, price, arena.grounds[ground].test.span))
    })?;
    Ok(found.unwrap_or_else(|_| nothing("its first training run failed")))
}

fn nothing(why: &str) -> Found {
    Found { span: Span::ZERO, by: format!("nothing is cut: {why}") }
}

fn judge(course: &[Step], price: f64, test: Span) -> Found {
    let losses: Vec<f64> = course.iter().map(|step| (step.bad * price).mul_add(1e-6, step.cost)).collect();
    let Some(found) = mser::truncation(&losses) else {
        return nothing("the baseline's first training run has too few samples for MSER-5");
    };
    if found.is_at_limit {
        return nothing("the baseline's first training run does not come to rest (MSER-5)");
    }
    let end = found.observations.checked_sub(1).map_or(Span::ZERO, |last| Span(course[last].at.0));
    if end.0 > test.0 / 2 {
        return nothing(&format!("MSER-5 cuts {end}, more than half of the test days"));
    }
    let (cut, all) = (found.observations, losses.len());
    Found { span: end, by: format!("MSER-5 of the baseline's first training run: {cut} of {all} samples") }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::record::tally::Step;
    use crate::units::{Span, Time};

    /// Goal: the warm-up is the end of the last sample that goes, of the loss at the suite's price.
    /// Method: 60 samples a minute apart that cost 1 or 3 in turn, batches of five of each; in the first ten, 4 million bad
    /// requests each at 10 $ a million: 40 more. Ten samples go; without the price, none.
    #[test]
    fn the_warm_up_ends_with_the_last_sample_that_goes() {
        let step = |at: u64| {
            let bad = if at <= 10 { 4e6 } else { 0.0 };
            Step {
                at: Time(Span::seconds(60 * at).0),
                cost: if ((at - 1) / 5).is_multiple_of(2) { 1.0 } else { 3.0 },
                bad,
            }
        };
        let course: Vec<Step> = (1..=60).map(step).collect();
        let hour = Span::seconds(3_600);
        assert_eq!(judge(&course, 10.0, hour).span, Span::seconds(600));
        assert_eq!(judge(&course, 0.0, hour).span, Span::ZERO);
        let short = judge(&course, 10.0, Span::seconds(900));
        assert!(short.span == Span::ZERO && short.by.contains("more than half"), "{short:?}");
        assert!(judge(&course[..12], 10.0, hour).by.contains("too few"));
    }
}
