//! Erlang C: the fewest replicas with which hardly anybody waits longer than the promise leaves time for.
//!
//! With c servers of rate µ, `P(W > t) = C(c, λ/µ)·e^(−(cµ − λ)·t)` must be at most 1 − share. Of the promised latency, t is the
//! part that a single service may spend on waiting. Two views of a service with k workers a replica bracket what a real
//! load balancer does: `pooled`, one queue for all n·k workers, and `per_replica`, each replica a queue of its own with k
//! workers and λ/n of the requests. A rate at which requests arrive in bursts, or take times more varied than
//! exponential ones, waits longer than this says.

use super::super::each::{Choice, Rule, ServiceByService, Sight};
use super::super::knobs;
use super::super::shares::Shares;
use super::super::wish::{HoldDown, bounded};
use super::super::{Entry, Parameter, ParameterError, Parameters};
use super::formulas::waits_longer;
use super::{Servers, UNPROMISED, fewest, promise};
use crate::model::{ServiceId, Slo, Why};
use crate::units::{Rate, Ratio, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "erlang-c",
    summary: "the fewest replicas with which few enough requests wait longer than the promise allows",
    about: "The smallest n with P(W > t) = C(c, λ/µ)·e^(−(cµ−λ)t) ≤ 1 − share, where c = n·workers and cµ is the believed \
        capacity of n replicas; t = part × the promised latency, share as promised (of a service that users do not call, of \
        the tightest promise that it has a part in; 1 s and 95 % where there is none). Source: Erlang 1917; C by the stable \
        recursion of Erlang B.",
    parameters: &[
        Parameter {
            name: "part",
            default: "30 %",
            summary: "part of the promised latency that one service may spend waiting",
        },
        Parameter {
            name: "queue",
            default: "pooled",
            summary: "`pooled`: one queue for all replicas, or `per_replica`: one each",
        },
        Parameter { name: "headroom", default: "10 %", summary: "rate beyond the one that is seen" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| Ok(ServiceByService::boxed(ErlangC::read(parameters)?)),
};

/// Few wait long.
#[derive(Debug, Clone)]
struct ErlangC {
    part: f64,
    is_pooled: bool,
    factor: Ratio,
    down_after: Span,
    stale: Span,
}

impl ErlangC {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let queue: String = parameters.get("queue")?;
        if !["pooled", "per_replica"].contains(&queue.as_str()) {
            return Err(parameters.invalid("queue", format!("`{queue}` is neither `pooled` nor `per_replica`")));
        }
        Ok(Self {
            part: parameters.ratio("part", 0.001, 1.0)?.as_f64(),
            is_pooled: queue == "pooled",
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
        })
    }

    /// The share of requests that wait longer than `wait` seconds with so many replicas.
    fn late(&self, (servers, replicas): (Servers, u32), rate: Rate, wait: f64) -> f64 {
        let queues = if self.is_pooled { 1 } else { replicas.max(1) };
        waits_longer(servers.count / queues, servers.each, rate.per_second() / f64::from(queues), wait)
    }

    /// The fewest replicas that keep `slo` at `rate`, and the share that is late with them.
    fn needed(&self, sight: &Sight<'_>, rate: Rate, slo: Slo) -> (u32, f64, bool) {
        let declared = sight.declared();
        let shares = Shares::of(sight.snapshot, sight.service);
        let wait = slo.latency.as_seconds_f64() * self.part;
        let most = shares.peak(declared.replicas_max).max(1);
        let late = |replicas| self.late((Servers::of(sight, &shares, replicas), replicas), rate, wait);
        let allowed = 1.0 - slo.share.as_f64();
        let stable = shares.fewest(rate, declared.replicas_max).unwrap_or(most).min(most);
        let found = fewest(stable, most, |replicas| late(replicas) <= allowed);
        let replicas = found.unwrap_or(most);
        (bounded(declared, replicas), late(replicas), found.is_some())
    }
}

impl Rule for ErlangC {
    type Memory = HoldDown;

    fn memory(&self, _: ServiceId) -> HoldDown {
        HoldDown::default()
    }

    fn decide(&self, sight: &Sight<'_>, recent: &mut HoldDown) -> Choice {
        let rate = match sight.rate(self.stale) {
            Ok((rate, _)) => rate.scaled(self.factor),
            Err(held) => return held,
        };
        let slo = promise(sight).unwrap_or(Slo { latency: UNPROMISED, share: Ratio(950_000) });
        let (needed, late, is_kept) =
            if rate == Rate::ZERO { (bounded(sight.declared(), 0), 0.0, true) } else { self.needed(sight, rate, slo) };
        let replicas = recent.highest(sight.now(), self.down_after, needed);
        let rule = match (is_kept, replicas > needed) {
            (_, true) => "not yet down: more was needed a short time ago",
            (true, _) => "the fewest replicas with which few enough requests wait too long",
            (false, _) => "no number of replicas keeps the promise; the one that serves most",
        };
        let figures = [
            ("rate_with_headroom_per_s", rate.per_second()),
            ("late_share", late),
            ("needed", needed.into()),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new(rule, &figures))
    }
}
