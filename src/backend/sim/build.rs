//! The world at its beginning: every table filled, every periodic loop started, nothing deployed yet.

use super::conditions::{waiting, window_max};
use super::control::Flaps;
use super::elastic::elastic;
use super::event::Event;
use super::faults::FaultState;
use super::latency::LatencyLog;
use super::packing::PackingBook;
use super::sites::{Site, SiteRates, SiteSums, TasksHere};
use super::station::Station;
use super::tasks::TaskBook;
use super::telemetry::{Scrapes, offset};
use super::warm_up::Counted;
use super::world::{Component, ControlState, Entry, Path, ServiceState, Slot, Violating, World};
use crate::model::binding::peers::{Peers, Relations};
use crate::model::binding::{NodeTable, eligible};
use crate::model::environment::Outlook;
use crate::model::id::Id;
use crate::model::observation::{EventKind, Flow};
use crate::model::{ClusterId, Scenario, ServiceId, Table, Targets};
use crate::seed::Seed;
use crate::units::{Rate, Ratio, Span, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Samples of a run whose scenario does not say how many.
const SAMPLES_MAX: u64 = 1_440;

impl World {
    /// A world in which nothing has happened; it lasts until `end`.
    pub(super) fn new(scenario: Arc<Scenario>, seed: Seed) -> Self {
        let known = Arc::clone(&scenario.known);
        let width = known.clusters.len();
        let components = components(&scenario);
        let relations = Arc::new(Relations::new(known.application.services.values().map(|service| &service.terms)));
        let slots = known
            .application
            .services
            .ids()
            .flat_map(|service| known.clusters.ids().map(move |cluster| (service, cluster)));
        let mut world = Self {
            slots: slots.map(|(service, cluster)| new_slot(&scenario, service, cluster)).collect(),
            services: known
                .application
                .services
                .ids()
                .map(|service| new_service(&scenario, seed, service, &components))
                .collect(),
            sites: known.clusters.ids().map(|cluster| new_site(&scenario, seed, (cluster, &relations))).collect(),
            replicas: Table::new(),
            tasks: TaskBook::default(),
            linked: vec![true; width * width],
            blind: 0,
            waiting: waiting(&scenario),
            kept_for: window_max(&scenario),
            faults: (0..scenario.faults.len() as u64)
                .map(|fault| FaultState { stream: seed.stream("faults", fault) })
                .collect(),
            control: new_control(seed),
            violating: Violating::default(),
            outbox: VecDeque::new(),
            events: 0,
            sampled_at: Time::ZERO,
            elastic: elastic(&scenario),
            packing: PackingBook::new(&scenario),
            counted: Counted::default(),
            ended: false,
            kernel: super::kernel::Kernel::new(),
            components,
            scenario,
            seed,
            environment_due: BTreeMap::new(),
        };
        world.add_nodes();
        world.start_loops();
        world.start_conditions();
        world.plan_faults();
        world
    }

    fn add_nodes(&mut self) {
        let known = Arc::clone(&self.scenario.known);
        for (cluster, declared) in known.clusters.iter() {
            for (pool, shape) in declared.pools.iter() {
                for index in 0..shape.nodes {
                    let node = self.add_node(cluster, pool);
                    self.sites[cluster].nodes.occupy(node, shape.occupied.at_start(index));
                }
            }
            self.refresh_site(cluster);
        }
    }

    /// Scrapes, decisions, and the first change of each region's environment.
    fn start_loops(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        for service in scenario.known.application.requests() {
            let first = Time::ZERO + offset(scenario.telemetry.jitter, &mut self.services[service].scrapes.losses);
            self.repeat(first, scenario.telemetry.scrape, Event::Scraped(service));
        }
        self.repeat(Time::ZERO, scenario.control.every, Event::Decided);
        for cluster in self.sites.ids() {
            let until = self.sites[cluster].look_out(Time::ZERO);
            self.plan_environment(cluster, until);
            self.plan_scans(cluster);
        }
        for (service, truth) in scenario.truth.iter() {
            for (change, (at, _)) in (0..).zip(&truth.changes) {
                self.schedule_at(*at, Event::ServiceChanged { service, change });
            }
        }
    }

    /// Unneeded nodes are looked for where a pool may shrink.
    fn plan_scans(&mut self, cluster: ClusterId) {
        let autoscaler = self.scenario.platform.autoscaler;
        let pools = self.scenario.known.clusters[cluster].pools.values();
        if autoscaler.utilisation > Ratio::ZERO && pools.into_iter().any(|pool| pool.nodes_min < pool.nodes_max) {
            self.repeat(Time::ZERO + autoscaler.scan, autoscaler.scan, Event::NodesScanned(cluster));
        }
    }

    /// Starts the series of a run that lasts at most until `horizon`.
    pub(super) fn start_series(&mut self, horizon: Time) {
        if self.scenario.warm_up > Span::ZERO {
            self.schedule_at(Time::ZERO + self.scenario.warm_up, Event::WarmedUp);
        }
        let every =
            self.scenario.sample_every.unwrap_or_else(|| sample_every(Span(horizon.0), self.scenario.control.every));
        self.repeat(Time::ZERO + every, every, Event::Sampled);
    }

    /// All replicas of a service run a new version, whose capacity is another.
    pub(super) fn on_service_changed(&mut self, service: ServiceId, change: u32) {
        let (_, factor) = self.scenario.truth[service].changes[change as usize];
        let component = self.services[service].component;
        if let Some(component) = component {
            self.settle(component);
        }
        self.services[service].capacity_factor = factor;
        self.forget_needs(service);
        for slot in self.slots_of(service) {
            self.update_capacity(slot);
        }
        if let Some(component) = component {
            self.note_demand(component);
            self.reflow(component);
        }
        let name = self.scenario.known.application.services[service].name.clone();
        self.tell(EventKind::ServiceChanged, name);
    }
}

/// The shortest multiple of the control interval that gives at most [`SAMPLES_MAX`] samples.
fn sample_every(span: Span, control: Span) -> Span {
    let least = span.0.div_ceil(SAMPLES_MAX);
    control.repeated(least.div_ceil(control.0.max(1)).max(1))
}

fn new_slot(scenario: &Scenario, service: ServiceId, cluster: ClusterId) -> Slot {
    let declared = &scenario.known.application.services[service];
    let truth = &scenario.truth[service];
    let cores = declared.request.cpu.cores();
    Slot {
        service,
        cluster,
        station: Station { limit: truth.queue_limit, ..Station::default() },
        replicas: Vec::new(),
        desired: 0,
        ready: 0,
        ghosts: 0,
        pools: eligible(&scenario.known.clusters[cluster], &declared.terms, declared.request),
        cores: (cores * truth.cpu_idle.as_f64(), cores * truth.cpu_at_capacity.as_f64()),
        watts_per_core: 0.0,
        core_seconds: 0.0,
        ready_seconds: 0.0,
        own_latency: 0.0,
        own_latency_sum: 0.0,
        sampled: Default::default(),
        latency: super::latency::Latency::default(),
        success: 1.0,
        delays: None,
    }
}

fn new_service(scenario: &Scenario, seed: Seed, service: ServiceId, components: &[Component]) -> ServiceState {
    let application = &scenario.known.application;
    let is_task = application.is_task(service);
    let called = application.calls.iter().any(|call| call.to == service);
    let mut state = ServiceState {
        component: components.iter().position(|component| component.services.contains(&service)),
        class: is_task.then(Box::default),
        capacity_factor: Ratio::ONE,
        demand: Rate::ZERO,
        lost: Rate::ZERO,
        lost_flow: Flow::default(),
        entry: None,
        flows: Vec::new(),
        scrapes: Scrapes {
            kept: VecDeque::new(),
            cores: VecDeque::new(),
            losses: seed.stream("scrapes", service.index() as u64),
        },
        groups: None,
        sampled: Flow::default(),
        sampled_violation: Span::ZERO,
        order: 0,
        dormant: application.is_conditional(service),
        silent: application.is_conditional(service),
    };
    if !called && !is_task {
        state.make_entry(scenario);
    }
    state
}

impl ServiceState {
    /// Users call this service, and nobody else does.
    fn make_entry(&mut self, scenario: &Scenario) {
        let paths = scenario.known.network.origins.len() * scenario.known.clusters.len();
        let entry = Entry {
            log: LatencyLog::new(),
            paths: vec![Path::default(); paths],
            good: 0.0,
            violated: false,
            violation: Span::ZERO,
            violation_before: Span::ZERO,
        };
        self.entry = Some(Box::new(entry));
    }
}

fn new_site(scenario: &Scenario, seed: Seed, (cluster, relations): (ClusterId, &Arc<Relations>)) -> Site {
    let terms = scenario.known.application.services.values().map(|service| &service.terms);
    let declared = &scenario.known.clusters[cluster];
    Site {
        nodes: NodeTable::new(scenario.platform.node_score),
        peers: Some(Peers::new(declared, Arc::clone(relations), terms)).filter(Peers::concern_any),
        states: Table::new(),
        booting: declared.pools.ids().map(|_| 0).collect(),
        broken: declared.pools.ids().map(|_| 0).collect(),
        tasks: TasksHere { cpu: declared.pools.ids().map(|_| 0).collect(), running: 0 },
        size: declared.pools.values().map(|pool| pool.nodes).collect(),
        waiting: VecDeque::new(),
        images: BTreeMap::new(),
        down: 0,
        outages: 0,
        reachable: true,
        boots: seed.stream("node_boots", cluster.index() as u64),
        expansions: seed.stream("expansions", cluster.index() as u64),
        added: None,
        is_changed: true,
        updated: Time::ZERO,
        outlook: Outlook::new(&scenario.environment, &declared.region),
        rates: SiteRates::default(),
        sums: SiteSums::default(),
        cost_egress: 0.0,
        allocated_before: 0.0,
    }
}

fn new_control(seed: Seed) -> ControlState {
    ControlState {
        targets: Targets::default(),
        effective: Targets::default(),
        asks: false,
        arriving: VecDeque::new(),
        arrives_last: Time::ZERO,
        under_way: Vec::new(),
        actions: 0,
        started: false,
        moves: 0,
        replica_changes: 0,
        flaps: Flaps::default(),
        delays: seed.stream("control_delays", 0),
    }
}

/// Services that are joined by calls, each component in calling order.
fn components(scenario: &Scenario) -> Vec<Component> {
    let application = &scenario.known.application;
    let mut label: Table<ServiceId, usize> = application.services.ids().map(Id::index).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for call in &application.calls {
            let least = label[call.from].min(label[call.to]);
            changed |= label[call.from] != least || label[call.to] != least;
            (label[call.from], label[call.to]) = (least, least);
        }
    }
    let mut labels: Vec<usize> = application.requests().map(|service| label[service]).collect();
    labels.sort_unstable();
    labels.dedup();
    let component = |name: usize| {
        let services: Vec<ServiceId> =
            application.order.iter().copied().filter(|service| label[*service] == name).collect();
        let calls = services.iter().flat_map(|service| application.calls_of(*service));
        let priced = scenario.known.network.egress_per_gb.values().any(|row| row.values().any(|price| price.0 > 0.0));
        let pays = priced && calls.into_iter().any(|call| call.bytes.0 > 0);
        let egress = scenario.known.clusters.ids().map(|_| 0.0).collect();
        Component { services, updated: Time::ZERO, turn: None, egress, pays }
    };
    labels.into_iter().map(component).collect()
}
