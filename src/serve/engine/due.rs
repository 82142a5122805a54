//! Which services of a graph are to run now: those that depend on nothing, those whose dependencies are ready, and those whose events
//! have happened.

use crate::input::hdag::{Combination, DescribedService, Descriptor, Trigger};
use crate::serve::store::rows::{Firing, Phase, Status};
use std::collections::BTreeSet;

/// The mark of a service that was woken: it stays awake, whatever its events do, unless it sleeps again when they end.
pub const AWAKE: &str = "*";

/// The services that are to run. One that was started before goes on, whatever its dependencies do now.
pub fn services(descriptor: &Descriptor, status: &Status, firings: &[Firing]) -> BTreeSet<String> {
    let is_due = |service: &&DescribedService| match &service.deployment.trigger {
        Trigger::Event { condition, events } => {
            let fires = |event: &str| firings.iter().any(|one| one.service == service.id && one.event == event);
            let mut events = events.iter().map(|event| fires(&event.id));
            fires(AWAKE)
                || match condition {
                    Combination::Any => events.any(|fires| fires),
                    Combination::All => events.len() > 0 && events.all(|fires| fires),
                }
        }
        Trigger::Auto { dependencies } => {
            was_started(status, &service.id) || dependencies.iter().all(|name| is_met(descriptor, status, name))
        }
    };
    descriptor.services.iter().filter(is_due).map(|service| service.id.clone()).collect()
}

/// Whether it was begun in the life of the graph as it is.
fn was_started(status: &Status, service: &str) -> bool {
    let seen = status.services.iter().find(|one| one.name == service);
    seen.is_some_and(|one| !matches!(one.phase, Phase::Pending | Phase::Stopped | Phase::Failed))
}

/// Whether a dependency is ready. One that waits for an event is not waited for: the event may never come. Nor is one that is not
/// there.
fn is_met(descriptor: &Descriptor, status: &Status, name: &str) -> bool {
    let Some(service) = descriptor.service(name) else { return true };
    if matches!(service.deployment.trigger, Trigger::Event { .. }) {
        return true;
    }
    status.services.iter().any(|one| one.name == name && one.phase == Phase::Running)
}

/// A circle of dependencies, where there is one: no service of it would ever start.
pub fn circle(descriptor: &Descriptor) -> Option<Vec<String>> {
    let needs = |name: &str| match descriptor.service(name).map(|service| &service.deployment.trigger) {
        Some(Trigger::Auto { dependencies }) => dependencies.as_slice(),
        _ => &[],
    };
    // Taken away one by one, those that need nothing that is left: what remains stands in a circle, or behind one.
    let mut left: BTreeSet<&str> = descriptor.services.iter().map(|service| service.id.as_str()).collect();
    loop {
        let blocked = |name: &&str| needs(name).iter().any(|need| left.contains(need.as_str()));
        let still: BTreeSet<&str> = left.iter().copied().filter(blocked).collect();
        if still.len() == left.len() {
            break;
        }
        left = still;
    }
    let mut path = vec![*left.first()?];
    loop {
        let here = path[path.len() - 1];
        let next = needs(here).iter().find(|need| left.contains(need.as_str()))?.as_str();
        if let Some(start) = path.iter().position(|name| *name == next) {
            return Some(path[start..].iter().copied().chain([next]).map(str::to_owned).collect());
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::{AWAKE, circle, services};
    use crate::input::hdag::{Descriptor, parse};
    use crate::serve::at::At;
    use crate::serve::store::rows::{Firing, Phase, ServiceStatus, Status};

    fn graph(services: &str) -> Descriptor {
        parse(format!("hdaGraph: {{id: g, services: [{services}]}}"), "graph").unwrap().0
    }

    fn service(id: &str, trigger: &str) -> String {
        format!("{{id: {id}, deployment: {{trigger: {trigger}, intent: {{compute: {{cpu: light, ram: light}}}}}}}}")
    }

    fn status(services: &[(&str, Phase)]) -> Status {
        let of = |(name, phase): &(&str, Phase)| ServiceStatus {
            name: (*name).to_owned(),
            phase: *phase,
            ..ServiceStatus::default()
        };
        Status { services: services.iter().map(of).collect(), ..Status::default() }
    }

    fn fires(event: &str) -> Firing {
        Firing { service: "late".to_owned(), event: event.to_owned(), since: At(0) }
    }

    fn names(descriptor: &Descriptor, status: &Status, firings: &[Firing]) -> String {
        services(descriptor, status, firings).into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn services_start_behind_what_they_depend_on_and_then_go_on() {
        let graph = graph(
            &[service("a", "{auto: {dependencies: []}}"), service("b", "{auto: {dependencies: [a]}}")].join(", "),
        );
        assert_eq!(names(&graph, &status(&[]), &[]), "a");
        assert_eq!(names(&graph, &status(&[("a", Phase::Deploying)]), &[]), "a");
        assert_eq!(names(&graph, &status(&[("a", Phase::Running)]), &[]), "a b");
        assert_eq!(names(&graph, &status(&[("a", Phase::Degraded), ("b", Phase::Running)]), &[]), "a b");
    }

    #[test]
    fn any_event_wakes_or_all_together_and_a_woken_one_stays_awake() {
        let events = |condition: &str| {
            let event = |id: &str| format!("{{id: {id}, condition: {{promQuery: 'up == 0', gracePeriod: 1s}}}}");
            format!("{{event: {{condition: {condition}, events: [{}, {}]}}}}", event("x"), event("y"))
        };
        let any = graph(&service("late", &events("ANY")));
        let all = graph(&service("late", &events("ALL")));
        let none = status(&[]);
        assert_eq!(names(&any, &none, &[]), "");
        assert_eq!(names(&any, &none, &[fires("y")]), "late");
        assert_eq!(names(&all, &none, &[fires("y")]), "");
        assert_eq!(names(&all, &none, &[fires("y"), fires("x")]), "late");
        assert_eq!(names(&all, &none, &[fires(AWAKE)]), "late");
    }

    #[test]
    fn a_circle_is_named() {
        let auto = |needs: &str| format!("{{auto: {{dependencies: [{needs}]}}}}");
        let services =
            [service("a", &auto("b")), service("b", &auto("c")), service("c", &auto("b")), service("d", &auto(""))];
        assert_eq!(circle(&graph(&services.join(", "))).unwrap().join(" → "), "b → c → b");
        assert_eq!(circle(&graph(&service("a", &auto("")))), None);
    }
}
