//! The shapes of the original, by hand-made graphs.

use super::{affinity, amounts, graph_status, service_status};
use crate::input::hdag;
use crate::serve::store::rows::{Phase, Replicas, ServiceStatus};

fn service(text: &str) -> hdag::DescribedService {
    let text = format!("hdaGraph: {{id: g, services: [{{id: a, deployment: {text}}}]}}");
    hdag::parse(text, "test").unwrap().0.services.remove(0)
}

#[test]
fn levels_and_amounts_are_written_as_the_original_does() {
    let of =
        |compute: &str| amounts(&service(&format!("{{intent: {{compute: {compute}}}}}")).deployment.intent.compute);
    let text = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
    assert_eq!(of("{cpu: light, ram: light, storage: small}"), text("0.5", "500MiB", "10GB"));
    assert_eq!(of("{cpu: large, ram: large, storage: large}"), text("8", "8GiB", "40GB"));
    assert_eq!(of("{cpu: 750m, ram: 3Gi, storage: 20Gi}"), text("0.75", "3GiB", "20GiB"));
}

#[test]
fn the_affinity_is_where_most_replicas_are_and_the_first_by_name_of_several() {
    let of = |clusters: &[(&str, u32)]| {
        let replicas = |(name, wanted): &(&str, u32)| ((*name).to_owned(), Replicas { wanted: *wanted, ready: 0 });
        affinity(&ServiceStatus { clusters: clusters.iter().map(replicas).collect(), ..ServiceStatus::default() })
    };
    assert_eq!(of(&[("a", 1), ("b", 3), ("c", 3)]).as_deref(), Some("b"));
    assert_eq!(of(&[("a", 0)]), None);
    assert_eq!(of(&[]), None);
}

#[test]
fn what_is_observed_is_said_in_the_words_of_the_original() {
    let plain = service("{}");
    let waits =
        service("{trigger: {event: {events: [{id: e, condition: {promQuery: up, gracePeriod: 1s, description: x}}]}}}");
    let of =
        |phase: Phase, service| service_status(Some(&ServiceStatus { phase, ..ServiceStatus::default() }), service);
    assert_eq!((of(Phase::Running, &plain), of(Phase::Degraded, &plain)), ("Deployed", "Deployed"));
    assert_eq!((of(Phase::Stopped, &plain), of(Phase::Pending, &plain)), ("Not deployed", "Not deployed"));
    assert_eq!((of(Phase::Pending, &waits), of(Phase::Running, &waits)), ("Pending", "Deployed"));
    assert_eq!((service_status(None, &plain), service_status(None, &waits)), ("Not deployed", "Pending"));
    assert_eq!((graph_status(Phase::Running), graph_status(Phase::Stopped)), ("Running", "Stopped"));
}
