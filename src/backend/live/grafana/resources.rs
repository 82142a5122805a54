//! The newer interface: `/apis`, objects as Kubernetes has them, from Grafana 12 on.

use super::{Folder, checked, find};
use crate::backend::live::http::{Ask, Http};
use crate::backend::live::outside::{CallError, Class};
use reqwest::Method;
use serde_json::{Value, json};

/// The first major release that has this interface.
const FIRST_MAJOR: u32 = 12;
/// Versions of the two groups that are spoken, the one preferred first. `v2` has another model of a dashboard.
const KNOWN: [&str; 2] = ["v1", "v1beta1"];
const DASHBOARDS: (&str, &str) = ("dashboard.grafana.app", "dashboards");
const FOLDERS: (&str, &str) = ("folder.grafana.app", "folders");

/// Which versions this Grafana serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions {
    dashboards: &'static str,
    folders: &'static str,
}

/// One write of a dashboard.
pub(super) struct Write<'a> {
    pub(super) versions: &'a Versions,
    pub(super) namespace: &'a str,
    pub(super) folder: &'a Folder,
    pub(super) uid: &'a str,
}

impl Versions {
    /// The versions that a Grafana of this major release serves; nothing where it does not speak this interface.
    pub(super) async fn find(http: &Http, namespace: &str, major: Option<u32>) -> Result<Option<Self>, CallError> {
        if major.is_some_and(|major| major < FIRST_MAJOR) {
            return Ok(None);
        }
        let Some(dashboards) = served(http, namespace, DASHBOARDS).await? else { return Ok(None) };
        let Some(folders) = served(http, namespace, FOLDERS).await? else { return Ok(None) };
        Ok(Some(Self { dashboards, folders }))
    }
}

/// The first known version that answers a list.
async fn served(http: &Http, namespace: &str, kind: (&str, &str)) -> Result<Option<&'static str>, CallError> {
    for version in KNOWN {
        let path = collection(version, namespace, kind);
        match http.ask("interface", &Ask::get(&path).with("limit", "1")).await {
            Ok(_list) => return Ok(Some(version)),
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn collection(version: &str, namespace: &str, (group, plural): (&str, &str)) -> String {
    format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}")
}

/// Makes the folder where it is not there.
pub(super) async fn ensure_folder(
    http: &Http,
    versions: &Versions,
    namespace: &str,
    folder: &Folder,
) -> Result<(), CallError> {
    let what = folder.to_string();
    let all = collection(versions.folders, namespace, FOLDERS);
    let one = format!("{all}/{}", checked(&what, &folder.uid)?);
    if find::<Value>(http, &what, &one).await?.is_some() {
        return Ok(());
    }
    let object = json!({"apiVersion": format!("{}/{}", FOLDERS.0, versions.folders), "kind": "Folder",
        "metadata": {"name": folder.uid}, "spec": {"title": folder.title}});
    match http.ask(&what, &Ask::write(Method::POST, &all, object)).await {
        // Somebody made it meanwhile.
        Err(error) if error.class == Class::Conflict => Ok(()),
        done => done.map(|_made| ()),
    }
}

/// Makes or replaces a dashboard.
pub(super) async fn apply(http: &Http, write: &Write<'_>, model: &Value) -> Result<(), CallError> {
    let Write { versions, namespace, folder, uid } = write;
    let what = format!("dashboard {uid}");
    let all = collection(versions.dashboards, namespace, DASHBOARDS);
    let one = format!("{all}/{}", checked(&what, uid)?);
    ensure_folder(http, versions, namespace, folder).await?;
    let mut object = json!({"apiVersion": format!("{}/{}", DASHBOARDS.0, versions.dashboards), "kind": "Dashboard",
        "metadata": {"name": uid, "annotations": {"grafana.app/folder": folder.uid}}, "spec": model});
    let ask = match find::<Value>(http, &what, &one).await? {
        None => Ask::write(Method::POST, &all, object),
        Some(found) => {
            object["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
            Ask::write(Method::PUT, &one, object)
        }
    };
    http.ask(&what, &ask).await.map(|_written| ())
}

/// Whether there is a dashboard.
pub(super) async fn has(http: &Http, versions: &Versions, namespace: &str, uid: &str) -> Result<bool, CallError> {
    let what = format!("dashboard {uid}");
    let path = format!("{}/{}", collection(versions.dashboards, namespace, DASHBOARDS), checked(&what, uid)?);
    Ok(find::<Value>(http, &what, &path).await?.is_some())
}

/// Removes a dashboard.
pub(super) async fn remove(http: &Http, versions: &Versions, namespace: &str, uid: &str) -> Result<(), CallError> {
    let what = format!("dashboard {uid}");
    let path = format!("{}/{}", collection(versions.dashboards, namespace, DASHBOARDS), checked(&what, uid)?);
    http.ask(&what, &Ask { method: Method::DELETE, ..Ask::get(&path) }).await.map(|_removed| ())
}
