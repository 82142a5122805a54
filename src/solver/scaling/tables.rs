//! The knapsack's answer from a table over what is given up: slower than the core where that is quick, never slower than its size.
//!
//! Everything is divided by the greatest common divisor `g` of the sizes first (millicores come in fifties and hundreds), so
//! a table has `⌈K/g⌉` columns. [`plain`] splits a count into powers of two, one row each: O(K/g · Σ log D).
//! [`few_sizes`] takes all items of one size together: their units by rising price cost a convex function of their number,
//! and the least sum of a table and a convex function has its argument rising along the table, so that halving finds all
//! of a residue class in O(K/g · log): O(q · K/g · log K) for q sizes.

use super::cover::Item;
use std::collections::BTreeMap;

/// Steps that each table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Of [`plain`].
    pub plain: u64,
    /// Of [`few_sizes`].
    pub few_sizes: u64,
}

/// What the tables would cost.
pub fn cost(items: &[Item], needed: u128) -> Cost {
    let (divisor, mut sizes) = (divisor(items), items.iter().map(|item| item.size).collect::<Vec<_>>());
    sizes.sort_unstable();
    sizes.dedup();
    let columns = u64::try_from(needed.div_ceil(divisor.into())).unwrap_or(u64::MAX);
    let rows: u64 = items.iter().map(|item| u64::from(u32::BITS - item.count.leading_zeros())).sum();
    let widest = sizes.last().map_or(0, |size| size / divisor);
    let halvings = u64::from(u64::BITS - columns.leading_zeros());
    let few = columns.saturating_add(widest).saturating_mul(sizes.len() as u64).saturating_mul(halvings);
    Cost { plain: columns.saturating_mul(rows), few_sizes: few }
}

fn divisor(items: &[Item]) -> u64 {
    items.iter().fold(0, |divisor, item| greatest_common_divisor(divisor, item.size)).max(1)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn columns(needed: u128, divisor: u64) -> usize {
    usize::try_from(needed.div_ceil(divisor.into())).expect("a table that does not fit memory is never asked for")
}

/// An optimum by one row for each power of two of a count.
///
/// # Panics
/// Where the items together are not enough.
pub fn plain(items: &[Item], needed: u128) -> Vec<u32> {
    let divisor = divisor(items);
    let columns = columns(needed, divisor);
    let bundles: Vec<(usize, u32)> = items
        .iter()
        .enumerate()
        .flat_map(|(index, item)| powers(item.count).map(move |units| (index, units)))
        .collect();
    let mut least = vec![None::<u128>; columns + 1];
    least[0] = Some(0);
    let words = columns / 64 + 1;
    let mut takes = vec![0u64; words * bundles.len()];
    for (row, (index, units)) in bundles.iter().enumerate() {
        let size = usize::try_from(items[*index].size / divisor).unwrap_or(usize::MAX).saturating_mul(*units as usize);
        let price = u128::from(items[*index].price) * u128::from(*units);
        for column in (1..=columns).rev() {
            let Some(with) = least[column.saturating_sub(size)].map(|rest| rest + price) else { continue };
            if least[column].is_none_or(|without| with < without) {
                least[column] = Some(with);
                takes[row * words + column / 64] |= 1 << (column % 64);
            }
        }
    }
    assert!(least[columns].is_some(), "the items together are not enough");
    let mut counts = vec![0; items.len()];
    let mut column = columns;
    for (row, (index, units)) in bundles.iter().enumerate().rev() {
        if column > 0 && takes[row * words + column / 64] >> (column % 64) & 1 == 1 {
            counts[*index] += units;
            let size = usize::try_from(items[*index].size / divisor).unwrap_or(usize::MAX);
            column = column.saturating_sub(size.saturating_mul(*units as usize));
        }
    }
    counts
}

/// 1, 2, 4, … and a rest, which together make every number up to `count`.
fn powers(count: u32) -> impl Iterator<Item = u32> {
    let mut left = count;
    std::iter::successors(Some(1u32), |power| power.checked_mul(2)).map_while(move |power| {
        let units = power.min(left);
        left -= units;
        (units > 0).then_some(units)
    })
}

/// Nothing frees exactly this much.
const NEVER: u128 = u128::MAX;

/// All items of one size.
struct SizeRow {
    /// In divisors.
    size: usize,
    /// Items by rising price.
    members: Vec<usize>,
    /// What the cheapest units cost, by their number.
    sums: Vec<u128>,
    /// Units that the best choice takes, by column.
    takes: Vec<u32>,
}

/// An optimum by one row for each size.
///
/// Columns say *exactly* how much is freed; a cheapest choice frees less than the largest size too much, because a unit that
/// is not needed is left out.
///
/// # Panics
/// Where the items together are not enough.
pub fn few_sizes(items: &[Item], needed: u128) -> Vec<u32> {
    let divisor = divisor(items);
    let columns = columns(needed, divisor);
    let mut rows = size_rows(items, divisor);
    let widest = rows.iter().map(|row| row.size).max().unwrap_or(1);
    let mut least = vec![NEVER; columns + widest];
    least[0] = 0;
    for row in &mut rows {
        row.takes = vec![0; least.len()];
        let before = least.clone();
        for residue in 0..row.size.min(least.len()) {
            let count = (least.len() - residue).div_ceil(row.size);
            let class = Residue { before: &before, first: residue, row_size: row.size, sums: &row.sums };
            class.halve((0, count), (0, count), (&mut least, &mut row.takes));
        }
    }
    let ends = (columns..least.len()).filter(|column| least[*column] < NEVER);
    let mut column = ends.min_by_key(|column| least[*column]).expect("the items together are enough");
    let mut counts = vec![0; items.len()];
    for row in rows.iter().rev() {
        let units = row.takes[column];
        column -= row.size * units as usize;
        let mut left = units;
        for member in &row.members {
            counts[*member] = items[*member].count.min(left);
            left -= counts[*member];
        }
    }
    counts
}

fn size_rows(items: &[Item], divisor: u64) -> Vec<SizeRow> {
    let mut by_size: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        by_size.entry(item.size).or_default().push(index);
    }
    let row = |(size, mut members): (u64, Vec<usize>)| {
        members.sort_by_key(|index| items[*index].price);
        let mut sums = vec![0u128];
        for index in &members {
            for _ in 0..items[*index].count {
                let sum = sums.last().copied().unwrap_or(0);
                sums.push(sum + u128::from(items[*index].price));
            }
        }
        let size = usize::try_from(size / divisor).expect("a table that does not fit memory is never asked for");
        SizeRow { size, members, sums, takes: Vec::new() }
    };
    by_size.into_iter().map(row).collect()
}

/// The columns of one residue class of a size: `new(i) = min_j before(j) + sums(i − j)`.
struct Residue<'a> {
    before: &'a [u128],
    /// Its lowest column.
    first: usize,
    row_size: usize,
    sums: &'a [u128],
}

impl Residue<'_> {
    /// Fills rows `from..to`, whose best columns lie in `low..high`: the middle row first, then both halves.
    fn halve(
        &self,
        (from, to): (usize, usize),
        (low, high): (usize, usize),
        (least, takes): (&mut [u128], &mut [u32]),
    ) {
        if from >= to {
            return;
        }
        let middle = usize::midpoint(from, to);
        let first = low.max((middle + 1).saturating_sub(self.sums.len()));
        let last = high.min(middle + 1);
        let cost = |j: usize| {
            let before = self.before[self.first + j * self.row_size];
            if before == NEVER { NEVER } else { before + self.sums[middle - j] }
        };
        let best = (first..last).min_by_key(|j| cost(*j)).filter(|j| cost(*j) < NEVER);
        let column = self.first + middle * self.row_size;
        let (left, right) = if let Some(j) = best {
            least[column] = cost(j);
            takes[column] = u32::try_from(middle - j).expect("no more than the units of one size");
            ((low, j + 1), (j, high))
        } else {
            least[column] = NEVER;
            ((low, high), (low, high))
        };
        self.halve((from, middle), left, (&mut *least, &mut *takes));
        self.halve((middle + 1, to), right, (least, takes));
    }
}
