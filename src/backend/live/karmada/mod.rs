//! The client of a Karmada control plane: what it says of clusters and workloads, and the few writes that a plan needs.
//!
//! In reading order: this file (calls and their errors), `cluster` (what is free where), `binding` (who has how many replicas,
//! and one write to change it), `weights` (the writes that it takes where Karmada divides), `claim` (the policy that makes a workload
//! ours), `access` (what we are allowed to do, and who else scales), `store` (what must survive a crash), `watch` (what changes),
//! `member` and `join` (a cluster becomes a member).
//!
//! Objects are read as JSON and written as the fields that we own: the API server checks them, and generated types of a
//! dozen kinds would say less.

pub mod access;
pub mod binding;
pub mod claim;
pub mod cluster;
pub mod join;
pub mod member;
pub mod store;
pub mod watch;
pub mod weights;

use super::kubernetes;
use super::outside::{CallError, Class, Limits, Outside};
use super::tls;
use crate::model::connection::{Division, KarmadaAt};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ApiResource, DynamicObject, GetParams, Patch, PatchParams, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// Who we are in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "smo";

/// How often it is looked whether what was deleted is gone, and from one look to the next.
const GONE_LOOKS: u32 = 100;
const GONE_EVERY: Duration = Duration::from_millis(100);

/// Our scheduler name: Karmada's own scheduler leaves bindings with another name alone.
pub const SCHEDULER: &str = "smo";
/// The label of all that we make.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "smo");

/// The control plane, as the application's namespace sees it.
#[derive(Clone)]
pub struct Karmada {
    client: Client,
    namespace: String,
    division: Division,
    outside: std::sync::Arc<Outside>,
    /// Probes of members have a breaker of their own: a dead member says nothing of the control plane.
    probing: std::sync::Arc<Outside>,
}

impl std::fmt::Debug for Karmada {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Karmada({}, {:?})", self.namespace, self.division)
    }
}

const fn kind(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural }
}

/// A kind of object, by its group and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Group; empty for the core.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// As it stands in paths.
    pub plural: &'static str,
}

impl Kind {
    fn resource(self) -> ApiResource {
        let api_version = match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        };
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version,
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

/// Clusters that joined.
pub const CLUSTER: Kind = kind("cluster.karmada.io", "v1alpha1", "Cluster", "clusters");
/// Who has how many replicas of a workload.
pub const BINDING: Kind = kind("work.karmada.io", "v1alpha2", "ResourceBinding", "resourcebindings");
/// Which workloads go to members.
pub const POLICY: Kind = kind("policy.karmada.io", "v1alpha1", "PropagationPolicy", "propagationpolicies");
/// Autoscaler over all members.
pub const FEDERATED_HPA: Kind = kind("autoscaling.karmada.io", "v1alpha1", "FederatedHPA", "federatedhpas");
/// Autoscaler.
pub const HPA: Kind = kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
/// Small texts.
pub const CONFIG_MAP: Kind = kind("", "v1", "ConfigMap", "configmaps");
/// Namespaces.
pub const NAMESPACE: Kind = kind("", "v1", "Namespace", "namespaces");
/// Secrets.
pub const SECRET: Kind = kind("", "v1", "Secret", "secrets");
/// Accounts of programs.
pub const SERVICE_ACCOUNT: Kind = kind("", "v1", "ServiceAccount", "serviceaccounts");
/// What may be done, everywhere.
pub const CLUSTER_ROLE: Kind = kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles");
/// By whom.
pub const CLUSTER_ROLE_BINDING: Kind =
    kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings");
/// The namespace of what is needed to reach members, on both sides.
pub const MEMBERS: &str = "karmada-cluster";
/// Deployments.
pub const DEPLOYMENT: Kind = kind("apps", "v1", "Deployment", "deployments");

impl Karmada {
    /// A client by a kubeconfig; nothing is asked yet.
    ///
    /// # Errors
    /// A kubeconfig that cannot be read or used.
    pub async fn open(at: &KarmadaAt) -> Result<Self, CallError> {
        let client = client(&at.kubeconfig, at.context.as_deref()).await?;
        Ok(Self::with_client(client, &at.namespace, at.division))
    }

    /// The same with a client that exists: tests bring a control plane of their own.
    pub fn with_client(client: Client, namespace: &str, division: Division) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
            division,
            outside: Outside::new("karmada", Limits::CALL).into(),
            probing: Outside::new("member", Limits::ONCE).into(),
        }
    }

    /// The namespace of the application.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Who divides replicas.
    pub const fn division(&self) -> Division {
        self.division
    }

    /// The client below, for what else lies on the control plane.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// What was asked of the control plane so far.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Whether the API server of a member answers, asked through the control plane, within `limit`. What it answers does not
    /// matter: one that does not know us is there, and few control planes give their users rights in the members.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn probe(&self, cluster: &str, limit: Duration) -> Result<(), CallError> {
        let proxy = Request::new(format!("/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}/proxy"));
        let what = format!("readyz of cluster {cluster}");
        let ask = async {
            let built = proxy.get("readyz", &GetParams::default()).map_err(kube::Error::BuildRequest);
            let request = built.map_err(|error| kubernetes::error(self.probing.system(), &what, &error))?;
            match self.client.request_text(request).await {
                Ok(_) => Ok(()),
                Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => Ok(()),
                Err(error) => Err(kubernetes::error(self.probing.system(), &what, &error)),
            }
        };
        let late = || CallError::new(self.probing.system(), &what, Class::Retryable, format!("no answer in {limit:?}"));
        tokio::time::timeout(limit, ask).await.unwrap_or_else(|_| Err(late()))
    }

    /// Sets the number of replicas of a workload, over all clusters.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn scale(&self, workload: &str, replicas: u32) -> Result<(), CallError> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let patch = json!({"spec": {"replicas": replicas}});
        let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        self.call(&format!("scale deployment {workload}"), || async {
            deployments.patch_scale(workload, &parameters, &Patch::Merge(&patch)).await.map(|_| ())
        })
        .await
    }

    /// An object of the namespace; `None` where it is not there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get(&self, kind: Kind, name: &str) -> Result<Option<DynamicObject>, CallError> {
        let api = self.namespaced(kind);
        self.call(&format!("get {} {name}", kind.kind), || api.get_opt(name)).await
    }

    /// All objects of a kind in the namespace; none where the control plane does not know the kind.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list(&self, kind: Kind) -> Result<Vec<DynamicObject>, CallError> {
        let api = self.namespaced(kind);
        let parameters = kube::api::ListParams::default();
        let listed = self.call(&format!("list {}", kind.plural), || api.list(&parameters)).await;
        match listed {
            Ok(list) => Ok(list.items),
            Err(error) if error.is_absent() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes the namespace of the application, where it is missing.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn make_namespace(&self) -> Result<(), CallError> {
        let (api, name) = (self.everywhere(NAMESPACE), self.namespace());
        let found = self.call(&format!("get Namespace {name}"), || api.get_opt(name)).await?;
        if found.is_some_and(|object| object.metadata.deletion_timestamp.is_none()) {
            return Ok(());
        }
        let object = json!({
            "apiVersion": "v1", "kind": NAMESPACE.kind,
            "metadata": {"name": name, "labels": {MANAGED_BY.0: MANAGED_BY.1}},
        });
        let parameters = PatchParams::apply(FIELD_MANAGER);
        self.call(&format!("apply Namespace {name}"), || async {
            api.patch(name, &parameters, &Patch::Apply(&object)).await.map(|_| ())
        })
        .await
    }

    /// Server-side apply of the fields that we own. Another manager's fields are taken over only where the object carries our
    /// label. What is applied to an object that is being deleted goes with it (Karmada's policies have a finalizer, so that takes a while):
    /// there it is applied anew, to the next one.
    ///
    /// # Errors
    /// See [`CallError`]; a conflict names the other manager.
    pub async fn apply(&self, kind: Kind, name: &str, object: &Value) -> Result<(), CallError> {
        let api = self.namespaced(kind);
        let (parameters, patch) = (PatchParams::apply(FIELD_MANAGER), Patch::Apply(object));
        let what = format!("apply {} {name}", kind.kind);
        for _ in 0..GONE_LOOKS {
            let applied: DynamicObject = self.call(&what, || api.patch(name, &parameters, &patch)).await?;
            if applied.metadata.deletion_timestamp.is_none() {
                return Ok(());
            }
            tokio::time::sleep(GONE_EVERY).await;
        }
        Err(CallError::new("karmada", what, Class::Retryable, "the one before it is being deleted, and not gone yet"))
    }

    /// Merges fields into an object.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn merge(&self, kind: Kind, name: &str, patch: &Value) -> Result<DynamicObject, CallError> {
        let api = self.namespaced(kind);
        let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(patch);
        self.call(&format!("patch {} {name}", kind.kind), || api.patch(name, &parameters, &patch)).await
    }

    /// Deletes an object; whether it was there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, kind: Kind, name: &str) -> Result<bool, CallError> {
        let api = self.namespaced(kind);
        let parameters = kube::api::DeleteParams::default();
        let what = format!("delete {} {name}", kind.kind);
        let done = self.call(&what, || async { api.delete(name, &parameters).await.map(|_| ()) }).await;
        match done {
            Ok(()) => Ok(true),
            Err(error) if error.is_absent() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn namespaced(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    fn everywhere(&self, kind: Kind) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &kind.resource())
    }

    /// A call to the control plane.
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

/// A client of a member's API server, through the control plane: it asks there on our behalf, and what we may see is up to the member.
///
/// # Errors
/// A kubeconfig that cannot be read or used.
pub async fn member(at: &KarmadaAt, cluster: &str) -> Result<Client, CallError> {
    tls::install();
    let wrong = |reason: String| CallError::new("member", format!("cluster {cluster}"), Class::Permanent, reason);
    let mut config = config(&at.kubeconfig, at.context.as_deref()).await?;
    let base = config.cluster_url.to_string();
    let url = format!("{}/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}/proxy", base.trim_end_matches('/'));
    config.cluster_url = url.parse().map_err(|_| wrong(format!("`{cluster}` is no name of a cluster")))?;
    Client::try_from(config).map_err(|error| wrong(error.to_string()))
}

/// A client by a kubeconfig and a context.
///
/// # Errors
/// A kubeconfig that cannot be read or used.
pub async fn client(kubeconfig: &Path, context: Option<&str>) -> Result<Client, CallError> {
    tls::install();
    let config = config(kubeconfig, context).await?;
    let named = format!("kubeconfig {}", kubeconfig.display());
    Client::try_from(config).map_err(|error| CallError::new("karmada", named, Class::Permanent, error))
}

async fn config(kubeconfig: &Path, context: Option<&str>) -> Result<Config, CallError> {
    let named = format!("kubeconfig {}", kubeconfig.display());
    let wrong = |reason: String| CallError::new("karmada", named.clone(), Class::Permanent, reason);
    let read = Kubeconfig::read_from(kubeconfig).map_err(|error| wrong(error.to_string()))?;
    let known: Vec<String> = read.contexts.iter().map(|context| context.name.clone()).collect();
    if let Some(missing) = context.filter(|name| !known.iter().any(|known| known == name)) {
        return Err(wrong(format!("there is no context `{missing}`; there are: {}", known.join(", "))));
    }
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(read, &options).await.map_err(|error| wrong(error.to_string()))
}
