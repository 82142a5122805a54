//! The assignment as a mixed-integer linear program, solved by `HiGHS`.
//!
//! Deterministic: one thread, a fixed seed, columns and rows in the order of ids, and a limit on nodes, never on time
//! unless a live controller asks for it. Every answer is counted again in integers, and its claims against the count.
//!
//! No start is given to it: `HiGHS` 1.16.0 values a start in its presolved model by the wrong offset where presolve fixed
//! dominated columns at other values, and then claims an optimum below any that exists (seen in one of some hundred small
//! models). A caller that has a plan compares it with the answer.
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

/// What the search came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The best answer, in integers; `None` where the limit was reached before there was one.
    pub targets: Option<Targets>,
    /// No answer costs less.
    pub bound: f64,
    /// Why the search ended.
    pub stop: Stop,
}

/// The solver failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// It does not take the model, or an option.
    #[error("HiGHS does not take the model: {0}")]
    Model(String),
    /// It ended otherwise than with an answer or at a limit.
    #[error("HiGHS ended with {0}")]
    Ended(String),
    /// It gave an answer that is wrong.
    #[error(
        "HiGHS claims {claimed} for an answer that costs {counted}, or breaks a constraint, and a bound of {bound}"
    )]
    Wrong {
        /// The objective that it claims.
        claimed: f64,
        /// The objective of its answer.
        counted: f64,
        /// Its bound.
        bound: f64,
    },
}

/// The best assignment that is found within `limits`.
///
/// # Errors
/// When the solver fails.
pub fn solve(problem: &Assignment, limits: &Limits) -> Result<Answer, SolveError> {
    let program = Program::new(problem);
    if program.replicas.is_empty() {
        let nothing = Targets::default();
        return Ok(Answer { bound: problem.cost(&nothing), targets: Some(nothing), stop: Stop::Optimal });
    }
    let Program { variables, objective, rows, replicas, .. } = program;
    let mut model = variables.minimise(objective).using(using_highs);
    for row in rows {
        model.add_constraint(row);
    }
    let mut model = model.try_into_inner().map_err(|error| SolveError::Model(error.to_string()))?;
    set_limits(&mut model, limits).map_err(|error| SolveError::Model(format!("{error:?}")))?;
    let solved = model.try_solve().map_err(|error| SolveError::Ended(format!("{error:?}")))?;
    read(problem, &solved, &replicas)
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

/// What the solver says, counted again.
fn read(problem: &Assignment, solved: &SolvedModel, columns: &[(Target, Variable)]) -> Result<Answer, SolveError> {
    let stop = match solved.status() {
        HighsModelStatus::Optimal => Stop::Optimal,
        HighsModelStatus::ReachedSolutionLimit | HighsModelStatus::ReachedTimeLimit => Stop::NodeLimit,
        other => return Err(SolveError::Ended(format!("{other:?}"))),
    };
    let no_bound = |status: HighsStatus| SolveError::Ended(format!("no bound: {status:?}"));
    let bound = solved.double_info_value(c"mip_dual_bound").map_err(no_bound)?;
    if solved.primal_solution_status() != HighsSolutionStatus::Feasible {
        return Ok(Answer { targets: None, bound, stop });
    }
    let solution = solved.get_solution();
    let values = columns.iter().zip(solution.columns());
    let targets: Targets = values.map(|((target, _), value)| Target { replicas: rounded(*value), ..*target }).collect();
    let (claimed, counted) = (solved.objective_value(), problem.cost(&targets));
    let tolerance = 1e-6 * counted.abs().max(1.0);
    if !problem.admits(&targets) || (claimed - counted).abs() > tolerance || bound > counted + tolerance {
        return Err(SolveError::Wrong { claimed, counted, bound });
    }
    Ok(Answer { targets: Some(targets), bound, stop })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates; the answer is counted again"
)]
fn rounded(value: f64) -> u32 {
    value.round() as u32
}

/// The program under construction.
struct Program<'a> {
    problem: &'a Assignment,
    variables: ProblemVariables,
    objective: Expression,
    rows: Vec<good_lp::Constraint>,
    /// `r[s,e]`: the first columns, so that their position is their column.
    replicas: Vec<(Target, Variable)>,
}

impl<'a> Program<'a> {
    fn new(problem: &'a Assignment) -> Self {
        let mut program = Self {
            problem,
            variables: ProblemVariables::new(),
            objective: Expression::default(),
            rows: Vec::new(),
            replicas: Vec::new(),
        };
        for (service, demand) in problem.demands.iter() {
            for place in &demand.places {
                program.add_replicas(service, place);
            }
        }
        for (service, demand) in problem.demands.iter() {
            program.add_demand(service, demand);
        }
        for (cluster, capacity) in problem.capacity.iter() {
            program.add_cluster(cluster, *capacity);
        }
        program
    }

    fn column(&mut self, definition: VariableDefinition, cost: f64) -> Variable {
        let column = self.variables.add(definition);
        self.objective.add_mul(cost, column);
        column
    }

    fn add_replicas(&mut self, service: ServiceId, place: &Place) {
        let start_cost = if place.incumbent == 0 { self.problem.start } else { 0.0 };
        let definition = variable().integer().min(place.least).max(place.most);
        let column = self.column(definition, place.cost + start_cost);
        self.replicas.push((Target { service, cluster: place.cluster, replicas: 0 }, column));
    }

    /// Demand with its shortage, what starts beyond the incumbent, and the choice of one cluster.
    fn add_demand(&mut self, service: ServiceId, demand: &Demand) {
        let columns: Vec<Variable> = self.columns(|target| target.service == service);
        let short = self.column(variable().min(0).max(demand.wanted), self.problem.shortage);
        let placed: Expression = columns.iter().sum();
        self.rows.push(constraint!(placed + short == f64::from(demand.wanted)));
        for (place, replicas) in demand.places.iter().zip(&columns).filter(|(place, _)| place.incumbent > 0) {
            let started = self.column(variable().min(0).max(place.most), self.problem.start);
            self.rows.push(constraint!(*replicas - started <= f64::from(place.incumbent)));
        }
        if demand.is_single && demand.places.len() > 1 {
            self.add_choice(demand, &columns);
        }
    }

    /// `r ≤ most · x` with binaries x of which one may be set.
    fn add_choice(&mut self, demand: &Demand, columns: &[Variable]) {
        let mut chosen = Expression::default();
        for (place, replicas) in demand.places.iter().zip(columns) {
            let choice = self.column(variable().binary(), 0.0);
            self.rows.push(constraint!(*replicas - f64::from(place.most) * choice <= 0));
            chosen.add_mul(1.0, choice);
        }
        self.rows.push(constraint!(chosen <= 1));
    }

    /// One row for each resource that can run short, and whether the cluster is used, where that costs something.
    fn add_cluster(&mut self, cluster: ClusterId, capacity: Resources) {
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
            let used = self.column(variable().binary(), self.problem.activation);
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
