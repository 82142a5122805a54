//! `smo explain`: what a recorded run decided, on which figures, and what followed, in words.

use super::aligned::aligned;
use super::clock::clock;
use super::{Failure, Format};
use crate::record::history::{HappenedRead, Places};
use crate::record::{self, RunRecord};
use crate::report::told::{self, Change, Story};
use crate::units::Time;
use anyhow::anyhow;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo explain runs/quickstart/greedy+rate-headroom=50pct-1
  smo explain runs/quickstart/naive-1 --service gateway --at 19:30
  smo explain runs/cluster-loss/spread+rate-1 --format json

Without --at, all changes are listed; with it, the decision then, or the last change before, is
told in full.";

/// Tell what a run decided: when, on which figures and their ages, what was refused or held, and what followed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The directory of one run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Only this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// What was decided then, or at the last change before: `19:30`, `90 min`.
    #[arg(long, value_name = "T")]
    at: Option<Time>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Tells the story of a run.
///
/// # Errors
/// Where there is no run, or no such service in it.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let run = record::read(&arguments.run).map_err(Failure::input)?;
    if let Some(name) = &arguments.service {
        check_service(&run, name)?;
    }
    let mut story = told::tell(&run, arguments.service.as_deref()).map_err(Failure::input)?;
    if let Some(at) = arguments.at {
        let at_s = at.as_seconds_f64();
        if at_s > run.summary.span_s {
            let end = clock(run.summary.span_s);
            return Err(Failure::input(anyhow!(
                "--at {}: the run ends at {end}\n  choose an earlier instant",
                clock(at_s)
            )));
        }
        story.changes = story.at(at_s).into_iter().cloned().collect();
    }
    match (arguments.format, arguments.at) {
        (Format::Json, _) => writeln!(out, "{:#}", to_json(arguments, &run, &story))?,
        (Format::Table, Some(at)) => tell_at(&story, at.as_seconds_f64(), out)?,
        (Format::Table, None) => list(&run, &story, out)?,
    }
    Ok(())
}

fn check_service(run: &RunRecord, name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = run.summary.by_service.iter().map(|service| service.service.as_str()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Failure::input(anyhow!(
        "--service {name}: the run has no such service\n  its services are {}",
        names.join(", ")
    )))
}

fn to_json(arguments: &Arguments, run: &RunRecord, story: &Story) -> serde_json::Value {
    let header = &run.manifest.header;
    json!({
        "run": run.dir.display().to_string(),
        "scenario": header.scenario,
        "variant": header.variant,
        "policy": header.policy,
        "seed": header.seed,
        "at_s": arguments.at.map(Time::as_seconds_f64),
        "changes": story.changes,
        "events": story.events,
    })
}

/// All changes and events, a line each.
fn list(run: &RunRecord, story: &Story, out: &mut dyn Write) -> Result<(), Failure> {
    let header = &run.manifest.header;
    let (decisions, end) = (run.summary.decisions, clock(run.summary.span_s));
    let Story { changes, events } = story;
    writeln!(
        out,
        "{} by {}, seed {}, until {end}: {decisions} decisions, {} changes, {} events\n",
        header.scenario,
        header.policy,
        header.seed,
        changes.len(),
        events.len()
    )?;
    let mut rows: Vec<(f64, Vec<String>)> = changes.iter().map(|change| (change.at_s, row(change))).collect();
    rows.extend(events.iter().map(|event| (event.at_s, event_row(event))));
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let head = ["time", "service", "replicas", "change", "because"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows.into_iter().map(|(_, row)| row)).collect();
    for line in aligned(&rows) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn row(change: &Change) -> Vec<String> {
    let service = &change.service;
    let mut because = vec![service.why.clone()];
    because.extend(change.refused.iter().map(|refused| format!("refused {}: {}", refused.replicas, refused.reason)));
    because.extend(change.held.iter().map(|reason| format!("held: {reason}")));
    because.extend(change.violations.iter().map(|_| "unsound".to_owned()));
    because.retain(|text| !text.is_empty());
    let because = shortened(&because.join("; "));
    vec![
        clock(change.at_s),
        service.service.clone(),
        format!("{} → {}", total(&service.was), total(&service.target)),
        actions(change),
        because,
    ]
}

/// The reason as a list shows it; in full it stands in the JSON, and behind `--at`.
fn shortened(text: &str) -> String {
    const LETTERS: usize = 64;
    let letters = text.chars().count();
    if letters <= LETTERS { text.to_owned() } else { text.chars().take(LETTERS - 1).collect::<String>() + "…" }
}

fn event_row(event: &HappenedRead) -> Vec<String> {
    vec![clock(event.at_s), String::new(), String::new(), event.event.replace('_', " "), event.subject.clone()]
}

/// `edge-1 +2, cloud-1 −1`.
fn actions(change: &Change) -> String {
    let one = |(cluster, difference): (&String, &i64)| {
        let sign = if *difference < 0 { "−" } else { "+" };
        format!("{cluster} {sign}{}", difference.unsigned_abs())
    };
    let all: Vec<String> = change.actions.iter().map(one).collect();
    if all.is_empty() { "–".to_owned() } else { all.join(", ") }
}

fn total(places: &Places) -> u32 {
    places.values().sum()
}

fn words(places: &Places) -> String {
    let all: Vec<String> = places.iter().map(|(cluster, replicas)| format!("{cluster} ({replicas})")).collect();
    if all.is_empty() { "nowhere".to_owned() } else { all.join(", ") }
}

/// The decisions that hold at an instant, in full.
fn tell_at(story: &Story, at_s: f64, out: &mut dyn Write) -> Result<(), Failure> {
    if story.changes.is_empty() {
        writeln!(out, "nothing had been decided by {}", clock(at_s))?;
    }
    for change in &story.changes {
        let held = if at_s > change.at_s { format!(", and so until {}", clock(at_s)) } else { String::new() };
        writeln!(out, "{} at {} (decision {}){held}", change.service.service, clock(change.at_s), change.decision)?;
        for line in aligned(&in_full(change)) {
            writeln!(out, "  {line}")?;
        }
    }
    let before = story.events.iter().filter(|event| event.at_s <= at_s);
    for event in before.rev().take(3) {
        writeln!(out, "before    {}: {} ({})", clock(event.at_s), event.event.replace('_', " "), event.subject)?;
    }
    Ok(())
}

fn in_full(change: &Change) -> Vec<Vec<String>> {
    let service = &change.service;
    let mut rows = vec![vec!["seen".to_owned(), seen(change)]];
    let moved =
        if service.was == service.target { "as before".to_owned() } else { format!("before: {}", words(&service.was)) };
    rows.push(vec![
        "decided".to_owned(),
        format!("{} replicas: {}; {moved}", total(&service.target), words(&service.target)),
    ]);
    if !service.why.is_empty() {
        rows.push(vec!["because".to_owned(), service.why.clone()]);
    }
    rows.extend(change.refused.iter().map(|refused| {
        let remedy = refused.remedy.as_ref().map(|remedy| format!("; smallest change: {remedy}")).unwrap_or_default();
        vec!["refused".to_owned(), format!("{} replicas: {}{remedy}", refused.replicas, refused.reason)]
    }));
    rows.extend(change.held.iter().map(|reason| vec!["held".to_owned(), held_words(reason).to_owned()]));
    rows.extend(change.violations.iter().map(|found| {
        let texts = found
            .iter()
            .map(|(key, value)| format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        vec!["unsound".to_owned(), texts.collect::<Vec<_>>().join(", ")]
    }));
    rows.push(vec!["followed".to_owned(), followed(change)]);
    rows
}

fn seen(change: &Change) -> String {
    let service = &change.service;
    let age = clock_span(service.rate_age_s);
    let rate = match service.rate_seen_per_s {
        Some(rate) => format!("{rate:.1} requests/s, {age} old"),
        None => format!("no rate, for {age}"),
    };
    format!("{rate}; ready replicas: {}", service.ready)
}

fn held_words(reason: &str) -> &str {
    match reason {
        "unsound" => "the plan for it was unsound and was not applied",
        "frozen" => "nothing is changed in a freeze window",
        "moves" => "the limit on moves of one decision was used up",
        "removed_share" => "no more than a share of its replicas may be removed at once",
        other => other,
    }
}

fn followed(change: &Change) -> String {
    let mut parts = Vec::new();
    if !change.actions.is_empty() {
        let count = change.actions.len();
        parts.push(format!("{count} action{}: {}", if count == 1 { "" } else { "s" }, actions(change)));
    }
    for failure in &change.failed {
        parts.push(format!("failed in {}: {}", failure.cluster, failure.failed));
    }
    parts.push(match change.as_wanted_at_s {
        Some(at_s) => format!("all as wanted at {} (first sample that shows it)", clock(at_s)),
        None => "not seen as wanted before the next change or the end".to_owned(),
    });
    parts.join("; ")
}

/// `12 s`, `1.5 s`.
fn clock_span(seconds: f64) -> String {
    format!("{} s", (seconds * 10.0).round() / 10.0)
}
