//! What is decided where policies decide nothing of their own accord (`control.enabled: false`): what runs stays as it is, as many
//! and where they are, until something cannot stay.
//!
//! A policy is asked only for services that have replicas where they may not be (their cluster is lost, or takes them no more), more or
//! fewer than they may have, or a place that breaks a hard rule; the rest of what it wishes is left aside, unless it takes others away
//! to make room. What is deployed, started, woken or placed anew is placed before a run begins, and does not come through here.

use crate::model::breach::{breaches, may_stay};
use crate::model::{Explanation, Plan, ServiceId, Snapshot, check};
use crate::policy::{Budget, Policy, PolicyError};
use crate::seed::Stream;
use crate::units::Span;
use std::collections::BTreeSet;

/// A policy that is asked only where something cannot stay.
pub struct Steady(Box<dyn Policy>);

impl Steady {
    /// With `policy` for what has to be decided.
    pub fn new(policy: Box<dyn Policy>) -> Self {
        Self(policy)
    }
}

impl Policy for Steady {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let due = due(snapshot);
        if due.is_empty() {
            return Ok(Plan { targets: snapshot.targets.clone(), ..Plan::default() });
        }
        let whole = self.0.decide(snapshot, budget, stream)?;
        let mut part = Plan { targets: snapshot.targets.clone(), quality: None, ..whole.clone() };
        for service in &due {
            part.targets.copy_service(*service, &whole.targets);
        }
        part.refusals.retain(|refusal| due.contains(&refusal.service));
        // What has to move may have no room unless others make it.
        Ok(if check::violations(snapshot, &part).is_empty() { part } else { whole })
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        self.0.explain(snapshot, plan)
    }

    fn foresight(&self) -> Span {
        self.0.foresight()
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(Self(self.0.fork()))
    }
}

/// Services that cannot stay as they are. How many tasks there are is nobody's decision, so that these are always among them.
fn due(snapshot: &Snapshot) -> BTreeSet<ServiceId> {
    let application = &snapshot.known.application;
    let mut due: BTreeSet<ServiceId> = application.tasks().collect();
    due.extend(application.requests().filter(|service| !stands(snapshot, *service)));
    let demands = &snapshot.known.rules.demands;
    for (demand, _) in breaches(snapshot, &snapshot.targets) {
        let (rule, is_hard) = (&demands[demand].rule, demands[demand].price.is_none());
        match rule.services() {
            // It is about all.
            services if is_hard && services.is_empty() => due.extend(application.requests()),
            services if is_hard => due.extend(services),
            _ => {}
        }
    }
    due
}

/// Whether a service has as many replicas as it may, where they may be.
fn stands(snapshot: &Snapshot, service: ServiceId) -> bool {
    let (least, most) = snapshot.bounds(service);
    let mut targets = snapshot.targets.of(service).iter();
    (least..=most).contains(&snapshot.targets.total(service))
        && targets.all(|target| may_stay(snapshot, service, target.cluster) == u64::from(target.replicas))
}

#[cfg(test)]
mod tests {
    use super::Steady;
    use crate::backend::sim::untouched;
    use crate::model::plan::{Target, Targets};
    use crate::model::{ClusterId, Plan, ServiceId, Snapshot};
    use crate::policy::{Budget, Policy, PolicyError};
    use crate::seed::{Seed, Stream};
    use crate::serve::engine::stand_in::{descriptor, row, service, world_of};
    use crate::units::Time;

    const SEED: Seed = Seed(1);
    const FRONT: ServiceId = ServiceId(0);
    const BACK: ServiceId = ServiceId(1);
    const A: ClusterId = ClusterId(0);
    const B: ClusterId = ClusterId(1);
    const C: ClusterId = ClusterId(2);

    /// A policy that always wishes the same.
    #[derive(Clone)]
    struct Fixed(Targets);

    impl Policy for Fixed {
        fn decide(&mut self, _: &Snapshot, _: &Budget, _: &mut Stream) -> Result<Plan, PolicyError> {
            Ok(Plan { targets: self.0.clone(), ..Plan::default() })
        }

        fn fork(&self) -> Box<dyn Policy> {
            Box::new(self.clone())
        }
    }

    fn targets(all: &[(ServiceId, ClusterId, u32)]) -> Targets {
        all.iter().map(|&(service, cluster, replicas)| Target { service, cluster, replicas }).collect()
    }

    /// Two services of half a core a replica, at least one each, and three clusters of five cores.
    fn snapshot(now: &[(ServiceId, ClusterId, u32)]) -> Snapshot {
        let services = [service("front", "light", "{}", ""), service("back", "light", "{}", "")].join(", ");
        let world = world_of(&descriptor(&services), &[row("a"), row("b"), row("c")]);
        Snapshot { targets: targets(now), ..untouched(&world.scenario, Time::ZERO, SEED).unwrap() }
    }

    fn decided(snapshot: &Snapshot, wish: &[(ServiceId, ClusterId, u32)]) -> Targets {
        let mut steady = Steady::new(Box::new(Fixed(targets(wish))));
        steady.decide(snapshot, &Budget::default(), &mut SEED.stream("policy", 0)).unwrap().targets
    }

    #[test]
    fn nothing_moves_and_nothing_is_scaled_while_all_of_it_may_stay() {
        let now = [(FRONT, A, 2), (BACK, B, 1)];
        assert_eq!(decided(&snapshot(&now), &[(FRONT, C, 5), (BACK, C, 3)]), targets(&now));
    }

    #[test]
    fn what_a_lost_cluster_held_goes_elsewhere_and_the_rest_stays() {
        let mut snapshot = snapshot(&[(FRONT, A, 2), (BACK, B, 1)]);
        snapshot.clusters[A].reachable = false;
        let decided = decided(&snapshot, &[(FRONT, C, 2), (BACK, C, 3)]);
        assert_eq!(decided, targets(&[(FRONT, C, 2), (BACK, B, 1)]));
    }

    #[test]
    fn a_service_with_fewer_replicas_than_it_must_have_is_decided_about() {
        let decided = decided(&snapshot(&[(FRONT, A, 2)]), &[(FRONT, C, 4), (BACK, C, 1)]);
        assert_eq!(decided, targets(&[(FRONT, A, 2), (BACK, C, 1)]));
    }

    /// Nine replicas in `b` leave half a core, and two that come from `a` need one.
    #[test]
    fn others_make_room_where_there_is_none_for_what_has_to_move() {
        let mut snapshot = snapshot(&[(FRONT, A, 2), (BACK, B, 9)]);
        snapshot.clusters[A].reachable = false;
        let wish = [(FRONT, B, 2), (BACK, C, 9)];
        assert_eq!(decided(&snapshot, &wish), targets(&wish));
    }
}
