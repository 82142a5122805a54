//! When is looked, and what comes of a look: the original's threshold scaler as a pure step, with its cooldown.
//!
//! A look during the cooldown is none: it neither reads nor writes, as in the original. What is compared stands in
//! [`step`], which recorded vectors of the original judge.

use crate::policy::scaling::threshold::{Step, Thresholds, step};
use crate::units::{Span, Time};
use serde_json::{Value, json};

/// Two thresholds, and when something was last changed.
#[derive(Debug, Clone)]
pub struct Rule {
    thresholds: Thresholds,
    cooldown: Span,
    changed_at: Option<Time>,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Replicas as they were.
    pub current: u32,
    /// The rate, where it was measured.
    pub rate: Option<f64>,
    /// Replicas that are wanted instead.
    pub wanted: Option<u32>,
    /// `scale_up`, `scale_down` or `none`.
    pub action: &'static str,
    /// Why, in the original's words.
    pub reason: String,
}

impl Rule {
    /// Thresholds that are in order.
    ///
    /// # Errors
    /// What is not in order, and what would be.
    pub fn new(thresholds: Thresholds, cooldown: Span) -> Result<Self, String> {
        let Thresholds { up, down, up_replicas, down_replicas } = thresholds;
        if down >= up {
            return Err(format!(
                "--down-threshold {down} is not below --up-threshold {up}\n  between the two nothing happens; leave room there"
            ));
        }
        if down_replicas >= up_replicas {
            return Err(format!(
                "--down-replicas {down_replicas} is not below --up-replicas {up_replicas}\n  a higher rate takes more replicas, not fewer"
            ));
        }
        Ok(Self { thresholds, cooldown, changed_at: None })
    }

    /// Until the end of the cooldown, where it is not over.
    pub fn cooling(&self, now: Time) -> Option<Span> {
        let gone = now.since(self.changed_at?);
        (gone < self.cooldown).then(|| self.cooldown.saturating_sub(gone))
    }

    /// What is to be done with `current` replicas at this rate.
    pub fn look(&self, current: u32, rate: Option<f64>) -> Look {
        let found = step(rate, current, &self.thresholds);
        let (action, wanted) = match found {
            Step::Up(replicas, _) => ("scale_up", Some(replicas)),
            Step::Down(replicas, _) => ("scale_down", Some(replicas)),
            Step::Within | Step::Unknown => ("none", None),
        };
        Look { current, rate, wanted, action, reason: found.reason(&self.thresholds) }
    }

    /// Something was changed: the cooldown begins.
    pub const fn on_changed(&mut self, now: Time) {
        self.changed_at = Some(now);
    }
}

impl Look {
    /// The original's answer; a rate that is not there is `null`.
    pub fn json(&self) -> Value {
        let mut answer = json!({
            "action": self.action,
            "reason": self.reason,
            "current_replicas": self.current,
            "request_rate": self.rate,
        });
        if let Some(wanted) = self.wanted {
            answer["new_replicas"] = wanted.into();
        }
        answer
    }

    /// The same in a line.
    pub fn line(&self) -> String {
        let change =
            self.wanted.map_or_else(|| self.current.to_string(), |wanted| format!("{} → {wanted}", self.current));
        let rate = self.rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2} /s"));
        format!("{:<10}  {change:<9}  {rate:>12}  {}", self.action, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;
    use crate::policy::scaling::threshold::Thresholds;
    use crate::units::{Span, Time};
    use serde_json::json;

    const THRESHOLDS: Thresholds = Thresholds { up: 20.0, down: 5.0, up_replicas: 5, down_replicas: 1 };

    fn rule() -> Rule {
        Rule::new(THRESHOLDS, Span::seconds(60)).unwrap()
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::seconds(seconds)
    }

    #[test]
    fn nothing_is_looked_at_until_the_cooldown_is_over() {
        let mut rule = rule();
        assert_eq!(rule.cooling(at(0)), None);
        rule.on_changed(at(10));
        assert_eq!(rule.cooling(at(10)), Some(Span::seconds(60)));
        assert_eq!(rule.cooling(at(69)), Some(Span::seconds(1)));
        assert_eq!(rule.cooling(at(70)), None);
    }

    #[test]
    fn a_look_says_what_is_done_and_why() {
        let found = rule().look(2, Some(25.0));
        let wanted = json!({
            "action": "scale_up", "new_replicas": 5, "current_replicas": 2, "request_rate": 25.0,
            "reason": "Request rate 25.00 RPS exceeded scale-up threshold of 20.00 RPS.",
        });
        assert_eq!(found.json(), wanted);
        assert_eq!(rule().look(5, Some(4.0)).wanted, Some(1));
        assert_eq!(rule().look(2, Some(20.0)).wanted, None);
    }

    #[test]
    fn a_rate_that_is_not_there_holds_the_replicas() {
        let found = rule().look(4, None);
        assert_eq!((found.wanted, found.action), (None, "none"));
        assert_eq!(found.reason, "Could not retrieve metrics from Prometheus.");
    }

    #[test]
    fn thresholds_that_are_not_in_order_are_refused() {
        for (up, down, up_replicas, down_replicas) in
            [(5.0, 5.0, 5, 1), (5.0, 20.0, 5, 1), (20.0, 5.0, 2, 2), (20.0, 5.0, 1, 5)]
        {
            let thresholds = Thresholds { up, down, up_replicas, down_replicas };
            assert!(Rule::new(thresholds, Span::ZERO).unwrap_err().contains("is not below"));
        }
    }
}
