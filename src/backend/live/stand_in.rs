//! A small world for tests: one service, `web` (1 core and 1 GiB a replica), and two clusters, `a` and `b`, which Karmada calls
//! `member1` and `member2`.

use crate::model::connection::{Connection, Counterpart, Division, KarmadaAt, Moves, Probe};
use crate::model::network::{Network, Routing};
use crate::model::scenario::Known;
use crate::model::{
    Application, Capacity, CapacityByClass, Cluster, Delay, NodeTerms, Occupied, Pool, Resources, Rules, Service, Table,
};
use crate::units::{Bytes, MilliCores, Money, Ratio, Span, Watts};
use std::collections::BTreeMap;

/// What is known of it.
///
/// # Panics
/// Never: nobody calls anybody.
pub fn known() -> Known {
    let web = Service {
        name: "web".to_owned(),
        request: Resources { cpu: MilliCores(1_000), memory: Bytes(1 << 30), gpu: 0, pods: 1 },
        terms: NodeTerms::default(),
        replicas: 1,
        replicas_min: 1,
        replicas_max: 20,
        workers: 1,
        capacity: CapacityByClass::uniform(Capacity::Linear { alpha: 10.0, beta: 0.0 }),
        slo: None,
        image: Bytes::ZERO,
        start: Delay::NONE,
        drain: Span::ZERO,
        state: Bytes::ZERO,
        pinned: false,
    };
    let application = Application::new("shop".to_owned(), [web].into_iter().collect(), Vec::new()).expect("no calls");
    let network = Network {
        rtt: Table::build(2, |_| Table::build(2, |_| Span::ZERO)),
        egress_per_gb: Table::build(2, |_| Table::build(2, |_| Money(0.0))),
        origins: Vec::new(),
        routing: Routing::ByCapacity,
    };
    Known { application, clusters: ["a", "b"].into_iter().map(cluster).collect(), network, rules: Rules::default() }
}

fn cluster(name: &str) -> Cluster {
    let pool = Pool {
        name: "default".to_owned(),
        shape: Resources { cpu: MilliCores(5_000), memory: Bytes(8 << 30), gpu: 0, pods: 110 },
        labels: BTreeMap::new(),
        taints: Vec::new(),
        nodes: 2,
        nodes_min: 2,
        nodes_max: 2,
        boot: Delay::NONE,
        idle_timeout: Span::ZERO,
        priority: 0,
        price_per_hour: Money(0.5),
        power_idle: Watts(0.0),
        power_max: Watts(0.0),
        occupied: Occupied::default(),
    };
    Cluster {
        name: name.to_owned(),
        region: "here".to_owned(),
        class: "default".to_owned(),
        speed: Ratio::ONE,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        pools: [pool].into_iter().collect(),
        pue: Ratio::ONE,
    }
}

/// Where it is.
pub fn connection() -> Connection {
    let workload = "web".to_owned();
    let web = Counterpart {
        workload,
        rate: None,
        served: None,
        latency_p95: None,
        cpu_used: None,
        replicas: None,
        start_when: None,
    };
    Connection {
        name: "shop".to_owned(),
        karmada: KarmadaAt {
            kubeconfig: "nowhere".into(),
            context: None,
            namespace: "shop".to_owned(),
            division: Division::Own,
        },
        clusters: ["member1", "member2"].map(str::to_owned).into_iter().collect(),
        services: [web].into_iter().collect(),
        prometheus: None,
        moves: Moves { timeout: Span::seconds(30) },
        probe: Probe { every: Span::seconds(1), lost_after: 3, back_after: Span::seconds(5) },
        alerts: None,
    }
}
