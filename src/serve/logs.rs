//! Logs: lines for people, or JSON for programs, on standard error.

use super::config::{Log, LogFormat};
use crate::backend::live::traced::TARGET;
use std::io::{self, IsTerminal as _};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// Begins to log, and lets `spans` listen to what leaves as traces. Where somebody logs already (another server of the same process, a
/// test), that goes on.
///
/// # Errors
/// A level that is none, in a sentence.
pub fn begin(log: &Log, spans: Option<Box<dyn Layer<Registry> + Send + Sync>>) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| format!("log.level: `{}`: {error}; write it like `info` or `warn,smo=debug`", log.level))?;
    // Spans that leave as traces are no news for whoever reads lines.
    let filter = filter.add_directive(format!("{TARGET}=off").parse().expect("a target and a level"));
    // Colours are for people at a terminal who do not mind them (https://no-color.org).
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty());
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(colours);
    let lines = match log.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Fails only where somebody logs already.
    let _ = tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::begin;
    use crate::serve::config::{Log, LogFormat};

    #[test]
    fn a_level_that_is_none_is_said() {
        let log = |level: &str| Log { format: LogFormat::Json, level: level.to_owned() };
        assert!(begin(&log("smo=loud"), None).unwrap_err().starts_with("log.level: `smo=loud`"));
    }
}
