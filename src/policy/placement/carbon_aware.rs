//! Carbon-aware: the original's optimisation of moves and carbon, whole services.
//!
//! ```text
//! min  move · Σ y·(1 − x)  +  carbon · Σ_e w_e · Σ_s d_s·x(s, e)        one cluster a service, Σ d·x ≤ K, accelerators
//! ```
//!
//! [`carbon_aware`] is the original's function on its own inputs, judged by recorded vectors; its weights are 1 and 5. A service
//! with room elsewhere moves exactly if `carbon · d · (w_from − w_to) > move`; a tie stays. Kept as it is: cores stand for
//! energy, nothing is said of idle power or PUE, and the weights have no unit. The policy takes `w` as the grid's intensity in
//! kg CO₂e per kWh (see `green`) and stops where no placement of whole services exists.
//!
//! It is a generalised assignment problem, solved by [`whole`] within a limit on nodes.

use super::green;
use super::naive::Inputs;
use super::nephele_placement::{Model, RelocationError, Version, amount, nodes};
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::whole::{Question, stays, stopped};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::plan::{Quality, Stop};
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table, Wanted, id::Id};
use crate::policy::{Context, Placement, PolicyError};
use crate::solver::whole::{self, NoAnswer, Problem};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "carbon-aware",
    summary: "moves against carbon, whole services: the original's optimisation",
    about: "min move·Σ y·(1 − x) + carbon·Σ w_e·d_s·x(s, e), d in cores with all replicas, w the grid's carbon intensity in kg \
        CO₂e per kWh, one cluster a service within capacity: a service moves where carbon·d·(w_from − w_to) > move and \
        there is room. Branch and bound with Lagrangian prices, node-limited. Source: `carbon_aware` of the Synergetic \
        Meta-Orchestrator.",
    parameters: &[
        Parameter { name: "move", default: "1", summary: "weight of a service that moves" },
        Parameter { name: "carbon", default: "5", summary: "weight of a core in a grid of 1 kg CO₂e per kWh" },
    ],
    partner: "static",
    build: |parameters| {
        let weights = Weights { relocation: weight(parameters, "move")?, carbon: weight(parameters, "carbon")? };
        Ok(Box::new(CarbonAware { weights, rooms: None }))
    },
};

fn weight(parameters: &Parameters, name: &'static str) -> Result<f64, ParameterError> {
    let weight: f64 = parameters.get(name)?;
    let fits = (0.0..=1e6).contains(&weight);
    if fits { Ok(weight) } else { Err(parameters.invalid(name, format!("{weight} lies outside 0 to 1000000"))) }
}

/// What a move and carbon weigh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of a service that moves (`w_re`).
    pub relocation: f64,
    /// Of a core in a cluster of carbon cost 1 (`w_carbon`).
    pub carbon: f64,
}

impl Default for Weights {
    /// The original's.
    fn default() -> Self {
        Self { relocation: 1.0, carbon: 5.0 }
    }
}

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CarbonError {
    /// No record of where services are: the original's words.
    #[error("Re-optimization requires a 'current_placement' matrix.")]
    NoCurrent,
    /// Not one cost for each cluster.
    #[error("Length of 'cluster_carbon_costs' must match the number of clusters.")]
    Costs,
    /// A cost that is no number.
    #[error("{0} is no carbon cost; it must be finite and below a thousand million")]
    Cost(f64),
    /// As re-placement.
    #[error(transparent)]
    Relocation(#[from] RelocationError),
}

/// A placement and its objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Balanced {
    /// A cluster for each service.
    pub places: Table<ServiceId, ClusterId>,
    /// `w_re · Σ y·(1 − x) + w_carbon · Σ w·d·x`.
    pub objective: f64,
    /// Whether nothing is better.
    pub is_proved: bool,
}

/// The original's optimisation. Costs are compared to a thousand-millionth.
///
/// # Errors
/// See [`CarbonError`].
pub fn carbon_aware(
    inputs: &Inputs<'_>,
    costs: &[f64],
    current: Option<&[Vec<f64>]>,
    weights: Weights,
) -> Result<Balanced, CarbonError> {
    let current = current.ok_or(CarbonError::NoCurrent)?;
    if costs.len() != inputs.capacities.len() {
        return Err(CarbonError::Costs);
    }
    let model = Model::new(inputs, Version::Service)?;
    let (services, clusters) = (inputs.cores.len(), costs.len());
    if current.len() != services || current.iter().any(|row| row.len() != clusters) {
        let columns = current.first().map_or(0, Vec::len);
        return Err(RelocationError::Shape { rows: current.len(), columns, services, clusters }.into());
    }
    if !model.is_possible {
        return Err(RelocationError::Infeasible.into());
    }
    let needs = inputs.needs();
    let price = |service: ServiceId, cluster: ClusterId| {
        let row = &current[service.index()];
        let stays = row.iter().sum::<f64>() - row[cluster.index()];
        weights.relocation * stays + weights.carbon * costs[cluster.index()] * needs[service.index()]
    };
    let cost = |service, cluster| {
        let price: f64 = price(service, cluster);
        let cost = amount(price).filter(|cost| cost.abs() < 1 << 60).ok_or(CarbonError::Cost(price))?;
        Ok(model.problem.may_use(service, cluster).then_some(cost))
    };
    let row = |service| (0..clusters).map(|cluster| cost(service, ClusterId::from_index(cluster))).collect();
    let problem = Problem {
        capacity: model.problem.capacity.clone(),
        needs: model.problem.services.values().map(|one| one.need).collect(),
        costs: model.problem.services.ids().map(row).collect::<Result<_, CarbonError>>()?,
    };
    let incumbent = current.iter().map(|row| row.iter().position(|flag| *flag > 0.0).map(ClusterId::from_index));
    let incumbent: Option<Table<ServiceId, ClusterId>> = incumbent.collect();
    match problem.solve(incumbent.as_ref(), NODES) {
        Ok(answer) => {
            let objective = answer.places.iter().map(|(service, cluster)| price(service, *cluster)).sum();
            Ok(Balanced { objective, is_proved: answer.cost == answer.bound, places: answer.places })
        }
        Err(NoAnswer::Infeasible) => Err(RelocationError::Infeasible.into()),
        Err(NoAnswer::NotFound { nodes }) => {
            Err(RelocationError::NotFound(crate::solver::fewest_moves::NoAnswer::NotFound { nodes }).into())
        }
    }
}

/// Nodes for one call of the original's function.
const NODES: u32 = 1_000_000;

/// Moves against carbon in what the world looks like now.
#[derive(Clone)]
pub struct CarbonAware {
    weights: Weights,
    rooms: Option<Rooms>,
}

impl Weights {
    /// The question with its costs, in thousand-millionths.
    fn problem(self, question: &Question<'_>, carbon: &Table<ClusterId, f64>) -> Problem {
        let cost = |row: ServiceId, column: ClusterId| {
            let homes = &question.homes[row];
            let moved = homes.len() as f64 - f64::from(u8::from(homes.contains(&column)));
            let price = self.relocation * moved + self.carbon * carbon[column] * question.needs[row].cpu.cores();
            question.open[row][column].then(|| amount(price).unwrap_or(i64::MAX).clamp(-(1 << 50), 1 << 50))
        };
        Problem {
            capacity: question.capacity.clone(),
            needs: question.needs.clone(),
            costs: question
                .services
                .ids()
                .map(|row| question.clusters.ids().map(|column| cost(row, column)).collect())
                .collect(),
        }
    }
}

impl Placement for CarbonAware {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let weights = self.weights;
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        let question = Question::new(snapshot, wanted, rooms);
        let problem = weights.problem(&question, &green::costs(snapshot, &question.clusters));
        match problem.solve(question.settled().as_ref(), nodes(context.budget) / 4) {
            Ok(whole::Answer { places, cost, bound }) => {
                let stop = if cost == bound { Stop::Optimal } else { Stop::NodeLimit };
                let of = |cost: i64| cost as f64 / 1e9;
                let quality = Quality { objective: of(cost), bound: Some(of(bound)), tier: "branch and bound", stop };
                Ok(question.answer(&places, Some(quality)))
            }
            Err(_) => Ok(stopped(snapshot, wanted, rooms, &RelocationError::Infeasible.to_string())),
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
