//! What is wrong with an input: the file, the place in it, the field, and what would be right.
//!
//! One shape for every mistake, because a reader wants the same five things of each. The words before the first `; ` of a
//! message say what is wrong, those after it what would be right; they are printed on two lines.

use super::letters::Whole;
use super::trace::TraceError;
use crate::model::workload::WorkloadError;
use std::fmt;
use std::sync::Arc;

/// An input cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A scenario or one of the files that it names.
    #[error(transparent)]
    File(#[from] Box<Mistake>),
    /// A trace.
    #[error(transparent)]
    Trace(Box<TraceError>),
    /// The first rows of several traces.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
}

impl From<TraceError> for InputError {
    fn from(error: TraceError) -> Self {
        Self::Trace(Box::new(error))
    }
}

/// A mistake at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// Path of the field, as variants and `--set` take it; empty where the mistake has none.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What would be right, where that is known.
    pub remedy: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it, or `--set path=value`.
    pub file: Arc<Whole>,
    /// Line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// Column in characters, from 1; 0 for the line as a whole.
    pub column: u32,
}

impl Place {
    /// A file as a whole.
    pub fn whole(file: &str) -> Self {
        Self { file: Whole::of(file), line: 0, column: 0 }
    }

    /// A line as a whole.
    pub fn line(file: &str, line: u64) -> Self {
        Self::at(file, line, 0)
    }

    /// A place in a line. Nobody looks for a line beyond the four billionth.
    pub fn at(file: &str, line: u64, column: u64) -> Self {
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self { file: Whole::of(file), line: narrow(line), column: narrow(column) }
    }
}

impl Mistake {
    /// A mistake at `place`; `message` says what is wrong and, after the first `; `, what would be right.
    pub fn new(place: Place, field: String, message: &str) -> Self {
        let (what, remedy) = split_message(message);
        Self { place, field, what, remedy }
    }

    /// The mistake without its file, for a text that stands in another one: what is wrong, where, and the remedy.
    pub fn in_text(&self) -> String {
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("line {}, column {} of the text: {}{remedy}", self.place.line, self.place.column, self.what)
    }

    /// A mistake that concerns a file as a whole.
    pub fn in_file(file: &str, message: &str) -> InputError {
        InputError::from(Box::new(Self::new(Place::whole(file), String::new(), message)))
    }

    /// A mistake that concerns one line of a file that has no fields.
    pub fn in_line(file: &str, line: u64, message: &str) -> InputError {
        InputError::from(Box::new(Self::new(Place::line(file, line), String::new(), message)))
    }
}

/// A message as what is wrong, and what would be right.
pub fn split_message(message: &str) -> (String, Option<String>) {
    match message.split_once("; ") {
        Some((what, remedy)) => (what.to_owned(), Some(remedy.to_owned())),
        None => (message.to_owned(), None),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ": line {}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ", column {}", self.column)?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(f, "field `{}`: ", self.field)?;
        }
        f.write_str(&self.what)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "\n  {remedy}"))
    }
}

impl std::error::Error for Mistake {}

/// The name among `known` that is least different from `given`, unless all are very different.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::osa_distance(&given.to_lowercase(), &name.to_lowercase());
    let best = known.into_iter().min_by_key(|name| distance(name))?;
    (distance(best) <= 1 + given.chars().count() / 3).then_some(best)
}

/// `did you mean `x`? known are ...`: the remedy for a name that nothing has.
pub fn known_names<'a>(given: &str, kind: &str, known: &[&'a str]) -> String {
    let listed = |names: &[&'a str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let all = match known {
        [] => format!("there are no {kind}"),
        few if few.len() <= 16 => format!("{kind} are {}", listed(few)),
        many => format!("{kind} are {} and {} more", listed(&many[..16]), many.len() - 16),
    };
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {all}"),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Place, known_names, nearest};

    #[test]
    fn a_mistake_reads_place_field_what_and_remedy() {
        let place = Place::at("a.yaml", 3, 7);
        let mistake = Mistake::new(place, "control.every".into(), "`5` is not a time span; write it like `30 s`");
        assert_eq!(
            mistake.to_string(),
            "a.yaml: line 3, column 7: field `control.every`: `5` is not a time span\n  write it like `30 s`"
        );
        assert_eq!(Mistake::in_file("b.yaml", "is empty").to_string(), "b.yaml: is empty");
    }

    #[test]
    fn the_nearest_name_is_proposed_unless_nothing_is_near() {
        assert_eq!(nearest("enabeld", ["labels", "enabled"]), Some("enabled"));
        assert_eq!(nearest("zzzzzz", ["labels", "enabled"]), None);
        assert_eq!(known_names("b", "clusters", &["a1", "b1"]), "did you mean `b1`? clusters are `a1`, `b1`");
    }
}
