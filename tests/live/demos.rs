//! The demonstrations of the original on the real stack: the same descriptors as `scenarios/demos`, the same stories.
//!
//! What they tell is read from the clusters by kubectl and from Helm, not only from the service.

use crate::graphs::{self, descriptor, forget, gauge, load, publish_all, push_artifact, ready, releases};
use crate::recovery::recover;
use crate::service::{ALERTS_PORT, Service, free_port};
use crate::shop::{empty, until, wait};
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use smo::serve::at::At;
use smo::serve::store::Store;
use smo::serve::store::rows::{Amount, ClusterAttributes, ClusterRow};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(40);

/// A started service, the charts in the registry, and prices: a core is cheaper in member1.
fn service(stack: &Stack) -> Service<'_> {
    publish_all(stack);
    forget(stack);
    let mut service = Service::new(stack, ALERTS_PORT);
    service.start();
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    for (cluster, price) in [("member1", 0.0375), ("member2", 0.05)] {
        service.patch(&format!("/v1/clusters/{cluster}"), &json!({"price_per_core_hour": price})).is(200);
    }
    service
}

/// 1: an artifact, by the original's routes. Its chart says where it runs.
#[test]
fn demo_1_hello_from_an_artifact() {
    let Some(stack) = stack("demo 1") else { return };
    let service = service(&stack);
    let text = graphs::text(&stack, "hello");
    let artifact = push_artifact(&stack, "hello-world-graph", &[("hello-world-graph/hello.yaml", &text)]);
    service.delete("/graphs/hello-graph").is(404);
    let said = service.post("/project/smo-demo0/graphs", &json!({"artifact": format!("http://{artifact}")})).is(200);
    assert_eq!(said.text, "Graph deployment successful\n");
    let graphs = service.get("/project/smo-demo0/graphs").is(200).json();
    assert_eq!(graphs.as_array().map(Vec::len), Some(1), "{graphs}");
    let graph = &graphs[0];
    assert_eq!(
        (&graph["name"], &graph["status"], &graph["project"]),
        (&json!("hello-graph"), &json!("Running"), &json!("smo-demo0"))
    );
    let hello = &graph["services"][0];
    let wanted = json!({"name": "hello-world", "status": "Deployed", "cluster_affinity": null, "cpu": "1", "memory": "1GiB",
        "storage": "10GB", "gpu": "0", "values_overwrite": {}});
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&hello[key], value, "{key}: {hello}");
    }
    let clusters = service.get("/clusters/").is(200).json();
    let names: Vec<&str> = clusters.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["member1", "member2"]);
    for cluster in clusters.as_array().unwrap() {
        assert_eq!((&cluster["availability"], &cluster["acceleration"]), (&json!(true), &json!(false)), "{cluster}");
        assert!(cluster["available_ram"].as_str().is_some_and(|text| text.ends_with(" GiB")), "{cluster}");
    }
    // The chart's own affinity.
    assert_eq!(ready(&stack, "member1", ("smo-demo0", "hello-world")), 1);
    assert_eq!(releases(&stack, "smo-demo0"), [("hello-world".to_owned(), 1)]);
}

/// 2: the same graph from a file, by the command line.
#[test]
fn demo_2_hello_by_the_command_line() {
    let Some(stack) = stack("demo 2") else { return };
    let service = service(&stack);
    let file = service.folder.path().join("hello.hdag.yaml");
    std::fs::write(&file, graphs::text(&stack, "hello")).unwrap();
    let file = file.display().to_string();
    let smo = |arguments: &[&str]| -> String {
        let done = Command::new(env!("CARGO_BIN_EXE_smo"))
            .args(arguments)
            .args(["--server", &service.url("")])
            .env("HOME", service.folder.path())
            .env("XDG_CONFIG_HOME", service.folder.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let synced = smo(&["cluster", "sync"]);
    assert!(synced.contains("member1") && synced.contains("member2"), "{synced}");
    assert_eq!(serde_json::from_str::<Value>(&smo(&["graph", "list", "--format", "json"])).unwrap(), json!([]));
    smo(&["graph", "deploy", &file, "--project", "smo-demo1", "--wait"]);
    let listed: Value = serde_json::from_str(&smo(&["graph", "list", "--format", "json"])).unwrap();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["status"]["phase"]),
        (&json!("hello-graph"), &json!("running")),
        "{listed}"
    );
    assert_eq!(ready(&stack, "member1", ("smo-demo1", "hello-world")), 1);
    smo(&["graph", "remove", "hello-graph", "--project", "smo-demo1", "--yes", "--wait"]);
    assert_eq!(releases(&stack, "smo-demo1"), []);
}

/// 3: Karmada alone. What is not ours is left alone, and its room is not given away twice.
#[test]
fn demo_3_nginx_without_us() {
    let Some(stack) = stack("demo 3") else { return };
    let service = service(&stack);
    let free = |service: &Service<'_>| {
        service.post("/v1/clusters/sync", &Value::Null).is(200);
        service.get("/v1/clusters/member1").is(200).json()["cpu"]["free"].as_f64().unwrap()
    };
    let before = free(&service);
    stack.apply("karmada", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "smo-demo2"}}));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/demos/graphs/nginx.yaml");
    let objects = std::fs::read_to_string(path).unwrap().replace("namespace: demo", "namespace: smo-demo2");
    let file = service.folder.path().join("nginx.yaml");
    std::fs::write(&file, objects).unwrap();
    stack.kubectl("karmada", &["apply", "-f", &file.display().to_string()]).unwrap();
    until("nginx runs twice in member1", SOON, || ready(&stack, "member1", ("smo-demo2", "nginx")) == 2);
    assert_eq!(ready(&stack, "member2", ("smo-demo2", "nginx")), 0);
    // Two replicas of a quarter of a core.
    until("its room is taken", SOON, || (before - free(&service) - 0.5).abs() < 1e-6);
    assert_eq!(service.get("/v1/graphs").is(200).json()["items"], json!([]));
}

/// A node of member2 with an accelerator; it goes with the test.
struct Accelerator<'a>(&'a Stack);

impl<'a> Accelerator<'a> {
    fn new(stack: &'a Stack) -> Self {
        let room = json!({"cpu": "8", "memory": "16Gi", "pods": "110", "nvidia.com/gpu": "1"});
        let labels = json!({"type": "kwok", "kubernetes.io/hostname": "demo-gpu", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"});
        let node = json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "demo-gpu", "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": labels},
            "spec": {}, "status": {"allocatable": room, "capacity": room}});
        stack.apply("member2", &node);
        let status = json!({"status": {"allocatable": room, "capacity": room}}).to_string();
        let patch = ["patch", "node", "demo-gpu", "--subresource=status", "--type=merge", "-p", &status];
        stack.kubectl("member2", &patch).unwrap();
        until("Karmada sees the accelerator", SOON, || {
            let cluster = stack.get("karmada", &["cluster", "member2"]).expect("it has joined");
            // What lies on nodes that are not ready yet is no room.
            let nodes = &cluster["status"]["nodeSummary"];
            let is_ready = nodes["readyNum"] == nodes["totalNum"];
            is_ready && cluster["status"]["resourceSummary"]["allocatable"]["nvidia.com/gpu"] == "1"
        });
        Self(stack)
    }
}

impl Drop for Accelerator<'_> {
    fn drop(&mut self) {
        let _ = self.0.kubectl("member2", &["delete", "node", "demo-gpu"]);
    }
}

/// 4: inference wants an accelerator, which only a node of member2 has; the front end goes where a core is cheaper.
#[test]
fn demo_4_inference_lands_where_the_accelerator_is() {
    let Some(stack) = stack("demo 4") else { return };
    let service = service(&stack);
    let _accelerator = Accelerator::new(&stack);
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    assert_eq!(service.get("/v1/clusters/member2").is(200).json()["gpu"]["allocatable"], json!(1.0));
    let graph = service.deploy("smo-demo4", &descriptor(&stack, "offloading"), &json!({}));
    assert_eq!(graph["status"]["phase"], "running", "{graph}");
    assert_eq!(ready(&stack, "member2", ("smo-demo4", "ml-inference")), 1);
    assert_eq!(
        (
            ready(&stack, "member1", ("smo-demo4", "ml-inference")),
            ready(&stack, "member2", ("smo-demo4", "web-frontend"))
        ),
        (0, 0)
    );
    assert_eq!(ready(&stack, "member1", ("smo-demo4", "web-frontend")), 1);
    let pods = stack.get("member2", &["pods", "--namespace", "smo-demo4"]).unwrap();
    assert_eq!(pods["items"][0]["spec"]["nodeName"], "demo-gpu", "{pods}");
    // The one that is called knows where its caller is.
    let values = service.service("smo-demo4", "offloading-graph", "ml-inference")["values"].clone();
    assert_eq!(
        (&values["clustersAffinity"], &values["serviceImportClusters"]),
        (&json!(["member2"]), &json!(["member1"]))
    );
    service.delete("/v1/projects/smo-demo4/graphs/offloading-graph?wait=60s");
    empty(&stack);
}

/// 5: the original's threshold scaler as the policy of a graph: up at once above 20/s, down again below 5/s.
#[test]
fn demo_5_replicas_follow_the_thresholds() {
    let Some(stack) = stack("demo 5") else { return };
    let service = service(&stack);
    let web = ("smo-demo5", "web-server");
    load(&stack, web, 4.0);
    let policy = "greedy+threshold:up=20/s,down=5/s,up_replicas=4,down_replicas=1,cooldown=4s";
    let options = json!({"policy": policy, "services": {"web-server": {"capacity": "20 /s", "replicas_max": 4}}});
    service.deploy("smo-demo5", &descriptor(&stack, "autoscaling"), &options);
    let total = || ready(&stack, "member1", web) + ready(&stack, "member2", web);
    assert_eq!(total(), 1);
    load(&stack, web, 60.0);
    let up = until("four replicas are ready", SOON, || total() == 4);
    load(&stack, web, 2.0);
    let down = until("one replica is left", SOON, || total() == 1);
    eprintln!("demo 5: four replicas after {:.1} s, one after {:.1} s", up.as_secs_f64(), down.as_secs_f64());
    let kinds: Vec<Value> = service.events(0).iter().map(|event| event["kind"].clone()).collect();
    assert!(kinds.contains(&json!("service.scaled")), "{kinds:?}");
    assert_eq!(releases(&stack, "smo-demo5").len(), 1);
}

/// 6: high availability: a replica in each of two clusters; one is lost, both are in the other one; it returns, and nothing moves.
#[test]
fn demo_6_a_lost_cluster_is_made_up_for() {
    let Some(stack) = stack("demo 6") else { return };
    let service = service(&stack);
    let critical = ("smo-demo6", "critical-service");
    let graph = service.deploy("smo-demo6", &descriptor(&stack, "resilience"), &json!({}));
    assert_eq!(graph["status"]["phase"], "running", "{graph}");
    let in_each = || (ready(&stack, "member1", critical), ready(&stack, "member2", critical));
    assert_eq!(in_each(), (1, 1));
    stack.live(&["signal", "api-member1", "KILL"]);
    let took = until("two replicas are ready in member2", SOON, || ready(&stack, "member2", critical) == 2);
    eprintln!("demo 6: made up for the loss after {:.1} s", took.as_secs_f64());
    assert!(service.events(0).iter().any(|event| event["kind"] == "cluster.lost" && event["subject"] == "member1"));
    stack.live(&["restart", "api-member1"]);
    until("it is told to be back", SOON, || {
        service.events(0).iter().any(|event| event["kind"] == "cluster.back" && event["subject"] == "member1")
    });
    service.reaches("smo-demo6", "resilience-critical-graph", "running", SOON);
    assert!(in_each().1 >= 1, "{:?}", in_each());
    recover(&stack, "member1");
}

/// 7: the virtual object waits for its alert; then it is deployed, once, where its values stand below `voChartOverwrite`.
#[test]
fn demo_7_the_virtual_object_waits_for_its_event() {
    let Some(stack) = stack("demo 7") else { return };
    let service = service(&stack);
    let monitoring = json!({"prometheus": "member2/kube-prometheus-operator"});
    gauge(&stack, ("up", &monitoring), 1.0);
    // The same descriptor with less patience.
    let text = graphs::text(&stack, "brussels").replace("gracePeriod: 2m", "gracePeriod: 2s");
    let said = service.send_text("POST", "/v1/projects/smo-test/graphs?wait=90s", "application/yaml", text).is(200);
    let phases = |graph: &Value| -> Vec<String> {
        let services = graph["status"]["services"].as_array().unwrap();
        services.iter().map(|one| one["phase"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(phases(&said.json()), ["pending", "running", "running"]);
    let names = |found: Vec<(String, u64)>| -> Vec<String> { found.into_iter().map(|(name, _)| name).collect() };
    assert_eq!(names(releases(&stack, "smo-test")), ["image-detection", "noise-reduction"]);
    let rules = stack.get("karmada", &["prometheusrules", "--all-namespaces"]).unwrap();
    assert!(rules.to_string().contains("absent(up{prometheus=\\\"member2/kube-prometheus-operator\\\"})"), "{rules}");
    // Nothing happens while the monitoring is there.
    wait(4);
    assert_eq!(names(releases(&stack, "smo-test")).len(), 2);
    forget(&stack);
    let vo = || service.service("smo-test", "image-detection-graph", "image-compression-vo");
    let took = until("the virtual object runs", SOON, || vo()["phase"] == "running");
    eprintln!("demo 7: the virtual object ran {:.1} s after its event", took.as_secs_f64());
    assert_eq!(names(releases(&stack, "smo-test")), ["image-compression-vo", "image-detection", "noise-reduction"]);
    let values = vo()["values"].clone();
    let place = values["voChartOverwrite"]["clustersAffinity"][0].as_str().unwrap().to_owned();
    assert_eq!(ready(&stack, &place, ("smo-test", "image-compression-vo")), 1);
    // Alertmanager repeats itself; the release stays as it is.
    wait(5);
    assert!(releases(&stack, "smo-test").contains(&("image-compression-vo".to_owned(), 1)));
}

/// The original's three clusters of ten cores, as if Karmada had shown them, in the order of its script.
fn paper_clusters(service: &Service<'_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("sqlite://{}", service.folder.path().join("smo.db").display());
    let amount = |all: f64| Amount { allocatable: all, free: all };
    let cluster = |name: &str| ClusterRow {
        name: name.to_owned(),
        present: true,
        ready: true,
        seen_at: At::now(),
        cpu: amount(10.0),
        memory: amount(64.0 * 1_073_741_824.0),
        gpu: amount(0.0),
        nodes: 1,
        version: "v1.35.3".to_owned(),
        region: String::new(),
        pod_cidr: None,
        service_cidr: None,
        rtt_ms: std::collections::BTreeMap::new(),
        attributes: ClusterAttributes::default(),
        dashboard: None,
    };
    let dirt = [("a-hybrid", 500.0), ("b-fossil", 1_000.0), ("c-green", 0.0)];
    runtime.block_on(async {
        let store = Store::open(&url).await.unwrap();
        store.put_clusters(&dirt.map(|(name, _)| cluster(name))).await.unwrap();
        for (name, carbon) in dirt {
            let attributes = ClusterAttributes { carbon: Some(carbon), ..ClusterAttributes::default() };
            store.set_attributes(name, &attributes).await.unwrap();
        }
        store.close().await;
    });
}

/// 8: the figures of the original's script on its three clusters, which are on paper, and the same policies on the two real ones:
/// first fit takes the first, the carbon-aware the clean one.
#[test]
fn demo_8_the_green_comparison() {
    let Some(stack) = stack("demo 8") else { return };
    let mut paper = Service::beside(&stack, free_port());
    paper_clusters(&paper);
    paper.configure(&["karmada"], Value::Null);
    paper.configure(&["prometheus"], Value::Null);
    paper.start();
    let green = descriptor(&stack, "green");
    for (policy, wanted) in [("naive", 13.0), ("green-consolidation", 5.0), ("carbon-aware", 3.0)] {
        let body = json!({"hdaGraph": green["hdaGraph"], "options": {"policy": policy}});
        let plan = paper.post("/v1/projects/smo-green/graphs?dry_run=true", &body).is(200).json();
        let dirt = |cluster: &str| match cluster {
            "a-hybrid" => 0.5,
            "b-fossil" => 1.0,
            _ => 0.0,
        };
        let cores = [("analytics", 6.0), ("archive", 5.0), ("training", 5.0)];
        let of = |(service, cores): &(&str, f64)| -> f64 {
            let places = plan["targets"][service].as_object().unwrap();
            places.iter().map(|(cluster, replicas)| replicas.as_f64().unwrap() * cores * dirt(cluster)).sum()
        };
        let footprint: f64 = cores.iter().map(of).sum();
        assert!((footprint - wanted).abs() < 1e-9, "{policy}: {footprint} {plan}");
    }
    drop(paper);
    let service = service(&stack);
    for (name, carbon) in [("member1", 900.0), ("member2", 30.0)] {
        service.patch(&format!("/v1/clusters/{name}"), &json!({"carbon": carbon})).is(200);
    }
    for (project, policy, place) in [("smo-dirty", "naive", "member1"), ("smo-clean", "carbon-aware", "member2")] {
        let text = graphs::text(&stack, "hello").replace("useStaticPlacement: true", "useStaticPlacement: false");
        let text = format!("{text}\noptions: {{policy: {policy}}}\n");
        service.send_text("POST", &format!("/v1/projects/{project}/graphs?wait=90s"), "application/yaml", text).is(200);
        assert_eq!(ready(&stack, place, (project, "hello-world")), 1, "{policy}");
    }
}
