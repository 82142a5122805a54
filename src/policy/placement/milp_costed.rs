//! MILP, costed: the same problem as `anytime` has, straight to `HiGHS`.
//!
//! Prices are only used to close places that cannot be part of a better answer than the greedy one. The yardstick for what the
//! search adds under a budget, and for its answers where the budget is large.

use super::Entry;
use super::engine::{Engine, PARAMETERS};
use crate::solver::anytime::Tiers;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "milp-costed",
    summary: "the cheapest assignment under all weights and rules by HiGHS, with a bound",
    about: "The mixed-integer program of all weights and rules of the scenario (capacity rows divided by their greatest \
        common divisor, clique rows for services apart, one-sided cuts or transport columns for calls, caps and spread \
        by domain), after reduced-cost fixing against the greedy answer, by HiGHS: branch and cut, node-limited, one \
        thread. Every answer is recounted in integers.",
    parameters: PARAMETERS,
    partner: "rate",
    build: |parameters| Ok(Box::new(Engine::new("milp-costed", Tiers::Exact, parameters)?)),
};
