//! Arrivals by interval as LIMBO and DLIM write them: `CENTRE,ARRIVALS;`, a line an interval.
//!
//! The centre counts intervals (0.5, 1.5 ...), and how long one is stands nowhere in the file: `step` says it.

use super::decimal::{self, Decimal};
use super::error::{Place, TraceError, shown};
use super::format::{Format, Opened, Reading, Reads, TEXT};
use super::import_fault::ImportFault;
use super::lines::Lines;
use super::rows::{ALL, RawRow, Rows, Spot};
use super::tally::Tally;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::ServiceId;
use crate::units::Ratio;
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format {
    page: &PAGE,
    takes: &["step"],
    reads: Reads::Text { begins: |line| parts(line).is_some_and(|(at, _)| Decimal::read(at).is_ok()), open },
};

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "limbo",
    kind: Kind::Rates,
    what: "Arrivals by interval as the load modelling tools LIMBO and DLIM exchange them; `step` says how long an interval \
           is.",
    extensions: TEXT,
    columns: &[
        Column {
            name: "first",
            unit: "intervals",
            meaning: "middle of the interval, counted from 0: 0.5, 1.5 ...; rises",
        },
        Column {
            name: "second",
            unit: "requests",
            meaning: "arrivals in the interval; an interval without a line is a gap",
        },
    ],
    example: "0.5,306.0;\n1.5,369.0;\n",
    writable: false,
};

/// What stands before the comma, and between it and the semicolon.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii().strip_suffix(b";")?;
    let comma = memchr::memchr(b',', line)?;
    Some((&line[..comma], &line[comma + 1..]))
}

fn open(lines: Lines, mut reading: Reading<'_>) -> Opened {
    let whole = |fault| TraceError::whole(reading.path, fault);
    let Some(step) = reading.options.import.step else {
        let (what, option) = ("how long an interval is", "step: 1 h");
        return Err(whole(ImportFault::Needed { format: PAGE.name, what, option }.into()));
    };
    let service = reading.series.service(ALL.as_bytes()).map_err(whole)?;
    reading.series.check_all_met().map_err(whole)?;
    let scale = reading.options.scale;
    Ok(Box::new(Intervals { lines, step: step.0, service, scale, last: None, tally: Tally::default() }))
}

struct Intervals {
    lines: Lines,
    step: u64,
    service: Option<ServiceId>,
    scale: Ratio,
    last: Option<u64>,
    tally: Tally,
}

impl Rows for Intervals {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        let (at, amount) = loop {
            let Some(line) = self.lines.line()? else { return Ok(false) };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let read = read(line, self.step, self.scale);
            let read = read.map_err(|why| ImportFault::NotALine { text: shown(line), why });
            break read.map_err(|fault| self.lines.error(self.lines.spot(), "", fault.into()))?;
        };
        (row.at, row.spot, self.last) = (at, self.lines.spot(), Some(at));
        if let Some(service) = self.service {
            let rate = self.tally.rate(service, amount, self.step);
            let wrong = |why| self.lines.error(row.spot, "", ImportFault::TooMuch(why).into());
            row.rates.push((service, rate.map_err(wrong)?));
        }
        Ok(true)
    }

    fn place(&self, spot: Spot) -> Place {
        self.lines.place(spot)
    }

    fn path(&self) -> Option<&Path> {
        Some(self.lines.path(self.lines.spot()))
    }

    fn end(&self) -> Option<u64> {
        self.last?.checked_add(self.step)
    }
}

/// When the interval of a line begins, and its arrivals in millionths.
fn read(line: &[u8], step: u64, scale: Ratio) -> Result<(u64, u64), &'static str> {
    let (centre, arrivals) = parts(line).ok_or("it does not look like `0.5,306.0;`")?;
    let centre = Decimal::read(centre)?.times(step)?;
    let at = centre.checked_sub(step / 2).ok_or("the middle of the first interval is 0.5")?;
    Ok((at, decimal::rate(arrivals, scale)?.0))
}
