//! The conformance suite of `Backend`: what the loop relies on, asked of the simulated, the watched and the live world alike.

use crate::shop::Shop;
use crate::stack::stack;
use smo::backend::Backend;
use smo::backend::live::{LiveBackend, Mode};
use smo::backend::shadow::Shadow;
use smo::backend::sim::SimBackend;
use smo::input::{self, Loaded, Request};
use smo::model::observation::Action;
use smo::model::{ClusterId, Observation, Plan, Scenario, ServiceId, Snapshot, Totals};
use smo::seed::Seed;
use smo::units::{Span, Time};
use std::path::Path;

const FRONT: ServiceId = ServiceId(0);
const NEAR: ClusterId = ClusterId(0);

/// The shop, with a decision each second, for so many seconds; they are real ones in the live worlds.
fn shop_scenario(seconds: u64) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/live/shop.yaml");
    let set = vec![("control.every".to_owned(), "1s".to_owned())];
    let request = Request { set, until: Some(Span::seconds(seconds)), ..Request::default() };
    input::load(&path, &request).expect("the scenario is sound")
}

/// What was observed until a decision was due, and its snapshot; nothing of that at the end.
fn until_due(backend: &mut dyn Backend) -> (Vec<Observation>, Result<Box<Snapshot>, Box<Totals>>) {
    let mut others = Vec::new();
    loop {
        match backend.observe().expect("the world is there") {
            Observation::Due(snapshot) => return (others, Ok(snapshot)),
            Observation::Ended(totals) => return (others, Err(totals)),
            other => others.push(other),
        }
    }
}

fn wanting(snapshot: &Snapshot, replicas: u32) -> Plan {
    let mut targets = snapshot.targets.clone();
    for cluster in snapshot.clusters.ids() {
        targets.set(FRONT, cluster, if cluster == NEAR { replicas } else { 0 });
    }
    Plan { targets, ..Plan::default() }
}

/// Whether plans have effects here.
#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Acts,
    Watches,
}

fn conforms(backend: &mut dyn Backend, scenario: &Scenario, effect: Effect) {
    let (_, first) = until_due(backend);
    let first = first.expect("a decision is due before the end");
    assert_eq!(first.clusters.len(), scenario.known.clusters.len());
    assert_eq!(first.services.len(), scenario.known.application.services.len());
    assert!(first.clusters.values().all(|cluster| cluster.reachable && cluster.allocatable.cpu.0 > 0));
    // A first plan, so that every world stands on the same ground: two replicas, near.
    backend.apply(&wanting(&first, 2)).expect("it takes orders");
    let mut at = first.at;
    let ground = loop {
        let snapshot = until_due(backend).1.expect("it is not over yet");
        assert!(snapshot.at > at, "time goes on");
        at = snapshot.at;
        if effect == Effect::Watches || snapshot.under_way.is_empty() {
            break snapshot;
        }
    };
    let plan = wanting(&ground, 4);
    let actions = backend.apply(&plan).expect("it takes orders");
    let again = backend.apply(&plan).expect("it takes orders");
    assert_eq!(again, [], "the same plan again starts nothing");
    if effect == Effect::Watches {
        assert_eq!(actions, [], "a watcher starts nothing");
        assert_eq!(until_due(backend).1.expect("it is not over yet").targets, ground.targets);
    } else {
        acts(backend, (&plan, &actions), at);
    }
    let totals = loop {
        if let (_, Err(totals)) = until_due(backend) {
            break totals;
        }
    };
    let wanted = scenario.until.expect("it ends");
    assert!(totals.span.as_seconds_f64() >= 0.8 * wanted.as_seconds_f64(), "{:?}", totals.span);
    assert_eq!(totals.by_service.len(), scenario.known.application.services.len());
    assert_eq!(totals.by_cluster.len(), scenario.known.clusters.len());
}

/// The actions lead from what was to what is wanted, are under way until they are finished, and each is finished once.
fn acts(backend: &mut dyn Backend, (plan, actions): (&Plan, &[Action]), since: Time) {
    let asked: Vec<(ServiceId, ClusterId, u32, u32)> =
        actions.iter().map(|action| (action.service, action.cluster, action.from, action.to)).collect();
    assert_eq!(asked, [(FRONT, NEAR, 2, 4)]);
    let mut finished = Vec::new();
    let mut at = since;
    while finished.is_empty() {
        let (others, snapshot) = until_due(backend);
        let snapshot = snapshot.expect("it is finished before the end");
        assert_eq!(snapshot.targets, plan.targets, "what is asked for is in every snapshot from then on");
        assert!(snapshot.at > at, "time goes on");
        at = snapshot.at;
        for other in others {
            match other {
                Observation::Finished(action) => finished.push(action),
                Observation::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        assert_eq!(snapshot.under_way.is_empty(), !finished.is_empty(), "under way until it is finished");
    }
    assert_eq!(finished, actions);
    let later = until_due(backend).1.expect("it is not over yet");
    let ready = later.services[FRONT].count_in(NEAR, smo::model::Phase::Ready);
    assert_eq!(ready, 4, "what is finished serves");
}

#[test]
fn the_simulated_world_conforms() {
    let loaded = shop_scenario(25);
    let backend = || SimBackend::new(loaded.scenario.clone(), loaded.workload().expect("the load is there"), Seed(1));
    conforms(&mut backend().expect("it begins"), &loaded.scenario, Effect::Acts);
    conforms(&mut Shadow(backend().expect("it begins")), &loaded.scenario, Effect::Watches);
}

#[test]
fn the_live_world_conforms() {
    let Some(stack) = stack("conformance") else { return };
    let shop = Shop::new(&stack, "conform");
    let connect = |loaded: &Loaded, mode: Mode| {
        let connection = input::connection::load(&shop.connection(), &loaded.scenario.known).expect("it is sound");
        LiveBackend::connect(loaded.scenario.as_ref().clone(), connection, mode).expect("it connects")
    };
    let loaded = shop_scenario(20);
    let mut live = connect(&loaded, Mode::Act);
    conforms(&mut live, &loaded.scenario, Effect::Acts);
    drop(live);
    // Nothing has to get ready for one that watches.
    let loaded = shop_scenario(8);
    conforms(&mut Shadow(connect(&loaded, Mode::Watch)), &loaded.scenario, Effect::Watches);
}
