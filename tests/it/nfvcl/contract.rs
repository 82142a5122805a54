//! What is spoken, and what is made of its answers: versions, kubeconfigs, tokens; and that the stub is a strict one.

use super::{PASSWORD, cluster, ready, stored, vim, worlds};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use smo::backend::live::http::Auth;
use smo::serve::nfvcl::answer::Blueprint;
use smo::serve::nfvcl::{Nfvcl, NfvclError, Sites, Version};
use smo::serve::store::Store;

/// A stub that let anything through would prove nothing.
#[tokio::test]
async fn the_stub_refuses_what_nfvcl_refuses() {
    for world in worlds("the_stub_refuses_what_nfvcl_refuses").await {
        let (client, url) = (Client::new(), &world.nfvcl.url);
        let original = json!({"areas": [{"area_id": 4, "is_master_area": true, "mgmt_net": "control",
            "additional_networks": ["data"], "service_net_required_ip_number": 20, "worker_replicas": 1}]});
        for (body, fault) in [
            (original, json!(["extra_forbidden", ["body", "areas", 0, "service_net_required_ip_number"]])),
            (json!({}), json!(["missing", ["body", "areas"]])),
            (json!({"areas": []}), json!(["too_short", ["body", "areas"]])),
            (
                json!({"areas": [{"area_id": "4", "mgmt_net": "c"}]}),
                json!(["integer_type", ["body", "areas", 0, "area_id"]]),
            ),
            (
                json!({"areas": [{"area_id": 4, "mgmt_net": "c", "worker_replicas": 0}]}),
                json!(["greater_than", ["body", "areas", 0, "worker_replicas"]]),
            ),
            (json!({"areas": [{"area_id": 4, "mgmt_net": "c"}], "cni": "cilium"}), json!(["enum", ["body", "cni"]])),
        ] {
            let answer = client.post(format!("{url}/nfvcl/v2/api/blue/k8s")).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let said: Value = answer.json().await.unwrap();
            assert_eq!(json!([said["detail"][0]["type"], said["detail"][0]["loc"]]), fault);
        }
        let ask = |method: Method, path: &str| client.request(method, format!("{url}{path}"));
        let not_followed = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let slash = not_followed.get(format!("{url}/v1/topology/")).send().await.unwrap();
        assert_eq!(slash.status(), StatusCode::TEMPORARY_REDIRECT);
        let by_post = ask(Method::POST, "/nfvcl/v2/api/blue/k8s/add_node?blue_id=x").send().await.unwrap();
        assert_eq!(by_post.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(ask(Method::GET, "/v3").send().await.unwrap().status(), StatusCode::NOT_FOUND);
        assert_eq!(ask(Method::GET, "/v1/topology").send().await.unwrap().status(), 500, "there is none yet");
    }
}

#[tokio::test]
async fn the_contract_is_what_each_version_publishes() {
    let worlds = worlds("the_contract_is_what_each_version_publishes").await;
    for (world, is_newer) in worlds.iter().zip([false, true]) {
        let client = Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        let contract = client.contract().await.unwrap();
        assert_eq!(
            (contract.has_openstack_part, contract.has_kubeconfig, contract.has_force),
            (is_newer, is_newer, is_newer)
        );
        assert_eq!(contract.add_workers_by, Method::PUT);
        client.contract().await.unwrap();
        assert_eq!(world.nfvcl.asked("GET"), ["/openapi.json"], "it is read once");
    }
}

#[tokio::test]
async fn an_nfvcl_that_is_away_is_said_to_be_and_nothing_is_written_down() {
    let store = Store::open("sqlite://:memory:").await.unwrap();
    let client = Nfvcl::new("http://127.0.0.1:9", Version::Auto, Auth::None).unwrap();
    let sites = Sites::new(store.clone(), client, None, "here".to_owned());
    let error = sites.create_vim(vim("athens", 4)).await.unwrap_err();
    assert!(matches!(&error, NfvclError::Away(reason) if !reason.contains(PASSWORD)), "{error:?}");
    assert!(matches!(sites.sync_clusters(None).await, Err(NfvclError::Away(_))));
    assert_eq!(store.docs("vim").await.unwrap(), []);
}

#[tokio::test]
async fn the_kubeconfig_is_had_from_both_versions() {
    for world in worlds("the_kubeconfig_is_had_from_both_versions").await {
        world.nfvcl.state().kubeconfig = "clusters: [{cluster: {server: 'https://10.0.0.9:6443'}}]".to_owned();
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        ready(&world, "athens").await;
        let client = Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        let found: Vec<Blueprint> = client.clusters().await.unwrap();
        let wanted = Some(world.nfvcl.state().kubeconfig.clone());
        assert_eq!(client.kubeconfig(&found[0]).await.unwrap(), wanted);
        let onboarded = Blueprint { credentials: None, ..found[0].clone() };
        assert_eq!(client.kubeconfig(&onboarded).await.unwrap(), wanted);
        assert!(!stored(&world.store).await.contains("10.0.0.9"), "credentials of clusters are not kept");
    }
}

#[tokio::test]
async fn an_nfvcl_that_wants_a_token_gets_it() {
    for world in worlds("an_nfvcl_that_wants_a_token_gets_it").await {
        world.nfvcl.state().token = Some("t0k".to_owned());
        let error = world.sites.sync_clusters(None).await.unwrap_err();
        assert!(matches!(&error, NfvclError::Refused(reason) if reason.contains("Not authenticated")), "{error:?}");
        let client = Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::Bearer("t0k".to_owned())).unwrap();
        assert!(client.clusters().await.is_ok());
    }
}

/// The letters of the password are those that a form writes otherwise. Tokens end when NFVCL says so: what was asked meanwhile is done once.
#[tokio::test]
async fn an_nfvcl_with_users_is_logged_in_to_and_again_when_the_token_has_ended() {
    let password = "p&ss=w \u{f6}rd%+";
    for world in worlds("an_nfvcl_with_users_is_logged_in_to_and_again_when_the_token_has_ended").await {
        let log_in = |password: &str| {
            let auth = Auth::Basic { user: "smo".to_owned(), password: password.to_owned() };
            Nfvcl::new(&world.nfvcl.url, Version::Auto, auth).unwrap()
        };
        let log_ins = || world.nfvcl.state().asked.iter().filter(|one| *one == "POST /token").count();
        let gives = |token: &str| world.nfvcl.state().token = Some(token.to_owned());
        world.nfvcl.state().user = Some(("smo".to_owned(), password.to_owned()));
        gives("first");
        let sites = Sites::new(world.store.clone(), log_in(password), None, "here".to_owned());
        sites.create_vim(vim("athens", 3)).await.unwrap();
        assert_eq!(log_ins(), 1, "one token is for all requests");
        gives("second");
        sites.create_cluster(cluster("athens")).await.unwrap();
        assert_eq!((log_ins(), world.nfvcl.state().blueprints.len()), (2, 1));
        gives("third");
        let error = log_in("wr0ng-one").clusters().await.unwrap_err();
        assert!(error.reason.starts_with("Incorrect username or password (status 401)"), "{error}");
        assert!(!format!("{error:?} {:?}", log_in("wr0ng-one")).contains("wr0ng-one"));
        assert!(!stored(&world.store).await.contains(password));
    }
}
