//! A member whose API server was away, made as good as new: what is wrong with it for minutes afterwards would be a part of the next test.
//!
//! Who watches an API server that is away asks it again after a pause that doubles up to 30 s, by jitter up to twice that, and is short
//! again only after two minutes without trouble. Tests that lose one after another find programs which see nothing for a minute: those of
//! the member, and Karmada's, which then go on to create what is there already.

use crate::shop::{Filler, until};
use crate::stack::Stack;
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);
/// One that is always there: a namespace takes long to go.
const NAMESPACE: &str = "default";

/// Starts anew who watches the member, as on a machine that comes back, and waits until they act: the member's own programs, and
/// Karmada's controllers there and back.
pub fn recover(stack: &Stack, member: &'static str) {
    for program in ["kcm", "sched", "kwok"] {
        stack.live(&["restart", &format!("{program}-{member}")]);
    }
    stack.live(&["restart", "kcontroller"]);
    let _one = Filler::new(stack, member, ("10m", 1));
    until("the controllers of the lost one act again", LIMIT, || {
        let made = stack.at(member, "/apis/apps/v1/namespaces/default/deployments/filler");
        made.is_some_and(|made| made["status"]["readyReplicas"] == 1)
    });
    propagate(stack, member);
    until("Karmada's controllers act there again", LIMIT, || {
        let made = stack.at("karmada", &format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/canary"));
        made.is_some_and(|made| made["status"]["readyReplicas"] == 1)
    });
    for kind in ["deployment", "propagationpolicy"] {
        stack.kubectl("karmada", &["delete", kind, "canary", "--namespace", NAMESPACE]).expect("it is deleted");
    }
}

/// One replica by Karmada in the member.
fn propagate(stack: &Stack, member: &str) {
    stack.apply(
        "karmada",
        &json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "canary", "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "canary"}},
            "template": {"metadata": {"labels": {"app": "canary"}}, "spec": {"containers": [
                {"name": "main", "image": "canary:1", "resources": {"requests": {"cpu": "10m", "memory": "10Mi"}}}]}}}}),
    );
    stack.apply(
        "karmada",
        &json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": "canary", "namespace": NAMESPACE},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "canary"}],
            "placement": {"clusterAffinity": {"clusterNames": [member]}}}}),
    );
}
