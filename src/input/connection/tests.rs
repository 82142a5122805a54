//! Connections that are read, and mistakes in them.

use super::load;
use crate::input::{Request, load as load_scenario};
use crate::model::connection::Division;
use std::fs;
use std::path::Path;

fn said(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("karmada.kubeconfig"), "").expect("it is written");
    let path = folder.path().join("live.yaml");
    fs::write(&path, text).expect("it is written");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.yaml");
    let loaded = load_scenario(&scenario, &Request::default()).expect("the quickstart is sound");
    match load(&path, &loaded.scenario.known) {
        Ok(connection) => format!("{connection:?}"),
        Err(error) => error.to_string().replace(&format!("{}/", folder.path().display()), ""),
    }
}

#[test]
fn a_connection_is_read_with_its_defaults() {
    let text = "karmada: {kubeconfig: karmada.kubeconfig}\nprometheus: {url: http://127.0.0.1:9090/}\nclusters: {edge-1: member1}\nservices: {image-detection: {rate: sum(x)}}\n";
    let said = said(text);
    assert!(said.contains("member1") && said.contains(r#"url: "http://127.0.0.1:9090""#), "{said}");
    assert!(said.contains(&format!("division: {:?}", Division::Own)), "{said}");
}

#[test]
fn mistakes_name_their_place_and_the_way_out() {
    let base = "karmada: {kubeconfig: karmada.kubeconfig}\n";
    let cases = [
        ("karmada: {kubeconfig: nowhere}\n".to_owned(), "there is no file `nowhere`"),
        (format!("{base}clusters: {{edge-9: a}}\n"), "line 2"),
        (format!("{base}clusters: {{edge-1: a, edge-2: a}}\n"), "the cluster of Karmada `a` stands for two"),
        (format!("{base}services: {{image-detection: {{rate: x}}}}\n"), "there is no Prometheus"),
        (format!("{base}services: {{image-detektion: {{}}}}\n"), "image-detection"),
        (format!("{base}prometheus: {{url: 127.0.0.1}}\n"), "`127.0.0.1` is no address"),
        (format!("{base}alerts: {{listen: somewhere}}\n"), "`somewhere` is no address"),
        (format!("{base}probe: {{lost_after: 0}}\n"), "write at least 1"),
        (format!("{base}probe: {{every: 5}}\n"), "every"),
        (format!("{base}namespace: shop\n"), "namespace"),
    ];
    for (text, wanted) in cases {
        let said = said(&text);
        assert!(said.contains(wanted) && said.starts_with("live.yaml"), "{text}\n{said}");
    }
}
