//! Square-root staffing: the load, and a multiple of its square root against chance.
//!
//! A load of a erlangs varies by about √a, so large services need relatively little more than their load: `c = a + β·√a`. In
//! the limit of many servers a share of `[1 + β·Φ(β)/φ(β)]⁻¹` of the requests has to wait at all; β follows from the share
//! that may (Halfin & Whitt 1981). The rule knows nothing of how long they wait: `erlang-c` does.

use super::super::each::{Choice, Rule, ServiceByService, Sight};
use super::super::knobs;
use super::super::shares::Shares;
use super::super::wish::{HoldDown, bounded};
use super::super::{Entry, Parameter};
use super::formulas::staffing;
use super::{Servers, fewest};
use crate::model::{ServiceId, Why};
use crate::units::{Rate, Ratio, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "square-root",
    summary: "the load in erlangs and a multiple of its square root, so that few requests have to wait",
    about: "The smallest n with n·workers ≥ a + β·√a, a = λ/µ, where µ is the believed capacity of one worker with n replicas and β \
        solves `delayed` = [1 + β·Φ(β)/φ(β)]⁻¹. Source: Halfin & Whitt 1981 (square-root staffing).",
    parameters: &[
        Parameter { name: "delayed", default: "10 %", summary: "share of the requests that may have to wait" },
        Parameter { name: "headroom", default: "10 %", summary: "rate beyond the one that is seen" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        Ok(ServiceByService::boxed(SquareRoot {
            beta: staffing(parameters.ratio("delayed", 0.000_1, 0.999)?.as_f64()),
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
        }))
    },
};

/// Load and safety.
#[derive(Debug, Clone)]
struct SquareRoot {
    beta: f64,
    factor: Ratio,
    down_after: Span,
    stale: Span,
}

impl SquareRoot {
    /// The fewest replicas whose workers are load and safety, the load in erlangs, and whether there are so many.
    fn needed(&self, sight: &Sight<'_>, rate: Rate) -> (u32, f64, bool) {
        let declared = sight.declared();
        let shares = Shares::of(sight.snapshot, sight.service);
        let most = shares.peak(declared.replicas_max).max(1);
        let load = |replicas| Servers::of(sight, &shares, replicas).load(rate);
        let keeps = |replicas: u32| {
            let servers = Servers::of(sight, &shares, replicas);
            let load = servers.load(rate);
            f64::from(servers.count) >= (load + self.beta * load.sqrt()) * (1.0 - 1e-12)
        };
        let found = fewest(1, most, keeps);
        let replicas = found.unwrap_or(most);
        (bounded(declared, replicas), load(replicas), found.is_some())
    }
}

impl Rule for SquareRoot {
    type Memory = HoldDown;

    fn memory(&self, _: ServiceId) -> HoldDown {
        HoldDown::default()
    }

    fn decide(&self, sight: &Sight<'_>, recent: &mut HoldDown) -> Choice {
        let rate = match sight.rate(self.stale) {
            Ok((rate, _)) => rate.scaled(self.factor),
            Err(held) => return held,
        };
        let (needed, load, suffices) =
            if rate == Rate::ZERO { (bounded(sight.declared(), 0), 0.0, true) } else { self.needed(sight, rate) };
        let replicas = recent.highest(sight.now(), self.down_after, needed);
        let rule = match (suffices, replicas > needed) {
            (_, true) => "not yet down: more was needed a short time ago",
            (true, _) => "the load and a multiple of its square root",
            (false, _) => "no number of replicas is enough; the one that serves most",
        };
        let figures =
            [("erlangs", load), ("beta", self.beta), ("needed", needed.into()), ("replicas", replicas.into())];
        (replicas, Why::new(rule, &figures))
    }
}
