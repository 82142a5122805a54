//! The dashboard of an application graph: replicas, load, CPU, memory, throttling, alerts; by service and cluster. Below that, the
//! panels of each service that is chosen.
//!
//! The series are those of kube-state-metrics and of the kubelets, which every installation of Prometheus on Kubernetes has. Which
//! label tells clusters apart is a matter of the installation.

use super::dashboard::{Dashboard, GRID_WIDTH, PANEL_HEIGHT, Variable};
use super::panel::{Panel, Place, Query, Unit};
use super::promql::{escaped, pods, quoted};
use crate::backend::live::rules::{GRAPH_LABEL, PROJECT_LABEL};

/// The variable that chooses services.
const VARIABLE: &str = "service";

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
        let mut panels: Vec<Panel> = panels.into_iter().flatten().collect();
        let names: Vec<String> = self.services.iter().map(|service| service.name.clone()).collect();
        if !names.is_empty() {
            let top = panels.len().div_ceil(2) * PANEL_HEIGHT;
            panels.extend(self.repeated(top));
        }
        let variables =
            if names.is_empty() { Vec::new() } else { vec![Variable { name: VARIABLE.to_owned(), values: names }] };
        let title = format!("{} / {}", self.project, self.name);
        Dashboard { uid: Dashboard::uid_below(&[&self.project, &self.name]), title, panels, variables }
    }

    /// The panels of a service, once for each that is chosen, from the row `top` on.
    fn repeated(&self, top: usize) -> impl Iterator<Item = Panel> {
        let variable = format!("${VARIABLE}");
        let place =
            move |at: usize| Place { x: 0, y: top + at * PANEL_HEIGHT, width: GRID_WIDTH, height: PANEL_HEIGHT };
        let panels = self.panels_of((&variable, &variable)).into_iter().enumerate();
        panels.map(move |(at, panel)| Panel { place: Some(place(at)), repeat: Some(VARIABLE.to_owned()), ..panel })
    }

    /// A panel, where there is anything to ask.
    fn panel(&self, title: &str, unit: Unit, queries: Vec<Query>) -> Option<Panel> {
        let title = format!("{title} of {}", self.name);
        (!queries.is_empty()).then_some(Panel { title, unit, queries, ..Panel::default() })
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

    fn pods(&self, service: &Service) -> String {
        pods(&self.project, &escaped(&service.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{Dashboard, Graph, Place, Service};

    fn graph() -> Graph {
        let rate = Some("sum(rate(http_requests_total{service=\"web\"}[5s]))".to_owned());
        let services = vec![Service { name: "web".into(), rate }, Service { name: "db".into(), rate: None }];
        Graph { project: "shop".into(), name: "graph".into(), services, cluster_label: "cluster".into() }
    }

    #[test]
    fn each_panel_asks_for_this_graph_alone() {
        let dashboard = graph().dashboard();
        // Eight of the graph, and four that are there once for each service.
        assert_eq!((dashboard.uid.as_str(), dashboard.panels.len()), ("smo-shop-graph", 8 + 4));
        let all: Vec<&str> = dashboard.expressions().collect();
        assert_eq!(all.len(), 2 + 1 + 4 * 2 + 1 + 4);
        assert_eq!(
            all[0],
            "sum by (deployment, cluster) (kube_deployment_status_replicas_ready{namespace=\"shop\", deployment=~\"web|db\"})"
        );
        assert_eq!(dashboard.panels[0].queries[0].legend, "{{deployment}} {{cluster}}");
        assert_eq!(dashboard.panels[4].queries[1].legend, "db {{cluster}}");
        assert!(all[3..11].iter().all(|expr| expr.contains("namespace=\"shop\", pod=~\"")), "{all:?}");
        assert!(!all.iter().any(|expr| expr.contains("POD")));
        let quiet = Graph { services: vec![Service { name: "db".into(), rate: None }], ..graph() };
        assert_eq!(quiet.dashboard().panels.len(), 7 + 4, "a panel without a query is left out");
    }

    #[test]
    fn the_panels_of_a_service_are_there_for_each_that_is_chosen() {
        let dashboard = graph().dashboard();
        assert_eq!(dashboard.variables[0].values, ["web", "db"]);
        let model = dashboard.model(super::super::panel::Style::Graph, None);
        let variable = &model["templating"]["list"][0];
        assert_eq!((&variable["name"], &variable["query"]), (&"service".into(), &"web,db".into()));
        assert_eq!(
            (&variable["current"]["value"], variable["options"].as_array().unwrap().len()),
            (&"$__all".into(), 3)
        );
        // Four rows of two stand above them.
        let repeated = &dashboard.panels[8..];
        let tops: Vec<Option<usize>> = repeated.iter().map(|panel| panel.place.map(|Place { y, .. }| y)).collect();
        assert_eq!(tops, [Some(32), Some(40), Some(48), Some(56)]);
        assert!(
            repeated
                .iter()
                .all(|panel| panel.repeat.as_deref() == Some("service") && panel.title.starts_with("$service"))
        );
        assert!(repeated.iter().all(|panel| panel.queries[0].expr.contains("\"$service")), "{repeated:?}");
        let empty = Graph { services: Vec::new(), ..graph() }.dashboard();
        assert!(empty.variables.is_empty() && empty.panels.iter().all(|panel| panel.repeat.is_none()));
    }

    #[test]
    fn a_long_name_becomes_a_digest() {
        let long = Dashboard::uid_of(&"x".repeat(60));
        assert_eq!(long.len(), 40);
        assert_ne!(long, Dashboard::uid_of(&"x".repeat(61)));
    }
}
