//! What stands behind the answer: what was assumed, what was left out, what the figures mean, how to run it again.

use super::markup::{Cell, Head, escape, list, put, table};
use crate::record::manifest::InputFile;
use crate::record::{Manifest, RunRecord};
use crate::report::compare::Comparison;
use crate::report::metric::{Better, METRICS};
use crate::report::unit::Unit;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Figures of the resolved scenario that are shown; `manifest.json` has all.
const ASSUMED_MAX: usize = 1_500;
/// Parts of a scenario that the page shows elsewhere.
const ELSEWHERE: [&str; 5] = ["question", "expect", "policies", "seeds", "variants"];
/// Runs whose hashes are listed.
const HASHED_MAX: usize = 40;
/// Differences of a variant that are shown.
const CHANGED_MAX: usize = 30;

/// What was assumed: the notes, the scenario with its defaults, and what each variant changes.
pub fn assumed(comparison: &Comparison) -> String {
    let base = &comparison.runs[comparison.groups[0].runs[0]];
    let mut html = "<h2>What was assumed</h2>\n".to_owned();
    html += &list(notes(comparison).iter().map(String::as_str));
    html += &resolved(&base.manifest.header.resolved);
    for variant in comparison.variants().into_iter().skip(1) {
        let changed = comparison.of_variant(variant).first().map(|group| &comparison.runs[group.runs[0]]);
        html += &changed.map(|run| changes(base, run, variant.unwrap_or("base"))).unwrap_or_default();
    }
    html + &parameters(comparison)
}

/// What loading noted, each sentence once; with its variants where it is not said of all.
fn notes(comparison: &Comparison) -> Vec<String> {
    let variants = comparison.variants();
    let mut said = BTreeMap::<&str, Vec<Option<&str>>>::new();
    for header in comparison.runs.iter().map(|run| &run.manifest.header) {
        for note in &header.notes {
            let whose = said.entry(note).or_default();
            if !whose.contains(&header.variant.as_deref()) {
                whose.push(header.variant.as_deref());
            }
        }
    }
    let told = |(note, whose): (&str, Vec<Option<&str>>)| {
        if whose.len() == variants.len() {
            return note.to_owned();
        }
        let names: Vec<&str> = whose.into_iter().map(|variant| variant.unwrap_or("base")).collect();
        format!("In {}: {note}", names.join(", "))
    };
    said.into_iter().map(told).collect()
}

/// The scenario with its defaults: each part folded away, single values together.
fn resolved(scenario: &Value) -> String {
    let Some(Value::Object(parts)) = pruned(scenario) else { return String::new() };
    let mut left = ASSUMED_MAX;
    let mut html = String::new();
    let shown = parts.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
    let (single, parts): (Vec<_>, Vec<_>) = shown.partition(|(_, part)| !part.is_object() && !part.is_array());
    for (name, part) in parts {
        let tree = tree(part, &mut left);
        put(&mut html, format_args!("<details><summary>{}</summary>{tree}</details>\n", escape(name)));
    }
    let single = single.into_iter().map(|(name, value)| format!("<i>{}</i> {}", escape(name), escape(&scalar(value))));
    put(&mut html, format_args!("<p class=\"what\">{}</p>\n", single.collect::<Vec<_>>().join(" · ")));
    if left == 0 {
        html += "<p>The rest stands under <code>resolved</code> in manifest.json.</p>\n";
    }
    html
}

/// Without what says nothing: no value, an empty list, an empty map.
fn pruned(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(parts) => {
            let kept = parts.iter().filter_map(|(name, part)| Some((name.clone(), pruned(part)?)));
            let kept: serde_json::Map<String, Value> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(pruned).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        other => Some(other.clone()),
    }
}

/// A value as nested lists; those without structure in a line.
fn tree(value: &Value, left: &mut usize) -> String {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return "…".to_owned();
    }
    match value {
        Value::Object(parts) => {
            let (flat, deep): (Vec<_>, Vec<_>) =
                parts.iter().partition(|(_, part)| !part.is_object() && !part.is_array());
            let flat =
                flat.into_iter().map(|(name, part)| format!("<i>{}</i> {}", escape(name), escape(&scalar(part))));
            let line = flat.collect::<Vec<_>>().join(" · ");
            let deep =
                deep.into_iter().map(|(name, part)| format!("<li><i>{}</i> {}</li>", escape(name), tree(part, left)));
            let deep = deep.collect::<String>();
            if deep.is_empty() { line } else { format!("{line}<ul>{deep}</ul>") }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            escape(&items.iter().map(scalar).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("<li>{}</li>", tree(item, left)));
            format!("<ul>{}</ul>", items.collect::<String>())
        }
        scalar_value => escape(&scalar(scalar_value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// What is otherwise in a variant, by path.
fn changes(base: &RunRecord, run: &RunRecord, variant: &str) -> String {
    let (before, after) = (leaves(&base.manifest.header.resolved), leaves(&run.manifest.header.resolved));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    let shown = |value: Option<&String>| value.map_or_else(|| "–".to_owned(), Clone::clone);
    let row = |path: &String| {
        vec![Cell::code(path), Cell::text(&shown(before.get(path))), Cell::text(&shown(after.get(path)))]
    };
    let rows: Vec<Vec<Cell>> = changed.take(CHANGED_MAX).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    table(
        &format!("What the variant {variant} changes"),
        &["field", "in the first variant", "in this one"].map(Head::new),
        &rows,
    )
}

/// What a value says, by path.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        let step = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Object(parts) => parts.iter().for_each(|(name, part)| walk(&step(name), part, found)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(&step(&name_in_list(index, item)), item, found));
            }
            other => drop(found.insert(path.to_owned(), scalar(other))),
        }
    }
    let mut found = BTreeMap::new();
    walk("", &pruned(value).unwrap_or_default(), &mut found);
    found
}

/// An item is called by its name, as `--set` has it, or by its number.
fn name_in_list(index: usize, item: &Value) -> String {
    item.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned)
}

/// Each policy with all its parameters.
fn parameters(comparison: &Comparison) -> String {
    let row = |policy: &str| {
        let run = comparison.runs.iter().find(|run| run.manifest.header.policy == policy)?;
        let part = |(name, values): (&String, &BTreeMap<String, String>)| {
            let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if values.is_empty() { name.clone() } else { format!("{name}: {}", values.join(", ")) }
        };
        let parts: Vec<String> = run.manifest.header.parameters.iter().map(part).collect();
        Some(vec![Cell::text(policy), Cell::text(&parts.join("; "))])
    };
    let rows: Vec<Vec<Cell>> = comparison.policies().into_iter().filter_map(row).collect();
    table("Policies and their parameters, defaults included", &["policy", "parameters"].map(Head::new), &rows)
}

/// What the simulation leaves out.
pub fn not_modelled(sentences: &[&str]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    format!("<h2>What was not modelled</h2>\n{}", list(sentences.iter().copied()))
}

/// What the figures mean, and every metric.
pub fn definitions() -> String {
    let how = "Means are over seeds. The interval is mean ± t(0.975, n−1)·s/√n (Student's t). Policies meet the same load, \
               faults and delays seed by seed, so they are told apart by the differences of pairs: the best is marked, and \
               so is what the 95 % interval of its difference from the best does not tell from it.";
    format!("<h2>What the figures mean</h2>\n<p>{}</p>\n{}", escape(how), all_definitions())
}

/// Every metric: name, unit, direction, formula and source.
pub fn all_definitions() -> String {
    let rows: Vec<Vec<Cell>> = METRICS
        .iter()
        .map(|metric| {
            let better = match metric.better {
                Better::Lower => "lower",
                Better::Higher => "higher",
                Better::Neither => "–",
            };
            vec![
                Cell::text(metric.title),
                Cell::code(metric.name),
                Cell::text(metric.unit.symbol()),
                Cell::text(better),
                Cell::text(metric.formula),
                Cell::text(metric.source),
            ]
        })
        .collect();
    let heads = ["figure", "name", "unit", "better", "what it is", "after"].map(Head::new);
    let definitions = table("Definitions", &heads, &rows);
    format!("<details><summary>All definitions</summary>{definitions}</details>\n")
}

/// Everything that it takes to get the same bytes again.
pub fn again(comparisons: &[Comparison], command: &str) -> String {
    let runs: Vec<&RunRecord> = comparisons.iter().flat_map(|comparison| &comparison.runs).collect();
    let mut html = format!("<h2>How to run it again</h2>\n<pre>{}</pre>\n", escape(command));
    let programs: BTreeSet<String> = runs.iter().map(|run| program(&run.manifest)).collect();
    html += &list(programs.iter().map(String::as_str));
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.manifest.header.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    put(&mut html, format_args!("<p>Seeds: {}. One run again, compared with its record:</p>\n", seeds.join(", ")));
    if let Some(run) = runs.first() {
        put(&mut html, format_args!("<pre>smo replay {}</pre>\n", escape(&run.dir.display().to_string())));
    }
    let inputs: BTreeSet<&InputFile> = runs.iter().flat_map(|run| &run.manifest.header.inputs).collect();
    let rows: Vec<Vec<Cell>> = inputs
        .into_iter()
        .map(|file| {
            vec![Cell::code(&file.path), Cell::number(&Unit::Count.text(file.bytes as f64)), Cell::code(&file.sha256)]
        })
        .collect();
    html += &table("What was read", &["file", "bytes", "sha256"].map(Head::new), &rows);
    let record = |run: &&RunRecord| {
        let directory = run.dir.display().to_string();
        let files = run.manifest.records.iter();
        files.map(|(name, hash)| vec![Cell::code(&format!("{directory}/{name}")), Cell::code(hash)]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<Cell>> = runs.iter().take(HASHED_MAX).flat_map(record).collect();
    let which = if runs.len() > HASHED_MAX {
        format!("What was written: the first {HASHED_MAX} of {} runs; each manifest.json has its own", runs.len())
    } else {
        "What was written".to_owned()
    };
    let records = table(&which, &["file", "sha256"].map(Head::new), &rows);
    html + &format!("<details><summary>Hashes of all records</summary>{records}</details>\n")
}

fn program(manifest: &Manifest) -> String {
    let program = &manifest.program;
    let features = if program.features.is_empty() { "none".to_owned() } else { program.features.join(", ") };
    format!("smo {}, commit {}, features: {features}", program.version, program.commit)
}
