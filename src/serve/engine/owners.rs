//! Whose a service is. Its name is that of its release and its Deployment, which are unique in their namespace, and that is the project:
//! two graphs of a project with a service of one name would drive the same replicas, and whoever is removed would take them from the other.
//!
//! It belongs to the graph that has it deployed, and before that to the one that was made first. Who comes late is refused before
//! anything of it is written down, so that taking it back takes nothing from anybody.

use super::context::{Context, KeepError};
use super::keeper::has_given_up;
use crate::backend::live::outside::{CallError, Class};
use crate::serve::store::asked::GraphFilter;
use crate::serve::store::rows::{Graph, Wish};
use std::collections::BTreeSet;

/// Graphs of a page.
const PAGE: u32 = 500;

/// Refuses services that another graph of the project has. What this graph has deployed already is its own.
///
/// # Errors
/// The first such service, or the store.
pub async fn check(context: &Context, graph: &Graph, services: &BTreeSet<String>) -> Result<(), KeepError> {
    let new: BTreeSet<&str> = services.iter().map(String::as_str).filter(|name| !is_deployed(graph, name)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut filter = GraphFilter { project: Some(graph.project.clone()), limit: PAGE, ..GraphFilter::default() };
    loop {
        let (others, next) = context.store.graphs(&filter).await?;
        if let Some((name, owner)) = taken(graph, &new, &others) {
            let reason = format!(
                "the service `{name}` is one of the graph `{}` in this project already, and both would be the same release; give it \
                 another `id`, or deploy it into another project",
                owner.name
            );
            // One that is on its way out is waited for.
            return Err(if owner.wanted == Wish::Running {
                KeepError::Impossible(reason)
            } else {
                CallError::new("smo", format!("deploy {}", graph.name), Class::Retryable, reason).into()
            });
        }
        filter.after = next;
        if filter.after.is_none() {
            return Ok(());
        }
    }
}

/// The first service of `new` that another graph has, and which one.
fn taken<'a>(graph: &Graph, new: &BTreeSet<&'a str>, others: &'a [Graph]) -> Option<(&'a str, &'a Graph)> {
    for other in others.iter().filter(|other| other.id != graph.id) {
        let is_first = (other.created_at, &other.id) < (graph.created_at, &graph.id);
        let is_coming = is_first && other.wanted == Wish::Running && !has_given_up(other);
        let has = |name: &&&str| is_deployed(other, name) || (is_coming && is_described(other, name));
        if let Some(name) = new.iter().find(has) {
            return Some((*name, other));
        }
    }
    None
}

/// Whether something of a service is deployed, or about to be.
fn is_deployed(graph: &Graph, name: &str) -> bool {
    graph.status.services.iter().any(|one| one.name == name && one.chart.is_some())
}

fn is_described(graph: &Graph, name: &str) -> bool {
    let services = graph.descriptor["hdaGraph"]["services"].as_array();
    services.into_iter().flatten().any(|one| one["id"] == name)
}

#[cfg(test)]
mod tests {
    use super::taken;
    use crate::serve::at::At;
    use crate::serve::store::rows::{Graph, Options, Phase, ServiceStatus, Status, Wish};
    use serde_json::json;
    use std::collections::BTreeSet;

    /// A graph with a service `web`, made at that time.
    fn graph(name: &str, created_at: i64) -> Graph {
        Graph {
            id: format!("g-{name}"),
            project: "lab".to_owned(),
            name: name.to_owned(),
            generation: 1,
            wanted: Wish::Running,
            options: Options::default(),
            source: None,
            descriptor: json!({"hdaGraph": {"id": name, "services": [{"id": "web"}]}}),
            status: Status::default(),
            paused: None,
            created_at: At(created_at),
            updated_at: At(created_at),
            previous: None,
        }
    }

    fn with_chart(graph: Graph) -> Graph {
        let (name, chart) = ("web".to_owned(), Some("oci://r/web@sha256:0".to_owned()));
        let web = ServiceStatus { name, chart, ..ServiceStatus::default() };
        Graph { status: Status { services: vec![web], ..graph.status }, ..graph }
    }

    /// Whose `name` is, if it is not `graph`'s.
    fn owner(graph: &Graph, name: &str, others: &[Graph]) -> Option<String> {
        taken(graph, &BTreeSet::from([name]), others).map(|(_, owner)| owner.name.clone())
    }

    #[test]
    fn a_service_is_of_the_graph_that_has_it_or_of_the_first_that_wants_it() {
        let (first, second) = (graph("first", 1), graph("second", 2));
        let all = [first.clone(), second.clone()];
        assert_eq!(owner(&second, "web", &all).as_deref(), Some("first"));
        assert_eq!(owner(&first, "web", &all), None);
        assert_eq!(owner(&second, "back", &all), None);
        // Whoever has it, has it.
        assert_eq!(owner(&first, "web", &[with_chart(second.clone())]).as_deref(), Some("second"));
        // One that stands still, or was given up, has left it.
        let stopped = Graph { wanted: Wish::Stopped, ..first.clone() };
        let failed = Status { phase: Phase::Failed, generation: 1, ..Status::default() };
        let failed = Graph { status: failed, ..first };
        assert_eq!(owner(&second, "web", &[stopped.clone(), failed]), None);
        assert_eq!(owner(&second, "web", &[with_chart(stopped)]).as_deref(), Some("first"), "it is being stopped");
    }
}
