//! A part of a scenario's load: traces and tasks are cut and moved to the start, as [`Scenario::cut`] does with all else.

use super::at::At;
use super::error::InputError;
use super::load::TraceSource;
use super::trace::TraceOptions;
use crate::model::Scenario;
use crate::model::task::TasksInMemory;
use crate::model::window::{Window, tasks};
use crate::units::{Span, Time};

/// Cuts the scenario and its load to `window`.
///
/// # Errors
/// A window that does not lie in the scenario, at `at`, which is its root.
pub fn cut(
    window: Window,
    scenario: &mut Scenario,
    (traces, arrivals): &mut (Vec<TraceSource>, TasksInMemory),
    at: &At<'_>,
) -> Result<(), InputError> {
    if window.is_whole() {
        return Ok(());
    }
    let last = window.until.unwrap_or(window.from);
    if let Some(until) = scenario.until.filter(|until| Span(last.0) > *until || Span(window.from.0) == *until) {
        let wanted = "choose a part that lies in it, or set a later `until`";
        return Err(at.key("until").error(format!("the scenario ends at {until}, before the part {window}; {wanted}")));
    }
    let had_load = !traces.is_empty() || !arrivals.is_empty();
    traces.retain_mut(|trace| begin(&mut trace.options, window.from));
    *arrivals = TasksInMemory::new(tasks(arrivals.rows(), window));
    if had_load && traces.is_empty() && arrivals.is_empty() {
        return Err(at.key("traces").error(format!("there is no load {window}; choose a part with load")));
    }
    scenario.cut(window);
    Ok(())
}

/// Begins a trace so much later; whether there is any of it then. Its own end stays, and the run's end cuts the rest.
fn begin(options: &mut TraceOptions, from: Time) -> bool {
    let moved = Span(from.0.min(options.shift.0));
    options.shift = options.shift.saturating_sub(moved);
    options.from = options.from + Span(from.0).saturating_sub(moved);
    options.from < options.until
}

#[cfg(test)]
mod tests {
    use super::begin;
    use crate::input::trace::TraceOptions;
    use crate::units::{Span, Time};

    /// Goal: a trace that is cut still stands where it stood next to the other traces.
    /// Method: hour 2 of its own at hour 3 of the run, until its hour 9, which is hour 10; cut at 1, 3, 5 and 10; by hand.
    #[test]
    fn a_part_begins_in_the_trace_where_the_run_would_be_then() {
        let hour = |hour: u64| Time(hour * 3_600_000_000_000);
        let whole = TraceOptions { from: hour(2), shift: Span(hour(3).0), until: hour(9), ..TraceOptions::default() };
        for (at, from, shift, is_left) in [(1, 2, 2, true), (3, 2, 0, true), (5, 4, 0, true), (10, 9, 0, false)] {
            let mut options = whole.clone();
            assert_eq!(begin(&mut options, hour(at)), is_left, "{at}");
            assert_eq!((options.from, options.shift), (hour(from), Span(hour(shift).0)), "{at}");
        }
    }
}
