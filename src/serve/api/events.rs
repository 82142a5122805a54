//! What happened: listed, or followed as it happens.

use super::access::By;
use super::openapi::Reads;
use super::page::{self, Page};
use super::problem::Problem;
use super::queries::Params;
use super::{App, stream};
use crate::serve::store::asked::EventFilter;
use crate::serve::store::rows::{Event, Role};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those after this number: `next` of the page before. Below zero, so many of the latest: `-100` begins at the last hundred of all.
    after: Option<i64>,
    /// Those in a project.
    project: Option<String>,
    /// Those of graphs of that name.
    graph: Option<String>,
    /// Those of a kind, or below it: `service` is also `service.scaled`.
    kind: Option<String>,
    /// So many a page; a stream has no pages.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List events, or follow them
///
/// In their order. With `Accept: text/event-stream` they are sent as they happen: from `after` or the header `Last-Event-ID`, if one says so, else
/// from now on.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "listEvents", tag = "events",
    params(Which, ("Last-Event-ID" = Option<String>, Header, description = "The last event that you have, of a stream")),
    responses(
        (status = 200, description = "A page of them, or a stream",
         content((Page<Event> = "application/json"), (String = "text/event-stream"))),
        (status = 406, description = "Neither JSON nor a stream was wanted", body = Problem,
         content_type = "application/problem+json"),
        Reads,
    )
)]
async fn list(
    State(app): State<App>,
    by: By,
    Params(which): Params<Which>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    by.need(Role::Viewer)?;
    let Which { after, project, graph, kind, limit } = which;
    let limit = page::limit(limit)?;
    let after = match after {
        Some(back) if back < 0 => Some(app.store.last_event().await?.saturating_add(back).max(0)),
        other => other,
    };
    let filter = EventFilter { after: after.unwrap_or(0), project: by.narrowed(project)?, graph, kind, limit };
    match wanted(&headers)? {
        Form::Page => {
            let items = app.store.events(&filter).await?;
            Ok(Json(Page::numbered(items, limit, |event| event.seq)).into_response())
        }
        Form::Stream => {
            let from = match last_id(&headers)?.or(after) {
                Some(from) => from,
                None => app.store.last_event().await?,
            };
            Ok(stream::follow(&app, EventFilter { after: from, ..filter }, &headers))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Page,
    Stream,
}

/// What `Accept` asks for: the first that we have.
fn wanted(headers: &HeaderMap) -> Result<Form, Problem> {
    let Some(accept) = headers.get(header::ACCEPT) else { return Ok(Form::Page) };
    let accept = accept.to_str().unwrap_or_default();
    let form = |one: &str| match one.split(';').next().unwrap_or_default().trim() {
        "text/event-stream" => Some(Form::Stream),
        "application/json" | "application/*" | "*/*" => Some(Form::Page),
        _ => None,
    };
    accept.split(',').find_map(form).ok_or_else(|| {
        Problem::not_acceptable(format!(
            "`{accept}` is not to be had; accept `application/json` or `text/event-stream`"
        ))
    })
}

fn last_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Problem::bad_request("`Last-Event-ID` is the number of an event, as the stream gave it"))
}

#[cfg(test)]
mod tests {
    use super::{Form, last_id, wanted};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_stream_is_given_to_whoever_asks_for_one() {
        let of = |text: &'static str| wanted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(text))]));
        assert_eq!(of("text/event-stream").unwrap(), Form::Stream);
        assert_eq!(of("text/html, */*;q=0.8").unwrap(), Form::Page);
        assert_eq!(wanted(&HeaderMap::new()).unwrap(), Form::Page);
        assert_eq!(of("image/png").unwrap_err().status, 406);
    }

    #[test]
    fn the_last_event_is_a_number() {
        let of = |text| HeaderMap::from_iter([("last-event-id".parse().unwrap(), HeaderValue::from_static(text))]);
        assert_eq!(last_id(&of("42")).unwrap(), Some(42));
        assert_eq!(last_id(&of("x")).unwrap_err().status, 400);
        assert_eq!(last_id(&HeaderMap::new()).unwrap(), None);
    }
}
