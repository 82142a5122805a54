//! A run can be forked, and a future that changes nothing is the one that would have come anyway.

use crate::world::{Kept, Scripted, at, cluster, load, lose, run, scenario, service};
use smo::model::fault::{Fault, FaultTarget, FaultTimes};
use smo::model::{Call, ClusterId, Delay, Scenario, ServiceId};
use smo::units::{Bytes, Ratio, Span};

const DAY: u64 = 86_400;

/// Random delays, random faults, lost scrapes: everything that draws.
fn eventful() -> Scenario {
    let calls = vec![Call { from: ServiceId(0), to: ServiceId(1), per_request: Ratio(1_500_000), bytes: Bytes(1_000) }];
    let mut services = vec![service("front", 40.0), service("back", 25.0)];
    for service in &mut services {
        service.start = Delay::LogNormal { median: Span::seconds(8), p95: Span::seconds(30) };
    }
    let mut world = scenario(services, calls, vec![cluster("a", 2), cluster("b", 1)]);
    world.telemetry.loss = Ratio(50_000);
    world.telemetry.jitter = Span::seconds(5);
    let often = FaultTimes::Random { mean_between: Span::seconds(1_800), mean_repair: Span::seconds(120) };
    world.faults = vec![
        Fault { target: FaultTarget::Replica(ServiceId(1)), when: often.clone() },
        Fault { target: FaultTarget::Node(ClusterId(0)), when: often },
        lose(FaultTarget::Cluster(ClusterId(1)), DAY / 2 + 100, 600),
    ];
    world
}

fn policy() -> Scripted {
    Scripted(
        (0..24)
            .flat_map(|hour| [(hour * 3_600, 0, 0, 2 + (hour % 3) as u32), (hour * 3_600, 1, 1, 3 + (hour % 4) as u32)])
            .collect(),
    )
}

fn rates() -> smo::model::workload::RowsInMemory {
    let steps: Vec<(u64, u64)> = (0..288).map(|step| (step * 300, 30 + step * 7 % 60)).collect();
    load(&steps, DAY)
}

#[test]
fn a_fork_at_noon_that_changes_nothing_equals_the_unforked_run() {
    let mut whole = Kept::default();
    let totals = run(eventful(), rates(), policy()).drive(None, &mut whole).expect("it runs");

    let mut original = run(eventful(), rates(), policy());
    let mut before = Kept::default();
    assert_eq!(original.drive(Some(at(DAY / 2)), &mut before).expect("it runs"), None);
    for mut future in [original.fork(), original] {
        let mut kept = before.clone();
        assert_eq!(future.drive(None, &mut kept).expect("it runs"), totals);
        assert_eq!(kept.lines.len(), whole.lines.len());
        let differs = kept.lines.iter().zip(&whole.lines).position(|(left, right)| left != right);
        assert_eq!(differs, None, "the first line that differs");
    }
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_of_another_are_not() {
    let lines = |seed: u64| {
        let mut kept = Kept::default();
        let mut run = run(eventful(), rates(), policy());
        run.backend = smo::backend::sim::SimBackend::new(
            std::sync::Arc::new(eventful()),
            Box::new(rates()),
            smo::seed::Seed(seed),
        )
        .expect("it starts");
        run.drive(None, &mut kept).expect("it runs");
        kept.lines
    };
    assert_eq!(lines(1), lines(1));
    assert_ne!(lines(1), lines(2));
}
