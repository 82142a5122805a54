//! Every call to an outside system goes through here: time limit, tries, error class, circuit breaker, counts.
//!
//! A call either succeeds or ends in a [`CallError`] that says which system, which call and what kind of trouble, so that nobody
//! above has to know what a 409 is. Trouble that may pass is met by tries that grow apart (0.2 s to 5 s, with jitter, so that
//! many clients do not come back at once) until the budget of the call is used up. A system that keeps failing is left alone for a
//! while (circuit breaker): a controller that hammers a control plane which is coming back keeps it from coming back.
//!
//! Deliberately absent: what to do about an error. That is for whoever called: a telemetry outage means hold, a conflict means
//! read again, a dashboard that fails means nothing.

use super::{clock, traced};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::fmt;
use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tracing::Instrument as _;

/// Calls that failed in a row until the system is left alone.
const BREAKER_FAILURES: u32 = 5;
/// For how long it is.
const BREAKER_OPEN: Duration = Duration::from_secs(10);

/// What kind of trouble: what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It may pass: the system is away, slow, overloaded, or answered a 5xx.
    Retryable,
    /// Somebody else wrote in between: read again, then decide again.
    Conflict,
    /// It will not pass: wrong request, no permission, not there.
    Permanent,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{system}: {call}: {reason}")]
pub struct CallError {
    /// Which system: `karmada`, `prometheus`, `helm` ...
    pub system: &'static str,
    /// What was asked of it.
    pub call: String,
    /// What kind of trouble.
    pub class: Class,
    /// What went wrong, and what would be right where that is known.
    pub reason: String,
    /// The status of the answer, where there was one over HTTP.
    pub status: Option<u16>,
    /// When it may be tried again, where the system said so.
    pub retry_after: Option<Duration>,
}

impl CallError {
    /// Trouble of `class` in a call to `system`.
    pub fn new(system: &'static str, call: impl Into<String>, class: Class, reason: impl fmt::Display) -> Self {
        Self { system, call: call.into(), class, reason: reason.to_string(), status: None, retry_after: None }
    }

    /// The same, with the status of an answer over HTTP.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Whether what was asked for is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }
}

/// The class of an HTTP status that is no success.
pub const fn class_of_status(status: u16) -> Class {
    match status {
        409 | 412 => Class::Conflict,
        408 | 425 | 429 | 500..=599 => Class::Retryable,
        _ => Class::Permanent,
    }
}

/// How long and how often a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One try.
    pub each: Duration,
    /// All tries together.
    pub all: Duration,
    /// Tries, the first included.
    pub tries: usize,
}

impl Limits {
    /// For reads and small writes.
    pub const CALL: Self = Self { each: Duration::from_secs(5), all: Duration::from_secs(15), tries: 5 };
    /// For what is asked again soon anyway: one try.
    pub const ONCE: Self = Self { each: Duration::from_secs(5), all: Duration::from_secs(5), tries: 1 };
}

/// What was asked of a system so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls.
    pub calls: u64,
    /// Tries of all of them.
    pub tries: u64,
    /// Calls that failed after all their tries.
    pub failed: u64,
    /// Calls that were not made because the breaker was open.
    pub refused: u64,
}

/// One outside system.
#[derive(Debug)]
pub struct Outside {
    system: &'static str,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    failures: u32,
    open_until: Option<Instant>,
}

impl Outside {
    /// A system, and how its calls are tried.
    pub fn new(system: &'static str, limits: Limits) -> Self {
        Self { system, limits, state: Mutex::default() }
    }

    /// Its name.
    pub const fn system(&self) -> &'static str {
        self.system
    }

    /// What was asked of it so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Makes the call `what`, as often as it takes and the limits allow.
    ///
    /// # Errors
    /// The last error, or that the breaker is open.
    pub async fn call<T, F>(&self, what: &str, attempt: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        self.call_within(self.limits, what, attempt).await
    }

    /// The same with limits of its own.
    ///
    /// # Errors
    /// The last error, or that the breaker is open.
    pub async fn call_within<T, F>(
        &self,
        limits: Limits,
        what: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let (span, mut tries) = (traced::call(self.system, what), 0_i64);
        let counted = || {
            tries += 1;
            attempt()
        };
        let called = self.try_all(limits, what, counted).instrument(span.clone()).await;
        span.record("smo.tries", tries);
        called.inspect_err(|error| traced::failed(&span, error))
    }

    async fn try_all<T, F>(&self, limits: Limits, what: &str, mut attempt: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        self.admit(what)?;
        let end = clock::now() + limits.all;
        let mut delays = backoff(limits).build();
        loop {
            self.lock().counts.tries += 1;
            let tried = tokio::time::timeout(limits.each, attempt()).await;
            let late = |_| Err(self.error(what, format!("no answer in {:?}", limits.each)));
            let error = match tried.unwrap_or_else(late) {
                Ok(value) => {
                    self.on_success();
                    return Ok(value);
                }
                Err(error) => error,
            };
            let delay = (error.class == Class::Retryable).then(|| delays.next()).flatten();
            let delay = delay.map(|delay| error.retry_after.unwrap_or(delay));
            match delay {
                Some(delay) if clock::now() + delay < end => tokio::time::sleep(delay).await,
                _ => {
                    self.on_failure(error.class);
                    return Err(error);
                }
            }
        }
    }

    /// Trouble with this system that may pass.
    fn error(&self, what: &str, reason: impl fmt::Display) -> CallError {
        CallError::new(self.system, what, Class::Retryable, reason)
    }

    fn admit(&self, what: &str) -> Result<(), CallError> {
        let mut state = self.lock();
        if state.open_until.is_some_and(|until| clock::now() < until) {
            state.counts.refused += 1;
            let reason =
                format!("not asked: it failed {} times in a row and is left alone for a while", state.failures);
            return Err(self.error(what, reason));
        }
        state.counts.calls += 1;
        Ok(())
    }

    fn on_success(&self) {
        let mut state = self.lock();
        state.failures = 0;
        state.open_until = None;
    }

    /// Only trouble that may pass counts: a wrong request says nothing of the system's health.
    fn on_failure(&self, class: Class) {
        let mut state = self.lock();
        state.counts.failed += 1;
        if class == Class::Retryable {
            state.failures += 1;
            // The first call after the pause is a trial: if it fails too, the next pause begins.
            state.open_until = (state.failures >= BREAKER_FAILURES).then(|| clock::now() + BREAKER_OPEN);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while counting")
    }
}

fn backoff(limits: Limits) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(limits.tries.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::{BREAKER_FAILURES, CallError, Class, Limits, Outside, class_of_status};
    use std::cell::Cell;
    use std::time::Duration;

    const QUICK: Limits = Limits { each: Duration::from_millis(50), all: Duration::from_secs(5), tries: 3 };

    fn error(class: Class) -> CallError {
        let error = CallError::new("there", "ask", class, "no");
        CallError { retry_after: Some(Duration::ZERO), ..error }
    }

    #[tokio::test]
    async fn trouble_that_may_pass_is_met_by_tries_and_other_trouble_is_not() {
        let there = Outside::new("there", QUICK);
        let tries = Cell::new(0);
        let answer = there
            .call("ask", || {
                tries.set(tries.get() + 1);
                let tried = tries.get();
                async move { if tried < 3 { Err(error(Class::Retryable)) } else { Ok(tried) } }
            })
            .await;
        assert_eq!(answer, Ok(3));
        for class in [Class::Permanent, Class::Conflict] {
            tries.set(0);
            let answer = there
                .call("ask", || {
                    tries.set(tries.get() + 1);
                    async { Err::<(), _>(error(class)) }
                })
                .await;
            assert_eq!((answer, tries.get()), (Err(error(class)), 1));
        }
        assert_eq!(there.counts().failed, 2);
    }

    #[tokio::test]
    async fn a_call_that_hangs_ends_at_its_limit() {
        let there = Outside::new("there", Limits { tries: 1, ..QUICK });
        let answer = there.call("ask", std::future::pending::<Result<(), CallError>>).await;
        let said = answer.expect_err("it never answers");
        assert_eq!((said.class, said.reason.as_str()), (Class::Retryable, "no answer in 50ms"));
    }

    #[tokio::test]
    async fn a_system_that_keeps_failing_is_left_alone() {
        let there = Outside::new("there", Limits { tries: 1, ..QUICK });
        for _ in 0..BREAKER_FAILURES {
            assert!(there.call("ask", || async { Err::<(), _>(error(Class::Retryable)) }).await.is_err());
        }
        let asked = Cell::new(false);
        let answer = there
            .call("ask", || {
                asked.set(true);
                async { Ok(()) }
            })
            .await;
        assert!(answer.is_err() && !asked.get());
        assert_eq!((there.counts().refused, there.counts().calls), (1, u64::from(BREAKER_FAILURES)));
    }

    #[test]
    fn statuses_have_classes() {
        let of = [(409, Class::Conflict), (412, Class::Conflict), (429, Class::Retryable), (503, Class::Retryable)];
        assert!(of.iter().all(|(status, class)| class_of_status(*status) == *class));
        assert!([400, 401, 403, 404, 422].iter().all(|status| class_of_status(*status) == Class::Permanent));
    }
}
