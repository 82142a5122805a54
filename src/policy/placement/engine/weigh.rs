//! What a replica costs in a cluster, term by term: the weights of the scenario, applied.
//!
//! All terms are dollars an hour for one replica; the price of a start is dollars once, held against one hour.
//!
//! | term | formula |
//! |---|---|
//! | price | `cost · price per core-hour · cores` |
//! | carbon | `carbon · PUE · cores/node cores · power_max · intensity` (kW × kg/kWh), of the first pool that takes the service |
//! | latency | `latency · rate/replicas · Σ_o share_o · rtt(o, e)`, for services that nobody calls: users do |
//! | start | `moves · (1 + state in GiB)` |
//!
//! A figure that was never seen weighs nothing: missing is not zero, but neither is it a reason to move.

use crate::model::explanation::Term;
use crate::model::rules::Weights;
use crate::model::{ClusterId, ServiceId, Snapshot};

/// Prices of one snapshot.
pub struct Weighing<'a> {
    snapshot: &'a Snapshot,
    weights: Weights,
}

/// What one replica costs somewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Price {
    /// Its cores.
    pub cores: f64,
    /// Its carbon.
    pub carbon: f64,
    /// The wait of its users.
    pub latency: f64,
}

impl Price {
    /// All terms.
    pub fn total(&self) -> f64 {
        self.cores + self.carbon + self.latency
    }

    /// The terms that weigh anything.
    pub fn terms(&self) -> Vec<Term> {
        let term = |name, value: f64| Term { name, value, unit: "$/h" };
        let mut terms = vec![term("price", self.cores)];
        terms.extend((self.carbon != 0.0).then(|| term("carbon", self.carbon)));
        terms.extend((self.latency != 0.0).then(|| term("latency", self.latency)));
        terms
    }
}

impl<'a> Weighing<'a> {
    /// By the weights that the scenario declares.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, weights: snapshot.known.rules.weights }
    }

    /// What one of `replicas` replicas of `service` costs in `cluster`.
    pub fn price(&self, service: ServiceId, cluster: ClusterId, replicas: u32) -> Price {
        let cores = self.snapshot.service(service).request.cpu.cores();
        let per_core = self.snapshot.clusters[cluster].price_per_core_hour;
        // A cluster without nodes has no price.
        let per_core = if per_core.is_finite() { per_core } else { 0.0 };
        Price {
            cores: self.weights.cost * per_core * cores,
            carbon: self.carbon(service, cluster),
            latency: self.latency(service, cluster, replicas),
        }
    }

    /// What one replica costs that starts in another cluster than it was.
    pub fn start(&self, service: ServiceId) -> f64 {
        self.weights.moves * (1.0 + self.snapshot.service(service).state.gib())
    }

    fn carbon(&self, service: ServiceId, cluster: ClusterId) -> f64 {
        let (declared, site) = (self.snapshot.service(service), self.snapshot.cluster(cluster));
        let intensity = self.snapshot.clusters[cluster].carbon.value.filter(|_| self.weights.carbon != 0.0);
        let takes = |pool: &&crate::model::Pool| declared.terms.admit(site, pool, declared.request).is_ok();
        let (Some(intensity), Some(pool)) = (intensity, site.pools.values().find(takes)) else { return 0.0 };
        let share = declared.request.cpu.cores() / pool.shape.cpu.cores().max(1e-3);
        let kilowatts = share * pool.power_max.0 / 1e3 * site.pue.as_f64();
        self.weights.carbon * kilowatts * intensity / 1e3
    }

    fn latency(&self, service: ServiceId, cluster: ClusterId, replicas: u32) -> f64 {
        let rate = self.snapshot.services[service].rate.value.filter(|_| self.weights.latency != 0.0);
        let application = &self.snapshot.known.application;
        let is_entry = !application.calls.iter().any(|call| call.to == service);
        let Some(rate) = rate.filter(|_| is_entry && replicas > 0) else { return 0.0 };
        let origins = &self.snapshot.known.network.origins;
        let wait = origins.iter().map(|origin| origin.share.as_f64() * origin.rtt[cluster].as_seconds_f64());
        self.weights.latency * rate.per_second() / f64::from(replicas) * wait.sum::<f64>()
    }

    /// Dollars an hour for what one call of `bytes` at `rate` a second costs over 10⁹ bytes at one dollar, and for a second
    /// of its way.
    pub fn call(&self, rate: f64, bytes: f64) -> (f64, f64) {
        (self.weights.egress * rate * bytes * 3_600.0 / 1e9, self.weights.latency * rate)
    }
}
