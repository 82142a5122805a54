//! Commands of the real world: `smo run` (in shadow or live), `smo pause`, `smo remove`.
//!
//! They are there in every build, so that help and completions are the same everywhere; without the feature `live` each says so.

pub mod pause;
pub mod remove;
pub mod run;

#[cfg(feature = "live")]
mod narrate;

use super::Failure;

/// What a command of the real world answers in a build without it.
#[cfg(not(feature = "live"))]
fn unavailable(command: &str) -> Failure {
    Failure::input(anyhow::anyhow!(
        "`smo {command}` needs the feature `live`, which this build lacks\n  build it by `cargo build --release --features live`"
    ))
}

/// An error of the real world as a failure: what will not pass by itself is a matter of input.
#[cfg(feature = "live")]
fn failure(error: crate::backend::live::outside::CallError) -> Failure {
    use crate::backend::live::outside::Class;
    match error.class {
        Class::Permanent => Failure::input(error),
        Class::Retryable | Class::Conflict => Failure::run(error),
    }
}
