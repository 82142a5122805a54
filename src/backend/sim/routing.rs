//! How the calls of several places are shared among the clusters where a service is ready.
//!
//! Rates are integers and nothing is lost in the split: the shares of a source add up to its demand, except what nobody can
//! take, which is told.

use crate::model::network::Routing;

/// A local cluster takes calls up to four fifths of its ready capacity, as long as others have room: filled to the last
/// request, its queue would grow without end while the others idle.
const LOCAL_FIFTHS: u64 = 4;

/// Who calls: how much, and which cluster is local.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    /// Calls in 10⁻⁶/s.
    pub(super) demand: u64,
    /// The cluster that counts as local.
    pub(super) local: Option<usize>,
    /// The cluster from which the calls come; `None` for users.
    pub(super) cluster: Option<usize>,
}

/// Shares the demand of `sources` among clusters of the given ready capacity.
pub(super) struct Split<'a> {
    /// Ready capacity by cluster, in 10⁻⁶/s, as the router believes it.
    pub(super) capacity: &'a [u64],
    /// Whether calls get from row to column; row-major.
    pub(super) linked: &'a [bool],
    /// The rule.
    pub(super) routing: Routing,
}

impl Split<'_> {
    /// Fills `flows` (a row a source, a column a cluster) and returns the rate that found no way.
    pub(super) fn fill(&self, sources: &[Source], flows: &mut Vec<u64>) -> u64 {
        let width = self.capacity.len();
        flows.clear();
        flows.resize(sources.len() * width, 0);
        let mut left: Vec<u64> = self.capacity.iter().map(|capacity| capacity / 5 * LOCAL_FIFTHS).collect();
        let mut overflows = false;
        for (source, row) in sources.iter().zip(flows.chunks_exact_mut(width)) {
            let local = source.local.filter(|_| self.routing == Routing::LocalFirst);
            let taken = local.map_or(0, |local| source.demand.min(left[local]));
            if let Some(local) = local {
                row[local] = taken;
                left[local] -= taken;
            }
            overflows |= source.demand > taken;
        }
        if overflows { self.spill(sources, flows, &left) } else { 0 }
    }

    /// What the local clusters did not take: by spare capacity, and beyond that by capacity.
    fn spill(&self, sources: &[Source], flows: &mut [u64], left: &[u64]) -> u64 {
        let width = self.capacity.len();
        let spare: u64 = left.iter().sum();
        let total: u64 = self.capacity.iter().sum();
        let demand: u64 = sources.iter().map(|source| source.demand).sum();
        let excess = (demand - flows.iter().sum::<u64>()).saturating_sub(spare);
        let weight = |cluster: usize| {
            let beyond = u128::from(excess) * u128::from(self.capacity[cluster]) / u128::from(total.max(1));
            match self.routing {
                Routing::LocalFirst => u128::from(left[cluster]) + beyond,
                Routing::ByCapacity => u128::from(self.capacity[cluster]),
            }
        };
        let mut lost = 0;
        for (source, row) in sources.iter().zip(flows.chunks_exact_mut(width)) {
            let rest = source.demand - row.iter().sum::<u64>();
            let open = |cluster: usize| source.cluster.is_none_or(|from| self.linked[from * width + cluster]);
            let weight = |cluster: usize| if open(cluster) { weight(cluster) } else { 0 };
            lost += spread(rest, row, weight);
        }
        lost
    }
}

/// Adds `rest` to `row` in proportion to `weight`; returns it where all weights are nothing. Cumulated shares are rounded
/// down, so the parts add up to the whole.
fn spread(rest: u64, row: &mut [u64], weight: impl Fn(usize) -> u128) -> u64 {
    let total: u128 = (0..row.len()).map(&weight).sum();
    if total == 0 || rest == 0 {
        return rest;
    }
    let (mut reached, mut given) = (0u128, 0u64);
    for (cluster, share) in row.iter_mut().enumerate() {
        reached += weight(cluster);
        let until =
            u64::try_from(u128::from(rest) * reached / total).expect("a share of a rate is no larger than the rate");
        *share += until - given;
        given = until;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::{Routing, Source, Split};

    const LINKED: [bool; 9] = [true; 9];

    fn split(capacity: [u64; 3], routing: Routing, sources: &[Source]) -> (Vec<u64>, u64) {
        let mut flows = Vec::new();
        let lost = Split { capacity: &capacity, linked: &LINKED, routing }.fill(sources, &mut flows);
        (flows, lost)
    }

    fn from(cluster: usize, demand: u64) -> Source {
        Source { demand, local: Some(cluster), cluster: Some(cluster) }
    }

    /// 80 from cluster 0, which takes four fifths of 50; the other 40 go by what is left of theirs, 16 : 32 → 13 : 27.
    #[test]
    fn local_first_then_by_spare_capacity() {
        assert_eq!(split([50, 20, 40], Routing::LocalFirst, &[from(0, 80)]), (vec![40, 13, 27], 0));
    }

    /// 220 into 110: everybody gets four fifths of capacity (88), and the excess of 132 by capacity 50 : 20 : 40 as well.
    #[test]
    fn when_all_are_full_by_capacity() {
        assert_eq!(split([50, 20, 40], Routing::LocalFirst, &[from(0, 220)]), (vec![100, 40, 80], 0));
    }

    #[test]
    fn by_capacity_wherever_the_caller_is() {
        assert_eq!(split([50, 20, 30], Routing::ByCapacity, &[from(2, 200)]), (vec![100, 40, 60], 0));
    }

    #[test]
    fn without_a_ready_replica_the_demand_is_lost() {
        assert_eq!(split([0, 0, 0], Routing::LocalFirst, &[from(1, 7)]), (vec![0, 0, 0], 7));
    }

    #[test]
    fn a_broken_link_is_not_used() {
        let mut linked = LINKED;
        linked[1] = false;
        let mut flows = Vec::new();
        let split = Split { capacity: &[0, 100, 50], linked: &linked, routing: Routing::LocalFirst };
        assert_eq!(split.fill(&[from(0, 60)], &mut flows), 0);
        assert_eq!(flows, [0, 0, 60]);
    }
}
