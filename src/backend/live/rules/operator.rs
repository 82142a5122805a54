//! Rules as `PrometheusRule` objects, by server-side apply.
//!
//! An object of our name that does not carry our label is somebody else's, and is left alone.

use super::RuleSet;
use crate::backend::live::kubernetes;
use crate::backend::live::outside::{CallError, Class, Limits, Outside};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// Who we are among the writers of objects.
const WRITER: &str = "smo";
/// The label by which objects of ours are known.
const OWNER_LABEL: &str = "app.kubernetes.io/managed-by";

/// Where an operator looks for rules.
pub struct Operator {
    api: Api<DynamicObject>,
    labels: BTreeMap<String, String>,
    outside: Outside,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("labels", &self.labels).field("outside", &self.outside).finish_non_exhaustive()
    }
}

impl Operator {
    /// Objects in `namespace` with the `labels` that the installation selects rules by (often `release: <stack>`).
    pub fn new(client: kube::Client, namespace: &str, labels: BTreeMap<String, String>) -> Self {
        let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", "PrometheusRule");
        let api = Api::namespaced_with(client, namespace, &ApiResource::from_gvk_with_plural(&kind, "prometheusrules"));
        Self { api, labels, outside: Outside::new("prometheus rules", Limits::CALL) }
    }

    pub(super) async fn write(&self, set: &RuleSet) -> Result<(), CallError> {
        let name = set.name();
        let what = format!("apply {name}");
        self.owned(&what, &name).await?;
        let object = self.object(set);
        // Forced: the object is ours, so a field that somebody else holds is one that was edited by hand.
        let parameters = PatchParams::apply(WRITER).force();
        let attempt = || async {
            let done = self.api.patch(&name, &parameters, &Patch::Apply(&object)).await;
            done.map(|_written| ()).map_err(|error| self.error(&what, &error))
        };
        self.outside.call(&what, attempt).await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), CallError> {
        let what = format!("delete {name}");
        if !self.owned(&what, name).await? {
            return Ok(());
        }
        let attempt = || async {
            let done = self.api.delete(name, &DeleteParams::default()).await;
            done.map(|_deleted| ()).map_err(|error| self.error(&what, &error))
        };
        match self.outside.call(&what, attempt).await {
            Err(error) if !error.is_absent() => Err(error),
            _gone => Ok(()),
        }
    }

    /// Whether there is an object of that name; it has to be ours.
    async fn owned(&self, what: &str, name: &str) -> Result<bool, CallError> {
        let attempt = || async { self.api.get_opt(name).await.map_err(|error| self.error(what, &error)) };
        let Some(found) = self.outside.call(what, attempt).await? else { return Ok(false) };
        let owner = found.metadata.labels.unwrap_or_default().remove(OWNER_LABEL);
        if owner.as_deref() == Some(WRITER) {
            return Ok(true);
        }
        let reason = format!("there is one already that is not ours: it lacks the label {OWNER_LABEL}={WRITER}");
        Err(CallError::new(self.outside.system(), what, Class::Permanent, reason))
    }

    fn object(&self, set: &RuleSet) -> Value {
        let mut labels = self.labels.clone();
        labels.insert(OWNER_LABEL.to_owned(), WRITER.to_owned());
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": set.name(), "labels": labels}, "spec": {"groups": set.groups()}})
    }

    fn error(&self, what: &str, error: &kube::Error) -> CallError {
        kubernetes::error(self.outside.system(), what, error)
    }
}
