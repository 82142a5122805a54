//! How long requests take: the law of one station, and how the parts of a request add up.
//!
//! A latency is carried as three figures: a fixed part (round trips, waiting behind a backlog), and the mean and variance
//! of the random rest. Parts in sequence add up in all three, as independent ones do. For quantiles the rest is taken as a
//! gamma distribution with that mean and variance, which is exact for M/M/1 and for a single exponential worker.
//!
//! One station with `r` ready replicas of `k` workers each, capacity `C`, arrivals `a`, utilisation `ρ = a/C < 1`:
//!
//! ```text
//! c = r·k workers, each serving µ = C/c          service time S: stated, or 1/µ; variance S²·Cs²
//! P = ρ^(√(2(c+1)) − 1)                          chance to wait (Sakasegawa 1977; ρ for c = 1)
//! θ = C·(1−ρ) · 2/(Ca² + Cs²)                    rate at which a wait ends (exponential tail)
//! E[W] = P/θ,  E[W²] = 2·P/θ²                    Allen–Cunneen's mean wait
//! ```
//!
//! While a backlog waits, every request waits `backlog/C` before it, and the queueing formula does not apply. Near ρ = 1
//! the steady state that the formula describes would take longer to build up than the queue's limit allows: the mean wait
//! is cut there.

mod gamma;
mod histogram;
mod log;

pub(super) use gamma::{Gamma, standard_normal_quantile};
pub(super) use log::{LatencyLog, Pending};

/// A latency in seconds: fixed part, and mean and variance of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Latency {
    /// What every request takes.
    pub(super) fixed: f64,
    /// Mean of what comes on top.
    pub(super) mean: f64,
    /// Variance of what comes on top.
    pub(super) variance: f64,
}

/// What the law of a station needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct StationLoad {
    /// Workers: ready replicas times workers of each.
    pub(super) workers: f64,
    /// Requests per second that arrive and are accepted.
    pub(super) arrivals: f64,
    /// Requests per second that can be served.
    pub(super) capacity: f64,
    /// Seconds that the backlog makes a request wait.
    pub(super) backlog_wait: f64,
    /// The longest wait that the queue allows, in seconds.
    pub(super) limit: f64,
    /// Service time in seconds, where it is stated.
    pub(super) service_time: Option<f64>,
    /// Squared coefficient of variation of arrivals and of service times.
    pub(super) variability: (f64, f64),
}

impl StationLoad {
    /// Waiting and service at this station.
    pub(super) fn latency(&self) -> Latency {
        let (arrival, service) = self.variability;
        let served_in = self.service_time.unwrap_or(self.workers / self.capacity);
        let serving = Latency { fixed: 0.0, mean: served_in, variance: served_in * served_in * service };
        if self.backlog_wait > 0.0 {
            return Latency { fixed: self.backlog_wait, ..serving };
        }
        let spread = f64::midpoint(arrival, service);
        let load = (self.arrivals / self.capacity).min(1.0 - 1e-9);
        if load <= 0.0 || spread <= 0.0 {
            return serving;
        }
        let waits = load.powf((2.0 * (self.workers + 1.0)).sqrt() - 1.0);
        let tail = spread / (self.capacity * (1.0 - load));
        let tail = tail.min(self.limit / waits);
        let mean = waits * tail;
        Latency {
            fixed: 0.0,
            mean: serving.mean + mean,
            variance: serving.variance + 2.0 * waits * tail * tail - mean * mean,
        }
    }
}

impl Latency {
    /// One after the other.
    pub(super) fn then(self, other: Self) -> Self {
        Self { fixed: self.fixed + other.fixed, mean: self.mean + other.mean, variance: self.variance + other.variance }
    }

    /// `count` of these one after the other; the fraction of `count` is a call that is made with that probability `p` and
    /// adds `p(1−p)·(fixed + mean)²` to the variance.
    pub(super) fn repeated(self, count: f64) -> Self {
        let chance = count.fract();
        let whole = self.fixed + self.mean;
        Self {
            fixed: self.fixed * count,
            mean: self.mean * count,
            variance: self.variance * count + chance * (1.0 - chance) * whole * whole,
        }
    }

    /// Longer by a constant.
    pub(super) fn after(self, fixed: f64) -> Self {
        Self { fixed: self.fixed + fixed, ..self }
    }

    /// One of several, by weight; nothing for none. The spread between them becomes variance.
    #[expect(clippy::needless_pass_by_value, reason = "an iterator that is walked several times is handed over whole")]
    pub(super) fn mixture(parts: impl Iterator<Item = (f64, Self)> + Clone) -> Self {
        let weight: f64 = parts.clone().map(|(weight, _)| weight).sum();
        if weight <= 0.0 {
            return Self::default();
        }
        let average =
            |value: &dyn Fn(&Self) -> f64| parts.clone().map(|(w, part)| w * value(&part)).sum::<f64>() / weight;
        let (fixed, mean) = (average(&|part| part.fixed), average(&|part| part.mean));
        let whole = fixed + mean;
        let second = average(&|part| part.variance + (part.fixed + part.mean).powi(2));
        Self { fixed, mean, variance: (second - whole * whole).max(0.0) }
    }

    /// Whether two latencies are the same within half a percent.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 0.005 * a.max(b);
        near(self.fixed + self.mean, other.fixed + other.mean)
            && near(self.fixed, other.fixed)
            && near(self.variance.sqrt(), other.variance.sqrt())
    }

    /// The random part.
    pub(super) fn gamma(&self) -> Gamma {
        Gamma::new(self.mean, self.variance)
    }

    /// The share of requests that take at most `seconds`.
    pub(super) fn share_within(&self, seconds: f64) -> f64 {
        self.gamma().share_within(seconds - self.fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Latency, StationLoad};

    fn load(workers: f64, arrivals: f64, capacity: f64, service: f64) -> StationLoad {
        StationLoad {
            workers,
            arrivals,
            capacity,
            backlog_wait: 0.0,
            limit: 1e9,
            service_time: None,
            variability: (1.0, service),
        }
    }

    /// M/M/1 with λ = 8, µ = 10: sojourn exponential with rate 2, so mean 0.5 s and variance 0.25 s².
    #[test]
    fn one_exponential_worker_is_exact() {
        let latency = load(1.0, 8.0, 10.0, 1.0).latency();
        assert!((latency.mean - 0.5).abs() < 1e-12 && (latency.variance - 0.25).abs() < 1e-12, "{latency:?}");
        // P(T ≤ t) = 1 − e^(−2t); the 95th percentile is ln(20)/2.
        assert!((latency.share_within(20f64.ln() / 2.0) - 0.95).abs() < 1e-9);
    }

    /// M/D/1 (Pollaczek–Khinchine): wait = ρ/(2µ(1−ρ)) = 0.8/(2·10·0.2) = 0.2 s, service 0.1 s.
    #[test]
    fn constant_service_waits_half_as_long() {
        let latency = load(1.0, 8.0, 10.0, 0.0).latency();
        assert!((latency.mean - 0.3).abs() < 1e-12, "{latency:?}");
    }

    /// Sakasegawa against Erlang C for M/M/c: within 6 % of the mean wait where waiting matters.
    #[test]
    fn several_workers_come_close_to_erlang_c() {
        for (workers, rho) in [(2, 0.5), (2, 0.8), (4, 0.8), (8, 0.9), (16, 0.95), (50, 0.95)] {
            let capacity = 10.0 * f64::from(workers);
            let exact = erlang_c(workers, rho) / (capacity * (1.0 - rho));
            let ours = load(f64::from(workers), rho * capacity, capacity, 1.0).latency().mean - 0.1;
            assert!((ours / exact - 1.0).abs() < 0.10, "c {workers} rho {rho}: {ours} against {exact}");
        }
    }

    /// Chance to wait by the Erlang B recursion.
    fn erlang_c(workers: u32, rho: f64) -> f64 {
        let offered = rho * f64::from(workers);
        let blocked = (1..=workers).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
        blocked / (1.0 - rho * (1.0 - blocked))
    }

    /// Half the requests take 1 s, half 3 s: mean 2, variance 1.
    #[test]
    fn a_mixture_spreads() {
        let fixed = |fixed| Latency { fixed, ..Latency::default() };
        let mixed = Latency::mixture([(1.0, fixed(1.0)), (1.0, fixed(3.0))].into_iter());
        assert!((mixed.fixed - 2.0).abs() < 1e-12 && (mixed.variance - 1.0).abs() < 1e-12);
        let half = fixed(2.0).repeated(0.5);
        assert!((half.fixed - 1.0).abs() < 1e-12 && (half.variance - 1.0).abs() < 1e-12, "a call made half the time");
    }
}
