//! What the formats of other tools leave open: which one it is, how long a step is, who a request was for, which zone a
//! clock shows.
//!
//! An option that a format has no use for is refused, because it would be a wish without effect.

use super::clock::Zone;
use super::error::Fault;
use super::import_fault::ImportFault;
use crate::units::Span;
use std::path::PathBuf;

/// How a file of another tool is to be understood; nothing is said by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The format, by its name; `None`: the one that the file's ending and beginning tell.
    pub format: Option<String>,
    /// What requests are counted by, or how long each value holds.
    pub step: Option<Span>,
    /// Where the name of a service stands: a column, a label, or a part of a request.
    pub service_from: Option<String>,
    /// The column of times.
    pub time_from: Option<String>,
    /// The zone of times that state none.
    pub timezone: Option<Zone>,
    /// How far behind the latest time so far a request may stand.
    pub out_of_order: Option<Span>,
    /// Whether values are counters that only rise, and not rates.
    pub counter: bool,
    /// The time of the file's own clock that becomes 0, in nanoseconds; `None`: that of its first row.
    pub epoch: Option<u64>,
    /// Files that continue this one, in order.
    pub then: Vec<PathBuf>,
}

impl Import {
    /// Checks that a format has a use for all that is said.
    ///
    /// # Errors
    /// The first option that it has none for.
    pub fn check(&self, format: &'static str, takes: &'static [&'static str]) -> Result<(), Fault> {
        let said = [
            ("step", self.step.is_some()),
            ("service_from", self.service_from.is_some()),
            ("time_from", self.time_from.is_some()),
            ("timezone", self.timezone.is_some()),
            ("out_of_order", self.out_of_order.is_some()),
            ("counter", self.counter),
        ];
        match said.into_iter().find(|(option, is_said)| *is_said && !takes.contains(option)) {
            Some((option, _)) => Err(ImportFault::NoUse { format, option, takes: words(takes) }.into()),
            None => Ok(()),
        }
    }
}

/// Names in a sentence.
fn words(names: &[&str]) -> String {
    match names {
        [] => "none of these options".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
