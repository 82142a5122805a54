//! Oracle: knows the rates of the time ahead, and takes the cheapest course through them.
//!
//! A yardstick, not a policy that anybody could run: a simulation shows it the future (see [`Foreseen`]), every other world
//! shows it none, and then it holds and says so. What is left to do better is only what no scaling sees: noise in starts, faults,
//! and the placement. It plans as `mpc` does, with the truth instead of a forecast.
//!
//! [`Foreseen`]: crate::model::snapshot::Foreseen

use super::each::{Choice, Rule, ServiceByService, Sight};
use super::forecast::Provision;
use super::knobs;
use super::lead::Lead;
use super::mpc::Course;
use super::shares::Shares;
use super::{Entry, Parameter};
use crate::model::{ServiceId, Why};
use crate::units::{Rate, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "oracle",
    summary: "clairvoyant: the cheapest course of replicas for the true rates ahead; a yardstick, in simulation only",
    about: "min Σ_t [r_t·tick + switch·max(0, r_t − r_{t−1})] with L_t ≤ r_t ≤ max; L_t is the fewest replicas whose believed capacity \
        serves (1 + headroom) × the highest true rate of step t; the first step covers now to now + lead and one decision. Rates \
        of called services follow from their callers'. Where no future is shown it holds.",
    parameters: &[
        Parameter { name: "horizon", default: "20 min", summary: "how far ahead it plans" },
        Parameter { name: "tick", default: "1 min", summary: "length of a step of the plan" },
        Parameter { name: "switch", default: "2 min", summary: "what a start costs, as time of a running replica" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the true rate, for the queue" },
    ],
    partner: "greedy",
    build: |parameters| {
        Ok(ServiceByService::boxed(Oracle {
            course: Course::read(parameters)?,
            provision: Provision::with_headroom(parameters)?,
            lead: Lead::read(parameters)?,
        }))
    },
};

/// Prices and head-room; the future is in the snapshot.
#[derive(Debug, Clone)]
struct Oracle {
    course: Course,
    provision: Provision,
    lead: Lead,
}

/// Longest time from a decision to its effect that it foresees.
const LEAD_MAX: Span = Span::seconds(1_800);

/// The highest rate from `from` until `until`, of changes in order of time.
fn highest(rates: &[(Time, Rate)], from: Time, until: Time) -> Rate {
    let begun = rates.partition_point(|(at, _)| *at <= from);
    let within = rates.iter().skip(begun.saturating_sub(1)).take_while(|(at, _)| *at <= until);
    within.map(|(_, rate)| *rate).fold(Rate::ZERO, Rate::max)
}

impl Rule for Oracle {
    /// When it decided last: how long decisions are apart.
    type Memory = Option<Time>;

    fn memory(&self, _: ServiceId) -> Self::Memory {
        None
    }

    fn foresight(&self) -> Span {
        self.course.tick.repeated(self.course.steps as u64 + 1) + LEAD_MAX
    }

    fn decide(&self, sight: &Sight<'_>, last: &mut Option<Time>) -> Choice {
        let Some(foreseen) = &sight.snapshot.foreseen else {
            return sight.hold("hold: no future is shown; only a simulation has one", Span::ZERO);
        };
        let now = sight.now();
        let between = last.map_or(self.course.tick, |last| now.since(last)).max(self.course.tick);
        *last = Some(now);
        let rates = &foreseen.rates[sight.service];
        let effect = now + self.lead.of(sight.declared()).min(LEAD_MAX);
        let shares = Shares::of(sight.snapshot, sight.service);
        let fewest = |from, until| self.provision.replicas(sight, &shares, highest(rates, from, until)).0;
        let first = fewest(now, effect + between);
        let step = |step: usize| {
            let from = effect + self.course.tick.repeated(step as u64);
            if step == 0 { first } else { fewest(from, from + self.course.tick) }
        };
        let replicas = self.course.first(sight, step);
        let figures = [
            ("rate_per_s", highest(rates, now, now).per_second()),
            ("highest_until_effect_per_s", highest(rates, now, effect + between).per_second()),
            ("needed", first.into()),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new("the cheapest course for the true rates ahead", &figures))
    }
}

#[cfg(test)]
mod tests {
    use super::highest;
    use crate::units::{Rate, Time};

    #[test]
    fn the_highest_rate_of_a_time_counts_the_one_that_holds_at_its_begin() {
        let rates = [(0, 5), (10, 9), (20, 2), (30, 7)].map(|(at, rate)| (Time(at), Rate(rate)));
        let within = |from, until| highest(&rates, Time(from), Time(until)).0;
        assert_eq!(
            [within(0, 9), within(5, 10), within(12, 15), within(20, 29), within(25, 30), within(99, 99)],
            [5, 9, 9, 2, 7, 7]
        );
        assert_eq!(highest(&[], Time(0), Time(9)), Rate::ZERO);
    }
}
