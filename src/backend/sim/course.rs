//! The course of demand and supply of one service, and its elasticity.
//!
//! Both are constant between two changes, so the first four figures are exact integrals over the pieces. Whether they
//! moved alike is only defined on a grid: that is the grid of decisions, from one to the next.

use crate::model::observation::Elasticity;
use crate::units::Time;
use std::cmp::Ordering;

/// Demand and supply in cores, and what has come of them so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// What is needed, and what there is.
    pub(super) demand: f64,
    pub(super) supply: f64,
    /// The smallest demand that shortages and excess are measured by: one replica.
    least: f64,
    since: Time,
    seconds: f64,
    core_seconds: f64,
    /// Seconds, weighted by relative shortage and excess, and those with any.
    short: (f64, f64),
    spare: (f64, f64),
    /// Demand and supply at the last point of the grid.
    seen: Option<(f64, f64)>,
    intervals: u32,
    against: u32,
}

impl Course {
    /// Nothing yet, of a service whose replicas have so many cores.
    pub(super) fn new(least: f64) -> Self {
        Self { least, ..Self::default() }
    }

    /// Lets time pass until `now`.
    pub(super) fn advance(&mut self, now: Time) {
        let seconds = (now - self.since).as_seconds_f64();
        self.since = now;
        if seconds <= 0.0 {
            return;
        }
        self.seconds += seconds;
        self.core_seconds += self.demand * seconds;
        let relative = (self.supply - self.demand).abs() / self.demand.max(self.least) * seconds;
        let sums = match order(self.supply, self.demand) {
            Ordering::Less => &mut self.short,
            Ordering::Greater => &mut self.spare,
            Ordering::Equal => return,
        };
        sums.0 += relative;
        sums.1 += seconds;
    }

    /// A point of the grid.
    pub(super) fn tick(&mut self) {
        let here = (self.demand, self.supply);
        if let Some((demand, supply)) = self.seen.replace(here) {
            self.intervals += 1;
            self.against += u32::from(order(here.0, demand) != order(here.1, supply));
        }
    }

    /// Forgets what was.
    pub(super) fn restart(&mut self, now: Time) {
        let Self { demand, supply, least, .. } = *self;
        *self = Self { demand, supply, least, since: now, ..Self::default() };
    }

    /// The figures; `None` where nothing was ever demanded.
    pub(super) fn elasticity(&self) -> Option<Elasticity> {
        let share = |part: f64| part / self.seconds;
        let instability = if self.intervals == 0 { 0.0 } else { f64::from(self.against) / f64::from(self.intervals) };
        let five = [share(self.short.0), share(self.spare.0), share(self.short.1), share(self.spare.1), instability];
        (self.core_seconds > 0.0).then(|| Elasticity::of(five, self.core_seconds / 3600.0))
    }
}

/// Which is more, where a billionth is no difference: cores of different clusters are not whole numbers.
fn order(left: f64, right: f64) -> Ordering {
    if (left - right).abs() <= 1e-9 * left.abs().max(right.abs()) { Ordering::Equal } else { left.total_cmp(&right) }
}

#[cfg(test)]
mod tests {
    use super::Course;
    use crate::units::Time;

    /// Goal: all six figures of a course that can be done by hand.
    /// Method: pieces of 10 s with (d, s) = (2,2) (4,2) (4,4) (2,4) (2,3), a point of the grid at the begin of each.
    /// `θ_U = (4−2)/4·10/50 = 0.1`; `θ_O = ((4−2)/2 + (3−2)/2)·10/50 = 0.3`; `τ_U = 10/50`; `τ_O = 20/50`.
    /// Moves of (d, s): (+,0) against, (0,+) against, (−,0) against, (0,−) against: υ = 4/4.
    /// σ⁵ = 0.1⁵ + 0.3⁵ + 0.2⁵ + 0.4⁵ + 1⁵ = 1.013 = 0.00001 + 0.00243 + 0.00032 + 0.01024 + 1.
    /// Demand is 2·10 + 4·20 + 2·20 = 140 core-seconds.
    #[test]
    fn a_course_by_hand_has_its_six_figures() {
        let mut course = Course::new(1.0);
        for (step, (demand, supply)) in (0u64..).zip([(2.0, 2.0), (4.0, 2.0), (4.0, 4.0), (2.0, 4.0), (2.0, 3.0)]) {
            course.advance(Time(step * 10_000_000_000));
            (course.demand, course.supply) = (demand, supply);
            course.tick();
        }
        course.advance(Time(50_000_000_000));
        let found = course.elasticity().expect("something was demanded");
        let near = |found: f64, right: f64| assert!((found - right).abs() < 1e-12, "{found} and not {right}");
        near(found.accuracy_under, 0.1);
        near(found.accuracy_over, 0.3);
        near(found.time_under, 0.2);
        near(found.time_over, 0.4);
        near(found.instability, 1.0);
        near(found.deviation, 1.013f64.powf(0.2));
        near(found.core_hours, 140.0 / 3600.0);
    }

    /// Supply that goes along is stable: (1,1) (2,2) (2,2) (1,1) moves alike three times.
    #[test]
    fn supply_that_goes_along_is_perfect() {
        let mut course = Course::new(1.0);
        for (step, cores) in (0u64..).zip([1.0, 2.0, 2.0, 1.0, 1.0]) {
            course.advance(Time(step * 1_000_000_000));
            (course.demand, course.supply) = (cores, cores);
            course.tick();
        }
        assert!(course.elasticity().is_some_and(|found| found.deviation == 0.0));
    }
}
