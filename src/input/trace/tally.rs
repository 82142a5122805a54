//! From amounts in a span to rates, so that no request is lost to rounding.
//!
//! A rate is a whole number of millionths per second, and what a count divided by its span leaves over is carried to the
//! next span of the same service:
//!
//! `rate × span = amount + carried before − carried after`, with `0 ≤ carried < span × 10⁻⁶ /s`.
//!
//! So the sum over any number of spans is off by less than a millionth of a request per second of one span: spans of less
//! than five days give back every whole request.

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::units::{NANOS_PER_SECOND, Rate};

/// Turns amounts into rates.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// What each service has left over, in 10⁻¹⁵ requests.
    carried: Vec<u64>,
    /// Services with requests in the span before.
    active: Vec<ServiceId>,
}

impl Tally {
    /// The rate of `amount` millionths of a request in `span` nanoseconds.
    ///
    /// # Errors
    /// In words, where it is too large.
    pub fn rate(&mut self, service: ServiceId, amount: u64, span: u64) -> Result<Rate, &'static str> {
        if self.carried.len() <= service.index() {
            self.carried.resize(service.index() + 1, 0);
        }
        let carried = &mut self.carried[service.index()];
        let whole = u128::from(amount) * u128::from(NANOS_PER_SECOND) + u128::from(*carried);
        let span = u128::from(span.max(1));
        let rate = u64::try_from(whole / span).map_err(|_| "it is too large")?;
        *carried = u64::try_from(whole % span).expect("less than the span");
        Ok(Rate(rate))
    }

    /// The rates of one span in which `amounts` came, sorted by service: those, and a zero for each service that had some
    /// in the span before and has none in this one.
    ///
    /// # Errors
    /// In words, where one is too large.
    pub fn span(
        &mut self,
        amounts: &[(ServiceId, u64)],
        span: u64,
        rates: &mut Vec<(ServiceId, Rate)>,
    ) -> Result<(), &'static str> {
        for &(service, amount) in amounts {
            rates.push((service, self.rate(service, amount, span)?));
        }
        let named = |service: &ServiceId| amounts.binary_search_by_key(service, |(service, _)| *service).is_ok();
        rates.extend(self.active.iter().filter(|service| !named(service)).map(|service| (*service, Rate::ZERO)));
        self.active.clear();
        self.active.extend(amounts.iter().filter(|(_, amount)| *amount > 0).map(|(service, _)| *service));
        Ok(())
    }

    /// Whether the span before had requests.
    pub fn is_active(&self) -> bool {
        !self.active.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::model::ServiceId;
    use crate::units::Rate;

    /// One request in each of 3 spans of 3 s: 333,333 millionths and a third are left over twice, and make a millionth.
    #[test]
    fn what_rounding_leaves_over_is_carried() {
        let mut tally = Tally::default();
        let rates: Vec<u64> =
            (0..3).map(|_| tally.rate(ServiceId(1), 1_000_000, 3_000_000_000).expect("small").0).collect();
        assert_eq!(rates, [333_333, 333_333, 333_334]);
    }

    #[test]
    fn a_service_without_requests_is_zero_once() {
        let (mut tally, mut rates) = (Tally::default(), Vec::new());
        for (amounts, expected) in [
            (vec![(ServiceId(0), 2_000_000), (ServiceId(2), 1_000_000)], vec![(0, 2_000_000), (2, 1_000_000)]),
            (vec![(ServiceId(2), 1_000_000)], vec![(2, 1_000_000), (0, 0)]),
            (vec![], vec![(2, 0)]),
            (vec![], vec![]),
        ] {
            rates.clear();
            tally.span(&amounts, 1_000_000_000, &mut rates).expect("small");
            let expected: Vec<_> = expected.into_iter().map(|(id, rate)| (ServiceId(id), Rate(rate))).collect();
            assert_eq!(rates, expected);
        }
    }
}
