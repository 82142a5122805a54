//! Two servers on one PostgreSQL: a graph has one keeper, and when that is killed the other one takes over.

use crate::graphs::{self, app, forget, load, plain, publish_all, ready, releases};
use crate::postgres::Postgres;
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::stack;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);
const GRAPHS: usize = 6;

fn keeper(service: &Service<'_>, graph: &str) -> Option<String> {
    service.graph("smo-two", graph)["status"]["keeper"].as_str().map(str::to_owned)
}

#[test]
fn a_graph_has_one_keeper_and_another_one_after_a_crash() {
    let Some(stack) = stack("two servers") else { return };
    let Some(postgres) = Postgres::start("two servers") else { return };
    publish_all(&stack);
    forget(&stack);
    let mut first = Service::new(&stack, free_port());
    let mut second = Service::beside(&stack, free_port());
    for server in [&mut first, &mut second] {
        server.configure(&["database"], json!(postgres.url()));
        server.start();
    }
    let names: Vec<String> = (0..GRAPHS).map(|index| format!("graph-{index}")).collect();
    // Both are asked, in turn; services are named by graph, since a release is unique in its namespace.
    for (index, name) in names.iter().enumerate() {
        let chart = app(String::leak(format!("two-{index}")), "100m", "64Mi");
        graphs::publish(chart);
        let server = if index % 2 == 0 { &first } else { &second };
        let options = json!({"services": {chart.name: {"capacity": "20 /s", "replicas_max": 5}}});
        load(&stack, ("smo-two", chart.name), 10.0);
        server.deploy("smo-two", &plain(&stack, name, &[chart]), &options);
    }
    let told: Vec<(Option<String>, Option<String>)> =
        names.iter().map(|name| (keeper(&first, name), keeper(&second, name))).collect();
    assert!(told.iter().all(|(one, other)| one.is_some() && one == other), "both say the same: {told:?}");
    let releases_before = releases(&stack, "smo-two");
    assert_eq!(releases_before.len(), GRAPHS);
    assert!(releases_before.iter().all(|(_, revision)| *revision == 1), "deployed once: {releases_before:?}");

    // Of whichever keeps the first graph. What is wanted while nobody keeps it is stored by the other.
    let kept_by = told[0].0.clone().unwrap();
    let is_first = first.said().contains(&kept_by) && !second.said().contains(&kept_by)
        || kept_by.contains(&first.pid().to_string());
    let (dead, alive) = if is_first { (&mut first, &second) } else { (&mut second, &first) };
    dead.kill();
    load(&stack, ("smo-two", "two-0"), 54.0);
    let took = until("the other one keeps it", SOON, || keeper(alive, &names[0]).is_some_and(|now| now != kept_by));
    eprintln!("two servers: taken over {:.1} s after the crash", took.as_secs_f64());
    let total = || ready(&stack, "member1", ("smo-two", "two-0")) + ready(&stack, "member2", ("smo-two", "two-0"));
    until("it scales", SOON, || total() == 4);
    let keepers: BTreeSet<Option<String>> = names.iter().map(|name| keeper(alive, name)).collect();
    until("one keeps all", SOON, || names.iter().all(|name| keeper(alive, name).is_some_and(|now| now != kept_by)));
    eprintln!("two servers: keepers right after: {keepers:?}");
    assert_eq!(releases(&stack, "smo-two"), releases_before, "nothing was deployed twice");
    dead.start();
    for name in &names {
        dead.delete(&format!("/v1/projects/smo-two/graphs/{name}?wait=60s"));
    }
    assert_eq!(releases(&stack, "smo-two"), []);
    assert_eq!(alive.get("/v1/graphs?project=smo-two").is(200).json()["items"], Value::Array(Vec::new()));
}

/// Both are told of the same alert at the same time, as two replicas of Alertmanager's route would: one release comes of it.
#[test]
fn an_alert_that_both_are_told_of_deploys_once() {
    let Some(stack) = stack("two alerts") else { return };
    let Some(postgres) = Postgres::start("two alerts") else { return };
    publish_all(&stack);
    forget(&stack);
    let mut first = Service::new(&stack, free_port());
    let mut second = Service::beside(&stack, free_port());
    for server in [&mut first, &mut second] {
        server.configure(&["database"], json!(postgres.url()));
        server.start();
    }
    graphs::gauge(&stack, ("up", &json!({"prometheus": "member2/kube-prometheus-operator"})), 1.0);
    let brussels = graphs::descriptor(&stack, "brussels");
    first.deploy("smo-both", &brussels, &json!({}));
    let alert = json!({"version": "4", "status": "firing", "alerts": [{"status": "firing", "startsAt": "2026-11-30T08:15:00Z",
        "labels": {"alertname": "main-event", "service": "image-compression-vo", "smo_project": "smo-both"}}]});
    std::thread::scope(|scope| {
        for url in [first.url("/alerts"), second.url("/alerts")] {
            for _ in 0..5 {
                let (url, alert) = (url.clone(), alert.to_string());
                scope.spawn(move || {
                    let kind = "content-type: application/json";
                    crate::charts::run("curl", &["--silent", "--fail", "--header", kind, "--data", &alert, &url])
                        .expect("it is taken");
                });
            }
        }
    });
    let vo = || second.service("smo-both", "image-detection-graph", "image-compression-vo");
    until("the virtual object runs", SOON, || vo()["phase"] == "running");
    crate::shop::wait(3);
    assert!(
        releases(&stack, "smo-both").contains(&("image-compression-vo".to_owned(), 1)),
        "{:?}",
        releases(&stack, "smo-both")
    );
}
