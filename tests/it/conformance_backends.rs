//! What every backend keeps, whatever world is behind it. The simulated one and its shadow are judged here; a live one will
//! have to pass the same list.

use crate::world::{cluster, load, lose, run, scenario, service};
use smo::backend::Backend;
use smo::backend::shadow::Shadow;
use smo::model::fault::FaultTarget;
use smo::model::observation::{Action, Flow};
use smo::model::{ClusterId, Observation, Plan, ServiceId, Targets, Totals};
use smo::units::Time;

/// A backend that is to be judged.
struct Subject {
    name: &'static str,
    /// Whether plans are carried out; a shadow only watches.
    acts: bool,
    start: fn() -> Box<dyn Backend>,
}

const SUBJECTS: &[Subject] = &[
    Subject { name: "sim", acts: true, start: || Box::new(simulated()) },
    Subject { name: "shadow", acts: false, start: || Box::new(Shadow(simulated())) },
];

/// Two services on two clusters for an hour, in which one cluster is lost for a while.
fn simulated() -> smo::backend::sim::SimBackend {
    let mut world =
        scenario(vec![service("one", 100.0), service("two", 50.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    world.faults = vec![lose(FaultTarget::Cluster(ClusterId(1)), 1_200, 600)];
    run(world, load(&[(0, 40), (900, 120)], 3_600), crate::world::Scripted(vec![])).backend
}

fn plan(wishes: &[(u32, u32, u32)]) -> Plan {
    let mut targets = Targets::default();
    for &(service, cluster, replicas) in wishes {
        targets.set(ServiceId(service), ClusterId(cluster), replicas);
    }
    Plan { targets, ..Plan::default() }
}

/// What a backend did while three plans were applied in turn.
#[derive(Default)]
struct Story {
    times: Vec<Time>,
    started: Vec<Action>,
    finished: Vec<Action>,
    /// Targets in the snapshot after each plan, and the plan.
    targets: Vec<(Targets, Targets)>,
    repeated: usize,
    ended: Option<Totals>,
}

fn tell(backend: &mut dyn Backend) -> Story {
    let plans =
        [plan(&[(0, 0, 2), (1, 1, 2)]), plan(&[(0, 0, 1), (0, 1, 2), (1, 0, 3)]), plan(&[(0, 0, 4), (1, 0, 1)])];
    let mut story = Story::default();
    let mut applied = Targets::default();
    loop {
        match backend.observe().expect("the world can be observed") {
            Observation::Due(snapshot) => {
                story.targets.push((snapshot.targets.clone(), applied.clone()));
                let minute = usize::try_from(snapshot.at.0 / 60_000_000_000).expect("an hour is short");
                let plan = &plans[(minute / 15).min(2)];
                story.times.push(snapshot.at);
                story.started.extend(backend.apply(plan).expect("it takes orders"));
                story.repeated += backend.apply(plan).expect("it takes orders").len();
                applied = plan.targets.clone();
            }
            Observation::Finished(action) => story.finished.push(action),
            Observation::Event(event) => story.times.push(event.at),
            Observation::Sampled(sample) => story.times.push(sample.at),
            Observation::WarmedUp(at) => story.times.push(at),
            Observation::Failed { action, error } => panic!("{action:?} failed: {error}"),
            Observation::Ended(totals) => {
                story.ended = Some(*totals);
                return story;
            }
        }
    }
}

fn each(judge: impl Fn(&Subject, Story)) {
    for subject in SUBJECTS {
        judge(subject, tell((subject.start)().as_mut()));
    }
}

#[test]
fn time_never_goes_back() {
    each(|subject, story| {
        assert!(story.times.len() > 60, "{}", subject.name);
        assert!(story.times.is_sorted(), "{}", subject.name);
    });
}

#[test]
fn the_same_plan_again_starts_nothing() {
    each(|subject, story| assert_eq!(story.repeated, 0, "{}", subject.name));
}

#[test]
fn actions_are_the_difference_to_the_present_targets() {
    each(|subject, story| {
        let started = story.started.iter().map(|action| (action.service.0, action.cluster.0, action.from, action.to));
        let expected = [
            vec![(0, 0, 0, 2), (1, 1, 0, 2)],
            vec![(0, 0, 2, 1), (0, 1, 0, 2), (1, 0, 0, 3), (1, 1, 2, 0)],
            vec![(0, 0, 1, 4), (0, 1, 2, 0), (1, 0, 3, 1)],
        ];
        let expected = if subject.acts { expected.concat() } else { Vec::new() };
        assert_eq!(started.collect::<Vec<_>>(), expected, "{}", subject.name);
    });
}

#[test]
fn the_snapshot_shows_what_was_asked_for() {
    each(|subject, story| {
        for (seen, applied) in story.targets {
            assert_eq!(seen, if subject.acts { applied } else { Targets::default() }, "{}", subject.name);
        }
    });
}

/// Every action that was not overtaken by a later one for the same place is reported as finished, once.
#[test]
fn every_action_comes_to_its_end() {
    each(|subject, story| {
        let mut started: Vec<_> = story.started.iter().map(|action| action.id).collect();
        let mut finished: Vec<_> = story.finished.iter().map(|action| action.id).collect();
        started.sort_unstable();
        finished.sort_unstable();
        assert_eq!(started, finished, "{}", subject.name);
    });
}

#[test]
fn the_run_ends_with_sums_that_add_up() {
    each(|subject, story| {
        let totals = story.ended.expect("it ended");
        for service in &totals.by_service {
            let Flow { offered, served, dropped, backlog, carried } = service.flow;
            assert_eq!(offered + carried, served + dropped + backlog, "{}", subject.name);
        }
        let lost = if subject.acts { 0 } else { totals.requests.offered };
        assert!(totals.requests.dropped >= lost, "{}: without replicas nothing is served", subject.name);
    });
}
