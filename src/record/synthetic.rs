//! Records of runs that nobody simulated, for tests of what is written, read and shown: three services in a chain, three
//! clusters, a day with a morning and an evening peak, and a cluster that is lost for a while.

use super::{Decision, ManifestHeader, Record, RunRecord, Timing, Writer, read};
use crate::model::check::Violation;
use crate::model::figures::Unknown;
use crate::model::observation::{
    Amount, ClusterSample, ClusterTotals, Event, EventKind, Flow, PlacementSample, Quantiles, ServiceSample,
    ServiceTotals,
};
use crate::model::plan::{Quality, Stop, Target, Targets};
use crate::model::rails::{Held, HeldReason};
use crate::model::scenario::Known;
use crate::model::{
    Application, Call, Capacity, CapacityByClass, Cluster, ClusterId, ClusterView, Delay, NodeTerms, Observation,
    Occupied, Plan, Pool, Refusal, Resources, Rules, Sample, Seen, Service, ServiceId, ServiceView, Slo, Snapshot,
    Table, Totals, Why,
};
use crate::model::{network::Network, network::Routing};
use crate::units::{Bytes, MilliCores, Money, Rate, Ratio, Span, Time, Watts};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Seconds from one decision, and one sample, to the next.
const STEP_S: u64 = 60;
/// Seconds of a run.
const DAY_S: u64 = 86_400;

/// How a made-up policy behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// Its label.
    pub policy: &'static str,
    /// Capacity over load that it keeps.
    pub headroom: f64,
    /// Steps by which it lags behind.
    pub lag: u64,
}

/// What is known of the made-up world.
///
/// # Panics
/// Never: the calls are a chain.
pub fn known() -> Arc<Known> {
    let names = ["gateway", "detect", "store"];
    let services: Table<ServiceId, Service> = names.iter().map(|name| service(name)).collect();
    let call =
        |from, to| Call { from: ServiceId(from), to: ServiceId(to), per_request: Ratio::ONE, bytes: Bytes(20_000) };
    let application = Application::new("chain".to_owned(), services, vec![call(0, 1), call(1, 2)]).expect("a chain");
    let clusters: Table<ClusterId, Cluster> =
        [("edge-1", 0.31), ("edge-2", 0.33), ("cloud-1", 0.44)].into_iter().map(cluster).collect();
    let network = Network {
        rtt: Table::build(3, |_| Table::build(3, |_| Span::ZERO)),
        egress_per_gb: Table::build(3, |_| Table::build(3, |_| Money(0.09))),
        origins: Vec::new(),
        routing: Routing::LocalFirst,
    };
    Arc::new(Known { application, clusters, network, rules: Rules::default() })
}

fn service(name: &str) -> Service {
    let slo = Slo { latency: Span::seconds(1), share: Ratio(950_000) };
    Service {
        name: name.to_owned(),
        request: Resources { cpu: MilliCores(500), memory: Bytes(1 << 29), gpu: 0, pods: 1 },
        terms: NodeTerms::default(),
        replicas: 1,
        replicas_min: 1,
        replicas_max: 50,
        workers: 1,
        capacity: CapacityByClass::uniform(Capacity::Linear { alpha: 25.0, beta: -5.0 }),
        slo: (name == "gateway").then_some(slo),
        image: Bytes(200_000_000),
        start: Delay::NONE,
        drain: Span::ZERO,
        state: Bytes::ZERO,
        pinned: false,
    }
}

fn cluster((name, price): (&str, f64)) -> Cluster {
    let pool = Pool {
        name: "default".to_owned(),
        shape: Resources { cpu: MilliCores(8_000), memory: Bytes(1 << 35), gpu: 0, pods: 110 },
        labels: BTreeMap::new(),
        taints: Vec::new(),
        nodes: 4,
        nodes_min: 4,
        nodes_max: 4,
        boot: Delay::NONE,
        idle_timeout: Span::ZERO,
        priority: 0,
        price_per_hour: Money(price),
        power_idle: Watts(100.0),
        occupied: Occupied::default(),
        power_max: Watts(350.0),
    };
    Cluster {
        name: name.to_owned(),
        region: name.split('-').next().unwrap_or_default().to_owned(),
        class: "default".to_owned(),
        speed: Ratio::ONE,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        pools: [pool].into_iter().collect(),
        pue: Ratio::ONE,
    }
}

/// Requests per second at a second of the day: two peaks, and a ripple that depends on the seed.
fn load(at_s: u64, seed: u64) -> f64 {
    let hour = at_s as f64 / 3_600.0;
    let peak = |centre: f64, width: f64| (-((hour - centre) / width).powi(2)).exp();
    let ripple = 8.0 * ((at_s as f64 / 700.0) + seed as f64).sin();
    60.0 + 260.0 * peak(9.5, 2.5) + 420.0 * peak(19.5, 1.5) + ripple
}

/// Writes the run to `runs/POLICY-SEED` under `home` and reads it back.
///
/// # Panics
/// Where `home` cannot be written.
pub fn run(home: &Path, behaviour: Behaviour, (variant, seed): (Option<&str>, u64)) -> RunRecord {
    let known = known();
    let dir = home.join("runs").join(format!("{}{}-{seed}", variant.unwrap_or(""), behaviour.policy));
    let mut writer = Writer::create(&dir, &known).expect("a temporary directory takes a run");
    let mut day = Day::new(behaviour, seed);
    for step in 0..DAY_S / STEP_S {
        day.step(&known, step * STEP_S, &mut writer);
    }
    let totals = day.totals();
    writer.close(&totals, header(behaviour, variant, seed), Timing::default()).expect("the run can be closed");
    read(&dir).expect("what was written can be read")
}

/// A header of a made-up run.
pub fn header(behaviour: Behaviour, variant: Option<&str>, seed: u64) -> ManifestHeader {
    let file = |path: &str| super::InputFile { path: path.to_owned(), bytes: 1_234, sha256: "ab".repeat(32) };
    ManifestHeader {
        scenario_path: "scenarios/edge-cloud-friday.yaml".to_owned(),
        scenario: "edge-cloud-friday".to_owned(),
        question: "Does the edge-cloud split survive the Friday peak, and what does it cost?".to_owned(),
        variant: variant.map(str::to_owned),
        set: Vec::new(),
        until: None,
        policy: behaviour.policy.to_owned(),
        parameters: BTreeMap::from([(
            "rate".to_owned(),
            BTreeMap::from([("headroom".to_owned(), behaviour.headroom.to_string())]),
        )]),
        seed,
        inputs: vec![file("scenarios/edge-cloud-friday.yaml"), file("traces/friday.csv.gz")],
        resolved: serde_json::json!({
            "application": {"name": "chain", "services": [
                {"name": "gateway", "request": {"cpu": "500m", "memory": "512 MiB"}, "capacity": {"linear": {"alpha": 25.0, "beta": -5.0}}},
                {"name": "detect <b>", "request": {"cpu": "500m", "memory": "512 MiB"}, "capacity": {"linear": {"alpha": 25.0, "beta": -5.0}}},
            ]},
            "inventory": {"clusters": [{"name": "edge-1", "pools": [{"name": "default", "nodes": 4, "price_per_hour": "0.31 $"}]}]},
            "telemetry": {"scrape": "15 s", "delay": "5 s"},
        }),
        notes: vec!["the trace has a gap of 3 min at 04:10; the rate before it was kept".to_owned()],
        live: None,
    }
}

/// What adds up over a day.
struct Day {
    behaviour: Behaviour,
    seed: u64,
    targets: Targets,
    offered: f64,
    dropped: f64,
    violated_steps: u64,
    replica_hours: [f64; 3],
    changes: u64,
}

impl Day {
    fn new(behaviour: Behaviour, seed: u64) -> Self {
        let targets = Targets::default();
        let (offered, dropped, violated_steps, changes) = (0.0, 0.0, 0, 0);
        Self { behaviour, seed, targets, offered, dropped, violated_steps, replica_hours: [0.0; 3], changes }
    }

    fn step(&mut self, known: &Arc<Known>, at_s: u64, record: &mut Writer) {
        let late = at_s.saturating_sub(self.behaviour.lag * STEP_S);
        let wanted = replicas(load(late, self.seed) * self.behaviour.headroom);
        let lost = (70_200..71_400).contains(&at_s);
        let targets: Targets = (0..3)
            .flat_map(|service| (0..3).map(move |cluster| (service, cluster)))
            .filter(|(_, cluster)| !(lost && *cluster == 1))
            .map(|(service, cluster)| Target {
                service: ServiceId(service),
                cluster: ClusterId(cluster),
                replicas: (wanted + 2 - cluster) / 3,
            })
            .collect();
        let before = std::mem::replace(&mut self.targets, targets);
        self.decide(&snapshot(known, at_s, before), lost, record);
        for (second, kind) in [(70_200, EventKind::ClusterLost), (71_400, EventKind::ClusterBack)] {
            if at_s == second {
                let event = Event { at: Time(at_s * 1_000_000_000), kind, subject: "edge-2".to_owned() };
                record.happened(&Observation::Event(event)).expect("writes");
            }
        }
        let sample = self.sample(at_s, lost);
        record.happened(&Observation::Sampled(Box::new(sample))).expect("writes");
    }

    fn decide(&mut self, snapshot: &Snapshot, lost: bool, record: &mut Writer) {
        let service = ServiceId(1);
        let reason = "no cluster has 4 cores left".to_owned();
        let refusal = Refusal { service, replicas: 2, reason, remedy: Some("edge-1 + 2 cores".to_owned()) };
        let violation = Violation::Unreachable { service, cluster: ClusterId(1) };
        let quality = Quality { objective: 3.42, bound: Some(3.40), tier: "synthetic", stop: Stop::NodeLimit };
        let plan = Plan {
            targets: self.targets.clone(),
            refusals: if lost { vec![refusal] } else { Vec::new() },
            quality: lost.then_some(quality),
            why: Table::build(3, |_| Why::new("ceil(rate / alpha)", &[("rate", 12.5)])),
        };
        let violations = if lost { vec![violation] } else { Vec::new() };
        let held = if lost { vec![Held { service, reason: HeldReason::Unsound }] } else { Vec::new() };
        self.changes += u64::from(plan.targets != snapshot.targets);
        record
            .decision(Decision { snapshot, plan: &plan, violations: &violations, held: &held, actions: &[] })
            .expect("writes");
    }

    fn sample(&mut self, at_s: u64, lost: bool) -> Sample {
        let offered = load(at_s, self.seed);
        let ready = f64::from(self.targets.total(ServiceId(0)));
        let capacity = (25.0 * ready - 5.0).max(1.0);
        let served = offered.min(capacity);
        let p95 = 120.0 + 300.0 * (offered / capacity).powi(8).min(6.0);
        let hours = STEP_S as f64 / 3_600.0;
        self.offered += offered * STEP_S as f64;
        self.dropped += (offered - served) * STEP_S as f64;
        self.violated_steps += u64::from(p95 > 1_000.0);
        for target in &self.targets {
            self.replica_hours[target.service.0 as usize] += f64::from(target.replicas) * hours;
        }
        let ms = |ms: f64| Span::from_seconds_f64(ms / 1e3);
        let latency = Quantiles { mean: ms(p95 / 3.0), p50: ms(p95 / 4.0), p95: ms(p95), p99: ms(p95 * 1.6) };
        let row = |id| ServiceSample {
            service: ServiceId(id),
            offered: Some(Rate::from_per_second(offered)),
            served: Some(Rate::from_per_second(served)),
            dropped: Some(Rate::from_per_second(offered - served)),
            backlog: 0.0,
            capacity: Rate::from_per_second(capacity),
            latency: (id == 0).then_some(latency),
            slo_violated: (id == 0).then_some(f64::from(u8::from(p95 > 1_000.0))),
            rate_seen: (!lost).then_some(Rate::from_per_second(offered)),
            rate_age: (!lost).then_some(Span::seconds(5 + at_s % 15)),
        };
        let placement = |target: &Target| PlacementSample {
            service: target.service,
            cluster: target.cluster,
            target: target.replicas,
            ready: target.replicas,
            pending: 0,
            starting: 0,
            cpu_seconds: at_s as f64 * 0.4,
            offered: Some(Rate::from_per_second(offered)),
            served: Some(Rate::from_per_second(served)),
            backlog: 0.0,
            latency_own: Some(ms(p95 / 3.0)),
        };
        Sample {
            at: Time(at_s * 1_000_000_000),
            services: (0..3).map(row).collect(),
            placements: self.targets.iter().map(placement).collect(),
            clusters: (0..3).map(|id| cluster_sample(id, at_s, lost)).collect(),
            tasks: None,
        }
    }

    fn totals(&self) -> Totals {
        let amount = |requests: f64| u128::from(Rate::from_per_second(requests).0) * 1_000_000_000;
        let flow = Flow {
            offered: amount(self.offered),
            served: amount(self.offered) - amount(self.dropped),
            dropped: amount(self.dropped),
            backlog: 0,
            carried: 0,
        };
        let share = self.violated_steps as f64 / (DAY_S / STEP_S) as f64;
        let ms = |ms: u64| Span(ms * 1_000_000);
        let latency = Quantiles { mean: ms(60), p50: ms(45), p95: ms(150 + self.violated_steps), p99: ms(900) };
        let by_service = (0..3u32).map(|id| ServiceTotals {
            service: ServiceId(id),
            entry: id == 0,
            flow,
            replica_hours: self.replica_hours[id as usize],
            slo_violation_time: (id == 0).then_some(share),
            latency: (id == 0).then_some(latency),
            cpu_hours: self.replica_hours[id as usize] * 0.4,
            unknown: Unknown::default(),
            elasticity: None,
        });
        let hours = self.replica_hours.iter().sum::<f64>();
        let by_cluster = (0..3u32).map(|id| ClusterTotals {
            cluster: ClusterId(id),
            node_hours: hours / 24.0,
            cost_nodes: hours * 0.02 * f64::from(id + 1),
            cost_egress: 0.1 * f64::from(id),
            cost_allocated: hours * 0.01,
            energy: hours * 60_000.0 * f64::from(3 - id),
            carbon: hours * 5.0,
            cpu_allocation: 0.5,
            amounts: [Amount { requested: 0.5, offered: 1.0 }; 3],
        });
        Totals {
            span: Span::seconds(DAY_S),
            requests: flow,
            by_service: by_service.collect(),
            by_cluster: by_cluster.collect(),
            tasks: None,
            slo_violation_time: share,
            slo_violation_requests: self.dropped / self.offered,
            requests_good: self.offered - self.dropped,
            latency: Some(latency),
            moves: 3,
            replica_changes: self.changes,
            events: 123_456,
            ..Totals::default()
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
fn replicas(rate: f64) -> u32 {
    ((rate + 5.0) / 25.0).ceil() as u32
}

/// A made-up cluster at a second of the day.
pub fn cluster_sample(id: u32, at_s: u64, lost: bool) -> ClusterSample {
    let up = !(lost && id == 1);
    ClusterSample {
        cluster: ClusterId(id),
        up,
        nodes: if up { 4 } else { 0 },
        nodes_used: if up { 3 } else { 0 },
        cpu_allocatable: 32.0,
        cpu_allocatable_used: 24.0,
        cpu_requested: 12.0,
        cpu_used: 7.5,
        memory_allocatable: Bytes(128 << 30),
        memory_requested: Bytes(32 << 30),
        gpu_allocatable: 0,
        gpu_requested: 0,
        tasks_running: 0,
        power: 800.0,
        carbon_intensity: 120.0 + f64::from(id),
        cost: at_s as f64 / 3_600.0,
        energy: at_s as f64 * 800.0,
        carbon: at_s as f64 / 100.0,
    }
}

fn snapshot(known: &Arc<Known>, at_s: u64, targets: Targets) -> Snapshot {
    let at = Time(at_s * 1_000_000_000);
    let view = |_| ClusterView {
        reachable: true,
        allocatable: Resources::ZERO,
        allocatable_max: Resources::ZERO,
        allocated: Resources::ZERO,
        nodes: 4,
        price_per_core_hour: 0.04,
        carbon: Seen::NEVER,
    };
    let seen = |_| ServiceView {
        rate: Seen::now(Rate::from_per_second(12.5), at),
        served: Seen::NEVER,
        latency_p95: Seen::NEVER,
        cpu_used: Vec::new(),
        replicas: Vec::new(),
        tasks: 0,
        dormant: false,
    };
    Snapshot {
        at,
        is_tick: true,
        known: known.clone(),
        clusters: Table::build(3, view),
        services: Table::build(3, seen),
        targets,
        under_way: Vec::new(),
        foreseen: None,
    }
}
