//! Green consolidation: the original's greedy placement by the carbon cost of clusters.
//!
//! [`green_consolidation`] is the original's function on its own inputs, judged by recorded vectors: services in the order of
//! their declaration, each as a whole into the cluster with the lowest carbon cost, among equals the one that is used most, then
//! the first. Kept as it is: it may fill the greenest cluster with a small service so that a large one pays elsewhere, or
//! fails although a placement exists; usage only breaks exact ties.
//!
//! The original has no source of carbon costs and is called by nobody. The policy takes the grid's intensity in kg CO₂e per
//! kWh, and where none is seen the highest that is seen anywhere: missing is never zero. It places anew at every decision,
//! so services follow the greenest grid; it stops, as `naive` does, where a check fails or a service fits nowhere.

use super::Entry;
use super::naive::{FirstFitError, Inputs, PreCheck, pre_check};
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::whole::{Question, stays, stopped};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Table, Wanted, id::Id};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "green-consolidation",
    summary: "whole services into the greenest cluster that has room, the most used among equals: the original's heuristic",
    about: "Services in the order of their declaration, each as a whole into the cluster with room where (carbon intensity \
        ascending, cores used descending, position ascending) comes first; the two checks of `naive` before that; one that \
        fits nowhere stops everything. Source: green consolidation of the Synergetic Meta-Orchestrator.",
    parameters: &[],
    partner: "static",
    build: |_| Ok(Box::new(Green { rooms: None })),
};

/// Why nothing is placed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GreenError {
    /// Not one cost for each cluster: the original's words.
    #[error("Length of 'cluster_carbon_costs' must match the number of clusters.")]
    Costs,
    /// As first fit.
    #[error(transparent)]
    Fit(#[from] FirstFitError),
}

/// The original's heuristic: a cluster for each service, or the first reason against it.
///
/// # Errors
/// See [`GreenError`].
pub fn green_consolidation(inputs: &Inputs<'_>, costs: &[f64]) -> Result<Table<ServiceId, ClusterId>, GreenError> {
    if costs.len() != inputs.capacities.len() {
        return Err(GreenError::Costs);
    }
    inputs.check_shape()?;
    let needs = inputs.needs();
    pre_check(&needs, inputs.capacities, PreCheck::Largest)?;
    let mut used = vec![0.0; costs.len()];
    let place = |(index, need): (usize, &f64)| {
        let fits = |e: &usize| {
            (!inputs.accelerate[index] || inputs.accelerated[*e]) && used[*e] + need <= inputs.capacities[*e]
        };
        let greener = |a: &usize, b: &usize| costs[*a].total_cmp(&costs[*b]).then(used[*b].total_cmp(&used[*a]));
        let service = ServiceId::from_index(index);
        let unplaced = FirstFitError::Unplaced { service, cores: *need, check: PreCheck::Largest };
        let chosen = (0..used.len()).filter(fits).min_by(greener).ok_or(unplaced)?;
        used[chosen] += need;
        Ok(ClusterId::from_index(chosen))
    };
    needs.iter().enumerate().map(place).collect()
}

/// Carbon emitted for a core, in the original's unit: `Σ d_s · w_e(s)`.
pub fn footprint(inputs: &Inputs<'_>, costs: &[f64], places: &Table<ServiceId, ClusterId>) -> f64 {
    let needs = inputs.needs();
    places.iter().map(|(service, cluster)| needs[service.index()] * costs[cluster.index()]).sum()
}

/// Carbon cost of each column: its intensity in kg CO₂e per kWh, or the highest that is seen anywhere.
pub(super) fn costs(snapshot: &Snapshot, clusters: &Table<ClusterId, ClusterId>) -> Table<ClusterId, f64> {
    let seen = |cluster: &ClusterId| snapshot.clusters[*cluster].carbon.value.map(|grams| grams / 1e3);
    let highest = snapshot.clusters.ids().filter_map(|cluster| seen(&cluster)).fold(0.0, f64::max);
    clusters.values().map(|cluster| seen(cluster).unwrap_or(highest)).collect()
}

/// Green consolidation of what the world looks like now.
#[derive(Clone)]
pub struct Green {
    rooms: Option<Rooms>,
}

/// The heuristic on the question, in whatever order its rows have to be taken.
fn consolidate(
    question: &Question<'_>,
    costs: &Table<ClusterId, f64>,
) -> Result<Table<ServiceId, ClusterId>, FirstFitError> {
    if question.services.is_empty() {
        return Ok(Table::new());
    }
    let cpu = |amounts: std::slice::Iter<'_, Resources>| -> Vec<f64> { amounts.map(|one| one.cpu.0 as f64).collect() };
    pre_check(&cpu(question.needs.values()), &cpu(question.capacity.values()), PreCheck::Largest)?;
    let mut used = Table::build(question.clusters.len(), |_: ClusterId| Resources::ZERO);
    let mut places: Table<ServiceId, ClusterId> = Table::build(question.services.len(), |_| ClusterId(0));
    for row in question.in_order() {
        let need = question.needs[row];
        let fits =
            |column: &ClusterId| question.open[row][*column] && question.capacity[*column].fits(used[*column] + need);
        let cores = |column: ClusterId| used[column].cpu + question.held[column];
        let greener = |a: &ClusterId, b: &ClusterId| costs[*a].total_cmp(&costs[*b]).then(cores(*b).cmp(&cores(*a)));
        let service = question.services[row];
        let unplaced = FirstFitError::Unplaced { service, cores: need.cpu.cores(), check: PreCheck::Largest };
        let chosen = question.clusters.ids().filter(fits).min_by(greener).ok_or(unplaced)?;
        used[chosen] += need;
        places[row] = chosen;
    }
    Ok(places)
}

impl Placement for Green {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        let question = Question::new(snapshot, wanted, rooms);
        let costs = costs(snapshot, &question.clusters);
        match consolidate(&question, &costs) {
            Ok(places) => Ok(question.answer(&places, None)),
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
