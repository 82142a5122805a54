//! Explanations in words: of `smo plan --explain` and of the page, the same.

use crate::model::resources::{RESOURCES, Resources};
use crate::record::explained::{Candidate, Conflict, NextBest, Scarce, Seen, ServiceExplained, Term};
use crate::record::history::Places;

/// Services or clusters of a conflict that are named.
const NAMES_MAX: usize = 6;

/// `edge-1: one core of cpu more would save 0.0312 $/h`.
pub fn scarce_words(one: &Scarce) -> String {
    format!(
        "{}: one {} of {} more would save {} $/h",
        one.cluster,
        one.unit,
        one.resource,
        figure(one.dollars_per_hour)
    )
}

/// `a and b want 12 cores together, and may only run in edge-1, which has 8 cores`.
pub fn conflict_words(conflict: &Conflict) -> String {
    let listed = |names: &[String]| {
        let shown = names[..names.len().min(NAMES_MAX)].join(", ");
        if names.len() > NAMES_MAX { format!("{shown} and {} more", names.len() - NAMES_MAX) } else { shown }
    };
    let amount = |amount: u64| {
        let mut all = [0; RESOURCES.len()];
        RESOURCES.iter().position(|name| *name == conflict.resource).into_iter().for_each(|at| all[at] = amount);
        Resources::from_amounts(all).words().pop().unwrap_or_else(|| "none".to_owned())
    };
    format!(
        "{} want {} in all and may only run in {}, with {}: no plan serves all of them",
        listed(&conflict.services),
        amount(conflict.wanted),
        listed(&conflict.clusters),
        amount(conflict.available)
    )
}

/// `3 replicas → edge-2 (2), cloud-1 (1)`.
pub fn outcome_words(service: &ServiceExplained) -> String {
    let placed: u32 = service.targets.values().sum();
    let count = if placed == service.wanted { placed.to_string() } else { format!("{placed} of {}", service.wanted) };
    format!("{count} replicas → {}", places_words(service, &service.targets))
}

/// `chosen`, and `price 0.31 $/h; full after 2 (memory binds: 410 MiB left)`.
pub fn verdict_words(candidate: &Candidate) -> (&'static str, String) {
    match &candidate.verdict {
        Seen::Filtered { filtered } => ("filtered", filtered.clone()),
        Seen::Open { replicas, room_for, binds, left, terms } => {
            let terms = terms_words(terms);
            let separator = if terms.is_empty() { "" } else { "; " };
            let verdict = if *replicas > 0 { "chosen" } else { "not chosen" };
            (verdict, format!("{terms}{separator}{}", room_words((*replicas, *room_for), binds, *left)))
        }
    }
}

/// The terms that weigh anything; what only breaks ties is left to the JSON.
fn terms_words(terms: &[Term]) -> String {
    let shown = terms.iter().filter(|term| term.name != "tie-break");
    let text = shown.map(|term| match term.unit.as_str() {
        "" if term.name == "in order" => format!("no. {} in order", term.value),
        "" => format!("{:.0} % {}", term.value * 100.0, term.name),
        unit => format!("{} {} {unit}", term.name, figure(term.value)),
    });
    let text = text.collect::<Vec<_>>().join(" + ");
    if text.contains(" + ") { text + " each" } else { text }
}

fn room_words((replicas, more): (u32, u32), binds: &str, left: Option<Resources>) -> String {
    let binds = match left {
        Some(left) => {
            let left = left.words().pop().unwrap_or_else(|| "nothing".to_owned());
            format!("{binds} binds: {left} left")
        }
        None => "nodes bind".to_owned(),
    };
    match (more, replicas) {
        (0, 0) => format!("no room for one ({binds})"),
        (0, replicas) => format!("full after {replicas} ({binds})"),
        (more, _) => format!("room for {more} more ({binds})"),
    }
}

/// The next best place, and what would keep a split service together; nothing where the service was not wanted.
pub fn second_words(service: &ServiceExplained) -> Option<String> {
    let next = service.next_best.as_ref().map(|NextBest { targets, difference }| {
        let difference = difference.map(|difference| format!(" {}", signed(difference))).unwrap_or_default();
        format!("next best{difference}: {}.", places_words(service, targets))
    });
    let whole = service
        .fits_wholly_with
        .as_ref()
        .map(|fits| format!("Would fit wholly on {} with {} more.", fits.cluster, fits.more.words().join(" and ")));
    let said: Vec<String> = next.into_iter().chain(whole).collect();
    match said[..] {
        [] if service.wanted == 0 || service.targets.is_empty() || has_room(service) => None,
        [] => Some("no other place has room while the others stay".to_owned()),
        _ => Some(said.join("   ")),
    }
}

/// Whether a replica could go elsewhere. A rule without an objective may know no second best all the same.
fn has_room(service: &ServiceExplained) -> bool {
    let mut open = service.candidates.iter().filter_map(|candidate| match candidate.verdict {
        Seen::Open { room_for, .. } => Some(room_for),
        Seen::Filtered { .. } => None,
    });
    open.any(|more| more > 0)
}

/// `edge-2 (2), cloud-1 (1)`: in the order of the candidates, what is not among them behind.
fn places_words(service: &ServiceExplained, places: &Places) -> String {
    let listed = || service.candidates.iter().map(|candidate| &candidate.cluster);
    let others = places.keys().filter(|name| !listed().any(|one| one == *name));
    let in_order = listed().chain(others).filter_map(|name| Some(format!("{name} ({})", places.get(name)?)));
    let words: Vec<String> = in_order.collect();
    if words.is_empty() { "nowhere".to_owned() } else { words.join(", ") }
}

/// A figure with about four digits.
pub fn figure(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 {
        1
    } else if value.abs() >= 1.0 {
        3
    } else {
        4
    };
    format!("{value:.decimals$}")
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    if value.abs() < 5e-5 { "±0 (a tie)".to_owned() } else { format!("{sign}{}", figure(value.abs())) }
}
