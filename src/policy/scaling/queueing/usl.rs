//! Universal Scalability Law: between which two numbers of replicas does a service keep up?
//!
//! `X(N) = γ·N / (1 + σ·(N−1) + κ·N·(N−1))` rises, has its peak at √((1−σ)/κ), and falls: too many replicas are as bad as too
//! few. `X(N) ≥ λ` holds between the roots of `λκ·N² + (λ(σ−κ) − γ)·N + λ(1−σ) = 0`, so the wish is within
//! [⌈N₋⌉, ⌊N₊⌋]. Inside, the last wish is moved only if it can be lowered after `down_after`; outside it goes to the nearer end.
//! Each cluster is a system of its own, with its share of the rate; the intervals add up.

use super::super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::super::knobs;
use super::super::shares::Shares;
use super::super::wish::{HoldDown, bounded};
use super::super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Capacity, ServiceId, Why};
use crate::units::{Rate, Ratio, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "usl",
    summary: "the fewest replicas that keep up by the Universal Scalability Law, and never more than help",
    about: "N₋ and N₊ are the roots of λκN² + (λ(σ−κ)−γ)N + λ(1−σ) = 0, between which γN ÷ (1 + σ(N−1) + κN(N−1)) ≥ λ; r = ⌈N₋⌉, at \
        most ⌊N₊⌋; where there are no roots, the peak √((1−σ)/κ). γ is the believed capacity of one replica, σ and κ \
        are as believed or as stated. Source: Gunther 2007.",
    parameters: &[
        Parameter { name: "sigma", default: "believed", summary: "contention, or `believed`: as the capacity has it" },
        Parameter { name: "kappa", default: "believed", summary: "coherency, or `believed`" },
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the rate that is seen" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| Ok(ServiceByService::boxed(Usl::read(parameters)?)),
};

/// The law's coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Law {
    gamma: f64,
    sigma: f64,
    kappa: f64,
}

impl Law {
    /// The real numbers between which the law serves `rate`; `None` where no number does. Without coherency there is no
    /// upper end.
    fn interval(self, rate: f64) -> Option<(f64, f64)> {
        let Self { gamma, sigma, kappa } = self;
        let (square, linear, constant) = (rate * kappa, rate * (sigma - kappa) - gamma, rate * (1.0 - sigma));
        if square <= 0.0 {
            return (linear < 0.0).then(|| (-constant / linear, f64::INFINITY));
        }
        let discriminant = linear * linear - 4.0 * square * constant;
        if discriminant < 0.0 || linear >= 0.0 {
            return None;
        }
        // The larger root by the formula, the smaller one by their product: no difference of near numbers.
        let upper = (-linear + discriminant.sqrt()) / (2.0 * square);
        Some((constant / (square * upper), upper))
    }

    /// The real number that serves most.
    fn peak(self) -> f64 {
        if self.kappa > 0.0 { ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt().max(1.0) } else { f64::INFINITY }
    }
}

/// The law for all services.
#[derive(Debug, Clone)]
struct Usl {
    sigma: Option<f64>,
    kappa: Option<f64>,
    factor: Ratio,
    down_after: Span,
    stale: Span,
}

/// Between which numbers a service keeps up, and whether it does at all.
struct Interval {
    least: u32,
    most: u32,
    keeps_up: bool,
}

impl Usl {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let coefficient = |name| {
            let text: String = parameters.get(name)?;
            if text == "believed" { Ok(None) } else { Ok(Some(parameters.ratio(name, 0.0, 1.0)?.as_f64())) }
        };
        Ok(Self {
            sigma: coefficient("sigma")?,
            kappa: coefficient("kappa")?,
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
        })
    }

    /// The law in a cluster of this speed. A capacity that is believed to be linear has neither contention nor coherency.
    fn law(&self, capacity: &Capacity, speed: Ratio) -> Law {
        let believed = match *capacity {
            Capacity::Linear { .. } => (0.0, 0.0),
            Capacity::Usl { sigma, kappa, .. } => (sigma, kappa),
        };
        let gamma = match *capacity {
            Capacity::Linear { alpha, .. } => alpha,
            Capacity::Usl { gamma, .. } => gamma,
        };
        Law {
            gamma: gamma * speed.as_f64(),
            sigma: self.sigma.unwrap_or(believed.0),
            kappa: self.kappa.unwrap_or(believed.1),
        }
    }

    /// The sum of the clusters' intervals at their shares of `rate`. An intercept is what a cluster serves besides, or less.
    fn interval(&self, shares: &Shares<'_>, rate: Rate) -> Interval {
        let mut sum = Interval { least: 0, most: 0, keeps_up: true };
        for (capacity, speed, present) in &shares.places {
            let share = rate.per_second() * f64::from(*present) / f64::from(shares.present.max(1));
            let beta = if let Capacity::Linear { beta, .. } = capacity { beta * speed.as_f64() } else { 0.0 };
            let law = self.law(capacity, *speed);
            let (least, most) = law.interval((share - beta).max(0.0)).unwrap_or_else(|| {
                sum.keeps_up = false;
                (law.peak(), law.peak())
            });
            sum.least = sum.least.saturating_add(whole(least).max(1));
            sum.most = sum.most.saturating_add(whole(most.floor()).max(1));
        }
        sum
    }
}

impl Rule for Usl {
    type Memory = HoldDown;

    fn memory(&self, _: ServiceId) -> HoldDown {
        HoldDown::default()
    }

    fn decide(&self, sight: &Sight<'_>, recent: &mut HoldDown) -> Choice {
        let rate = match sight.rate(self.stale) {
            Ok((rate, _)) => rate.scaled(self.factor),
            Err(held) => return held,
        };
        let declared = sight.declared();
        let interval = if rate == Rate::ZERO {
            Interval { least: bounded(declared, 0), most: declared.replicas_max, keeps_up: true }
        } else {
            self.interval(&Shares::of(sight.snapshot, sight.service), rate)
        };
        let needed = bounded(declared, interval.least);
        let replicas = recent.highest(sight.now(), self.down_after, needed).min(interval.most.max(needed));
        let rule = match (interval.keeps_up, replicas > needed) {
            (false, _) => "no number of replicas keeps up; the peak of the law",
            (true, true) => "not yet down: more was needed a short time ago",
            (true, false) => "the fewest replicas that keep up by the law",
        };
        let most = if interval.most == u32::MAX { declared.replicas_max } else { interval.most };
        let figures = [
            ("rate_with_headroom_per_s", rate.per_second()),
            ("fewest", interval.least.into()),
            ("most", most.into()),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new(rule, &figures))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "infinity is one value")]
mod tests {
    use super::{Law, whole};
    use crate::model::Capacity;
    use crate::seed::Seed;
    use crate::units::{Rate, Ratio};
    use rand::RngExt;

    /// Goal: the roots bound exactly the whole numbers that keep up. Method: 500 random laws and rates, each number up to 400
    /// asked of the law itself.
    #[test]
    fn the_interval_holds_exactly_the_numbers_that_keep_up() {
        for seed in 0..500 {
            let stream = &mut Seed(seed).stream("usl", 0);
            let law = Law {
                gamma: stream.random_range(5.0..50.0),
                sigma: stream.random_range(0.0..0.2),
                kappa: if seed % 5 == 0 { 0.0 } else { stream.random_range(0.0001..0.01) },
            };
            let rate = stream.random_range(1.0..600.0);
            let serves = Capacity::Usl { gamma: law.gamma, sigma: law.sigma, kappa: law.kappa };
            let kept: Vec<u32> =
                (1..=400).filter(|n| serves.at(*n, Ratio::ONE) >= Rate::from_per_second(rate)).collect();
            let found: Vec<u32> = law.interval(rate).map_or_else(Vec::new, |(least, most)| {
                (whole(least).max(1)..=400).filter(|n| f64::from(*n) <= most).collect()
            });
            assert_eq!(found, kept, "seed {seed}: {law:?} at {rate}");
        }
    }

    /// σ 0.02, κ 0.0005: the peak is √(0.98/0.0005) = 44.27. Without coherency it is nowhere.
    #[test]
    fn the_peak_is_where_the_textbook_has_it() {
        assert!((Law { gamma: 1.0, sigma: 0.02, kappa: 0.000_5 }.peak() - 44.27).abs() < 0.005);
        assert_eq!(Law { gamma: 1.0, sigma: 0.02, kappa: 0.0 }.peak(), f64::INFINITY);
    }
}
