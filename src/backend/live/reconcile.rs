//! The next write for one workload: a pure step from what is to what is wanted, whatever happened before.
//!
//! Level-triggered: only the present division, who is ready and what is wanted count, so that a step may be taken twice, or by
//! whoever comes after a crash. A move is make-before-break:
//!
//! ```text
//! present      wanted       next write                         until
//! a:3          a:3          nothing
//! a:3          a:5          a:5                                a has 5 ready
//! a:5          a:2          a:2                                (fewer is never waited for)
//! a:3          b:3          a:3 b:3   the larger of both       b has 3 ready: then b:3
//! a:3 b:3      b:3          b:3                                b has 3 ready
//! a:3 b:3      b:3          a:3       what was before          b is not ready in time: the move failed
//! ```
//!
//! A cluster that is lost is not waited for: what it has is not there to be spared, nor to go back to; and nothing that serves is let go
//! of for what it was to get. A service that may run in one cluster only (`pinned`) breaks before it makes, since two of it at once
//! would be worse than none.

use super::karmada::binding::Shares;
use super::karmada::store::Wish;
use std::collections::BTreeSet;

/// A workload at present.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Replicas asked for, by cluster.
    pub asked: &'a Shares,
    /// Replicas that serve, by cluster.
    pub ready: &'a Shares,
    /// Clusters that are lost.
    pub lost: &'a BTreeSet<String>,
    /// Clusters of which this run decides nothing: what they have is spared, and not gone back to.
    pub strange: &'a BTreeSet<String>,
    /// Whether it may be in one cluster at a time only.
    pub pinned: bool,
    /// Whether what is asked for is always a whole division, by us or by somebody else. Between the writes of one by weights Karmada asks
    /// for something that nobody wants.
    pub is_whole: bool,
    /// Whether the time for new replicas to become ready is over.
    pub overdue: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is as wanted, and ready.
    Done,
    /// Nothing yet: replicas are on their way.
    Wait,
    /// Ask for this division.
    Write(Shares),
    /// Ask for what was before, as far as it is there, and give the wish up.
    Restore(Shares),
}

impl Present<'_> {
    /// The next step towards `wish`.
    pub fn step(&self, wish: &Wish) -> Step {
        let through = self.through(wish);
        if *self.asked != through {
            return Step::Write(through);
        }
        if through == wish.wanted && self.is_ready(&wish.wanted) {
            return Step::Done;
        }
        let back = self.back(wish);
        // To go back without a cluster that is spared would take down what serves there.
        let is_spared = |cluster: &String| self.strange.contains(cluster) && !self.lost.contains(cluster);
        if self.overdue && is_move(&back, &wish.wanted) && !wish.before.keys().any(is_spared) {
            return Step::Restore(back);
        }
        Step::Wait
    }

    /// Whether all that is wanted serves, where it can: what a lost cluster has is not waited for.
    fn is_ready(&self, wanted: &Shares) -> bool {
        wanted.iter().all(|(cluster, replicas)| self.lost.contains(cluster) || of(self.ready, cluster) >= *replicas)
    }

    /// The division on the way: of each cluster that is still needed what it had before, of the others what is wanted.
    ///
    /// A cluster is spared that serves more than what is wanted of it, as far as is seen, or of which more is asked for still: what is seen
    /// is late, and may be missing for a moment, which is no reason to let go of what serves. What it had before is what was stored. Where
    /// somebody else has asked for more since, that is needed as well if any of it serves; it is not gone back to.
    fn through(&self, wish: &Wish) -> Shares {
        let Wish { wanted, before } = wish;
        let mut through = wanted.clone();
        if self.pinned {
            return through;
        }
        for (cluster, had) in before.iter().filter(|(cluster, _)| !self.lost.contains(*cluster)) {
            let (has, wanted_here) = (of(self.ready, cluster).max(of(self.asked, cluster)), of(wanted, cluster));
            if has > wanted_here && *had > wanted_here && self.gains_elsewhere(wish, cluster) {
                through.insert(cluster.clone(), *had);
            }
        }
        let is_foreign = |cluster: &String| {
            self.is_whole
                && of(self.ready, cluster) > 0
                && !before.contains_key(cluster)
                && !self.lost.contains(cluster)
        };
        for (cluster, asked) in self.asked.iter().filter(|(cluster, _)| is_foreign(cluster)) {
            if *asked > of(wanted, cluster) && self.gains_elsewhere(wish, cluster) {
                through.insert(cluster.clone(), *asked);
            }
        }
        through
    }

    /// Whether some other cluster still has to get ready what is wanted there: then this one's replicas are needed meanwhile. One that is
    /// lost gets nothing ready: what it had is not waited for, and what it was to get besides is no reason to let go of anything.
    fn gains_elsewhere(&self, wish: &Wish, here: &str) -> bool {
        let Wish { wanted, before } = wish;
        let is_gain = |(cluster, replicas): (&String, &u32)| {
            let has = if self.lost.contains(cluster) { before } else { self.ready };
            cluster != here && of(has, cluster) < *replicas
        };
        wanted.iter().any(is_gain) || self.is_emptied_by_loss(wish)
    }

    /// Whether nothing would serve that does now, since what is wanted lies in clusters that are lost: whoever decided that did not know.
    fn is_emptied_by_loss(&self, Wish { wanted, before }: &Wish) -> bool {
        let serves = |shares: &Shares| -> u32 {
            let there = shares.iter().filter(|(cluster, _)| !self.lost.contains(*cluster));
            there.map(|(cluster, replicas)| of(self.ready, cluster).min(*replicas)).sum()
        };
        let is_lost = |(cluster, replicas): (&String, &u32)| *replicas > 0 && self.lost.contains(cluster);
        wanted.iter().any(is_lost) && serves(wanted) == 0 && serves(before) > 0
    }

    /// What to go back to: what was before. Where some of that is gone, lost or let go of since, it is the rest, and what of the wish
    /// serves: going back must not take down what alone is left.
    fn back(&self, wish: &Wish) -> Shares {
        let is_gone = |cluster: &str| self.lost.contains(cluster) || self.strange.contains(cluster);
        let stands = |(cluster, had): (&String, &u32)| !is_gone(cluster) && of(self.asked, cluster) >= *had;
        let is_whole = self.pinned || wish.before.iter().all(stands);
        let mut back = if is_whole { wish.before.clone() } else { half_way(wish, self.ready) };
        back.retain(|cluster, _| !is_gone(cluster));
        back
    }
}

/// Replicas in a cluster.
fn of(shares: &Shares, cluster: &str) -> u32 {
    shares.get(cluster).copied().unwrap_or(0)
}

/// Whether some cluster gives replicas up: only then is there something to go back to. More replicas that find no room stay
/// wanted, as those of any Deployment do.
pub fn is_move(before: &Shares, wanted: &Shares) -> bool {
    before.iter().any(|(cluster, replicas)| of(wanted, cluster) < *replicas)
}

/// What a move starts from that replaces an unfinished one: where that one came from, and what of it serves already. Were the latter left
/// out, a move that has all but ended could be replaced by one that takes everything down first.
pub fn half_way(Wish { wanted, before }: &Wish, ready: &Shares) -> Shares {
    let mut from = before.clone();
    for (cluster, replicas) in wanted {
        let serves = of(ready, cluster).min(*replicas);
        if serves > of(&from, cluster) {
            from.insert(cluster.clone(), serves);
        }
    }
    from
}

#[cfg(test)]
mod tests;
