//! Series with a known truth: what an autoscaled service looks like, so that estimators can be judged.
//!
//! **Model** (policies §6.1). Load is diurnal with noise; an HPA keeps CPU at a target of the limit, with ⌈r·u/θ⌉, its 10 %
//! tolerance and the five-minute stabilisation of scaling down. CPU is D·x + b·r with noise, where D is such that one
//! replica at its usable share serves α. Latency is fixed + service + Sakasegawa's waiting, and the backlog where there is
//! one. A share of the minutes is saturated, in episodes in which the HPA stands still and more is offered than served.
//!
//! **Leaves out** what makes real data harder: lagged scrapes, noisy neighbours, several classes of requests, warm-up.
//! An error that is small here says that an estimator is right, not that the next service will be fitted as well.

use super::latency::sakasegawa;
use super::observations::{Regime, Series};
use crate::seed::{Seed, Stream};
use crate::units::{NANOS_PER_SECOND, Time};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use std::collections::VecDeque;

/// Minutes of an episode of saturation.
const EPISODE: usize = 7;

/// What is true of a generated service.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Requests per second of one replica at its usable share.
    pub alpha: f64,
    /// Cores of an idle replica.
    pub idle: f64,
    /// Usable share of the limit.
    pub usable: f64,
    /// CPU limit of one replica in cores.
    pub limit: f64,
    /// Target utilisation of the HPA.
    pub target: f64,
    /// Samples, one a minute.
    pub minutes: usize,
    /// Share of the minutes that is saturated.
    pub saturated: f64,
    /// Mean load in requests per second.
    pub load: f64,
    /// Latency in seconds that does not depend on load.
    pub fixed: f64,
    /// Workers of a replica.
    pub workers: u32,
    /// Relative noise of CPU.
    pub cpu_noise: f64,
    /// Relative noise of latency.
    pub latency_noise: f64,
    /// From this minute on, the capacity is multiplied by this factor.
    pub change: Option<(usize, f64)>,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            alpha: 30.0,
            idle: 0.05,
            usable: 0.92,
            limit: 1.0,
            target: 0.6,
            minutes: 2880,
            saturated: 0.0,
            load: 200.0,
            fixed: 0.02,
            workers: 4,
            cpu_noise: 0.02,
            latency_noise: 0.05,
            change: None,
        }
    }
}

impl Truth {
    /// CPU seconds of one request, of a service of this capacity.
    pub fn demand(&self) -> f64 {
        (self.usable * self.limit - self.idle) / self.alpha
    }

    /// The series that this service leaves.
    pub fn series(&self, service: &str, seed: Seed) -> Series {
        let mut stream = seed.stream("synthetic", 0);
        let mut series = Series { service: service.to_owned(), class: "standard".to_owned(), ..Series::default() };
        let episodes = self.episodes(&mut stream);
        let mut autoscaler = Autoscaler::new(self);
        let (mut drift, mut surge) = (0.0, 1.0);
        for minute in 0..self.minutes {
            let capacity = self.capacity_at(minute);
            drift = 0.95 * drift + 0.02 * normal(&mut stream);
            let day = (std::f64::consts::TAU * minute as f64 / 1440.0).sin();
            let mut offered = self.load * (1.0 + 0.6 * day) * (drift + 0.02 * normal(&mut stream)).exp();
            let room = capacity * autoscaler.replicas;
            if episodes[minute] {
                if minute == 0 || !episodes[minute - 1] {
                    surge = stream.random_range(1.15..1.5);
                }
                offered = room * surge;
            }
            let sample = self.sample(minute, (offered, autoscaler.replicas), &mut stream);
            self.record(&mut series, minute, &sample);
            if !episodes[minute] {
                autoscaler.step(sample.cpu / (sample.replicas * self.limit));
            }
        }
        series
    }

    fn capacity_at(&self, minute: usize) -> f64 {
        self.change.map_or(self.alpha, |(from, factor)| if minute >= from { self.alpha * factor } else { self.alpha })
    }

    fn episodes(&self, stream: &mut Stream) -> Vec<bool> {
        let mut episodes = vec![false; self.minutes];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let mut left = (self.saturated * self.minutes as f64).round() as usize;
        while left > 0 {
            let length = left.min(EPISODE);
            let start = stream.random_range(30..self.minutes - EPISODE);
            if (start - 8..(start + length + 8).min(self.minutes)).any(|minute| episodes[minute])
                && self.saturated < 0.2
            {
                continue;
            }
            episodes[start..start + length].fill(true);
            left -= length;
        }
        episodes
    }

    fn sample(&self, minute: usize, (offered, replicas): (f64, f64), stream: &mut Stream) -> Observed {
        let capacity = self.capacity_at(minute) * replicas;
        let served = if offered > capacity { capacity * 0.003_f64.mul_add(normal(stream), 1.0) } else { offered };
        let demand = (self.usable * self.limit - self.idle) / self.capacity_at(minute);
        let busy = demand * served + self.idle * replicas;
        let cpu = (busy * self.cpu_noise.mul_add(normal(stream), 1.0)).max(0.0);
        let workers = replicas * f64::from(self.workers);
        let rate = capacity / workers;
        // At a finite horizon of a minute: a queue near saturation does not reach its long-run mean.
        let load = (served / capacity).min(0.98);
        let backlog = (offered - capacity).max(0.0) * 30.0;
        let waiting = sakasegawa(load * capacity, workers, rate) + backlog / capacity;
        let latency = (self.fixed + 1.0 / rate + waiting) * (self.latency_noise * normal(stream)).exp();
        let utilisation = busy / (replicas * self.limit);
        let throttled = if utilisation > self.usable - 0.01 { stream.random_range(0.1..0.4) } else { 0.0 };
        Observed { offered, served, replicas, cpu, latency, throttled, backlog }
    }

    fn record(&self, series: &mut Series, minute: usize, sample: &Observed) {
        series.regime = Regime::Operation;
        series.at.push(Time(minute as u64 * 60 * NANOS_PER_SECOND));
        series.replicas.push(sample.replicas);
        series.offered.push(sample.offered);
        series.completed.push(sample.served);
        series.cpu.push(sample.cpu);
        series.cpu_limit.push(self.limit);
        series.throttled.push(sample.throttled);
        series.waiting.push(sample.backlog);
        series.latency_mean.push(sample.latency);
    }
}

struct Observed {
    offered: f64,
    served: f64,
    replicas: f64,
    cpu: f64,
    latency: f64,
    throttled: f64,
    backlog: f64,
}

/// The HPA: desired = ⌈r·u/θ⌉ outside a tolerance of 10 %; scales down to the highest wish of the last five minutes.
struct Autoscaler {
    replicas: f64,
    target: f64,
    wishes: VecDeque<f64>,
}

impl Autoscaler {
    fn new(truth: &Truth) -> Self {
        let replicas = (truth.load / (truth.target * truth.alpha)).ceil().max(1.0);
        Self { replicas, target: truth.target, wishes: VecDeque::new() }
    }

    fn step(&mut self, utilisation: f64) {
        let ratio = utilisation / self.target;
        let wish = if (ratio - 1.0).abs() <= 0.1 { self.replicas } else { (self.replicas * ratio).ceil().max(1.0) };
        self.wishes.push_back(wish);
        if self.wishes.len() > 5 {
            self.wishes.pop_front();
        }
        let highest = self.wishes.iter().copied().fold(1.0, f64::max);
        self.replicas = if wish >= self.replicas { wish } else { highest.min(self.replicas) };
    }
}

fn normal(stream: &mut Stream) -> f64 {
    StandardNormal.sample(stream)
}

#[cfg(test)]
mod tests {
    use super::Truth;
    use crate::seed::Seed;

    #[test]
    fn the_service_is_autoscaled_and_saturated_as_asked() {
        let truth = Truth { saturated: 0.05, ..Truth::default() };
        let series = truth.series("shop", Seed(1));
        assert_eq!(series.len(), 2880);
        let over = (0..series.len()).filter(|at| series.offered[*at] > 1.1 * series.completed[*at]).count();
        assert!((120..170).contains(&over), "{over}");
        let mean: f64 = (0..series.len()).map(|at| series.cpu[at] / series.replicas[at]).sum::<f64>() / 2880.0;
        assert!((0.45..0.65).contains(&mean), "{mean}");
        assert_eq!(series, truth.series("shop", Seed(1)));
    }
}
