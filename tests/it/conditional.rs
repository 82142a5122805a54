//! Services that wait for an event: when exactly they start, what is called until then, and when they stop.

use crate::world::{Kept, Scripted, at, cluster, known, load, lose, scenario, service, simulate};
use smo::model::condition::{Comparison, Condition, Event, Expression, Gather, Over, Reading, StartWhen, Takes};
use smo::model::fault::FaultTarget;
use smo::model::observation::EventKind;
use smo::model::{Call, Plan, Scenario, ServiceId, Snapshot};
use smo::policy::{Budget, Policy, PolicyError, PolicySpec};
use smo::seed::Stream;
use smo::units::{Bytes, Ratio, Span, Time};

const FRONT: ServiceId = ServiceId(0);
const BACK: ServiceId = ServiceId(1);

/// `front` calls `back`, which starts when `front` gets more than 12 requests a second over the last minute, for `grace_s`.
/// Scrapes are taken every 15 s and seen at once, decisions every 15 s take effect at once, replicas start in 10 s.
fn world(grace_s: u64, stop_when_resolved: bool) -> Scenario {
    let call = Call { from: FRONT, to: BACK, per_request: Ratio::ONE, bytes: Bytes::ZERO };
    let mut world = scenario(vec![service("front", 100.0), service("back", 100.0)], vec![call], vec![cluster("a", 1)]);
    world.telemetry.scrape = Span::seconds(15);
    world.telemetry.delay = Span::ZERO;
    world.control.every = Span::seconds(15);
    world.control.effect_after = smo::model::Delay::NONE;
    let rate = Expression::Readings(Gather::Sum, vec![Reading::Requests(FRONT, Over::Last(Span::seconds(60)))]);
    let event = Event {
        name: "busy".to_owned(),
        condition: Condition::Compare(rate, Comparison::Above, Expression::Number(12.0)),
        grace: Span::seconds(grace_s),
    };
    let start = StartWhen { takes: Takes::Any, events: vec![event], stop_when_resolved };
    known(&mut world).application.conditions = vec![(BACK, start)];
    world
}

/// A policy by its name.
struct Named(Box<dyn Policy>);

impl Policy for Named {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        self.0.decide(snapshot, budget, stream)
    }

    fn fork(&self) -> Box<dyn Policy> {
        self.0.fork()
    }
}

fn named(name: &str) -> Named {
    Named(name.parse::<PolicySpec>().expect("it is registered").build().expect("defaults are in range"))
}

fn events(kept: &Kept) -> Vec<(EventKind, Time)> {
    let ours = |event: &&smo::model::observation::Event| event.subject == "back";
    kept.events.iter().filter(ours).map(|event| (event.kind, event.at)).collect()
}

/// 10/s until 600 s, 20/s afterwards. Scrapes at 600, 615, ...: the mean over the minute before 615 s is (45·10 + 15·20)/60 =
/// 12.5 > 12, so the event holds from 615 s on. With a grace of 90 s it fires at 705 s, where the policy decides at the same
/// instant; ten seconds later the first replica is ready. Until then nobody calls it: 285 s × 20/s are called at 1,000 s.
#[test]
fn a_service_starts_when_its_event_has_held_for_its_grace_period() {
    let plan = Scripted(vec![(0, 0, 0, 1), (705, 1, 0, 1)]);
    let (totals, kept) = simulate(world(90, false), load(&[(0, 10), (600, 20)], 1_000), plan);
    assert_eq!(events(&kept), [(EventKind::ServiceWanted, at(705))]);
    let back = totals.by_service[1].flow;
    assert_eq!(back.offered, 285 * 20 * 1_000_000_000_000_000);
    assert_eq!((back.dropped, totals.requests.dropped), (0, 0), "who calls nobody loses nothing");
    assert!(totals.slo_violation_time < 1e-12 && totals.slo_violation_requests < 1e-12);
}

/// A composed policy wants nothing of it before, and its declared replicas from the event on, bounded as declared.
#[test]
fn policies_want_nothing_of_it_until_then() {
    let mut world = world(0, true);
    known(&mut world).application.services[BACK].replicas = 3;
    let (_, kept) = simulate(world, load(&[(0, 10), (600, 20), (1_200, 5)], 1_800), named("greedy+static"));
    assert_eq!(
        events(&kept),
        [(EventKind::ServiceWanted, at(615)), (EventKind::ServiceUnwanted, stopped())],
        "and it stops when the event is over"
    );
    for snapshot in &kept.snapshots {
        let wanted = snapshot.at >= at(615) && snapshot.at < stopped();
        assert_eq!(snapshot.services[BACK].dormant, !wanted, "{}", snapshot.at);
        let later = snapshot.at > at(615) && snapshot.at <= stopped();
        assert_eq!(snapshot.targets.total(BACK), if later { 3 } else { 0 }, "{}", snapshot.at);
        assert_eq!(snapshot.bounds(BACK), if wanted { (0, 1_000) } else { (0, 0) });
    }
}

/// 20/s until 1,200 s, then 5/s: at 1,230 s the mean is (30·20 + 30·5)/60 = 12.5, at 1,245 s (15·20 + 45·5)/60 = 8.75.
fn stopped() -> Time {
    at(1_245)
}

/// Telemetry is down from 610 s to 700 s. What is seen at 600 s holds until then: no event at 615 s. From 705 s on the
/// scrapes at 600 and 705 s are more than a minute apart, so the first rate is that of 705 to 720 s.
#[test]
fn what_is_not_seen_neither_starts_nor_stops_anything() {
    let mut world = world(0, false);
    world.faults = vec![lose(FaultTarget::Telemetry, 610, 90)];
    let plan = Scripted(vec![(0, 0, 0, 1)]);
    let (_, kept) = simulate(world, load(&[(0, 10), (600, 20)], 1_000), plan);
    assert_eq!(events(&kept), [(EventKind::ServiceWanted, at(720))]);
}
