//! What descriptors and operators wish for, in real clusters: order, company, trust, moves with all that belongs to them.

use crate::graphs::{self, app, forget, load, plain, publish_all, ready, releases};
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);

fn started(stack: &Stack) -> Service<'_> {
    publish_all(stack);
    forget(stack);
    let mut service = Service::new(stack, free_port());
    service.start();
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    for (cluster, price) in [("member1", 0.0375), ("member2", 0.05)] {
        service.patch(&format!("/v1/clusters/{cluster}"), &json!({"price_per_core_hour": price})).is(200);
    }
    service
}

/// The steps that a job tells of, in order.
fn steps(service: &Service<'_>, project: &str, graph: &str) -> String {
    let jobs = service.get(&format!("/v1/jobs?project={project}&graph={graph}")).is(200).json();
    let steps = jobs["items"][0]["steps"].as_array().unwrap().iter();
    steps.map(|step| step["what"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join("\n")
}

/// One that depends on another is installed when that is ready, and not before.
#[test]
fn services_start_in_the_order_of_their_dependencies() {
    let Some(stack) = stack("order") else { return };
    let service = started(&stack);
    let mut graph = plain(&stack, "order", &[app("web-server", "500m", "500Mi"), app("hello-world", "1", "1Gi")]);
    graph["hdaGraph"]["services"][0]["deployment"]["trigger"]["auto"]["dependencies"] = json!(["hello-world"]);
    service.deploy("smo-order", &graph, &json!({}));
    let said = steps(&service, "smo-order", "order");
    let installed: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("charts installed: ")).collect();
    let (first, last) = (installed.first().copied(), installed.last().copied());
    assert_eq!((first, last), (Some("hello-world"), Some("hello-world, web-server")), "{said}");
    let first = stack.get("karmada", &["deployment", "hello-world", "--namespace", "smo-order"]).unwrap();
    let second = stack.get("karmada", &["deployment", "web-server", "--namespace", "smo-order"]).unwrap();
    let made = |object: &Value| object["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    assert!(made(&first) <= made(&second), "{first} {second}");
}

/// Security: with a trusted cluster, everything is there; without one, everything is in the same place.
#[test]
fn secure_graphs_stay_where_it_is_trusted() {
    let Some(stack) = stack("trust") else { return };
    let service = started(&stack);
    service.patch("/v1/clusters/member2", &json!({"trusted": true})).is(200);
    let mut graph = plain(&stack, "trust", &[app("web-server", "500m", "500Mi"), app("hello-world", "1", "1Gi")]);
    graph["hdaGraph"]["hdaGraphIntent"]["security"] = json!({"enabled": true});
    service.deploy("smo-trust", &graph, &json!({}));
    for name in ["web-server", "hello-world"] {
        assert_eq!(
            ready(&stack, "member2", ("smo-trust", name)),
            1,
            "{name} is in the trusted cluster, though the other is cheaper"
        );
        assert_eq!(ready(&stack, "member1", ("smo-trust", name)), 0, "{name}");
    }
}

/// A caller moves because its cluster becomes dear; what it calls does not, and still learns where its caller is now.
#[test]
fn imports_follow_a_caller_that_moves() {
    let Some(stack) = stack("imports") else { return };
    let service = started(&stack);
    let mut graph = plain(&stack, "imports", &[app("web-frontend", "1", "1Gi"), app("hello-world", "1", "1Gi")]);
    graph["hdaGraph"]["services"][0]["deployment"]["intent"]["connectionPoints"] = json!(["hello-world"]);
    service.deploy("smo-imports", &graph, &json!({"policy": "carbon-aware"}));
    let values = |name: &str| service.service("smo-imports", "imports", name)["values"].clone();
    let home = values("web-frontend")["clustersAffinity"][0].as_str().unwrap().to_owned();
    let away = if home == "member1" { "member2" } else { "member1" };
    // Its home becomes so dirty that every service leaves it.
    service.patch(&format!("/v1/clusters/{home}"), &json!({"carbon": 2000.0})).is(200);
    service.patch(&format!("/v1/clusters/{away}"), &json!({"carbon": 10.0})).is(200);
    service.post("/v1/projects/smo-imports/graphs/imports/re-place?wait=60s", &Value::Null).is(200);
    until("the caller is elsewhere", SOON, || ready(&stack, away, ("smo-imports", "web-frontend")) == 1);
    until("its own chart knows", SOON, || values("web-frontend")["clustersAffinity"] == json!([away]));
    until("its callee knows", SOON, || values("hello-world")["serviceImportClusters"] == json!([away]));
    until("and the objects of its chart", SOON, || {
        let policy = stack.get("karmada", &["propagationpolicy", "hello-world-import", "--namespace", "smo-imports"]);
        policy.is_some_and(|policy| policy["spec"]["placement"]["clusterAffinity"]["clusterNames"] == json!([away]))
    });
}

/// A placement that would change nothing leaves every release as it is.
#[test]
fn only_what_changed_is_upgraded() {
    let Some(stack) = stack("same") else { return };
    let service = started(&stack);
    let graph = plain(&stack, "same", &[app("web-server", "500m", "500Mi"), app("hello-world", "1", "1Gi")]);
    service.deploy("smo-same", &graph, &json!({}));
    let before = releases(&stack, "smo-same");
    for _ in 0..3 {
        service.post("/v1/projects/smo-same/graphs/same/re-place?wait=60s", &Value::Null).is(200);
    }
    assert_eq!(releases(&stack, "smo-same"), before);
    assert!(before.iter().all(|(_, revision)| *revision == 1), "{before:?}");
}

/// Prometheus falls silent while replicas are many: silence is not zero, so they stay.
#[test]
fn silence_of_prometheus_is_not_zero() {
    let Some(stack) = stack("silence") else { return };
    let service = started(&stack);
    let web = ("smo-silence", "web-server");
    load(&stack, web, 54.0);
    let options = json!({"services": {"web-server": {"capacity": "20 /s", "replicas_max": 5}}});
    service.deploy("smo-silence", &graphs::descriptor(&stack, "autoscaling"), &options);
    let total = || ready(&stack, "member1", web) + ready(&stack, "member2", web);
    // 54/s with a head-room of 30 % are 70.2/s: four of 20/s.
    until("it has scaled", SOON, || total() == 4);
    let frozen = stack.freeze("prometheus");
    // Longer than the window of the rate (5 s) and the hold-down (3 s) together.
    crate::shop::wait(10);
    assert_eq!(total(), 4);
    drop(frozen);
    load(&stack, web, 10.0);
    until("it scales again", SOON, || total() == 1);
}

/// A policy by CPU, on a service of which nobody knows what it can serve. What nobody measures is held, and not taken for zero.
#[test]
fn a_policy_by_cpu_scales_a_service_of_unknown_capacity() {
    let Some(stack) = stack("by-cpu") else { return };
    let mut service = Service::new(&stack, free_port());
    publish_all(&stack);
    forget(&stack);
    let query = |name: &str| format!(r#"sum by (cluster) ({name}{{namespace="$project",service="$service"}})"#);
    service.configure(&["prometheus", "cpu_used"], json!(query("cores_used")));
    service.configure(&["prometheus", "latency_p95"], json!(query("latency_p95_seconds")));
    service.start();
    let web = ("smo-by-cpu", "web-server");
    let total = || ready(&stack, "member1", web) + ready(&stack, "member2", web);
    let measure = |name: &str, value: f64| {
        let home = if ready(&stack, "member1", web) > 0 { "member1" } else { "member2" };
        graphs::gauge(&stack, (name, &json!({"namespace": web.0, "service": web.1, "cluster": home})), value);
    };
    let policy = "greedy+hpa:window=2s,initialization=1s,readiness=1s,sync=2s,sample=1s";
    let options = json!({"policy": policy, "services": {"web-server": {"replicas_max": 4}}});
    service.deploy("smo-by-cpu", &plain(&stack, "by-cpu", &[app("web-server", "500m", "500Mi")]), &options);
    crate::shop::wait(6);
    assert_eq!(total(), 1, "nobody has measured anything");
    let seen = |key: &str| service.service("smo-by-cpu", "by-cpu", "web-server")[key].as_f64();
    assert_eq!((seen("cpu_used"), seen("latency_p95")), (None, None), "which is neither 0 nor 30");
    // 0.8 of 0.5 cores that a replica asks for are 160 %, twice the 80 % that are aimed at.
    measure("latency_p95_seconds", 0.25);
    measure("cores_used", 0.8);
    until("there are two or more", SOON, || total() >= 2);
    until("latency and CPU are shown", SOON, || (seen("latency_p95"), seen("cpu_used")) == (Some(0.25), Some(0.8)));
    assert_eq!(service.service("smo-by-cpu", "by-cpu", "web-server")["capacity"]["origin"], "none");
}
