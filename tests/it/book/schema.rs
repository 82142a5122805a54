//! The references of scenarios, suites and gates, from the types that read them.

use super::cell;
use serde_json::Value;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Scenario reference

Made from the types that read a scenario; the same as `smo scenario schema`, for people. A key that is not listed is refused,
with the nearest that is. Times, rates, sizes and prices carry their unit.

";

const OF_SUITES: &str = "\
# Suite and gate reference

Made from the types that read them; the same as `smo bench schema` and `smo bench schema --gate`, for people.

";

/// The page of scenarios.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    sections(&mut text, ("Scenario", "The file that `smo simulate` is given."), &smo::input::schema());
    ended(text)
}

/// The page of suites and gates.
pub fn of_suites() -> String {
    let mut text = OF_SUITES.to_owned();
    sections(&mut text, ("Suite", "The file that `smo bench` is given."), &smo::input::suite::schema());
    sections(&mut text, ("Gate", "The file that `smo bench --gate` is given."), &smo::input::gate::schema());
    ended(text)
}

/// A file, then the types in it.
fn sections(text: &mut String, title: (&str, &str), schema: &Value) {
    section(text, title, schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        let heading = name.strip_suffix("File").unwrap_or(name);
        section(text, (heading, described(definition)), definition);
    }
}

fn ended(mut text: String) -> String {
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

fn described(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// A type: its keys, or its forms.
fn section(text: &mut String, (heading, what): (&str, &str), schema: &Value) {
    write!(text, "## {heading}\n\n{what}\n\n").unwrap();
    if let Some(properties) = schema["properties"].as_object() {
        table(text, schema, properties);
    }
    let forms = ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
    let forms: Vec<String> = forms.map(form).collect();
    for form in &forms {
        writeln!(text, "- {form}").unwrap();
    }
    if !forms.is_empty() {
        text.push('\n');
    }
}

fn table(text: &mut String, schema: &Value, properties: &serde_json::Map<String, Value>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    for (key, property) in properties {
        let default = match property.get("default") {
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(default) => format!("`{default}`"),
        };
        let (kind, what) = (cell(&kind(property)), cell(described(property)));
        writeln!(text, "| `{key}` | {kind} | {} | {what} |", cell(&default)).unwrap();
    }
    text.push('\n');
}

/// One of several forms of a type.
fn form(value: &Value) -> String {
    let what = described(value).replace('\n', " ");
    let kind = kind(value);
    if what.is_empty() { kind } else { format!("{kind}: {what}") }
}

/// The type of a value, in words and links.
fn kind(value: &Value) -> String {
    if let Some(reference) = value["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        let heading = name.strip_suffix("File").unwrap_or(name);
        return format!("[{heading}](#{})", heading.to_lowercase());
    }
    if let Some(constant) = value["const"].as_str() {
        return format!("`{constant}`");
    }
    if let Some(names) = value["enum"].as_array() {
        return names
            .iter()
            .map(|name| format!("`{}`", name.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(forms) = value[key].as_array() {
            let forms = forms.iter().filter(|form| form["type"] != "null").map(kind);
            return forms.collect::<Vec<_>>().join(" or ");
        }
    }
    match value["type"].as_str().or_else(|| value["type"][0].as_str()) {
        Some("array") => format!("list of {}", kind(&value["items"])),
        Some("object") if value["additionalProperties"].is_object() => {
            format!("map to {}", kind(&value["additionalProperties"]))
        }
        Some("object") if value["properties"].is_object() => {
            let keys: Vec<String> =
                value["properties"].as_object().unwrap().keys().map(|key| format!("`{key}`")).collect();
            format!("{{{}}}", keys.join(", "))
        }
        Some("string") => "text".to_owned(),
        Some(other) => other.to_owned(),
        None => "anything".to_owned(),
    }
}
