//! How plans take effect in the simulated world, what breaks, and how that is seen.

use crate::world::{Scripted, at, cluster, first_snapshot, known, load, lose, run, scenario, service, simulate};
use smo::backend::Backend;
use smo::backend::shadow::Shadow;
use smo::model::fault::FaultTarget;
use smo::model::observation::EventKind;
use smo::model::{ClusterId, Delay, Phase, Plan, ServiceId, Targets};
use smo::units::{Bytes, Rate, Ratio, Span};

const HOUR: u64 = 3_600;

fn capacity_at(kept: &crate::world::Kept, second: u64) -> f64 {
    let sample = kept.samples.iter().find(|sample| sample.at == at(second)).expect("it was sampled then");
    sample.services[0].capacity.per_second()
}

/// Decision at 600 s, effect 2 s later, pull 2 s (2 GiB at 1 GiB/s), start 10 s: 614 s.
#[test]
fn a_new_replica_serves_after_control_pull_and_start() {
    let mut one = service("one", 100.0);
    one.image = Bytes(2 << 30);
    let mut world = scenario(vec![one], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    world.sample_every = Some(Span::seconds(1));
    let (_, kept) = simulate(world, load(&[(0, 10)], 700), Scripted(vec![(0, 0, 0, 1), (600, 0, 1, 1)]));
    assert!((capacity_at(&kept, 613) - 100.0).abs() < 1e-9 && (capacity_at(&kept, 614) - 200.0).abs() < 1e-9);
}

/// A move from a to b at 600 s: the old replica serves until the new one does, then drains for 5 s.
#[test]
fn a_move_makes_before_it_breaks() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    world.sample_every = Some(Span::seconds(1));
    let (totals, kept) =
        simulate(world, load(&[(0, 10)], 700), Scripted(vec![(0, 0, 0, 2), (600, 0, 0, 0), (600, 0, 1, 2)]));
    assert!((590..700).all(|second| capacity_at(&kept, second) >= 200.0 - 1e-9), "capacity never falls");
    assert!((capacity_at(&kept, 690) - 200.0).abs() < 1e-9, "and both old ones are gone in the end");
    assert_eq!((totals.moves, totals.replica_changes, totals.requests.dropped), (2, 4, 0));
}

/// What is placed runs before anybody decides, and the first decision has to move it as any later one would.
#[test]
fn a_run_can_begin_with_what_runs_already() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    world.sample_every = Some(Span::seconds(1));
    let mut placed = Targets::default();
    placed.set(ServiceId(0), ClusterId(0), 2);
    world.placed = Some(placed.clone());
    let (totals, kept) = simulate(world, load(&[(0, 10)], 100), Scripted(vec![(0, 0, 1, 2)]));
    let first = &kept.snapshots[0];
    assert_eq!(first.targets, placed);
    assert_eq!(first.services[ServiceId(0)].count_in(ClusterId(0), Phase::Ready), 2);
    assert!((1..100).all(|second| capacity_at(&kept, second) >= 200.0 - 1e-9), "capacity never falls");
    let last = &kept.snapshots.last().expect("there were decisions").services[ServiceId(0)];
    assert_eq!([0, 1].map(|cluster| last.count_in(ClusterId(cluster), Phase::Ready)), [0, 2]);
    assert_eq!((totals.moves, totals.replica_changes), (2, 4));
}

/// Two full clusters are to change places: nobody can make before breaking, so after ten minutes it breaks.
#[test]
fn two_services_that_change_places_do_not_wait_for_ever() {
    let mut services = vec![service("one", 100.0), service("two", 100.0)];
    for service in &mut services {
        service.request.cpu = smo::units::MilliCores(16_000);
    }
    let world = scenario(services, vec![], vec![cluster("a", 1), cluster("b", 1)]);
    let plan = vec![(0, 0, 0, 1), (0, 1, 1, 1), (600, 0, 0, 0), (600, 0, 1, 1), (600, 1, 1, 0), (600, 1, 0, 1)];
    let (_, kept) = simulate(world, load(&[(0, 10)], HOUR), Scripted(plan));
    let last = &kept.snapshots.last().expect("there were decisions").services;
    assert_eq!(last[ServiceId(0)].count_in(ClusterId(1), Phase::Ready), 1);
    assert_eq!(last[ServiceId(1)].count_in(ClusterId(0), Phase::Ready), 1);
}

/// Cluster b is lost at 600 s and holds half the capacity. Until 640 s, when that is noticed, half of the calls go there and
/// are dropped; afterwards all go to a. Policies see its replicas until then.
#[test]
fn a_lost_cluster_takes_calls_until_its_loss_is_noticed() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    known(&mut world).network.routing = smo::model::network::Routing::ByCapacity;
    world.faults = vec![lose(FaultTarget::Cluster(ClusterId(1)), 600, 600)];
    let (totals, kept) = simulate(world, load(&[(0, 40)], HOUR), Scripted(vec![(0, 0, 0, 1), (0, 0, 1, 1)]));
    assert_eq!(totals.requests.dropped, 40 / 2 * 40 * 1_000_000_000_000_000);
    let view =
        |second: u64| kept.snapshots.iter().find(|snapshot| snapshot.at == at(second)).expect("it was decided then");
    assert!(view(630).clusters[ClusterId(1)].reachable && !view(660).clusters[ClusterId(1)].reachable);
    assert_eq!(view(630).services[ServiceId(0)].count(Phase::Ready), 2);
    assert_eq!(view(660).services[ServiceId(0)].count(Phase::Ready), 1);
    assert_eq!(view(1_230).services[ServiceId(0)].count(Phase::Ready), 2, "it starts again what the plan wants there");
    assert_eq!(
        kept.events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::ClusterLost, EventKind::ClusterBack]
    );
}

/// Telemetry is down from 600 to 1,500 s: the rate goes stale and is gone after 5 min, and is never seen as zero.
#[test]
fn a_telemetry_outage_is_not_zero_load() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1)]);
    world.faults = vec![lose(FaultTarget::Telemetry, 600, 900)];
    let (_, kept) = simulate(world, load(&[(0, 40)], HOUR), Scripted(vec![(0, 0, 0, 1)]));
    let seen = kept
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.at >= at(60))
        .map(|snapshot| snapshot.services[ServiceId(0)].rate);
    assert!(seen.clone().all(|rate| rate.value.is_none_or(|rate| rate == Rate(40_000_000))));
    let gone = kept
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.at >= at(60) && snapshot.services[ServiceId(0)].rate.value.is_none());
    let gone: Vec<_> = gone.map(|snapshot| snapshot.at).collect();
    assert_eq!((gone.first(), gone.last()), (Some(&at(900)), Some(&at(1_500))));
}

/// Sixteen cores are full with 16 replicas; four more need a second node, which boots for 60 s. When they are gone the node
/// is given back after its idle timeout of 600 s.
#[test]
fn an_autoscaled_pool_grows_for_those_who_wait_and_shrinks_when_empty() {
    let mut world = scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", 1)]);
    let pool = &mut known(&mut world).clusters[ClusterId(0)].pools[smo::model::PoolId(0)];
    (pool.nodes_min, pool.nodes_max) = (1, 3);
    world.sample_every = Some(Span::seconds(1));
    let plan = vec![(0, 0, 0, 16), (600, 0, 0, 20), (1_200, 0, 0, 16)];
    let (totals, kept) = simulate(world, load(&[(0, 10)], HOUR), Scripted(plan));
    let nodes =
        |second: u64| kept.samples.iter().find(|sample| sample.at == at(second)).map(|sample| sample.clusters[0].nodes);
    // Effect at 602, boot until 662, start until 672; at 1,202 four drain for 5 s, and 600 s later the node goes.
    assert_eq!([661, 662, 1_806, 1_808].map(nodes), [Some(1), Some(2), Some(2), Some(1)]);
    assert!((capacity_at(&kept, 671) - 160.0).abs() < 1e-9 && (capacity_at(&kept, 672) - 200.0).abs() < 1e-9);
    // Paid from 602 to 1,807.
    assert!(
        (totals.by_cluster[0].node_hours - (3_600.0 + 1_205.0) / 3_600.0).abs() < 1e-6,
        "{}",
        totals.by_cluster[0].node_hours
    );
}

/// A plan that arrives late does not overtake an earlier one, and the last one wins.
#[test]
fn plans_take_effect_in_the_order_in_which_they_were_made() {
    let mut world = scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", 1)]);
    world.control.effect_after = Delay::Exponential { mean: Span::seconds(120) };
    let plan = (0..20u32).map(|step| (u64::from(step) * 30, 0, 0, 1 + (step * 7) % 10)).collect();
    let (_, kept) = simulate(world, load(&[(0, 10)], 2 * HOUR), Scripted(plan));
    let last = kept.snapshots.last().expect("there were decisions");
    assert_eq!(last.services[ServiceId(0)].count(Phase::Ready), 1 + (19 * 7) % 10);
    assert!(last.under_way.is_empty());
}

#[test]
fn a_freeze_and_a_limit_on_moves_hold_a_plan_back() {
    let mut world = scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    world.control.rails.freezes = vec![(at(300), at(600))];
    world.control.rails.removed_share = Some(Ratio(250_000));
    let (_, kept) = simulate(world, load(&[(0, 10)], HOUR), Scripted(vec![(0, 0, 0, 8), (300, 0, 0, 2)]));
    let targets = |second: u64| {
        kept.snapshots
            .iter()
            .find(|snapshot| snapshot.at == at(second))
            .map(|snapshot| snapshot.targets.total(ServiceId(0)))
    };
    // Frozen until 600; then a quarter a decision: 8 → 6 → 5 → 4 → 3 → 2.
    assert_eq!([600, 630, 660, 690, 720, 750].map(targets), [8, 6, 5, 4, 3, 2].map(Some));
}

/// The same plan again starts nothing; a shadow never starts anything.
#[test]
fn applying_is_idempotent_and_a_shadow_applies_nothing() {
    let mut targets = Targets::default();
    targets.set(ServiceId(0), ClusterId(0), 3);
    let plan = Plan { targets, ..Plan::default() };
    let world = || scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", 1)]);
    let mut backend = run(world(), load(&[(0, 10)], 120), Scripted(vec![])).backend;
    first_snapshot(&mut backend);
    assert_eq!(backend.apply(&plan).expect("it takes orders").len(), 1);
    assert_eq!(backend.apply(&plan).expect("it takes orders").len(), 0);
    let mut shadow = Shadow(run(world(), load(&[(0, 10)], 120), Scripted(vec![])).backend);
    first_snapshot(&mut shadow);
    assert_eq!(shadow.apply(&plan).expect("it takes orders").len(), 0);
    assert_eq!(first_snapshot(&mut shadow).targets, Targets::default());
}
