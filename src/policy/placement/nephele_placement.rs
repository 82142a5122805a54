//! Nephele placement: the original's re-placement, whole services with the fewest moves.
//!
//! [`decide_placement`] is the original's function on its own inputs, in its three versions, judged by recorded vectors. What
//! it optimises is only the number of moves (see [`fewest_moves`]), so no solver is asked
//! unless there is no certificate; destinations are then the fullest clusters with room, where the original leaves them to
//! its solver. Its faults are kept where they change the answer:
//!
//! - one infeasible service stops everything (the policy keeps what there is and refuses the rest in the original's words);
//! - no cost, balance or latency: an initial placement has no objective at all;
//! - versions: `utils` stops for four services or more, `upstream` reads the present placement transposed, too.
//!
//! One deviation, as for `naive`: what the checker would reject counts as not fitting.

use super::naive::Inputs;
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::whole::{Question, Solved, stays, stopped};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::plan::{Quality, Stop};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Table, Wanted, id::Id};
use crate::policy::{Budget, Context, Placement, PolicyError};
use crate::solver::fewest_moves::{self, NoAnswer, Problem, Whole};
use crate::solver::whole;
use crate::units::MilliCores;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "nephele-placement",
    summary: "whole services with the fewest moves: the original's re-placement, faults included",
    about: "min w_dep·Σ x + w_re·Σ y·(y − x) with one cluster for each service, Σ d·x ≤ K and accelerators where they are \
        needed: since Σ x is constant, the fewest services that leave their cluster. Decided by the certificate \
        |F| + Σ κ_e (those that may not stay, and the fewest that must leave each cluster that is asked for too much), by \
        search where that is not met. One service that fits nowhere stops everything. Source: `decide_placement` of \
        the Synergetic Meta-Orchestrator.",
    parameters: &[Parameter {
        name: "version",
        default: "service",
        summary: "`service`, or `utils`: an earlier copy that stops for four services or more",
    }],
    partner: "nephele-scaling",
    build: |parameters| Ok(Box::new(NephelePlacement::new(Version::read(parameters)?))),
};

/// Whose version of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The one that services call.
    Service,
    /// A copy with a constraint on neighbours that is trivial and has two entries only.
    Utils,
    /// The early one: besides, the present placement is read transposed and the first service needs no accelerator.
    Upstream,
}

impl Version {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        match parameters.get::<String>("version")?.as_str() {
            "service" => Ok(Self::Service),
            "utils" => Ok(Self::Utils),
            other => Err(parameters.invalid("version", format!("`{other}` is neither `service` nor `utils`"))),
        }
    }

    /// How many services the version can place.
    const fn services_max(self) -> usize {
        match self {
            Self::Service => usize::MAX,
            Self::Utils | Self::Upstream => 3,
        }
    }
}

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RelocationError {
    /// There is nothing to place, or nowhere.
    #[error("there are no services or no clusters; at least one of each is needed")]
    Empty,
    /// Lists of different lengths.
    #[error("lists about services or clusters differ in length; each list needs one entry for each of them")]
    Misshapen,
    /// A present placement of other services or clusters.
    #[error(
        "the present placement has {rows} rows and {columns} columns for {services} services and {clusters} clusters"
    )]
    Shape {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Services.
        services: usize,
        /// Clusters.
        clusters: usize,
    },
    /// Not a number, or too large or too small for one.
    #[error("{0} is no number of cores; it must be finite and not negative")]
    Number(f64),
    /// Four services or more in a version that takes three.
    #[error("this version of the original places at most 3 services (list index out of range), not {0}")]
    Index(usize),
    /// Nothing fits: the original's words.
    #[error("Optimal placement not found. Problem status: infeasible")]
    Infeasible,
    /// The search ended without an answer.
    #[error(transparent)]
    NotFound(NoAnswer),
}

/// A placement and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Relocation {
    /// A cluster for each service.
    pub places: Table<ServiceId, ClusterId>,
    /// `Σ x + Σ y·(y − x)`.
    pub objective: f64,
    /// Whether nothing is better.
    pub is_proved: bool,
}

/// The original's re-placement of whole services. `current` has a row for each service and a column for each cluster, ones
/// where it is; `None` where the original has no record.
///
/// Sums of cores are compared to the nanocore, so that 0.1 + 0.2 fit into 0.3, as they do within a solver's tolerance.
///
/// # Errors
/// See [`RelocationError`].
pub fn decide_placement(
    inputs: &Inputs<'_>,
    current: Option<&[Vec<f64>]>,
    version: Version,
    nodes: u32,
) -> Result<Relocation, RelocationError> {
    let model = Model::new(inputs, version)?;
    let (services, clusters) = (model.problem.services.len(), model.problem.capacity.len());
    let rows = current.map_or(0, <[_]>::len);
    let columns = current.and_then(|current| current.first()).map_or(0, Vec::len);
    let shape = RelocationError::Shape { rows, columns, services, clusters };
    let current = current.filter(|current| columns > 0 && current.iter().all(|row| row.len() == columns));
    let current = current.ok_or_else(|| shape.clone())?;
    let current = if version == Version::Upstream { transposed(current) } else { current.to_vec() };
    let worth = Worth::new(&current, (services, clusters)).ok_or(shape)?;
    if services > version.services_max() {
        return Err(RelocationError::Index(services));
    }
    if !model.is_possible {
        return Err(RelocationError::Infeasible);
    }
    let (places, is_proved) = worth.solve(model.problem, nodes)?;
    Ok(Relocation { objective: services as f64 + worth.penalty(&places), places, is_proved })
}

fn transposed(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..matrix.first().map_or(0, Vec::len)).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}

/// Services and clusters of the original's inputs, in nanocores; nobody is anywhere yet.
pub(in crate::policy) struct Model {
    /// The problem without homes.
    pub problem: Problem,
    /// Whether no cluster has less than nothing, which no placement mends.
    pub is_possible: bool,
}

impl Model {
    /// # Errors
    /// Lists of different lengths, or amounts that are none.
    pub fn new(inputs: &Inputs<'_>, version: Version) -> Result<Self, RelocationError> {
        let (clusters, services) = (inputs.capacities.len(), inputs.cores.len());
        if clusters != inputs.accelerated.len() || [inputs.accelerate.len(), inputs.replicas.len()] != [services; 2] {
            return Err(RelocationError::Misshapen);
        }
        if clusters == 0 || services == 0 {
            return Err(RelocationError::Empty);
        }
        let needs = inputs.cores.iter().zip(inputs.replicas).map(|(cores, count)| cores * f64::from(*count));
        let needs = needs.map(|need| amount(need).filter(|nanos| *nanos >= 0).ok_or(RelocationError::Number(need)));
        let needs: Vec<i64> = needs.collect::<Result<_, _>>()?;
        let capacities = inputs.capacities.iter().map(|cores| amount(*cores).ok_or(RelocationError::Number(*cores)));
        let capacities: Vec<i64> = capacities.collect::<Result<_, _>>()?;
        let kinds =
            vec![inputs.accelerated.iter().map(|_| true).collect(), inputs.accelerated.iter().copied().collect()];
        let service = |(row, need): (usize, &i64)| {
            let is_exempt = version == Version::Upstream && row == 0;
            let kind = usize::from(inputs.accelerate[row] && !is_exempt);
            Whole { need: cores(*need), kind, ..Whole::default() }
        };
        let problem = Problem {
            capacity: capacities.iter().map(|nanos| cores(*nanos)).collect(),
            services: needs.iter().enumerate().map(service).collect(),
            kinds,
        };
        Ok(Self { problem, is_possible: capacities.iter().all(|nanos| *nanos >= 0) })
    }
}

/// Cores in nanocores; `None` beyond nine thousand million.
#[expect(clippy::cast_possible_truncation, reason = "range is checked first")]
pub(in crate::policy) fn amount(cores: f64) -> Option<i64> {
    let nanos = (cores * 1e9).round();
    (nanos.abs() < 9e18).then_some(nanos as i64)
}

/// The unit does not matter to the solver: nanocores stand where millicores usually do.
fn cores(nanos: i64) -> Resources {
    Resources { cpu: MilliCores(u64::try_from(nanos).unwrap_or(0)), ..Resources::ZERO }
}

/// What being somewhere is worth: `Σ y·(y − x) = constant − Σ worth(s, x(s))`.
///
/// The original multiplies matrices entry by entry, and its modelling library repeats rows or columns of which there is one:
/// so does this.
pub(in crate::policy) struct Worth {
    constant: f64,
    worth: Table<ServiceId, Table<ClusterId, f64>>,
}

impl Worth {
    /// `None` where the matrix does not fit the services and clusters.
    pub fn new(current: &[Vec<f64>], (services, clusters): (usize, usize)) -> Option<Self> {
        let (rows, columns) = (current.len(), current.first().map_or(0, Vec::len));
        let fits = |own: usize, other: usize| own == other || own == 1 || other == 1;
        if rows == 0 || columns == 0 || !fits(rows, services) || !fits(columns, clusters) {
            return None;
        }
        let mut constant = 0.0;
        let mut worth = Table::build(services, |_| Table::build(clusters, |_| 0.0));
        let at = |index: usize, length: usize| if length == 1 { 0 } else { index };
        for row in 0..rows.max(services) {
            for column in 0..columns.max(clusters) {
                let value = current[at(row, rows)][at(column, columns)];
                constant += value * value;
                worth[ServiceId::from_index(at(row, services))][ClusterId::from_index(at(column, clusters))] += value;
            }
        }
        Some(Self { constant, worth })
    }

    /// `Σ y·(y − x)`.
    pub fn penalty(&self, places: &Table<ServiceId, ClusterId>) -> f64 {
        self.constant - places.iter().map(|(service, cluster)| self.worth[service][*cluster]).sum::<f64>()
    }

    /// Clusters that are worth one more than the others for a service; `None` where there are other worths.
    fn homes(&self, service: ServiceId) -> Option<Vec<ClusterId>> {
        let row = &self.worth[service];
        let is = |worth: f64, flag: f64| worth.to_bits() == flag.to_bits();
        let is_plain = row.values().all(|worth| *worth == 0.0 || is(*worth, 1.0));
        is_plain.then(|| row.iter().filter(|(_, worth)| is(**worth, 1.0)).map(|(cluster, _)| cluster).collect())
    }

    /// The placement of least penalty, and whether that is proved.
    pub fn solve(
        &self,
        mut problem: Problem,
        nodes: u32,
    ) -> Result<(Table<ServiceId, ClusterId>, bool), RelocationError> {
        let homes: Option<Vec<Vec<ClusterId>>> = problem.services.ids().map(|service| self.homes(service)).collect();
        let Some(homes) = homes else { return self.branch(&problem, nodes) };
        for ((_, service), homes) in problem.services.iter_mut().zip(homes) {
            let mut homes = homes.into_iter();
            (service.home, service.more_homes) = (homes.next(), homes.collect());
        }
        match problem.solve(nodes) {
            Ok(answer) => Ok((answer.places.clone(), answer.is_proved())),
            Err(NoAnswer::Infeasible) => Err(RelocationError::Infeasible),
            Err(error) => Err(RelocationError::NotFound(error)),
        }
    }

    /// With other worths than none and one, counted in millionths.
    fn branch(&self, problem: &Problem, nodes: u32) -> Result<(Table<ServiceId, ClusterId>, bool), RelocationError> {
        let cost = |service: ServiceId, (cluster, worth): (ClusterId, &f64)| {
            #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
            let millionths = (-worth * 1e6).round() as i64;
            problem.may_use(service, cluster).then_some(millionths.clamp(-(1 << 50), 1 << 50))
        };
        let row = |service: ServiceId| self.worth[service].iter().map(|worth| cost(service, worth)).collect();
        let problem = whole::Problem {
            capacity: problem.capacity.clone(),
            needs: problem.services.values().map(|one| one.need).collect(),
            costs: problem.services.ids().map(row).collect(),
        };
        match problem.solve(None, nodes) {
            Ok(answer) => Ok((answer.places, answer.cost == answer.bound)),
            Err(whole::NoAnswer::Infeasible) => Err(RelocationError::Infeasible),
            Err(whole::NoAnswer::NotFound { nodes }) => Err(RelocationError::NotFound(NoAnswer::NotFound { nodes })),
        }
    }
}

/// What the original's text column makes of a number of replicas: the text repeated so many times, read as a number. `None`
/// where that is none. Half a core twice is `0.50.5`, one core twice are eleven.
pub fn need_of_text(cores: &str, replicas: u32) -> Option<f64> {
    cores.repeat(usize::try_from(replicas).ok()?).trim().parse().ok()
}

/// The original's re-placement of what the world looks like now.
#[derive(Clone)]
pub struct NephelePlacement {
    version: Version,
    rooms: Option<Rooms>,
    solved: Solved,
}

impl NephelePlacement {
    /// As a version has it.
    pub const fn new(version: Version) -> Self {
        Self { version, rooms: None, solved: Solved::none() }
    }
}

/// Nodes that the search for fewer moves may look at, for each node of a budget: those of a solver do far more.
const NODES: u32 = 100;

/// What is known of an answer.
pub(in crate::policy) fn quality(services: usize, answer: &fewest_moves::Answer) -> Quality {
    let objective = |moves: u32| services as f64 + f64::from(moves);
    let stop = if answer.is_proved() { Stop::Optimal } else { Stop::NodeLimit };
    let bound = Some(objective(answer.bound));
    Quality { objective: objective(answer.moves), bound, tier: answer.method.name(), stop }
}

/// Nodes of the search for whole services.
pub(in crate::policy) const fn nodes(budget: &Budget) -> u32 {
    budget.nodes.saturating_mul(NODES)
}

impl Placement for NephelePlacement {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        let question = Question::new(snapshot, wanted, rooms);
        let count = question.services.len();
        if count > self.version.services_max() && question.settled().is_none() {
            let message = RelocationError::Index(count).to_string();
            return Ok(stopped(snapshot, wanted, rooms, &message));
        }
        match self.solved.solve(question.moves(), nodes(context.budget)) {
            Ok(answer) => {
                let quality = quality(count, &answer);
                Ok(question.answer(&answer.places, Some(quality)))
            }
            Err(NoAnswer::Infeasible) => Ok(stopped(snapshot, wanted, rooms, &RelocationError::Infeasible.to_string())),
            Err(error) => Ok(stopped(snapshot, wanted, rooms, &error.to_string())),
        }
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let terms = [Some(("is there", 1.0, "")), None];
        ByRank { rank: stays, terms, next: next_for_all }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
