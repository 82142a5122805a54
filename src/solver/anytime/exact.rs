//! The whole problem as a mixed-integer program, for `HiGHS`: what is left when everything cheaper has been tried.
//!
//! Deterministic as [`milp`](crate::solver::milp) is, and as distrustful: answers are counted again in integers by the caller, and
//! neither a start nor a cutoff is given, because both are valued by the wrong offset once presolve has moved it (seen in
//! 1.16.0: the limit is taken over without the offset, `HighsMipSolverData.cpp`). What an answer at hand is worth goes in by
//! [`fixing`](super::fixing) instead.
//!
//! What rules become stands in `rows`.

mod rows;

use super::problem::{Problem, index};
use highs::{Col, HighsModelStatus, HighsSolutionStatus, Model, RowProblem, Sense};
use std::time::Duration;

/// How far to search.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nodes of the search tree.
    pub nodes: u32,
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// Answers that are this close to the bound, in dollars an hour, count as best.
    pub gap: f64,
}

/// What the search came to.
#[derive(Debug, Clone)]
pub struct Found {
    /// The best answer, not yet counted again.
    pub counts: Option<Vec<u32>>,
    /// No answer costs less; minus infinity where nothing is known.
    pub bound: f64,
}

/// The best answer within `limits`; nothing where the solver fails.
pub fn solve(problem: &Problem, limits: &Limits) -> Option<Found> {
    let program = Program::new(problem);
    let (replicas, offset) = (program.replicas, program.offset);
    let mut model = program.rows.try_optimise(Sense::Minimise).ok()?;
    set_options(&mut model, limits).ok()?;
    let solved = model.try_solve().ok()?;
    match solved.status() {
        HighsModelStatus::Optimal | HighsModelStatus::ReachedSolutionLimit | HighsModelStatus::ReachedTimeLimit => {}
        _ => return None,
    }
    let bound = solved.double_info_value(c"mip_dual_bound").ok().filter(|bound| bound.is_finite());
    let is_feasible = solved.primal_solution_status() == HighsSolutionStatus::Feasible;
    let counts = is_feasible.then(|| {
        let solution = solved.get_solution();
        replicas.iter().map(|column| rounded(solution.columns()[column.index()])).collect()
    });
    Some(Found { counts, bound: bound.map_or(f64::NEG_INFINITY, |bound| bound + offset) })
}

fn set_options(model: &mut Model, limits: &Limits) -> Result<(), highs::TrySetOptionError> {
    model.make_quiet();
    model.try_set_option("threads", 1)?;
    model.try_set_option("parallel", "off")?;
    model.try_set_option("random_seed", 0)?;
    model.try_set_option("mip_rel_gap", 0.0)?;
    model.try_set_option("mip_abs_gap", limits.gap.max(1e-9))?;
    model.try_set_option("mip_max_nodes", i32::try_from(limits.nodes).unwrap_or(i32::MAX))?;
    match limits.time {
        Some(time) => model.try_set_option("time_limit", time.as_secs_f64().max(0.001)),
        None => Ok(()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates; answers are counted again"
)]
fn rounded(value: f64) -> u32 {
    value.round() as u32
}

/// The program under construction.
struct Program<'a> {
    problem: &'a Problem,
    rows: RowProblem,
    offset: f64,
    /// By place: its replicas.
    replicas: Vec<Col>,
    /// By place: whether there are any; made when first asked for.
    used: Vec<Option<Col>>,
}

impl<'a> Program<'a> {
    fn new(problem: &'a Problem) -> Self {
        let mut program = Self {
            problem,
            rows: RowProblem::new(),
            offset: 0.0,
            replicas: Vec::with_capacity(problem.places.len()),
            used: vec![None; problem.places.len()],
        };
        for service in 0..problem.services.len() {
            program.add_replicas(service);
        }
        for service in 0..problem.services.len() {
            program.add_demand(service);
        }
        for cluster in 0..problem.clusters() {
            program.add_cluster(cluster);
        }
        program.add_rules(&problem.rules);
        program
    }

    fn continuous(&mut self, cost: f64, most: f64) -> Col {
        self.rows.add_column(cost, 0.0..=most)
    }

    fn add_replicas(&mut self, service: usize) {
        for place in self.problem.places_of(service) {
            let row = &self.problem.places[place];
            let full = self.problem.full(service, place);
            let all_start = row.incumbent <= row.least.min(row.incumbent);
            // Where what must stay is all that is there, everything beyond starts: a constant instead of a column.
            let cost = if all_start { row.cost + row.start } else { row.cost };
            self.offset -= if all_start { f64::from(row.incumbent) * row.start } else { 0.0 };
            let cost = cost - self.share_of_mean(service, place);
            self.replicas.push(self.rows.add_integer_column(cost, f64::from(row.least)..=f64::from(full)));
        }
    }

    fn add_demand(&mut self, service: usize) {
        let (problem, row) = (self.problem, self.problem.services[service]);
        let demand = f64::from(row.demand);
        let short = self.continuous(row.shortage, demand);
        let yields = |place: usize| f64::from(problem.places[place].yields);
        let mut served: Vec<(Col, f64)> =
            problem.places_of(service).map(|at| (self.replicas[at], yields(at))).collect();
        served.push((short, 1.0));
        if problem.places_of(service).all(|place| problem.places[place].yields == 1) {
            self.rows.add_row(demand..=demand, &served);
        } else {
            self.rows.add_row(demand.., &served);
            if !row.is_single && !problem.rules.is_empty() {
                self.forbid_surplus(service);
            }
        }
        for place in problem.places_of(service) {
            let at = &problem.places[place];
            if at.start > 0.0 && at.incumbent > at.least && at.incumbent < problem.full(service, place) {
                let started = self.continuous(at.start, f64::from(problem.full(service, place)));
                self.rows.add_row(..=f64::from(at.incumbent), [(self.replicas[place], 1.0), (started, -1.0)]);
            }
        }
        if row.is_single && problem.places_of(service).len() > 1 {
            let used: Vec<(Col, f64)> = problem.places_of(service).map(|place| (self.use_of(place), 1.0)).collect();
            self.rows.add_row(..=1.0, &used);
        }
    }

    /// `Σ yields·r ≤ demand + yields[p] − 1` where `p` has replicas: rules may be worth more replicas than the demand is.
    fn forbid_surplus(&mut self, service: usize) {
        let problem = self.problem;
        let (places, demand) = (problem.places_of(service), f64::from(problem.services[service].demand));
        let yields = |place: usize| f64::from(problem.places[place].yields);
        let most: f64 = places.clone().map(|place| yields(place) * f64::from(problem.full(service, place))).sum();
        let scale = places.clone().map(yields).fold(1.0, f64::max);
        for place in places.clone().filter(|place| problem.places[*place].least == 0) {
            let used = self.use_of(place);
            let allowed = demand + yields(place) - 1.0;
            let mut row: Vec<(Col, f64)> =
                places.clone().map(|other| (self.replicas[other], yields(other) / scale)).collect();
            match row.iter_mut().find(|(column, _)| *column == used) {
                Some((_, factor)) => *factor += (most - allowed).max(0.0) / scale,
                None => row.push((used, (most - allowed).max(0.0) / scale)),
            }
            self.rows.add_row(..=allowed.max(most) / scale, &row);
        }
    }

    /// Whether a place has replicas: the column of its replicas itself where there is at most one.
    fn use_of(&mut self, place: usize) -> Col {
        if let Some(column) = self.used[place] {
            return column;
        }
        let (problem, replicas) = (self.problem, self.replicas[place]);
        let service = problem.services.partition_point(|service| service.end as usize <= place);
        let full = problem.full(service, place);
        let column = if full <= 1 {
            replicas
        } else {
            let column = self.rows.add_integer_column(0.0, 0.0..=1.0);
            self.rows.add_row(..=0.0, [(replicas, 1.0), (column, -f64::from(full))]);
            self.rows.add_row(0.0.., [(replicas, 1.0), (column, -1.0)]);
            column
        };
        self.used[place] = Some(column);
        column
    }

    fn add_cluster(&mut self, cluster: usize) {
        let problem = self.problem;
        let here: Vec<(usize, usize)> = (0..problem.services.len())
            .filter_map(|service| {
                let places = problem.places_of(service);
                let rows = &problem.places[places.clone()];
                let at = rows.binary_search_by_key(&index(cluster), |row| row.cluster).ok();
                at.map(|at| (service, places.start + at))
            })
            .collect();
        let active = (problem.activation[cluster] > 0.0 && !here.is_empty())
            .then(|| self.rows.add_integer_column(problem.activation[cluster], 0.0..=1.0));
        for k in 0..problem.kinds {
            let capacity = problem.capacity[cluster * problem.kinds + k];
            let wants = |service: usize| problem.request_of(service)[k];
            let most: u128 = here.iter().map(|(s, p)| u128::from(wants(*s)) * u128::from(problem.full(*s, *p))).sum();
            let divisor = here.iter().map(|(service, _)| wants(*service)).fold(0, greatest_common_divisor);
            if most <= u128::from(capacity) || divisor == 0 {
                continue;
            }
            let weight = |service: usize| (wants(service) / divisor) as f64;
            let mut taken: Vec<(Col, f64)> =
                here.iter().map(|(service, place)| (self.replicas[*place], weight(*service))).collect();
            let room = (capacity / divisor) as f64;
            taken.extend(active.map(|active| (active, -room)));
            self.rows.add_row(..=if active.is_some() { 0.0 } else { room }, &taken);
        }
        if let Some(active) = active {
            for (service, place) in here {
                let full = f64::from(problem.full(service, place));
                self.rows.add_row(..=0.0, [(self.replicas[place], 1.0), (active, -full)]);
            }
        }
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
