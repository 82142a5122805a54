//! The dashboard of an application graph: replicas, load, CPU, memory, throttling, alerts; by service and cluster.
//!
//! The series are those of kube-state-metrics and of the kubelets, which every installation of Prometheus on Kubernetes has. Which
//! label tells clusters apart is a matter of the installation.

use super::dashboard::{Dashboard, Panel, Query, Unit};
use crate::backend::live::rules::{GRAPH_LABEL, PROJECT_LABEL};

/// One service of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name, which is that of its deployment.
    pub name: String,
    /// The expression that gives its load, where it is known.
    pub rate: Option<String>,
}

/// A graph, as its dashboard sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Its project, which is its namespace.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Its services.
    pub services: Vec<Service>,
    /// The label that tells clusters apart.
    pub cluster_label: String,
}

impl Graph {
    /// Its dashboard.
    pub fn dashboard(&self) -> Dashboard {
        let panels = vec![
            self.panel("Ready replicas", Unit::Count, self.ready()),
            self.panel("Missing replicas", Unit::Count, self.missing()),
            self.panel("Load", Unit::PerSecond, self.load()),
            self.panel("CPU", Unit::Cpus, self.by_pods("rate(container_cpu_usage_seconds_total{POD}[1m])")),
            self.panel("Memory", Unit::Bytes, self.by_pods("container_memory_working_set_bytes{POD}")),
            self.panel("CPU of its limit", Unit::Share, self.of_limit()),
            self.panel("Throttled", Unit::Share, self.throttled()),
            self.panel("Alerts", Unit::Count, self.alerts()),
        ];
        let name = format!("{}-{}", self.project, self.name);
        let title = format!("{} / {}", self.project, self.name);
        Dashboard { uid: Dashboard::uid_of(&name), title, panels: panels.into_iter().flatten().collect() }
    }

    /// A panel, where there is anything to ask.
    fn panel(&self, title: &str, unit: Unit, queries: Vec<Query>) -> Option<Panel> {
        let title = format!("{title} of {}", self.name);
        (!queries.is_empty()).then_some(Panel { title, unit, queries })
    }

    fn ready(&self) -> Vec<Query> {
        let (by, which) = (&self.cluster_label, self.deployments());
        let expr = format!("sum by (deployment, {by}) (kube_deployment_status_replicas_ready{{{which}}})");
        vec![Query { expr, legend: format!("{{{{deployment}}}} {{{{{by}}}}}") }]
    }

    fn missing(&self) -> Vec<Query> {
        let which = self.deployments();
        let expr = format!(
            "sum by (deployment) (kube_deployment_spec_replicas{{{which}}}) \
             - sum by (deployment) (kube_deployment_status_replicas_ready{{{which}}})"
        );
        vec![Query { expr, legend: "{{deployment}}".to_owned() }]
    }

    fn load(&self) -> Vec<Query> {
        let known = self.services.iter().filter_map(|service| Some((service, service.rate.clone()?)));
        known.map(|(service, expr)| Query { expr, legend: service.name.clone() }).collect()
    }

    /// For each service the sum of a series over its pods; `POD` stands for their labels.
    fn by_pods(&self, series: &str) -> Vec<Query> {
        let by = &self.cluster_label;
        let query = |service: &Service| Query {
            expr: format!("sum by ({by}) ({})", series.replace("POD", &self.pods(service))),
            legend: format!("{} {{{{{by}}}}}", service.name),
        };
        self.services.iter().map(query).collect()
    }

    fn of_limit(&self) -> Vec<Query> {
        let by = &self.cluster_label;
        let query = |service: &Service| {
            let pods = self.pods(service);
            let expr = format!(
                "sum by ({by}) (rate(container_cpu_usage_seconds_total{{{pods}}}[1m])) \
                 / sum by ({by}) (kube_pod_container_resource_limits{{{pods}, resource=\"cpu\"}})"
            );
            Query { expr, legend: format!("{} {{{{{by}}}}}", service.name) }
        };
        self.services.iter().map(query).collect()
    }

    fn throttled(&self) -> Vec<Query> {
        let by = &self.cluster_label;
        let query = |service: &Service| {
            let pods = self.pods(service);
            let expr = format!(
                "sum by ({by}) (rate(container_cpu_cfs_throttled_periods_total{{{pods}}}[1m])) \
                 / sum by ({by}) (rate(container_cpu_cfs_periods_total{{{pods}}}[1m]))"
            );
            Query { expr, legend: format!("{} {{{{{by}}}}}", service.name) }
        };
        self.services.iter().map(query).collect()
    }

    fn alerts(&self) -> Vec<Query> {
        let (project, graph) = (quoted(&self.project), quoted(&self.name));
        let which = format!("alertstate=\"firing\", {PROJECT_LABEL}={project}, {GRAPH_LABEL}={graph}");
        vec![Query { expr: format!("sum by (alertname) (ALERTS{{{which}}})"), legend: "{{alertname}}".to_owned() }]
    }

    fn deployments(&self) -> String {
        let names: Vec<String> = self.services.iter().map(|service| escaped(&service.name)).collect();
        format!("namespace={}, deployment=~{}", quoted(&self.project), quoted(&names.join("|")))
    }

    /// A deployment's pods: its name, the name of its replica set, and their own.
    fn pods(&self, service: &Service) -> String {
        let pods = format!("{}-[a-z0-9]+-[a-z0-9]+", escaped(&service.name));
        format!("namespace={}, pod=~{}, container!=\"\"", quoted(&self.project), quoted(&pods))
    }
}

/// A string of PromQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as a regular expression that matches it.
fn escaped(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    text.chars().flat_map(|letter| (!is_plain(letter)).then_some('\\').into_iter().chain([letter])).collect()
}

#[cfg(test)]
mod tests {
    use super::{Dashboard, Graph, Service, escaped, quoted};

    fn graph() -> Graph {
        let rate = Some("sum(rate(http_requests_total{service=\"web\"}[5s]))".to_owned());
        let services = vec![Service { name: "web".into(), rate }, Service { name: "db".into(), rate: None }];
        Graph { project: "shop".into(), name: "graph".into(), services, cluster_label: "cluster".into() }
    }

    #[test]
    fn each_panel_asks_for_this_graph_alone() {
        let dashboard = graph().dashboard();
        assert_eq!((dashboard.uid.as_str(), dashboard.panels.len()), ("smo-shop-graph", 8));
        let all: Vec<&str> = dashboard.expressions().collect();
        assert_eq!(all.len(), 2 + 1 + 4 * 2 + 1);
        assert_eq!(
            all[0],
            "sum by (deployment, cluster) (kube_deployment_status_replicas_ready{namespace=\"shop\", deployment=~\"web|db\"})"
        );
        assert_eq!(dashboard.panels[0].queries[0].legend, "{{deployment}} {{cluster}}");
        assert_eq!(dashboard.panels[4].queries[1].legend, "db {{cluster}}");
        assert!(all[3..11].iter().all(|expr| expr.contains("namespace=\"shop\", pod=~\"")), "{all:?}");
        assert!(!all.iter().any(|expr| expr.contains("POD")));
        let quiet = Graph { services: vec![Service { name: "db".into(), rate: None }], ..graph() };
        assert_eq!(quiet.dashboard().panels.len(), 7, "a panel without a query is left out");
    }

    #[test]
    fn names_are_written_so_that_they_mean_themselves() {
        assert_eq!(quoted("a\"\\"), "\"a\\\"\\\\\"");
        assert_eq!(escaped("a.b-c"), "a\\.b-c");
        let long = Dashboard::uid_of(&"x".repeat(60));
        assert_eq!(long.len(), 40);
        assert_ne!(long, Dashboard::uid_of(&"x".repeat(61)));
    }
}
