//! How a trace is to be read: what a scenario says beside `file:`, as options of the commands that read one.

use super::Failure;
use crate::input::trace::{Import, TraceOptions, Zone};
use crate::units::Span;
use anyhow::anyhow;
use std::path::PathBuf;

/// What a file does not say about itself; `smo formats` tells which format takes what.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    /// Format of FILE, as `smo formats` lists them; without it, its ending and its beginning tell.
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// What requests are counted by, or how long each value holds.
    #[arg(long, value_name = "T")]
    step: Option<Span>,
    /// Where the name of a service stands: a column, a label, or a part of a request.
    #[arg(long, value_name = "WHAT")]
    service_from: Option<String>,
    /// The column of times.
    #[arg(long, value_name = "COLUMN")]
    time_from: Option<String>,
    /// Zone of times that state none: UTC or +02:00.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// How far behind the latest time so far a request may stand.
    #[arg(long, value_name = "T")]
    out_of_order: Option<Span>,
    /// Values are counters that only rise, not rates.
    #[arg(long)]
    counter: bool,
    /// A file that continues FILE; may be given again.
    #[arg(long, value_name = "FILE")]
    then: Vec<PathBuf>,
    /// How long the last row holds; without it, as long as the one before it.
    #[arg(long, value_name = "T")]
    last: Option<Span>,
}

impl Reading {
    /// As the readers take it.
    ///
    /// # Errors
    /// A zone that is none.
    pub fn options(&self) -> Result<TraceOptions, Failure> {
        let zone = |text: &String| {
            let wrong = || anyhow!("`{text}` is not a time zone\n  write it like `UTC` or `+02:00`");
            Zone::read(text.as_bytes()).ok_or_else(wrong).map_err(Failure::input)
        };
        let import = Import {
            format: self.from.clone(),
            step: self.step,
            service_from: self.service_from.clone(),
            time_from: self.time_from.clone(),
            timezone: self.timezone.as_ref().map(zone).transpose()?,
            out_of_order: self.out_of_order,
            counter: self.counter,
            epoch: None,
            then: self.then.clone(),
        };
        Ok(TraceOptions { import, last: self.last, ..TraceOptions::default() })
    }
}
