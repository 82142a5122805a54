//! Tasks in the simulated world: against closed forms, and what always holds.

use crate::world;
use crate::world::{at, known, per_second};
use rand::RngExt;
use smo::backend::sim::SimBackend;
use smo::model::fault::{Fault, FaultTarget, FaultTimes};
use smo::model::observation::TaskTotals;
use smo::model::task::{TaskRow, TasksInMemory};
use smo::model::workload::RowsInMemory;
use smo::model::{ClusterId, Delay, Resources, Scenario, ServiceId, Totals};
use smo::policy::PolicySpec;
use smo::record::Unrecorded;
use smo::run::Run;
use smo::seed::Seed;
use smo::units::{Bytes, MilliCores, Span, Time};
use std::sync::Arc;

const CORE: u64 = 1_000;
const DEVICE: u64 = 1_000;

/// Amounts of a request: millicores, GiB, thousandths of accelerators.
fn request(cpu: u64, gib: u64, gpu: u64) -> Resources {
    Resources { cpu: MilliCores(cpu), memory: Bytes(gib << 30), gpu, pods: 1 }
}

/// A world of tasks only: `nodes` of 16 cores and 64 GiB in each cluster, no delays.
fn scenario(nodes: &[u32], classes: &[Resources]) -> Scenario {
    let clusters = nodes.iter().enumerate().map(|(index, nodes)| world::cluster(&format!("c{index}"), *nodes));
    let mut scenario = world::scenario(Vec::new(), Vec::new(), clusters.collect());
    scenario.control.effect_after = Delay::NONE;
    scenario.until = Some(Span::seconds(100_000));
    for (index, request) in classes.iter().enumerate() {
        add_class(&mut scenario, &format!("class-{index}"), *request);
    }
    scenario
}

/// One node, and a run as long as its tasks.
fn endless(classes: &[Resources]) -> Scenario {
    Scenario { until: None, ..scenario(&[1], classes) }
}

fn add_class(scenario: &mut Scenario, name: &str, request: Resources) -> ServiceId {
    let mut class = world::service(name, 1.0);
    (class.request, class.replicas_max, class.slo, class.start) = (request, u32::MAX, None, Delay::NONE);
    scenario.truth.push(world::exponential(&class.capacity));
    known(scenario).application.add_task_class(class)
}

fn task(at: Time, class: u32, seconds: f64) -> TaskRow {
    let duration = Some(Span::from_seconds_f64(seconds));
    TaskRow { at, class: ServiceId(class), duration, cpu_used: MilliCores(CORE) }
}

fn backend(scenario: &Arc<Scenario>, rows: &[TaskRow]) -> SimBackend {
    let rates = Box::new(RowsInMemory::new(Vec::new(), Span::ZERO));
    let tasks = Box::new(TasksInMemory::new(rows.to_vec()));
    SimBackend::with_tasks(Arc::clone(scenario), (rates, tasks), Seed(1)).unwrap()
}

fn run_of(scenario: &Arc<Scenario>, rows: &[TaskRow], policy: &str) -> Run<SimBackend> {
    let policy: PolicySpec = policy.parse().unwrap();
    Run::new(backend(scenario, rows), policy.build().unwrap(), scenario.control.rails.clone(), Seed(1))
}

fn totals(scenario: &Arc<Scenario>, rows: &[TaskRow], policy: &str) -> Totals {
    let totals = run_of(scenario, rows, policy).drive(None, &mut Unrecorded).unwrap().unwrap();
    let tasks = totals.tasks.unwrap();
    assert_eq!(tasks.arrived, tasks.completed + tasks.running + tasks.waiting + tasks.refused, "{tasks:?}");
    totals
}

fn tasks(scenario: Scenario, rows: &[TaskRow]) -> TaskTotals {
    totals(&Arc::new(scenario), rows, "greedy").tasks.unwrap()
}

/// Arrivals of a Poisson stream; each task runs as long as `duration` says.
fn poisson(per_second: f64, count: usize, duration: impl Fn(f64) -> f64) -> Vec<TaskRow> {
    let mut stream = Seed(7).stream("test_tasks", 0);
    let mut now = 0.0;
    let row = |_| {
        now -= (1.0 - stream.random::<f64>()).ln() / per_second;
        task(Time(Span::from_seconds_f64(now).0), 0, duration(stream.random::<f64>()))
    };
    (0..count).map(row).collect()
}

/// Erlang C: the chance to wait in M/M/c with offered load `a`; the mean wait is that times `service / (c − a)`.
fn erlang_c(c: u32, a: f64) -> f64 {
    let blocking = (1..=c).fold(1.0, |b, k| a * b / (f64::from(k) + a * b));
    blocking / (1.0 - a / f64::from(c) * (1.0 - blocking))
}

/// The mean wait in a queue with `servers`, first come first served, by the recursion of Kiefer and Wolfowitz: a customer
/// takes the server that is free first.
fn mean_wait(rows: &[TaskRow], servers: usize) -> Span {
    let mut free = vec![Time::ZERO; servers];
    let wait = |row: &TaskRow| {
        let first = free.iter_mut().min().unwrap();
        let start = row.at.max(*first);
        *first = start + row.duration.unwrap();
        u128::from(start.since(row.at).0)
    };
    let sum: u128 = rows.iter().map(wait).sum();
    Span(u64::try_from(sum / rows.len() as u128).unwrap())
}

/// Goal: tasks of a core each on a node of 16 cores wait as customers of M/M/16 do.
/// Method: 60,000 tasks at 3/4 load: exactly as the recursion says, and about as Erlang C does, by which the mean wait is
/// C(16, 12) · 10 s / 4. So many tasks leave a standard error of a tenth.
#[test]
fn tasks_wait_as_in_a_queue_with_as_many_servers_as_fit() {
    let rows = poisson(1.2, 60_000, |u| -10.0 * (1.0 - u).ln());
    let wait = tasks(endless(&[request(CORE, 0, 0)]), &rows).wait.unwrap().mean;
    assert_eq!(wait, mean_wait(&rows, 16));
    let expected = erlang_c(16, 12.0) * 10.0 / 4.0;
    assert!((wait.as_seconds_f64() / expected - 1.0).abs() < 0.3, "{wait}, expected {expected} s");
}

/// M/D/1: a task fills the node, so the mean wait is ρ/(2(1−ρ)) · 10 s = 0.5/1 · 10 = 5 s.
#[test]
fn a_single_server_with_constant_durations_follows_pollaczek_khinchine() {
    let rows = poisson(0.05, 60_000, |_| 10.0);
    let wait = tasks(endless(&[request(16 * CORE, 0, 0)]), &rows).wait.unwrap().mean.as_seconds_f64();
    assert!((wait / 5.0 - 1.0).abs() < 0.05, "{wait} s");
}

/// A node for two, three tasks of 100 s at once: the third waits 100 s, and is first come first served before the fourth.
#[test]
fn tasks_are_served_by_arrival() {
    let rows: Vec<TaskRow> = (0..4).map(|second| task(at(second), 0, 100.0)).collect();
    let found = tasks(scenario(&[1], &[request(8 * CORE, 0, 0)]), &rows);
    // Waits: 0, 0, 100 − 2, 101 − 3.
    assert_eq!(found.wait.unwrap().mean, Span::seconds(49));
    assert_eq!((found.completed, found.restarted), (4, 0));
}

/// Without decisions on arrival a task that comes 1 s after a tick of 30 s waits 29 s; with them not at all.
#[test]
fn a_task_waits_for_a_tick_only_where_the_scenario_says_so() {
    for (on_arrival, wait) in [(true, Span::ZERO), (false, Span::seconds(29))] {
        let mut scenario = scenario(&[1], &[request(CORE, 0, 0)]);
        scenario.control.on_arrival = on_arrival;
        assert_eq!(tasks(scenario, &[task(at(31), 0, 5.0)]).wait.unwrap().mean, wait);
    }
}

/// Plans under way shrink with the tasks that end meanwhile: nothing is started in their place.
#[test]
fn a_task_that_ended_is_not_replaced() {
    let mut scenario = scenario(&[1], &[request(CORE, 0, 0)]);
    scenario.control.effect_after = Delay::Fixed(Span::seconds(20));
    let rows: Vec<TaskRow> = (0..50).map(|second| task(at(second), 0, 3.0)).collect();
    let totals = totals(&Arc::new(scenario), &rows, "greedy");
    let found = totals.tasks.unwrap();
    assert_eq!((found.started, found.completed, found.waiting), (50, 50, 0));
    assert!((found.hours - 150.0 / 3_600.0).abs() < 1e-9, "{}", found.hours);
}

/// The only node is lost at 10 s, noticed at 50 s and back at 60 s: a task of 30 s starts anew then and ends at 90 s.
#[test]
fn a_lost_node_sends_its_tasks_back_to_the_beginning() {
    let mut scenario = scenario(&[1], &[request(CORE, 0, 0)]);
    let when = FaultTimes::Listed(vec![(at(10), Span::seconds(50))]);
    scenario.faults.push(Fault { target: FaultTarget::Node(ClusterId(0)), when });
    scenario.until = Some(Span::seconds(89));
    let rows = [task(at(0), 0, 30.0)];
    assert_eq!(tasks(scenario.clone(), &rows).running, 1);
    scenario.until = Some(Span::seconds(91));
    let found = tasks(scenario, &rows);
    assert_eq!((found.completed, found.restarted, found.waiting), (1, 1, 0));
    assert!((found.hours - 40.0 / 3_600.0).abs() < 1e-9, "10 s are lost: {}", found.hours);
}

/// The cluster of a task is lost for good: it goes on in another one, 40 s later.
#[test]
fn tasks_of_a_lost_cluster_start_in_another() {
    let mut scenario = scenario(&[1, 1], &[request(CORE, 0, 0)]);
    let when = FaultTimes::Listed(vec![(at(10), Span::seconds(10_000))]);
    scenario.faults.push(Fault { target: FaultTarget::Cluster(ClusterId(0)), when });
    scenario.until = Some(Span::seconds(81));
    let found = tasks(scenario, &[task(at(0), 0, 30.0)]);
    assert_eq!((found.completed, found.restarted), (1, 1));
}

/// Nodes have 16 cores: a task of 17 is refused once, and does not keep a later one waiting.
#[test]
fn a_task_that_fits_no_node_is_refused_when_it_arrives() {
    let scenario = scenario(&[1], &[request(17 * CORE, 0, 0), request(CORE, 0, 0)]);
    let found = totals(&Arc::new(scenario), &[task(at(1), 0, 5.0), task(at(2), 1, 5.0)], "greedy").tasks.unwrap();
    assert_eq!((found.refused, found.completed, found.waiting), (1, 1, 0));
}

/// Two halves of a device and a third: 600 + 600 need two devices, and 400 goes beside one of them; a whole one waits.
#[test]
fn a_share_of_a_device_fits_into_one_device() {
    let classes = [request(CORE, 0, 600), request(CORE, 0, 400), request(CORE, 0, DEVICE)];
    let mut scenario = scenario(&[1], &classes);
    known(&mut scenario).clusters[ClusterId(0)].pools[smo::model::PoolId(0)].shape.gpu = 2 * DEVICE;
    let rows = [task(at(0), 0, 100.0), task(at(1), 0, 50.0), task(at(2), 1, 10.0), task(at(3), 2, 10.0)];
    let found = tasks(scenario, &rows);
    // The whole device is free at 51 s, when the second 600 ends: the 400 sat beside the first or has ended.
    assert_eq!(found.wait.unwrap().mean, Span::seconds(12));
    assert_eq!(found.completed, 4);
}

/// Goal: no unit of room is lost, whatever comes, goes and breaks; every policy; two runs and a fork end alike.
/// Method: 6 seeds of 400 tasks in five classes on three clusters with node and cluster losses, under all placements.
#[test]
fn tasks_are_conserved_and_runs_repeat_under_every_policy() {
    let classes = [
        request(CORE, 1, 0),
        request(3_300, 7, 0),
        request(9 * CORE, 2, 0),
        request(500, 30, 300),
        request(CORE, 1, DEVICE),
    ];
    for seed in 0..6 {
        let mut stream = Seed(seed).stream("test_tasks", 1);
        let mut scenario = scenario(&[2, 1, 3], &classes);
        known(&mut scenario).clusters[ClusterId(1)].pools[smo::model::PoolId(0)].shape.gpu = 2 * DEVICE;
        let random = |hours: u64| FaultTimes::Random {
            mean_between: Span::seconds(hours * 3_600),
            mean_repair: Span::seconds(600),
        };
        for cluster in 0..3 {
            scenario.faults.push(Fault { target: FaultTarget::Node(ClusterId(cluster)), when: random(1) });
            scenario.faults.push(Fault { target: FaultTarget::Cluster(ClusterId(cluster)), when: random(3) });
        }
        scenario.control.effect_after = Delay::Uniform { min: Span::ZERO, max: Span::seconds(30) };
        let mut times: Vec<u64> = (0..400).map(|_| stream.random_range(0..30_000)).collect();
        times.sort_unstable();
        let rows: Vec<TaskRow> = times
            .into_iter()
            .map(|second| task(at(second), stream.random_range(0..5), f64::from(stream.random_range(0..3_000))))
            .collect();
        let scenario = Arc::new(scenario);
        for policy in ["naive", "greedy", "greedy:by=price", "spread", "milp"] {
            if policy == "milp" && (seed > 1 || !cfg!(feature = "milp")) {
                continue;
            }
            let found = totals(&scenario, &rows, policy);
            let tasks = found.tasks.unwrap();
            assert_eq!(tasks.arrived, 400, "{policy}, seed {seed}");
            assert!(tasks.completed > 200, "{policy}, seed {seed}: {tasks:?}");
            let mut run = run_of(&scenario, &rows, policy);
            assert!(run.drive(Some(at(9_000)), &mut Unrecorded).unwrap().is_none());
            let mut fork = run.fork();
            let ends = [run.drive(None, &mut Unrecorded).unwrap(), fork.drive(None, &mut Unrecorded).unwrap()];
            assert_eq!(ends, [Some(found.clone()), Some(found)], "{policy}, seed {seed}");
        }
    }
}

/// Services beside tasks keep the pace of the control interval, and their requests stay conserved.
#[test]
fn services_and_tasks_share_a_world() {
    let mut scenario = world::scenario(vec![world::service("web", 20.0)], vec![], vec![world::cluster("c0", 2)]);
    let class = add_class(&mut scenario, "batch", request(4 * CORE, 4, 0));
    let rows: Vec<TaskRow> = (0..200).map(|index| task(at(10 * index), class.0, 60.0)).collect();
    let scenario = Arc::new(scenario);
    let rates = RowsInMemory::constant(ServiceId(0), per_second(100), Span::seconds(3_600));
    let tasks = TasksInMemory::new(rows);
    let backend = SimBackend::with_tasks(Arc::clone(&scenario), (Box::new(rates), Box::new(tasks)), Seed(1)).unwrap();
    let policy = "greedy+rate".parse::<PolicySpec>().unwrap().build().unwrap();
    let mut run = Run::new(backend, policy, scenario.control.rails.clone(), Seed(1));
    let totals = run.drive(None, &mut Unrecorded).unwrap().unwrap();
    assert_eq!(totals.tasks.unwrap().completed, 200);
    assert_eq!(totals.requests.offered, totals.requests.served + totals.requests.dropped + totals.requests.backlog);
    assert!(totals.slo_violation_requests < 0.05, "{}", totals.slo_violation_requests);
}

/// Goal: shares of devices are bound where a plain search binds them, and none is ever split or overdrawn.
/// Method: 40 seeds of 400 binds and releases on 12 nodes of 4 devices, against lists of what each device has taken: of
/// the nodes that have room on one device the best by score, the lowest among equals; there the fullest device that fits.
#[test]
fn shared_devices_agree_with_a_plain_search() {
    use smo::model::binding::{NodeScore, NodeTable};
    use smo::model::{NodeId, PoolId, Table};
    for seed in 0..40 {
        let mut stream = Seed(seed).stream("test_devices", 0);
        let (mut nodes, pools) = (NodeTable::new(NodeScore::LeastAllocated), Table::build(1, |_: PoolId| true));
        let mut devices = vec![[0u64; 4]; 12];
        for _ in 0..12 {
            nodes.add_node(PoolId(0), Resources { pods: 110, ..request(16 * CORE, 64, 4 * DEVICE) });
        }
        let mut held = Vec::new();
        for _ in 0..400 {
            if !held.is_empty() && stream.random_bool(0.4) {
                let (node, request, device, taken): (NodeId, Resources, _, Vec<usize>) =
                    held.swap_remove(stream.random_range(0..held.len()));
                nodes.release_from(node, request, device);
                for index in taken {
                    devices[node.0 as usize][index] -= request.gpu.min(DEVICE);
                }
                continue;
            }
            let gpu = [0, stream.random_range(50..DEVICE), DEVICE, 2 * DEVICE][stream.random_range(0..4)];
            let request = request(stream.random_range(100..2_000), stream.random_range(1..4), gpu);
            let whole = |of: &[u64; 4]| (0..4).filter(|index| of[*index] == 0).collect::<Vec<_>>();
            let place = |of: &[u64; 4]| match gpu {
                0 => Some(Vec::new()),
                share if share < DEVICE => {
                    let fits = (0..4).filter(|index| of[*index] + share <= DEVICE);
                    fits.max_by_key(|index| (of[*index], std::cmp::Reverse(*index))).map(|index| vec![index])
                }
                many => Some(whole(of))
                    .filter(|free| free.len() as u64 * DEVICE >= many)
                    .map(|mut free| free.split_off(free.len() - usize::try_from(many / DEVICE).unwrap())),
            };
            let room = |node: &NodeId| {
                let state = nodes.node(*node);
                state.free().cpu >= request.cpu
                    && state.free().memory >= request.memory
                    && place(&devices[node.0 as usize]).is_some()
            };
            let score =
                |node: NodeId| smo::model::binding::exact::score(NodeScore::LeastAllocated, nodes.node(node), request);
            let best = (0..12).map(NodeId).filter(room).max_by_key(|node| (score(*node), std::cmp::Reverse(*node)));
            let found = nodes.bind(request, &pools);
            assert_eq!(found, best, "seed {seed}: {request:?}");
            if let Some(node) = found {
                let taken = place(&devices[node.0 as usize]).unwrap();
                for index in &taken {
                    devices[node.0 as usize][*index] += gpu.min(DEVICE);
                }
                held.push((node, request, nodes.node(node).shared.latest(), taken));
            }
        }
    }
}
