//! Parts of a suite that were run apart, and how they are joined: to the bytes that one process would have written.

use super::to_json;
use crate::cli::Failure;
use crate::report::bench::results::{Cell, Results, SuiteHead};
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which part: `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 1.
    pub number: usize,
    /// Of how many.
    pub count: usize,
}

/// What a part leaves.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    /// Which it is.
    pub shard: Shard,
    /// Its cells, under the head of the whole suite.
    pub results: Results,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no part; write `i/n` with i from 1 to n, like `2/3`");
        let (number, count) = text.split_once('/').ok_or_else(wrong)?;
        let read = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
        let (number, count) = (read(number)?, read(count)?);
        if (1..=count).contains(&number) { Ok(Self { number, count }) } else { Err(wrong()) }
    }
}

impl Shard {
    /// Whether the cell of this number, from 0, is in it.
    pub const fn has(self, cell: usize) -> bool {
        cell % self.count == self.number - 1
    }

    /// The name of its file.
    pub fn file(self) -> String {
        format!("part-{}-of-{}.json", self.number, self.count)
    }
}

/// Joins the parts of these files, or of folders that hold some.
///
/// # Errors
/// Parts that cannot be read, or do not fit together.
pub fn join(paths: &[PathBuf]) -> Result<Results, Failure> {
    let mut parts: Vec<(String, Part)> = Vec::new();
    for path in paths.iter().map(|path| files(path)).collect::<Result<Vec<_>, Failure>>()?.into_iter().flatten() {
        parts.push((path.display().to_string(), read(&path)?));
    }
    joined(parts).map_err(Failure::input)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unread = || format!("{}: the folder cannot be read", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(unread).map_err(Failure::input)? {
        let name = entry.with_context(unread).map_err(Failure::input)?.file_name().to_string_lossy().into_owned();
        let is_json = Path::new(&name).extension().is_some_and(|ending| ending == "json");
        if name.starts_with("part-") && is_json {
            found.push(path.join(name));
        }
    }
    found.sort();
    if found.is_empty() {
        let message = "no part lies there (`part-1-of-3.json`); `smo bench SUITE --shard 1/3` leaves one";
        return Err(Failure::input(anyhow!("{}: {message}", path.display())));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Part, Failure> {
    let text = fs::read(path).with_context(|| format!("{}: cannot be read", path.display())).map_err(Failure::input)?;
    let broken =
        || format!("{}: is no part of a suite, or not a whole one; make it again with `--shard`", path.display());
    serde_json::from_slice(&text).with_context(broken).map_err(Failure::input)
}

fn joined(parts: Vec<(String, Part)>) -> Result<Results, anyhow::Error> {
    let (first, model) = parts.first().ok_or_else(|| anyhow!("there are no parts to join; name their files"))?;
    let (suite, count) = (model.results.suite.clone(), model.shard.count);
    for (path, part) in &parts {
        if let Some(what) = difference(&suite, &part.results.suite) {
            return Err(anyhow!(
                "{path} and {first} do not fit together: {what}; run all parts of one suite by one program"
            ));
        }
        if part.shard.count != count {
            let (number, other) = (part.shard.number, part.shard.count);
            return Err(anyhow!(
                "{path} is part {number} of {other}, {first} one of {count}; name parts of one division"
            ));
        }
    }
    let mut cells: Vec<(String, usize, Cell)> = Vec::new();
    for (path, Part { shard, results }) in parts {
        cells.extend(results.cells.into_iter().map(|cell| (path.clone(), shard.number, cell)));
    }
    let mut whole = Vec::new();
    for (number, (scenario, contestant)) in names(&suite).enumerate() {
        let is_it = |cell: &Cell| cell.scenario == scenario && cell.contestant == contestant;
        let (own, others): (Vec<_>, Vec<_>) = cells.into_iter().partition(|(_, _, cell)| is_it(cell));
        cells = others;
        let mut own = own.into_iter();
        match (own.next(), own.next()) {
            (Some((_, _, cell)), None) => whole.push(cell),
            (Some((one, ..)), Some((other, ..))) => {
                return Err(anyhow!("{one} and {other} both hold {contestant} in {scenario}; name each part once"));
            }
            (None, _) => {
                let shard = number % count + 1;
                return Err(anyhow!("no part holds {contestant} in {scenario}; `--shard {shard}/{count}` makes it"));
            }
        }
    }
    if let Some((path, _, cell)) = cells.first() {
        return Err(anyhow!(
            "{path}: {} in {} is no cell of the suite; make the part again",
            cell.contestant,
            cell.scenario
        ));
    }
    Ok(Results { suite, cells: whole })
}

/// The cells of a suite by name, in order.
fn names(suite: &SuiteHead) -> impl Iterator<Item = (&str, &str)> {
    let contestants = |scenario| suite.contestants.iter().map(move |contestant| (scenario, contestant.as_str()));
    suite.scenarios.iter().flat_map(move |scenario| contestants(scenario.name.as_str()))
}

/// What two heads do not have alike.
fn difference(one: &SuiteHead, other: &SuiteHead) -> Option<String> {
    if one.program != other.program {
        return Some(format!("one was made by {}, the other by {}", one.program, other.program));
    }
    let both = one.inputs.keys().chain(other.inputs.keys());
    if let Some(path) = both.into_iter().find(|path| one.inputs.get(*path) != other.inputs.get(*path)) {
        return Some(format!("`{path}` was another file"));
    }
    (to_json(one) != to_json(other)).then(|| "they are of two suites".to_owned())
}
