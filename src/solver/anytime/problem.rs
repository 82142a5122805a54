//! Placing replicas on clusters at least cost, in the flat form that the search works on.
//!
//! With integer replicas `r[p]` in every place `p` = (service, cluster) where a service may run at all:
//!
//! ```text
//! min  Σ_p (cost[p]·r[p] + start[p]·max(0, r[p] − incumbent[p]))    running, and starting what is new in a cluster
//!    + Σ_e activation[e]·[some replica is in e]                      using a cluster at all
//!    + Σ_s shortage[s]·max(0, demand[s] − Σ_p yields[p]·r[p])        demand that nobody serves
//!    + what the rules cost (see [`Rules`])
//! s.t. Σ_p request[s,k]·r[p] ≤ capacity[e,k];  least[p] ≤ r[p] ≤ most[p];  a single service is in one place only
//!      no replica more than the demand needs: r[p] ≤ ⌈(demand[s] − what the others serve) / yields[p]⌉
//! ```
//!
//! Placing a fixed number of replicas has `yields = 1` everywhere; deciding their number at the same time has the work that
//! a replica does in a cluster instead, and the request rate as the demand. Shortage makes every problem feasible.
//!
//! Everything that is compared with a limit is an integer, everything that is weighed an `f64` in dollars an hour. Rows lie
//! behind each other in plain vectors, because the search reads them some ten million times a second.

use super::social::Rules;
use std::ops::Range;

/// Bytes that a place needs in the problem, in the state of the search and in the tables of the bounds.
const BYTES_A_PLACE: u64 = 128;

/// What a problem may take: 4 GiB.
const BYTES_MAX: u64 = 4 << 30;

/// One problem.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problem {
    /// Number of resources.
    pub kinds: usize,
    /// What clusters have: `kinds` figures for each.
    pub capacity: Vec<u64>,
    /// Price of using each cluster at all.
    pub activation: Vec<f64>,
    /// What one replica of each service asks for: `kinds` figures for each.
    pub request: Vec<u64>,
    /// The services.
    pub services: Vec<Service>,
    /// Where services may run: service by service, by rising cluster.
    pub places: Vec<Place>,
    /// What services have to do with each other, and with domains of clusters.
    pub rules: Rules,
}

/// What one service wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// Its first place.
    pub first: u32,
    /// One past its last place.
    pub end: u32,
    /// Work to be done, in units of [`Place::yields`].
    pub demand: u32,
    /// Whether all its replicas have to be in one cluster.
    pub is_single: bool,
    /// Price of one unit of demand that nobody serves.
    pub shortage: f64,
}

/// A cluster that may run a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Which.
    pub cluster: u32,
    /// Replicas that must not leave it.
    pub least: u32,
    /// The most replicas that it could hold.
    pub most: u32,
    /// Replicas that are there already.
    pub incumbent: u32,
    /// Work that one replica does there.
    pub yields: u32,
    /// Price of one replica there.
    pub cost: f64,
    /// Price of one replica more than there are already.
    pub start: f64,
}

/// A problem that memory cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{services} services on {clusters} clusters are {} GiB of places, more than {} GiB; {services_max} services on so \
    many clusters fit: decide by region or by namespace", bytes >> 30, BYTES_MAX >> 30
)]
pub struct TooLarge {
    /// Services.
    pub services: u64,
    /// Clusters.
    pub clusters: u64,
    /// What they would take.
    pub bytes: u64,
    /// How many services on as many clusters would fit.
    pub services_max: u64,
}

/// Whether a problem of this size is taken, before any memory is.
///
/// # Errors
/// With the size that would fit.
pub const fn check_size(services: u64, clusters: u64) -> Result<(), TooLarge> {
    let a_service = clusters.saturating_mul(BYTES_A_PLACE);
    let bytes = services.saturating_mul(a_service);
    if bytes <= BYTES_MAX {
        return Ok(());
    }
    Err(TooLarge { services, clusters, bytes, services_max: BYTES_MAX / a_service })
}

impl Place {
    /// What `replicas` here cost.
    #[inline]
    pub fn price(&self, replicas: u32) -> f64 {
        f64::from(replicas) * self.cost + f64::from(replicas.saturating_sub(self.incumbent)) * self.start
    }
}

impl Problem {
    /// A problem of clusters alone, to which services are pushed.
    pub fn with_clusters(kinds: usize, capacity: Vec<u64>, activation: Vec<f64>) -> Self {
        Self { kinds, capacity, activation, ..Self::default() }
    }

    /// Adds a service with its places, by rising cluster. `first` and `end` of `service` are set here.
    pub fn push(&mut self, service: Service, request: &[u64], places: &[Place]) {
        let first = index(self.places.len());
        self.places.extend_from_slice(places);
        self.request.extend_from_slice(request);
        self.services.push(Service { first, end: index(self.places.len()), ..service });
    }

    /// Number of clusters.
    pub const fn clusters(&self) -> usize {
        self.activation.len()
    }

    /// The places of a service.
    #[inline]
    pub fn places_of(&self, service: usize) -> Range<usize> {
        self.services[service].first as usize..self.services[service].end as usize
    }

    /// What one replica of a service asks for.
    #[inline]
    pub fn request_of(&self, service: usize) -> &[u64] {
        &self.request[service * self.kinds..][..self.kinds]
    }

    /// The most replicas that make sense in a place: what serves the whole demand, and what there can be.
    pub fn full(&self, service: usize, place: usize) -> u32 {
        let (place, demand) = (&self.places[place], self.services[service].demand);
        // A division is what this would cost most.
        let wanted = if place.yields == 1 { demand } else { demand.div_ceil(place.yields.max(1)) };
        wanted.min(place.most).max(place.least)
    }

    /// Work that `counts` do for a service.
    pub fn served(&self, service: usize, counts: &[u32]) -> u64 {
        self.places_of(service).map(|place| u64::from(counts[place]) * u64::from(self.places[place].yields)).sum()
    }

    /// Demand of a service that `counts` leave unserved.
    pub fn short(&self, service: usize, counts: &[u32]) -> u64 {
        u64::from(self.services[service].demand).saturating_sub(self.served(service, counts))
    }

    /// Value of the objective, counted from nothing.
    pub fn cost(&self, counts: &[u32]) -> f64 {
        let running: f64 = self.places.iter().zip(counts).map(|(place, count)| place.price(*count)).sum();
        let mut used = vec![false; self.clusters()];
        for (place, _) in self.places.iter().zip(counts).filter(|(_, count)| **count > 0) {
            used[place.cluster as usize] = true;
        }
        let activation: f64 =
            used.iter().zip(&self.activation).filter(|(used, _)| **used).map(|(_, price)| price).sum();
        let short = |service: usize| self.short(service, counts) as f64 * self.services[service].shortage;
        let shortage: f64 = (0..self.services.len()).map(short).sum();
        running + activation + shortage + self.rules.cost(self, counts)
    }

    /// Whether `counts` keep every constraint, in integers.
    pub fn admits(&self, counts: &[u32]) -> bool {
        let mut taken = vec![0u64; self.capacity.len()];
        for service in 0..self.services.len() {
            let (mut used, mut served) = (0, 0);
            for place in self.places_of(service) {
                let Place { cluster, least, most, yields, .. } = self.places[place];
                if counts[place] < least || counts[place] > most {
                    return false;
                }
                if counts[place] == 0 {
                    continue;
                }
                used += 1;
                served += u64::from(counts[place]) * u64::from(yields);
                let cluster = &mut taken[cluster as usize * self.kinds..][..self.kinds];
                for (taken, request) in cluster.iter_mut().zip(self.request_of(service)) {
                    *taken = taken.saturating_add(request.saturating_mul(counts[place].into()));
                }
            }
            let row = &self.services[service];
            let has_surplus = served > row.demand.into() && self.has_surplus(service, (served, counts));
            if (row.is_single && used > 1) || has_surplus {
                return false;
            }
        }
        taken.iter().zip(&self.capacity).all(|(taken, capacity)| taken <= capacity)
    }

    /// Takes away replicas that serve nobody: free ones may be left over by a solver to which they are all the same.
    pub fn trim(&self, counts: &mut [u32]) {
        for service in 0..self.services.len() {
            for place in self.places_of(service) {
                let row = &self.places[place];
                let beyond = self.served(service, counts).saturating_sub(self.services[service].demand.into());
                let surplus = u32::try_from(beyond / u64::from(row.yields.max(1))).unwrap_or(u32::MAX);
                counts[place] -= surplus.min(counts[place].saturating_sub(row.least));
            }
        }
    }

    /// Whether some place could do with a replica less, and may.
    fn has_surplus(&self, service: usize, (served, counts): (u64, &[u32])) -> bool {
        self.places_of(service).any(|place| {
            let row = &self.places[place];
            let without = served.saturating_sub(row.yields.into());
            counts[place] > row.least && without >= self.services[service].demand.into()
        })
    }
}

/// A length as an index of 32 bits; [`check_size`] keeps every problem below.
///
/// # Panics
/// Beyond 2³², which is our own mistake.
pub fn index(length: usize) -> u32 {
    u32::try_from(length).expect("the size of a problem is checked before it is made")
}
