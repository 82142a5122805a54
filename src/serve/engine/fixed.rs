//! Looks at what charts that place themselves have made: their Deployments, and where Karmada has put them.

use super::monitors::Places;
use super::told::{Shares, Told};
use crate::backend::live::karmada::{DEPLOYMENT, Karmada};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Stands for the clusters of a Deployment that no policy propagates.
const NOWHERE: &str = "karmada";

/// Looks until nobody listens.
pub async fn look(
    karmada: Karmada,
    services: BTreeSet<String>,
    (tell, placed): (UnboundedSender<Told>, watch::Sender<Option<Places>>),
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known = Places::new();
    loop {
        ticks.tick().await;
        let mut seen = Vec::new();
        for name in &services {
            // What cannot be seen now is seen with the next look.
            if let Ok(places) = places(&karmada, name).await {
                seen.push((name.clone(), places, None));
            }
        }
        // What could not be seen now is where it was.
        known.extend(seen.iter().map(|(name, places, _)| (name.clone(), wanted(places))));
        placed.send_if_modified(|told| {
            let differs = told.as_ref() != Some(&known);
            *told = Some(known.clone());
            differs
        });
        if tell.send(Told::Seen(seen)).is_err() {
            return;
        }
    }
}

/// Where a Deployment is wanted, as Karmada says.
fn wanted(places: &BTreeMap<String, (u32, u32)>) -> Shares {
    let known = places.iter().filter(|(name, _)| *name != NOWHERE);
    known.map(|(name, (wanted, _))| (name.clone(), *wanted)).collect()
}

/// Replicas of a Deployment by cluster: wanted and ready.
async fn places(
    karmada: &Karmada,
    name: &str,
) -> Result<BTreeMap<String, (u32, u32)>, crate::backend::live::outside::CallError> {
    let Some(deployment) = karmada.get(DEPLOYMENT, name).await? else { return Ok(BTreeMap::new()) };
    let Some(binding) = karmada.binding(name).await? else {
        let wanted = deployment.data["spec"]["replicas"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        return Ok(BTreeMap::from([(NOWHERE.to_owned(), (wanted, 0))]));
    };
    let all: BTreeSet<&String> = binding.clusters.keys().chain(binding.ready.keys()).collect();
    let of = |shares: &BTreeMap<String, u32>, name: &String| shares.get(name).copied().unwrap_or(0);
    Ok(all.into_iter().map(|name| (name.clone(), (of(&binding.clusters, name), of(&binding.ready, name)))).collect())
}
