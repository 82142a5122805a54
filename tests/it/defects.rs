//! The faults of the original that concern decisions: each is shown in the original's function or policy, and not in ours.
//!
//! The numbers in the names are those of the list of known faults of the Synergetic Meta-Orchestrator, most harmful first.
//! Those that are about processes (threads, databases, dashboards) have no counterpart here.

use crate::policies::{decide, place, policy};
use crate::worlds::{cluster, request, service, targets, world};
use smo::model::cluster::ACCELERATOR_LABEL;
use smo::model::{ClusterId, Seen, ServiceId, Snapshot};
use smo::policy::placement::naive::{Inputs, PreCheck, first_fit};
use smo::policy::placement::nephele_placement::{RelocationError, Version, decide_placement, need_of_text};
use smo::policy::scaling::nephele::{self, Rule, decide_replicas};
use smo::units::{MilliCores, Rate};
use std::sync::Arc;

const NODES: u32 = 100_000;

fn placement<'a>(capacities: &'a [f64], cores: &'a [f64], flags: &'a [bool], replicas: &'a [u32]) -> Inputs<'a> {
    let (accelerated, accelerate) = (&flags[..capacities.len()], &flags[..cores.len()]);
    Inputs { capacities, accelerated, cores, accelerate, replicas }
}

fn row(cluster: usize, clusters: usize) -> Vec<f64> {
    (0..clusters).map(|e| if e == cluster { 1.0 } else { 0.0 }).collect()
}

fn see(snapshot: &mut Snapshot, service: u32, per_second: f64) {
    snapshot.services[ServiceId(service)].rate = Seen::now(Rate::from_per_second(per_second), snapshot.at);
}

/// Asks a scaling again and again, with what it wants carried out each time; the replicas after each decision.
fn series(text: &str, rates: &[(f64, u64)]) -> Vec<Vec<u32>> {
    let clusters = vec![cluster("a", 1, 64.0, 64)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 2), service("big", request(4.0, 1), 2)]);
    snapshot.targets = targets(&[(0, 0, 2), (1, 0, 2)]);
    let mut policy = policy(text);
    let mut seen = Vec::new();
    for (rate, minutes) in rates {
        snapshot.at.0 += minutes * 60_000_000_000;
        see(&mut snapshot, 0, *rate);
        see(&mut snapshot, 1, *rate);
        snapshot.targets = decide(&mut *policy, &snapshot).targets;
        seen.push((0..2).map(|one| snapshot.targets.total(ServiceId(one))).collect());
    }
    seen
}

/// 1: replicas serve 10 /s each. 45 /s need 5; back at 5 /s one is enough. The original keeps all it ever had, ours not.
#[test]
fn fault_1_scale_down_never_pays() {
    let original = series("nephele-placement+nephele-scaling", &[(45.0, 1), (5.0, 1), (5.0, 60)]);
    assert_eq!(original, [[5, 5], [5, 5], [5, 5]]);
    let ours = series("smo-placement+smo-scaling", &[(40.0, 1), (5.0, 1), (5.0, 60)]);
    assert_eq!(ours, [[5, 5], [5, 5], [1, 1]]);
}

/// 1, in the function: at rate 0 with 4 replicas, only the service that attains the largest maximum times CPU ties.
#[test]
fn fault_1_is_in_the_weights() {
    let (rates, previous, flags) = ([0.0; 2], [4; 2], [false; 2]);
    let inputs = nephele::Inputs {
        rates: &rates,
        previous: &previous,
        cores: &[2.0, 0.5],
        accelerate: &flags,
        alpha: &[10.0; 2],
        beta: &[0.0; 2],
        capacity: 100.0,
        accelerated: false,
        maxima: &[4, 8],
    };
    let least = Rule { tie: smo::solver::scaling::Tie::Least, ..Rule::default() };
    assert_eq!(decide_replicas(&inputs, least), Ok(Some(vec![1, 4])));
    // Weighed otherwise it would pay; the original has these weights in its code.
    assert_eq!(decide_replicas(&inputs, Rule { weights: (400, 10), ..least }), Ok(Some(vec![1, 1])));
}

/// 2: three services in two clusters are misshapen once transposed, four are one too many; both are ordinary for ours.
#[test]
fn fault_2_replacement_reads_the_matrix_transposed() {
    let flags = [false; 4];
    let inputs = placement(&[9.0, 9.0], &[1.0; 4], &flags, &[1; 4]);
    let three = placement(&[9.0, 9.0], &[1.0; 3], &flags, &[1; 3]);
    let current: Vec<Vec<f64>> = (0..4).map(|s| row(s % 2, 2)).collect();
    let shape = decide_placement(&three, Some(&current[..3]), Version::Upstream, NODES);
    assert!(matches!(shape, Err(RelocationError::Shape { .. })), "{shape:?}");
    assert_eq!(decide_placement(&inputs, Some(&current), Version::Utils, NODES), Err(RelocationError::Index(4)));
    let service = decide_placement(&inputs, Some(&current), Version::Service, NODES).unwrap();
    assert!((service.objective - 4.0).abs() < 1e-9);
    // Three by three: row 1 is read as column 1, so the wrong service is moved.
    let square = placement(&[9.0; 3], &[1.0; 3], &flags, &[1; 3]);
    let current = [row(0, 3), row(0, 3), row(2, 3)];
    assert!(decide_placement(&square, Some(&current), Version::Upstream, NODES).unwrap().objective > 3.0);
    let services: Vec<_> = (0..4).map(|index| service_named(index, 1.0)).collect();
    let mut snapshot = world(vec![cluster("a", 1, 9.0, 9), cluster("b", 1, 9.0, 9)], services);
    snapshot.targets = targets(&[(0, 0, 1), (1, 1, 1), (2, 0, 1), (3, 1, 1)]);
    assert_eq!(place("smo-placement+static", &snapshot).targets, snapshot.targets);
}

fn service_named(index: u32, cores: f64) -> smo::model::Service {
    service(&format!("service-{index}"), request(cores, 1), 1)
}

/// 3: text is repeated, not multiplied.
#[test]
fn fault_3_one_core_twice_are_eleven() {
    assert_eq!(need_of_text("1", 2), Some(11.0));
    assert_eq!(need_of_text("0.5", 2), None);
    let cores = need_of_text("1", 2).unwrap() / 2.0;
    let flags = [false; 2];
    let inputs = placement(&[10.0, 10.0], std::slice::from_ref(&cores), &flags, &[2]);
    let found = decide_placement(&inputs, Some(&[row(0, 2)]), Version::Service, NODES);
    assert_eq!(found, Err(RelocationError::Infeasible));
    let snapshot = world(vec![cluster("a", 1, 10.0, 10)], vec![service("web", request(1.0, 1), 2)]);
    assert_eq!(place("smo-placement+static", &snapshot).targets, targets(&[(0, 0, 2)]));
}

/// 4: the first fit spends the only cluster with accelerators on a service that needs none, and fails; ours swaps them.
#[test]
fn fault_4_accelerators_are_wasted() {
    let (accelerated, accelerate) = ([true, false], [false, true]);
    let inputs = Inputs {
        capacities: &[4.0, 8.0],
        accelerated: &accelerated,
        cores: &[4.0, 2.0],
        accelerate: &accelerate,
        replicas: &[1, 1],
    };
    let error = first_fit(&inputs, PreCheck::Largest).unwrap_err();
    assert_eq!(error.to_string(), "Service 1 with requirement 2 could not be placed.");
    let mut with_gpu = cluster("gpu", 1, 4.0, 8);
    let pool = with_gpu.pools.iter_mut().next().unwrap().1;
    pool.shape.gpu = 1_000;
    pool.labels.insert(ACCELERATOR_LABEL.to_owned(), "a100".to_owned());
    let mut needs_gpu = service_named(1, 2.0);
    needs_gpu.request.gpu = 1_000;
    let snapshot = world(vec![with_gpu, cluster("plain", 1, 8.0, 8)], vec![service_named(0, 4.0), needs_gpu]);
    assert!(!place("naive+static", &snapshot).refusals.is_empty());
    let plan = place("smo-placement+static", &snapshot);
    assert_eq!(plan.targets, targets(&[(0, 1, 1), (1, 0, 1)]));
    assert_eq!(plan.refusals, []);
}

/// 5: a cluster of 8 cores that holds 6 of them by its own replicas has 2 left, so what is there does not fit beside itself.
#[test]
fn fault_5_own_replicas_count_twice() {
    let mut snapshot = world(vec![cluster("a", 1, 8.0, 8)], vec![service("web", request(1.0, 1), 6)]);
    snapshot.targets = targets(&[(0, 0, 6)]);
    snapshot.clusters[ClusterId(0)].allocated.cpu = MilliCores(6_000);
    see(&mut snapshot, 0, 60.0);
    let original = decide(&mut *policy("nephele-placement+nephele-scaling"), &snapshot);
    assert!(original.why[ServiceId(0)].rule.starts_with("hold: infeasible"), "{:?}", original.why);
    see(&mut snapshot, 0, 64.0);
    assert_eq!(place("smo-placement+smo-scaling", &snapshot).targets, targets(&[(0, 0, 8)]));
    let own = place("nephele-placement+nephele-scaling:capacity=own", &snapshot);
    assert_eq!(own.targets, targets(&[(0, 0, 7)]));
}

/// 8: a cluster has joined, so the stored matrix is too narrow; a plan names clusters.
#[test]
fn fault_8_a_cluster_that_joins_breaks_the_record() {
    let flags = [false; 3];
    let inputs = placement(&[9.0; 3], &[1.0; 2], &flags, &[1; 2]);
    let found = decide_placement(&inputs, Some(&[row(0, 2), row(1, 2)]), Version::Service, NODES);
    assert!(matches!(found, Err(RelocationError::Shape { columns: 2, clusters: 3, .. })), "{found:?}");
    let clusters = vec![cluster("a", 1, 9.0, 9), cluster("b", 1, 9.0, 9), cluster("joined", 1, 9.0, 9)];
    let mut snapshot = world(clusters, vec![service_named(0, 1.0), service_named(1, 1.0)]);
    snapshot.targets = targets(&[(0, 0, 1), (1, 1, 1)]);
    assert_eq!(place("smo-placement+static", &snapshot).targets, snapshot.targets);
}

/// 10: one service that cannot be served stops the scaling of all others in its cluster; ours gives each what it can have.
#[test]
fn fault_10_one_service_stops_all() {
    let clusters = vec![cluster("a", 1, 8.0, 64)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 1), service("big", request(4.0, 1), 1)]);
    snapshot.targets = targets(&[(0, 0, 1), (1, 0, 1)]);
    see(&mut snapshot, 0, 30.0);
    see(&mut snapshot, 1, 90.0);
    let original = place("nephele-placement+nephele-scaling", &snapshot);
    assert_eq!(original.targets, targets(&[(0, 0, 1), (1, 0, 1)]));
    let ours = place("smo-placement+smo-scaling", &snapshot);
    assert_eq!(ours.targets.total(ServiceId(0)), 4, "{ours:?}");
    assert!(ours.refusals.iter().all(|refusal| refusal.service == ServiceId(1)), "{ours:?}");
}

/// 11: 95 /s need 10 replicas where 3 are the most.
#[test]
fn fault_11_the_maximum_is_no_bound() {
    let inputs = nephele::Inputs {
        rates: &[95.0],
        previous: &[1],
        cores: &[1.0],
        accelerate: &[false],
        alpha: &[10.0],
        beta: &[0.0],
        capacity: 100.0,
        accelerated: false,
        maxima: &[3],
    };
    assert_eq!(decide_replicas(&inputs, Rule::default()), Ok(Some(vec![10])));
    assert_eq!(decide_replicas(&inputs, Rule { is_bounded: true, ..Rule::default() }), Ok(None));
    let mut snapshot = world(vec![cluster("a", 1, 64.0, 64)], vec![service("web", request(1.0, 1), 1)]);
    Arc::get_mut(&mut snapshot.known).unwrap().application.services[ServiceId(0)].replicas_max = 3;
    see(&mut snapshot, 0, 95.0);
    assert_eq!(place("smo-placement+smo-scaling", &snapshot).targets, targets(&[(0, 0, 3)]));
}

/// 18: telemetry is lost while 3 replicas are needed and 5 are there, which a wish of the original's without its ratchet would
/// shrink to 1; ours keeps what it wanted last.
#[test]
fn fault_18_an_outage_reads_as_no_load() {
    let original = "nephele-placement+nephele-scaling:trans=0,tie=least";
    for (text, wanted) in [(original, 1), ("smo-placement+smo-scaling", 5)] {
        let mut snapshot = world(vec![cluster("a", 1, 64.0, 64)], vec![service("web", request(1.0, 1), 5)]);
        snapshot.targets = targets(&[(0, 0, 5)]);
        assert_eq!(place(text, &snapshot).targets.total(ServiceId(0)), wanted, "{text}");
    }
}

/// A service that fits nowhere stops the original's re-placement of everything; ours places the others and refuses that one.
#[test]
fn one_service_that_fits_nowhere_does_not_stop_the_others() {
    let clusters = vec![cluster("a", 1, 4.0, 8), cluster("b", 1, 4.0, 8)];
    let snapshot = world(clusters, vec![service_named(0, 1.0), service_named(1, 6.0), service_named(2, 3.0)]);
    let original = place("nephele-placement+static", &snapshot);
    assert_eq!(original.targets, targets(&[]));
    assert_eq!(original.refusals[0].reason, "Optimal placement not found. Problem status: infeasible");
    let ours = place("smo-placement+static", &snapshot);
    assert_eq!(ours.targets.total(ServiceId(0)) + ours.targets.total(ServiceId(2)), 2);
    assert_eq!(ours.refusals.len(), 1);
}

/// The loop of 2024 moves something at every re-placement, the later one only what it must.
#[test]
fn the_program_of_2024_moves_for_the_sake_of_moving() {
    use smo::policy::joint::nephele_2024::decide_placement_2024;
    let flags = [false; 3];
    let inputs = placement(&[4.0, 6.0], &[0.5, 1.0, 1.0], &flags, &[1; 3]);
    let current = [row(0, 2), row(0, 2), row(0, 2)];
    assert!((decide_placement_2024(&inputs, &current, false).unwrap().objective - 4.0).abs() < 1e-9);
    assert!((decide_placement(&inputs, Some(&current), Version::Service, NODES).unwrap().objective - 3.0).abs() < 1e-9);
}
