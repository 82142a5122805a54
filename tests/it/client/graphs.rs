//! `smo graph`: what is sent, what is waited for, what is said when it does not work.

use super::stub::{Answer, Stub};
use super::{graph, job, problem, smo};
use serde_json::{Value, json};

const SHOP: &str = "\
hdaGraph:
  imVersion: 0.4.0
  id: shop
  version: 1.0.0
  designer: somebody
  description: a shop
  services:
    - id: front
      deployment: {intent: {compute: {cpu: light, ram: light}}}
      artifact: {ociImage: \"oci://registry/front\", ociConfig: {implementer: HELM, type: App}, valuesOverwrite: {}}
";

fn with_shop() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("shop.yaml"), SHOP).unwrap();
    home
}

#[test]
fn a_file_is_sent_as_it_stands_and_the_job_is_followed_to_its_end() {
    let home = with_shop();
    let stub = Stub::script(vec![
        Answer::json(202, &job("queued", &[], None)),
        Answer::json(200, &job("running", &["placed: front on edge-1"], None)),
        Answer::json(200, &job("succeeded", &["placed: front on edge-1", "front is ready"], None)),
    ]);
    let said = smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--project", "demo", "--wait"]).well();
    let wanted = "\
08:15:00  placed: front on edge-1
08:15:00  front is ready
deploy of shop in project default succeeded in 3.0 s
";
    assert_eq!((said.out.as_str(), said.err.as_str()), (wanted, ""));
    let seen = stub.seen();
    assert_eq!(stub.lines(), ["POST /v1/projects/demo/graphs", "GET /v1/jobs/j1", "GET /v1/jobs/j1"]);
    assert_eq!((seen[0].body.as_str(), seen[0].header("content-type")), (SHOP, Some("application/yaml")));
    assert_eq!(seen[0].header("authorization"), None);
}

#[test]
fn a_job_that_fails_is_a_failure_with_its_reason() {
    let home = with_shop();
    let failed = job("failed", &["chart pulled"], Some("front: no cluster has a GPU"));
    let stub = Stub::script(vec![Answer::json(202, &job("queued", &[], None)), Answer::json(200, &failed)]);
    let said = smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--wait=1min"]);
    let said = said.refused(1, "error: deploy of shop in project default failed: front: no cluster has a GPU");
    assert_eq!(said.out, "08:15:00  chart pulled\n");
}

#[test]
fn what_is_not_done_in_time_goes_on_and_says_how_it_is_followed() {
    let home = with_shop();
    let stub = Stub::script(vec![Answer::json(202, &job("queued", &[], None))]);
    let said = smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--wait=0s"]);
    said.refused(1, "is not done after 0 ns; it goes on\n  `smo job watch j1` follows it");
    let said = smo(&stub, home.path(), &["graph", "deploy", "shop.yaml"]).well();
    assert_eq!(said.out, "deploy of shop in project default: job j1\n`smo job watch j1` follows it\n");
}

#[test]
fn an_artifact_is_named_and_options_stand_beside_it() {
    let home = with_shop();
    std::fs::write(home.path().join("options.yaml"), "policy: anytime+rate\n").unwrap();
    let stub = Stub::script(vec![Answer::json(202, &job("queued", &[], None))]);
    let sent = |what: &str| {
        smo(&stub, home.path(), &["graph", "deploy", what, "--options", "options.yaml", "--format", "json"]).well();
        serde_json::from_str::<Value>(&stub.seen().last().unwrap().body).unwrap()
    };
    let options = json!({"policy": "anytime+rate", "stop_when_resolved": false});
    assert_eq!(
        sent("oci://registry/demo/shop:1"),
        json!({"artifact": "oci://registry/demo/shop:1", "options": options})
    );
    let body = sent("shop.yaml");
    assert_eq!((&body["options"], &body["hdaGraph"]["services"][0]["id"]), (&options, &json!("front")));
}

#[test]
fn mistakes_are_told_with_their_line_and_nothing_is_sent() {
    let home = with_shop();
    std::fs::write(home.path().join("wrong.yaml"), SHOP.replace("cpu: light", "cpu: enormous")).unwrap();
    let stub = Stub::script(vec![Answer::json(500, &json!({}))]);
    smo(&stub, home.path(), &["graph", "deploy", "wrong.yaml"]).refused(2, "wrong.yaml: line 9");
    smo(&stub, home.path(), &["graph", "deploy", "nowhere.yaml"]).refused(2, "there is no file `nowhere.yaml`");
    smo(&stub, home.path(), &["graph", "deploy", "oci://r/shop:1", "--update"]).refused(2, "--update=NAME");
    smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--update=other"])
        .refused(2, "that of `shop`, not of `other`");
    smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--update"]).refused(2, "say `--yes`");
    assert_eq!(stub.lines(), Vec::<String>::new());
}

#[test]
fn an_update_is_put_where_the_graph_is() {
    let home = with_shop();
    let stub = Stub::script(vec![Answer::json(202, &job("queued", &[], None))]);
    smo(&stub, home.path(), &["graph", "deploy", "shop.yaml", "--update", "--yes", "-p", "demo"]).well();
    assert_eq!(stub.lines(), ["PUT /v1/projects/demo/graphs/shop"]);
}

#[test]
fn a_dry_run_stores_nothing_and_one_that_refuses_something_ends_by_three() {
    let home = with_shop();
    let plan = |refusals: Value| json!({"policy": "anytime", "targets": {"front": {"edge-1": 1}}, "refusals": refusals, "notes": [], "explanation": {}, "took_ms": 0.5});
    let stub =
        Stub::script(vec![Answer::json(200, &plan(json!([]))), Answer::json(200, &plan(json!(["gpu: no place"])))]);
    let asked = ["graph", "deploy", "shop.yaml", "--dry-run"];
    let said = smo(&stub, home.path(), &asked).well();
    assert!(
        said.out.contains("front           1  edge-1 (1)") && said.out.ends_with("nothing was stored\n"),
        "{}",
        said.out
    );
    let said = smo(&stub, home.path(), &asked);
    assert!(said.code == 3 && said.out.contains("refused   gpu: no place") && said.err.is_empty(), "{said:?}");
    assert_eq!(stub.lines()[0], "POST /v1/projects/default/graphs?dry_run=true");
}

#[test]
fn problems_are_told_in_the_servers_words_with_the_way_out() {
    let home = with_shop();
    let exists = problem(409, "Conflict", "the project `default` has a graph `shop` already");
    let stub = Stub::script(vec![Answer::json(409, &exists)]);
    let said = smo(&stub, home.path(), &["graph", "deploy", "shop.yaml"]);
    said.refused(
        2,
        "error: Conflict: the project `default` has a graph `shop` already\n  `--update` changes the graph",
    );
    let stub = Stub::script(vec![Answer::json(404, &problem(404, "Not Found", "there is no graph `shop`"))]);
    smo(&stub, home.path(), &["graph", "show", "shop"]).refused(2, "looked for in project `default`");
    let away = problem(503, "Service Unavailable", "the store does not answer; try again");
    let stub = Stub::script(vec![Answer::json(503, &away).with("retry-after", "5")]);
    smo(&stub, home.path(), &["graph", "list"]).refused(1, "may be tried again in 5 s");
}

#[test]
fn a_server_that_is_not_there_is_said_with_its_address() {
    let home = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = super::smo_with(home.path(), &["graph", "list", "--server", &url], "");
    let said = said.refused(1, &format!("error: {url}: no answer"));
    assert!(said.err.contains("refused") && said.err.contains("`smo serve` starts one"), "{}", said.err);
    super::smo_with(home.path(), &["graph", "list", "--server", "nonsense"], "").refused(2, "no address of a server");
}

#[test]
fn what_takes_something_away_is_asked_about_first() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(202, &job("queued", &[], None))]);
    for word in ["stop", "remove"] {
        let said = smo(&stub, home.path(), &["graph", word, "shop"]);
        said.refused(
            2,
            &format!("no terminal to ask on whether to {word} graph shop of project default\n  say `--yes`"),
        );
    }
    assert_eq!(stub.lines(), Vec::<String>::new());
    for arguments in
        [&["stop", "shop", "--yes"] as &[&str], &["remove", "a/b", "-y"], &["start", "shop"], &["re-place", "shop"]]
    {
        let arguments: Vec<&str> = std::iter::once("graph").chain(arguments.iter().copied()).collect();
        smo(&stub, home.path(), &arguments).well();
    }
    let wanted = [
        "POST /v1/projects/default/graphs/shop/stop",
        "DELETE /v1/projects/default/graphs/a%2Fb",
        "POST /v1/projects/default/graphs/shop/start",
        "POST /v1/projects/default/graphs/shop/re-place",
    ];
    assert_eq!(stub.lines(), wanted);
}

#[test]
fn a_graph_is_held_with_a_reason_and_let_go() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &graph("shop", "running", 2))]);
    let said = smo(&stub, home.path(), &["graph", "pause", "shop", "--reason", "incident 4711"]).well();
    assert_eq!(said.out, "paused  shop in project demo\n");
    assert_eq!(
        smo(&stub, home.path(), &["graph", "pause", "shop", "--off"]).well().out,
        "goes on  shop in project demo\n"
    );
    let path = "/v1/projects/default/graphs/shop/pause";
    assert_eq!(stub.lines(), [format!("PUT {path}"), format!("DELETE {path}")]);
    assert_eq!(serde_json::from_str::<Value>(&stub.seen()[0].body).unwrap(), json!({"reason": "incident 4711"}));
}

#[test]
fn lists_are_read_page_by_page() {
    let home = tempfile::tempdir().unwrap();
    let page =
        |name: &str, next: Value| Answer::json(200, &json!({"items": [graph(name, "running", 2)], "next": next}));
    let stub = Stub::script(vec![page("a", json!("demo/a")), page("b", Value::Null)]);
    let said = smo(&stub, home.path(), &["graph", "list", "-p", "demo", "--phase", "running"]).well();
    let names: Vec<&str> = said.out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["a", "b"]);
    let first = "GET /v1/graphs?project=demo&phase=running&limit=500";
    assert_eq!(stub.lines(), [first.to_owned(), format!("{first}&cursor=demo%2Fa")]);
    let stub = Stub::script(vec![Answer::json(200, &json!({"items": [], "next": null}))]);
    let said = smo(&stub, home.path(), &["graph", "list", "--format", "json"]).well();
    assert_eq!((said.out.as_str(), stub.lines()[0].as_str()), ("[]\n", "GET /v1/graphs?limit=500"));
}

#[test]
fn a_descriptor_comes_back_as_yaml() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &graph("shop", "running", 2))]);
    let said = smo(&stub, home.path(), &["graph", "show", "shop", "--descriptor"]).well();
    assert_eq!(said.out, "hdaGraph:\n  id: shop\n");
    let said = smo(&stub, home.path(), &["graph", "show", "shop", "--format", "yaml"]).well();
    assert!(said.out.contains("phase: running"), "{}", said.out);
}

/// Method: deploying, the same by its tag, running; then the same watch for one that goes.
#[test]
fn a_graph_is_watched_until_it_is_as_was_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![
        Answer::json(200, &graph("shop", "deploying", 0)).with("etag", "\"1-a\""),
        Answer::json(304, &Value::Null),
        Answer::json(200, &graph("shop", "running", 2)).with("etag", "\"1-b\""),
    ]);
    let said = smo(&stub, home.path(), &["graph", "watch", "shop", "--until", "running", "--timeout", "5min"]).well();
    let wanted = "\
08:16:00  shop in project demo  deploying
08:16:00  front  deploying  0/2  edge-1 0/2
08:16:00  shop in project demo  running
08:16:00  front  running  2/2  edge-1 2/2
";
    assert_eq!(said.out, wanted);
    let tags: Vec<Option<String>> =
        stub.seen().iter().map(|request| request.header("if-none-match").map(str::to_owned)).collect();
    assert_eq!(tags, [None, Some("\"1-a\"".to_owned()), Some("\"1-a\"".to_owned())]);
    let gone = Answer::json(404, &problem(404, "Not Found", "gone"));
    let stub = Stub::script(vec![Answer::json(200, &graph("shop", "removing", 0)), gone.clone()]);
    let said = smo(&stub, home.path(), &["graph", "watch", "shop", "--until", "gone"]).well();
    assert!(said.out.ends_with("gone\n"), "{}", said.out);
    let stub = Stub::script(vec![gone]);
    smo(&stub, home.path(), &["graph", "watch", "shop"]).refused(2, "Not Found: gone");
}

#[test]
fn what_failed_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &graph("shop", "failed", 0))]);
    smo(&stub, home.path(), &["graph", "watch", "shop", "--until", "running"])
        .refused(1, "shop in project demo failed");
    smo(&stub, home.path(), &["graph", "watch", "shop", "--until", "stopped", "--timeout", "0s"]).refused(1, "failed");
    let stub = Stub::script(vec![Answer::json(200, &graph("shop", "deploying", 0))]);
    let said = smo(&stub, home.path(), &["graph", "watch", "shop", "--until", "running", "--timeout", "0s"]);
    said.refused(1, "it is not running after 0 ns");
}

#[test]
fn what_would_become_of_a_graph_is_told_and_not_done() {
    let home = tempfile::tempdir().unwrap();
    let plan = json!({"policy": "none", "targets": {"front": {}}, "refusals": [], "values": {}, "explanation": null,
        "notes": ["front would be uninstalled: edge-1 2"], "took_ms": 0.0});
    let stub = Stub::script((0..4).map(|_| Answer::json(200, &plan)).collect());
    let wanted = "\
0 replicas of 1 service by none

service  replicas  clusters
front           0  nowhere

note      front would be uninstalled: edge-1 2
decided in 0.0 ms; `--format json` has the explanation
dry run: nothing was stored
";
    for word in ["stop", "remove", "start", "re-place"] {
        // Nothing is asked first: there is nothing to agree to.
        let said = smo(&stub, home.path(), &["graph", word, "shop", "--project", "demo", "--dry-run"]).well();
        assert_eq!(said.out, wanted, "{word}");
    }
    assert_eq!(
        stub.lines(),
        [
            "POST /v1/projects/demo/graphs/shop/stop?dry_run=true",
            "DELETE /v1/projects/demo/graphs/shop?dry_run=true",
            "POST /v1/projects/demo/graphs/shop/start?dry_run=true",
            "POST /v1/projects/demo/graphs/shop/re-place?dry_run=true",
        ]
    );
}
