//! The part of JSON Schema that FastAPI writes: whether a value fits, what is wrong where it does not, and its defaults filled in.
//!
//! Stricter than pydantic (a number in quotes is no number). A keyword that is not known here is a panic: what is not checked must
//! not look as if it were.

use serde_json::{Map, Value, json};

/// Keywords that say nothing about values, or that are read together with another.
const IDLE: &[&str] = &["title", "description", "default", "deprecated", "examples", "properties", "required", "items"];

/// A schema within its document.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    document: &'a Value,
    schema: &'a Value,
}

impl<'a> Schema<'a> {
    /// A schema of that document.
    pub fn of(document: &'a Value, schema: &'a Value) -> Self {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("references lead somewhere"),
            None => schema,
        };
        Self { document, schema }
    }

    fn below(self, schema: &'a Value) -> Self {
        Self::of(self.document, schema)
    }

    /// What is wrong with `value`, as FastAPI lists it.
    pub fn faults(self, value: &Value, at: &[Value]) -> Vec<Value> {
        let mut faults = Vec::new();
        for (keyword, wanted) in self.schema.as_object().expect("a schema is a map") {
            match keyword.as_str() {
                "anyOf" => faults.extend(self.any_of(wanted, value, at)),
                "type" => faults.extend(typed(wanted, value, at)),
                "enum" if !wanted.as_array().unwrap().contains(value) => faults.push(fault("enum", at, value)),
                "additionalProperties" => faults.extend(self.additional(wanted, value, at)),
                "minItems" if count(value) < wanted.as_u64() => faults.push(fault("too_short", at, value)),
                "minLength" if length(value) < wanted.as_u64() => faults.push(fault("string_too_short", at, value)),
                "maxLength" if length(value) > wanted.as_u64() => faults.push(fault("string_too_long", at, value)),
                "minimum" if value.as_f64() < wanted.as_f64() => faults.push(fault("greater_than_equal", at, value)),
                "maximum" if value.as_f64() > wanted.as_f64() => faults.push(fault("less_than_equal", at, value)),
                "exclusiveMinimum" if value.as_f64() <= wanted.as_f64() => {
                    faults.push(fault("greater_than", at, value));
                }
                "pattern" if !matches(wanted, value) => faults.push(fault("string_pattern_mismatch", at, value)),
                "format" if !formatted(wanted, value) => faults.push(fault("value_error", at, value)),
                "enum" | "minItems" | "minLength" | "maxLength" | "minimum" | "maximum" | "exclusiveMinimum"
                | "pattern" | "format" => {}
                idle if IDLE.contains(&idle) => {}
                other => panic!("the schema has a keyword that is not checked: {other}"),
            }
        }
        faults.extend(self.fields(value, at));
        faults
    }

    fn any_of(self, all: &'a Value, value: &Value, at: &[Value]) -> Vec<Value> {
        let mut least: Option<Vec<Value>> = None;
        for one in all.as_array().unwrap() {
            let faults = self.below(one).faults(value, at);
            if least.as_ref().is_none_or(|least| faults.len() < least.len()) {
                least = Some(faults);
            }
        }
        least.unwrap_or_default()
    }

    /// Fields that are missing, and what is wrong in those that are there; the same for the items of a list.
    fn fields(self, value: &Value, at: &[Value]) -> Vec<Value> {
        let mut faults = Vec::new();
        if let (Value::Object(fields), Some(known)) = (value, self.schema["properties"].as_object()) {
            let required = self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            faults.extend(
                required
                    .filter(|name| !fields.contains_key(*name))
                    .map(|name| fault("missing", &step(at, name), value)),
            );
            for (name, schema) in known {
                if let Some(field) = fields.get(name) {
                    faults.extend(self.below(schema).faults(field, &step(at, name.as_str())));
                }
            }
        }
        if let (Value::Array(items), Some(schema)) = (value, self.schema.get("items")) {
            for (index, item) in items.iter().enumerate() {
                faults.extend(self.below(schema).faults(item, &step(at, index)));
            }
        }
        faults
    }

    fn additional(self, wanted: &'a Value, value: &Value, at: &[Value]) -> Vec<Value> {
        let Value::Object(fields) = value else { return Vec::new() };
        let known = |name: &String| self.schema["properties"].get(name).is_some();
        let others = fields.iter().filter(|(name, _)| !known(name));
        match wanted {
            Value::Bool(true) => Vec::new(),
            Value::Bool(false) => {
                others.map(|(name, value)| fault("extra_forbidden", &step(at, name.as_str()), value)).collect()
            }
            schema => {
                others.flat_map(|(name, value)| self.below(schema).faults(value, &step(at, name.as_str()))).collect()
            }
        }
    }

    /// The value with what it leaves out, as a model that was made from it has it.
    pub fn filled(self, value: &Value) -> Value {
        if let Some(all) = self.schema["anyOf"].as_array() {
            let fitting = all.iter().map(|one| self.below(one)).find(|one| one.faults(value, &[]).is_empty());
            return fitting.map_or_else(|| value.clone(), |one| one.filled(value));
        }
        match (value, self.schema["properties"].as_object(), self.schema.get("items")) {
            (Value::Object(fields), Some(known), _) => {
                let mut filled = Map::new();
                for (name, schema) in known {
                    let empty = if schema["type"] == "array" { json!([]) } else { Value::Null };
                    let given = fields.get(name).or(schema.get("default")).unwrap_or(&empty);
                    filled.insert(name.clone(), self.below(schema).filled(given));
                }
                Value::Object(filled)
            }
            (Value::Array(items), _, Some(schema)) => {
                items.iter().map(|item| self.below(schema).filled(item)).collect()
            }
            _ => value.clone(),
        }
    }
}

/// One fault as pydantic writes it: what was sent stands in it.
fn fault(kind: &str, at: &[Value], value: &Value) -> Value {
    json!({"type": kind, "loc": at, "msg": format!("the stub says: {kind}"), "input": value})
}

fn step(at: &[Value], next: impl Into<Value>) -> Vec<Value> {
    at.iter().cloned().chain([next.into()]).collect()
}

fn typed(wanted: &Value, value: &Value, at: &[Value]) -> Option<Value> {
    let fits = match wanted.as_str().expect("a type is a word") {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("the schema has a type that is not checked: {other}"),
    };
    (!fits).then(|| fault(&format!("{}_type", wanted.as_str().unwrap()), at, value))
}

fn count(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64).or(Some(u64::MAX))
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn matches(pattern: &Value, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return true };
    match pattern.as_str().unwrap() {
        "^[a-zA-Z0-9_.-]*$" => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)),
        "password|refresh_token" => text.contains("password") || text.contains("refresh_token"),
        other => panic!("the schema has a pattern that is not checked: {other}"),
    }
}

fn formatted(format: &Value, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return true };
    let ip = |text: &str| text.parse::<std::net::Ipv4Addr>().ok();
    match format.as_str().unwrap() {
        "ipv4" => ip(text).is_some(),
        "ipv4network" => text.split_once('/').is_some_and(|(net, bits)| {
            let host = bits.parse::<u32>().ok().filter(|bits| *bits <= 32).map(|bits| (1_u64 << (32 - bits)) - 1);
            matches!((ip(net), host), (Some(net), Some(host)) if u64::from(u32::from(net)) & host == 0)
        }),
        "uri" => text.contains("://"),
        other => panic!("the schema has a format that is not checked: {other}"),
    }
}
