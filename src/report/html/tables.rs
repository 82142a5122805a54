//! The tables of one policy: when SLOs were broken, where money, energy and carbon went, services, and what broke.

use super::chart::Ink;
use super::chart::axis::instant;
use super::chart::over_time::Detail;
use super::chart::split::{self, Bar};
use super::markup::{Cell, Head, figure, table, table_of_words};
use crate::record::RunRecord;
use crate::record::summary::{ClusterSummary, ServiceSummary};
use crate::report::timeline::Timeline;
use crate::report::timeline::outage::{Outage, joined};
use crate::report::timeline::sums::{Fullness, mean};
use crate::report::unit::Unit;

/// Faults that are listed.
const OUTAGES_MAX: usize = 40;

/// When SLOs were broken, and what was to be seen then.
pub fn breaks(timeline: &Timeline) -> String {
    if timeline.breaks.is_empty() {
        return String::new();
    }
    let row = |one: &crate::report::timeline::breaks::Break| {
        vec![
            Cell::text(&instant(one.from_s)),
            Cell::text(&instant(one.until_s)),
            Cell::text(&one.service),
            Cell::number(&lasting(one.broken_s)),
            Cell::number(&one.p95_ms.map_or_else(|| "–".to_owned(), |ms| Unit::Milliseconds.number(ms, 0))),
            Cell::text(&one.seen.join("; ")),
        ]
    };
    let (shown, all) = (timeline.breaks.len(), timeline.breaks_all);
    let which = if shown < all {
        format!("{shown} of {all} times, the longest and those during faults")
    } else {
        "every time".to_owned()
    };
    let caption = format!(
        "When the SLO was broken: {which}. Beside it, what was to be seen then: what coincides need not be the cause"
    );
    let mut heads = ["from", "until", "service", "broken for", "highest p95", "at the same time"].map(Head::new);
    "ms".clone_into(&mut heads[4].unit);
    table_of_words(&caption, &heads, &timeline.breaks.iter().map(row).collect::<Vec<_>>())
}

/// `45 s`, `12 min`, `3.4 h`.
fn lasting(seconds: f64) -> String {
    match seconds {
        short if short < 90.0 => format!("{short:.0} s"),
        some if some < 5_400.0 => format!("{:.0} min", some / 60.0),
        long => format!("{:.1} h", long / 3_600.0),
    }
}

type Column = (&'static str, Unit, fn(&ClusterSummary) -> f64);

/// How full nodes are: title, unit, and the figure.
type Share = (&'static str, &'static str, fn(&Fullness) -> Option<f64>);

/// What is split among clusters.
const SPLIT: [Column; 4] = [
    ("cost", Unit::Dollars, |row| row.cost_usd),
    ("energy", Unit::KilowattHours, |row| row.energy_kwh),
    ("carbon", Unit::KilogramsCo2e, |row| row.carbon_g / 1e3),
    ("node-hours", Unit::Hours, |row| row.node_hours),
];

/// Cost, energy, carbon and node-hours as bars of clusters.
pub fn split(run: &RunRecord, timeline: &Timeline) -> String {
    let names: Vec<&str> = timeline.replicas.0.iter().map(|stack| stack.cluster.as_str()).collect();
    let clusters = &run.summary.by_cluster;
    let place = |row: &ClusterSummary| names.iter().position(|name| *name == row.cluster).unwrap_or(names.len() - 1);
    let bar = |(what, unit, get): &Column| {
        let mut sizes = vec![0.0; names.len()];
        for row in clusters {
            sizes[place(row)] += get(row);
        }
        let part = |(index, size): (usize, f64)| (names[index].to_owned(), unit.text(size), size, index);
        let sum = unit.text(sizes.iter().sum());
        Bar { what, sum, parts: sizes.into_iter().enumerate().map(part).collect() }
    };
    let bars: Vec<Bar> = SPLIT.iter().map(bar).collect();
    let Some(svg) = split::split(&bars) else { return String::new() };
    let sums: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.what, bar.sum)).collect();
    let legend = names.iter().enumerate().map(|(index, name)| ((*name).to_owned(), Ink::of_cluster(index).number()));
    figure(&format!("Split among clusters, whole run: {}", sums.join(", ")), &svg, &legend.collect::<Vec<_>>())
}

/// Where money, energy and carbon went, and how full nodes were.
pub fn by_cluster(run: &RunRecord, timeline: &Timeline) -> String {
    let clusters = &run.summary.by_cluster;
    let mut heads = vec![Head::new("cluster"), Head::new("region")];
    heads.extend(SPLIT.iter().map(|(title, unit, _)| Head::with_unit(title, unit.symbol())));
    let shares: [Share; 4] = [
        ("CPU requested", "% of offered", |one| mean(&one.cpu_requested)),
        ("CPU used", "% of offered", |one| mean(&one.cpu_used)),
        ("memory requested", "% of offered", |one| mean(&one.memory_requested)),
        ("packing", "% of nodes in use", |one| mean(&one.packed)),
    ];
    heads.extend(shares.iter().map(|(title, unit, _)| Head::with_unit(title, unit)));
    let totals = SPLIT.map(|(_, _, get)| clusters.iter().map(get).sum::<f64>());
    let row = |cluster: &ClusterSummary| {
        let mut row = vec![Cell::text(&cluster.cluster), Cell::text(&cluster.region)];
        row.extend(SPLIT.iter().zip(totals).map(|((_, unit, get), total)| {
            let decimals = unit.decimals(&clusters.iter().map(get).collect::<Vec<_>>());
            let share = if total > 0.0 { get(cluster) / total } else { 0.0 };
            Cell::bar(&unit.number(get(cluster), decimals), share)
        }));
        let full = timeline.fullness_by_cluster.iter().find(|(name, _)| *name == cluster.cluster);
        row.extend(shares.iter().map(|(.., get)| {
            let share = full.and_then(|(_, full)| get(full));
            Cell::number(&share.map_or_else(|| "–".to_owned(), |share| Unit::Share.number(share, 1)))
        }));
        row
    };
    let rows: Vec<Vec<Cell>> = clusters.iter().map(row).collect();
    table("By cluster, over the whole run; bars are shares of the sum, shares are means over time", &heads, &rows)
}

/// Requests and replicas of the busiest services.
pub fn by_service(services: &[ServiceSummary], detail: Detail) -> String {
    let heads = [
        Head::new("service"),
        Head::new("offered"),
        Head::new("served"),
        Head::new("dropped"),
        Head::new("waiting at the end"),
        Head::with_unit("p95", "ms"),
        Head::with_unit("SLO time", "% broken"),
        Head::with_unit("replica-hours", "h"),
        Head::with_unit("CPU used", "core-hours"),
    ];
    let optional = |unit: Unit, value: Option<f64>, decimals: usize| {
        Cell::number(&value.map_or_else(|| "–".to_owned(), |value| unit.number(value, decimals)))
    };
    let row = |service: &&ServiceSummary| {
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
            Cell::number(&Unit::Hours.number(service.cpu_hours, 1)),
        ]
    };
    let mut ranked: Vec<&ServiceSummary> = services.iter().collect();
    if ranked.len() > detail.rows {
        ranked.sort_by(|a, b| b.busyness().total_cmp(&a.busyness()));
        ranked.truncate(detail.rows);
    }
    let (shown, all) = (ranked.len(), services.len());
    let which =
        if shown < all { format!(": the {shown} busiest of {all}; summary.json has all") } else { String::new() };
    let caption = format!("Requests and calls by service, over the whole run{which}");
    table(&caption, &heads, &ranked.iter().map(row).collect::<Vec<_>>())
}

/// What broke.
pub fn outages(outages: &[Outage]) -> String {
    if outages.is_empty() {
        return String::new();
    }
    let row = |(outage, count): &(Outage, usize)| {
        let until = match (outage.until_s, count) {
            (Some(until), 1) if until > outage.from_s => instant(until),
            (Some(_), 1) => "at once".to_owned(),
            (Some(last), times) => format!("each at once: {times} times, last at {}", instant(last)),
            (None, _) => "the end".to_owned(),
        };
        vec![Cell::text(&outage.what), Cell::text(&instant(outage.from_s)), Cell::text(&until)]
    };
    let joined = joined(outages);
    let shown = joined.len().min(OUTAGES_MAX);
    let caption = if shown < joined.len() {
        format!("What broke: the first {shown} of {}; decisions.jsonl has all", joined.len())
    } else {
        "What broke".to_owned()
    };
    let rows: Vec<Vec<Cell>> = joined.iter().take(OUTAGES_MAX).map(row).collect();
    table(&caption, &["what", "from", "until"].map(Head::new), &rows)
}
