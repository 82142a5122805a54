//! Which services cannot all be served, and why no plan could: a proof by counting.
//!
//! A refused service may run in some clusters. All services that may run nowhere else want, together, more of a resource than
//! these clusters have: then one of them has to go short, whatever the plan (Hall's condition for one resource). The set is
//! shrunk to the fewest services that already want too much, the largest first, the refused one among them. Where sums
//! suffice and only nodes do not, nothing can be proved this way and nothing is said.

use super::pose::Posed;
use crate::model::explanation::Conflict;
use crate::model::resources::RESOURCES;
use crate::model::{ClusterId, Plan, ServiceId, id::Id};

/// The conflicts behind the refusals of a plan, each once.
pub fn of_plan(posed: &Posed, plan: &Plan) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = Vec::new();
    for refusal in &plan.refusals {
        let conflict = (0..posed.kinds.len()).filter_map(|kind| of_service(posed, refusal.service, kind));
        let smallest = conflict.min_by_key(|conflict| conflict.services.len());
        found.extend(smallest.filter(|smallest| !found.contains(smallest)));
    }
    found
}

/// The fewest services that want more of one resource than the clusters have where `service` may run.
fn of_service(posed: &Posed, service: ServiceId, kind: usize) -> Option<Conflict> {
    let problem = &posed.problem;
    let places = problem.places_of(service.index());
    let clusters: Vec<u32> = problem.places[places].iter().map(|place| place.cluster).collect();
    let available: u64 =
        clusters.iter().map(|cluster| problem.capacity[*cluster as usize * problem.kinds + kind]).sum();
    let has_no_other = |other: &usize| {
        let places = &problem.places[problem.places_of(*other)];
        !places.is_empty() && places.iter().all(|place| clusters.contains(&place.cluster))
    };
    let wants = |other: usize| problem.request_of(other)[kind].saturating_mul(problem.services[other].demand.into());
    let mut others: Vec<usize> =
        (0..problem.services.len()).filter(has_no_other).filter(|other| *other != service.index()).collect();
    others.sort_by_key(|other| (std::cmp::Reverse(wants(*other)), *other));
    let (mut wanted, mut services) = (wants(service.index()), vec![service]);
    let mut next = others.into_iter();
    while wanted <= available {
        let other = next.next().filter(|other| wants(*other) > 0)?;
        wanted = wanted.saturating_add(wants(other));
        services.push(ServiceId::from_index(other));
    }
    if clusters.is_empty() {
        return None;
    }
    services.sort_unstable();
    let clusters = clusters.into_iter().map(ClusterId).collect();
    Some(Conflict { services, clusters, resource: RESOURCES[posed.kinds[kind]], wanted, available })
}
