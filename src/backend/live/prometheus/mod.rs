//! Prometheus: what is true now, what was true over time, and which rules are loaded.
//!
//! Missing is never zero: an empty answer is an empty `Vec`, a value that is no number (NaN, an infinity) was not seen, and a
//! step without a value is a gap. Prometheus itself says "now" for up to five minutes after it last saw a series, so whoever
//! needs the age of a value asks for `timestamp(series)`.
//!
//! Deliberately absent: holding on an outage. An outage is an error here; that it means *hold* is decided above.

mod answer;

pub use answer::{Point, Rule, RuleGroup, Series};

use super::http::{Ask, Auth, Http};
use super::outside::{CallError, Class, Limits, Outside};
use answer::{Envelope, Groups, Query};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Points of one series that Prometheus gives in one answer.
const POINTS_MAX: u32 = 11_000;

/// A client of one Prometheus, or of what speaks like it.
#[derive(Debug)]
pub struct Prometheus {
    http: Http,
}

impl Prometheus {
    /// A client of the Prometheus at `url`.
    ///
    /// # Errors
    /// `url` is no address over HTTP.
    pub fn new(url: &str) -> Result<Self, CallError> {
        Ok(Self { http: Http::new("prometheus", url, Limits::CALL)? })
    }

    /// The same, with a token.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { http: self.http.with_auth(Auth::Bearer(token.into())) }
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        self.http.outside()
    }

    /// What `expr` is now: one point a series, or one without labels where it is a scalar.
    ///
    /// # Errors
    /// No answer, a wrong expression (permanent, in Prometheus' own words), or one that gives neither a vector nor a scalar.
    pub async fn query(&self, expr: &str) -> Result<Vec<Point>, CallError> {
        self.evaluate("query", &Ask::get("/api/v1/query").with("query", expr)).await
    }

    /// What `expr` was at each `step` from the start of `during`, as long as it lasts; a gap stays a gap.
    ///
    /// Asked in pieces of at most 11,000 points, which lie on one grid, so that no point comes twice.
    ///
    /// # Errors
    /// As [`Self::query`], and where `step` is below a millisecond.
    pub async fn query_range(
        &self,
        expr: &str,
        during: RangeInclusive<Duration>,
        step: Duration,
    ) -> Result<Vec<Series>, CallError> {
        if step < Duration::from_millis(1) {
            return Err(self.wrong("query_range", "the step has to be a millisecond at least"));
        }
        let mut joined: BTreeMap<BTreeMap<String, String>, Vec<(Duration, f64)>> = BTreeMap::new();
        let (mut start, until) = during.into_inner();
        while start <= until {
            let end = until.min(start + step * (POINTS_MAX - 1));
            let ask = Ask::get("/api/v1/query_range").with("query", expr);
            let ask = ask.with("start", seconds(start)).with("end", seconds(end)).with("step", seconds(step));
            for series in self.read::<Query>("query_range", &ask).await?.series(self.name(), "query_range")? {
                joined.entry(series.labels).or_default().extend(series.points);
            }
            start += step * POINTS_MAX;
        }
        Ok(joined.into_iter().map(|(labels, points)| Series { labels, points }).collect())
    }

    /// Whether `expr` may stand in a rule: it is well formed, and it gives a vector or a scalar.
    ///
    /// It is evaluated at the epoch, where there is no data, so it costs nothing and works on every version.
    ///
    /// # Errors
    /// It may not (permanent, in Prometheus' own words), or there is no answer.
    pub async fn check(&self, expr: &str) -> Result<(), CallError> {
        let ask = Ask::get("/api/v1/query").with("query", expr).with("time", "0");
        self.evaluate("check", &ask).await.map(|_nothing| ())
    }

    /// The rules that are loaded.
    ///
    /// # Errors
    /// No answer, or none that can be read.
    pub async fn rule_groups(&self) -> Result<Vec<RuleGroup>, CallError> {
        let groups: Groups = self.read("rules", &Ask::get("/api/v1/rules")).await?;
        Ok(groups.groups)
    }

    /// Whether it serves: asked once.
    ///
    /// # Errors
    /// It does not.
    pub async fn ready(&self) -> Result<(), CallError> {
        self.http.ask_once("ready", &Ask::get("/-/ready")).await.map(|_text| ())
    }

    /// Makes it read its rule files again.
    ///
    /// # Errors
    /// A rule file is wrong (permanent: the old rules stay loaded), reloading is off, or there is no answer.
    pub async fn reload(&self) -> Result<(), CallError> {
        let ask = Ask { method: reqwest::Method::POST, ..Ask::get("/-/reload") };
        // Tried once: it answers 500 to a wrong file, and a wrong file stays wrong.
        let error = match self.http.ask_once("reload", &ask).await {
            Ok(_nothing) => return Ok(()),
            Err(error) => error,
        };
        Err(match error.status {
            Some(500) => CallError { class: Class::Permanent, ..error },
            Some(403 | 404) => {
                let reason = format!("{}; start Prometheus with --web.enable-lifecycle", error.reason);
                CallError { reason, ..error }
            }
            _ => error,
        })
    }

    async fn evaluate(&self, what: &str, ask: &Ask<'_>) -> Result<Vec<Point>, CallError> {
        self.read::<Query>(what, ask).await?.points(self.name(), what)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, what: &str, ask: &Ask<'_>) -> Result<T, CallError> {
        let envelope: Envelope<T> = self.http.ask_json(what, ask).await?;
        Ok(envelope.data)
    }

    const fn name(&self) -> &'static str {
        self.http.outside().system()
    }

    fn wrong(&self, what: &str, reason: &str) -> CallError {
        CallError::new(self.name(), what, Class::Permanent, reason)
    }
}

/// A time or a step, as the interface wants it: seconds, to the millisecond.
fn seconds(at: Duration) -> String {
    format!("{}.{:03}", at.as_secs(), at.subsec_millis())
}

#[cfg(test)]
mod tests;
