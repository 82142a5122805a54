//! The interface: `/v1/...`, the original's routes, and what a server says of itself.
//!
//! In reading order: `acts` (what is asked of the engine), `problem` (what goes wrong), `access` (who may), `gate` (through which everything
//! comes), with its stations `browser`, `limits`, `queries`, `idempotency` and `metrics`; `body`, `deploy`, `names`, `etag`, `page`, `wait` (what routes
//! share); then a file a kind of thing; `openapi` (how it is all described) and `compat` (the original's routes).
//!
//! A handler reads, checks who may, stores what is wanted, and wakes the engine. It touches nothing of the world, so that a request
//! that is lost half-way is at most a wish that is carried out.

mod access;
mod actions;
pub mod acts;
mod alerts;
mod audit;
mod body;
mod browser;
mod clusters;
mod compat;
mod deploy;
mod etag;
mod events;
mod gate;
mod graph;
mod graphs;
mod idempotency;
mod jobs;
mod limits;
mod metrics;
mod names;
mod nfvcl;
mod openapi;
mod page;
mod policies;
pub mod problem;
mod projects;
mod queries;
mod settings;
mod stream;
mod system;
#[cfg(test)]
mod tests;
mod tokens;
mod wait;
mod webhooks;

pub use access::By;
pub use acts::Acts;
pub use browser::Names;
pub use problem::Problem;
pub use settings::Settings;

use crate::serve::auth::Auth;
use crate::serve::nfvcl::Sites;
use crate::serve::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use gate::Ids;
use limits::Limits;
use metrics::Metrics;
use queries::Known;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What handlers share. Clones are the same one.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What is behind an [`App`].
pub struct Inner {
    /// What is wanted, and what was observed.
    pub store: Store,
    /// Who acts.
    pub acts: Arc<dyn Acts>,
    /// Who asks.
    pub auth: Auth,
    /// VIMs and clusters, where NFVCL is configured.
    pub sites: Option<Sites>,
    /// What the owner of the server says.
    pub settings: Settings,
    metrics: Metrics,
    limits: Option<Limits>,
    ids: Ids,
    known: Known,
    closing: watch::Sender<bool>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Ends what would otherwise go on for ever: the streams of events.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when the server ends.
    fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}

/// What an interface is made of.
pub struct Parts {
    /// What is wanted, and what was observed.
    pub store: Store,
    /// Who acts.
    pub acts: Arc<dyn Acts>,
    /// Who asks.
    pub auth: Auth,
    /// VIMs and clusters, where NFVCL is configured.
    pub sites: Option<Sites>,
    /// What the owner of the server says.
    pub settings: Settings,
}

/// The whole interface, and what handlers share in it.
pub fn build(parts: Parts) -> (Router, App) {
    let (routes, document) = described();
    let Parts { store, acts, auth, sites, settings } = parts;
    let app = App(Arc::new(Inner {
        limits: Limits::new(settings.requests_per_second, settings.burst),
        known: Known::of(&document),
        metrics: Metrics::default(),
        ids: Ids::default(),
        closing: watch::Sender::new(false),
        store,
        acts,
        auth,
        sites,
        settings,
    }));
    let routes = routes.merge(openapi::pages(openapi::of_server(document, app.auth.is_required())));
    (guarded(routes, &app).with_state(app.clone()), app)
}

/// The description of the interface: OpenAPI 3.1.
pub fn document() -> OpenApi {
    described().1
}

/// All routes that are described, and their description.
fn described() -> (Router<App>, OpenApi) {
    let all = OpenApiRouter::with_openapi(openapi::base())
        .merge(graphs::routes())
        .merge(graph::routes())
        .merge(actions::routes())
        .merge(projects::routes())
        .merge(jobs::routes())
        .merge(clusters::routes())
        .merge(events::routes())
        .merge(policies::routes())
        .merge(tokens::routes())
        .merge(webhooks::routes())
        .merge(audit::routes())
        .merge(alerts::routes())
        .merge(nfvcl::routes())
        .merge(system::routes())
        .merge(compat::routes());
    let (router, document) = all.split_for_parts();
    (router, openapi::finished(document))
}

/// What stands before every route; the last one here is met first.
fn guarded(routes: Router<App>, app: &App) -> Router<App> {
    routes
        .layer(DefaultBodyLimit::max(app.settings.body_bytes))
        .layer(from_fn_with_state(app.clone(), gate::refuse_large))
        .layer(from_fn_with_state(app.clone(), idempotency::once))
        .layer(from_fn(gate::in_time))
        .layer(from_fn_with_state(app.clone(), gate::record))
        .layer(from_fn_with_state(app.clone(), queries::refuse_unknown))
        .layer(from_fn_with_state(app.clone(), gate::admit))
        .layer(from_fn_with_state(app.clone(), gate::identify))
}
