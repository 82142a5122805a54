//! How the interface describes itself: OpenAPI 3.1 from the handlers, and a page to browse it, whose files are in the program.
//!
//! Every operation declares what it answers when all is well; what may go wrong is declared here, once for those that read
//! ([`Reads`]) and once for those that change ([`Changes`]).

use super::App;
use super::gate::REQUEST_ID;
use super::problem::{Fault, MEDIA_TYPE, Problem};
use axum::Router;
use std::collections::BTreeMap;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi as _};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The name of the security scheme.
const BEARER: &str = "bearer";

const READS: &[(u16, &str)] = &[
    (400, "The request cannot be meant: a parameter that is not known or not read"),
    (401, "Who asks is not known: the token is missing, wrong or over"),
    (403, "Who asks may not"),
    (404, "There is no such thing, or none that you see"),
    (429, "Too many requests: wait as long as `Retry-After` says"),
    (500, "A mistake of the server's: its log has it under `instance`"),
    (503, "The store, or somebody else whom it takes, does not answer"),
];

const CHANGES: &[(u16, &str)] = &[
    (409, "It does not go with what is there: it exists, is being removed, or something newer was wanted"),
    (412, "Something else was wanted since: `If-Match` or `If-None-Match` does not hold"),
    (413, "The body is longer than is read"),
    (415, "A body of another kind than is read"),
    (422, "It is well written, and cannot be done as it says"),
    (424, "The job that was waited for has failed, or the registry of an artifact does not answer"),
];

/// What may go wrong with operations that read.
pub struct Reads;

/// What may go wrong with operations that change something, besides.
pub struct Changes;

/// As [`Reads`], also as a line of text.
pub struct PlainReads;

/// As [`Changes`], also as a line of text.
pub struct PlainChanges;

impl IntoResponses for Reads {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        READS.iter().map(|one| problem(one, false)).collect()
    }
}

impl IntoResponses for Changes {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        READS.iter().chain(CHANGES).map(|one| problem(one, false)).collect()
    }
}

impl IntoResponses for PlainReads {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        READS.iter().map(|one| problem(one, true)).collect()
    }
}

impl IntoResponses for PlainChanges {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        READS.iter().chain(CHANGES).map(|one| problem(one, true)).collect()
    }
}

fn problem((status, description): &(u16, &str), also_plain: bool) -> (String, RefOr<Response>) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let mut response = ResponseBuilder::new().description(*description).content(MEDIA_TYPE, content);
    if also_plain {
        let text = ObjectBuilder::new().schema_type(Type::String);
        response = response.content("text/plain", ContentBuilder::new().schema(Some(text)).build());
    }
    let header = |text: &str| HeaderBuilder::new().description(Some(text)).build();
    if matches!(status, 429 | 503) {
        response = response.header("Retry-After", header("So many seconds"));
    }
    if *status == 401 {
        response = response.header("WWW-Authenticate", header("`Bearer`"));
    }
    (status.to_string(), response.header(REQUEST_ID.as_str(), header("The id of the request")).build().into())
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Synergetic Meta-Orchestrator",
        description = "Application graphs, kept running on a Karmada control plane.\n\nWhat is wanted is stored and answered at once by a job; \
                       what is observed stands in `status`. Errors are problems (RFC 9457). Query parameters that are not known are \
                       refused. The routes of the tag `compatibility` are the original's.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem, Fault)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    tags(
        (name = "graphs", description = "Application graphs: deployed, changed, stopped, started, placed anew, removed"),
        (name = "jobs", description = "What takes a while"),
        (name = "projects", description = "The namespaces of graphs"),
        (name = "clusters", description = "Where graphs run"),
        (name = "events", description = "What happened"),
        (name = "policies", description = "Who decides"),
        (name = "nfvcl", description = "VIMs, and the clusters that NFVCL runs in them"),
        (name = "alerts", description = "Where Alertmanager posts"),
        (name = "webhooks", description = "Where events are sent"),
        (name = "access", description = "Who may do what, and who did"),
        (name = "system", description = "What the server says of itself"),
        (name = "compatibility", description = "The routes of the original, its monorepo and its early fork"),
    ),
)]
struct Base;

/// Adds the tokens.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let text = "A token (`smo_...`, made by `POST /v1/tokens`), or a JWT of the OpenID provider that the server trusts. A server that \
                    listens on loopback only asks for none, unless it is told to.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        document.components.get_or_insert_default().add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// What the document says before there are routes.
pub fn base() -> OpenApi {
    let mut base = Base::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut base.info.version);
    base
}

/// The document as it is given: what it is of, at the place where it is read.
pub fn finished(mut document: OpenApi) -> OpenApi {
    document.servers = Some(vec![utoipa::openapi::Server::new("/")]);
    document
}

/// The document as a server gives it: one that asks for no tokens says so.
pub fn of_server(mut document: OpenApi, asks_for_tokens: bool) -> OpenApi {
    if !asks_for_tokens {
        document.security = None;
    }
    document
}

/// The document and the page. Nothing on it comes from another host, also not the badge of a validator.
pub fn pages(document: OpenApi) -> Router<App> {
    let config = Config::default().validator_url("none").try_it_out_enabled(true).persist_authorization(false);
    SwaggerUi::new("/docs").config(config).url("/openapi.json", document).into()
}
