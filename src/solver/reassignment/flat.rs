//! A machine reassignment problem as flat tables of signed numbers: what the search looks at some million times a second.
//!
//! Everything is checked once, here: that the start keeps all rules, that no sum can leave 64 bits, and that the tables
//! fit memory. The search then calculates without checks, and the oracle judges what it found.

use super::{Breach, breaches};
use crate::model::reassignment::{Assignment, Problem};
use std::collections::BTreeMap;

/// MiB that the tables may take; the challenge's largest instance needs a tenth of it.
const TABLES_MAX: u128 = 8 << 10;

/// Why no search begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no way from an assignment that is not sound.
    #[error("the given assignment breaks a rule, so that no plan can start from it: {0}")]
    Start(Breach),
    /// Costs would not fit the numbers that the search calculates with.
    #[error(
        "the amounts are too large to be compared: costs may reach {worst}, more than {}; use a coarser unit",
        Refusal::COST_MAX
    )]
    Amounts {
        /// What an assignment may cost.
        worst: u128,
    },
    /// The tables would not fit memory.
    #[error("{services} services on {machines} machines need tables of {needed} MiB, more than {}", TABLES_MAX)]
    Size {
        /// Services.
        services: usize,
        /// Machines.
        machines: usize,
        /// MiB.
        needed: u128,
    },
}

impl Refusal {
    /// Far below 2⁶³, so that a few costs can be added and subtracted.
    const COST_MAX: u128 = 1 << 60;
}

/// A balance between two resources.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlatBalance {
    pub of: usize,
    pub with: usize,
    pub target: i64,
    pub weight: i64,
}

/// The tables.
#[derive(Debug, Clone)]
pub(super) struct Flat {
    pub machines: usize,
    pub processes: usize,
    pub resources: usize,
    pub services: usize,
    pub locations: usize,
    pub neighbourhoods: usize,
    /// By resource.
    pub weight: Vec<i64>,
    pub balances: Vec<FlatBalance>,
    /// By machine and resource.
    pub capacity: Vec<i64>,
    pub safety: Vec<i64>,
    /// By machine, numbered without gaps.
    pub location: Vec<u32>,
    pub neighbourhood: Vec<u32>,
    /// By machines from and to, weighted.
    pub path_cost: Vec<i64>,
    /// By process and resource.
    pub needs: Vec<i64>,
    /// The same without what is transient: room that a process takes where it comes from, since it holds the rest anyway.
    pub home_needs: Vec<i64>,
    /// By process, weighted.
    pub move_cost: Vec<i64>,
    pub service: Vec<u32>,
    pub initial: Vec<u32>,
    /// By service.
    pub spread_min: Vec<u32>,
    pub needed: Vec<Vec<u32>>,
    pub dependents: Vec<Vec<u32>>,
    pub service_weight: i64,
}

impl Flat {
    pub fn new(problem: &Problem, initial: &Assignment) -> Result<Self, Refusal> {
        check(problem, initial)?;
        let (resources, machines) = (problem.resources.len(), problem.machines.len());
        let (location, locations) = numbered(problem.machines.iter().map(|machine| machine.location));
        let (neighbourhood, neighbourhoods) = numbered(problem.machines.iter().map(|machine| machine.neighbourhood));
        let mut dependents = vec![Vec::new(); problem.services.len()];
        for (service, declared) in problem.services.iter().enumerate() {
            declared.depends_on.iter().for_each(|needed| dependents[*needed].push(short(service)));
        }
        let mut needs = Vec::with_capacity(problem.processes.len() * resources);
        let mut home_needs = Vec::with_capacity(problem.processes.len() * resources);
        for process in &problem.processes {
            for (amount, resource) in process.needs.iter().zip(&problem.resources) {
                needs.push(signed(*amount));
                home_needs.push(if resource.transient { 0 } else { signed(*amount) });
            }
        }
        let weights = problem.weights;
        let balance = |one: &crate::model::reassignment::Balance| FlatBalance {
            of: one.of,
            with: one.with,
            target: signed(one.target),
            weight: signed(one.weight),
        };
        Ok(Self {
            machines,
            processes: problem.processes.len(),
            resources,
            services: problem.services.len(),
            locations,
            neighbourhoods,
            weight: problem.resources.iter().map(|one| signed(one.weight)).collect(),
            balances: problem.balances.iter().map(balance).collect(),
            capacity: problem.machines.iter().flat_map(|one| &one.capacity).map(|amount| signed(*amount)).collect(),
            safety: problem.machines.iter().flat_map(|one| &one.safety).map(|amount| signed(*amount)).collect(),
            location,
            neighbourhood,
            path_cost: problem
                .machines
                .iter()
                .flat_map(|one| &one.move_cost)
                .map(|cost| signed(cost * weights.machine))
                .collect(),
            needs,
            home_needs,
            move_cost: problem.processes.iter().map(|one| signed(one.move_cost * weights.process)).collect(),
            service: problem.processes.iter().map(|one| short(one.service)).collect(),
            initial: initial.iter().map(|machine| short(*machine)).collect(),
            spread_min: problem.services.iter().map(|one| short(one.spread_min)).collect(),
            needed: problem.services.iter().map(|one| one.depends_on.iter().map(|e| short(*e)).collect()).collect(),
            dependents,
            service_weight: signed(weights.service),
        })
    }

    /// What a process that is on `machine` needs, by resource.
    #[inline]
    pub fn needs_of(&self, process: usize) -> &[i64] {
        &self.needs[process * self.resources..][..self.resources]
    }

    /// Room that a process takes on `machine`, over what it holds there anyway.
    #[inline]
    pub fn room_of(&self, process: usize, machine: usize) -> &[i64] {
        let from = if self.initial[process] as usize == machine { &self.home_needs } else { &self.needs };
        &from[process * self.resources..][..self.resources]
    }

    /// What the process itself costs on `machine`.
    #[inline]
    pub fn cost_of_move(&self, process: usize, machine: usize) -> i64 {
        let from = self.initial[process] as usize;
        if from == machine { 0 } else { self.move_cost[process] + self.path_cost[from * self.machines + machine] }
    }

    /// Load and balance costs of a machine with this use.
    #[inline]
    pub fn machine_cost(&self, machine: usize, used: impl Fn(usize) -> i64) -> i64 {
        let base = machine * self.resources;
        let (safety, capacity) = (&self.safety[base..][..self.resources], &self.capacity[base..][..self.resources]);
        let mut cost = 0;
        for (index, (safety, weight)) in safety.iter().zip(&self.weight).enumerate() {
            cost += weight * (used(index) - safety).max(0);
        }
        for balance in &self.balances {
            let free = |index: usize| capacity[index] - used(index);
            cost += balance.weight * (balance.target * free(balance.of) - free(balance.with)).max(0);
        }
        cost
    }
}

fn check(problem: &Problem, initial: &Assignment) -> Result<(), Refusal> {
    let (services, machines) = (problem.services.len(), problem.machines.len());
    let (_, locations) = numbered(problem.machines.iter().map(|machine| machine.location));
    let (_, neighbourhoods) = numbered(problem.machines.iter().map(|machine| machine.neighbourhood));
    let bytes = services as u128 * (machines / 8 + 4 * (locations + neighbourhoods)) as u128;
    let needed = (bytes + 8 * (machines as u128).pow(2)) >> 20;
    if needed > TABLES_MAX {
        return Err(Refusal::Size { services, machines, needed });
    }
    let worst = worst_cost(problem);
    if worst > Refusal::COST_MAX {
        return Err(Refusal::Amounts { worst });
    }
    breaches(problem, initial, initial).first().map_or(Ok(()), |breach| Err(Refusal::Start(*breach)))
}

/// More than any assignment costs, and than any product or sum on the way there.
fn worst_cost(problem: &Problem) -> u128 {
    let sum = |amounts: &mut dyn Iterator<Item = u64>| amounts.map(u128::from).sum::<u128>();
    let times = |a: u64, b: u128| u128::from(a).saturating_mul(b);
    // By resource: all that can be in use, be free or be safe.
    let extent: Vec<u128> = (0..problem.resources.len())
        .map(|index| {
            let rooms = sum(&mut problem.machines.iter().map(|one| one.capacity[index]));
            let safe = sum(&mut problem.machines.iter().map(|one| one.safety[index]));
            rooms + safe + sum(&mut problem.processes.iter().map(|one| one.needs[index]))
        })
        .collect();
    let loads = problem.resources.iter().zip(&extent).map(|(one, extent)| times(one.weight.max(1), *extent));
    let balances = problem.balances.iter().map(|one| {
        let lacks = times(one.target, extent[one.of]).saturating_add(extent[one.with]);
        times(one.weight.max(1), lacks)
    });
    let weights = problem.weights;
    let count = problem.processes.len().max(1) as u128;
    let farthest = problem.machines.iter().flat_map(|one| &one.move_cost).max().copied().unwrap_or(0);
    let moves = [
        times(weights.process.max(1), sum(&mut problem.processes.iter().map(|one| one.move_cost))),
        times(weights.service, count),
        times(weights.machine.max(1), times(farthest, count)),
    ];
    loads.chain(balances).chain(moves).fold(0, u128::saturating_add)
}

/// Numbers without gaps, and how many.
fn numbered(values: impl Iterator<Item = u64>) -> (Vec<u32>, usize) {
    let mut known = BTreeMap::new();
    let list = values
        .map(|value| {
            let next = short(known.len());
            *known.entry(value).or_insert(next)
        })
        .collect();
    (list, known.len())
}

/// An amount that [`check`] has seen.
fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// An index; readers refuse more than a million of anything.
pub(super) fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
