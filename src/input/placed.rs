//! What runs when a run begins, as people write it: replicas by service and cluster.
//!
//! Where nothing is said, what a policy decides first runs from the start. Where it is said, as of a world that is there already,
//! the first decision changes it as any later one does, and takes its time.

use super::at::At;
use super::defaults::limits;
use super::error::{InputError, known_names};
use super::network::ClusterNames;
use crate::model::{Application, Targets};
use std::collections::BTreeMap;

/// Replicas by service and cluster.
pub type PlacedFile = BTreeMap<String, BTreeMap<String, u32>>;

/// Checks what runs at the start. What ran in a cluster that is switched off is gone with it.
///
/// # Errors
/// A service or a cluster that is none, or more replicas than are simulated, below `at`.
pub fn placed(
    file: &PlacedFile,
    application: &Application,
    clusters: &ClusterNames<'_>,
    at: &At<'_>,
) -> Result<Targets, InputError> {
    let names: Vec<&str> = application.requests().map(|id| application.services[id].name.as_str()).collect();
    let mut targets = Targets::default();
    for (name, places) in file {
        let at = at.key(name);
        let service = application.requests().find(|id| application.services[*id].name == *name);
        let service = service.ok_or_else(|| {
            at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names)))
        })?;
        let all = places.values().fold(0_u32, |sum, replicas| sum.saturating_add(*replicas));
        if all > limits::REPLICAS {
            let most = limits::REPLICAS;
            return Err(at.error(format!("{all} replicas are beyond what is simulated; write at most {most}")));
        }
        for (cluster, replicas) in places {
            if let Some(id) = clusters.id(clusters.find(cluster, &at.key(cluster))?) {
                targets.set(service, id, *replicas);
            }
        }
    }
    Ok(targets)
}
