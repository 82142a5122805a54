//! L01, L03, L04, L05, L10, L16: what is seen, how it is scaled and moved, and when nothing is done.

use crate::charts::{pack_plain, push, run};
use crate::shop::{Filler, Shop, until, wait};
use crate::stack::stack;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// L03: a real rate, read by PromQL, becomes replicas where the plan says, up and down, and the record says the same.
#[test]
fn l03_replicas_follow_the_rate_exactly_as_planned() {
    let Some(stack) = stack("l03") else { return };
    let shop = Shop::new(&stack, "l03");
    shop.load(54.0);
    let mut smo = shop.start("--live", &[]);
    // 54 /s with 30 % head-room on 20 /s a replica: 70.2 / 20 → 4; the back gets 27 /s: 35.1 / 30 → 2.
    // In the middle of what four serve: a rate is measured to a few percent, as scrapes come when the machine has time for them.
    until("front has 4", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
    let shares = shop.shares("front");
    for (member, replicas) in &shares {
        assert_eq!(shop.ready(member, "front"), *replicas, "{shares:?}");
    }
    shop.load(130.0);
    until("front has 9", SOON, || shop.ready_all("front") == 9 && shop.ready_all("back") == 3);
    shop.load(25.0);
    until("front has 2 again", SOON, || shop.ready_all("front") == 2 && shop.ready_all("back") == 1);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    let directory = smo.record("live");
    let text = std::fs::read_to_string(directory.join("decisions.jsonl")).expect("the record is there");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(lines.iter().all(|line| line["violations"].as_array().is_none_or(Vec::is_empty)), "{text}");
    assert!(lines.iter().filter(|line| line["actions"].as_u64() > Some(0)).count() >= 2, "{text}");
    let summary = std::fs::read_to_string(directory.join("summary.json")).expect("the figures are there");
    let summary: Value = serde_json::from_str(&summary).expect("they are JSON");
    assert!(summary["requests_offered"].as_f64() > Some(100.0) && summary["requests_dropped"].is_null(), "{summary}");
}

/// L10: replicas follow a ramp; when Prometheus falls silent nothing changes, whatever the last value was.
#[test]
fn l10_silence_of_prometheus_means_hold() {
    let Some(stack) = stack("l10") else { return };
    let shop = Shop::new(&stack, "l10");
    shop.load(20.0);
    let smo = shop.start("--live", &[]);
    until("front has 2", SOON, || shop.ready_all("front") == 2);
    for (rate, replicas) in [(54.0, 4), (100.0, 7)] {
        shop.load(rate);
        until("front follows", SOON, || shop.ready_all("front") == replicas);
    }
    let frozen = stack.freeze("prometheus");
    shop.load(5.0);
    until("the outage is told", SOON, || smo.said().contains("silent  prometheus"));
    // A dozen decisions later everything is as it was: silence is not zero load.
    let decisions = |text: &str| text.lines().count();
    let before = decisions(&smo.said());
    wait(10);
    assert_eq!((shop.ready_all("front"), decisions(&smo.said())), (7, before), "{}", smo.said());
    drop(frozen);
    until("front follows again", SOON, || shop.ready_all("front") == 1);
}

/// L05: what does not fit is refused before anything is written, with the reason in the record.
#[test]
fn l05_what_does_not_fit_is_refused_and_not_written() {
    let Some(stack) = stack("l05") else { return };
    let shop = Shop::new(&stack, "l05");
    // Others leave 1 core on each of 3 nodes, and 2 on each of 2: 7 cores, of which the back takes one. Front is half a core, so
    // no node has a rest that is too small: 12 fit, 26 are wanted.
    let _fillers = [("member1", "3", 3), ("member2", "6", 2)]
        .map(|(member, cpu, replicas)| Filler::new(&stack, member, (cpu, replicas)));
    let taken = || {
        [("member1", "9"), ("member2", "12")].iter().all(|(member, cpu)| {
            let cluster = stack.get("karmada", &["cluster", member]).expect("it has joined");
            cluster["status"]["resourceSummary"]["allocated"]["cpu"] == *cpu
        })
    };
    until("others are there", SOON, taken);
    shop.load_each(400.0, 0.0);
    let smo = shop.start("--live", &[]);
    until("something is refused", SOON, || smo.said().contains("refused"));
    let total = |name: &str| shop.shares(name).values().sum::<u64>();
    until("what fits is there", SOON, || (shop.ready_all("front"), total("front")) == (12, 12));
    for member in ["member1", "member2"] {
        let arguments = ["pods", "--namespace", &shop.namespace, "--field-selector", "status.phase=Pending"];
        let pending = stack.get(member, &arguments).expect("pods are listed");
        assert_eq!(
            pending["items"].as_array().map(Vec::len),
            Some(0),
            "{member} was given more than it holds: {pending}"
        );
    }
}

/// L16: a workload that an autoscaler drives is not ours to scale; nothing at all is written.
#[test]
fn l16_double_control_is_refused() {
    let Some(stack) = stack("l16") else { return };
    let shop = Shop::new(&stack, "l16");
    let scaler = json!({
        "apiVersion": "autoscaling.karmada.io/v1alpha1", "kind": "FederatedHPA",
        "metadata": {"name": "front-scaler", "namespace": shop.namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "front"}, "minReplicas": 1, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}});
    stack.apply("karmada", &scaler);
    let (code, _, error) = shop.run("--live", &["--until", "10s"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("FederatedHPA `front-scaler` scales Deployment `front` already"), "{error}");
    let policies = stack.get("karmada", &["propagationpolicies", "--namespace", &shop.namespace]).expect("listed");
    assert_eq!(policies["items"].as_array().map(Vec::len), Some(0), "{policies}");
    // In shadow nobody is disturbed, so it may watch.
    let (code, said, error) = shop.run("--shadow", &["--until", "5s"]);
    assert_eq!(code, 0, "{said}{error}");
    let policies =
        stack.get("karmada", &["propagationpolicies,configmaps", "--namespace", &shop.namespace]).expect("listed");
    let ours = policies["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("smo")));
    assert_eq!(ours.count(), 0, "shadow writes nothing: {policies}");
}

/// Two of us on one connection: the second is refused while the first is there.
#[test]
fn l16_a_second_driver_is_refused() {
    let Some(stack) = stack("l16b") else { return };
    let shop = Shop::new(&stack, "l16b");
    shop.load(20.0);
    let mut first = shop.start("--live", &[]);
    until("the first drives", SOON, || shop.ready_all("front") > 0);
    let (code, _, error) = shop.run("--live", &["--until", "5s"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("drives it already"), "{error}");
    assert_eq!(first.end(), 0, "{}", first.said());
    let (code, _, error) = shop.run("--live", &["--until", "3s"]);
    assert_eq!(code, 0, "the first has said that it left: {error}");
}

/// The kill switch: nothing is written while it is on, and the latest plan is carried out when it is off again.
#[test]
fn pause_stops_every_write() {
    let Some(stack) = stack("pause") else { return };
    let shop = Shop::new(&stack, "paused");
    shop.load(20.0);
    let smo = shop.start("--live", &[]);
    until("it drives", SOON, || shop.ready_all("front") == 2);
    let pause = |more: &[&str]| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_smo"))
            .arg("pause")
            .arg(shop.connection())
            .args(more)
            .output();
        let done = done.expect("smo starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    pause(&["--reason", "incident 4711"]);
    until("it is told", SOON, || smo.said().contains("paused  incident 4711"));
    shop.load(100.0);
    until("it decides all the same", SOON, || smo.said().contains("→ 7"));
    wait(4);
    assert_eq!((shop.ready_all("front"), shop.shares("front").values().sum::<u64>()), (2, 2));
    pause(&["--off"]);
    until("the latest plan is carried out", SOON, || shop.ready_all("front") == 7);
}

/// L09 to its end: a service that waits for an event is deployed when its alert fires, once, and its rule goes when it is removed.
#[test]
fn l09_an_alert_wakes_the_service_that_waits_for_it() {
    let Some(stack) = stack("l09e") else { return };
    let mut shop = Shop::new(&stack, "l09e");
    let expr = "sum(rate(http_requests_total{service=\"l09e-front\"}[5s])) > 50";
    shop.connect(&["services", "back", "start_when"], json!({"expr": expr}));
    shop.connect(&["alerts"], json!({"listen": "127.0.0.1:8000"}));
    let when = "application.services.back.start_when=rate(requests_total{service=\"front\"}[1m]) > 50";
    let scenario = ["--set", when];
    shop.load(20.0);
    let mut smo = shop.start("--live", &scenario);
    until("front is there", SOON, || shop.ready_all("front") == 2);
    wait(4);
    assert_eq!(shop.ready_all("back"), 0, "nothing has happened yet: {}", smo.said());
    shop.load(80.0);
    until("back is wanted", SOON, || smo.said().contains("wanted  back"));
    until("back is there", SOON, || shop.ready_all("back") >= 1);
    // Alertmanager repeats what still fires; it is told once.
    wait(5);
    assert_eq!(smo.said().matches("wanted  back").count(), 1, "{}", smo.said());
    assert_eq!(smo.end(), 0, "{}", smo.said());
    let loaded = || {
        let rules = stack.fetch("prometheus", "/api/v1/rules");
        rules["data"]["groups"].as_array().into_iter().flatten().any(|group| group["name"] == "smo-smo-l09e.live")
    };
    assert!(loaded(), "the rule stands while the application does");
    shop.remove_with(&scenario);
    assert!(!loaded(), "and goes with it");
}

/// L02 to its end: the chart is pulled by its digest and deployed, the binding is divided exactly as planned, and a second run
/// changes neither.
#[test]
fn l02_a_release_is_deployed_and_divided_as_planned() {
    let Some(stack) = stack("l02e") else { return };
    let mut shop = Shop::new(&stack, "l02e");
    stack.kubectl("karmada", &["delete", "deployment", "front", "--namespace", &shop.namespace]).expect("it was there");
    let folder = tempfile::tempdir().expect("a folder");
    let chart = push(&stack, &pack_plain(folder.path(), "front"), "front");
    let digest = stack.digest(&chart, "0.1.0");
    let release = json!({"chart": format!("{chart}@{digest}"), "replicas_value": "replicas"});
    shop.connect(&["services", "front", "release"], release);
    shop.connect(&["charts"], json!({"helm": "helm-4.3", "plain_hosts": [stack.address("registry")]}));
    shop.connect(
        &["grafana"],
        json!({"url": stack.address("grafana"), "token_file": shop.secret("admin:admin"), "folder": "shop"}),
    );
    shop.load(54.0);
    for round in 1..=2 {
        let mut smo = shop.start("--live", &[]);
        until("it is deployed and divided", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
        wait(3);
        assert_eq!(smo.end(), 0, "{}", smo.said());
        for (member, replicas) in shop.shares("front") {
            assert_eq!(shop.ready(&member, "front"), replicas, "round {round}");
        }
        let listed = run(
            "helm-4.3",
            &[
                "list",
                "--namespace",
                &shop.namespace,
                "--output",
                "json",
                "--kubeconfig",
                stack.kubeconfig("karmada").to_str().expect("a plain path"),
            ],
        )
        .expect("helm lists");
        let listed: Value = serde_json::from_str(&listed).expect("it is JSON");
        assert_eq!(
            (listed[0]["name"].as_str(), listed[0]["status"].as_str()),
            (Some("front"), Some("deployed")),
            "{listed}"
        );
        // The second run finds four replicas where the first found none: the count is a value, so there is a second revision at most.
        assert!(["1", "2"].contains(&listed[0]["revision"].as_str().unwrap_or_default()), "{listed}");
    }
    let said = shop.remove();
    for what in
        ["Helm release front", "Grafana dashboard", "PropagationPolicy smo-front", "ResourceBinding front-deployment"]
    {
        assert!(said.contains(what), "{said}");
    }
    assert!(stack.get("karmada", &["deployment", "front", "--namespace", &shop.namespace]).is_none());
}
