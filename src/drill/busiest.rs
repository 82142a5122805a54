//! When a loss hurts most: at the beginning of the time, as long as the loss lasts, in which the load needs the most CPU.
//!
//! Load is counted in cores, so that requests of different services can be added up: a request needs the CPU that a replica
//! asks for over what that serves, and what its calls need; a task needs what it asks for while it is there, had it not
//! waited. This is a property of the load alone. What a policy makes of it is what the drill is to find out.

use crate::model::task::TaskSource;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::model::{Application, Capacity, Scenario, Service, ServiceId, Table};
use crate::units::{Span, Time};

/// The first minutes of a run, in which all replicas only start, are no time for a drill.
const WARM_UP: Span = Span::seconds(1_800);

/// The busiest time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busiest {
    /// When it begins.
    pub at: Time,
    /// Cores that the load needs in it, on the mean.
    pub cores: f64,
    /// Cores that the load needs over the whole run, on the mean.
    pub cores_mean: f64,
}

/// The busiest `window` of a run: the first of several that are as busy. The first half hour, or quarter of the run where
/// that is shorter, is left out.
///
/// # Errors
/// Where the load cannot be read.
pub fn busiest(
    scenario: &Scenario,
    (mut rates, mut tasks): (Box<dyn RateSource>, Box<dyn TaskSource>),
    window: Span,
) -> Result<Busiest, WorkloadError> {
    let application = &scenario.known.application;
    let until = scenario.until.map_or(Time::MAX, |until| Time::ZERO + until);
    let (mut steps, mut end) = load(application, &mut *rates, until)?;
    while let Some(task) = tasks.next_task()?.filter(|task| task.at < until) {
        let cores = application.services[task.class].request.cpu.cores();
        steps.push((task.at, cores));
        steps.extend(task.duration.map(|duration| (task.at + duration, -cores)));
        end = end.max(tasks.end());
    }
    Ok(Sums::new(steps, end.min(until)).busiest(window))
}

/// Changes of the cores that requests need, and when the load ends.
fn load(
    application: &Application,
    rates: &mut dyn RateSource,
    until: Time,
) -> Result<(Vec<(Time, f64)>, Time), WorkloadError> {
    let weights = cores_per_request(application);
    let mut demand: Table<ServiceId, f64> = application.services.values().map(|_| 0.0).collect();
    let mut steps = Vec::new();
    let mut row = RateRow::default();
    while rates.next_row(&mut row)? {
        if row.at >= until {
            return Ok((steps, until));
        }
        let mut change = 0.0;
        for (service, rate) in &row.rates {
            let cores = rate.per_second() * weights[*service];
            change += cores - std::mem::replace(&mut demand[*service], cores);
        }
        steps.push((row.at, change));
    }
    Ok((steps, rates.end()))
}

/// Cores that one request a second to each service needs, with all that it calls.
fn cores_per_request(application: &Application) -> Table<ServiceId, f64> {
    let mut weights: Table<ServiceId, f64> = application.services.values().map(own).collect();
    // Calls stand in an order in which callers come before whom they call.
    for call in application.calls.iter().rev() {
        let below = weights[call.to] * call.per_request.as_f64();
        weights[call.from] += below;
    }
    weights
}

fn own(service: &Service) -> f64 {
    let per_replica = match service.capacity.default {
        Capacity::Linear { alpha, .. } => alpha,
        Capacity::Usl { gamma, .. } => gamma,
    };
    if per_replica > 0.0 { service.request.cpu.cores() / per_replica } else { 0.0 }
}

/// Cores over time, and their sum since the start.
struct Sums {
    /// Since when, core-seconds until then, cores from then on; the last is the end.
    steps: Vec<(f64, f64, f64)>,
}

impl Sums {
    fn new(mut changes: Vec<(Time, f64)>, end: Time) -> Self {
        changes.retain(|(at, _)| *at < end);
        changes.sort_by_key(|(at, _)| *at);
        let mut steps = vec![(0.0, 0.0, 0.0)];
        for (at, change) in changes.into_iter().chain([(end, 0.0)]) {
            let at = at.since(Time::ZERO).as_seconds_f64();
            let (from, sum, cores) = *steps.last().expect("there is the start");
            steps.push((at, sum + cores * (at - from), cores + change));
        }
        Self { steps }
    }

    fn end(&self) -> f64 {
        self.steps.last().expect("there is the end").0
    }

    /// Core-seconds until then.
    fn until(&self, at: f64) -> f64 {
        let next = self.steps.partition_point(|(from, ..)| *from <= at);
        let (from, sum, cores) = self.steps[next.max(1) - 1];
        sum + cores * (at - from)
    }

    /// A mean over a window rises and falls linearly between the places where it begins or ends at a step.
    fn busiest(&self, window: Span) -> Busiest {
        let end = self.end();
        let width = window.as_seconds_f64().min(end).max(1e-9);
        let first = WARM_UP.as_seconds_f64().min(end / 4.0);
        let last = (end - width).max(first);
        let begins = self.steps.iter().flat_map(|(at, ..)| [*at, *at - width]).chain([first, last]);
        let mut begins: Vec<f64> = begins.filter(|at| (first..=last).contains(at)).collect();
        begins.sort_by(f64::total_cmp);
        let mut best = (first, f64::NEG_INFINITY);
        for at in begins {
            let cores = (self.until((at + width).min(end)) - self.until(at)) / width;
            if cores > best.1 * (1.0 + 1e-9) || best.1 == f64::NEG_INFINITY {
                best = (at, cores);
            }
        }
        let mean = if end > 0.0 { self.until(end) / end } else { 0.0 };
        Busiest { at: Time::ZERO + Span::from_seconds_f64(best.0), cores: best.1, cores_mean: mean }
    }
}

#[cfg(test)]
mod tests {
    use super::Sums;
    use crate::units::{Span, Time};

    const HOUR: u64 = 3_600;

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000_000)
    }

    /// Four hours: 1 core, from 1:00 on 3 cores for half an hour, then 2 cores. The busiest hour begins at 1:00 with
    /// (3 + 2) / 2 = 2.5 cores; the whole has (1 + 2.5 + 2 + 2) / 4.
    #[test]
    fn the_busiest_hour_is_that_with_the_most_cores() {
        let changes = vec![(at(0), 1.0), (at(HOUR), 2.0), (at(HOUR + HOUR / 2), -1.0)];
        let busiest = Sums::new(changes, at(4 * HOUR)).busiest(Span::seconds(HOUR));
        assert_eq!(busiest.at, at(HOUR));
        assert!((busiest.cores - 2.5).abs() < 1e-9 && (busiest.cores_mean - 1.875).abs() < 1e-9);
    }

    #[test]
    fn of_an_even_load_the_first_time_after_the_start_counts() {
        let busiest = Sums::new(vec![(at(0), 1.0)], at(24 * HOUR)).busiest(Span::seconds(HOUR));
        assert_eq!(busiest.at, at(HOUR / 2));
    }
}
