//! What was seen last of everything outside, each with its age. Tasks write into it, snapshots are made from it.

use super::happening::Happening;
use super::karmada::binding::{BindingSeen, Shares};
use super::karmada::cluster::ClusterSeen;
use super::probe::Reach;
use crate::model::connection::Connection;
use crate::model::observation::{Event, EventKind};
use crate::model::scenario::Known;
use crate::model::{ClusterId, Phase, Resources, Seen, ServiceId, Table, Targets};
use crate::units::{MilliCores, Rate, Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From a change of our own replicas in a cluster until Karmada's sums have followed, at its default of 10 s between updates.
const SETTLED_AFTER: Span = Span(12_000_000_000);
/// After so long what others hold is taken as it is said, however much of ours changes.
const OTHERS_AGE_MAX: Span = Span(60_000_000_000);
/// A cluster that is none of ours has left when some lists in a row, of one each 5 s, were without it.
const STRANGER_AGE_MAX: Span = Span(20_000_000_000);

/// A cluster as it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// What Karmada says of it; `None` where it has left, or never was there.
    pub seen: Seen<()>,
    /// What Karmada said last.
    pub cluster: Option<ClusterSeen>,
    /// What others than this application hold there, as of a time when nothing of ours was changing.
    pub others: Seen<Resources>,
    /// When the number of our replicas there changed last.
    pub ours_changed: Time,
    /// Whether its API server answers.
    pub reach: Reach,
}

/// What was measured of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Requests that arrive.
    pub rate: Seen<Rate>,
    /// Requests that are answered.
    pub served: Seen<Rate>,
    /// 95th percentile of the latency.
    pub latency_p95: Seen<Span>,
    /// Cores in use by cluster.
    pub cpu_used: BTreeMap<ClusterId, Seen<MilliCores>>,
}

impl Measured {
    /// Nothing yet.
    pub const NOTHING: Self =
        Self { rate: Seen::NEVER, served: Seen::NEVER, latency_p95: Seen::NEVER, cpu_used: BTreeMap::new() };
}

/// Replicas of a service in a cluster and phase, since when.
pub type Groups = BTreeMap<(ClusterId, Phase), (u32, Time)>;

/// A workload as it was seen last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workload {
    /// What its binding says; `None` where it has none.
    pub binding: Option<BindingSeen>,
    /// Its replicas by cluster and phase.
    pub groups: Groups,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct World {
    /// What was declared.
    pub known: Arc<Known>,
    /// How it is called outside.
    pub connection: Arc<Connection>,
    /// The clusters.
    pub sites: Table<ClusterId, Site>,
    /// Clusters that have joined and are none of ours, while they are ready, and when Karmada last said so.
    pub strangers: BTreeMap<String, Time>,
    /// The services.
    pub workloads: Table<ServiceId, Workload>,
    /// What was measured of them.
    pub measured: Table<ServiceId, Measured>,
    /// When the control plane was heard of last, and whether it is silent.
    pub control: Seen<()>,
    /// Conditional services that are wanted because their alert fires.
    pub awake: Table<ServiceId, bool>,
}

impl World {
    /// Nothing seen yet.
    pub fn new(known: Arc<Known>, connection: Arc<Connection>) -> Self {
        let site = |_| Site {
            seen: Seen::NEVER,
            cluster: None,
            others: Seen::NEVER,
            ours_changed: Time::ZERO,
            reach: Reach::default(),
        };
        let services = known.application.services.len();
        Self {
            sites: Table::build(known.clusters.len(), site),
            strangers: BTreeMap::new(),
            workloads: Table::build(services, |_| Workload::default()),
            measured: Table::build(services, |_| Measured::NOTHING),
            control: Seen::NEVER,
            awake: Table::build(services, |_| false),
            known,
            connection,
        }
    }

    /// The cluster that Karmada calls so, if it is one of ours.
    pub fn cluster_id(&self, name: &str) -> Option<ClusterId> {
        self.connection.clusters.find(|called| called == name)
    }

    /// The service whose Deployment is called so, if it is one of ours.
    pub fn service_id(&self, workload: &str) -> Option<ServiceId> {
        self.connection.services.find(|one| one.workload == workload)
    }

    /// Whether everything that a first decision needs has been seen.
    pub fn is_whole(&self) -> bool {
        self.sites.values().all(|site| site.others.value.is_some())
    }

    /// A conditional service that has replicas was woken before us: its event may not be told again.
    pub fn wake_those_that_run(&mut self, targets: &Targets) {
        for (service, _) in &self.known.application.conditions {
            self.awake[*service] |= targets.total(*service) > 0;
        }
    }

    /// Whether every rate that is asked for has been answered, be it that there is none.
    pub fn is_measured(&self) -> bool {
        let mut asked = self.connection.services.iter().filter(|(_, one)| one.rate.is_some());
        asked.all(|(id, _)| self.measured[id].rate.at != Time::ZERO)
    }

    /// Karmada says this of a cluster.
    pub fn on_cluster(&mut self, cluster: ClusterSeen, at: Time) {
        self.on_heard(at);
        let Some(id) = self.cluster_id(&cluster.name) else {
            self.on_stranger(cluster, at);
            return;
        };
        let ours = self.held(id);
        let site = &mut self.sites[id];
        site.seen = Seen::now((), at);
        let taken = cluster.allocated + cluster.allocating;
        let settled = site.ours_changed.0 == 0 || at.since(site.ours_changed) >= SETTLED_AFTER;
        let old = site.others.value.is_none() || site.others.age(at) >= OTHERS_AGE_MAX;
        if cluster.allocatable.is_some() && (settled || old) {
            site.others = Seen::now(taken.saturating_sub(ours), at);
        }
        site.cluster = Some(cluster);
    }

    fn on_stranger(&mut self, cluster: ClusterSeen, at: Time) {
        if cluster.ready {
            self.strangers.insert(cluster.name, at);
        } else {
            self.strangers.remove(&cluster.name);
        }
    }

    /// A cluster has left Karmada.
    pub fn on_cluster_gone(&mut self, name: &str, at: Time) {
        self.on_heard(at);
        self.strangers.remove(name);
        if let Some(id) = self.cluster_id(name) {
            self.sites[id].cluster = None;
        }
    }

    /// The binding of a workload is so.
    pub fn on_binding(&mut self, binding: BindingSeen, at: Time) {
        self.on_heard(at);
        let Some(service) = self.service_id(&binding.workload) else { return };
        self.on_asked(service, &binding.clusters, at);
        let mut groups = Groups::new();
        for (id, name) in self.connection.clusters.iter() {
            let count = |shares: &BTreeMap<String, u32>| shares.get(name).copied().unwrap_or(0);
            let (asked, ready, starting) = (count(&binding.clusters), count(&binding.ready), count(&binding.starting));
            let exist = ready + starting;
            // Those that exist beyond what is asked for are on their way out; those asked for beyond what exists are not there yet.
            let draining = exist.saturating_sub(asked).min(exist);
            let serving = ready.saturating_sub(draining);
            let phases = [
                (Phase::Ready, serving),
                (Phase::Starting, exist - draining - serving),
                (Phase::Draining, draining),
                (Phase::Pending, asked.saturating_sub(exist)),
            ];
            groups.extend(phases.into_iter().filter(|(_, n)| *n > 0).map(|(phase, n)| ((id, phase), (n, at))));
        }
        let workload = &mut self.workloads[service];
        for (key, (count, since)) in &mut groups {
            if let Some((_, before)) = workload.groups.get(key).filter(|(old, _)| old >= count) {
                *since = *before;
            }
        }
        let holds = |groups: &Groups, id: ClusterId| -> u32 {
            groups.iter().filter(|((at, phase), _)| *at == id && *phase != Phase::Pending).map(|(_, (n, _))| n).sum()
        };
        for (id, site) in self.sites.iter_mut() {
            // What is there when it is first seen did not change: Karmada's sums know it.
            if workload.binding.is_some() && holds(&workload.groups, id) != holds(&groups, id) {
                site.ours_changed = at.max(Time(1));
            }
        }
        workload.groups = groups;
        workload.binding = Some(binding);
    }

    /// These shares are asked for: in clusters where that is another number, what others hold is not to be read from sums for a while.
    pub fn on_asked(&mut self, service: ServiceId, shares: &Shares, at: Time) {
        let Some(binding) = &self.workloads[service].binding else { return };
        let count = |shares: &Shares, name: &str| shares.get(name).copied().unwrap_or(0);
        for (id, name) in self.connection.clusters.iter() {
            if count(&binding.clusters, name) != count(shares, name) {
                self.sites[id].ours_changed = at.max(Time(1));
            }
        }
    }

    /// A workload has no binding any more.
    pub fn on_binding_gone(&mut self, workload: &str, at: Time) {
        self.on_heard(at);
        if let Some(service) = self.service_id(workload) {
            self.workloads[service] = Workload::default();
        }
    }

    /// What our replicas hold in a cluster, on whatever node and in whatever phase.
    pub fn held(&self, cluster: ClusterId) -> Resources {
        let of = |(service, workload): (ServiceId, &Workload)| {
            let there = workload.groups.iter().filter(|((at, phase), _)| *at == cluster && *phase != Phase::Pending);
            let count: u32 = there.map(|(_, (count, _))| count).sum();
            self.known.application.services[service].request.repeated(count.into())
        };
        self.workloads.iter().map(of).sum()
    }

    fn on_heard(&mut self, at: Time) {
        self.control = Seen::now((), at);
    }

    /// A question to the API server of a cluster was answered, or not.
    pub fn on_probed(&mut self, cluster: ClusterId, answered: bool, at: Time) -> Option<Happening> {
        let probe = self.connection.probe;
        let site = &mut self.sites[cluster];
        let is_ready = site.cluster.as_ref().is_some_and(|cluster| cluster.ready);
        let kind = site.reach.on_asked(answered && is_ready, at, &probe)?;
        Some(self.event(kind, cluster, at))
    }

    fn event(&self, kind: EventKind, cluster: ClusterId, at: Time) -> Happening {
        Happening::Event(Event { at, kind, subject: self.known.clusters[cluster].name.clone() })
    }

    /// Those of `named`, as Karmada calls them, that are none of ours: nothing is decided of what they have.
    pub fn strange<'a>(&self, named: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
        named.filter(|name| self.cluster_id(name).is_none()).cloned().collect()
    }

    /// Whether a cluster that is none of ours is there. Nobody asks it, so Karmada's word counts, while that is fresh.
    pub fn has_stranger(&self, name: &str) -> bool {
        self.strangers.get(name).is_some_and(|said| self.control.at.since(*said) <= STRANGER_AGE_MAX)
    }

    /// Clusters of ours that are lost, as Karmada calls them.
    pub fn lost(&self) -> BTreeSet<String> {
        let lost = self.sites.iter().filter(|(_, site)| site.reach.is_lost() || site.cluster.is_none());
        lost.map(|(id, _)| self.connection.clusters[id].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::World;
    use crate::backend::live::karmada::binding::BindingSeen;
    use crate::backend::live::karmada::cluster::ClusterSeen;
    use crate::backend::live::stand_in::{connection, known};
    use crate::model::{ClusterId, Phase, Resources, ServiceId};
    use crate::units::{Bytes, MilliCores, Span, Time};
    use std::collections::BTreeSet;

    fn cores(cores: u64) -> Resources {
        Resources { cpu: MilliCores(cores * 1_000), memory: Bytes(cores << 30), gpu: 0, pods: cores }
    }

    fn cluster(allocated: u64) -> ClusterSeen {
        let location = ["r", "z", "p"].map(str::to_owned);
        ClusterSeen {
            name: "member1".to_owned(),
            identity: (String::new(), String::new()),
            ready: true,
            allocatable: Some(cores(10)),
            allocated: cores(allocated),
            allocating: Resources::ZERO,
            nodes: 2,
            taints: Vec::new(),
            version: String::new(),
            location,
        }
    }

    fn binding(asked: u32, ready: u32) -> BindingSeen {
        let shares = |count: u32| [("member1".to_owned(), count)].into();
        BindingSeen {
            workload: "web".to_owned(),
            clusters: shares(asked),
            ready: shares(ready),
            ..BindingSeen::default()
        }
    }

    /// Karmada's sums follow our own changes late: until they have, what others hold is what it was. Web asks for one core.
    #[test]
    fn what_others_hold_is_read_when_nothing_of_ours_changes() {
        let mut world = World::new(known().into(), connection().into());
        let (a, at) = (ClusterId(0), |s: u64| Time(s * 1_000_000_000));
        world.on_binding(binding(2, 2), at(0));
        world.on_cluster(cluster(3), at(1));
        assert_eq!(world.sites[a].others.value, Some(cores(1)));
        // Five are asked for: Karmada's sums know them before the binding's status does.
        world.on_binding(binding(5, 2), at(2));
        world.on_cluster(cluster(6), at(2));
        assert_eq!(world.sites[a].others.value, Some(cores(1)), "6 minus 2 is not what others hold");
        world.on_binding(binding(5, 5), at(3));
        world.on_cluster(cluster(3), at(3));
        assert_eq!(world.sites[a].others.value, Some(cores(1)), "3 minus 5 is not what others hold");
        world.on_cluster(cluster(6), at(13));
        assert_eq!(world.sites[a].others.value, Some(cores(1)), "not settled yet");
        world.on_cluster(cluster(7), at(15));
        assert_eq!(world.sites[a].others.value, Some(cores(2)), "somebody else has come");
    }

    /// Where its end was missed, nothing tells it but that others are heard of and it is not.
    #[test]
    fn a_cluster_that_is_none_of_ours_is_there_while_karmada_says_that_it_is_ready() {
        let mut world = World::new(known().into(), connection().into());
        let named = ["member1", "member3"].map(str::to_owned);
        assert_eq!(world.strange(named.iter()), BTreeSet::from(["member3".to_owned()]));
        let stranger = |ready: bool| ClusterSeen { name: "member3".to_owned(), ready, ..cluster(0) };
        let mut says = |ready: bool, at: u64| {
            world.on_cluster(stranger(ready), Time(at));
            world.has_stranger("member3")
        };
        assert_eq!([says(true, 1), says(false, 2), says(true, 3)], [true, false, true]);
        world.on_cluster(cluster(0), Time(3) + Span::seconds(20));
        assert!(world.has_stranger("member3"));
        world.on_cluster(cluster(0), Time(3) + Span::seconds(21));
        assert!(!world.has_stranger("member3") && !world.has_stranger("member2"));
    }

    #[test]
    fn replicas_have_phases_and_keep_their_times() {
        let mut world = World::new(known().into(), connection().into());
        world.on_binding(binding(3, 1), Time(5));
        world.on_binding(BindingSeen { starting: [("member1".to_owned(), 1)].into(), ..binding(3, 1) }, Time(9));
        let groups = &world.workloads[ServiceId(0)].groups;
        let of = |phase| groups.get(&(ClusterId(0), phase)).copied();
        assert_eq!(
            (of(Phase::Ready), of(Phase::Starting), of(Phase::Pending)),
            (Some((1, Time(5))), Some((1, Time(9))), Some((1, Time(5))))
        );
        world.on_binding(binding(1, 3), Time(11));
        let groups = &world.workloads[ServiceId(0)].groups;
        assert_eq!(groups.get(&(ClusterId(0), Phase::Draining)), Some(&(2, Time(11))));
    }
}
