//! Worlds to try policies in: small ones built by hand, and random ones that are as awkward as worlds get.

use rand::RngExt;
use smo::model::capacity::CapacityByClass;
use smo::model::network::{Network, Routing};
use smo::model::plan::Target;
use smo::model::scenario::Known;
use smo::model::{
    Application, Capacity, Cluster, ClusterId, ClusterView, Delay, NodeTerms, Occupied, Phase, Pool, ReplicaGroup,
    Resources, Rules, Seen, Service, ServiceId, ServiceView, Snapshot, Table, Taint, TaintEffect, Targets, Toleration,
};
use smo::seed::{Seed, Stream};
use smo::units::{Bytes, MilliCores, Money, Rate, Ratio, Span, Time, Watts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The instant of all worlds: one hour after the start.
pub const NOW: Time = Time(3_600_000_000_000);

/// So many cores and GiB, no accelerators, one pod slot.
pub fn request(cores: f64, gib: u64) -> Resources {
    Resources { cpu: millicores(cores), memory: Bytes(gib << 30), gpu: 0, pods: 1 }
}

/// A service that asks for `request` and wants `replicas` of 1 to 100; each serves 10 /s.
pub fn service(name: &str, request: Resources, replicas: u32) -> Service {
    Service {
        name: name.to_owned(),
        request,
        terms: NodeTerms::default(),
        replicas,
        replicas_min: 1,
        replicas_max: 100,
        workers: 1,
        capacity: CapacityByClass::uniform(Capacity::Linear { alpha: 10.0, beta: 0.0 }),
        slo: None,
        image: Bytes::ZERO,
        start: Delay::NONE,
        drain: Span::ZERO,
        state: Bytes::ZERO,
        pinned: false,
    }
}

/// A cluster of one pool: `nodes` nodes of so many cores and GiB.
pub fn cluster(name: &str, nodes: u32, cores: f64, gib: u64) -> Cluster {
    Cluster {
        name: name.to_owned(),
        region: "here".to_owned(),
        class: "standard".to_owned(),
        speed: Ratio::ONE,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        pools: [pool(nodes, Resources { pods: 110, ..request(cores, gib) })].into_iter().collect(),
        pue: Ratio::ONE,
    }
}

/// An empty world of these clusters and services, all reachable, at 0.04 $ a core-hour, nothing seen yet.
pub fn world(clusters: Vec<Cluster>, services: Vec<Service>) -> Snapshot {
    let clusters: Table<ClusterId, Cluster> = clusters.into_iter().collect();
    let services: Table<ServiceId, Service> = services.into_iter().collect();
    let view = |cluster: &Cluster| ClusterView {
        reachable: true,
        allocatable: cluster.capacity_max(),
        allocatable_max: cluster.capacity_max(),
        allocated: Resources::ZERO,
        nodes: cluster.pools.values().map(|pool| pool.nodes).sum(),
        price_per_core_hour: 0.04,
        carbon: Seen::NEVER,
    };
    let unseen = ServiceView {
        rate: Seen::NEVER,
        served: Seen::NEVER,
        latency_p95: Seen::NEVER,
        cpu_used: Vec::new(),
        replicas: Vec::new(),
        tasks: 0,
        dormant: false,
    };
    let count = clusters.len();
    let network = Network {
        rtt: Table::build(count, |_| Table::build(count, |_| Span::ZERO)),
        egress_per_gb: Table::build(count, |_| Table::build(count, |_| Money(0.0))),
        origins: Vec::new(),
        routing: Routing::default(),
    };
    Snapshot {
        is_tick: true,
        at: NOW,
        clusters: clusters.values().map(view).collect(),
        services: services.values().map(|_| unseen.clone()).collect(),
        targets: Targets::default(),
        under_way: Vec::new(),
        foreseen: None,
        known: Arc::new(Known {
            application: Application::new("app".to_owned(), services, Vec::new()).expect("no calls, no cycle"),
            clusters,
            network,
            rules: Rules::default(),
        }),
    }
}

/// Targets as (service, cluster, replicas).
pub fn targets(entries: &[(u32, u32, u32)]) -> Targets {
    let target =
        |&(service, cluster, replicas)| Target { service: ServiceId(service), cluster: ClusterId(cluster), replicas };
    entries.iter().map(target).collect()
}

/// Ready replicas of one service as (cluster, count), ready for ten minutes.
pub fn ready(groups: &[(u32, u32)]) -> Vec<ReplicaGroup> {
    let since = Time(NOW.0 - Span::seconds(600).0);
    let group = |&(cluster, count)| ReplicaGroup {
        cluster: ClusterId(cluster),
        phase: Phase::Ready,
        started: since,
        since,
        count,
    };
    groups.iter().map(group).collect()
}

fn millicores(cores: f64) -> MilliCores {
    format!("{cores}").parse().expect("a number of cores reads as one")
}

fn pool(nodes: u32, shape: Resources) -> Pool {
    Pool {
        name: "pool".to_owned(),
        shape,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        nodes,
        nodes_min: nodes,
        nodes_max: nodes,
        boot: Delay::NONE,
        idle_timeout: Span::ZERO,
        priority: 0,
        price_per_hour: Money(0.1),
        power_idle: Watts(100.0),
        occupied: Occupied::default(),
        power_max: Watts(300.0),
    }
}

/// A world with pools, labels, taints, accelerators, clusters that are full, too small, empty of nodes or out of reach,
/// incumbents anywhere (also where they may not be, and more than fit), and telemetry that is fresh, old or missing.
pub fn random(seed: u64) -> Snapshot {
    let stream = &mut Seed(seed).stream("world", 0);
    let mut clusters: Vec<Cluster> =
        (0..stream.random_range(1..=5)).map(|index| random_cluster(stream, index)).collect();
    if stream.random_bool(0.3) {
        clusters.push(sufficient_cluster(clusters.len()));
    }
    let services = (0..stream.random_range(1..=6)).map(|index| random_service(stream, index)).collect();
    let mut snapshot = world(clusters, services);
    for (id, view) in snapshot.clusters.iter_mut() {
        if snapshot.known.clusters[id].name != SUFFICIENT {
            view.reachable = stream.random_bool(0.85);
            view.allocatable_max = random_share(stream, view.allocatable_max);
        }
        view.allocatable = view.allocatable_max;
        let price = f64::from(stream.random_range(2..=5)) * 0.01;
        view.price_per_core_hour = if snapshot.known.clusters[id].pools.is_empty() { f64::INFINITY } else { price };
    }
    for service in snapshot.services.ids() {
        random_incumbents(stream, &mut snapshot, service);
        snapshot.services[service].rate = random_seen(stream, |stream| Rate(stream.random_range(0..200_000_000)));
    }
    snapshot
}

const SUFFICIENT: &str = "sufficient";
const ACCELERATOR: &str = smo::model::cluster::ACCELERATOR_LABEL;

fn sufficient_cluster(index: usize) -> Cluster {
    let mut cluster = cluster(SUFFICIENT, 60, 64.0, 512);
    let pool = cluster.pools.iter_mut().next().expect("it has a pool").1;
    pool.shape.gpu = 64_000;
    pool.labels =
        BTreeMap::from([(ACCELERATOR.to_owned(), "a100".to_owned()), ("tier".to_owned(), "cloud".to_owned())]);
    cluster.class = format!("class-{}", index % 2);
    cluster
}

fn random_cluster(stream: &mut Stream, index: u32) -> Cluster {
    let mut cluster = cluster(&format!("cluster-{index}"), 1, 1.0, 1);
    cluster.class = format!("class-{}", index % 2);
    cluster.speed = Ratio(stream.random_range(5..=15) * 100_000);
    let tier = if stream.random_bool(0.5) { "edge" } else { "cloud" };
    cluster.labels = BTreeMap::from([("tier".to_owned(), tier.to_owned())]);
    if stream.random_bool(0.1) {
        cluster.taints.push(dedicated());
    }
    cluster.pools = (0..stream.random_range(0..=3)).map(|_| random_pool(stream)).collect();
    cluster
}

fn random_pool(stream: &mut Stream) -> Pool {
    let shape = Resources {
        cpu: MilliCores(stream.random_range(1..=64) * 250),
        memory: Bytes(stream.random_range(1..=128) << 29),
        gpu: 0,
        pods: stream.random_range(2..=60),
    };
    let mut pool = pool(stream.random_range(0..=4), shape);
    pool.nodes_max += stream.random_range(0..=3);
    if stream.random_bool(0.3) {
        pool.shape.gpu = 1_000 * stream.random_range(1..=4);
        pool.labels.insert(ACCELERATOR.to_owned(), "a100".to_owned());
    }
    if stream.random_bool(0.15) {
        pool.taints.push(dedicated());
    }
    pool
}

fn dedicated() -> Taint {
    Taint { key: "dedicated".to_owned(), value: "batch".to_owned(), effect: TaintEffect::NoSchedule }
}

fn random_service(stream: &mut Stream, index: u32) -> Service {
    let request = Resources {
        cpu: MilliCores(stream.random_range(0..=16) * 250),
        memory: Bytes(stream.random_range(0..=32) << 28),
        gpu: 0,
        pods: 1,
    };
    let replicas_min = stream.random_range(0..=2);
    let replicas_max = replicas_min + stream.random_range(1..=20);
    let mut service = service(&format!("service-{index}"), request, stream.random_range(replicas_min..=replicas_max));
    (service.replicas_min, service.replicas_max) = (replicas_min, replicas_max);
    service.pinned = stream.random_bool(0.15);
    let terms: f64 = stream.random();
    if terms < 0.2 {
        service.request.gpu = 1_000 * stream.random_range(0..=2);
        service.terms.selector.insert(ACCELERATOR.to_owned(), "a100".to_owned());
    } else if terms < 0.4 {
        service.terms.selector.insert("tier".to_owned(), "cloud".to_owned());
    }
    if stream.random_bool(0.3) {
        service.terms.tolerations.push(Toleration { key: Some("dedicated".to_owned()), value: None, effect: None });
    }
    let usl = Capacity::Usl { gamma: 20.0, sigma: 0.05, kappa: 0.002 };
    let linear = Capacity::Linear { alpha: stream.random_range(5.0..30.0), beta: stream.random_range(-10.0..1.0) };
    service.capacity.default = if stream.random_bool(0.3) { usl } else { linear };
    service.capacity.by_class.insert("class-1".to_owned(), linear);
    service
}

/// All of it, nothing of it, or something in between.
fn random_share(stream: &mut Stream, all: Resources) -> Resources {
    let percent = if stream.random_bool(0.6) { 100 } else { stream.random_range(0..=100) };
    Resources::from_amounts(all.amounts().map(|amount| amount * percent / 100))
}

fn random_incumbents(stream: &mut Stream, snapshot: &mut Snapshot, service: ServiceId) {
    if stream.random_bool(0.3) {
        return;
    }
    let clusters = u32::try_from(snapshot.clusters.len()).expect("there are few clusters");
    for _ in 0..stream.random_range(1..=3) {
        let cluster = ClusterId(stream.random_range(0..clusters));
        if snapshot.known.clusters[cluster].name != SUFFICIENT {
            snapshot.targets.set(service, cluster, stream.random_range(1..=8));
        }
    }
    let view = &mut snapshot.services[service];
    for target in snapshot.targets.of(service) {
        let used = random_seen(stream, |stream| MilliCores(stream.random_range(0..8_000)));
        view.cpu_used.push((target.cluster, used));
        let mut left = target.replicas;
        for phase in [Phase::Ready, Phase::Starting, Phase::Pending, Phase::Draining] {
            let count = stream.random_range(0..=left);
            let started = Time(stream.random_range(0..=NOW.0));
            let since = Time(stream.random_range(started.0..=NOW.0));
            view.replicas.push(ReplicaGroup { cluster: target.cluster, phase, started, since, count });
            left -= count;
        }
    }
}

fn random_seen<T>(stream: &mut Stream, value: impl Fn(&mut Stream) -> T) -> Seen<T> {
    let at = Time(NOW.0 - Span::seconds(stream.random_range(0..=60)).0);
    match stream.random_range(0..10) {
        0..=6 => Seen::now(value(stream), at),
        7 | 8 => Seen::now(value(stream), Time(NOW.0 / 2)),
        _ => Seen { value: None, at },
    }
}
