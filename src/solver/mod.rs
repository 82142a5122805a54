//! Pure algorithms that policies share: a problem in, the best answer that was found and a bound on all others out.
//!
//! Third-party solvers are named here and nowhere else. Their answers are believed only as far as they survive being
//! counted again in integers.

pub mod assignment;
pub mod fewest_moves;
pub mod horizon;
#[cfg(feature = "milp")]
pub mod milp;
pub mod reassignment;
pub mod scaling;
pub mod separable;
pub mod two_clusters;
pub mod unit_flow;
pub mod whole;
