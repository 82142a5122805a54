//! What is observed of a graph, as one status: pure, from what a run tells.

use crate::input::hdag::{self, Descriptor, Trigger};
use crate::serve::at::At;
use crate::serve::store::rows::{Graph, Phase, Replicas, ServiceStatus, Status};
use std::collections::BTreeMap;

/// Of a service: its replicas by cluster, wanted and ready.
pub type Places = BTreeMap<String, (u32, u32)>;

/// A service as it is seen now.
pub fn see(service: &mut ServiceStatus, places: &Places, rate: Option<f64>) {
    let wanted: u32 = places.values().map(|(wanted, _)| wanted).sum();
    // Where more is ready than wanted, replicas are on their way out: they serve, and say nothing of those that are missing elsewhere.
    let ready: u32 = places.values().map(|(wanted, ready)| (*wanted).min(*ready)).sum();
    let was_ready = matches!(service.phase, Phase::Running | Phase::Degraded);
    service.phase = match (ready >= wanted && wanted > 0, was_ready) {
        (true, _) => Phase::Running,
        (false, true) => Phase::Degraded,
        (false, false) => Phase::Deploying,
    };
    service.reason = (service.phase != Phase::Running).then(|| format!("{ready} of {wanted} replicas are ready"));
    service.clusters = places
        .iter()
        .map(|(name, (wanted, ready))| (name.clone(), Replicas { wanted: *wanted, ready: *ready }))
        .collect();
    service.rate = rate;
}

/// The graph's phase, from those of its services: as good as the worst that runs. Those that wait for an event are as they should be.
pub fn phase(services: &[ServiceStatus]) -> (Phase, Option<String>) {
    let waits = |service: &&ServiceStatus| !(service.conditional && service.phase == Phase::Pending);
    let rank = |phase: Phase| match phase {
        Phase::Failed => 0,
        Phase::Degraded => 1,
        Phase::Deploying | Phase::Pending => 2,
        Phase::Removing => 3,
        Phase::Stopped => 4,
        Phase::Running => 5,
    };
    let worst = services.iter().filter(waits).min_by_key(|service| rank(service.phase));
    match worst {
        None => (Phase::Running, None),
        Some(service) => {
            let phase = if service.phase == Phase::Pending { Phase::Deploying } else { service.phase };
            let reason = service.reason.as_ref().map(|reason| format!("{}: {reason}", service.name));
            (phase, reason.or_else(|| (phase != Phase::Running).then(|| format!("{} is not ready yet", service.name))))
        }
    }
}

/// Puts the graph's phase together again; whether anything but the time has changed against `before`.
pub fn settle(status: &mut Status, before: &Status, now: At) -> bool {
    (status.phase, status.reason) = phase(&status.services);
    if status.phase != before.phase {
        status.since = now;
    }
    status.observed_at = now;
    let same_time = Status { observed_at: before.observed_at, ..status.clone() };
    same_time != *before
}

/// The status that a turn begins with: what was seen of services that are still there, by the order of the descriptor.
pub fn first_status(graph: &Graph, descriptor: &Descriptor, me: &str) -> Status {
    let is_new = graph.status.generation != graph.generation;
    let of = |service: &hdag::DescribedService| {
        let conditional = matches!(service.deployment.trigger, Trigger::Event { .. });
        let seen = graph.status.services.iter().find(|one| one.name == service.id).cloned();
        let mut seen = seen.unwrap_or_else(|| ServiceStatus { name: service.id.clone(), ..ServiceStatus::default() });
        seen.conditional = conditional;
        // What was ready under another descriptor has to be ready anew.
        if is_new && matches!(seen.phase, Phase::Running | Phase::Degraded | Phase::Failed | Phase::Stopped) {
            seen.phase =
                if matches!(seen.phase, Phase::Stopped | Phase::Failed) { Phase::Pending } else { Phase::Deploying };
        }
        seen
    };
    Status {
        services: descriptor.services.iter().map(of).collect(),
        generation: graph.generation,
        keeper: Some(me.to_owned()),
        phase: if is_new { Phase::Deploying } else { graph.status.phase },
        ..graph.status.clone()
    }
}

/// The same status with the reason why nothing is done now. Nothing was looked at for that: it is as old as it was.
pub fn noted(status: Status, (phase, reason): (Phase, &str), now: At) -> Status {
    let since = if status.phase == phase { status.since } else { now };
    Status { phase, reason: Some(reason.to_owned()), since, ..status }
}

/// Nothing of the service is deployed.
pub fn asleep(service: &mut ServiceStatus, phase: Phase) {
    (service.phase, service.reason, service.rate, service.chart) = (phase, None, None, None);
    (service.latency_p95, service.cpu_used) = (None, None);
    service.clusters.clear();
}

#[cfg(test)]
mod tests {
    use super::{noted, phase, see, settle};
    use crate::serve::at::At;
    use crate::serve::store::rows::{Phase, ServiceStatus, Status};
    use std::collections::BTreeMap;

    fn places(all: &[(&str, u32, u32)]) -> BTreeMap<String, (u32, u32)> {
        all.iter().map(|(name, wanted, ready)| ((*name).to_owned(), (*wanted, *ready))).collect()
    }

    #[test]
    fn a_service_is_degraded_only_after_it_was_ready() {
        let mut service = ServiceStatus { phase: Phase::Deploying, ..ServiceStatus::default() };
        see(&mut service, &places(&[("a", 2, 1)]), None);
        assert_eq!((service.phase, service.reason.as_deref()), (Phase::Deploying, Some("1 of 2 replicas are ready")));
        see(&mut service, &places(&[("a", 2, 2)]), Some(4.5));
        assert_eq!((service.phase, service.reason.as_deref(), service.rate), (Phase::Running, None, Some(4.5)));
        // Two that are on their way out in `a` do not make up for one that is missing in `b`.
        see(&mut service, &places(&[("a", 0, 2), ("b", 2, 1)]), None);
        assert_eq!((service.phase, service.reason.as_deref()), (Phase::Degraded, Some("1 of 2 replicas are ready")));
    }

    #[test]
    fn a_graph_is_as_good_as_its_worst_service_that_does_not_wait() {
        let of =
            |phase, conditional| ServiceStatus { name: "s".to_owned(), phase, conditional, ..ServiceStatus::default() };
        assert_eq!(phase(&[of(Phase::Running, false), of(Phase::Pending, true)]), (Phase::Running, None));
        assert_eq!(phase(&[of(Phase::Running, false), of(Phase::Pending, false)]).0, Phase::Deploying);
        assert_eq!(phase(&[of(Phase::Degraded, true), of(Phase::Deploying, false)]).0, Phase::Degraded);
        assert_eq!(phase(&[]).0, Phase::Running);
    }

    #[test]
    fn a_reason_that_is_noted_makes_nothing_younger() {
        let before = Status { phase: Phase::Running, since: At(5), observed_at: At(7), ..Status::default() };
        let same = noted(before.clone(), (Phase::Running, "the control plane is away"), At(9));
        assert_eq!((same.since, same.observed_at), (At(5), At(7)));
        let other = noted(before, (Phase::Degraded, "the control plane is away"), At(9));
        assert_eq!((other.since, other.observed_at), (At(9), At(7)));
        assert_eq!((other.phase, other.reason.as_deref()), (Phase::Degraded, Some("the control plane is away")));
    }

    #[test]
    fn time_alone_is_no_change() {
        let before = Status { phase: Phase::Running, since: At(5), observed_at: At(7), ..Status::default() };
        let mut status = before.clone();
        assert!(!settle(&mut status, &before, At(9)));
        assert_eq!((status.since, status.observed_at), (At(5), At(9)));
        status.services.push(ServiceStatus { phase: Phase::Degraded, ..ServiceStatus::default() });
        assert!(settle(&mut status, &before, At(11)));
        assert_eq!((status.phase, status.since), (Phase::Degraded, At(11)));
    }
}
