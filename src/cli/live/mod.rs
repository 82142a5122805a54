//! Commands of the real world: `smo observe`, `smo run` (in shadow or live), `smo pause`, `smo remove`.
//!
//! They are there in every build, so that help and completions are the same everywhere; without the feature `live` each says so.

pub mod observe;
pub mod pause;
pub mod remove;
pub mod run;

#[cfg(feature = "live")]
mod elsewhere;
#[cfg(feature = "live")]
mod measured;
#[cfg(feature = "live")]
mod narrate;
#[cfg(feature = "live")]
pub mod present;
#[cfg(feature = "live")]
mod progress;
#[cfg(feature = "live")]
mod recording;
#[cfg(feature = "live")]
mod sight;

use super::Failure;

/// What a command of the real world answers in a build without it.
#[cfg(not(feature = "live"))]
pub fn unavailable(command: &str) -> Failure {
    Failure::input(anyhow::anyhow!(
        "`smo {command}` needs the feature `live`, which this build lacks\n  build it by `cargo build --release --features live`"
    ))
}

/// The present of a connection as fields of a scenario; the load lies in `folder`.
///
/// # Errors
/// A connection that cannot be used, a world that is not as it must be, or a build without the real world.
#[cfg(feature = "live")]
pub fn now(
    connection: &std::path::Path,
    scenario: &crate::model::Scenario,
    folder: &std::path::Path,
) -> Result<Vec<(String, String)>, Failure> {
    present::fields(&present::look(connection, scenario)?, folder)
}

/// The present of a connection; this build has no real world.
///
/// # Errors
/// Always.
#[cfg(not(feature = "live"))]
pub fn now(
    _: &std::path::Path,
    _: &crate::model::Scenario,
    _: &std::path::Path,
) -> Result<Vec<(String, String)>, Failure> {
    Err(unavailable("--now"))
}

/// An error of the real world as a failure: what will not pass by itself is a matter of input.
#[cfg(feature = "live")]
pub fn failure(error: crate::backend::live::outside::CallError) -> Failure {
    use crate::backend::live::outside::Class;
    match error.class {
        Class::Permanent => Failure::input(error),
        Class::Retryable | Class::Conflict => Failure::run(error),
    }
}
