//! Grafana: a folder of ours, and a dashboard for each graph, service and cluster, under names that stay the same.
//!
//! Grafana has two interfaces. The classic one (`/api`) is in every release and deprecated since 13; the newer one (`/apis`, objects
//! as Kubernetes has them) came with 12. Which one is spoken is decided once, by the version that Grafana says and by what it then
//! serves: where the newer one answers 404, the classic one is spoken.
//!
//! A dashboard is never worth a deployment: every call here is short, and its error is for the log. Nothing here deletes a folder,
//! because others may have put dashboards into it.

mod classic;
mod cluster;
mod dashboard;
mod graph;
mod panel;
mod promql;
mod resources;
mod service;

pub use cluster::Cluster;
pub use dashboard::{Dashboard, Variable};
pub use graph::{Graph, Service};
pub use panel::{Kind, Panel, Place, Query, Unit};

use super::connect::auth_at;
use super::http::{Ask, Auth, Http};
use super::outside::{CallError, Class, Limits, Outside};
use crate::model::connection::GrafanaAt;
use panel::Style;
use resources::Versions;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Short, and few: nobody waits for a dashboard.
const LIMITS: Limits = Limits { each: Duration::from_secs(5), all: Duration::from_secs(10), tries: 3 };
/// Writes that meet a newer version than they were made for.
const CONFLICTS_MAX: usize = 3;

/// Where Grafana is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its address.
    pub url: String,
    /// A token of a service account, or user and password.
    pub auth: Auth,
    /// Its organisation, as the newer interface names it: `default`, `org-2`, `stacks-3`.
    pub namespace: String,
    /// Which data source panels ask; nothing is Grafana's default. A name before Grafana 8, a uid after.
    pub data_source: Option<String>,
}

/// Which interface is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interface {
    Classic,
    Resources(Versions),
}

/// A Grafana that answered.
#[derive(Debug)]
pub struct Grafana {
    http: Http,
    settings: Settings,
    interface: Interface,
    style: Style,
}

/// The folder that dashboards are put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name in addresses; stays the same.
    pub uid: String,
    /// What people see.
    pub title: String,
}

#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    version: String,
}

impl Grafana {
    /// The Grafana of `settings`, asked for its version and interface.
    ///
    /// # Errors
    /// The address is none, or there is no answer.
    pub async fn new(settings: Settings) -> Result<Self, CallError> {
        let http = Http::new("grafana", &settings.url, LIMITS)?.with_auth(settings.auth.clone());
        let health: Health = http.ask_json("health", &Ask::get("/api/health")).await?;
        let major = major(&health.version);
        let style = if major.is_some_and(|major| major < 8) { Style::Graph } else { Style::TimeSeries };
        let versions = Versions::find(&http, &settings.namespace, major).await?;
        let interface = versions.map_or(Interface::Classic, Interface::Resources);
        Ok(Self { http, settings, interface, style })
    }

    /// The Grafana of a connection.
    ///
    /// # Errors
    /// See [`Self::new`]; a file of the token that cannot be read.
    pub async fn open(at: &GrafanaAt) -> Result<Self, CallError> {
        let auth = at.token_file.as_deref().map(auth_at).transpose()?.unwrap_or_default();
        let (url, data_source) = (at.url.clone(), at.data_source.clone());
        Self::new(Settings { url, auth, namespace: "default".to_owned(), data_source }).await
    }

    /// Which interface is spoken: `/api` or `/apis`.
    pub const fn interface(&self) -> &'static str {
        match self.interface {
            Interface::Classic => "/api",
            Interface::Resources(_) => "/apis",
        }
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        self.http.outside()
    }

    /// Makes the folder; that it is there is fine.
    ///
    /// # Errors
    /// No answer, no permission, or another folder has that title.
    pub async fn ensure_folder(&self, folder: &Folder) -> Result<(), CallError> {
        match &self.interface {
            Interface::Classic => classic::ensure_folder(&self.http, folder).await.map(|_id| ()),
            Interface::Resources(versions) => {
                resources::ensure_folder(&self.http, versions, &self.settings.namespace, folder).await
            }
        }
    }

    /// Makes or replaces a dashboard in `folder`.
    ///
    /// # Errors
    /// No answer, no permission, no such folder, or another dashboard there has that title.
    pub async fn apply(&self, folder: &Folder, dashboard: &Dashboard) -> Result<(), CallError> {
        let model = dashboard.model(self.style, self.settings.data_source.as_deref());
        let mut done = self.try_apply(folder, &dashboard.uid, &model).await;
        for _again in 1..CONFLICTS_MAX {
            match done {
                Err(error) if error.class == Class::Conflict => {
                    done = self.try_apply(folder, &dashboard.uid, &model).await;
                }
                _ => break,
            }
        }
        done
    }

    /// Whether there is a dashboard.
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn has(&self, uid: &str) -> Result<bool, CallError> {
        match &self.interface {
            Interface::Classic => classic::has(&self.http, uid).await,
            Interface::Resources(versions) => resources::has(&self.http, versions, &self.settings.namespace, uid).await,
        }
    }

    /// Removes a dashboard; that it is not there is fine.
    ///
    /// # Errors
    /// No answer, or no permission.
    pub async fn remove(&self, uid: &str) -> Result<(), CallError> {
        let removed = match &self.interface {
            Interface::Classic => classic::remove(&self.http, uid).await,
            Interface::Resources(versions) => {
                resources::remove(&self.http, versions, &self.settings.namespace, uid).await
            }
        };
        match removed {
            Err(error) if !error.is_absent() => Err(error),
            _gone => Ok(()),
        }
    }

    async fn try_apply(&self, folder: &Folder, uid: &str, model: &Value) -> Result<(), CallError> {
        match &self.interface {
            Interface::Classic => classic::apply(&self.http, folder, uid, model).await,
            Interface::Resources(versions) => {
                let write = resources::Write { versions, namespace: &self.settings.namespace, folder, uid };
                resources::apply(&self.http, &write, model).await
            }
        }
    }
}

/// A read that may find nothing.
async fn find<T: serde::de::DeserializeOwned>(http: &Http, what: &str, path: &str) -> Result<Option<T>, CallError> {
    match http.ask_json(what, &Ask::get(path)).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The major version, where it is said: anonymous people may not be told.
fn major(version: &str) -> Option<u32> {
    version.split('.').next().and_then(|major| major.parse().ok())
}

/// A name in an address: ours never need escapes.
fn checked<'a>(what: &str, uid: &'a str) -> Result<&'a str, CallError> {
    if !uid.is_empty() && uid.len() <= dashboard::UID_LETTERS_MAX && uid.chars().all(dashboard::is_uid_letter) {
        return Ok(uid);
    }
    let reason = format!("`{uid}` is no uid; wanted at most {} of a-z, A-Z, 0-9, - and _", dashboard::UID_LETTERS_MAX);
    Err(CallError::new("grafana", what, Class::Permanent, reason))
}

impl Folder {
    /// The folder of a connection's dashboards.
    pub fn of(at: &GrafanaAt) -> Self {
        Self { uid: "smo".to_owned(), title: at.folder.clone() }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "folder {}", self.uid)
    }
}

#[cfg(test)]
mod tests;
