//! Which objects a join makes, on both sides, and what it does where some are there already.

use super::{Joined, Joining, NAME_MAX};
use crate::backend::live::karmada::Karmada;
use crate::backend::live::karmada::member::Member;
use crate::backend::live::names::is_name;
use crate::backend::live::outside::Class;
use crate::backend::live::stub::{Exchange, Stub, exchange, get};
use crate::model::connection::Division;
use axum::http::Method;
use serde_json::{Value, json};

const MEMBERS: &str = "/api/v1/namespaces/karmada-cluster";
const CLUSTERS: &str = "/apis/cluster.karmada.io/v1alpha1/clusters";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

fn kubeconfig(server: &str, user: &Value) -> String {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}], "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]})
    .to_string()
}

async fn member(stub: &Stub) -> Member {
    Member::of_kubeconfig(&kubeconfig(&stub.url, &json!({"token": "root"}))).await.unwrap()
}

fn karmada(stub: &Stub) -> Karmada {
    crate::backend::live::tls::install();
    let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
    Karmada::with_client(client, "karmada-cluster", Division::Own)
}

fn object(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "uid": format!("uid of {name}")}})
}

fn post(target: &str, kind: &str, name: &str) -> Exchange {
    exchange(Method::POST, &format!("{target}?"), 201, &object(kind, name))
}

fn there() -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "AlreadyExists", "code": 409, "message": "it is there"})
}

fn joined(clusters: &Value) -> Exchange {
    let list =
        json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "ClusterList", "metadata": {}, "items": clusters});
    get(&format!("{CLUSTERS}?"), 200, list)
}

fn cluster(name: &str, id: &str) -> Value {
    json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": {"id": id}})
}

/// What is asked of the member: who it is, then the accounts, then their tokens.
fn of_member() -> Vec<Exchange> {
    let secret = |name: &str, data: &Value| {
        let mut secret = object("Secret", name);
        secret["data"] = data.clone();
        secret
    };
    let own = json!({"token": "b3du", "ca.crt": "Y2E="});
    vec![
        get("/api/v1/namespaces/kube-system", 200, object("Namespace", "kube-system")),
        exchange(Method::POST, "/api/v1/namespaces?", 409, &there()),
        get("/api/v1/namespaces/karmada-cluster", 200, object("Namespace", "karmada-cluster")),
        post(&format!("{MEMBERS}/serviceaccounts"), "ServiceAccount", "karmada-impersonator"),
        post(&format!("{MEMBERS}/serviceaccounts"), "ServiceAccount", "karmada-new"),
        post(&format!("{RBAC}/clusterroles"), "ClusterRole", "karmada-controller-manager:karmada-new"),
        post(&format!("{RBAC}/clusterrolebindings"), "ClusterRoleBinding", "karmada-controller-manager:karmada-new"),
        exchange(
            Method::POST,
            &format!("{MEMBERS}/secrets?"),
            201,
            &secret("karmada-impersonator", &json!({"token": "aW1w"})),
        ),
        exchange(Method::POST, &format!("{MEMBERS}/secrets?"), 201, &secret("karmada-new", &own)),
    ]
}

fn joining() -> Joining {
    Joining { name: "new".to_owned(), region: Some("area-4".to_owned()), provider: None }
}

#[tokio::test]
async fn a_join_makes_accounts_in_the_member_and_secrets_that_go_with_the_cluster() {
    let there = Stub::of(of_member()).await;
    let secrets = format!("{MEMBERS}/secrets");
    let patch = |name: &str| exchange(Method::PATCH, &format!("{secrets}/{name}?"), 200, &object("Secret", name));
    let here = Stub::of(vec![
        joined(&json!([cluster("member1", "another")])),
        post("/api/v1/namespaces", "Namespace", "karmada-cluster"),
        exchange(Method::POST, &format!("{secrets}?"), 201, &{
            let mut made = object("Secret", "new-impersonator");
            made["data"] = json!({"token": "aW1w"});
            made
        }),
        // One that an earlier try has left, with an older token.
        exchange(Method::POST, &format!("{secrets}?"), 409, &self::there()),
        get(&format!("{secrets}/new"), 200, object("Secret", "new")),
        patch("new"),
        post(CLUSTERS, "Cluster", "new"),
        patch("new"),
        patch("new-impersonator"),
    ])
    .await;
    let done = karmada(&here).join(&member(&there).await, &joining()).await.unwrap();
    assert_eq!(done, Joined { name: "new".to_owned(), is_new: true });
    there.finish();
    here.finish();
    assert!(there.requests().iter().all(|seen| seen.authorization == "Bearer root"));
    let bodies = here.bodies();
    assert_eq!(bodies[5]["data"], json!({"token": "b3du", "caBundle": "Y2E="}));
    let spec = json!({"id": "uid of kube-system", "syncMode": "Push", "apiEndpoint": there.url,
        "secretRef": {"namespace": "karmada-cluster", "name": "new"},
        "impersonatorSecretRef": {"namespace": "karmada-cluster", "name": "new-impersonator"}, "region": "area-4"});
    assert_eq!(bodies[6]["spec"], spec);
    assert_eq!(bodies[7]["metadata"]["ownerReferences"][0]["uid"], "uid of new");
    let role = &there.bodies()[5];
    assert_eq!(role["rules"][0], json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}));
}

#[tokio::test]
async fn a_cluster_that_is_a_member_already_is_not_joined_twice_and_a_name_is_not_taken_from_another() {
    let there = Stub::of(vec![]).await;
    let known = || get("/api/v1/namespaces/kube-system", 200, object("Namespace", "kube-system"));
    there.expect(vec![known(), known()]);
    let here = Stub::of(vec![
        joined(&json!([cluster("old", "uid of kube-system")])),
        joined(&json!([cluster("new", "another")])),
    ])
    .await;
    let (karmada, member) = (karmada(&here), member(&there).await);
    let done = karmada.join(&member, &joining()).await.unwrap();
    assert_eq!(done, Joined { name: "old".to_owned(), is_new: false });
    let error = karmada.join(&member, &joining()).await.unwrap_err();
    assert_eq!((error.class, error.reason.as_str()), (Class::Permanent, "another cluster has that name"));
    there.finish();
    here.finish();
}

#[tokio::test]
async fn a_member_is_let_go_once() {
    let absent = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": ""});
    let target = format!("{CLUSTERS}/new");
    let here = Stub::of(vec![
        exchange(Method::DELETE, &format!("{target}?"), 200, &cluster("new", "x")),
        get(&target, 200, cluster("new", "x")),
        exchange(Method::DELETE, &format!("{target}?"), 404, &absent),
        get(&target, 404, absent),
    ])
    .await;
    let karmada = karmada(&here);
    assert_eq!((karmada.unjoin("new").await, karmada.is_member("new").await), (Ok(true), Ok(true)));
    assert_eq!((karmada.unjoin("new").await, karmada.is_member("new").await), (Ok(false), Ok(false)));
    here.finish();
}

#[tokio::test]
async fn a_kubeconfig_runs_no_program_and_reads_no_file() {
    let server = "https://127.0.0.1:1";
    let exec =
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["/tmp/x"]}});
    for (user, says) in [
        (exec, "a program"),
        (json!({"auth-provider": {"name": "gcp", "config": {}}}), "a program"),
        (json!({"tokenFile": "/etc/passwd"}), "a file"),
        (json!({"client-certificate": "/etc/passwd"}), "a file"),
        (json!({"client-key": "/etc/passwd"}), "a file"),
    ] {
        let error = Member::of_kubeconfig(&kubeconfig(server, &user)).await.unwrap_err();
        assert_eq!(error.reason, format!("it names {says}, which is not used; wanted the credentials themselves"));
    }
    for wrong in ["", "password: secret: [", "{}", "kind: Config\ncurrent-context: nobody"] {
        let error = Member::of_kubeconfig(wrong).await.unwrap_err();
        assert!(error.class == Class::Permanent && !error.to_string().contains("secret"), "{wrong}: {error}");
    }
}

#[test]
fn names_of_members_are_those_that_karmada_takes() {
    let is_name = |name: &str| is_name(name, NAME_MAX);
    assert!(is_name("os-k8s-4-abcde") && is_name("a") && is_name(&"a".repeat(48)));
    for wrong in ["", "-a", "a-", "A", "a_b", "a.b", &"a".repeat(49)] {
        assert!(!is_name(wrong), "{wrong}");
    }
}
