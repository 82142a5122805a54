//! Everything breaks while graphs come and go: an API server, Prometheus, the database's connections, and the service itself, twice.
//! At the end it is counted from outside: what was accepted is there, what was removed is gone, and nothing was deployed twice.
//!
//! The ten minutes of the figures are run by `make bench-serve`, through `SMO_FAULTS_SECONDS`; here it is as short as it can be.

use crate::graphs::{self, app, forget, installs, load, plain, publish_all, ready, releases};
use crate::postgres::Postgres;
use crate::service::{Answer, Service, free_port, now};
use crate::shop::{until, wait};
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SOON: Duration = Duration::from_mins(2);
/// Graphs that come and go.
const NAMES: usize = 8;
const PROJECT: &str = "smo-faults";
/// The problem of a key whose request is being done, as far as the server knows.
const UNDERWAY: &str = "urn:smo:problem:idempotency-underway";

/// What was accepted last of each graph: whether it is to be there.
type Wanted = BTreeMap<String, bool>;

/// Sends a wish until it is answered for good, whatever breaks: with the same key, so that an answer that was lost does no harm. A server
/// that dies holds the key for a while.
fn wishes(service: &Service<'_>, (method, path): (&str, &str), body: &Value, key: &str) -> u16 {
    for _ in 0..60 {
        match service.try_send(method, path, body, &[("idempotency-key", key)]) {
            Some(answer) if answer.status < 500 && answer.status != 429 && !is_underway(&answer) => {
                return answer.status;
            }
            _ => wait(1),
        }
    }
    panic!("{method} {path} was never answered\n{}", service.said());
}

fn is_underway(answer: &Answer) -> bool {
    answer.status == 409 && answer.json()["type"] == UNDERWAY
}

/// One step of the load: the next graph is deployed where it is not there, and removed where it is.
fn step(service: &Service<'_>, wanted: &mut Wanted, round: usize) {
    let stack = service.stack;
    let index = round * 5 % NAMES;
    let name = format!("graph-{index}");
    let there = wanted.get(&name).copied().unwrap_or(false);
    let graphs = format!("/v1/projects/{PROJECT}/graphs");
    let key = format!("round-{round}");
    // Mostly what has come up is taken away again, and now and then what is on its way.
    if there && !round.is_multiple_of(16) && service.phase(PROJECT, &name) != "running" {
        return;
    }
    let status = if there {
        wishes(service, ("DELETE", &format!("{graphs}/{name}")), &Value::Null, &key)
    } else {
        wishes(service, ("POST", &graphs), &plain(stack, &name, &[chart(index)]), &key)
    };
    // Still being removed: it stays as it was, and is asked for another time.
    if status != 409 {
        assert!([200, 202].contains(&status), "{name}: {status}");
        wanted.insert(name, !there);
    }
    service.try_get(&format!("/v1/projects/{PROJECT}/graphs"));
    load(stack, (PROJECT, chart(index).name), f64::from(u32::try_from(round % 5).unwrap() * 20));
}

fn chart(index: usize) -> graphs::Chart {
    const CHARTS: [&str; NAMES] = ["f-0", "f-1", "f-2", "f-3", "f-4", "f-5", "f-6", "f-7"];
    app(CHARTS[index], "100m", "64Mi")
}

/// What breaks, in order.
fn breaks(stack: &Stack, service: &mut Service<'_>, postgres: &mut Postgres, fault: usize) -> &'static str {
    match fault {
        0 => {
            stack.live(&["signal", "api-member1", "KILL"]);
            wait(6);
            stack.live(&["restart", "api-member1"]);
            "an API server was killed"
        }
        1 => {
            service.kill();
            service.start();
            "the service was killed"
        }
        2 => {
            stack.live(&["signal", "prometheus", "KILL"]);
            wait(4);
            stack.live(&["restart", "prometheus"]);
            "Prometheus was killed"
        }
        3 => {
            postgres.cut();
            "the database's connections were cut"
        }
        4 => {
            postgres.kill();
            wait(3);
            postgres.again();
            "the database was killed"
        }
        _ => {
            service.kill();
            service.start();
            "the service was killed again"
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_deployed_twice_whatever_breaks() {
    let Some(stack) = stack("faults") else { return };
    let Some(mut postgres) = Postgres::start("faults") else { return };
    publish_all(&stack);
    forget(&stack);
    for index in 0..NAMES {
        graphs::publish(chart(index));
    }
    let mut service = Service::new(&stack, free_port());
    service.configure(&["database"], json!(postgres.url()));
    service.start();
    let seconds = std::env::var("SMO_FAULTS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(42);
    let (start, limit) = (now(), Duration::from_secs(seconds));
    let (mut wanted, mut round, mut fault) = (Wanted::new(), 0, 0);
    while start.elapsed() < limit || fault < 6 {
        step(&service, &mut wanted, round);
        round += 1;
        if fault < 6 && start.elapsed() > limit.mul_f64(f64::from(u32::try_from(fault).unwrap() + 1) / 7.0) {
            let what = breaks(&stack, &mut service, &mut postgres, fault);
            eprintln!("faults: {what} after {:.0} s", start.elapsed().as_secs_f64());
            fault += 1;
        }
    }
    stand(&service, &mut wanted);
    settles(&service, &wanted);
    counted(&stack, &service, &wanted, round);
}

/// Something has to stand at the end, whatever came last: every other graph is deployed, once its name can be had again.
fn stand(service: &Service<'_>, wanted: &mut Wanted) {
    let graphs = format!("/v1/projects/{PROJECT}/graphs");
    for index in (0..NAMES).step_by(2) {
        let (name, key) = (format!("graph-{index}"), format!("last-{index}"));
        let graph = plain(service.stack, &name, &[chart(index)]);
        if wanted.get(&name) != Some(&true) {
            until("its name can be had", SOON, || {
                let status = wishes(service, ("POST", &graphs), &graph, &key);
                assert!([202, 409].contains(&status), "{name}: {status}");
                status == 202
            });
            wanted.insert(name, true);
        }
    }
}

/// Waits until all is as was accepted last.
fn settles(service: &Service<'_>, wanted: &Wanted) {
    let took = until("all is as it was accepted", SOON, || {
        wanted.iter().all(|(name, there)| service.phase(PROJECT, name) == if *there { "running" } else { "404" })
    });
    eprintln!("faults: all was as accepted {:.1} s after the last wish", took.as_secs_f64());
}

/// How many replicas are wanted of a graph's only service.
fn replicas(service: &Service<'_>, name: &str) -> u64 {
    let graph = service.graph(PROJECT, &name.replace("f-", "graph-"));
    let clusters = graph["status"]["services"][0]["clusters"].as_object().cloned().unwrap_or_default();
    clusters.values().filter_map(|replicas| replicas["wanted"].as_u64()).sum()
}

/// From the outside: a release and a Deployment for each graph that is wanted, installed once each time, and no other.
fn counted(stack: &Stack, service: &Service<'_>, wanted: &Wanted, rounds: usize) {
    let expected: Vec<String> = (0..NAMES)
        .filter(|index| wanted.get(&format!("graph-{index}")) == Some(&true))
        .map(|index| chart(index).name.to_owned())
        .collect();
    let found = releases(stack, PROJECT);
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    assert!(!expected.is_empty(), "something is left to be lost");
    assert_eq!(names, expected, "nothing is lost, and nothing is left over");
    let deployments = stack.get("karmada", &["deployments", "--namespace", PROJECT]).unwrap();
    let deployed: Vec<&str> = deployments["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["metadata"]["name"].as_str())
        .collect();
    assert_eq!(deployed, expected);
    // An install is told once: as many deploys as were accepted, however often they were carried on by another process.
    let jobs = service.get(&format!("/v1/jobs?project={PROJECT}&limit=1000")).is(200).json();
    let jobs = jobs["items"].as_array().unwrap();
    let open: Vec<&Value> =
        jobs.iter().filter(|job| ["queued", "running"].contains(&job["state"].as_str().unwrap())).collect();
    assert!(open.is_empty(), "{open:?}");
    for name in &expected {
        let installs = installs(stack, PROJECT, name);
        assert!(installs <= 1, "{name} was installed {installs} times");
        let ready = || ready(stack, "member1", (PROJECT, name)) + ready(stack, "member2", (PROJECT, name));
        until("all replicas are there, and no other", SOON, || ready() == replicas(service, name));
    }
    eprintln!("faults: {rounds} wishes, {} jobs, {} releases stand", jobs.len(), found.len());
}
