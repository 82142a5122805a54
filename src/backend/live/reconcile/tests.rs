//! Steps from what is to what is wanted: each rule by itself, and all small moves to their end.

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
    is_whole: bool,
    overdue: bool,
}

fn case(asked: &[(&str, u32)], ready: &[(&str, u32)]) -> Case {
    let (asked, ready) = (shares(asked), shares(ready));
    Case {
        asked,
        ready,
        lost: BTreeSet::new(),
        strange: BTreeSet::new(),
        pinned: false,
        is_whole: true,
        overdue: false,
    }
}

fn named(cluster: &str) -> BTreeSet<String> {
    BTreeSet::from([cluster.to_owned()])
}

fn step(case: &Case, wanted: &[(&str, u32)], before: &[(&str, u32)]) -> Step {
    let Case { asked, ready, lost, strange, pinned, is_whole, overdue } = case;
    let (pinned, is_whole, overdue) = (*pinned, *is_whole, *overdue);
    let present = Present { asked, ready, lost, strange, pinned, is_whole, overdue };
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

/// Three are wanted in `a`, and were there; somebody moved them to `b`, where two serve. Then four are wanted in `a`.
#[test]
fn what_was_moved_by_hand_moves_back_as_in_any_other_move_and_is_never_wanted() {
    let moved = case(&[("b", 3)], &[("b", 2)]);
    assert_eq!(step(&moved, &[("a", 3)], &[]), Step::Write(shares(&[("a", 3), ("b", 3)])));
    assert_eq!(step(&moved, &[("a", 4)], &[("a", 3)]), Step::Write(shares(&[("a", 4), ("b", 3)])));
    let on_the_way = case(&[("a", 3), ("b", 3)], &[("a", 2), ("b", 2)]);
    let overdue = Case { overdue: true, ..on_the_way };
    assert_eq!(step(&overdue, &[("a", 3)], &[]), Step::Wait);
    let arrived = case(&[("a", 3), ("b", 3)], &[("a", 3), ("b", 2)]);
    assert_eq!(step(&arrived, &[("a", 3)], &[]), Step::Write(shares(&[("a", 3)])));
    let pinned = Case { pinned: true, ..case(&[("b", 3)], &[("b", 2)]) };
    assert_eq!(step(&pinned, &[("a", 3)], &[]), Step::Write(shares(&[("a", 3)])));
    let weights = Case { is_whole: false, ..case(&[("b", 3)], &[("b", 2)]) };
    assert_eq!(step(&weights, &[("a", 3)], &[]), Step::Write(shares(&[("a", 3)])));
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
                let present = Present {
                    asked: &asked,
                    ready: &ready,
                    lost,
                    strange,
                    pinned: false,
                    is_whole: true,
                    overdue: false,
                };
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
