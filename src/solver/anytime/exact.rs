//! The whole problem as a mixed-integer program, for `HiGHS`: what is left when everything cheaper has been tried.
//!
//! Deterministic as [`milp`](crate::solver::milp) is, and as distrustful: answers are counted again in integers by the caller, and
//! neither a start nor a cutoff is given, because both are valued by the wrong offset once presolve has moved it (seen in
//! 1.16.0: the limit is taken over without the offset, `HighsMipSolverData.cpp`). What an answer at hand is worth goes in by
//! [`fixing`](super::fixing) instead.
//!
//! Rules are rows where they are linear. Those that are not (calls of services that may be split, distances of many
//! clusters) are left out: the bound holds without them, and the answer is valued with them. Sources of the forms: calls
//! by one-sided cuts `z[e] ≥ x[from,e] − x[to,e]` where all distances are alike, by transport columns where they are not.

use super::problem::{Problem, index};
use super::social::{Pair, Rules};
use highs::{Col, HighsModelStatus, HighsSolutionStatus, Model, RowProblem, Sense};
use std::collections::BTreeMap;
use std::time::Duration;

/// Transport columns that a model may have.
const TRANSPORT_MAX: usize = 60_000;

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
        let rules = &problem.rules;
        program.add_pairs(rules);
        program.add_groups(rules);
        program.add_caps_and_spreads(rules);
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

    fn add_pairs(&mut self, rules: &Rules) {
        let clusters = self.problem.clusters();
        let mut transports = 0;
        for pair in &rules.pairs {
            let ends = [pair.from as usize, pair.to as usize];
            if !ends.iter().all(|service| self.problem.services[*service].is_single) {
                continue;
            }
            let distance = &rules.distances[pair.distance as usize];
            if let Some(apart) = uniform(distance, clusters) {
                self.add_cut(pair, apart);
            } else if transports + clusters * clusters <= TRANSPORT_MAX {
                transports += clusters * clusters;
                self.add_transport(pair, distance);
            }
        }
    }

    /// `Σ_e z[e]`, `z[e] ≥ x[from,e] − x[to,e] − (to is nowhere)`.
    fn add_cut(&mut self, pair: &Pair, apart: f64) {
        let problem = self.problem;
        let nowhere = self.nowhere(pair.to as usize);
        for place in problem.places_of(pair.from as usize) {
            let here = self.use_of(place);
            let cluster = problem.places[place].cluster;
            let other = problem.places_of(pair.to as usize).find(|other| problem.places[*other].cluster == cluster);
            let cut = self.continuous(pair.weight * apart, 1.0);
            let mut row = vec![(here, 1.0), (cut, -1.0), (nowhere, -1.0)];
            if let Some(other) = other {
                row.push((self.use_of(other), -1.0));
            }
            self.rows.add_row(..=0.0, &row);
        }
    }

    /// One where the service has no place.
    fn nowhere(&mut self, service: usize) -> Col {
        let column = self.continuous(0.0, 1.0);
        let mut row = vec![(column, 1.0)];
        for place in self.problem.places_of(service) {
            row.push((self.use_of(place), 1.0));
        }
        self.rows.add_row(1.0..=1.0, &row);
        column
    }

    /// `f[e,e'] ≥ 0`, `Σ_e' f[e,e'] = x[from,e]` as far as `to` is somewhere, `Σ_e f[e,e'] ≤ x[to,e']`.
    fn add_transport(&mut self, pair: &Pair, distance: &[f64]) {
        let problem = self.problem;
        let (from, to) = (problem.places_of(pair.from as usize), problem.places_of(pair.to as usize));
        let nowhere = self.nowhere(pair.to as usize);
        let mut arrives: Vec<Vec<(Col, f64)>> = vec![Vec::new(); to.len()];
        for place in from {
            let row = &distance[problem.places[place].cluster as usize * problem.clusters()..];
            let mut leaves = vec![(self.use_of(place), -1.0), (nowhere, 1.0)];
            for (at, other) in to.clone().enumerate() {
                let flow = self.continuous(pair.weight * row[problem.places[other].cluster as usize], 1.0);
                leaves.push((flow, 1.0));
                arrives[at].push((flow, 1.0));
            }
            self.rows.add_row(0.0.., &leaves);
        }
        for (mut row, other) in arrives.into_iter().zip(to) {
            row.push((self.use_of(other), -1.0));
            self.rows.add_row(..=0.0, &row);
        }
    }

    fn add_groups(&mut self, rules: &Rules) {
        let problem = self.problem;
        for group in &rules.groups {
            let mut members: Vec<Vec<Col>> = vec![Vec::new(); problem.clusters()];
            for service in &group.services {
                for place in problem.places_of(*service as usize) {
                    members[problem.places[place].cluster as usize].push(self.use_of(place));
                }
            }
            for columns in members.into_iter().filter(|columns| !columns.is_empty()) {
                self.add_meeting(&columns, group.is_together, (group.price, group.services.len()));
            }
        }
    }

    /// Members of a group in one cluster.
    fn add_meeting(&mut self, columns: &[Col], is_together: bool, (price, size): (f64, usize)) {
        if !is_together {
            let beyond = self.continuous(price, size as f64);
            let mut row: Vec<(Col, f64)> = columns.iter().map(|column| (*column, 1.0)).collect();
            row.push((beyond, -1.0));
            self.rows.add_row(..=1.0, &row);
            return;
        }
        // Missing members: size · [one is here] − those that are here.
        let missing = self.continuous(price, size as f64);
        for one in columns {
            let mut row: Vec<(Col, f64)> = columns.iter().map(|column| (*column, -1.0)).collect();
            row.push((*one, size as f64));
            row.push((missing, -1.0));
            let mut merged: Vec<(Col, f64)> = Vec::new();
            for (column, factor) in row {
                match merged.iter_mut().find(|(known, _)| *known == column) {
                    Some((_, sum)) => *sum += factor,
                    None => merged.push((column, factor)),
                }
            }
            self.rows.add_row(..=0.0, &merged);
        }
    }

    fn add_caps_and_spreads(&mut self, rules: &Rules) {
        for cap in &rules.caps {
            let beyond = self.continuous(cap.price, f64::INFINITY);
            let held = cap.places.iter().map(|place| (self.replicas[*place as usize], 1.0));
            let row: Vec<(Col, f64)> = held.chain([(beyond, -1.0)]).collect();
            self.rows.add_row(..=f64::from(cap.most), &row);
        }
        for spread in &rules.spreads {
            self.add_spread(spread);
        }
    }

    /// `missing ≥ min(at_least, replicas) − domains`, with as many replicas as there are, one domain each at most.
    fn add_spread(&mut self, spread: &super::social::Spread) {
        let places = self.problem.places_of(spread.service as usize);
        let wanted = self.rows.add_column(0.0, 0.0..=f64::from(spread.at_least));
        let missing = self.continuous(spread.price, f64::from(spread.at_least));
        let mut row = vec![(missing, 1.0), (wanted, -1.0)];
        let mut members: BTreeMap<u32, Vec<(Col, f64)>> = BTreeMap::new();
        for (place, domain) in places.clone().zip(&spread.domains) {
            let used = self.use_of(place);
            members.entry(*domain).or_default().push((used, -1.0));
        }
        for mut members in members.into_values() {
            let column = self.continuous(0.0, 1.0);
            row.push((column, 1.0));
            members.push((column, 1.0));
            self.rows.add_row(..=0.0, &members);
        }
        self.rows.add_row(0.0.., &row);
        self.want_domains(spread.at_least, places, wanted);
    }

    /// Ties `wanted` to `min(at_least, replicas)` from below by one binary: all of them, or as many as there are replicas.
    fn want_domains(&mut self, at_least: u32, places: std::ops::Range<usize>, wanted: Col) {
        let is_few = self.rows.add_integer_column(0.0, 0.0..=1.0);
        let at_least = f64::from(at_least);
        self.rows.add_row(at_least.., [(wanted, 1.0), (is_few, at_least)]);
        // With few replicas: wanted ≥ replicas; otherwise the row is slack.
        let most: u32 = places.clone().map(|place| self.problem.places[place].most).fold(0, u32::saturating_add);
        let mut row: Vec<(Col, f64)> = places.map(|place| (self.replicas[place], -1.0)).collect();
        row.push((wanted, 1.0));
        row.push((is_few, -f64::from(most)));
        self.rows.add_row(-f64::from(most).., &row);
    }
}

/// The distance between any two different clusters, where it is the same everywhere.
fn uniform(distance: &[f64], clusters: usize) -> Option<f64> {
    let apart = if clusters > 1 { distance[1] } else { 0.0 };
    let expected = |at: usize| if at / clusters == at % clusters { 0.0 } else { apart };
    (0..clusters * clusters).all(|at| distance[at].to_bits() == expected(at).to_bits()).then_some(apart)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
