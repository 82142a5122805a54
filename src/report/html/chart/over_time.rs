//! What happened over time: load against capacity, latency, replicas and nodes by cluster, how full nodes are, when SLOs
//! were broken, how old telemetry was.
//!
//! Every picture has the time of the run to the right, faults as shaded times, and places that say their values when they
//! are pointed at.

use super::axis::{Axis, instant, plain};
use super::thin::{thin, thin_stack};
use super::{Frame, Ink, Shape, draw};
use crate::record::line::Line;
use crate::report::timeline::outage::Outage;
use crate::report::timeline::sums::{Fullness, Stacks};
use crate::report::timeline::task_lines::TaskLines;
use crate::report::timeline::{Entry, Timeline};

/// Width of the lines that matter.
const STRONG: u32 = 4;
/// Width of the others.
const WEAK: u32 = 3;
/// Per cent from which how full nodes are is drawn up to all that they offer.
const FULL_FROM: f64 = 25.0;

/// A run, and how finely it is drawn.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The run.
    pub timeline: &'a Timeline,
    /// How finely.
    pub detail: Detail,
}

/// How much of a run is drawn: many runs on one page are drawn more coarsely, so that the page can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Pairs of points of a line.
    pub buckets: usize,
    /// Places that say their values.
    pub places: usize,
    /// Entry services that are drawn.
    pub entries: usize,
    /// Rows of tables and of each kind of entry in the log.
    pub rows: usize,
    /// Decisions that are explained.
    pub explained: usize,
    /// Services of each of these.
    pub explained_services: usize,
    /// Clusters of each of these services.
    pub explained_clusters: usize,
}

impl Detail {
    /// For a page with so many runs over time.
    pub const fn for_runs(runs: usize) -> Self {
        let (buckets, places, entries, rows) = match runs {
            0..=4 => (360, 48, 3, 30),
            5..=8 => (200, 36, 2, 20),
            9..=12 => (130, 24, 1, 12),
            _ => (90, 16, 1, 8),
        };
        let (explained, explained_services, explained_clusters) = match runs {
            0..=4 => (10, 8, 20),
            5..=8 => (6, 5, 12),
            9..=12 => (4, 4, 10),
            _ => (3, 2, 6),
        };
        Self { buckets, places, entries, rows, explained, explained_services, explained_clusters }
    }
}

/// A named line of a picture.
struct Trace<'a> {
    name: &'a str,
    line: &'a Line,
    ink: Ink,
    width: u32,
}

impl<'a> Trace<'a> {
    const fn new(name: &'a str, line: &'a Line, ink: Ink) -> Self {
        Self { name, line, ink, width: STRONG }
    }
}

impl View<'_> {
    fn frame(&self, label: String, y: Axis) -> Frame {
        Frame { axes: true, label, x: Axis::time(self.timeline.span_s), y }
    }

    /// Places over the whole width, each with the values in its middle.
    fn places(&self, times: &[f64], say: impl Fn(usize) -> String) -> Vec<Shape> {
        let width = self.timeline.span_s / self.detail.places as f64;
        let place = |number: usize| {
            let from = number as f64 * width;
            let middle = times.partition_point(|at| *at < from + width / 2.0).min(times.len().checked_sub(1)?);
            Some(Shape::Hover(from, from + width, format!("{}: {}", instant(times[middle]), say(middle))))
        };
        (0..self.detail.places).filter_map(place).collect()
    }

    /// Places that say the values of lines; the lines have values at the same times.
    fn places_of(&self, traces: &[Trace<'_>], unit: &str) -> Vec<Shape> {
        let times: Vec<f64> =
            traces.first().map(|trace| trace.line.iter().map(|(at, _)| *at).collect()).unwrap_or_default();
        self.places(&times, |index| {
            let value = |trace: &Trace<'_>| {
                let value = trace.line.get(index).and_then(|(_, value)| *value);
                let shown = value.map_or_else(|| "–".to_owned(), |value| format!("{}{unit}", rounded(value)));
                format!("{} {shown}", trace.name)
            };
            traces.iter().map(value).collect::<Vec<_>>().join(", ")
        })
    }

    fn lines(&self, frame: &Frame, traces: &[Trace<'_>]) -> Vec<Shape> {
        let placed = |piece: Vec<(f64, f64)>| piece.into_iter().map(|(at, value)| (at, frame.y.place(value))).collect();
        let of = |trace: &Trace<'_>| {
            let (ink, width) = (trace.ink, trace.width);
            thin(trace.line, self.detail.buckets).into_iter().map(move |piece| (piece, ink, width)).collect::<Vec<_>>()
        };
        traces.iter().flat_map(of).map(|(piece, ink, width)| Shape::Line(placed(piece), ink, width)).collect()
    }

    fn area(&self, line: &Line, ink: Ink) -> Vec<Shape> {
        let closed = |mut piece: Vec<(f64, f64)>| {
            if let (Some(first), Some(last)) = (piece.first().copied(), piece.last().copied()) {
                piece.extend([(last.0, 0.0), (first.0, 0.0)]);
            }
            Shape::Area(piece, ink)
        };
        thin(line, self.detail.buckets).into_iter().map(closed).collect()
    }

    fn bands(&self) -> Vec<Shape> {
        // A crash has no length: it is shown as long as one pixel and a half.
        let least = self.timeline.span_s / 600.0;
        let band = |outage: &Outage| {
            let until = outage.until_s.unwrap_or(self.timeline.span_s).max(outage.from_s + least);
            Shape::Band(outage.from_s, until, Ink::Fault)
        };
        self.timeline.outages.iter().map(band).collect()
    }

    /// Offered and served load of an entry service against what it could serve. What is offered and not served shows
    /// between the two.
    pub fn load(&self, entry: &Entry) -> String {
        let lines = [&entry.offered, &entry.served, &entry.capacity];
        let highest = lines.into_iter().filter_map(top).map(|(value, _)| value).fold(0.0, f64::max);
        let label = format!("Load of {} over time: {}", entry.service, peak(&entry.offered, "requests per second"));
        let frame = self.frame(label, Axis::from_zero(highest));
        let offered = Trace::new("offered", &entry.offered, Ink::Offered);
        let capacity = Trace { width: WEAK, ..Trace::new("capacity", &entry.capacity, Ink::Capacity) };
        let mut shapes = self.bands();
        shapes.extend(self.area(&entry.offered, Ink::Lost));
        shapes.extend(self.area(&entry.served, Ink::Served));
        shapes.extend(self.lines(&frame, &[capacity, offered]));
        let served = Trace::new("served", &entry.served, Ink::Served);
        let said = [
            Trace::new("offered", &entry.offered, Ink::Offered),
            served,
            Trace::new("capacity", &entry.capacity, Ink::Capacity),
        ];
        shapes.extend(self.places_of(&said, "/s"));
        draw(&frame, &shapes)
    }

    /// Quantiles of latency against the promise; logarithmic where they rise far above it, which is told.
    pub fn latency(&self, entry: &Entry) -> Option<(String, bool)> {
        let (highest, at) = top(&entry.p95)?;
        let (upmost, _) = top(&entry.p99).unwrap_or((highest, at));
        let least = entry.p50.iter().filter_map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let promised = entry.slo.map(|slo| slo.latency_ms);
        let (low, high) = (least.min(promised.unwrap_or(least)), upmost.max(promised.unwrap_or(0.0)));
        let far = low > 0.0 && high / low > 30.0;
        let y = if far { Axis::logarithmic(low * 0.8, high * 1.2) } else { Axis::from_zero(high) };
        let promise = promised.map(|ms| format!("; the promise is {} ms", plain(ms))).unwrap_or_default();
        let when = instant(at);
        let label = format!(
            "Latency of {} over time: 95th percentile at most {highest:.0} ms, at {when}{promise}",
            entry.service
        );
        let frame = self.frame(label, y);
        let mut shapes = self.bands();
        if let Some(ms) = promised {
            let level = frame.y.place(ms);
            shapes.push(Shape::Line(vec![(frame.x.from, level), (frame.x.to, level)], Ink::Slo, WEAK));
        }
        let p50 = || Trace { width: WEAK, ..Trace::new("p50", &entry.p50, Ink::Series(2)) };
        let p95 = || Trace::new("p95", &entry.p95, Ink::Offered);
        let p99 = || Trace { width: WEAK, ..Trace::new("p99", &entry.p99, Ink::Series(1)) };
        shapes.extend(self.lines(&frame, &[p99(), p50(), p95()]));
        shapes.extend(self.places_of(&[p50(), p95(), p99()], " ms"));
        Some((draw(&frame, &shapes), frame.y.log))
    }

    /// Something by cluster, one on the other; and a line above it, where there is one.
    pub fn stacks(&self, what: &str, stacks: &Stacks, above: Option<(&str, &[f64])>) -> String {
        let sums = stacks.total();
        let over = above.map_or(&[][..], |(_, values)| values);
        let highest = sums.iter().chain(over).copied().fold(0.0, f64::max);
        let label = format!("{what} over time by cluster: at most {highest:.0} together");
        let frame = self.frame(label, Axis::from_zero(highest));
        let kept = thin_stack(&sums, self.detail.buckets);
        let times: Vec<f64> = kept.iter().map(|index| self.timeline.times[*index]).collect();
        let mut floor = vec![0.0; kept.len()];
        let mut shapes = self.bands();
        for (number, stack) in stacks.0.iter().enumerate() {
            if stack.values.iter().all(|value| *value <= 0.0) {
                continue;
            }
            let ceiling: Vec<f64> =
                kept.iter().zip(&floor).map(|(index, floor)| floor + stack.values[*index]).collect();
            let mut outline = steps(&times, &ceiling, self.timeline.span_s);
            outline.extend(steps(&times, &floor, self.timeline.span_s).into_iter().rev());
            shapes.push(Shape::Area(outline, Ink::of_cluster(number)));
            floor = ceiling;
        }
        if let Some((_, values)) = above {
            let kept = thin_stack(values, self.detail.buckets);
            let times: Vec<f64> = kept.iter().map(|index| self.timeline.times[*index]).collect();
            let values: Vec<f64> = kept.iter().map(|index| values[*index]).collect();
            shapes.push(Shape::Line(steps(&times, &values, self.timeline.span_s), Ink::Letters, WEAK));
        }
        shapes.extend(self.places(&self.timeline.times, |index| {
            let there = stacks.0.iter().filter(|stack| stack.values[index] > 0.0);
            let each: Vec<String> =
                there.map(|stack| format!("{} {}", stack.cluster, rounded(stack.values[index]))).collect();
            let each = if each.is_empty() { "none".to_owned() } else { each.join(", ") };
            let asked = above.map(|(name, values)| format!("; {name} {}", rounded(values[index])));
            each + &asked.unwrap_or_default()
        }));
        draw(&frame, &shapes)
    }

    /// How full the nodes are, in per cent.
    pub fn fullness(&self, fullness: &Fullness) -> String {
        let percent =
            |line: &Line| -> Line { line.iter().map(|(at, one)| (*at, one.map(|one| one * 100.0))).collect() };
        let lines = Self::fullness_lines(fullness).map(|(name, line, ink)| (name, percent(line), ink));
        let there: Vec<_> =
            lines.into_iter().filter(|(_, line, _)| line.iter().any(|(_, one)| one.is_some())).collect();
        let highest = there.iter().filter_map(|(_, line, _)| top(line)).map(|(value, _)| value).fold(0.0, f64::max);
        // Up to what is offered, but for nodes that are nearly empty.
        let highest = if highest > FULL_FROM { highest.max(100.0) } else { highest };
        let means = there
            .iter()
            .filter_map(|(name, line, _)| Some(format!("{name} {:.0} %", crate::report::timeline::sums::mean(line)?)));
        let label = format!("How full nodes are over time; on average {}", means.collect::<Vec<_>>().join(", "));
        let frame = self.frame(label, Axis::from_zero(highest));
        let traces: Vec<Trace<'_>> = there.iter().map(|(name, line, ink)| Trace::new(name, line, *ink)).collect();
        let mut shapes = self.bands();
        shapes.extend(self.lines(&frame, &traces));
        shapes.extend(self.places_of(&traces, " %"));
        draw(&frame, &shapes)
    }

    /// The lines of [`fullness`](Self::fullness): name, line and colour.
    pub fn fullness_lines(fullness: &Fullness) -> [(&'static str, &Line, Ink); 5] {
        [
            ("CPU requested", &fullness.cpu_requested, Ink::Offered),
            ("CPU used", &fullness.cpu_used, Ink::Series(2)),
            ("memory requested", &fullness.memory_requested, Ink::Series(1)),
            ("GPU requested", &fullness.gpu_requested, Ink::Series(5)),
            ("CPU requested on nodes in use", &fullness.packed, Ink::Capacity),
        ]
    }

    /// In which part of the time the SLO of a service was broken.
    pub fn broken(&self, entry: &Entry) -> String {
        let percent: Line = entry.broken.iter().map(|(at, one)| (*at, one.map(|one| one * 100.0))).collect();
        let words = top(&percent).filter(|(value, _)| *value > 0.0).map_or_else(
            || "never".to_owned(),
            |(value, at)| format!("at worst {value:.0} % of the time between two samples, at {}", instant(at)),
        );
        let frame = self.frame(format!("SLO of {} broken over time: {words}", entry.service), Axis::from_zero(100.0));
        let mut shapes = self.bands();
        shapes.extend(self.area(&percent, Ink::Lost));
        shapes.extend(self.places_of(&[Trace::new("SLO broken in", &percent, Ink::Lost)], " % of the time"));
        draw(&frame, &shapes)
    }

    /// Tasks that wait.
    pub fn waiting(&self, tasks: &TaskLines) -> String {
        let highest = top(&tasks.waiting).map_or(0.0, |(value, _)| value);
        let label = format!("Tasks that wait over time: {}", peak(&tasks.waiting, "tasks"));
        let frame = self.frame(label, Axis::from_zero(highest));
        let mut shapes = self.bands();
        shapes.extend(self.area(&tasks.waiting, Ink::Lost));
        shapes.extend(self.places_of(&[Trace::new("waiting", &tasks.waiting, Ink::Lost)], ""));
        draw(&frame, &shapes)
    }

    /// Tasks that arrived and completed, since the start.
    pub fn come_and_gone(&self, tasks: &TaskLines) -> String {
        let highest = top(&tasks.arrived).map_or(0.0, |(value, _)| value);
        let done = top(&tasks.completed).map_or(0.0, |(value, _)| value);
        let (all, done) = (plain(highest), plain(done));
        let label = format!("Tasks over time: {all} arrived by the end, {done} completed");
        let frame = self.frame(label, Axis::from_zero(highest));
        let traces = [
            Trace::new("arrived", &tasks.arrived, Ink::Offered),
            Trace::new("completed", &tasks.completed, Ink::Series(2)),
        ];
        let mut shapes = self.bands();
        shapes.extend(self.lines(&frame, &traces));
        shapes.extend(self.places_of(&traces, ""));
        draw(&frame, &shapes)
    }

    /// How old the newest measurements were, in seconds.
    pub fn ages(&self) -> Option<String> {
        let timeline = self.timeline;
        let (highest, at) = top(&timeline.age_worst)?;
        let label = format!("Age of telemetry over time: at most {highest:.0} s, at {}", instant(at));
        let frame = self.frame(label, Axis::from_zero(highest));
        let traces = [
            Trace { width: WEAK, ..Trace::new("oldest", &timeline.age_worst, Ink::Series(1)) },
            Trace::new("median", &timeline.age_median, Ink::Offered),
        ];
        let mut shapes = self.bands();
        shapes.extend(self.lines(&frame, &traces));
        shapes.extend(self.places_of(&traces, " s"));
        Some(draw(&frame, &shapes))
    }
}

/// A count holds until the next sample.
fn steps(times: &[f64], values: &[f64], end: f64) -> Vec<(f64, f64)> {
    let nexts = times.iter().skip(1).copied().chain([end]);
    let corner = |((at, value), next): ((&f64, &f64), f64)| [(*at, *value), (next.max(*at), *value)];
    times.iter().zip(values).zip(nexts).flat_map(corner).collect()
}

/// The largest value and when it was.
fn top(line: &Line) -> Option<(f64, f64)> {
    let known = line.iter().filter_map(|(at, value)| Some(((*value)?, *at)));
    known.max_by(|a, b| a.0.total_cmp(&b.0))
}

fn peak(line: &Line, unit: &str) -> String {
    top(line).map_or_else(
        || "no samples".to_owned(),
        |(value, at)| format!("at most {} {unit}, at {}", plain(value.round()), instant(at)),
    )
}

/// As many digits as one reads in passing.
fn rounded(value: f64) -> String {
    if value.abs() < 10.0 { plain((value * 10.0).round() / 10.0) } else { plain(value.round()) }
}
