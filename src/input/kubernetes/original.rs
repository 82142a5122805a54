//! What the original makes of a Karmada cluster and of a limit: cores as numbers, memory as text.
//!
//! Memory is written in the largest of GiB, MiB, KiB and bytes that it has one of, with two decimals; nothing, or less than
//! nothing, as a whole number of bytes. A limit of CPU is a number of cores, or of thousandths before an `m`; other suffixes
//! of Kubernetes, which the original does not know, are refused as by it.

use crate::units::kubernetes::Quantity;
use serde_json::{Map, Value, json};

/// Something of a cluster or a limit cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A field is not there.
    #[error("the cluster has no `{0}`; Karmada writes it once the cluster has joined")]
    Missing(&'static str),
    /// An amount is none.
    #[error("`{field}` is `{text}`: {reason}")]
    Amount {
        /// Which.
        field: &'static str,
        /// As written.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A limit is none.
    #[error("`{0}` is no limit of CPU that the original reads; write it like `0.5`, `2` or `500m`")]
    Limit(String),
}

/// Bytes as the original prints them.
pub fn memory_text(bytes: i64) -> String {
    let units = [(1i64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "Bytes")];
    match units.iter().find(|(worth, _)| bytes >= *worth) {
        Some((worth, unit)) => format!("{:.2} {unit}", bytes as f64 / *worth as f64),
        None => format!("{bytes} Bytes"),
    }
}

/// Cores of a limit.
///
/// # Errors
/// Where the text is none.
pub fn limit_cores(text: &str) -> Result<f64, TextError> {
    let refused = || TextError::Limit(text.to_owned());
    let is_thousandths = text.contains('m');
    let number: f64 = text.replace('m', "").trim().parse().map_err(|_| refused())?;
    let cores = if is_thousandths { number / 1e3 } else { number };
    if cores.is_finite() { Ok(cores) } else { Err(refused()) }
}

/// What the original stores of a Karmada cluster, by its name. Available is one whose condition of reason `ClusterReady` is true.
///
/// # Errors
/// Fields that are missing, or amounts that are none.
pub fn cluster_info(cluster: &Value) -> Result<Map<String, Value>, TextError> {
    let name = cluster["metadata"]["name"].as_str().ok_or(TextError::Missing("metadata.name"))?;
    let summary = &cluster["status"]["resourceSummary"];
    let of = |group: &str, field: &'static str, resource: &str| {
        let amount = &summary[group][resource];
        let text = amount.as_str().map(str::to_owned).or_else(|| amount.as_number().map(ToString::to_string));
        let text = text.ok_or(TextError::Missing(field))?;
        let wrong = |reason: String| TextError::Amount { field, text: text.clone(), reason };
        Quantity::parse(&text).map_err(|error| wrong(error.to_string())).map(|quantity| (quantity, text.clone()))
    };
    let cores = |group, field| -> Result<f64, TextError> { Ok(of(group, field, "cpu")?.0.value()) };
    let bytes = |group, field| -> Result<i64, TextError> {
        let (quantity, text) = of(group, field, "memory")?;
        let too_large = |reason: String| TextError::Amount { field, text: text.clone(), reason };
        let count = quantity.count().map_err(|error| too_large(error.to_string()))?;
        i64::try_from(count).map_err(|_| too_large("too large".to_owned()))
    };
    let total = (
        cores("allocatable", "status.resourceSummary.allocatable.cpu")?,
        bytes("allocatable", "status.resourceSummary.allocatable.memory")?,
    );
    let held = (
        cores("allocated", "status.resourceSummary.allocated.cpu")?,
        bytes("allocated", "status.resourceSummary.allocated.memory")?,
    );
    let conditions = cluster["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["reason"] == "ClusterReady");
    let info = json!({
        "total_cpu": total.0,
        "allocated_cpu": held.0,
        "remaining_cpu": total.0 - held.0,
        "total_memory_bytes": memory_text(total.1),
        "allocated_memory_bytes": memory_text(held.1),
        "remaining_memory_bytes": memory_text(total.1 - held.1),
        "availability": ready.is_some_and(|condition| condition["status"] == "True"),
    });
    Ok(Map::from_iter([(name.to_owned(), info)]))
}
