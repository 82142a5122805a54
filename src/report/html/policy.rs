//! One policy over time: load, latency, replicas, what it cost where, what broke and what was refused.

use super::chart::axis::{instant, plain};
use super::chart::{Ink, over_time};
use super::markup::{Cell, Head, escape, figure, put, table};
use super::timeline::{Entry, Outage, Timeline};
use crate::record::RunRecord;
use crate::record::read::RefusalRead;
use crate::record::summary::{ClusterSummary, ServiceSummary};
use crate::report::unit::Unit;

/// Faults that are listed.
const OUTAGES_MAX: usize = 40;

/// The section of one run, with the anchor `id`.
pub fn section(run: &RunRecord, timeline: &Timeline, id: &str) -> String {
    let header = &run.manifest.header;
    let variant = header.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
    let mut html = format!(
        "<section class=\"policy\" id=\"{id}\"><h3>{}{} <small>seed {}</small></h3>\n",
        escape(&header.policy),
        escape(&variant),
        header.seed
    );
    put(&mut html, format_args!("<p>{}</p>\n", escape(&facts(run, timeline))));
    html += "<div class=\"grid\">\n";
    for entry in &timeline.entries {
        html += &load(timeline, entry);
        html += &latency(timeline, entry);
    }
    if timeline.entries_count > timeline.entries.len() {
        let (drawn, all) = (timeline.entries.len(), timeline.entries_count);
        put(&mut html, format_args!("<p>The {drawn} busiest of {all} entry services are drawn.</p>\n"));
    }
    html += &replicas(timeline);
    html += &by_cluster(&run.summary.by_cluster);
    html += "</div>\n";
    html += &by_service(&run.summary.by_service);
    html += &outages(&timeline.outages);
    html += &refusals(&timeline.incidents.refusals, run.summary.refusals);
    html + "</section>\n"
}

/// Offered, served and possible load of an entry service.
pub fn load(timeline: &Timeline, entry: &Entry) -> String {
    let mut legend = vec![
        ("offered".to_owned(), Ink::Offered.number()),
        ("served".to_owned(), Ink::Served.number()),
        ("offered and not served".to_owned(), Ink::Lost.number()),
        ("capacity of ready replicas".to_owned(), Ink::Capacity.number()),
    ];
    legend.extend(fault_key(timeline));
    let caption = format!("Load against capacity of {} (requests per second)", entry.service);
    figure(&caption, &over_time::load(timeline, entry), &legend)
}

fn latency(timeline: &Timeline, entry: &Entry) -> String {
    let Some((svg, logarithmic)) = over_time::latency(timeline, entry) else {
        return format!("<p>No request of {} was served, so there is no latency.</p>\n", escape(&entry.service));
    };
    let scale = if logarithmic { ", logarithmic" } else { "" };
    let caption = format!("95th percentile of latency of {} (ms{scale})", entry.service);
    let mut legend = vec![("p95".to_owned(), Ink::Offered.number())];
    if let Some(slo) = entry.slo {
        let promise = format!("SLO: {} within {} ms", Unit::Share.bound(slo.share), plain(slo.latency_ms));
        legend.push((promise, Ink::Slo.number()));
    }
    legend.extend(fault_key(timeline));
    figure(&caption, &svg, &legend)
}

fn replicas(timeline: &Timeline) -> String {
    if timeline.replicas.is_empty() {
        return "<p>No replica was ready at any sample.</p>\n".to_owned();
    }
    let mut legend: Vec<(String, u8)> =
        timeline.replicas.iter().map(|stack| (stack.cluster.clone(), stack.ink.number())).collect();
    legend.extend(fault_key(timeline));
    figure("Ready replicas of all services, by cluster", &over_time::replicas(timeline), &legend)
}

/// What the shaded times are; with the names where they are few.
fn fault_key(timeline: &Timeline) -> Option<(String, u8)> {
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
        format!("{} decisions", count(summary.decisions)),
        format!("{} refusals", count(summary.refusals)),
        format!("{} violations found and not applied{}", count(summary.violations), by(&timeline.incidents.violations)),
        format!("{} times a service was held back{}", count(summary.held), by(&timeline.incidents.held)),
    ];
    if summary.actions_failed > 0 {
        parts.push(format!("{} of {} actions failed", count(summary.actions_failed), count(summary.actions)));
    }
    parts.join(" · ")
}

/// Where money, energy and carbon went.
fn by_cluster(clusters: &[ClusterSummary]) -> String {
    type Column = (&'static str, &'static str, Unit, fn(&ClusterSummary) -> f64);
    let columns: [Column; 4] = [
        ("cost", "$", Unit::Dollars, |row| row.cost_usd),
        ("energy", "kWh", Unit::KilowattHours, |row| row.energy_kwh),
        ("carbon", "kg", Unit::KilogramsCo2e, |row| row.carbon_g / 1e3),
        ("node-hours", "h", Unit::Hours, |row| row.node_hours),
    ];
    let mut heads = vec![Head::new("cluster")];
    heads.extend(columns.iter().map(|(title, unit, ..)| Head {
        title: (*title).to_owned(),
        unit: (*unit).to_owned(),
        means: String::new(),
    }));
    heads.push(Head { title: "CPU".to_owned(), unit: "% requested".to_owned(), means: String::new() });
    let totals = columns.map(|(.., get)| clusters.iter().map(get).sum::<f64>());
    let row = |cluster: &ClusterSummary| {
        let mut row = vec![Cell::text(&cluster.cluster)];
        row.extend(columns.iter().zip(totals).map(|((.., unit, get), total)| {
            let decimals = unit.decimals(&clusters.iter().map(get).collect::<Vec<_>>());
            let share = if total > 0.0 { get(cluster) / total } else { 0.0 };
            Cell::bar(&unit.number(get(cluster), decimals), share)
        }));
        row.push(Cell::number(&Unit::Share.number(cluster.cpu_allocation_share, 1)));
        row
    };
    table(
        "Cost, energy and carbon by cluster; bars are shares of the sum",
        &heads,
        &clusters.iter().map(row).collect::<Vec<_>>(),
    )
}

/// Requests and replicas of every service.
fn by_service(services: &[ServiceSummary]) -> String {
    let heads =
        ["service", "offered", "served", "dropped", "waiting at the end", "p95 ms", "SLO time %", "replica-hours"];
    let optional = |unit: Unit, value: Option<f64>, decimals: usize| {
        Cell::number(&value.map_or_else(|| "–".to_owned(), |value| unit.number(value, decimals)))
    };
    let row = |service: &ServiceSummary| {
        let name = if service.entry { format!("{} (users call it)", service.service) } else { service.service.clone() };
        vec![
            Cell::text(&name),
            Cell::number(&Unit::Count.number(service.requests_offered, 0)),
            Cell::number(&Unit::Count.number(service.requests_served, 0)),
            Cell::number(&Unit::Count.number(service.requests_dropped, 0)),
            Cell::number(&Unit::Count.number(service.requests_backlog, 0)),
            optional(Unit::Milliseconds, service.latency_p95_ms, 0),
            optional(Unit::Share, service.slo_violation_time_share, 2),
            Cell::number(&Unit::Hours.number(service.replica_hours, 1)),
        ]
    };
    table("Requests and calls by service", &heads.map(Head::new), &services.iter().map(row).collect::<Vec<_>>())
}

fn outages(outages: &[Outage]) -> String {
    if outages.is_empty() {
        return String::new();
    }
    let row = |outage: &Outage| {
        let until = match outage.until_s {
            Some(until) if until > outage.from_s => instant(until),
            Some(_) => "at once".to_owned(),
            None => "the end".to_owned(),
        };
        vec![Cell::text(&outage.what), Cell::text(&instant(outage.from_s)), Cell::text(&until)]
    };
    let shown = outages.len().min(OUTAGES_MAX);
    let caption = if shown < outages.len() {
        format!("What broke: the first {shown} of {}; decisions.jsonl has all", outages.len())
    } else {
        "What broke".to_owned()
    };
    let rows: Vec<Vec<Cell>> = outages.iter().take(OUTAGES_MAX).map(row).collect();
    table(&caption, &["what", "from", "until"].map(Head::new), &rows)
}

fn refusals(refusals: &[RefusalRead], all: u64) -> String {
    if refusals.is_empty() {
        return String::new();
    }
    let row = |refusal: &RefusalRead| {
        vec![
            Cell::text(&refusal.service),
            Cell::number(&refusal.replicas.to_string()),
            Cell::text(&instant(refusal.from_s)),
            Cell::text(&instant(refusal.until_s)),
            Cell::number(&refusal.decisions.to_string()),
            Cell::text(&refusal.reason),
            Cell::text(refusal.remedy.as_deref().unwrap_or("–")),
        ]
    };
    let heads = ["service", "replicas", "from", "until", "decisions", "what was missing", "what would help"];
    let joined: u64 = refusals.iter().map(|refusal| refusal.decisions).sum();
    let caption = if joined < all { "The last refusals; decisions.jsonl has all" } else { "All refusals" };
    table(caption, &heads.map(Head::new), &refusals.iter().map(row).collect::<Vec<_>>())
}
