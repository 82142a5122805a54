//! What scalings share: the last wish of each service, its bounds, telemetry that is too old, and holding down.

use crate::model::{Seen, Service, ServiceId, Snapshot, Table};
use crate::units::{Span, Time};
use std::collections::VecDeque;

/// The last number of replicas that was wanted for each service, as a Deployment keeps it in `spec.replicas`: it outlives
/// a refusal. Before the first wish it is what is asked for at present, or what was declared where nothing is.
#[derive(Debug, Clone, Default)]
pub struct Wishes(Table<ServiceId, u32>);

impl Wishes {
    /// The last wish for `service`, within its bounds.
    pub fn last(&mut self, snapshot: &Snapshot, service: ServiceId) -> u32 {
        while self.0.len() < snapshot.services.len() {
            let next = ServiceId(u32::try_from(self.0.len()).expect("tables stay below 2^32 rows"));
            let present = snapshot.targets.total(next);
            let declared = snapshot.service(next);
            self.0.push(bounded(declared, if present == 0 { declared.replicas } else { present }));
        }
        self.0[service]
    }

    /// Remembers a wish.
    pub fn set(&mut self, service: ServiceId, replicas: u32) {
        self.0[service] = replicas;
    }
}

/// `replicas` within what the service allows.
pub fn bounded(service: &Service, replicas: u32) -> u32 {
    replicas.min(service.replicas_max).max(service.replicas_min)
}

/// What is known of a value: missing is not zero, and too old is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting<T> {
    /// Seen, and young enough.
    Fresh(T),
    /// Older than the limit; holds its age.
    Old(Span),
    /// Not seen; holds the time since it was asked for.
    Missing(Span),
}

impl<T> Sighting<T> {
    /// What `seen` is worth at `now` when nothing older than `limit` counts.
    pub fn of(seen: Seen<T>, now: Time, limit: Span) -> Self {
        let age = seen.age(now);
        match seen.value {
            Some(value) if age <= limit => Self::Fresh(value),
            Some(_) => Self::Old(age),
            None => Self::Missing(age),
        }
    }
}

/// The highest of the recent wishes, in replicas or in what they are to serve: a queue in which each is higher than all that
/// follow it.
#[derive(Debug, Clone)]
pub struct HoldDown<T = u32>(VecDeque<(Time, T)>);

impl<T> Default for HoldDown<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Copy + Ord> HoldDown<T> {
    /// The highest of `wish` and of the wishes younger than `window`; remembers `wish`.
    pub fn highest(&mut self, now: Time, window: Span, wish: T) -> T {
        while self.0.back().is_some_and(|&(_, earlier)| earlier <= wish) {
            self.0.pop_back();
        }
        while self.0.front().is_some_and(|&(at, _)| now.since(at) >= window) {
            self.0.pop_front();
        }
        self.0.push_back((now, wish));
        self.0.front().map_or(wish, |&(_, highest)| highest)
    }
}

#[cfg(test)]
mod tests {
    use super::{HoldDown, Sighting};
    use crate::model::Seen;
    use crate::units::{Span, Time};

    #[test]
    fn a_lower_number_counts_only_after_the_window() {
        let at = |second: u64| Time(second * 1_000_000_000);
        let mut window = HoldDown::default();
        let seen: Vec<u32> = [(0, 5), (10, 3), (20, 2), (29, 2), (30, 2), (40, 2), (41, 7)]
            .map(|(second, replicas)| window.highest(at(second), Span::seconds(30), replicas))
            .to_vec();
        // The 5 of second 0 counts up to second 29, the 3 of second 10 up to second 39.
        assert_eq!(seen, [5, 5, 5, 5, 3, 2, 7]);
    }

    #[test]
    fn old_and_missing_values_are_not_zero() {
        let now = Time(60_000_000_000);
        let limit = Span::seconds(30);
        assert_eq!(Sighting::of(Seen::now(7, now), now, limit), Sighting::Fresh(7));
        assert_eq!(Sighting::of(Seen::now(7, Time::ZERO), now, limit), Sighting::Old(Span::seconds(60)));
        assert_eq!(Sighting::of(Seen::<u32>::NEVER, now, limit), Sighting::Missing(Span::seconds(60)));
    }
}
