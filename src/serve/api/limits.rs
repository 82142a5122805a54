//! How often somebody may ask: so many requests a second, and a few at once.
//!
//! Counted by caller, and by address for those who are not known. Who has not asked for a while is forgotten, so that the table does
//! not grow with the addresses of the internet.

use super::problem::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

/// After so many requests, those who have not asked for a while are forgotten.
const FORGET_EVERY: u64 = 4_096;

/// Who may ask how often.
pub struct Limits {
    by: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
    asked: AtomicU64,
}

impl Limits {
    /// So many requests a second, `burst` of them at once; no limit where either is zero.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let (per_second, burst) = (NonZeroU32::new(per_second)?, NonZeroU32::new(burst)?);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Some(Self { by: RateLimiter::keyed(quota), clock: DefaultClock::default(), asked: AtomicU64::new(0) })
    }

    /// Counts a request of `who`.
    ///
    /// # Errors
    /// 429 where that is one too many.
    pub fn count(&self, who: &str) -> Result<(), Problem> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.by.retain_recent();
        }
        let verdict = self.by.check_key(&who.to_owned());
        verdict.map_err(|until| Problem::too_many_requests(until.wait_time_from(self.clock.now())))
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn a_burst_is_let_through_and_the_next_is_told_to_wait_while_others_go_on() {
        let limits = Limits::new(1, 3).unwrap();
        assert!((0..3).all(|_| limits.count("a").is_ok()));
        let problem = limits.count("a").unwrap_err();
        assert_eq!(problem.status, 429);
        assert!(problem.retry_after.is_some_and(|wait| wait.as_millis() <= 1_000));
        assert!(limits.count("b").is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        assert!(Limits::new(0, 10).is_none() && Limits::new(10, 0).is_none());
    }
}
