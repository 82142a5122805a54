//! What is done to other systems, as spans of a trace.
//!
//! Spans that leave this process have a target of their own, so that who listens to them hears nothing else, and logs do not repeat them.
//! Where nobody listens they cost next to nothing. A call is of interest as a part of something (a request, a job, a change), and what goes
//! round by itself, looks and leases, is not: so a call is a span only within another one.

use std::fmt::Display;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

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

/// Makes a change of a workload on the control plane, which the loop has decided; what goes wrong is part of its span.
///
/// # Errors
/// Those of the change.
pub async fn changing<T, E: Display>(
    verb: &'static str,
    workload: &str,
    change: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = info_span!(
        target: TARGET,
        "change",
        otel.name = verb,
        otel.status_code = Empty,
        otel.status_description = Empty,
        smo.workload = workload,
    );
    let changed = change.instrument(span.clone()).await;
    changed.inspect_err(|error| failed(&span, error))
}

/// Notes that what the span is about went wrong, and why.
pub fn failed(span: &Span, why: &dyn Display) {
    if !span.is_disabled() {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", why.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::changing;
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span::{Id, Record};
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    /// What is noted on spans after their begin.
    #[derive(Clone, Default)]
    struct Noted(Arc<Mutex<Vec<String>>>);

    impl Visit for Noted {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }

    impl Layer<Registry> for Noted {
        fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, Registry>) {
            values.record(&mut self.clone());
        }
    }

    #[tokio::test]
    async fn a_change_that_fails_says_so_on_its_span() {
        let noted = Noted::default();
        let _listening = tracing::subscriber::set_default(Registry::default().with(noted.clone()));
        assert_eq!(changing("scale", "web", async { Ok::<_, String>(3) }).await, Ok(3));
        assert_eq!(changing("divide", "web", async { Err::<(), _>("no".to_owned()) }).await, Err("no".to_owned()));
        let noted = noted.0.lock().unwrap().clone();
        assert_eq!(noted, ["otel.status_code=\"ERROR\"", "otel.status_description=\"no\""]);
    }
}
