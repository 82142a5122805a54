//! Anytime: every tier of the engine, the cheap ones first, until the answer is proved or the budget is over.
//!
//! See [`engine`](super::engine) for how it goes on from its last answer, and [`solver::anytime`](crate::solver::anytime) for the
//! tiers.

use super::Entry;
use super::engine::{Engine, PARAMETERS};
use crate::solver::anytime::Tiers;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "anytime",
    summary: "the cheapest assignment by all tiers in turn: prices, search, fixing, HiGHS; always with a bound",
    about: "1. Each service where it is cheapest: best if it fits. 2. Shadow prices of capacity (a bound), regret greedy, \
        annealing over shifts, swaps and ejection chains. 3. Reduced-cost fixing: a place whose surcharge exceeds the \
        gap is closed, exactly; services alike become one, the rest falls into pieces. 4. HiGHS on each piece, then on \
        a few clusters at a time around the answer. Costs are the weights of the scenario (cores, carbon × PUE, \
        latency, traffic, moves with their state, activation, shortage); a rule without a price is kept before \
        anything else and never made worse. Where the scaling says what its replicas are to serve (`rate`, forecasts), their \
        number is decided with their place, because each cluster has its own capacity per replica and costs its own β. Tier falls back to tier; every answer is recounted in integers.",
    parameters: PARAMETERS,
    partner: "rate",
    build: |parameters| Ok(Box::new(Engine::new("anytime", Tiers::All, parameters)?)),
};
