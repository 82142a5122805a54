//! What is asked of a registry, and what becomes of its answers, also of the wrong ones.

use super::archive::tests::packed;
use super::{Kind, LAYER_BYTES_MAX, Registry};
use crate::backend::live::digest::sha256;
use crate::backend::live::http::Auth;
use crate::backend::live::outside::Class;
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

/// Who asks is asked first whether the registry wants to know who that is.
fn door() -> Exchange {
    get("/v2/", 200, json!({}))
}

fn manifest_at(version: &str, manifest: &Value) -> [Exchange; 2] {
    [door(), get(&format!("/v2/charts/web/manifests/{version}"), 200, manifest.clone())]
}

fn blob(bytes: &[u8], answered: &[u8]) -> [Exchange; 2] {
    [door(), get(&format!("/v2/charts/web/blobs/{}", sha256(bytes)), 200, json!(null)).raw(answered)]
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
        door(),
        get(target, 404, error("MANIFEST_UNKNOWN")),
        door(),
        get(target, 401, error("UNAUTHORIZED")),
        door(),
        get(target, 503, json!(null)),
        door(),
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
