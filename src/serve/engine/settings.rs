//! What the engine has to know of the server's configuration, in the model's types: so that it can be tried without any file.

use crate::backend::live::http::Auth;
use crate::backend::live::oci::Registry;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::reach::Reach;
use crate::model::connection::{
    ChartsAt, Connection, Counterpart, Division, GrafanaAt, KarmadaAt, Moves, Probe, PrometheusAt, ReleaseAt,
};
use crate::model::control::Rails;
use crate::model::id::Table;
use crate::model::scenario::Learn;
use crate::model::{ClusterId, ServiceId};
use crate::policy::PolicySpec;
use crate::serve::at::At;
use crate::serve::config::{Charts, PrometheusConfig, RulesAt, Submariner};
use crate::serve::store::rows::Graph;
use crate::units::Span;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A Karmada control plane, for all namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlPlane {
    /// The kubeconfig.
    pub kubeconfig: PathBuf,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// Who divides replicas among clusters.
    pub division: Division,
}

/// What the engine has to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are: what leases are held by.
    pub me: String,
    /// The control plane; without one, nothing is deployed.
    pub karmada: Option<ControlPlane>,
    /// Submariner's broker, where it is not on the control plane.
    pub submariner: Option<Submariner>,
    /// Where metrics are; without it nothing is measured and no event is seen.
    pub prometheus: Option<PrometheusAt>,
    /// PromQL of what is measured of a service, where the graph says none.
    pub queries: Option<PrometheusConfig>,
    /// Where dashboards are shown, if they are.
    pub grafana: Option<GrafanaAt>,
    /// The label of metrics that tells clusters apart, as dashboards ask for it.
    pub cluster_label: String,
    /// Where charts and descriptors come from.
    pub charts: Charts,
    /// Where rules are written.
    pub rules: RulesAt,
    /// Labels of `PrometheusRule` objects that make the operator take them.
    pub rule_labels: BTreeMap<String, String>,
    /// The policy of graphs that say none.
    pub policy: PolicySpec,
    /// From one decision to the next.
    pub every: Span,
    /// Limits on every decision.
    pub rails: Rails,
    /// Windows of the calendar in which nothing is changed.
    pub freezes: Vec<(At, At)>,
    /// How replicas are moved.
    pub moves: Moves,
    /// How losses of clusters are noticed.
    pub probe: Probe,
    /// Capacities of services, as `smo fit` wrote them.
    pub capacities: Option<PathBuf>,
    /// How capacities are fitted while graphs run, if they are.
    pub learn: Option<Learn>,
    /// The clusters, where there is no control plane: dry runs are made on it.
    pub inventory: Option<PathBuf>,
    /// Whether policies decide of their own accord after the first placement: by load, or for a better place.
    pub decides: bool,
    /// Whether charts are given what descriptors say of resources and of devices, where they themselves say nothing.
    pub inject_resources: bool,
    /// From the begin of a deployment until all of it has to be ready.
    pub deploy_timeout: Duration,
}

/// What each service of a run is deployed from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Releases {
    /// Charts by digest, by service.
    pub charts: BTreeMap<String, String>,
    /// Values, by service.
    pub values: BTreeMap<String, Value>,
}

impl Settings {
    /// The control plane, as a project sees it.
    ///
    /// # Errors
    /// There is none.
    pub fn karmada_at(&self, project: &str) -> Result<KarmadaAt, CallError> {
        let none = || {
            let reason = "the server has no control plane; set `karmada.kubeconfig`, dry runs are possible without";
            CallError::new("smo", "find the control plane", Class::Permanent, reason)
        };
        let plane = self.karmada.as_ref().ok_or_else(none)?;
        Ok(KarmadaAt {
            kubeconfig: plane.kubeconfig.clone(),
            context: plane.context.clone(),
            namespace: project.to_owned(),
            division: plane.division,
        })
    }

    /// Where the services of a graph are in the real world. `scaled` are those whose capacity is known: load matters to these alone,
    /// unless others are learnt. `releases` are what they are deployed from, where that is to be seen to.
    ///
    /// # Errors
    /// There is no control plane.
    pub fn connection(
        &self,
        graph: &Graph,
        (clusters, services): (Vec<String>, &[String]),
        (scaled, releases): (&BTreeSet<String>, Option<&Releases>),
    ) -> Result<Connection, CallError> {
        let counterpart = |name: &String| {
            let options = graph.options.services.get(name);
            let rate = self.rate_of(graph, name);
            let is_measured = self.decides && self.prometheus.is_some();
            let is_scaled = is_measured && (self.learn.is_some() || scaled.contains(name));
            let queries = self.queries.as_ref().filter(|_| is_measured);
            let query = |of: fn(&PrometheusConfig, &str, &str) -> Option<String>| of(queries?, &graph.project, name);
            let release = releases.and_then(|releases| {
                Some(ReleaseAt {
                    chart: releases.charts.get(name)?.clone(),
                    values: releases.values.get(name).cloned().unwrap_or_default(),
                    replicas_value: options.and_then(|options| options.replicas_value.clone()),
                })
            });
            Counterpart {
                workload: name.clone(),
                rate: rate.filter(|_| is_scaled),
                served: query(PrometheusConfig::served),
                latency_p95: query(PrometheusConfig::latency_p95),
                cpu_used: query(PrometheusConfig::cpu_used),
                replicas: None,
                start_when: None,
                release,
            }
        };
        let services: Table<ServiceId, Counterpart> = services.iter().map(counterpart).collect();
        let charts = self.charts_at(services.values().filter_map(|one| Some(one.release.as_ref()?.chart.as_str())));
        let clusters: Table<ClusterId, String> = clusters.into_iter().collect();
        Ok(Connection {
            name: graph.name.clone(),
            karmada: self.karmada_at(&graph.project)?,
            clusters,
            services,
            prometheus: self.prometheus.clone(),
            moves: self.moves,
            probe: self.probe,
            alerts: None,
            charts,
            // Dashboards outlive runs: see `dashboards`.
            grafana: None,
        })
    }

    /// PromQL of a service's rate: what the graph says, or the server's.
    pub fn rate_of(&self, graph: &Graph, service: &str) -> Option<String> {
        let asked = graph.options.services.get(service).and_then(|options| options.rate.clone());
        asked.or_else(|| Some(self.queries.as_ref()?.rate(&graph.project, service)))
    }

    /// How these charts are had: which of their hosts are spoken to without encryption.
    pub fn charts_at<'a>(&self, references: impl Iterator<Item = &'a str>) -> ChartsAt {
        let hosts: BTreeSet<&str> = references.filter_map(host_of).filter(|host| self.charts.is_plain(host)).collect();
        ChartsAt { helm: self.charts.helm.clone(), plain_hosts: hosts.into_iter().map(str::to_owned).collect() }
    }

    /// Registries of charts, which descriptors name: hosts are public or listed, and all others are not asked.
    pub fn registry(&self, at: &ChartsAt) -> Registry {
        Registry::within(Reach::new(self.charts.hosts.clone()), &at.plain_hosts, Auth::None)
    }
}

/// The host of a reference, with its port where one is written.
pub fn host_of(reference: &str) -> Option<&str> {
    let below = reference.split_once("://").map_or(reference, |(_, below)| below);
    below.split('/').next().filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::backend::live::outside::Class;
    use crate::backend::live::stub::{Stub, get};
    use crate::model::ServiceId;
    use crate::model::connection::Counterpart;
    use crate::serve::at::At;
    use crate::serve::config::Config;
    use crate::serve::engine::stand_in::settings;
    use crate::serve::store::rows::{Graph, Options, Status, Wish};
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::ErrorKind;
    use std::net::TcpListener;

    /// Loopback stands for whatever only the server can reach. Whoever connected would be waiting at the listener.
    #[tokio::test]
    async fn a_chart_from_a_host_that_is_not_allowed_is_refused_before_any_call() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let reference = format!("oci://{}/charts/web:1", listener.local_addr().unwrap());
        let says = "which is private; where it is meant, it has to be named in `charts.allow_hosts`";
        for flags in [&[][..], &[("charts.plain_hosts", "*")], &[("charts.allow_hosts", "registry.example.org")]] {
            let settings = settings(flags);
            let at = settings.charts_at(std::iter::once(reference.as_str()));
            let folder = tempfile::tempdir().unwrap();
            for error in [
                settings.registry(&at).resolve(&reference).await.unwrap_err(),
                settings.registry(&at).pull(&reference, folder.path()).await.unwrap_err(),
            ] {
                assert_eq!(error.class, Class::Permanent, "{error}");
                assert!(error.reason.contains(says), "{error}");
            }
        }
        assert_eq!(listener.accept().map(drop).unwrap_err().kind(), ErrorKind::WouldBlock, "somebody has connected");
    }

    #[tokio::test]
    async fn a_chart_from_a_host_that_is_named_is_asked_for() {
        let stub = Stub::of(vec![get("/v2/charts/web/manifests/1", 404, json!({"errors": []}))]).await;
        let host = stub.url.trim_start_matches("http://");
        let settings = settings(&[("charts.plain_hosts", host)]);
        let reference = format!("oci://{host}/charts/web:1");
        let at = settings.charts_at(std::iter::once(reference.as_str()));
        assert!(settings.registry(&at).resolve(&reference).await.unwrap_err().is_absent());
        stub.finish();
    }

    fn graph() -> Graph {
        Graph {
            id: "1".to_owned(),
            project: "shop".to_owned(),
            name: "g".to_owned(),
            generation: 1,
            wanted: Wish::Running,
            options: Options::default(),
            source: None,
            descriptor: json!({}),
            status: Status::default(),
            paused: None,
            created_at: At(0),
            updated_at: At(0),
            previous: None,
        }
    }

    /// What is asked of a service of which nobody knows what it can serve.
    fn asked(text: &str) -> Counterpart {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("karmada.config"), "").unwrap();
        let path = folder.path().join("smo.yaml");
        std::fs::write(&path, format!("karmada: {{kubeconfig: karmada.config}}\n{text}")).unwrap();
        let config = Config::load(Some(&path), &[], &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
        let settings = Settings::of(&config, folder.path()).unwrap();
        let at = (vec!["one".to_owned()], &["cart".to_owned()][..]);
        let connection = settings.connection(&graph(), at, (&BTreeSet::new(), None)).unwrap();
        connection.services[ServiceId(0)].clone()
    }

    const QUERIES: &str = "prometheus: {url: 'http://p', rate: 'r{s=\"$service\"}', cpu_used: 'c{s=\"$service\",p=\"$project\"}', \
                           latency_p95: 'l{s=\"$service\"}[$window]', served: 'd{s=\"$service\"}'}\n";

    #[test]
    fn latency_and_cpu_are_asked_for_by_the_templates_and_rates_where_they_matter() {
        let found = asked(QUERIES);
        assert_eq!(found.latency_p95.as_deref(), Some("l{s=\"cart\"}[60s]"));
        assert_eq!(found.cpu_used.as_deref(), Some("c{s=\"cart\",p=\"shop\"}"));
        assert_eq!(found.served.as_deref(), Some("d{s=\"cart\"}"));
        assert_eq!(found.rate, None, "load does not matter to a capacity that nobody knows");
        assert_eq!(
            asked(&format!("{QUERIES}learn: {{}}\n")).rate.as_deref(),
            Some("r{s=\"cart\"}"),
            "unless it is learnt"
        );
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_decided_or_nobody_said_what() {
        let off = asked(&format!("{QUERIES}learn: {{}}\ncontrol: {{enabled: false}}\n"));
        assert_eq!((off.rate, off.latency_p95, off.cpu_used, off.served), (None, None, None, None));
        let unsaid = asked("prometheus: {url: 'http://p'}\n");
        assert_eq!((unsaid.latency_p95, unsaid.cpu_used, unsaid.served), (None, None, None));
    }
}
