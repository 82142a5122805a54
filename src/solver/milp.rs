//! The assignment as a mixed-integer linear program, solved by HiGHS.
//!
//! Deterministic: one thread, a fixed seed, columns and rows in the order of ids, and a limit on nodes, never on time
//! unless a live controller asks for it. Whoever calls counts the answer again: solvers have been wrong about bounds.
//!
//! Small models are fast models, so what says nothing is left out: a capacity row that all columns at their largest
//! keep, a variable for replicas that start where the incumbent has none (all of them do), a binary for a cluster when
//! using it costs nothing. Rows are divided by the greatest common divisor of their coefficients, which keeps memory in
//! bytes exact and near one.

use super::assignment::{Assignment, Demand, Place};
use crate::model::plan::{Stop, Target};
use crate::model::{ClusterId, Resources, ServiceId, Table, Targets};
use crate::units::Span;
use good_lp::solvers::highs::highs as using_highs;
use good_lp::{Expression, ProblemVariables, SolverModel, Variable, VariableDefinition, constraint, variable};
use highs::{HighsModelStatus, HighsSolutionStatus, HighsStatus, Model, SolvedModel};

/// How far to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Nodes of the search tree.
    pub nodes: u32,
    /// Wall-clock time; gives answers that differ from machine to machine.
    pub time: Option<Span>,
    /// Answers that are this close to the bound, in the objective's unit, count as best.
    pub gap: f64,
}

/// The best answer that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer, rounded to integers.
    pub targets: Targets,
    /// No answer costs less.
    pub bound: f64,
    /// Why the search ended.
    pub stop: Stop,
}

/// The solver gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// It does not take the model, or an option.
    #[error("HiGHS does not take the model: {0}")]
    Model(String),
    /// It ended without an answer.
    #[error("HiGHS ended without an answer: {0}")]
    NoAnswer(String),
}

/// Searches from `start`, which the problem must admit, for something cheaper.
///
/// # Errors
/// When the solver fails.
pub fn solve(problem: &Assignment, start: &Targets, limits: &Limits) -> Result<Answer, SolveError> {
    let program = Program::new(problem, start);
    if program.replicas.is_empty() {
        let bound = problem.cost(&Targets::default());
        return Ok(Answer { targets: Targets::default(), bound, stop: Stop::Optimal });
    }
    let Program { variables, objective, rows, replicas, start, .. } = program;
    let mut model = variables.minimise(objective).using(using_highs);
    for row in rows {
        model.add_constraint(row);
    }
    let mut model = model.try_into_inner().map_err(|error| SolveError::Model(error.to_string()))?;
    set_limits(&mut model, limits).map_err(|error| SolveError::Model(format!("{error:?}")))?;
    model.try_set_solution(Some(&start), None, None, None).map_err(|error| SolveError::Model(format!("{error:?}")))?;
    let solved = model.try_solve().map_err(|error| SolveError::NoAnswer(format!("{error:?}")))?;
    read(&solved, &replicas)
}

fn set_limits(model: &mut Model, limits: &Limits) -> Result<(), highs::TrySetOptionError> {
    model.try_set_option("threads", 1)?;
    model.try_set_option("parallel", "off")?;
    model.try_set_option("random_seed", 0)?;
    model.try_set_option("mip_rel_gap", 0.0)?;
    model.try_set_option("mip_abs_gap", limits.gap.max(1e-9))?;
    model.try_set_option("mip_max_nodes", i32::try_from(limits.nodes).unwrap_or(i32::MAX))?;
    match limits.time {
        Some(time) => model.try_set_option("time_limit", time.as_seconds_f64()),
        None => Ok(()),
    }
}

fn read(solved: &SolvedModel, replicas: &[(Target, Variable)]) -> Result<Answer, SolveError> {
    let stop = match solved.status() {
        HighsModelStatus::Optimal => Stop::Optimal,
        HighsModelStatus::ReachedSolutionLimit | HighsModelStatus::ReachedTimeLimit => Stop::NodeLimit,
        other => return Err(SolveError::NoAnswer(format!("{other:?}"))),
    };
    if solved.primal_solution_status() != HighsSolutionStatus::Feasible {
        return Err(SolveError::NoAnswer("nothing feasible was found".to_owned()));
    }
    let no_bound = |status: HighsStatus| SolveError::NoAnswer(format!("there is no bound: {status:?}"));
    let bound = solved.double_info_value(c"mip_dual_bound").map_err(no_bound)?;
    let solution = solved.get_solution();
    let columns = solution.columns();
    let targets = replicas
        .iter()
        .enumerate()
        .map(|(column, (target, _))| Target { replicas: rounded(columns[column]), ..*target });
    Ok(Answer { targets: targets.collect(), bound, stop })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates; the answer is counted again"
)]
fn rounded(value: f64) -> u32 {
    value.round() as u32
}

/// The program under construction, with the value of each column in the start.
struct Program<'a> {
    problem: &'a Assignment,
    variables: ProblemVariables,
    start: Vec<f64>,
    objective: Expression,
    rows: Vec<good_lp::Constraint>,
    /// `r[s,e]`: the first columns, so that their position is their column.
    replicas: Vec<(Target, Variable)>,
}

impl<'a> Program<'a> {
    fn new(problem: &'a Assignment, start: &Targets) -> Self {
        let mut program = Self {
            problem,
            variables: ProblemVariables::new(),
            start: Vec::new(),
            objective: Expression::default(),
            rows: Vec::new(),
            replicas: Vec::new(),
        };
        for (service, demand) in problem.demands.iter() {
            for place in &demand.places {
                program.add_replicas(service, place, start.get(service, place.cluster));
            }
        }
        for (service, demand) in problem.demands.iter() {
            program.add_demand(service, demand, start);
        }
        for (cluster, capacity) in problem.capacity.iter() {
            program.add_cluster(cluster, *capacity, start);
        }
        program
    }

    fn column(&mut self, definition: VariableDefinition, cost: f64, start: f64) -> Variable {
        let column = self.variables.add(definition);
        self.objective.add_mul(cost, column);
        self.start.push(start);
        column
    }

    fn add_replicas(&mut self, service: ServiceId, place: &Place, start: u32) {
        let start_cost = if place.incumbent == 0 { self.problem.start } else { 0.0 };
        let column = self.column(variable().integer().min(0).max(place.most), place.cost + start_cost, start.into());
        self.replicas.push((Target { service, cluster: place.cluster, replicas: 0 }, column));
    }

    /// Demand with its shortage, what starts beyond the incumbent, and the choice of one cluster.
    fn add_demand(&mut self, service: ServiceId, demand: &Demand, start: &Targets) {
        let columns: Vec<Variable> = self.columns(|target| target.service == service);
        let short = demand.wanted - start.total(service);
        let short = self.column(variable().min(0).max(demand.wanted), self.problem.shortage, short.into());
        let placed: Expression = columns.iter().sum();
        self.rows.push(constraint!(placed + short == f64::from(demand.wanted)));
        for (place, replicas) in demand.places.iter().zip(&columns).filter(|(place, _)| place.incumbent > 0) {
            let started = start.get(service, place.cluster).saturating_sub(place.incumbent);
            let started = self.column(variable().min(0).max(place.most), self.problem.start, started.into());
            self.rows.push(constraint!(*replicas - started <= f64::from(place.incumbent)));
        }
        if demand.is_single && demand.places.len() > 1 {
            self.add_choice(service, demand, (&columns, start));
        }
    }

    /// `r ≤ most · x` with binaries x of which one may be set.
    fn add_choice(&mut self, service: ServiceId, demand: &Demand, (columns, start): (&[Variable], &Targets)) {
        let mut chosen = Expression::default();
        for (place, replicas) in demand.places.iter().zip(columns) {
            let is_chosen = if start.get(service, place.cluster) > 0 { 1.0 } else { 0.0 };
            let choice = self.column(variable().binary(), 0.0, is_chosen);
            self.rows.push(constraint!(*replicas - f64::from(place.most) * choice <= 0));
            chosen.add_mul(1.0, choice);
        }
        self.rows.push(constraint!(chosen <= 1));
    }

    /// One row for each resource that can run short, and whether the cluster is used, where that costs something.
    fn add_cluster(&mut self, cluster: ClusterId, capacity: Resources, start: &Targets) {
        let columns = self.columns(|target| target.cluster == cluster);
        let places: Vec<(Resources, u32)> = self.places(cluster);
        for k in 0..capacity.amounts().len() {
            let wants = places.iter().map(|(request, _)| request.amounts()[k]);
            let largest: u128 =
                places.iter().map(|(request, most)| u128::from(request.amounts()[k]) * u128::from(*most)).sum();
            if largest > u128::from(capacity.amounts()[k]) {
                let divisor = wants.clone().fold(0, greatest_common_divisor);
                let room = capacity.amounts()[k] / divisor;
                let taken = weighted(&columns, wants.map(|want| (want / divisor) as f64));
                self.rows.push(constraint!(taken <= room as f64));
            }
        }
        if self.problem.activation > 0.0 && !columns.is_empty() {
            let is_used = if start.iter().any(|target| target.cluster == cluster) { 1.0 } else { 0.0 };
            let used = self.column(variable().binary(), self.problem.activation, is_used);
            for (replicas, (_, most)) in columns.iter().zip(&places) {
                self.rows.push(constraint!(*replicas - f64::from(*most) * used <= 0));
            }
        }
    }

    fn columns(&self, wanted: impl Fn(&Target) -> bool) -> Vec<Variable> {
        self.replicas.iter().filter(|(target, _)| wanted(target)).map(|(_, column)| *column).collect()
    }

    /// Requests and largest numbers of the services that may run in `cluster`, in the order of their columns.
    fn places(&self, cluster: ClusterId) -> Vec<(Resources, u32)> {
        let demands: &Table<ServiceId, Demand> = &self.problem.demands;
        let here = demands.values().flat_map(|demand| {
            demand.places.iter().filter(move |place| place.cluster == cluster).map(|place| (demand.request, place.most))
        });
        here.collect()
    }
}

fn weighted(columns: &[Variable], weights: impl Iterator<Item = f64>) -> Expression {
    let mut sum = Expression::default();
    for (column, weight) in columns.iter().zip(weights) {
        sum.add_mul(weight, *column);
    }
    sum
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
