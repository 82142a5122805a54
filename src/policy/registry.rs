//! From what people write to a policy: `greedy+rate:headroom=20%`.
//!
//! Parts are joined by `+`: at most one placement and one scaling, each with its parameters behind a colon, separated by
//! commas. A part that is not named is the partner that the other one declares. A joint policy stands alone, and so does a
//! program of the user's (`exec:COMMAND`), whose command is taken as it is written.

use super::compose::Composed;
use super::exec::{self, Exec};
use super::joint::JOINTS;
use super::parameter::{ParameterError, Parameters};
use super::placement::PLACEMENTS;
use super::scaling::SCALINGS;
use super::{Policy, joint, placement, scaling};
use std::collections::BTreeMap;
use std::str::FromStr;

/// A policy by name and parameters, known to exist.
#[derive(Clone)]
pub struct PolicySpec {
    /// As it was written, without blanks: the label in tables and the name of its runs.
    pub label: String,
    parts: Parts,
}

/// What a policy is made of.
#[derive(Clone)]
enum Parts {
    Halves { placement: (&'static placement::Entry, Parameters), scaling: (&'static scaling::Entry, Parameters) },
    Joint(&'static joint::Entry, Parameters),
    Program(exec::Command),
}

/// A policy cannot be had as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicySpecError {
    /// No such policy.
    #[error("no policy is called `{given}`; did you mean `{nearest}`? `smo policies` lists all")]
    Unknown {
        /// The name that was given.
        given: String,
        /// The name that is least different.
        nearest: &'static str,
    },
    /// Built without it.
    #[error("policy `{name}` needs the cargo feature `{feature}`, which this program was built without")]
    MissingFeature {
        /// The policy.
        name: String,
        /// The feature.
        feature: &'static str,
    },
    /// Two placements, or two scalings.
    #[error("`{given}` names two {half} policies; name at most one placement and one scaling, joined by `+`")]
    Twice {
        /// As written.
        given: String,
        /// Which half.
        half: &'static str,
    },
    /// A joint policy and something else.
    #[error(
        "`{name}` decides both where and how many, so `{given}` leaves nothing to decide for the rest; name it alone"
    )]
    NotAlone {
        /// The joint policy.
        name: String,
        /// As written.
        given: String,
    },
    /// A program that cannot be meant so.
    #[error("`exec:`: {reason}")]
    Program {
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A parameter without `=`.
    #[error("`{given}` is not a parameter; write `name=value`")]
    NotAParameter {
        /// As written.
        given: String,
    },
    /// A parameter does not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

impl PolicySpec {
    /// A fresh policy.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn build(&self) -> Result<Box<dyn Policy>, ParameterError> {
        match &self.parts {
            Parts::Halves { placement, scaling } => {
                let (placement, scaling) = ((placement.0.build)(&placement.1)?, (scaling.0.build)(&scaling.1)?);
                Ok(Box::new(Composed::new(placement, scaling)))
            }
            Parts::Joint(entry, parameters) => (entry.build)(parameters),
            Parts::Program(command) => Ok(Box::new(Exec::new(command.clone()))),
        }
    }

    /// Names of its parts (two halves, or a joint policy) with the rule that each goes by.
    pub fn rules(&self) -> Vec<(&'static str, &'static str)> {
        match &self.parts {
            Parts::Halves { placement, scaling } => {
                vec![(placement.0.name, placement.0.summary), (scaling.0.name, scaling.0.summary)]
            }
            Parts::Joint(entry, _) => vec![(entry.name, entry.summary)],
            Parts::Program(_) => vec![("exec", exec::SUMMARY)],
        }
    }

    /// Names of its parts and all their parameters, defaults included, for the manifest.
    pub fn resolved(&self) -> BTreeMap<String, BTreeMap<&'static str, String>> {
        let of = |name: &str, parameters: &Parameters| (name.to_owned(), parameters.values().clone());
        match &self.parts {
            Parts::Halves { placement, scaling } => {
                BTreeMap::from([of(placement.0.name, &placement.1), of(scaling.0.name, &scaling.1)])
            }
            Parts::Joint(entry, parameters) => BTreeMap::from([of(entry.name, parameters)]),
            Parts::Program(command) => {
                let timeout = format!("{} s", command.timeout.as_seconds_f64());
                let values = BTreeMap::from([("command", command.line.clone()), ("timeout", timeout)]);
                BTreeMap::from([("exec".to_owned(), values)])
            }
        }
    }
}

impl std::fmt::Debug for PolicySpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

type Given = Vec<(String, String)>;

impl FromStr for PolicySpec {
    type Err = PolicySpecError;

    fn from_str(text: &str) -> Result<Self, PolicySpecError> {
        if let Some(command) = text.trim().strip_prefix(exec::PREFIX) {
            let command = exec::Command::parse(command).map_err(|reason| PolicySpecError::Program { reason })?;
            return Ok(Self { label: text.trim().to_owned(), parts: Parts::Program(command) });
        }
        let label: String = text.split_whitespace().collect();
        if let Some(joint) = joint_of(&label)? {
            return Ok(joint);
        }
        let (mut placement, mut scaling) = (None, None);
        for part in label.split('+') {
            let (name, given) = split_part(part)?;
            let twice = |half| PolicySpecError::Twice { given: label.clone(), half };
            if let Some(entry) = PLACEMENTS.iter().find(|entry| entry.name == name) {
                if placement.replace((entry, given)).is_some() {
                    return Err(twice("placement"));
                }
            } else if let Some(entry) = SCALINGS.iter().find(|entry| entry.name == name) {
                if scaling.replace((entry, given)).is_some() {
                    return Err(twice("scaling"));
                }
            } else {
                return Err(unknown(name));
            }
        }
        let (placement, scaling) = with_partners(placement, scaling);
        let placement = (placement.0, Parameters::new(placement.0.name, placement.0.parameters, &placement.1)?);
        let scaling = (scaling.0, Parameters::new(scaling.0.name, scaling.0.parameters, &scaling.1)?);
        let spec = Self { label, parts: Parts::Halves { placement, scaling } };
        spec.build()?;
        Ok(spec)
    }
}

/// The joint policy that `label` names, where it does.
fn joint_of(label: &str) -> Result<Option<PolicySpec>, PolicySpecError> {
    for part in label.split('+') {
        let name = part.split(':').next().unwrap_or(part);
        let Some(entry) = JOINTS.iter().find(|entry| entry.name == name) else { continue };
        if part != label {
            return Err(PolicySpecError::NotAlone { name: name.to_owned(), given: label.to_owned() });
        }
        let (_, given) = split_part(part)?;
        let parameters = Parameters::new(entry.name, entry.parameters, &given)?;
        let spec = PolicySpec { label: label.to_owned(), parts: Parts::Joint(entry, parameters) };
        spec.build()?;
        return Ok(Some(spec));
    }
    Ok(None)
}

/// Fills in the half that was not named.
fn with_partners(
    placement: Option<(&'static placement::Entry, Given)>,
    scaling: Option<(&'static scaling::Entry, Given)>,
) -> ((&'static placement::Entry, Given), (&'static scaling::Entry, Given)) {
    let partner_of = |entry: &placement::Entry| SCALINGS.iter().find(|one| one.name == entry.partner);
    let place_of = |entry: &scaling::Entry| PLACEMENTS.iter().find(|one| one.name == entry.partner);
    match (placement, scaling) {
        (Some(placement), Some(scaling)) => (placement, scaling),
        (Some(placement), None) => {
            let scaling = partner_of(placement.0).expect("the conformance suite walks all partners");
            (placement, (scaling, Vec::new()))
        }
        (None, Some(scaling)) => {
            let placement = place_of(scaling.0).expect("the conformance suite walks all partners");
            ((placement, Vec::new()), scaling)
        }
        (None, None) => unreachable!("a text has at least one part, and each part is one or the other"),
    }
}

/// `hpa:target=60%,window=5min` as a name and its parameters.
fn split_part(part: &str) -> Result<(&str, Given), PolicySpecError> {
    let Some((name, parameters)) = part.split_once(':') else { return Ok((part, Vec::new())) };
    let pair = |text: &str| {
        let (name, value) =
            text.split_once('=').ok_or_else(|| PolicySpecError::NotAParameter { given: text.to_owned() })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    Ok((name, parameters.split(',').map(pair).collect::<Result<_, PolicySpecError>>()?))
}

/// Names of all policies: placements, scalings, joint ones.
/// A program of the user's (`exec:`) is none of them: it has no name of its own.
pub fn names() -> impl Iterator<Item = &'static str> {
    let (placements, scalings) = (PLACEMENTS.iter().map(|entry| entry.name), SCALINGS.iter().map(|entry| entry.name));
    placements.chain(scalings).chain(JOINTS.iter().map(|entry| entry.name))
}

/// The nearest name by edit distance, for a name that nothing has.
fn unknown(given: &str) -> PolicySpecError {
    if given.starts_with("milp") {
        return PolicySpecError::MissingFeature { name: given.to_owned(), feature: "milp" };
    }
    let nearest = names().min_by_key(|name| edit_distance(given, name)).unwrap_or("none");
    PolicySpecError::Unknown { given: given.to_owned(), nearest }
}

/// Levenshtein's distance.
pub(super) fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
