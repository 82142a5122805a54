//! The file of a connection: where the world that a scenario describes really is.
//!
//! It is checked against the scenario that it connects: every service and cluster has a counterpart, by its own name where
//! nothing else is said, and no two share one. Paths are from the folder of the file. Secrets are never in it: tokens lie in files
//! of their own, so that a connection can be kept with the scenario.

mod file;
#[cfg(test)]
mod tests;

pub use file::{ConnectionFile, DivisionFile, MovesFile, ProbeFile};

use super::at::At;
use super::error::{InputError, known_names};
use super::file::Files;
use super::read::read;
use super::suite::of_suite;
use crate::model::connection::{
    AlertsAt, ChartsAt, Connection, Counterpart, Division, GrafanaAt, KarmadaAt, Moves, Probe, PrometheusAt, ReleaseAt,
    StartWhenExpr,
};
use crate::model::id::{Id, Table};
use crate::model::scenario::Known;
use crate::units::Span;
use file::{ReleaseFile, ServiceFile, StartWhenFile};
use std::net::SocketAddr;
use std::path::Path;

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
    let grafana = file.grafana.as_ref().map(|grafana| -> Result<_, InputError> {
        let at = at.key("grafana");
        let token_file = token(&grafana.token_file, &at)?;
        let (folder, data_source) = (grafana.folder.clone(), grafana.data_source.clone());
        Ok(GrafanaAt { url: url(&grafana.url, &at.key("url"))?, token_file, folder, data_source })
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
        charts: ChartsAt {
            helm: file.charts.helm.clone().unwrap_or_else(|| "helm".to_owned()).into(),
            plain_hosts: file.charts.plain_hosts.clone(),
        },
        grafana: grafana.transpose()?,
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
        let release = release(written.release.as_ref(), &at.key(name).key("release"))?;
        let ServiceFile { rate, served, latency_p95, cpu_used, replicas, .. } = written;
        if file.prometheus.is_none()
            && [&rate, &served, &latency_p95, &cpu_used, &replicas].into_iter().any(Option::is_some)
        {
            let message = "it is to be measured, but there is no Prometheus; write `prometheus: {url: ...}`";
            return Err(at.key(name).error(message));
        }
        all.push(Counterpart { workload, rate, served, latency_p95, cpu_used, replicas, start_when, release });
    }
    distinct::<I>(all.iter().map(|one| one.workload.clone()).collect(), "Deployment", at)?;
    Ok(all.into_iter().collect())
}

fn release(written: Option<&ReleaseFile>, at: &At<'_>) -> Result<Option<ReleaseAt>, InputError> {
    let Some(ReleaseFile { chart, values, replicas_value }) = written else { return Ok(None) };
    if !chart.starts_with("oci://") {
        let message =
            format!("`{chart}` is no chart in a registry; write `oci://host/repository:tag`, or better its digest");
        return Err(at.key("chart").error(message));
    }
    let (chart, values) = (chart.clone(), values.clone().into());
    Ok(Some(ReleaseAt { chart, values, replicas_value: replicas_value.clone() }))
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
