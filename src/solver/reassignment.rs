//! What an assignment of a machine reassignment problem costs, and which of its rules it breaks: exact, in integers.
//!
//! EURO/ROADEF challenge 2012, problem definition of Google: the total is the sum of load, balance and move costs. This is
//! the yardstick for placement algorithms, so it is kept apart from all of them: [`search()`] looks for cheaper assignments on
//! tables of its own, and is judged here.

mod flat;
mod search;
#[cfg(test)]
#[path = "reassignment/tests.rs"]
mod searched;
mod state;

pub use flat::Refusal;
pub use search::{Answer, Budget, search};

use crate::model::reassignment::{Assignment, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// The parts of an assignment's cost, weights included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Use above safety capacities.
    pub load: u128,
    /// Free units without their counterpart.
    pub balance: u128,
    /// Processes that moved, by their own costs.
    pub process_moves: u128,
    /// The most processes that one service has moved.
    pub service_moves: u128,
    /// Processes that moved, by the cost between their machines.
    pub machine_moves: u128,
}

impl Cost {
    /// All parts together: what the challenge compares.
    pub const fn total(&self) -> u128 {
        self.load + self.balance + self.process_moves + self.service_moves + self.machine_moves
    }
}

/// A rule that an assignment breaks; all numbers are indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// An assignment of other processes, or to machines that do not exist.
    #[error(
        "the assignment does not fit the problem: it has {given} processes of {wanted}, or names a machine beyond the last"
    )]
    Shape {
        /// Processes of the assignment.
        given: usize,
        /// Processes of the problem.
        wanted: usize,
    },
    /// More is in use than there is; what moves is in use on both machines if it is transient.
    #[error("machine {machine} has {in_use} of resource {resource} in use, more than its {capacity}")]
    Capacity {
        /// Machine.
        machine: usize,
        /// Resource.
        resource: usize,
        /// In use.
        in_use: u128,
        /// There is.
        capacity: u64,
    },
    /// Two processes of one service share a machine.
    #[error("two processes of service {service} are on machine {machine}")]
    Conflict {
        /// Service.
        service: usize,
        /// Machine.
        machine: usize,
    },
    /// A service is in too few locations.
    #[error("service {service} is in {locations} locations, fewer than {wanted}")]
    Spread {
        /// Service.
        service: usize,
        /// Where it is.
        locations: usize,
        /// Where it must be.
        wanted: usize,
    },
    /// A service is where one that it depends on is not.
    #[error("service {service} needs service {needed} in neighbourhood {neighbourhood}")]
    Dependency {
        /// Service.
        service: usize,
        /// The one that lacks.
        needed: usize,
        /// Where.
        neighbourhood: u64,
    },
}

/// The cost of `assignment`, come from `initial`.
///
/// With use `U`, capacity `C` and safety `S` of machine `m` and resource `r`: load is `Σ w_r Σ_m max(0, U − S)`; balance is
/// `Σ w_b Σ_m max(0, target · A(of) − A(with))` with `A = C − U`; moves are `w_p Σ c_p`, `w_s max_service |moved|` and
/// `w_m Σ c(from, to)`.
///
/// # Panics
/// Where an assignment names a process or machine that does not exist: [`breaches`] tells.
pub fn cost(problem: &Problem, initial: &Assignment, assignment: &Assignment) -> Cost {
    let usage = usage(problem, assignment);
    let mut cost = Cost::default();
    for (machine, used) in problem.machines.iter().zip(&usage) {
        for ((resource, used), safety) in problem.resources.iter().zip(used).zip(&machine.safety) {
            cost.load += u128::from(resource.weight) * used.saturating_sub(u128::from(*safety));
        }
        for balance in &problem.balances {
            // What is over-used leaves less than nothing free.
            let free = |resource: usize| i128::from(machine.capacity[resource]) - used[resource].cast_signed();
            let lacks = i128::from(balance.target) * free(balance.of) - free(balance.with);
            cost.balance += u128::from(balance.weight) * lacks.max(0).unsigned_abs();
        }
    }
    let mut moved_of: BTreeMap<usize, u128> = BTreeMap::new();
    for (process, (from, to)) in problem.processes.iter().zip(initial.iter().zip(assignment)) {
        if from != to {
            *moved_of.entry(process.service).or_default() += 1;
            cost.process_moves += u128::from(process.move_cost);
            cost.machine_moves += u128::from(problem.machines[*from].move_cost[*to]);
        }
    }
    cost.process_moves *= u128::from(problem.weights.process);
    cost.machine_moves *= u128::from(problem.weights.machine);
    cost.service_moves = u128::from(problem.weights.service) * moved_of.into_values().max().unwrap_or(0);
    cost
}

/// All rules that `assignment`, come from `initial`, breaks.
pub fn breaches(problem: &Problem, initial: &Assignment, assignment: &Assignment) -> Vec<Breach> {
    let wanted = problem.processes.len();
    for given in [initial, assignment] {
        if given.len() != wanted || given.iter().any(|machine| *machine >= problem.machines.len()) {
            return vec![Breach::Shape { given: given.len(), wanted }];
        }
    }
    let mut found = over_capacity(problem, initial, assignment);
    let mut at: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); problem.services.len()];
    for (process, machine) in problem.processes.iter().zip(assignment) {
        if !at[process.service].insert(*machine) {
            found.push(Breach::Conflict { service: process.service, machine: *machine });
        }
    }
    let neighbourhoods: Vec<BTreeSet<u64>> =
        at.iter().map(|at| at.iter().map(|machine| problem.machines[*machine].neighbourhood).collect()).collect();
    for (service, declared) in problem.services.iter().enumerate() {
        let places: BTreeSet<u64> = at[service].iter().map(|machine| problem.machines[*machine].location).collect();
        if places.len() < declared.spread_min {
            found.push(Breach::Spread { service, locations: places.len(), wanted: declared.spread_min });
        }
        for needed in &declared.depends_on {
            for neighbourhood in neighbourhoods[service].difference(&neighbourhoods[*needed]) {
                found.push(Breach::Dependency { service, needed: *needed, neighbourhood: *neighbourhood });
            }
        }
    }
    found
}

fn over_capacity(problem: &Problem, initial: &Assignment, assignment: &Assignment) -> Vec<Breach> {
    let mut usage = usage(problem, assignment);
    for (process, (from, to)) in problem.processes.iter().zip(initial.iter().zip(assignment)) {
        let transient = problem.resources.iter().enumerate().filter(|(_, resource)| resource.transient && from != to);
        for (index, _) in transient {
            usage[*from][index] += u128::from(process.needs[index]);
        }
    }
    let mut found = Vec::new();
    for (machine, used) in usage.iter().enumerate() {
        for (resource, (in_use, capacity)) in used.iter().zip(&problem.machines[machine].capacity).enumerate() {
            if *in_use > u128::from(*capacity) {
                found.push(Breach::Capacity { machine, resource, in_use: *in_use, capacity: *capacity });
            }
        }
    }
    found
}

/// Use by machine and resource.
fn usage(problem: &Problem, assignment: &Assignment) -> Vec<Vec<u128>> {
    let mut usage = vec![vec![0; problem.resources.len()]; problem.machines.len()];
    for (process, machine) in problem.processes.iter().zip(assignment) {
        for (used, needs) in usage[*machine].iter_mut().zip(&process.needs) {
            *used += u128::from(*needs);
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::{Breach, Cost, breaches, cost};
    use crate::model::reassignment::{Balance, Machine, MoveWeights, Problem, Process, Resource, Service};

    fn machine(place: u64, capacity: [u64; 2], safety: [u64; 2], move_cost: [u64; 2]) -> Machine {
        let (capacity, safety, move_cost) = (capacity.to_vec(), safety.to_vec(), move_cost.to_vec());
        Machine { neighbourhood: place, location: place, capacity, safety, move_cost }
    }

    /// Two machines in two places, two services of one process each, the second of which needs the first.
    fn small() -> Problem {
        let process = |service, needs: [u64; 2], move_cost| Process { service, needs: needs.to_vec(), move_cost };
        Problem {
            resources: vec![Resource { transient: true, weight: 10 }, Resource { transient: false, weight: 1 }],
            machines: vec![machine(0, [30, 40], [15, 20], [0, 7]), machine(1, [20, 30], [12, 12], [9, 0])],
            services: vec![
                Service { spread_min: 1, depends_on: [].into() },
                Service { spread_min: 1, depends_on: [0].into() },
            ],
            processes: vec![process(0, [12, 10], 100), process(1, [8, 20], 30)],
            balances: vec![Balance { of: 0, with: 1, target: 2, weight: 3 }],
            weights: MoveWeights { process: 1, service: 5, machine: 4 },
        }
    }

    /// Both on machine 0: use (20, 30), load 10 · 5 + 1 · 10; free (10, 10) and (20, 30): lacking 2·10 − 10 and 2·20 − 30,
    /// balance 3 · 20.
    #[test]
    fn staying_costs_load_and_balance() {
        let cost = cost(&small(), &vec![0, 0], &vec![0, 0]);
        assert_eq!(cost, Cost { load: 60, balance: 60, ..Cost::default() });
        assert_eq!(cost.total(), 120);
        assert_eq!(breaches(&small(), &vec![0, 0], &vec![0, 0]), []);
    }

    /// Process 1 moves: use (12, 10) and (8, 20), load 1 · (20 − 12); free (18, 30) and (12, 10): lacking 6 and 14; moves
    /// 30 + 5 · 1 + 4 · 7. Service 1 is then in place 1, where service 0 is not.
    #[test]
    fn moving_costs_too_and_may_break_rules() {
        let moved = cost(&small(), &vec![0, 0], &vec![0, 1]);
        let wanted = Cost { load: 8, balance: 60, process_moves: 30, service_moves: 5, machine_moves: 28 };
        assert_eq!(moved, wanted);
        let broken = breaches(&small(), &vec![0, 0], &vec![0, 1]);
        assert_eq!(broken, [Breach::Dependency { service: 1, needed: 0, neighbourhood: 1 }]);
    }

    /// What moves away still uses its transient resource: 12 + 8 on machine 0 are 20 of then 19.
    #[test]
    fn transient_use_counts_on_both_machines() {
        let mut tight = small();
        tight.machines[0].capacity[0] = 19;
        let broken = breaches(&tight, &vec![0, 0], &vec![1, 0]);
        assert!(broken.contains(&Breach::Capacity { machine: 0, resource: 0, in_use: 20, capacity: 19 }), "{broken:?}");
        assert_eq!(breaches(&tight, &vec![0], &vec![0, 1]), [Breach::Shape { given: 1, wanted: 2 }]);
    }
}
