//! The cheapest way to give up enough: bounded min-knapsack cover, `min Σ w·d, Σ c·d ≥ K, 0 ≤ d ≤ D`.
//!
//! **Corollary 3.** (b) Where all sizes are equal, the `⌈K/c⌉` cheapest units are an optimum (exchange argument). (d) Taken by
//! rising `w/c`, with the last unit cut, they are the optimum of the relaxation; so where they meet `K` exactly they are an
//! optimum, and where the last one is rounded up they cost less than its price too much. (c) In general the problem is
//! weakly NP-hard: [`core`](super::core) decides around the greedy answer and is quick where prices differ, and where it
//! would not be, `tables` bound the work by `K`.

use super::Method;
use super::core::Search;
use super::tables;
use std::cmp::Ordering;

/// Units that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What giving one up frees (`c`); never zero.
    pub size: u64,
    /// What giving one up costs (`w`).
    pub price: u64,
    /// How many there are (`D`).
    pub count: u32,
}

impl Item {
    /// By `price / size`, compared without dividing.
    pub fn by_rate(&self, other: &Self) -> Ordering {
        let (left, right) =
            (u128::from(self.price) * u128::from(other.size), u128::from(other.price) * u128::from(self.size));
        left.cmp(&right)
    }
}

/// Items that may be looked at in the tables rather than in the core: what a table costs is known, and for few items it is
/// less than sorting states.
const SMALL_TABLE: u64 = 1 << 12;

/// Steps of a table at most: beyond, time and memory are worth more than the last unit.
const LARGEST_TABLE: u64 = 1 << 28;

/// How many of each item are given up, at least cost, and how that is known. Only where [`Method::Unproved`] says so it may cost
/// up to the price of one unit more.
///
/// # Panics
/// Where all items together are not enough: whoever asks has checked.
pub fn cheapest(items: &[Item], needed: u128) -> (Vec<u32>, Method) {
    let all: u128 = items.iter().map(|item| u128::from(item.size) * u128::from(item.count)).sum();
    assert!(all >= needed, "{needed} is more than all items have");
    let Some(first) = items.first().filter(|_| needed > 0) else {
        return (vec![0; items.len()], Method::ClosedForm);
    };
    if items.iter().all(|item| item.size == first.size) {
        return (equal_sizes(items, needed), Method::EqualSizes);
    }
    let order = by_rate(items);
    let greedy = Greedy::new(items, &order, needed);
    if greedy.is_exact {
        return (greedy.counts, Method::Greedy);
    }
    let cost = tables::cost(items, needed);
    if cost.plain <= SMALL_TABLE {
        return (tables::plain(items, needed), Method::Table);
    }
    match Search::new(items, &order, needed).run() {
        (counts, true) => (counts, Method::Core),
        (counts, false) if cost.few_sizes.min(cost.plain) > LARGEST_TABLE => (counts, Method::Unproved),
        _ if cost.few_sizes < cost.plain => (tables::few_sizes(items, needed), Method::FewSizes),
        _ => (tables::plain(items, needed), Method::Table),
    }
}

/// Items by rising `w/c`, by position among equals.
pub fn by_rate(items: &[Item]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| items[*a].by_rate(&items[*b]));
    order
}

/// The `⌈K/c⌉` cheapest units of items of one size.
pub fn equal_sizes(items: &[Item], needed: u128) -> Vec<u32> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| items[*index].price);
    Greedy::new(items, &order, needed).counts
}

/// The first units of an order that are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greedy {
    /// Units of each item.
    pub counts: Vec<u32>,
    /// What they cost.
    pub cost: u128,
    /// Whether they free exactly what is needed: by rising `w/c`, the proof that nothing is cheaper.
    pub is_exact: bool,
}

impl Greedy {
    /// Takes units in `order` until they are enough.
    #[expect(clippy::missing_panics_doc, reason = "no more units are taken than there are")]
    pub fn new(items: &[Item], order: &[usize], needed: u128) -> Self {
        let mut greedy = Self { counts: vec![0; items.len()], cost: 0, is_exact: needed == 0 };
        let mut left = needed;
        for index in order {
            let Item { size, price, count } = items[*index];
            let wanted = left.div_ceil(size.into()).min(count.into());
            let taken = u32::try_from(wanted).expect("no more than the count");
            greedy.counts[*index] = taken;
            greedy.cost += u128::from(price) * u128::from(taken);
            let freed = u128::from(size) * u128::from(taken);
            if freed >= left {
                greedy.is_exact = freed == left;
                break;
            }
            left -= freed;
        }
        greedy
    }
}
