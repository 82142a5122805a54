//! Who goes where, in the words of pods and policies: tolerations, node affinity, label selectors.

use super::super::at::At;
use super::super::error::InputError;
use super::field::Field;
use super::notes::Notes;
use crate::model::Selector;
use crate::model::selector::{Operator, Requirement};

/// Tolerations, as native files write them.
///
/// # Errors
/// Values of a wrong type.
pub fn tolerations(at: &At<'_>) -> Result<Vec<String>, InputError> {
    at.items()?.iter().map(toleration).collect()
}

fn toleration(at: &At<'_>) -> Result<String, InputError> {
    let text = |key: &str| Ok::<_, InputError>(at.key(key).text()?.filter(|text| !text.is_empty()));
    let (key, effect) = (text("key")?, text("effect")?);
    let exists = key.is_none() || text("operator")? == Some("Exists");
    let value = if exists { String::new() } else { format!("={}", text("value")?.unwrap_or_default()) };
    let effect = effect.map_or_else(String::new, |effect| format!(":{effect}"));
    Ok(format!("{}{value}{effect}", key.unwrap_or("*")))
}

/// The terms of the required node affinity, each as a selector.
///
/// # Errors
/// Values of a wrong type, or an operator that does not exist.
pub fn node_affinity(pod_spec: &At<'_>, notes: &mut Notes) -> Result<Vec<String>, InputError> {
    let affinity = pod_spec.key("affinity");
    let required = affinity.path("nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    let mut terms = Vec::new();
    for term in required.items()? {
        if term.key("matchFields").is_there() {
            notes.count(&term.place(), "a node affinity by `matchFields` is not simulated");
        }
        let requirements = requirements(&term.key("matchExpressions"))?;
        if !requirements.is_empty() {
            terms.push(Selector(requirements).to_string());
        }
    }
    Ok(terms)
}

/// A label selector: `matchLabels` and `matchExpressions`.
///
/// # Errors
/// Values of a wrong type, or an operator that does not exist.
pub fn label_selector(at: &At<'_>) -> Result<Selector, InputError> {
    let labels = at.key("matchLabels").texts()?.into_iter();
    let equal = |(key, value)| Requirement { key, operator: Operator::In([value].into()) };
    let mut all: Vec<Requirement> = labels.map(equal).collect();
    all.extend(requirements(&at.key("matchExpressions"))?);
    Ok(Selector(all))
}

/// Expressions that must all hold.
///
/// # Errors
/// Values of a wrong type, or an operator that does not exist.
pub fn requirements(at: &At<'_>) -> Result<Vec<Requirement>, InputError> {
    at.items()?.iter().map(requirement).collect()
}

fn requirement(at: &At<'_>) -> Result<Requirement, InputError> {
    let key = at.key("key").text()?.unwrap_or_default().to_owned();
    let values = at.key("values").words()?;
    let bound = || values.first().and_then(|value| value.parse().ok());
    let operator = match (at.key("operator").text()?.unwrap_or_default(), bound()) {
        ("In", _) => Operator::In(values.into_iter().collect()),
        ("NotIn", _) => Operator::NotIn(values.into_iter().collect()),
        ("Exists", _) => Operator::Exists,
        ("DoesNotExist", _) => Operator::DoesNotExist,
        ("Gt", Some(bound)) => Operator::Above(bound),
        ("Lt", Some(bound)) => Operator::Below(bound),
        (other, _) => {
            let known = "write In, NotIn, Exists, DoesNotExist, or Gt and Lt with a whole number";
            return Err(at.key("operator").error(format!("`{other}` does not fit here; {known}")));
        }
    };
    Ok(Requirement { key, operator })
}
