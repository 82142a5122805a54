//! What is to be deployed, from a body: `{"hdaGraph": ...}`, `{"artifact": "oci://..."}`, or a JSON text that holds the document.
//!
//! Everything that can be wrong is said here, before anything is stored: the body, the descriptor, the options, and what the engine
//! thinks of them.

use super::access::By;
use super::body::{self, Document, Sent};
use super::problem::Problem;
use super::{App, names};
use crate::input::hdag::{self, Descriptor};
use crate::serve::artifact::Pulled;
use crate::serve::engine::{EngineError, Trouble};
use crate::serve::store::StoreError;
use crate::serve::store::asked::NewGraph;
use crate::serve::store::rows::{Graph, Job, Options, Role, Source};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Notes of a descriptor that are kept with its job.
const NOTES_MAX: usize = 20;
/// Letters of a reference to an artifact.
const REFERENCE_MAX: usize = 1_024;

/// What is to be deployed: a descriptor, or an artifact that holds one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "hdaGraph": {
        "id": "harbour-watch",
        "services": [{
            "id": "frame-filter",
            "deployment": {"trigger": {}, "intent": {"compute": {"cpu": "medium", "ram": "medium"}}},
            "artifact": {"ociImage": "oci://registry.example.com/port/frame-filter", "valuesOverwrite": {}},
        }],
    },
    "options": {"policy": "anytime+rate"},
}))]
pub struct DeployBody {
    /// The descriptor: information model 0.4.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub hda_graph: Option<Value>,
    /// Where to pull the descriptor from instead: `oci://...`, `http(s)://...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024, example = "oci://registry.example.com/port/harbour-watch:2.3.1")]
    pub artifact: Option<String>,
    /// What is said beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
}

/// What was asked for, read and checked.
#[derive(Debug)]
pub struct Asked {
    /// The artifact, if it came from one.
    pub source: Option<Source>,
    /// The document, with its key `hdaGraph` alone.
    pub document: Value,
    /// The same, as types.
    pub descriptor: Descriptor,
    /// What is said beside it.
    pub options: Options,
    /// What is odd, in sentences.
    pub notes: Vec<String>,
}

/// Reads what is to be deployed.
///
/// # Errors
/// 400 and 415 for the body; 422 for the descriptor or options; what the engine says of them, or of the artifact.
pub async fn read(app: &App, sent: Sent) -> Result<Asked, Problem> {
    let document = body::document(sent).await?;
    let Parts { wanted, options } = parts(document)?;
    let (document, text, source) = match wanted {
        Wanted::Document(document, text) => (document, text, None),
        Wanted::Artifact(reference) => {
            let Pulled { document, source, notes } = app.acts.pull(&reference).await.map_err(unpulled)?;
            let text = document.to_string();
            (document, text, Some((source, notes)))
        }
    };
    let (descriptor, mut notes) = body::elsewhere(text.len(), move || descriptor(text)).await?;
    let source = source.map(|(source, of_artifact)| {
        // Those of the text that was pulled have its places; those of the document that was made of it have none.
        notes = of_artifact;
        source
    });
    names::graph(&descriptor.id)?;
    if let Some(policy) = &options.policy {
        names::policy(policy)?;
    }
    let document = json!({"hdaGraph": document.get("hdaGraph")});
    notes.extend(app.acts.check(&document, &options).await?.into_iter().filter(|note| !is_of_descriptor(note)));
    Ok(Asked { source, document, descriptor, options, notes })
}

/// Stores what was asked for as a new graph, and has it looked at.
///
/// # Errors
/// 404 and 403 for the caller, 409 where the project has a graph of the name.
pub async fn insert(app: &App, by: &By, project: &str, asked: Asked) -> Result<(Graph, Job), Problem> {
    by.need_in(Role::Operator, project)?;
    names::project(project)?;
    let Asked { source, document, descriptor, options, notes, .. } = asked;
    let new = NewGraph { project: project.to_owned(), name: descriptor.id, descriptor: document, source, options };
    let (graph, job) = app.store.insert_graph(&new, by.name()).await.map_err(|error| exists(error, &new))?;
    begun(app, &job, &notes).await;
    Ok((graph, job))
}

/// Notes what is odd with the job, and has somebody look at it. The job is stored: a note that cannot be is no reason to say that it was not.
pub async fn begun(app: &App, job: &Job, notes: &[String]) {
    for note in notes.iter().take(NOTES_MAX) {
        if let Err(error) = app.store.job_step(&job.id, &format!("noted: {note}")).await {
            tracing::warn!(job = %job.id, %error, "what is odd was not noted with a job");
            break;
        }
    }
    app.acts.wake();
}

/// A registry that does not answer is the caller's choice, and no trouble of this server.
fn unpulled(error: EngineError) -> Problem {
    match error.kind {
        Trouble::Unreachable => Problem::failed(error.to_string()).of_kind("artifact-unreachable"),
        _ => error.into(),
    }
}

fn exists(error: StoreError, new: &NewGraph) -> Problem {
    let StoreError::Exists { .. } = error else { return error.into() };
    let NewGraph { project, name, .. } = new;
    let detail = format!(
        "the project `{project}` has a graph `{name}` already; change it by PUT, or remove it and wait until it is gone"
    );
    Problem::conflict("graph-exists", detail)
}

enum Wanted {
    Document(Value, String),
    Artifact(String),
}

struct Parts {
    wanted: Wanted,
    options: Options,
}

/// Takes a body apart.
fn parts(document: Document) -> Result<Parts, Problem> {
    let Document { value, text, .. } = document;
    let Value::Object(mut fields) = value else {
        return Err(Problem::bad_request(
            "a map is wanted; write `{\"hdaGraph\": {...}}` or `{\"artifact\": \"oci://...\"}`",
        ));
    };
    let options = options(fields.remove("options"))?;
    if let Some(stranger) = fields.keys().find(|key| !["hdaGraph", "artifact"].contains(&key.as_str())) {
        let detail = format!("there is no field `{stranger}`; the fields are `hdaGraph` or `artifact`, and `options`");
        return Err(Problem::bad_request(detail));
    }
    let wanted = match (fields.remove("artifact"), fields.contains_key("hdaGraph")) {
        (Some(_), true) => {
            return Err(Problem::bad_request("there are both `hdaGraph` and `artifact`; say one of the two"));
        }
        (Some(reference), false) => Wanted::Artifact(reference_of(&reference)?),
        (None, true) => Wanted::Document(Value::Object(fields), text),
        (None, false) => {
            let detail = "hdaGraph key not found in the provided descriptor; write `hdaGraph: {id: NAME, services: [...]}`, \
                          or name an `artifact`";
            return Err(Problem::bad_request(detail));
        }
    };
    Ok(Parts { wanted, options })
}

fn options(given: Option<Value>) -> Result<Options, Problem> {
    let given = given.filter(|value| !value.is_null()).unwrap_or_else(|| Value::Object(Map::new()));
    serde_json::from_value(given).map_err(|error| Problem::unprocessable(format!("options: {error}")))
}

fn reference_of(value: &Value) -> Result<String, Problem> {
    let wrong = |what: &str| {
        Problem::unprocessable(format!("`artifact` {what}; write `oci://HOST/PROJECT/NAME:VERSION` or `http(s)://...`"))
    };
    let reference = value.as_str().map(str::trim).ok_or_else(|| wrong("is no text"))?;
    if reference.is_empty() || reference.len() > REFERENCE_MAX || reference.chars().any(char::is_control) {
        return Err(wrong(&format!("has between 1 and {REFERENCE_MAX} printable letters")));
    }
    Ok(reference.to_owned())
}

/// Whether a note is the reader's own: who reads the document again notes the same again, at other places.
pub fn is_of_descriptor(note: &str) -> bool {
    note.starts_with("descriptor:")
}

/// The descriptor as types, and what is odd about it.
fn descriptor(text: String) -> Result<(Descriptor, Vec<String>), Problem> {
    let (descriptor, notes) = hdag::parse(text, "descriptor")?;
    // `options` stand beside the descriptor here, and nowhere else.
    let notes = notes.into_iter().filter(|note| note.0.field != "options");
    Ok((descriptor, notes.map(|note| note.to_string()).collect()))
}
