//! NFVCL, of both versions: the client and what is kept, against a stub that is made from their own OpenAPI documents.
//!
//! The documents are part of the public data (`SMO_DATA_DIR`); without them each test says that it was skipped.

#[path = "../nfvcl/schema.rs"]
mod schema;
#[path = "../nfvcl/stub.rs"]
mod stub;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use smo::backend::live::http::Auth;
use smo::serve::nfvcl::answer::Blueprint;
use smo::serve::nfvcl::rows::{ClusterRequest, ClusterState, OsCluster, VimRequest};
use smo::serve::nfvcl::{self, NfvclError, Sites, Version};
use smo::serve::store::Store;
use smo::serve::store::asked::EventFilter;

const PASSWORD: &str = "s3cret-of-the-vim";

/// A stub, and what knows it alone.
struct World {
    nfvcl: stub::Nfvcl,
    sites: Sites,
    store: Store,
}

/// The documents of both versions, or none, which is said.
fn documents(test: &str) -> Vec<Value> {
    let Some(data) = crate::data_dir().map(|data| data.join("nfvcl")).filter(|folder| folder.is_dir()) else {
        println!("{test}: SKIPPED: no SMO_DATA_DIR and no ../shared/data with the documents of NFVCL");
        return Vec::new();
    };
    let read = |version: &str| {
        let text = std::fs::read_to_string(data.join(format!("openapi-{version}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    ["0.3.2", "0.4.1"].map(read).to_vec()
}

async fn worlds(test: &str) -> Vec<World> {
    let mut worlds = Vec::new();
    for document in documents(test) {
        let nfvcl = stub::Nfvcl::of(document).await;
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let client = nfvcl::Nfvcl::new(&nfvcl.url, Version::Auto, Auth::None).unwrap();
        worlds.push(World { sites: Sites::new(store.clone(), client, None, "here".to_owned()), nfvcl, store });
    }
    worlds
}

fn vim(name: &str, area: i64) -> VimRequest {
    let net = |name: &str, at: u8| json!({"name": name, "cidr": format!("10.{at}.0.0/24"), "gateway": format!("10.{at}.0.1")});
    serde_json::from_value(json!({
        "topology": "topology-1", "pop_area": area, "vim_name": name, "vim_url": "http://10.9.9.9:5000/v3",
        "vim_tenant_name": "tenant", "vim_user": "user", "vim_password": PASSWORD, "use_floating_ip": true,
        "mgmt_network": net("control", 0), "service_network": net(&format!("data-{area}"), 1),
    }))
    .unwrap()
}

fn cluster(vim: &str) -> ClusterRequest {
    serde_json::from_value(json!({"vim_name": vim, "workers": 2, "join": false})).unwrap()
}

async fn ready(world: &World, vim: &str) -> OsCluster {
    let (row, _) = world.sites.create_cluster(cluster(vim)).await.unwrap();
    world.nfvcl.settle();
    world.sites.look().await;
    world.sites.cluster(&row.id).await.unwrap()
}

/// Everything that the store holds, as text.
async fn stored(store: &Store) -> String {
    let mut all = String::new();
    for kind in ["vim", "os_k8s"] {
        all.push_str(&serde_json::to_string(&store.docs(kind).await.unwrap()).unwrap());
    }
    all + &serde_json::to_string(&store.events(&EventFilter::default()).await.unwrap()).unwrap()
}

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
        let client = nfvcl::Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        let contract = client.contract().await.unwrap();
        assert_eq!(
            (contract.has_openstack_part, contract.has_kubeconfig, contract.has_force),
            (is_newer, is_newer, is_newer)
        );
        assert!(contract.adds_by_put);
        client.contract().await.unwrap();
        assert_eq!(world.nfvcl.asked("GET"), ["/openapi.json"], "it is read once");
    }
}

#[tokio::test]
async fn vims_are_made_listed_and_removed() {
    for world in worlds("vims_are_made_listed_and_removed").await {
        let (first, said) = world.sites.create_vim(vim("athens", 4)).await.unwrap();
        assert_eq!((first.id, first.pop_area, first.present, &first.reason), (1, Some(4), true, &None));
        assert!(!said.to_string().contains(PASSWORD));
        let (second, _) = world.sites.create_vim(vim("berlin", 5)).await.unwrap();
        assert_eq!(second.id, 2);
        // Each network once: `control` is there already when the second comes.
        let topology = world.nfvcl.state().topology.clone().unwrap();
        let networks: Vec<&str> =
            topology["networks"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(networks, ["control", "data-4", "data-5"]);
        assert_eq!((topology["id"].as_str(), topology["vims"][1]["areas"][0].as_i64()), (Some("topology-1"), Some(5)));
        assert_eq!(topology["vims"][0]["vim_password"], PASSWORD, "NFVCL gets it");
        let names = |vims: Vec<nfvcl::rows::Vim>| vims.into_iter().map(|vim| vim.name).collect::<Vec<_>>();
        assert_eq!(names(world.sites.vims(None).await.unwrap()), ["athens", "berlin"]);
        assert_eq!(names(world.sites.vims(Some(5)).await.unwrap()), ["berlin"]);
        assert_eq!(world.sites.vim("2").await.unwrap().name, "berlin");
        for (again, says) in
            [(vim("athens", 6), "known already"), (vim("rome", 5), "the area 5 is that of the VIM `berlin`")]
        {
            let error = world.sites.create_vim(again).await.unwrap_err();
            assert!(matches!(&error, NfvclError::Conflict(reason) if reason.contains(says)), "{error:?}");
        }
        let (_, said) = world.sites.delete_vim("1").await.unwrap();
        assert!(!said.is_null());
        assert_eq!(world.nfvcl.asked("DELETE"), ["/v1/topology/vim/athens"]);
        assert_eq!(names(world.sites.vims(None).await.unwrap()), ["berlin"]);
        assert!(matches!(world.sites.delete_vim("athens").await, Err(NfvclError::Absent(_))));
        assert!(!stored(&world.store).await.contains(PASSWORD));
    }
}

#[tokio::test]
async fn vims_that_others_made_are_taken_over_and_none_is_forgotten() {
    for world in worlds("vims_that_others_made_are_taken_over_and_none_is_forgotten").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        {
            let mut state = world.nfvcl.state();
            let vims = state.topology.as_mut().unwrap()["vims"].as_array_mut().unwrap();
            let mut other = vims[0].clone();
            (other["name"], other["areas"], other["networks"]) = ("oslo".into(), json!([7, 8]), json!(["m", "s", "x"]));
            vims.push(other);
        }
        let found = world.sites.sync_vims().await.unwrap();
        assert_eq!((found.added, found.updated), (vec!["oslo".to_owned()], vec![]));
        let oslo = world.sites.vim("oslo").await.unwrap();
        assert_eq!(
            (oslo.pop_area, oslo.mgmt_network.as_deref(), oslo.service_network.as_deref()),
            (Some(7), Some("m"), Some("s"))
        );
        let shown = oslo.original();
        assert_eq!((&shown["vim_type"], &shown["vim_networks"]), (&json!("Openstack"), &json!(["m", "s", "x"])));
        let again = world.sites.sync_vims().await.unwrap();
        assert_eq!((again.added.len(), again.updated.len(), again.items.len()), (0, 0, 2));
        world.nfvcl.state().topology.as_mut().unwrap()["vims"].as_array_mut().unwrap().remove(0);
        let gone = world.sites.sync_vims().await.unwrap();
        assert_eq!(gone.updated, ["athens"]);
        assert!(!world.sites.vim("athens").await.unwrap().present);
        assert!(!stored(&world.store).await.contains(PASSWORD));
    }
}

#[tokio::test]
async fn a_cluster_is_made_scaled_out_and_taken_away() {
    for world in worlds("a_cluster_is_made_scaled_out_and_taken_away").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let (row, said) = world.sites.create_cluster(cluster("athens")).await.unwrap();
        assert!(said["detail"].as_str().unwrap().starts_with("Blueprint "));
        let letters = row.id.strip_prefix("OS_K8S_4_").unwrap();
        assert!(letters.len() == 5 && letters.bytes().all(|byte| byte.is_ascii_alphabetic()), "{}", row.id);
        assert_eq!((row.state, row.running_workers), (ClusterState::Deploying, 0));
        world.sites.look().await;
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().state, ClusterState::Deploying);
        world.nfvcl.settle();
        world.sites.look().await;
        let made = world.sites.cluster(&row.id).await.unwrap();
        assert_eq!((made.state, made.running_workers, made.nfvcl_id), (ClusterState::Ready, 2, row.nfvcl_id.clone()));
        assert_eq!(made.master_flavor["memory_mb"], "2048");
        let (_, said) = world.sites.scale_out(&row.id, 3).await.unwrap();
        assert!(said["detail"].as_str().unwrap().contains("given to the worker"));
        assert!(matches!(world.sites.scale_out(&row.id, 1).await, Err(NfvclError::Conflict(_))), "one at a time");
        world.nfvcl.settle();
        world.sites.look().await;
        let scaled = world.sites.cluster(&row.id).await.unwrap();
        assert_eq!((scaled.state, scaled.running_workers), (ClusterState::Ready, 5));
        assert!(matches!(world.sites.delete_vim("athens").await, Err(NfvclError::Conflict(_))), "a cluster is in it");
        world.sites.delete_cluster(&row.id, false).await.unwrap();
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().state, ClusterState::Deleting);
        world.nfvcl.settle();
        world.sites.look().await;
        assert!(matches!(world.sites.cluster(&row.id).await, Err(NfvclError::Absent(_))));
        let kinds: Vec<String> = world
            .store
            .events(&EventFilter { kind: Some("cluster".to_owned()), ..EventFilter::default() })
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        let wanted = ["cluster.requested", "cluster.ready", "cluster.scaled-out", "cluster.ready", "cluster.deleted"];
        assert_eq!(kinds, wanted);
    }
}

/// NFVCL has accepted, and answers what nobody understands, or nothing at all.
#[tokio::test]
async fn a_cluster_that_nfvcl_accepted_in_odd_words_is_found_all_the_same() {
    for world in worlds("a_cluster_that_nfvcl_accepted_in_odd_words_is_found_all_the_same").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let before = ready(&world, "athens").await;
        for odd in
            [(202, json!({"status": "deploying", "detail": "on its way"})), (202, json!("yes")), (504, json!({}))]
        {
            world.nfvcl.state().odd_answer = Some(odd);
            let (row, _) = world.sites.create_cluster(cluster("athens")).await.unwrap();
            let newest = world.nfvcl.state().blueprints.last().unwrap()["id"].as_str().unwrap().to_owned();
            assert_eq!((row.state, row.nfvcl_id), (ClusterState::Deploying, Some(newest)));
            assert_ne!(Some(&row.id), Some(&before.id));
        }
        // It says no id, and lists it only later.
        let hidden = std::mem::take(&mut world.nfvcl.state().blueprints);
        world.nfvcl.state().odd_answer = Some((202, json!({"detail": ""})));
        world.nfvcl.state().unmade = true;
        let (row, _) = world.sites.create_cluster(cluster("athens")).await.unwrap();
        assert_eq!((row.state, &row.nfvcl_id), (ClusterState::Unclear, &None));
        assert!(row.reason.unwrap().starts_with("NFVCL has not said which cluster it makes"));
        assert!(matches!(world.sites.delete_cluster(&row.id, false).await, Err(NfvclError::Conflict(_))));
        let mut late = hidden[0].clone();
        late["id"] = "LATE01".into();
        world.nfvcl.state().blueprints = hidden.into_iter().chain([late]).collect();
        world.sites.look().await;
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().nfvcl_id.as_deref(), Some("LATE01"));
        assert_eq!(world.sites.clusters(None).await.unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_cluster_that_nfvcl_refuses_leaves_no_row() {
    for world in worlds("a_cluster_that_nfvcl_refuses_leaves_no_row").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let refusals = [
            (400, json!({"status": "failed", "detail": "Blueprint with ID X already exist, retry..."})),
            (202, json!({"status": "failed", "detail": "no room"})),
            (500, json!({"error": "no such network"})),
        ];
        for refusal in refusals {
            world.nfvcl.state().odd_answer = Some(refusal.clone());
            world.nfvcl.state().unmade = true;
            let error = world.sites.create_cluster(cluster("athens")).await.unwrap_err();
            assert!(matches!(error, NfvclError::Refused(_)), "{refusal:?}: {error:?}");
            assert_eq!(world.sites.clusters(None).await.unwrap(), []);
        }
        let wrong_area = ClusterRequest { pop_area: Some(9), ..cluster("athens") };
        assert!(matches!(world.sites.create_cluster(wrong_area).await, Err(NfvclError::Absent(_))));
        assert!(matches!(world.sites.create_cluster(cluster("rome")).await, Err(NfvclError::Absent(_))));
        // What the stub's schema refuses comes through in its words, and without what was sent.
        let flavor = ClusterRequest { master_flavor: Some(json!({"colour": PASSWORD})), ..cluster("athens") };
        let error = world.sites.create_cluster(flavor).await.unwrap_err().to_string();
        assert!(error.contains("body.master_flavors.colour") && !error.contains(PASSWORD), "{error}");
    }
}

#[tokio::test]
async fn an_nfvcl_that_is_away_is_said_to_be_and_nothing_is_written_down() {
    let store = Store::open("sqlite://:memory:").await.unwrap();
    let client = nfvcl::Nfvcl::new("http://127.0.0.1:9", Version::Auto, Auth::None).unwrap();
    let sites = Sites::new(store.clone(), client, None, "here".to_owned());
    let error = sites.create_vim(vim("athens", 4)).await.unwrap_err();
    assert!(matches!(&error, NfvclError::Away(reason) if !reason.contains(PASSWORD)), "{error:?}");
    assert!(matches!(sites.sync_clusters(None).await, Err(NfvclError::Away(_))));
    assert_eq!(store.docs("vim").await.unwrap(), []);
}

/// Row 103: an area narrows what may be taken away too, and rows outside of it stay whatever NFVCL lists.
#[tokio::test]
async fn a_sync_of_one_area_touches_no_other() {
    for world in worlds("a_sync_of_one_area_touches_no_other").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        world.sites.create_vim(vim("berlin", 5)).await.unwrap();
        let (kept, lost) = (ready(&world, "athens").await, ready(&world, "athens").await);
        let (far, far_lost) = (ready(&world, "berlin").await, ready(&world, "berlin").await);
        {
            let mut state = world.nfvcl.state();
            let is_lost =
                |one: &Value| [&lost, &far_lost].iter().any(|row| row.nfvcl_id.as_deref() == one["id"].as_str());
            state.blueprints.retain(|one| !is_lost(one));
            // Made elsewhere, one in each area.
            for (area, id) in [(4, "ELSE04"), (5, "ELSE05")] {
                let mut other = state.blueprints[0].clone();
                (other["id"], other["state"]["master_area"]["area_id"]) = (id.into(), area.into());
                state.blueprints.push(other);
            }
        }
        let ids = |rows: &[OsCluster]| rows.iter().map(|row| row.id.clone()).collect::<std::collections::BTreeSet<_>>();
        let found = world.sites.sync_clusters(Some(4)).await.unwrap();
        assert_eq!((found.added.len(), &found.updated, &found.deleted), (1, &vec![], &vec![lost.id.clone()]));
        assert_eq!(ids(&found.items), [kept.id.clone(), found.added[0].clone()].into());
        assert_eq!(ids(&world.sites.clusters(Some(5)).await.unwrap()), [far.id.clone(), far_lost.id.clone()].into());
        let all = world.sites.sync_clusters(None).await.unwrap();
        assert_eq!((all.added.len(), &all.deleted), (1, &vec![far_lost.id]));
        assert!(world.sites.sync_clusters(None).await.unwrap().added.is_empty());
        assert!(
            all.items
                .iter()
                .any(|row| row.nfvcl_id.as_deref() == Some("ELSE05") && row.pop_area == 5 && !row.karmada.wanted)
        );
    }
}

#[tokio::test]
async fn a_cluster_that_comes_out_broken_says_why_and_goes_by_force_where_nfvcl_can() {
    for world in worlds("a_cluster_that_comes_out_broken_says_why_and_goes_by_force_where_nfvcl_can").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        world.nfvcl.state().broken = Some("Unable to establish connection to the VIM".to_owned());
        let broken = ready(&world, "athens").await;
        assert_eq!(
            (broken.state, broken.reason.as_deref()),
            (ClusterState::Failed, Some("Unable to establish connection to the VIM"))
        );
        world.sites.delete_cluster(&broken.id, false).await.unwrap();
        world.sites.look().await;
        assert_eq!(
            world.sites.cluster(&broken.id).await.unwrap().state,
            ClusterState::Failed,
            "the deletion failed as well"
        );
        world.sites.delete_cluster(&broken.id, true).await.unwrap();
        let client = nfvcl::Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        if client.contract().await.unwrap().has_force {
            world.nfvcl.settle();
            world.sites.look().await;
            assert!(world.sites.cluster(&broken.id).await.is_err());
        }
    }
}

#[tokio::test]
async fn the_kubeconfig_is_had_from_both_versions() {
    for world in worlds("the_kubeconfig_is_had_from_both_versions").await {
        world.nfvcl.state().kubeconfig = "clusters: [{cluster: {server: 'https://10.0.0.9:6443'}}]".to_owned();
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        ready(&world, "athens").await;
        let client = nfvcl::Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        let found: Vec<Blueprint> = client.clusters().await.unwrap();
        let wanted = Some(world.nfvcl.state().kubeconfig.clone());
        assert_eq!(client.kubeconfig(&found[0]).await.unwrap(), wanted);
        let onboarded = Blueprint { credentials: None, ..found[0].clone() };
        assert_eq!(client.kubeconfig(&onboarded).await.unwrap(), wanted);
        assert!(!stored(&world.store).await.contains("10.0.0.9"), "credentials of clusters are not kept");
    }
}

#[tokio::test]
async fn clusters_that_others_made_are_listed_under_an_id_that_stays() {
    for world in worlds("clusters_that_others_made_are_listed_under_an_id_that_stays").await {
        assert_eq!(world.sites.bare_metal().await.unwrap(), [], "there is no topology yet");
        let other = json!({"name": "rack-1", "provided_by": "EXTERNAL", "credentials": PASSWORD, "areas": [3], "networks": [{"name": "m"}]});
        world.nfvcl.state().external.push(other);
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        ready(&world, "athens").await;
        let listed = world.sites.bare_metal().await.unwrap();
        assert_eq!(
            (listed.len(), listed[0].name.as_str(), listed[0].mgmt_network.as_deref()),
            (1, "rack-1", Some("m"))
        );
        assert!(listed[0].smo_id.starts_with("BM_K8S_3_") && listed[0].smo_id.len() == "BM_K8S_3_abcde".len());
        assert_eq!(world.sites.bare_metal().await.unwrap(), listed);
        assert!(!serde_json::to_string(&world.store.docs("bm_k8s").await.unwrap()).unwrap().contains(PASSWORD));
    }
}

#[tokio::test]
async fn an_nfvcl_that_wants_a_token_gets_it() {
    for world in worlds("an_nfvcl_that_wants_a_token_gets_it").await {
        world.nfvcl.state().token = Some("t0k".to_owned());
        let error = world.sites.sync_clusters(None).await.unwrap_err();
        assert!(matches!(&error, NfvclError::Refused(reason) if reason.contains("Not authenticated")), "{error:?}");
        let client = nfvcl::Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::Bearer("t0k".to_owned())).unwrap();
        assert!(client.clusters().await.is_ok());
    }
}
