//! stub

/// Observations that cannot be read as what they claim to be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObservationError {
    /// Results are named by service and class, so a pair may occur once.
    #[error(
        "service `{service}` on class `{class}` occurs twice; give the two different names, or join them into one series"
    )]
    Repeated {
        /// The service.
        service: String,
        /// The class.
        class: String,
    },
    /// Columns are parallel.
    #[error(
        "service `{service}`: column `{column}` has {found} values for {wanted} samples; a column that was not observed is empty"
    )]
    Length {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
        /// Values in it.
        found: usize,
        /// Samples.
        wanted: usize,
    },
    /// Replicas and a rate are the least.
    #[error(
        "service `{service}`: column `{column}` is missing; a fit needs time, ready replicas and a request rate (offered or completed)"
    )]
    Missing {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
    },
    /// A share beyond 1 is a percentage.
    #[error(
        "service `{service}`, sample {sample}: `{column}` is {value}; a share lies between 0 and 1, divide percentages by 100"
    )]
    Share {
        /// The service.
        service: String,
        /// The column.
        column: &'static str,
        /// The sample.
        sample: usize,
        /// What was found.
        value: f64,
    },
    /// Nothing was given.
    #[error("there are no observations; give at least one series of time, ready replicas and a request rate")]
    Nothing,
}
