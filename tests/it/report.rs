//! Recorded runs told again: one page, other formats, one run in the terminal, and for Prometheus.

use crate::program::{scratch, smo};
use std::path::Path;

/// Two policies of the quickstart for an hour, recorded below `directory`.
fn recorded(directory: &Path) {
    let arguments = ["simulate", "scenarios/quickstart.yaml", "--seeds", "2", "--until", "1h"];
    let policies = ["--policy", "naive", "--policy", "greedy+rate:headroom=50%"];
    smo(directory, arguments.into_iter().chain(policies)).well();
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_report_of_recorded_runs_is_the_page_of_the_simulation() {
    let scratch = scratch();
    recorded(scratch.path());
    let said = smo(scratch.path(), ["report", "runs", "--out", "again.html"]).well();
    assert!(said.out.contains("report  again.html"), "{}", said.out);
    let (first, again) =
        (read(&scratch.path().join("runs/quickstart/report.html")), read(&scratch.path().join("again.html")));
    let command = |page: &str| page.split("<h2>How to run it again</h2>").nth(1).unwrap()[..200].to_owned();
    assert!(command(&again).contains("smo simulate scenarios/quickstart.yaml --policy naive"), "{}", command(&again));
    let without = |page: &str| page.replace(&command(page), "");
    assert!(without(&first) == without(&again), "the same runs give the same page");
    smo(scratch.path(), ["report", "runs", "-j", "1", "--out", "one.html"]).well();
    assert!(read(&scratch.path().join("one.html")) == again, "the page depends on the number of threads");
}

/// Goal: a run of tasks is drawn by what tasks do, and nothing is said of services that are not there.
/// Method: three jobs of a core and an hour on one node of two cores, all at the start: one waits for an hour.
#[test]
fn tasks_are_drawn_where_there_are_some() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    std::fs::write(at("jobs.csv"), "arrival_time,length,cpus\n0,1,1\n0,1,1\n0,1,1\n").unwrap();
    let scenario = "question: Who waits?\ntasks: [{file: jobs.csv}]\npolicies: [greedy, spread]\nuntil: 3 h\n\
                    inventory: {clusters: [{name: one, pools: [{name: a, cpu: 2, memory: 8 GiB, nodes: 1}]}]}\n";
    std::fs::write(at("jobs.yaml"), scenario).unwrap();
    smo(scratch.path(), ["simulate", "jobs.yaml"]).well();
    let page = read(&at("runs/jobs/report.html"));
    let labels = [
        "Tasks that wait over time: at most ",
        "Running tasks over time by cluster: at most 2 together",
        "Tasks over time: 3 arrived by the end, 3 completed",
    ];
    for label in labels {
        assert_eq!(page.matches(&format!("aria-label=\"{label}")).count(), 2, "one for each policy: {label}");
    }
    assert!(!page.contains("Requests and calls by service") && !page.contains("Policies saw no rate"));
}

#[test]
fn reports_are_written_as_their_ending_or_option_says() {
    let scratch = scratch();
    recorded(scratch.path());
    let markdown = smo(scratch.path(), ["report", "runs/quickstart", "--to", "markdown"]).well().out;
    assert!(
        markdown.starts_with("## Does scaling") && markdown.contains("<details><summary>All figures"),
        "{markdown}"
    );
    let csv = smo(scratch.path(), ["report", "runs", "--to", "csv"]).well().out;
    assert!(csv.lines().count() > 4 * 20 && csv.starts_with("scenario,variant,policy,seed,metric"), "{csv}");
    smo(scratch.path(), ["report", "runs", "--out", "figures.parquet"]).well();
    assert_eq!(&std::fs::read(scratch.path().join("figures.parquet")).unwrap()[..4], b"PAR1");
    let json = smo(scratch.path(), ["report", "runs", "--to", "json"]).well().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(4));
    assert!(json["answers"][0]["choices"][0]["verdict"].is_string());
    smo(scratch.path(), ["report", "runs", "--out", "figures.txt"]).refused(2, "end it in .html");
    smo(scratch.path(), ["report", "runs", "--to", "parquet"]).refused(2, "name a file");
    smo(scratch.path(), ["report", "scenarios"]).refused(2, "there is no run here");
}

/// Goal: runs of one scenario that were asked for differently are told apart, and one that is named twice counts once.
#[test]
fn runs_from_several_places_are_told_apart() {
    let scratch = scratch();
    recorded(scratch.path());
    let arguments = ["simulate", "scenarios/quickstart.yaml", "--seeds", "1", "--until", "1h", "--policy", "naive"];
    smo(scratch.path(), arguments.into_iter().chain(["--set", "telemetry.delay=30s", "--out", "late"])).well();
    let report = |runs: &[&str]| {
        let said = smo(scratch.path(), ["report"].iter().chain(runs).chain(&["--to", "json"])).well().out;
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let both = report(&["runs", "late"]);
    let variants: Vec<&str> =
        both["runs"].as_array().unwrap().iter().filter_map(|run| run["variant"].as_str()).collect();
    assert!(variants.iter().any(|variant| variant.contains("telemetry.delay=30s")), "{variants:?}");
    let twice = report(&["runs", "runs/quickstart"]);
    assert_eq!(twice["runs"].as_array().map(Vec::len), Some(4));
}

#[test]
fn one_run_is_shown_and_several_are_asked_which() {
    let scratch = scratch();
    recorded(scratch.path());
    let shown = smo(scratch.path(), ["show", "runs/quickstart/naive-1", "--width", "90"]).well().out;
    for wanted in
        ["quickstart: naive, seed 1, 1 h", "load image-compressi", "replicas edge-1", "$ a million good requests"]
    {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 90), "{shown}");
    let json = smo(scratch.path(), ["show", "runs/quickstart/naive-1", "--format", "json"]).well().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["policy"], "naive");
    smo(scratch.path(), ["show", "runs/quickstart"]).refused(2, "there are 4 runs here");
    smo(scratch.path(), ["show", "nowhere"]).refused(2, "nowhere: ");
}

#[test]
fn a_run_is_exported_for_prometheus() {
    let scratch = scratch();
    recorded(scratch.path());
    let run = "runs/quickstart/naive-1";
    let text = smo(scratch.path(), ["export", "--openmetrics", run, "--start", "2025-06-02"]).well().out;
    assert!(text.ends_with("# EOF\n"));
    // 2025-06-02 is 1748822400; a sample every minute or less.
    let first = text.lines().find(|line| line.starts_with("machine_cpu_cores{")).unwrap();
    let at: f64 = first.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1_748_822_400.0..1_748_822_461.0).contains(&at), "{first}");
    smo(scratch.path(), ["export", "--openmetrics", run, "--out", "naive.om"]).well();
    assert!(read(&scratch.path().join("naive.om")).contains("kube_deployment_status_replicas_ready{"));
    smo(scratch.path(), ["export", run]).refused(2, "--openmetrics");
    smo(scratch.path(), ["export", "--openmetrics", run, "--start", "soon"]).refused(2, "write it like");
}
