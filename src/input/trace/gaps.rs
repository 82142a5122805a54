//! What a trace leaves out: counted while it is read, told when it is asked.

use super::error::seconds;
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::units::{Rate, Span, Time};

/// What was left out so far.
#[derive(Debug, Clone)]
pub struct Gaps {
    /// Rows so far, empty ones included.
    rows: u64,
    /// The first step: the one that a regular trace keeps.
    step: Option<Span>,
    longer: Run,
    services: Vec<Named>,
    closed: bool,
}

/// Steps that are missing.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// How often.
    times: u64,
    /// All of them.
    steps: u64,
    /// The longest run, and when it began.
    longest: (u64, Time),
}

/// Which rows name a service.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    /// The first one: its number, from 1, and time. 0: none so far.
    first: (u64, Time),
    /// The last one.
    last: (u64, Time),
    missing: Run,
}

impl Run {
    fn add(&mut self, steps: u64, since: Time) {
        self.times += 1;
        self.steps += steps;
        if steps > self.longest.0 {
            self.longest = (steps, since);
        }
    }
}

impl Gaps {
    /// Nothing read yet, of this many services.
    pub fn new(services: usize) -> Self {
        Self { rows: 0, step: None, longer: Run::default(), services: vec![Named::default(); services], closed: false }
    }

    /// Takes a row, which came `step` after the one before it.
    pub fn count(&mut self, at: Time, step: Option<Span>, rates: &[(ServiceId, Rate)]) {
        self.rows += 1;
        let usual = *self.step.get_or_insert(step.unwrap_or(Span::ZERO));
        if self.rows == 2 {
            self.step = step;
        } else if let Some(step) = step.filter(|step| *step > usual) {
            self.longer.add(step.times(usual).unwrap_or(1) - 1, Time(at.0 - step.0));
        }
        for (service, _) in rates {
            let named = &mut self.services[service.index()];
            if named.first.0 == 0 {
                named.first = (self.rows, at);
            } else if named.last.0 + 1 < self.rows {
                named.missing.add(self.rows - named.last.0 - 1, named.last.1);
            }
            named.last = (self.rows, at);
        }
    }

    /// The trace has ended: a service that was not named to the end is missing from there.
    pub fn close(&mut self) {
        if !std::mem::replace(&mut self.closed, true) {
            for named in self.services.iter_mut().filter(|named| named.first.0 > 0 && named.last.0 < self.rows) {
                named.missing.add(self.rows - named.last.0, named.last.1);
            }
        }
    }

    /// What was left out, in words.
    pub fn notes<'a>(&self, name: impl Fn(ServiceId) -> &'a str) -> Vec<String> {
        let mut notes = Vec::new();
        if let (true, Some(step)) = (self.longer.times > 0, self.step) {
            notes.push(format!(
                "{} of {} steps are longer than the first one of {} s, the longest after {} s: rates hold meanwhile",
                self.longer.times,
                self.rows - 1,
                seconds(step.0),
                seconds(self.longer.longest.1.0),
            ));
        }
        for (index, named) in self.services.iter().enumerate().filter(|(_, named)| named.first.0 > 0) {
            let name = name(ServiceId::from_index(index));
            if named.first.0 > 1 {
                notes.push(format!("`{name}` has no rate before {} s: zero until then", seconds(named.first.1.0)));
            }
            if named.missing.times > 0 {
                let (longest, since) = named.missing.longest;
                notes.push(format!(
                    "`{name}` has no rate in {} of {} rows, up to {longest} one after the other (after {} s): its rate holds meanwhile",
                    named.missing.steps,
                    self.rows,
                    seconds(since.0),
                ));
            }
        }
        notes
    }
}
