//! The interface as its clients use it: the original's routes, step by step, and the life of a graph by our own.
//!
//! What was answered is held against Helm and the clusters.

use crate::graphs::{self, app, descriptor, forget, plain, publish_all, push_artifact, ready, releases};
use crate::service::{ALERTS_PORT, Answer, Service, free_port};
use crate::shop::{until, wait};
use crate::stack::stack;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);

/// What a client of the original sends.
enum Body {
    Nothing,
    Json(Value),
    /// A text of another kind.
    Text(&'static str, String),
}

/// What has to come back.
enum Says {
    Text(&'static str),
    Part(&'static str),
    /// A value at a place of the JSON.
    At(&'static str, Value),
    Length(usize),
    Anything,
}

impl Says {
    fn holds(&self, answer: &Answer) -> bool {
        match self {
            Self::Text(text) => answer.text == *text,
            Self::Part(part) => answer.text.contains(part),
            Self::At(place, value) => answer.json().pointer(place) == Some(value),
            Self::Length(length) => answer.json().as_array().map(Vec::len) == Some(*length),
            Self::Anything => true,
        }
    }
}

type Step = (&'static str, String, Body, u16, Says);

fn get(path: &str, status: u16, says: Says) -> Step {
    ("GET", path.to_owned(), Body::Nothing, status, says)
}

fn post(path: &str, body: Body, status: u16, says: Says) -> Step {
    ("POST", path.to_owned(), body, status, says)
}

fn delete(path: &str, status: u16, says: Says) -> Step {
    ("DELETE", path.to_owned(), Body::Nothing, status, says)
}

/// Takes the steps in order; all that differ are told.
#[track_caller]
fn walk(service: &Service<'_>, steps: Vec<Step>) {
    let mut wrong = Vec::new();
    for (method, path, body, status, says) in steps {
        let answer = match body {
            Body::Nothing => service.send(method, &path, &Value::Null, &[]),
            Body::Json(body) => service.send(method, &path, &body, &[]),
            Body::Text(kind, text) => service.send_text(method, &path, kind, text),
        };
        if answer.status != status || !says.holds(&answer) {
            wrong.push(format!("{method} {path}: {} instead of {status}: {}", answer.status, answer.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The reference interface (the original's own): deploy by body and by artifact, list, get, placement, stop, start, alerts, delete.
#[test]
fn upstream_clients_are_served() {
    let Some(stack) = stack("api") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, ALERTS_PORT);
    service.start();
    let text = graphs::text(&stack, "hello");
    let other =
        text.replace("hello-graph", "other-graph").replace("useStaticPlacement: true", "useStaticPlacement: false");
    let artifact = push_artifact(&stack, "other-graph", &[("other-graph/hdag.yml", &other)]);
    let graphs = "/project/smo-up/graphs";
    let alert = json!({"status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "x", "service": "nobody"}}]});
    walk(
        &service,
        vec![
            get("/clusters/", 200, Says::Length(2)),
            get(graphs, 200, Says::Text("[]")),
            post(graphs, Body::Json(json!(text)), 200, Says::Text("Graph deployment successful\n")),
            post(graphs, Body::Json(json!(text)), 400, Says::Part("hello-graph already exists")),
            post(graphs, Body::Text("text/plain", text), 415, Says::Anything),
            post(graphs, Body::Json(json!({"nothing": 1})), 400, Says::Part("hdaGraph")),
            get("/graphs/hello-graph", 200, Says::At("/status", json!("Running"))),
            get("/graphs/hello-graph", 200, Says::At("/services/0/status", json!("Deployed"))),
            get("/graphs/hello-graph", 200, Says::At("/hdaGraph/id", json!("hello-graph"))),
            get("/graphs/nobody", 404, Says::Part("Graph with name nobody not found")),
            get("/graphs/hello-graph/start", 400, Says::Part("already running")),
            get("/graphs/hello-graph/stop", 200, Says::Text("Graph stopped\n")),
            get("/graphs/hello-graph/stop", 400, Says::Part("already stopped")),
            get("/graphs/hello-graph", 200, Says::At("/services/0/status", json!("Not deployed"))),
        ],
    );
    assert_eq!(releases(&stack, "smo-up"), []);
    walk(
        &service,
        vec![
            get("/graphs/hello-graph/start", 200, Says::Part("Graph started")),
            get("/graphs/hello-graph", 200, Says::At("/services/0/status", json!("Deployed"))),
            post(
                "/project/smo-up2/graphs",
                Body::Json(json!({"artifact": format!("http://{artifact}")})),
                200,
                Says::Text("Graph deployment successful\n"),
            ),
            get("/project/smo-up2/graphs", 200, Says::At("/0/services/0/cluster_affinity", json!("member1"))),
            get("/graphs/other-graph/placement", 200, Says::Text("Placement of graph other-graph triggered\n")),
            post("/alerts", Body::Json(alert.clone()), 200, Says::At("/message", json!("Alert received"))),
            post("/alerts", Body::Json(alert.clone()), 200, Says::At("/data", alert)),
        ],
    );
    assert_eq!(releases(&stack, "smo-up"), [("hello-world".to_owned(), 1)], "started again after a stop");
    assert_eq!(releases(&stack, "smo-up2"), [("hello-world".to_owned(), 1)], "nothing had to be placed anew");
    walk(
        &service,
        vec![
            delete("/graphs/hello-graph", 200, Says::Text("Removal successful\n")),
            delete("/graphs/hello-graph", 404, Says::Part("not found")),
            get("/graphs/other-graph/stop", 200, Says::Text("Graph stopped\n")),
            delete("/graphs/other-graph", 200, Says::Text("Removal successful\n")),
            get(graphs, 200, Says::Text("[]")),
        ],
    );
    // What was stopped has nothing left to take down.
    let jobs = service.get("/v1/jobs?project=smo-up2&graph=other-graph").is(200).json();
    assert_eq!((&jobs["items"][0]["kind"], &jobs["items"][0]["steps"]), (&json!("remove"), &json!([])), "{jobs}");
    assert_eq!((releases(&stack, "smo-up"), releases(&stack, "smo-up2")), (vec![], vec![]));
}

/// The other two interfaces that went by the name: the monorepo's, with POST for actions, and the early fork's under `/graph`.
#[test]
fn clients_of_the_monorepo_and_of_the_early_fork_are_served() {
    let Some(stack) = stack("api2") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    service.start();
    let hello = descriptor(&stack, "hello");
    let graphs = "/project/smo-mono/graphs";
    let text = graphs::text(&stack, "hello").replace("hello-graph", "fork-graph");
    let accepted = |answer: &Answer| [200, 202].contains(&answer.status);
    let deployed = service.post(graphs, &hello);
    assert!(accepted(&deployed), "{deployed:?}");
    service.reaches("smo-mono", "hello-graph", "running", SOON);
    walk(
        &service,
        vec![
            get("/clusters", 200, Says::Length(2)),
            get(graphs, 200, Says::At("/0/name", json!("hello-graph"))),
            post("/graphs/hello-graph/placement", Body::Nothing, 200, Says::Anything),
            post("/graphs/hello-graph/stop", Body::Nothing, 200, Says::Anything),
            post("/graphs/hello-graph/start", Body::Nothing, 200, Says::Anything),
            get(&format!("{graphs}?bogus=1"), 400, Says::Part("bogus")),
            get("/graph/project/smo-fork", 200, Says::Text("[]")),
            post("/graph/project/smo-fork", Body::Json(json!(text)), 200, Says::Anything),
            get("/graph/fork-graph", 200, Says::At("/name", json!("fork-graph"))),
            get("/graph/fork-graph/stop", 200, Says::Anything),
            get("/graph/fork-graph/start", 200, Says::Anything),
            delete("/graph/fork-graph", 200, Says::Anything),
            get("/graph/fork-graph", 404, Says::Anything),
            delete("/graphs/hello-graph", 200, Says::Anything),
        ],
    );
    let yaml = graphs::text(&stack, "hello");
    let answer = service.send_text("POST", graphs, "application/x-yaml", yaml);
    assert!(accepted(&answer), "{answer:?}");
    service.reaches("smo-mono", "hello-graph", "running", SOON);
    assert_eq!(releases(&stack, "smo-mono"), [("hello-world".to_owned(), 1)]);
    assert_eq!(releases(&stack, "smo-fork"), []);
}

/// Deploys are jobs: accepted at once, told step by step, the same for the same key; what stands can be changed, taken back, stopped.
#[test]
fn a_graph_lives_through_jobs() {
    let Some(stack) = stack("api3") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    service.start();
    let wish = plain(&stack, "life", &[app("hello-world", "1", "1Gi"), app("web-server", "500m", "500Mi")]);
    let graphs = "/v1/projects/smo-life/graphs";
    let key = [("idempotency-key", "deploy-life-1")];
    let first = service.send("POST", graphs, &wish, &key).is(202);
    let (job, place) = (first.json(), first.header("location").to_owned());
    assert_eq!((&job["kind"], &place), (&json!("deploy"), &format!("/v1/jobs/{}", job["id"].as_str().unwrap())));
    let again = service.send("POST", graphs, &wish, &key).is(202).json();
    assert_eq!(again["id"], job["id"], "the same key is the same request");
    let ended = service.get(&format!("{place}?wait=60s")).is(200).json();
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("succeeded"), &Value::Null), "{ended}");
    assert!(ended["steps"].as_array().is_some_and(|steps| steps.len() >= 2), "{ended}");
    let decisions = service.get(&format!("{graphs}/life/decisions")).is(200).json();
    let is_explained = |one: &Value| one["explanation"].as_object().is_some_and(|why| !why.is_empty());
    assert!(decisions["items"].as_array().is_some_and(|all| all.iter().any(is_explained)), "{decisions}");
    service.post(graphs, &wish).is_problem(409, "life");

    let graph = service.get("/v1/graphs/life").is(200);
    let tag = graph.header("etag").to_owned();
    assert_eq!((&graph.json()["generation"], &graph.json()["wanted"]), (&json!(1), &json!("running")));
    changes(&service, &wish, &tag);
    assert_eq!(
        releases(&stack, "smo-life").iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["critical-service", "hello-world"]
    );

    service.post(&format!("{graphs}/life/stop?wait=60s"), &Value::Null).is(200);
    assert_eq!((service.phase("smo-life", "life").as_str(), releases(&stack, "smo-life").len()), ("stopped", 0));
    service.post(&format!("{graphs}/life/start?wait=60s"), &Value::Null).is(200);
    assert_eq!((service.phase("smo-life", "life").as_str(), releases(&stack, "smo-life").len()), ("running", 2));
    service.post(&format!("{graphs}/life/re-place?wait=60s"), &Value::Null).is(200);
    service.delete(&format!("{graphs}/life?wait=60s"));
    service.get(&format!("{graphs}/life")).is_problem(404, "life");
    assert_eq!(releases(&stack, "smo-life"), []);
    let kinds: Vec<String> = service.events(0).iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect();
    for kind in ["graph.deployed", "graph.stopped", "graph.removed"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}: {kinds:?}");
    }
}

/// Another descriptor: told before as a difference, refused on an old view, carried out without touching what is the same.
fn changes(service: &Service<'_>, wish: &Value, tag: &str) {
    let stack = service.stack;
    let graph = "/v1/projects/smo-life/graphs/life";
    let next = plain(stack, "life", &[app("hello-world", "1", "1Gi"), app("critical-service", "1", "1Gi")]);
    let diff = service.post(&format!("{graph}/diff"), &next).is(200).json();
    assert_eq!((&diff["added"], &diff["removed"]), (&json!(["critical-service"]), &json!(["web-server"])), "{diff}");
    let plan = service.send("PUT", &format!("{graph}?dry_run=true"), &next, &[]).is(200).json();
    assert!(plan["targets"]["critical-service"].is_object(), "{plan}");
    assert_eq!(service.graph("smo-life", "life")["generation"], 1, "a dry run changes nothing");
    service.send("PUT", graph, &next, &[("if-match", "\"of another time\"")]).is(412);
    service.send("PUT", &format!("{graph}?wait=60s"), &next, &[("if-match", tag)]).is(200);
    let now = service.graph("smo-life", "life");
    assert_eq!((&now["generation"], &now["status"]["phase"]), (&json!(2), &json!("running")), "{now}");
    assert!(releases(stack, "smo-life").contains(&("hello-world".to_owned(), 1)), "what is the same is not touched");
    assert_ne!(now["descriptor"], *wish);
}

/// A chart that is not there: what was deployed before it goes again, the job says why, and the name can be used at once.
#[test]
fn a_deploy_that_fails_leaves_nothing() {
    let Some(stack) = stack("api4") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    service.start();
    let wish = plain(&stack, "half", &[app("hello-world", "1", "1Gi"), app("no-such-chart", "1", "1Gi")]);
    let graphs = "/v1/projects/smo-half/graphs";
    let answer = service.post(&format!("{graphs}?wait=90s"), &wish);
    assert!(answer.status >= 400 && answer.text.contains("no-such-chart"), "{answer:?}");
    assert_eq!(releases(&stack, "smo-half"), [], "no orphan release");
    assert!(stack.get("karmada", &["deployment", "hello-world", "--namespace", "smo-half"]).is_none());
    assert_ne!(service.phase("smo-half", "half"), "running", "no zombie graph");
    let jobs = service.get("/v1/jobs?project=smo-half&graph=half").is(200).json();
    assert_eq!(jobs["items"][0]["state"], "failed", "{jobs}");
    // Whatever is left of it, the name can be had.
    service.delete(&format!("{graphs}/half?wait=60s"));
    service.deploy("smo-half", &plain(&stack, "half", &[app("hello-world", "1", "1Gi")]), &json!({}));
    assert_eq!(releases(&stack, "smo-half"), [("hello-world".to_owned(), 1)]);
    // An update that fails goes back to what worked.
    let answer = service.put(&format!("{graphs}/half?wait=90s"), &wish);
    assert!(answer.status >= 400, "{answer:?}");
    service.reaches("smo-half", "half", "running", SOON);
    let names: Vec<String> = releases(&stack, "smo-half").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["hello-world"]);
}

/// The kill switch of a graph, who may do what, and that what is told is told to whoever listens.
#[test]
fn a_paused_graph_is_left_alone() {
    let Some(stack) = stack("api5") else { return };
    publish_all(&stack);
    forget(&stack);
    let mut service = Service::new(&stack, free_port());
    service.start();
    let web = ("smo-pause", "web-server");
    graphs::load(&stack, web, 10.0);
    let options = json!({"services": {"web-server": {"capacity": "20 /s", "replicas_max": 5}}});
    service.deploy("smo-pause", &descriptor(&stack, "autoscaling"), &options);
    let graph = "/v1/projects/smo-pause/graphs/autoscaling-graph";
    service.put(&format!("{graph}/pause"), &json!({"reason": "incident 4711"})).is(200);
    graphs::load(&stack, web, 54.0);
    // 70.2/s with head-room: four replicas are decided on, and none is started.
    until("it is decided", SOON, || {
        let decisions = service.get(&format!("{graph}/decisions")).is(200).json();
        let total = |targets: &Value| targets.as_object().map(|by| by.values().filter_map(Value::as_u64).sum::<u64>());
        decisions["items"].as_array().into_iter().flatten().any(|one| total(&one["targets"]["web-server"]) == Some(4))
    });
    wait(5);
    let total = || ready(&stack, "member1", web) + ready(&stack, "member2", web);
    assert_eq!(total(), 1);
    assert_eq!(service.graph("smo-pause", "autoscaling-graph")["paused"], "incident 4711");
    service.delete(&format!("{graph}/pause")).is(200);
    until("it goes on", SOON, || total() == 4);
}
