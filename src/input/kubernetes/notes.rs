//! What a reader of Kubernetes files left out or assumed, in sentences with the line; the same thing twice is said once.

use super::super::error::Place;
use std::collections::BTreeMap;

/// Notes under way.
#[derive(Debug, Default)]
pub struct Notes {
    said: Vec<String>,
    /// What was met, with its first place, how often and in which order it came.
    met: BTreeMap<String, (Place, usize, usize)>,
}

impl Notes {
    /// Says something about a place.
    pub fn say(&mut self, place: &Place, sentence: impl AsRef<str>) {
        let note = format!("{}: {}", line_of(place), sentence.as_ref());
        if !self.said.contains(&note) {
            self.said.push(note);
        }
    }

    /// Counts something that may be met often; it is said once, with the first place.
    pub fn count(&mut self, place: &Place, sentence: impl Into<String>) {
        let order = self.met.len();
        self.met.entry(sentence.into()).or_insert_with(|| (place.clone(), 0, order)).1 += 1;
    }

    /// All sentences, in the order in which they came up.
    pub fn finish(mut self) -> Vec<String> {
        let mut met: Vec<_> = self.met.into_iter().collect();
        met.sort_by_key(|(_, (_, _, order))| *order);
        self.said.extend(met.into_iter().map(|(sentence, (place, count, _))| match count {
            1 => format!("{}: {sentence}", line_of(&place)),
            _ => format!("{} and {} more: {sentence}", line_of(&place), count - 1),
        }));
        self.said
    }
}

fn line_of(place: &Place) -> String {
    Place { column: 0, ..place.clone() }.to_string()
}
