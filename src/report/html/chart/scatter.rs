//! Two metrics against each other, a point a policy, with its intervals.

use super::axis::Axis;
use super::{Frame, Ink, Shape, Side, draw, plot_size};
use crate::report::compare::Group;
use crate::report::metric::{Better, Metric};
use crate::report::unit::Unit;

/// Letters of a label before it is cut.
const LABEL_MAX: usize = 30;

/// How far from zero a point of many may lie, in multiples of where the best and half of all are.
const FAR: f64 = 1.5;

/// The picture, and what of it has no name or no place.
pub struct Scatter {
    /// The picture.
    pub svg: String,
    /// Policies that have their name beside their point.
    pub named: usize,
    /// Policies that are left out, because the others would lie on one another.
    pub left_out: usize,
}

/// The picture, or `None` where fewer than two policies have both metrics. Of many, those of rank 1 have names.
pub fn scatter(groups: &[&Group], across: &'static Metric, up: &'static Metric) -> Option<Scatter> {
    let all: Vec<Dot> = groups.iter().filter_map(|group| dot(group, across, up)).collect();
    if all.len() < 2 {
        return None;
    }
    let count = groups.len();
    let points = near(all);
    let named = points.iter().filter(|dot| dot.is_named).count();
    let left_out = count - points.len();
    let svg = picture(&points, &Aim::of(across), &Aim::of(up));
    Some(Scatter { svg, named: named + left_out, left_out })
}

/// Without those of many that lie so far out that the others would lie on one another.
fn near(all: Vec<Dot>) -> Vec<Dot> {
    if all.iter().all(|dot| dot.is_named) {
        return all;
    }
    let limit = |of: fn(&Dot) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let best = all.iter().filter(|dot| dot.is_named).map(of).fold(f64::NEG_INFINITY, f64::max);
        best.max(values[values.len() / 2]) * FAR
    };
    let (right, top) = (limit(|dot| dot.at.0), limit(|dot| dot.at.1));
    all.into_iter().filter(|dot| dot.is_named || (dot.at.0 <= right && dot.at.1 <= top)).collect()
}

/// What an axis shows.
pub struct Aim {
    /// In a sentence.
    pub title: String,
    /// At the axis: what, in which unit, and where it is better.
    pub axis: String,
    /// The unit of what is said of a point.
    pub unit: Unit,
}

impl Aim {
    /// A metric.
    pub fn of(metric: &Metric) -> Self {
        Self { title: metric.title.to_owned(), axis: title(metric), unit: metric.unit }
    }
}

/// The picture of these points; those without a name are small and say it when they are pointed at.
pub fn picture(points: &[Dot], across: &Aim, up: &Aim) -> String {
    let x = range(points.iter().map(|dot| (dot.at.0, dot.half.0)), 0.3).titled(&across.axis);
    let y = range(points.iter().map(|dot| (dot.at.1, dot.half.1)), 0.1);
    let says = |dot: &Dot| {
        let (x, y) = (across.unit.text(dot.raw.0), up.unit.text(dot.raw.1));
        format!("{}: {} {x}, {} {y}", dot.name, across.title, up.title)
    };
    let named: Vec<String> = points.iter().filter(|dot| dot.is_named).map(says).collect();
    let label = format!("{} against {} by policy. {}", up.title, across.title, named.join(". "));
    let frame = Frame { axes: true, label, x, y };
    let mut shapes = Vec::new();
    for dot in points {
        let ((x, y), (wide, high)) = (dot.at, dot.half);
        let ink = Ink::Capacity;
        shapes.push(Shape::Line(vec![(frame.x.place(x - wide), y), (frame.x.place(x + wide), y)], ink, 3));
        shapes.push(Shape::Line(vec![(x, frame.y.place(y - high)), (x, frame.y.place(y + high))], ink, 3));
    }
    for dot in points {
        let (ink, size) = if dot.is_named { (Ink::Offered, 11) } else { (Ink::Capacity, 7) };
        shapes.push(Shape::Point(dot.at, ink, size));
    }
    shapes.extend(labels(&frame, points));
    let wide = (frame.x.to - frame.x.from) * 0.008;
    let hover = |dot: &Dot| {
        let (x, y) = dot.at;
        Shape::HoverLine(vec![(x - wide, y), (x + wide, y)], says(dot), 24)
    };
    shapes.extend(points.iter().filter(|dot| !dot.is_named).map(hover));
    draw(&frame, &shapes)
}

/// The words at an axis: what, in which unit, and where it is better.
pub fn title(metric: &Metric) -> String {
    let better = match metric.better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
        Better::Neither => "",
    };
    let about: Vec<&str> = [metric.unit.symbol(), better].into_iter().filter(|text| !text.is_empty()).collect();
    format!("{} ({})", metric.title, about.join(", "))
}

/// A policy in the picture.
pub struct Dot {
    /// Its name.
    pub name: String,
    /// Where it lies, in shown units.
    pub at: (f64, f64),
    /// Halves of its intervals, in shown units.
    pub half: (f64, f64),
    /// Where it lies, in base units.
    pub raw: (f64, f64),
    /// Whether its name stands beside it.
    pub is_named: bool,
}

fn dot(group: &Group, across: &Metric, up: &Metric) -> Option<Dot> {
    let (x, y) = (group.figure(across)?, group.figure(up)?);
    let half = |metric: &Metric, half: Option<f64>| metric.unit.shown(half.unwrap_or(0.0));
    Some(Dot {
        name: short(&group.policy),
        at: (across.unit.shown(x.mean), up.unit.shown(y.mean)),
        half: (half(across, x.half_width), half(up, y.half_width)),
        raw: (x.mean, y.mean),
        is_named: group.rank.is_none_or(|rank| rank == 1),
    })
}

/// A label that leaves room for others.
pub fn short(label: &str) -> String {
    let cut = label.chars().count() > LABEL_MAX;
    let name: String = label.chars().take(if cut { LABEL_MAX - 1 } else { LABEL_MAX }).collect();
    if cut { name + "…" } else { name }
}

/// All points with their intervals and some room.
fn range(values: impl Iterator<Item = (f64, f64)> + Clone, room: f64) -> Axis {
    let low = values.clone().map(|(value, half)| value - half).fold(f64::INFINITY, f64::min);
    let high = values.clone().map(|(value, half)| value + half).fold(f64::NEG_INFINITY, f64::max);
    let least = values.map(|(value, _)| value).fold(f64::INFINITY, f64::min);
    // Values that differ by a rounding error only are one value: no ticks lie between them.
    let width = if high - low > 1e-9 * high.abs().max(low.abs()) { high - low } else { high.abs().max(1.0) * 0.5 };
    let from = low - width * room;
    // Zero belongs into the picture where it is near, with a little room for a point that lies there; nothing below does.
    let from = if least >= 0.0 && from < width * 0.5 { -0.08 * (high + width * room) } else { from };
    Axis::between(from, high + width * room)
}

/// Width of a letter of a name, in pixels: that of a wide font, so that no name crosses an axis.
const NAME_LETTER: f64 = 20.0;
/// Half the height of a line of letters, in pixels.
const HALF_LINE: f64 = 15.0;

/// A box in pixels: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// Each name beside its point, on the first side where it covers nothing.
#[expect(clippy::cast_possible_truncation, reason = "pixels of a canvas")]
fn labels(frame: &Frame, points: &[Dot]) -> Vec<Shape> {
    let (width, height) = plot_size(frame);
    let pixel = |(x, y): (f64, f64)| {
        let across = (x - frame.x.from) / (frame.x.to - frame.x.from);
        let up = (y - frame.y.from) / (frame.y.to - frame.y.from);
        (across * width, (1.0 - up) * height)
    };
    let bar = |dot: &Dot| {
        let ((x, y), wide) = (pixel(dot.at), dot.half.0 / (frame.x.to - frame.x.from) * width);
        (x - wide, y - 4.0, x + wide, y + 4.0)
    };
    let areas = |is_named: bool| {
        let dots = points.iter().filter(move |dot| dot.is_named == is_named);
        dots.flat_map(|dot| [around(pixel(dot.at)), bar(dot)]).collect::<Vec<Area>>()
    };
    // A name may lie on a point without one where there is no other place, but never outside.
    let (mut taken, crowd) = (areas(true), areas(false));
    let mut shapes = Vec::new();
    for dot in points.iter().filter(|dot| dot.is_named) {
        let (x, y) = pixel(dot.at);
        let long = dot.name.chars().count() as f64 * NAME_LETTER;
        // Beside the interval, not on it.
        let wide = (dot.half.0 / (frame.x.to - frame.x.from) * width + 10.0).max(20.0).round();
        let aside = wide as i32;
        let at = |offset: (i32, i32), side: Side| {
            let (left, middle) = (x + f64::from(offset.0), y + f64::from(offset.1));
            let left = match side {
                Side::Left => left,
                Side::Right => left - long,
                Side::Centre => left - long / 2.0,
            };
            (offset, side, (left, middle - HALF_LINE, left + long, middle + HALF_LINE))
        };
        let sides = [
            at((aside, 0), Side::Left),
            at((-aside, 0), Side::Right),
            at((0, -38), Side::Centre),
            at((0, 38), Side::Centre),
            at((20, -38), Side::Left),
            at((20, 38), Side::Left),
            at((-20, -38), Side::Right),
            at((0, -76), Side::Centre),
            at((20, -76), Side::Left),
            at((-20, -76), Side::Right),
            at((20, -114), Side::Left),
            at((-20, -114), Side::Right),
        ];
        let inside = |area: &Area| area.0 >= 0.0 && area.1 >= -10.0 && area.2 <= width + 30.0 && area.3 <= height - 4.0;
        let free = |area: &Area| !taken.iter().any(|other| overlap(area, other));
        let lonely = |area: &Area| !crowd.iter().any(|other| overlap(area, other));
        let inner = || sides.iter().filter(|(.., area)| inside(area));
        let fits =
            inner().find(|(.., area)| free(area) && lonely(area)).or_else(|| inner().find(|(.., area)| free(area)));
        let side = fits.or_else(|| inner().next()).unwrap_or(&sides[0]);
        taken.push(side.2);
        shapes.push(Shape::Letters(dot.at, dot.name.clone(), side.0, side.1));
    }
    shapes
}

const fn around((x, y): (f64, f64)) -> Area {
    (x - 12.0, y - 12.0, x + 12.0, y + 12.0)
}

const fn overlap(a: &Area, b: &Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}
