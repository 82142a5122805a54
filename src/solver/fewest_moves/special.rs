//! Two kinds of problem that are decided exactly whatever the certificate says: two clusters, and services of one size.

use super::{Answer, Method, NoAnswer, Problem, sum};
use crate::model::{ClusterId, Resources, ServiceId, Table};
use crate::solver::two_clusters::{self, Choice};
use crate::solver::unit_flow;

/// Cells of a table, or steps of a flow, that are worth it: about a tenth of a second.
const MOST: u64 = 1 << 26;

/// Which of the two kinds.
enum Kind {
    /// Two clusters, of which only one resource (by index) can run short.
    Two(usize),
    /// All services take this.
    Equal(Resources),
}

fn kind(problem: &Problem) -> Option<Kind> {
    let (services, clusters) = (problem.services.len() as u64, problem.capacity.len() as u64);
    let need = problem.services.values().next()?.need;
    if problem.services.values().all(|one| one.need == need) && services * services * clusters <= MOST {
        return Some(Kind::Equal(need));
    }
    if clusters != 2 {
        return None;
    }
    let all = sum(problem.services.values().map(|one| one.need));
    let can_run_short = |k: &usize| problem.capacity.values().any(|have| all[*k] > u128::from(have.amounts()[*k]));
    let mut short = (0..all.len()).filter(can_run_short);
    let (first, second) = (short.next(), short.next());
    let divisor =
        |k: usize| problem.services.values().fold(0, |divisor, one| gcd(divisor, one.need.amounts()[k])).max(1);
    let cells = |k: usize| (all[k] / u128::from(divisor(k)) + 1) * u128::from(services);
    first.filter(|k| second.is_none() && cells(*k) <= u128::from(MOST)).map(Kind::Two)
}

/// Whether the problem is of one of the two kinds.
pub fn applies(problem: &Problem) -> bool {
    kind(problem).is_some()
}

/// The optimum of a problem of one of the two kinds.
pub fn solve(problem: &Problem) -> Result<Answer, NoAnswer> {
    let (places, method) = match kind(problem) {
        Some(Kind::Two(resource)) => (by_table(problem, resource), Method::Table),
        Some(Kind::Equal(need)) => (by_flow(problem, need), Method::Flow),
        None => return Err(NoAnswer::NotFound { nodes: 0 }),
    };
    let places = places.ok_or(NoAnswer::Infeasible)?;
    let moves = problem.moves(&places);
    Ok(Answer { places, moves, bound: moves, method })
}

/// One where being there is a move, nothing where it is not; `None` where a service may not be.
fn cost(problem: &Problem, service: ServiceId, cluster: ClusterId) -> Option<i64> {
    problem.may_use(service, cluster).then(|| i64::from(problem.services[service].is_moved_to(cluster)))
}

fn by_table(problem: &Problem, resource: usize) -> Option<Table<ServiceId, ClusterId>> {
    let choice = |(service, one): (ServiceId, &super::Whole)| Choice {
        need: one.need.amounts()[resource],
        costs: [0, 1].map(|cluster| cost(problem, service, ClusterId(cluster))),
    };
    let choices: Vec<Choice> = problem.services.iter().map(choice).collect();
    let capacity = [0, 1].map(|cluster| problem.capacity[ClusterId(cluster)].amounts()[resource]);
    let second = two_clusters::solve(&choices, capacity).ok()?;
    Some(second.into_iter().map(|is_second| ClusterId(u32::from(is_second))).collect())
}

fn by_flow(problem: &Problem, need: Resources) -> Option<Table<ServiceId, ClusterId>> {
    let places = |have: &Resources| u32::try_from(have.count_of(need)).unwrap_or(u32::MAX);
    let flow = unit_flow::Problem {
        places: problem.capacity.values().map(places).collect(),
        wanted: problem.services.values().map(|_| 1).collect(),
        costs: problem
            .services
            .ids()
            .map(|service| problem.capacity.ids().map(|cluster| cost(problem, service, cluster)).collect())
            .collect(),
    };
    let counts = flow.solve()?;
    counts.values().map(|row| row.iter().find(|(_, count)| **count > 0).map(|(cluster, _)| cluster)).collect()
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
