//! Numbers and nothing else: request rates in requests per second, one for each step, between blanks or line breaks.
//!
//! `step` says how long each of them holds (1 s); `NaN` is a rate that is unknown.

use super::decimal;
use super::error::{Fault, Place, TraceError, shown};
use super::format::{Format, Opened, Reading, Reads, TEXT};
use super::import_fault::ImportFault;
use super::lines::Lines;
use super::rows::{ALL, RawRow, Rows, Spot};
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::ServiceId;
use crate::units::{Ratio, Span};
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format =
    Format { page: &PAGE, takes: &["step"], reads: Reads::Text { begins: |line| is_numbers(line), open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "values",
    kind: Kind::Rates,
    what: "Request rates of one service as plain numbers, one for each `step` (1 s): the workloads of Autothrottle, and the \
           unpacked NASA and Twitter series.",
    extensions: TEXT,
    columns: &[Column { name: "each number", unit: "1/s", meaning: "the rate during its step; `NaN`: unknown" }],
    example: "157\n158\n159\n",
    writable: false,
};

const STEP: Span = Span::seconds(1);

fn is_numbers(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(10).peekable();
    // A text that was cut may end in a part of a number, which is still one.
    words.peek().is_some() && words.all(|word| decimal::rate(word, Ratio::ONE).is_ok() || word == b"NaN")
}

fn open(lines: Lines, mut reading: Reading<'_>) -> Opened {
    let whole = |fault| TraceError::whole(reading.path, fault);
    let service = reading.series.service(ALL.as_bytes()).map_err(whole)?;
    reading.series.check_all_met().map_err(whole)?;
    let (step, scale) = (reading.options.import.step.unwrap_or(STEP).0, reading.options.scale);
    Ok(Box::new(Values { lines, step, service, scale, next: 0 }))
}

struct Values {
    lines: Lines,
    step: u64,
    service: Option<ServiceId>,
    scale: Ratio,
    /// Values so far.
    next: u64,
}

impl Rows for Values {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        let Some(word) = self.lines.word()? else { return Ok(false) };
        let read = if word == b"NaN" { Ok(None) } else { decimal::rate(word, self.scale).map(Some) };
        let read = read.map_err(|why| Fault::NotARate { text: shown(word), why });
        row.spot = self.lines.spot();
        let wrong = |fault: Fault| TraceError::at(self.lines.path(row.spot), self.place(row.spot), "", fault);
        let rate = read.map_err(wrong)?;
        let at = self.next.checked_mul(self.step).ok_or("584 years are over");
        row.at = at.map_err(|why| wrong(ImportFault::TooMuch(why).into()))?;
        row.rates.extend(self.service.zip(rate));
        self.next += 1;
        Ok(true)
    }

    /// A number, counted from 1: numbers need no lines.
    fn place(&self, spot: Spot) -> Place {
        match self.lines.place(spot) {
            Place::Line(number) | Place::Row(number) => Place::Row(number),
            Place::Whole => Place::Whole,
        }
    }

    fn path(&self) -> Option<&Path> {
        Some(self.lines.path(self.lines.spot()))
    }

    fn end(&self) -> Option<u64> {
        self.next.checked_mul(self.step)
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("its numbers are requests per second, one for each {} s", super::error::seconds(self.step))]
    }
}
