//! Kubernetes objects as input: what `kubectl` prints becomes a world, and what is odd in it is said with its line.

use serde_json::Value;
use smo::input::{Loaded, Request, load};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const APPLICATION: &str = "application: {services: [{name: web, cpu: 500m, memory: 256 MiB, capacity: 50 /s}]}\n";

/// A file that ships with the tests.
pub fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes").join(name)
}

/// Loads a scenario of these sections, in a directory where `files` lie.
fn scenario(sections: &str, files: &[(&str, &str)]) -> Result<Loaded, String> {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    fs::write(directory.path().join("load.csv"), "timestamp_s,service,requests_per_s\n0,web,5\n60,web,5\n").unwrap();
    for name in ["nodes.yaml", "pods.yaml", "clusters.json", "shop.yaml"] {
        fs::copy(shipped(name), directory.path().join(name)).unwrap();
    }
    let series = if sections.contains("shop.yaml") { "frontend" } else { "web" };
    let text = format!(
        "question: Does it load?\n{sections}traces: [{{file: load.csv, service: {series}}}]\npolicies: [naive]\n"
    );
    let path = directory.path().join("scenario.yaml");
    fs::write(&path, text).unwrap();
    let place = format!("{}/", directory.path().display());
    load(&path, &Request::default()).map_err(|error| error.to_string().replace(&place, ""))
}

fn good(sections: &str) -> Loaded {
    scenario(sections, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn has_note(loaded: &Loaded, wanted: &str) {
    assert!(loaded.notes.iter().any(|note| note.contains(wanted)), "no note says {wanted:?}: {:#?}", loaded.notes);
}

fn pools(loaded: &Loaded, cluster: &str) -> Vec<Value> {
    let resolved = loaded.resolved();
    let clusters = resolved["inventory"]["clusters"].as_array().unwrap();
    let one = clusters.iter().find(|one| one["name"] == cluster).unwrap_or_else(|| panic!("{cluster} is missing"));
    one["pools"].as_array().unwrap().clone()
}

/// Main pool: two ready nodes of 7910m and 29664776 KiB (the other is 4 KiB larger), price 8 · 0.031611 + 32874296 KiB ·
/// 0.004237 / GiB = 0.385724 $. On the second one `db-0` holds 2 cores and 4 GiB (its limit); a daemon 100m on each.
#[test]
fn a_list_of_nodes_is_a_cluster_with_the_room_that_pods_leave() {
    let loaded = good(&format!(
        "{APPLICATION}inventory: {{kubectl: {{milan: [nodes.yaml, pods.yaml]}}, own_namespaces: [shop]}}\n"
    ));
    let cluster = &loaded.resolved()["inventory"]["clusters"][0];
    assert_eq!((cluster["name"].as_str(), cluster["region"].as_str()), (Some("milan"), Some("europe-west8")));
    let [main, accelerated] = &pools(&loaded, "milan")[..] else { panic!("two pools") };
    assert_eq!((main["name"].as_str(), main["nodes"]["initial"].as_u64()), (Some("main"), Some(2)));
    assert_eq!((main["cpu"].as_str(), main["memory"].as_str()), (Some("7910m"), Some("29664776 KiB")));
    assert_eq!(main["price_per_hour"], "0.385724 $");
    assert_eq!(main["occupied"][0]["cpu"], "100m");
    assert_eq!(main["occupied"][0]["nodes"], Value::Null);
    assert_eq!((&main["occupied"][1]["nodes"], &main["occupied"][1]["cpu"]), (&1.into(), &"2".into()));
    assert_eq!((&main["occupied"][1]["memory"], &main["occupied"][1]["pods"]), (&"4 GiB".into(), &1.into()));
    assert!(main["labels"].get("kubernetes.io/hostname").is_none(), "a label that every node has another value of");
    assert!(main["labels"].get("example.org/machine-id").is_none());
    assert_eq!((&accelerated["gpu"]["kind"], &accelerated["gpu"]["count"]), (&"NVIDIA-L4".into(), &1.into()));
    assert_eq!(accelerated["taints"][0], "nvidia.com/gpu=present:NoSchedule");
    has_note(&loaded, "nodes.yaml: line 95: node gke-milan-main-3 is cordoned and is left out");
    has_note(&loaded, "nodes.yaml: line 140: node gke-milan-main-4 is not ready and is left out");
    has_note(&loaded, "line 137: the resource example.org/fpga has no part in the model");
    has_note(&loaded, "Kubernetes knows no prices or power");
}

/// Member1: 28 cores and 56 GiB in grades 1 (middle 1.5 cores, 10 GiB; 3 nodes) and 2 (endless from 2 cores, 16 GiB: 3 cores,
/// 24 GiB; 2 nodes). 28 · 1.5 / (3·1.5 + 2·3) = 4 cores and 28 · 3 / 10.5 = 8. Free are 24: 3.428 and 6.857.
/// Member2: four nodes, three ready; 31640m / 4 = 7910m each, and (3950 + 500) / 4 = 1112.5, rounded up, held on each.
#[test]
fn karmada_clusters_become_pools_of_graded_or_equal_nodes() {
    let loaded = good(&format!("{APPLICATION}inventory: clusters.json\n"));
    let [first, second] = &pools(&loaded, "member1")[..] else { panic!("two grades") };
    assert_eq!(
        (&first["name"], &first["nodes"]["initial"], &first["cpu"]),
        (&"grade-1".into(), &3.into(), &"4".into())
    );
    assert_eq!((&second["nodes"]["initial"], &second["cpu"], &second["gpu"]), (&2.into(), &"8".into(), &1.into()));
    assert_eq!((&first["occupied"][0]["cpu"], &second["occupied"][0]["cpu"]), (&"572m".into(), &"1143m".into()));
    let [equal] = &pools(&loaded, "member2")[..] else { panic!("one pool") };
    assert_eq!((&equal["nodes"]["initial"], &equal["cpu"]), (&3.into(), &"7910m".into()));
    assert_eq!((&equal["memory"], &equal["gpu"]), (&"29664776 KiB".into(), &1.into()));
    assert_eq!((&equal["occupied"][0]["nodes"], &equal["occupied"][0]["cpu"]), (&3.into(), &"1113m".into()));
    let resolved = loaded.resolved();
    let clusters = resolved["inventory"]["clusters"].as_array().unwrap();
    let enabled: Vec<(&str, bool)> =
        clusters.iter().map(|one| (one["name"].as_str().unwrap(), one["enabled"].as_bool().unwrap())).collect();
    assert_eq!(enabled, [("member1", true), ("member2", true), ("member3", false)]);
    assert_eq!(clusters[0]["taints"][0], "edge=yes:NoSchedule");
    assert_eq!(clusters[0]["labels"]["tier"], "edge");
    has_note(&loaded, "cluster member4 has no ready nodes and is left out");
    has_note(&loaded, "cluster member3 is not ready and is switched off");
}

#[test]
fn nodes_win_over_the_sums_of_karmada_and_the_scenario_over_both() {
    let loaded = good(&format!(
        "{APPLICATION}inventory:\n  kubectl: {{all: clusters.json, member2: nodes.yaml}}\n  clusters: {{member2: {{pue: 1.2, pools: {{main: {{price_per_hour: 0.3 $}}}}}}}}\n"
    ));
    assert_eq!(pools(&loaded, "member2").len(), 2);
    assert_eq!(pools(&loaded, "member2")[0]["price_per_hour"], "0.3 $");
    let resolved = loaded.resolved();
    let clusters = resolved["inventory"]["clusters"].as_array().unwrap();
    assert_eq!((&clusters[1]["pue"], &clusters[1]["region"]), (&"1.2".into(), &"europe-west6".into()));
    let error = scenario(
        &format!("{APPLICATION}inventory: {{kubectl: clusters.json, clusters: {{membr1: {{pue: 1.1}}}}}}\n"),
        &[],
    );
    assert!(error.unwrap_err().contains("did you mean `member1`?"));
}

#[test]
fn workloads_and_their_policies_become_services() {
    let loaded = good(
        "application:\n  descriptor: shop.yaml\n  services: {frontend-lb: {capacity: 50 /s, slo: 300 ms}, cart: {capacity: 9 /s}, recommender: {capacity: 2 /s}}\n  calls: [{from: frontend-lb, to: cart}]\ninventory: clusters.json\n",
    );
    let resolved = loaded.resolved();
    let services = resolved["application"]["services"].as_array().unwrap();
    let [frontend, recommender, cart] = &services[..] else { panic!("three services") };
    assert_eq!(
        (&frontend["name"], &frontend["cpu"], &frontend["memory"]),
        (&"frontend".into(), &"350m".into(), &"320 MiB".into())
    );
    assert_eq!(frontend["replicas"], serde_json::json!({"initial": 3, "min": 2, "max": 12}));
    assert_eq!(
        frontend["node_affinity"],
        serde_json::json!(["topology.kubernetes.io/zone in (europe-west8-a, europe-west8-b), !spot", "cores>15"])
    );
    assert_eq!(frontend["tolerations"], serde_json::json!(["edge:NoSchedule", "team=shop", "edge=yes:NoSchedule"]));
    assert_eq!(frontend["clusters"]["only"], serde_json::json!(["member1", "member2"]));
    assert_eq!(frontend["drain"], "10 s");
    assert_eq!(
        (&recommender["gpu"], &recommender["replicas"]["initial"], &recommender["pinned"]),
        (&1.into(), &2.into(), &true.into())
    );
    assert_eq!(recommender["clusters"]["never"], serde_json::json!(["member3"]));
    assert_eq!(
        recommender["clusters"]["matching"],
        serde_json::json!(["tier in (edge), smo.dev/region in (europe-west8)"])
    );
    assert_eq!((&cart["cpu"], &cart["memory"]), (&"100m".into(), &"200 MiB".into()));
    assert_eq!(
        loaded.resolved()["application"]["calls"][0]["from"],
        "frontend",
        "a Service's name stands for its workload"
    );
    for wanted in [
        "line 77: frontend was scaled to 65 % CPU between 2 and 12 replicas: the policy `hpa:target=65%` does so",
        "line 87: scaling by the metric Pods is not simulated",
        "line 126: the override of /spec/template/spec/containers/0/resources/requests/cpu of recommender",
        "line 70 and 1 more: ConfigMap is no part of what is simulated",
        "line 102: weights are not simulated",
        "line 61: cart requests no CPU: 100m is assumed",
    ] {
        has_note(&loaded, wanted);
    }
}

#[test]
fn a_workload_without_a_capacity_says_where_to_put_it() {
    let error = scenario("application: shop.yaml\ninventory: clusters.json\n", &[]).unwrap_err();
    assert!(
        error.starts_with("shop.yaml: line 2, column 1: field `application.services.frontend.capacity`"),
        "{error}"
    );
    assert!(error.contains("application: {descriptor: FILE, services: {frontend: {capacity:"), "{error}");
}

#[test]
fn a_misspelt_capacity_beside_a_descriptor_is_not_called_missing() {
    let application = "application:\n  descriptor: shop.yaml\n  services:\n    frontend:\n      capacty: 9 /s\n";
    let error = scenario(&format!("{application}inventory: clusters.json\n"), &[]).unwrap_err();
    assert!(error.contains("line 6, column 7: field `application.services.frontend.capacty`: no such key"), "{error}");
    assert!(error.contains("did you mean `capacity`?"), "{error}");
}

/// Broken objects: the file, and words of the error.
#[test]
fn values_of_a_wrong_type_are_mistakes_with_their_line() {
    let node = |status: &str| format!("apiVersion: v1\nkind: Node\nmetadata: {{name: a}}\nstatus: {status}\n");
    let cases = [
        (
            node("{allocatable: {cpu: four, memory: 1Gi, pods: 9}}"),
            "line 4, column 29: field `status.allocatable.cpu`: `four` is not a Kubernetes quantity",
        ),
        (node("{allocatable: {cpu: -1, memory: 1Gi, pods: 9}}"), "`-1` is negative"),
        (node("{allocatable: {cpu: 1, memory: 99999999Ei, pods: 9}}"), "is too large"),
        (node("{allocatable: [cpu]}"), "a list is given here"),
        (node("{allocatable: {cpu: {a: 1}}}"), "a map is given here"),
        (node("{conditions: true}"), "a single value is given here"),
        ("apiVersion: v1\nkind: Node\nstatus: {}\n".to_owned(), "this Node has no name"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n".to_owned(), "no cluster that takes pods is in it"),
        ("apiVersion: v1\nkind: NodeList\nitems: []\n".to_owned(), "kubectl get nodes -o yaml"),
        ("apiVersion: v1\nkind: Node\nmetadata: [\n".to_owned(), "the YAML is broken"),
    ];
    for (text, wanted) in cases {
        let error = scenario(&format!("{APPLICATION}inventory: x.yaml\n"), &[("x.yaml", &text)]).unwrap_err();
        assert!(error.contains(wanted), "wanted {wanted:?}, got {error}");
    }
    let workload = |spec: &str| format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {spec}\n");
    let cases = [
        (workload("{replicas: many}"), "field `spec.replicas`: `many` is given here"),
        (workload("{replicas: -1}"), "`-1` is given here"),
        (workload("{template: {spec: {containers: {a: 1}}}}"), "a map is given here"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n".to_owned(), "no workload is in it"),
    ];
    for (text, wanted) in cases {
        let error = scenario("application: x.yaml\ninventory: clusters.json\n", &[("x.yaml", &text)]).unwrap_err();
        assert!(error.contains(wanted), "wanted {wanted:?}, got {error}");
    }
}

#[test]
fn bombs_are_refused_and_strange_shapes_do_not_panic() {
    let workload = |spec: &str| format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {spec}\n");
    let mut bomb = String::from("apiVersion: v1\nkind: Node\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        bomb = format!("{bomb}a{level}: &a{level} [{previous}]\n");
    }
    let error = scenario(&format!("{APPLICATION}inventory: x.yaml\n"), &[("x.yaml", &bomb)]).unwrap_err();
    assert!(error.contains("too large once it is unfolded"), "{error}");
    let strange =
        ["3", "[]", "null", "[{}]", "{a: [1]}", "{name: {}, replicas: {}, template: 3, placement: [], metrics: {}}"];
    for shape in strange {
        for key in ["metadata", "spec", "status"] {
            let object = |kind: &str, api: &str| format!("apiVersion: {api}\nkind: {kind}\n{key}: {shape}\n");
            for (kind, api) in [("Node", "v1"), ("Pod", "v1"), ("Cluster", "cluster.karmada.io/v1alpha1")] {
                let text = object(kind, api);
                let _ = scenario(&format!("{APPLICATION}inventory: x.yaml\n"), &[("x.yaml", &text)]);
            }
            let policies = "policy.karmada.io/v1alpha1";
            for (kind, api) in [
                ("Deployment", "apps/v1"),
                ("HorizontalPodAutoscaler", "autoscaling/v2"),
                ("PropagationPolicy", policies),
                ("OverridePolicy", policies),
                ("Service", "v1"),
                ("Ingress", "networking.k8s.io/v1"),
            ] {
                let text = format!("{}---\n{}", workload("{}"), object(kind, api));
                let _ = scenario("application: x.yaml\ninventory: clusters.json\n", &[("x.yaml", &text)]);
            }
        }
    }
}

/// The Deployments of the trace of a real cluster: 27 of them, each asks for a core and a GiB.
#[test]
fn real_deployments_are_read() {
    let Some(data) = crate::data_dir() else {
        return println!("skipped: no SMO_DATA_DIR and no ../shared/data for real_deployments_are_read");
    };
    let file = fs::File::open(data.join("simkube_trace/large_trace.json.gz")).unwrap();
    let trace: Value = serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for event in trace["events"].as_array().unwrap() {
        for object in event["applied_objs"].as_array().unwrap() {
            seen.insert(object["metadata"]["name"].as_str().unwrap().to_owned(), object.clone());
        }
    }
    assert_eq!(seen.len(), 27);
    let capacities: Vec<String> = seen.keys().map(|name| format!("{name}: {{capacity: 9 /s}}")).collect();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": seen.into_values().collect::<Vec<_>>()});
    let sections = format!(
        "application: {{descriptor: x.json, services: {{{}}}}}\ninventory: clusters.json\n",
        capacities.join(", ")
    );
    // The load is that of a service called `web`: one of them takes the name.
    let (sections, list) =
        (sections.replace("nginx-thrift:", "web:"), list.to_string().replace("\"nginx-thrift\"", "\"web\""));
    let loaded = scenario(&sections, &[("x.json", &list)]).unwrap_or_else(|error| panic!("{error}"));
    let services = &loaded.scenario.known.application.services;
    assert_eq!(services.len(), 27);
    assert!(services.values().all(|service| service.request.cpu.0 == 1_000 && service.request.memory.0 == 1 << 30));
}

#[test]
fn a_variant_may_name_other_files() {
    let sections = format!(
        "{APPLICATION}inventory: {{kubectl: clusters.json}}\nvariants: {{nodes: {{inventory.kubectl: {{milan: nodes.yaml}}, inventory.clusters.milan.pue: 1.3}}}}\n"
    );
    let directory = TempDir::new().unwrap();
    for name in ["nodes.yaml", "clusters.json"] {
        fs::copy(shipped(name), directory.path().join(name)).unwrap();
    }
    fs::write(directory.path().join("load.csv"), "timestamp_s,service,requests_per_s\n0,web,5\n60,web,5\n").unwrap();
    let path = directory.path().join("scenario.yaml");
    fs::write(&path, format!("question: q?\n{sections}traces: [{{file: load.csv}}]\npolicies: [naive]\n")).unwrap();
    let request = Request { variant: Some("nodes".to_owned()), ..Request::default() };
    let loaded = load(&path, &request).unwrap();
    let cluster = &loaded.resolved()["inventory"]["clusters"][0];
    assert_eq!((&cluster["name"], &cluster["pue"]), (&"milan".into(), &"1.3".into()));
    let request =
        Request { set: vec![("inventory.kubectl".to_owned(), "nodes.yaml".to_owned())], ..Request::default() };
    assert_eq!(load(&path, &request).unwrap().resolved()["inventory"]["clusters"][0]["name"], "nodes");
}

#[test]
fn an_inventory_file_may_name_kubernetes_files_too() {
    let text = "kubectl: {milan: nodes.yaml}\nclusters: [{name: milan, pue: 1.4}, {name: extra, pools: [{name: a, cpu: 4, memory: 8 GiB, nodes: 1}]}]\n";
    let loaded = scenario(&format!("{APPLICATION}inventory: x.yaml\n"), &[("x.yaml", text)]).unwrap();
    assert_eq!(loaded.resolved()["inventory"]["clusters"][0]["pue"], "1.4");
    assert_eq!(
        loaded.resolved()["inventory"]["clusters"][1]["name"],
        "extra",
        "a cluster of one's own may stand beside"
    );
}
