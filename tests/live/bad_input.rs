//! What a user gets wrong about a real control plane: one clear error, exit code 2, and nothing written.

use crate::shop::{POLICY_NAME, Shop};
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::fs;

/// The kubeconfig of Karmada with its user changed.
fn kubeconfig(shop: &Shop<'_>, change: impl FnOnce(&mut Value)) -> String {
    let arguments = ["config", "view", "--raw", "--output", "json"];
    let text = shop.stack.kubectl("karmada", &arguments).expect("kubectl shows it");
    let mut config: Value = serde_json::from_str(&text).expect("it is JSON");
    change(&mut config);
    let path = shop.folder.path().join("other.kubeconfig");
    fs::write(&path, config.to_string()).expect("it can be written");
    path.display().to_string()
}

/// Runs smo live; it has to end with code 2, say all of `wanted`, and leave nothing of ours.
fn refused(shop: &Shop<'_>, wanted: &[&str]) {
    let (code, said, error) = shop.run("--live", &["--until", "5s"]);
    assert_eq!(code, 2, "{said}{error}");
    for text in wanted {
        assert!(error.contains(text), "{text}: {error}");
    }
    let kinds = "propagationpolicies,configmaps";
    let list = shop.stack.get("karmada", &[kinds, "--namespace", &shop.namespace]).expect("listed");
    let names = list["items"].as_array().into_iter().flatten().filter_map(|one| one["metadata"]["name"].as_str());
    assert_eq!(names.filter(|name| name.starts_with(POLICY_NAME)).count(), 0, "something was written: {list}");
}

#[test]
fn a_control_plane_that_is_not_as_it_must_be_is_one_clear_error() {
    let Some(stack) = stack("bad input") else { return };
    who_we_are(&stack);
    what_is_there(&stack);
}

/// Credentials and rights.
fn who_we_are(stack: &Stack) {
    let mut shop = Shop::new(stack, "bad");
    let garbage = shop.folder.path().join("garbage.kubeconfig");
    fs::write(&garbage, "clusters: 7").expect("it can be written");
    shop.connect(&["karmada", "kubeconfig"], json!(garbage));
    refused(&shop, &["garbage.kubeconfig"]);
    shop.connect(&["karmada", "kubeconfig"], json!(stack.kubeconfig("member1")));
    refused(&shop, &["is this the Karmada API, not a member's?"]);
    let wrong = kubeconfig(&shop, |config| config["users"][0]["user"] = json!({"token": "wrong"}));
    shop.connect(&["karmada", "kubeconfig"], json!(wrong));
    refused(&shop, &["the credentials are not accepted, they may have expired"]);
    let nobody = kubeconfig(&shop, |config| config["users"][0]["user"]["as"] = json!("nobody"));
    shop.connect(&["karmada", "kubeconfig"], json!(nobody));
    let missing = ["list clusters.cluster.karmada.io", "patch deployments/scale.apps", "create configmaps"];
    refused(&shop, &[&["these permissions are missing"], &missing[..]].concat());
}

/// Clusters, workloads, events.
fn what_is_there(stack: &Stack) {
    let mut shop = Shop::new(stack, "bad2");
    shop.connect(&["clusters", "far"], json!("nowhere"));
    refused(&shop, &["no cluster `nowhere` has joined; there are: member1, member2"]);
    shop.connect(&["clusters", "far"], json!("member2"));
    let rate = shop.connect(&["services", "back", "rate"], json!("sum(rate(front_total[1m])"));
    refused(&shop, &["rate of back", "parse error"]);
    shop.connect(&["services", "back", "rate"], rate);
    shop.connect(&["services", "back", "workload"], json!("rear"));
    refused(&shop, &["service `back`: there is no Deployment `rear`"]);
    shop.connect(&["services", "back", "workload"], json!("back"));
    shop.deploy("back", "2", "1Gi");
    refused(&shop, &["service `back` asks for 1 CPU", "Deployment `back` for 2 CPU"]);
    shop.deploy("back", "1", "1Gi");
    let chart = format!("oci://{}/smo-test/nothing:1.0.0", stack.address("registry"));
    shop.connect(&["charts"], json!({"plain_hosts": [stack.address("registry")]}));
    shop.connect(&["services", "front", "release"], json!({"chart": chart}));
    shop.connect(&["charts", "helm"], json!("helm-of-nobody"));
    refused(&shop, &["helm-of-nobody"]);
    shop.connect(&["charts", "helm"], json!("helm-4.3"));
    refused(&shop, &["nothing:1.0.0"]);
}
