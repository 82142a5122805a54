//! One service over several periods: when to have how many replicas, if changing costs and the load is foreseen.
//!
//! ```text
//! min  Σ_t a·r_t + up·(r_t − r_{t−1})⁺ + down·(r_{t−1} − r_t)⁺,   L_t ≤ r_t ≤ U_t
//! ```
//!
//! Dynamic programming over `r` with the least cost to come. Since a change costs in proportion, the least over all earlier
//! numbers is the smaller one of a prefix minimum (coming from fewer) and a suffix minimum (from more): one sweep each way,
//! O(H · U) for H periods. The best policy is a band: keep the number unless it lies outside. This is the inner problem of
//! model-predictive scaling; several services that share a cluster are coupled by prices on its capacity, outside of this.

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// Replicas before the first period.
    pub present: u32,
    /// Price of a replica for a period.
    pub running: u64,
    /// Price of one more replica.
    pub up: u64,
    /// Price of one replica less.
    pub down: u64,
    /// The fewest and the most replicas of each period.
    pub bounds: Vec<(u32, u32)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HorizonError {
    /// A period that allows no number.
    #[error("period {period} needs {least} replicas and may have {most}")]
    Bounds {
        /// From 0.
        period: usize,
        /// Needed.
        least: u32,
        /// Allowed.
        most: u32,
    },
    /// A table that does not fit memory.
    #[error("{cells} numbers over all periods are too many; bound the replicas closer, at most {MOST_CELLS} fit")]
    TooLarge {
        /// Numbers of all periods together.
        cells: u64,
    },
}

/// Numbers over all periods together that are looked at.
pub const MOST_CELLS: u64 = 1 << 26;

impl Horizon {
    /// What `replicas` cost.
    pub fn cost(&self, replicas: &[u32]) -> u128 {
        let mut before = self.present;
        let mut cost = 0;
        for now in replicas {
            cost += u128::from(self.running) * u128::from(*now) + self.change(before, *now);
            before = *now;
        }
        cost
    }

    fn change(&self, before: u32, now: u32) -> u128 {
        u128::from(self.up) * u128::from(now.saturating_sub(before))
            + u128::from(self.down) * u128::from(before.saturating_sub(now))
    }

    /// The cheapest numbers, the fewest among equals from the last period on.
    ///
    /// # Errors
    /// Where a period allows no number, or there are too many.
    #[expect(clippy::missing_panics_doc, reason = "numbers lie between their bounds")]
    pub fn solve(&self) -> Result<Vec<u32>, HorizonError> {
        let impossible = self.bounds.iter().position(|(least, most)| least > most);
        if let Some(period) = impossible {
            let (least, most) = self.bounds[period];
            return Err(HorizonError::Bounds { period, least, most });
        }
        let cells = self.bounds.iter().map(|(least, most)| u64::from(most - least) + 1).sum();
        if cells > MOST_CELLS {
            return Err(HorizonError::TooLarge { cells });
        }
        let mut from: Vec<Vec<u32>> = Vec::with_capacity(self.bounds.len());
        let mut costs: Vec<u128> = vec![0];
        let mut lowest = self.present;
        for (least, most) in &self.bounds {
            let (next, choices) = self.step((lowest, &costs), (*least, *most));
            (costs, lowest) = (next, *least);
            from.push(choices);
        }
        let mut replicas = vec![0; self.bounds.len()];
        let cheapest = (0..costs.len()).min_by_key(|index| costs[*index]).unwrap_or(0);
        let mut now = lowest + u32::try_from(cheapest).expect("an index below the bound");
        for period in (0..self.bounds.len()).rev() {
            replicas[period] = now;
            now = from[period][(now - self.bounds[period].0) as usize];
        }
        Ok(replicas)
    }

    /// Costs of the numbers of one period, and the number before that each comes from.
    fn step(&self, (lowest, costs): (u32, &[u128]), (least, most): (u32, u32)) -> (Vec<u128>, Vec<u32>) {
        let highest = lowest + u32::try_from(costs.len() - 1).expect("an index below the bound");
        let at = |before: u32| costs[(before - lowest) as usize];
        let width = (most - least) as usize + 1;
        let mut next = vec![u128::MAX; width];
        let mut choices = vec![lowest; width];
        // From fewer or as many: the best number so far, and what coming from it costs.
        let mut best: Option<u32> = None;
        let mut seen = lowest;
        for now in least..=most {
            while seen <= now && seen <= highest {
                let cost_here = at(seen);
                if best.is_none_or(|best| cost_here < at(best) + self.change(best, seen)) {
                    best = Some(seen);
                }
                seen += 1;
            }
            if let Some(before) = best {
                next[(now - least) as usize] = at(before) + self.change(before, now);
                choices[(now - least) as usize] = before;
            }
        }
        // From more.
        let mut best: Option<u32> = None;
        let mut seen = i64::from(highest);
        for now in (least..=most).rev() {
            while seen > i64::from(now) && seen >= i64::from(lowest) {
                let candidate = u32::try_from(seen).expect("not below the lowest");
                if best.is_none_or(|best| at(candidate) <= at(best) + self.change(best, candidate)) {
                    best = Some(candidate);
                }
                seen -= 1;
            }
            if let Some(before) = best {
                let cost = at(before) + self.change(before, now);
                if cost < next[(now - least) as usize] {
                    next[(now - least) as usize] = cost;
                    choices[(now - least) as usize] = before;
                }
            }
        }
        for (now, cost) in (least..=most).zip(&mut next) {
            *cost += u128::from(self.running) * u128::from(now);
        }
        (next, choices)
    }
}
