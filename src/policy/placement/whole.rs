//! Placing services as wholes, one cluster each, as the original does: what is to be decided, and what becomes of the answer.
//!
//! The original knows nothing of pinned services and tasks. A pinned service that has a home stays outside of the question: it
//! grows at home as far as it can, before all others. So do tasks, which are placed one by one behind them. All other
//! services that are to have replicas are the question, clusters that can be reached are its columns, and what the others
//! leave free is their capacity. A service may use a cluster that is open to it and could hold all its replicas.
//!
//! Where the original stops, everything stays as it is as far as it may, and what is missing is refused in its words.

use super::draft::Draft;
use super::greedy::fullness;
use super::rooms::Rooms;
use crate::model::plan::{Quality, Target};
use crate::model::{ClusterId, Plan, Resources, ServiceId, Snapshot, Table, Wanted, id::Id};
use crate::solver::fewest_moves::{Answer, NoAnswer, Problem, Whole};
use crate::units::MilliCores;

/// What a placement of whole services has to decide.
pub struct Question<'a> {
    draft: Draft<'a>,
    /// Row → service, in the order of declaration.
    pub services: Table<ServiceId, ServiceId>,
    /// Column → cluster, in the order of the inventory.
    pub clusters: Table<ClusterId, ClusterId>,
    /// What each column has for the rows.
    pub capacity: Table<ClusterId, Resources>,
    /// What each row takes.
    pub needs: Table<ServiceId, Resources>,
    /// Which columns each row may use.
    pub open: Table<ServiceId, Table<ClusterId, bool>>,
    /// CPU that pinned services outside of the question hold in each column.
    pub held: Table<ClusterId, MilliCores>,
    /// Columns where each row has replicas.
    pub homes: Table<ServiceId, Vec<ClusterId>>,
}

impl<'a> Question<'a> {
    /// The question that `wanted` asks of the world.
    pub fn new(snapshot: &'a Snapshot, wanted: &'a Wanted, rooms: &'a Rooms) -> Self {
        let mut draft = Draft::new(snapshot, wanted, rooms);
        let requests = || snapshot.known.application.requests();
        let is_asked = |draft: &Draft<'_>, service: ServiceId| draft.home(service).is_none();
        for service in requests().filter(|service| is_asked(&draft, *service)).collect::<Vec<_>>() {
            for Target { cluster, replicas, .. } in draft.targets().of(service).to_vec() {
                draft.remove(service, cluster, replicas);
            }
        }
        draft.keep(fullness);
        for service in requests() {
            if let Some(home) = draft.home(service) {
                let replicas = draft.room(service, home).min(draft.missing(service));
                draft.add(service, home, replicas);
            }
        }
        let asked = requests().filter(|service| is_asked(&draft, *service) && draft.missing(*service) > 0);
        let services: Table<ServiceId, ServiceId> = asked.collect();
        let reachable = snapshot.clusters.iter().filter(|(_, view)| view.reachable);
        let clusters: Table<ClusterId, ClusterId> = reachable.map(|(cluster, _)| cluster).collect();
        let need = |service: &ServiceId| snapshot.service(*service).request.repeated(wanted.replicas[*service].into());
        let takes = |service: ServiceId, cluster: ClusterId| draft.most(service, cluster) >= wanted.replicas[service];
        let homes = |service: &ServiceId| {
            let columns = clusters.iter().filter(|(_, cluster)| snapshot.targets.get(*service, **cluster) > 0);
            columns.map(|(column, _)| column).collect()
        };
        let held = |cluster: &ClusterId| {
            let pinned = requests().filter(|service| !is_asked(&draft, *service));
            let held = pinned.map(|service| {
                snapshot.service(service).request.cpu.repeated(draft.targets().get(service, *cluster).into())
            });
            held.sum()
        };
        Self {
            held: clusters.values().map(held).collect(),
            capacity: clusters.values().map(|cluster| draft.free(*cluster)).collect(),
            needs: services.values().map(need).collect(),
            open: services
                .values()
                .map(|service| clusters.values().map(|cluster| takes(*service, *cluster)).collect())
                .collect(),
            homes: services.values().map(homes).collect(),
            draft,
            services,
            clusters,
        }
    }

    /// Where everything is already, if all of it is in one cluster, may stay, and fits as it is wanted: then nothing is asked.
    pub fn settled(&self) -> Option<Table<ServiceId, ClusterId>> {
        let home = |(row, homes): (ServiceId, &Vec<ClusterId>)| match homes[..] {
            [home] if self.open[row][home] => Some(home),
            _ => None,
        };
        let places: Table<ServiceId, ClusterId> = self.homes.iter().map(home).collect::<Option<_>>()?;
        self.admits(&places).then_some(places)
    }

    /// Whether all rows fit where `places` says.
    pub fn admits(&self, places: &Table<ServiceId, ClusterId>) -> bool {
        let mut taken = Table::build(self.clusters.len(), |_: ClusterId| Resources::ZERO);
        for (row, column) in places.iter() {
            taken[*column] += self.needs[row];
        }
        let is_open = |(row, column): (ServiceId, &ClusterId)| self.open[row][*column];
        places.iter().all(is_open) && taken.iter().all(|(column, taken)| self.capacity[column].fits(*taken))
    }

    /// The question as one of fewest moves. Rows that may use the same columns are one kind.
    pub fn moves(&self) -> Problem {
        let mut kinds: Vec<Table<ClusterId, bool>> = Vec::new();
        let mut kind_of = |open: &Table<ClusterId, bool>| {
            kinds.iter().position(|kind| kind == open).unwrap_or_else(|| {
                kinds.push(open.clone());
                kinds.len() - 1
            })
        };
        let service = |row: ServiceId| {
            let mut homes = self.homes[row].iter().copied();
            let (home, kind) = (homes.next(), kind_of(&self.open[row]));
            Whole { need: self.needs[row], home, more_homes: homes.collect(), kind }
        };
        let services = self.services.ids().map(service).collect();
        Problem { capacity: self.capacity.clone(), services, kinds }
    }

    /// Rows in the order of a method that must not depend on where anything is: pinned ones first, since they cannot be asked again.
    pub fn in_order(&self) -> Vec<ServiceId> {
        let is_pinned = |row: &ServiceId| self.draft.snapshot.service(self.services[*row]).pinned;
        let (mut first, rest): (Vec<_>, Vec<_>) = self.services.ids().partition(is_pinned);
        first.extend(rest);
        first
    }

    /// The plan of an answer, with tasks behind it.
    pub fn answer(mut self, places: &Table<ServiceId, ClusterId>, quality: Option<Quality>) -> Plan {
        for (row, column) in places.iter() {
            let service = self.services[row];
            self.draft.add(service, self.clusters[*column], self.draft.wanted.replicas[service]);
        }
        fill_tasks(&mut self.draft);
        self.draft.finish(quality, |_| None)
    }
}

/// The last problem of fewest moves and its answer: as long as nothing changes, the same question is not solved twice.
#[derive(Debug, Clone, Default)]
pub struct Solved(Option<(Problem, Result<Answer, NoAnswer>)>);

impl Solved {
    /// Nothing was asked yet.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The answer to `problem`, worked out within `nodes` or known.
    ///
    /// # Errors
    /// Where there is none, or none was found.
    pub fn solve(&mut self, problem: Problem, nodes: u32) -> Result<Answer, NoAnswer> {
        match &self.0 {
            Some((last, answer)) if *last == problem => answer.clone(),
            _ => {
                let answer = problem.solve(nodes);
                self.0 = Some((problem, answer.clone()));
                answer
            }
        }
    }
}

/// The plan where the original stops: everything stays as far as it may, what is missing is refused with `message`.
pub fn stopped(snapshot: &Snapshot, wanted: &Wanted, rooms: &Rooms, message: &str) -> Plan {
    let mut draft = Draft::new(snapshot, wanted, rooms);
    draft.keep(fullness);
    fill_tasks(&mut draft);
    let is_task = |service| snapshot.known.application.is_task(service);
    draft.finish(None, |service| (!is_task(service)).then(|| message.to_owned()))
}

/// Tasks one by one, each into the first cluster with room.
fn fill_tasks(draft: &mut Draft<'_>) {
    let classes: Vec<ServiceId> = draft.snapshot.known.application.tasks().collect();
    if !classes.is_empty() {
        draft.fill(&classes, first);
    }
}

/// The first cluster is the best; counted from 1.
pub fn first(_: &Draft<'_>, _: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [-(cluster.index() as f64 + 1.0), 0.0]
}

/// Where a service has replicas is best, then the first cluster.
pub fn stays(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    let stays = draft.snapshot.targets.get(service, cluster) > 0;
    [f64::from(u8::from(stays)), first(draft, service, cluster)[0]]
}
