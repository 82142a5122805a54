//! By how much a wish breaks what is demanded of plans, in integers: the one place that says what each rule means.
//!
//! | rule | a unit is |
//! |---|---|
//! | together | a cluster with replicas of some of the services, and a service that has none there |
//! | apart | a cluster, and each service beyond the first that has replicas there |
//! | spread | a domain that is missing |
//! | share | a replica beyond what a domain may have |
//! | survive | a replica that would be missing after the worst loss |
//! | near users, near | a replica that is too far away |
//! | frozen | a replica that leaves a cluster where it may stay, while another one is started elsewhere |
//! | budget | a thousandth of a dollar an hour too much, rounded up |
//!
//! What lies in a cluster that cannot be reached does not count, neither before nor after: a loss is nobody's plan. A
//! service without any replicas is not demanded anything of, and nothing is demanded of others for its sake: it does not
//! run. So replicas that cannot be placed by the rules are refused, and the rules hold for those that are.

use super::check::loads;
use super::id::{ClusterId, ServiceId};
use super::plan::Targets;
use super::rules::{Domain, Rule};
use super::snapshot::Snapshot;
use crate::units::{Money, Ratio, Span};
use serde::Serialize;
use std::collections::BTreeMap;

/// A hard demand that a plan breaks by more than it was broken before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which one, in the order of the declared demands.
    pub demand: usize,
    /// Whom it is about; nobody where it is about all.
    pub services: Vec<ServiceId>,
    /// By how much it is broken under the plan.
    pub units: u64,
    /// By how much it was broken before.
    pub before: u64,
}

/// By how many units `targets` break each demand, hard and priced ones, by the order of declaration; only those that are
/// broken.
pub fn breaches(snapshot: &Snapshot, targets: &Targets) -> Vec<(usize, u64)> {
    let demands = snapshot.known.rules.demands.iter().enumerate();
    let counts = Counts::of(snapshot, targets);
    demands.map(|(index, demand)| (index, counts.units(&demand.rule))).filter(|(_, units)| *units > 0).collect()
}

/// The hard demands that `targets` break by more than the present targets do.
pub fn worsened(snapshot: &Snapshot, targets: &Targets) -> Vec<Breach> {
    let (after, present) = (Counts::of(snapshot, targets), Counts::of(snapshot, &snapshot.targets));
    let hard = snapshot.known.rules.demands.iter().enumerate().filter(|(_, demand)| demand.price.is_none());
    let breach = |(index, demand): (usize, &super::rules::Demand)| {
        let units = after.units(&demand.rule);
        let before = if units == 0 { 0 } else { present.units(&demand.rule) };
        let services = demand.rule.services();
        (units > before).then_some(Breach { demand: index, services, units, before })
    };
    hard.filter_map(breach).collect()
}

/// Targets, and changes of them that are only thought of.
#[derive(Debug, Clone, Copy)]
pub struct Counts<'a> {
    snapshot: &'a Snapshot,
    targets: &'a Targets,
    changes: &'a [Change],
}

/// Replicas of a service that come to a cluster or leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub service: ServiceId,
    /// Where.
    pub cluster: ClusterId,
    /// How many more; fewer where it is negative.
    pub more: i64,
}

impl<'a> Counts<'a> {
    /// The targets as they are.
    pub const fn of(snapshot: &'a Snapshot, targets: &'a Targets) -> Self {
        Self { snapshot, targets, changes: &[] }
    }

    /// The targets as they would be after `changes`.
    #[must_use]
    pub const fn after(self, changes: &'a [Change]) -> Self {
        Self { changes, ..self }
    }

    /// By how many units `rule` is broken.
    pub fn units(&self, rule: &Rule) -> u64 {
        match rule {
            Rule::Together(services) => self.together(services),
            Rule::Apart(services) => self.apart(services),
            Rule::Spread { service, over, at_least } => self.spread(*service, *over, *at_least),
            Rule::Share { service, over, at_most } => self.share(*service, *over, *at_most),
            Rule::Survive { service, over, at_least } => self.survive(*service, *over, *at_least),
            Rule::NearUsers { service, rtt_max } => self.near_users(*service, *rtt_max),
            Rule::Near { from, to, rtt_max } => self.near((*from, *to), *rtt_max),
            Rule::Frozen(service) => self.moved(*service),
            Rule::Budget(most) => self.over_budget(*most),
        }
    }

    /// Replicas of `service` in `cluster`, whether it can be reached or not.
    fn get(&self, service: ServiceId, cluster: ClusterId) -> u64 {
        let here = |change: &&Change| (change.service, change.cluster) == (service, cluster);
        let more: i64 = self.changes.iter().filter(here).map(|change| change.more).sum();
        u64::from(self.targets.get(service, cluster)).saturating_add_signed(more)
    }

    /// Clusters that can be reached.
    fn clusters(&self) -> impl Iterator<Item = ClusterId> + 'a {
        self.snapshot.clusters.iter().filter(|(_, view)| view.reachable).map(|(cluster, _)| cluster)
    }

    /// Clusters that can be reached and have replicas of `service`, and how many.
    fn places(&self, service: ServiceId) -> impl Iterator<Item = (ClusterId, u64)> {
        self.clusters().map(move |cluster| (cluster, self.get(service, cluster))).filter(|(_, replicas)| *replicas > 0)
    }

    /// Those of `services` that run at all.
    fn running(&self, services: &[ServiceId]) -> Vec<ServiceId> {
        services.iter().copied().filter(|service| self.places(*service).next().is_some()).collect()
    }

    fn together(&self, services: &[ServiceId]) -> u64 {
        let running = self.running(services);
        let lacking = |cluster| {
            let here = running.iter().filter(|service| self.get(**service, cluster) > 0).count();
            if here == 0 { 0 } else { running.len() - here }
        };
        self.clusters().map(lacking).sum::<usize>() as u64
    }

    fn apart(&self, services: &[ServiceId]) -> u64 {
        let here = |cluster| services.iter().filter(|service| self.get(**service, cluster) > 0).count();
        self.clusters().map(|cluster| here(cluster).saturating_sub(1)).sum::<usize>() as u64
    }

    /// Replicas by domain.
    fn domains(&self, service: ServiceId, over: Domain) -> Vec<u64> {
        match over {
            Domain::Cluster => self.places(service).map(|(_, replicas)| replicas).collect(),
            Domain::Region => {
                let mut regions = BTreeMap::<&str, u64>::new();
                for (cluster, replicas) in self.places(service) {
                    *regions.entry(self.snapshot.cluster(cluster).region.as_str()).or_default() += replicas;
                }
                regions.into_values().collect()
            }
        }
    }

    fn spread(&self, service: ServiceId, over: Domain, at_least: u32) -> u64 {
        let domains = self.domains(service, over);
        let wanted = u64::from(at_least).min(domains.iter().sum());
        wanted.saturating_sub(domains.len() as u64)
    }

    fn share(&self, service: ServiceId, over: Domain, at_most: Ratio) -> u64 {
        let domains = self.domains(service, over);
        let all = u128::from(domains.iter().sum::<u64>());
        let most = u64::try_from((all * u128::from(at_most.0)).div_ceil(u128::from(Ratio::ONE.0))).unwrap_or(u64::MAX);
        domains.iter().map(|replicas| replicas.saturating_sub(most)).sum()
    }

    fn survive(&self, service: ServiceId, over: Domain, at_least: u32) -> u64 {
        if self.snapshot.services[service].dormant {
            return 0;
        }
        let domains = self.domains(service, over);
        let left = domains.iter().sum::<u64>() - domains.iter().max().copied().unwrap_or(0);
        u64::from(at_least).saturating_sub(left)
    }

    fn near_users(&self, service: ServiceId, rtt_max: Span) -> u64 {
        let far = |cluster: &ClusterId| rtt_from_users(self.snapshot, *cluster) > rtt_max;
        self.places(service).filter(|(cluster, _)| far(cluster)).map(|(_, replicas)| replicas).sum()
    }

    fn near(&self, (from, to): (ServiceId, ServiceId), rtt_max: Span) -> u64 {
        let called: Vec<ClusterId> = self.places(to).map(|(cluster, _)| cluster).collect();
        if called.is_empty() {
            return 0;
        }
        let rtt = &self.snapshot.known.network.rtt;
        let far = |cluster: ClusterId| called.iter().all(|other| rtt[cluster][*other] > rtt_max);
        self.places(from).filter(|(cluster, _)| far(*cluster)).map(|(_, replicas)| replicas).sum()
    }

    /// Replicas that leave clusters where they may stay, as far as as many are gained elsewhere.
    fn moved(&self, service: ServiceId) -> u64 {
        let present = |cluster| u64::from(self.snapshot.targets.get(service, cluster));
        let gained: u64 =
            self.clusters().map(|cluster| self.get(service, cluster).saturating_sub(present(cluster))).sum();
        if gained == 0 {
            return 0;
        }
        let losing = self.clusters().filter(|cluster| self.get(service, *cluster) < present(*cluster));
        let lost: u64 = losing
            .map(|cluster| may_stay(self.snapshot, service, cluster).saturating_sub(self.get(service, cluster)))
            .sum();
        lost.min(gained)
    }

    fn over_budget(&self, most: Money) -> u64 {
        let price = |service, cluster: ClusterId| price_of_replica(self.snapshot, service, cluster);
        let services = self.snapshot.services.ids();
        let cost: u128 = services
            .flat_map(|service| self.places(service).map(move |place| (service, place)))
            .map(|(service, (cluster, replicas))| u128::from(replicas) * u128::from(price(service, cluster)))
            .sum();
        let over = cost.saturating_sub(u128::from(billionths(most.0)));
        u64::try_from(over.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// Of the present replicas of `service` in `cluster`, those that may stay: the cluster can be reached, its nodes may hold
/// them, and it is not asked for more than it has.
pub fn may_stay(snapshot: &Snapshot, service: ServiceId, cluster: ClusterId) -> u64 {
    let declared = snapshot.service(service);
    let room = declared.terms.room_max(snapshot.cluster(cluster), declared.request).unwrap_or(0);
    let view = &snapshot.clusters[cluster];
    let fits = || view.allocatable_max.fits(loads(snapshot, &snapshot.targets)[cluster]);
    let present = u64::from(snapshot.targets.get(service, cluster)).min(room);
    if view.reachable && present > 0 && fits() { present } else { 0 }
}

/// Mean round trip from all users to `cluster`, weighted by their shares.
pub fn rtt_from_users(snapshot: &Snapshot, cluster: ClusterId) -> Span {
    snapshot.known.network.rtt_from_users(cluster)
}

/// Price of the cores of one replica for an hour, in billionths of a dollar. A cluster without nodes has no price.
pub fn price_of_replica(snapshot: &Snapshot, service: ServiceId, cluster: ClusterId) -> u64 {
    billionths(snapshot.clusters[cluster].price_per_core_hour * snapshot.service(service).request.cpu.cores())
}

/// Dollars in the integers in which budgets are counted; what has no price counts nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; prices are not negative")]
pub fn billionths(dollars: f64) -> u64 {
    if dollars.is_finite() { (dollars * 1e9).round() as u64 } else { 0 }
}
