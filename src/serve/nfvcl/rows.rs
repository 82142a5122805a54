//! VIMs and clusters that NFVCL runs, as they are stored and answered, and what is asked for.
//!
//! Fields that the original has too are called as it calls them.
//!
//! Credentials of a VIM are in the request alone: they are handed on to NFVCL, and neither stored nor printed.

use crate::serve::at::At;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::fmt;
use utoipa::ToSchema;

/// A VIM: a cloud that NFVCL starts machines in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Vim {
    /// Its number, as the original counts them.
    pub id: i64,
    /// Its name.
    #[serde(rename = "vim_name")]
    pub name: String,
    /// The area that it was made for: the first of its areas.
    pub pop_area: Option<i64>,
    /// All its areas.
    pub areas: Vec<i64>,
    /// Its address.
    #[serde(rename = "vim_url")]
    pub url: String,
    /// `openstack`, `proxmox` or `external_rest`.
    pub vim_type: String,
    /// Its networks.
    #[serde(rename = "vim_networks")]
    pub networks: Vec<String>,
    /// The network by which machines are managed.
    pub mgmt_network: Option<String>,
    /// The network of services.
    pub service_network: Option<String>,
    /// Whether machines get floating addresses.
    pub use_floating_ip: bool,
    /// Whether NFVCL has it; one that it has no more is shown for what it was.
    pub present: bool,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was seen last.
    pub seen_at: At,
}

impl Vim {
    /// As the original shows it: its columns.
    pub fn original(&self) -> Value {
        let vim_type = if self.vim_type == "openstack" { "Openstack" } else { &self.vim_type };
        json!({
            "id": self.id, "pop_area": self.pop_area, "vim_name": self.name, "vim_url": self.url, "vim_type": vim_type,
            "vim_networks": self.networks, "mgmt_network": self.mgmt_network, "service_network": self.service_network,
            "use_floating_ip": self.use_floating_ip,
        })
    }
}

/// How a cluster stands with NFVCL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterState {
    /// NFVCL is asked for it.
    Creating,
    /// NFVCL was asked and did not say which cluster it makes, if one; looked for.
    Unclear,
    /// It is being made, or changed.
    Deploying,
    /// It is there.
    Ready,
    /// The last thing that NFVCL did to it went wrong.
    Failed,
    /// NFVCL takes it away.
    Deleting,
}

/// A Kubernetes cluster on machines of a VIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OsCluster {
    /// `OS_K8S_<area>_<five letters>`.
    #[serde(rename = "smo_id")]
    pub id: String,
    /// The id of NFVCL's blueprint; not known before NFVCL has answered.
    pub nfvcl_id: Option<String>,
    /// The VIM that it was asked for in.
    #[serde(rename = "vim_name")]
    pub vim: Option<String>,
    /// Its area.
    pub pop_area: i64,
    /// Whether its master is in that area.
    pub is_master_area: bool,
    /// The network by which it is managed.
    pub mgmt_network: Option<String>,
    /// The network of its services.
    pub service_network: Option<String>,
    /// The size of its master.
    #[schema(value_type = Option<Object>)]
    pub master_flavor: Value,
    /// Workers that run, by NFVCL.
    pub running_workers: u32,
    /// How it stands.
    pub state: ClusterState,
    /// Why it is not as wanted, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its way into Karmada.
    pub karmada: Membership,
    /// When it was asked for, or first seen.
    pub created_at: At,
    /// When something about it changed.
    pub updated_at: At,
    /// Blueprints that were there when it was asked for: none of them is it. Kept until NFVCL has said which is. Not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(ignore)]
    pub not_it: Vec<String>,
}

/// Whether a cluster is a member of Karmada.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Membership {
    /// Whether it is to be one as soon as it is ready.
    pub wanted: bool,
    /// Its name there, once it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it was made one here: only then it is let go from here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_ours: bool,
    /// Why it is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Tries so far, and when the next is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub next_try: Option<(u32, At)>,
}

impl OsCluster {
    /// As the original shows it: its columns.
    pub fn original(&self) -> Value {
        let karmada = self.karmada.name.as_ref().map(|name| json!({"name": name}));
        json!({
            "smo_id": self.id, "is_master_area": self.is_master_area, "nfvcl_id": self.nfvcl_id, "pop_area": self.pop_area,
            "master_flavor": self.master_flavor, "mgmt_network": self.mgmt_network,
            "service_network": self.service_network, "running_workers": self.running_workers, "karmada_details": karmada,
            "submariner_details": null,
        })
    }

    /// As it is answered.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.not_it.clear();
        self.karmada.next_try = None;
        self
    }
}

/// A Kubernetes cluster that somebody else has made, on machines as a rule, and that NFVCL was told of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BmCluster {
    /// `BM_K8S_<area>_<five letters>`.
    pub smo_id: String,
    /// Its name in NFVCL.
    pub name: String,
    /// Its area.
    pub pop_area: i64,
    /// Whether its master is in that area.
    pub is_master_area: bool,
    /// The size of its master: NFVCL does not know it.
    #[schema(value_type = Option<Object>)]
    pub master_flavor: Value,
    /// Its first network.
    pub mgmt_network: Option<String>,
    /// Its second.
    pub service_network: Option<String>,
    /// Workers: NFVCL does not know them.
    pub running_workers: Option<u32>,
}

/// Letters that are handed on and not shown.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub struct Secret(pub String);

/// What is sent in its place is not repeated in the error.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer);
        text.map(Self).map_err(|_| serde::de::Error::custom("a password is text"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A network of a VIM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Its name.
    #[schema(example = "control")]
    pub name: String,
    /// Its addresses.
    #[schema(example = "10.0.0.0/24")]
    pub cidr: String,
    /// Its way out.
    #[schema(example = "10.0.0.1")]
    pub gateway: Option<String>,
}

/// What kind of cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VimType {
    /// OpenStack.
    #[default]
    Openstack,
    /// Proxmox.
    Proxmox,
}

impl VimType {
    /// As NFVCL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openstack => "openstack",
            Self::Proxmox => "proxmox",
        }
    }
}

/// A VIM that NFVCL is to know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VimRequest {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 50.
    #[schema(example = "athens")]
    #[serde(rename = "vim_name")]
    pub name: String,
    /// The area that it is for; no other VIM may have it.
    #[schema(example = 4)]
    pub pop_area: i64,
    /// What kind of cloud it is.
    #[serde(default)]
    pub vim_type: VimType,
    /// Its address.
    #[schema(example = "http://10.0.0.2:5000/v3")]
    #[serde(rename = "vim_url")]
    pub url: String,
    /// The tenant or project in it.
    #[serde(rename = "vim_tenant_name")]
    pub tenant: String,
    /// The user.
    #[serde(rename = "vim_user")]
    pub user: String,
    /// The password: handed on to NFVCL, and neither stored nor shown.
    #[serde(rename = "vim_password")]
    pub password: Secret,
    /// The network by which machines are managed.
    pub mgmt_network: Net,
    /// The network of services.
    pub service_network: Net,
    /// Whether machines get floating addresses.
    #[serde(default)]
    pub use_floating_ip: bool,
    /// Whether NFVCL does not look at the certificate of the VIM, as is its own default.
    #[serde(default = "yes")]
    pub insecure: bool,
    /// OpenStack's region (NFVCL 0.4).
    pub region: Option<String>,
    /// OpenStack's domain of the user (NFVCL 0.4).
    pub user_domain: Option<String>,
    /// OpenStack's domain of the project (NFVCL 0.4).
    pub project_domain: Option<String>,
    /// What the topology is called where NFVCL has none yet.
    #[serde(default = "topology")]
    pub topology: String,
}

/// A cluster that NFVCL is to make.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterRequest {
    /// In which VIM.
    #[schema(example = "athens")]
    #[serde(rename = "vim_name")]
    pub vim: String,
    /// In which of its areas; in its first where nothing is said.
    #[schema(example = 4)]
    pub pop_area: Option<i64>,
    /// Workers at the start.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub workers: u32,
    /// The network between pods: `flannel` or `calico`; NFVCL's choice where nothing is said.
    pub cni: Option<String>,
    /// The size of the master, as NFVCL writes it: `{"vcpu_count": "2", "memory_mb": "2048", "storage_gb": "16"}`.
    #[schema(value_type = Option<Object>)]
    pub master_flavor: Option<Value>,
    /// The size of a worker.
    #[schema(value_type = Option<Object>)]
    pub worker_flavor: Option<Value>,
    /// Whether it becomes a member of Karmada as soon as it is ready.
    #[serde(default = "yes")]
    pub join: bool,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

fn topology() -> String {
    "topology".to_owned()
}
