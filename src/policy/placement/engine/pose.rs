//! The problem that a snapshot poses: what [`solver`](crate::solver) is asked, and what its answer means.
//!
//! Services keep their ids, so that answers and explanations need no dictionary. A place is a cluster that can be reached
//! and whose nodes could hold at least one replica; how many they could hold, were they empty, is the most that it is
//! offered, so a replica is never planned for a node that is too small for it. What is left free on single nodes is
//! [`binding`](crate::model::binding)'s to know and not asked here.
//!
//! Pinned services and tasks that run stay where they are. What cannot be changed at all (a pinned service in a lost cluster)
//! is no part of the problem and is taken off the capacities.

use super::demands;
use super::needs::Needs;
use super::weigh::Weighing;
use crate::model::check::loads;
use crate::model::plan::Target;
use crate::model::{ClusterId, Phase, Resources, ServiceId, Snapshot, Table, Targets, id::Id};
use crate::policy::placement::draft::Draft;
use crate::solver::anytime::problem::{Place, Problem, Service, TooLarge, check_size};

/// A price difference between clusters that are equally good, as a share of the dearest replica: the lower id wins.
const TIE: f64 = 1e-6;

/// Resources by name; the problem's kinds are those that somebody asks for.
pub const KINDS: usize = 4;

/// A problem, and what is no part of it.
#[derive(Debug, Clone)]
pub struct Posed {
    /// The problem; its services are those of the snapshot.
    pub problem: Problem,
    /// Which resource each kind of the problem is.
    pub kinds: Vec<usize>,
    /// Targets that nobody can change.
    pub fixed: Targets,
    /// Whether a service's demand is counted in [`WORK`], because its number of replicas is decided with their place.
    pub by_work: Table<ServiceId, bool>,
}

/// Units of work of a service whose number of replicas depends on the cluster: so many that rounding a replica's share up
/// changes no count below 30,000 (`work > count²`).
pub const WORK: u32 = 1_000_000_000;

/// The problem of placing what the draft wants; with `needs`, of deciding how much that is as well.
///
/// # Errors
/// Where memory would not hold it.
pub fn pose(draft: &Draft<'_>, needs: Option<&Needs>) -> Result<Posed, TooLarge> {
    let snapshot = draft.snapshot;
    check_size(snapshot.services.len() as u64, snapshot.clusters.len() as u64)?;
    let fixed = fixed(draft);
    let kinds: Vec<usize> = (0..KINDS).filter(|kind| is_asked_for(snapshot, *kind)).collect();
    let weighing = Weighing::new(snapshot);
    let activation = vec![snapshot.known.rules.weights.activation.max(0.0); snapshot.clusters.len()];
    let mut by_work = Table::new();
    let mut problem = Problem::with_clusters(kinds.len(), Vec::new(), activation);
    for service in snapshot.services.ids() {
        let needs = needs.and_then(|needs| needs[service].as_ref());
        by_work.push(needs.is_some());
        let places = places(draft, &weighing, (service, needs));
        let request = snapshot.service(service).request.amounts();
        let request: Vec<u64> = kinds.iter().map(|kind| request[*kind]).collect();
        let whole = if needs.is_some() { WORK } else { draft.wanted.replicas[service] };
        let demand = if places.is_empty() || draft.wanted.replicas[service] == 0 { 0 } else { whole };
        let is_single = snapshot.service(service).pinned || (needs.is_some() && may_be_whole(&places, demand));
        let shortage = snapshot.known.rules.weights.shortage.max(0.0);
        problem.push(Service { first: 0, end: 0, demand, is_single, shortage }, &request, &places);
    }
    raise_shortage(&mut problem, snapshot.known.rules.weights.balance);
    problem.capacity = capacity_beside(snapshot, &fixed, (&problem, &kinds));
    demands::add(&mut problem, draft, (&weighing, &kinds));
    Ok(Posed { problem, kinds, fixed, by_work })
}

impl Posed {
    /// What an answer means.
    pub fn targets(&self, counts: &[u32]) -> Targets {
        let services = self.problem.services.iter().enumerate();
        let placed = services.flat_map(|(service, row)| {
            let places = row.first as usize..row.end as usize;
            places.map(move |place| Target {
                service: ServiceId::from_index(service),
                cluster: ClusterId(self.problem.places[place].cluster),
                replicas: counts[place],
            })
        });
        placed.chain(self.fixed.iter().copied()).collect()
    }

    /// What targets mean for the problem; places that it does not have are left out.
    pub fn counts(&self, targets: &Targets) -> Vec<u32> {
        let mut counts = vec![0; self.problem.places.len()];
        for target in targets {
            if let Some(place) = self.place(target.service, target.cluster) {
                counts[place] = target.replicas;
            }
        }
        counts
    }

    /// The place of a service in a cluster.
    pub fn place(&self, service: ServiceId, cluster: ClusterId) -> Option<usize> {
        let places = self.problem.places_of(service.index());
        let at = self.problem.places[places.clone()].binary_search_by_key(&cluster.0, |place| place.cluster);
        at.ok().map(|at| places.start + at)
    }
}

/// Whether any service asks for a resource.
fn is_asked_for(snapshot: &Snapshot, kind: usize) -> bool {
    snapshot.known.application.services.values().any(|service| service.request.amounts()[kind] > 0)
}

/// What stays whatever is decided: targets of pinned services where nothing can be changed.
fn fixed(draft: &Draft<'_>) -> Targets {
    let is_lost = |target: &Target| !draft.snapshot.clusters[target.cluster].reachable;
    let stuck =
        draft.targets().iter().filter(|target| is_lost(target) && draft.most(target.service, target.cluster) == 0);
    let wanted = |target: &Target| target.replicas.min(draft.wanted.replicas[target.service]);
    stuck.map(|target| Target { replicas: wanted(target), ..*target }).collect()
}

fn places(
    draft: &Draft<'_>,
    weighing: &Weighing<'_>,
    (service, needs): (ServiceId, Option<&Table<ClusterId, u32>>),
) -> Vec<Place> {
    let (snapshot, all) = (draft.snapshot, draft.wanted.replicas[service]);
    let is_task = snapshot.known.application.is_task(service);
    let stays_put = draft.is_frozen(service) || is_task;
    let start = weighing.start(service);
    let count = snapshot.clusters.len() as f64;
    let place = |cluster: ClusterId| {
        let wanted = needs.map_or(all, |needs| needs[cluster].min(all));
        let incumbent = snapshot.targets.get(service, cluster);
        let most = draft.most(service, cluster);
        let waiting = if is_task { snapshot.services[service].count_in(cluster, Phase::Pending) } else { 0 };
        let stays = draft.home(service) == Some(cluster) || (stays_put && most >= incumbent);
        let least = if stays { incumbent.saturating_sub(waiting).min(wanted) } else { 0 };
        let price = weighing.price(service, cluster, wanted).total();
        let tie = price.abs().max(1e-3) * TIE * cluster.index() as f64 / count;
        let yields = if needs.is_some() { WORK.div_ceil(wanted.max(1)) } else { 1 };
        let most = most.min(wanted.max(1)).max(least);
        Place { cluster: cluster.0, least, most, incumbent, yields, cost: price + tie, start }
    };
    // A pinned service stays in its home even where its nodes could not hold it any more.
    let is_home = |cluster: ClusterId| {
        snapshot.clusters[cluster].reachable
            && draft.targets().get(service, cluster) > 0
            && draft.home(service).is_some()
    };
    let open = snapshot.clusters.ids().filter(|cluster| draft.most(service, *cluster) > 0 || is_home(*cluster));
    let mut places: Vec<Place> = open.map(place).collect();
    cut_to_demand(&mut places, all);
    places
}

/// Whether one cluster could hold all of a service. Where replicas must stay in one, it has to be that one; where they must
/// stay in several, the service is split already.
fn may_be_whole(places: &[Place], demand: u32) -> bool {
    let fits = |place: &Place| place.yields.saturating_mul(place.most) >= demand;
    let mut bound = places.iter().filter(|place| place.least > 0);
    match (bound.next(), bound.next()) {
        (None, _) => places.iter().any(fits),
        (Some(only), None) => fits(only),
        (Some(_), Some(_)) => false,
    }
}

/// Where more must stay than is wanted, the last ones need not.
fn cut_to_demand(places: &mut [Place], wanted: u32) {
    let mut left = wanted;
    for place in places {
        place.least = place.least.min(left);
        left -= place.least;
    }
}

/// A refused replica costs more than any that is placed, whatever the weights say: nobody refuses to save.
fn raise_shortage(problem: &mut Problem, balance: f64) {
    let dearest = problem.places.iter().map(|place| place.cost + place.start).fold(0.0, f64::max);
    let activation = problem.activation.iter().copied().fold(balance.max(0.0), f64::max);
    for service in 0..problem.services.len() {
        let row = &mut problem.services[service];
        let a_replica = row.shortage.max(100.0 * (dearest + activation) + 1.0);
        // Demand is counted in replicas, or in shares of all that a service needs.
        let places = &problem.places[row.first as usize..row.end as usize];
        let yields = places.iter().map(|place| place.yields).min().unwrap_or(1);
        row.shortage = a_replica / f64::from(yields.max(1));
    }
}

/// What clusters have beside what is fixed, and at least what must stay there, be it more than is offered.
fn capacity_beside(snapshot: &Snapshot, fixed: &Targets, (problem, kinds): (&Problem, &[usize])) -> Vec<u64> {
    let fixed = loads(snapshot, fixed);
    let mut held: Table<ClusterId, Resources> = Table::build(snapshot.clusters.len(), |_| Resources::ZERO);
    for service in snapshot.services.ids() {
        for place in &problem.places[problem.places_of(service.index())] {
            held[ClusterId(place.cluster)] += snapshot.service(service).request.repeated(place.least.into());
        }
    }
    let of = |cluster: ClusterId| {
        let free = snapshot.clusters[cluster].allocatable_max.saturating_sub(fixed[cluster]).amounts();
        let held = held[cluster].amounts();
        kinds.iter().map(move |kind| free[*kind].max(held[*kind])).collect::<Vec<_>>()
    };
    snapshot.clusters.ids().flat_map(of).collect()
}
