//! The routes of NFVCL, ours and the original's, of a whole server in front of the stub.

use super::{PASSWORD, documents, stub};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use smo::serve::config::Config;
use smo::serve::server;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc;
use tokio::sync::oneshot;

/// What a server says at its start.
struct Said(mpsc::Sender<String>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _nobody = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server on a thread of its own, until this is dropped.
struct Server {
    url: String,
    client: Client,
    end: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.end.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Server {
    fn of(nfvcl: Option<&str>) -> Self {
        let mut flags = vec![("listen", "127.0.0.1:0"), ("database", "sqlite://:memory:")];
        flags.extend(nfvcl.map(|url| ("nfvcl.url", url)));
        let flags: Vec<_> = flags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let config = Config::load(None, &flags, &BTreeMap::new()).unwrap();
        let (say, said) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let until = async move {
                let _dropped = ended.await;
            };
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(server::serve(config, &mut Said(say), until)).unwrap();
        });
        let mut text = String::new();
        let url = loop {
            text += &said.recv().expect("it says where it serves");
            if let Some((_, after)) = text.split_once("smo serves at ")
                && let Some((url, _)) = after.split_once(';')
            {
                break url.to_owned();
            }
        };
        Self { url, client: Client::new(), end: Some(end), thread: Some(thread) }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.url));
        body.map_or_else(|| request.try_clone().unwrap(), |body| request.try_clone().unwrap().json(body))
            .send()
            .await
            .unwrap()
    }

    /// Status and JSON.
    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let answer = self.ask(method, path, body).await;
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Status and text.
    async fn text(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, String) {
        let answer = self.ask(method, path, body).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

async fn servers(test: &str) -> Vec<(stub::Nfvcl, Server)> {
    let mut servers = Vec::new();
    for document in documents(test) {
        let nfvcl = stub::Nfvcl::of(document).await;
        let url = nfvcl.url.clone();
        servers.push((nfvcl, tokio::task::spawn_blocking(move || Server::of(Some(&url))).await.unwrap()));
    }
    servers
}

fn vim() -> Value {
    let net = |name: &str, at: u8| json!({"name": name, "cidr": format!("10.{at}.0.0/24"), "gateway": format!("10.{at}.0.1")});
    json!({"topology": "topology-1", "pop_area": 4, "vim_name": "athens", "vim_tenant_name": "tenant", "vim_user": "user",
        "vim_password": PASSWORD, "vim_url": "http://10.9.9.9:5000/v3", "mgmt_network": net("control", 0),
        "service_network": net("data", 1), "use_floating_ip": false})
}

/// Whether a sync found that; else the server has, a moment before, by itself.
fn one_of(synced: &Value, message: &str) -> bool {
    let found = synced[0]["message"] == message;
    assert!(found || synced[0]["message"] == "Openstack k8s are already synced with NFVCL", "{synced}");
    found
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_routes_of_vims_answer_as_it_does() {
    for (_nfvcl, server) in servers("the_originals_routes_of_vims_answer_as_it_does").await {
        let none = (200, "No Registered VIMs (or check pop_area)\n".to_owned());
        assert_eq!(server.text(GET, "/vims/smo_vims", None).await, none);
        let (_, said) = server.json(GET, "/vims/sync/nfvcl_vims", None).await;
        let message = "No new VIMs obtained by the NFVCL and no existing VIMs in the database.";
        assert_eq!(said, json!({"message": message}));
        let mut missing = vim();
        missing.as_object_mut().unwrap().remove("vim_password");
        assert_eq!(server.text(POST, "/vims/smo_vims", Some(&missing)).await, (400, "'vim_password'\n".to_owned()));
        let mut typed = vim();
        typed["vim_type"] = "whatever".into();
        let (status, made) = server.json(POST, "/vims/smo_vims", Some(&typed)).await;
        let row = json!({"id": 1, "pop_area": 4, "vim_name": "athens", "vim_url": "http://10.9.9.9:5000/v3", "vim_type": "Openstack",
            "vim_networks": ["control", "data"], "mgmt_network": "control", "service_network": "data", "use_floating_ip": false});
        assert_eq!((status, &made["vim"]), (201, &row));
        assert!(made["NFVCL_Response"]["status"].is_string() && !made.to_string().contains(PASSWORD), "{made}");
        assert_eq!(server.json(GET, "/vims/smo_vims", None).await, (200, json!({"SMO VIMs": [row]})));
        assert_eq!(server.json(GET, "/vims/smo_vims?pop_area=4", None).await, (200, json!({"SMO VIMs": row})));
        assert_eq!(server.text(GET, "/vims/smo_vims?pop_area=5", None).await, none);
        assert_eq!(server.json(GET, "/vims/smo_vims/1", None).await, (200, row.clone()));
        let absent = (404, "VIM with SMO ID 7 not found\n".to_owned());
        assert_eq!(server.text(GET, "/vims/smo_vims/7", None).await, absent);
        let (_, said) = server.json(GET, "/vims/sync/nfvcl_vims", None).await;
        assert_eq!(said, json!({"message": "No new VIMs obtained by the NFVCL. Existing VIMs:", "vims": [row]}));
        let (status, gone) = server.json(DELETE, "/vims/smo_vims/1", None).await;
        assert_eq!((status, &gone["message"]), (200, &json!("VIM with SMO ID 1 deleted successfully")));
        assert!(!gone["NFVCL_Response"].is_null());
        assert_eq!(server.text(DELETE, "/vims/smo_vims/7", None).await, absent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_routes_of_clusters_answer_as_it_does() {
    for (nfvcl, server) in servers("the_originals_routes_of_clusters_answer_as_it_does").await {
        let none = (200, "No Registered OS_K8S Clusters\n".to_owned());
        assert_eq!(server.text(GET, "/os_k8s/clusters", None).await, none);
        let asked = json!({"pop_area": 4, "vim_name": "athens"});
        assert_eq!(server.ask(POST, "/os_k8s/clusters", Some(&asked)).await.status(), 404);
        server.json(POST, "/vims/smo_vims", Some(&vim())).await;
        let (status, made) = server.json(POST, "/os_k8s/clusters", Some(&asked)).await;
        assert_eq!((status, &made["message"]), (201, &json!("OS K8S cluster created successfully")));
        assert!(made["NFVCL_Response"]["detail"].as_str().unwrap().starts_with("Blueprint "));
        let (_, all) = server.json(GET, "/os_k8s/clusters", None).await;
        let id = all[0]["smo_id"].as_str().unwrap().to_owned();
        let columns: Vec<&String> = all[0].as_object().unwrap().keys().collect();
        let wanted = [
            "smo_id",
            "is_master_area",
            "nfvcl_id",
            "pop_area",
            "master_flavor",
            "mgmt_network",
            "service_network",
            "running_workers",
            "karmada_details",
            "submariner_details",
        ];
        assert_eq!(columns, wanted);
        nfvcl.settle();
        let (_, synced) = server.json(POST, "/os_k8s/sync/nfvcl_k8s?pop_area=4", None).await;
        one_of(&synced, "Existing Openstack k8s updated successfully");
        assert_eq!(server.json(GET, &format!("/os_k8s/cluster/{id}"), None).await.1["running_workers"], 1);
        let (_, synced) = server.json(POST, "/os_k8s/sync/nfvcl_k8s?pop_area=5", None).await;
        assert_eq!(synced[0]["message"], "Openstack k8s are already synced with NFVCL");
        assert_eq!(server.json(GET, &format!("/os_k8s/cluster/{id}"), None).await.1["pop_area"], 4);
        assert_eq!(server.ask(GET, "/os_k8s/cluster/OS_K8S_4_xxxxx", None).await.status(), 404);
        let scaled = server.json(POST, &format!("/os_k8s/scale-out/{id}"), None).await;
        assert_eq!(scaled, (200, json!({"message": "Node added to k8s cluster successfully"})));
        let deleted = server.json(DELETE, &format!("/os_k8s/cluster/{id}"), None).await;
        assert_eq!(deleted, (200, json!({"message": "OS K8S cluster deleted successfully"})));
        nfvcl.settle();
        let (_, synced) = server.json(POST, "/os_k8s/sync/nfvcl_k8s", None).await;
        if one_of(&synced, "Deleted Openstack k8s successfully") {
            assert_eq!(synced[0]["deleted_nfvcl_k8s"], json!([id]));
        }
        assert_eq!(server.text(GET, "/os_k8s/clusters", None).await, none);
        assert_eq!(server.json(GET, "/bm_k8s/clusters", None).await, (200, json!([])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_routes_say_what_was_made_and_what_is_wrong() {
    for (nfvcl, server) in servers("our_routes_say_what_was_made_and_what_is_wrong").await {
        let made = server.ask(POST, "/v1/vims", Some(&vim())).await;
        assert_eq!((made.status().as_u16(), &made.headers()["location"]), (201, &"/v1/vims/athens".parse().unwrap()));
        let mut odd = vim();
        odd["colour"] = "red".into();
        let wrong = json!({"vim_name": "athens", "workers": 0});
        let number = json!({"vim_password": 12_345, "vim_name": "x"});
        for (method, path, body, status) in [
            (POST, "/v1/vims", Some(&vim()), 409),
            (POST, "/v1/vims", Some(&odd), 422),
            (POST, "/v1/vims", Some(&number), 422),
            (GET, "/v1/vims?colour=red", None, 400),
            (GET, "/v1/vims?pop_area=four", None, 400),
            (GET, "/v1/vims/rome", None, 404),
            (POST, "/v1/os-k8s-clusters", Some(&wrong), 422),
            (DELETE, "/v1/os-k8s-clusters/OS_K8S_4_xxxxx", None, 404),
        ] {
            let (answered, problem) = server.json(method.clone(), path, body).await;
            assert_eq!((answered, &problem["status"]), (status, &json!(status)), "{method} {path}: {problem}");
            assert!(!problem.to_string().contains("12345") && !problem.to_string().contains(PASSWORD), "{problem}");
        }
        let made = server.ask(POST, "/v1/os-k8s-clusters", Some(&json!({"vim_name": "athens", "join": false}))).await;
        assert_eq!(made.status(), 202);
        let at = made.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(server.json(GET, &at, None).await.1["state"], "deploying");
        nfvcl.settle();
        let (_, synced) = server.json(POST, "/v1/os-k8s-clusters/sync?pop_area=4", None).await;
        assert_eq!(synced["items"][0]["state"], "ready");
        let more = json!({"workers": 2});
        assert_eq!(server.ask(POST, &format!("{at}/scale-out"), Some(&more)).await.status(), 202);
        assert_eq!(server.ask(DELETE, "/v1/vims/athens", None).await.status(), 409);
        let (status, goes) = server.json(DELETE, &at, None).await;
        assert_eq!((status, &goes["state"]), (202, &json!("deleting")));
        nfvcl.settle();
        assert_eq!(server.json(POST, "/v1/os-k8s-clusters/sync", None).await.1["items"], json!([]));
        let (status, gone) = server.json(DELETE, "/v1/vims/1", None).await;
        assert_eq!((status, &gone["vim_name"]), (200, &json!("athens")));
        assert_eq!(server.json(GET, "/v1/bm-k8s-clusters", None).await.1["items"], json!([]));
        let (_, events) = server.json(GET, "/v1/events", None).await;
        assert!(!events.to_string().contains(PASSWORD) && events.to_string().contains("cluster.requested"), "{events}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_nfvcl_says_so() {
    let server = tokio::task::spawn_blocking(|| Server::of(None)).await.unwrap();
    let (status, problem) = server.json(GET, "/v1/vims", None).await;
    assert_eq!((status, &problem["type"]), (404, &json!("urn:smo:problem:no-nfvcl")));
    let (status, text) = server.text(GET, "/os_k8s/clusters", None).await;
    assert_eq!((status, text.as_str()), (404, "no NFVCL is configured; set `nfvcl.url`\n"));
}
