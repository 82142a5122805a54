//! Nephele 2024: the loop of the original's early fork, with the program that it gave to Gurobi.
//!
//! As [`nephele`](super::nephele), with replicas bounded by their maxima, and another placement, [`decide_placement_2024`]:
//!
//! - the first service is pinned to the first cluster and counted against nothing, neither CPU nor accelerators;
//! - a re-placement (not the first one) must move at least one of the other services, whether that helps or not;
//! - a constraint on neighbours that is trivial and has two entries only: four services or more stop it.
//!
//! The function's optimum is judged by recorded vectors. What the checker would reject (the first service where it does not fit
//! after all) is not done: everything stays, and what is missing is refused.

use super::nephele::{Era, Loop};
use super::{Entry, Parameter};
use crate::model::{ClusterId, Plan, Resources, ServiceId, Snapshot, Table, Wanted};
use crate::policy::Budget;
use crate::policy::placement::naive::Inputs;
use crate::policy::placement::nephele_placement::{Model, Relocation, RelocationError, Version, Worth, nodes, quality};
use crate::policy::placement::rooms::Rooms;
use crate::policy::placement::whole::{Question, stopped};
use crate::policy::scaling::nephele;
use crate::solver::fewest_moves::{Answer, NoAnswer, Problem};

/// The knobs of the scaling; maxima are bounds.
const PARAMETERS: &[Parameter] = &{
    let mut parameters = [nephele::PARAMETERS[0]; nephele::PARAMETERS.len()];
    let mut index = 0;
    while index < parameters.len() {
        parameters[index] = nephele::PARAMETERS[index];
        index += 1;
    }
    parameters[2].default = "yes";
    parameters
};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "nephele-2024",
    summary: "the loop of the original's early fork: the first service pinned and uncounted, every re-placement moves something",
    about: "As `nephele` with r ≤ max, and placements by min Σ x + Σ y·(y − x), one cluster each, Σ_{s≥1} d·x ≤ K, the first \
        service in the first cluster at no cost; a re-placement has Σ_{s≥1} y·(x − y) ≤ −1, so at least one of the others \
        moves; four services or more stop it. Source: the Gurobi program of the fork of 2024 of the Synergetic \
        Meta-Orchestrator.",
    parameters: PARAMETERS,
    build: |parameters| Ok(Box::new(Loop::read(parameters, Era::Gurobi)?)),
};

/// Nodes for one call of the original's function.
const NODES: u32 = 1_000_000;

/// The optimum of the program of 2024; `is_initial` spares it the move that every re-placement must make. The program's own
/// slip for four services or more is left to the caller.
///
/// # Errors
/// See [`RelocationError`].
pub fn decide_placement_2024(
    inputs: &Inputs<'_>,
    current: &[Vec<f64>],
    is_initial: bool,
) -> Result<Relocation, RelocationError> {
    let mut model = Model::new(inputs, Version::Service)?;
    let (services, clusters) = (inputs.cores.len(), inputs.capacities.len());
    if current.len() != services || current.iter().any(|row| row.len() != clusters) {
        let columns = current.first().map_or(0, Vec::len);
        return Err(RelocationError::Shape { rows: current.len(), columns, services, clusters });
    }
    if !model.is_possible {
        return Err(RelocationError::Infeasible);
    }
    exempt_first(&mut model.problem);
    let shape = RelocationError::Shape { rows: services, columns: clusters, services, clusters };
    let worth = Worth::new(current, (services, clusters)).ok_or_else(|| shape.clone())?;
    let others = Worth::new(&without_first(current), (services, clusters)).ok_or(shape)?;
    let relocation = |(places, is_proved)| {
        let objective = services as f64 + worth.penalty(&places);
        Relocation { places, objective, is_proved }
    };
    let found = relocation(worth.solve(model.problem.clone(), NODES)?);
    if is_initial || others.penalty(&found.places) >= 1.0 - 1e-9 {
        return Ok(found);
    }
    let mut best: Option<Relocation> = None;
    for moved in model.problem.services.ids().skip(1) {
        let homes: Vec<ClusterId> =
            model.problem.capacity.ids().filter(|cluster| at(current, moved, *cluster) > 0.0).collect();
        if homes.is_empty() {
            continue;
        }
        let problem = barred(&model.problem, moved, &homes);
        let Ok(found) = worth.solve(problem, NODES).map(relocation) else { continue };
        if best.as_ref().is_none_or(|best| found.objective < best.objective - 1e-9) {
            best = Some(found);
        }
    }
    best.ok_or(RelocationError::Infeasible)
}

fn at(current: &[Vec<f64>], service: ServiceId, cluster: ClusterId) -> f64 {
    current[service.0 as usize][cluster.0 as usize]
}

fn without_first(current: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut current = current.to_vec();
    current.iter_mut().take(1).flatten().for_each(|value| *value = 0.0);
    current
}

/// The first service takes nothing, and may only be in the first cluster.
fn exempt_first(problem: &mut Problem) {
    let Some((_, first)) = problem.services.iter_mut().next() else { return };
    (first.need, first.kind) = (Resources::ZERO, problem.kinds.len());
    problem.kinds.push(problem.capacity.ids().map(|cluster| cluster == ClusterId(0)).collect());
}

/// The problem with some clusters closed to one service.
fn barred(problem: &Problem, service: ServiceId, clusters: &[ClusterId]) -> Problem {
    let mut problem = problem.clone();
    let open = &problem.kinds[problem.services[service].kind];
    let open: Table<ClusterId, bool> =
        open.iter().map(|(cluster, is_open)| *is_open && !clusters.contains(&cluster)).collect();
    problem.services[service].kind = problem.kinds.len();
    problem.kinds.push(open);
    problem
}

/// The program on what the world looks like now.
pub(super) fn place(
    (snapshot, wanted, rooms): (&Snapshot, &Wanted, &Rooms),
    is_initial: bool,
    budget: &Budget,
) -> Plan {
    let question = Question::new(snapshot, wanted, rooms);
    let count = question.services.len();
    if count > 3 {
        return stopped(snapshot, wanted, rooms, &RelocationError::Index(count).to_string());
    }
    match solve(&question, is_initial, nodes(budget)) {
        Ok(answer) if question.admits(&answer.places) => {
            let quality = quality(count, &answer);
            question.answer(&answer.places, Some(quality))
        }
        Ok(_) => {
            let message = "the first service does not fit into the first cluster, where the original puts it uncounted";
            stopped(snapshot, wanted, rooms, message)
        }
        Err(error) => stopped(snapshot, wanted, rooms, &error.to_string()),
    }
}

fn solve(question: &Question<'_>, is_initial: bool, nodes: u32) -> Result<Answer, RelocationError> {
    let mut problem = question.moves();
    exempt_first(&mut problem);
    let to_error = |error| {
        if error == NoAnswer::Infeasible { RelocationError::Infeasible } else { RelocationError::NotFound(error) }
    };
    let found = problem.solve(nodes).map_err(to_error)?;
    let moves_others = |answer: &Answer| {
        let others = problem.services.iter().skip(1);
        others.into_iter().any(|(row, one)| one.is_moved_to(answer.places[row]) || !one.more_homes.is_empty())
    };
    if is_initial || moves_others(&found) {
        return Ok(found);
    }
    let movable = problem.services.iter().skip(1).filter(|(_, one)| one.home.is_some());
    let moved = movable
        .filter_map(|(row, one)| barred(&problem, row, &one.home.into_iter().collect::<Vec<_>>()).solve(nodes).ok());
    moved.min_by_key(|answer| answer.moves).ok_or(RelocationError::Infeasible)
}
