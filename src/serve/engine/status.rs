//! What is observed of a graph, as one status: pure, from what a run tells.

use crate::serve::at::At;
use crate::serve::store::rows::{Phase, Replicas, ServiceStatus, Status};
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

#[cfg(test)]
mod tests {
    use super::{phase, see, settle};
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
