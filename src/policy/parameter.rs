//! Parameters of policies: declared in the registry, typed, validated, and listed for people.

use crate::units::{Rate, Ratio, Span};
use std::collections::BTreeMap;
use std::str::FromStr;

/// A knob of a policy, as the registry declares it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Name, as people write it: `hpa:target=60%`.
    pub name: &'static str,
    /// Value when nothing is said, as people write it.
    pub default: &'static str,
    /// What it does, with its unit.
    pub summary: &'static str,
}

/// A parameter that a policy does not take, or not so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// No such parameter.
    #[error("policy `{policy}` has no parameter `{name}`; it takes {known}")]
    Unknown {
        /// The policy.
        policy: String,
        /// The name that was given.
        name: String,
        /// What it takes.
        known: String,
    },
    /// A value that does not fit.
    #[error("policy `{policy}`: parameter `{name}`: {reason}")]
    Invalid {
        /// The policy.
        policy: String,
        /// The parameter.
        name: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

/// The parameters of one policy with their defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    policy: &'static str,
    values: BTreeMap<&'static str, String>,
}

impl Parameters {
    /// Fills in the defaults of `declared` and takes over what was `given`.
    ///
    /// # Errors
    /// A parameter that is not declared.
    pub fn new(
        policy: &'static str,
        declared: &[Parameter],
        given: &[(String, String)],
    ) -> Result<Self, ParameterError> {
        let mut values: BTreeMap<_, _> = declared.iter().map(|one| (one.name, one.default.to_owned())).collect();
        for (name, value) in given {
            let Some(known) = declared.iter().find(|one| one.name == name) else {
                let known = declared.iter().map(|one| format!("`{}`", one.name)).collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() { "none".to_owned() } else { known };
                return Err(ParameterError::Unknown { policy: policy.to_owned(), name: name.clone(), known });
            };
            values.insert(known.name, value.clone());
        }
        Ok(Self { policy, values })
    }

    /// All values by name, for the manifest.
    pub const fn values(&self) -> &BTreeMap<&'static str, String> {
        &self.values
    }

    /// A value of any type that reads itself from text.
    ///
    /// # Errors
    /// Where the text is not of that type.
    ///
    /// # Panics
    /// For a parameter that the policy did not declare.
    pub fn get<T>(&self, name: &'static str) -> Result<T, ParameterError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.values.get(name).expect("a policy reads only parameters that it declares");
        text.parse().map_err(|error: T::Err| self.invalid(name, error.to_string()))
    }

    /// A ratio within the given bounds.
    ///
    /// # Errors
    /// Where it is none, or lies outside.
    pub fn ratio(&self, name: &'static str, min: f64, max: f64) -> Result<Ratio, ParameterError> {
        let ratio: Ratio = self.get(name)?;
        if (min..=max).contains(&ratio.as_f64()) {
            return Ok(ratio);
        }
        Err(self.invalid(name, format!("{} lies outside {min} to {max}", ratio.as_f64())))
    }

    /// A time span.
    ///
    /// # Errors
    /// Where it is none.
    pub fn span(&self, name: &'static str) -> Result<Span, ParameterError> {
        self.get(name)
    }

    /// A rate.
    ///
    /// # Errors
    /// Where it is none.
    pub fn rate(&self, name: &'static str) -> Result<Rate, ParameterError> {
        self.get(name)
    }

    /// An error about one of these parameters.
    pub fn invalid(&self, name: &str, reason: String) -> ParameterError {
        ParameterError::Invalid { policy: self.policy.to_owned(), name: name.to_owned(), reason }
    }
}
