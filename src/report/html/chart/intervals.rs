//! Pictures of a sheet: values with their intervals against zero, courses over time, and points good and bad.

use super::axis::Axis;
use super::{Frame, Ink, Shape, Side, draw};
use crate::report::sheet::{Mark, Picture};

/// Rows that can be read in one picture.
pub const ROWS_MAX: usize = 9;
/// Letters of a row's name before it is cut.
const NAME_MAX: usize = 24;

/// The colour of a mark; each has a stroke and a fill.
pub const fn ink(mark: Mark) -> Ink {
    match mark {
        Mark::None => Ink::Series(7),
        Mark::Good => Ink::Series(2),
        Mark::Bad => Ink::Series(1),
    }
}

/// The picture; `None` where there is nothing in it.
pub fn picture(picture: &Picture) -> Option<String> {
    match picture {
        Picture::Intervals { axis, rows, limit, .. } => intervals(axis, rows, *limit),
        Picture::Courses { lines, lost, .. } => courses(lines, *lost),
        Picture::Dots { axes, dots, limit, .. } => points(axes, dots, *limit),
    }
}

fn intervals(axis: &str, rows: &[(String, f64, f64, Mark)], limit: Option<f64>) -> Option<String> {
    let rows = &rows[..rows.len().min(ROWS_MAX)];
    if rows.is_empty() {
        return None;
    }
    let ends = rows.iter().flat_map(|(_, value, half, _)| [value - half, value + half]).chain(limit).chain([0.0]);
    let x = around(ends).titled(axis);
    let count = rows.len() as f64;
    let level = |index: usize| count - 0.5 - index as f64;
    let ticks = rows.iter().enumerate().map(|(index, row)| (level(index), cut(&row.0))).collect();
    let y = Axis { from: 0.0, to: count, ticks, title: String::new(), log: false };
    let said = |(name, value, half, _): &(String, f64, f64, Mark)| {
        let spread = if *half > 0.0 { format!(" ± {}", short(*half)) } else { String::new() };
        format!("{name}: {}{spread}", short(*value))
    };
    let label = format!("{axis}. {}", rows.iter().map(said).collect::<Vec<_>>().join("; "));
    let frame = Frame { axes: true, label, x, y };
    let mut shapes = vec![Shape::Line(vec![(0.0, 0.0), (0.0, count)], Ink::Axis, 3)];
    shapes.extend(limit.map(|limit| Shape::Line(vec![(limit, 0.0), (limit, count)], Ink::Slo, 3)));
    for (index, row) in rows.iter().enumerate() {
        let ((_, value, half, mark), at) = (row, level(index));
        shapes.push(Shape::Line(vec![(0.0, at), (*value, at)], ink(*mark), 2));
        shapes.push(Shape::Line(vec![(value - half, at), (value + half, at)], ink(*mark), 8));
        shapes.push(Shape::Point((*value, at), ink(*mark), 10));
    }
    shapes.extend(rows.iter().enumerate().map(|(index, row)| {
        Shape::HoverLine(vec![(frame.x.from, level(index)), (frame.x.to, level(index))], said(row), 32)
    }));
    Some(draw(&frame, &shapes))
}

fn courses(lines: &[(String, Vec<(f64, f64)>)], lost: (f64, f64)) -> Option<String> {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let (from, to) = (all().map(|point| point.0).reduce(f64::min)?, all().map(|point| point.0).reduce(f64::max)?);
    let top = all().map(|point| point.1).fold(0.0, f64::max);
    let said = |(name, points): &(String, Vec<(f64, f64)>)| {
        let least = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
        format!("{name}: {} to {}", short(least), short(most))
    };
    let label = lines.iter().map(said).collect::<Vec<_>>().join("; ");
    let frame = Frame { axes: true, label, x: Axis::time_between(from, to), y: Axis::from_zero(top) };
    let mut shapes = vec![Shape::Band(lost.0, lost.1, Ink::Fault)];
    for (index, (_, points)) in lines.iter().enumerate().rev() {
        shapes.push(Shape::Line(points.clone(), line_ink(index), 4));
    }
    Some(draw(&frame, &shapes))
}

/// The colour of a course, by its place.
pub fn line_ink(index: usize) -> Ink {
    if index == 0 { Ink::Capacity } else { Ink::of_cluster(index - 1) }
}

fn points(axes: &(String, String), dots: &[((f64, f64), String, Mark)], limit: Option<f64>) -> Option<String> {
    if dots.is_empty() {
        return None;
    }
    let x = around(dots.iter().map(|dot| dot.0.0)).titled(&axes.0);
    let y = around(dots.iter().map(|dot| dot.0.1).chain(limit).chain([0.0]));
    let named: Vec<&str> = dots.iter().map(|dot| dot.1.as_str()).filter(|name| !name.is_empty()).collect();
    let label = format!("{} against {}: {} points; {}", axes.1, axes.0, dots.len(), named.join(", "));
    let frame = Frame { axes: true, label, x, y };
    let mut shapes = Vec::new();
    shapes.extend(limit.map(|at| Shape::Line(vec![(frame.x.from, at), (frame.x.to, at)], Ink::Slo, 3)));
    for (at, name, mark) in dots {
        shapes.push(Shape::Point(*at, ink(*mark), if name.is_empty() { 7 } else { 12 }));
    }
    let letters = |(at, name, _): &((f64, f64), String, Mark)| {
        let is_right = at.0 > f64::midpoint(frame.x.from, frame.x.to);
        let (offset, side) = if is_right { (-20, Side::Right) } else { (20, Side::Left) };
        Shape::Letters(*at, name.clone(), (offset, -26), side)
    };
    shapes.extend(dots.iter().filter(|dot| !dot.1.is_empty()).map(letters));
    Some(draw(&frame, &shapes))
}

/// All values, with some room.
fn around(values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = if high > low { (high - low) * 0.06 } else { high.abs().max(1.0) * 0.5 };
    Axis::between(if low >= 0.0 && low < room { 0.0 } else { low - room }, high + room)
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_MAX - 1).collect::<String>() + "…"
}

/// About three digits.
fn short(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        3
    };
    format!("{value:.decimals$}")
}
