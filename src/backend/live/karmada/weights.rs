//! A division by static weights, where Karmada's own scheduler stays in charge: the weights are the wanted counts and the number of
//! replicas is their sum, which Webster's method turns into exactly these counts.
//!
//! That takes two objects, the policy and the Deployment. Karmada follows them by two watches, of which either may be the slower, and
//! divides whenever one has changed. So dispatching is suspended meanwhile, nothing is written before what was written last is in force,
//! and the two come in the order in which no division in between takes a replica away that serves and is wanted:
//!
//! ```text
//! more replicas     first their number, 4 of {near: 4} → 8 of {near: 4}, near 8; then the weights: {near: 4, far: 4}
//! as many or fewer  first the weights, 8 of {near: 4, far: 4} → 8 of {far: 4}, far 8; then their number: 4
//! ```
//!
//! Webster's method gives seats away one by one, so that of more seats nobody has fewer: in between each cluster has at least the smaller
//! of what it had and what it is to have. It matters although nothing is dispatched: the work of a cluster that is given no replica is
//! removed at once, suspended or not.

use super::super::clock;
use super::binding::{BindingSeen, Shares};
use super::claim::policy_name;
use super::{CallError, Class, Karmada, POLICY};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long Karmada may take for all steps of a division.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(5);
/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_millis(25);

impl Karmada {
    /// Divides by weights that are the counts.
    pub(super) async fn write_weights(&self, workload: &str, shares: &Shares) -> Result<(), CallError> {
        let shares: &Shares =
            &shares.iter().filter(|(_, replicas)| **replicas > 0).map(|(name, n)| (name.clone(), *n)).collect();
        let (name, total): (String, u32) = (policy_name(workload), shares.values().sum());
        let shown = Shown { karmada: self, workload, end: clock::now() + IN_FORCE_WITHIN };
        let held = json!({"spec": {"suspension": {"dispatching": true}}});
        let weighed = json!({"spec": {"suspension": {"dispatching": true}, "placement": placement(shares)}});
        let before = self.binding(workload).await?.map_or(0, |seen| seen.replicas);
        if total > before {
            self.merge(POLICY, &name, &held).await?;
            shown.until(|seen| seen.suspended).await?;
            self.scale(workload, total).await?;
            shown.until(|seen| seen.replicas == total).await?;
            self.merge(POLICY, &name, &weighed).await?;
        } else {
            self.merge(POLICY, &name, &weighed).await?;
            shown.until(|seen| seen.suspended && seen.weights == *shares).await?;
            self.scale(workload, total).await?;
        }
        // Let out before Karmada has divided anew, the works would carry what was in between.
        shown.until(|seen| (seen.replicas, &seen.weights, &seen.clusters) == (total, shares, shares)).await?;
        self.resume(workload).await
    }

    /// Lets the works of a division by weights go out.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn resume(&self, workload: &str) -> Result<(), CallError> {
        self.merge(POLICY, &policy_name(workload), &json!({"spec": {"suspension": null}})).await.map(|_| ())
    }
}

/// What Karmada shows of a workload while it is divided.
struct Shown<'a> {
    karmada: &'a Karmada,
    workload: &'a str,
    end: Instant,
}

impl Shown<'_> {
    async fn until(&self, holds: impl Fn(&BindingSeen) -> bool) -> Result<(), CallError> {
        loop {
            if self.karmada.binding(self.workload).await?.as_ref().is_some_and(&holds) {
                return Ok(());
            }
            if clock::now() >= self.end {
                let reason = "Karmada has not divided it by the new weights yet; its works are held back until it has";
                return Err(CallError::new("karmada", format!("divide {}", self.workload), Class::Retryable, reason));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// `spec.placement` of a division by static weights. Without replicas anywhere all weights are equal: none of nothing.
pub fn placement(shares: &Shares) -> Value {
    let weight =
        |(name, replicas): (&String, &u32)| json!({"targetCluster": {"clusterNames": [name]}, "weight": replicas});
    let names: Vec<&String> = shares.iter().filter(|(_, replicas)| **replicas > 0).map(|(name, _)| name).collect();
    let weights: Vec<Value> = shares.iter().filter(|(_, replicas)| **replicas > 0).map(weight).collect();
    let mut placement = json!({
        "clusterAffinity": {"clusterNames": names},
        "replicaScheduling": {
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted",
            "weightPreference": {"staticWeightList": weights},
        },
    });
    if names.is_empty() {
        placement["clusterAffinity"] = Value::Null;
        placement["replicaScheduling"]["weightPreference"] = Value::Null;
    }
    placement
}

#[cfg(test)]
mod tests {
    use super::super::Karmada;
    use super::{Shares, placement};
    use crate::backend::live::stub::{Exchange, Stub, exchange, get};
    use crate::model::connection::Division;
    use axum::http::Method;
    use serde_json::{Value, json};

    const POLICY: &str =
        "/apis/policy.karmada.io/v1alpha1/namespaces/shop/propagationpolicies/smo-web?&fieldManager=smo";
    const SCALE: &str = "/apis/apps/v1/namespaces/shop/deployments/web/scale?&fieldManager=smo";
    const BINDING: &str = "/apis/work.karmada.io/v1alpha2/namespaces/shop/resourcebindings/web-deployment";

    type Pairs = &'static [(&'static str, u32)];

    fn shares(pairs: &[(&str, u32)]) -> Shares {
        pairs.iter().map(|(name, replicas)| ((*name).to_owned(), *replicas)).collect()
    }

    /// The binding with its replicas, weights and division; suspended or not.
    fn shows(replicas: u32, weights: &[(&str, u32)], clusters: &[(&str, u32)], suspended: bool) -> Exchange {
        let clusters: Vec<Value> =
            clusters.iter().map(|(name, replicas)| json!({"name": name, "replicas": replicas})).collect();
        let object = json!({"apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {"name": "web-deployment"},
            "spec": {"resource": {"kind": "Deployment", "name": "web"}, "replicas": replicas, "clusters": clusters,
                "placement": placement(&shares(weights)), "suspension": {"dispatching": suspended}}});
        get(BINDING, 200, object)
    }

    fn patch(target: &str) -> Exchange {
        let (version, kind) = if target == SCALE {
            ("autoscaling/v1", "Scale")
        } else {
            ("policy.karmada.io/v1alpha1", "PropagationPolicy")
        };
        let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, "spec": {}});
        exchange(Method::PATCH, target, 200, &object)
    }

    /// What is patched, in order: the number of replicas; the weights (`?` where they stay), and whether it is held.
    async fn written(script: Vec<Exchange>, wanted: &[(&str, u32)]) -> Vec<String> {
        let stub = Stub::of(script).await;
        crate::backend::live::tls::install();
        let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
        let karmada = Karmada::with_client(client, "shop", Division::Weights);
        karmada.write_weights("web", &shares(wanted)).await.unwrap();
        stub.finish();
        let told = |body: &Value| {
            if let Some(replicas) = body["spec"]["replicas"].as_u64() {
                return replicas.to_string();
            }
            let weights = body["spec"]["placement"]["replicaScheduling"]["weightPreference"]["staticWeightList"]
                .as_array()
                .map_or_else(|| "?".to_owned(), |all| all.iter().map(|one| one["weight"].to_string()).collect());
            format!("{weights} held={}", body["spec"]["suspension"]["dispatching"] == true)
        };
        stub.bodies().iter().filter(|body| !body.is_null()).map(told).collect()
    }

    /// 4 in `a` become 4 in `a` and 4 in `b`. Were the weights first, 4 would be divided 2 and 2; with one replica, the one in `a` might go.
    #[tokio::test]
    async fn of_more_replicas_the_number_comes_first_and_each_step_is_waited_for() {
        let (old, new): (Pairs, Pairs) = (&[("a", 4)], &[("a", 4), ("b", 4)]);
        let script = vec![
            shows(4, old, old, false),
            patch(POLICY),
            shows(4, old, old, false),
            shows(4, old, old, true),
            patch(SCALE),
            shows(4, old, old, true),
            shows(8, old, &[("a", 8)], true),
            patch(POLICY),
            shows(8, old, &[("a", 8)], true),
            shows(8, new, &[("a", 8)], true),
            shows(8, new, new, true),
            patch(POLICY),
        ];
        assert_eq!(written(script, new).await, ["? held=true", "8", "44 held=true", "? held=false"]);
    }

    /// 4 and 4 become 4 in `b`. Were the number seen before the weights and the suspension, 2 and 2 would go out.
    #[tokio::test]
    async fn of_fewer_replicas_the_weights_come_first_and_each_step_is_waited_for() {
        let (old, new): (Pairs, Pairs) = (&[("a", 4), ("b", 4)], &[("b", 4)]);
        let script = vec![
            shows(8, old, old, false),
            patch(POLICY),
            shows(8, old, old, false),
            shows(8, new, &[("b", 8)], true),
            patch(SCALE),
            shows(8, new, &[("b", 8)], true),
            shows(4, new, new, true),
            patch(POLICY),
        ];
        assert_eq!(written(script, new).await, ["4 held=true", "4", "? held=false"]);
    }
}
