//! Why a service is where it is, in the words of `smo plan --explain`.

use super::Decided;
use super::table::places;
use crate::cli::aligned::aligned;
use crate::model::explanation::{Alternative, Candidate, Conflict, Limit, Reasons, Room, Scarce, Term, Verdict};
use crate::model::resources::{RESOURCES, Resources};
use crate::model::{ClusterId, Explanation, ServiceId, Snapshot};
use crate::policy::placement::refusal::amounts;

/// Shadow prices that are shown.
const SCARCE_MAX: usize = 8;

/// Services or clusters of a conflict that are named.
const NAMES_MAX: usize = 6;

/// What is scarce everywhere, and what cannot be had together.
pub fn of_all(decided: &Decided<'_>, explanation: &Explanation) -> Vec<String> {
    let snapshot = &decided.situation.snapshot;
    let price = |one: &Scarce| {
        let name = &snapshot.cluster(one.cluster).name;
        format!("scarce    {}: one {} of {} more would save {} $/h", name, one.unit, one.resource, figure(one.price))
    };
    let mut lines: Vec<String> = explanation.scarce.iter().take(SCARCE_MAX).map(price).collect();
    let more = explanation.scarce.len().saturating_sub(SCARCE_MAX);
    lines.extend((more > 0).then(|| format!("scarce    and {more} more, in `--format json`")));
    lines.extend(explanation.conflicts.iter().map(|conflict| conflict_words(snapshot, conflict)));
    lines
}

/// `conflict  a and b want 12 cores together, and may only run in edge-1, which has 8 cores`.
fn conflict_words(snapshot: &Snapshot, conflict: &Conflict) -> String {
    let listed = |names: Vec<&str>| {
        let shown = names[..names.len().min(NAMES_MAX)].join(", ");
        if names.len() > NAMES_MAX { format!("{shown} and {} more", names.len() - NAMES_MAX) } else { shown }
    };
    let services = conflict.services.iter().map(|service| snapshot.service(*service).name.as_str()).collect();
    let clusters = conflict.clusters.iter().map(|cluster| snapshot.cluster(*cluster).name.as_str()).collect();
    let amount = |amount: u64| {
        let mut all = [0; RESOURCES.len()];
        RESOURCES.iter().position(|name| *name == conflict.resource).into_iter().for_each(|at| all[at] = amount);
        amounts(Resources::from_amounts(all)).pop().unwrap_or_else(|| "none".to_owned())
    };
    format!(
        "conflict  {} want {} in all and may only run in {}, with {}: no plan serves all of them",
        listed(services),
        amount(conflict.wanted),
        listed(clusters),
        amount(conflict.available)
    )
}

/// The service, its clusters one by one, and what would have been second.
pub fn of_service(decided: &Decided<'_>, explanation: &Explanation, service: ServiceId) -> Vec<String> {
    let (snapshot, plan) = (&decided.situation.snapshot, &decided.plan);
    let reasons = &explanation.services[service];
    let (name, placed) = (&snapshot.service(service).name, plan.targets.total(service));
    let count = if placed == reasons.wanted { placed.to_string() } else { format!("{placed} of {}", reasons.wanted) };
    let mut lines = vec![format!("{name}   {count} replicas → {}", places(snapshot, plan.targets.of(service)))];
    lines.extend(plan.why.get(service).map(|why| format!("  because {why}")));
    let candidate = |(cluster, candidate): (ClusterId, &Candidate)| {
        let (verdict, because) = verdict(candidate);
        vec![snapshot.cluster(cluster).name.clone(), verdict.to_owned(), because]
    };
    let rows: Vec<Vec<String>> = reasons.candidates.iter().map(candidate).collect();
    lines.extend(aligned(&rows).into_iter().map(|line| format!("  {line}")));
    lines.extend(second(decided, reasons));
    lines
}

/// `chosen`, and `price 0.31 $/h; full after 2 (memory binds: 410 MiB left)`.
fn verdict(candidate: &Candidate) -> (&'static str, String) {
    match &candidate.verdict {
        Verdict::Filtered(reason) => ("filtered", reason.clone()),
        Verdict::Open { replicas, room } => {
            let terms = terms(&candidate.terms);
            let separator = if terms.is_empty() { "" } else { "; " };
            let verdict = if *replicas > 0 { "chosen" } else { "not chosen" };
            (verdict, format!("{terms}{separator}{}", room_words(*replicas, *room)))
        }
    }
}

/// The terms that weigh anything; what only breaks ties is left to the JSON.
fn terms(terms: &[Term]) -> String {
    let shown = terms.iter().filter(|term| term.name != "tie-break");
    let text = shown.map(|term| match term.unit {
        "" if term.name == "in order" => format!("no. {} in order", term.value),
        "" => format!("{:.0} % {}", term.value * 100.0, term.name),
        unit => format!("{} {} {unit}", term.name, figure(term.value)),
    });
    let text = text.collect::<Vec<_>>().join(" + ");
    if text.contains(" + ") { text + " each" } else { text }
}

fn room_words(replicas: u32, room: Room) -> String {
    let binds = match room.limit {
        Limit::Resource(resource, left) => {
            let left = amounts(left).pop().unwrap_or_else(|| "nothing".to_owned());
            format!("{resource} binds: {left} left")
        }
        Limit::Nodes => "nodes bind".to_owned(),
    };
    match (room.more, replicas) {
        (0, 0) => format!("no room for one ({binds})"),
        (0, replicas) => format!("full after {replicas} ({binds})"),
        (more, _) => format!("room for {more} more ({binds})"),
    }
}

/// The next best place, and what would keep a split service together.
fn second(decided: &Decided<'_>, reasons: &Reasons) -> Option<String> {
    let snapshot = &decided.situation.snapshot;
    let next = reasons.alternative.as_ref().map(|Alternative { targets, difference }| {
        let difference = difference.map(|difference| format!(" {}", signed(difference))).unwrap_or_default();
        format!("next best{difference}: {}.", places(snapshot, targets))
    });
    let whole = reasons.whole.map(|(cluster, more)| {
        format!("Would fit wholly on {} with {} more.", snapshot.cluster(cluster).name, amounts(more).join(" and "))
    });
    let said: Vec<String> = next.into_iter().chain(whole).collect();
    match said[..] {
        [] if decided.plan.targets.iter().len() == 0 || reasons.wanted == 0 => None,
        [] => Some("  no other place has room while the others stay".to_owned()),
        _ => Some(format!("  {}", said.join("   "))),
    }
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
