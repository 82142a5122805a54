//! One run in a terminal: its figures, sparklines over time, when SLOs were broken, what was refused, what broke.

use super::html::chart::axis::instant;
use super::metric::{self, Metric};
use super::table::duration;
use super::timeline::sums::mean;
use super::timeline::{Entry, Timeline};
use super::unit::grouped;
use crate::record::RunRecord;
use crate::record::journal::{Episode, EpisodeKind};
use crate::record::line::Line;
use comfy_table::Table;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// Heights of a sparkline.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of the names before sparklines.
const NAME: usize = 22;
/// Columns of the figures behind sparklines.
const FIGURES: usize = 26;
/// Episodes of a kind, faults and clusters that are listed.
const LISTED_MAX: usize = 6;

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Sketch {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether headings are bold and what is broken is red.
    pub colours: bool,
}

impl Sketch {
    /// As standard output is: its width, and colours on a terminal without `NO_COLOR`; 100 columns without otherwise.
    pub fn on_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = Table::new().width().filter(|_| terminal).map_or(100, usize::from);
        Self { width: width.clamp(40, 400), colours: terminal && !plain }
    }

    fn bold(self, text: &str) -> String {
        if self.colours { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn red(self, text: &str) -> String {
        if self.colours { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// The text, with a line feed at its end. No line is wider than the terminal.
pub fn render(run: &RunRecord, timeline: &Timeline, sketch: Sketch) -> String {
    let mut lines = vec![sketch.bold(&fit(&title(run), sketch.width))];
    lines.extend(folded(&run.manifest.header.question, sketch.width));
    lines.push(String::new());
    lines.extend(figures(run).into_iter().flat_map(|(name, text)| entry(name, &text, sketch.width)));
    lines.push(String::new());
    lines.extend(sparklines(timeline, sketch));
    lines.push(String::new());
    lines.extend(breaks(timeline, sketch));
    lines.extend(refusals(run, timeline, sketch));
    lines.extend(faults(timeline, sketch));
    lines.push(fit(&format!("{:NAME$}{}", "directory", run.dir.display()), sketch.width));
    lines.join("\n") + "\n"
}

/// `quickstart: naive in cloud_only, seed 1, 24 h`
fn title(run: &RunRecord) -> String {
    let header = &run.manifest.header;
    let variant = header.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
    format!("{}: {}{variant}, seed {}, {}", header.scenario, header.policy, header.seed, duration(run.summary.span_s))
}

/// The figures that people ask for first, by name.
fn figures(run: &RunRecord) -> Vec<(&'static str, String)> {
    let text = |name: &str| {
        let metric: Option<&Metric> = metric::find(name);
        let value = metric.and_then(|metric| Some((metric, metric.of(&run.summary)?)));
        value.map_or_else(|| "–".to_owned(), |(metric, value)| metric.unit.text(value))
    };
    let of = |names: &[(&str, &str)]| {
        names
            .iter()
            .map(|(name, words)| format!("{} {words}", text(name)).trim().to_owned())
            .collect::<Vec<_>>()
            .join(", ")
    };
    vec![
        ("SLO broken", of(&[("slo_violation_time", "of the time"), ("slo_violation_requests", "of the requests")])),
        ("latency, end to end", of(&[("latency_p50", "p50"), ("latency_p95", "p95"), ("latency_p99", "p99")])),
        (
            "requests",
            of(&[("requests_offered", "offered"), ("requests_good", "good"), ("requests_dropped", "dropped")]),
        ),
        ("cost", of(&[("cost", "in all"), ("cost_per_million_good", "a million good requests")])),
        ("energy and carbon", of(&[("energy", ""), ("carbon", "CO₂e")])),
        ("used", of(&[("replica_hours", "of replicas"), ("node_hours", "of nodes"), ("cpu_hours", "of cores")])),
        (
            "decisions",
            of(&[
                ("decisions", "made"),
                ("replica_changes", "replicas started or ended"),
                ("moves", "moved"),
                ("refusals", "refusals"),
                ("violations", "violations"),
                ("held", "held back"),
            ]),
        ),
    ]
}

/// A row of blocks a figure, with its least and largest value.
fn sparklines(timeline: &Timeline, sketch: Sketch) -> Vec<String> {
    let mut lines = Vec::new();
    let time = format!("time since the start, 00:00 to {}", instant(timeline.span_s));
    lines.push(sketch.bold(&fit(&format!("{:NAME$}{time}", "over time"), sketch.width)));
    let mut add = |name: &str, line: &Line, unit: &str| lines.extend(sparkline(name, line, unit, sketch));
    for Entry { service, offered, capacity, p95, broken, .. } in &timeline.entries {
        add(&format!("load {service}"), offered, "/s");
        add(&format!("capacity {service}"), capacity, "/s");
        add(&format!("p95 {service}"), p95, " ms");
        // What is not broken is left empty.
        let percent = |share: Option<f64>| share.filter(|share| *share > 0.0).map(|share| share * 100.0);
        let percent: Line = broken.iter().map(|(at, share)| (*at, percent(*share))).collect();
        if percent.iter().any(|(_, share)| share.is_some_and(|share| share > 0.0)) {
            add(&format!("SLO broken {service}"), &percent, " %");
        }
    }
    for stack in timeline.replicas.0.iter().filter(|stack| stack.values.iter().any(|value| *value > 0.0)) {
        let line: Line = timeline.times.iter().copied().zip(stack.values.iter().copied().map(Some)).collect();
        add(&format!("replicas {}", stack.cluster), &line, "");
    }
    let percent: Line =
        timeline.fullness.cpu_used.iter().map(|(at, share)| (*at, share.map(|share| share * 100.0))).collect();
    add("CPU used", &percent, " %");
    add("cost", &timeline.cost_rate, " $/h");
    lines
}

fn sparkline(name: &str, line: &Line, unit: &str, sketch: Sketch) -> Option<String> {
    let known = || line.iter().filter_map(|(_, value)| *value);
    let (low, high) =
        known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)));
    if low > high {
        return None;
    }
    let columns = sketch.width.saturating_sub(NAME + FIGURES).clamp(8, line.len().max(8));
    let blocks = blocks(line, columns, high);
    let number = |value: f64| if value.abs() < 10.0 { format!("{value:.2}") } else { grouped(&format!("{value:.0}")) };
    let figures = match (number(low), number(high)) {
        (low, high) if low == high => format!("{low}{unit}"),
        (low, high) => format!("{low} to {high}{unit}"),
    };
    Some(fit(&format!("{:NAME$}{blocks} {figures}", fit(name, NAME - 1)), sketch.width))
}

/// The largest value of each of so many times, as a block from zero to `high`; a gap where nothing is known.
fn blocks(line: &Line, columns: usize, high: f64) -> String {
    let block = |column: usize| {
        let (from, until) = (column * line.len() / columns, (column + 1) * line.len() / columns);
        let here = line[from..until.max(from + 1).min(line.len())].iter().filter_map(|(_, value)| *value);
        here.reduce(f64::max).map_or(' ', |value| BLOCKS[level(value, high)])
    };
    (0..columns).map(block).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of eight")]
fn level(value: f64, high: f64) -> usize {
    if high > 0.0 { ((value / high).clamp(0.0, 1.0) * 7.0).round() as usize } else { 0 }
}

fn breaks(timeline: &Timeline, sketch: Sketch) -> Vec<String> {
    if timeline.breaks.is_empty() {
        return Vec::new();
    }
    let (shown, all) = (timeline.breaks.len(), timeline.breaks_all);
    let which = if shown < all { format!("{shown} of {all} times, the longest") } else { "every time".to_owned() };
    let mut lines = vec![sketch.red(&fit(&format!("{:NAME$}{which}", "SLO broken"), sketch.width))];
    for one in &timeline.breaks {
        let when = format!("{} to {}", instant(one.from_s), instant(one.until_s));
        lines.extend(entry(&format!("  {when}"), &format!("{}: {}", one.service, one.seen.join("; ")), sketch.width));
    }
    lines.push(String::new());
    lines
}

fn refusals(run: &RunRecord, timeline: &Timeline, sketch: Sketch) -> Vec<String> {
    let mut of: Vec<&Episode> =
        timeline.journal.episodes.iter().filter(|one| one.kind == EpisodeKind::Refused).collect();
    if of.is_empty() {
        return Vec::new();
    }
    of.sort_by_key(|one| std::cmp::Reverse(one.decisions));
    of.truncate(LISTED_MAX);
    let count = grouped(&run.summary.refusals.to_string());
    let mut lines = vec![sketch.red(&fit(&format!("{:NAME$}{count} in all, the longest", "refused"), sketch.width))];
    for one in of {
        let when = format!("{} to {}", instant(one.from_s), instant(one.until_s));
        let remedy = one.remedy.as_ref().map(|remedy| format!("; would help: {remedy}")).unwrap_or_default();
        let text = format!("{} replicas of {}: {}{remedy}", one.replicas, one.service, one.reason);
        lines.extend(entry(&format!("  {when}"), &text, sketch.width));
    }
    lines.push(String::new());
    lines
}

fn faults(timeline: &Timeline, sketch: Sketch) -> Vec<String> {
    if timeline.outages.is_empty() {
        return Vec::new();
    }
    let count = timeline.outages.len();
    let mut lines = vec![sketch.bold(&fit(&format!("{:NAME$}{count} in all", "faults"), sketch.width))];
    for outage in timeline.outages.iter().take(LISTED_MAX) {
        let until = outage.until_s.map_or_else(|| "the end".to_owned(), instant);
        lines.extend(entry(&format!("  {} to {until}", instant(outage.from_s)), &outage.what, sketch.width));
    }
    lines.push(String::new());
    lines
}

/// A name and a text that is broken between words, below one another where they go on.
fn entry(name: &str, text: &str, width: usize) -> Vec<String> {
    let indent = NAME.min(width / 3);
    let wrapped = folded(text, width.saturating_sub(indent).max(16));
    let line = |(index, line): (usize, String)| {
        let head = if index == 0 { fit(name, indent.saturating_sub(1)) } else { String::new() };
        fit(&format!("{head:indent$}{line}"), width)
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

/// Broken between words.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cut where it is too wide.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.trim_end().to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// What [`render`] tells, for machines: figures, breaks, refusals, moves, and means over time.
pub fn json(run: &RunRecord, timeline: &Timeline) -> String {
    let header = &run.manifest.header;
    let breaks = timeline.breaks.iter().map(|one| {
        json!({
            "service": one.service, "from_s": one.from_s, "until_s": one.until_s, "broken_s": one.broken_s,
            "latency_p95_max_ms": one.p95_ms, "at_the_same_time": one.seen,
        })
    });
    let episode = |one: &Episode| {
        json!({
            "service": one.service, "from_s": one.from_s, "until_s": one.until_s, "decisions": one.decisions,
            "replicas": one.replicas, "reason": one.reason, "remedy": one.remedy,
        })
    };
    let refusals = timeline.journal.episodes.iter().filter(|one| one.kind == EpisodeKind::Refused).map(episode);
    let moves =
        timeline.journal.moves.iter().map(|((from, to), count)| json!({"from": from, "to": to, "replicas": count}));
    let faults =
        timeline.outages.iter().map(|one| json!({"what": one.what, "from_s": one.from_s, "until_s": one.until_s}));
    let full = &timeline.fullness;
    let object = json!({
        "scenario": header.scenario,
        "question": header.question,
        "variant": header.variant,
        "policy": header.policy,
        "seed": header.seed,
        "directory": run.dir.display().to_string(),
        "summary": run.summary,
        "slo_breaks": breaks.collect::<Vec<Value>>(),
        "slo_breaks_all": timeline.breaks_all,
        "refusals": refusals.collect::<Vec<Value>>(),
        "moves": moves.collect::<Vec<Value>>(),
        "faults": faults.collect::<Vec<Value>>(),
        "means": {
            "cpu_requested_share": mean(&full.cpu_requested),
            "cpu_used_share": mean(&full.cpu_used),
            "memory_requested_share": mean(&full.memory_requested),
            "cpu_packed_share": mean(&full.packed),
            "telemetry_age_s": mean(&timeline.age_median),
        },
    });
    format!("{object:#}\n")
}

#[cfg(test)]
mod tests {
    use super::{blocks, entry, folded};

    #[test]
    fn the_largest_value_of_a_column_is_shown_and_a_gap_stays_one() {
        let line =
            vec![(0.0, Some(0.0)), (1.0, Some(7.0)), (2.0, None), (3.0, None), (4.0, Some(3.5)), (5.0, Some(1.0))];
        assert_eq!(blocks(&line, 3, 7.0), "█ ▅");
        assert_eq!(blocks(&line, 6, 7.0), "▁█  ▅▂");
    }

    #[test]
    fn texts_are_broken_between_words_and_never_too_wide() {
        assert_eq!(folded("one two three", 7), ["one two", "three"]);
        let lines = entry("12:00 to 13:00", "a text that goes on and on for a while", 40);
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= 40), "{lines:?}");
    }
}
