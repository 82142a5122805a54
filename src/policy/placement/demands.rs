//! Rules in a plan under construction: what a step would break or mend, and a last look before the plan is handed over.
//!
//! One pass keeps the rules as far as one pass can. A replica only goes where it breaks no hard rule further, and first of
//! all where it mends one, or breaks priced ones for the least money; only then does the policy's own rank count. A
//! cluster that a group of services enters together is entered by one replica of each. Where a hard rule is still broken
//! when all is placed, single replicas are moved as long as that mends it.
//!
//! What cannot be done so is not done: a replica that has no place by the rules is refused, one that cannot be taken away
//! stays. As a last resort all services of a rule that would be worse than before keep what they have. So no plan that is
//! made here breaks a hard rule by more than it was broken before.

use super::draft::Draft;
use crate::model::breach::{Change, Counts, worsened};
use crate::model::check::loads;
use crate::model::plan::Target;
use crate::model::rules::{Demand, Rule};
use crate::model::{ClusterId, Resources, ServiceId, Targets};
use std::collections::BTreeSet;

/// Single moves that mend rules, at most so many in one plan.
const MOVES_MAX: usize = 1_000;

/// What a step does to the rules: units of hard ones (negative where it mends), and dollars for priced ones.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Shift {
    /// Units of hard rules, together.
    pub hard: i64,
    /// Dollars an hour.
    pub price: f64,
}

impl Shift {
    /// Nothing is changed.
    pub const NONE: Self = Self { hard: 0, price: 0.0 };
}

impl Draft<'_> {
    fn demands(&self) -> &[Demand] {
        &self.snapshot.known.rules.demands
    }

    /// Whether any rule is about `service`.
    pub fn is_ruled(&self, service: ServiceId) -> bool {
        self.demands().iter().any(|demand| demand.rule.concerns(service))
    }

    /// Whether a hard rule wants the replicas of `service` to stay where they are.
    pub fn is_frozen(&self, service: ServiceId) -> bool {
        self.demands().iter().any(|demand| demand.price.is_none() && demand.rule == Rule::Frozen(service))
    }

    /// Whether a hard rule wants `service` nearer to the users than `cluster` is.
    pub fn is_too_far(&self, service: ServiceId, cluster: ClusterId) -> bool {
        let rtt = || self.snapshot.known.network.rtt_from_users(cluster);
        self.demands().iter().any(|demand| match demand.rule {
            Rule::NearUsers { service: one, rtt_max } => demand.price.is_none() && one == service && rtt() > rtt_max,
            _ => false,
        })
    }

    /// What `changes` would do; `None` where they break a hard rule further.
    pub fn shift(&self, changes: &[Change]) -> Option<Shift> {
        let mut shift = Shift::NONE;
        let now = Counts::of(self.snapshot, self.targets());
        for demand in self.demands() {
            if !changes.iter().any(|change| demand.rule.concerns(change.service)) {
                continue;
            }
            let (before, after) = (now.units(&demand.rule), now.after(changes).units(&demand.rule));
            let more = after.cast_signed().saturating_sub(before.cast_signed());
            match demand.price {
                None if more > 0 => return None,
                None => shift.hard += more,
                Some(price) => shift.price += price.0 * more as f64,
            }
        }
        Some(shift)
    }

    /// Who has to come along when `service` gets a replica in `cluster`: one of each service that belongs together with it
    /// and is not there yet. Those that run nowhere and are not wanted either do not matter. `None` where somebody cannot.
    pub fn company(&self, service: ServiceId, cluster: ClusterId) -> Option<Vec<Change>> {
        let mut group = vec![service];
        let mut next = 0;
        while let Some(member) = group.get(next).copied() {
            next += 1;
            for others in self.hard_groups().filter(|services| services.contains(&member)) {
                for other in others {
                    let is_here = self.targets().get(*other, cluster) > 0;
                    let runs = self.missing(*other) > 0 || !self.targets().of(*other).is_empty();
                    if !is_here && runs && !group.contains(other) {
                        group.push(*other);
                    }
                }
            }
        }
        let request: Resources = group.iter().map(|member| self.snapshot.service(*member).request).sum();
        let fits = self.free(cluster).fits(request) || group.len() == 1;
        let can = |member: &ServiceId| self.missing(*member) > 0 && self.room(*member, cluster) > 0;
        let changes = group.iter().map(|member| Change { service: *member, cluster, more: 1 }).collect();
        (fits && group.iter().all(can)).then_some(changes)
    }

    fn hard_groups(&self) -> impl Iterator<Item = &Vec<ServiceId>> {
        self.demands().iter().filter(|demand| demand.price.is_none()).filter_map(|demand| match &demand.rule {
            Rule::Together(services) => Some(services),
            _ => None,
        })
    }

    /// One replica of `service` in `cluster`, with those who have to come along; `None` where the rules or the room forbid
    /// it.
    pub fn step(&self, service: ServiceId, cluster: ClusterId) -> Option<(Shift, Vec<Change>)> {
        let changes = self.company(service, cluster)?;
        Some((self.shift(&changes)?, changes))
    }

    /// Carries changes out.
    pub fn change(&mut self, changes: &[Change]) {
        for change in changes {
            let replicas = u32::try_from(change.more.unsigned_abs()).unwrap_or(u32::MAX);
            if change.more > 0 {
                self.add(change.service, change.cluster, replicas);
            } else {
                self.remove(change.service, change.cluster, replicas);
            }
        }
    }

    /// One replica of `service` less in `cluster`. Where it is the last one and others belong together with it, theirs go as
    /// well, if they are too many; `None` where the rules forbid it.
    pub fn step_back(&self, service: ServiceId, cluster: ClusterId) -> Option<(Shift, Vec<Change>)> {
        let alone = vec![Change { service, cluster, more: -1 }];
        if let Some(shift) = self.shift(&alone) {
            return Some((shift, alone));
        }
        let mut all = alone;
        for other in self.hard_groups().filter(|services| services.contains(&service)).flatten() {
            let here = self.targets().get(*other, cluster);
            let known = all.iter().any(|change| change.service == *other);
            let surplus = self.targets().total(*other).saturating_sub(self.wanted.replicas[*other]);
            if !known && here > 0 && here <= surplus {
                all.push(Change { service: *other, cluster, more: -i64::from(here) });
            }
        }
        Some((self.shift(&all)?, all))
    }

    /// The services in an order in which the called go before their callers, where they have to be near.
    pub fn called_first(&self, order: &[ServiceId]) -> Vec<ServiceId> {
        let mut order = order.to_vec();
        for _ in 0..order.len() {
            let mut moved = false;
            for demand in self.demands() {
                let Rule::Near { from, to, .. } = demand.rule else { continue };
                let place = |service: ServiceId| order.iter().position(|other| *other == service);
                if let (Some(caller), Some(called)) = (place(from), place(to))
                    && called > caller
                {
                    let service = order.remove(called);
                    order.insert(caller, service);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        order
    }

    /// Moves single replicas as long as that mends a hard rule, and then lets no rule be worse than it was.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if self.snapshot.known.rules.has_hard() {
            self.mend();
        }
        if !self.snapshot.known.rules.demands.is_empty() {
            self.retreat();
        }
        self
    }

    fn mend(&mut self) {
        for _ in 0..MOVES_MAX {
            let Some(changes) = self.mending() else { return };
            self.change(&changes);
        }
    }

    /// The first move, by services and clusters, that mends a hard rule.
    fn mending(&self) -> Option<Vec<Change>> {
        let counts = Counts::of(self.snapshot, self.targets());
        let broken = self.demands().iter().filter(|demand| demand.price.is_none() && counts.units(&demand.rule) > 0);
        let services: BTreeSet<ServiceId> = broken.flat_map(|demand| demand.rule.services()).collect();
        for service in services.into_iter().filter(|service| !self.snapshot.service(*service).pinned) {
            for from in self.targets().of(service) {
                let elsewhere = self.snapshot.clusters.ids().filter(|to| *to != from.cluster);
                for to in elsewhere.filter(|to| self.room(service, *to) > 0) {
                    let changes = vec![
                        Change { service, cluster: from.cluster, more: -1 },
                        Change { service, cluster: to, more: 1 },
                    ];
                    if self.shift(&changes).is_some_and(|shift| shift.hard < 0) {
                        return Some(changes);
                    }
                }
            }
        }
        None
    }

    /// Services of rules that are worse than before get back what they had in clusters that can be reached, and where a
    /// cluster then is asked for more than it has, others do not get more there. At the latest when nobody gets more, and
    /// all have what they had, nothing is worse.
    fn retreat(&mut self) {
        let mut back = BTreeSet::new();
        loop {
            let (worse, gains) = (self.worse_off(&back), self.gains_without_room());
            if worse.is_empty() && gains.is_empty() {
                return;
            }
            self.change(&gains);
            let is_kept = |target: &&Target| {
                // A pinned service keeps its home, be it lost.
                self.snapshot.clusters[target.cluster].reachable || self.home(target.service) == Some(target.cluster)
            };
            let mut targets: Vec<Target> =
                self.targets().iter().filter(|target| !worse.contains(&target.service)).copied().collect();
            for service in &worse {
                targets.extend(self.snapshot.targets.of(*service).iter().filter(is_kept));
            }
            self.account(targets.into_iter().collect::<Targets>());
            back.extend(worse);
        }
    }

    /// The services of rules that are worse than before, and those that rules have given more replicas than they may have,
    /// without those that are `back` already.
    fn worse_off(&self, back: &BTreeSet<ServiceId>) -> BTreeSet<ServiceId> {
        let is_too_many = |service: &ServiceId| {
            let (now, before) = (self.targets().total(*service), self.snapshot.targets.total(*service));
            now > before && now > self.snapshot.bounds(*service).1
        };
        let services = self.snapshot.services.ids().filter(|service| !back.contains(service));
        let mut found: BTreeSet<ServiceId> = services.filter(is_too_many).collect();
        for breach in worsened(self.snapshot, self.targets()) {
            let is_named = |service: &ServiceId| breach.services.is_empty() || breach.services.contains(service);
            let differs = |service: &ServiceId| self.snapshot.targets.of(*service) != self.targets().of(*service);
            let services = self.snapshot.services.ids().filter(|service| !back.contains(service));
            found.extend(services.filter(|service| is_named(service) && differs(service)));
        }
        found
    }

    /// What has to be taken back in clusters that are asked for more than they have, and for more than before.
    fn gains_without_room(&self) -> Vec<Change> {
        let (asked, before) = (loads(self.snapshot, self.targets()), loads(self.snapshot, &self.snapshot.targets));
        let mut found = Vec::new();
        for (cluster, view) in self.snapshot.clusters.iter() {
            let (asked, before) = (asked[cluster].amounts(), before[cluster].amounts());
            let available = view.allocatable_max.amounts();
            if (0..asked.len()).any(|k| asked[k] > available[k] && asked[k] > before[k]) {
                let gained = |service: ServiceId| {
                    let now = self.targets().get(service, cluster);
                    i64::from(now.saturating_sub(self.snapshot.targets.get(service, cluster)))
                };
                let gains = self.snapshot.services.ids().map(|service| (service, gained(service)));
                let gains = gains.filter(|(_, gained)| *gained > 0);
                found.extend(gains.map(|(service, gained)| Change { service, cluster, more: -gained }));
            }
        }
        found
    }

    /// The rules that keep `service` out of clusters that have room for it.
    pub fn forbidding(&self, service: ServiceId) -> Vec<&Rule> {
        let with_room = self.snapshot.clusters.ids().filter(|cluster| self.room(service, *cluster) > 0);
        let counts = Counts::of(self.snapshot, self.targets());
        let mut found: Vec<&Rule> = Vec::new();
        for cluster in with_room {
            let changes = [Change { service, cluster, more: 1 }];
            let hard = self.demands().iter().filter(|demand| demand.price.is_none() && demand.rule.concerns(service));
            let against = hard.filter(|demand| {
                counts.after(&changes).units(&demand.rule) > counts.units(&demand.rule)
                    || matches!(demand.rule, Rule::Together(_)) && self.company(service, cluster).is_none()
            });
            for demand in against {
                if !found.contains(&&demand.rule) {
                    found.push(&demand.rule);
                }
            }
        }
        found
    }
}
