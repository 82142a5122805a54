//! Series of samples, one series after the other, turned into rows by time.
//!
//! A monitoring system answers by series and a run wants all series of one time, so an answer is held: 16 bytes a sample,
//! where its text has at least 18. What a service has at a time is the sum of its series: of a single one, a missing
//! sample is a gap (the service is not named, and keeps its rate); of several, those that are there (a pod that is gone
//! has no requests).
//!
//! Counters rise until what counts is restarted. Between two samples, the increase is their difference, or the second one
//! alone where it is smaller; the rate is the increase divided by the time between, from the first to the second.

use super::error::{Fault, seconds};
use super::import_fault::ImportFault;
use super::rows::RawRow;
use super::tally::Tally;
use crate::model::ServiceId;
use crate::units::Rate;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// When, in nanoseconds, and how much, in millionths.
pub type Sample = (u64, u64);

/// The samples of one series.
#[derive(Debug)]
struct Held {
    service: ServiceId,
    samples: Vec<Sample>,
    next: usize,
    /// The rate since the last sample, of a counter.
    rate: u64,
}

/// All series.
#[derive(Debug, Default)]
pub struct Matrix {
    series: Vec<Held>,
    by_labels: BTreeMap<Box<str>, usize>,
    /// The next sample of each series, the earliest first.
    ahead: BinaryHeap<Reverse<(u64, usize)>>,
    /// Of counters: when the last sample was, and the present rate of each service.
    counters: Option<(u64, BTreeMap<ServiceId, u64>)>,
    /// Samples that were there twice, and restarts of counters.
    repeated: u64,
    restarts: u64,
}

impl Matrix {
    /// Adds samples of the series with these labels, which is of this service (and its name in the file); it may have some already: answers for parts of a time overlap.
    ///
    /// # Errors
    /// Where they do not rise, or contradict those that are there.
    pub fn add(&mut self, labels: &str, whose: (ServiceId, &str), mut samples: Vec<Sample>) -> Result<(), Fault> {
        let (service, name) = whose;
        if let Some(pair) = samples.windows(2).find(|pair| pair[1].0 <= pair[0].0) {
            return Err(Fault::Unsorted { at: seconds(pair[1].0), previous: seconds(pair[0].0) });
        }
        let Some(&index) = self.by_labels.get(labels) else {
            samples.shrink_to_fit();
            self.by_labels.insert(labels.into(), self.series.len());
            self.series.push(Held { service, samples, next: 0, rate: 0 });
            return Ok(());
        };
        let held = &mut self.series[index].samples;
        held.append(&mut samples);
        // Runs that are sorted are merged by a stable sort in one pass.
        held.sort_by_key(|(at, _)| *at);
        let length = held.len();
        held.dedup();
        self.repeated += (length - held.len()) as u64;
        match held.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(()),
            Some(pair) => {
                let [first, second] = [pair[0].1, pair[1].1].map(|value| seconds(value.saturating_mul(1_000)));
                Err(ImportFault::Contradiction { service: name.to_owned(), at: seconds(pair[0].0), first, second }
                    .into())
            }
        }
    }

    /// Ends the adding; from here on rows can be taken.
    ///
    /// # Errors
    /// Where a counter rises too fast.
    pub fn finish(&mut self, counters: bool) -> Result<(), Fault> {
        self.by_labels.clear();
        if counters {
            let end = self.series.iter().filter_map(|series| Some(series.samples.last()?.0)).max().unwrap_or(0);
            self.counters = Some((end, BTreeMap::new()));
            for series in &mut self.series {
                self.restarts += rates_of_counter(&mut series.samples).map_err(ImportFault::TooMuch)?;
            }
        }
        let firsts =
            self.series.iter().enumerate().filter_map(|(index, series)| Some((series.samples.first()?.0, index)));
        self.ahead = firsts.map(Reverse).collect();
        Ok(())
    }

    /// Overwrites `row` with the next time; `false` at the end.
    ///
    /// # Errors
    /// In words, where a sum is too large.
    pub fn next(&mut self, row: &mut RawRow) -> Result<bool, &'static str> {
        row.rates.clear();
        let Some(&Reverse((at, _))) = self.ahead.peek() else { return Ok(false) };
        if self.end() == Some(at) {
            self.ahead.clear();
            return Ok(false);
        }
        row.at = at;
        let mut sums: BTreeMap<ServiceId, u64> = BTreeMap::new();
        while let Some(&Reverse((next, index))) = self.ahead.peek() {
            if next > at {
                break;
            }
            self.ahead.pop();
            let series = &mut self.series[index];
            let value = series.samples[series.next].1;
            series.next += 1;
            if let Some((at, _)) = series.samples.get(series.next) {
                self.ahead.push(Reverse((*at, index)));
            }
            let before = std::mem::replace(&mut series.rate, value);
            let add = |sum: u64| sum.checked_add(value).ok_or("the rates of a service add up to too much");
            if let Some((_, present)) = &mut self.counters {
                let sum = present.entry(series.service).or_default();
                *sum = add(*sum - before)?;
                sums.insert(series.service, *sum);
            } else {
                let sum = sums.entry(series.service).or_default();
                *sum = add(*sum)?;
            }
        }
        row.rates.extend(sums.into_iter().map(|(service, rate)| (service, Rate(rate))));
        Ok(true)
    }

    /// When the last counter was read; `None` of rates, which hold beyond their last sample.
    pub fn end(&self) -> Option<u64> {
        self.counters.as_ref().map(|(end, _)| *end)
    }

    /// What is unusual about the samples; `name` tells the name of a service.
    pub fn notes<'a>(&self, name: impl Fn(ServiceId) -> &'a str) -> Vec<String> {
        let mut notes = Vec::new();
        let mut series: BTreeMap<ServiceId, u64> = BTreeMap::new();
        self.series.iter().for_each(|held| *series.entry(held.service).or_default() += 1);
        for (service, count) in series.into_iter().filter(|(_, count)| *count > 1) {
            notes.push(format!(
                "`{}` is the sum of {count} series, each of them zero where it has no value",
                name(service)
            ));
        }
        if self.repeated > 0 {
            notes.push(format!("{} values are there twice, where answers overlap", self.repeated));
        }
        if self.restarts > 0 {
            notes.push(format!("{} times a counter is smaller than before: it was restarted at zero", self.restarts));
        }
        notes
    }
}

/// Turns the samples of a counter into the rates from each of them to the next, the last one zero; how often it restarted.
fn rates_of_counter(samples: &mut [Sample]) -> Result<u64, &'static str> {
    let (mut tally, mut restarts) = (Tally::default(), 0);
    for index in 0..samples.len() {
        let (at, value) = samples[index];
        samples[index].1 = match samples.get(index + 1) {
            None => 0,
            Some(&(next, risen)) => {
                restarts += u64::from(risen < value);
                let increase = if risen < value { risen } else { risen - value };
                tally.rate(ServiceId(0), increase, next - at)?.0
            }
        };
    }
    Ok(restarts)
}

#[cfg(test)]
mod tests {
    use super::{Matrix, Sample};
    use crate::input::trace::rows::RawRow;
    use crate::model::ServiceId;

    const S: u64 = 1_000_000_000;
    const ONE: u64 = 1_000_000;

    fn samples(samples: &[(u64, u64)]) -> Vec<Sample> {
        samples.iter().map(|(at, value)| (at * S, value * ONE)).collect()
    }

    fn rows(matrix: &mut Matrix, counters: bool) -> Vec<(u64, Vec<(u32, u64)>)> {
        matrix.finish(counters).expect("small");
        let (mut rows, mut row) = (Vec::new(), RawRow::default());
        while matrix.next(&mut row).expect("small") {
            rows.push((row.at / S, row.rates.iter().map(|(service, rate)| (service.0, rate.0 / ONE)).collect()));
        }
        rows
    }

    #[test]
    fn series_are_merged_by_time_and_a_missing_sample_is_not_named() {
        let mut matrix = Matrix::default();
        matrix.add("a", (ServiceId(0), "a"), samples(&[(0, 5), (60, 6), (120, 0)])).expect("sound");
        matrix.add("b", (ServiceId(1), "b"), samples(&[(0, 1), (120, 2)])).expect("sound");
        let expected = [(0, vec![(0, 5), (1, 1)]), (60, vec![(0, 6)]), (120, vec![(0, 0), (1, 2)])];
        assert_eq!(rows(&mut matrix, false), expected);
    }

    #[test]
    fn the_series_of_one_service_add_up() {
        let mut matrix = Matrix::default();
        matrix.add("pod 1", (ServiceId(0), "a"), samples(&[(0, 5), (60, 6)])).expect("sound");
        matrix.add("pod 2", (ServiceId(0), "a"), samples(&[(60, 1), (120, 2)])).expect("sound");
        assert_eq!(rows(&mut matrix, false), [(0, vec![(0, 5)]), (60, vec![(0, 7)]), (120, vec![(0, 2)])]);
        assert_eq!(matrix.notes(|_| "a").len(), 1);
    }

    /// 60 in the first minute, a restart after which 30 came, and 120 in the last two minutes; a second pod counts from
    /// 60 s to 120 s only.
    #[test]
    fn counters_give_the_increase_and_restart_at_zero() {
        let mut matrix = Matrix::default();
        matrix
            .add("pod 1", (ServiceId(0), "a"), samples(&[(0, 100), (60, 160), (120, 30), (240, 150)]))
            .expect("sound");
        matrix.add("pod 2", (ServiceId(0), "a"), samples(&[(60, 0), (120, 600)])).expect("sound");
        // 1/s; 0.5 + 10 /s, cut to whole ones here; 1/s until 240 s.
        assert_eq!(rows(&mut matrix, true), [(0, vec![(0, 1)]), (60, vec![(0, 10)]), (120, vec![(0, 1)])]);
        assert_eq!(matrix.end(), Some(240 * S));
        assert!(matrix.notes(|_| "a").iter().any(|note| note.starts_with("1 times a counter is smaller")));
    }

    #[test]
    fn answers_may_overlap_but_not_contradict() {
        let mut matrix = Matrix::default();
        matrix.add("a", (ServiceId(0), "a"), samples(&[(0, 5), (60, 6)])).expect("sound");
        matrix.add("a", (ServiceId(0), "a"), samples(&[(60, 6), (120, 7)])).expect("they agree");
        assert!(matrix.add("a", (ServiceId(0), "a"), samples(&[(120, 8)])).is_err());
        assert!(matrix.add("b", (ServiceId(1), "b"), samples(&[(60, 1), (60, 1)])).is_err());
    }
}
