//! The file of a connection: where the world that a scenario describes really is.
//!
//! It is checked against the scenario that it connects: every service and cluster has a counterpart, by its own name where
//! nothing else is said, and no two share one. Paths are from the folder of the file. Secrets are never in it: tokens lie in files
//! of their own, so that a connection can be kept with the scenario.

use super::at::At;
use super::error::{InputError, known_names};
use super::file::Files;
use super::read::read;
use super::suite::of_suite;
use crate::model::connection::{
    AlertsAt, Connection, Counterpart, Division, KarmadaAt, Moves, Probe, PrometheusAt, StartWhenExpr,
};
use crate::model::id::{Id, Table};
use crate::model::scenario::Known;
use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

/// Where the world that a scenario describes really is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionFile {
    /// The control plane.
    pub karmada: KarmadaFile,
    /// What clusters of the scenario are called in Karmada; those that are not named are called as in the scenario.
    #[serde(default)]
    pub clusters: BTreeMap<String, String>,
    /// What services of the scenario are there, and how they are measured.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceFile>,
    /// Where metrics are.
    #[serde(default)]
    pub prometheus: Option<PrometheusFile>,
    /// How replicas are moved.
    #[serde(default)]
    pub moves: MovesFile,
    /// How losses of clusters are noticed.
    #[serde(default)]
    pub probe: ProbeFile,
    /// Where alerts of Alertmanager are received.
    #[serde(default)]
    pub alerts: Option<AlertsFile>,
}

/// A Karmada control plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KarmadaFile {
    /// The kubeconfig of the Karmada API, from the folder of this file.
    pub kubeconfig: String,
    /// Its context; where nothing is said, the current one.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace of the application.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// Who divides replicas among clusters: `own` (we do, by one write of the binding) or `weights` (Karmada's scheduler, by
    /// static weights that are the wanted counts).
    #[serde(default)]
    pub division: DivisionFile,
}

/// Who divides replicas.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DivisionFile {
    /// We do.
    #[default]
    Own,
    /// Karmada's scheduler does.
    Weights,
}

/// A service.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceFile {
    /// Name of its Deployment; where nothing is said, the service's.
    pub workload: Option<String>,
    /// PromQL: requests per second that arrive, over all clusters; results are summed.
    pub rate: Option<String>,
    /// PromQL: requests per second that are answered, over all clusters; results are summed.
    pub served: Option<String>,
    /// PromQL: the 95th percentile of the latency, in seconds; of several results the largest counts.
    pub latency_p95: Option<String>,
    /// PromQL: cores in use, with a label `cluster` that names the cluster as Karmada does.
    pub cpu_used: Option<String>,
    /// PromQL: ready replicas, with a label `cluster`; only `smo observe` needs it, for what `smo fit` reads.
    pub replicas: Option<String>,
    /// For a service that waits for an event (`start_when` of the scenario): the same event as Prometheus sees it. It becomes a
    /// rule, whose alert wakes the service.
    pub start_when: Option<StartWhenFile>,
}

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartWhenFile {
    /// PromQL that has to give something.
    pub expr: String,
    /// For so long.
    #[serde(default, rename = "for")]
    pub lasting: Span,
}

/// A Prometheus.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusFile {
    /// Its address: `http://prometheus.monitoring:9090`.
    pub url: String,
    /// A file with a bearer token, from the folder of this file.
    #[serde(default)]
    pub token_file: Option<String>,
}

/// Alerts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertsFile {
    /// Address to listen at: `127.0.0.1:8000`. Alertmanager posts to `/alerts` there.
    pub listen: String,
    /// A file with the bearer token that Alertmanager has to show.
    #[serde(default)]
    pub token_file: Option<String>,
    /// Labels that make the Prometheus operator take our rules, as its `ruleSelector` wants them: `{release: monitoring}`.
    #[serde(default)]
    pub rule_labels: BTreeMap<String, String>,
}

/// How replicas are moved: new ones are ready before old ones go.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MovesFile {
    /// From the write until the new replicas have to be ready; then what was before is restored.
    pub timeout: Span,
}

impl Default for MovesFile {
    fn default() -> Self {
        Self { timeout: Span(120_000_000_000) }
    }
}

/// How the loss of a cluster is noticed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeFile {
    /// From one question to the next, and how long an answer may take.
    pub every: Span,
    /// So many questions in a row without an answer: the cluster is lost.
    pub lost_after: u32,
    /// It has to answer for so long before it counts as back.
    pub back_after: Span,
}

impl Default for ProbeFile {
    fn default() -> Self {
        Self { every: Span(1_000_000_000), lost_after: 3, back_after: Span(30_000_000_000) }
    }
}

fn namespace() -> String {
    "default".to_owned()
}

/// JSON Schema of a connection, made from the types that read it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ConnectionFile).to_value()
}

/// The name and the control plane of a connection, without a scenario.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn control_plane(path: &Path) -> Result<(String, KarmadaAt), InputError> {
    let mut files = Files::of(path);
    let root = files.read_scenario(path).map_err(of_connection)?;
    let file: ConnectionFile = read(&root).map_err(of_connection)?;
    Ok((name(path), karmada(&file, &files, &At::root(&root).key("karmada"))?))
}

fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| "live".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn karmada(file: &ConnectionFile, files: &Files, at: &At<'_>) -> Result<KarmadaAt, InputError> {
    Ok(KarmadaAt {
        kubeconfig: existing(files, &file.karmada.kubeconfig, &at.key("kubeconfig"))?,
        context: file.karmada.context.clone(),
        namespace: object_name(&file.karmada.namespace, &at.key("namespace"))?,
        division: match file.karmada.division {
            DivisionFile::Own => Division::Own,
            DivisionFile::Weights => Division::Weights,
        },
    })
}

/// Reads and checks the connection of a scenario.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(path: &Path, known: &Known) -> Result<Connection, InputError> {
    let mut files = Files::of(path);
    let root = files.read_scenario(path).map_err(of_connection)?;
    let file: ConnectionFile = read(&root).map_err(of_connection)?;
    let at = At::root(&root);
    let clusters = clusters(&file, known, &at.key("clusters"))?;
    let services = services(&file, known, &at.key("services"))?;
    let (probe, token) = (&file.probe, |written: &Option<String>, at: &At<'_>| match written {
        Some(written) => existing(&files, written, &at.key("token_file")).map(Some),
        None => Ok(None),
    });
    for (span, at) in
        [(probe.every, at.key("probe").key("every")), (file.moves.timeout, at.key("moves").key("timeout"))]
    {
        if span < Span(100_000_000) {
            return Err(at.error(format!("{span} is too short; write at least `100 ms`")));
        }
    }
    if probe.lost_after == 0 {
        let at = at.key("probe").key("lost_after");
        return Err(at.error("a cluster cannot be lost before it was asked; write at least 1"));
    }
    let prometheus = file.prometheus.as_ref().map(|prometheus| -> Result<_, InputError> {
        let at = at.key("prometheus");
        Ok(PrometheusAt { url: url(&prometheus.url, &at.key("url"))?, token_file: token(&prometheus.token_file, &at)? })
    });
    let alerts = file.alerts.as_ref().map(|alerts| -> Result<_, InputError> {
        let at = at.key("alerts");
        let listen: SocketAddr = alerts.listen.parse().map_err(|_| {
            at.key("listen").error(format!("`{}` is no address; write it like `127.0.0.1:8000`", alerts.listen))
        })?;
        Ok(AlertsAt { listen, token_file: token(&alerts.token_file, &at)?, rule_labels: alerts.rule_labels.clone() })
    });
    Ok(Connection {
        name: object_name(&name(path), &at)?,
        karmada: karmada(&file, &files, &at.key("karmada"))?,
        clusters,
        services,
        prometheus: prometheus.transpose()?,
        moves: Moves { timeout: file.moves.timeout },
        probe: Probe { every: probe.every, lost_after: probe.lost_after, back_after: probe.back_after },
        alerts: alerts.transpose()?,
    })
}

/// A reader of connections speaks of their schema.
fn of_connection(error: InputError) -> InputError {
    let InputError::File(mut mistake) = of_suite(error) else { unreachable!("only files are read") };
    for text in [Some(&mut mistake.what), mistake.remedy.as_mut()].into_iter().flatten() {
        *text = text.replace("smo bench schema", "smo run --schema");
    }
    InputError::File(mistake)
}

fn existing(files: &Files, written: &str, at: &At<'_>) -> Result<std::path::PathBuf, InputError> {
    if files.is_file(written) {
        return files.path(written, at);
    }
    Err(at.error(format!("there is no file `{written}`; write its path from the folder of this file")))
}

fn url(written: &str, at: &At<'_>) -> Result<String, InputError> {
    let host = ["http://", "https://"].iter().find_map(|scheme| written.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(written.trim_end_matches('/').to_owned()),
        _ => Err(at.error(format!("`{written}` is no address; write it like `http://prometheus.monitoring:9090`"))),
    }
}

fn object_name(name: &str, at: &At<'_>) -> Result<String, InputError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let fits = !name.is_empty()
        && name.len() <= 63
        && name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(|letter| plain(letter) || letter == '-');
    let wrong = || at.error(format!("`{name}` is no Kubernetes name; use up to 63 lower-case letters, digits and `-`"));
    if fits { Ok(name.to_owned()) } else { Err(wrong()) }
}

fn clusters<I: Id>(file: &ConnectionFile, known: &Known, at: &At<'_>) -> Result<Table<I, String>, InputError> {
    let names: Vec<&str> = known.clusters.values().map(|cluster| cluster.name.as_str()).collect();
    if let Some(stranger) = file.clusters.keys().find(|name| !names.contains(&name.as_str())) {
        let known = known_names(stranger, "clusters", &names);
        return Err(at.key(stranger).error(format!("the scenario has no cluster `{stranger}`; {known}")));
    }
    let called = |name: &&str| file.clusters.get(*name).cloned().unwrap_or_else(|| (*name).to_owned());
    distinct(names.iter().map(called).collect(), "cluster of Karmada", at)
}

fn services<I: Id>(file: &ConnectionFile, known: &Known, at: &At<'_>) -> Result<Table<I, Counterpart>, InputError> {
    let names: Vec<&str> = known.application.services.values().map(|service| service.name.as_str()).collect();
    if let Some(stranger) = file.services.keys().find(|name| !names.contains(&name.as_str())) {
        let known = known_names(stranger, "services", &names);
        return Err(at.key(stranger).error(format!("the scenario has no service `{stranger}`; {known}")));
    }
    let mut all = Vec::new();
    for name in &names {
        let written = file.services.get(*name).cloned().unwrap_or_default();
        let workload = object_name(written.workload.as_deref().unwrap_or(name), &at.key(name).key("workload"))?;
        let conditional =
            known.application.conditions.iter().any(|(one, _)| known.application.services[*one].name == *name);
        let start_when = start_when((file, written.start_when.as_ref()), conditional, &at.key(name))?;
        let ServiceFile { rate, served, latency_p95, cpu_used, replicas, .. } = written;
        if file.prometheus.is_none()
            && [&rate, &served, &latency_p95, &cpu_used, &replicas].into_iter().any(Option::is_some)
        {
            let message = "it is to be measured, but there is no Prometheus; write `prometheus: {url: ...}`";
            return Err(at.key(name).error(message));
        }
        all.push(Counterpart { workload, rate, served, latency_p95, cpu_used, replicas, start_when });
    }
    distinct::<I>(all.iter().map(|one| one.workload.clone()).collect(), "Deployment", at)?;
    Ok(all.into_iter().collect())
}

/// The event of a service, which the scenario has to say it waits for.
fn start_when(
    (file, written): (&ConnectionFile, Option<&StartWhenFile>),
    conditional: bool,
    at: &At<'_>,
) -> Result<Option<StartWhenExpr>, InputError> {
    match (written, conditional) {
        (None, false) => Ok(None),
        (None, true) => {
            let message =
                "it waits for an event, and nothing says how Prometheus sees that; write `start_when: {expr: ...}`";
            Err(at.error(message))
        }
        (Some(_), false) => {
            let message = "the scenario does not say that it waits for an event; write `start_when` there too";
            Err(at.key("start_when").error(message))
        }
        (Some(_), true) if file.prometheus.is_none() || file.alerts.is_none() => {
            let message =
                "an event needs a Prometheus and a place where alerts come in; write `prometheus` and `alerts`";
            Err(at.key("start_when").error(message))
        }
        (Some(written), true) => Ok(Some(StartWhenExpr { expr: written.expr.clone(), lasting: written.lasting })),
    }
}

/// The names, unless two are equal.
fn distinct<I: Id>(names: Vec<String>, what: &str, at: &At<'_>) -> Result<Table<I, String>, InputError> {
    let double = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    match double {
        Some((_, name)) => Err(at.error(format!("the {what} `{name}` stands for two; each needs its own"))),
        None => Ok(names.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests;
