//! Recorded runs: where they lie, and what they are side by side.

use super::{Failure, expand};
use crate::input::{Nameable, expectation};
use crate::model::Expectation;
use crate::record::{self, RunRecord};
use crate::report::Comparison;
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The directories of all runs at or below the given ones, each with the number of the one that it was found under.
///
/// # Errors
/// Where one of them cannot be read, or holds no run.
pub fn find(paths: &[PathBuf]) -> Result<Vec<(usize, PathBuf)>, Failure> {
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let mut below = Vec::new();
        runs_below(path, &mut below)?;
        if below.is_empty() {
            let remedy = "name a directory below `--out` of `smo simulate`";
            return Err(Failure::input(anyhow!("{}: there is no run here\n  {remedy}", path.display())));
        }
        let known: Vec<PathBuf> = found.iter().map(|(_, path)| path.clone()).collect();
        found.extend(below.into_iter().filter(|path| !known.contains(path)).map(|path| (number, path)));
    }
    Ok(found)
}

/// The runs at or below a directory, in the order of their names.
fn runs_below(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: io::Error| Failure::input(anyhow!("{}: {error}", path.display()));
    if path.join(record::MANIFEST).is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    let mut below = fs::read_dir(path).map_err(unreadable)?.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    below.sort_by_key(fs::DirEntry::file_name);
    let shown = |entry: &&fs::DirEntry| !entry.file_name().to_string_lossy().starts_with('.') && entry.path().is_dir();
    below.iter().filter(shown).try_for_each(|entry| runs_below(&entry.path(), found))
}

/// Reads the runs and compares those of a scenario with one another, in the order in which scenarios first appear.
///
/// # Errors
/// Where a run cannot be read.
pub fn compare(paths: &[PathBuf]) -> Result<Vec<Comparison>, Failure> {
    let mut runs: Vec<(usize, RunRecord)> = Vec::new();
    for (number, path) in find(paths)? {
        runs.push((number, record::read(&path).map_err(Failure::input)?));
    }
    let mut scenarios: Vec<(String, Vec<(usize, RunRecord)>)> = Vec::new();
    for run in runs {
        let name = run.1.manifest.header.scenario.clone();
        match scenarios.iter_mut().find(|(other, _)| *other == name) {
            Some((_, runs)) => runs.push(run),
            None => scenarios.push((name, vec![run])),
        }
    }
    let compared = scenarios.into_iter().map(|(_, runs)| {
        let expect = expected(&runs[0].1);
        Comparison::new(ordered(labelled(runs, paths)), &expect)
    });
    Ok(compared.collect())
}

/// What the scenario of a run expects, as far as it can be read.
fn expected(run: &RunRecord) -> Vec<Expectation> {
    let resolved = &run.manifest.header.resolved;
    let texts = |field: &str| -> Vec<&str> {
        resolved[field].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
    };
    let squeezed = |text: &&str| text.split_whitespace().collect::<String>();
    let nameable = Nameable {
        policies: texts("policies").iter().map(squeezed).collect(),
        variants: resolved["variants"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect(),
    };
    texts("expect").into_iter().filter_map(|text| expectation(text, &nameable).ok()).collect()
}

/// Tells runs apart that were not asked for alike: by `--set`, `--until`, and at last by where they were found.
fn labelled(runs: Vec<(usize, RunRecord)>, paths: &[PathBuf]) -> Vec<RunRecord> {
    let asked = |run: &RunRecord| (run.manifest.header.set.clone(), run.manifest.header.until);
    let alike = runs.iter().all(|(_, run)| asked(run) == asked(&runs[0].1));
    let mut seen = BTreeMap::<(Option<String>, String, u64), usize>::new();
    let mut labelled = Vec::new();
    for (number, mut run) in runs {
        let header = &mut run.manifest.header;
        if !alike {
            let set = header.set.iter().map(|(path, value)| format!("{path}={value}"));
            let until = header.until.iter().map(|until| format!("until {until}"));
            let parts: Vec<String> = header.variant.iter().cloned().chain(set).chain(until).collect();
            header.variant = (!parts.is_empty()).then(|| parts.join(", "));
        }
        let key = (header.variant.clone(), header.policy.clone(), header.seed);
        match seen.get(&key) {
            // The same run once more tells nothing.
            Some(first) if same(&labelled[*first], &run) => continue,
            Some(_) => {
                let place = paths[number].display();
                let header = &mut run.manifest.header;
                header.variant = Some(match &header.variant {
                    Some(variant) => format!("{variant} in {place}"),
                    None => format!("in {place}"),
                });
            }
            None => drop(seen.insert(key, labelled.len())),
        }
        labelled.push(run);
    }
    labelled
}

fn same(a: &RunRecord, b: &RunRecord) -> bool {
    a.manifest.records == b.manifest.records
}

/// The base first, then variants in the order of the scenario; policies in the order of the scenario.
fn ordered(mut runs: Vec<RunRecord>) -> Vec<RunRecord> {
    let resolved = runs[0].manifest.header.resolved.clone();
    let policies = expand::labels(&resolved);
    let variants: Vec<&String> = resolved["variants"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let place = |found: Option<usize>| found.unwrap_or(usize::MAX);
    runs.sort_by_key(|run| {
        let header = &run.manifest.header;
        let variant = header.variant.as_ref().map(|name| place(variants.iter().position(|one| *one == name)));
        (variant, place(policies.iter().position(|label| *label == header.policy)), header.seed)
    });
    runs
}

/// The one run at or below a directory.
///
/// # Errors
/// Where there is none, or several.
pub fn only(path: &Path) -> Result<PathBuf, Failure> {
    let mut found: Vec<PathBuf> = find(&[path.to_owned()])?.into_iter().map(|(_, path)| path).collect();
    match (found.pop(), found.len()) {
        (Some(run), 0) => Ok(run),
        (_, others) => {
            let first = found.first().map(|run| run.display().to_string()).unwrap_or_default();
            let remedy = format!("name one of them, like {first}");
            Err(Failure::input(anyhow!("{}: there are {} runs here\n  {remedy}", path.display(), others + 1)))
        }
    }
}
