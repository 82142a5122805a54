//! Distances and prices of traffic between clusters from tables by region, or estimated from where the clusters are.
//!
//! What is said by hand in `pairs` wins over tables, a table over the estimate, and that over a default, which counts here
//! only where it is written: otherwise a missing pair is an error that names it.

use super::sheet::Sheet;
use super::{latency, sites};
use crate::input::application::Name;
use crate::input::at::At;
use crate::input::error::InputError;
use crate::input::file::Files;
use crate::input::network::{ClusterNames, NetworkFile, OriginFile};
use crate::input::written::{Positive, Share};
use crate::units::{Money, Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Round-trip times by region, from a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyFile {
    /// The table: `latency-matrix` or `latency-pairs` (`smo formats`).
    pub file: String,
    /// The measurement, in a file that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
}

/// Prices of traffic by region, from a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressFile {
    /// The table: `egress-prices` (`smo formats`).
    pub file: String,
}

/// An estimate of round-trip times between clusters that have a `location`: `base + per_km · distance` (great circle).
/// Light in fibre needs 10 µs a kilometre there and back; routes are longer than great circles.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistanceFile {
    /// Whatever the distance: last miles, routers.
    pub base: Span,
    /// For each kilometre.
    pub per_km: Span,
}

/// Users by their coordinates: each calls from the nearest cluster, and the users of a cluster are one origin.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersFile {
    /// The table: `users` (`smo formats`).
    pub file: String,
    /// Round-trip time from a user to the nearest cluster; `by_distance.per_km` comes on top, for the mean distance.
    pub access_rtt: Span,
}

/// Values by cluster and cluster, in the order of the inventory.
pub type Square<T> = Vec<Vec<T>>;

/// A table of one value a pair.
struct Pairs<T> {
    of_table: Option<BTreeMap<(String, String), T>>,
    /// Pairs that are given by hand.
    by_hand: Vec<(String, String)>,
    /// Whether the default was written.
    has_default: bool,
    what: &'static str,
    /// Key of the table, and of the default.
    keys: [&'static str; 2],
}

impl<T: Copy> Pairs<T> {
    fn is_by_hand(&self, one: &str, other: &str) -> bool {
        self.by_hand.iter().any(|(a, b)| (a == one && b == other) || (a == other && b == one))
    }

    fn missing(&self, names: &ClusterNames<'_>, [from, to]: [usize; 2], at: &At<'_>) -> InputError {
        let [one, other] = [names.all[from], names.all[to]];
        let [one_region, other_region] = [names.regions[from], names.regions[to]];
        let (what, [table, default]) = (self.what, self.keys);
        at.key(table).error(format!(
            "no {what} is known from `{one}` ({one_region}) to `{other}` ({other_region}); add the pair to `network.pairs`, \
             or write `network.{default}` for all that are missing"
        ))
    }
}

/// Fills `rtt` from the table and the estimate.
///
/// # Errors
/// A broken table, or a pair that nothing says anything of.
pub fn rtt(
    file: &NetworkFile,
    names: &ClusterNames<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Square<Span>, InputError> {
    let mut rtt = square(names, file.default_rtt);
    let of_table = match &file.latency {
        Some(table) => {
            let mut sheet = Sheet::open(&table.file, files, &at.key("latency").key("file"))?;
            Some(latency::read(&mut sheet, table.dataset.as_deref())?)
        }
        None if file.by_distance.is_none() => return Ok(rtt),
        None => None,
    };
    let keys = [if of_table.is_some() { "latency" } else { "by_distance" }, "default_rtt"];
    let has_default = at.key("default_rtt").node().is_some();
    let by_hand = file.pairs.iter().filter(|pair| pair.rtt.is_some()).map(|pair| pair.between.clone()).collect();
    let pairs = Pairs { of_table, by_hand, has_default, what: "round-trip time", keys };
    for [from, to] in names.pairs() {
        let regions = (names.regions[from].to_owned(), names.regions[to].to_owned());
        let same = regions.0 == regions.1 && pairs.of_table.is_some();
        let found = pairs.of_table.as_ref().and_then(|table| table.get(&regions).copied());
        let found = found.or_else(|| same.then_some(file.rtt_within)).or_else(|| estimate(file, names, [from, to]));
        match found {
            Some(found) => rtt[from][to] = found,
            None if pairs.has_default || pairs.is_by_hand(names.all[from], names.all[to]) => {}
            None => return Err(pairs.missing(names, [from, to], at)),
        }
    }
    Ok(rtt)
}

/// Fills the prices of traffic from the table.
///
/// # Errors
/// A broken table, or a pair that nothing says anything of.
pub fn egress(
    file: &NetworkFile,
    names: &ClusterNames<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Square<Money>, InputError> {
    let mut prices = square(names, file.default_egress_per_gb);
    let Some(table) = &file.egress else { return Ok(prices) };
    let table = latency::egress(&mut Sheet::open(&table.file, files, &at.key("egress").key("file"))?)?;
    let by_hand =
        file.pairs.iter().filter(|pair| pair.egress_per_gb.is_some()).map(|pair| pair.between.clone()).collect();
    let has_default = at.key("default_egress_per_gb").node().is_some();
    let keys = ["egress", "default_egress_per_gb"];
    let pairs = Pairs { of_table: Some(table), by_hand, has_default, what: "price of traffic", keys };
    for [from, to] in names.pairs() {
        let regions = (names.regions[from].to_owned(), names.regions[to].to_owned());
        let by_sender = file.egress_per_gb.contains_key(names.all[from]);
        match pairs.of_table.as_ref().and_then(|table| table.get(&regions)) {
            Some(price) => prices[from][to] = *price,
            None if pairs.has_default || by_sender || pairs.is_by_hand(names.all[from], names.all[to]) => {}
            None => return Err(pairs.missing(names, [from, to], at)),
        }
    }
    Ok(prices)
}

fn square<T: Copy>(names: &ClusterNames<'_>, value: T) -> Square<T> {
    vec![vec![value; names.all.len()]; names.all.len()]
}

fn estimate(file: &NetworkFile, names: &ClusterNames<'_>, [from, to]: [usize; 2]) -> Option<Span> {
    let (law, one, other) = (file.by_distance?, names.locations[from]?, names.locations[to]?);
    Some(law.base + along(law.per_km, sites::kilometres(one, other)))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "half the Earth's girth in nanoseconds is far below 2^53; distances are not negative"
)]
fn along(per_km: Span, kilometres: f64) -> Span {
    Span((per_km.0 as f64 * kilometres).round() as u64)
}

/// The origins that a table of users makes.
///
/// # Errors
/// A broken table, origins by hand besides it, or clusters of which none has a place.
pub fn origins(
    users: &UsersFile,
    file: &NetworkFile,
    names: &ClusterNames<'_>,
    read: (&mut Files, &At<'_>),
) -> Result<Vec<OriginFile>, InputError> {
    let (files, at) = read;
    let at = at.key("users");
    if !file.origins.is_empty() {
        return Err(at.error("`users` and `origins` both say where users are; remove one of the two"));
    }
    let located: Vec<(usize, (f64, f64))> =
        names.enabled.iter().filter_map(|index| Some((*index, names.locations[*index]?))).collect();
    let users_at = sites::users(&mut Sheet::open(&users.file, files, &at.key("file"))?)?;
    let mut groups: BTreeMap<usize, (u64, f64)> = BTreeMap::new();
    for user in &users_at {
        let distance = |(index, place): &(usize, (f64, f64))| (sites::kilometres(*user, *place), *index);
        let Some((km, nearest)) = located.iter().map(distance).min_by(|one, other| one.0.total_cmp(&other.0)) else {
            return Err(at.error("no cluster has a `location`; give the clusters one, or write `origins` by hand"));
        };
        let group = groups.entry(nearest).or_default();
        group.0 += 1;
        group.1 += km;
    }
    let per_km = file.by_distance.map_or(Span::ZERO, |law| law.per_km);
    let total = users_at.len() as u64;
    let origin = |(index, (count, km)): (usize, (u64, f64))| {
        #[expect(clippy::cast_precision_loss, reason = "users are far fewer than 2^53")]
        let mean_km = km / count as f64;
        OriginFile {
            name: Name(format!("near-{}", names.all[index])),
            share: Positive(Share(Ratio(((Ratio::ONE.0 * count + total / 2) / total).max(1)))),
            local: Some(names.all[index].to_owned()),
            access_rtt: users.access_rtt + along(per_km, mean_km),
            rtt: BTreeMap::new(),
        }
    };
    Ok(groups.into_iter().map(origin).collect())
}
