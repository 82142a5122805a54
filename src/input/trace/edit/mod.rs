//! Edits of traces: a small language of selections and edits, on the command line, in a file or in a scenario.
//!
//! ```text
//! select service "web-*" except web-9 during 2h..4h | scale 1.5
//! add burst at 12:00 for 20min times 6 to gateway          # a comment
//! merge "other.csv" by clock
//! resample 5min
//! ```
//!
//! A script is a list of statements, each in its line or ended by `;`. A statement is a selection, if any, and edits joined
//! by `|`, which are made one after the other. Names may be patterns (`*` any letters, `?` one) and are quoted where they
//! have spaces or signs in them.
//!
//! # Selections
//!
//! `select`, then any of: `service NAME, ...` (one must fit; each must fit some series), `except NAME, ...`,
//! `label KEY=NAME` (of series whose name is like `web{zone="eu"}`), `during A..B`. The first moment of a range belongs to
//! it, the last does not. A moment is an offset from the begin of the trace as it is by then (`2h`, `1h30min`), a time of
//! its first day (`12:00`, in UTC where the trace has dates; a trace without dates begins at midnight), or a date
//! (`2021-08-01`, `2021-08-01T12:00+02:00`, UTC where no zone is said, or `@1627776000`), which a trace without dates does
//! not have.
//!
//! # Edits
//!
//! | edit | what it does | takes |
//! |---|---|---|
//! | `scale F` | rates times `1.5`, `150%` or `3/2` | series, `during` |
//! | `set R`, `add R` | rates become `R` or more by `R` (`5/s`); for a series without a rate as for one of zero | series, `during` |
//! | `clip R..R` | rates within bounds, one of which may be left out | series, `during` |
//! | `add burst at T for S times F [ramp S] [to NAME, ...]` | rates times `F` for `S`, rising and falling for `ramp` in 20 stairs | series |
//! | `add crowd at T times F [rise S] decay S [to NAME, ...]` | a flash crowd: rises to `F` times in 20 stairs, then `1 + (F − 1)·e^(−t/decay)` in 100 stairs until 5 × `decay` | series |
//! | `shift S`, `shift -S` | series come later, with no load before, or earlier, without what was before the begin | series |
//! | `smooth S` | the mean over a window around the middle of each row | series |
//! | `fill previous\|zero\|linear [every S]` | unknown rates stated; rows put into steps longer than the first one, or than `S` | series |
//! | `drop`, `keep` | removes series, or all others | series |
//! | `rename A to B` | other names; the stars of `B` are those of `A` | series |
//! | `sum into NAME` | series added up to one, which is selected from there on | series |
//! | `cut A..B` | only that time, from a new begin on; what holds there holds | |
//! | `repeat N`, `repeat for S` | the trace so many times, or for so long, one after the other | |
//! | `resample S` | a row each `S`, with as many requests ([how exactly](resample)) | |
//! | `merge "FILE" [at T\|by clock] [adding]` | the series of another trace, begin to begin, from `T` on, or as their dates say; series of one name only by `adding` | |
//! | `begin at T` | the date of the begin; nothing else changes | |
//! | `sort` | reads a file whose rows are in any order; the first edit | |
//!
//! # What always holds
//!
//! * Between edits a rate is a whole number of 10⁻¹² requests per second, and it is rounded to a millionth once, at the end:
//!   `scale 0.5 | scale 2` changes nothing, and `scale 1/3 | scale 3` nothing that could be seen.
//! * A gap stays a gap, unless it is filled.
//! * `scale`, `shift` and `rename` commute; `cut A..B | cut C..D` is `cut A+C..A+D`; `repeat N | cut ..SPAN` is the trace.
//! * Rows are streamed. What holds rows in memory has a limit and says so: `shift` (one span of the series that wait),
//!   `smooth` (one window), `fill linear` (one gap), `sort` (the file).

mod compile;
mod cut;
mod fill;
mod flow;
mod glob;
mod join;
mod level;
mod lex;
mod parse;
mod parse_edit;
mod pick;
mod plan;
mod quantity;
pub mod resample;
mod script;
mod shift;
mod smooth;
mod sort;

pub use glob::Glob;
pub use quantity::{Factor, Moment};
pub use script::{Alignment, During, Edit, Fill, Merge, Named, Script, Select, Shape, Spot, Statement, Surge, What};

use super::error::TraceError;
use super::series::{Series, ServiceNames};
use super::{Fault, TraceOptions};
use crate::input::error::{Mistake, Place};
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Ratio, Time};
use flow::{Row, Source, too_large};
use plan::Plan;
use std::path::Path;
use std::sync::Arc;

impl Script {
    /// Reads a script; `label` names it in mistakes: its file, or the option that it was given by.
    ///
    /// # Errors
    /// The first mistake, with its line and column.
    pub fn parse(text: &str, label: &str) -> Result<Self, Box<Mistake>> {
        parse::script(text).map_err(|wrong| Box::new(wrong.mistake(label)))
    }

    /// Puts another script behind this one.
    pub fn append(&mut self, other: Self) {
        self.statements.extend(other.statements);
    }

    /// The files that it merges, which may be replaced.
    pub fn files(&mut self) -> impl Iterator<Item = &mut String> {
        let edits = self.statements.iter_mut().flat_map(|statement| &mut statement.edits);
        edits.filter_map(|edit| match &mut edit.what {
            What::Merge(merge) => Some(&mut merge.file),
            _ => None,
        })
    }
}

impl lex::Wrong {
    fn mistake(self, label: &str) -> Mistake {
        let place = Place::at(label, self.at.line, self.at.column);
        Mistake::new(place, String::new(), &self.message)
    }
}

/// A trace and its edits, ready to be read as often as one likes.
#[derive(Clone)]
pub struct Prepared {
    /// The services that come out.
    pub services: ServiceNames,
    /// The trace's own clock at its begin, in nanoseconds.
    pub begin: u64,
    plan: Arc<Plan>,
    map: Arc<[Option<ServiceId>]>,
}

/// Holds a script against a trace. Files that it merges are looked for in `folder`.
///
/// # Errors
/// A file that cannot be read, or an edit that does not fit: a mistake of the trace that names the place in the script.
pub fn prepare(path: &Path, script: &Script, folder: &Path, options: &TraceOptions) -> Result<Prepared, TraceError> {
    let (last, size_max, import) = (options.last, options.size_max, options.import.clone());
    let options = TraceOptions { last, size_max, import, ..TraceOptions::default() };
    let compiled = compile::compile(path, script, folder, &options).map_err(|refused| refused.of_trace(path))?;
    let services = ServiceNames::new(compiled.names.iter().flatten().cloned());
    let mut ids = (0..).map(ServiceId::from_index);
    let map = compiled.names.iter().map(|name| name.as_ref().and_then(|_| ids.next())).collect();
    Ok(Prepared { services, begin: compiled.begin, plan: Arc::new(compiled.plan), map })
}

impl Prepared {
    /// The rows, from their begin.
    ///
    /// # Errors
    /// Where a file cannot be opened.
    pub fn open(&self) -> Result<Edited, WorkloadError> {
        let source = self.plan.source(self.plan.steps.len())?;
        Ok(Edited { source, row: Row::default(), map: Arc::clone(&self.map), empty_rows: true, scale: Ratio::ONE })
    }

    /// The rows as a scenario takes them: the services of its application, scaled, and without rows that state nothing.
    ///
    /// # Errors
    /// A series that is no service, or a file that cannot be opened.
    pub fn open_as(&self, path: &Path, services: &ServiceNames, options: &TraceOptions) -> Result<Edited, TraceError> {
        let fault = |fault| TraceError::whole(path, fault);
        let mut series = Series::new(services.clone(), options.selection.clone());
        let ids = self.services.iter().map(|name| series.service(name.as_bytes())).collect::<Result<Vec<_>, _>>();
        let ids = ids.map_err(fault)?;
        series.check_all_met().map_err(fault)?;
        let map = self.map.iter().map(|id| id.and_then(|id| ids[id.index()])).collect();
        let edited = self.open().map_err(|error| fault(Fault::Edit(error.to_string())))?;
        Ok(Edited { map, empty_rows: false, scale: options.scale, ..edited })
    }
}

/// The rows that come out of the edits.
pub struct Edited {
    source: Box<dyn Source>,
    row: Row,
    /// Which service each one of the rows is.
    map: Arc<[Option<ServiceId>]>,
    empty_rows: bool,
    scale: Ratio,
}

impl RateSource for Edited {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let factor = Factor::new(self.scale.0, Ratio::ONE.0);
        while self.source.next(&mut self.row)? {
            (row.at, row.rates) = (self.row.at, std::mem::take(&mut row.rates));
            row.rates.clear();
            for &(service, flow) in &self.row.flows {
                let Some(id) = self.map.get(service.index()).copied().flatten() else { continue };
                let scaled = factor.and_then(|factor| factor.times(flow.0)).map(flow::Flow);
                let rate = scaled.and_then(flow::Flow::rate).ok_or_else(|| too_large("edit"))?;
                row.rates.push((id, rate));
            }
            // Edits append what they add; in order, the same trace is the same rows.
            row.rates.sort_unstable_by_key(|(service, _)| *service);
            if self.empty_rows || !row.rates.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn end(&self) -> Time {
        self.source.end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        let (source, map) = (self.source.fork()?, Arc::clone(&self.map));
        Ok(Box::new(Self { source, row: self.row.clone(), map, ..*self }))
    }
}
