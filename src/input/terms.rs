//! Where a service may run, as people write it: clusters by name or label, and node affinity as label selectors.
//!
//! A selector is written as `kubectl get -l` takes it: `zone in (a, b), !spot, cores>7`. All its parts must hold; in a list
//! of selectors, one of them must.

use super::at::At;
use super::error::InputError;
use super::written::Written;
use crate::model::Selector;
use crate::model::cluster::{ClusterTerms, TaintEffect, Toleration};
use crate::model::selector::{Operator, Requirement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which clusters a service may run in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClustersFile {
    /// Names of the only ones; any where nothing is said.
    pub only: Vec<String>,
    /// Names of those that are out of the question.
    pub never: Vec<String>,
    /// Label selectors like `tier in (edge, cloud), !spot`, of which the labels of the cluster must match one. Its name and
    /// region count as the labels `smo.dev/cluster` and `smo.dev/region`.
    pub matching: Vec<String>,
}

/// Checks which clusters a service may run in.
///
/// # Errors
/// A selector that is none, below `at`.
pub fn cluster_terms(file: Option<&Written<String, ClustersFile>>, at: &At<'_>) -> Result<ClusterTerms, InputError> {
    let terms = match file {
        None => return Ok(ClusterTerms::default()),
        Some(Written::Short(name)) => ClusterTerms { only: [name.clone()].into(), ..ClusterTerms::default() },
        Some(Written::Long(file)) => ClusterTerms {
            only: file.only.iter().cloned().collect(),
            never: file.never.iter().cloned().collect(),
            affinity: selectors(&file.matching, &at.key("matching"))?,
        },
    };
    Ok(terms)
}

/// Lets a service run only where `trusted` matches as well.
pub fn trust(terms: &mut ClusterTerms, trusted: Option<&Selector>) {
    let Some(trusted) = trusted else { return };
    if terms.affinity.is_empty() {
        terms.affinity.push(Selector::default());
    }
    for selector in &mut terms.affinity {
        selector.0.extend(trusted.0.iter().cloned());
    }
}

/// `key=value:Effect`; value and effect may be left out, and `*` tolerates everything.
pub fn toleration(text: &str) -> Option<Toleration> {
    let (rest, effect) = split_effect(text)?;
    if rest == "*" {
        return Some(Toleration { key: None, value: None, effect });
    }
    let (key, value) = rest.split_once('=').map_or((rest, None), |(key, value)| (key, Some(value.to_owned())));
    (!key.is_empty()).then(|| Toleration { key: Some(key.to_owned()), value, effect })
}

/// Splits `:NoSchedule` off, as `kubectl taint` writes it; `None` for an effect that does not exist.
pub fn split_effect(text: &str) -> Option<(&str, Option<TaintEffect>)> {
    let Some((rest, effect)) = text.rsplit_once(':') else { return Some((text, None)) };
    let effect = match effect {
        "NoSchedule" => TaintEffect::NoSchedule,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        _ => return None,
    };
    Some((rest, Some(effect)))
}

/// Reads a list of selectors.
///
/// # Errors
/// The first that is none, below `at`.
pub fn selectors(texts: &[String], at: &At<'_>) -> Result<Vec<Selector>, InputError> {
    let read = |(index, text): (usize, &String)| {
        selector(text).ok_or_else(|| {
            let wanted = "write it like `zone in (a, b)`, `tier=edge, !spot`, `gpu` or `cores>7`";
            at.index(index).error(format!("`{text}` is not a label selector; {wanted}"))
        })
    };
    texts.iter().enumerate().map(read).collect()
}

/// Reads one selector, as `kubectl get -l` takes it.
pub fn selector(text: &str) -> Option<Selector> {
    let parts = split_outside_parentheses(text)?;
    Some(Selector(parts.into_iter().map(|part| requirement(part.trim())).collect::<Option<_>>()?))
}

/// The parts between commas that stand outside parentheses.
fn split_outside_parentheses(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' if open => return None,
            ')' if !open => return None,
            '(' => open = true,
            ')' => open = false,
            ',' if !open => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!open).then_some(parts)
}

fn requirement(text: &str) -> Option<Requirement> {
    let of = |key: &str, operator| key_of(key).map(|key| Requirement { key, operator });
    if let Some(key) = text.strip_prefix('!') {
        return of(key, Operator::DoesNotExist);
    }
    if let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, word) = head.trim().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => of(key, Operator::In(values)),
            "notin" => of(key, Operator::NotIn(values)),
            _ => None,
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return of(key, Operator::NotIn([value.trim().to_owned()].into()));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return of(key, Operator::In([value.trim().to_owned()].into()));
    }
    if let Some((key, bound)) = text.split_once('>') {
        return of(key, Operator::Above(bound.trim().parse().ok()?));
    }
    if let Some((key, bound)) = text.split_once('<') {
        return of(key, Operator::Below(bound.trim().parse().ok()?));
    }
    of(text, Operator::Exists)
}

/// A label key: no blanks, nothing that means something else.
fn key_of(text: &str) -> Option<String> {
    let text = text.trim();
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "=!<>(),".contains(letter);
    (!text.is_empty() && !text.contains(odd)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::selector;
    use std::collections::BTreeMap;

    fn matches(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        selector(text).expect("a selector").matches(|key| labels.get(key).copied())
    }

    #[test]
    fn selectors_hold_as_kubectl_has_them() {
        let labels = [("zone", "a"), ("cores", "8"), ("a.b/c", "")];
        for text in ["zone=a", "zone==a", "zone in (b, a)", "zone!=b", "spot!=yes", "spot notin (yes)", "!spot", "zone"]
        {
            assert!(matches(text, &labels), "{text}");
        }
        for text in
            ["zone=b", "zone in (b)", "zone!=a", "spot=yes", "spot in (yes)", "!zone", "spot", "zone notin (a,b)"]
        {
            assert!(!matches(text, &labels), "{text}");
        }
        assert!(matches("zone in (a, b), !spot, cores>7, cores<9, a.b/c", &labels));
        assert!(!matches("zone in (a, b), !spot, cores>8", &labels));
        assert!(!matches("zone>1", &labels), "a is no number");
        assert!(matches("a.b/c=", &labels));
    }

    #[test]
    fn what_is_printed_reads_back_and_nonsense_does_not() {
        for text in ["zone in (a, b), !spot, cores>7", "zone notin (a), cores<9, gpu"] {
            let read = selector(text).expect("a selector");
            assert_eq!(read.to_string(), text);
        }
        for text in ["", "a,", "a in b", "in (a)", "a in (b", "a in ((b))", "!a=b", "a b", "cores>many", "a)("] {
            assert_eq!(selector(text), None, "{text}");
        }
    }
}
