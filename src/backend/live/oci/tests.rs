//! What is asked of a registry, and what becomes of its answers, also of the wrong ones.

use super::archive::tests::packed;
use super::{Kind, LAYER_BYTES_MAX, Registry};
use crate::backend::live::digest::sha256;
use crate::backend::live::http::Auth;
use crate::backend::live::outside::Class;
use crate::backend::live::reach::{Hosts, Reach};
use crate::backend::live::stub::{Exchange, Stub, get};
use serde_json::{Value, json};

const CHART: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const ARCHIVE_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DESCRIPTOR: &str = "application/vnd.smo.descriptor.config.v1+json";

fn manifest(config: &str, layers: &[(&str, &[u8])]) -> Value {
    let layers: Vec<Value> = layers
        .iter()
        .map(|(media_type, bytes)| json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()}))
        .collect();
    let config = json!({"mediaType": config, "digest": sha256(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "config": config, "layers": layers})
}

fn manifest_at(version: &str, manifest: &Value) -> [Exchange; 1] {
    [get(&format!("/v2/charts/web/manifests/{version}"), 200, manifest.clone())]
}

fn blob(bytes: &[u8], answered: &[u8]) -> [Exchange; 1] {
    [get(&format!("/v2/charts/web/blobs/{}", sha256(bytes)), 200, json!(null)).raw(answered)]
}

/// A stub, a client that may speak to it, and the name of the artifact in it.
async fn registry(script: Vec<Exchange>) -> (Stub, Registry, String) {
    let stub = Stub::of(script).await;
    let host = stub.url.trim_start_matches("http://").to_owned();
    let name = format!("oci://{host}/charts/web");
    (stub, Registry::new(&[host], Auth::None), name)
}

#[tokio::test]
async fn a_chart_is_pulled_by_tag_then_by_digest_and_downloaded_once() {
    let chart = packed(&[("web/Chart.yaml", "name: web")]);
    let manifest =
        manifest(CHART, &[(CHART_LAYER, &chart), ("application/vnd.cncf.helm.chart.provenance.v1.prov", b"x")]);
    let digest = sha256(manifest.to_string().as_bytes());
    let script = manifest_at("0.1.0", &manifest).into_iter().chain(blob(&chart, &chart));
    let (stub, registry, name) = registry(script.chain(manifest_at(&digest, &manifest)).collect()).await;
    let folder = tempfile::tempdir().unwrap();
    let pulled = registry.pull(&format!("{name}:0.1.0"), folder.path()).await.unwrap();
    assert_eq!((pulled.kind, &pulled.digest, &pulled.file_digest), (Kind::Chart, &digest, &sha256(&chart)));
    assert_eq!(std::fs::read(&pulled.file).unwrap(), chart);
    assert_eq!(registry.pull(&format!("{name}@{digest}"), folder.path()).await.unwrap(), pulled);
    stub.finish();
}

#[tokio::test]
async fn a_descriptor_comes_packed_or_as_it_stands_or_behind_an_index() {
    let archive = packed(&[("graph.yml", "name: shop")]);
    let packed = manifest(DESCRIPTOR, &[(ARCHIVE_LAYER, &archive)]);
    let plain = manifest(DESCRIPTOR, &[("application/yaml", b"name: plain")]);
    let inner = sha256(plain.to_string().as_bytes());
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests":
        [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": inner, "size": 1}]});
    let script = manifest_at("1", &packed).into_iter().chain(blob(&archive, &archive));
    let script = script.chain(manifest_at("2", &index)).chain(manifest_at(&inner, &plain));
    let (stub, registry, name) = registry(script.chain(blob(b"name: plain", b"name: plain")).collect()).await;
    let folder = tempfile::tempdir().unwrap();
    for (tag, text, digest) in [("1", "name: shop", &packed), ("2", "name: plain", &index)] {
        let pulled = registry.pull(&format!("{name}:{tag}"), folder.path()).await.unwrap();
        assert_eq!((pulled.kind, pulled.digest), (Kind::Descriptor, sha256(digest.to_string().as_bytes())));
        assert_eq!(std::fs::read_to_string(pulled.file).unwrap(), text);
    }
    stub.finish();
}

#[tokio::test]
async fn another_digest_is_refused_and_nothing_is_kept() {
    let chart = packed(&[("web/Chart.yaml", "name: web")]);
    let good = manifest(CHART, &[(CHART_LAYER, &chart)]);
    let script = manifest_at("1", &good).into_iter().chain(blob(&chart, b"something else"));
    let script = script.chain(manifest_at(&sha256(b"wanted"), &good));
    let (stub, registry, name) = registry(script.collect()).await;
    let folder = tempfile::tempdir().unwrap();
    let other = format!("{name}@{}", sha256(b"wanted"));
    for reference in [format!("{name}:1"), other] {
        let error = registry.pull(&reference, folder.path()).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.to_lowercase().contains("digest"), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    stub.finish();
}

#[tokio::test]
async fn what_is_not_there_and_who_may_not_are_told_apart() {
    let error = |code: &str| json!({"errors": [{"code": code, "message": "no"}]});
    let target = "/v2/charts/web/manifests/1";
    let script = vec![
        get(target, 404, error("MANIFEST_UNKNOWN")),
        get(target, 401, error("UNAUTHORIZED")),
        get(target, 503, json!(null)),
        get(target, 404, error("NAME_UNKNOWN")),
    ];
    let (stub, registry, name) = registry(script).await;
    for status in [404, 401, 404] {
        let error = registry.pull(&format!("{name}:1"), "x".as_ref()).await.unwrap_err();
        assert_eq!((error.status, error.class), (Some(status), Class::Permanent), "{error}");
    }
    assert_eq!(registry.outside().counts().tries, 4);
    stub.finish();
}

#[tokio::test]
async fn artifacts_of_another_kind_or_size_are_refused_before_they_are_downloaded() {
    let strange = manifest(DESCRIPTOR, &[("application/octet-stream", b"x")]);
    let double = manifest(DESCRIPTOR, &[("application/yaml", b"x"), ("text/yaml", b"y")]);
    let mut large = manifest(CHART, &[(CHART_LAYER, b"x")]);
    large["layers"][0]["size"] = json!(LAYER_BYTES_MAX + 1);
    let all = [
        (strange, "[application/octet-stream]"),
        (double, "application/yaml, text/yaml"),
        (large, "larger than 64 MiB"),
    ];
    let script = all.iter().flat_map(|(manifest, _)| manifest_at("1", manifest)).collect();
    let (stub, registry, name) = registry(script).await;
    for (_, says) in &all {
        let error = registry.pull(&format!("{name}:1"), "x".as_ref()).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains(says), "{error}");
    }
    stub.finish();
}

#[tokio::test]
async fn plain_http_is_spoken_to_listed_hosts_alone() {
    let stub = Stub::of(vec![]).await;
    let registry = Registry::new(&[], Auth::None);
    let name = format!("{}/charts/web:1", stub.url.replace("http", "oci"));
    let error = registry.pull(&name, "x".as_ref()).await.unwrap_err();
    assert_eq!(error.reason, "it speaks plain HTTP; list its host among those that may");
    stub.finish();
}

/// The tool that packs graphs gives them types of its own, or those of a chart.
#[tokio::test]
async fn a_descriptor_is_pulled_whatever_its_media_types_and_without_a_version_the_newest() {
    let archive = packed(&[("graph/graph.yaml", "name: shop"), ("graph/notes.yaml", "")]);
    let as_chart = manifest(CHART, &[(CHART_LAYER, &archive)]);
    let own = manifest("application/x", &[("application/vnd.other.v1.tar+gzip", &archive)]);
    let tags = get("/v2/charts/web/tags/list", 200, json!({"name": "charts/web", "tags": ["0.9.0", "0.10.0"]}));
    let script = [tags].into_iter().chain(manifest_at("0.10.0", &as_chart)).chain(blob(&archive, &archive));
    let script = script.chain(manifest_at("1", &own)).chain(blob(&archive, &archive));
    let (stub, registry, name) = registry(script.collect()).await;
    let note = "the descriptor is `graph/graph.yaml`, and not `graph/notes.yaml`";
    let newest = registry.pull_descriptor(&name.parse().unwrap()).await.unwrap();
    assert_eq!(
        (newest.text.as_slice(), &newest.digest),
        (b"name: shop".as_slice(), &sha256(as_chart.to_string().as_bytes()))
    );
    assert_eq!(newest.notes, ["no version was named: it is `0.10.0`, the newest of 2", note]);
    let tagged = registry.pull_descriptor(&format!("{name}:1").parse().unwrap()).await.unwrap();
    assert_eq!(tagged.notes, [note]);
    stub.finish();
}

#[tokio::test]
async fn what_is_no_descriptor_is_said_to_be_none() {
    let empty = packed(&[("readme.md", "x")]);
    let chart = packed(&[("web/Chart.yaml", "name: web")]);
    let large = "x".repeat(10_000_000);
    let cases: [(&str, &[u8], &str); 4] = [
        (ARCHIVE_LAYER, &empty, "it holds no descriptor; wanted a file `*.yml` or `*.yaml`"),
        (CHART_LAYER, &chart, "it is a Helm chart"),
        (ARCHIVE_LAYER, b"no archive", "it is no tar archive packed by gzip"),
        ("application/yaml", large.as_bytes(), "it is larger than 4 MiB"),
    ];
    let script = cases.iter().flat_map(|(media_type, bytes, _)| {
        manifest_at("1", &manifest(DESCRIPTOR, &[(media_type, bytes)])).into_iter().chain(blob(bytes, bytes))
    });
    let (stub, registry, name) = registry(script.collect()).await;
    for (_, _, says) in cases {
        let error = registry.pull_descriptor(&format!("{name}:1").parse().unwrap()).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains(says), "{error}");
    }
    stub.finish();
}

/// The credentials go where the registry says, once, and the token it grants is used again.
#[tokio::test]
async fn a_registry_that_wants_a_token_gets_one() {
    let plain = manifest(DESCRIPTOR, &[("application/yaml", b"name: plain")]);
    let target = "/v2/charts/web/manifests/1";
    let stub = Stub::of(vec![]).await;
    let realm = format!("Bearer realm=\"{}/token\",service=\"reg\"", stub.url);
    stub.expect(vec![
        get(target, 401, json!(null)).header("www-authenticate", &realm),
        get("/token?scope=repository%3Acharts%2Fweb%3Apull&service=reg", 200, json!({"token": "t0k"})),
        get(target, 200, plain.clone()),
        get(&format!("/v2/charts/web/blobs/{}", sha256(b"name: plain")), 200, json!(null)).raw(b"name: plain"),
    ]);
    let host = stub.url.trim_start_matches("http://").to_owned();
    let auth = Auth::Basic { user: "me".to_owned(), password: "pw".to_owned() };
    let registry = Registry::new(std::slice::from_ref(&host), auth);
    registry.pull_descriptor(&format!("{host}/charts/web:1").parse().unwrap()).await.unwrap();
    let seen: Vec<String> = stub.requests().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(seen, ["", "Basic bWU6cHc=", "Bearer t0k", "Bearer t0k"]);
    stub.finish();
}

#[tokio::test]
async fn neither_a_registry_nor_where_it_sends_us_may_be_a_private_address() {
    let elsewhere = Stub::of(vec![]).await;
    let away = get("/v2/charts/web/manifests/1", 307, json!(null)).header("location", &format!("{}/x", elsewhere.url));
    let token = get("/v2/charts/web/manifests/1", 401, json!(null))
        .header("www-authenticate", &format!("Bearer realm=\"{}/token\"", elsewhere.url));
    let stub = Stub::of(vec![away, token]).await;
    let host = stub.url.trim_start_matches("http://").to_owned();
    let reach = |also: &[String]| Reach::new(Hosts::of("charts.allow_hosts", &[]).unwrap().and(also).unwrap());
    let hosts = [host.clone()];
    let name = format!("{host}/charts/web:1").parse().unwrap();
    for registry in [
        Registry::within(reach(&[]), &hosts, Auth::None),
        Registry::within(reach(&hosts), &hosts, Auth::None),
        Registry::within(reach(&hosts), &hosts, Auth::None),
    ] {
        let error = registry.pull_descriptor(&name).await.unwrap_err();
        assert_eq!((error.class, error.status), (Class::Permanent, Some(403)), "{error}");
        assert!(error.reason.contains("`127.0.0.1` leads to 127.0.0.1, which is private"), "{error}");
    }
    stub.finish();
    elsewhere.finish();
}
