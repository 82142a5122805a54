//! How the loop around a policy is run: how often, how late, and how far it may go at once.

use super::delay::Delay;
use crate::units::{Ratio, Span, Time};

/// The control loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// From one decision to the next.
    pub every: Span,
    /// Whether tasks are decided about as soon as one arrives, or room appears for one that waits; otherwise at the next
    /// tick.
    pub on_arrival: bool,
    /// From a decision until its first effect: API calls, controllers.
    pub effect_after: Delay,
    /// Virtual time that a decision itself takes, added to `effect_after`.
    pub decision_time: Span,
    /// Limits on every decision.
    pub rails: Rails,
}

/// Limits on what one decision may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rails {
    /// Replicas that may leave one cluster for another in one decision; `None` for no limit.
    pub moves_per_tick: Option<u32>,
    /// Share of a service's replicas that one decision may remove; `None` for no limit. At least one may always go.
    pub removed_share: Option<Ratio>,
    /// Windows in which nothing is changed: from, until.
    pub freezes: Vec<(Time, Time)>,
}

/// How the world is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// From one scrape to the next.
    pub scrape: Span,
    /// Each service is scraped at its own offset, drawn once, up to this.
    pub jitter: Span,
    /// Rates are averages over so long.
    pub window: Span,
    /// From a scrape until a policy can see it.
    pub delay: Span,
    /// Share of scrapes that are lost.
    pub loss: Ratio,
}
