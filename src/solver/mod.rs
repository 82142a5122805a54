//! Pure algorithms that policies share: a problem in, the best answer that was found and a bound on all others out.
//!
//! Third-party solvers are named here and nowhere else. Their answers are believed only as far as they survive being
//! counted again in integers.
//!
//! [`anytime`] is the one call for placement at a cost, with all its tiers in its folder. [`scaling`], [`fewest_moves`] and
//! [`reassignment`] are other problems with structures of their own; [`assignment`] is what is written out for `HiGHS` by
//! [`milp`](assignment) and solved exactly in special cases by [`separable`], [`two_clusters`] and [`unit_flow`].
//! [`sizing`] is for whoever asks how many nodes a plan needs, with a simulation as its test.

pub mod anytime;
pub mod assignment;
#[cfg(feature = "milp")]
pub mod milp;
pub mod separable;
pub mod two_clusters;
pub mod unit_flow;

pub mod fewest_moves;
pub mod whole;

pub mod bound;
pub mod horizon;
pub mod reassignment;
pub mod scaling;
pub mod sizing;

pub mod clock;
pub mod dice;
