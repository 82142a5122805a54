//! VIMs and the clusters that NFVCL runs in them.

use super::App;
use super::access::By;
use super::body::{self, Sent};
use super::openapi::{Changes, Reads};
use super::page::Page;
use super::problem::Problem;
use super::queries::Params;
use crate::serve::nfvcl::rows::{BmCluster, ClusterRequest, ClusterState, OsCluster, Vim, VimRequest};
use crate::serve::nfvcl::{ClusterSync, NfvclError, Sites, VimSync};
use crate::serve::store::rows::Role;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list_vims, create_vim))
        .routes(routes!(sync_vims))
        .routes(routes!(show_vim, delete_vim))
        .routes(routes!(list_clusters, create_cluster))
        .routes(routes!(sync_clusters))
        .routes(routes!(show_cluster, delete_cluster))
        .routes(routes!(scale_out))
        .routes(routes!(list_bare_metal))
}

/// VIMs and clusters, where NFVCL is configured.
///
/// # Errors
/// 404 where it is not: asking again does not help.
pub fn sites(app: &App) -> Result<&Sites, Problem> {
    let missing = "no NFVCL is configured; set `nfvcl.url`";
    app.sites.as_ref().ok_or_else(|| Problem::not_found(missing).of_kind("no-nfvcl"))
}

impl From<NfvclError> for Problem {
    fn from(error: NfvclError) -> Self {
        let detail = error.to_string();
        match error {
            NfvclError::Invalid(_) => Self::unprocessable(detail),
            NfvclError::Absent(_) => Self::not_found(detail),
            NfvclError::Conflict(_) => Self::conflict("conflict", detail),
            NfvclError::Refused(_) => Self::unprocessable(detail).of_kind("refused-elsewhere"),
            NfvclError::Away(_) => Self::unavailable(detail),
            NfvclError::Store(error) => error.into(),
        }
    }
}

/// Which of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Area {
    /// Those of this area only.
    #[param(example = 4)]
    pub pop_area: Option<i64>,
}

/// How one is let go.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Letting {
    /// What Karmada or NFVCL makes of it is not waited for; NFVCL is told so where it can be (0.4).
    #[serde(default)]
    #[param(default = false)]
    pub force: bool,
}

/// How many workers more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"workers": 1}))]
pub struct ScaleOutBody {
    /// So many; one where nothing is said.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub workers: u32,
}

const fn one() -> u32 {
    1
}

/// List VIMs
#[utoipa::path(
    get, path = "/v1/vims", operation_id = "listVims", tag = "nfvcl", params(Area),
    responses((status = 200, description = "All of them", body = Page<Vim>), Reads)
)]
async fn list_vims(State(app): State<App>, by: By, Params(area): Params<Area>) -> Result<Json<Page<Vim>>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(Page::whole(sites(&app)?.vims(area.pop_area).await?)))
}

/// Make a VIM known to NFVCL
///
/// Its password is handed on, and neither stored nor shown.
#[utoipa::path(
    post, path = "/v1/vims", operation_id = "createVim", tag = "nfvcl", request_body = VimRequest,
    responses((status = 201, description = "NFVCL has it", body = Vim, headers(("Location" = String))), Changes)
)]
async fn create_vim(State(app): State<App>, by: By, sent: Sent) -> Result<Response, Problem> {
    by.need_everywhere(Role::Admin)?;
    let request: VimRequest = body::shaped(sent).await?;
    let (vim, _) = sites(&app)?.create_vim(request).await?;
    let location = format!("/v1/vims/{}", vim.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(vim)).into_response())
}

/// Ask NFVCL for its VIMs now
///
/// Those that it has no more are kept, and marked.
#[utoipa::path(
    post, path = "/v1/vims/sync", operation_id = "syncVims", tag = "nfvcl",
    responses((status = 200, description = "All of them, and what was new", body = VimSync), Changes)
)]
async fn sync_vims(State(app): State<App>, by: By) -> Result<Json<VimSync>, Problem> {
    by.need_everywhere(Role::Operator)?;
    Ok(Json(sites(&app)?.sync_vims().await?))
}

/// Show a VIM
#[utoipa::path(
    get, path = "/v1/vims/{vim}", operation_id = "getVim", tag = "nfvcl",
    params(("vim" = String, Path, description = "Its name, or its number", example = "athens")),
    responses((status = 200, description = "The VIM", body = Vim), Reads)
)]
async fn show_vim(State(app): State<App>, by: By, Path(vim): Path<String>) -> Result<Json<Vim>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(sites(&app)?.vim(&vim).await?))
}

/// Take a VIM away from NFVCL
///
/// Only one without clusters.
#[utoipa::path(
    delete, path = "/v1/vims/{vim}", operation_id = "deleteVim", tag = "nfvcl",
    params(("vim" = String, Path, description = "Its name, or its number", example = "athens")),
    responses((status = 200, description = "It is gone; this is what it was", body = Vim), Changes)
)]
async fn delete_vim(State(app): State<App>, by: By, Path(vim): Path<String>) -> Result<Json<Vim>, Problem> {
    by.need_everywhere(Role::Admin)?;
    let (vim, _) = sites(&app)?.delete_vim(&vim).await?;
    Ok(Json(vim))
}

/// List clusters of NFVCL
#[utoipa::path(
    get, path = "/v1/os-k8s-clusters", operation_id = "listOsClusters", tag = "nfvcl", params(Area),
    responses((status = 200, description = "All of them", body = Page<OsCluster>), Reads)
)]
async fn list_clusters(
    State(app): State<App>,
    by: By,
    Params(area): Params<Area>,
) -> Result<Json<Page<OsCluster>>, Problem> {
    by.need(Role::Viewer)?;
    let clusters = sites(&app)?.clusters(area.pop_area).await?;
    Ok(Json(Page::whole(clusters.into_iter().map(OsCluster::shown).collect())))
}

/// Have NFVCL make a cluster
///
/// NFVCL takes its time: `state` says how far it is. Once it is ready it becomes a member of Karmada, unless `join` is false.
#[utoipa::path(
    post, path = "/v1/os-k8s-clusters", operation_id = "createOsCluster", tag = "nfvcl", request_body = ClusterRequest,
    responses((status = 202, description = "NFVCL makes it", body = OsCluster, headers(("Location" = String))), Changes)
)]
async fn create_cluster(State(app): State<App>, by: By, sent: Sent) -> Result<Response, Problem> {
    by.need_everywhere(Role::Admin)?;
    let request: ClusterRequest = body::shaped(sent).await?;
    let (cluster, _) = sites(&app)?.create_cluster(request).await?;
    let location = format!("/v1/os-k8s-clusters/{}", cluster.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(cluster.shown())).into_response())
}

/// Ask NFVCL for its clusters now
///
/// Those of one area, or of all. Clusters of other areas are not touched. One that is a member of Karmada is kept in any case.
#[utoipa::path(
    post, path = "/v1/os-k8s-clusters/sync", operation_id = "syncOsClusters", tag = "nfvcl", params(Area),
    responses((status = 200, description = "All that were looked at, and what was new", body = ClusterSync), Changes)
)]
async fn sync_clusters(
    State(app): State<App>,
    by: By,
    Params(area): Params<Area>,
) -> Result<Json<ClusterSync>, Problem> {
    by.need_everywhere(Role::Operator)?;
    let mut found = sites(&app)?.sync_clusters(area.pop_area).await?;
    found.items = found.items.into_iter().map(OsCluster::shown).collect();
    Ok(Json(found))
}

/// Show a cluster of NFVCL
#[utoipa::path(
    get, path = "/v1/os-k8s-clusters/{id}", operation_id = "getOsCluster", tag = "nfvcl",
    params(("id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe")),
    responses((status = 200, description = "The cluster", body = OsCluster), Reads)
)]
async fn show_cluster(State(app): State<App>, by: By, Path(id): Path<String>) -> Result<Json<OsCluster>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(sites(&app)?.cluster(&id).await?.shown()))
}

/// Have NFVCL take a cluster away
///
/// First it leaves Karmada, which takes away what runs there.
#[utoipa::path(
    delete, path = "/v1/os-k8s-clusters/{id}", operation_id = "deleteOsCluster", tag = "nfvcl",
    params(("id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe"), Letting),
    responses(
        (status = 200, description = "It is gone; this is what it was", body = OsCluster),
        (status = 202, description = "NFVCL takes it away", body = OsCluster),
        Changes,
    )
)]
async fn delete_cluster(
    State(app): State<App>,
    by: By,
    Path(id): Path<String>,
    Params(letting): Params<Letting>,
) -> Result<Response, Problem> {
    by.need_everywhere(Role::Admin)?;
    let (cluster, _) = sites(&app)?.delete_cluster(&id, letting.force).await?;
    let goes = cluster.state == ClusterState::Deleting;
    let status = if goes { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(cluster.shown())).into_response())
}

/// Have NFVCL add workers to a cluster
#[utoipa::path(
    post, path = "/v1/os-k8s-clusters/{id}/scale-out", operation_id = "scaleOutOsCluster", tag = "nfvcl",
    params(("id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe")),
    request_body = Option<ScaleOutBody>,
    responses((status = 202, description = "NFVCL adds them", body = OsCluster), Changes)
)]
async fn scale_out(State(app): State<App>, by: By, Path(id): Path<String>, sent: Sent) -> Result<Response, Problem> {
    by.need_everywhere(Role::Admin)?;
    let workers = if sent.bytes.is_empty() { 1 } else { body::shaped::<ScaleOutBody>(sent).await?.workers };
    let (cluster, _) = sites(&app)?.scale_out(&id, workers).await?;
    Ok((StatusCode::ACCEPTED, Json(cluster.shown())).into_response())
}

/// List clusters that others have made, and NFVCL was told of
#[utoipa::path(
    get, path = "/v1/bm-k8s-clusters", operation_id = "listBmClusters", tag = "nfvcl",
    responses((status = 200, description = "All of them", body = Page<BmCluster>), Reads)
)]
async fn list_bare_metal(State(app): State<App>, by: By) -> Result<Json<Page<BmCluster>>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(Page::whole(sites(&app)?.bare_metal().await?)))
}
