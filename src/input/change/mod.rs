//! What might change in a world, in few words: `lose cluster edge-1`, `load x 1.5`, `price edge-1 x 0.5`.
//!
//! A change is made of patches like those of a variant: so it can be put into a scenario as it is told, and a recorded run
//! with it is run again by its patches alone. Words stand for patches of the scenario that they are said of, since "half as
//! much again" is a path and a value only where one knows what there is now. `path=value` says any other.

mod clusters;
mod words;

use super::load::Loaded;
use serde_json::Value;
use words::Words;

/// What can be said, for messages and help.
pub const FORMS: &[&str] = &[
    "lose cluster|region NAME [at T [for D]]",
    "lose link A B | node CLUSTER | replica SERVICE | telemetry [at T [for D]]",
    "add cluster NEW like OLD",
    "nodes CLUSTER[/POOL] = N | + N | - N | x F",
    "load [SERVICE] x F",
    "price [CLUSTER[/POOL]] x F | = PRICE",
    "policy NAME[:key=value,...]",
    "path=value",
];

/// A change of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// As it was said.
    pub label: String,
    /// What it sets, as `--set` does: path and value.
    pub patches: Vec<(String, String)>,
    /// Who decides instead.
    pub policy: Option<String>,
    /// What is assumed of it, in sentences.
    pub notes: Vec<String>,
}

/// Reads a change of `loaded`: clauses joined by `;`, each of which sees what those before it have changed.
///
/// # Errors
/// What is wrong, and what could be said.
pub fn change(text: &str, loaded: &Loaded) -> Result<Change, String> {
    let mut draft = Draft { world: loaded.resolved(), ..Draft::default() };
    let clauses: Vec<&str> = text.split(';').map(str::trim).filter(|clause| !clause.is_empty()).collect();
    if clauses.is_empty() {
        return Err(format!("a change says nothing; write {}", forms()));
    }
    for clause in &clauses {
        draft.read(clause).map_err(|why| format!("`{clause}`: {why}"))?;
    }
    Ok(Change { label: clauses.join("; "), patches: draft.patches, policy: draft.policy, notes: draft.notes })
}

fn forms() -> String {
    FORMS.iter().map(|form| format!("`{form}`")).collect::<Vec<_>>().join(", ")
}

/// A change while it is read.
#[derive(Debug, Default)]
struct Draft {
    /// The scenario with what was changed so far.
    world: Value,
    patches: Vec<(String, String)>,
    policy: Option<String>,
    notes: Vec<String>,
}

impl Draft {
    fn read(&mut self, clause: &str) -> Result<(), String> {
        let mut words = Words::of(clause);
        match words.next() {
            Some("lose") => self.lose(&mut words)?,
            Some("add") => self.add(&mut words)?,
            Some("nodes") => self.nodes(&mut words)?,
            Some("load") => self.load(&mut words)?,
            Some("price") => self.price(&mut words)?,
            Some("policy") => self.policy = Some(words.rest().ok_or("name a policy; `smo policies` lists them")?),
            _ => {
                let (path, value) = clause.split_once('=').ok_or_else(|| format!("is no change; write {}", forms()))?;
                self.patches.push((path.trim().to_owned(), value.trim().to_owned()));
            }
        }
        words.end()
    }

    fn set(&mut self, path: String, value: &Value) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.patches.push((path, text));
    }

    /// `load [SERVICE] x F`
    fn load(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let service = if words.peek_is_times() { None } else { words.next().map(str::to_owned) };
        let factor = words.times()?;
        let count = self.world["traces"].as_array().map_or(0, Vec::len);
        let mut found = false;
        for index in 0..count {
            let trace = &self.world["traces"][index];
            let series = match &service {
                None => None,
                Some(name) => match series_of(trace, name) {
                    Some(series) => Some(series),
                    None => continue,
                },
            };
            found = true;
            match series {
                Some(name) if !name.is_empty() => {
                    let mut edits = trace["edit"].as_array().cloned().unwrap_or_default();
                    edits.push(format!("select service \"{name}\" | scale {factor}").into());
                    let edits = Value::from(edits);
                    self.set(format!("traces.{index}.edit"), &edits);
                    self.world["traces"][index]["edit"] = edits;
                }
                _ => {
                    let now = number(&trace["scale"]).unwrap_or(1.0);
                    let scale = Value::from(rounded(now * factor).to_string());
                    self.set(format!("traces.{index}.scale"), &scale);
                    self.world["traces"][index]["scale"] = scale;
                }
            }
        }
        match (found, service) {
            (true, _) => Ok(()),
            (false, Some(service)) => {
                Err(format!("no trace brings load to `{service}`; name a service that users call"))
            }
            (false, None) => Err("the scenario has no request rates to multiply".to_owned()),
        }
    }
}

/// How a trace calls the series of a service: the empty name where the whole trace is its load, nothing where none of it
/// can be.
fn series_of(trace: &Value, service: &str) -> Option<String> {
    if let Some(only) = trace["service"].as_str() {
        return (only == service).then(String::new);
    }
    match trace["series"].as_object().filter(|series| !series.is_empty()) {
        Some(series) => series.iter().find(|(_, whose)| whose.as_str() == Some(service)).map(|(name, _)| name.clone()),
        None => Some(service.to_owned()),
    }
}

/// The number that a quantity begins with.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.split_whitespace().next()?.parse().ok(),
        _ => None,
    }
}

/// Without the digits that only rounding has made.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
