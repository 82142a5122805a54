//! Bodies: JSON or YAML by their content type, within limits, and every mistake with its line and column.
//!
//! A JSON text that holds a document (the original's clients send descriptors so) is unwrapped here, once. Large bodies are read on
//! a thread that may be busy, so that nobody else waits for them.

use super::problem::{Fault, Problem};
use crate::input::InputError;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter, NonFiniteFloatPolicy};

/// A body of more bytes is read on another thread.
const LARGE: usize = 32 << 10;
/// Levels, values, and values that aliases may repeat: as for every other file of the program.
const DEPTH: usize = 32;
const NODES: usize = 200_000;
const ALIASED: usize = 100_000;
const ALIASED_BYTES: usize = 16 << 20;

const JSON: &[&str] = &["application/json", "application/merge-patch+json"];
const YAML: &[&str] = &["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/vnd.yaml"];

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// A JSON text that holds a document.
    JsonText,
    /// YAML.
    Yaml,
}

/// A document that was read, and its text, in which mistakes that are found later have their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// How it was written.
    pub form: Form,
    /// What it says.
    pub value: Value,
    /// Its letters.
    pub text: String,
}

/// What was sent: a body, and how it was announced.
#[derive(Debug)]
pub struct Sent {
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { headers, bytes })
    }
}

/// Reads a body by its content type.
///
/// # Errors
/// 415 for a type that is not read, 400 for a body that is not of its type.
pub async fn document(sent: Sent) -> Result<Document, Problem> {
    let form = form(&sent.headers)?;
    elsewhere(sent.bytes.len(), move || read(form, &sent.bytes)).await
}

/// Reads a body as a value of that shape.
///
/// # Errors
/// As [`document`]; 422 for a body of another shape.
pub async fn shaped<T: DeserializeOwned>(sent: Sent) -> Result<T, Problem> {
    let document = document(sent).await?;
    serde_json::from_value(document.value).map_err(|error| Problem::unprocessable(error.to_string()))
}

/// Does `work` on a body of that length, on another thread where it is large.
pub async fn elsewhere<T: Send + 'static>(
    length: usize,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if length < LARGE {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Problem::internal(format!("the body was not read: {error}"))))
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if JSON.contains(&media.as_str()) {
        return Ok(Form::Json);
    }
    if YAML.contains(&media.as_str()) {
        return Ok(Form::Yaml);
    }
    let given = if media.is_empty() { "there is no content type".to_owned() } else { format!("`{media}` is not read") };
    Err(Problem::unsupported_media_type(format!("{given}; send `application/json` or `application/yaml`")))
}

fn read(form: Form, bytes: &[u8]) -> Result<Document, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::bad_request(format!("the body is no UTF-8 from byte {}; send it as UTF-8", error.valid_up_to()))
    })?;
    if form == Form::Yaml {
        return Ok(Document { form, value: yaml(text)?, text: text.to_owned() });
    }
    match serde_json::from_str(text).map_err(|error| broken_json(&error))? {
        Value::String(inner) => Ok(Document { form: Form::JsonText, value: yaml(&inner)?, text: inner }),
        // Escapes of JSON that YAML does not have would be mistakes when the text is read again, for its places.
        value if text.contains("\\u") => Ok(Document { form, text: value.to_string(), value }),
        value => Ok(Document { form, value, text: text.to_owned() }),
    }
}

fn yaml(text: &str) -> Result<Value, Problem> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            max_nodes: NODES,
            max_events: NODES * 3,
            max_recorded_anchor_events: ALIASED,
            max_recorded_anchor_bytes: ALIASED_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED },
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Value>(text, options).map_err(|error| broken_yaml(&error))
}

fn broken_json(error: &serde_json::Error) -> Problem {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let fault = Fault {
        field: None,
        line: Some(narrow(error.line())),
        column: Some(narrow(error.column())),
        detail: error.to_string(),
    };
    Problem::bad_request(format!("the JSON is broken: {error}")).of_kind("broken-json").with_errors(vec![fault])
}

fn broken_yaml(error: &serde_saphyr::Error) -> Problem {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let detail = DefaultMessageFormatter.format_message(error).replace(char::is_control, " ");
    let place = error.location().filter(|place| place.line() > 0);
    let (line, column) = (place.map(|place| narrow(place.line())), place.map(|place| narrow(place.column())));
    let whole = match (line, column) {
        (Some(line), Some(column)) => format!("the YAML is broken at line {line} column {column}: {detail}"),
        _ => format!("the YAML is broken: {detail}"),
    };
    let fault = Fault { field: None, line, column, detail };
    Problem::bad_request(whole).of_kind("broken-yaml").with_errors(vec![fault])
}

/// What is wrong in a descriptor, at its place: it is well written, and cannot be meant.
impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        let InputError::File(mistake) = error else { return Self::unprocessable(error.to_string()) };
        let remedy = mistake.remedy.as_deref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let detail = format!("{}{remedy}", mistake.what);
        let above_zero = |number: u32| (number > 0).then_some(number);
        let (line, column) = (above_zero(mistake.place.line), above_zero(mistake.place.column));
        let place = match (line, column) {
            (Some(line), Some(column)) => format!(" (line {line} column {column})"),
            (Some(line), None) => format!(" (line {line})"),
            _ => String::new(),
        };
        let field = Some(mistake.field.clone()).filter(|field| !field.is_empty());
        let named = field.as_deref().map(|field| format!("{field}{place}: ")).unwrap_or_default();
        let fault = Fault { field, line, column, detail: detail.clone() };
        Self::unprocessable(format!("{named}{detail}")).of_kind("bad-descriptor").with_errors(vec![fault])
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, form, read};
    use axum::http::{HeaderMap, HeaderValue, header};
    use serde_json::json;

    fn of(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn the_content_type_decides_and_others_are_refused_by_name() {
        assert_eq!(form(&of("application/json; charset=utf-8")).unwrap(), Form::Json);
        assert_eq!(form(&of("application/x-yaml")).unwrap(), Form::Yaml);
        let problem = form(&of("text/plain")).unwrap_err();
        assert_eq!(problem.status, 415);
        assert!(problem.detail.contains("`text/plain`") && problem.detail.contains("application/yaml"));
        assert!(form(&HeaderMap::new()).unwrap_err().detail.contains("no content type"));
    }

    #[test]
    fn a_json_text_that_holds_yaml_is_unwrapped() {
        let document = read(Form::Json, br#""hdaGraph:\n  id: a\n""#).unwrap();
        assert_eq!(document.form, Form::JsonText);
        assert_eq!(document.value, json!({"hdaGraph": {"id": "a"}}));
        assert_eq!(document.text, "hdaGraph:\n  id: a\n");
    }

    #[test]
    fn broken_bodies_are_refused_with_line_and_column() {
        let problem = read(Form::Json, b"{\"a\": 1,\n \"b\" 2}").unwrap_err();
        assert_eq!((problem.status, problem.errors[0].line, problem.errors[0].column), (400, Some(2), Some(6)));
        let problem = read(Form::Yaml, b"a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert_eq!(problem.status, 400);
        assert!(problem.errors[0].line.is_some() && problem.errors[0].column.is_some(), "{problem:?}");
        assert!(read(Form::Json, b"\xff\xfe").unwrap_err().detail.contains("UTF-8"));
    }

    #[test]
    fn what_unfolds_into_too_much_is_refused() {
        let level = |n: usize| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(", "));
        let bomb = format!("l0: &l0 [x, x]\n{}", (1..12).map(level).collect::<String>());
        assert_eq!(read(Form::Yaml, bomb.as_bytes()).unwrap_err().status, 400);
    }

    #[test]
    fn numbers_flags_and_letters_come_as_they_are() {
        let document = read(Form::Yaml, "a: 1.5\nb: yes\nc: true\nd: null\ne: é\n".as_bytes()).unwrap();
        assert_eq!(document.value, json!({"a": 1.5, "b": "yes", "c": true, "d": null, "e": "é"}));
        let document = read(Form::Json, br#"{"a": "\ud83d\ude00"}"#).unwrap();
        assert_eq!(document.text, "{\"a\":\"😀\"}");
    }
}
