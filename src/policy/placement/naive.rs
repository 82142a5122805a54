//! Naive: the first cluster that has room, as the original Synergetic Meta-Orchestrator places a graph.
//!
//! A baseline with known faults, kept as they are: services are looked at in the order of their declaration, so a small
//! one may take the room that only a large one needs; a CPU-only service may take the only cluster with accelerators;
//! either pre-check stops everything. [`first_fit`] is the original on its own inputs, judged by recorded vectors.
//!
//! The original runs once, when a graph is deployed. The policy runs every few seconds and therefore
//! - keeps a service where it is while there is room for all its replicas, and moves it as a whole where there is not;
//! - leaves everything as it is when a pre-check fails, as the original does by stopping;
//! - where a service fits nowhere as a whole, lets it grow at home as far as it can and refuses the rest;
//! - places tasks one by one, each into the first cluster that has room for it.
//!
//! One more deviation: the original looks at CPU and at whether there are accelerators at all. What the checker would
//! reject (memory, pod slots, number of accelerators, labels, taints) counts as not fitting here.

use super::draft::{Draft, unchanged};
use super::greedy::fullness;
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::breach::Change;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table, Wanted, id::Id};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "naive",
    summary: "first fit in the order of declaration, whole services: the original's placement",
    about: "Services in the order of their declaration, each as a whole into the first cluster whose free CPU holds all \
        its replicas (and that has accelerators, where the service wants them). Before that two checks: the total \
        demand against the total room, and the largest service against one cluster; either failing stops everything. \
        Source: `naive_placement` of the Synergetic Meta-Orchestrator.",
    parameters: &[Parameter {
        name: "check",
        default: "largest",
        summary: "cluster that the largest service has to fit into: the `largest`, or the `smallest` as early versions had it",
    }],
    partner: "static",
    build: |parameters| Ok(Box::new(Naive { check: PreCheck::read(parameters)?, rooms: None })),
};

/// Which cluster the first pre-check compares the largest service with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreCheck {
    /// The largest one.
    Largest,
    /// The smallest one: refuses what could be placed, but it is what early versions do.
    Smallest,
}

impl PreCheck {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        match parameters.get::<String>("check")?.as_str() {
            "largest" => Ok(Self::Largest),
            "smallest" => Ok(Self::Smallest),
            other => Err(parameters.invalid("check", format!("`{other}` is neither `largest` nor `smallest`"))),
        }
    }
}

/// What the original's function takes: cores and flags, clusters and services by their order.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Cores of each cluster (K).
    pub capacities: &'a [f64],
    /// Whether each cluster has accelerators (G).
    pub accelerated: &'a [bool],
    /// Cores of one replica of each service (c).
    pub cores: &'a [f64],
    /// Whether each service needs an accelerator (g).
    pub accelerate: &'a [bool],
    /// Replicas of each service (r).
    pub replicas: &'a [u32],
}

impl Inputs<'_> {
    const fn check_shape(&self) -> Result<(), FirstFitError> {
        let clusters = [self.capacities.len(), self.accelerated.len()];
        let services = [self.cores.len(), self.accelerate.len(), self.replicas.len()];
        if clusters[0] == clusters[1] && services[0] == services[1] && services[0] == services[2] {
            return Ok(());
        }
        Err(FirstFitError::Misshapen { clusters, services })
    }
}

/// Why nothing is placed. The texts are the original's, in both versions.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FirstFitError {
    /// There is nothing to place.
    #[error("there are no services; declare at least one")]
    NoServices,
    /// There is nowhere to place it.
    #[error("there are no clusters; at least one must be reachable")]
    NoClusters,
    /// Lists of different lengths.
    #[error(
        "{clusters:?} entries for clusters and {services:?} for services; each list needs one entry for each of them"
    )]
    Misshapen {
        /// Lengths of the lists about clusters.
        clusters: [usize; 2],
        /// Lengths of the lists about services.
        services: [usize; 3],
    },
    /// Pre-check 1.
    #[error("{}", match .0 {
        PreCheck::Largest => "A single service requires more CPU than the largest cluster.",
        PreCheck::Smallest => "A single service cannot fit into any cluster. Increase cluster capacity or reduce service requirements.",
    })]
    TooLarge(PreCheck),
    /// Pre-check 2.
    #[error("{}", match .0 {
        PreCheck::Largest => "Insufficient total cluster capacity for all services.",
        PreCheck::Smallest => "Insufficient total capacity to fit all services across the clusters.",
    })]
    TooMuch(PreCheck),
    /// No cluster is left that has room.
    #[error("Service {} with requirement {cores} could not be placed{}.", service.index(), match check {
        PreCheck::Largest => "",
        PreCheck::Smallest => " in any cluster",
    })]
    Unplaced {
        /// Its place in the order.
        service: ServiceId,
        /// Cores of all its replicas.
        cores: f64,
        /// Which version speaks.
        check: PreCheck,
    },
}

/// The original's first fit: a cluster for each service, or the first reason against it. Floating point without
/// tolerance, so 0.1 + 0.2 cores do not fit into 0.3.
///
/// With `d_s = c_s · r_s`: (1) `max d_s ≤ max K_e`, or `min K_e`; (2) `Σ d_s ≤ Σ K_e`; (3) each s goes to the smallest e with
/// `g_s ≤ G_e` and `u_e + d_s ≤ K_e`.
///
/// # Errors
/// See [`FirstFitError`].
pub fn first_fit(inputs: &Inputs<'_>, check: PreCheck) -> Result<Table<ServiceId, ClusterId>, FirstFitError> {
    inputs.check_shape()?;
    let needs: Vec<f64> =
        inputs.cores.iter().zip(inputs.replicas).map(|(cores, count)| cores * f64::from(*count)).collect();
    pre_check(&needs, inputs.capacities, check)?;
    let mut used = vec![0.0; inputs.capacities.len()];
    let place = |(index, need): (usize, &f64)| {
        let fits = |e: &usize| {
            (!inputs.accelerate[index] || inputs.accelerated[*e]) && used[*e] + need <= inputs.capacities[*e]
        };
        let unplaced = FirstFitError::Unplaced { service: ServiceId::from_index(index), cores: *need, check };
        let chosen = (0..used.len()).find(fits).ok_or(unplaced)?;
        used[chosen] += need;
        Ok(ClusterId::from_index(chosen))
    };
    needs.iter().enumerate().map(place).collect()
}

/// The first cluster is the best; counted from 1.
fn order(_: &Draft<'_>, _: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [-(cluster.index() as f64 + 1.0), 0.0]
}

/// Both pre-checks, on what services need and clusters have, in any one unit.
fn pre_check(needs: &[f64], capacities: &[f64], check: PreCheck) -> Result<(), FirstFitError> {
    let largest = needs.iter().copied().reduce(f64::max).ok_or(FirstFitError::NoServices)?;
    let compared = match check {
        PreCheck::Largest => capacities.iter().copied().reduce(f64::max),
        PreCheck::Smallest => capacities.iter().copied().reduce(f64::min),
    };
    if largest > compared.ok_or(FirstFitError::NoClusters)? {
        return Err(FirstFitError::TooLarge(check));
    }
    if needs.iter().sum::<f64>() > capacities.iter().sum::<f64>() {
        return Err(FirstFitError::TooMuch(check));
    }
    Ok(())
}

/// First fit on what the world looks like now.
#[derive(Clone)]
pub struct Naive {
    check: PreCheck,
    rooms: Option<Rooms>,
}

impl Placement for Naive {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let check = self.check;
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        if let Some(plan) = unchanged(snapshot, wanted, rooms, 1) {
            return Ok(plan);
        }
        let mut draft = Draft::new(snapshot, wanted, rooms);
        if let Err(error) = pre_check_draft(&draft, check) {
            draft.keep(fullness);
            return Ok(draft.finish(None, |_| Some(error.to_string())));
        }
        gather(&mut draft);
        draft.keep(fullness);
        let is_task = |service: &ServiceId| snapshot.known.application.is_task(*service);
        let services = |draft: &Draft<'_>| draft.incomplete().into_iter().filter(|service| !is_task(service));
        while services(&draft).any(|service| place_whole(&mut draft, service)) {}
        for service in services(&draft).collect::<Vec<_>>() {
            grow_at_home(&mut draft, service);
        }
        let classes: Vec<ServiceId> = draft.incomplete().into_iter().filter(is_task).collect();
        draft.fill(&classes, |_, _, _| [0.0, 0.0]);
        let unplaced = |service| {
            if is_task(&service) {
                return None;
            }
            let cores = need_millicores(snapshot, wanted, service) / 1e3;
            Some(FirstFitError::Unplaced { service, cores, check }.to_string())
        };
        Ok(draft.finish(None, unplaced))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: order, terms: [Some(("in order", -1.0, "")), None], next: next_for_all }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

/// The original's pre-checks in millicores, which floating point adds exactly.
fn pre_check_draft(draft: &Draft<'_>, check: PreCheck) -> Result<(), FirstFitError> {
    let Snapshot { known, clusters, .. } = draft.snapshot;
    let application = &known.application;
    if application.requests().len() == 0 {
        return Ok(());
    }
    let needs: Vec<f64> =
        application.requests().map(|service| need_millicores(draft.snapshot, draft.wanted, service)).collect();
    let reachable = clusters.values().filter(|view| view.reachable);
    let capacities: Vec<f64> = reachable.map(|view| view.allocatable_max.cpu.0 as f64).collect();
    pre_check(&needs, &capacities, check)
}

fn need_millicores(snapshot: &Snapshot, wanted: &Wanted, service: ServiceId) -> f64 {
    snapshot.service(service).request.cpu.repeated(wanted.replicas[service].into()).0 as f64
}

/// Leaves each service in one cluster only: the one that most of its replicas are in.
fn gather(draft: &mut Draft<'_>) {
    for service in draft.snapshot.known.application.requests() {
        let Some(home) = draft.heaviest(service) else { continue };
        for target in draft.targets().of(service).to_vec() {
            let leaves = [Change { service, cluster: target.cluster, more: -i64::from(target.replicas) }];
            if target.cluster != home && !draft.is_frozen(service) && draft.shift(&leaves).is_some() {
                draft.remove(service, target.cluster, target.replicas);
            }
        }
    }
}

/// Puts a whole service where it is, or else into the first cluster that has room for all of it.
fn place_whole(draft: &mut Draft<'_>, service: ServiceId) -> bool {
    let missing = draft.missing(service);
    let held = draft.targets().of(service).first().copied();
    let may_grow = |draft: &Draft<'_>, cluster: ClusterId| {
        draft.room(service, cluster) >= missing
            && draft.shift(&[Change { service, cluster, more: missing.into() }]).is_some()
    };
    if let Some(target) = held.filter(|target| may_grow(draft, target.cluster)) {
        draft.add(service, target.cluster, missing);
        return true;
    }
    let all = draft.wanted.replicas[service];
    let elsewhere = |cluster: &ClusterId| {
        let leaves = held.map(|target| (target.cluster, -i64::from(target.replicas)));
        let moves = leaves.into_iter().chain([(*cluster, i64::from(all))]);
        let changes: Vec<Change> = moves.map(|(cluster, more)| Change { service, cluster, more }).collect();
        held.is_none_or(|target| target.cluster != *cluster)
            && draft.room(service, *cluster) >= all
            && draft.shift(&changes).is_some()
    };
    let Some(first) = draft.snapshot.clusters.ids().find(elsewhere) else { return false };
    if let Some(target) = held {
        draft.remove(service, target.cluster, target.replicas);
    }
    draft.add(service, first, all);
    true
}

/// As many more replicas as have room where the service is.
fn grow_at_home(draft: &mut Draft<'_>, service: ServiceId) {
    if let Some(target) = draft.targets().of(service).first().copied() {
        let most = draft.room(service, target.cluster).min(draft.missing(service));
        let may = |replicas: &u32| {
            draft.shift(&[Change { service, cluster: target.cluster, more: (*replicas).into() }]).is_some()
        };
        let replicas = (1..=most).rev().find(may).unwrap_or(0);
        draft.add(service, target.cluster, replicas);
    }
}
