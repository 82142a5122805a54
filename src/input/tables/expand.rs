//! Clusters from tables: `inventory.regions`, `inventory.sites` and `pools: {file: ...}` become what a person would have
//! written out, so that variants, `--set`, errors and the echo work on every cluster alike.

use super::machine_types::{self, PoolsFile};
use super::sheet::Sheet;
use super::{regions, sites, tree};
use crate::input::application::Name;
use crate::input::at::At;
use crate::input::error::{InputError, known_names};
use crate::input::file::Files;
use crate::input::inventory::PoolFile;
use crate::input::node::{Node, Value};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// A cluster in each region of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionsFile {
    /// The table: `regions` or `gsf-region-metadata` (`smo formats`). Its prices are used where `machines.prices` names no
    /// other table.
    pub file: String,
    /// Only regions of this provider, in a table of several.
    #[serde(default)]
    pub provider: Option<String>,
    /// The regions; all where nothing is said. A cluster is called like its region.
    #[serde(default)]
    pub choose: Vec<String>,
    /// Hardware class of all clusters.
    #[serde(default)]
    pub class: Option<String>,
    /// The pools of each cluster, as in `clusters`.
    #[serde(deserialize_with = "ignored")]
    #[schemars(with = "Vec<PoolFile>")]
    pub pools: (),
}

/// A cluster at each site of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SitesFile {
    /// The table: `edge-sites` (`smo formats`).
    pub file: String,
    /// The sites, by their ids; all where nothing is said. A cluster is called `site-ID`.
    #[serde(default)]
    pub choose: Vec<String>,
    /// Region of all sites: joins carbon intensity and prices.
    pub region: Name,
    /// Zone of the electricity grid of all sites.
    #[serde(default)]
    pub grid_zone: Option<String>,
    /// Power usage effectiveness of all sites.
    #[serde(default)]
    pub pue: Option<Ratio>,
    /// Hardware class of all clusters.
    #[serde(default)]
    pub class: Option<String>,
    /// The pools of each cluster, as in `clusters`.
    #[serde(deserialize_with = "ignored")]
    #[schemars(with = "Vec<PoolFile>")]
    pub pools: (),
}

/// Pools are copied into each cluster as they stand, and read there.
fn ignored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| ())
}

/// Whether a patch of this path must come before tables are expanded.
pub fn is_of_table(path: &str) -> bool {
    ["inventory.regions", "inventory.sites"].iter().any(|table| path.starts_with(table))
}

/// Puts clusters in the place of `regions` and `sites`, and pools in the place of files of machine types.
///
/// # Errors
/// What is wrong with the section or its table.
pub fn expand(root: &mut Node, files: &mut Files) -> Result<(), InputError> {
    let mut clusters = Vec::new();
    let mut has_prices = false;
    {
        let at = At::root(root).key("inventory");
        // `null` is none: so a variant leaves a section out.
        let section =
            |key: &str| at.node().and_then(|inventory| inventory.get(key)).filter(|node| !tree::is_null(node));
        if let Some(section) = section("regions") {
            let (found, priced) = of_regions(section, files, &at.key("regions"))?;
            clusters.extend(found);
            has_prices = priced;
        }
        if let Some(section) = section("sites") {
            clusters.extend(of_sites(section, files, &at.key("sites"))?);
        }
    }
    let Some(inventory) = tree::get_mut(root, "inventory") else { return Ok(()) };
    if let Some(regions) = tree::take(inventory, "regions").filter(|_| has_prices) {
        default_prices(inventory, &regions);
    }
    tree::take(inventory, "sites");
    if !clusters.is_empty() {
        let place = inventory.place.clone();
        tree::fill(inventory, "clusters", || tree::list(&place, Vec::new()));
        if let Some(Value::List(items)) = tree::get_mut(inventory, "clusters").map(|list| &mut list.value) {
            items.extend(clusters);
        }
    }
    expand_pools(root, files)
}

/// The table of regions is also one of prices, where it has some and no other is named.
fn default_prices(inventory: &mut Node, regions: &Node) {
    let Some(file) = regions.get("file").cloned() else { return };
    let place = regions.place.clone();
    tree::fill(inventory, "machines", || tree::map(&place, Vec::new()));
    if let Some(machines) = tree::get_mut(inventory, "machines") {
        tree::fill(machines, "prices", || file);
    }
}

/// The clusters, and whether the table has prices too.
fn of_regions(section: &Node, files: &mut Files, at: &At<'_>) -> Result<(Vec<Node>, bool), InputError> {
    let wanted: RegionsFile = tree::read_part(section, "inventory.regions")?;
    let mut sheet = Sheet::open(&wanted.file, files, &at.key("file"))?;
    let known = regions::read(&mut sheet, wanted.provider.as_deref())?;
    let chosen = choose(&wanted.choose, &known, "regions", &at.key("choose"))?;
    let mut without_pue = Vec::new();
    let mut clusters = Vec::with_capacity(chosen.len());
    for name in chosen {
        let region = &known[name];
        let place = &sheet.place_of(region.spot);
        let mut entries = vec![("name", tree::text(place, name)), ("region", tree::text(place, name))];
        if let Some((lat, lon)) = region.location {
            let degrees = vec![("lat", tree::number(place, lat)), ("lon", tree::number(place, lon))];
            entries.push(("location", tree::map(place, degrees)));
        }
        entries.extend(region.grid_zone.as_ref().map(|zone| ("grid_zone", tree::text(place, zone))));
        match region.pue {
            Some(pue) => entries.push(("pue", tree::text(place, pue.to_string()))),
            None => without_pue.push(name),
        }
        clusters.push(cluster(section, entries));
    }
    if !without_pue.is_empty() {
        let default = crate::input::defaults::pue();
        files.note(format!("No PUE is known of {}: {default} is assumed.", without_pue.join(", ")));
    }
    Ok((clusters, sheet.columns().iter().any(|column| column.ends_with("_usd_h"))))
}

fn of_sites(section: &Node, files: &mut Files, at: &At<'_>) -> Result<Vec<Node>, InputError> {
    let wanted: SitesFile = tree::read_part(section, "inventory.sites")?;
    let mut sheet = Sheet::open(&wanted.file, files, &at.key("file"))?;
    let known = sites::read(&mut sheet)?;
    let chosen = choose(&wanted.choose, &known, "sites", &at.key("choose"))?;
    let clusters = chosen.into_iter().map(|id| {
        let site = &known[id];
        let place = &site.place;
        let degrees = vec![("lat", tree::number(place, site.lat)), ("lon", tree::number(place, site.lon))];
        let mut entries =
            vec![("name", tree::text(place, format!("site-{id}"))), ("location", tree::map(place, degrees))];
        let given = |key: &'static str| section.get(key).map(|node| (key, node.clone()));
        entries.extend(["region", "grid_zone", "pue"].into_iter().filter_map(given));
        cluster(section, entries)
    });
    Ok(clusters.collect())
}

/// A cluster of what is its own, and of what the section says of all.
fn cluster(section: &Node, mut entries: Vec<(&str, Node)>) -> Node {
    entries.extend(["class", "pools"].into_iter().filter_map(|key| Some((key, section.get(key)?.clone()))));
    tree::map(&section.place, entries)
}

/// The wanted names, or all.
fn choose<'a, T>(
    wanted: &'a [String],
    known: &'a BTreeMap<String, T>,
    kind: &str,
    at: &At<'_>,
) -> Result<Vec<&'a str>, InputError> {
    if wanted.is_empty() {
        return Ok(known.keys().map(String::as_str).collect());
    }
    let check = |(index, name): (usize, &'a String)| {
        if known.contains_key(name) {
            return Ok(name.as_str());
        }
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let all = known_names(name, kind, &names);
        Err(at.index(index).error(format!("the table does not know `{name}`; {all}")))
    };
    wanted.iter().enumerate().map(check).collect()
}

/// Puts pools in the place of `pools: {file: ...}`.
fn expand_pools(root: &mut Node, files: &mut Files) -> Result<(), InputError> {
    let mut made = Vec::new();
    {
        let at = At::root(root).key("inventory").key("clusters");
        let Some(Value::List(clusters)) = at.node().map(|node| &node.value) else { return Ok(()) };
        for (index, cluster) in clusters.iter().enumerate() {
            let at = at.index(index).key("pools");
            if let Some(pools) = cluster.get("pools").filter(|pools| pools.get("file").is_some()) {
                let name = cluster.name().map_or_else(|| index.to_string(), str::to_owned);
                let wanted: PoolsFile = tree::read_part(pools, &format!("inventory.clusters.{name}.pools"))?;
                made.push((index, machine_types::pools(&wanted, files, &at)?));
            }
        }
    }
    let Some(inventory) = tree::get_mut(root, "inventory") else { return Ok(()) };
    let clusters = tree::items_mut(inventory, "clusters");
    for (index, pools) in made {
        if let Some(node) = tree::get_mut(&mut clusters[index], "pools") {
            *node = pools;
        }
    }
    Ok(())
}
