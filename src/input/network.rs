//! Distances, prices of traffic, and where the users are: sparse as people write them, complete tables for the model.

use super::application::Name;
use super::at::At;
use super::error::{InputError, known_names};
use super::file::Files;
use super::inventory::ClusterFile;
use super::tables::network::{self as tables, DistanceFile, EgressFile, LatencyFile, UsersFile};
use super::written::{Positive, Share};
use crate::model::network::{Network, Origin, Routing};
use crate::model::{ClusterId, Table};
use crate::units::{Money, Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Round-trip times and prices of traffic between clusters, and the users' places.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkFile {
    /// Round-trip time between two clusters that `pairs` does not list.
    pub default_rtt: Span,
    /// Round-trip time within one cluster.
    pub rtt_within: Span,
    /// Price of 10⁹ bytes from one cluster to another where nothing else is said.
    pub default_egress_per_gb: Money,
    /// Price of 10⁹ bytes by the cluster that sends them.
    pub egress_per_gb: BTreeMap<String, Money>,
    /// Round-trip times from a table, by the regions of the clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyFile>,
    /// Round-trip times estimated from the locations of the clusters, where no table has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_distance: Option<DistanceFile>,
    /// Prices of traffic from a table, by the regions of the clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<EgressFile>,
    /// Users from a table, in place of `origins`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<UsersFile>,
    /// Pairs of clusters that differ from the above.
    pub pairs: Vec<PairFile>,
    /// Where users call from. Without any, users are equally near to all clusters, at no distance.
    pub origins: Vec<OriginFile>,
    /// How calls are shared among the clusters where a service is ready. `local_first`: the local cluster up to its
    /// ready capacity, the rest by spare ready capacity; `by_capacity`: in proportion to ready capacity everywhere.
    pub routing: Routing,
}

/// Two clusters, in both directions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairFile {
    /// The two clusters.
    pub between: (String, String),
    /// Round-trip time.
    #[serde(default)]
    pub rtt: Option<Span>,
    /// Price of 10⁹ bytes in either direction.
    #[serde(default)]
    pub egress_per_gb: Option<Money>,
}

/// A place from which users call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginFile {
    /// Name.
    pub name: Name,
    /// Its share of the requests; those of all origins add up to 100 %.
    pub share: Positive<Share>,
    /// The cluster that users here reach first. Left out, it is the nearest one by `rtt`.
    #[serde(default)]
    pub local: Option<String>,
    /// Round-trip time to the local cluster; to reach another one, the time between the two clusters comes on top.
    #[serde(default)]
    pub access_rtt: Span,
    /// Round-trip times by cluster, where they differ from that. Without `local`, every cluster must be named.
    #[serde(default)]
    pub rtt: BTreeMap<String, Span>,
}

/// The names of all clusters of the inventory, with those that are switched on.
pub struct ClusterNames<'a> {
    /// All, in the order of the file.
    pub all: Vec<&'a str>,
    /// Indices of those that are switched on; their position here is their [`ClusterId`].
    pub enabled: Vec<usize>,
    /// The region of each.
    pub regions: Vec<&'a str>,
    /// Degrees north and east of each, where they are known.
    pub locations: Vec<Option<(f64, f64)>>,
}

impl<'a> ClusterNames<'a> {
    /// Of the clusters of an inventory, of which some are switched on.
    pub fn new(clusters: &'a [ClusterFile], enabled: Vec<usize>) -> Self {
        let location = |cluster: &ClusterFile| cluster.location.map(|place| (place.lat, place.lon));
        Self {
            all: clusters.iter().map(|cluster| cluster.name.0.as_str()).collect(),
            enabled,
            regions: clusters.iter().map(|cluster| cluster.region.as_str()).collect(),
            locations: clusters.iter().map(location).collect(),
        }
    }

    /// All pairs of different clusters that are switched on, in both directions.
    pub fn pairs(&self) -> impl Iterator<Item = [usize; 2]> {
        let others = |from: usize| self.enabled.iter().map(move |to| [from, *to]).filter(|[from, to]| from != to);
        self.enabled.iter().flat_map(move |from| others(*from))
    }

    /// The index of a cluster in the file.
    ///
    /// # Errors
    /// Where no cluster has that name.
    pub fn find(&self, name: &str, at: &At<'_>) -> Result<usize, InputError> {
        self.all.iter().position(|known| *known == name).ok_or_else(|| {
            at.error(format!("no cluster is called `{name}`; {}", known_names(name, "clusters", &self.all)))
        })
    }

    /// The id of a cluster that is switched on.
    pub fn id(&self, index: usize) -> Option<ClusterId> {
        let position = self.enabled.iter().position(|enabled| *enabled == index)?;
        Some(ClusterId(u32::try_from(position).expect("an inventory has fewer than 2^32 clusters")))
    }

    /// What belongs to the clusters that are switched on, from what belongs to all.
    fn enabled_only<T: Clone>(&self, all: &[T]) -> Table<ClusterId, T> {
        self.enabled.iter().map(|index| all[*index].clone()).collect()
    }
}

/// Checks the network and fills its tables.
///
/// # Errors
/// What is wrong, at `at`, which is the network, or in a table.
pub fn network(
    file: &NetworkFile,
    names: &ClusterNames<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Network, InputError> {
    let mut rtt = tables::rtt(file, names, files, at)?;
    let mut egress = tables::egress(file, names, files, at)?;
    for (name, price) in &file.egress_per_gb {
        let from = names.find(name, &at.key("egress_per_gb").key(name))?;
        egress[from].fill(*price);
    }
    for (index, pair) in file.pairs.iter().enumerate() {
        let between_at = at.key("pairs").index(index).key("between");
        let one = names.find(&pair.between.0, &between_at.index(0))?;
        let other = names.find(&pair.between.1, &between_at.index(1))?;
        for (from, to) in [(one, other), (other, one)] {
            rtt[from][to] = pair.rtt.unwrap_or(rtt[from][to]);
            egress[from][to] = pair.egress_per_gb.unwrap_or(egress[from][to]);
        }
    }
    for here in 0..names.all.len() {
        rtt[here][here] = file.rtt_within;
        egress[here][here] = Money::ZERO;
    }
    let origin_files = match &file.users {
        Some(users) => tables::origins(users, file, names, (files, at))?,
        None => file.origins.clone(),
    };
    Ok(Network {
        origins: origins(&origin_files, names, &rtt, &at.key("origins"))?,
        rtt: names.enabled.iter().map(|index| names.enabled_only(&rtt[*index])).collect(),
        egress_per_gb: names.enabled.iter().map(|index| names.enabled_only(&egress[*index])).collect(),
        routing: file.routing,
    })
}

fn origins(
    origin_files: &[OriginFile],
    names: &ClusterNames<'_>,
    rtt: &[Vec<Span>],
    at: &At<'_>,
) -> Result<Vec<Origin>, InputError> {
    if origin_files.is_empty() {
        let rtt = names.enabled_only(&vec![Span::ZERO; names.all.len()]);
        return Ok(vec![Origin { name: "users".to_owned(), share: Ratio::ONE, rtt, local: None }]);
    }
    let mut seen = BTreeSet::new();
    let mut origins = Vec::with_capacity(origin_files.len());
    for (index, origin) in origin_files.iter().enumerate() {
        let at = at.index(index);
        if !seen.insert(&origin.name) {
            let name = &origin.name.0;
            return Err(at.key("name").error(format!("a second origin is called `{name}`; rename one of the two")));
        }
        origins.push(checked_origin(origin, names, rtt, &at)?);
    }
    let sum: Ratio = origins.iter().map(|origin| origin.share).sum();
    let error = sum.0.abs_diff(Ratio::ONE.0);
    // Thirds cannot be written exactly: a ten-thousandth each is forgiven and given to the last one.
    if error > 100 * origins.len() as u64 {
        return Err(at.error(format!(
            "the shares add up to {} %; make them add up to 100 %",
            (sum.as_f64() * 1e6).round() / 1e4
        )));
    }
    let last = origins.last_mut().expect("there is at least one origin");
    last.share = Ratio((last.share.0 + Ratio::ONE.0).saturating_sub(sum.0));
    Ok(origins)
}

fn checked_origin(
    file: &OriginFile,
    names: &ClusterNames<'_>,
    between: &[Vec<Span>],
    at: &At<'_>,
) -> Result<Origin, InputError> {
    let local = file.local.as_ref().map(|name| names.find(name, &at.key("local"))).transpose()?;
    let mut rtt: Vec<Option<Span>> = match local {
        Some(local) => (0..names.all.len())
            .map(|to| Some(if to == local { file.access_rtt } else { file.access_rtt + between[local][to] }))
            .collect(),
        None => vec![None; names.all.len()],
    };
    for (name, span) in &file.rtt {
        rtt[names.find(name, &at.key("rtt").key(name))?] = Some(*span);
    }
    let complete = |(index, span): (usize, Option<Span>)| {
        span.ok_or_else(|| {
            at.key("rtt").error(format!(
                "the time to cluster `{}` is missing; name it here, or write `local: CLUSTER`",
                names.all[index]
            ))
        })
    };
    let rtt = rtt.into_iter().enumerate().map(complete).collect::<Result<Vec<_>, _>>()?;
    let rtt = names.enabled_only(&rtt);
    let local = local.and_then(|index| names.id(index)).or_else(|| nearest(&rtt));
    Ok(Origin { name: file.name.0.clone(), share: file.share.0.0, rtt, local })
}

/// The cluster with the shortest way; none where all are equally far.
fn nearest(rtt: &Table<ClusterId, Span>) -> Option<ClusterId> {
    let (nearest, shortest) = rtt.iter().min_by_key(|(_, span)| **span)?;
    let differs = rtt.values().any(|span| span != shortest);
    (differs || rtt.len() == 1).then_some(nearest)
}
