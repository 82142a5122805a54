//! Texts that are shared, and parts of them. A tree points into the text that it was read from instead of copying it word
//! by word: a file of many short values would need several times its length for the copies alone.
//!
//! A part keeps the whole text alive; what is made rather than read owns its few letters.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A text to be shared: unlike `Arc<str>`, what points to it is one word long, and there are many of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole(Box<str>);

impl Whole {
    /// To be shared.
    pub fn of(text: impl Into<Box<str>>) -> Arc<Self> {
        Arc::new(Self(text.into()))
    }
}

impl Deref for Whole {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Some letters: part of a text, or made.
#[derive(Clone)]
pub struct Text(Letters);

#[derive(Clone)]
enum Letters {
    /// From `start` to `end`, which lie between letters of the whole.
    Part {
        whole: Arc<Whole>,
        start: u32,
        end: u32,
    },
    Own(Box<str>),
}

impl Text {
    /// The letters from `start` to `end`, in bytes; `None` where these are no letters of the text.
    pub fn part(whole: &Arc<Whole>, start: usize, end: usize) -> Option<Self> {
        whole.get(start..end)?;
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        Some(Self(Letters::Part { whole: Arc::clone(whole), start, end }))
    }

    /// The letters without these at their end, where they end so.
    pub fn without_end(&self, end: &str) -> Option<Self> {
        let rest = self.strip_suffix(end)?;
        Some(match &self.0 {
            Letters::Part { whole, start, end: before } => {
                let end = before - u32::try_from(end.len()).ok()?;
                Self(Letters::Part { whole: Arc::clone(whole), start: *start, end })
            }
            Letters::Own(_) => rest.into(),
        })
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Letters::Part { whole, start, end } => &whole[*start as usize..*end as usize],
            Letters::Own(text) => text,
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Letters::Own(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Letters::Own(text.into()))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, Whole};

    #[test]
    fn a_part_lies_between_letters_and_keeps_its_text() {
        let whole = Whole::of("née: 1");
        assert!(Text::part(&whole, 0, 2).is_none(), "in the middle of a letter");
        assert!(Text::part(&whole, 5, 99).is_none());
        let part = Text::part(&whole, 0, 4).expect("it ends after a letter");
        drop(whole);
        assert_eq!(part, "née");
        assert_eq!(part, Text::from("née"));
    }
}
