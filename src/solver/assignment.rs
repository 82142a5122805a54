//! Replicas of services to clusters, at least cost: the problem, and what an answer to it is worth.
//!
//! With integer replicas `r[s,e]`, the incumbent's `y[s,e]`, requests `q[s,k]` and capacities `cap[e,k]`:
//!
//! ```text
//! min  Σ_s Σ_e (cost[s,e] · r[s,e] + start · max(0, r[s,e] − y[s,e]))      running, and starting what is new in a cluster
//!    + Σ_e activation · [Σ_s r[s,e] > 0]                                   using a cluster at all
//!    + Σ_s shortage · (wanted[s] − Σ_e r[s,e])                             replicas that find no place
//! s.t. Σ_e r[s,e] ≤ wanted[s];  least[s,e] ≤ r[s,e] ≤ most[s,e];  Σ_s q[s,k] · r[s,e] ≤ cap[e,k] for every resource k
//!      a service that may not be split has replicas in one cluster only
//! ```
//!
//! The shortage makes every problem feasible: what does not fit becomes a refusal with a name and a number. All figures
//! are dollars an hour; `start` is weighed against one hour's price.

use crate::model::{ClusterId, Resources, ServiceId, Table, Targets};

/// One problem.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// What clusters have.
    pub capacity: Table<ClusterId, Resources>,
    /// What services want.
    pub demands: Table<ServiceId, Demand>,
    /// Price of one replica that starts in a cluster where the incumbent has fewer.
    pub start: f64,
    /// Price of using a cluster at all.
    pub activation: f64,
    /// Price of a replica that finds no place; far above all others.
    pub shortage: f64,
}

/// What one service wants.
#[derive(Debug, Clone)]
pub struct Demand {
    /// What one replica asks for.
    pub request: Resources,
    /// Replicas.
    pub wanted: u32,
    /// Whether all its replicas have to be in one cluster.
    pub is_single: bool,
    /// Where it may run, by rising cluster.
    pub places: Vec<Place>,
}

/// A cluster that may run a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Which.
    pub cluster: ClusterId,
    /// Replicas that must not leave it.
    pub least: u32,
    /// The most replicas that it could hold.
    pub most: u32,
    /// Replicas that are there already.
    pub incumbent: u32,
    /// Price of one replica there.
    pub cost: f64,
}

impl Assignment {
    /// Value of the objective for `targets`.
    pub fn cost(&self, targets: &Targets) -> f64 {
        let by_service = self.demands.iter().map(|(service, demand)| {
            let running = demand.places.iter().map(|place| self.cost_at(place, targets.get(service, place.cluster)));
            let short = demand.wanted.saturating_sub(targets.total(service));
            running.sum::<f64>() + f64::from(short) * self.shortage
        });
        let used = self.capacity.ids().filter(|cluster| targets.iter().any(|target| target.cluster == *cluster));
        by_service.sum::<f64>() + used.count() as f64 * self.activation
    }

    /// The part of [`cost`](Self::cost) that is paid for starting replicas.
    pub fn cost_of_starts(&self, targets: &Targets) -> f64 {
        let started = self.demands.iter().flat_map(|(service, demand)| {
            demand.places.iter().map(move |place| targets.get(service, place.cluster).saturating_sub(place.incumbent))
        });
        started.map(f64::from).sum::<f64>() * self.start
    }

    /// The part of [`cost`](Self::cost) that is paid for replicas without a place.
    pub fn cost_of_shortage(&self, targets: &Targets) -> f64 {
        let short = self.demands.iter().map(|(service, demand)| demand.wanted.saturating_sub(targets.total(service)));
        short.map(f64::from).sum::<f64>() * self.shortage
    }

    /// Whether `targets` keep every constraint, counted in integers.
    pub fn admits(&self, targets: &Targets) -> bool {
        let places = targets.iter().all(|target| {
            let demand = &self.demands[target.service];
            let place = demand.places.iter().find(|place| place.cluster == target.cluster);
            place.is_some_and(|place| target.replicas <= place.most)
        });
        let services = self.demands.iter().all(|(service, demand)| {
            let has_least = |place: &Place| targets.get(service, place.cluster) >= place.least;
            targets.total(service) <= demand.wanted
                && (!demand.is_single || targets.of(service).len() <= 1)
                && demand.places.iter().all(has_least)
        });
        let mut taken = Table::build(self.capacity.len(), |_: ClusterId| Resources::ZERO);
        for target in targets {
            taken[target.cluster] += self.demands[target.service].request.repeated(target.replicas.into());
        }
        places && services && taken.iter().all(|(cluster, taken)| self.capacity[cluster].fits(*taken))
    }

    /// Price of `replicas` in one place.
    pub fn cost_at(&self, place: &Place, replicas: u32) -> f64 {
        f64::from(replicas) * place.cost + f64::from(replicas.saturating_sub(place.incumbent)) * self.start
    }
}
