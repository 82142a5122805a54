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

/// Goal: a run records why its decisions were as they were, and the page shows it.
/// Method: each line of `explanations.jsonl` against that of its decision, and the first against `smo plan --explain`, which
/// works it out without a run.
#[test]
fn the_decisions_that_mattered_are_explained() {
    let scratch = scratch();
    let (policy, scenario) = ("spread+static", "scenarios/cluster-loss.yaml");
    smo(scratch.path(), ["simulate", scenario, "--policy", policy, "--seeds", "1"]).well();
    let run = scratch.path().join("runs/cluster-loss/spread+static-1");
    let lines = |name: &str| -> Vec<serde_json::Value> {
        read(&run.join(name)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (decisions, explained) = (lines("decisions.jsonl"), lines("explanations.jsonl"));
    let because: Vec<&str> = explained.iter().filter_map(|one| one["because"].as_str()).collect();
    assert!(because[0] == "first" && because.contains(&"changed") && because.contains(&"last"), "{because:?}");
    let mut compared = 0;
    for one in &explained {
        let decision = decisions.iter().find(|line| line["decision"] == one["decision"]).unwrap();
        assert_eq!(decision["at_s"], one["at_s"]);
        for service in one["services"].as_array().unwrap() {
            let candidates = service["candidates"].as_array().unwrap();
            let got = candidates.iter().filter(|one| one["replicas"].as_u64().is_some_and(|replicas| replicas > 0));
            let got: serde_json::Map<_, _> =
                got.map(|one| (one["cluster"].as_str().unwrap().to_owned(), one["replicas"].clone())).collect();
            assert_eq!(service["targets"], serde_json::Value::from(got), "{service}");
            let told = decision["services"].as_array().into_iter().flatten();
            for told in told.filter(|told| told["service"] == service["service"]) {
                assert_eq!(told["target"], service["targets"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 5, "{compared}");
    let planned = smo(scratch.path(), ["plan", scenario, "--policy", policy, "--explain", "--format", "json"]).out;
    let planned: serde_json::Value = serde_json::from_str(&planned).unwrap();
    for service in planned["services"].as_array().unwrap() {
        let same = explained[0]["services"].as_array().unwrap().iter().find(|one| one["service"] == service["service"]);
        let Some(same) = same else { continue };
        assert_eq!(service["explanation"]["next_best"], same["next_best"]);
        for candidate in service["explanation"]["candidates"].as_array().unwrap() {
            assert!(same["candidates"].as_array().unwrap().contains(candidate), "{candidate}\n{same}");
        }
    }
    let page = read(&scratch.path().join("runs/cluster-loss/report.html"));
    assert_eq!(page.matches("<details class=\"why\"").count(), page.matches("<details class=\"policy\"").count());
    for one in &explained {
        let anchor = format!("id=\"scenario-0-0-why-{}\"", one["decision"]);
        assert!(page.contains(&anchor), "{anchor}");
    }
    let log = page.split("<summary>Decision log").nth(1).unwrap();
    assert!(log.contains("<a href=\"#scenario-0-0-why-"), "the log leads to explanations");
    smo(scratch.path(), ["replay", "runs/cluster-loss"]).well();
}

/// Goal: every policy of the registries runs at once, and the page ranks them.
/// Method: the ranks against their definition, worked out again from the figures; equal figures may be told apart by digits
/// that nobody is shown, so these count as equal.
#[test]
fn all_policies_run_at_once_and_are_ranked() {
    let scratch = scratch();
    let arguments = ["simulate", "scenarios/quickstart.yaml", "--policy", "all", "--seeds", "1", "--until", "30min"];
    let said = smo(scratch.path(), arguments).well().out;
    assert!(said.contains("rank 1: no other policy"), "{said}");
    let page = read(&scratch.path().join("runs/quickstart/report.html"));
    assert!(page.len() < 2_000_000, "{}", page.len());
    let json = smo(scratch.path(), ["report", "runs", "--to", "json"]).well().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let groups = json["groups"].as_array().unwrap();
    let listed = smo(scratch.path(), ["policies", "--format", "json"]).well().out;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let labels: Vec<&str> = groups.iter().map(|group| group["policy"].as_str().unwrap()).collect();
    for policy in listed.as_array().unwrap().iter().filter(|policy| policy["half"] != "program") {
        let name = policy["name"].as_str().unwrap();
        assert!(labels.iter().any(|label| label.split('+').any(|part| part == name)), "{name} did not run");
    }
    let point = |group: &serde_json::Value| {
        let mean = |metric: &str| group["metrics"][metric]["mean"].as_f64().unwrap_or(f64::INFINITY);
        (mean("slo_violation_time"), mean("cost_per_million_good"))
    };
    let ranked: Vec<(u64, (f64, f64))> =
        groups.iter().map(|group| (group["rank"].as_u64().unwrap(), point(group))).collect();
    assert!(ranked.is_sorted_by_key(|(rank, _)| *rank), "{ranked:?}");
    for (rank, at) in &ranked {
        // Shown are hundredths of a per cent at least, and tenths of a dollar.
        let as_good = |one: &(f64, f64)| one.0 <= at.0 + 1e-4 && one.1 <= at.1 + 0.1 && one != at;
        let is_beaten = ranked.iter().any(|(other, one)| other + 1 == *rank && as_good(one));
        assert!(*rank == 1 || is_beaten, "{at:?} of rank {rank} is beaten by none of the rank before");
        let clearly = |one: &(f64, f64)| one.0 < at.0 - 1e-4 && one.1 < at.1 - 0.1;
        assert!(ranked.iter().all(|(other, one)| other < rank || !clearly(one)), "{at:?} of rank {rank}");
    }
    assert_eq!(page.matches("<details class=\"policy\"").count(), 20, "the best are drawn");
    smo(scratch.path(), ["report", "runs", "--out", "again.html"]).well();
    assert!(read(&scratch.path().join("again.html")).contains("smo simulate scenarios/quickstart.yaml --policy all"));
}

/// Goal: what is refused for the first time is explained, with what is lacking.
/// Method: replicas for ten times the load, which three clusters cannot hold.
#[test]
fn refusals_are_explained() {
    let scratch = scratch();
    let arguments = ["simulate", "scenarios/quickstart.yaml", "--seeds", "1", "--until", "2h"];
    smo(scratch.path(), arguments.into_iter().chain(["--policy", "greedy+rate:headroom=900%"])).well();
    let run = scratch.path().join("runs/quickstart/greedy+rate-headroom=900pct-1");
    let explained = read(&run.join("explanations.jsonl"));
    let refusing = |line: &&str| line.contains("\"because\":\"refused\"");
    let line = explained.lines().find(refusing).expect("something is refused");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let service = &line["services"][0];
    let refused = &service["refused"];
    assert!(refused["remedy"].is_string() && refused["replicas"].as_u64() > Some(0), "refusals come first: {service}");
    let placed: u64 = service["targets"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(Some(placed + refused["replicas"].as_u64().unwrap()), service["wanted"].as_u64());
    let has_no_room = |one: &serde_json::Value| one["room_for"].as_u64().is_none_or(|room| room == 0);
    assert!(service["candidates"].as_array().unwrap().iter().all(has_no_room), "{service}");
    let page = read(&scratch.path().join("runs/quickstart/report.html"));
    let remedy = format!("smallest change: {}", refused["remedy"].as_str().unwrap());
    assert!(page.contains("refused for the first time") && page.contains(&remedy), "{remedy}");
}

/// Goal: a scenario may ask for all of a kind too, and a word that is nearly one is told so.
#[test]
fn a_scenario_asks_for_all_of_a_kind() {
    let scratch = scratch();
    let path = scratch.path().join("scenarios/quickstart.yaml");
    let text = read(&path);
    let policies = text.lines().find(|line| line.starts_with("policies:")).expect("the quickstart names policies");
    let expected: String = text.split_inclusive('\n').skip_while(|line| *line != "expect:\n").take(4).collect();
    let asking = |policies_now: &str| {
        // `scenarios` is that of the project, which no test writes to.
        let moved = text.replace("../traces/", "traces/").replace(": applications/", ": scenarios/applications/");
        let moved = moved.replace(": inventories/", ": scenarios/inventories/");
        let changed = moved.replace(policies, policies_now).replace(&expected, "");
        std::fs::write(scratch.path().join("kinds.yaml"), changed).unwrap();
        smo(scratch.path(), ["scenario", "check", "kinds.yaml"])
    };
    let said = asking("policies: [naive, joints]").well().out;
    assert!(said.contains("naive, milp-joint, nephele, nephele-2024"), "{said}");
    asking("policies: [joint]").refused(2, "did you mean `joints`");
}
