//! Objects as YAML, several in one stream, as `kubectl apply -f` takes them.

use super::Failure;
use serde_json::Value;

/// One document, with a line feed at its end.
///
/// # Errors
/// Never for JSON values; the writer of YAML says it can fail.
pub fn document(value: &Value) -> Result<String, Failure> {
    let text = serde_saphyr::to_string(value).map_err(Failure::run)?;
    Ok(format!("{}\n", text.trim_end()))
}

/// The value that a text holds.
///
/// # Errors
/// Broken YAML, with its line.
#[cfg(feature = "live")]
pub fn read(text: &str) -> Result<Value, anyhow::Error> {
    Ok(serde_saphyr::from_str(text)?)
}

/// Several documents, separated by `---`.
///
/// # Errors
/// See [`document`].
pub fn stream<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<String, Failure> {
    let documents = values.into_iter().map(document).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.join("---\n"))
}
