//! Which services leave a cluster that is asked for too much, and how many must.

use super::{Problem, clusters};
use crate::model::{ClusterId, Resources, ServiceId, Table};

/// Resources by index.
pub const KINDS: usize = 4;

/// Which services of an overfull cluster leave first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// As little as possible: the largest ones, each then replaced by the smallest that does as well.
    Least,
    /// The largest but for the last, which is the smallest that is enough: leaves more room behind.
    LastSmallest,
    /// The largest: leaves most room behind.
    Largest,
}

/// In the order in which they are tried.
pub const CHOICES: [Choice; 3] = [Choice::Least, Choice::LastSmallest, Choice::Largest];

/// The present placement, as far as it may stay, and the bound P2.
pub struct Start {
    /// Where each service is to begin with; `None` for newcomers and for those that may not stay.
    pub at: Table<ServiceId, Option<ClusterId>>,
    /// What that takes of each cluster.
    pub taken: Table<ClusterId, [u64; KINDS]>,
    /// Who is where.
    pub residents: Table<ClusterId, Vec<ServiceId>>,
    /// No answer has fewer moves.
    pub bound: u32,
    /// Whether all that is placed may stay.
    pub is_sound: bool,
}

impl Start {
    /// Everything that may stay where it is does.
    pub fn new(problem: &Problem) -> Self {
        let count = problem.capacity.len();
        let mut start = Self {
            at: Table::build(problem.services.len(), |_| None),
            taken: Table::build(count, |_| [0; KINDS]),
            residents: Table::build(count, |_| Vec::with_capacity(problem.services.len() / count.max(1) * 2)),
            bound: 0,
            is_sound: true,
        };
        for (service, one) in problem.services.iter() {
            let Some(home) = one.home else { continue };
            let mut homes = std::iter::once(&home).chain(&one.more_homes);
            match homes.find(|home| problem.may_use(service, **home)) {
                Some(home) => {
                    start.at[service] = Some(*home);
                    start.residents[*home].push(service);
                    for (taken, need) in start.taken[*home].iter_mut().zip(one.need.amounts()) {
                        *taken = taken.saturating_add(need);
                    }
                }
                None => start.bound += 1,
            }
        }
        start.is_sound = start.bound == 0;
        for cluster in clusters(problem).filter(|cluster| excess(problem, &start.taken, *cluster).is_some()) {
            start.is_sound = false;
            start.bound += least_leavers(problem, &start.residents[cluster], cluster);
        }
        start
    }
}

/// By how much a cluster is asked for too much, where it is.
pub fn excess(problem: &Problem, taken: &Table<ClusterId, [u64; KINDS]>, cluster: ClusterId) -> Option<[u64; KINDS]> {
    let mut excess = taken[cluster];
    for (excess, have) in excess.iter_mut().zip(problem.capacity[cluster].amounts()) {
        *excess = excess.saturating_sub(have);
    }
    (excess != [0; KINDS]).then_some(excess)
}

/// `κ_e` of those that have no other home: the most, over all resources, of the largest that must go.
fn least_leavers(problem: &Problem, residents: &[ServiceId], cluster: ClusterId) -> u32 {
    let capacity = problem.capacity[cluster].amounts();
    let mut most = 0;
    let mut sizes: Vec<u64> = Vec::with_capacity(residents.len());
    for (k, capacity) in capacity.into_iter().enumerate() {
        let bound_here =
            residents.iter().map(|service| &problem.services[*service]).filter(|one| one.more_homes.is_empty());
        sizes.clear();
        sizes.extend(bound_here.map(|one| one.need.amounts()[k]));
        let mut over = sizes.iter().copied().fold(0, u64::saturating_add).saturating_sub(capacity);
        if over == 0 {
            continue;
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let mut count = 0;
        for size in &sizes {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(*size);
            count += 1;
        }
        most = most.max(count);
    }
    most
}

/// Services whose leaving makes `cluster` fit, as few as are found.
pub fn leavers(problem: &Problem, residents: &[ServiceId], excess: [u64; KINDS], choice: Choice) -> Vec<ServiceId> {
    let mut over = (0..KINDS).filter(|k| excess[*k] > 0);
    let (first, second) = (over.next(), over.next());
    match (first, second) {
        (Some(k), None) => of_one_resource(problem, residents, (k, excess[k]), choice),
        _ => of_several(problem, residents, excess),
    }
}

fn of_one_resource(
    problem: &Problem,
    residents: &[ServiceId],
    (k, excess): (usize, u64),
    choice: Choice,
) -> Vec<ServiceId> {
    let size = |service: ServiceId| problem.services[service].need.amounts()[k];
    let mut falling = residents.to_vec();
    falling.sort_by_key(|service| std::cmp::Reverse(size(*service)));
    let mut freed = 0;
    let count = falling.iter().take_while(|service| {
        let is_short = freed < excess;
        freed += size(**service);
        is_short
    });
    let count = count.count();
    let mut freed: u64 = falling[..count].iter().map(|service| size(*service)).sum();
    let (mut leaving, mut rest) = (falling[..count].to_vec(), falling[count..].to_vec());
    let replaced = match choice {
        Choice::Largest => 0..0,
        Choice::LastSmallest => count.saturating_sub(1)..count,
        Choice::Least => 0..count,
    };
    for index in replaced {
        let spare = freed - excess;
        let present = size(leaving[index]);
        // The rest is by falling size: the last one that is not too small is the smallest that does as well.
        let does = rest.partition_point(|other| size(*other) + spare >= present);
        if does > 0 {
            let other = rest.remove(does - 1);
            freed = freed - present + size(other);
            let at = rest.partition_point(|one| size(*one) >= present);
            rest.insert(at, leaving[index]);
            leaving[index] = other;
        }
    }
    leaving
}

/// One after the other, whoever frees the largest share of what is still too much.
fn of_several(problem: &Problem, residents: &[ServiceId], mut excess: [u64; KINDS]) -> Vec<ServiceId> {
    let mut rest = residents.to_vec();
    let mut leaving = Vec::new();
    while excess != [0; KINDS] && !rest.is_empty() {
        let share = |service: &ServiceId| -> f64 {
            let need = problem.services[*service].need.amounts();
            let over = (0..KINDS).filter(|k| excess[*k] > 0);
            over.map(|k| need[k].min(excess[k]) as f64 / excess[k] as f64).sum()
        };
        let best = (0..rest.len()).rev().max_by(|a, b| share(&rest[*a]).total_cmp(&share(&rest[*b])));
        let service = rest.remove(best.expect("the rest is not empty"));
        for (excess, need) in excess.iter_mut().zip(problem.services[service].need.amounts()) {
            *excess = excess.saturating_sub(need);
        }
        leaving.push(service);
    }
    leaving
}

/// How large a service is: its largest share of what all clusters have of a resource.
pub fn size(problem: &Problem, shares: [f64; KINDS], service: ServiceId) -> f64 {
    let need = problem.services[service].need.amounts().into_iter().zip(shares);
    need.map(|(need, share)| need as f64 * share).fold(0.0, f64::max)
}

/// Which share of what all clusters have one unit of each resource is.
pub fn shares(problem: &Problem) -> [f64; KINDS] {
    let all = super::sum(problem.capacity.values().copied());
    all.map(|all| 1.0 / all.max(1) as f64)
}

/// What `capacity` has beyond what is taken.
pub fn free(capacity: Resources, taken: [u64; KINDS]) -> [u64; KINDS] {
    let mut free = capacity.amounts();
    for (free, taken) in free.iter_mut().zip(taken) {
        *free = free.saturating_sub(taken);
    }
    free
}
