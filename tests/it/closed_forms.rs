//! The simulated world against what can be computed by hand: queues, integrals, conservation.

use crate::world::{Scripted, cluster, known, load, lose, per_second, scenario, service, simulate};
use rand::RngExt;
use smo::model::environment::StepSeries;
use smo::model::fault::FaultTarget;
use smo::model::observation::Flow;
use smo::model::{Call, ClusterId, ServiceId};
use smo::units::{Bytes, Money, Ratio, Span};
use std::sync::Arc;

const HOUR: u64 = 3_600;

fn near(found: f64, right: f64, tolerance: f64) {
    assert!((found / right - 1.0).abs() <= tolerance, "{found} is not within {tolerance} of {right}");
}

/// M/M/1, λ = 80, µ = 100: sojourn exponential with rate 20, so mean 50 ms, median 34.66, p95 149.8, p99 230.3 ms.
/// The SLO of 150 ms is kept by 1 − e^(−20·0.15) = 95.02 % of requests: just enough for 95 %.
#[test]
fn an_mm1_queue_has_its_exponential_sojourn() {
    let mut one = service("one", 100.0);
    one.slo = Some(smo::model::Slo { latency: Span(150_000_000), share: Ratio(950_000) });
    let (totals, _) = simulate(
        scenario(vec![one], vec![], vec![cluster("a", 1)]),
        load(&[(0, 80)], HOUR),
        Scripted(vec![(0, 0, 0, 1)]),
    );
    let latency = totals.latency.expect("there was traffic");
    near(latency.mean.as_seconds_f64(), 0.05, 1e-6);
    near(latency.p50.as_seconds_f64(), 2f64.ln() / 20.0, 0.015);
    near(latency.p95.as_seconds_f64(), 20f64.ln() / 20.0, 0.015);
    near(latency.p99.as_seconds_f64(), 100f64.ln() / 20.0, 0.015);
    near(totals.slo_violation_requests, (-3f64).exp(), 1e-6);
    assert!(totals.slo_violation_time < 1e-12);
}

/// M/D/1, λ = 80, µ = 100 (Pollaczek–Khinchine): wait = ρ/(2µ(1−ρ)) = 20 ms, and 10 ms of service.
#[test]
fn an_md1_queue_waits_half_of_an_mm1_queue() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1)]);
    world.truth[ServiceId(0)].service_variability = 0.0;
    let (totals, _) = simulate(world, load(&[(0, 80)], HOUR), Scripted(vec![(0, 0, 0, 1)]));
    near(totals.latency.expect("there was traffic").mean.as_seconds_f64(), 0.030, 1e-6);
}

/// M/M/4 at ρ = 0.8: Erlang C(4, 3.2) = 0.5964, wait = C/(4µ − λ) = 29.8 ms for µ = 25; within Sakasegawa's 6 %.
#[test]
fn an_mmc_queue_waits_as_erlang_says() {
    let (totals, _) = simulate(
        scenario(vec![service("one", 25.0)], vec![], vec![cluster("a", 1)]),
        load(&[(0, 80)], HOUR),
        Scripted(vec![(0, 0, 0, 4)]),
    );
    let wait = totals.latency.expect("there was traffic").mean.as_seconds_f64() - 0.040;
    near(wait, 0.5964 / 20.0, 0.06);
}

/// 150/s into 100/s for 20 s leave 1,000 waiting; at 50/s they are served by 20 + 1000/50 = 40 s, and no sooner.
#[test]
fn a_backlog_drains_when_arithmetic_says() {
    let mut world = scenario(vec![service("one", 100.0)], vec![], vec![cluster("a", 1)]);
    world.sample_every = Some(Span::seconds(1));
    let (totals, kept) = simulate(world, load(&[(0, 150), (20, 50)], 60), Scripted(vec![(0, 0, 0, 1)]));
    let backlog = |second: u64| {
        kept.samples
            .iter()
            .find(|sample| sample.at.0 == second * 1_000_000_000)
            .map(|sample| sample.services[0].backlog)
    };
    assert_eq!([10, 20, 30, 39, 40].map(backlog), [Some(500.0), Some(1_000.0), Some(500.0), Some(50.0), Some(0.0)]);
    assert_eq!(totals.requests.dropped, 0);
}

/// Utilisation law: busy core-seconds = requests × core-seconds per request; 80/s at 100/s a core for an hour: 0.8 h.
#[test]
fn busy_cores_follow_the_utilisation_law() {
    let (totals, _) = simulate(
        scenario(vec![service("one", 50.0)], vec![], vec![cluster("a", 1)]),
        load(&[(0, 80)], HOUR),
        Scripted(vec![(0, 0, 0, 4)]),
    );
    near(totals.by_service[0].cpu_hours, 80.0 / 50.0, 1e-9);
    near(totals.by_service[0].replica_hours, 4.0, 1e-9);
}

/// Two nodes of 16 cores, 100 W idle, 10 W a busy core, PUE 1.5; 1.6 busy cores: (200 + 16)·1.5 = 324 W for 2 h at 400 and
/// then 1 h at 100 g/kWh: 0.972 kWh, 0.648·400 + 0.324·100 = 291.6 g. Price 2 $/h for 2 h, then at half price: 5 $.
#[test]
fn energy_cost_and_carbon_are_integrals() {
    let mut world = scenario(vec![service("one", 50.0)], vec![], vec![cluster("a", 2)]);
    known(&mut world).clusters[ClusterId(0)].pue = Ratio(1_500_000);
    let step = |before: f64, after: f64| {
        let steps = vec![(crate::world::at(0), before), (crate::world::at(2 * HOUR), after)];
        Arc::new(StepSeries { steps, period: Span::ZERO })
    };
    world.environment.carbon.insert("a".to_owned(), step(400.0, 100.0));
    world.environment.price_factor.insert("a".to_owned(), step(1.0, 0.5));
    let (totals, _) = simulate(world, load(&[(0, 80)], 3 * HOUR), Scripted(vec![(0, 0, 0, 4)]));
    let site = totals.by_cluster[0];
    near(site.energy / 3.6e6, 0.972, 1e-9);
    near(site.carbon, 291.6, 1e-9);
    near(site.cost_nodes, 5.0, 1e-9);
    near(site.node_hours, 6.0, 1e-9);
    // 4 of 32 cores and 4 of 128 GiB are requested: an eighth of the price.
    near(site.cost_allocated, 5.0 / 8.0, 1e-9);
}

/// A frontend in cluster a calls twice a backend in cluster b: 50 ms each way round, 10 kB a call at 0.1 $/GB.
/// 10/s for an hour: 72,000 calls, 0.72 GB, 0.072 $; latency has two round trips in it.
#[test]
fn calls_between_clusters_pay_distance_and_traffic() {
    let calls =
        vec![Call { from: ServiceId(0), to: ServiceId(1), per_request: Ratio(2_000_000), bytes: Bytes(10_000) }];
    let mut world = scenario(
        vec![service("front", 1000.0), service("back", 1000.0)],
        calls,
        vec![cluster("a", 1), cluster("b", 1)],
    );
    let network = &mut known(&mut world).network;
    network.rtt[ClusterId(0)][ClusterId(1)] = Span(50_000_000);
    network.egress_per_gb[ClusterId(0)][ClusterId(1)] = Money(0.1);
    let (totals, _) = simulate(world, load(&[(0, 10)], HOUR), Scripted(vec![(0, 0, 0, 1), (0, 1, 1, 1)]));
    near(totals.by_cluster[0].cost_egress, 0.072, 1e-9);
    near(Flow::requests(totals.by_service[1].flow.offered), 72_000.0, 1e-9);
    let mean = totals.latency.expect("there was traffic").mean.as_seconds_f64();
    // Front: 1/(1000−10) s; back: 2·(0.05 + 1/(1000−20)).
    near(mean, 1.0 / 990.0 + 2.0 * (0.05 + 1.0 / 980.0), 1e-6);
}

/// Half of the backend's calls are dropped: with one call a request, half of the users' requests fail.
#[test]
fn a_call_that_is_dropped_fails_the_request() {
    let calls = vec![Call { from: ServiceId(0), to: ServiceId(1), per_request: Ratio::ONE, bytes: Bytes(0) }];
    let mut world = scenario(vec![service("front", 1000.0), service("back", 50.0)], calls, vec![cluster("a", 1)]);
    for truth in [ServiceId(0), ServiceId(1)] {
        world.truth[truth].queue_limit = Span(100_000_000);
    }
    let (totals, _) = simulate(world, load(&[(0, 100)], HOUR), Scripted(vec![(0, 0, 0, 1), (0, 1, 0, 1)]));
    near(totals.slo_violation_requests, 0.5, 1e-3);
    assert_eq!(totals.requests.dropped, 0, "the frontend itself drops nothing");
    near(totals.slo_violation_time, 1.0, 1e-3);
}

/// Goal: requests are neither lost nor made, and no account goes below nothing.
/// Method: 64 random worlds of chains over three clusters with random loads, plans and faults.
#[test]
fn offered_is_served_dropped_and_waiting_in_every_world() {
    for seed in 0..64 {
        let mut stream = smo::seed::Seed(seed).stream("worlds", 0);
        let count = stream.random_range(1..5u32);
        let services = (0..count).map(|index| service(&format!("s{index}"), stream.random_range(5.0..100.0))).collect();
        let call = |to: u32, ratio: u64| Call {
            from: ServiceId(to - 1),
            to: ServiceId(to),
            per_request: Ratio(ratio),
            bytes: Bytes(100),
        };
        let calls = (1..count).map(|to| call(to, stream.random_range(100_000..2_500_000))).collect();
        let mut world = scenario(services, calls, vec![cluster("a", 1), cluster("b", 2), cluster("c", 1)]);
        world.faults = vec![
            lose(FaultTarget::Cluster(ClusterId(1)), stream.random_range(100..2_000), 300),
            lose(FaultTarget::Node(ClusterId(0)), stream.random_range(100..2_000), 200),
            lose(FaultTarget::Replica(ServiceId(0)), stream.random_range(100..2_000), 10),
            lose(FaultTarget::Link(ClusterId(0), ClusterId(2)), stream.random_range(100..2_000), 400),
            lose(FaultTarget::Telemetry, stream.random_range(100..2_000), 100),
        ];
        let plan = (0..40).map(|_| {
            (
                stream.random_range(0..3_000),
                stream.random_range(0..count),
                stream.random_range(0..3),
                stream.random_range(0..6),
            )
        });
        let mut plan: Vec<_> = plan.collect();
        plan.sort_unstable();
        let rates: Vec<(u64, u64)> = (0..60).map(|minute| (minute * 60, stream.random_range(0..400))).collect();
        let (totals, _) = simulate(world, load(&rates, HOUR), Scripted(plan));
        for service in &totals.by_service {
            let flow = service.flow;
            assert_eq!(flow.offered, flow.served + flow.dropped + flow.backlog, "seed {seed}: {service:?}");
        }
        let sent: u64 = rates.iter().map(|(_, rate)| rate * 60).sum();
        assert_eq!(totals.requests.offered, u128::from(sent) * 1_000_000_000_000_000, "seed {seed}");
        assert!(totals.requests_good <= Flow::requests(totals.requests.offered) * (1.0 + 1e-9), "seed {seed}");
    }
}

/// A rate that policies see is the mean over the window before the scrape: after a step from 10 to 70/s at 30 s, the scrape
/// at 60 s sees (30·10 + 30·70)/60 = 40/s.
#[test]
fn rates_are_seen_as_means_over_the_window() {
    let (_, kept) = simulate(
        scenario(vec![service("one", 1000.0)], vec![], vec![cluster("a", 1)]),
        load(&[(0, 10), (30, 70)], 300),
        Scripted(vec![(0, 0, 0, 1)]),
    );
    let seen = |second: u64| {
        kept.snapshots
            .iter()
            .find(|snapshot| snapshot.at.0 == second * 1_000_000_000)
            .and_then(|snapshot| snapshot.services[ServiceId(0)].rate.value)
    };
    assert_eq!(seen(0), None);
    assert_eq!(
        [30, 60, 90, 120].map(seen),
        [Some(per_second(10)), Some(per_second(40)), Some(per_second(70)), Some(per_second(70))]
    );
}
