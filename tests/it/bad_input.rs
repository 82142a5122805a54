//! Broken scenarios: each gets one clear error, with the file, the line, the field, and what would be right.
//!
//! A table of patches of one good scenario. A patch replaces a text that stands in it exactly once; the error must hold
//! every one of the words that are listed with it.

use smo::input::{Request, load};
use std::path::Path;

/// A small scenario that is good, so that whatever breaks it is the patch.
const GOOD: &str = "\
question: Does it hold?
expect: [naive.cost < 1]
application:
  services:
    - name: web
      cpu: 500m
      memory: 256 MiB
      capacity: {alpha: 40, beta: -5}
      replicas: {initial: 2, min: 1, max: 8}
      slo: {latency: 200 ms, share: 95 %}
      start: {median: 2 s, p95: 5 s}
    - name: store
      cpu: 1
      memory: 1 GiB
      capacity: 90 /s
  calls:
    - {from: web, to: store, per_request: 50 %}
inventory:
  clusters:
    - name: edge-1
      region: here
      taints: [\"edge=yes:PreferNoSchedule\"]
      pools: [{name: main, cpu: 4, memory: 16 GiB, nodes: 2}]
    - name: cloud-1
      region: there
      pools:
        - name: main
          cpu: 8
          memory: 32 GiB
          nodes: {min: 1, max: 5}
          power: {idle: 50 W, max: 300 W}
traces:
  - {file: load.csv, service: web, scale: 1}
network:
  pairs: [{between: [edge-1, cloud-1], rtt: 20 ms}]
  origins: [{name: city, share: 60 %, local: edge-1}, {name: land, share: 40 %, local: cloud-1}]
environment:
  carbon:
    regions: {here: 300, there: [{from: 0 h, value: 100}, {from: 8 h, value: 250}]}
faults:
  - {lose: cluster edge-1, at: 19:30, for: 20 min}
control: {every: 15 s, rails: {freeze: [{from: 1 h, until: 2 h}]}}
telemetry: {scrape: 15 s, loss: 1 %}
truth: {web: {capacity_factor: 80 %}}
policies: [naive, spread]
seeds: 2
variants:
  no_edge: {inventory.clusters.edge-1.enabled: false}
";

/// A broken scenario: what is replaced by what, and words that the error must hold.
struct Case {
    find: &'static str,
    replace: &'static str,
    words: &'static [&'static str],
}

const fn case(find: &'static str, replace: &'static str, words: &'static [&'static str]) -> Case {
    Case { find, replace, words }
}

/// Syntax, keys and spellings: what is wrong in itself.
const SPELLINGS: &[Case] = &[
    case("cpu: 500m", "cpu: [500m", &["line 7", "the YAML is broken"]),
    case("  calls:", " calls:", &["line 16", "the YAML is broken"]),
    case("cpu: 500m", "cpu: 500m\n      cpu: 1", &["line 7, column 7", "`cpu` stands here for the second time"]),
    case("seeds: 2", "seeds: 2\n---\nseeds: 3", &["a second document begins here"]),
    case("seeds: 2", "sedes: 2", &["line 46, column 1: field `sedes`: no such key", "did you mean `seeds`?"]),
    case(
        "taints:",
        "taint:",
        &["line 22, column 7: field `inventory.clusters.edge-1.taint`", "did you mean `taints`?"],
    ),
    case("scrape: 15 s", "scrap: 15 s", &["line 43", "field `telemetry.scrap`", "`scrape`"]),
    case("memory: 256 MiB", "memory: 256 MHz", &["line 7", "services.web.memory`: `256 MHz`", "`512 MiB`, `4 GiB`"]),
    case("cpu: 500m", "cpu: half", &["line 6", "services.web.cpu`", "`500m`, `2`"]),
    case("every: 15 s", "every: 15", &["field `control.every`: `15` is not a time span", "`30 s`"]),
    case("at: 19:30", "at: 29:30", &["faults.0.at`", "is not an instant", "`19:30`"]),
    case("loss: 1 %", "loss: 101 %", &["telemetry.loss`", "more than the whole", "`95 %`"]),
    case("loss: 1 %", "loss: -1 %", &["telemetry.loss`: `-1 %` is not a ratio"]),
    case("loss: 1 %", "loss: .nan", &["telemetry.loss`: `.nan` is not a ratio"]),
    case("cpu: 500m", "cpu: -1", &["services.web.cpu`: `-1` is not an amount of CPU"]),
    case("cpu: 500m", "cpu: 0", &["services.web.cpu`: zero makes no sense here", "more than zero"]),
    case("cpu: 500m", "cpu:", &["services.web.cpu`", "nothing is given here"]),
    case("      cpu: 500m\n", "", &["line 5", "services.web.cpu`: is missing"]),
    case("question: Does it hold?\n", "", &["field `question`: is missing"]),
    case("question: Does it hold?", "question: \" \"", &["field `question`: the question is empty"]),
    case("seeds: 2", "seeds: 2.5", &["line 46", "field `seeds`: `2.5` is given here", "whole number"]),
    case("seeds: 2", "seeds: 0", &["field `seeds`: zero makes no sense"]),
    case("seeds: 2", "seeds: 1000000", &["field `seeds`", "at most 10000"]),
    case("policies: [naive, spread]", "policies: naive", &["field `policies`: `naive` is given here", "a list"]),
    case("policies: [naive, spread]", "policies: []", &["field `policies`: no policy", "`smo policies`"]),
    case("policies: [naive, spread]", "policies: [naive, naive]", &["field `policies.1`", "second time"]),
    case("traces:\n", "traces: {}\nfaults2:\n", &["field `traces`: a map is given here", "a list"]),
    case("name: web", "name: w e b", &["services.w e b.name`: `w e b` is not a name"]),
    case("{median: 2 s, p95: 5 s}", "{median: 2 s}", &["services.web.start`", "no distribution", "`{mean: 2 s}`"]),
    case("{median: 2 s, p95: 5 s}", "{median: 9 s, p95: 5 s}", &["services.web.start`", "do not go together"]),
    case("{median: 2 s, p95: 5 s}", "{min: 9 s, max: 5 s}", &["services.web.start`", "min 9 s is more than max 5 s"]),
    case("telemetry: {", "network2: {routing: fastest}\ntelemetry: {", &["field `network2`: no such key", "`network`"]),
    case("seeds: 2", "seeds: 2\nplaced: {wep: {edge-1: 2}}", &["line 47", "field `placed.wep`", "did you mean `web`?"]),
    case("seeds: 2", "seeds: 2\nplaced: {web: {edge-2: 2}}", &["field `placed.web.edge-2`: no cluster", "`edge-1`"]),
    case("seeds: 2", "seeds: 2\nplaced: {web: {edge-1: 4000000}}", &["field `placed.web`", "beyond what is simulated"]),
    case("seeds: 2", "seeds: 2\nplaced: {web: {edge-1: -1}}", &["field `placed.web.edge-1`: `-1` is given here"]),
    case("network:\n", "network:\n  routing: fastest\n", &["field `network.routing`: `fastest`", "`local_first`"]),
];

/// The application and the inventory: what does not agree.
const WORLDS: &[Case] = &[
    case("max: 8}", "max: 0}", &["line 9", "services.web.replicas`", "at least 1"]),
    case("min: 1, max: 8", "min: 9, max: 8", &["line 9", "services.web.replicas`", "min <= initial <= max"]),
    case("initial: 2, min: 1", "initial: 9, min: 1", &["services.web.replicas`", "min <= initial <= max"]),
    case("max: 8}", "max: 4000000}", &["services.web.replicas`", "beyond what is simulated"]),
    case("{alpha: 40, beta: -5}", "{alpha: 0, beta: 5}", &["line 8", "web.capacity`: alpha 0 gives zero capacity"]),
    case("{alpha: 40, beta: -5}", "{alpha: 4, beta: -500}", &["line 8", "zero capacity even with 8 replicas"]),
    case("{alpha: 40, beta: -5}", "{alpha: 40, gamma: 3}", &["services.web.capacity`", "no capacity", "`40 /s`"]),
    case("{alpha: 40, beta: -5}", "{gamma: 40, kappa: -1}", &["services.web.capacity`", "cannot be negative"]),
    case("{alpha: 40, beta: -5}", "{alpha: .inf}", &["web.capacity.alpha`: `.inf` is given here", "a number"]),
    case("capacity: 90 /s", "capacity: 0 /s", &["line 15", "store.capacity`: zero capacity", "`40 /s`"]),
    case("capacity: 90 /s", "capacity: 90", &["store.capacity`: `90` is not a rate", "`12.5 /s`"]),
    case(
        "capacity: 90 /s",
        "capacity: {alpha: 9, by_class: {old: {alpha: 1, beta: -200}}}",
        &["capacity.by_class.old`", "zero capacity"],
    ),
    case("name: store", "name: web", &["line 12", "a second service is called `web`"]),
    case("to: store", "to: stor", &["line 17", "field `application.calls.0.to`", "did you mean `store`?"]),
    case("per_request: 50 %", "per_request: 0", &["calls.0.per_request`: zero makes no sense"]),
    case(
        "    - {from: web, to: store, per_request: 50 %}",
        "    - {from: web, to: store}\n    - {from: store, to: web}",
        &["line 17", "field `application.calls.0`: the calls form a cycle", "remove one of these calls"],
    ),
    case("to: store, per", "to: web, per", &["line 17", "the calls form a cycle: web → web"]),
    case(
        "    - {from: web, to: store, per_request: 50 %}",
        "    - {from: web, to: store}\n    - {from: web, to: store}",
        &["line 18", "field `application.calls.1`", "second time"],
    ),
    case("slo: {latency: 200 ms, share: 95 %}", "slo: 0 s", &["services.web.slo`", "zero makes no sense"]),
    case(
        "slo: {latency: 200 ms, share: 95 %}",
        "slo: {latency: 200 ms, share: 120 %}",
        &["web.slo.share`", "more than the whole"],
    ),
    case(
        "slo: {",
        "tolerations: [\"a=b:Never\"]\n      slo: {",
        &["services.web.tolerations.0`", "`key=value:NoSchedule`"],
    ),
    case("nodes: 2", "nodes: 0", &["line 23", "inventory.clusters.edge-1.pools`", "has no nodes", "`enabled: false`"]),
    case("pools: [{name: main, cpu: 4, memory: 16 GiB, nodes: 2}]", "pools: []", &["edge-1.pools`", "has no nodes"]),
    case("cpu: 4, memory", "cpu: 0, memory", &["edge-1.pools.main.cpu`: zero makes no sense"]),
    case(
        "nodes: {min: 1, max: 5}",
        "nodes: {min: 6, max: 5}",
        &["line 30", "cloud-1.pools.main.nodes`", "min <= initial <= max"],
    ),
    case("nodes: {min: 1, max: 5}", "nodes: {max: 5}", &["cloud-1.pools.main.nodes.min`: is missing"]),
    case("idle: 50 W", "idle: 500 W", &["line 31", "pools.main.power`", "idle 500 W is more than max 300 W"]),
    case("idle: 50 W", "idle: 50", &["pools.main.power.idle`: `50` is not a power", "`350 W`"]),
    case("name: cloud-1\n", "name: edge-1\n", &["line 24", "a second cluster is called `edge-1`"]),
    case("region: there", "region: there\n      pue: 0.9", &["clusters.cloud-1.pue`", "write 1 or more"]),
    case("region: there", "region: there\n      speed: 0", &["clusters.cloud-1.speed`: zero makes no sense"]),
    case("edge=yes:PreferNoSchedule", "edge=yes", &["line 22", "edge-1.taints.0`", "`key=value:NoSchedule`"]),
];

/// What surrounds them: traces, network, environment, faults, control, expectations, variants.
const SURROUNDINGS: &[Case] = &[
    case("file: load.csv", "file: lod.csv", &["line 33", "field `traces.0.file`: there is no file", "lod.csv`"]),
    case("file: load.csv", "file: .", &["field `traces.0.file`", "is a directory"]),
    case("file: load.csv", "file: \"${SMO_SURELY_NOT_SET}/a.csv\"", &["traces.0.file`", "export SMO_SURELY_NOT_SET="]),
    case("file: load.csv", "file: ${SMO_SURELY_NOT_SET}/a.csv", &["line 33", "the YAML is broken", "in quotes"]),
    case("service: web", "service: wb", &["traces.0.service`: no service is called `wb`", "did you mean `web`?"]),
    case("service: web", "series: {a: wb}", &["traces.0.series.a`: no service is called `wb`"]),
    case("scale: 1}", "scale: 0}", &["traces.0.scale`: zero makes no sense"]),
    case("scale: 1}", "from: 2 h, until: 1 h}", &["traces.0.until`", "a later end"]),
    case("  - {file: load.csv, service: web, scale: 1}", "  []", &["field `traces`: there is no load"]),
    case(
        "[edge-1, cloud-1]",
        "[edge-1, cloud-2]",
        &["line 35", "network.pairs.0.between.1`", "did you mean `cloud-1`?"],
    ),
    case("[edge-1, cloud-1]", "[edge-1]", &["network.pairs.0.between`"]),
    case("share: 40 %", "share: 30 %", &["line 36", "field `network.origins`: the shares add up to 90 %", "100 %"]),
    case("local: cloud-1", "local: cloud", &["network.origins.land.local`: no cluster is called `cloud`"]),
    case("local: cloud-1", "rtt: {edge-1: 5 ms}", &["origins.land.rtt`: the time to cluster `cloud-1` is missing"]),
    case("name: land", "name: city", &["a second origin is called `city`"]),
    case(
        "{here: 300, there",
        "{her: 300, there",
        &["line 39", "region `here` of cluster `edge-1` has no carbon", "`default`"],
    ),
    case("{here: 300,", "{here: -300,", &["carbon.regions.here`", "`-300` is negative"]),
    case("from: 8 h", "from: 0 h", &["line 39", "carbon.regions.there.1.from`", "sort the steps"]),
    case("    regions: {", "    period: 4 h\n    regions: {", &["carbon.period`", "longer period"]),
    case("    regions: {", "    file: none.csv\n    regions: {", &["carbon.file`: there is no file"]),
    case(
        "    regions: {",
        "    file: load.csv\n    regions: {",
        &["load.csv: line 1: no table that is known begins with", "`time_s`, `region` and `value` make steps"],
    ),
    case(
        "    regions: {",
        "    file: carbon.csv\n    regions: {",
        &["carbon.csv: line 3: field `value`: `NaN` is not"],
    ),
    case("lose: cluster edge-1", "lose: cluster edge-3", &["line 41", "faults.0.lose`", "did you mean `edge-1`?"]),
    case("lose: cluster edge-1", "lose: replica wb", &["faults.0.lose`: no service is called `wb`"]),
    case("lose: cluster edge-1", "lose: everything", &["faults.0.lose`: `everything`", "`replica SERVICE`"]),
    case("lose: cluster edge-1", "lose: link edge-1 edge-1", &["faults.0.lose`", "another one"]),
    case("at: 19:30, for: 20 min", "at: 19:30", &["field `faults.0`: for how long is missing", "`for: 20 min`"]),
    case("at: 19:30, for: 20 min", "for: 20 min", &["field `faults.0`: when this happens is not clear"]),
    case("at: 19:30, for: 20 min", "at: 19:30, every: 6 h, for: 20 min", &["faults.0`: when this happens"]),
    case("at: 19:30, for: 20 min", "trace: outages.csv", &["outages.csv: line 3: column `start_s`", "sort the file"]),
    case(
        "{from: 1 h, until: 2 h}",
        "{from: 3 h, until: 2 h}",
        &["line 42", "rails.freeze.0.until`", "after the beginning"],
    ),
    case("scrape: 15 s,", "scrape: 15 s, jitter: 1 min,", &["telemetry.jitter`", "at most 15 s"]),
    case("truth: {web:", "truth: {wb:", &["line 44", "field `truth.wb`", "did you mean `web`?"]),
    case(
        "truth: {web: {capacity_factor: 80 %}}",
        "truth: {web: {capacity: {alpha: 1, beta: -99}}}",
        &["truth.web.capacity`", "zero capacity"],
    ),
    case("[naive.cost < 1]", "[anytime.cost < 1]", &["line 2", "field `expect.0`: no policy is called `anytime`"]),
    case("[naive.cost < 1]", "[naive.cost]", &["field `expect.0`", "compares nothing", "`policy[@variant].metric"]),
    case("[naive.cost < 1]", "[naive@no_edg.cost < 1]", &["expect.0`: no variant is called `no_edg`", "`no_edge`"]),
    case("[naive.cost < 1]", "[naive.cost < cheap]", &["expect.0`: `cheap` is no policy's metric"]),
];

fn broken(text: &str, request: &Request) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file can be written");
    write("load.csv", "timestamp_s,service,requests_per_s\n0,x,1\n60,x,2\n");
    write("carbon.csv", "time_s,region,value\n0,here,300\n60,here,NaN\n");
    write("outages.csv", "start_s,duration_s\n60,5\n0,5\n");
    write("scenario.yaml", text);
    match load(&folder.path().join("scenario.yaml"), request) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string().replace(&format!("{}/", folder.path().display()), ""),
    }
}

#[test]
fn every_broken_scenario_names_its_place_its_field_and_the_way_out() {
    let mut wrong = Vec::new();
    for case in SPELLINGS.iter().chain(WORLDS).chain(SURROUNDINGS) {
        assert_eq!(
            GOOD.matches(case.find).count(),
            1,
            "`{}` stands in the good scenario more or less than once",
            case.find
        );
        let error = broken(&GOOD.replace(case.find, case.replace), &Request::default());
        let missing: Vec<&&str> = case.words.iter().filter(|words| !error.contains(**words)).collect();
        if !missing.is_empty() {
            wrong.push(format!("`{}` → `{}`\n    lacks {missing:?} in\n    {error}", case.find, case.replace));
        }
    }
    assert!(wrong.is_empty(), "{} of the errors are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_scenario_that_the_table_breaks_is_good() {
    for variant in [None, Some("no_edge".to_owned())] {
        assert_eq!(broken(GOOD, &Request { variant, ..Request::default() }), "no error");
    }
}

#[test]
fn every_error_is_one_line_and_at_most_one_of_remedy() {
    for case in SPELLINGS.iter().chain(WORLDS).chain(SURROUNDINGS) {
        let error = broken(&GOOD.replace(case.find, case.replace), &Request::default());
        assert!(error.lines().count() <= 2, "{error}");
        assert!(error.lines().nth(1).is_none_or(|remedy| remedy.starts_with("  ")), "{error}");
    }
}

#[test]
fn files_that_are_no_scenarios_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let error = |name: &str, content: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).expect("a file can be written");
        }
        load(&path, &Request::default()).expect_err("it is no scenario").to_string()
    };
    assert!(error("absent.yaml", None).contains("there is no file"));
    assert!(error("", None).contains("is a directory"));
    assert!(error("empty.yaml", Some(b"")).contains("the file is empty"));
    assert!(error("comments.yaml", Some(b"# nothing\n\n")).contains("the file is empty"));
    assert!(error("latin1.yaml", Some(b"a: 1\nquestion: \xfcber\n")).contains("is not UTF-8 text, first in line 2"));
    assert!(error("list.yaml", Some(b"- a\n")).contains("a scenario is a map"));
    assert!(error("text.yaml", Some(b"hello\n")).contains("a scenario is a map"));
    assert!(error("tabs.yaml", Some(b"a:\n\t- b\n")).contains("the YAML is broken"));
    assert!(error("large.yaml", Some(&vec![b'#'; (16 << 20) + 1])).contains("larger than the limit of 16 MiB"));
}

#[test]
fn what_is_asked_for_on_the_command_line_is_checked_too() {
    let set =
        |path: &str, value: &str| Request { set: vec![(path.to_owned(), value.to_owned())], ..Request::default() };
    let error = broken(GOOD, &Request { variant: Some("no_edg".to_owned()), ..Request::default() });
    assert!(error.contains("no variant is called `no_edg`") && error.contains("did you mean `no_edge`?"), "{error}");
    let error = broken(GOOD, &set("telemetry.los", "1 %"));
    assert!(error.starts_with("--set telemetry.los=1 %: field `telemetry.los`: no such key"), "{error}");
    let error = broken(GOOD, &set("telemetry.loss", "much"));
    assert!(error.starts_with("--set telemetry.loss=much: field `telemetry.loss`: `much` is not a ratio"), "{error}");
    let error = broken(GOOD, &set("inventory.clusters.edge-9.speed", "2"));
    assert!(error.contains("has no item `edge-9`") && error.contains("`edge-1`, `cloud-1`"), "{error}");
    let error = broken(GOOD, &set("inventory", "none.yaml"));
    assert!(error.starts_with("--set inventory=none.yaml: field `inventory`: there is no file"), "{error}");
}

/// Goal: a mistake in a file that the scenario names is reported in that file, and in a variant at the variant's line.
#[test]
fn mistakes_are_placed_where_they_were_made() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/applications/web.yaml");
    let application =
        std::fs::read_to_string(shipped).expect("it is shipped").replace("memory: 128 MiB", "memory: lots");
    std::fs::write(path("application.yaml"), &application).expect("a file can be written");
    let start = GOOD.find("application:").expect("the scenario has an application");
    let end = GOOD.find("inventory:").expect("the scenario has an inventory");
    let text = format!("{}application: application.yaml\n{}", &GOOD[..start], &GOOD[end..]);
    std::fs::write(path("scenario.yaml"), text).expect("a file can be written");
    let error = load(&path("scenario.yaml"), &Request::default()).expect_err("the memory is wrong").to_string();
    let line = 1 + application.lines().position(|line| line.contains("lots")).expect("it was put there");
    assert!(
        error.contains(&format!("application.yaml: line {line}, column 13: field `application.services.pages.memory`")),
        "{error}"
    );

    let text = GOOD.replace("edge-1.enabled: false", "edge-1.speed: 0");
    let error = broken(&text, &Request { variant: Some("no_edge".to_owned()), ..Request::default() });
    assert!(
        error.contains("scenario.yaml: line 48, column 46: field `inventory.clusters.edge-1.speed`: zero"),
        "{error}"
    );
}
