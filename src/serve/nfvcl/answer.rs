//! What NFVCL answers, read with some good will: it says ids in sentences, and the same thing in different places from one version
//! to the next.

use serde_json::{Value, json};

/// Keys whose values are nobody's business.
const SECRETS: [&str; 7] = ["password", "token", "secret", "credential", "kubeconfig", "ssh_key", "otp"];

/// An answer to something that NFVCL goes on with by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// `deploying`, `processing`, `ready`, `failed`.
    pub status: String,
    /// In a sentence.
    pub detail: String,
    /// The task that goes on.
    pub task: Option<String>,
    /// The whole of it, without secrets.
    pub whole: Value,
}

impl Accepted {
    /// Reads the answer; one that is no JSON is all detail.
    pub fn read(body: &[u8]) -> Self {
        let whole: Value =
            serde_json::from_slice(body).unwrap_or_else(|_| json!({"detail": String::from_utf8_lossy(body)}));
        let text = |key: &str| whole[key].as_str().unwrap_or_default().to_owned();
        let (status, detail) = (text("status"), text("detail"));
        let task = whole["task_id"].as_str().map(str::to_owned);
        Self { status, detail, task, whole: masked(whole) }
    }

    /// Whether NFVCL says that it will not do it.
    pub fn is_refusal(&self) -> bool {
        self.status == "failed"
    }

    /// The blueprint that the sentence is about: `Blueprint IWEH4N is being deployed...`.
    pub fn blueprint(&self) -> Option<String> {
        let (_, after) = self.detail.split_once("Blueprint ")?;
        let id = after.split_whitespace().next()?;
        let is_id = id.len() >= 3 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_id && !id.eq_ignore_ascii_case("with")).then(|| id.to_owned())
    }
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// It goes on.
    Running,
    /// It is through, and worked.
    Done,
    /// It is through, and did not.
    Failed(String),
}

impl Task {
    /// Reads the answer.
    pub fn read(answer: &Value) -> Self {
        match (answer["status"].as_str(), answer["error"].as_bool()) {
            (Some("done"), Some(true)) => {
                Self::Failed(answer["exception"].as_str().unwrap_or("NFVCL does not say why").to_owned())
            }
            (Some("done"), _) => Self::Done,
            _ => Self::Running,
        }
    }
}

/// A cluster as NFVCL has it: a blueprint.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// Its id.
    pub id: String,
    /// What it is doing: `idle`, `deploying`, `running-day2-op`, `destroying`.
    pub operation: String,
    /// Whether the last thing went wrong.
    pub is_broken: bool,
    /// In a sentence.
    pub detail: String,
    /// Its master area; not known right after it was asked for.
    pub area: Option<i64>,
    /// The network by which it is managed.
    pub mgmt_network: Option<String>,
    /// The network of its services.
    pub service_network: Option<String>,
    /// Its master's size.
    pub master_flavor: Value,
    /// Workers that run.
    pub workers: u32,
    /// Its kubeconfig, where the blueprint holds it.
    pub credentials: Option<String>,
}

impl Blueprint {
    /// Reads one; nothing where it is no Kubernetes cluster.
    pub fn read(one: &Value) -> Option<Self> {
        if !one["type"].as_str().unwrap_or_default().to_ascii_lowercase().contains("k8sblueprint") {
            return None;
        }
        let (state, asked) = (&one["state"], &one["create_config"]);
        let is_master = |area: &&Value| area["is_master_area"] == true;
        let areas = asked["areas"].as_array();
        let of_asked = areas.and_then(|all| all.iter().find(is_master).or(all.first())).unwrap_or(&Value::Null);
        let area = if state["master_area"].is_object() { &state["master_area"] } else { of_asked };
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let counted = state["vm_workers"].as_array().map(Vec::len).and_then(|count| u32::try_from(count).ok());
        let said = state["progressive_worker_number"].as_u64().and_then(|count| u32::try_from(count).ok());
        Some(Self {
            id: text(&one["id"])?,
            operation: text(&one["status"]["current_operation"]).unwrap_or_else(|| "unknown".to_owned()),
            is_broken: one["status"]["error"] == true || one["corrupted"] == true,
            detail: text(&one["status"]["detail"]).unwrap_or_default(),
            area: area["area_id"].as_i64(),
            mgmt_network: text(&area["mgmt_net"]),
            service_network: text(&area["service_net"]).or_else(|| text(&area["additional_networks"][0])),
            master_flavor: masked(asked["master_flavors"].clone()),
            workers: counted.or(said).unwrap_or(0),
            credentials: kubeconfig(&state["master_credentials"]),
        })
    }

    /// Whether nothing goes on with it.
    pub fn is_idle(&self) -> bool {
        self.operation == "idle"
    }
}

/// A VIM as NFVCL has it; its password is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VimSeen {
    /// Its name.
    pub name: String,
    /// `openstack`, `proxmox`, `external_rest`.
    pub vim_type: String,
    /// Its address.
    pub url: String,
    /// Its networks.
    pub networks: Vec<String>,
    /// Its areas.
    pub areas: Vec<i64>,
    /// Whether machines get floating addresses.
    pub use_floating_ip: bool,
}

impl VimSeen {
    /// Reads one.
    pub fn read(one: &Value) -> Option<Self> {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let networks = one["networks"].as_array().into_iter().flatten();
        Some(Self {
            name: one["name"].as_str()?.to_owned(),
            vim_type: text("vim_type"),
            url: text("vim_url"),
            networks: networks.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            areas: one["areas"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect(),
            use_floating_ip: one["config"]["use_floating_ip"] == true,
        })
    }
}

/// What a topology holds that we look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// Its VIMs.
    pub vims: Vec<VimSeen>,
    /// The names of its networks.
    pub networks: Vec<String>,
}

impl Topology {
    /// Reads it.
    pub fn read(whole: &Value) -> Self {
        let list = |key: &str| whole[key].as_array().cloned().unwrap_or_default();
        let name = |one: &Value| one["name"].as_str().map(str::to_owned);
        Self {
            vims: list("vims").iter().filter_map(VimSeen::read).collect(),
            networks: list("networks").iter().filter_map(name).collect(),
        }
    }
}

/// A cluster that somebody else has made; its credentials are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalCluster {
    /// Its name.
    pub name: String,
    /// Its first area.
    pub area: i64,
    /// Its networks.
    pub networks: Vec<String>,
}

impl ExternalCluster {
    /// Reads one; nothing where NFVCL has made it.
    pub fn read(one: &Value) -> Option<Self> {
        let networks = one["networks"].as_array().into_iter().flatten();
        Some(Self {
            name: one["name"].as_str().filter(|_| one["provided_by"] == "EXTERNAL")?.to_owned(),
            area: one["areas"][0].as_i64()?,
            networks: networks.filter_map(|net| net["name"].as_str().map(str::to_owned)).collect(),
        })
    }
}

/// The kubeconfig in an answer, wherever it stands in it.
pub fn kubeconfig(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains("clusters") && text.contains("server") => Some(text.clone()),
        Value::Object(fields) if fields.contains_key("clusters") && fields.contains_key("users") => {
            Some(value.to_string())
        }
        Value::Object(fields) => fields.values().find_map(kubeconfig),
        Value::Array(all) => all.iter().find_map(kubeconfig),
        _ => None,
    }
}

/// The same without secrets: NFVCL repeats passwords in clear.
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mask = |(key, value): (String, Value)| {
                let is_secret = SECRETS.iter().any(|secret| key.to_ascii_lowercase().contains(secret));
                let value = if is_secret && !value.is_null() { "***".into() } else { masked(value) };
                (key, value)
            };
            Value::Object(fields.into_iter().map(mask).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(masked).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Blueprint, Task, kubeconfig, masked};
    use serde_json::json;

    #[test]
    fn the_id_of_a_blueprint_is_found_in_the_sentence_and_nowhere_else() {
        let of = |detail: &str| Accepted::read(json!({"detail": detail}).to_string().as_bytes()).blueprint();
        assert_eq!(of("Blueprint IWEH4N is being deployed..."), Some("IWEH4N".to_owned()));
        for odd in
            ["", "deploying", "Blueprint ", "Blueprint with ID X already exist", "Blueprint a/../b is", "blueprint X"]
        {
            assert_eq!(of(odd), None, "{odd}");
        }
        let odd = Accepted::read(b"<html>accepted</html>");
        assert_eq!((odd.blueprint(), odd.detail.as_str()), (None, "<html>accepted</html>"));
    }

    #[test]
    fn tasks_end_well_or_badly_or_not_yet() {
        let failed = json!({"task_id": "t", "status": "done", "error": true, "exception": "no such VIM"});
        assert_eq!(Task::read(&failed), Task::Failed("no such VIM".to_owned()));
        assert_eq!(Task::read(&json!({"status": "done", "error": false})), Task::Done);
        assert_eq!(Task::read(&json!({"status": "running"})), Task::Running);
    }

    #[test]
    fn a_blueprint_is_read_from_where_each_version_writes_it() {
        let older = json!({"id": "A1B2C3", "type": "x.K8sBlueprint", "status": {"error": false, "current_operation": "idle"},
            "state": {"master_area": {"area_id": 4, "mgmt_net": "control", "service_net": "data"}, "progressive_worker_number": 3}});
        let read = Blueprint::read(&older).unwrap();
        assert_eq!((read.area, read.service_network.as_deref(), read.workers), (Some(4), Some("data"), 3));
        let young = json!({"id": "A1B2C3", "type": "x.K8sBlueprint", "status": {"current_operation": "deploying"},
            "state": {"master_area": null, "vm_workers": []}, "create_config": {"areas": [
                {"area_id": 7, "is_master_area": false}, {"area_id": 9, "is_master_area": true, "additional_networks": ["data"]}]}});
        let read = Blueprint::read(&young).unwrap();
        assert_eq!((read.area, read.service_network.as_deref(), read.is_idle()), (Some(9), Some("data"), false));
        assert_eq!(Blueprint::read(&json!({"id": "X", "type": "x.VyOSBlueprint"})), None);
    }

    #[test]
    fn a_kubeconfig_is_found_as_text_or_as_itself() {
        let text = "clusters: [{cluster: {server: https://x}}]";
        assert_eq!(kubeconfig(&json!(text)).as_deref(), Some(text));
        assert_eq!(kubeconfig(&json!({"result": {"kubeconfig": text}})).as_deref(), Some(text));
        assert!(kubeconfig(&json!({"clusters": [], "users": []})).is_some());
        assert_eq!(kubeconfig(&json!({"detail": "locked"})), None);
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let answer =
            json!({"result": {"vim_password": "pw", "vims": [{"ssh_keys": ["k"], "name": "x"}]}, "task_token": null});
        let shown =
            json!({"result": {"vim_password": "***", "vims": [{"ssh_keys": "***", "name": "x"}]}, "task_token": null});
        assert_eq!(masked(answer), shown);
    }
}
