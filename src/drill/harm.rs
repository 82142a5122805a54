//! What a loss did: one future less the one in which nothing was lost.

use super::Course;
use super::watch::Point;
use crate::model::Totals;
use crate::model::observation::Flow;
use crate::units::Time;
use serde::Serialize;

/// What a loss did until the end of the drill, against the same future without it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Harm {
    /// Minutes more in which some service broke its SLO; less than nothing where there were fewer.
    pub slo_minutes: f64,
    /// Requests of users more that were slow, dropped, failed further down, or still wait.
    pub bad_requests: f64,
    /// The most replicas, and tasks, that had no place at a time, beyond those that have none anyway.
    pub unplaceable: f64,
    /// Minutes from the loss until it was as if nothing had been lost, for good: no SLO broken, nothing waiting and nothing
    /// without a place that would not be so anyway. `None`: not before the end of the drill.
    pub recovery_minutes: Option<f64>,
    /// Dollars more, for nodes and traffic.
    pub cost: f64,
    /// Kilograms of `CO₂e` more.
    pub carbon: f64,
}

/// A share of the time above which a broken SLO counts: less is a rounding error.
const VIOLATED_MIN: f64 = 1e-6;
/// Requests that wait, above which they count.
const WAITING_MIN: f64 = 1.0;

/// What the loss at `at` did to `course`.
pub fn harm(undisturbed: &Course, course: &Course, at: Time) -> Harm {
    let pairs: Vec<(&Point, &Point)> = pairs(&undisturbed.points, &course.points).collect();
    let excess = |(anyway, now): &(&Point, &Point)| now.unplaced.saturating_sub(anyway.unplaced);
    let difference = |of: fn(&Totals) -> f64| of(&course.totals) - of(&undisturbed.totals);
    Harm {
        slo_minutes: difference(broken_minutes),
        bad_requests: difference(bad_requests),
        unplaceable: pairs.iter().map(excess).max().unwrap_or(0) as f64,
        recovery_minutes: recovery(&pairs, at),
        cost: difference(|totals| totals.by_cluster.iter().map(|row| row.cost_nodes + row.cost_egress).sum()),
        carbon: difference(|totals| totals.by_cluster.iter().map(|row| row.carbon / 1e3).sum()),
    }
}

fn broken_minutes(totals: &Totals) -> f64 {
    totals.slo_violation_time * totals.span.as_seconds_f64() / 60.0
}

fn bad_requests(totals: &Totals) -> f64 {
    Flow::requests(totals.requests.offered) - totals.requests_good
}

/// Points of the same instant.
fn pairs<'a>(anyway: &'a [Point], now: &'a [Point]) -> impl Iterator<Item = (&'a Point, &'a Point)> {
    let mut rest = anyway.iter().peekable();
    now.iter().filter_map(move |point| {
        while rest.next_if(|other| other.at < point.at).is_some() {}
        rest.peek().filter(|other| other.at == point.at).map(|other| (*other, point))
    })
}

/// Minutes until the end of the last span between two points that was worse than it would have been.
fn recovery(pairs: &[(&Point, &Point)], at: Time) -> Option<f64> {
    let is_worse = |(anyway, now): &(&Point, &Point)| {
        now.violated > anyway.violated + VIOLATED_MIN
            || now.backlog > anyway.backlog + WAITING_MIN
            || now.unplaced > anyway.unplaced
    };
    match pairs.iter().rposition(is_worse) {
        None => Some(0.0),
        Some(last) if last + 1 == pairs.len() => None,
        Some(last) => Some(pairs[last].1.at.since(at).as_seconds_f64() / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, pairs, recovery};
    use crate::units::Time;

    fn point(at_s: u64, violated: f64) -> Point {
        let at = Time(at_s * 1_000_000_000);
        Point { at, offered: 0.0, served: 0.0, backlog: 0.0, violated, unplaced: 0 }
    }

    /// Lost at 60 s; worse than anyway until 180 s, as bad as anyway at 240 s: recovered after two minutes.
    #[test]
    fn it_has_recovered_when_it_is_never_worse_again() {
        let anyway = [point(120, 0.0), point(180, 0.0), point(240, 0.5), point(300, 0.0)];
        let now = [point(120, 1.0), point(150, 1.0), point(180, 0.2), point(240, 0.5), point(300, 0.0)];
        let both: Vec<_> = pairs(&anyway, &now).collect();
        assert_eq!(both.len(), 4);
        let lost = Time(60_000_000_000);
        assert_eq!(recovery(&both, lost), Some(2.0));
        assert_eq!(recovery(&both[..2], lost), None);
        assert_eq!(recovery(&both[2..], lost), Some(0.0));
    }
}
