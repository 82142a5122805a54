//! Why replicas found no place, and the smallest change that would give them one.
//!
//! The smallest change is the one that grows a cluster least: of all clusters that may run the service, the one where the
//! missing share of its scarcest resource is smallest, the lowest id among equals.

use super::draft::Draft;
use crate::model::cluster::Ineligible;
use crate::model::rules::Rule;
use crate::model::{ClusterId, Refusal, Resources, ServiceId};

/// What was missing for `service`, and the remedy where one is known.
pub fn explain(draft: &Draft<'_>, service: ServiceId) -> (String, Option<String>) {
    if let Some(home) = draft.home(service).filter(|home| !draft.is_open(service, *home)) {
        let name = &draft.snapshot.cluster(home).name;
        let obstacle = obstacle(draft, service, home).unwrap_or_else(|| "it has no room".to_owned());
        let is_lost = !draft.snapshot.clusters[home].reachable;
        let remedy = if is_lost { format!("{name} back") } else { "do not pin it".to_owned() };
        return (format!("pinned to {name}: {obstacle}"), Some(remedy));
    }
    let lack = |cluster| Lack::new(draft, service, cluster);
    let clusters = draft.snapshot.clusters.ids();
    match clusters.filter(|cluster| draft.is_open(service, *cluster)).map(lack).min_by(Lack::compare) {
        Some(least) => least.words(draft),
        None => nowhere(draft, service),
    }
}

/// The rules that keep missing replicas of `service` out of clusters that have room.
pub fn by_rules(draft: &Draft<'_>, service: ServiceId) -> Option<(String, Option<String>)> {
    let rules = if draft.is_ruled(service) { draft.forbidding(service) } else { Vec::new() };
    let words = words(draft, &rules)?;
    Some((
        format!("there is room, and the rules keep it from there: {words}"),
        Some("relax one of these rules".to_owned()),
    ))
}

/// What is said of replicas that are too many and stay, because rules forbid to take them away.
pub fn of_surplus(draft: &Draft<'_>, service: ServiceId) -> Option<Refusal> {
    let surplus = draft.targets().total(service).saturating_sub(draft.wanted.replicas[service]);
    let rules = draft.snapshot.known.rules.demands.iter().filter(|demand| demand.price.is_none());
    let concerned: Vec<&Rule> = rules.map(|demand| &demand.rule).filter(|rule| rule.concerns(service)).collect();
    let words = words(draft, &concerned).filter(|_| surplus > 0)?;
    let reason = format!("{surplus} more than wanted stay, because of the rules: {words}");
    Some(Refusal { service, replicas: 0, reason, remedy: Some("relax one of these rules".to_owned()) })
}

fn words(draft: &Draft<'_>, rules: &[&Rule]) -> Option<String> {
    let words: Vec<String> = rules.iter().map(|rule| rule.words(&draft.snapshot.known)).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Why `cluster` takes no replica of `service`, however empty it is.
fn obstacle(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> Option<String> {
    if !draft.snapshot.clusters[cluster].reachable {
        return Some("it cannot be reached".to_owned());
    }
    let declared = draft.snapshot.service(service);
    declared.terms.room_max(draft.snapshot.cluster(cluster), declared.request).err().map(|why| why.to_string())
}

/// No cluster is open to the service: the obstacle in each of them, and the remedy for the first that has one.
fn nowhere(draft: &Draft<'_>, service: ServiceId) -> (String, Option<String>) {
    let declared = draft.snapshot.service(service);
    let remedy = |cluster: ClusterId| {
        let name = &draft.snapshot.cluster(cluster).name;
        match declared.terms.room_max(draft.snapshot.cluster(cluster), declared.request) {
            Ok(_) => Some(format!("{name} back")),
            Err(Ineligible::Cluster) => Some(format!("leave to run in {name}")),
            Err(Ineligible::Affinity { terms }) => Some(format!("a node with {terms} in {name}")),
            Err(Ineligible::Label { key, value }) => Some(format!("a node with {key}={value} in {name}")),
            Err(Ineligible::Taint { key }) => Some(format!("a toleration of {key}")),
            Err(Ineligible::TooSmall { resource }) => Some(format!("larger nodes ({resource}) in {name}")),
            Err(Ineligible::NoPools) => None,
        }
    };
    let clusters = || draft.snapshot.clusters.ids();
    let obstacles = clusters().filter_map(|cluster| {
        let obstacle = obstacle(draft, service, cluster)?;
        Some(format!("{}: {obstacle}", draft.snapshot.cluster(cluster).name))
    });
    let obstacles = obstacles.collect::<Vec<_>>().join("; ");
    let reason = if obstacles.is_empty() { "there are no clusters".to_owned() } else { obstacles };
    let reachable_again = clusters().find_map(|cluster| remedy(cluster).filter(|text| text.ends_with(" back")));
    (reason, reachable_again.or_else(|| clusters().find_map(remedy)))
}

/// What one cluster lacks for all missing replicas of a service.
struct Lack {
    cluster: ClusterId,
    missing: u32,
    /// Amounts beyond what is free.
    resources: Resources,
    /// Replicas beyond what its nodes could hold one by one, were it empty.
    by_nodes: bool,
    /// Largest share by which a resource of the cluster would have to grow.
    growth: f64,
}

impl Lack {
    fn new(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> Self {
        let missing = draft.missing(service);
        let request = draft.snapshot.service(service).request;
        let resources = request.repeated(missing.into()).saturating_sub(draft.free(cluster));
        let all = draft.snapshot.clusters[cluster].allocatable_max.amounts();
        let shares = resources.amounts().into_iter().zip(all).map(|(lack, all)| lack as f64 / all.max(1) as f64);
        let growth = shares.fold(0.0, f64::max);
        Self { cluster, missing, resources, by_nodes: resources == Resources::ZERO, growth }
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.by_nodes.cmp(&other.by_nodes).then(self.growth.total_cmp(&other.growth))
    }

    fn words(&self, draft: &Draft<'_>) -> (String, Option<String>) {
        let name = &draft.snapshot.cluster(self.cluster).name;
        if self.by_nodes {
            let reason = format!("no cluster has room, {name} comes closest: its nodes cannot hold so many");
            return (reason, Some(format!("{name} + nodes for {} replicas", self.missing)));
        }
        let short: Vec<&str> = names(self.resources);
        let reason = format!("no cluster has room, {name} comes closest: it is short of {}", short.join(" and "));
        (reason, Some(format!("{name} + {}", self.resources.words().join(" + "))))
    }
}

fn names(lack: Resources) -> Vec<&'static str> {
    let names = crate::model::resources::RESOURCES.into_iter().zip(lack.amounts());
    names.filter(|(_, amount)| *amount > 0).map(|(name, _)| name).collect()
}
