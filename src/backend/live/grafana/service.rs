//! The dashboard of a service: ready replicas, CPU, memory, throttling; each by cluster.
//!
//! The same four panels stand in the dashboard of its graph, for whichever services are chosen there: then a variable takes the
//! place of the name.

use super::dashboard::{Dashboard, GRID_WIDTH, PANEL_HEIGHT};
use super::graph::Graph;
use super::panel::{Panel, Place, Query, Unit};
use super::promql::{escaped, pods, quoted};

/// What rates are taken over: four scrapes of Prometheus' usual half minute.
const WINDOW: &str = "2m";

impl Graph {
    /// The dashboard of one of its services.
    pub fn dashboard_of(&self, service: &str) -> Dashboard {
        let place = |at: usize| Place { x: 0, y: at * PANEL_HEIGHT, width: GRID_WIDTH, height: PANEL_HEIGHT };
        let panels = self.panels_of((service, &escaped(service))).into_iter().enumerate();
        Dashboard {
            uid: Dashboard::uid_below(&[&self.project, &self.name, service]),
            title: format!("{} / {} / {service}", self.project, self.name),
            panels: panels.map(|(at, panel)| Panel { place: Some(place(at)), ..panel }).collect(),
            variables: Vec::new(),
        }
    }

    /// The panels of a service, by its name and the pattern of its name.
    pub(super) fn panels_of(&self, (name, pattern): (&str, &str)) -> [Panel; 4] {
        let (by, pods) = (&self.cluster_label, pods(&self.project, pattern));
        let deployment = format!("namespace={}, deployment={}", quoted(&self.project), quoted(name));
        let used = format!("rate(container_cpu_usage_seconds_total{{{pods}}}[{WINDOW}])");
        let limit = format!("kube_pod_container_resource_limits{{{pods}, resource=\"cpu\"}}");
        let rate = |what: &str| format!("rate(container_cpu_cfs_{what}periods_total{{{pods}}}[{WINDOW}])");
        let panel = |title: &str, unit: Unit, expr: String| Panel {
            title: format!("{name}: {title}"),
            unit,
            queries: vec![Query { expr, legend: format!("{{{{{by}}}}}") }],
            // What is drawn in lines has no colours of its own, but a threshold that is shown.
            limits: (unit == Unit::Share).then_some((80, 90)),
            ..Panel::default()
        };
        [
            // None at all is zero, and no gap.
            panel(
                "ready replicas",
                Unit::Count,
                format!("sum by ({by}) (kube_deployment_status_replicas_ready{{{deployment}}}) or on() vector(0)"),
            ),
            panel("CPU of its limit", Unit::Share, format!("sum by ({by}) ({used}) / sum by ({by}) ({limit})")),
            // Without the page cache, which is given back when it is needed.
            panel("memory", Unit::Bytes, format!("sum by ({by}) (container_memory_working_set_bytes{{{pods}}})")),
            panel(
                "throttled",
                Unit::Share,
                format!("sum by ({by}) ({}) / sum by ({by}) ({})", rate("throttled_"), rate("")),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Graph, Service};

    fn graph() -> Graph {
        let services = vec![Service { name: "web".into(), rate: None }];
        Graph { project: "shop".into(), name: "graph".into(), services, cluster_label: "cluster".into() }
    }

    #[test]
    fn four_panels_ask_for_this_service_alone() {
        let dashboard = graph().dashboard_of("web");
        assert_eq!((dashboard.uid.as_str(), dashboard.title.as_str()), ("smo-shop_graph_web", "shop / graph / web"));
        let all: Vec<&str> = dashboard.expressions().collect();
        assert_eq!(all.len(), 4);
        assert_eq!(
            all[0],
            "sum by (cluster) (kube_deployment_status_replicas_ready{namespace=\"shop\", deployment=\"web\"}) or on() vector(0)"
        );
        assert!(
            all[1..]
                .iter()
                .all(|expr| expr.contains("namespace=\"shop\", pod=~\"web-[") && expr.contains("container!=\"\""))
        );
        // Labels that cAdvisor has no more.
        assert!(!all.iter().any(|expr| expr.contains("pod_name") || expr.contains("container_name")));
        assert!(dashboard.panels.iter().all(|panel| panel.queries[0].legend == "{{cluster}}"));
    }
}
