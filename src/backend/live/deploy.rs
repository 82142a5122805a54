//! What a graph needs besides replicas: the Helm releases that make its Deployments, and a dashboard.
//!
//! Charts are pulled by their digests first, all of them, and Helm gets the local files. A few Helms work at once, one that works is let
//! end, and one whose turn comes late looks first whether it is still wanted. Helm owns the chart's objects, we own the number of
//! replicas: where the chart sets one, the value that says how many is given the count of now, or an upgrade would reset it. A
//! dashboard that cannot be written is trouble that is noted, and never stops a deployment.

use super::grafana::{Folder, Grafana, Graph, Service};
use super::helm::{Chart, Helm, Hooks, Patience, Release, Settings, Wanted};
use super::http::Auth;
use super::karmada::{DEPLOYMENT, Karmada};
use super::oci::{Kind, Registry};
use super::outside::{CallError, Class};
use super::shared::Shared;
use super::together::{each_to_its_end, together};
use crate::model::connection::{Connection, Counterpart, GrafanaAt, ReleaseAt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a change of a release may take, and how long Helm may take to end after it was asked to.
const PATIENCE: Patience = Patience { limit: Duration::from_mins(2), grace: Duration::from_secs(10) };
/// Two a core: each spends half of its time on waiting for the control plane, and none is to be there for every release of every graph
/// after a restart.
static AT_ONCE: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(2 * available_parallelism().map_or(1, usize::from)));

/// Whether what is asked for here is left to somebody else by now, or to a later start.
pub type IsLeft<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// The label of metrics that tells clusters apart, as in the queries of a connection.
pub const CLUSTER_LABEL: &str = "cluster";

/// The registries of a connection that whoever runs it has written.
pub fn registry(connection: &Connection) -> Registry {
    Registry::new(&connection.charts.plain_hosts, Auth::None)
}

/// Whoever installs the releases of a connection: a Helm, and the charts, which have been pulled.
pub struct Installer<'a> {
    karmada: &'a Karmada,
    /// None where there is nothing to install.
    helm: Option<Helm>,
    /// By their references.
    charts: BTreeMap<String, Chart>,
}

impl<'a> Installer<'a> {
    /// With the charts of `connection`, from `registry`.
    ///
    /// # Errors
    /// A chart that is not there or another, a Helm that is missing or too old.
    pub async fn new(
        karmada: &'a Karmada,
        connection: &Connection,
        registry: &Registry,
    ) -> Result<Installer<'a>, CallError> {
        let releases = connection.services.values().filter_map(|one| one.release.as_ref());
        let references: BTreeSet<&String> = releases.map(|release| &release.chart).collect();
        if references.is_empty() {
            return Ok(Self { karmada, helm: None, charts: BTreeMap::new() });
        }
        let home = home_of(connection);
        let pulled = together(references.iter().map(|reference| chart(registry, reference, &home)));
        let (helm, pulled) = tokio::try_join!(helm(connection), pulled)?;
        let charts = references.into_iter().cloned().zip(pulled).collect();
        Ok(Self { karmada, helm: Some(helm), charts })
    }

    /// Brings all releases to what the connection says.
    ///
    /// # Errors
    /// A Helm that failed; a control plane that does not answer; it is left.
    pub async fn install(&self, connection: &Connection, is_left: IsLeft<'_>) -> Result<(), CallError> {
        let Some(helm) = &self.helm else { return Ok(()) };
        let services = connection.services.values();
        let installs = services.filter_map(|one| Some((&one.workload, one.release.as_ref()?)));
        let installs = installs.map(|(workload, at)| async move {
            // The wait for it is nobody's delay but ours: it is over before Helm's time begins, and before anything is read.
            let _place = place(workload, is_left).await?;
            self.ensure(helm, workload, at).await
        });
        each_to_its_end(installs.collect()).await?;
        Ok(())
    }

    async fn ensure(&self, helm: &Helm, workload: &str, at: &ReleaseAt) -> Result<(), CallError> {
        let release = Release::new(self.karmada.namespace(), workload)?;
        let Some(chart) = self.charts.get(&at.chart).cloned() else {
            let reason = format!("its chart {} was not pulled", at.chart);
            return Err(CallError::new("helm", format!("upgrade {release}"), Class::Permanent, reason));
        };
        let mut values = at.values.clone();
        if let Some(path) = &at.replicas_value {
            let replicas = replicas(self.karmada, workload).await?;
            set(&mut values, path, replicas.into());
        }
        helm.ensure(&Wanted { release, chart, values, hooks: Hooks::Skip }).await?;
        Ok(())
    }
}

/// Brings all releases to what the connection says, with charts from `registry`.
///
/// # Errors
/// A chart that is not there or another, a Helm that is missing or too old, or one that failed; it is left.
pub async fn releases(
    karmada: &Karmada,
    connection: &Connection,
    registry: &Registry,
    is_left: IsLeft<'_>,
) -> Result<(), CallError> {
    Installer::new(karmada, connection, registry).await?.install(connection, is_left).await
}

/// Removes all releases; which the connection has.
///
/// # Errors
/// A Helm that is missing or too old, or one that failed; it is left.
pub async fn uninstall(
    karmada: &Karmada,
    connection: &Connection,
    is_left: IsLeft<'_>,
) -> Result<Vec<String>, CallError> {
    let workloads: Vec<&Counterpart> = connection.services.values().filter(|one| one.release.is_some()).collect();
    if workloads.is_empty() {
        return Ok(Vec::new());
    }
    let helm = helm(connection).await?;
    let removals = workloads.into_iter().map(|counterpart| async {
        let release = Release::new(karmada.namespace(), &counterpart.workload)?;
        let _place = place(&counterpart.workload, is_left).await?;
        if helm.status(&release).await?.is_none() {
            return Ok(None);
        }
        helm.uninstall(&release).await?;
        Ok(Some(format!("Helm release {}", release.name())))
    });
    let removed = each_to_its_end(removals.collect()).await?;
    Ok(removed.into_iter().flatten().collect())
}

async fn helm(connection: &Connection) -> Result<Helm, CallError> {
    let _place = place("Helm's version", &|| false).await?;
    let program = connection.charts.helm.clone();
    let kubeconfig = connection.karmada.kubeconfig.clone();
    Helm::new(Settings { program, kubeconfig, home: home_of(connection), patience: PATIENCE }).await
}

/// A place among the Helms that work at once, until it is dropped; none for what has been left meanwhile.
async fn place(what: &str, is_left: IsLeft<'_>) -> Result<SemaphorePermit<'static>, CallError> {
    let none = |reason: &str| CallError::new("helm", format!("begin with {what}"), Class::Retryable, reason);
    let place = AT_ONCE.acquire().await.map_err(|closed| none(&closed.to_string()))?;
    if is_left() { Err(none("it is left to whoever keeps it next")) } else { Ok(place) }
}

fn home_of(connection: &Connection) -> PathBuf {
    home().join(format!("{}-{}", connection.karmada.namespace, connection.name))
}

/// Where Helm's caches, its locks and pulled charts are kept from run to run.
fn home() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("smo").join("helm")
}

async fn chart(registry: &Registry, reference: &str, home: &std::path::Path) -> Result<Chart, CallError> {
    let pulled = registry.pull(reference, home).await?;
    if pulled.kind == Kind::Chart {
        return Ok(Chart { file: pulled.file, digest: Some(pulled.file_digest) });
    }
    Err(CallError::new(
        "registry",
        format!("pull {reference}"),
        Class::Permanent,
        "it is a descriptor, and no Helm chart",
    ))
}

/// The replicas of a Deployment at present; one where there is none yet.
async fn replicas(karmada: &Karmada, workload: &str) -> Result<u64, CallError> {
    let object = karmada.get(DEPLOYMENT, workload).await?;
    Ok(object.and_then(|object| object.data["spec"]["replicas"].as_u64()).unwrap_or(1))
}

/// Sets a value by its path of keys: `web.replicas`.
fn set(values: &mut Value, path: &str, value: Value) {
    let slot = path.split('.').fold(values, |slot, key| {
        if !slot.is_object() {
            *slot = Value::Object(serde_json::Map::new());
        }
        &mut slot[key]
    });
    *slot = value;
}

/// Writes the dashboard of the graph. What goes wrong is noted.
pub async fn dashboard(shared: std::sync::Arc<Shared>) {
    let Some(at) = shared.connection.grafana.clone() else { return };
    if let Err(error) = write_dashboard(&shared, &at).await {
        shared.note(&error);
    }
}

async fn write_dashboard(shared: &Shared, at: &GrafanaAt) -> Result<(), CallError> {
    let grafana = Grafana::open(at).await?;
    let folder = Folder::of(at);
    grafana.ensure_folder(&folder).await?;
    grafana.apply(&folder, &graph(&shared.connection).dashboard()).await
}

/// Removes the dashboard; whether the connection has one. What goes wrong is no reason to keep the rest.
pub async fn remove_dashboard(connection: &Connection) -> bool {
    let Some(at) = &connection.grafana else { return false };
    match Grafana::open(at).await {
        Ok(grafana) => grafana.remove(&graph(connection).dashboard().uid).await.is_ok(),
        Err(_) => false,
    }
}

fn graph(connection: &Connection) -> Graph {
    let service = |one: &Counterpart| Service { name: one.workload.clone(), rate: one.rate.clone() };
    Graph {
        project: connection.karmada.namespace.clone(),
        name: connection.name.clone(),
        services: connection.services.values().map(service).collect(),
        cluster_label: CLUSTER_LABEL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Helm, Installer, PATIENCE, ReleaseAt, Settings, set};
    use crate::backend::live::karmada::Karmada;
    use crate::backend::live::outside::Class;
    use crate::backend::live::stub::Stub;
    use crate::backend::live::{stand_in, tls};
    use crate::model::connection::Division;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// Another server has taken the graph over while ours waited for a place.
    #[tokio::test]
    async fn whoever_is_left_installs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        std::fs::write(home.join("web.tgz"), b"chart").unwrap();
        let done = r#"{"name":"web","version":1,"info":{"status":"deployed","last_deployed":"2026-12-01T00:00:00Z"}}"#;
        let script = format!(
            "case $1 in version) echo v3.17.2;; upgrade) echo '{done}';; *) echo 'Error: release: not found' >&2; exit 1;; esac"
        );
        std::fs::write(home.join("script"), script).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/live/helm/stub.sh");
        let kubeconfig = home.join("kubeconfig");
        let helm = Helm::new(Settings { program, kubeconfig, home: home.clone(), patience: PATIENCE }).await.unwrap();
        let stub = Stub::of(Vec::new()).await;
        tls::install();
        let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
        let karmada = Karmada::with_client(client, "shop", Division::Own);
        let chart = Chart { file: home.join("web.tgz"), digest: None };
        let charts = BTreeMap::from([("web".to_owned(), chart)]);
        let installer = Installer { karmada: &karmada, helm: Some(helm), charts };
        let mut connection = stand_in::connection();
        let release = ReleaseAt { chart: "web".to_owned(), values: json!({}), replicas_value: None };
        let mut web = stand_in::connection().services.values().next().cloned().unwrap();
        web.release = Some(release);
        connection.services = [web].into_iter().collect();
        let upgrades = || std::fs::read_to_string(home.join("calls")).unwrap().matches("upgrade").count();

        let error = installer.install(&connection, &|| true).await.unwrap_err();
        assert_eq!((error.class, upgrades()), (Class::Retryable, 0));
        installer.install(&connection, &|| false).await.unwrap();
        assert_eq!(upgrades(), 1);
    }

    #[test]
    fn a_value_is_set_by_its_path() {
        let mut values = json!({"image": "a", "web": 3});
        set(&mut values, "web.replicas", 4.into());
        set(&mut values, "replicas", 2.into());
        assert_eq!(values, json!({"image": "a", "web": {"replicas": 4}, "replicas": 2}));
    }
}
