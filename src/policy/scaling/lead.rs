//! How long it takes until a decision has its effect, as a policy reckons it.

use super::{ParameterError, Parameters};
use crate::model::Service;
use crate::units::Span;

/// From a decision until replicas that it asked for serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// By what the service declares.
    Start,
    /// As stated.
    Fixed(Span),
}

/// What a decision takes besides the start of a process: a control loop, binding, a rate that is an average of the past.
const REACTION: Span = Span::seconds(90);

/// Bytes per second at which an image is reckoned to be pulled.
const PULL: u64 = 100_000_000;

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_2;

impl Lead {
    /// Reads `lead`: a time span, or `start`.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let text: String = parameters.get("lead")?;
        if text == "start" { Ok(Self::Start) } else { Ok(Self::Fixed(parameters.span("lead")?)) }
    }

    /// For `service`: 95 of 100 starts, the pull of the image at 100 MB/s, and 90 s for all else.
    pub(super) fn of(self, service: &Service) -> Span {
        match self {
            Self::Fixed(span) => span,
            Self::Start => {
                let pull = Span::from_seconds_f64(service.image.0 as f64 / PULL as f64);
                service.start.quantile(0.95, |_| Z95) + pull + REACTION
            }
        }
    }
}
