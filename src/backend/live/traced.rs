//! What is done to other systems, as spans of a trace.
//!
//! Spans that leave this process have a target of their own, so that who listens to them hears nothing else, and logs do not repeat them.
//! Where nobody listens they cost next to nothing. A call is of interest as a part of something (a request, a job, a change), and what goes
//! round by itself, looks and leases, is not: so a call is a span only within another one.

use std::fmt::Display;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// The target of spans that leave this process.
pub const TARGET: &str = "smo::traces";

/// Whether what is done now is part of a trace.
pub fn is_within() -> bool {
    Span::current().metadata().is_some_and(|within| within.target() == TARGET)
}

/// A call to another system: `what` begins with a verb. Nothing, outside of everything else.
pub fn call(system: &'static str, what: &str) -> Span {
    if !is_within() {
        return Span::none();
    }
    let verb = what.split(' ').next().unwrap_or(what);
    info_span!(
        target: TARGET,
        "call",
        otel.name = format!("{system} {verb}"),
        otel.kind = "client",
        otel.status_code = Empty,
        otel.status_description = Empty,
        peer.service = system,
        smo.call = what,
        smo.tries = Empty,
    )
}

/// A change of a workload on the control plane, which the loop has decided.
pub fn change(verb: &'static str, workload: &str) -> Span {
    info_span!(
        target: TARGET,
        "change",
        otel.name = verb,
        otel.status_code = Empty,
        otel.status_description = Empty,
        smo.workload = workload,
    )
}

/// Notes that what the span is about went wrong, and why.
pub fn failed(span: &Span, why: &dyn Display) {
    if !span.is_disabled() {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", why.to_string());
    }
}
