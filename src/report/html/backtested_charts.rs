//! Pictures of a back test: what was recorded as dots, what was predicted as a line in its interval, and drift.
//!
//! All have the time of the observations to the right. A vertical line parts what came before from what was tested; the
//! time since a drift began is shaded, and a dashed line is its alarm.

use super::backtested::{BacktestSection, Compared, Track};
use super::chart::axis::{Axis, instant, plain};
use super::chart::{Frame, Ink, Shape, Side, draw};

/// A picture with what its colours mean.
pub type Picture = (String, Vec<(String, u8)>);

/// Dots of a picture; more would only be slow.
const DOTS_MAX: usize = 1_000;
/// Places along a line; each is the mean of the samples there.
const CELLS: usize = 240;
/// Places that say their values when they are pointed at.
const PLACES: usize = 48;

/// What colours mean in every picture of the section, behind those of the picture itself.
fn marks(section: &BacktestSection) -> Vec<(String, u8)> {
    let mut marks = vec![("begin of the test part".to_owned(), Ink::Axis.number())];
    if section.drifted_s.is_some() {
        marks.push(("since the drift began".to_owned(), Ink::Fault.number()));
    }
    if section.alarm_s.is_some() {
        marks.push(("time of the alarm".to_owned(), Ink::Slo.number()));
    }
    marks
}

/// The shade of a drift, which lies below everything else.
fn shade(section: &BacktestSection, frame: &Frame) -> Option<Shape> {
    section.drifted_s.map(|from| Shape::Band(from, frame.x.to, Ink::Fault))
}

/// The lines at the begin of the test part and at the alarm.
fn lines(section: &BacktestSection, frame: &Frame) -> Vec<Shape> {
    let upright = |at: f64| vec![(at, frame.y.from), (at, frame.y.to)];
    let mut shapes = vec![Shape::Line(upright(section.split_s), Ink::Axis, 3)];
    shapes.extend(section.alarm_s.map(|at| Shape::Line(upright(at), Ink::Slo, 4)));
    // Where there is room the two parts have their names.
    let share = section.split_s / section.span_s.max(1.0);
    if share > 0.25 {
        shapes.push(Shape::Letters((section.split_s, frame.y.to), "before ".to_owned(), (-6, 16), Side::Right));
    }
    if share < 0.85 {
        shapes.push(Shape::Letters((section.split_s, frame.y.to), "tested".to_owned(), (8, 16), Side::Left));
    }
    shapes
}

const fn ink(point: &Compared) -> Ink {
    match (point.is_saturated, point.is_tested) {
        (true, _) => Ink::Lost,
        (_, true) => Ink::Letters,
        (_, false) => Ink::Series(7),
    }
}

/// What the dots of these points mean.
fn dots(points: &[&Compared]) -> Vec<(String, u8)> {
    let mut legend = Vec::new();
    for (what, is_there) in [
        ("recorded, before", points.iter().any(|one| !one.is_tested && !one.is_saturated)),
        ("recorded, tested", points.iter().any(|one| one.is_tested && !one.is_saturated)),
        ("recorded, saturated", points.iter().any(|one| one.is_saturated)),
    ] {
        let ink = match what {
            "recorded, before" => Ink::Series(7),
            "recorded, tested" => Ink::Letters,
            _ => Ink::Lost,
        };
        if is_there {
            legend.push((what.to_owned(), ink.number()));
        }
    }
    legend
}

/// Every so many of the points, and all saturated ones up to the same number: they are rare and tell the most.
fn thinned<'a>(points: &[&'a Compared]) -> Vec<&'a Compared> {
    let step = points.len().div_ceil(DOTS_MAX).max(1);
    let saturated = points.iter().filter(|one| one.is_saturated).take(DOTS_MAX);
    points.iter().step_by(step).filter(|one| !one.is_saturated).chain(saturated).copied().collect()
}

/// Recorded and predicted values over time, with the interval; `None` where nothing was predicted.
pub fn over_time(section: &BacktestSection, track: &Track) -> Option<Picture> {
    let known = |one: &&Compared| one.recorded.is_finite() && !one.predicted.is_nan();
    let points: Vec<&Compared> = track.points.iter().filter(known).collect();
    if points.len() < 2 {
        return None;
    }
    let y = height(&points);
    let most = points.iter().map(|one| one.recorded).fold(0.0, f64::max);
    let label = format!("{} over time, recorded and predicted: at most {} {}", track.what, rounded(most), track.unit);
    let frame = Frame { axes: true, label, x: Axis::time(section.span_s), y };
    let cells = cells(&points, section);
    let mut shapes: Vec<Shape> = shade(section, &frame).into_iter().collect();
    let mut has_band = false;
    for piece in &cells {
        let edge = |value: fn(&Cell) -> f64| piece.iter().map(move |cell| (cell.at_s, value(cell)));
        let upper = edge(|cell| cell.high).map(|(at, value)| (at, frame.y.place(value)));
        let lower = edge(|cell| cell.low).map(|(at, value)| (at, frame.y.place(value)));
        let outline: Vec<(f64, f64)> = upper.chain(lower.collect::<Vec<_>>().into_iter().rev()).collect();
        if outline.iter().all(|(_, value)| value.is_finite()) && piece.len() > 1 {
            has_band = true;
            shapes.push(Shape::Area(outline, Ink::Served));
        }
    }
    let dot = |one: &&Compared| Shape::Point((one.at_s, frame.y.place(one.recorded)), ink(one), 3);
    shapes.extend(thinned(&points).iter().map(dot));
    for piece in &cells {
        let line = piece.iter().map(|cell| (cell.at_s, frame.y.place(cell.predicted))).collect();
        shapes.push(Shape::Line(line, Ink::Offered, 4));
    }
    shapes.extend(lines(section, &frame));
    shapes.extend(places(section, &points, track.unit));
    let mut legend = dots(&points);
    legend.push(("predicted".to_owned(), Ink::Offered.number()));
    if has_band {
        legend.push(("90 % interval".to_owned(), Ink::Served.number()));
    }
    legend.extend(marks(section));
    Some((draw(&frame, &shapes), legend))
}

/// Up to what was recorded and a little more: predictions may go far beyond it, and are cut off there. Logarithmic where
/// values differ by more than a hundred times.
fn height(points: &[&Compared]) -> Axis {
    let most = points.iter().map(|one| one.recorded).fold(0.0, f64::max);
    let predicted = points.iter().map(|one| one.predicted).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let most = most.max(predicted.min(most * 2.0));
    let least = points.iter().map(|one| one.recorded).filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() && most / least > 100.0 {
        Axis::logarithmic(least * 0.8, most * 1.2)
    } else {
        Axis::from_zero(most * 1.06)
    }
}

/// The mean of what was predicted at a place along the time.
#[derive(Debug, Clone, Copy)]
struct Cell {
    at_s: f64,
    predicted: f64,
    low: f64,
    high: f64,
}

/// Means along the time, in pieces where nothing was used for long.
fn cells(points: &[&Compared], section: &BacktestSection) -> Vec<Vec<Cell>> {
    let width = (section.span_s / CELLS as f64).max(1e-9);
    let place = |one: &Compared| (one.at_s / width).floor();
    let mut pieces: Vec<Vec<Cell>> = vec![Vec::new()];
    let mut before: Option<f64> = None;
    for group in points.chunk_by(|a, b| place(a).total_cmp(&place(b)).is_eq() && a.is_tested == b.is_tested) {
        let count = group.len() as f64;
        let mean = |of: fn(&Compared) -> f64| group.iter().map(|one| of(one)).sum::<f64>() / count;
        let cell = Cell {
            at_s: mean(|one| one.at_s),
            predicted: mean(|one| one.predicted),
            low: mean(|one| one.low),
            high: mean(|one| one.high),
        };
        if before.is_some_and(|before| cell.at_s - before > 8.0 * width)
            && let Some(true) = pieces.last().map(|piece| !piece.is_empty())
        {
            pieces.push(Vec::new());
        }
        before = Some(cell.at_s);
        if let Some(piece) = pieces.last_mut() {
            piece.push(cell);
        }
    }
    pieces
}

/// Places over the whole width, each with the values of the sample nearest to its middle.
fn places(section: &BacktestSection, points: &[&Compared], unit: &str) -> Vec<Shape> {
    let width = section.span_s / PLACES as f64;
    let place = |number: usize| {
        let from = number as f64 * width;
        let after = points.partition_point(|one| one.at_s < from + width / 2.0);
        let one = points.get(after.min(points.len() - 1)).filter(|one| (from..=from + width).contains(&one.at_s))?;
        let text = format!(
            "{}: recorded {} {unit}, predicted {} ({} – {})",
            instant(one.at_s),
            rounded(one.recorded),
            rounded(one.predicted),
            rounded(one.low),
            rounded(one.high)
        );
        Some(Shape::Hover(from, from + width, text))
    };
    (0..PLACES).filter_map(place).collect()
}

/// Recorded less predicted as a percentage of what was predicted, with the interval about zero.
pub fn residuals(section: &BacktestSection, track: &Track) -> Option<Picture> {
    let known = |one: &&Compared| one.recorded.is_finite() && one.predicted.is_finite() && one.predicted > 0.0;
    let points: Vec<&Compared> = track.points.iter().filter(known).collect();
    if points.len() < 2 {
        return None;
    }
    let share = |one: &Compared, value: f64| (value - one.predicted) / one.predicted * 100.0;
    let furthest = points.iter().map(|one| share(one, one.recorded).abs()).fold(1.0, f64::max);
    let most = furthest.min(400.0) * 1.1;
    let label = format!("Residuals of {} over time: at most {} % of what was predicted", track.what, rounded(furthest));
    let frame = Frame { axes: true, label, x: Axis::time(section.span_s), y: Axis::between(-most, most) };
    let mut shapes: Vec<Shape> = shade(section, &frame).into_iter().collect();
    let relative: Vec<Compared> =
        points.iter().map(|one| Compared { low: share(one, one.low), high: share(one, one.high), ..**one }).collect();
    for piece in cells(&relative.iter().collect::<Vec<_>>(), section) {
        let upper = piece.iter().map(|cell| (cell.at_s, frame.y.place(cell.high)));
        let lower = piece.iter().rev().map(|cell| (cell.at_s, frame.y.place(cell.low)));
        if piece.len() > 1 {
            shapes.push(Shape::Area(upper.chain(lower).collect(), Ink::Served));
        }
    }
    shapes.push(Shape::Line(vec![(frame.x.from, 0.0), (frame.x.to, 0.0)], Ink::Offered, 3));
    let dot = |one: &&Compared| Shape::Point((one.at_s, frame.y.place(share(one, one.recorded))), ink(one), 3);
    shapes.extend(thinned(&points).iter().map(dot));
    shapes.extend(lines(section, &frame));
    let mut legend = dots(&points);
    legend.push(("90 % interval".to_owned(), Ink::Served.number()));
    legend.extend(marks(section));
    Some((draw(&frame, &shapes), legend))
}

/// The drift statistic, cut off where it rises far above its alarm.
pub fn statistic(section: &BacktestSection) -> Option<Picture> {
    if section.path.len() < 2 {
        return None;
    }
    let step = section.path.len().div_ceil(DOTS_MAX).max(1);
    let path: Vec<&(f64, f64, f64)> = section.path.iter().step_by(step).collect();
    let highest = path.iter().map(|(_, upper, lower)| upper.max(lower.abs())).fold(0.0, f64::max);
    let most = highest.max(section.threshold * 1.2);
    // Beyond a few times the alarm nothing more is to be seen.
    let y = Axis::from_zero(most.min(section.threshold * 6.0));
    let label = format!(
        "Drift statistic over time: at most {}, the alarm is at {}",
        rounded(highest),
        rounded(section.threshold)
    );
    let frame = Frame { axes: true, label, x: Axis::time(section.span_s), y };
    let mut shapes: Vec<Shape> = shade(section, &frame).into_iter().collect();
    let line =
        |value: fn(&(f64, f64, f64)) -> f64| path.iter().map(|one| (one.0, frame.y.place(value(one).abs()))).collect();
    let level = section.threshold;
    shapes.push(Shape::Line(vec![(frame.x.from, level), (frame.x.to, level)], Ink::Slo, 3));
    shapes.push(Shape::Line(line(|one| one.2), Ink::Series(1), 3));
    shapes.push(Shape::Line(line(|one| one.1), Ink::Offered, 3));
    shapes.extend(lines(section, &frame));
    let mut legend = vec![
        ("more CPU than predicted".to_owned(), Ink::Offered.number()),
        ("less CPU than predicted".to_owned(), Ink::Series(1).number()),
        ("alarm level".to_owned(), Ink::Slo.number()),
    ];
    legend.extend(marks(section));
    Some((draw(&frame, &shapes), legend))
}

/// As many digits as one reads in passing.
fn rounded(value: f64) -> String {
    if !value.is_finite() {
        return if value > 0.0 { "∞".to_owned() } else { "–".to_owned() };
    }
    let digits = match value.abs() {
        magnitude if magnitude >= 100.0 => 1.0,
        magnitude if magnitude >= 1.0 => 100.0,
        _ => 10_000.0,
    };
    plain((value * digits).round() / digits)
}
