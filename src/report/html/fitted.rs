//! The page of a fit: for each service the answer first, then the data with the fitted curve, residuals and drift.
//!
//! It is made of plain figures, so that whoever fits and whoever draws do not know each other.

use super::chart::axis::{Axis, plain};
use super::chart::{Frame, Ink, Shape, draw};
use super::document;
use super::markup::{Cell, Head, escape, figure, list, put, table};

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct FitPage {
    /// Why the method must not be trusted, where it must not.
    pub warning: Option<String>,
    /// How the observations were read.
    pub notes: Vec<String>,
    /// The command that fits again.
    pub command: String,
    /// Mass of the intervals.
    pub confidence: f64,
    /// Service by service.
    pub sections: Vec<FitSection>,
}

/// One service on one class of clusters.
#[derive(Debug, Clone, Default)]
pub struct FitSection {
    /// Service and class.
    pub name: String,
    /// The result in a sentence.
    pub answer: String,
    /// Why there is none.
    pub refused: Option<String>,
    /// Data that would help.
    pub would_help: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// How it changed, where it did.
    pub drifted: Option<String>,
    /// Samples left out: how many for which reason.
    pub left_out: Vec<String>,
    /// Samples used.
    pub used: usize,
    /// Samples read.
    pub read: usize,
    /// Ways that identify: name, one replica, interval, weight.
    pub candidates: Vec<[String; 4]>,
    /// Coefficients: name, value, interval.
    pub coefficients: Vec<[String; 3]>,
    /// How well the later samples are predicted from the earlier ones.
    pub validation: Option<String>,
    /// Capacity by replicas: replicas, median, low.
    pub curve: Vec<(f64, f64, f64)>,
    /// When the first sample was.
    pub begin: String,
    /// Seconds from the first to the last sample.
    pub span_s: f64,
    /// Samples.
    pub points: Vec<Dot>,
    /// Path of the drift statistic: seconds, upper sum, lower sum.
    pub drift: Vec<(f64, f64, f64)>,
    /// Where it raises the alarm.
    pub alarm: f64,
}

/// A sample.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "as in a fit; missing values are NaN")]
pub struct Dot {
    pub at_s: f64,
    pub replicas: f64,
    pub rate: f64,
    pub cpu: f64,
    pub cpu_predicted: f64,
    pub latency: f64,
    pub latency_predicted: f64,
    pub kind: Kind,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was used.
    Used,
    /// It was used, and taken at saturation.
    Saturated,
    /// It was not used.
    LeftOut,
}

/// Points of a picture; more would only be slow.
const DOTS_MAX: usize = 1_200;
/// Services that are drawn; more would make the page too large to read or to send.
const DRAWN_MAX: usize = 40;

/// The page as HTML.
pub fn page(page: &FitPage) -> String {
    let fitted = page.sections.iter().filter(|section| section.refused.is_none()).count();
    let refused = page.sections.len() - fitted;
    let of = |count: usize, what: &str| format!("{count} {what}");
    let answer = [(fitted, "fitted"), (refused, "refused")].into_iter().filter(|(count, _)| *count > 0);
    let answer: Vec<String> = answer.map(|(count, what)| of(count, what)).collect();
    let mut html = format!(
        "<header class=\"which\"><p class=\"what\">smo fit</p>\n<h1>How much can a replica serve?</h1>\n<p class=\"answer\">{}.</p></header>\n",
        escape(&answer.join(", "))
    );
    if let Some(warning) = &page.warning {
        put(&mut html, format_args!("<p class=\"beware\"><b>Warning</b> {}.</p>\n", escape(warning)));
    }
    html += &overview(page);
    for (index, section) in page.sections.iter().enumerate() {
        html += &of_section(section, index < DRAWN_MAX);
    }
    if page.sections.len() > DRAWN_MAX {
        put(&mut html, format_args!("<p>Pictures are drawn of the first {DRAWN_MAX} services.</p>\n"));
    }
    if !page.notes.is_empty() {
        html += "<h2>How the observations were read</h2>\n";
        html += &list(page.notes.iter().map(String::as_str));
    }
    put(&mut html, format_args!("<h2>Again</h2>\n<pre><code>{}</code></pre>\n", escape(&page.command)));
    document("fit", &html)
}

fn overview(page: &FitPage) -> String {
    if page.sections.len() < 2 {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = page
        .sections
        .iter()
        .map(|section| {
            let words =
                section.refused.as_ref().map_or_else(|| section.answer.clone(), |why| format!("Refused: {why}"));
            vec![Cell::label(&section.name), Cell::text(&words)]
        })
        .collect();
    table("All services", &[Head::new("service"), Head::new("answer")], &rows)
}

fn of_section(section: &FitSection, is_drawn: bool) -> String {
    let mut html = format!("<article>\n<h2>{}</h2>\n", escape(&section.name));
    match &section.refused {
        Some(why) => {
            put(&mut html, format_args!("<p class=\"beware\"><b>Refused</b> {}</p>\n", escape(why)));
            if !section.would_help.is_empty() {
                html += "<p>Data that would help:</p>\n";
                html += &list(section.would_help.iter().map(String::as_str));
            }
        }
        None => put(&mut html, format_args!("<p class=\"answer\">{}</p>\n", escape(&section.answer))),
    }
    if let Some(drifted) = &section.drifted {
        put(&mut html, format_args!("<p class=\"beware\"><b>Drift</b> {}.</p>\n", escape(drifted)));
    }
    if !section.notes.is_empty() {
        html += &list(section.notes.iter().map(String::as_str));
    }
    if is_drawn && !section.points.is_empty() {
        html += &pictures(section);
    }
    html += &figures(section);
    html + "</article>\n"
}

fn figures(section: &FitSection) -> String {
    let mut html = String::new();
    if !section.coefficients.is_empty() {
        let rows: Vec<Vec<Cell>> = section
            .coefficients
            .iter()
            .map(|[name, value, interval]| vec![Cell::label(name), Cell::number(value), Cell::number(interval)])
            .collect();
        html += &table("Coefficients", &[Head::new("coefficient"), Head::new("value"), Head::new("interval")], &rows);
    }
    if !section.candidates.is_empty() {
        let rows: Vec<Vec<Cell>> = section
            .candidates
            .iter()
            .map(|[by, value, interval, weight]| {
                vec![Cell::label(by), Cell::number(value), Cell::number(interval), Cell::number(weight)]
            })
            .collect();
        let heads = [
            Head::new("identified by"),
            Head::with_unit("one replica", "requests/s"),
            Head::new("interval"),
            Head::new("weight"),
        ];
        html += &table("Every way that identifies it, compared", &heads, &rows);
    }
    if let Some(validation) = &section.validation {
        put(&mut html, format_args!("<p>{}</p>\n", escape(validation)));
    }
    let left_out = if section.left_out.is_empty() { "none".to_owned() } else { section.left_out.join(", ") };
    put(
        &mut html,
        format_args!(
            "<p>{} samples were read, {} buckets used; left out: {}.</p>\n",
            section.read,
            section.used,
            escape(&left_out)
        ),
    );
    html
}

fn pictures(section: &FitSection) -> String {
    let mut html = String::from("<div class=\"grid\">\n");
    let used = |name: &str| {
        vec![
            (name.to_owned(), Ink::Offered.number()),
            ("saturated".to_owned(), Ink::Lost.number()),
            ("left out".to_owned(), Ink::Series(7).number()),
        ]
    };
    let mut legend = used("used");
    if !section.curve.is_empty() {
        legend.push(("capacity".to_owned(), Ink::Series(2).number()));
        legend.push(("lower quantile".to_owned(), Ink::Series(1).number()));
    }
    html += &figure("Requests per second against ready replicas", &capacity(section), &legend);
    if let Some(svg) = residuals(section) {
        let legend = used("used");
        html += &figure("CPU: observed less predicted, in cores", &svg, &legend[..2]);
    }
    if let Some(svg) = latency(section) {
        let legend =
            [("observed".to_owned(), Ink::Offered.number()), ("predicted".to_owned(), Ink::Series(2).number())];
        html += &figure("Latency against requests per second and replica, in ms", &svg, &legend);
    }
    if let Some(svg) = drift(section) {
        let legend = [
            ("upwards".to_owned(), Ink::Offered.number()),
            ("downwards".to_owned(), Ink::Series(1).number()),
            ("alarm".to_owned(), Ink::Slo.number()),
        ];
        html += &figure(
            &format!(
                "Drift: cumulated residuals since {}; an alarm counts if CPU at like load changed too",
                section.begin
            ),
            &svg,
            &legend,
        );
    }
    html + "</div>\n"
}

/// Every so many of the points.
fn thinned(section: &FitSection) -> impl Iterator<Item = &Dot> {
    let step = section.points.len().div_ceil(DOTS_MAX).max(1);
    // Saturated ones are rare and tell the most: they are all shown, up to the same number.
    let saturated = section.points.iter().filter(|dot| dot.kind == Kind::Saturated).take(DOTS_MAX);
    section.points.iter().step_by(step).filter(|dot| dot.kind != Kind::Saturated).chain(saturated)
}

const fn ink(kind: Kind) -> Ink {
    match kind {
        Kind::Used => Ink::Offered,
        Kind::Saturated => Ink::Lost,
        Kind::LeftOut => Ink::Series(7),
    }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.filter(|value| value.is_finite()).fold(0.0, f64::max)
}

fn capacity(section: &FitSection) -> String {
    let replicas = largest(section.points.iter().map(|dot| dot.replicas)).max(1.0);
    let top = largest(section.points.iter().map(|dot| dot.rate));
    let reach = section.curve.iter().filter(|(r, ..)| *r <= replicas * 1.5);
    let top = largest(reach.clone().map(|(_, median, _)| *median)).max(top);
    let right = if section.curve.is_empty() { replicas } else { replicas * 1.5 };
    let (x, y) = (Axis::from_zero(right).titled("ready replicas"), Axis::from_zero(top));
    let label = format!(
        "Requests per second against ready replicas: up to {} at up to {} replicas",
        plain(largest(section.points.iter().map(|dot| dot.rate)).round()),
        plain(replicas)
    );
    let frame = Frame { axes: true, label, x, y };
    let mut shapes: Vec<Shape> = Vec::new();
    for kind in [Kind::LeftOut, Kind::Used, Kind::Saturated] {
        let dots = thinned(section).filter(|dot| dot.kind == kind && dot.replicas.is_finite() && dot.rate.is_finite());
        shapes.extend(dots.map(|dot| Shape::Point((dot.replicas, dot.rate), ink(kind), 5)));
    }
    let low: Vec<(f64, f64)> = reach.clone().map(|(r, _, low)| (*r, *low)).collect();
    let median: Vec<(f64, f64)> = reach.map(|(r, median, _)| (*r, *median)).collect();
    if median.len() > 1 {
        shapes.push(Shape::Line(low, Ink::Series(1), 3));
        shapes.push(Shape::Line(median, Ink::Series(2), 5));
    }
    draw(&frame, &shapes)
}

fn residuals(section: &FitSection) -> Option<String> {
    let points: Vec<(f64, f64, Kind)> = thinned(section)
        .filter(|dot| dot.kind != Kind::LeftOut)
        .map(|dot| (dot.at_s, dot.cpu - dot.cpu_predicted, dot.kind))
        .filter(|(_, residual, _)| residual.is_finite())
        .collect();
    if points.len() < 2 {
        return None;
    }
    let most = largest(points.iter().map(|(_, residual, _)| residual.abs())).max(1e-6) * 1.1;
    let label = format!("Residuals of CPU over time: at most {} cores", plain((most * 100.0).round() / 100.0));
    let frame = Frame { axes: true, label, x: Axis::time(section.span_s), y: Axis::between(-most, most) };
    let mut shapes = vec![Shape::Line(vec![(frame.x.from, 0.0), (frame.x.to, 0.0)], Ink::Axis, 2)];
    shapes.extend(points.into_iter().map(|(at, residual, kind)| Shape::Point((at, residual), ink(kind), 5)));
    Some(draw(&frame, &shapes))
}

fn latency(section: &FitSection) -> Option<String> {
    let points: Vec<&Dot> = thinned(section)
        .filter(|dot| dot.kind != Kind::LeftOut && dot.replicas > 0.0)
        .filter(|dot| dot.latency.is_finite() && dot.latency_predicted.is_finite())
        .collect();
    if points.len() < 2 {
        return None;
    }
    let load = |dot: &Dot| dot.rate / dot.replicas;
    let top = largest(points.iter().map(|dot| dot.latency)) * 1e3;
    let least = points.iter().map(|dot| dot.latency * 1e3).fold(f64::INFINITY, f64::min).max(1e-3);
    let y = if top / least > 30.0 { Axis::logarithmic(least * 0.8, top * 1.2) } else { Axis::from_zero(top) };
    let x = Axis::from_zero(largest(points.iter().map(|dot| load(dot)))).titled("requests per second and replica");
    let label = format!("Latency against load, observed and predicted: at most {} ms", plain(top.round()));
    let frame = Frame { axes: true, label, x, y };
    let place = |seconds: f64| frame.y.place((seconds * 1e3).clamp(least * 0.8, top * 1.2));
    let mut shapes: Vec<Shape> = Vec::new();
    shapes.extend(points.iter().map(|dot| Shape::Point((load(dot), place(dot.latency)), Ink::Offered, 5)));
    shapes.extend(points.iter().map(|dot| Shape::Point((load(dot), place(dot.latency_predicted)), Ink::Series(2), 4)));
    Some(draw(&frame, &shapes))
}

fn drift(section: &FitSection) -> Option<String> {
    if section.drift.len() < 2 {
        return None;
    }
    let step = section.drift.len().div_ceil(DOTS_MAX).max(1);
    let path: Vec<&(f64, f64, f64)> = section.drift.iter().step_by(step).collect();
    let most = largest(path.iter().flat_map(|(_, up, down)| [up.abs(), down.abs()])).max(section.alarm * 1.2);
    let label =
        format!("Drift statistic over time: at most {}, the alarm is at {}", plain(most.round()), plain(section.alarm));
    let frame = Frame { axes: true, label, x: Axis::time(section.span_s), y: Axis::from_zero(most) };
    let line = |value: fn(&(f64, f64, f64)) -> f64| path.iter().map(|one| (one.0, value(one).abs())).collect();
    let shapes = [
        Shape::Line(vec![(frame.x.from, section.alarm), (frame.x.to, section.alarm)], Ink::Slo, 3),
        Shape::Line(line(|one| one.2), Ink::Series(1), 3),
        Shape::Line(line(|one| one.1), Ink::Offered, 3),
    ];
    Some(draw(&frame, &shapes))
}
