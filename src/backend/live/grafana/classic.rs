//! The classic interface: `/api`.
//!
//! A dashboard is written with the version that it replaces and without `overwrite`: that word would also replace somebody else's
//! dashboard of the same title.

use super::{Folder, checked, find};
use crate::backend::live::http::{Ask, Http};
use crate::backend::live::outside::{CallError, Class};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct FolderFound {
    id: i64,
}

#[derive(Deserialize)]
struct DashboardFound {
    dashboard: Version,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: i64,
}

/// Makes the folder where it is not there; its number is what releases before 8 want to know.
pub(super) async fn ensure_folder(http: &Http, folder: &Folder) -> Result<i64, CallError> {
    let what = folder.to_string();
    let path = format!("/api/folders/{}", checked(&what, &folder.uid)?);
    if let Some(FolderFound { id }) = find(http, &what, &path).await? {
        return Ok(id);
    }
    let body = json!({"uid": folder.uid, "title": folder.title});
    match http.ask_json(&what, &Ask::write(Method::POST, "/api/folders", body)).await {
        Ok(FolderFound { id }) => Ok(id),
        // Somebody made it meanwhile, or another one has the title.
        Err(error) if error.class == Class::Conflict => match find(http, &what, &path).await? {
            Some(FolderFound { id }) => Ok(id),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Makes or replaces a dashboard.
pub(super) async fn apply(http: &Http, folder: &Folder, uid: &str, model: &Value) -> Result<(), CallError> {
    let what = format!("dashboard {uid}");
    let path = format!("/api/dashboards/uid/{}", checked(&what, uid)?);
    let folder_id = ensure_folder(http, folder).await?;
    let found: Option<DashboardFound> = find(http, &what, &path).await?;
    let mut dashboard = model.clone();
    dashboard["uid"] = json!(uid);
    dashboard["version"] = json!(found.map(|found| found.dashboard.version));
    let body = json!({"dashboard": dashboard, "folderId": folder_id, "folderUid": folder.uid, "overwrite": false,
        "message": "written by smo"});
    http.ask(&what, &Ask::write(Method::POST, "/api/dashboards/db", body)).await.map(|_written| ())
}

/// Whether there is a dashboard.
pub(super) async fn has(http: &Http, uid: &str) -> Result<bool, CallError> {
    let what = format!("dashboard {uid}");
    let path = format!("/api/dashboards/uid/{}", checked(&what, uid)?);
    Ok(find::<DashboardFound>(http, &what, &path).await?.is_some())
}

/// Removes a dashboard.
pub(super) async fn remove(http: &Http, uid: &str) -> Result<(), CallError> {
    let what = format!("dashboard {uid}");
    let path = format!("/api/dashboards/uid/{}", checked(&what, uid)?);
    http.ask(&what, &Ask { method: Method::DELETE, ..Ask::get(&path) }).await.map(|_removed| ())
}
