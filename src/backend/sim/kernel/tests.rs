//! The contract by hand: order, ties, cancellation, periodic events, outside sources, forks.

use super::*;

fn at(nanoseconds: u64, class: u8) -> Moment {
    Moment { time: Time(nanoseconds), class: Class(class) }
}

fn schedule(kernel: &mut Kernel<u32>, moment: Moment, event: u32) -> Handle {
    kernel.schedule(moment.time, moment.class, event)
}

/// Instants and events of the next `count`, or of as many as there are.
fn next(kernel: &mut Kernel<u32>, count: usize) -> Vec<(u64, u32)> {
    std::iter::from_fn(|| kernel.pop()).take(count).map(|(time, event)| (time.0, event)).collect()
}

#[test]
fn events_come_in_the_order_of_time_class_and_sequence() {
    let mut kernel = Kernel::new();
    for (moment, event) in
        [(at(30, 0), 6), (at(20, 1), 3), (at(20, 1), 4), (at(20, 0), 2), (at(20, 7), 5), (at(0, 9), 1)]
    {
        schedule(&mut kernel, moment, event);
    }
    assert_eq!(kernel.len(), 6);
    assert_eq!(next(&mut kernel, 9), [(0, 1), (20, 2), (20, 3), (20, 4), (20, 5), (30, 6)]);
    assert_eq!(kernel.now(), Time(30));
    assert!(kernel.is_empty());
}

#[test]
fn a_lower_class_scheduled_at_the_present_instant_is_next() {
    let mut kernel = Kernel::new();
    schedule(&mut kernel, at(5, 3), 1);
    schedule(&mut kernel, at(5, 3), 3);
    assert_eq!(kernel.pop(), Some((Time(5), 1)));
    schedule(&mut kernel, at(5, 0), 2);
    schedule(&mut kernel, at(5, 4), 4);
    assert_eq!(next(&mut kernel, 9), [(5, 2), (5, 3), (5, 4)]);
}

#[test]
fn the_end_of_time_is_an_instant_like_any_other() {
    let mut kernel = Kernel::new();
    schedule(&mut kernel, at(u64::MAX, 2), 3);
    schedule(&mut kernel, at(1, 0), 1);
    schedule(&mut kernel, at(u64::MAX, 1), 2);
    assert_eq!(next(&mut kernel, 2), [(1, 1), (u64::MAX, 2)]);
    schedule(&mut kernel, at(u64::MAX, 1), 4);
    assert_eq!(next(&mut kernel, 9), [(u64::MAX, 4), (u64::MAX, 3)]);
}

#[test]
#[should_panic(expected = "the past is over")]
fn scheduling_in_the_past_is_our_own_mistake() {
    let mut kernel = Kernel::new();
    schedule(&mut kernel, at(5, 0), 1);
    kernel.pop();
    schedule(&mut kernel, at(4, 0), 2);
}

#[test]
#[should_panic(expected = "time went back")]
fn an_event_that_was_passed_over_is_found_out() {
    let mut kernel = Kernel::new();
    schedule(&mut kernel, at(5, 0), 1);
    kernel.advance(Time(6));
    kernel.pop();
}

#[test]
fn a_cancelled_event_does_not_happen_and_is_cancelled_only_once() {
    let mut kernel = Kernel::new();
    let handles: Vec<_> = (0..4).map(|event| schedule(&mut kernel, at(10, 0), event)).collect();
    assert!(kernel.cancel(handles[2]));
    assert!(!kernel.cancel(handles[2]), "it was cancelled before");
    assert_eq!(kernel.len(), 3);
    assert_eq!(next(&mut kernel, 2), [(10, 0), (10, 1)]);
    assert!(!kernel.cancel(handles[1]), "it has happened at this very instant");
    assert!(kernel.cancel(handles[3]), "it would have been next");
    assert!(kernel.is_empty());
    assert_eq!(next(&mut kernel, 9), []);
}

#[test]
fn a_stale_handle_is_harmless() {
    let mut kernel = Kernel::new();
    let stale = schedule(&mut kernel, at(10, 0), 1);
    schedule(&mut kernel, at(20, 0), 2);
    assert_eq!(kernel.pop(), Some((Time(10), 1)));
    schedule(&mut kernel, at(10, 0), 3);
    assert!(!kernel.cancel(stale));
    assert_eq!(next(&mut kernel, 9), [(10, 3), (20, 2)]);
    assert!(!kernel.cancel(stale));
    assert_eq!(kernel.len(), 0);
}

/// The class of the event in the middle fires again and again, and the look drops the cancelled one ahead of its time:
/// neither makes the handle look live again.
#[test]
fn a_cancelled_event_that_was_looked_past_stays_cancelled() {
    let mut kernel = Kernel::new();
    let handle = schedule(&mut kernel, at(50, 0), 9);
    schedule(&mut kernel, at(60, 0), 2);
    assert!(kernel.cancel(handle));
    assert_eq!(kernel.peek(), Some(at(60, 0)));
    schedule(&mut kernel, at(10, 0), 1);
    assert_eq!(kernel.pop(), Some((Time(10), 1)));
    assert!(!kernel.cancel(handle));
    assert_eq!(kernel.len(), 1);
    assert_eq!(next(&mut kernel, 9), [(60, 2)]);
    assert!(!kernel.cancel(handle));
}

#[test]
fn a_look_changes_nothing_that_happens() {
    let mut kernel = Kernel::new();
    assert_eq!(kernel.peek(), None);
    schedule(&mut kernel, at(1_000_000, 1), 4);
    assert_eq!(kernel.peek(), Some(at(1_000_000, 1)));
    assert_eq!(kernel.now(), Time::ZERO);
    schedule(&mut kernel, at(0, 1), 1);
    schedule(&mut kernel, at(70, 2), 2);
    assert_eq!(kernel.peek(), Some(at(0, 1)));
    schedule(&mut kernel, at(999_999, 1), 3);
    assert_eq!(next(&mut kernel, 9), [(0, 1), (70, 2), (999_999, 3), (1_000_000, 4)]);
}

/// Every 10 from 0 (class 2), every 15 from 5 (class 1), single events in between:
/// 0: A | 5: B | 10: x (class 0), A | 12: y | 20: B (class 1), A, z (class 2, later than A) | 30: A | 35: B.
#[test]
fn periodic_and_asynchronous_events_share_one_order() {
    let (tick_a, tick_b, x, y, z) = (1, 2, 11, 12, 13);
    let mut kernel = Kernel::new();
    kernel.every(at(0, 2), Span(10), tick_a);
    kernel.every(at(5, 1), Span(15), tick_b);
    schedule(&mut kernel, at(10, 0), x);
    schedule(&mut kernel, at(12, 0), y);
    schedule(&mut kernel, at(20, 2), z);
    let expected = [
        (0, tick_a),
        (5, tick_b),
        (10, x),
        (10, tick_a),
        (12, y),
        (20, tick_b),
        (20, tick_a),
        (20, z),
        (30, tick_a),
        (35, tick_b),
    ];
    assert_eq!(next(&mut kernel, 10), expected);
    assert_eq!(kernel.len(), 2);
}

/// Started at different times with different periods, they meet at 60: the sequence is that of their start.
#[test]
fn periodic_events_that_meet_go_in_the_order_of_their_start() {
    let mut kernel = Kernel::new();
    kernel.every(at(60, 0), Span(60), 1);
    kernel.every(at(20, 0), Span(20), 2);
    assert_eq!(next(&mut kernel, 2), [(20, 2), (40, 2)]);
    kernel.every(at(45, 0), Span(15), 3);
    assert_eq!(next(&mut kernel, 4), [(45, 3), (60, 1), (60, 2), (60, 3)]);
    assert_eq!(next(&mut kernel, 6), [(75, 3), (80, 2), (90, 3), (100, 2), (105, 3), (120, 1)]);
}

/// 1 and 2 share a ring, and 1 has fired when 3 joins it at the same instant; 4, of another period, comes in between.
#[test]
fn a_periodic_event_of_a_lower_class_joins_at_the_present_instant() {
    let mut kernel = Kernel::new();
    kernel.every(at(10, 5), Span(10), 1);
    kernel.every(at(10, 5), Span(10), 2);
    kernel.every(at(20, 3), Span(20), 4);
    assert_eq!(next(&mut kernel, 1), [(10, 1)]);
    kernel.every(at(10, 0), Span(10), 3);
    assert_eq!(next(&mut kernel, 6), [(10, 3), (10, 2), (20, 3), (20, 4), (20, 1), (20, 2)]);
    assert_eq!(next(&mut kernel, 5), [(30, 3), (30, 1), (30, 2), (40, 3), (40, 4)]);
}

#[test]
fn a_periodic_event_that_starts_many_periods_ahead_does_not_disturb_the_others() {
    let mut kernel = Kernel::new();
    kernel.every(at(35, 0), Span(10), 1);
    kernel.every(at(3, 0), Span(10), 2);
    assert_eq!(next(&mut kernel, 7), [(3, 2), (13, 2), (23, 2), (33, 2), (35, 1), (43, 2), (45, 1)]);
}

#[test]
fn a_stopped_periodic_event_fires_no_more() {
    let mut kernel = Kernel::new();
    let first = kernel.every(at(1, 0), Span(2), 1);
    let second = kernel.every(at(2, 0), Span(2), 2);
    let third = kernel.every(at(3, 0), Span(2), 3);
    assert_eq!(next(&mut kernel, 2), [(1, 1), (2, 2)]);
    assert!(kernel.stop(third), "before its first turn");
    assert!(kernel.stop(second), "between two turns");
    assert!(!kernel.stop(second));
    assert_eq!(kernel.len(), 1);
    assert_eq!(next(&mut kernel, 2), [(3, 1), (5, 1)]);
    assert!(kernel.stop(first));
    assert_eq!(kernel.peek(), None);
    assert_eq!(next(&mut kernel, 9), []);
}

#[test]
fn a_periodic_event_ends_with_time_itself() {
    let mut kernel = Kernel::new();
    kernel.every(at(u64::MAX - 15, 0), Span(10), 1);
    assert_eq!(next(&mut kernel, 9), [(u64::MAX - 15, 1), (u64::MAX - 5, 1)]);
    assert!(kernel.is_empty());
}

/// Rows of a trace at 10, 20 and 30, class 1: a row goes before the events of its moment and after lower classes.
#[test]
fn an_outside_source_is_merged_by_its_own_class() {
    let mut kernel = Kernel::new();
    kernel.every(at(10, 0), Span(10), 1);
    schedule(&mut kernel, at(20, 1), 2);
    schedule(&mut kernel, at(25, 1), 3);
    let mut happened = Vec::new();
    for row in [10, 20, 30] {
        while let Some((time, event)) = kernel.pop_before(at(row, 1)) {
            happened.push((time.0, event));
        }
        kernel.advance(Time(row));
        happened.push((row, 99));
    }
    assert_eq!(happened, [(10, 1), (10, 99), (20, 1), (20, 99), (20, 2), (25, 3), (30, 1), (30, 99)]);
}

#[test]
fn a_clone_continues_identically_and_a_fork_leaves_the_original_alone() {
    let mut kernel = Kernel::new();
    kernel.every(at(0, 1), Span(7), 1);
    let handles: Vec<_> =
        (0..500).map(|event| schedule(&mut kernel, at(u64::from(event) * 13 % 997, 0), event)).collect();
    next(&mut kernel, 100);
    let mut twin = kernel.clone();
    let mut fork = kernel.clone();
    for handle in handles.into_iter().rev().take(300) {
        fork.cancel(handle);
    }
    schedule(&mut fork, at(400, 0), 7_777);
    let (ours, forked) = (next(&mut kernel, 300), next(&mut fork, 300));
    assert_eq!(ours, next(&mut twin, 300));
    assert_ne!(ours, forked);
    assert!(forked.contains(&(400, 7_777)));
}
