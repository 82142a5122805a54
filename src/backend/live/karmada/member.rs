//! A cluster that is to become a member, by its kubeconfig: what a control plane needs to know of it, and to be allowed in it.
//!
//! The kubeconfig comes from another system, over the network. One may name programs to run and files to read on this host: neither
//! is done, only what stands in it is used.

use super::super::kubernetes;
use super::super::outside::{CallError, Class, Limits, Outside};
use super::super::tls;
use super::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, Kind, MEMBERS, NAMESPACE, SECRET, SERVICE_ACCOUNT};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How Karmada marks what is its own.
pub(super) const SYSTEM: (&str, &str) = ("karmada.io/system", "true");
/// The account by which Karmada acts for its own users.
const IMPERSONATOR: &str = "karmada-impersonator";
/// Looks for the token of an account, a second apart: a controller of the member makes it.
const TOKEN_LOOKS: u32 = 30;

/// A cluster that is to become a member.
#[derive(Clone)]
pub struct Member {
    side: Side,
    endpoint: String,
    insecure: bool,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Member({})", self.endpoint)
    }
}

/// What a control plane is given: as secrets hold it, so in base64.
pub(super) struct Credentials {
    pub(super) token: Value,
    pub(super) certificate: Value,
    pub(super) impersonator: Value,
}

impl Member {
    /// By the kubeconfig's current context; nothing is asked yet.
    ///
    /// # Errors
    /// It is none, or it names programs or files.
    pub async fn of_kubeconfig(text: &str) -> Result<Self, CallError> {
        let wrong = |reason: &str| CallError::new("member", "kubeconfig", Class::Permanent, reason);
        // What the parser says may hold a piece of the text.
        let read = Kubeconfig::from_yaml(text).map_err(|_| wrong("it is no kubeconfig"))?;
        if let Some(what) = reaches_out(&read) {
            return Err(wrong(&format!("it names {what}, which is not used; wanted the credentials themselves")));
        }
        tls::install();
        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
        let config = config.map_err(|_| wrong("its current context names no cluster and user that are in it"))?;
        let endpoint = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let insecure = config.accept_invalid_certs;
        let client = Client::try_from(config).map_err(|_| wrong("its certificates or keys cannot be read"))?;
        Ok(Self { side: Side { client, outside: Outside::new("member", Limits::CALL).into() }, endpoint, insecure })
    }

    /// The address of its API.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether its certificate is not looked at.
    pub(super) const fn insecure(&self) -> bool {
        self.insecure
    }

    /// What it is known by, whatever it is called.
    pub(super) async fn id(&self) -> Result<String, CallError> {
        let system = self.side.get(NAMESPACE, None, "kube-system").await?;
        let id = system.and_then(|found| found.metadata.uid);
        id.ok_or_else(|| CallError::new("member", "its id", Class::Permanent, "it has no namespace kube-system"))
    }

    /// Makes the accounts by which Karmada acts in it, as `karmadactl join` does, and gives their tokens.
    pub(super) async fn credentials(&self, name: &str) -> Result<Credentials, CallError> {
        let account = format!("karmada-{name}");
        let role = format!("karmada-controller-manager:{account}");
        self.side.ensure(NAMESPACE, None, named(NAMESPACE, MEMBERS)).await?;
        self.side.ensure(SERVICE_ACCOUNT, Some(MEMBERS), named(SERVICE_ACCOUNT, IMPERSONATOR)).await?;
        self.side.ensure(SERVICE_ACCOUNT, Some(MEMBERS), named(SERVICE_ACCOUNT, &account)).await?;
        let mut all = named(CLUSTER_ROLE, &role);
        all["rules"] = json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            {"nonResourceURLs": ["*"], "verbs": ["get"]},
        ]);
        self.side.ensure(CLUSTER_ROLE, None, all).await?;
        let mut bound = named(CLUSTER_ROLE_BINDING, &role);
        bound["subjects"] = json!([{"kind": "ServiceAccount", "name": account, "namespace": MEMBERS}]);
        bound["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
        self.side.ensure(CLUSTER_ROLE_BINDING, None, bound).await?;
        let impersonator = self.token(IMPERSONATOR).await?;
        let own = self.token(&account).await?;
        Ok(Credentials {
            token: own["token"].clone(),
            certificate: own["ca.crt"].clone(),
            impersonator: impersonator["token"].clone(),
        })
    }

    /// The data of the secret that holds the token of an account.
    async fn token(&self, account: &str) -> Result<Value, CallError> {
        let mut secret = named(SECRET, account);
        secret["type"] = "kubernetes.io/service-account-token".into();
        secret["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": account});
        let mut found = self.side.ensure(SECRET, Some(MEMBERS), secret).await?;
        for _ in 0..TOKEN_LOOKS {
            if found.data["data"]["token"].as_str().is_some_and(|token| !token.is_empty()) {
                return Ok(found.data["data"].clone());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(again) = self.side.get(SECRET, Some(MEMBERS), account).await? {
                found = again;
            }
        }
        let reason = format!("nobody makes a token for the account {account}; does its controller manager run?");
        Err(CallError::new("member", "token", Class::Retryable, reason))
    }
}

/// What of a kubeconfig would run a program or read a file of this host.
fn reaches_out(read: &Kubeconfig) -> Option<&'static str> {
    let users = || read.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let clusters = || read.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let is_program = users().any(|user| user.exec.is_some() || user.auth_provider.is_some());
    let is_file =
        users().any(|user| user.token_file.is_some() || user.client_certificate.is_some() || user.client_key.is_some());
    match () {
        () if is_program => Some("a program"),
        () if is_file || clusters().any(|cluster| cluster.certificate_authority.is_some()) => Some("a file"),
        () if clusters().any(|cluster| cluster.proxy_url.is_some()) => Some("a proxy"),
        () => None,
    }
}

/// An object of Karmada's own, with nothing in it yet.
pub(super) fn named(kind: Kind, name: &str) -> Value {
    let version = kind.resource().api_version;
    json!({"apiVersion": version, "kind": kind.kind, "metadata": {"name": name, "labels": {SYSTEM.0: SYSTEM.1}}})
}

/// One of the two API servers of a join.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) client: Client,
    pub(super) outside: Arc<Outside>,
}

impl Side {
    fn api(&self, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind.resource()),
            None => Api::all_with(self.client.clone(), &kind.resource()),
        }
    }

    pub(super) async fn get(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<DynamicObject>, CallError> {
        let api = self.api(kind, namespace);
        self.call(&format!("get {} {name}", kind.kind), || api.get_opt(name)).await
    }

    /// The object as it is there, made as `object` says where it is not.
    pub(super) async fn ensure(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        object: Value,
    ) -> Result<DynamicObject, CallError> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let object: DynamicObject = serde_json::from_value(object).expect("an object with its kind and name");
        let (api, parameters) = (self.api(kind, namespace), PostParams::default());
        match self.call(&format!("create {} {name}", kind.kind), || api.create(&parameters, &object)).await {
            Err(error) if error.status == Some(409) => {
                let found = self.get(kind, namespace, &name).await?;
                found.ok_or(CallError { class: Class::Retryable, ..error })
            }
            made => made,
        }
    }

    /// The same for an object whose contents have to be these, also where it is there already.
    pub(super) async fn put(&self, kind: Kind, namespace: &str, object: Value) -> Result<(), CallError> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let data = json!({"data": object["data"]});
        let found = self.ensure(kind, Some(namespace), object).await?;
        if found.data["data"] == data["data"] { Ok(()) } else { self.merge(kind, namespace, (&name, &data)).await }
    }

    pub(super) async fn merge(
        &self,
        kind: Kind,
        namespace: &str,
        (name, patch): (&str, &Value),
    ) -> Result<(), CallError> {
        let (api, parameters) = (self.api(kind, Some(namespace)), PatchParams::default());
        let patch = Patch::Merge(patch);
        self.call(&format!("patch {} {name}", kind.kind), || async {
            api.patch(name, &parameters, &patch).await.map(|_| ())
        })
        .await
    }

    async fn call<T, F>(&self, what: &str, mut attempt: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let system = self.outside.system();
        self.outside
            .call(what, || {
                let tried = attempt();
                async { tried.await.map_err(|error| kubernetes::error(system, what, &error)) }
            })
            .await
    }
}
