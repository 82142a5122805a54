//! The record as a whole: what goes in comes out, twice the same, or not at all.

use super::journal::EpisodeKind;
use super::synthetic::{self, Behaviour, header};
use super::{Comparison, Record, Summary, Timing, Writer, compare, read};
use crate::model::figures::Unknown;
use crate::model::observation::{Flow, Partial, ServiceTotals};
use crate::model::plan::{Target, Targets};
use crate::model::rails::{moved, moves};
use crate::model::{ClusterId, Observation, ServiceId, Totals};
use crate::units::Span;
use std::fs;
use std::path::Path;

const NAIVE: Behaviour = Behaviour { policy: "naive", headroom: 1.05, lag: 5 };

#[test]
fn a_summary_comes_back_as_it_was_written_and_sums_its_clusters() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = synthetic::run(home.path(), NAIVE, (None, 1));
    let text = fs::read_to_string(run.dir.join("summary.json")).expect("reads");
    assert_eq!(serde_json::from_str::<Summary>(&text).expect("parses"), run.summary);
    let sum: f64 = run.summary.by_cluster.iter().map(|row| row.cost_nodes_usd + row.cost_egress_usd).sum();
    assert!((run.summary.cost_usd - sum).abs() < 1e-9);
    assert!(run.summary.requests_offered > 1e6);
    assert_eq!(run.summary.decisions, 1_440);
    // Twenty minutes without a cluster, a refusal, a violation and a held service a minute.
    assert_eq!((run.summary.refusals, run.summary.violations, run.summary.held), (20, 20, 20));
    assert_eq!(run.summary.faults, 1);
    // (3.42 − 3.40) / 3.42
    assert!((run.summary.gap_max.expect("has one") - 0.02 / 3.42).abs() < 1e-9);
}

#[test]
fn a_figure_that_is_undefined_is_null() {
    let summary = Summary::new(&synthetic::known(), &Totals::default(), &super::counts::Counts::default());
    assert_eq!(summary.cost_per_million_good_usd, None);
    assert_eq!(summary.latency_p95_ms, None);
    assert!(serde_json::to_string(&summary).expect("serialises").contains("\"latency_p95_ms\":null"));
}

/// An hour in which nobody measured for so many minutes what arrived, or how late it was answered.
#[test]
fn a_sum_of_what_nobody_measured_is_null() {
    let known = synthetic::known();
    let promised = ServiceId(0);
    assert!(known.application.services[promised].slo.is_some());
    let minutes = |minutes: u64| Span::seconds(60 * minutes);
    let summary = |unknown: Unknown| {
        let row = ServiceTotals {
            service: promised,
            entry: true,
            flow: Flow { offered: 5 * 10_u128.pow(15), ..Flow::default() },
            replica_hours: 1.0,
            slo_violation_time: Some(0.0),
            latency: None,
            cpu_hours: 1.0,
            unknown,
            elasticity: None,
        };
        let requests = row.flow;
        let partial = Some(Partial { served: true, latency: true });
        let totals = Totals { span: minutes(60), partial, requests, by_service: vec![row], ..Totals::default() };
        Summary::new(&known, &totals, &super::counts::Counts::default())
    };
    let moment = summary(Unknown { rate: minutes(2), latency: minutes(2), ..Unknown::default() });
    assert_eq!((moment.requests_offered, moment.slo_violation_time_share), (5.0, Some(0.0)));
    let silent = summary(Unknown { rate: minutes(3), ..Unknown::default() });
    assert!(silent.requests_offered.is_nan() && silent.by_service[0].requests_offered.is_nan());
    assert_eq!((silent.requests_served, silent.slo_violation_time_share), (0.0, Some(0.0)), "that was measured");
    let text = serde_json::to_string(&silent).expect("serialises");
    assert!(serde_json::from_str::<Summary>(&text).expect("parses").requests_offered.is_nan());
    let late = summary(Unknown { latency: minutes(3), ..Unknown::default() });
    assert_eq!((late.slo_violation_time_share, late.slo_violation_longest_s), (None, None));
}

#[test]
fn the_same_run_gives_the_same_bytes_and_the_manifest_names_their_hashes() {
    let homes = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
    let runs = homes.each_ref().map(|home| synthetic::run(home.path(), NAIVE, (None, 1)));
    for file in ["manifest.json", "decisions.jsonl", "series.parquet", "summary.json", "timing.json"] {
        assert!(fs::read(runs[0].dir.join(file)).expect("reads") == fs::read(runs[1].dir.join(file)).expect("reads"));
    }
    assert_eq!(compare(&runs[0].dir, &runs[1].dir).expect("reads"), Comparison::Identical);
    for (name, hash) in &runs[0].manifest.records {
        assert_eq!(*hash, super::writer::sha256_of(&runs[0].dir.join(name)).expect("reads"));
    }
    assert_eq!(runs[0].manifest.records.len(), 3);
}

#[test]
fn the_series_come_back_by_service_placement_and_cluster() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = synthetic::run(home.path(), NAIVE, (None, 1));
    let series = run.series(&["offered_per_s", "replicas_ready", "up", "latency_p95_ms"]).expect("reads");
    let offered = series.line(Some("gateway"), None, "offered_per_s");
    assert_eq!(offered.len(), 1_440);
    assert!((offered[1].0 - 60.0).abs() < 1e-9);
    // load(0, 1): both peaks are far away, so 60 + 8·sin(1) and little more.
    assert!((offered[0].1.expect("has a value") - (60.0 + 8.0 * 1f64.sin())).abs() < 0.01);
    let ready = series.line(Some("gateway"), Some("edge-2"), "replicas_ready");
    assert_eq!(ready.len(), 1_440 - 20, "no row while the cluster holds and wants nothing");
    assert_eq!(series.line(None, Some("edge-2"), "up").iter().filter(|(_, up)| *up == Some(0.0)).count(), 20);
    assert!(series.line(Some("store"), None, "latency_p95_ms").iter().all(|(_, value)| value.is_none()));
    assert!(series.line(Some("nobody"), None, "up").is_empty());
}

#[test]
fn decisions_name_services_and_clusters_and_only_those_concerned() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = synthetic::run(home.path(), NAIVE, (None, 1));
    let text = fs::read_to_string(run.dir.join("decisions.jsonl")).expect("reads");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("parses")).collect();
    assert_eq!(lines.len(), 1_440 + 2, "one a decision and one an event");
    assert_eq!(lines[0]["services"].as_array().map(Vec::len), Some(3), "the first decision names all");
    assert_eq!(lines[0]["services"][0]["target"]["edge-1"], 2);
    assert!(lines.iter().any(|line| line.get("services").is_none()), "a decision that changes nothing names none");
    let refused = lines.iter().find(|line| line.get("refusals").is_some()).expect("there is one");
    assert_eq!(refused["refusals"][0]["service"], "detect");
    assert_eq!(
        refused["violations"][0],
        serde_json::json!({"violation": "unreachable", "service": "detect", "cluster": "edge-2"})
    );
    assert_eq!((refused["tier"].as_str(), refused["stop"].as_str()), (Some("synthetic"), Some("node_limit")));
    assert!(lines.iter().any(|line| line["event"] == "cluster_lost" && line["subject"] == "edge-2"));
}

#[test]
fn the_journal_joins_what_is_alike_and_keeps_the_largest_changes() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let journal = synthetic::run(home.path(), NAIVE, (None, 1)).journal(10).expect("reads");
    assert_eq!(journal.events.len(), 2);
    let of = |kind| journal.episodes.iter().filter(move |one| one.kind == kind).collect::<Vec<_>>();
    let [refusal] = of(EpisodeKind::Refused)[..] else { panic!("{:?}", journal.episodes) };
    assert_eq!((refusal.decisions, refusal.service.as_str(), refusal.replicas), (20, "detect", 2));
    assert!((refusal.from_s - 70_200.0).abs() < 1e-9 && (refusal.until_s - 71_340.0).abs() < 1e-9);
    assert_eq!(of(EpisodeKind::Violation)[0].reason, "unreachable (edge-2)");
    assert_eq!((journal.violations["unreachable"], journal.held["unsound"]), (20, 20));
    assert!(journal.changes.len() <= 10 && journal.changes.is_sorted_by(|a, b| a.at_s < b.at_s));
}

#[test]
fn moves_are_recorded_by_pair_of_clusters() {
    let targets = |replicas: [u32; 3]| -> Targets {
        let target = |(cluster, replicas)| Target { service: ServiceId(0), cluster: ClusterId(cluster), replicas };
        (0..).zip(replicas).map(target).collect()
    };
    let found = moves(&targets([5, 2, 0]), &targets([1, 1, 4]), ServiceId(0));
    let pairs: Vec<_> = found.iter().map(|one| (one.from.0, one.to.0, one.replicas)).collect();
    // Five are lost (4 and 1), four gained: four moves, those of the first cluster first.
    assert_eq!(pairs, [(0, 2, 4)]);
    assert_eq!(moved(&targets([5, 2, 0]), &targets([1, 1, 4]), ServiceId(0)), 4);
    let found = moves(&targets([3, 3, 0]), &targets([0, 2, 4]), ServiceId(0));
    let pairs: Vec<_> = found.iter().map(|one| (one.from.0, one.to.0, one.replicas)).collect();
    assert_eq!(pairs, [(0, 2, 3), (1, 2, 1)]);
}

#[test]
fn the_first_line_that_differs_is_shown() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let one = synthetic::run(home.path(), NAIVE, (None, 1));
    let other = synthetic::run(home.path(), NAIVE, (None, 2));
    let Comparison::Differs { file, left, right, .. } = compare(&one.dir, &other.dir).expect("reads") else {
        panic!("seeds differ");
    };
    assert_eq!(file, "decisions.jsonl");
    assert!(left.starts_with("{\"at_s\":") && left != right);
    for same in ["decisions.jsonl", "summary.json"] {
        fs::copy(one.dir.join(same), other.dir.join(same)).expect("copies");
    }
    let Comparison::Differs { file, line, left, right } = compare(&one.dir, &other.dir).expect("reads") else {
        panic!("seeds differ");
    };
    assert_eq!((file.as_str(), line), ("series.parquet", 1));
    assert!(left.starts_with("offered_per_s = 66.7") && right.starts_with("offered_per_s = 67.2"), "{left} {right}");
}

#[test]
fn a_run_that_fails_leaves_nothing_and_spares_what_was_there() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let before = synthetic::run(home.path(), NAIVE, (None, 1));
    let known = synthetic::known();
    let mut writer = Writer::create(&before.dir, &known).expect("creates");
    writer.happened(&Observation::Ended(Box::default())).expect("nothing to write");
    drop(writer);
    assert_eq!(read(&before.dir).expect("reads"), before);
    assert_eq!(entries(&home.path().join("runs")), 1);
    // A directory in the way of summary.json makes the close fail.
    let dir = home.path().join("runs/greedy-1");
    let writer = Writer::create(&dir, &known).expect("creates");
    fs::create_dir(home.path().join("runs/.greedy-1.partial/summary.json")).expect("makes");
    writer.close(&Totals::default(), header(NAIVE, None, 1), Timing::default()).expect_err("cannot be written");
    assert_eq!(entries(&home.path().join("runs")), 1);
}

#[test]
fn what_is_not_a_run_is_refused_with_its_path() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let message = read(home.path()).expect_err("is empty").to_string();
    assert!(message.contains("manifest.json") && message.contains(&home.path().display().to_string()), "{message}");
    fs::write(home.path().join("manifest.json"), "{\n\"seed\": 1,\n}").expect("writes");
    assert!(read(home.path()).expect_err("is broken").to_string().contains("manifest.json:3:"));
}

fn entries(dir: &Path) -> usize {
    fs::read_dir(dir).expect("reads").count()
}

#[test]
fn series_longer_than_a_row_group_stay_whole_and_in_order() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("series.parquet");
    let file = fs::File::create(&path).expect("creates");
    let mut writer = super::series::SeriesWriter::new(file, synthetic::known()).expect("starts");
    for second in 0..12_000 {
        let clusters = (0..3).map(|id| synthetic::cluster_sample(id, second, false)).collect();
        let at = crate::units::Time(second * 1_000_000_000);
        let sample = crate::model::Sample { at, services: Vec::new(), placements: Vec::new(), clusters, tasks: None };
        writer.push(&sample).expect("writes");
    }
    writer.finish().expect("ends");
    let frame = read::read_frame(&path, None).expect("reads");
    assert_eq!(frame.height(), 36_000);
    let times = frame.column("time_s").and_then(|column| column.f64()).expect("seconds");
    assert!(times.iter().flatten().is_sorted());
    assert_eq!(times.get(35_999), Some(11_999.0));
}
