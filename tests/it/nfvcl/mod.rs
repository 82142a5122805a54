//! NFVCL, of both versions: the client and what is kept, against a stub that is made from their own OpenAPI documents.
//!
//! The documents are part of the public data (`SMO_DATA_DIR`); without them each test says that it was skipped.

#[path = "../../nfvcl/schema.rs"]
mod schema;
#[path = "../../nfvcl/stub.rs"]
mod stub;

mod clusters;
mod contract;
mod routes;
mod vims;

use serde_json::{Value, json};
use smo::backend::live::http::Auth;
use smo::serve::nfvcl::rows::{ClusterRequest, OsCluster, VimRequest};
use smo::serve::nfvcl::{Nfvcl, Sites, Version};
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
        let client = Nfvcl::new(&nfvcl.url, Version::Auto, Auth::None).unwrap();
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
