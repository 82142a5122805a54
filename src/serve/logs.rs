//! Logs: lines for people, or JSON for programs, on standard error.

use super::config::{Log, LogFormat};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Begins to log. Where somebody logs already (another server of the same process, a test), that goes on.
///
/// # Errors
/// A level that is none, in a sentence.
pub fn begin(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| format!("log.level: `{}`: {error}; write it like `info` or `warn,smo=debug`", log.level))?;
    // Colours are for people at a terminal who do not mind them (https://no-color.org).
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // Fails only where somebody logs already.
    let _ = match log.format {
        LogFormat::Text => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::begin;
    use crate::serve::config::{Log, LogFormat};

    #[test]
    fn a_level_that_is_none_is_said() {
        let log = |level: &str| Log { format: LogFormat::Json, level: level.to_owned() };
        assert!(begin(&log("smo=loud")).unwrap_err().starts_with("log.level: `smo=loud`"));
    }
}
