//! What happened over time: load against capacity, latency against the promise, replicas by cluster.

use super::axis::{Axis, instant, plain};
use super::thin::{thin, thin_stack};
use super::{Frame, Ink, Shape, draw};
use crate::record::series::Line;
use crate::report::html::timeline::{Entry, Outage, Timeline};

/// Width of the lines that matter.
const STRONG: u32 = 4;
/// Width of the others.
const WEAK: u32 = 3;

/// Offered and served load of an entry service against what it could serve. What is offered and not served shows between
/// the two.
pub fn load(timeline: &Timeline, entry: &Entry) -> String {
    let peak = peak(&entry.offered);
    let (highest, _) = [&entry.offered, &entry.served, &entry.capacity]
        .into_iter()
        .filter_map(top)
        .fold((0.0, 0.0), |best, one| if one.0 > best.0 { one } else { best });
    let label = format!("Load of {} over time: {peak}", entry.service);
    let frame = Frame { label, x: Axis::time(timeline.span_s), y: Axis::from_zero(highest) };
    let mut shapes = bands(timeline);
    shapes.extend(areas(&entry.offered, Ink::Lost));
    shapes.extend(areas(&entry.served, Ink::Served));
    shapes.extend(lines(&frame, &entry.capacity, Ink::Capacity, WEAK));
    shapes.extend(lines(&frame, &entry.offered, Ink::Offered, STRONG));
    draw(&frame, &shapes)
}

/// The 95th percentile of latency against the promised one; logarithmic where it rises far above it, which is told.
pub fn latency(timeline: &Timeline, entry: &Entry) -> Option<(String, bool)> {
    let (highest, at) = top(&entry.p95)?;
    let least = entry.p95.iter().filter_map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let promised = entry.slo.map(|slo| slo.latency_ms);
    let (low, high) = (least.min(promised.unwrap_or(least)), highest.max(promised.unwrap_or(0.0)));
    let y =
        if low > 0.0 && high / low > 30.0 { Axis::logarithmic(low * 0.8, high * 1.2) } else { Axis::from_zero(high) };
    let promise = promised.map(|ms| format!("; the promise is {} ms", plain(ms))).unwrap_or_default();
    let label = format!(
        "95th percentile of latency of {} over time: at most {:.0} ms, at {}{promise}",
        entry.service,
        highest,
        instant(at)
    );
    let frame = Frame { label, x: Axis::time(timeline.span_s), y };
    let mut shapes = bands(timeline);
    if let Some(ms) = promised {
        let level = frame.y.place(ms);
        shapes.push(Shape::Line(vec![(frame.x.from, level), (frame.x.to, level)], Ink::Slo, WEAK));
    }
    shapes.extend(lines(&frame, &entry.p95, Ink::Offered, STRONG));
    Some((draw(&frame, &shapes), frame.y.log))
}

/// Ready replicas of all services, by cluster, one on the other.
pub fn replicas(timeline: &Timeline) -> String {
    let sums: Vec<f64> =
        (0..timeline.times.len()).map(|index| timeline.replicas.iter().map(|stack| stack.ready[index]).sum()).collect();
    let highest = sums.iter().copied().fold(0.0, f64::max);
    let label = format!("Ready replicas over time by cluster: at most {highest:.0} together");
    let frame = Frame { label, x: Axis::time(timeline.span_s), y: Axis::from_zero(highest) };
    let kept = thin_stack(&sums);
    let mut floor = vec![0.0; kept.len()];
    let mut shapes = bands(timeline);
    for stack in &timeline.replicas {
        let ceiling: Vec<f64> = kept.iter().zip(&floor).map(|(index, floor)| floor + stack.ready[*index]).collect();
        let times: Vec<f64> = kept.iter().map(|index| timeline.times[*index]).collect();
        let mut outline = steps(&times, &ceiling, timeline.span_s);
        outline.extend(steps(&times, &floor, timeline.span_s).into_iter().rev());
        shapes.push(Shape::Area(outline, stack.ink));
        floor = ceiling;
    }
    draw(&frame, &shapes)
}

/// A count holds until the next sample.
fn steps(times: &[f64], values: &[f64], end: f64) -> Vec<(f64, f64)> {
    let nexts = times.iter().skip(1).copied().chain([end]);
    let corner = |((at, value), next): ((&f64, &f64), f64)| [(*at, *value), (next.max(*at), *value)];
    times.iter().zip(values).zip(nexts).flat_map(corner).collect()
}

fn bands(timeline: &Timeline) -> Vec<Shape> {
    // A crash has no length: it is shown as long as one pixel and a half.
    let least = timeline.span_s / 600.0;
    let band = |outage: &Outage| {
        let until = outage.until_s.unwrap_or(timeline.span_s).max(outage.from_s + least);
        Shape::Band(outage.from_s, until, Ink::Fault)
    };
    timeline.outages.iter().map(band).collect()
}

fn lines(frame: &Frame, line: &Line, ink: Ink, width: u32) -> Vec<Shape> {
    let placed = |piece: Vec<(f64, f64)>| piece.into_iter().map(|(at, value)| (at, frame.y.place(value))).collect();
    thin(line).into_iter().map(|piece| Shape::Line(placed(piece), ink, width)).collect()
}

fn areas(line: &Line, ink: Ink) -> Vec<Shape> {
    let closed = |mut piece: Vec<(f64, f64)>| {
        if let (Some(first), Some(last)) = (piece.first().copied(), piece.last().copied()) {
            piece.extend([(last.0, 0.0), (first.0, 0.0)]);
        }
        Shape::Area(piece, ink)
    };
    thin(line).into_iter().map(closed).collect()
}

/// The largest value and when it was.
fn top(line: &Line) -> Option<(f64, f64)> {
    let known = line.iter().filter_map(|(at, value)| Some(((*value)?, *at)));
    known.max_by(|a, b| a.0.total_cmp(&b.0))
}

fn peak(line: &Line) -> String {
    top(line).map_or_else(
        || "no samples".to_owned(),
        |(value, at)| format!("at most {} requests per second, at {}", plain(value.round()), instant(at)),
    )
}
