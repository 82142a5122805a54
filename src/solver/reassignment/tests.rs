//! The search against enumeration, and its deltas against the oracle, on random instances with every rule in force.

use super::flat::{Flat, Refusal};
use super::state::State;
use super::{Breach, Budget, breaches, cost, search};
use crate::model::reassignment::{Assignment, Balance, Machine, MoveWeights, Problem, Process, Resource, Service};
use crate::solver::dice::Dice;

/// A random instance with a sound assignment: capacities leave some room, and rules are those that it keeps.
fn random(dice: &mut Dice, processes: usize, machines: usize) -> (Problem, Assignment) {
    let draw = |dice: &mut Dice, end: usize| dice.below(end) as u64;
    let services = processes.div_ceil(2);
    let mut initial: Assignment = Vec::new();
    let mut all: Vec<Process> = Vec::new();
    for index in 0..processes {
        let service = if index < services { index } else { dice.below(services) };
        // Nobody of the same service is there; with one process more than machines, another service is drawn.
        let free: Vec<usize> = (0..machines)
            .filter(|machine| all.iter().zip(&initial).all(|(one, at)| one.service != service || at != machine))
            .collect();
        let (service, machine) = match free.get(dice.below(free.len().max(1))) {
            Some(machine) => (service, *machine),
            None => continue,
        };
        let needs = (0..2).map(|_| 1 + draw(dice, 9)).collect();
        all.push(Process { service, needs, move_cost: draw(dice, 4) });
        initial.push(machine);
    }
    let used = |machine: usize, resource: usize| -> u64 {
        all.iter().zip(&initial).filter(|(_, at)| **at == machine).map(|(one, _)| one.needs[resource]).sum()
    };
    let mut place = |machine: usize| {
        let capacity: Vec<u64> = (0..2).map(|resource| used(machine, resource) + 5 + draw(dice, 16)).collect();
        let safety = capacity.iter().map(|capacity| capacity / 2).collect();
        let move_cost = (0..machines).map(|to| if to == machine { 0 } else { 1 + draw(dice, 3) }).collect();
        Machine { neighbourhood: draw(dice, 2), location: draw(dice, 2), capacity, safety, move_cost }
    };
    let places: Vec<Machine> = (0..machines).map(&mut place).collect();
    let none = Service { spread_min: 0, depends_on: [].into() };
    let mut problem = Problem {
        resources: vec![Resource { transient: true, weight: 10 }, Resource { transient: false, weight: 7 }],
        machines: places,
        services: vec![none; services],
        processes: all,
        balances: vec![Balance { of: 0, with: 1, target: 1 + draw(dice, 2), weight: 3 }],
        weights: MoveWeights { process: 1, service: 5, machine: 2 },
    };
    for service in 0..services {
        for spread_min in 1..=2 {
            keep_if_sound(&mut problem, &initial, |problem| problem.services[service].spread_min = spread_min);
        }
        let needed = dice.below(services);
        keep_if_sound(&mut problem, &initial, |problem| {
            problem.services[service].depends_on.insert(needed);
        });
    }
    (problem, initial)
}

fn keep_if_sound(problem: &mut Problem, initial: &Assignment, change: impl Fn(&mut Problem)) {
    let mut changed = problem.clone();
    change(&mut changed);
    if breaches(&changed, initial, initial).is_empty() {
        *problem = changed;
    }
}

/// The least that a sound assignment costs, of all that there are.
fn enumerated(problem: &Problem, initial: &Assignment) -> u128 {
    let machines = problem.machines.len();
    let count = machines.pow(u32::try_from(problem.processes.len()).unwrap());
    let digits = |mut number: usize| -> Assignment {
        let digit = |_| {
            let digit = number % machines;
            number /= machines;
            digit
        };
        (0..problem.processes.len()).map(digit).collect()
    };
    let sound = (0..count).map(digits).filter(|one| breaches(problem, initial, one).is_empty());
    sound.map(|one| cost(problem, initial, &one).total()).min().unwrap()
}

#[test]
fn the_search_finds_the_optimum_of_every_small_instance() {
    let mut improved = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let processes = 2 + dice.below(4);
        let (problem, initial) = random(&mut dice, processes, 3);
        let answer = search(&problem, &initial, seed, Budget { steps: 20_000, time: None }).unwrap();
        assert_eq!(answer.cost, enumerated(&problem, &initial), "instance {seed}");
        improved += u32::from(answer.assignment != initial);
    }
    assert!(improved > 50, "the instances ask for too little: {improved}");
}

/// Goal: 10,000 shifts and swaps, each judged as by the oracle: sound or not, and its cost to the unit.
#[test]
fn deltas_and_rules_are_those_of_the_oracle() {
    let mut dice = Dice::new(7);
    let (mut done, mut refused) = (0, 0);
    while done + refused < 10_000 {
        let (problem, initial) = random(&mut dice, 14, 6);
        let flat = Flat::new(&problem, &initial).unwrap();
        let mut state = State::new(&flat);
        let mut present = initial.clone();
        for _ in 0..200 {
            let (one, other) = (dice.below(present.len()), dice.below(present.len()));
            let to = dice.below(problem.machines.len());
            let is_swap = dice.below(2) == 0;
            let target = if is_swap { present[other] } else { to };
            if target == present[one] {
                continue;
            }
            let shifts = if is_swap { vec![(one, target), (other, present[one])] } else { vec![(one, target)] };
            let mut next = present.clone();
            for (process, to) in &shifts {
                next[*process] = *to;
            }
            let open = if is_swap { state.can_swap(one, other) } else { state.is_open((one, to)) };
            let allowed = open && state.allows(&shifts);
            assert_eq!(allowed, breaches(&problem, &initial, &next).is_empty(), "{shifts:?} from {present:?}");
            let delta = if is_swap { state.swap_delta(one, other) } else { state.shift_delta((one, to)) };
            let total = |assignment: &Assignment| i128::try_from(cost(&problem, &initial, assignment).total()).unwrap();
            assert_eq!(i128::from(delta), total(&next) - total(&present), "{shifts:?} from {present:?}");
            if allowed {
                state.apply(&shifts, delta);
                present = next;
                done += 1;
            } else {
                refused += 1;
            }
            assert_eq!(i128::from(state.cost), total(&present));
        }
    }
    assert!(done > 1_000 && refused > 1_000, "{done} done, {refused} refused");
}

#[test]
fn an_answer_follows_from_seed_and_steps() {
    let (problem, initial) = random(&mut Dice::new(3), 14, 6);
    let budget = Budget { steps: 5_000, time: None };
    let first = search(&problem, &initial, 1, budget).unwrap();
    assert_eq!(first, search(&problem, &initial, 1, budget).unwrap());
    assert!(first.steps <= 5_000, "{}", first.steps);
    assert!(first.cost <= cost(&problem, &initial, &initial).total());
}

#[test]
fn what_cannot_be_searched_is_refused_with_the_reason() {
    let (mut problem, initial) = random(&mut Dice::new(3), 6, 3);
    let budget = Budget { steps: 100, time: None };
    let refused = |problem: &Problem| search(problem, &initial, 1, budget).unwrap_err();
    let mut huge = problem.clone();
    huge.resources[0].weight = 1 << 60;
    assert!(matches!(refused(&huge), Refusal::Amounts { worst } if worst > 1 << 60), "{}", refused(&huge));
    problem.machines[initial[0]].capacity[0] = 0;
    let wanted = |refusal: &Refusal| matches!(refusal, Refusal::Start(Breach::Capacity { capacity: 0, .. }));
    assert!(wanted(&refused(&problem)), "{}", refused(&problem));
    let empty = Problem { processes: Vec::new(), services: Vec::new(), ..problem };
    let none = Vec::new();
    assert_eq!(search(&empty, &none, 1, budget).unwrap().assignment, none);
}
