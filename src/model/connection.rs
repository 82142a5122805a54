//! Where the real world is: how a scenario's services and clusters are called there, and what is asked of whom.
//!
//! A scenario says what the world is like, a connection says where it is. The same scenario runs in simulation without one, and
//! in shadow or live with one.

use super::id::{ClusterId, ServiceId, Table};
use crate::units::Span;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A real world that a scenario describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name: that of the file. The state of what is driven lies under it on the control plane.
    pub name: String,
    /// The control plane.
    pub karmada: KarmadaAt,
    /// What each cluster is called there.
    pub clusters: Table<ClusterId, String>,
    /// What each service is there.
    pub services: Table<ServiceId, Counterpart>,
    /// Where metrics are; without it nothing is measured, and policies see no rates.
    pub prometheus: Option<PrometheusAt>,
    /// How replicas are moved.
    pub moves: Moves,
    /// How losses of clusters are noticed.
    pub probe: Probe,
    /// Where alerts are received, if they are.
    pub alerts: Option<AlertsAt>,
}

/// A Karmada control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KarmadaAt {
    /// The kubeconfig.
    pub kubeconfig: PathBuf,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// The namespace of the application.
    pub namespace: String,
    /// Who divides replicas among clusters.
    pub division: Division,
}

/// Who divides the replicas of a workload among clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Division {
    /// We do, by a scheduler name of our own and one write of the binding: a move is atomic.
    #[default]
    Own,
    /// Karmada's scheduler does, by static weights that are the wanted counts: for control planes where the default scheduler
    /// has to stay in charge.
    Weights,
}

/// A service in the real world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterpart {
    /// Name of its Deployment.
    pub workload: String,
    /// PromQL: requests per second that arrive, over all clusters.
    pub rate: Option<String>,
    /// PromQL: requests per second that are answered, over all clusters.
    pub served: Option<String>,
    /// PromQL: the 95th percentile of the latency, in seconds.
    pub latency_p95: Option<String>,
    /// PromQL: cores in use, one result for each cluster, which the label `cluster` names as Karmada does.
    pub cpu_used: Option<String>,
    /// PromQL: ready replicas, one result for each cluster, for recordings: bindings tell only the present.
    pub replicas: Option<String>,
    /// The event that it waits for, where it is conditional.
    pub start_when: Option<StartWhenExpr>,
}

/// An event as Prometheus sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWhenExpr {
    /// PromQL that has to give something.
    pub expr: String,
    /// For so long.
    pub lasting: Span,
}

/// A Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusAt {
    /// Its address, without a path.
    pub url: String,
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
}

/// Where alerts of Alertmanager are received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertsAt {
    /// Address to listen at.
    pub listen: SocketAddr,
    /// A file with the bearer token that Alertmanager has to show.
    pub token_file: Option<PathBuf>,
    /// Labels of the `PrometheusRule` that make the operator take it.
    pub rule_labels: BTreeMap<String, String>,
}

/// How replicas are moved from cluster to cluster: those in the new one are ready before those in the old one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// From the write until the new replicas have to be ready; then what was before is restored.
    pub timeout: Span,
}

/// How the loss of a cluster is noticed: its API server is asked through the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// From one question to the next, and how long an answer may take.
    pub every: Span,
    /// So many questions in a row without an answer: it is lost.
    pub lost_after: u32,
    /// It has to answer for so long before it counts as back: a cluster that comes and goes is not one to return to.
    pub back_after: Span,
}
