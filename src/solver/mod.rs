//! Pure algorithms that policies share: a problem in, the best answer that was found and a bound on all others out.
//!
//! Third-party solvers are named here and nowhere else. Their answers are believed only as far as they survive being
//! counted again in integers.
//!
//! [`anytime`] is the one call for placement; in reading order it rests on [`problem`] and [`social`] (what is asked),
//! [`state`] (an answer under change), [`prices`], [`forest`] and [`branch`] (bounds), [`construct`], [`anneal`], [`polish`] and [`replant`] (answers),
//! [`classes`], [`fixing`] and [`restrict`] (smaller problems), and `exact` (`HiGHS`).

pub mod anneal;
pub mod anytime;
pub mod assignment;
pub mod branch;
pub mod classes;
pub mod clock;
pub mod construct;
pub mod dice;
#[cfg(feature = "milp")]
pub mod exact;
pub mod fewest_moves;
pub mod fixing;
pub mod forest;
pub mod horizon;
#[cfg(feature = "milp")]
pub mod milp;
pub mod polish;
pub mod prices;
pub mod problem;
pub mod reassignment;
pub mod replant;
pub mod restrict;
pub mod scaling;
pub mod separable;
pub mod social;
pub mod state;
pub mod two_clusters;
pub mod unit_flow;
pub mod whole;
