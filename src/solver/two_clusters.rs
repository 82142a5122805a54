//! Two clusters, like an edge and a cloud, and one resource: exact for any additive cost, by a table (P5).
//!
//! With everything that is not in the first cluster in the second, the load `u` of the first decides: it must lie between
//! `total − cap₂` and `cap₁`. A table over `u` in greatest common divisors of the needs says what the cheapest choice with
//! this load costs: O(S · cap/g). Where other resources are short too, this is a relaxation and not used.

/// One service: what it needs, and what it costs in the first and second cluster (`None` where it may not be).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Of the resource.
    pub need: u64,
    /// Price in each of the two.
    pub costs: [Option<i64>; 2],
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// There is none, which is proved.
    #[error("no placement of whole services fits the two clusters")]
    Infeasible,
    /// A table that does not fit memory.
    #[error("a table of {cells} cells is too large; at most {MOST_CELLS} fit")]
    TooLarge {
        /// Cells.
        cells: u128,
    },
}

/// Cells of the table at most: a bit each is remembered.
pub const MOST_CELLS: u128 = 1 << 30;

/// Which services go to the second cluster (`true`), at least cost; as many as possible in the first among equals.
///
/// # Errors
/// Where nothing fits, or the table would be too large.
#[expect(clippy::missing_panics_doc, reason = "the size of the table is checked, and loads are sums of needs")]
pub fn solve(services: &[Choice], capacity: [u64; 2]) -> Result<Vec<bool>, NoAnswer> {
    let divisor = services.iter().fold(0, |divisor, one| gcd(divisor, one.need)).max(1);
    let total: u128 = services.iter().map(|one| u128::from(one.need)).sum();
    let top = u128::from(capacity[0]).min(total) / u128::from(divisor);
    let cells = (top + 1) * services.len().max(1) as u128;
    if cells > MOST_CELLS {
        return Err(NoAnswer::TooLarge { cells });
    }
    let width = usize::try_from(top).expect("it fits memory") + 1;
    let mut least: Vec<Option<i64>> = vec![None; width];
    least[0] = Some(0);
    let words = width.div_ceil(64);
    let mut in_first = vec![0u64; words * services.len()];
    for (row, one) in services.iter().enumerate() {
        let size = usize::try_from(one.need / divisor).unwrap_or(usize::MAX);
        for load in (0..width).rev() {
            let with = load.checked_sub(size).and_then(|before| Some(least[before]? + one.costs[0]?));
            let without = least[load].and_then(|cost| Some(cost + one.costs[1]?));
            let takes = match (with, without) {
                (Some(with), Some(without)) => with <= without,
                (with, _) => with.is_some(),
            };
            if takes {
                in_first[row * words + load / 64] |= 1 << (load % 64);
            }
            least[load] = if takes { with } else { without };
        }
    }
    let lowest = total.saturating_sub(capacity[1].into()).div_ceil(divisor.into());
    let from = usize::try_from(lowest).unwrap_or(usize::MAX).min(width);
    let ends = (from..width).rev().filter(|load| least[*load].is_some());
    let mut load = ends.min_by_key(|load| least[*load]).ok_or(NoAnswer::Infeasible)?;
    let mut second = vec![false; services.len()];
    for (row, one) in services.iter().enumerate().rev() {
        let is_first = in_first[row * words + load / 64] >> (load % 64) & 1 == 1;
        second[row] = !is_first;
        if is_first {
            load -= usize::try_from(one.need / divisor).expect("it was part of the load");
        }
    }
    Ok(second)
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
