//! What the tasks tell the loop.

use super::outside::CallError;
use crate::model::observation::{Action, Event};

/// Something that happened, on its way to becoming an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A decision is due.
    Due,
    /// A sample of the series is due.
    Sample,
    /// Something happened by itself.
    Event(Event),
    /// An action was completed.
    Finished(Action),
    /// An action failed for good.
    Failed(Action, String),
    /// Nothing can go on.
    Broken(CallError),
    /// The run is over: its time is up, or somebody asked for it.
    Over,
}
