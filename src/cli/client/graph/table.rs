//! Graphs as people read them: a line a graph, or a graph with a line a service.

use crate::cli::aligned::Columns;
use crate::cli::client::told::{DASH, cell, instant, lines, one_line, printed, text};
use serde_json::Value;

/// The first letters of a digest: enough to tell two apart.
const DIGEST: usize = 19;

/// A line a graph.
pub fn list(graphs: &Value, project: Option<&str>) -> String {
    let graphs = graphs.as_array().map_or(&[][..], Vec::as_slice);
    if graphs.is_empty() {
        let place = project.map(|project| format!(" in project {project}")).unwrap_or_default();
        return format!("no graphs{place}; `smo graph deploy FILE` deploys one\n");
    }
    let mut columns = Columns::new(["graph", "project", "phase", ">services", ">ready", "since", "reason"]);
    for graph in graphs {
        let status = &graph["status"];
        let services = status["services"].as_array().map_or(&[][..], Vec::as_slice);
        let (ready, wanted) = services.iter().map(replicas).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        columns.row(vec![
            cell(&graph["name"]),
            cell(&graph["project"]),
            phase(graph),
            services.len().to_string(),
            format!("{ready}/{wanted}"),
            instant(text(status, "since")),
            one_line(text(status, "reason")),
        ]);
    }
    printed(&columns)
}

/// A graph, with a line a service.
pub fn graph(graph: &Value) -> String {
    let mut all = lines(&head(graph));
    let services = graph["status"]["services"].as_array().map_or(&[][..], Vec::as_slice);
    if services.is_empty() {
        return all + "\nnothing was observed of its services yet\n";
    }
    let mut columns =
        Columns::new(["service", "phase", "ready", "clusters", ">rate", ">a replica", "capacity", "reason"]);
    for service in services {
        columns.row(row(service));
    }
    all.push('\n');
    all + &printed(&columns)
}

/// `shop in project default`.
pub fn title(graph: &Value) -> String {
    format!("{} in project {}", cell(&graph["name"]), cell(&graph["project"]))
}

/// What is said of a graph as a whole.
pub fn head(graph: &Value) -> Vec<String> {
    let status = &graph["status"];
    let mut found = vec![format!("{}, generation {}", title(graph), cell(&graph["generation"]))];
    let since = instant(text(status, "since"));
    let reason = status["reason"].as_str().map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
    let behind = if is_behind(graph) { "; what is wanted now was not seen yet" } else { "" };
    found.push(format!("phase      {} since {since}{reason}{behind}", phase(graph)));
    let mut say = |word: &str, value: Option<String>| {
        found.extend(value.map(|value| format!("{word:<9}  {value}")));
    };
    let some = |value: &Value| value.as_str().map(one_line);
    say("paused", some(&graph["paused"]));
    say("policy", some(&graph["options"]["policy"]));
    say("artifact", artifact(&graph["source"]));
    say("keeper", some(&status["keeper"]));
    say("dashboard", some(&status["dashboard"]));
    found
}

/// The phase; and what is wanted, where it leads elsewhere.
fn phase(graph: &Value) -> String {
    let phase = text(&graph["status"], "phase");
    match text(graph, "wanted") {
        "stopped" if phase != "stopped" => format!("{phase} (to be stopped)"),
        "removed" if phase != "removing" => format!("{phase} (to be removed)"),
        "running" if phase == "stopped" => format!("{phase} (to be started)"),
        _ => cell(&graph["status"]["phase"]),
    }
}

/// Whether what is observed is about something that is wanted no more.
pub fn is_behind(graph: &Value) -> bool {
    graph["status"]["generation"].as_i64() < graph["generation"].as_i64()
}

fn artifact(source: &Value) -> Option<String> {
    let artifact = one_line(source["artifact"].as_str()?);
    let digest: String = one_line(text(source, "digest")).chars().take(DIGEST).collect();
    Some(if digest.is_empty() { artifact } else { format!("{artifact} ({digest}...)") })
}

/// Ready replicas and wanted ones, over all clusters.
fn replicas(service: &Value) -> (u64, u64) {
    let count = |replicas: &Value, key: &str| replicas[key].as_u64().unwrap_or(0);
    let clusters = service["clusters"].as_object().into_iter().flatten();
    clusters.fold((0, 0), |all, (_, one)| (all.0 + count(one, "ready"), all.1 + count(one, "wanted")))
}

/// A service as a row: name, phase, ready of wanted, by cluster, rate, what a replica serves, who says so, reason.
pub fn row(service: &Value) -> Vec<String> {
    let (ready, wanted) = replicas(service);
    let rate = |value: &Value| value.as_f64().map_or_else(|| DASH.to_owned(), |rate| format!("{rate:.1} /s"));
    vec![
        cell(&service["name"]),
        cell(&service["phase"]),
        format!("{ready}/{wanted}"),
        clusters(&service["clusters"]),
        rate(&service["rate"]),
        rate(&service["capacity"]["per_replica"]),
        origin(&service["capacity"]),
        one_line(text(service, "reason")),
    ]
}

/// Who says what replicas serve, and whether the service contradicts it: `fitted, drifted`.
fn origin(capacity: &Value) -> String {
    let origin = one_line(text(capacity, "origin"));
    match (origin.as_str(), capacity["drifted_at"].is_string()) {
        ("" | "none", _) => DASH.to_owned(),
        (_, false) => origin,
        (_, true) => format!("{origin}, drifted"),
    }
}

/// `edge-1 2/2, cloud-1 0/1`: ready of wanted.
fn clusters(clusters: &Value) -> String {
    let of = |replicas: &Value| (replicas["ready"].as_u64().unwrap_or(0), replicas["wanted"].as_u64().unwrap_or(0));
    let clusters = clusters.as_object().into_iter().flatten().map(|(name, replicas)| (name, of(replicas)));
    let there = clusters.filter(|(_, (ready, wanted))| ready + wanted > 0);
    let shown: Vec<String> =
        there.map(|(name, (ready, wanted))| format!("{} {ready}/{wanted}", one_line(name))).collect();
    if shown.is_empty() { DASH.to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::{graph, list};
    use crate::serve::at::At;
    use crate::serve::store::rows::{CapacityOrigin, CapacityStatus};
    use crate::serve::store::rows::{Graph, Options, Phase, Replicas, ServiceStatus, Source, Status, Wish};
    use serde_json::{Value, json};

    /// From the server's own types, so that a change of theirs is noticed here.
    fn shop(phase: Phase, wanted: Wish) -> Value {
        let service = |name: &str, clusters: &[(&str, u32, u32)]| ServiceStatus {
            name: name.to_owned(),
            phase,
            clusters: clusters
                .iter()
                .map(|(name, ready, wanted)| ((*name).to_owned(), Replicas { wanted: *wanted, ready: *ready }))
                .collect(),
            ..ServiceStatus::default()
        };
        let mut front = service("front", &[("edge-1", 2, 2), ("cloud-1", 0, 1)]);
        front.rate = Some(59.84);
        front.capacity = Some(CapacityStatus {
            origin: CapacityOrigin::Fitted,
            per_replica: Some(30.16),
            drifted_at: Some(At(1_796_026_500_042)),
            ..CapacityStatus::default()
        });
        front.reason = Some("1 replica is not ready".to_owned());
        let graph = Graph {
            id: "g1".to_owned(),
            project: "demo".to_owned(),
            name: "shop".to_owned(),
            generation: 3,
            wanted,
            options: Options { policy: Some("anytime+rate".to_owned()), ..Options::default() },
            source: Some(Source {
                artifact: "oci://r/shop:1".to_owned(),
                digest: "sha256:0123456789abcdef".to_owned(),
            }),
            descriptor: json!({"hdaGraph": {"id": "shop"}}),
            status: Status {
                phase,
                since: At(1_796_026_500_042),
                generation: 3,
                services: vec![front, service("back", &[])],
                ..Status::default()
            },
            paused: None,
            created_at: At(0),
            updated_at: At(0),
            previous: None,
        };
        serde_json::to_value(graph).unwrap()
    }

    #[test]
    fn a_graph_is_told_by_its_services_with_what_is_ready_where_and_why_not() {
        let wanted = "\
shop in project demo, generation 3
phase      degraded since 2026-11-30 08:15:00
policy     anytime+rate
artifact   oci://r/shop:1 (sha256:0123456789ab...)

service  phase     ready  clusters                   rate  a replica  capacity         reason
front    degraded  2/3    cloud-1 0/1, edge-1 2/2  59.8 /s  30.2 /s   fitted, drifted  1 replica is not ready
back     degraded  0/0    –                             –         –   –
";
        let found = graph(&shop(Phase::Degraded, Wish::Running));
        // Columns of figures are as wide as their widest cell.
        assert_eq!(
            found.split_whitespace().collect::<Vec<_>>(),
            wanted.split_whitespace().collect::<Vec<_>>(),
            "{found}"
        );
    }

    #[test]
    fn what_is_wanted_is_said_where_it_leads_elsewhere() {
        assert!(graph(&shop(Phase::Running, Wish::Removed)).contains("running (to be removed) since"));
        let mut behind = shop(Phase::Running, Wish::Running);
        behind["generation"] = json!(4);
        assert!(graph(&behind).contains("what is wanted now was not seen yet"));
    }

    #[test]
    fn graphs_are_listed_with_what_is_ready_of_them() {
        let found = list(&json!([shop(Phase::Degraded, Wish::Running)]), None);
        let wanted = "shop   demo     degraded         2    2/3  2026-11-30 08:15:00";
        assert!(
            found.starts_with("graph  project  phase     services  ready  since") && found.contains(wanted),
            "{found}"
        );
        assert_eq!(list(&json!([]), Some("demo")), "no graphs in project demo; `smo graph deploy FILE` deploys one\n");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let mut bad = shop(Phase::Running, Wish::Running);
        bad["name"] = json!("x\u{1b}[2Jy");
        assert!(!graph(&bad).contains('\u{1b}') && !list(&json!([bad]), None).contains('\u{1b}'));
    }
}
