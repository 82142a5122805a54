//! Small worlds for tests: built in code, so that a test shows every number it depends on.

use smo::backend::Backend;
use smo::backend::sim::SimBackend;
use smo::model::application::Application;
use smo::model::autoscaler::Autoscaler;
use smo::model::binding::NodeScore;
use smo::model::environment::{Environment, StepSeries};
use smo::model::fault::{Fault, FaultTarget, FaultTimes};
use smo::model::network::{Network, Origin, Routing};
use smo::model::observation::{Event, Sample};
use smo::model::scenario::{Known, Platform, Truth};
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{
    Call, Capacity, CapacityByClass, Cluster, ClusterId, Control, Delay, NodeTerms, Observation, Occupied, Plan, Pool,
    Rails, Resources, Rules, Scenario, Service, ServiceId, Slo, Snapshot, Table, Targets, Telemetry, Totals,
};
use smo::policy::{Budget, Policy, PolicyError};
use smo::record::{Decision, Record};
use smo::run::Run;
use smo::seed::{Seed, Stream};
use smo::units::{Bytes, MilliCores, Money, Rate, Ratio, Span, Time, Watts};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const SEED: Seed = Seed(1);

/// A service of one core and 1 GiB whose replica has one worker and serves `alpha` requests per second.
pub fn service(name: &str, alpha: f64) -> Service {
    Service {
        name: name.to_owned(),
        request: Resources { cpu: MilliCores(1_000), memory: Bytes(1 << 30), gpu: 0, pods: 1 },
        terms: NodeTerms::default(),
        replicas: 1,
        replicas_min: 0,
        replicas_max: 1_000,
        workers: 1,
        capacity: CapacityByClass::uniform(Capacity::Linear { alpha, beta: 0.0 }),
        slo: Some(Slo { latency: Span::seconds(1), share: Ratio(950_000) }),
        image: Bytes(0),
        start: Delay::Fixed(Span::seconds(10)),
        drain: Span::seconds(5),
        state: Bytes::ZERO,
        pinned: false,
    }
}

/// Nodes of 16 cores and 64 GiB, 100 W idle and 260 W at full load, for 1 $ an hour.
pub fn pool(nodes: u32) -> Pool {
    Pool {
        name: "general".to_owned(),
        shape: Resources { cpu: MilliCores(16_000), memory: Bytes(64 << 30), gpu: 0, pods: 110 },
        labels: BTreeMap::new(),
        taints: Vec::new(),
        nodes,
        nodes_min: nodes,
        nodes_max: nodes,
        boot: Delay::Fixed(Span::seconds(60)),
        idle_timeout: Span::seconds(600),
        priority: 0,
        price_per_hour: Money(1.0),
        power_idle: Watts(100.0),
        occupied: Occupied::default(),
        power_max: Watts(260.0),
    }
}

/// A cluster of one pool, in a region of its own name.
pub fn cluster(name: &str, nodes: u32) -> Cluster {
    Cluster {
        name: name.to_owned(),
        region: name.to_owned(),
        class: "standard".to_owned(),
        speed: Ratio::ONE,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        pools: [pool(nodes)].into_iter().collect(),
        pue: Ratio::ONE,
    }
}

/// A world of these services and clusters, without distances, delays or faults; scraped every 15 s, decided every 30 s.
pub fn scenario(services: Vec<Service>, calls: Vec<Call>, clusters: Vec<Cluster>) -> Scenario {
    let count = clusters.len();
    let truth = services.iter().map(|service| exponential(&service.capacity)).collect();
    let application =
        Application::new("test".to_owned(), services.into_iter().collect(), calls).expect("tests have no cycles");
    let square = |value: Money| Table::build(count, |_: ClusterId| Table::build(count, |_: ClusterId| value));
    let origin = Origin {
        name: "users".to_owned(),
        share: Ratio::ONE,
        rtt: Table::build(count, |_| Span::ZERO),
        local: Some(ClusterId(0)),
    };
    let network = Network {
        rtt: Table::build(count, |_| Table::build(count, |_| Span::ZERO)),
        egress_per_gb: square(Money(0.0)),
        origins: vec![origin],
        routing: Routing::LocalFirst,
    };
    Scenario {
        known: Arc::new(Known {
            application,
            clusters: clusters.into_iter().collect(),
            network,
            rules: Rules::default(),
        }),
        placed: None,
        truth,
        platform: Platform {
            pull_bytes_per_second: Bytes(1 << 30),
            pull_latency: Delay::NONE,
            loss_noticed_after: Span::seconds(40),
            node_score: NodeScore::LeastAllocated,
            autoscaler: Autoscaler::default(),
        },
        environment: Environment {
            carbon: BTreeMap::new(),
            carbon_default: StepSeries::constant(400.0),
            price_factor: BTreeMap::new(),
        },
        faults: Vec::new(),
        control: Control {
            every: Span::seconds(30),
            on_arrival: true,
            effect_after: Delay::Fixed(Span::seconds(2)),
            decision_time: Span::ZERO,
            rails: Rails::default(),
        },
        load_noise: None,
        learn: None,
        telemetry: Telemetry {
            scrape: Span::seconds(15),
            jitter: Span::ZERO,
            window: Span::seconds(60),
            delay: Span::ZERO,
            loss: Ratio::ZERO,
        },
        warm_up: Span::ZERO,
        until: None,
        sample_every: None,
    }
}

/// True as believed, with exponential service times and Poisson arrivals, and a queue of a minute.
pub fn exponential(capacity: &CapacityByClass) -> Truth {
    Truth {
        capacity: capacity.clone(),
        service_time: None,
        service_variability: 1.0,
        arrival_variability: 1.0,
        queue_limit: Span::seconds(60),
        cpu_at_capacity: Ratio::ONE,
        cpu_idle: Ratio::ZERO,
        changes: Vec::new(),
    }
}

/// Changes what everybody knows of a scenario.
pub fn known(scenario: &mut Scenario) -> &mut Known {
    Arc::get_mut(&mut scenario.known).expect("a scenario under construction is not shared")
}

pub const fn at(seconds: u64) -> Time {
    Time(seconds * 1_000_000_000)
}

pub const fn per_second(requests: u64) -> Rate {
    Rate(requests * 1_000_000)
}

/// The first service at these rates from these seconds on, until `end`.
pub fn load(steps: &[(u64, u64)], end: u64) -> RowsInMemory {
    let row = |&(from, rate): &(u64, u64)| RateRow { at: at(from), rates: vec![(ServiceId(0), per_second(rate))] };
    let last = steps.last().expect("a load has a step").0;
    RowsInMemory::new(steps.iter().map(row).collect(), Span::seconds(end - last))
}

pub fn lose(target: FaultTarget, from: u64, seconds: u64) -> Fault {
    Fault { target, when: FaultTimes::Listed(vec![(at(from), Span::seconds(seconds))]) }
}

/// Wants these replicas from these instants on: (second, service, cluster, replicas).
#[derive(Clone)]
pub struct Scripted(pub Vec<(u64, u32, u32, u32)>);

impl Policy for Scripted {
    fn decide(&mut self, snapshot: &Snapshot, _: &Budget, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut targets = Targets::default();
        for &(from, service, cluster, replicas) in &self.0 {
            if at(from) <= snapshot.at {
                targets.set(ServiceId(service), ClusterId(cluster), replicas);
            }
        }
        Ok(Plan { targets, ..Plan::default() })
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// Keeps everything that happened.
#[derive(Debug, Default, Clone)]
pub struct Kept {
    pub snapshots: Vec<Snapshot>,
    pub samples: Vec<Sample>,
    pub events: Vec<Event>,
    pub finished: Vec<(Time, u32)>,
    pub lines: Vec<String>,
    last: Time,
}

impl Record for Kept {
    fn decision(&mut self, decision: Decision<'_>) -> std::io::Result<()> {
        self.last = decision.snapshot.at;
        self.lines.push(format!("{:?} {:?} {:?}", decision.snapshot, decision.plan, decision.actions));
        self.snapshots.push(decision.snapshot.clone());
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> std::io::Result<()> {
        self.lines.push(format!("{observation:?}"));
        match observation {
            Observation::Sampled(sample) => self.samples.push((**sample).clone()),
            Observation::Event(event) => self.events.push(event.clone()),
            Observation::Finished(action) => self.finished.push((self.last, action.to)),
            _ => {}
        }
        Ok(())
    }
}

/// Runs `policy` in `scenario` to the end.
pub fn simulate(scenario: Scenario, load: RowsInMemory, policy: impl Policy + 'static) -> (Totals, Kept) {
    simulate_by(scenario, load, Box::new(policy))
}

pub fn simulate_by(scenario: Scenario, load: RowsInMemory, policy: Box<dyn Policy>) -> (Totals, Kept) {
    let mut kept = Kept::default();
    let totals =
        run_by(scenario, load, policy).drive(None, &mut kept).expect("the run works").expect("it runs to its end");
    (totals, kept)
}

/// The run of `policy` in `scenario`, at its start.
pub fn run(scenario: Scenario, load: RowsInMemory, policy: impl Policy + 'static) -> Run<SimBackend> {
    run_by(scenario, load, Box::new(policy))
}

fn run_by(scenario: Scenario, load: RowsInMemory, policy: Box<dyn Policy>) -> Run<SimBackend> {
    let rails = scenario.control.rails.clone();
    let backend = SimBackend::new(Arc::new(scenario), Box::new(load), SEED).expect("rows in memory can be read");
    Run::new(backend, policy, rails, SEED)
}

/// Observes until the first decision is due.
pub fn first_snapshot(backend: &mut impl Backend) -> Snapshot {
    loop {
        if let Observation::Due(snapshot) = backend.observe().expect("the world can be observed") {
            return *snapshot;
        }
    }
}
