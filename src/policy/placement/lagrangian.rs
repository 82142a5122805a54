//! Lagrangian: shadow prices of capacity, a greedy answer by them, and local search; no solver, and still a bound.
//!
//! The first tier of [`engine`](super::engine) alone: what is left where the program is built without `HiGHS`, and what shows
//! how much the exact tiers add.

use super::Entry;
use super::engine::{Engine, PARAMETERS};
use crate::solver::anytime::Tiers;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "lagrangian",
    summary: "the cheapest assignment by shadow prices of capacity and local search, with a bound",
    about: "Capacities are relaxed with prices π: L(π) = Σ_s min over places of (cost + π·request) − Σ_e π·capacity is a \
        bound (weak duality), raised by subgradients. Regret greedy at these prices, then simulated annealing over \
        shifts, swaps and ejection chains. Costs are the weights of the scenario: cores, carbon, users' latency, \
        traffic, moves, activation, shortage; rules without a price cost more than refusing. Sources: Fisher 1981; \
        Camerini, Fratta, Maffioli 1975; Martello and Toth 1990.",
    parameters: PARAMETERS,
    partner: "rate",
    build: |parameters| Ok(Box::new(Engine::new("lagrangian", Tiers::Search, parameters)?)),
};
