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
    /// is late, and may be missing for a moment, which is no reason to let go of what serves. What it had before is what was stored, not
    /// what is asked for at present: between the writes of a division by weights Karmada asks for something that nobody wants.
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
        wanted.iter().any(is_gain) || self.is_thinned_by_loss(wish)
    }

    /// Whether some of what is wanted lies in a cluster that is lost, so that less would serve than does now, and than is wanted:
    /// whoever decided that did not know.
    fn is_thinned_by_loss(&self, Wish { wanted, before }: &Wish) -> bool {
        let serves = |shares: &Shares| -> u32 {
            let there = shares.iter().filter(|(cluster, _)| !self.lost.contains(*cluster));
            there.map(|(cluster, replicas)| of(self.ready, cluster).min(*replicas)).sum()
        };
        let is_lost = |(cluster, replicas): (&String, &u32)| *replicas > 0 && self.lost.contains(cluster);
        wanted.iter().any(is_lost) && serves(wanted) < serves(before).min(wanted.values().sum())
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
mod tests {
    use super::{Present, Shares, Step, Wish, half_way};
    use std::collections::BTreeSet;

    fn shares(pairs: &[(&str, u32)]) -> Shares {
        pairs.iter().map(|(name, replicas)| ((*name).to_owned(), *replicas)).collect()
    }

    struct Case {
        asked: Shares,
        ready: Shares,
        lost: BTreeSet<String>,
        strange: BTreeSet<String>,
        pinned: bool,
        overdue: bool,
    }

    fn case(asked: &[(&str, u32)], ready: &[(&str, u32)]) -> Case {
        let (asked, ready) = (shares(asked), shares(ready));
        Case { asked, ready, lost: BTreeSet::new(), strange: BTreeSet::new(), pinned: false, overdue: false }
    }

    fn named(cluster: &str) -> BTreeSet<String> {
        BTreeSet::from([cluster.to_owned()])
    }

    fn step(case: &Case, wanted: &[(&str, u32)], before: &[(&str, u32)]) -> Step {
        let Case { asked, ready, lost, strange, pinned, overdue } = case;
        let present = Present { asked, ready, lost, strange, pinned: *pinned, overdue: *overdue };
        present.step(&Wish { wanted: shares(wanted), before: shares(before) })
    }

    /// From 1 in `b` to 4 in `a`, which serve, while the one in `b` is still asked for; then 4 in `b` are wanted.
    #[test]
    fn a_move_that_replaces_an_unfinished_one_spares_what_of_that_serves() {
        let unfinished = Wish { wanted: shares(&[("a", 4)]), before: shares(&[("b", 1)]) };
        let from = half_way(&unfinished, &shares(&[("a", 4), ("b", 1)]));
        assert_eq!(from, shares(&[("a", 4), ("b", 1)]));
        let both = Step::Write(shares(&[("a", 4), ("b", 4)]));
        let serving = case(&[("a", 4), ("b", 1)], &[("a", 4), ("b", 1)]);
        assert_eq!(step(&serving, &[("b", 4)], &[("a", 4), ("b", 1)]), both);
        assert_eq!(half_way(&unfinished, &shares(&[("b", 1)])), shares(&[("b", 1)]), "what never came up is no loss");
    }

    #[test]
    fn scaling_is_one_write() {
        assert_eq!(step(&case(&[("a", 3)], &[("a", 3)]), &[("a", 3)], &[]), Step::Done);
        assert_eq!(step(&case(&[("a", 3)], &[("a", 3)]), &[("a", 5)], &[]), Step::Write(shares(&[("a", 5)])));
        assert_eq!(step(&case(&[("a", 5)], &[("a", 3)]), &[("a", 5)], &[]), Step::Wait);
        assert_eq!(step(&case(&[("a", 5)], &[("a", 5)]), &[("a", 2)], &[]), Step::Write(shares(&[("a", 2)])));
        assert_eq!(step(&case(&[("a", 2)], &[("a", 5)]), &[("a", 2)], &[]), Step::Done);
        assert_eq!(step(&case(&[], &[]), &[("a", 1)], &[]), Step::Write(shares(&[("a", 1)])));
        assert_eq!(step(&case(&[("a", 1)], &[("a", 1)]), &[], &[("a", 1)]), Step::Write(shares(&[])));
    }

    #[test]
    fn a_move_makes_before_it_breaks() {
        let (wanted, before) = ([("b", 3)], [("a", 3)]);
        let both = shares(&[("a", 3), ("b", 3)]);
        assert_eq!(step(&case(&[("a", 3)], &[("a", 3)]), &wanted, &before), Step::Write(both.clone()));
        let on_the_way = case(&[("a", 3), ("b", 3)], &[("a", 3), ("b", 1)]);
        assert_eq!(step(&on_the_way, &wanted, &before), Step::Wait);
        let there = case(&[("a", 3), ("b", 3)], &[("a", 3), ("b", 3)]);
        assert_eq!(step(&there, &wanted, &before), Step::Write(shares(&[("b", 3)])));
        // Nobody tells for a moment what serves: the old ones stay.
        assert_eq!(step(&case(&[("a", 3)], &[]), &wanted, &before), Step::Write(both.clone()));
        assert_eq!(step(&case(&[("a", 3), ("b", 3)], &[]), &wanted, &before), Step::Wait);
        // The last write was made, and one of the new ones falls: what was let go does not come back.
        assert_eq!(step(&case(&[("b", 3)], &[("b", 2)]), &wanted, &before), Step::Wait);
        // A crash right after the last write: whoever comes next has nothing to do.
        assert_eq!(step(&case(&[("b", 3)], &[("a", 3), ("b", 3)]), &wanted, &before), Step::Done);
    }

    #[test]
    fn a_move_that_is_overdue_is_taken_back() {
        let stuck = Case { overdue: true, ..case(&[("a", 3), ("b", 3)], &[("a", 3)]) };
        assert_eq!(step(&stuck, &[("b", 3)], &[("a", 3)]), Step::Restore(shares(&[("a", 3)])));
        // More of the same that finds no room: it stays wanted.
        let full = Case { overdue: true, ..case(&[("a", 5)], &[("a", 3)]) };
        assert_eq!(step(&full, &[("a", 5)], &[("a", 3)]), Step::Wait);
        // Between two writes of weights: what Karmada asks for meanwhile is not what is spared.
        let torn = case(&[("a", 2), ("b", 2)], &[("a", 4)]);
        let both = shares(&[("a", 4), ("b", 4)]);
        assert_eq!(step(&torn, &[("b", 4)], &[("a", 4)]), Step::Write(both));
        // Nothing to go back to: it stays, and is told.
        assert_eq!(step(&Case { asked: shares(&[("b", 3)]), ..stuck }, &[("b", 3)], &[]), Step::Wait);
    }

    #[test]
    fn a_lost_cluster_is_neither_spared_nor_waited_for() {
        let lost = Case { lost: named("a"), ..case(&[("a", 3)], &[("a", 3)]) };
        assert_eq!(step(&lost, &[("b", 3)], &[("a", 3)]), Step::Write(shares(&[("b", 3)])));
        let kept = Case { asked: shares(&[("a", 1), ("b", 2)]), ready: shares(&[("b", 2)]), ..lost };
        assert_eq!(step(&kept, &[("a", 1), ("b", 2)], &[]), Step::Done);
    }

    /// Three leave `a`, which is lost, for `b`, where only two get ready in time: those two are all that serves.
    #[test]
    fn a_move_off_a_lost_cluster_that_is_overdue_keeps_its_survivors() {
        let (wanted, before) = ([("b", 3)], [("a", 3)]);
        let overdue = |asked: &[(&str, u32)], ready: &[(&str, u32)]| Case { overdue: true, ..case(asked, ready) };
        let lost = Case { lost: named("a"), ..overdue(&[("b", 3)], &[("b", 2)]) };
        assert_eq!(step(&lost, &wanted, &before), Step::Wait);
        assert_eq!(step(&Case { pinned: true, ..lost }, &wanted, &before), Step::Wait);
        // It is back by now, and empty.
        let back = overdue(&[("b", 3)], &[("b", 2)]);
        assert_eq!(step(&back, &wanted, &before), Step::Restore(shares(&[("a", 3), ("b", 2)])));
        // One of four was in `c`, which still has it.
        let part = Case { lost: named("a"), ..overdue(&[("b", 4), ("c", 1)], &[("b", 3), ("c", 1)]) };
        let rest = Step::Restore(shares(&[("b", 3), ("c", 1)]));
        assert_eq!(step(&part, &[("b", 4)], &[("a", 3), ("c", 1)]), rest);
    }

    #[test]
    fn nothing_that_serves_is_let_go_of_for_a_cluster_that_is_lost() {
        // From `b` to `a`, which is lost when all of it is ready there.
        let lost = Case { lost: named("a"), ..case(&[("a", 3), ("b", 2)], &[("a", 3), ("b", 2)]) };
        assert_eq!(step(&lost, &[("a", 3)], &[("b", 2)]), Step::Wait);
        let overdue = Case { overdue: true, ..lost };
        assert_eq!(step(&overdue, &[("a", 3)], &[("b", 2)]), Step::Restore(shares(&[("b", 2)])));
        // From `c` to `b`, while one that is in `a` anyway is lost: that holds up nothing.
        let (ready, wanted) = ([("b", 2), ("c", 2)], [("a", 1), ("b", 2)]);
        let kept = Case { lost: named("a"), ..case(&[("a", 1), ("b", 2), ("c", 2)], &ready) };
        assert_eq!(step(&kept, &wanted, &[("a", 1), ("c", 2)]), Step::Write(shares(&wanted)));
    }

    /// Three in `a` and three in `b`, of which those in `a` are to go: then `b` is lost, before anybody decided anew.
    #[test]
    fn what_alone_is_left_is_not_let_go_of() {
        let (wanted, before) = ([("b", 3)], [("a", 3), ("b", 3)]);
        let both = case(&[("a", 3), ("b", 3)], &[("a", 3), ("b", 3)]);
        let lost = Case { lost: named("b"), ..both };
        assert_eq!(step(&lost, &wanted, &before), Step::Wait);
        let back = Case { lost: BTreeSet::new(), ..lost };
        assert_eq!(step(&back, &wanted, &before), Step::Write(shares(&wanted)));
    }

    /// `c` was left out of the scenario and still serves: it does until `b` is ready, however long that takes.
    #[test]
    fn a_cluster_of_which_nothing_is_decided_is_spared_and_not_gone_back_to() {
        let strange = |asked: &[(&str, u32)], ready: &[(&str, u32)]| Case {
            strange: named("c"),
            overdue: true,
            ..case(asked, ready)
        };
        let step = |case: &Case| step(case, &[("b", 3)], &[("c", 3)]);
        assert_eq!(step(&strange(&[("c", 3)], &[("c", 3)])), Step::Write(shares(&[("b", 3), ("c", 3)])));
        assert_eq!(step(&strange(&[("b", 3), ("c", 3)], &[("b", 1), ("c", 3)])), Step::Wait);
        let ready = strange(&[("b", 3), ("c", 3)], &[("b", 3), ("c", 3)]);
        assert_eq!(step(&ready), Step::Write(shares(&[("b", 3)])));
    }

    #[test]
    fn a_pinned_service_breaks_before_it_makes() {
        let pinned = Case { pinned: true, ..case(&[("a", 1)], &[("a", 1)]) };
        assert_eq!(step(&pinned, &[("b", 1)], &[("a", 1)]), Step::Write(shares(&[("b", 1)])));
    }

    /// What serves never falls below the smaller of before and after while a move goes on, wherever it is interrupted, and it ends.
    #[test]
    fn every_interrupted_move_keeps_its_replicas_and_ends() {
        let divisions: Vec<Shares> = (0..27)
            .map(|code: u32| {
                let of = [("a", code % 3), ("b", code / 3 % 3), ("c", code / 9)];
                of.iter().filter(|(_, n)| *n > 0).map(|(name, n)| ((*name).to_owned(), *n)).collect()
            })
            .collect();
        for before in &divisions {
            for wanted in &divisions {
                let wish = Wish { wanted: wanted.clone(), before: before.clone() };
                let (mut asked, mut ready) = (before.clone(), before.clone());
                let least = before.values().sum::<u32>().min(wanted.values().sum());
                let mut steps = 0;
                loop {
                    let none = BTreeSet::new();
                    let (lost, strange) = (&none, &none);
                    let present =
                        Present { asked: &asked, ready: &ready, lost, strange, pinned: false, overdue: false };
                    match present.step(&wish) {
                        Step::Done => break,
                        Step::Write(shares) => asked = shares,
                        Step::Wait => {}
                        Step::Restore(_) => panic!("nothing is overdue"),
                    }
                    // Old replicas go at once, new ones come one by one.
                    for cluster in ["a", "b", "c"] {
                        let goal = asked.get(cluster).copied().unwrap_or(0);
                        let have = ready.get(cluster).copied().unwrap_or(0);
                        let next = if goal > have { have + 1 } else { goal };
                        ready.remove(cluster);
                        if next > 0 {
                            ready.insert(cluster.to_owned(), next);
                        }
                    }
                    assert!(ready.values().sum::<u32>() >= least, "{before:?} → {wanted:?}: {asked:?} {ready:?}");
                    steps += 1;
                    assert!(steps < 50, "{before:?} → {wanted:?} does not end");
                }
                assert_eq!(asked, *wanted);
            }
        }
    }

    /// What `c` has is none of this run's business, and serves: to go back would take it down.
    #[test]
    fn a_move_that_is_overdue_is_not_taken_back_from_under_a_stranger() {
        let (wanted, before) = ([("b", 3)], [("a", 1), ("c", 2)]);
        let asked = [("a", 1), ("b", 3), ("c", 2)];
        let stuck = Case { strange: named("c"), overdue: true, ..case(&asked, &[("a", 1), ("b", 1), ("c", 2)]) };
        assert_eq!(step(&stuck, &wanted, &before), Step::Wait);
        let gone = Case { lost: named("c"), ..stuck };
        assert_eq!(step(&gone, &wanted, &before), Step::Write(shares(&[("a", 1), ("b", 3)])));
    }
}
