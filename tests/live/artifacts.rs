//! Descriptors from a real registry, packed and named as the original's tools do it.

use super::stack::stack;
use oci_client::client::{ClientConfig, ClientProtocol, Config as Kind, ImageLayer};
use oci_client::secrets::RegistryAuth;
use smo::serve::artifact::{ArtifactError, pull};
use smo::serve::config::{Charts, Config};
use std::collections::BTreeMap;
use std::process::Command;

const GRAPH: &str = "hdaGraph:\n  id: shop\n  services: [{id: web, artifact: {ociImage: 'oci://host/charts/web:1'}}]\n";

fn charts(plain: &str) -> Charts {
    let flags = [("charts.plain_hosts".to_owned(), plain.to_owned())];
    Config::load(None, &flags, &BTreeMap::new()).unwrap().charts
}

/// A folder with a descriptor as `hdarctl package tar` packs it: by the real tar.
fn packed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shop-graph")).unwrap();
    std::fs::write(folder.path().join("shop-graph/hdag.yaml"), GRAPH).unwrap();
    let tar = ["--create", "--gzip", "--file", "graph.tar.gz", "shop-graph"];
    assert!(Command::new("tar").args(tar).current_dir(folder.path()).status().unwrap().success());
    std::fs::read(folder.path().join("graph.tar.gz")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_pulled_by_reference_and_pinned() {
    let Some(stack) = stack("artifacts") else { return };
    let host = stack.address("registry");
    smo::backend::live::tls::install();
    let plain = ClientProtocol::HttpsExcept(vec![host.clone()]);
    let client = oci_client::Client::new(ClientConfig { protocol: plain, ..ClientConfig::default() });
    let types = ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"];
    for (version, media_type) in ["0.9.0", "0.10.0"].into_iter().zip(types) {
        let layer = ImageLayer::new(packed(), media_type.to_owned(), None);
        let config = if media_type.contains("helm") {
            "application/vnd.cncf.helm.config.v1+json"
        } else {
            "application/vnd.oci.empty.v1+json"
        };
        let kind = Kind::new(b"{}".to_vec(), config.to_owned(), None);
        let name = format!("{host}/smo-test/shop-graph:{version}").parse().unwrap();
        client.push(&name, &[layer], kind, &RegistryAuth::Anonymous, None).await.unwrap();
    }
    let (charts, base) = (charts(&host), format!("{host}/smo-test/shop-graph"));
    let newest = pull(&format!("http://{base}"), &charts).await.unwrap();
    assert_eq!(newest.document["hdaGraph"]["id"], "shop");
    assert_eq!(newest.source.digest, stack.digest(&format!("oci://{base}"), "0.10.0"));
    assert_eq!(newest.notes[0], "no version was named: it is `0.10.0`, the newest of 2");
    let pinned = pull(&format!("oci://{base}@{}", newest.source.digest), &charts).await.unwrap();
    assert_eq!((pinned.document, pinned.source.digest), (newest.document, newest.source.digest));
    let absent = pull(&format!("oci://{base}:9.9.9"), &charts).await.unwrap_err();
    assert!(matches!(absent, ArtifactError::Absent { .. }), "{absent:?}");
    let refused = pull(&format!("oci://{base}:0.9.0"), &self::charts("elsewhere:1")).await.unwrap_err();
    assert!(matches!(refused, ArtifactError::Refused { .. }), "{refused:?}");
    let nobody = pull(&format!("https://{base}:0.9.0"), &charts).await.unwrap_err();
    assert!(nobody.to_string().contains("plain HTTP"), "{nobody:?}");
}
