//! The policy that makes a workload ours: a `PropagationPolicy` with our scheduler name, or with static weights.
//!
//! The scheduler name of a policy cannot be changed later, so it is decided here once. A workload that follows another policy already
//! is not taken over: two who divide one workload fight for ever.

use super::binding::{BindingSeen, Shares, binding_name};
use super::weights::placement;
use super::{
    BINDING, CallError, Class, DEPLOYMENT, FIELD_MANAGER, GONE_EVERY, GONE_LOOKS, Karmada, MANAGED_BY, POLICY,
    SCHEDULER,
};
use crate::backend::manifest::karmada::toleration;
use crate::model::Toleration;
use crate::model::connection::Division;
use serde_json::json;

/// Before that of policies that say nothing of it: charts bring policies of their own, and a workload that is claimed before it is made
/// follows the one that says more.
const PRIORITY: u32 = 1_000;

/// The name of the policy of a workload.
pub fn policy_name(workload: &str) -> String {
    format!("smo-{workload}")
}

/// Checks that a workload follows our policy, or none.
///
/// # Errors
/// The policy that it follows.
pub fn check(workload: &str, binding: Option<&BindingSeen>) -> Result<(), CallError> {
    let ours = policy_name(workload);
    let other = binding.map(|seen| &seen.policy).filter(|policy| !policy.is_empty() && **policy != ours);
    let Some(other) = other else { return Ok(()) };
    let reason = format!("it follows the policy `{other}` already; delete that, or leave the service out");
    Err(CallError::new(FIELD_MANAGER, format!("claim deployment {workload}"), Class::Permanent, reason))
}

impl Karmada {
    /// Makes sure that the workload follows our policy. `shares` is how it is divided at first, where weights divide it.
    ///
    /// # Errors
    /// Another policy holds it; see [`CallError`].
    pub async fn claim(
        &self,
        workload: &str,
        binding: Option<&BindingSeen>,
        (shares, tolerations): (&Shares, &[Toleration]),
    ) -> Result<(), CallError> {
        let name = policy_name(workload);
        check(workload, binding)?;
        let mut placement = match self.division() {
            Division::Own => {
                json!({"replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"}})
            }
            // What divides it already stays: it may be half of a division that somebody has died on, and is finished later.
            Division::Weights => {
                let ours = binding.filter(|seen| seen.policy == name && !seen.weights.is_empty());
                placement(ours.map_or(shares, |seen| &seen.weights))
            }
        };
        if !tolerations.is_empty() {
            placement["clusterTolerations"] = tolerations.iter().map(toleration).collect();
        }
        let mut spec = json!({
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": workload}],
            "propagateDeps": true,
            "priority": PRIORITY,
            "placement": placement,
        });
        if self.division() == Division::Own {
            spec["schedulerName"] = SCHEDULER.into();
        }
        let object = json!({
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": POLICY.kind,
            "metadata": {"name": name, "namespace": self.namespace(), "labels": {MANAGED_BY.0: MANAGED_BY.1}},
            "spec": spec,
        });
        self.apply(POLICY, &name, &object).await
    }

    /// The binding of a workload that is about to be claimed. What was removed a moment ago may leave one that follows the policy of its
    /// chart, until Karmada has seen that all of it goes: that is waited for, as long as it takes Karmada, and no longer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn binding_to_claim(&self, workload: &str) -> Result<Option<BindingSeen>, CallError> {
        let mut binding = self.binding(workload).await?;
        for _ in 0..GONE_LOOKS {
            let Some(seen) = binding.as_ref().filter(|seen| check(workload, Some(seen)).is_err()) else { break };
            let (follower, leader) = (self.get(DEPLOYMENT, workload).await?, self.get(POLICY, &seen.policy).await?);
            if [follower, leader].iter().flatten().filter(|one| one.metadata.deletion_timestamp.is_none()).count() == 2
            {
                break;
            }
            tokio::time::sleep(GONE_EVERY).await;
            binding = self.binding(workload).await?;
        }
        Ok(binding)
    }

    /// Gives the workload up: our policy goes, and the binding that it made, and with that the replicas in the members, which
    /// Karmada leaves there when only the policy goes. What of it was there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn release(&self, workload: &str) -> Result<Vec<String>, CallError> {
        let policy = policy_name(workload);
        let ours = |seen: &BindingSeen| seen.policy == policy || seen.scheduler == SCHEDULER;
        let bound = self.binding(workload).await?.is_some_and(|seen| ours(&seen));
        let mut removed = Vec::new();
        if self.delete(POLICY, &policy).await? {
            removed.push(format!("PropagationPolicy {policy}"));
        }
        let binding = binding_name(workload);
        if bound && self.delete(BINDING, &binding).await? {
            removed.push(format!("ResourceBinding {binding}"));
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Karmada;
    use super::Shares;
    use crate::backend::live::stub::{Exchange, Stub, exchange};
    use crate::model::connection::Division;
    use axum::http::Method;
    use serde_json::json;

    /// The policy of a graph that was removed a moment ago is still there, until Karmada has seen that it is not wanted any more.
    #[tokio::test]
    async fn a_policy_that_is_being_deleted_is_no_claim() {
        let applied = |deleted: Option<&str>| -> Exchange {
            let metadata = json!({"name": "smo-web", "deletionTimestamp": deleted});
            let object =
                json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": metadata});
            let target =
                "/apis/policy.karmada.io/v1alpha1/namespaces/shop/propagationpolicies/smo-web?&fieldManager=smo";
            exchange(Method::PATCH, target, 200, &object)
        };
        let going = Some("2026-11-30T16:58:37Z");
        let stub = Stub::of(vec![applied(going), applied(going), applied(None)]).await;
        crate::backend::live::tls::install();
        let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
        let karmada = Karmada::with_client(client, "shop", Division::Own);
        karmada.claim("web", None, (&Shares::new(), &[])).await.unwrap();
        stub.finish();
    }
}
