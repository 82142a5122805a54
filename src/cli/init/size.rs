//! How large a first application may be, so that it fits the clusters and the load fits it.
//!
//! All that is free holds `rooms` replicas of some size. Half of them, at most [`REPLICAS_MAX`], are to carry the peak at
//! [`USE_AT_PEAK`] of what they can; so there is room for policies to differ, and for a cluster to be lost.

use super::super::Failure;
use super::series::Peak;
use crate::model::{Cluster, NodeTerms, Resources, Toleration};
use crate::units::{Bytes, MilliCores};
use anyhow::anyhow;

/// Sizes of a replica that are tried, the largest first: thousandths of a core, and MiB.
const REQUESTS: [(u64, u64); 4] = [(500, 512), (250, 256), (100, 128), (50, 64)];

/// As many replicas as a federation should hold for the comparison to be worth anything.
const ROOMS_WANTED: u64 = 20;

/// Most replicas at the peak.
const REPLICAS_MAX: u64 = 80;

/// Share of their capacity that replicas use at the peak.
pub const USE_AT_PEAK: f64 = 0.6;

/// Requests per second of one core: 20 ms of CPU each, which is assumed.
pub const PER_CORE: f64 = 50.0;

/// A service of a first application.
#[derive(Debug, Clone, PartialEq)]
pub struct Sized {
    /// Name.
    pub name: String,
    /// Replicas at the peak.
    pub replicas: u64,
    /// Requests per second of one replica.
    pub capacity: f64,
}

/// A replica that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// CPU.
    pub cpu: MilliCores,
    /// Memory.
    pub memory: Bytes,
    /// Whether it has to tolerate taints to find a place.
    pub tolerates: bool,
    /// How many of them all clusters hold.
    pub rooms: u64,
}

/// The largest replica of which the clusters hold enough; the smallest where they hold enough of none.
///
/// # Errors
/// Where they hold not a single one.
pub fn fit(clusters: &[Cluster]) -> Result<Fit, Failure> {
    let all =
        [false, true].into_iter().flat_map(|tolerates| REQUESTS.map(|request| one_fit(clusters, request, tolerates)));
    let all: Vec<Fit> = all.filter(|fit| fit.rooms > 0).collect();
    let enough = all.iter().find(|fit| fit.rooms >= ROOMS_WANTED && !fit.tolerates);
    let best = enough.or_else(|| all.iter().filter(|fit| !fit.tolerates).max_by_key(|fit| fit.rooms));
    let best = best.or_else(|| all.iter().find(|fit| fit.rooms >= ROOMS_WANTED)).or(all.last());
    best.copied().ok_or_else(|| {
        Failure::input(anyhow!(
            "no cluster has room for a replica of 50m and 64 MiB\n  others hold all of them, or there are no nodes"
        ))
    })
}

fn one_fit(clusters: &[Cluster], (cpu, mib): (u64, u64), tolerates: bool) -> Fit {
    let (cpu, memory) = (MilliCores(cpu), Bytes(mib << 20));
    let request = Resources { cpu, memory, gpu: 0, pods: 1 };
    let every = Toleration { key: None, value: None, effect: None };
    let terms = NodeTerms { tolerations: if tolerates { vec![every] } else { Vec::new() }, ..NodeTerms::default() };
    let rooms = clusters.iter().map(|cluster| terms.room_max(cluster, request).unwrap_or(0)).sum();
    Fit { cpu, memory, tolerates, rooms }
}

impl Fit {
    /// Replicas at the peak, of all services together.
    pub fn replicas(&self) -> u64 {
        (self.rooms / 2).clamp(1, REPLICAS_MAX)
    }

    /// Services in a chain, the first of which takes `peak` requests per second; what their cores do where none is given.
    pub fn chain(&self, names: &[&str], peak: Option<f64>) -> Vec<Sized> {
        let names = if self.replicas() < names.len() as u64 { &names[..1] } else { names };
        let replicas = self.replicas() / names.len() as u64;
        let assumed = PER_CORE * self.cpu.cores();
        let capacity = peak.map_or(assumed, |peak| capacity_for(peak, replicas, assumed));
        names.iter().map(|name| Sized { name: (*name).to_owned(), replicas, capacity }).collect()
    }

    /// A service for each series.
    ///
    /// # Errors
    /// Where there are more series than replicas.
    pub fn each(&self, peaks: &[Peak], names: &[String]) -> Result<Vec<Sized>, Failure> {
        let replicas = self.replicas() / peaks.len().max(1) as u64;
        if replicas == 0 {
            let (series, room) = (peaks.len(), self.replicas());
            return Err(Failure::input(anyhow!(
                "the clusters have room for {room} replicas and the trace has {series} series\n  choose fewer of them"
            )));
        }
        let assumed = PER_CORE * self.cpu.cores();
        let sized = |(peak, name): (&Peak, &String)| Sized {
            name: name.clone(),
            replicas,
            capacity: capacity_for(peak.rate, replicas, assumed),
        };
        Ok(peaks.iter().zip(names).map(sized).collect())
    }
}

/// The capacity of a replica that makes so many of them carry a peak.
pub fn capacity_for(peak: f64, replicas: u64, otherwise: f64) -> f64 {
    if peak > 0.0 { peak / (USE_AT_PEAK * replicas.max(1) as f64) } else { otherwise }
}
