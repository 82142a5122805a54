//! What we may do on the control plane, asked before anything is done, and who else scales what is ours.

use super::{BINDING, CLUSTER, CONFIG_MAP, CallError, Class, DEPLOYMENT, FEDERATED_HPA, HPA, Karmada, Kind, POLICY};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};

/// A verb on a kind, in the namespace or everywhere, perhaps on a sub-resource.
type Need = (&'static str, Kind, &'static str);

/// What watching needs.
const WATCH: &[Need] = &[
    ("list", CLUSTER, ""),
    ("watch", CLUSTER, ""),
    ("get", CLUSTER, "proxy"),
    ("list", BINDING, ""),
    ("watch", BINDING, ""),
    ("get", DEPLOYMENT, ""),
];

/// What acting needs besides.
const ACT: &[Need] = &[
    ("get", BINDING, ""),
    ("patch", BINDING, ""),
    ("patch", DEPLOYMENT, "scale"),
    ("get", POLICY, ""),
    ("create", POLICY, ""),
    ("patch", POLICY, ""),
    ("get", CONFIG_MAP, ""),
    ("create", CONFIG_MAP, ""),
    ("patch", CONFIG_MAP, ""),
    ("list", HPA, ""),
    ("list", FEDERATED_HPA, ""),
];

/// An autoscaler that another has put on a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoscalerSeen {
    /// `FederatedHPA` or `HorizontalPodAutoscaler`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The Deployment that it scales.
    pub target: String,
}

impl Karmada {
    /// Checks that this is a Karmada control plane and that we may do what will be needed.
    ///
    /// # Errors
    /// Which kinds it lacks, or which verbs are missing, all of them.
    pub async fn admit(&self, acts: bool) -> Result<(), CallError> {
        for kind in [CLUSTER, BINDING, POLICY] {
            self.serves(kind).await?;
        }
        let mut missing = Vec::new();
        let acting: &[Need] = if acts { ACT } else { &[] };
        for need in WATCH.iter().chain(acting) {
            if !self.may(need).await? {
                let (verb, kind, part) = need;
                let part = if part.is_empty() { String::new() } else { format!("/{part}") };
                let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
                missing.push(format!("{verb} {}{part}{group}", kind.plural));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let reason = format!("these permissions are missing: {}", missing.join(", "));
        Err(CallError::new("karmada", "check of permissions", Class::Permanent, reason).with_status(403))
    }

    async fn serves(&self, kind: Kind) -> Result<(), CallError> {
        let version = format!("{}/{}", kind.group, kind.version);
        let list =
            self.call(&format!("resources of {version}"), || self.client.list_api_group_resources(&version)).await;
        let absent = || {
            let reason =
                format!("it does not serve {} of {version}: is this the Karmada API, not a member's?", kind.plural);
            CallError::new("karmada", "check of kinds", Class::Permanent, reason)
        };
        match list {
            Ok(list) if list.resources.iter().any(|one| one.name == kind.plural) => Ok(()),
            Ok(_) => Err(absent()),
            Err(error) if error.is_absent() => Err(absent()),
            Err(error) => Err(error),
        }
    }

    async fn may(&self, (verb, kind, part): &Need) -> Result<bool, CallError> {
        let text = |text: &str| Some(text.to_owned());
        let attributes = ResourceAttributes {
            verb: text(verb),
            group: text(kind.group),
            resource: text(kind.plural),
            subresource: (!part.is_empty()).then(|| (*part).to_owned()),
            namespace: (*kind != CLUSTER).then(|| self.namespace.clone()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
            ..Default::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let parameters = PostParams::default();
        let answer = self.call("check of permissions", || api.create(&parameters, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// All autoscalers of the namespace.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn autoscalers(&self) -> Result<Vec<AutoscalerSeen>, CallError> {
        let mut found = Vec::new();
        for kind in [FEDERATED_HPA, HPA] {
            for object in self.list(kind).await? {
                let target = &object.data["spec"]["scaleTargetRef"];
                if target["kind"] == "Deployment" {
                    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                    let name = object.metadata.name.clone().unwrap_or_default();
                    found.push(AutoscalerSeen { kind: kind.kind, name, target: text(&target["name"]) });
                }
            }
        }
        Ok(found)
    }
}
