//! A plan as what would carry it out: one document a service.

use super::{Decided, Document};
use crate::backend::manifest::helm::{self, Implementer};
use crate::backend::manifest::karmada;
use crate::cli::{Failure, yaml};
use crate::input::hdag;
use crate::model::{ServiceId, Snapshot};
use anyhow::anyhow;

/// Karmada policies and numbers of replicas.
///
/// # Errors
/// A name that Kubernetes does not take.
pub fn karmada(decided: &Decided<'_>, namespace: &str) -> Result<Vec<Document>, Failure> {
    let snapshot = &decided.situation.snapshot;
    let document = |service: ServiceId| {
        let objects =
            karmada::of_service(&snapshot.known, &decided.plan, (service, namespace)).map_err(Failure::input)?;
        Ok(Document { name: format!("{}.yaml", name(snapshot, service)), content: yaml::stream(&objects)? })
    };
    snapshot.services.ids().map(document).collect()
}

/// Helm values: those of the descriptor, with what the plan injects. `wot` names further services whose charts are virtual
/// objects.
///
/// # Errors
/// A name in `wot` that no service has.
pub fn helm(decided: &Decided<'_>, wot: &[String]) -> Result<Vec<Document>, Failure> {
    let snapshot = &decided.situation.snapshot;
    if let Some(stranger) = wot.iter().find(|name| snapshot.known.application.service(name).is_none()) {
        return Err(Failure::input(anyhow!("--wot {stranger}: no service is called `{stranger}`")));
    }
    let document = |service: ServiceId| {
        let name = name(snapshot, service);
        let artifact = decided.situation.artifacts.get(name);
        let described = artifact.is_some_and(|one| one.oci_config.implementer == Some(hdag::Implementer::Wot));
        let is_wot = described || wot.iter().any(|one| one == name);
        let implementer = if is_wot { Implementer::Wot } else { Implementer::Helm };
        let base = artifact.map(|one| one.values_overwrite.clone()).unwrap_or_default();
        let values = helm::values(&snapshot.known, &decided.plan, service, (implementer, base.into()));
        let content = remarks(decided, service) + &yaml::document(&values)?;
        Ok(Document { name: format!("{name}.values.yaml"), content })
    };
    snapshot.services.ids().map(document).collect()
}

/// What values do not say: whose they are, and how many replicas there are to be where.
fn remarks(decided: &Decided<'_>, service: ServiceId) -> String {
    let snapshot = &decided.situation.snapshot;
    let targets = decided.plan.targets.of(service);
    let places = targets.iter().map(|target| format!("{} {}", snapshot.cluster(target.cluster).name, target.replicas));
    let places = places.collect::<Vec<_>>().join(", ");
    let total = decided.plan.targets.total(service);
    let mut text = format!(
        "# {}: {total} replicas{}\n",
        name(snapshot, service),
        if total > 0 { format!(" ({places})") } else { places }
    );
    if targets.len() > 1 {
        text += "# Split: a chart whose policy has no replicaScheduling gives each of these clusters all replicas;\n";
        text += "# the policies of `--format karmada` divide them.\n";
    }
    text
}

fn name(snapshot: &Snapshot, service: ServiceId) -> &str {
    &snapshot.service(service).name
}
