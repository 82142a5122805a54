//! L14: a cluster that NFVCL has made becomes a member of the real Karmada, and is let go again.
//!
//! NFVCL is the stub that is made from its OpenAPI documents; the cluster that it "makes" is a third real API server, started by the test,
//! with the controller that makes tokens of accounts.

#[path = "../nfvcl/schema.rs"]
mod schema;
#[path = "../nfvcl/stub.rs"]
mod stub;

use super::stack::{Stack, stack};
use serde_json::{Value, json};
use smo::backend::live::http::Auth;
use smo::backend::live::karmada::Karmada;
use smo::model::connection::{Division, KarmadaAt};
use smo::serve::nfvcl::rows::ClusterState;
use smo::serve::nfvcl::{Nfvcl, Sites, Version};
use smo::serve::store::Store;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PORT: u16 = 6449;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn start(log: &Path, program: &str, arguments: &[String]) -> Running {
    let log = std::fs::File::create(log).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(log);
    Running(command.spawn().expect("it is on the path inside `scripts/live exec`"))
}

/// An API server beside the members', and its kubeconfig.
fn cluster(stack: &Stack, folder: &Path) -> (Vec<Running>, PathBuf) {
    let pki = stack.run.join("pki").display().to_string();
    let known = std::fs::read_to_string(stack.kubeconfig("member1")).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&known).unwrap();
    kubeconfig["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{PORT}").into();
    let file = folder.join("l14.kubeconfig");
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let serving = |port: u16| {
        let given = [format!("--secure-port={port}"), format!("--tls-cert-file={pki}/server.crt")];
        [
            vec!["--bind-address=127.0.0.1".to_owned(), format!("--tls-private-key-file={pki}/server.key")],
            given.to_vec(),
        ]
        .concat()
    };
    // A prefix of its own each time: what a test before has left is another cluster.
    let prefix = format!("--etcd-prefix=/l14-{}", std::process::id());
    let api = [
        "--etcd-servers=http://127.0.0.1:2379",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        "--profiling=false",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--disable-admission-plugins=ServiceAccount",
    ];
    let of_pki =
        ["client-ca-file=ca.crt", "service-account-key-file=sa.pub", "service-account-signing-key-file=sa.key"];
    let in_pki = |flag: &str| flag.split_once('=').map(|(flag, file)| format!("--{flag}={pki}/{file}")).unwrap();
    let api = api.map(str::to_owned).into_iter().chain(of_pki.map(in_pki)).chain(serving(PORT)).chain([prefix]);
    let api = start(&folder.join("api.log"), "kube-apiserver", &api.collect::<Vec<_>>());
    let ready = ["get", "--raw", "/readyz", "--kubeconfig"];
    let is_ready = || Command::new("kubectl").args(ready).arg(&file).output().unwrap().status.success();
    assert!((0..600).any(|_| is_ready()), "{}", std::fs::read_to_string(folder.join("api.log")).unwrap());
    let config = file.display();
    let manager = [
        format!("--kubeconfig={config}"),
        "--controllers=serviceaccount-token,namespace".to_owned(),
        "--leader-elect=false".to_owned(),
        in_pki("root-ca-file=ca.crt"),
        in_pki("service-account-private-key-file=sa.key"),
    ];
    let manager = manager.into_iter().chain(serving(PORT + 10_000)).collect::<Vec<_>>();
    (vec![start(&folder.join("kcm.log"), "kube-controller-manager", &manager), api], file)
}

fn document(version: &str) -> Option<Value> {
    let given = std::env::var_os("SMO_DATA_DIR").map(PathBuf::from);
    let data = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let text = std::fs::read_to_string(data.join(format!("nfvcl/openapi-{version}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

async fn karmada(stack: &Stack) -> Karmada {
    let at = KarmadaAt {
        kubeconfig: stack.kubeconfig("karmada"),
        context: None,
        namespace: "karmada-cluster".to_owned(),
        division: Division::Own,
    };
    Karmada::open(&at).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_a_cluster_of_nfvcl_becomes_a_member_and_is_let_go() {
    let Some(stack) = stack("l14") else { return };
    let documents: Vec<Value> = ["0.3.2", "0.4.1"].into_iter().filter_map(document).collect();
    if documents.is_empty() {
        return eprintln!("l14: SKIPPED: no SMO_DATA_DIR and no ../shared/data with the documents of NFVCL");
    }
    let folder = tempfile::tempdir().unwrap();
    let (_running, kubeconfig) = cluster(&stack, folder.path());
    for document in documents {
        let nfvcl = stub::Nfvcl::of(document).await;
        nfvcl.state().kubeconfig = std::fs::read_to_string(&kubeconfig).unwrap();
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let client = Nfvcl::new(&nfvcl.url, Version::Auto, Auth::None).unwrap();
        let sites = Sites::new(store.clone(), client, Some(karmada(&stack).await), "l14".to_owned());
        let net = |name: &str| json!({"name": name, "cidr": "10.0.0.0/24"});
        let vim = json!({"pop_area": 4, "vim_name": "l14", "vim_url": "http://10.9.9.9:5000/v3", "vim_tenant_name": "t",
            "vim_user": "u", "vim_password": "p", "mgmt_network": net("control"), "service_network": net("data")});
        sites.create_vim(serde_json::from_value(vim).unwrap()).await.unwrap();
        let asked = serde_json::from_value(json!({"vim_name": "l14"})).unwrap();
        let (row, _) = sites.create_cluster(asked).await.unwrap();
        nfvcl.settle();
        sites.look().await;
        let row = sites.cluster(&row.id).await.unwrap();
        assert_eq!((row.state, &row.karmada.reason), (ClusterState::Ready, &None), "{row:?}");
        let name = row.karmada.name.clone().unwrap();
        assert_eq!(name, row.id.to_lowercase().replace('_', "-"));
        let wait = |what: &str, of: &[&str]| {
            stack.kubectl("karmada", &[&["wait", what, "--timeout=60s"], of].concat()).unwrap()
        };
        let member = format!("cluster/{name}");
        wait("--for=condition=Ready", &[&member]);
        let joined = stack.get("karmada", &[&member]).unwrap();
        assert_eq!((&joined["spec"]["syncMode"], &joined["spec"]["region"]), (&json!("Push"), &json!("area-4")));
        let owned = stack.get("karmada", &["secret", &name, "-n", "karmada-cluster"]).unwrap();
        assert_eq!(owned["metadata"]["ownerReferences"][0]["uid"], joined["metadata"]["uid"]);
        assert!(!serde_json::to_string(&store.docs("os_k8s").await.unwrap()).unwrap().contains("client-key-data"));
        // It answers through Karmada, by the account that acts for others.
        karmada(&stack).await.probe(&name, Duration::from_secs(10)).await.unwrap();

        let (gone, _) = sites.delete_cluster(&row.id, false).await.unwrap();
        assert_eq!((gone.state, gone.karmada.name), (ClusterState::Deleting, None));
        assert!(stack.get("karmada", &[&member]).is_none());
        wait(
            "--for=delete",
            &[&format!("secret/{name}"), &format!("secret/{name}-impersonator"), "-n", "karmada-cluster"],
        );
        nfvcl.settle();
        sites.look().await;
        assert!(sites.cluster(&row.id).await.is_err());
    }
}
