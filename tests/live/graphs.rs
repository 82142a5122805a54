//! Graphs for the service: the descriptors and charts of `scenarios/demos`, and what is read of them from outside.
//!
//! The charts keep the contract of the original's: a chart is called like its service, and its Deployment too; it reads
//! `clustersAffinity` and `serviceImportClusters` (a virtual object's below `voChartOverwrite`), and makes a Service, the policies
//! that propagate it, and what Submariner's service discovery needs.

use crate::charts::{HELMS, run};
use crate::stack::Stack;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::sync::Once;

/// Where the demonstrations' charts are in the registry.
const REPOSITORY: &str = "smo-demo";

/// What packs and pushes charts, by the real Helm.
const PUBLISH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/demos/publish");

/// What a chart asks for.
#[derive(Clone, Copy)]
pub struct Chart {
    pub name: &'static str,
    pub cpu: &'static str,
    pub memory: &'static str,
}

/// A chart of an application.
pub const fn app(name: &'static str, cpu: &'static str, memory: &'static str) -> Chart {
    Chart { name, cpu, memory }
}

/// All charts of the demonstrations, in the registry, as `scenarios/demos/publish` makes them. Nobody takes them away again: once is enough.
pub fn publish_all(stack: &Stack) {
    static PUBLISHED: Once = Once::new();
    PUBLISHED.call_once_force(|_| {
        define_discovery(stack);
        run(PUBLISH, &[]).expect("they are pushed");
    });
}

/// One chart more.
pub fn publish(Chart { name, cpu, memory }: Chart) {
    run(PUBLISH, &[name, cpu, memory]).expect("it is pushed");
}

/// The text of a demonstration's descriptor, its charts those of the stack's registry.
pub fn text(stack: &Stack, demo: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/demos/graphs/{demo}.hdag.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("127.0.0.1:5000", &stack.address("registry"))
}

/// A demonstration's descriptor.
pub fn descriptor(stack: &Stack, demo: &str) -> Value {
    serde_saphyr::from_str(&text(stack, demo)).expect("it is YAML")
}

/// A graph of services that do not call each other, all of one chart's kind.
pub fn plain(stack: &Stack, name: &str, services: &[Chart]) -> Value {
    let service = |chart: &Chart| {
        let image = format!("oci://{}/{REPOSITORY}/{}", stack.address("registry"), chart.name);
        json!({
            "id": chart.name,
            "deployment": {"trigger": {"auto": {"dependencies": []}}, "intent": {
                "compute": {"cpu": chart.cpu, "ram": chart.memory, "storage": "small", "gpu": {"enabled": false}},
                "connectionPoints": []}},
            "artifact": {"ociImage": image, "ociConfig": {"type": "App", "implementer": "HELM"}, "valuesOverwrite": {}},
        })
    };
    let services: Vec<Value> = services.iter().map(service).collect();
    json!({"hdaGraph": {
        "imVersion": "0.4.0", "id": name, "version": "1.0.0", "designer": "smo", "description": "for a test",
        "hdaGraphIntent": {"useStaticPlacement": false}, "services": services}})
}

/// Pushes files as an artifact of the kind that `hdarctl` makes: a folder in a compressed archive; its reference, without a tag.
pub fn push_artifact(stack: &Stack, name: &str, files: &[(&str, &str)]) -> String {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).expect("it can be packed");
    }
    let bytes = archive
        .into_inner()
        .and_then(|mut gzip| gzip.flush().map(|()| gzip))
        .and_then(flate2::write::GzEncoder::finish);
    push_layer(stack, name, bytes.expect("it can be packed"), "application/vnd.oci.image.layer.v1.tar+gzip")
}

/// Pushes one layer of any kind as an artifact, tagged `1.0.0`; its reference, without a tag.
pub fn push_layer(stack: &Stack, name: &str, bytes: Vec<u8>, media_type: &str) -> String {
    smo::backend::live::tls::install();
    let host = stack.address("registry");
    let config = ClientConfig { protocol: ClientProtocol::HttpsExcept(vec![host.clone()]), ..ClientConfig::default() };
    let reference = format!("{host}/{REPOSITORY}/{name}");
    let kind = Config::new(b"{}".to_vec(), "application/vnd.oci.empty.v1+json".to_owned(), None);
    let layer = ImageLayer::new(bytes, media_type.to_owned(), None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tagged = format!("{reference}:1.0.0").parse().expect("a reference");
    let client = oci_client::Client::new(config);
    runtime.block_on(client.push(&tagged, &[layer], kind, &RegistryAuth::Anonymous, None)).expect("it is pushed");
    reference
}

/// Ready replicas of a Deployment in a member, as the member itself says.
pub fn ready(stack: &Stack, member: &str, (project, name): (&str, &str)) -> u64 {
    stack.ready(member, (project, name))
}

/// The releases of a namespace, as Helm itself lists them: name and revision.
pub fn releases(stack: &Stack, project: &str) -> Vec<(String, u64)> {
    let kubeconfig = stack.kubeconfig("karmada").display().to_string();
    let listed = run(HELMS[2], &["list", "--namespace", project, "--kubeconfig", &kubeconfig, "--output", "json"]);
    let listed: Value = serde_json::from_str(&listed.expect("helm lists them")).expect("it is JSON");
    let one = |release: &Value| {
        let revision =
            release["revision"].as_str().and_then(|text| text.parse().ok()).or_else(|| release["revision"].as_u64());
        (release["name"].as_str().unwrap_or_default().to_owned(), revision.unwrap_or(0))
    };
    let mut found: Vec<(String, u64)> = listed.as_array().into_iter().flatten().map(one).collect();
    found.sort();
    found
}

/// How often a release was installed, as Helm's own history says.
pub fn installs(stack: &Stack, project: &str, release: &str) -> usize {
    let kubeconfig = stack.kubeconfig("karmada").display().to_string();
    let asked = ["history", release, "--namespace", project, "--kubeconfig", &kubeconfig, "--output", "json"];
    let history: Value = serde_json::from_str(&run(HELMS[2], &asked).expect("helm knows it")).expect("it is JSON");
    let of = |one: &&Value| one["description"].as_str().is_some_and(|text| text.starts_with("Install"));
    history.as_array().into_iter().flatten().filter(of).count()
}

/// Defines in the members what Submariner would: the kinds of its service discovery, as Karmada's API has them.
pub fn define_discovery(stack: &Stack) {
    for kind in ["serviceexports", "serviceimports"] {
        let name = format!("{kind}.multicluster.x-k8s.io");
        let found = stack.get("karmada", &["customresourcedefinition", &name]).expect("Karmada brings it along");
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": name, "annotations": found["metadata"]["annotations"]}, "spec": found["spec"]});
        for member in ["member1", "member2"] {
            stack.apply(member, &definition);
        }
    }
}

/// A counter of requests that Prometheus scrapes, at this rate from now on.
pub fn load(stack: &Stack, (project, service): (&str, &str), rate: f64) {
    let line = json!({"name": "http_requests_total", "labels": {"namespace": project, "service": service}, "kind": "counter", "rate": rate});
    series(stack, &line);
}

/// A gauge that Prometheus scrapes.
pub fn gauge(stack: &Stack, (name, labels): (&str, &Value), value: f64) {
    series(stack, &json!({"name": name, "labels": labels, "kind": "gauge", "value": value}));
}

/// Nothing is scraped any more.
pub fn forget(stack: &Stack) {
    let url = format!("{}/series", stack.address("exporter"));
    run("curl", &["--silent", "--fail", "--request", "DELETE", &url]).expect("the exporter forgets");
}

fn series(stack: &Stack, line: &Value) {
    let line = format!("{line}\n");
    let url = format!("{}/series", stack.address("exporter"));
    run("curl", &["--silent", "--fail", "--request", "PUT", "--data-binary", &line, &url])
        .expect("the exporter takes it");
}
