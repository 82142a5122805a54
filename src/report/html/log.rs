//! The decision log: what broke, what was refused, held back, found unsound or failed, and the decisions that changed most.
//!
//! A day has thousands of decisions, and a page is to be sent: so many entries, and how many there were.

use super::chart::axis::instant;
use super::chart::over_time::Detail;
use super::markup::{Cell, Head, table_of_words};
use super::why::Explanations;
use crate::record::Journal;
use crate::record::history::{DecisionRead, HappenedRead, ServiceRead};
use crate::record::journal::{Episode, EpisodeKind};
use crate::report::timeline::Timeline;
use crate::report::unit::grouped;
use std::collections::BTreeSet;

/// Services of a change that are named.
const NAMED_MAX: usize = 3;

/// An entry.
struct Entry {
    at_s: f64,
    kind: &'static str,
    service: String,
    what: String,
    why: String,
}

/// The log as a table.
pub fn log(timeline: &Timeline, detail: Detail, explanations: &Explanations<'_>) -> String {
    let journal = &timeline.journal;
    let most = detail.rows;
    let mut entries: Vec<Entry> = Vec::new();
    entries.extend(journal.events.iter().take(most).map(|event| Entry {
        at_s: event.at_s,
        kind: "event",
        service: String::new(),
        what: event_in_words(event),
        why: String::new(),
    }));
    for kind in [EpisodeKind::Refused, EpisodeKind::Held, EpisodeKind::Violation] {
        let mut of: Vec<&Episode> = journal.episodes.iter().filter(|one| one.kind == kind).collect();
        of.sort_by_key(|one| std::cmp::Reverse(one.decisions));
        entries.extend(of.into_iter().take(most).map(episode));
    }
    entries.extend(journal.failures.iter().take(most).map(|failure| Entry {
        at_s: failure.asked_at_s,
        kind: "failed",
        service: failure.service.clone(),
        what: format!("action in {}", failure.cluster),
        why: failure.failed.clone(),
    }));
    let mut largest: Vec<&DecisionRead> = journal.changes.iter().collect();
    largest.sort_by_key(|change| std::cmp::Reverse(size(change)));
    entries.extend(largest.into_iter().take(most).map(change));
    if entries.is_empty() {
        return "<p>Nothing was decided after the first decision, and nothing happened by itself.</p>\n".to_owned();
    }
    entries.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let row = |entry: &Entry| {
        let anchor = explanations.anchor(entry.at_s).filter(|_| ["refused", "changed"].contains(&entry.kind));
        let mut why = Cell::text(&entry.why);
        if let Some(anchor) = anchor {
            why = why.with_link("cluster by cluster", &anchor);
        }
        vec![
            Cell::text(&instant(entry.at_s)),
            Cell::text(entry.kind),
            Cell::text(&entry.service),
            Cell::text(&entry.what),
            why,
        ]
    };
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    let log = table_of_words(
        &caption(journal, entries.len(), most),
        &["at", "kind", "service", "what", "why"].map(Head::new),
        &rows,
    );
    format!("<details class=\"log\" open><summary>Decision log</summary>{log}</details>\n")
}

/// `cluster lost: edge-2`, `telemetry back`.
fn event_in_words(event: &HappenedRead) -> String {
    let what = event.event.replace('_', " ");
    let alone = event.event.split('_').next() == Some(event.subject.as_str());
    if alone { what } else { format!("{what}: {}", event.subject) }
}

fn caption(journal: &Journal, shown: usize, most: usize) -> String {
    let all = journal.events.len() as u64
        + journal.episodes_all.values().sum::<u64>()
        + journal.failures.len() as u64
        + journal.changes_all;
    if (shown as u64) < all {
        return format!(
            "{shown} of {} entries: of each kind at most {most}, refusals and what was held those that lasted longest, changes \
             the largest; decisions.jsonl has all",
            grouped(&all.to_string())
        );
    }
    "All that was decided and happened after the first decision".to_owned()
}

fn episode(one: &Episode) -> Entry {
    let times = if one.decisions > 1 {
        format!(" until {}, {} decisions", instant(one.until_s), one.decisions)
    } else {
        String::new()
    };
    let (kind, what) = match one.kind {
        EpisodeKind::Refused => ("refused", format!("replicas refused: {}{times}", one.replicas)),
        EpisodeKind::Held => ("held", format!("held back{times}")),
        EpisodeKind::Violation => ("unsound", format!("found and not applied{times}")),
    };
    let remedy = one.remedy.as_ref().map(|remedy| format!("; would help: {remedy}")).unwrap_or_default();
    Entry { at_s: one.from_s, kind, service: one.service.clone(), what, why: reason(one) + &remedy }
}

fn reason(one: &Episode) -> String {
    match (one.kind, one.reason.as_str()) {
        (EpisodeKind::Held, "unsound") => "the checker found its targets unsound".to_owned(),
        (EpisodeKind::Held, "frozen") => "a freeze window".to_owned(),
        (EpisodeKind::Held, "moves") => "the limit on moves was used up".to_owned(),
        (EpisodeKind::Held, "removed_share") => "the limit on removed replicas".to_owned(),
        (_, other) => other.replace('_', " "),
    }
}

/// Replicas by which targets changed.
fn size(change: &DecisionRead) -> u32 {
    change.services.iter().flat_map(differences).map(|(_, was, now)| was.abs_diff(now)).sum()
}

/// Clusters in which a service's target changed: name, before and after.
fn differences(service: &ServiceRead) -> Vec<(&str, u32, u32)> {
    let names: BTreeSet<&String> = service.was.keys().chain(service.target.keys()).collect();
    let of = |name: &&String| {
        (service.was.get(*name).copied().unwrap_or(0), service.target.get(*name).copied().unwrap_or(0))
    };
    let pairs = names.iter().map(|name| (name.as_str(), of(name)));
    pairs.filter(|(_, (was, now))| was != now).map(|(name, (was, now))| (name, was, now)).collect()
}

fn change(one: &DecisionRead) -> Entry {
    let mut changed: Vec<&ServiceRead> =
        one.services.iter().filter(|service| !differences(service).is_empty()).collect();
    changed.sort_by_key(|service| {
        let sum: u32 = differences(service).into_iter().map(|(_, was, now)| was.abs_diff(now)).sum();
        std::cmp::Reverse(sum)
    });
    let words = |service: &&ServiceRead| {
        let parts: Vec<String> =
            differences(service).into_iter().map(|(cluster, was, now)| format!("{cluster} {was}→{now}")).collect();
        parts.join(", ")
    };
    let more = changed.len().saturating_sub(NAMED_MAX);
    let rest = if more > 0 { format!("; {more} more services") } else { String::new() };
    let (service, what) = match changed.as_slice() {
        [alone] => (alone.service.clone(), words(alone)),
        several => {
            let each = several.iter().take(NAMED_MAX).map(|service| format!("{}: {}", service.service, words(service)));
            let names: Vec<&str> = several.iter().take(NAMED_MAX).map(|service| service.service.as_str()).collect();
            (names.join(", "), each.collect::<Vec<_>>().join("; ") + &rest)
        }
    };
    let why = changed.first().map(|service| service.why.clone()).unwrap_or_default();
    Entry { at_s: one.at_s, kind: "changed", service, what, why }
}
