//! What becomes of artifacts, also of hostile ones, served by a registry on loopback.

use super::{ArtifactError, pull};
use crate::backend::live::digest::sha256;
use crate::backend::live::oci::archive::tests::{hostile, packed};
use crate::backend::live::stub::{Exchange, Stub, get};
use crate::serve::config::{Charts, Config};
use serde_json::{Value, json};

const GRAPH: &str = "hdaGraph:\n  id: shop\n  services: [{id: web, artifact: {ociImage: 'oci://host/charts/web:1'}}]\n";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn manifest(media_type: &str, bytes: &[u8]) -> Value {
    let layer = json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()});
    let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "config": config, "layers": [layer]})
}

fn pushed(media_type: &str, bytes: &[u8]) -> Vec<Exchange> {
    let manifest = manifest(media_type, bytes);
    let blob = get(&format!("/v2/demo/graph/blobs/{}", sha256(bytes)), 200, json!(null)).raw(bytes);
    vec![get("/v2/demo/graph/manifests/1.0.0", 200, manifest), blob]
}

/// A registry, the rules by which it may be spoken to, and its host.
async fn registry(script: Vec<Exchange>) -> (Stub, Charts, String) {
    let stub = Stub::of(script).await;
    let host = stub.url.trim_start_matches("http://").to_owned();
    (stub, charts(&[&host], &[]), host)
}

fn charts(plain: &[&str], allowed: &[&str]) -> Charts {
    let set = |key: &str, hosts: &[&str]| (key.to_owned(), hosts.join(","));
    let flags = [set("charts.plain_hosts", plain), set("charts.allow_hosts", allowed)];
    let flags: Vec<_> = flags.into_iter().filter(|(_, hosts)| !hosts.is_empty()).collect();
    Config::load(None, &flags, &std::collections::BTreeMap::new()).unwrap().charts
}

#[tokio::test]
async fn a_packed_descriptor_is_pulled_by_every_spelling_and_pinned() {
    let archive = packed(&[("graph/graph.yaml", GRAPH)]);
    let script = pushed(TAR, &archive).into_iter().chain(pushed("application/x.tar.gzip", &archive));
    let (stub, rules, host) = registry(script.collect()).await;
    for (scheme, media_type) in [("oci", TAR), ("http", "application/x.tar.gzip")] {
        let reference = format!("{scheme}://{host}/demo/graph:1.0.0");
        let pulled = pull(&reference, &rules).await.unwrap();
        assert_eq!(pulled.document["hdaGraph"]["services"][0]["id"], "web");
        assert_eq!(pulled.source.artifact, reference);
        assert_eq!(pulled.source.digest, sha256(manifest(media_type, &archive).to_string().as_bytes()));
    }
    stub.finish();
}

#[tokio::test]
async fn a_file_on_a_web_server_is_pinned_by_its_own_digest() {
    let archive = packed(&[("graph.yml", GRAPH), ("other.yaml", "")]);
    let script = vec![
        get("/graph.yaml", 200, json!(null)).raw(GRAPH.as_bytes()),
        get("/graph-1.0.0.tar.gz?signature=x", 200, json!(null)).raw(&archive),
    ];
    let (stub, rules, host) = registry(script).await;
    let plain = pull(&format!("http://{host}/graph.yaml"), &rules).await.unwrap();
    assert_eq!(plain.source.digest, sha256(GRAPH.as_bytes()));
    let packed = pull(&format!("http://{host}/graph-1.0.0.tar.gz?signature=x"), &rules).await.unwrap();
    assert_eq!((packed.document, packed.source.digest), (plain.document, sha256(&archive)));
    assert_eq!(packed.notes[0], "the descriptor is `graph.yml`, and not `other.yaml`");
    assert!(!packed.source.artifact.contains("signature"));
    stub.finish();
}

#[tokio::test]
async fn hostile_artifacts_are_refused_with_the_reason() {
    let mut all = hostile();
    all.push((packed(&[("x.yaml", "services: []")]), "it has no `hdaGraph`"));
    all.push((packed(&[("x.yaml", "hdaGraph: [")]), "the YAML is broken"));
    let script = all.iter().flat_map(|(archive, _)| pushed(TAR, archive)).collect();
    let (stub, rules, host) = registry(script).await;
    for (_, says) in &all {
        let error = pull(&format!("oci://{host}/demo/graph:1.0.0"), &rules).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Wrong { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    stub.finish();
}

#[tokio::test]
async fn wrong_media_types_and_what_is_not_there_are_told_apart() {
    let strange = manifest("application/octet-stream", b"x");
    let unknown = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no"}]});
    let target = "/v2/demo/graph/manifests/1.0.0";
    let script = vec![get(target, 200, strange), get(target, 404, unknown), get(target, 200, json!({"html": "hello"}))];
    let (stub, rules, host) = registry(script).await;
    let reference = format!("oci://{host}/demo/graph:1.0.0");
    let error = pull(&reference, &rules).await.unwrap_err();
    let found = "found [application/octet-stream]";
    assert!(matches!(&error, ArtifactError::Wrong { reason, .. } if reason.contains(found)), "{error:?}");
    let error = pull(&reference, &rules).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Absent { reason, .. } if reason.contains("MANIFEST_UNKNOWN")), "{error:?}");
    let error = pull(&reference, &rules).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Wrong { reason, .. } if reason.contains("no manifest")), "{error:?}");
    stub.finish();
}

/// No request is made: the stub expects none.
#[tokio::test]
async fn hosts_that_are_not_allowed_are_not_asked() {
    let (stub, _, host) = registry(vec![]).await;
    let open = charts(&[], &[]);
    let closed = charts(&[], &["registry.example.org"]);
    let others = charts(&[&host], &["registry.example.org"]);
    for (reference, charts, says) in [
        (format!("http://{host}/demo/graph:1"), &open, "without TLS; name it in `charts.plain_hosts`"),
        (format!("http://{host}/graph.yaml"), &open, "without TLS; name it in `charts.plain_hosts`"),
        (
            format!("oci://{host}/demo/graph:1"),
            &open,
            "which is private; where it is meant, it has to be named in `charts.allow_hosts`",
        ),
        (format!("https://{host}/graph.yaml"), &open, "which is private"),
        ("oci://169.254.169.254/latest/meta-data:1".to_owned(), &open, "which is private"),
        ("oci://ghcr.io/demo/graph:1".to_owned(), &closed, "`ghcr.io` is not among the hosts of `charts.allow_hosts`"),
        ("https://ghcr.io/graph.yaml".to_owned(), &others, "`ghcr.io` is not among the hosts of `charts.allow_hosts`"),
    ] {
        let error = pull(&reference, charts).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Refused { .. }), "{reference}: {error:?}");
        assert!(error.to_string().contains(says), "{reference}: {error}");
    }
    for reference in ["graph", "oci://graph", "ftp://host/graph.yaml"] {
        assert!(matches!(pull(reference, &open).await, Err(ArtifactError::Wrong { .. })), "{reference}");
    }
    stub.finish();
}

#[tokio::test]
async fn a_registry_that_is_away_is_no_fault_of_the_artifact() {
    let (stub, rules, host) = registry(vec![]).await;
    stub.stop().await;
    let error = pull(&format!("oci://{host}/demo/graph:1"), &rules).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Unreachable { reason, .. } if reason.contains("refused")), "{error:?}");
}
