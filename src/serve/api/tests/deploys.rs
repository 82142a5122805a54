//! Graphs that are deployed, listed and shown.

use super::{Bench, descriptor, json_request, pulled, yaml_request};
use crate::serve::engine::{EngineError, Trouble};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

#[tokio::test]
async fn a_deploy_is_answered_at_once_by_its_job_and_shown_when_it_is_through() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.idles = true);
    let said = bench.post("/v1/projects/lab/graphs", &descriptor("a")).await;
    assert_eq!(said.status, 202, "{}", said.text());
    let job = said.json();
    assert_eq!((&job["kind"], &job["state"], &job["graph"]), (&json!("deploy"), &json!("queued"), &json!("a")));
    assert_eq!(said.header(header::LOCATION), format!("/v1/jobs/{}", job["id"].as_str().unwrap()));
    let graph = bench.get("/v1/projects/lab/graphs/a").await.json();
    assert_eq!((&graph["wanted"], &graph["status"]["phase"]), (&json!("running"), &json!("pending")));

    bench.double.say(|says| says.idles = false);
    crate::serve::api::Acts::wake(&*bench.double);
    let job = bench.get(&format!("{}?wait=10s", said.header(header::LOCATION))).await.json();
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(bench.get("/v1/graphs/a").await.json()["status"]["phase"], "running");
}

#[tokio::test]
async fn whoever_waits_is_answered_by_the_graph_or_by_why_it_failed() {
    let bench = Bench::open().await;
    let graph = bench.deployed("lab", "a").await;
    assert_eq!((&graph["name"], &graph["status"]["phase"]), (&json!("a"), &json!("running")));
    assert_eq!(graph["descriptor"], descriptor("a"));

    bench.double.say(|says| says.fails = Some("helm could not pull the chart".to_owned()));
    let said = bench.post("/v1/projects/lab/graphs?wait=10s", &descriptor("b")).await;
    said.is_problem(StatusCode::FAILED_DEPENDENCY, "helm could not pull the chart; the job is /v1/jobs/");
}

#[tokio::test]
async fn whoever_waits_too_short_is_answered_by_the_job() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.idles = true);
    let said = bench.post("/v1/projects/lab/graphs?wait=0s", &descriptor("a")).await;
    assert_eq!((said.status, &said.json()["state"]), (202, &json!("queued")));
    let said = bench.post("/v1/projects/lab/graphs?wait=soon", &descriptor("b")).await;
    said.is_problem(StatusCode::BAD_REQUEST, "`wait` is `soon`; write it like `30s`");
}

#[tokio::test]
async fn a_descriptor_comes_as_json_as_yaml_and_as_yaml_in_a_json_text() {
    let bench = Bench::open().await;
    let yaml = "options:\n  policy: naive+rate\nhdaGraph:\n  id: b\n  services:\n    - id: echo\n      artifact: {ociImage: x, valuesOverwrite: {}}\n";
    let said = bench.ask(yaml_request("POST", "/v1/projects/lab/graphs?wait=10s", yaml)).await;
    assert_eq!(said.status, 200, "{}", said.text());
    let graph = said.json();
    assert_eq!(graph["options"]["policy"], "naive+rate");
    assert!(graph["descriptor"].get("options").is_none(), "options are not part of the descriptor");

    let text = Value::String(yaml.replace("id: b", "id: c"));
    let said = bench.post("/v1/projects/lab/graphs?wait=10s", &text).await;
    assert_eq!((said.status, &said.json()["name"]), (200, &json!("c")));
}

#[tokio::test]
async fn an_artifact_is_pulled_and_what_it_was_pinned_to_is_kept() {
    let bench = Bench::open().await;
    let reference = "oci://registry.example.com/lab/a:1.0.0";
    bench.double.say(|says| says.pulled = Some(Ok(pulled(reference))));
    let said = bench.post("/v1/projects/lab/graphs?wait=10s", &json!({"artifact": reference})).await;
    assert_eq!(said.status, 200, "{}", said.text());
    assert_eq!(said.json()["source"], json!({"artifact": reference, "digest": "sha256:00"}));

    let refused = EngineError::new(Trouble::Refused, "`10.0.0.1` leads to 10.0.0.1, which is private");
    bench.double.say(|says| says.pulled = Some(Err(refused)));
    let said = bench.post("/v1/projects/lab/graphs", &json!({"artifact": "http://10.0.0.1/x"})).await;
    said.is_problem(StatusCode::BAD_REQUEST, "which is private");

    let silent = EngineError::new(Trouble::Unreachable, "the registry does not answer");
    bench.double.say(|says| says.pulled = Some(Err(silent)));
    let said = bench.post("/v1/projects/lab/graphs", &json!({"artifact": reference})).await;
    said.is_problem(StatusCode::FAILED_DEPENDENCY, "the registry does not answer");
}

#[tokio::test]
async fn a_body_that_says_nothing_too_much_or_something_strange_is_refused() {
    let bench = Bench::open().await;
    let path = "/v1/projects/lab/graphs";
    let wrong = [
        (json!({}), 400, "hdaGraph key not found in the provided descriptor"),
        (json!([1]), 400, "a map is wanted"),
        (json!({"hdaGraph": {}, "artifact": "x"}), 400, "say one of the two"),
        (json!({"hdagraph": {}}), 400, "there is no field `hdagraph`"),
        (json!({"artifact": 5}), 422, "`artifact` is no text"),
        (json!({"artifact": "  "}), 422, "between 1 and 1024"),
        (json!({"hdaGraph": {"id": "a"}}), 422, "a graph without services does nothing"),
        (json!({"hdaGraph": {"services": []}}), 422, "id"),
        (json!({"hdaGraph": descriptor("a/b")["hdaGraph"]}), 422, "cannot name a graph"),
        (json!({"hdaGraph": descriptor("a")["hdaGraph"], "options": {"polcy": "x"}}), 422, "unknown field `polcy`"),
        (
            json!({"hdaGraph": descriptor("a")["hdaGraph"], "options": {"policy": "gredy"}}),
            422,
            "did you mean `greedy`",
        ),
        (
            json!({"hdaGraph": descriptor("a")["hdaGraph"], "options": {"policy": "exec:sh"}}),
            422,
            "not started for callers",
        ),
    ];
    for (body, status, part) in wrong {
        let said = bench.post(path, &body).await;
        said.is_problem(StatusCode::from_u16(status).unwrap(), part);
    }
    assert_eq!(bench.get("/v1/graphs").await.json()["items"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn a_mistake_in_a_descriptor_has_its_line_and_column() {
    let bench = Bench::open().await;
    let yaml = "hdaGraph:\n  id: a\n  services:\n    - id: echo\n      deployment: {intent: {compute: {cpu: [1]}}}\n";
    let said = bench.ask(yaml_request("POST", "/v1/projects/lab/graphs", yaml)).await;
    assert_eq!(said.status, 422, "{}", said.text());
    let errors = said.json()["errors"].clone();
    assert_eq!((&errors[0]["line"], errors[0]["field"].as_str().is_some()), (&json!(5), true), "{errors}");

    let said = bench.ask(yaml_request("POST", "/v1/projects/lab/graphs", "hdaGraph: [\n")).await;
    said.is_problem(StatusCode::BAD_REQUEST, "the YAML is broken at line");
    let twice = descriptor("a").to_string().replace("helper", "echo");
    let said = bench.post("/v1/projects/lab/graphs", &serde_json::from_str(&twice).unwrap()).await;
    said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "a second service has the id `echo`");
}

#[tokio::test]
async fn what_the_engine_refuses_is_not_stored() {
    let bench = Bench::open().await;
    let bad =
        EngineError::new(Trouble::Invalid, "services.helper: `sum(` is no PromQL").with_remedy("close the bracket");
    bench.double.say(|says| says.checked = Some(Err(bad)));
    let said = bench.post("/v1/projects/lab/graphs", &descriptor("a")).await;
    said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "`sum(` is no PromQL; close the bracket");
    assert_eq!(bench.get("/v1/graphs").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_odd_about_a_descriptor_stands_in_its_job_and_in_its_plan() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.checked = Some(Ok(vec!["no cluster has an accelerator".to_owned()])));
    let body = json!({"hdaGraph": {"id": "a", "services": [{"id": "echo", "colour": "red"}]}});
    let said = bench.post("/v1/projects/lab/graphs", &body).await;
    let job = bench.get(&format!("{}?wait=10s", said.header(header::LOCATION))).await.json();
    let steps = job["steps"].to_string();
    assert!(steps.contains("noted: no cluster has an accelerator") && steps.contains("colour"), "{steps}");
    assert!(!steps.contains("no such field, it is left out; the fields here are hdaGraph"), "{steps}");

    let plan = bench.post("/v1/projects/lab/graphs?dry_run=true", &body).await.json();
    assert!(plan["notes"].to_string().contains("no cluster has an accelerator"), "{plan}");
}

#[tokio::test]
async fn a_dry_run_plans_and_stores_nothing() {
    let bench = Bench::open().await;
    let said = bench.post("/v1/projects/lab/graphs?dry_run=true", &descriptor("a")).await;
    assert_eq!(said.status, 200, "{}", said.text());
    assert_eq!(said.json()["targets"]["echo"], json!({"member1": 1}));
    assert_eq!(bench.get("/v1/graphs").await.json()["items"], json!([]));
    assert_eq!(bench.get("/v1/projects").await.json()["items"], json!([]));
    assert_eq!(bench.get("/v1/audit").await.json()["items"], json!([]), "nothing was changed");
}

#[tokio::test]
async fn a_name_is_taken_in_its_project_and_free_in_another() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let said = bench.post("/v1/projects/lab/graphs", &descriptor("a")).await;
    said.is_problem(StatusCode::CONFLICT, "the project `lab` has a graph `a` already");
    assert_eq!(said.json()["type"], "urn:smo:problem:graph-exists");
    bench.deployed("port", "a").await;
    let said = bench.get("/v1/graphs/a").await;
    said.is_problem(StatusCode::CONFLICT, "name one of `lab`, `port`");
    assert_eq!(bench.get("/v1/projects/port/graphs/a").await.status, 200);
}

#[tokio::test]
async fn a_project_has_the_name_of_a_namespace() {
    let bench = Bench::open().await;
    for project in ["Lab", "lab_1", "kube-system", "-lab"] {
        let said = bench.post(&format!("/v1/projects/{project}/graphs"), &descriptor("a")).await;
        said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "cannot be a project");
    }
}

#[tokio::test]
async fn graphs_are_listed_a_page_at_a_time_by_project_and_phase() {
    let bench = Bench::open().await;
    for name in ["a", "b", "c"] {
        bench.deployed("lab", name).await;
    }
    bench.deployed("port", "d").await;
    bench.post("/v1/projects/lab/graphs/b/stop?wait=10s", &Value::Null).await;

    let names = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|graph| graph["name"].as_str().unwrap().to_owned()).collect()
    };
    let page = bench.get("/v1/graphs?limit=3").await.json();
    assert_eq!(names(&page), ["a", "b", "c"]);
    let next = page["next"].as_str().unwrap().replace('/', "%2F");
    let page = bench.get(&format!("/v1/graphs?limit=3&cursor={next}")).await.json();
    assert_eq!((names(&page), &page["next"]), (vec!["d".to_owned()], &Value::Null));
    assert_eq!(names(&bench.get("/v1/graphs?project=port").await.json()), ["d"]);
    assert_eq!(names(&bench.get("/v1/projects/lab/graphs?phase=stopped").await.json()), ["b"]);
    assert_eq!(names(&bench.get("/v1/projects/nowhere/graphs").await.json()), Vec::<String>::new());
    bench.get("/v1/graphs?limit=0").await.is_problem(StatusCode::BAD_REQUEST, "from 1 to 1000");
    bench.get("/v1/graphs?phase=asleep").await.is_problem(StatusCode::BAD_REQUEST, "phase");
}

#[tokio::test]
async fn who_has_the_graph_already_is_told_so() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    for path in ["/v1/graphs/a", "/v1/projects/lab/graphs/a"] {
        let tag = bench.get(path).await.header(header::ETAG).to_owned();
        assert!(tag.starts_with("\"1-"), "{tag}");
        let again = |tag: &str| Request::get(path).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
        let said = bench.ask(again(&tag)).await;
        assert_eq!((said.status, said.body.len(), said.header(header::ETAG)), (304, 0, tag.as_str()));
        assert_eq!(bench.ask(again("\"1-0000000000000000\"")).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_known_of_a_graph_is_shown() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let base = "/v1/projects/lab/graphs/a";
    assert_eq!(bench.get(&format!("{base}/descriptor")).await.json(), descriptor("a"));
    let yaml = Request::get(format!("{base}/descriptor")).header(header::ACCEPT, "application/yaml");
    let said = bench.ask(yaml.body(Body::empty()).unwrap()).await;
    assert_eq!(said.header(header::CONTENT_TYPE), "application/yaml");
    assert!(said.text().starts_with("hdaGraph:\n"), "{}", said.text());
    let jobs = bench.get(&format!("{base}/jobs")).await.json();
    assert_eq!(jobs["items"][0]["kind"], "deploy");
    let events = bench.get(&format!("{base}/events?kind=job")).await.json();
    assert_eq!(events["items"][0]["kind"], "job.deploy");
    assert_eq!(bench.get(&format!("{base}/decisions?limit=5")).await.json()["items"], json!([]));
    assert_eq!(bench.get(&format!("{base}/plan")).await.json()["policy"], "naive+rate");
    for part in ["", "/descriptor", "/jobs", "/events", "/decisions", "/plan"] {
        bench.get(&format!("/v1/projects/lab/graphs/b{part}")).await.is_problem(StatusCode::NOT_FOUND, "no graph `b`");
    }
}

#[tokio::test]
async fn ten_megabytes_of_a_descriptor_are_refused_without_trouble() {
    let bench = Bench::open().await;
    // 10,000,000 bytes are below the limit of 10 MiB: they are read, and are too many values.
    let services: Vec<Value> = (0..300_000).map(|at| json!({"id": format!("service-{at:06}-xxxxxx")})).collect();
    let body = json!({"hdaGraph": {"id": "a", "services": services}});
    let length = body.to_string().len();
    assert!((9_000_000..10 << 20).contains(&length), "{length}");
    let said = bench.ask(json_request("POST", "/v1/projects/lab/graphs", &body)).await;
    said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "too large");
    let body = json!({"hdaGraph": {"id": "a".repeat(11 << 20)}});
    let said = bench.ask(json_request("POST", "/v1/projects/lab/graphs", &body)).await;
    assert_eq!(said.status, 413, "{}", said.text());
}
