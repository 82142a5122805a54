//! The application: services, and who calls whom how often.

use super::capacity::CapacityByClass;
use super::cluster::NodeTerms;
use super::condition::StartWhen;
use super::delay::Delay;
use super::id::{Id, ServiceId, Table};
use super::resources::Resources;
use crate::units::{Bytes, Ratio, Span};

/// A graph of services without cycles.
#[derive(Debug, Clone)]
pub struct Application {
    /// Name.
    pub name: String,
    /// The services, and behind them the classes of tasks.
    pub services: Table<ServiceId, Service>,
    /// How many of them answer requests; the others are classes of tasks.
    requests: usize,
    /// The edges, grouped by caller in the order of [`order`](Self::order).
    pub calls: Vec<Call>,
    /// All services that answer requests, callers before those they call.
    pub order: Vec<ServiceId>,
    /// Services that wait for an event, by id, and what each waits for.
    pub conditions: Vec<(ServiceId, StartWhen)>,
}

/// One service as it is declared and believed; what is *true* of it lies in the scenario's ground truth.
#[derive(Debug, Clone)]
pub struct Service {
    /// Name, unique in the application.
    pub name: String,
    /// What one replica asks for.
    pub request: Resources,
    /// What a replica demands of its node.
    pub terms: NodeTerms,
    /// Replicas at the start.
    pub replicas: u32,
    /// Never fewer.
    pub replicas_min: u32,
    /// Never more.
    pub replicas_max: u32,
    /// Requests that one replica works on at a time.
    pub workers: u32,
    /// Capacity as policies believe it.
    pub capacity: CapacityByClass,
    /// The promise to users, for services that users call.
    pub slo: Option<Slo>,
    /// Bytes of the image, pulled once a node.
    pub image: Bytes,
    /// From the process's start until it is ready.
    pub start: Delay,
    /// Between the decision to stop a replica and its end: it holds its room and takes no new requests.
    pub drain: Span,
    /// What has to be carried along when a replica moves to another cluster.
    pub state: Bytes,
    /// May only run in one cluster at a time, and never moves of itself.
    pub pinned: bool,
}

/// A latency promise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slo {
    /// The latency that a request may take, end to end.
    pub latency: Span,
    /// The share of requests that must keep it; 95 % makes it a p95 target.
    pub share: Ratio,
}

/// One service calls another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The caller.
    pub from: ServiceId,
    /// The one called.
    pub to: ServiceId,
    /// Calls for every request that the caller serves.
    pub per_request: Ratio,
    /// Bytes there and back of one call, for traffic between clusters.
    pub bytes: Bytes,
}

/// The services call each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the calls form a cycle: {}; requests would go round for ever, remove one of these calls", .0.join(" → "))]
pub struct CallCycle(pub Vec<String>);

impl Application {
    /// Puts services into calling order and groups the calls by caller.
    ///
    /// # Errors
    /// [`CallCycle`] with the names of one cycle.
    #[expect(clippy::missing_panics_doc, reason = "without a cycle every service is in the order")]
    pub fn new(name: String, services: Table<ServiceId, Service>, mut calls: Vec<Call>) -> Result<Self, CallCycle> {
        let mut incoming = Table::<ServiceId, usize>::build(services.len(), |_| 0);
        for call in &calls {
            incoming[call.to] += 1;
        }
        let mut order: Vec<ServiceId> = services.ids().filter(|id| incoming[*id] == 0).collect();
        let mut next = 0;
        while let Some(&caller) = order.get(next) {
            next += 1;
            for call in calls.iter().filter(|call| call.from == caller) {
                incoming[call.to] -= 1;
                if incoming[call.to] == 0 {
                    order.push(call.to);
                }
            }
        }
        if order.len() < services.len() {
            return Err(CallCycle(cycle_names(&services, &calls, &incoming)));
        }
        let rank = Table::<ServiceId, usize>::build(services.len(), |id| {
            order.iter().position(|other| *other == id).expect("every service is in the order")
        });
        calls.sort_by_key(|call| (rank[call.from], call.to));
        Ok(Self { name, requests: services.len(), services, calls, order, conditions: Vec::new() })
    }

    /// Adds a class of tasks behind all others. Its replicas are tasks: they come and go by themselves, answer no requests
    /// and are not started again when they have ended.
    pub fn add_task_class(&mut self, class: Service) -> ServiceId {
        self.services.push(class)
    }

    /// The services that answer requests.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = ServiceId> + ExactSizeIterator + use<> {
        (0..self.requests).map(ServiceId::from_index)
    }

    /// The classes of tasks.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = ServiceId> + ExactSizeIterator + use<> {
        (self.requests..self.services.len()).map(ServiceId::from_index)
    }

    /// Whether `service` is a class of tasks.
    pub const fn is_task(&self, service: ServiceId) -> bool {
        service.0 as usize >= self.requests
    }

    /// Whether there are classes of tasks.
    pub fn has_tasks(&self) -> bool {
        self.requests < self.services.len()
    }

    /// Whether `service` waits for an event before it starts.
    pub fn is_conditional(&self, service: ServiceId) -> bool {
        self.conditions.iter().any(|(conditional, _)| *conditional == service)
    }

    /// The calls that `caller` makes.
    pub fn calls_of(&self, caller: ServiceId) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.from == caller)
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<ServiceId> {
        self.services.find(|service| service.name == name)
    }
}

/// Walks along unresolved calls until a service comes again.
fn cycle_names(
    services: &Table<ServiceId, Service>,
    calls: &[Call],
    incoming: &Table<ServiceId, usize>,
) -> Vec<String> {
    let stuck = |id: ServiceId| incoming[id] > 0;
    let mut path: Vec<ServiceId> = services.ids().filter(|id| stuck(*id)).take(1).collect();
    loop {
        let here = *path.last().expect("a cycle has a stuck service");
        let caller = calls
            .iter()
            .find(|call| call.to == here && stuck(call.from))
            .expect("a stuck service has a stuck caller")
            .from;
        path.push(caller);
        if let Some(start) = path.iter().position(|id| *id == caller).filter(|start| start + 1 < path.len()) {
            return path[start..].iter().rev().map(|id| services[*id].name.clone()).collect();
        }
    }
}
