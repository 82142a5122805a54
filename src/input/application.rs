//! The application file: services and who calls whom, as people write them, and the checked model of them.

use super::at::At;
use super::capacity::CapacityFile;
use super::condition::StartFile;
use super::defaults;
use super::error::{InputError, known_names};
use super::intents::{IntentsFile, ServiceIntentsFile};
use super::rules::{ObjectiveFile, RuleFile};
use super::terms::{ClustersFile, cluster_terms, selectors, toleration, trust};
use super::written::{DelayFile, NonNegative, Positive, Share, Written};
use crate::model::cluster::{ACCELERATOR_LABEL, NodeTerms};
use crate::model::resources::DEVICE;
use crate::model::{Application, Call, Resources, Service, ServiceId, Slo, Table};
use crate::units::{Bytes, MilliCores, Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An application: services, and the calls between them, which must not form a cycle.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationFile {
    /// Name of the application.
    #[serde(default = "defaults::application_name")]
    pub name: String,
    /// The services. Those that a trace names are the entries: users call them.
    pub services: Vec<ServiceFile>,
    /// Who calls whom. A request to the caller causes calls, and is as slow as the slowest way through them.
    #[serde(default)]
    pub calls: Vec<CallFile>,
    /// What the application as a whole wants, in words: `security`, `high_availability`, `high_performance`,
    /// `energy_efficiency`.
    #[serde(default)]
    pub intents: IntentsFile,
    /// What plans have to keep.
    #[serde(default)]
    pub rules: Vec<RuleFile>,
    /// What plans are weighed by.
    #[serde(default)]
    pub objective: ObjectiveFile,
}

/// A service: what a replica needs, what it can do, and what users were promised.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceFile {
    /// Name, unique in the application: the one that traces, calls and faults use.
    pub name: Name,
    /// CPU that a replica requests.
    pub cpu: Positive<MilliCores>,
    /// Memory that a replica requests.
    pub memory: Positive<Bytes>,
    /// Accelerators that a replica requests: a count, or `{kind, count}` where only one kind will do.
    #[serde(default)]
    pub gpu: Option<GpuFile>,
    /// Labels that a node (its own, its pool's or its cluster's) must carry.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that do not keep the service away, as `key`, `key=value` or `key=value:NoSchedule`; `*` is every taint.
    #[serde(default)]
    pub tolerations: Vec<String>,
    /// Label selectors like `zone in (a, b), !spot`, of which the labels of a node (its own, its pool's or its cluster's) must
    /// match one: Kubernetes' required node affinity, a selector for each term.
    #[serde(default)]
    pub node_affinity: Vec<String>,
    /// Clusters that it may run in: the name of the only one, or `{only, never, matching}`.
    #[serde(default)]
    pub clusters: Option<Written<String, ClustersFile>>,
    /// Replicas at the start, and the bounds that no policy leaves: a number (the start), or `{initial, min, max}`.
    #[serde(default)]
    pub replicas: ReplicasFile,
    /// Requests that one replica works on at a time.
    #[serde(default = "defaults::workers")]
    pub workers: Positive<u32>,
    /// Requests per second as a function of ready replicas, as policies believe it (`truth` may say otherwise): a rate
    /// per replica, `{alpha, beta}` for `alpha·r + beta`, or `{gamma, sigma, kappa}` for the Universal Scalability Law.
    pub capacity: CapacityFile,
    /// The promise to users of an entry service: a latency, or `{latency, share}`. Without one, nothing is violated.
    #[serde(default)]
    pub slo: Option<SloFile>,
    /// Size of the image, pulled once a node.
    #[serde(default = "defaults::image")]
    pub image: Bytes,
    /// From the start of a replica's process until it is ready.
    #[serde(default = "defaults::start")]
    pub start: DelayFile,
    /// From the decision to stop a replica until it is gone. It finishes what it has and takes nothing new.
    #[serde(default = "defaults::drain")]
    pub drain: Span,
    /// What a replica carries along when it moves to another cluster: it makes the move dearer.
    #[serde(default)]
    pub state: Bytes,
    /// Whether the service runs in one cluster at a time and is never moved without need.
    #[serde(default)]
    pub pinned: bool,
    /// Work that waits beyond this, in seconds at the present capacity, is dropped.
    #[serde(default = "defaults::queue_limit")]
    pub queue_limit: Positive<Span>,
    /// Time that a request takes in a worker when nobody waits. Left out, it follows from the capacity:
    /// `replicas · workers / capacity`.
    #[serde(default)]
    pub service_time: Option<Positive<Span>>,
    /// Squared coefficient of variation of the service time: 0 constant, 1 exponential.
    #[serde(default = "defaults::variability")]
    pub service_variability: NonNegative,
    /// Squared coefficient of variation of the times between arrivals: 1 is a Poisson stream.
    #[serde(default = "defaults::variability")]
    pub arrival_variability: NonNegative,
    /// CPU that a replica uses at full load, as a share of what it requests.
    #[serde(default = "defaults::cpu_at_capacity")]
    pub cpu_at_capacity: Ratio,
    /// CPU that an idle replica uses, as a share of what it requests.
    #[serde(default = "defaults::cpu_idle")]
    pub cpu_idle: Ratio,
    /// What the service wants, in words: to be near what it calls, with another one, near the users.
    #[serde(default)]
    pub intents: Option<ServiceIntentsFile>,
    /// The event that the service waits for: a condition in PromQL, `{any, all, stop_when_resolved}`, or `never`. Until then
    /// it has no replicas and is called by nobody.
    #[serde(default)]
    pub start_when: Option<Written<String, StartFile>>,
}

/// One service calls another.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallFile {
    /// The caller.
    pub from: String,
    /// The service that is called.
    pub to: String,
    /// Calls for every request that the caller serves: `1`, `2.5` or `20 %`.
    #[serde(default = "defaults::per_request")]
    pub per_request: Positive<Ratio>,
    /// Bytes there and back of one call, for the price of traffic between clusters.
    #[serde(default = "defaults::call_bytes")]
    pub bytes: Bytes,
}

/// A name: no blanks, no commas, no quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Name(pub String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '"' | '\'' | '`');
        if text.is_empty() || text.len() > 253 || text.contains(odd) {
            return Err(format!("`{text}` is not a name; write 1 to 253 letters, digits, `-`, `_` or `.`"));
        }
        Ok(Self(text))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Accelerators: how many whole devices, and of which kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written<Positive<u32>, GpuKind>", into = "Written<Positive<u32>, GpuKind>")]
#[schemars(with = "Written<Positive<u32>, GpuKind>")]
pub struct GpuFile {
    /// Devices.
    pub count: u32,
    /// Kind, like `nvidia-l4`; any kind where nothing is said.
    pub kind: Option<String>,
}

/// Accelerators of one kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuKind {
    /// Kind, like `nvidia-l4`: a service gets only nodes of this kind.
    pub kind: String,
    /// Whole devices.
    #[serde(default = "defaults::gpu_count")]
    pub count: Positive<u32>,
}

impl From<Written<Positive<u32>, GpuKind>> for GpuFile {
    fn from(written: Written<Positive<u32>, GpuKind>) -> Self {
        match written {
            Written::Short(count) => Self { count: count.0, kind: None },
            Written::Long(long) => Self { count: long.count.0, kind: Some(long.kind) },
        }
    }
}

impl From<GpuFile> for Written<Positive<u32>, GpuKind> {
    fn from(gpu: GpuFile) -> Self {
        match gpu.kind {
            None => Self::Short(Positive(gpu.count)),
            Some(kind) => Self::Long(GpuKind { kind, count: Positive(gpu.count) }),
        }
    }
}

/// Replicas at the start and their bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written<u32, ReplicaBounds>")]
#[schemars(with = "Written<u32, ReplicaBounds>")]
pub struct ReplicasFile {
    /// At the start.
    pub initial: u32,
    /// Never fewer.
    pub min: u32,
    /// Never more.
    pub max: u32,
}

/// Bounds of the number of replicas.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplicaBounds {
    /// At the start; `min` where nothing is said.
    #[serde(default)]
    pub initial: Option<u32>,
    /// Never fewer.
    #[serde(default = "defaults::replicas_min")]
    pub min: u32,
    /// Never more.
    #[serde(default = "defaults::replicas_max")]
    pub max: u32,
}

impl TryFrom<Written<u32, ReplicaBounds>> for ReplicasFile {
    type Error = String;

    fn try_from(written: Written<u32, ReplicaBounds>) -> Result<Self, String> {
        let (min, max) = (defaults::replicas_min(), defaults::replicas_max());
        let bounds = match written {
            Written::Short(initial) => {
                ReplicaBounds { initial: Some(initial), min: min.min(initial), max: max.max(initial) }
            }
            Written::Long(bounds) => bounds,
        };
        let ReplicaBounds { min, max, .. } = bounds;
        let initial = bounds.initial.unwrap_or(min);
        if max > defaults::limits::REPLICAS {
            return Err(format!("max {max} is beyond what is simulated; write at most {}", defaults::limits::REPLICAS));
        }
        if max == 0 {
            return Err("a max of 0 replicas never serves anything; write at least 1".to_owned());
        }
        if min > max || initial < min || initial > max {
            return Err(format!(
                "initial {initial}, min {min} and max {max} do not go together; write min <= initial <= max"
            ));
        }
        Ok(Self { initial, min, max })
    }
}

/// A latency promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written<Positive<Span>, SloShare>")]
#[schemars(with = "Written<Positive<Span>, SloShare>")]
pub struct SloFile {
    /// The latency that a request may take, end to end.
    pub latency: Span,
    /// The share of requests that must keep it.
    pub share: Ratio,
}

/// A latency promise and the share of requests that must keep it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloShare {
    /// The latency that a request may take, end to end.
    pub latency: Positive<Span>,
    /// The share of requests that must keep it; `95 %` makes it a p95 target.
    #[serde(default = "defaults::slo_share")]
    pub share: Share,
}

impl From<Written<Positive<Span>, SloShare>> for SloFile {
    fn from(written: Written<Positive<Span>, SloShare>) -> Self {
        match written {
            Written::Short(latency) => Self { latency: latency.0, share: defaults::slo_share().0 },
            Written::Long(long) => Self { latency: long.latency.0, share: long.share.0 },
        }
    }
}

/// Checks the application: names, calls, cycles, capacities.
///
/// # Errors
/// What is wrong, at `at`, which is the application.
pub fn application(file: &ApplicationFile, at: &At<'_>) -> Result<Application, InputError> {
    let services_at = at.key("services");
    let trusted = file.intents.trusted(&at.key("intents"))?;
    let mut services = Table::new();
    let mut names = BTreeSet::new();
    for (index, service) in file.services.iter().enumerate() {
        let at = services_at.index(index);
        if !names.insert(service.name.0.as_str()) {
            let name = &service.name.0;
            return Err(at.key("name").error(format!("a second service is called `{name}`; rename one of the two")));
        }
        service.capacity.check(service.replicas.max, &at.key("capacity"))?;
        let mut service = checked_service(service, &at)?;
        trust(&mut service.terms.clusters, trusted.as_ref());
        services.push(service);
    }
    let calls = checked_calls(file, &services, &at.key("calls"))?;
    Application::new(file.name.clone(), services, calls).map_err(|cycle| {
        let within = |name: &String| cycle.0.contains(name);
        let index = file.calls.iter().position(|call| within(&call.from) && within(&call.to)).unwrap_or(0);
        at.key("calls").index(index).error(cycle.to_string())
    })
}

fn checked_service(file: &ServiceFile, at: &At<'_>) -> Result<Service, InputError> {
    let mut selector = file.node_selector.clone();
    if let Some(kind) = file.gpu.as_ref().and_then(|gpu| gpu.kind.clone()) {
        selector.insert(ACCELERATOR_LABEL.to_owned(), kind);
    }
    let tolerations = file.tolerations.iter().enumerate().map(|(index, text)| {
        toleration(text).ok_or_else(|| {
            at.key("tolerations")
                .index(index)
                .error(format!("`{text}` is not a toleration; write `key`, `key=value`, `key=value:NoSchedule` or `*`"))
        })
    });
    Ok(Service {
        name: file.name.0.clone(),
        request: Resources {
            cpu: file.cpu.0,
            memory: file.memory.0,
            gpu: file.gpu.as_ref().map_or(0, |gpu| u64::from(gpu.count) * DEVICE),
            pods: 1,
        },
        terms: NodeTerms {
            selector,
            tolerations: tolerations.collect::<Result<_, _>>()?,
            affinity: selectors(&file.node_affinity, &at.key("node_affinity"))?,
            clusters: cluster_terms(file.clusters.as_ref(), &at.key("clusters"))?,
            ..NodeTerms::default()
        },
        replicas: file.replicas.initial,
        replicas_min: file.replicas.min,
        replicas_max: file.replicas.max,
        workers: file.workers.0,
        capacity: file.capacity.0.clone(),
        slo: file.slo.map(|slo| Slo { latency: slo.latency, share: slo.share }),
        image: file.image,
        start: file.start.0,
        drain: file.drain,
        state: file.state,
        pinned: file.pinned,
    })
}

fn checked_calls(
    file: &ApplicationFile,
    services: &Table<ServiceId, Service>,
    at: &At<'_>,
) -> Result<Vec<Call>, InputError> {
    let names: Vec<&str> = services.values().map(|service| service.name.as_str()).collect();
    let find = |name: &str, at: At<'_>| {
        services.find(|service| service.name == name).ok_or_else(|| {
            at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names)))
        })
    };
    let mut seen = BTreeSet::new();
    let mut calls = Vec::with_capacity(file.calls.len());
    for (index, call) in file.calls.iter().enumerate() {
        let at = at.index(index);
        let (from, to) = (find(&call.from, at.key("from"))?, find(&call.to, at.key("to"))?);
        if !seen.insert((from, to)) {
            return Err(at.error(format!(
                "`{}` calls `{}` for the second time; add the two up in one entry",
                call.from, call.to
            )));
        }
        calls.push(Call { from, to, per_request: call.per_request.0, bytes: call.bytes });
    }
    Ok(calls)
}
