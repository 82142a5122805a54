//! The text that a parser reads, with the name of its file: where things stand, how they are written, what is wrong.

use super::defaults::limits;
use super::error::{InputError, Mistake, Place};
use super::letters::{Text, Whole};
use super::yaml::Budget;
use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter};
use std::sync::Arc;

/// The text that is read, and the name of its file.
#[derive(Clone)]
pub struct Source {
    /// The text.
    pub text: Arc<Whole>,
    file: Arc<Whole>,
}

impl Source {
    /// A text under this name.
    pub fn new(text: impl Into<Box<str>>, file: &str) -> Self {
        Self { text: Whole::of(text), file: Whole::of(file) }
    }

    /// A place in it.
    pub fn place(&self, location: Location) -> Place {
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Place { file: Arc::clone(&self.file), line: narrow(location.line()), column: narrow(location.column()) }
    }

    /// What is written at a location, without blanks around it.
    pub fn written(&self, location: Location) -> Text {
        let (start, end) = ends(location);
        let written = self.text.get(start..end).unwrap_or("");
        let start = start + written.len() - written.trim_start().len();
        Text::part(&self.text, start, start + written.trim().len()).unwrap_or_else(|| "".into())
    }

    /// These letters, which the parser made of what is written at a location: the same ones, where they stand there as they
    /// are, be it between quotes.
    pub fn letters(&self, location: Location, letters: &str) -> Text {
        let (start, end) = ends(location);
        let same = |start: usize, end: usize| Text::part(&self.text, start, end).filter(|part| part == letters);
        let plain = start.checked_add(letters.len()).and_then(|end| same(start, end));
        plain.or_else(|| same(start + 1, end.checked_sub(1)?)).unwrap_or_else(|| letters.into())
    }

    /// What the parser found, in our words where they help more; `is_full` where no more values may be kept.
    pub fn mistake(&self, error: &serde_saphyr::Error, budget: &Budget, is_full: bool) -> InputError {
        use serde_saphyr::Error as E;
        let mut error = error.without_snippet();
        while let E::AliasError { error: inner, .. } | E::WithSnippet { error: inner, .. } = error {
            error = inner;
        }
        let place = error.location().map_or_else(|| Place::whole(&self.file), |location| self.place(location));
        let message = match error {
            E::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key `{key}` stands here for the second time; remove one of the two")
            }
            E::MultipleDocuments { .. } => "a second document begins here; a file holds one document".to_owned(),
            _ if is_full => format!("the file has more than {} values for its length; split it", budget.kept),
            E::Budget { .. } | E::AliasReplayLimitExceeded { .. } | E::AliasExpansionLimitExceeded { .. } => format!(
                "the YAML is too large once it is unfolded; the limits are {} values, {} levels, {} repeated by aliases",
                budget.nodes,
                budget.depth,
                limits::ALIAS_EVENTS
            ),
            _ => {
                let text = DefaultMessageFormatter.format_message(error).replace(char::is_control, " ");
                let line = (place.line as usize).checked_sub(1).and_then(|line| self.text.lines().nth(line));
                let hint = if line.is_some_and(|line| line.contains("${")) {
                    "; between `{` and `}` write \"${NAME}/...\" in quotes"
                } else {
                    ""
                };
                format!("the YAML is broken: {text}{hint}")
            }
        };
        Box::new(Mistake::new(place, String::new(), &message)).into()
    }
}

/// Offsets of the first byte of a location, and of the byte behind it.
fn ends(location: Location) -> (usize, usize) {
    let narrow = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
    let (start, length) = (narrow(location.span().byte_offset()), narrow(location.span().byte_len()));
    (start, start.saturating_add(length))
}
