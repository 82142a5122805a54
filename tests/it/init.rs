//! `smo init`: three commands from what `kubectl` printed to a report, and nothing is ever overwritten.

use crate::kubernetes::shipped;
use crate::program::{Said, scratch, smo};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `smo init demo ARGUMENTS` and then the scenario, shortly; the report must be there.
fn three_commands(directory: &Path, arguments: &[&str]) -> Said {
    let said = smo(directory, ["init", "demo"].iter().chain(arguments)).well();
    assert!(said.out.contains("next: smo simulate demo/scenario.yaml"), "{}", said.out);
    smo(directory, ["scenario", "check", "demo/scenario.yaml"]).well();
    smo(directory, ["simulate", "demo/scenario.yaml", "--until", "2h", "--seeds", "1"]).well();
    let page = fs::read_to_string(directory.join("runs/scenario/report.html")).unwrap();
    assert!(page.contains("<svg"), "a report has a picture");
    said
}

#[test]
fn a_starter_runs_at_once_and_keeps_what_it_promises() {
    let scratch = scratch();
    three_commands(scratch.path(), &[]);
    let said = smo(scratch.path(), ["simulate", "demo/scenario.yaml", "--seeds", "1"]).well();
    assert!(said.out.contains("Yes:"), "{}", said.out);
}

#[test]
fn the_karmada_sample_gives_a_report_in_three_commands() {
    let Some(data) = crate::data_dir() else {
        return println!(
            "skipped: no SMO_DATA_DIR and no ../shared/data for the_karmada_sample_gives_a_report_in_three_commands"
        );
    };
    let scratch = scratch();
    let sample = data.join("multicluster_samples/karmada_cr_cluster.yaml");
    let said = three_commands(scratch.path(), &["--from-kubectl", sample.to_str().unwrap()]);
    assert!(
        said.out.contains("cluster cluster-foo has no `status.resourceSummary`: 3 nodes of 4 cores and 16 GiB"),
        "{}",
        said.out
    );
    assert!(said.out.contains("Secret is no part of an inventory and is not read"), "{}", said.out);
}

#[test]
fn real_shapes_of_clusters_nodes_and_workloads_give_a_report_in_three_commands() {
    let (clusters, nodes, pods, shop) =
        (shipped("clusters.json"), shipped("nodes.yaml"), shipped("pods.yaml"), shipped("shop.yaml"));
    let (nodes, pods) = (format!("member1={}", nodes.display()), format!("member1={}", pods.display()));
    let (clusters, shop) = (clusters.to_str().unwrap(), shop.to_str().unwrap());
    let cases: [&[&str]; 4] = [
        &["--from-kubectl", clusters],
        &["--from-kubectl", &nodes, "--from-kubectl", &pods],
        &["--from-kubectl", &nodes, "--from-kubectl", &pods, "--workloads", shop],
        &["--from-kubectl", clusters, "--workloads", shop, "--trace", "traces/day.csv.gz"],
    ];
    for arguments in cases {
        let scratch = scratch();
        three_commands(scratch.path(), arguments);
        let text = fs::read_to_string(scratch.path().join("demo/scenario.yaml")).unwrap();
        assert_eq!(text.contains("descriptor:"), arguments.contains(&"--workloads"));
        assert_eq!(text.contains("own_namespaces: [shop]"), arguments.contains(&"--workloads"));
    }
}

/// A trace of two series with names that no service may have: each becomes a service that its peak fits.
#[test]
fn every_series_of_a_trace_becomes_a_service() {
    let scratch = scratch();
    let rows = "timestamp_s,service,requests_per_s\n0,front page,500\n0,api v2,3\n3600,front page,100\n3600,api v2,1\n7200,front page,0\n7200,api v2,0\n";
    fs::write(scratch.path().join("load.csv"), rows).unwrap();
    fs::copy(shipped("clusters.json"), scratch.path().join("clusters.json")).unwrap();
    three_commands(scratch.path(), &["--from-kubectl", "clusters.json", "--trace", "load.csv"]);
    let text = fs::read_to_string(scratch.path().join("demo/scenario.yaml")).unwrap();
    assert!(text.contains("\"front page\": front-page") && text.contains("file: ../load.csv"), "{text}");
}

#[test]
fn nothing_is_overwritten_and_a_failure_leaves_nothing_behind() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    smo(scratch.path(), ["init", "demo"]).well();
    fs::write(at("demo/scenario.yaml"), "mine").unwrap();
    smo(scratch.path(), ["init", "demo"]).refused(2, "demo/scenario.yaml is there already\n  name another directory");
    fs::remove_file(at("demo/scenario.yaml")).unwrap();
    smo(scratch.path(), ["init", "demo"]).refused(2, "demo/application.yaml is there already");
    assert!(!at("demo/scenario.yaml").exists());

    fs::write(at("secret.yaml"), "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n").unwrap();
    let full =
        "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {allocatable: {cpu: 10m, memory: 1Mi, pods: 9}}\n";
    fs::write(at("full.yaml"), full).unwrap();
    fs::write(at("bad.csv"), "a,b\n").unwrap();
    let shop = shipped("shop.yaml");
    let nodes = shipped("nodes.yaml");
    let (shop, nodes) = (shop.to_str().unwrap(), nodes.to_str().unwrap());
    fs::write(at("two.csv"), "timestamp_s,service,requests_per_s\n0,a,5\n0,b,5\n60,a,5\n").unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["--from-kubectl", "nowhere.yaml"], "there is no file `nowhere.yaml`"),
        (&["--from-kubectl", "secret.yaml"], "no cluster that takes pods is in it"),
        (&["--from-kubectl", "full.yaml"], "no cluster has room for a replica"),
        (&["--from-kubectl", nodes, "--trace", "bad.csv"], "bad.csv"),
        (&["--from-kubectl", nodes, "--workloads", "secret.yaml"], "no workload is in it"),
        (
            &["--from-kubectl", nodes, "--workloads", shop, "--trace", "two.csv"],
            "no series of the trace is called like",
        ),
        (&["--workloads", shop], "--from-kubectl"),
    ];
    for (arguments, wanted) in cases {
        smo(scratch.path(), ["init", "a/b"].iter().chain(arguments)).refused(2, wanted);
        assert!(!at("a").exists(), "{arguments:?} left something behind");
    }
    fs::write(at("file"), "").unwrap();
    smo(scratch.path(), ["init", "file/x"]).refused(1, "file/x cannot be written");
}

/// Room that others hold is nobody else's: a node of four cores, three of them held, takes one replica of one core and
/// not two, all hour long; without what is held it takes both.
#[test]
fn room_that_others_hold_is_not_given_away() {
    let scratch = scratch();
    let node = "apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: a}, status: {allocatable: {cpu: 4, memory: 8Gi, pods: 10}}}]\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: other}\nspec: {nodeName: a, containers: [{resources: {requests: {cpu: 2500m}}}]}\n";
    let more = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: d, namespace: other, ownerReferences: [{kind: DaemonSet}]}\nspec: {nodeName: a, containers: [{resources: {requests: {cpu: 500m}}}]}\n";
    fs::write(scratch.path().join("nodes.yaml"), node).unwrap();
    fs::write(scratch.path().join("pods.yaml"), format!("{pod}{more}")).unwrap();
    fs::write(scratch.path().join("load.csv"), "timestamp_s,service,requests_per_s\n0,web,5\n1800,web,5\n").unwrap();
    let hours = |kubectl: &str| {
        let text = format!(
            "question: q?\napplication: {{services: [{{name: web, cpu: 1, memory: 1 GiB, capacity: 50 /s, replicas: 2, slo: 1 s}}]}}\n\
             inventory: {{kubectl: {kubectl}}}\ntraces: [{{file: load.csv}}]\npolicies: [spread+static]\n"
        );
        fs::write(scratch.path().join("held.yaml"), text).unwrap();
        let said = smo(scratch.path(), ["simulate", "held.yaml", "--format", "json"]).well();
        let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        find(&said, "replica_hours").unwrap_or_else(|| panic!("no replica hours in {said:#}"))
    };
    let near = |one: f64, other: f64| (one - other).abs() < 0.01;
    let (held, free) = (hours("[nodes.yaml, pods.yaml]"), hours("nodes.yaml"));
    assert!(near(held, 1.0) && near(free, 2.0), "{held} and {free} replica-hours");
}

/// The first number under a key, wherever it is.
fn find(value: &serde_json::Value, key: &str) -> Option<f64> {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let here = map
                .get(key)
                .and_then(|found| found.as_f64().or_else(|| find(found, "mean")).or_else(|| find(found, "value")));
            here.or_else(|| map.values().find_map(|inner| find(inner, key)))
        }
        Value::Array(items) => items.iter().find_map(|inner| find(inner, key)),
        _ => None,
    }
}

/// A program called `helm` that prints what a chart would become.
#[test]
fn a_chart_is_rendered_by_helm_where_it_is_there() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir_all(at("chart")).unwrap();
    fs::create_dir_all(at("bin")).unwrap();
    fs::write(at("chart/Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").unwrap();
    fs::copy(shipped("shop.yaml"), at("rendered.yaml")).unwrap();
    fs::copy(shipped("clusters.json"), at("clusters.json")).unwrap();
    fs::write(at("values.yaml"), "a: 1\n").unwrap();
    let text = "question: q?\napplication:\n  descriptor: chart\n  values: values.yaml\n  services: {frontend: {capacity: 9 /s}, cart: {capacity: 9 /s}, recommender: {capacity: 9 /s}}\n\
                inventory: clusters.json\ntraces: [{file: traces/day.csv.gz, service: frontend}]\npolicies: [naive]\n";
    fs::write(at("scenario.yaml"), text).unwrap();
    let check = |path: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smo"));
        command.args(["scenario", "check", "scenario.yaml"]).current_dir(scratch.path()).env("PATH", path);
        Said::from(command.output().unwrap())
    };
    let nothing = at("chart");
    check(nothing.to_str().unwrap()).refused(2, "which is not on the PATH\n  install Helm");
    let script =
        format!("#!/bin/sh\necho \"$@\" > {0}/asked\nexec /bin/cat {0}/rendered.yaml\n", scratch.path().display());
    write_program(&at("bin/helm"), &script);
    let said = check(at("bin").to_str().unwrap()).well();
    assert!(said.out.contains("3 services") && said.out.contains("helm template chart: line 77"), "{}", said.out);
    assert_eq!(fs::read_to_string(at("asked")).unwrap(), "template chart chart --values values.yaml\n");
    write_program(&at("bin/helm"), "#!/bin/sh\necho 'Error: no template' >&2\nexit 1\n");
    check(at("bin").to_str().unwrap()).refused(2, "`helm` says: Error: no template");
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
