//! Scaling by queueing theory: enough servers that hardly anybody waits too long.
//!
//! `formulas` are those of M/M/c and of its limit for many servers, judged by closed forms and direct sums; the policies
//! look for the fewest replicas that keep a promise by them. [`usl`] asks the Universal Scalability Law instead: between
//! which two numbers does a service keep up at all?

pub mod erlang_c;
mod formulas;
pub mod square_root;
pub mod usl;

use super::each::Sight;
use super::shares::Shares;
use crate::model::{Call, ServiceId, Slo};
use crate::units::{Rate, Span};

/// The servers of a service as a queue with `servers` servers that each finish `each` requests per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Servers {
    pub(super) count: u32,
    pub(super) each: f64,
}

impl Servers {
    /// Those of `replicas`, as capacity is believed: `replicas · workers` that share it alike.
    fn of(sight: &Sight<'_>, shares: &Shares<'_>, replicas: u32) -> Self {
        let count = replicas.saturating_mul(sight.declared().workers.max(1));
        Self { count, each: shares.capacity(replicas).per_second() / f64::from(count.max(1)) }
    }

    /// Offered load λ/µ in erlangs.
    fn load(self, rate: Rate) -> f64 {
        rate.per_second() / self.each
    }
}

/// The fewest replicas from `least` to `most` for which `keeps` holds, which it does for all above one that it holds for;
/// `None` where it never does. By galloping, then by halves.
fn fewest(least: u32, most: u32, keeps: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high, mut stride) = (least, least, 1_u32);
    while !keeps(high) {
        if high >= most {
            return None;
        }
        low = high + 1;
        high = high.saturating_add(stride).min(most);
        stride = stride.saturating_mul(2);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if keeps(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

/// The promise that `service` has a part in: its own, or else the tightest of those whose requests come by it.
fn promise(sight: &Sight<'_>) -> Option<Slo> {
    let application = &sight.snapshot.known.application;
    let mut reached = vec![sight.service];
    let mut next = 0;
    let mut best: Option<Slo> = None;
    while let Some(&service) = reached.get(next) {
        next += 1;
        if let Some(slo) = application.services[service].slo {
            best = best.filter(|best| best.latency <= slo.latency).or(Some(slo));
            if service == sight.service {
                return best;
            }
        }
        let callers = application.calls.iter().filter(|call: &&Call| call.to == service).map(|call| call.from);
        let new: Vec<ServiceId> = callers.filter(|caller| !reached.contains(caller)).collect();
        reached.extend(new);
    }
    best
}

/// Promised where nobody promised anything.
const UNPROMISED: Span = Span::seconds(1);

#[cfg(test)]
mod tests {
    use super::fewest;

    #[test]
    fn galloping_finds_the_first_that_keeps() {
        for first in 1..=70 {
            for least in 1..=first {
                assert_eq!(fewest(least, 70, |replicas| replicas >= first), Some(first), "{least} to {first}");
            }
        }
        assert_eq!(fewest(1, 70, |replicas| replicas > 70), None);
    }
}
