//! A warm-up is left out of the figures and of nothing else.

use crate::program::{scratch, smo};
use crate::world::{Kept, Scripted, at, cluster, known, load, lose, scenario, service, simulate};
use smo::model::environment::StepSeries;
use smo::model::fault::FaultTarget;
use smo::model::{Call, ClusterId, Scenario, ServiceId, Totals};
use smo::units::{Bytes, Money, Ratio, Span};
use std::sync::Arc;

const HOUR: u64 = 3_600;

/// A front that calls a back in another cluster at a price, overloaded from 1,000 s to 2,000 s, with a node lost, a price that
/// doubles, and replicas that come and go.
fn eventful(warm_up: u64, until: u64) -> (Totals, Kept) {
    let calls = vec![Call { from: ServiceId(0), to: ServiceId(1), per_request: Ratio(500_000), bytes: Bytes(1_000) }];
    let services = vec![service("front", 100.0), service("back", 100.0)];
    let mut world: Scenario = scenario(services, calls, vec![cluster("a", 2), cluster("b", 2)]);
    known(&mut world).network.egress_per_gb[ClusterId(0)][ClusterId(1)] = Money(10.0);
    world.environment.price_factor =
        [("a".to_owned(), Arc::new(StepSeries { steps: vec![(at(0), 1.0), (at(1_700), 2.0)], period: Span::ZERO }))]
            .into();
    world.faults = vec![lose(FaultTarget::Cluster(ClusterId(1)), 1_800, 300)];
    (world.warm_up, world.until) = (Span::seconds(warm_up), Some(Span::seconds(until)));
    let plan = vec![(0, 0, 0, 1), (0, 1, 1, 1), (600, 0, 1, 1), (1_500, 0, 0, 2), (2_400, 0, 1, 0)];
    simulate(world, load(&[(0, 80), (1_000, 250), (2_000, 60)], HOUR), Scripted(plan))
}

/// Goal: what is a sum is the same whether it is counted from the end of the warm-up, or whole and less.
/// Method: three runs, for warm-ups in the calm, in the overload with a backlog, and on a sample.
#[test]
fn sums_after_a_warm_up_are_those_of_the_whole_less_those_before() {
    for warm_up in [601, 1_777, 2_400] {
        let (whole, (warm, _), (before, _)) = (eventful(0, HOUR).0, eventful(warm_up, HOUR), eventful(0, warm_up));
        assert_eq!((warm.span, warm.warm_up), (Span::seconds(HOUR - warm_up), Span::seconds(warm_up)));
        let flow = warm.requests;
        assert_eq!(flow.offered, whole.requests.offered - before.requests.offered, "{warm_up}");
        assert_eq!(flow.served, whole.requests.served - before.requests.served);
        assert_eq!(flow.dropped, whole.requests.dropped - before.requests.dropped);
        assert_eq!((flow.carried, flow.backlog), (before.requests.backlog, whole.requests.backlog));
        assert_eq!(flow.offered + flow.carried, flow.served + flow.dropped + flow.backlog);
        let counts = |totals: &Totals| [totals.moves, totals.replica_changes, totals.flaps];
        for ((warm, whole), before) in counts(&warm).iter().zip(counts(&whole)).zip(counts(&before)) {
            assert_eq!(*warm, whole - before, "{warm_up}");
        }
        let sums = |totals: &Totals| {
            let mut all = vec![totals.requests_good, totals.slo_violation_time * totals.span.as_seconds_f64()];
            all.extend(totals.by_service.iter().flat_map(|row| [row.replica_hours, row.cpu_hours]));
            all.extend(totals.by_cluster.iter().flat_map(|row| {
                [row.node_hours, row.cost_nodes, row.cost_egress, row.cost_allocated, row.energy, row.carbon]
            }));
            all
        };
        for ((warm, whole), before) in sums(&warm).iter().zip(sums(&whole)).zip(sums(&before)) {
            assert!(
                (warm - (whole - before)).abs() <= 1e-9 * whole.abs().max(1.0),
                "{warm_up}: {warm} {whole} {before}"
            );
        }
    }
}

/// Only the end of the run is calm: its latency is that of the calm, and the overload has left no trace.
#[test]
fn quantiles_and_longest_times_begin_anew() {
    let (whole, kept) = eventful(0, HOUR);
    let (calm, same) = eventful(3_000, HOUR);
    assert!(whole.slo_violation_longest > Span::seconds(100) && calm.slo_violation_longest == Span::ZERO);
    let p99 = |totals: &Totals| totals.latency.expect("there was traffic").p99;
    assert!(p99(&whole) > Span::seconds(1) && p99(&calm) < Span::seconds(1), "{:?}", calm.latency);
    assert_eq!(kept.snapshots.len(), same.snapshots.len(), "decisions go on as ever");
    assert_eq!(kept.samples.len(), same.samples.len(), "and so do the series");
    let packed = |totals: &Totals| totals.packing.expect("there were samples").cpu_used;
    assert!(packed(&calm) < packed(&whole));
}

/// Two hours with decisions every 15 s, the first left out: 240 are counted, 480 are in the log.
#[test]
fn decisions_are_counted_after_the_warm_up_and_logged_from_the_start() {
    let scratch = scratch();
    let options = ["--policy", "greedy+rate", "--seeds", "1", "--until", "2h", "--set", "warm_up=1h"];
    smo(scratch.path(), ["simulate", "scenarios/quickstart.yaml"].into_iter().chain(options)).well();
    let read = |name: &str| {
        let path = scratch.path().join("runs/quickstart/greedy+rate-1").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(
        (&summary["decisions"], &summary["span_s"], &summary["warm_up_s"]),
        (&240.into(), &3600.0.into(), &3600.0.into())
    );
    assert_eq!(read("decisions.jsonl").lines().filter(|line| line.contains("\"decision\":")).count(), 480);
    assert!(summary["elasticity"]["deviation_share"].as_f64().is_some_and(|share| share > 0.0));
}

#[test]
fn a_warm_up_as_long_as_the_run_is_refused() {
    let scratch = scratch();
    let simulate = |until: &str| {
        let options = ["--policy", "naive", "--seeds", "1", "--until", until, "--set", "warm_up=24h"];
        smo(scratch.path(), ["simulate", "scenarios/quickstart.yaml"].into_iter().chain(options))
    };
    simulate("24h").refused(2, "a warm-up has to end before");
    simulate("30d").refused(2, "a warm-up has to end before");
}
