//! Pareto pictures: the bill to the right, bad requests upwards, the best corner at the lower left.

use crate::report::bench::analysis::Analysis;
use crate::report::bench::front::{Front, Point};
use crate::report::bench::measure::Measure;
use crate::report::choice::capital;
use crate::report::html::chart::scatter::{Aim, Dot, picture, short};
use crate::report::html::markup::figure;
use crate::report::unit::Unit;

/// Points that all have names, as far as these have room beside each other.
const NAMED_MAX: usize = 8;

/// How far from zero a point of many may lie, in multiples of where half of all are: the others would lie on one another.
const FAR: f64 = 5.0;

/// Over all scenarios.
pub fn overall(analysis: &Analysis<'_>) -> String {
    let front = &analysis.front;
    let across = Aim {
        title: "bill ÷ baseline's".to_owned(),
        axis: "bill as a multiple of the baseline's (less is better)".to_owned(),
        unit: Unit::Count,
    };
    let over = "means over scenarios, bars are 95 % intervals over scenarios";
    drawn(analysis, front, (&across, over))
}

/// Of one scenario.
pub fn of_scenario(analysis: &Analysis<'_>, scenario: usize) -> String {
    let front = &analysis.fronts[scenario];
    let Some(across) = front.aims.first() else { return String::new() };
    drawn(analysis, front, (&aim(*across), "means over seeds, bars are 95 % intervals over seeds"))
}

fn aim(measure: Measure) -> Aim {
    let axis = format!("{} ({}, less is better)", measure.title(), measure.unit().symbol());
    Aim { title: measure.title().to_owned(), axis, unit: measure.unit() }
}

fn drawn(analysis: &Analysis<'_>, front: &Front, (across, over): (&Aim, &str)) -> String {
    if front.points.len() < 2 {
        return String::new();
    }
    let is_few = front.points.len() <= NAMED_MAX;
    let (shown, far): (Vec<&Point>, Vec<&Point>) =
        front.points.iter().partition(|point| is_few || is_near(front, point));
    let has_name =
        |point: &Point| is_few || analysis.grid.baseline() == Some(point.contestant) || is_foremost(front, point);
    let dots: Vec<Dot> =
        shown.iter().map(|point| dot(analysis, point, (front, across.unit, has_name(point)))).collect();
    let upwards = aim(front.aims[1]);
    let svg = picture(&dots, across, &upwards);
    let named =
        if is_few { "" } else { "; named are the baseline and whose means nobody beats in both, point at the others" };
    let names: Vec<&str> = far.iter().map(|point| analysis.grid.name(point.contestant)).collect();
    let left_out =
        if far.is_empty() { String::new() } else { format!("; far outside, and left out: {}", names.join(", ")) };
    let unit = front.aims[1].unit().symbol();
    let caption = format!(
        "{} ({unit}, upwards) against {}: the best corner is the lower left; {over}{named}{left_out}",
        capital(front.aims[1].title()),
        across.title
    );
    figure(&caption, &svg, &[])
}

/// Whether both means are within [`FAR`] medians; where half of all have nothing bad, nobody is far.
fn is_near(front: &Front, point: &Point) -> bool {
    [0, 1].into_iter().all(|aim: usize| {
        let mut means: Vec<f64> = front.points.iter().map(|point| point.aims[aim].mean).collect();
        means.sort_by(f64::total_cmp);
        let middle = means[means.len() / 2];
        middle <= 0.0 || point.aims[aim].mean <= middle * FAR
    })
}

/// Whether no other has means that are as low in both aims and lower in one, whatever the intervals say.
fn is_foremost(front: &Front, point: &Point) -> bool {
    let means = |point: &Point| (point.aims[0].mean, point.aims[1].mean);
    let (x, y) = means(point);
    front.points.iter().map(means).all(|(left, low)| !(left <= x && low <= y && (left < x || low < y)))
}

fn dot(analysis: &Analysis<'_>, point: &Point, (front, across, is_named): (&Front, Unit, bool)) -> Dot {
    let (x, y) = (&point.aims[0], &point.aims[1]);
    let up = front.aims[1].unit();
    Dot {
        name: short(analysis.grid.name(point.contestant)),
        at: (across.shown(x.mean), up.shown(y.mean)),
        half: (across.shown(x.half_width.unwrap_or(0.0)), up.shown(y.half_width.unwrap_or(0.0))),
        raw: (x.mean, y.mean),
        is_named,
    }
}
