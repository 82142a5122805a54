//! One policy over time: load, latency, when SLOs were broken, replicas, nodes, what it cost where, moves, telemetry, and
//! what was decided.

use super::chart::Ink;
use super::chart::axis::plain;
use super::chart::map::{self, map};
use super::chart::over_time::{Detail, View};
use super::markup::{Cell, Head, escape, figure, put, table};
use super::why::Explanations;
use super::{log, tables, tasks};
use crate::record::{RecordError, RunRecord};
use crate::report::timeline::sums::{Stacks, mean};
use crate::report::timeline::{Entry, Timeline};
use crate::report::unit::Unit;

/// Scenarios' sections that are open from the start; the others are opened by who wants to see them.
const OPEN_MAX: usize = 3;

/// A run that is drawn over time.
#[derive(Debug, Clone)]
pub struct Drawn<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// Its anchor on the page.
    pub id: String,
    /// Its number among all that are drawn.
    pub number: usize,
    /// How finely.
    pub detail: Detail,
}

/// What was drawn of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The section.
    pub html: String,
    /// The first entry service's load, to stand alone; without one, the tasks that wait.
    pub load: String,
}

impl Drawn<'_> {
    /// Reads the run's series and decisions, and draws them.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn draw(&self) -> Result<Section, RecordError> {
        let timeline = Timeline::read(self.run)?;
        let explained = self.run.explanations()?;
        let explanations = Explanations::new(&self.id, &explained, self.detail);
        let view = View { timeline: &timeline, detail: self.detail };
        let load = timeline.entries.first().map(|entry| load(&view, entry));
        let load = load.or_else(|| Some(tasks::waiting(&view, timeline.tasks.as_ref()?))).unwrap_or_default();
        Ok(Section { html: section(self, &view, &explanations), load })
    }
}

fn section(drawn: &Drawn<'_>, view: &View<'_>, explanations: &Explanations<'_>) -> String {
    let (run, timeline) = (drawn.run, view.timeline);
    let header = &run.manifest.header;
    let variant = header.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
    let open = if drawn.number < OPEN_MAX { " open" } else { "" };
    let mut html = format!(
        "<details class=\"policy\" id=\"{}\"{open}><summary><h3>{}{} <small>seed {}</small></h3></summary>\n",
        drawn.id,
        escape(&header.policy),
        escape(&variant),
        header.seed
    );
    put(&mut html, format_args!("<p>{}</p>\n", escape(&facts(run, timeline))));
    let mut pieces = Vec::new();
    let shown = timeline.entries.len().min(view.detail.entries);
    for entry in &timeline.entries[..shown] {
        pieces.extend([load(view, entry), latency(view, entry), broken(view, entry)]);
    }
    if timeline.entries_count > shown {
        let all = timeline.entries_count;
        pieces.push(format!("<p>Of the {all} services that users call, the busiest ({shown}) are drawn.</p>\n"));
    }
    pieces.extend(tasks::pictures(view));
    let services = !run.summary.by_service.is_empty();
    pieces.extend(services.then(|| replicas(view)));
    pieces.extend([nodes(view), fullness(view), tables::split(run, timeline), moves(run, timeline)]);
    pieces.extend(services.then(|| ages(view)));
    // Pictures in two columns, what is only a sentence below them.
    let (sentences, figures): (Vec<String>, Vec<String>) =
        pieces.into_iter().partition(|piece| piece.starts_with("<p>"));
    put(&mut html, format_args!("<div class=\"grid\">\n{}</div>\n{}", figures.concat(), sentences.concat()));
    html += &tables::breaks(timeline);
    html += &tables::by_cluster(run, timeline);
    if services {
        html += &tables::by_service(&run.summary.by_service, view.detail);
    }
    html += &tables::outages(&timeline.outages);
    html += &log::log(timeline, view.detail, explanations);
    html += &explanations.section();
    html + "</details>\n"
}

/// Offered, served and possible load of an entry service.
fn load(view: &View<'_>, entry: &Entry) -> String {
    let mut legend = vec![
        ("offered".to_owned(), Ink::Offered.number()),
        ("served".to_owned(), Ink::Served.number()),
        ("offered and not served".to_owned(), Ink::Lost.number()),
        ("capacity of ready replicas".to_owned(), Ink::Capacity.number()),
    ];
    legend.extend(fault_key(view.timeline));
    let caption = format!("Load against capacity of {} (requests per second)", entry.service);
    figure(&caption, &view.load(entry), &legend)
}

fn latency(view: &View<'_>, entry: &Entry) -> String {
    let Some((svg, logarithmic)) = view.latency(entry) else {
        return format!("<p>No request of {} was served, so there is no latency.</p>\n", escape(&entry.service));
    };
    let scale = if logarithmic { ", logarithmic" } else { "" };
    let caption = format!("Latency of {}, end to end (ms{scale})", entry.service);
    let mut legend = vec![
        ("half were faster (p50)".to_owned(), Ink::Series(2).number()),
        ("95 % were (p95)".to_owned(), Ink::Offered.number()),
        ("99 % were (p99)".to_owned(), Ink::Series(1).number()),
    ];
    if let Some(slo) = entry.slo {
        let promise = format!("SLO: {} within {} ms", Unit::Share.bound(slo.share), plain(slo.latency_ms));
        legend.push((promise, Ink::Slo.number()));
    }
    legend.extend(fault_key(view.timeline));
    figure(&caption, &svg, &legend)
}

fn broken(view: &View<'_>, entry: &Entry) -> String {
    if entry.slo.is_none() {
        return format!("<p>{} promises nothing: it has no SLO.</p>\n", escape(&entry.service));
    }
    if !entry.broken.iter().any(|(_, share)| share.is_some_and(|share| share > 0.0)) {
        return format!("<p>The SLO of {} was never broken.</p>\n", escape(&entry.service));
    }
    let mut legend = vec![("SLO broken".to_owned(), Ink::Lost.number())];
    legend.extend(fault_key(view.timeline));
    let caption = format!("When the SLO of {} was broken (% of the time between two samples)", entry.service);
    figure(&caption, &view.broken(entry), &legend)
}

fn replicas(view: &View<'_>) -> String {
    let timeline = view.timeline;
    if timeline.replicas.is_empty() {
        return "<p>No replica was ready at any sample.</p>\n".to_owned();
    }
    let svg = view.stacks("Ready replicas", &timeline.replicas, Some(("asked for", &timeline.asked)));
    let mut legend = clusters(&timeline.replicas);
    legend.push(("asked for".to_owned(), Ink::Letters.number()));
    legend.extend(fault_key(timeline));
    figure("Ready replicas of all services, by cluster", &svg, &legend)
}

fn nodes(view: &View<'_>) -> String {
    let timeline = view.timeline;
    let constant =
        timeline.nodes.0.iter().all(|stack| stack.values.iter().all(|one| one.total_cmp(&stack.values[0]).is_eq()));
    if constant {
        let parts = timeline
            .nodes
            .0
            .iter()
            .filter_map(|stack| Some(format!("{} {}", stack.cluster, plain(*stack.values.first()?))));
        let parts: Vec<String> = parts.collect();
        return format!("<p>Ready nodes, the whole time: {}.</p>\n", escape(&parts.join(", ")));
    }
    let mut legend = clusters(&timeline.nodes);
    legend.extend(fault_key(timeline));
    figure("Ready nodes, by cluster", &view.stacks("Ready nodes", &timeline.nodes, None), &legend)
}

/// The clusters that are seen in a picture, with their colours.
pub(super) fn clusters(stacks: &Stacks) -> Vec<(String, u8)> {
    let there = stacks.0.iter().enumerate().filter(|(_, stack)| stack.values.iter().any(|value| *value > 0.0));
    there.map(|(number, stack)| (stack.cluster.clone(), Ink::of_cluster(number).number())).collect()
}

fn fullness(view: &View<'_>) -> String {
    let lines = View::fullness_lines(&view.timeline.fullness);
    let named = lines.into_iter().filter_map(|(name, line, ink)| {
        Some((format!("{name}, {} on average", Unit::Share.text(mean(line)?)), ink.number()))
    });
    let mut legend: Vec<(String, u8)> = named.collect();
    legend.extend(fault_key(view.timeline));
    figure(
        "How full the nodes are, all clusters (% of what ready nodes offer)",
        &view.fullness(&view.timeline.fullness),
        &legend,
    )
}

fn moves(run: &RunRecord, timeline: &Timeline) -> String {
    let moves = &timeline.journal.moves;
    if moves.is_empty() {
        return "<p>No replica moved from one cluster to another.</p>\n".to_owned();
    }
    let names: Vec<&str> = run.summary.by_cluster.iter().map(|row| row.cluster.as_str()).collect();
    let (svg, by) = map(&run.manifest.header.resolved, &names, moves);
    let row = |((from, to), count): (&(String, String), &u64)| {
        vec![Cell::text(&format!("{from} → {to}")), Cell::number(&Unit::Count.text(*count as f64))]
    };
    let rows: Vec<Vec<Cell>> = map::ranked(moves).into_iter().map(row).collect();
    let total = moves.values().sum::<u64>() as f64;
    let caption = format!("Replicas that moved between clusters: {} in all ({by})", Unit::Count.text(total));
    let list = table("Moves, the most first", &["from → to", "replicas"].map(Head::new), &rows);
    format!("<div>{}<details><summary>As a table</summary>{list}</details></div>\n", figure(&caption, &svg, &[]))
}

fn ages(view: &View<'_>) -> String {
    let timeline = view.timeline;
    let Some(svg) = view.ages() else {
        return "<p>Policies saw no rate of any service: there is no telemetry to be old.</p>\n".to_owned();
    };
    let unseen = mean(&timeline.unseen).unwrap_or(0.0);
    let caption = format!(
        "How old the newest rate was that policies saw (s); nothing was seen in {} of services × samples",
        Unit::Share.text(unseen)
    );
    let mut legend = vec![
        ("the oldest of all services".to_owned(), Ink::Series(1).number()),
        ("median".to_owned(), Ink::Offered.number()),
    ];
    legend.extend(fault_key(timeline));
    figure(&caption, &svg, &legend)
}

/// What the shaded times are; with the names where they are few.
pub(super) fn fault_key(timeline: &Timeline) -> Option<(String, u8)> {
    let outages = &timeline.outages;
    let what = match outages.len() {
        0 => return None,
        1..=2 => outages.iter().map(|outage| format!("{} lost", outage.what)).collect::<Vec<_>>().join(", "),
        count => format!("{count} faults, listed below"),
    };
    Some((what, Ink::Fault.number()))
}

/// Decisions and what became of them, in a line.
fn facts(run: &RunRecord, timeline: &Timeline) -> String {
    let summary = &run.summary;
    let count = |value: u64| Unit::Count.text(value as f64);
    let by = |counts: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<String> =
            counts.iter().map(|(what, times)| format!("{} {}", what.replace('_', " "), count(*times))).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    let mut parts = vec![
        format!(
            "{} decisions, {} of them changed something",
            count(summary.decisions),
            count(timeline.journal.changes_all)
        ),
        format!("{} refusals", count(summary.refusals)),
        format!("{} violations found and not applied{}", count(summary.violations), by(&timeline.journal.violations)),
        format!("{} times a service was held back{}", count(summary.held), by(&timeline.journal.held)),
    ];
    if summary.actions_failed > 0 {
        parts.push(format!("{} of {} actions failed", count(summary.actions_failed), count(summary.actions)));
    }
    parts.join(" · ")
}
