//! A load that differs from seed to seed: every service's rate times a noise of its own, so that no policy is judged by one day.
//!
//! ```text
//! rate'(t) = rate(t) · exp(σ·x_k − σ²/2),  k = ⌊t / every⌋,  x_0 ~ N(0, 1),  x_{k+1} = φ·x_k + √(1 − φ²)·z_k,  φ = exp(−every / memory)
//! ```
//!
//! A stationary first-order autoregression in the logarithm (Box, Jenkins, Reinsel: Time Series Analysis, section 3.2): its
//! mean is 1 and it never turns a rate negative. Each service draws from a stream of its own, so every policy meets the
//! same noise. A clairvoyant sees it too: it is part of the load, not of telemetry.

use super::latency::standard_normal_quantile;
use crate::model::id::Id;
use crate::model::workload::{LoadNoise, RateRow, RateSource, WorkloadError};
use crate::model::{ServiceId, Table};
use crate::seed::{Seed, Stream};
use crate::units::{Rate, Time};
use rand::Rng;

/// A trace with noise.
pub(super) struct Noisy {
    source: Box<dyn RateSource>,
    noise: LoadNoise,
    /// σ and φ.
    law: (f64, f64),
    /// The rates of the trace at present, and the noise of each service; services without a rate have none.
    services: Table<ServiceId, Option<Voice>>,
    seed: Seed,
    /// The next row of the trace; `None` before the first was asked for and after the last.
    ahead: Option<RateRow>,
    begun: bool,
    /// When the noise changes next.
    turn: Time,
    /// When the rows handed out so far end.
    end: Time,
}

/// A service's rate and noise.
#[derive(Debug, Clone)]
struct Voice {
    rate: Rate,
    x: f64,
    stream: Stream,
}

impl Noisy {
    pub(super) fn new(source: Box<dyn RateSource>, noise: LoadNoise, seed: Seed) -> Self {
        let phi = (-noise.every.as_seconds_f64() / noise.memory.as_seconds_f64()).exp();
        Self {
            source,
            noise,
            law: (noise.share.as_f64(), phi),
            services: Table::default(),
            seed,
            ahead: None,
            begun: false,
            turn: Time::ZERO + noise.every,
            end: Time::ZERO,
        }
    }

    /// Reads the row of the trace that comes next.
    fn read(&mut self) -> Result<(), WorkloadError> {
        let mut row = self.ahead.take().unwrap_or_default();
        self.ahead = self.source.next_row(&mut row)?.then_some(row);
        self.end = self.source.end();
        Ok(())
    }

    /// Takes the rates of the row that is ahead, and hands out those with their noise.
    fn take(&mut self, row: &mut RateRow) -> Result<(), WorkloadError> {
        let taken = self.ahead.take().expect("the caller has seen that there is a row");
        row.at = taken.at;
        row.rates.clear();
        for &(service, rate) in &taken.rates {
            while self.services.len() <= service.index() {
                self.services.push(None);
            }
            let seed = self.seed;
            let voice = self.services[service].get_or_insert_with(|| Voice::new(seed, service));
            voice.rate = rate;
            row.rates.push((service, voice.heard(self.law.0)));
        }
        self.ahead = Some(taken);
        self.read()
    }

    /// The noise changes; all rates do.
    fn turn(&mut self, row: &mut RateRow) {
        row.at = self.turn;
        row.rates.clear();
        let (sigma, phi) = self.law;
        for service in self.services.ids() {
            if let Some(voice) = &mut self.services[service] {
                voice.step(phi);
                row.rates.push((service, voice.heard(sigma)));
            }
        }
        self.turn = self.turn + self.noise.every;
    }
}

impl Voice {
    fn new(seed: Seed, service: ServiceId) -> Self {
        let mut stream = seed.stream("load_noise", service.index() as u64);
        Self { rate: Rate::ZERO, x: standard_normal(&mut stream), stream }
    }

    fn step(&mut self, phi: f64) {
        self.x = phi.mul_add(self.x, (1.0 - phi * phi).sqrt() * standard_normal(&mut self.stream));
    }

    fn heard(&self, sigma: f64) -> Rate {
        Rate::from_per_second(self.rate.per_second() * (sigma * self.x - sigma * sigma / 2.0).exp())
    }
}

/// A draw by inversion; the halves of the lattice keep it off 0 and 1.
fn standard_normal(stream: &mut Stream) -> f64 {
    standard_normal_quantile(((stream.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
}

impl RateSource for Noisy {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        if !self.begun {
            self.begun = true;
            self.read()?;
        }
        match &self.ahead {
            // Both at once: the noise first, and the row's own rates with it.
            Some(ahead) if ahead.at == self.turn => {
                let mut turned = RateRow::default();
                self.turn(&mut turned);
                self.take(row)?;
                let named = |service: &ServiceId| row.rates.iter().any(|(other, _)| other == service);
                let others: Vec<_> = turned.rates.into_iter().filter(|(service, _)| !named(service)).collect();
                row.rates.extend(others);
                row.rates.sort_unstable_by_key(|(service, _)| *service);
                Ok(true)
            }
            Some(ahead) if ahead.at < self.turn => self.take(row).map(|()| true),
            None if self.turn >= self.end => Ok(false),
            _ => {
                self.turn(row);
                Ok(true)
            }
        }
    }

    fn end(&self) -> Time {
        self.source.end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(Self {
            source: self.source.fork()?,
            noise: self.noise,
            law: self.law,
            services: self.services.clone(),
            seed: self.seed,
            ahead: self.ahead.clone(),
            begun: self.begun,
            turn: self.turn,
            end: self.end,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Noisy;
    use crate::model::ServiceId;
    use crate::model::workload::{LoadNoise, RateRow, RateSource, RowsInMemory};
    use crate::seed::Seed;
    use crate::units::{Rate, Ratio, Span, Time};

    const NOISE: LoadNoise =
        LoadNoise { share: Ratio(200_000), every: Span::seconds(600), memory: Span::seconds(3_600) };

    fn noisy(seed: u64, hours: u64) -> Noisy {
        let source = RowsInMemory::constant(ServiceId(0), Rate::from_per_second(100.0), Span::seconds(3_600 * hours));
        Noisy::new(Box::new(source), NOISE, Seed(seed))
    }

    fn rows(mut source: impl RateSource) -> Vec<(Time, f64)> {
        let mut row = RateRow::default();
        let mut rows = Vec::new();
        while source.next_row(&mut row).expect("rows in memory can be read") {
            rows.push((row.at, row.rates[0].1.per_second()));
        }
        rows
    }

    /// Goal: the noise has mean 1, the stated spread, and the stated memory.
    /// Method: a constant load over 20,000 hours; logarithms have mean −σ²/2 and standard deviation σ = 0.2, and neighbours
    /// correlate by exp(−600/3600) = 0.8465. The standard error of the mean with this memory is about 0.002.
    #[test]
    fn the_noise_is_lognormal_around_the_trace_with_its_memory() {
        let logs: Vec<f64> = rows(noisy(1, 20_000)).into_iter().map(|(_, rate)| (rate / 100.0).ln()).collect();
        let n = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / n;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / n;
        let lagged = logs.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>() / n / variance;
        assert_eq!(logs.len(), 120_000);
        assert!((mean + 0.02).abs() < 0.008, "{mean}");
        assert!((variance.sqrt() - 0.2).abs() < 0.005, "{}", variance.sqrt());
        assert!((lagged - 0.8465).abs() < 0.01, "{lagged}");
    }

    #[test]
    fn a_fork_hears_the_same_noise_and_another_seed_another() {
        let mut source = noisy(3, 10);
        let mut row = RateRow::default();
        for _ in 0..7 {
            assert!(source.next_row(&mut row).expect("rows in memory can be read"));
        }
        let fork = source.fork().expect("memory can be read again");
        let after: Vec<_> = rows(noisy(3, 10)).split_off(7);
        assert_eq!(rows(fork), after);
        assert_eq!(rows(source), after);
        assert_ne!(rows(noisy(4, 10)), rows(noisy(3, 10)));
    }

    /// A row of the trace that falls onto a change of the noise is one row with both.
    #[test]
    fn rows_stay_in_strict_order_where_trace_and_noise_change_at_once() {
        let service = |index| (ServiceId(index), Rate::from_per_second(10.0));
        let base = vec![
            RateRow { at: Time::ZERO, rates: vec![service(0), service(1)] },
            RateRow { at: Time::ZERO + Span::seconds(600), rates: vec![service(0)] },
            RateRow { at: Time::ZERO + Span::seconds(900), rates: vec![service(1)] },
        ];
        let source = RowsInMemory::new(base, Span::seconds(600));
        let mut noisy = Noisy::new(Box::new(source), NOISE, Seed(1));
        let mut row = RateRow::default();
        let mut seen = Vec::new();
        while noisy.next_row(&mut row).expect("rows in memory can be read") {
            seen.push((row.at.since(Time::ZERO).as_seconds_f64(), row.rates.len()));
        }
        assert_eq!(seen, [(0.0, 2), (600.0, 2), (900.0, 1), (1200.0, 2)]);
    }
}
