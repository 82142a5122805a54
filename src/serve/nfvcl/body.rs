//! What NFVCL is sent: bodies of both contracts, from what a caller asks for.
//!
//! Only fields that the contract lists are sent (NFVCL refuses all others), and none that would only repeat a default.

use super::contract::Contract;
use super::rows::{ClusterRequest, Net, Vim, VimRequest};
use serde_json::{Value, json};

/// A VIM.
pub fn vim(contract: &Contract, request: &VimRequest) -> Value {
    let config = json!({
        "insecure": request.insecure, "APIversion": "v3.3", "use_floating_ip": request.use_floating_ip,
    });
    let mut body = json!({
        "name": request.name, "vim_type": request.vim_type.as_str(), "vim_url": request.url, "vim_user": request.user,
        "vim_password": request.password.0, "config": config,
        "networks": [request.mgmt_network.name, request.service_network.name], "areas": [request.pop_area],
    });
    if contract.has_openstack_part {
        let mut part = json!({"project_name": request.tenant});
        for (key, value) in [
            ("region_name", &request.region),
            ("user_domain_name", &request.user_domain),
            ("project_domain_name", &request.project_domain),
        ] {
            if let Some(value) = value {
                part[key] = value.as_str().into();
            }
        }
        body["vim_openstack_parameters"] = part;
    } else {
        body["vim_tenant_name"] = request.tenant.as_str().into();
    }
    body
}

/// A network of a topology.
pub fn network(net: &Net) -> Value {
    json!({
        "name": net.name, "external": false, "type": "vxlan", "vid": null, "dhcp": true, "cidr": net.cidr,
        "gateway_ip": net.gateway,
    })
}

/// A topology with nothing in it but this VIM and its networks.
pub fn topology(id: &str, vim: &Value, networks: &[Value]) -> Value {
    json!({
        "id": id, "vims": [vim], "networks": networks, "kubernetes": [], "routers": [], "pdus": [], "prometheus_srv": [],
    })
}

/// A cluster: its master area, with its first workers.
pub fn cluster(vim: &Vim, area: i64, request: &ClusterRequest) -> Value {
    let mut body = json!({"areas": [area_of((&vim.mgmt_network, &vim.service_network), area, true, request.workers)]});
    if let Some(cni) = &request.cni {
        body["cni"] = cni.as_str().into();
    }
    if let Some(flavor) = &request.master_flavor {
        body["master_flavors"] = flavor.clone();
    }
    if let Some(flavor) = &request.worker_flavor {
        body["areas"][0]["worker_flavors"] = flavor.clone();
    }
    body
}

/// Workers more.
pub fn workers(networks: (&Option<String>, &Option<String>), area: i64, workers: u32) -> Value {
    json!({"areas": [area_of(networks, area, false, workers)]})
}

fn area_of((mgmt, service): (&Option<String>, &Option<String>), area: i64, is_master: bool, workers: u32) -> Value {
    let additional: Vec<&String> = service.iter().filter(|service| Some(*service) != mgmt.as_ref()).collect();
    json!({
        "area_id": area, "is_master_area": is_master, "mgmt_net": mgmt, "additional_networks": additional,
        "worker_replicas": workers,
    })
}
