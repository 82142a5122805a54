//! Pareto pictures: the bill to the right, bad requests upwards, the best corner at the lower left.

use crate::report::bench::analysis::Analysis;
use crate::report::bench::front::{Front, Point};
use crate::report::bench::measure::Measure;
use crate::report::choice::capital;
use crate::report::html::chart::scatter::{Aim, Dot, picture, short};
use crate::report::html::markup::figure;
use crate::report::unit::Unit;

/// Points that have names, as far as these have room beside each other.
const NAMED_MAX: usize = 8;

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
    let few = front.points.len() <= NAMED_MAX;
    let dots: Vec<Dot> = front.points.iter().map(|point| dot(analysis, point, (front, across.unit, few))).collect();
    let upwards = aim(front.aims[1]);
    let svg = picture(&dots, across, &upwards);
    let named = if few { "" } else { "; those that nobody is shown to beat have names, point at the others" };
    let unit = front.aims[1].unit().symbol();
    let caption = format!(
        "{} ({unit}, upwards) against {}: the best corner is the lower left; {over}{named}",
        capital(front.aims[1].title()),
        across.title
    );
    figure(&caption, &svg, &[])
}

fn dot(analysis: &Analysis<'_>, point: &Point, (front, across, few): (&Front, Unit, bool)) -> Dot {
    let (x, y) = (&point.aims[0], &point.aims[1]);
    let up = front.aims[1].unit();
    Dot {
        name: short(analysis.grid.name(point.contestant)),
        at: (across.shown(x.mean), up.shown(y.mean)),
        half: (across.shown(x.half_width.unwrap_or(0.0)), up.shown(y.half_width.unwrap_or(0.0))),
        raw: (x.mean, y.mean),
        is_named: few || point.dominated_by.is_none(),
    }
}
