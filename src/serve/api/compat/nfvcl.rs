//! Upstream's routes for NFVCL: its columns, its messages, text where there is nothing.
//!
//! Other than upstream, a VIM can be deleted, an area narrows a sync instead of emptying the table, and a cluster is shown until
//! NFVCL has taken it away.

use super::{in_text, line};
use crate::serve::api::App;
use crate::serve::api::access::By;
use crate::serve::api::body::{self, Sent};
use crate::serve::api::nfvcl::{Area, sites};
use crate::serve::api::openapi::{PlainChanges, PlainReads};
use crate::serve::api::problem::Problem;
use crate::serve::api::queries::Params;
use crate::serve::nfvcl::NfvclError;
use crate::serve::nfvcl::rows::{ClusterRequest, OsCluster, Vim, VimRequest};
use crate::serve::store::rows::Role;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What upstream wants to be said of a VIM, all of it.
const OF_VIM: [&str; 10] = [
    "topology",
    "pop_area",
    "vim_name",
    "vim_tenant_name",
    "vim_user",
    "vim_password",
    "vim_url",
    "mgmt_network",
    "service_network",
    "use_floating_ip",
];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(sync_vims))
        .routes(routes!(list_vims, create_vim))
        .routes(routes!(show_vim, delete_vim))
        .routes(routes!(list_clusters, create_cluster))
        .routes(routes!(show_cluster, delete_cluster))
        .routes(routes!(scale_out))
        .routes(routes!(sync_clusters))
        .routes(routes!(list_bare_metal))
}

/// Take over the VIMs that NFVCL knows
#[utoipa::path(
    get, path = "/vims/sync/nfvcl_vims", operation_id = "upstreamSyncVims", tag = "compatibility",
    responses((status = 200, description = "What is new, else all", body = Object), PlainChanges)
)]
async fn sync_vims(State(app): State<App>, by: By, headers: HeaderMap) -> Response {
    let synced = async {
        by.need_everywhere(Role::Operator)?;
        let found = sites(&app)?.sync_vims().await?;
        let is_new = |vim: &&Vim| found.added.contains(&vim.name);
        let new: Vec<Value> = found.items.iter().filter(is_new).map(Vim::original).collect();
        let all: Vec<Value> = found.items.iter().map(Vim::original).collect();
        let said = match (new.is_empty(), all.is_empty()) {
            (false, _) => json!({"message": "VIMs added successfully", "vims": new}),
            (true, false) => json!({"message": "No new VIMs obtained by the NFVCL. Existing VIMs:", "vims": all}),
            (true, true) => {
                json!({"message": "No new VIMs obtained by the NFVCL and no existing VIMs in the database."})
            }
        };
        Ok(Json(said).into_response())
    };
    in_text(synced.await, &headers)
}

/// List VIMs
#[utoipa::path(
    get, path = "/vims/smo_vims", operation_id = "upstreamListVims", tag = "compatibility", params(Area),
    responses((status = 200, description = "All of them; of an area the first", body = Object), PlainReads)
)]
async fn list_vims(State(app): State<App>, by: By, Params(area): Params<Area>, headers: HeaderMap) -> Response {
    let listed = async {
        by.need(Role::Viewer)?;
        let vims = sites(&app)?.vims(area.pop_area).await?;
        let shown: Vec<Value> = vims.iter().map(Vim::original).collect();
        Ok(match (shown.first(), area.pop_area) {
            (None, _) => line("No Registered VIMs (or check pop_area)"),
            (Some(first), Some(_)) => Json(json!({"SMO VIMs": first})).into_response(),
            (Some(_), None) => Json(json!({"SMO VIMs": shown})).into_response(),
        })
    };
    in_text(listed.await, &headers)
}

/// Make a VIM known to NFVCL
#[utoipa::path(
    post, path = "/vims/smo_vims", operation_id = "upstreamCreateVim", tag = "compatibility", request_body = VimRequest,
    responses((status = 201, description = "NFVCL has it", body = Object), PlainChanges)
)]
async fn create_vim(State(app): State<App>, by: By, sent: Sent) -> Response {
    let headers = sent.headers.clone();
    let created = async {
        by.need_everywhere(Role::Admin)?;
        let mut asked = body::document(sent).await?.value;
        if let Some(missing) = OF_VIM.iter().find(|key| asked.get(*key).is_none()) {
            return Err(Problem::bad_request(format!("'{missing}'")));
        }
        if let Some(fields) = asked.as_object_mut() {
            fields.remove("vim_type");
        }
        let request: VimRequest = shaped(asked)?;
        let (vim, said) = sites(&app)?.create_vim(request).await?;
        let answer = json!({"message": "VIM created successfully", "NFVCL_Response": said, "vim": vim.original()});
        Ok((StatusCode::CREATED, Json(answer)).into_response())
    };
    in_text(created.await, &headers)
}

/// Show a VIM
#[utoipa::path(
    get, path = "/vims/smo_vims/{id}", operation_id = "upstreamGetVim", tag = "compatibility",
    params(("id" = String, Path, description = "Its number", example = "1")),
    responses((status = 200, description = "The VIM", body = Object), PlainReads)
)]
async fn show_vim(State(app): State<App>, by: By, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let shown = async {
        by.need(Role::Viewer)?;
        let vim = sites(&app)?.vim(&id).await.map_err(|error| absent(error, &format!("VIM with SMO ID {id}")))?;
        Ok(Json(vim.original()).into_response())
    };
    in_text(shown.await, &headers)
}

/// Take a VIM away from NFVCL
#[utoipa::path(
    delete, path = "/vims/smo_vims/{id}", operation_id = "upstreamDeleteVim", tag = "compatibility",
    params(("id" = String, Path, description = "Its number", example = "1")),
    responses((status = 200, description = "It is gone", body = Object), PlainChanges)
)]
async fn delete_vim(State(app): State<App>, by: By, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let deleted = async {
        by.need_everywhere(Role::Admin)?;
        let done = sites(&app)?.delete_vim(&id).await;
        let (_, said) = done.map_err(|error| absent(error, &format!("VIM with SMO ID {id}")))?;
        let message = format!("VIM with SMO ID {id} deleted successfully");
        Ok(Json(json!({"message": message, "NFVCL_Response": said})).into_response())
    };
    in_text(deleted.await, &headers)
}

/// List clusters of NFVCL
#[utoipa::path(
    get, path = "/os_k8s/clusters", operation_id = "upstreamListOsClusters", tag = "compatibility",
    responses((status = 200, description = "All of them", body = Vec<Object>), PlainReads)
)]
async fn list_clusters(State(app): State<App>, by: By, headers: HeaderMap) -> Response {
    let listed = async {
        by.need(Role::Viewer)?;
        let clusters = sites(&app)?.clusters(None).await?;
        if clusters.is_empty() {
            return Ok(line("No Registered OS_K8S Clusters"));
        }
        Ok(Json(clusters.iter().map(OsCluster::original).collect::<Vec<_>>()).into_response())
    };
    in_text(listed.await, &headers)
}

/// Have NFVCL make a cluster
#[utoipa::path(
    post, path = "/os_k8s/clusters", operation_id = "upstreamCreateOsCluster", tag = "compatibility",
    request_body = ClusterRequest,
    responses((status = 201, description = "NFVCL makes it", body = Object), PlainChanges)
)]
async fn create_cluster(State(app): State<App>, by: By, sent: Sent) -> Response {
    let headers = sent.headers.clone();
    let created = async {
        by.need_everywhere(Role::Admin)?;
        let request: ClusterRequest = shaped(body::document(sent).await?.value)?;
        let (_, said) = sites(&app)?.create_cluster(request).await?;
        let answer = json!({"message": "OS K8S cluster created successfully", "NFVCL_Response": said});
        Ok((StatusCode::CREATED, Json(answer)).into_response())
    };
    in_text(created.await, &headers)
}

/// Show a cluster of NFVCL
#[utoipa::path(
    get, path = "/os_k8s/cluster/{smo_id}", operation_id = "upstreamGetOsCluster", tag = "compatibility",
    params(("smo_id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe")),
    responses((status = 200, description = "The cluster", body = Object), PlainReads)
)]
async fn show_cluster(State(app): State<App>, by: By, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let shown = async {
        by.need(Role::Viewer)?;
        Ok(Json(sites(&app)?.cluster(&id).await?.original()).into_response())
    };
    in_text(shown.await, &headers)
}

/// Have NFVCL take a cluster away
#[utoipa::path(
    delete, path = "/os_k8s/cluster/{smo_id}", operation_id = "upstreamDeleteOsCluster", tag = "compatibility",
    params(("smo_id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe")),
    responses((status = 200, description = "NFVCL takes it away", body = Object), PlainChanges)
)]
async fn delete_cluster(State(app): State<App>, by: By, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let deleted = async {
        by.need_everywhere(Role::Admin)?;
        sites(&app)?.delete_cluster(&id, false).await?;
        Ok(Json(json!({"message": "OS K8S cluster deleted successfully"})).into_response())
    };
    in_text(deleted.await, &headers)
}

/// Have NFVCL add a worker to a cluster
#[utoipa::path(
    post, path = "/os_k8s/scale-out/{smo_id}", operation_id = "upstreamScaleOutOsCluster", tag = "compatibility",
    params(("smo_id" = String, Path, description = "Its id", example = "OS_K8S_4_aBcDe")),
    responses((status = 200, description = "NFVCL adds it", body = Object), PlainChanges)
)]
async fn scale_out(State(app): State<App>, by: By, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let scaled = async {
        by.need_everywhere(Role::Admin)?;
        sites(&app)?.scale_out(&id, 1).await?;
        Ok(Json(json!({"message": "Node added to k8s cluster successfully"})).into_response())
    };
    in_text(scaled.await, &headers)
}

/// Take over the clusters that NFVCL has
#[utoipa::path(
    post, path = "/os_k8s/sync/nfvcl_k8s", operation_id = "upstreamSyncOsClusters", tag = "compatibility", params(Area),
    responses((status = 200, description = "What was new, changed, gone", body = Vec<Object>), PlainChanges)
)]
async fn sync_clusters(State(app): State<App>, by: By, Params(area): Params<Area>, headers: HeaderMap) -> Response {
    let synced = async {
        by.need_everywhere(Role::Operator)?;
        let found = sites(&app)?.sync_clusters(area.pop_area).await?;
        let of = |ids: &[String]| -> Vec<Value> {
            found.items.iter().filter(|row| ids.contains(&row.id)).map(OsCluster::original).collect()
        };
        let mut said = Vec::new();
        if !found.added.is_empty() {
            let message = "New Openstack k8s added successfully";
            said.push(json!({"message": message, "added_nfvcl_k8s": of(&found.added)}));
        }
        if !found.updated.is_empty() {
            let message = "Existing Openstack k8s updated successfully";
            said.push(json!({"message": message, "updated_nfvcl_k8s": of(&found.updated)}));
        }
        if !found.deleted.is_empty() {
            let message = "Deleted Openstack k8s successfully";
            said.push(json!({"message": message, "deleted_nfvcl_k8s": found.deleted}));
        }
        if said.is_empty() {
            said.push(json!({"message": "Openstack k8s are already synced with NFVCL"}));
        }
        Ok(Json(said).into_response())
    };
    in_text(synced.await, &headers)
}

/// List clusters that others have made, and NFVCL was told of
#[utoipa::path(
    get, path = "/bm_k8s/clusters", operation_id = "upstreamListBmClusters", tag = "compatibility",
    responses((status = 200, description = "All of them", body = Vec<Object>), PlainReads)
)]
async fn list_bare_metal(State(app): State<App>, by: By, headers: HeaderMap) -> Response {
    let listed = async {
        by.need(Role::Viewer)?;
        Ok(Json(sites(&app)?.bare_metal().await?).into_response())
    };
    in_text(listed.await, &headers)
}

/// What is not as it should be is a 400, as by the original.
fn shaped<T: serde::de::DeserializeOwned>(asked: Value) -> Result<T, Problem> {
    serde_json::from_value(asked).map_err(|error| Problem::bad_request(error.to_string()))
}

/// What is not there, in the original's words.
fn absent(error: NfvclError, what: &str) -> Problem {
    match error {
        NfvclError::Absent(_) => Problem::not_found(format!("{what} not found")),
        error => error.into(),
    }
}
