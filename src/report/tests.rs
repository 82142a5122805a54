//! Comparisons of made-up runs: groups, what is best, expectations, and the text that is printed.

use super::caveat::caveats;
use super::choice::choices;
use super::expect::{Certainty, Outcome};
use super::show::Sketch;
use super::table::{self, Shown};
use super::{Comparison, json, metric};
use crate::model::expectation::{Bound, Comparison as Relation, Expectation, MetricOf};
use crate::model::{Totals, observation::Quantiles};
use crate::record::counts::Counts;
use crate::record::manifest::{Manifest, Program};
use crate::record::synthetic::{self, Behaviour};
use crate::record::{RunRecord, Summary, Timing};
use crate::units::Span;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Compares with `golden/NAME`; with `SMO_BLESS` set it is written instead, to be looked at before it is committed.
pub(super) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("SMO_BLESS").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let wanted = std::fs::read_to_string(&path).expect("the golden file is there");
    let first = text.lines().zip(wanted.lines()).position(|(is, was)| is != was);
    assert!(text == wanted, "{} differs from line {:?} on; SMO_BLESS=1 rewrites it:\n{text}", path.display(), first);
}

/// A run of which only the share of time over the SLO and the cost matter.
fn run(policy: &'static str, (variant, seed): (Option<&str>, u64), slo: f64, cost: f64) -> RunRecord {
    let ms = |ms: u64| Span(ms * 1_000_000);
    let latency = Some(Quantiles { mean: ms(60), p50: ms(45), p95: ms(118), p99: ms(300) });
    let totals = Totals { span: Span::seconds(86_400), requests_good: 2e6, latency, ..Totals::default() };
    let mut summary = Summary::new(&synthetic::known(), &totals, &Counts::default());
    summary.slo_violation_time_share = Some(slo);
    summary.cost_usd = cost;
    summary.cost_per_million_good_usd = Some(cost / 2.0);
    let behaviour = Behaviour { policy, headroom: 1.0, lag: 0 };
    let header = synthetic::header(behaviour, variant, seed);
    let program = Program { version: "0.1.0".to_owned(), commit: "unknown".to_owned(), features: Vec::new() };
    let manifest = Manifest { header, program, records: BTreeMap::new() };
    let dir = PathBuf::from(format!("runs/friday/{policy}-{seed}"));
    RunRecord { dir, manifest, summary, timing: Timing::default() }
}

/// Three seeds of two policies: `greedy` costs 1 $ less than `spread` in every one of them, whatever the day costs.
fn two_policies() -> Vec<RunRecord> {
    let days = [10.0, 14.0, 18.0];
    let of = |policy, slo: f64, less: f64| {
        (1..).zip(days).map(move |(seed, cost)| run(policy, (None, seed), slo + seed as f64 / 1_000.0, cost - less))
    };
    of("spread", 0.002, 0.0).chain(of("greedy", 0.002, 1.0)).collect()
}

fn of(policy: &str, metric: &str) -> MetricOf {
    MetricOf { policy: policy.to_owned(), variant: None, metric: metric.to_owned() }
}

fn expected(text: &str, left: MetricOf, comparison: Relation, right: Bound) -> Expectation {
    Expectation { text: text.to_owned(), left, comparison, right }
}

fn outcome(runs: Vec<RunRecord>, expectation: Expectation) -> (Outcome, String) {
    let comparison = Comparison::new(runs, &[expectation]);
    (comparison.verdicts[0].outcome, comparison.answer())
}

#[test]
fn runs_are_grouped_by_variant_and_policy() {
    let runs = vec![
        run("naive", (None, 2), 0.1, 1.0),
        run("naive", (Some("cloud_only"), 1), 0.1, 9.0),
        run("naive", (None, 1), 0.1, 3.0),
    ];
    let comparison = Comparison::new(runs, &[]);
    assert_eq!(comparison.groups.len(), 2);
    assert_eq!(comparison.groups[0].runs, [2, 0], "by rising seed");
    assert!((comparison.groups[0].figure_named("cost").expect("has one").mean - 2.0).abs() < 1e-12);
    assert_eq!(comparison.variants(), [None, Some("cloud_only")]);
}

/// The means' intervals overlap widely (14 ± 9.9 against 13 ± 9.9), but every pair differs by exactly 1 $.
#[test]
fn the_best_is_found_by_pairs_of_seeds() {
    let comparison = Comparison::new(two_policies(), &[]);
    let cost = metric::METRICS.iter().position(|metric| metric.name == "cost").expect("exists");
    let slo = metric::METRICS.iter().position(|metric| metric.name == "slo_violation_time").expect("exists");
    let best = |column: usize| [0, 1].map(|group| comparison.groups[group].figures[column].best);
    assert_eq!(best(cost), [false, true]);
    assert_eq!(best(slo), [false, false], "what is equal everywhere has no best");
}

#[test]
fn higher_is_better_where_the_metric_says_so() {
    let mut runs = vec![run("a", (None, 1), 0.0, 1.0), run("b", (None, 1), 0.0, 1.0)];
    runs[1].summary.requests_good = 1e6;
    let comparison = Comparison::new(runs, &[]);
    let good = metric::METRICS.iter().position(|metric| metric.name == "requests_good").expect("exists");
    assert!(comparison.groups[0].figures[good].best && !comparison.groups[1].figures[good].best);
}

#[test]
fn policies_that_seeds_do_not_tell_apart_are_both_best() {
    let runs = |policy, costs: [f64; 3]| (1..).zip(costs).map(move |(seed, cost)| run(policy, (None, seed), 0.0, cost));
    let all = runs("a", [10.0, 12.0, 11.0]).chain(runs("b", [11.0, 10.0, 12.5])).chain(runs("c", [50.0, 52.0, 51.0]));
    let comparison = Comparison::new(all.collect(), &[]);
    let cost = metric::METRICS.iter().position(|metric| metric.name == "cost").expect("exists");
    assert_eq!([0, 1, 2].map(|group| comparison.groups[group].figures[cost].best), [true, true, false]);
    assert!(comparison.answer().contains("least cost: a and b, which are not told apart"), "{}", comparison.answer());
}

#[test]
fn an_expectation_that_holds_in_all_pairs_is_a_yes() {
    let cheaper = expected(
        "greedy.cost < 0.95 * spread.cost",
        of("greedy", "cost"),
        Relation::Less,
        Bound::Times(1.0, of("spread", "cost")),
    );
    let (outcome, answer) = outcome(two_policies(), cheaper);
    assert_eq!(outcome, Outcome::Holds(Certainty::Interval));
    // 13 / 14 = 0.93
    assert_eq!(answer, "Yes: cost 13.0 ± 9.9 $ against 14.0 $ of spread (0.93 ×, expected < 1 ×).");
}

#[test]
fn an_expectation_that_fails_is_a_no_with_its_figures() {
    let bound = expected(
        "spread.slo_violation_time < 0.1 %",
        of("spread", "slo_violation_time"),
        Relation::Less,
        Bound::Number(0.001),
    );
    let (outcome, answer) = outcome(two_policies(), bound);
    // 0.3, 0.4, 0.5 %: mean 0.4 %, s = 0.1 %, half-width 0.248 %: the interval reaches from 0.15 % on, above the bound.
    assert_eq!(outcome, Outcome::Fails(Certainty::Interval));
    assert_eq!(answer, "No: time over the SLO 0.40 ± 0.25 % (expected < 0.1 %).");
}

#[test]
fn an_expectation_that_holds_by_chance_is_said_to() {
    let bound = expected("spread.cost < 15 $", of("spread", "cost"), Relation::Less, Bound::Number(15.0));
    let (outcome, answer) = outcome(two_policies(), bound);
    assert_eq!(outcome, Outcome::Holds(Certainty::Mean));
    assert!(answer.starts_with("Yes, on average only (within chance): cost 14.0 ± 9.9 $"), "{answer}");
}

#[test]
fn one_seed_gives_no_interval_and_the_answer_says_so() {
    let bound = expected("naive.cost <= 15 $", of("naive", "cost"), Relation::LessOrEqual, Bound::Number(15.0));
    let (outcome, answer) = outcome(vec![run("naive", (None, 1), 0.0, 15.0)], bound);
    assert_eq!(outcome, Outcome::Holds(Certainty::OneSeed));
    assert_eq!(answer, "Yes: cost 15.0 $ (expected ≤ 15 $). One seed: there is no interval.");
}

#[test]
fn what_cannot_be_judged_is_said_and_an_unknown_metric_is_found_beforehand() {
    let unknown = expected("spread.price < 1", of("spread", "price"), Relation::Less, Bound::Number(1.0));
    assert!(metric::check(std::slice::from_ref(&unknown)).expect_err("unknown").to_string().contains("cost_nodes"));
    let (unjudged, answer) = outcome(two_policies(), unknown);
    assert_eq!(unjudged, Outcome::Unjudged);
    assert!(answer.contains("Not judged: no metric is called `price`"), "{answer}");
    let absent = expected("hpa.cost < 1", of("hpa", "cost"), Relation::Less, Bound::Number(1.0));
    let answer = outcome(two_policies(), absent).1;
    assert!(
        answer.ends_with("least cost: greedy (13.0 ± 9.9 $). Not judged: `hpa` was not run in the base."),
        "{answer}"
    );
}

#[test]
fn several_policies_are_answered_apart_and_a_short_name_is_enough() {
    let runs = vec![run("hpa:target=60%", (None, 1), 0.2, 1.0), run("rate", (None, 1), 0.0, 2.0)];
    let each = ["hpa", "rate"].map(|policy| {
        let name = of(policy, "slo_violation_time");
        expected("x", name, Relation::Less, Bound::Number(0.01))
    });
    let answer = Comparison::new(runs, &each).answer();
    assert_eq!(
        answer,
        "Yes for rate: time over the SLO 0 % (expected < 1 %). No for hpa: time over the SLO 20.0 % (expected < 1 %). \
         One seed: there is no interval."
    );
}

fn shown(width: usize) -> Shown<'static> {
    Shown { width, bold: false, wall_s: Some(0.41), report: Some(Path::new("runs/friday/report.html")) }
}

#[test]
fn the_table_is_printed_as_it_was_looked_at() {
    let text = table::render(&Comparison::new(two_policies(), &[]), &shown(100));
    golden("table.txt", &text);
}

#[test]
fn the_table_fits_its_terminal_and_keeps_what_is_expected() {
    let cheap = expected("greedy.energy < 1", of("greedy", "energy"), Relation::Less, Bound::Number(1.0));
    let comparison = Comparison::new(two_policies(), &[cheap]);
    for width in [80, 100, 120, 200] {
        let text = table::render(&comparison, &shown(width));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
        assert!(text.contains("energy"), "{width}\n{text}");
    }
    assert!(
        table::render(&comparison, &shown(200)).lines().count()
            < table::render(&comparison, &shown(80)).lines().count() + 1
    );
    let long = "threshold:up=80%,down=20%,window=5min,cooldown=10min,step=2,forecast=none+spread:weight=cpu";
    let text = table::render(&Comparison::new(vec![run(long, (None, 1), 0.0, 1.0)], &[]), &shown(80));
    assert!(text.lines().skip(4).take(4).all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn bold_type_marks_the_best_on_a_terminal_and_nothing_else_does() {
    let comparison = Comparison::new(two_policies(), &[]);
    let text = table::render(&comparison, &Shown { bold: true, ..shown(120) });
    assert!(text.contains("\u{1b}[1m") && !text.contains('*'), "{text}");
    assert!(!table::render(&comparison, &shown(120)).contains('\u{1b}'));
}

#[test]
fn the_choice_is_as_strong_as_the_figures() {
    let told = |runs| {
        let choices = choices(&Comparison::new(runs, &[]));
        choices.into_iter().map(|one| (one.verdict, one.sureness, one.figures)).collect::<Vec<_>>()
    };
    // The SLO does not tell them apart; every pair of days differs by 1 $, 0.5 $ a million.
    let [(verdict, sureness, figures)] = &told(two_policies())[..] else { panic!("one variant") };
    assert_eq!(
        verdict,
        "greedy: no other policy is seen to have less of time over the SLO or cost per million good requests."
    );
    assert!(sureness.starts_with("Over 3 seeds"));
    assert_eq!(figures[0], "Time over the SLO: 0.40 ± 0.25 % with every policy.");
    assert_eq!(
        figures[1],
        "Cost per million good requests: least with greedy, 6.50 ± 4.97 $; spread: 0.50 $ more (1.08 ×)."
    );
    let apart = vec![run("safe", (None, 1), 0.0, 9.0), run("cheap", (None, 1), 0.1, 3.0)];
    let [(verdict, sureness, _)] = &told(apart)[..] else { panic!("one variant") };
    assert_eq!(
        verdict,
        "No policy is best at both: safe has the least time over the SLO; cheap has the least cost per million good requests."
    );
    assert_eq!(sureness, "One seed was run: how sure this is, is not known.");
    let both = vec![run("good", (None, 1), 0.0, 3.0), run("bad", (None, 1), 0.1, 9.0)];
    assert_eq!(told(both)[0].0, "good has the least time over the SLO and the least cost per million good requests.");
    assert!(told(vec![run("alone", (None, 1), 0.0, 3.0)]).is_empty());
}

#[test]
fn runs_that_were_not_made_alike_are_told() {
    assert!(caveats(&Comparison::new(two_policies(), &[])).is_empty());
    let mut runs = two_policies();
    runs.pop();
    runs[0].manifest.header.inputs[1].sha256 = "cd".repeat(32);
    runs[1].manifest.program.version = "0.2.0".to_owned();
    runs[2].summary.span_s = 3_600.0;
    let told = caveats(&Comparison::new(runs, &[])).join("\n");
    for wanted in ["traces/friday.csv.gz differs", "0.1.0 (unknown), 0.2.0", "(3, 2 runs a policy)", "1 h to 24 h"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}

#[test]
fn markdown_is_as_it_was_looked_at() {
    let bound = expected("spread.cost < 15 $", of("spread", "cost"), Relation::Less, Bound::Number(15.0));
    let text =
        super::markdown::render(&[Comparison::new(two_policies(), &[bound])], "smo simulate scenarios/friday.yaml");
    golden("markdown.txt", &text);
}

#[test]
fn tidy_rows_are_the_same_in_csv_and_parquet() {
    let mut runs = two_policies();
    runs[0].manifest.header.policy = "hpa:target=60%,\"x\"".to_owned();
    let comparisons = [Comparison::new(runs, &[])];
    let csv = super::tidy::csv(&comparisons);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 6 * metric::METRICS.len());
    assert_eq!(lines[0], "scenario,variant,policy,seed,metric,unit,better,value");
    let violated = "edge-cloud-friday,,\"hpa:target=60%,\"\"x\"\"\",1,slo_violation_time,1,lower,0.003";
    assert!(lines.contains(&violated), "{csv}");
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("tidy.parquet");
    std::fs::write(&path, super::tidy::parquet(&comparisons).expect("writes")).expect("writes");
    let file = std::fs::File::open(&path).expect("opens");
    let frame = polars::prelude::SerReader::finish(<polars::prelude::ParquetReader<_> as polars::prelude::SerReader<
        _,
    >>::new(file));
    let frame = frame.expect("reads");
    assert_eq!(frame.height() + 1, lines.len());
    let values = frame.column("value").and_then(|column| column.f64().cloned()).expect("floats");
    let row = lines.iter().position(|line| *line == violated).expect("it was found above") - 1;
    assert_eq!(values.get(row), Some(0.003));
}

/// Goal: what Prometheus is given is well formed: families described once and in order, counters never fall, an end.
#[test]
fn openmetrics_text_is_well_formed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut run = synthetic::run(home.path(), Behaviour { policy: "naive\"\\", headroom: 1.0, lag: 5 }, (None, 1));
    let text = |run: &RunRecord| {
        let mut text = Vec::new();
        let export = super::openmetrics::Export::read(run.clone(), 1_735_689_600.0).expect("reads");
        export.write(&mut text).expect("writes");
        String::from_utf8(text).expect("text")
    };
    run.manifest.header.resolved["application"]["services"][0]["cpu"] = "500m".into();
    let text = text(&run);
    assert!(text.ends_with("\n# EOF\n"));
    let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(families.is_sorted() && families.windows(2).all(|pair| pair[0] != pair[1]), "{families:?}");
    let mut last: Option<(String, f64, f64)> = None;
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, rest) = line.rsplit_once("} ").expect("labels");
        let (value, at) = rest.split_once(' ').expect("a time");
        let (value, at): (f64, f64) = (value.parse().expect("a number"), at.parse().expect("a number"));
        match &last {
            Some((same, before, earlier)) if same == series => {
                assert!(at > *earlier, "{line}");
                assert!(!series.contains("_total{") || value >= *before, "{line}");
            }
            _ => assert!(seen.insert(series.to_owned()), "{series} comes twice"),
        }
        last = Some((series.to_owned(), value, at));
    }
    for wanted in [
        "# UNIT smo_cluster_energy_joules joules\n",
        "kube_deployment_status_replicas_ready{namespace=\"chain\",deployment=\"gateway\"",
        "container_cpu_usage_seconds_total{",
        "kube_pod_container_resource_limits{",
        "node_cpu_seconds_total{source=\"edge-1\",instance=\"edge-1\",cpu=\"all\",mode=\"idle\"",
        "policy=\"naive\\\"\\\\\"",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[test]
fn a_run_is_shown_as_it_was_looked_at_and_fits_its_terminal() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut run = synthetic::run(home.path(), Behaviour { policy: "naive", headroom: 1.0, lag: 8 }, (None, 1));
    let timeline = super::timeline::Timeline::read(&run).expect("reads");
    run.dir = PathBuf::from("runs/friday/naive-1");
    for width in [40, 60, 100, 200] {
        let text = super::show::render(&run, &timeline, Sketch { width, colours: false });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
        assert!(!text.contains('\u{1b}'));
        if width == 100 {
            golden("show.txt", &text);
        }
    }
    let object: serde_json::Value = serde_json::from_str(&super::show::json(&run, &timeline)).expect("parses");
    assert_eq!(object["refusals"][0]["decisions"], 20);
    assert_eq!(object["summary"]["decisions"], 1_440);
    assert!(object["slo_breaks"][0]["at_the_same_time"].as_array().is_some_and(|seen| !seen.is_empty()));
}

#[test]
fn json_holds_runs_groups_and_answers() {
    let text = json::render(&[Comparison::new(two_policies(), &[])]);
    let object: serde_json::Value = serde_json::from_str(&text).expect("parses");
    assert_eq!(object["runs"].as_array().map(Vec::len), Some(6));
    assert_eq!(object["groups"][1]["metrics"]["cost"]["mean"], 13.0);
    assert_eq!(object["groups"][1]["metrics"]["cost"]["best"], true);
    assert!(object["answers"][0]["answer"].as_str().is_some_and(|answer| answer.contains("least cost: greedy")));
}
