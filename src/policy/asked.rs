//! What people ask for by `--policy` and in a scenario's list: one policy, or all of a kind.
//!
//! `all`, `placements`, `scalings` and `joints` stand for entries of the registries, each with the partner that it declares.
//! Their labels name both halves (`spread+hpa`), so that a table of all says what ran; two entries that are partners of one
//! another are one policy and run once. A program of the user's (`exec:`) needs a command and is in none of them.

use super::joint::JOINTS;
use super::placement::PLACEMENTS;
use super::registry::edit_distance;
use super::scaling::SCALINGS;
use super::{PolicySpec, PolicySpecError};
use std::str::FromStr;

/// Kinds by name, and what they stand for.
pub const KINDS: [(&str, &str); 4] = [
    ("all", "every policy that `smo policies` lists, but for `exec:`, which needs a command"),
    ("placements", "every placement, with its partner"),
    ("scalings", "every scaling, with its partner"),
    ("joints", "every joint policy"),
];

/// One policy, or all of a kind.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As it was written, without blanks.
    pub label: String,
    /// The policies, in the order of the registries; at least one.
    pub policies: Vec<PolicySpec>,
}

impl FromStr for Asked {
    type Err = PolicySpecError;

    fn from_str(text: &str) -> Result<Self, PolicySpecError> {
        let name = text.trim();
        if KINDS.iter().any(|(kind, _)| *kind == name) {
            return Ok(Self { label: name.to_owned(), policies: of_kind(name)? });
        }
        let policy = text.parse::<PolicySpec>().map_err(nearer)?;
        Ok(Self { label: policy.label.clone(), policies: vec![policy] })
    }
}

/// The policies of a kind, each once.
fn of_kind(kind: &str) -> Result<Vec<PolicySpec>, PolicySpecError> {
    let wants = |one: &str| kind == "all" || kind == one;
    let placements = PLACEMENTS.iter().filter(|_| wants("placements"));
    let scalings = SCALINGS.iter().filter(|_| wants("scalings"));
    let joints = JOINTS.iter().filter(|_| wants("joints"));
    let labels = placements
        .map(|entry| format!("{}+{}", entry.name, entry.partner))
        .chain(scalings.map(|entry| format!("{}+{}", entry.partner, entry.name)))
        .chain(joints.map(|entry| entry.name.to_owned()));
    let mut once: Vec<String> = Vec::new();
    for label in labels {
        if !once.contains(&label) {
            once.push(label);
        }
    }
    once.iter().map(|label| label.parse()).collect()
}

/// The error with the name of a kind as its hint, where that is nearer.
fn nearer(error: PolicySpecError) -> PolicySpecError {
    let PolicySpecError::Unknown { given, nearest } = error else { return error };
    let (kind, far) = KINDS
        .iter()
        .map(|(kind, _)| (*kind, edit_distance(&given, kind)))
        .min_by_key(|(_, far)| *far)
        .expect("there are kinds");
    let nearest = if far < edit_distance(&given, nearest) { kind } else { nearest };
    PolicySpecError::Unknown { given, nearest }
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use crate::policy::joint::JOINTS;
    use crate::policy::placement::PLACEMENTS;
    use crate::policy::scaling::SCALINGS;

    fn labels(text: &str) -> Vec<String> {
        let asked: Asked = text.parse().unwrap();
        asked.policies.into_iter().map(|policy| policy.label).collect()
    }

    /// Goal: `all` is the registry, whole. Method: every name of every registry is a part of a label, and no label is twice.
    #[test]
    fn all_holds_every_entry_and_each_policy_once() {
        let all = labels("all");
        let parts: Vec<&str> = all.iter().flat_map(|label| label.split('+')).collect();
        let (placements, scalings) = (PLACEMENTS.iter().map(|one| one.name), SCALINGS.iter().map(|one| one.name));
        for name in placements.chain(scalings).chain(JOINTS.iter().map(|one| one.name)) {
            assert!(parts.contains(&name), "{name} is not in {all:?}");
        }
        let mut once = all.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), all.len());
        assert_eq!(labels("placements").len(), PLACEMENTS.len());
        assert_eq!(labels("scalings").len(), SCALINGS.len());
        assert_eq!(labels("joints").len(), JOINTS.len());
    }

    #[test]
    fn a_kind_that_is_nearly_right_is_named_in_the_hint() {
        let said = |text: &str| text.parse::<Asked>().unwrap_err().to_string();
        assert!(said("placement").contains("did you mean `placements`"), "{}", said("placement"));
        assert!(said("al").contains("did you mean `all`"), "{}", said("al"));
        assert!(said("gredy").contains("did you mean `greedy`"), "{}", said("gredy"));
    }
}
