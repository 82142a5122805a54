//! What is in a trace: read once from begin to end, so that a replay can be held against it.
//!
//! Requests are counted in integers: a rate in millionths per second times nanoseconds is 10^-15 requests. A recorded count
//! that was divided by its bin and rounded to a millionth comes back, times the bin, within half a millionth of the bin's
//! seconds: [`Requests::nearest`] is the recorded total as long as those halves do not add up to half a request.

use super::error::{Fault, TraceError};
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Bytes, Rate, Time};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Requests in 10^-15: millionths per second times nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Requests(pub u128);

impl Requests {
    const ONE: u128 = 1_000_000_000_000_000;

    /// To the nearest whole request.
    pub fn nearest(self) -> u128 {
        (self.0 + Self::ONE / 2) / Self::ONE
    }

    /// As a float, for figures.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Self::ONE as f64
    }
}

/// What a source holds, from its present place to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Rows.
    pub rows: u64,
    /// When the last row's rates end.
    pub end: Time,
    /// Requests of each service, by its index.
    pub requests: Vec<Requests>,
    /// The highest rate of each service, by its index.
    pub peak: Vec<Rate>,
}

impl Survey {
    /// Requests of all services.
    pub fn total(&self) -> Requests {
        Requests(self.requests.iter().map(|requests| requests.0).sum())
    }

    /// Requests of one service.
    pub fn of(&self, service: ServiceId) -> Requests {
        self.requests.get(service.index()).copied().unwrap_or_default()
    }
}

/// Reads a source to its end.
///
/// # Errors
/// What is wrong with it.
pub fn survey(source: &mut dyn RateSource) -> Result<Survey, WorkloadError> {
    let mut metered = Metered::new(source);
    let mut row = RateRow::default();
    while metered.next_row(&mut row)? {}
    Ok(metered.survey())
}

/// A source whose rows are counted while somebody else reads them.
pub struct Metered<'a> {
    source: &'a mut dyn RateSource,
    rows: u64,
    holds: Vec<Held>,
}

/// A service so far.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// Its rate, and since when.
    rate: (Rate, Time),
    /// What it had before.
    requests: Requests,
    peak: Rate,
}

impl<'a> Metered<'a> {
    /// Counts what is read of this source.
    pub fn new(source: &'a mut dyn RateSource) -> Self {
        Self { source, rows: 0, holds: Vec::new() }
    }

    /// What the source held; once it was read to its end.
    pub fn survey(&self) -> Survey {
        let end = self.source.end();
        let requests = |held: &Held| Requests(held.requests.0 + during(held.rate.0, held.rate.1, end));
        let peak = self.holds.iter().map(|held| held.peak).collect();
        Survey { rows: self.rows, end, requests: self.holds.iter().map(requests).collect(), peak }
    }

    fn take(&mut self, row: &RateRow) {
        self.rows += 1;
        for &(service, rate) in &row.rates {
            let index = service.index();
            if self.holds.len() <= index {
                self.holds.resize(index + 1, Held::default());
            }
            let held = &mut self.holds[index];
            held.requests.0 += during(held.rate.0, held.rate.1, row.at);
            held.rate = (rate, row.at);
            held.peak = held.peak.max(rate);
        }
    }
}

impl RateSource for Metered<'_> {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let more = self.source.next_row(row)?;
        if more {
            self.take(row);
        }
        Ok(more)
    }

    fn end(&self) -> Time {
        self.source.end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        // Who goes on from here has nothing to do with the count.
        self.source.fork()
    }
}

fn during(rate: Rate, since: Time, until: Time) -> u128 {
    u128::from(rate.0) * u128::from(until.since(since).0)
}

/// The identity of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Its size.
    pub bytes: Bytes,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Reads a file through, as it is.
///
/// # Errors
/// Where it cannot be read.
pub fn digest(path: &Path) -> Result<Digest, TraceError> {
    let unreadable = |error: std::io::Error| TraceError::whole(path, Fault::Unreadable(error.to_string()));
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 128 << 10]);
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
    let hex = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default());
    let sha256 = hasher.finalize().iter().flat_map(hex).collect();
    Ok(Digest { bytes: Bytes(bytes), sha256 })
}
