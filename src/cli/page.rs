//! The page of runs: drawn in parallel, put together in order.

use super::{Failure, execute, expand};
use crate::backend::sim::NOT_MODELLED;
use crate::policy::Asked;
use crate::policy::asked::KINDS;
use crate::report::Comparison;
use crate::report::html::{self, Drawn, Page};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;

/// The page as HTML.
///
/// # Errors
/// Where the series or the decisions of a run cannot be read.
pub fn render(comparisons: &[Comparison], command: &str, threads: Option<NonZeroUsize>) -> Result<String, Failure> {
    let drawn = html::drawn(comparisons);
    let sections = execute::all(&drawn, threads, Drawn::draw)?.into_iter().collect::<Result<Vec<_>, _>>();
    let page = Page { comparisons, command, not_modelled: NOT_MODELLED };
    Ok(html::page(&page, &sections.map_err(Failure::run)?))
}

/// The commands that make recorded runs again, a line a scenario.
pub fn commands(comparisons: &[Comparison]) -> String {
    comparisons.iter().map(command).collect::<Vec<_>>().join("\n")
}

fn command(comparison: &Comparison) -> String {
    let header = &comparison.runs[0].manifest.header;
    let resolved = &header.resolved;
    let mut text = format!("smo simulate {}", quoted(&header.scenario_path));
    let mut add = |option: &str, value: &str| write!(text, " {option} {}", quoted(value)).expect("a string takes all");
    let policies: BTreeSet<&str> = comparison.policies().into_iter().collect();
    let written = expand::labels(resolved);
    if policies != written.iter().map(String::as_str).collect() {
        for policy in asked(comparison) {
            add("--policy", &policy);
        }
    }
    let seeds = comparison.seeds();
    if Some(seeds.len() as u64) != resolved["seeds"].as_u64() {
        add("--seeds", &seeds.len().to_string());
    }
    header.set.iter().for_each(|(path, value)| add("--set", &format!("{path}={value}")));
    let all: BTreeSet<&str> =
        resolved["variants"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let run: BTreeSet<&str> = comparison.variants().into_iter().flatten().filter(|name| all.contains(name)).collect();
    if run != all {
        for variant in &run {
            add("--variant", variant);
        }
    }
    header.until.iter().for_each(|until| add("--until", &until.to_string().replace(' ', "")));
    text
}

/// What to ask for so that these policies run: a kind where they are all of it.
fn asked(comparison: &Comparison) -> Vec<String> {
    let policies: BTreeSet<&str> = comparison.policies().into_iter().collect();
    let is_whole = |kind: &&str| {
        let asked = kind.parse::<Asked>();
        asked.is_ok_and(|asked| {
            asked.policies.iter().map(|policy| policy.label.as_str()).collect::<BTreeSet<_>>() == policies
        })
    };
    let kind = KINDS.iter().map(|(kind, _)| *kind).find(is_whole);
    kind.map_or_else(|| comparison.policies().into_iter().map(str::to_owned).collect(), |kind| vec![kind.to_owned()])
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_./:=,+%@-".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("hpa:target=60%"), "hpa:target=60%");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
