//! The scaling problem given to `HiGHS` as it stands: what the closed form is compared with, and never used to decide.
//!
//! `min Σ a·r + b·v, v ≥ r − p, v ≥ p − r, Σ c·r ≤ C, L ≤ r ≤ U, r` integer. Prices are divided by the largest and sizes by their
//! greatest common divisor, so that the solver's tolerances, which are absolute, mean the same for all problems.

use super::Problem;
use crate::model::{ServiceId, Table};
use highs::{HighsModelStatus, RowProblem, Sense};

/// The solver failed: it neither answered nor said that there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HiGHS ended with {0}")]
pub struct RefereeError(String);

/// An optimum, or `None` where the solver says that there is no answer.
///
/// # Errors
/// When the solver fails.
pub fn solve(problem: &Problem) -> Result<Option<Table<ServiceId, u32>>, RefereeError> {
    let services = problem.services.values();
    let dearest = services.clone().map(|one| one.running.max(one.switching)).max().unwrap_or(1).max(1) as f64;
    let divisor = services.clone().fold(0, |divisor, one| gcd(divisor, one.request)).max(1);
    let mut program = RowProblem::new();
    let mut replicas = Vec::with_capacity(problem.services.len());
    for one in services {
        let bounds = f64::from(one.least)..=f64::from(one.most);
        let count = program.add_integer_column(one.running as f64 / dearest, bounds);
        let change = program.add_column(one.switching as f64 / dearest, 0..);
        let present = f64::from(one.present);
        program.add_row(-present.., [(change, 1.0), (count, -1.0)]);
        program.add_row(present.., [(change, 1.0), (count, 1.0)]);
        replicas.push((count, (one.request / divisor) as f64));
    }
    program.add_row(..=(problem.capacity / divisor) as f64, replicas);
    let mut model = program.optimise(Sense::Minimise);
    model.make_quiet();
    model.set_option("threads", 1);
    model.set_option("parallel", "off");
    model.set_option("mip_rel_gap", 0.0);
    let solved = model.try_solve().map_err(|error| RefereeError(format!("{error:?}")))?;
    match solved.status() {
        HighsModelStatus::Optimal => {
            let values = solved.get_solution();
            Ok(Some(values.columns().iter().step_by(2).map(|value| whole(*value)).collect()))
        }
        HighsModelStatus::Infeasible | HighsModelStatus::UnboundedOrInfeasible => Ok(None),
        other => Err(RefereeError(format!("{other:?}"))),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the solver keeps the bounds")]
fn whole(value: f64) -> u32 {
    value.round() as u32
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
