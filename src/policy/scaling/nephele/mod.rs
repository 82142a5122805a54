//! Nephele scaling: the original's replicas by optimisation, cluster by cluster, with its ratchet.
//!
//! ```text
//! min  w_util·Σ c·r / max_j(max_j·c_j) + w_trans·Σ |r − p| / max        w_util = w_trans = 0.4
//! s.t. Σ c·r ≤ K,  α·r + β ≥ λ,  r ≥ 1,  accelerators where they are needed
//! ```
//!
//! [`decide_replicas`] is the original's function on its own inputs, judged by recorded vectors; it is decided by the closed form
//! of [`solver::scaling`](crate::solver::scaling), exactly. Its faults are kept:
//!
//! - **the ratchet**: fewer replicas never strictly pay, because `w_util·c/max_j(max_j·c_j) ≤ w_trans/max`; only services that
//!   attain the maximum tie, and there the solver was seen to keep what is there. Replicas shrink only where `K` binds;
//! - the maximum of a service is a divisor, not a bound (`bound=yes`: the variant of 2024 that has it);
//! - one service of a cluster that cannot be served makes all of them infeasible, and then nothing is scaled;
//! - `K` is what was left beside the replicas when the cluster was first managed, and stays so;
//! - a rate that is not seen is zero.
//!
//! What the policy cannot keep: numbers outside what a service allows are cut to it, and where the original's loop dies
//! (a null result is its next input), this one goes on, as it does when the re-placement that it asks for has started it anew.

mod function;

use super::wish::{Sighting, Wishes, bounded};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Capacity, ClusterId, ServiceId, Snapshot, Table, Wanted, Why, id::Id};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::solver::scaling::{Problem, Scaled, Tie, original_prices};
use crate::units::{Rate, Ratio, Span};

pub use function::{Inputs, ReplicasError, Rule, UNBOUNDED, decide_replicas, objective, sufficient};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "nephele-scaling",
    summary: "replicas by the original's optimisation with weights 0.4 and 0.4: scales up by need and hardly ever down",
    about: "By cluster: min w_util·Σ c·r/max_j(max_j·c_j) + w_trans·Σ|r − p|/max, Σ c·r ≤ K, α·r + β ≥ λ, r ≥ 1. Exactly, by closed \
        form and knapsack. Since w_util·c/max_j(max_j·c_j) ≤ w_trans/max, fewer replicas never pay: they ratchet up. \
        Infeasible: all of the cluster stays as it is. Source: `decide_replicas` of the Synergetic Meta-Orchestrator.",
    parameters: PARAMETERS,
    partner: "nephele-placement",
    build: |parameters| Ok(Box::new(NepheleScaling::read(parameters)?)),
};

/// The knobs, for this policy and for the loops that contain it.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { name: "util", default: "0.4", summary: "weight of what is used" },
    Parameter { name: "trans", default: "0.4", summary: "weight of replicas more or less" },
    Parameter {
        name: "bound",
        default: "no",
        summary: "whether a service's maximum bounds its replicas: `no`, or `yes` as in 2024",
    },
    Parameter {
        name: "tie",
        default: "present",
        summary: "among equally good numbers: the `present` one, or the `least`",
    },
    Parameter {
        name: "capacity",
        default: "stale",
        summary: "CPU of a cluster: what was left when it was first managed (`stale`), what is left now beside the application's own replicas (`net`), or all that the application may have (`own`)",
    },
    Parameter {
        name: "missing",
        default: "zero",
        summary: "a rate that is not seen: `zero`, as the original reads it, or `hold`",
    },
    Parameter { name: "stale", default: "2 min", summary: "age from which on a rate is not seen any more" },
];

/// What CPU a cluster is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Available {
    Stale,
    Net,
    Own,
}

/// The original's scaling loop.
#[derive(Debug, Clone)]
pub struct NepheleScaling {
    rule: Rule,
    available: Available,
    missing_is_zero: bool,
    stale: Span,
    wishes: Wishes,
    /// What was left when a cluster was first managed, in millicores.
    first: Table<ClusterId, Option<u64>>,
    /// Whether some cluster was infeasible at the last decision, so that the original asks for another placement.
    asks_for_placement: bool,
}

/// One of two words.
fn either(parameters: &Parameters, name: &'static str, [yes, no]: [&str; 2]) -> Result<bool, ParameterError> {
    let text: String = parameters.get(name)?;
    match text {
        text if text == yes => Ok(true),
        text if text == no => Ok(false),
        text => Err(parameters.invalid(name, format!("`{text}` is neither `{yes}` nor `{no}`"))),
    }
}

fn thousandths(parameters: &Parameters, name: &'static str) -> Result<u32, ParameterError> {
    let weight = parameters.ratio(name, 0.0, 1_000.0)?;
    Ok(u32::try_from(weight.0 / 1_000).expect("a thousand is the most"))
}

impl NepheleScaling {
    /// As its parameters say.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let weights = (thousandths(parameters, "util")?, thousandths(parameters, "trans")?);
        let tie = if either(parameters, "tie", ["present", "least"])? { Tie::Present } else { Tie::Least };
        let rule = Rule { weights, is_bounded: either(parameters, "bound", ["yes", "no"])?, tie };
        let available = match parameters.get::<String>("capacity")?.as_str() {
            "stale" => Available::Stale,
            "net" => Available::Net,
            "own" => Available::Own,
            other => {
                let reason = format!("`{other}` is neither `stale`, nor `net`, nor `own`");
                return Err(parameters.invalid("capacity", reason));
            }
        };
        Ok(Self {
            rule,
            available,
            missing_is_zero: either(parameters, "missing", ["zero", "hold"])?,
            stale: parameters.span("stale")?,
            wishes: Wishes::default(),
            first: Table::new(),
            asks_for_placement: false,
        })
    }

    /// Whether the last decision was infeasible somewhere, upon which the original asks for another placement.
    pub const fn asks_for_placement(&self) -> bool {
        self.asks_for_placement
    }

    /// Replicas of every service that answers requests.
    pub fn decide(&mut self, snapshot: &Snapshot) -> Wanted {
        self.asks_for_placement = false;
        let services = || snapshot.known.application.requests();
        let mut wanted: Vec<(u32, Why)> = services()
            .map(|service| (self.wishes.last(snapshot, service), Why::new("not placed yet: as declared", &[])))
            .collect();
        for cluster in snapshot.clusters.ids() {
            let managed: Vec<ServiceId> =
                services().filter(|service| home(snapshot, *service) == Some(cluster)).collect();
            if !managed.is_empty() {
                self.decide_cluster(snapshot, cluster, (&managed, &mut wanted));
            }
        }
        let (replicas, why): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        Wanted::counts(replicas.into_iter().collect(), why.into_iter().collect())
    }

    fn decide_cluster(
        &mut self,
        snapshot: &Snapshot,
        cluster: ClusterId,
        (managed, wanted): (&[ServiceId], &mut Vec<(u32, Why)>),
    ) {
        let capacity = self.capacity(snapshot, cluster);
        let figures = [("cluster_cores", capacity as f64 / 1e3), ("services", managed.len() as f64)];
        let problem = self.problem(snapshot, cluster, (managed, capacity));
        let Some((problem, answer)) = problem.and_then(|problem| problem.solve().ok().map(|answer| (problem, answer)))
        else {
            self.asks_for_placement = true;
            let rule = "hold: infeasible, a service or all together; the original asks for another placement";
            for service in managed {
                wanted[service.index()].1 = Why::new(rule, &figures);
            }
            return;
        };
        for (row, service) in managed.iter().enumerate() {
            let row = ServiceId::from_index(row);
            let (one, found) = (problem.services[row], answer.replicas[row]);
            let replicas = bounded(snapshot.service(*service), found);
            let rule = match found.cmp(&one.least) {
                _ if replicas != found => "the optimum, cut to what the service allows",
                std::cmp::Ordering::Greater => "kept: fewer replicas do not pay by the original's weights",
                _ => "as many as the rate needs",
            };
            let figures = [("needed", one.least.into()), ("before", one.present.into()), ("optimum", found.into())];
            self.wishes.set(*service, replicas);
            wanted[service.index()] = (replicas, Why::new(rule, &figures));
        }
    }

    /// The problem of one cluster; `None` where a service can never be served there.
    fn problem(
        &mut self,
        snapshot: &Snapshot,
        cluster: ClusterId,
        (managed, capacity): (&[ServiceId], u64),
    ) -> Option<Problem> {
        let declared = || managed.iter().map(|service| snapshot.service(*service));
        let requests: Vec<u64> = declared().map(|service| service.request.cpu.0).collect();
        let maxima: Vec<u32> = declared().map(|service| service.replicas_max.max(1)).collect();
        // Where nothing asks for CPU, the original divides by zero; here utilisation then costs nothing.
        let prices =
            original_prices(self.rule.weights, &requests, &maxima).unwrap_or_else(|| vec![(0, 1); managed.len()]);
        let has_accelerators = snapshot.clusters[cluster].allocatable_max.gpu > 0;
        let mut services = Table::new();
        for (row, service) in managed.iter().enumerate() {
            let declared = snapshot.service(*service);
            if declared.request.gpu > 0 && !has_accelerators {
                return None;
            }
            let present = self.wishes.last(snapshot, *service);
            let (least, most) = match Sighting::of(snapshot.services[*service].rate, snapshot.at, self.stale) {
                Sighting::Fresh(rate) => interval(snapshot, cluster, (*service, rate))?,
                _ if self.missing_is_zero => interval(snapshot, cluster, (*service, Rate::ZERO))?,
                _ => (present, present.max(1)),
            };
            let most = if self.rule.is_bounded { most.min(maxima[row]) } else { most.max(present) };
            let (running, switching) = prices[row];
            services.push(Scaled { request: requests[row], present, least, most, running, switching });
        }
        Some(Problem { services, capacity, tie: self.rule.tie })
    }

    /// Millicores of a cluster.
    fn capacity(&mut self, snapshot: &Snapshot, cluster: ClusterId) -> u64 {
        while self.first.len() < snapshot.clusters.len() {
            self.first.push(None);
        }
        let view = &snapshot.clusters[cluster];
        let net = view.allocatable_max.cpu.saturating_sub(view.allocated.cpu).0;
        match self.available {
            Available::Stale => *self.first[cluster].get_or_insert(net),
            Available::Net => net,
            Available::Own => view.allocatable_max.cpu.0,
        }
    }
}

/// The cluster with most of a service's replicas, the first among equals.
fn home(snapshot: &Snapshot, service: ServiceId) -> Option<ClusterId> {
    let most = snapshot.targets.of(service).iter().rev().max_by_key(|target| target.replicas);
    most.map(|target| target.cluster)
}

/// Numbers of replicas that serve `rate` in `cluster` by the believed capacity: an interval for every shape.
fn interval(snapshot: &Snapshot, cluster: ClusterId, (service, rate): (ServiceId, Rate)) -> Option<(u32, u32)> {
    let (declared, known) = (snapshot.service(service), snapshot.cluster(cluster));
    let (capacity, speed) = (declared.capacity.of(&known.class), known.speed);
    if rate == Rate::ZERO {
        return Some((1, UNBOUNDED));
    }
    let least = capacity.replicas_for(rate, speed, UNBOUNDED)?;
    Some((least, last_that_serves(capacity, (rate, speed))))
}

/// The most replicas that serve `rate`: beyond its peak a capacity only falls.
fn last_that_serves(capacity: &Capacity, (rate, speed): (Rate, Ratio)) -> u32 {
    let (mut low, mut high) = (capacity.peak(UNBOUNDED), UNBOUNDED);
    while low < high {
        let middle = high - (high - low) / 2;
        if capacity.at(middle, speed) >= rate { low = middle } else { high = middle - 1 }
    }
    low
}

impl Scaling for NepheleScaling {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        Ok(self.decide(snapshot))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}
