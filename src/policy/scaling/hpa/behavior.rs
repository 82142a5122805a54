//! What keeps replicas from following a metric's every move: tolerances, stabilisation windows, rate limits.
//!
//! Source: `horizontal.go` of Kubernetes 1.35. Without `behavior` there is one window, downwards, whose edge is part of it,
//! and the limit upwards is max(2 · current, 4). With it there is a window a direction, whose edge is not part of it, and
//! limits from policies that look back on the changes of a period.
//!
//! The source keeps a list of recommendations and reads all of it each time. Here a window is a queue that knows its
//! extreme: the same answer at O(1) amortised, without branches that depend on the wishes. It drops what has left it, so
//! a window that is made longer while the controller runs does not get back what the shorter one had dropped.

use super::conditions::ScalingLimited;
use super::spec::{Behavior, Change, Flags, Rules, Select, Spec};
use crate::units::{Ratio, Span, Time};
use std::cmp::Ordering;

/// The ratios of usage to target at which nothing is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerances {
    lowest: f64,
    highest: f64,
}

impl Tolerances {
    pub(super) fn new(behavior: Option<&Behavior>, flags: &Flags) -> Self {
        let plain = flags.tolerance.as_f64();
        let of = |rules: &Rules| rules.tolerance.map_or(plain, quantity_as_f64);
        let (down, up) = behavior.map_or((plain, plain), |behavior| (of(&behavior.down), of(&behavior.up)));
        Self { lowest: 1.0 - down, highest: 1.0 + up }
    }

    /// Both edges are part of the range; NaN is not.
    pub(super) fn is_within(self, ratio: f64) -> bool {
        self.lowest <= ratio && ratio <= self.highest
    }
}

/// A tolerance as `Quantity.AsApproximateFloat64` gives it: mantissa times a power of ten, in the canonical spelling
/// (`50m`), which is not always the nearest float.
fn quantity_as_f64(tolerance: Ratio) -> f64 {
    if tolerance.0.is_multiple_of(1_000_000) {
        (tolerance.0 / 1_000_000) as f64
    } else if tolerance.0.is_multiple_of(1_000) {
        (tolerance.0 / 1_000) as f64 * 1e-3
    } else {
        tolerance.0 as f64 * 1e-6
    }
}

/// Which of the recent recommendations a window gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    Highest,
    Lowest,
}

impl Extreme {
    fn of(self, one: u32, other: u32) -> u32 {
        match self {
            Self::Highest => one.max(other),
            Self::Lowest => one.min(other),
        }
    }

    /// What any recommendation beats or equals.
    const fn neutral(self) -> u32 {
        match self {
            Self::Highest => u32::MIN,
            Self::Lowest => u32::MAX,
        }
    }
}

/// The extreme of the recommendations of a window: a queue of two stacks. The older half holds, for each recommendation,
/// the extreme of it and of all that followed it in that half; the newer half is as it came, with its extreme beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    extreme: Extreme,
    /// Oldest last.
    older: Vec<(Time, u32)>,
    /// Newest last.
    newer: Vec<(Time, u32)>,
    newer_extreme: u32,
}

impl Window {
    pub(super) const fn new(extreme: Extreme) -> Self {
        Self { extreme, older: Vec::new(), newer: Vec::new(), newer_extreme: extreme.neutral() }
    }

    /// Adds a recommendation.
    pub(super) fn push(&mut self, at: Time, replicas: u32) {
        self.newer_extreme = self.extreme.of(self.newer_extreme, replicas);
        self.newer.push((at, replicas));
    }

    /// The extreme of `replicas` and of the recommendations younger than `age` at `now`; remembers `replicas`.
    pub(super) fn stabilise(&mut self, now: Time, age: Span, replicas: u32) -> u32 {
        self.forget(now, age);
        self.push(now, replicas);
        let older = self.older.last().map_or(self.extreme.neutral(), |&(_, extreme)| extreme);
        self.extreme.of(older, self.newer_extreme)
    }

    /// Drops what is not younger than `age`. Each recommendation moves to the older half once.
    fn forget(&mut self, now: Time, age: Span) {
        let is_expired = |&(at, _): &(Time, u32)| now.since(at) >= age;
        loop {
            while self.older.last().is_some_and(is_expired) {
                self.older.pop();
            }
            if !self.older.is_empty() || !self.newer.first().is_some_and(is_expired) {
                return;
            }
            self.turn();
        }
    }

    /// Makes the newer half the older one.
    fn turn(&mut self) {
        let mut extreme = self.extreme.neutral();
        for (at, replicas) in self.newer.drain(..).rev() {
            extreme = self.extreme.of(extreme, replicas);
            self.older.push((at, extreme));
        }
        self.newer_extreme = self.extreme.neutral();
    }
}

/// Changes that were made in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes(Vec<Made>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    at: Time,
    replicas: u32,
    is_outdated: bool,
}

impl Changes {
    /// Replicas that were added or removed within `period` before `now`.
    fn within(&self, period: Span, now: Time) -> i64 {
        self.0.iter().filter(|made| now.since(made.at) < period).map(|made| i64::from(made.replicas)).sum()
    }

    /// Remembers a change. It takes the place of the last one that is older than the longest period of *its own*
    /// direction, even if the other direction's policies still look back on that one: so does the source.
    pub(super) fn record(&mut self, now: Time, replicas: u32, rules: &Rules) {
        let longest = rules.policies.iter().map(|policy| policy.period).max().unwrap_or_default();
        for made in &mut self.0 {
            made.is_outdated |= now.since(made.at) > longest;
        }
        let made = Made { at: now, replicas, is_outdated: false };
        match self.0.iter_mut().rfind(|made| made.is_outdated) {
            Some(outdated) => *outdated = made,
            None => self.0.push(made),
        }
    }
}

/// The changes of both directions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    pub(super) added: Changes,
    pub(super) removed: Changes,
}

/// A wish to be limited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) current: u32,
    pub(super) desired: u32,
    pub(super) at: Time,
}

impl History {
    /// The limits with `behavior` (`convertDesiredReplicasWithBehaviorRate`): only those of the direction of the wish.
    pub(super) fn limit(&self, spec: &Spec, behavior: &Behavior, wish: Wish) -> (u32, ScalingLimited) {
        let Wish { current, desired, .. } = wish;
        match desired.cmp(&current) {
            Ordering::Greater => {
                let rate = self.highest(&behavior.up, wish);
                let (highest, reason) = if spec.max > rate {
                    (rate, ScalingLimited::ScaleUpLimit)
                } else {
                    (spec.max, ScalingLimited::TooManyReplicas)
                };
                if desired > highest { (highest, reason) } else { (desired, ScalingLimited::DesiredWithinRange) }
            }
            Ordering::Less => {
                let rate = self.lowest(&behavior.down, wish);
                let (lowest, reason) = if spec.min < rate {
                    (rate, ScalingLimited::ScaleDownLimit)
                } else {
                    (spec.min, ScalingLimited::TooFewReplicas)
                };
                if desired < lowest { (lowest, reason) } else { (desired, ScalingLimited::DesiredWithinRange) }
            }
            Ordering::Equal => (desired, ScalingLimited::DesiredWithinRange),
        }
    }

    /// The most replicas that `scaleUp` allows; never fewer than there are.
    fn highest(&self, rules: &Rules, wish: Wish) -> u32 {
        let allowed = rules.policies.iter().map(|policy| increased(policy.change, self.start(policy.period, wish)));
        let limit = match rules.select {
            Select::Max => allowed.max(),
            Select::Min => allowed.min(),
            Select::Disabled => None,
        };
        limit.map_or(wish.current, to_replicas).max(wish.current)
    }

    /// The fewest replicas that `scaleDown` allows; never more than there are.
    fn lowest(&self, rules: &Rules, wish: Wish) -> u32 {
        let allowed = rules.policies.iter().map(|policy| decreased(policy.change, self.start(policy.period, wish)));
        let limit = match rules.select {
            Select::Max => allowed.min(),
            Select::Min => allowed.max(),
            Select::Disabled => None,
        };
        limit.map_or(wish.current, to_replicas).min(wish.current)
    }

    /// The replicas at the start of a period, as far as the autoscaler changed them since.
    fn start(&self, period: Span, wish: Wish) -> i64 {
        i64::from(wish.current) - self.added.within(period, wish.at) + self.removed.within(period, wish.at)
    }
}

/// Below zero is zero: all minima are at least that.
fn to_replicas(limit: i64) -> u32 {
    u32::try_from(limit.max(0)).unwrap_or(u32::MAX)
}

/// Pods: start + v. Percent: ⌈start · (1 + v/100)⌉, rounded up so that a few replicas can grow at all.
#[expect(clippy::cast_possible_truncation, reason = "saturation is what is wanted")]
fn increased(change: Change, start: i64) -> i64 {
    match change {
        Change::Pods(pods) => start + i64::from(pods),
        Change::Percent(percent) => (start as f64 * (1.0 + f64::from(percent) / 100.0)).ceil() as i64,
    }
}

/// Pods: start − v. Percent: start · (1 − v/100), rounded towards zero; negative beyond 100 %.
#[expect(clippy::cast_possible_truncation, reason = "truncation is what the source does")]
fn decreased(change: Change, start: i64) -> i64 {
    match change {
        Change::Pods(pods) => start - i64::from(pods),
        Change::Percent(percent) => (start as f64 * (1.0 - f64::from(percent) / 100.0)) as i64,
    }
}

/// The limits without `behavior` (`convertDesiredReplicasWithRules`).
pub(super) fn limit_plainly(spec: &Spec, current: u32, desired: u32) -> (u32, ScalingLimited) {
    let rate = current.saturating_mul(2).max(4);
    let (highest, reason) = if spec.max > rate {
        (rate, ScalingLimited::ScaleUpLimit)
    } else {
        (spec.max, ScalingLimited::TooManyReplicas)
    };
    if desired < spec.min {
        (spec.min, ScalingLimited::TooFewReplicas)
    } else if desired > highest {
        (highest, reason)
    } else {
        (desired, ScalingLimited::DesiredWithinRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    /// Goal: a window that forgets answers as a list that does not. Method: 64 seeds × 300 wishes at random distances.
    #[test]
    fn a_window_gives_the_extreme_of_the_whole_history() {
        for seed in 0..64 {
            let mut stream = Seed(seed).stream("hpa_window", 0);
            let age = Span::seconds(stream.next_u64() % 120);
            let (mut high, mut low) = (Window::new(Extreme::Highest), Window::new(Extreme::Lowest));
            let mut history: Vec<(Time, u32)> = Vec::new();
            let mut now = Time::ZERO;
            for _ in 0..300 {
                now = now + Span::seconds(stream.next_u64() % 20);
                let wish = stream.next_u32() % 30;
                let recent = history.iter().filter(|(at, _)| now.since(*at) < age).map(|&(_, wish)| wish);
                let (highest, lowest) = (recent.clone().fold(wish, u32::max), recent.fold(wish, u32::min));
                assert_eq!(high.stabilise(now, age, wish), highest, "seed {seed} at {now}");
                assert_eq!(low.stabilise(now, age, wish), lowest, "seed {seed} at {now}");
                history.push((now, wish));
            }
        }
    }

    /// `0.036` becomes `36m`: 36 · 0.001 is the next float above 0.036.
    #[test]
    fn a_tolerance_is_rounded_as_a_quantity_is() {
        assert_eq!(quantity_as_f64(Ratio(36_000)).to_bits(), 0.036_f64.to_bits() + 1);
        assert_eq!(quantity_as_f64(Ratio(50_000)).to_bits(), 0.05_f64.to_bits());
        assert_eq!(quantity_as_f64(Ratio(2_000_000)).to_bits(), 2.0_f64.to_bits());
    }

    /// From 10 replicas. Percent upwards ⌈10 · 1.01⌉ = 11, downwards trunc(10 · 0.99) = 9; 200 % downwards is below zero.
    #[test]
    fn percentages_move_at_least_one_replica() {
        assert_eq!((increased(Change::Percent(1), 10), decreased(Change::Percent(1), 10)), (11, 9));
        assert_eq!((increased(Change::Percent(200), 10), decreased(Change::Percent(200), 10)), (30, -10));
        assert_eq!((increased(Change::Pods(3), 10), decreased(Change::Pods(30), 10)), (13, -20));
    }
}
