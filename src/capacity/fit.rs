//! stub
use super::{FittedGroup, ObservationError, Observations, Options};

/// Fits every series: groups in parallel, results in the order of the series.
///
/// # Errors
///
/// Where the observations are not what they claim to be. What cannot be identified is no error but a refusal in its group.
pub fn fit(_observations: &Observations, _options: &Options) -> Result<Vec<FittedGroup>, ObservationError> {
    Ok(Vec::new())
}
