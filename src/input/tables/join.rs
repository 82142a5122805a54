//! Pools that name their `machine` get from tables what they do not say themselves: CPU, memory, accelerators, power, price.
//!
//! It happens after variants and `--set`, so that a variant may name another machine; what a pool says itself is kept.

use super::machines::{self, Machine};
use super::power::{self, Coefficients};
use super::prices;
use super::sheet::Sheet;
use super::tree;
use crate::input::at::At;
use crate::input::error::{InputError, Place, nearest};
use crate::input::file::Files;
use crate::input::node::{Node, Scalar, Value};
use crate::units::{Bytes, MilliCores, Money, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tables that are joined to pools by their `machine`, and by the region of their cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MachinesFile {
    /// CPU, memory and accelerators: `ccf-instances`, `gcp-machine-types` or `specpower` (`smo formats`).
    pub shapes: Option<String>,
    /// Watts of a virtual CPU: `ccf-power`. Where nothing is given or known, power follows from the cores.
    pub power: Option<String>,
    /// Prices: `machine-prices`, or a table of regions.
    pub prices: Option<String>,
    /// Only prices of this provider, in a table of several.
    pub provider: Option<String>,
    /// Accelerators by region: `gcp-accelerators`. A pool whose kind of accelerator is not offered there is refused.
    pub accelerators: Option<String>,
    /// What the platform keeps of CPU and memory of a node.
    pub reserved: Reserved,
}

/// What is not allocatable to replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reserved {
    /// What Google Kubernetes Engine keeps, for system, kubelet and eviction.
    #[default]
    Gke,
    /// Nothing: the table states allocatable amounts, or nothing else runs.
    None,
}

impl Reserved {
    /// What is left of a machine. Google states: of CPU 6 % of the first core, 1 % of the next, 0.5 % of the next two,
    /// 0.25 % of all others; of memory 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % of the next 112,
    /// 2 % of the rest, and 100 MiB for eviction; 255 MiB of machines below 1 GiB.
    fn allocatable(self, cpu: MilliCores, memory: Bytes) -> (MilliCores, Bytes) {
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        if self == Self::None {
            return (cpu, memory);
        }
        // Steps as (up to, in hundredths of a percent).
        let kept = |amount: u64, steps: &[(u64, u64)]| {
            let mut from = 0;
            let part = |&(to, share): &(u64, u64)| {
                let part = amount.min(to).saturating_sub(from);
                from = to;
                u128::from(part) * u128::from(share)
            };
            u64::try_from(steps.iter().map(part).sum::<u128>() / 10_000).unwrap_or(u64::MAX)
        };
        let of_cpu = kept(cpu.0, &[(1_000, 600), (2_000, 100), (4_000, 50), (u64::MAX, 25)]);
        let of_memory = if memory.0 < GIB {
            255 * MIB
        } else {
            let steps = [(4 * GIB, 2_500), (8 * GIB, 2_000), (16 * GIB, 1_000), (128 * GIB, 600), (u64::MAX, 200)];
            kept(memory.0, &steps) + 100 * MIB
        };
        // Whole MiB, as people write memory.
        (cpu.saturating_sub(MilliCores(of_cpu)), Bytes(memory.0.saturating_sub(of_memory) / MIB * MIB))
    }
}

/// A pool that names its machine.
struct Wanting {
    cluster: usize,
    pool: usize,
    region: String,
    machine: String,
    tariff: Tariff,
    /// Whether its cluster is switched on.
    enabled: bool,
    /// Whether it says its CPU and memory itself.
    shaped: bool,
    /// Whether it says its price itself.
    priced: bool,
    place: Place,
}

/// Which price counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tariff {
    OnDemand,
    Spot,
}

/// The prices of a machine in a region.
#[derive(Debug, Clone, Copy)]
struct Listed {
    on_demand: Option<f64>,
    spot: Option<f64>,
}

/// What the tables know of the machines that are asked for.
#[derive(Default)]
struct Known {
    shapes: Option<BTreeMap<String, Machine>>,
    power: Option<Coefficients>,
    /// By region and machine.
    prices: Option<BTreeMap<(String, String), Listed>>,
    reserved: Reserved,
}

/// Fills the pools of all clusters.
///
/// # Errors
/// A table that is broken or does not know what is asked of it.
pub fn join(root: &mut Node, files: &mut Files) -> Result<(), InputError> {
    let filled = {
        let at = At::root(root).key("inventory");
        let Some(inventory) = at.node() else { return Ok(()) };
        let tables: MachinesFile = match inventory.get("machines") {
            Some(section) => tree::read_part(section, "inventory.machines")?,
            None => MachinesFile::default(),
        };
        offered(&tables, inventory, files, &at)?;
        let wanting = wanting(inventory);
        if wanting.is_empty() {
            return Ok(());
        }
        let known = known(&tables, &wanting, files, &at.key("machines"))?;
        let mut filled = Vec::with_capacity(wanting.len());
        for one in &wanting {
            let at = at.key("clusters").index(one.cluster).key("pools").index(one.pool);
            filled.push((one.cluster, one.pool, fillings(one, &known, files, &at)?));
        }
        filled
    };
    let Some(inventory) = tree::get_mut(root, "inventory") else { return Ok(()) };
    let clusters = tree::items_mut(inventory, "clusters");
    for (cluster, pool, entries) in filled {
        let pool = &mut tree::items_mut(&mut clusters[cluster], "pools")[pool];
        for (key, node) in entries {
            tree::fill(pool, key, || node);
        }
    }
    Ok(())
}

fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    match node.get(key).map(|list| &list.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn is(node: &Node, key: &str, wanted: bool) -> bool {
    matches!(node.get(key).map(|flag| &flag.value), Some(Value::Scalar(Scalar::Bool(value, _))) if *value == wanted)
}

fn region_of(cluster: &Node) -> String {
    cluster.get("region").and_then(Node::text).map_or_else(crate::input::defaults::region, str::to_owned)
}

fn wanting(inventory: &Node) -> Vec<Wanting> {
    let mut all = Vec::new();
    for (index, cluster) in list(inventory, "clusters").iter().enumerate() {
        for (pool_index, pool) in list(cluster, "pools").iter().enumerate() {
            let Some(machine) = pool.get("machine").filter(|machine| machine.text().is_some()) else { continue };
            all.push(Wanting {
                cluster: index,
                pool: pool_index,
                region: region_of(cluster),
                machine: machine.text().unwrap_or_default().to_owned(),
                tariff: if is(pool, "spot", true) { Tariff::Spot } else { Tariff::OnDemand },
                enabled: !is(cluster, "enabled", false),
                shaped: pool.get("cpu").is_some() && pool.get("memory").is_some(),
                priced: pool.get("price_per_hour").is_some(),
                place: machine.place.clone(),
            });
        }
    }
    all
}

fn known(tables: &MachinesFile, wanting: &[Wanting], files: &mut Files, at: &At<'_>) -> Result<Known, InputError> {
    let mut known = Known { reserved: tables.reserved, ..Known::default() };
    if let Some(path) = &tables.shapes {
        known.shapes = Some(machines::read(&mut Sheet::open(path, files, &at.key("shapes"))?)?);
    }
    if let Some(path) = &tables.power {
        known.power = Some(power::read(&mut Sheet::open(path, files, &at.key("power"))?)?);
    }
    if let Some(path) = &tables.prices {
        let regions: BTreeSet<&str> = wanting.iter().map(|one| one.region.as_str()).collect();
        let machines: BTreeSet<String> = wanting.iter().map(|one| machines::key(&one.machine)).collect();
        let mut all = BTreeMap::new();
        let mut sheet = Sheet::open(path, files, &at.key("prices"))?;
        prices::each(&mut sheet, &mut |_, price| {
            let is_of = tables.provider.as_ref().is_none_or(|provider| provider.eq_ignore_ascii_case(price.provider));
            if (is_of || price.provider.is_empty()) && regions.contains(price.region) {
                let key = machines::key(price.machine);
                if machines.contains(&key) {
                    all.insert((price.region.to_owned(), key), Listed { on_demand: price.on_demand, spot: price.spot });
                }
            }
            Ok(())
        })?;
        known.prices = Some(all);
    }
    Ok(known)
}

/// What a pool gets unless it says it itself.
fn fillings(
    one: &Wanting,
    known: &Known,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Vec<(&'static str, Node)>, InputError> {
    let (name, place) = (&one.machine, &one.place);
    let machine = known.shapes.as_ref().and_then(|shapes| shapes.get(&machines::key(name)));
    let mut entries = Vec::new();
    if let Some(machine) = machine {
        let (cpu, memory) = known.reserved.allocatable(machine.cpu, machine.memory);
        entries.push(("cpu", tree::text(place, cpu.to_string())));
        entries.push(("memory", tree::text(place, memory.to_string())));
        if machine.gpus > 0 {
            entries.push(("gpu", tree::count(place, machine.gpus)));
        }
        let coefficients = known.power.as_ref().and_then(|coefficients| power::of(machine, coefficients));
        match machine.power.or(coefficients) {
            Some((idle, max)) => {
                let both = vec![("idle", watts(place, idle)), ("max", watts(place, max))];
                entries.push(("power", tree::map(place, both)));
                if machine.power.is_none() && machine.gpus > 0 {
                    files.note(format!(
                        "The power of {name} is that of its CPUs: the tables know none of its accelerators."
                    ));
                }
            }
            None => files.note(format!("No table knows the power of {name}: it follows from its cores.")),
        }
    } else if !one.shaped {
        return Err(unknown_machine(name, known, &at.key("machine")));
    }
    if let Some(prices) = &known.prices
        && !one.priced
    {
        match price(one, prices) {
            Some(price) => entries.push(("price_per_hour", tree::text(place, Money(price).to_string()))),
            None if !one.enabled => {}
            None => {
                let kind = if one.tariff == Tariff::Spot { "spot price" } else { "price" };
                let region = &one.region;
                return Err(at.key("machine").error(format!(
                    "the table has no {kind} of `{name}` in region `{region}`; write `price_per_hour: ...` here, or take \
                     another machine or region"
                )));
            }
        }
    }
    if one.tariff == Tariff::Spot && one.enabled {
        files
            .note("Spot machines differ by their price only: that they may be taken away is not simulated.".to_owned());
    }
    Ok(entries)
}

fn price(one: &Wanting, prices: &BTreeMap<(String, String), Listed>) -> Option<f64> {
    let listed = prices.get(&(one.region.clone(), machines::key(&one.machine)))?;
    match one.tariff {
        Tariff::OnDemand => listed.on_demand,
        Tariff::Spot => listed.spot,
    }
}

fn watts(place: &Place, watts: Watts) -> Node {
    // Milliwatts: more digits than the coefficients mean, and still short.
    tree::text(place, Watts((watts.0 * 1e3).round() / 1e3).to_string())
}

fn unknown_machine(name: &str, known: &Known, at: &At<'_>) -> InputError {
    match &known.shapes {
        None => at.error(format!(
            "nothing says what `{name}` has; name a table by `inventory.machines.shapes`, or write `cpu` and `memory` here"
        )),
        Some(shapes) => {
            let near = nearest(&machines::key(name), shapes.keys().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            at.error(format!(
                "the table does not know `{name}`, or several that differ; {hint}write `cpu` and `memory` here otherwise"
            ))
        }
    }
}

/// Checks that accelerators are offered where they are wanted.
fn offered(tables: &MachinesFile, inventory: &Node, files: &mut Files, at: &At<'_>) -> Result<(), InputError> {
    let Some(path) = &tables.accelerators else { return Ok(()) };
    let offered = prices::accelerators(&mut Sheet::open(path, files, &at.key("machines").key("accelerators"))?)?;
    let places: Vec<&str> = offered.iter().map(|(_, region)| region.as_str()).collect();
    for (index, cluster) in list(inventory, "clusters").iter().enumerate() {
        let region = region_of(cluster);
        for (pool_index, pool) in list(cluster, "pools").iter().enumerate() {
            let Some(kind) = pool.get("gpu").and_then(|gpu| gpu.get("kind")).and_then(Node::text) else { continue };
            let known = places.contains(&region.as_str());
            if known && !offered.contains(&(kind.to_owned(), region.clone())) {
                let at = at.key("clusters").index(index).key("pools").index(pool_index).key("gpu").key("kind");
                let there: Vec<&str> =
                    offered.iter().filter(|(_, place)| *place == region).map(|(kind, _)| kind.as_str()).collect();
                return Err(at.error(format!("`{kind}` is not offered in `{region}`; there are {}", there.join(", "))));
            }
            if !known {
                files.note(format!("The table of accelerators does not know region {region}."));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Reserved;
    use crate::units::{Bytes, MilliCores};

    /// 8 cores: 60 + 10 + 10 + 10 = 90 thousandths. 32 GiB: 1 + 0.8 + 0.8 + 0.96 GiB and 100 MiB: 28.44 GiB - 100 MiB.
    #[test]
    fn a_node_of_eight_cores_keeps_what_google_states() {
        let (cpu, memory) = Reserved::Gke.allocatable(MilliCores(8_000), Bytes(32 << 30));
        assert_eq!(cpu, MilliCores(7_910));
        assert_eq!(memory.0 >> 20, 29_022);
        assert_eq!(
            Reserved::None.allocatable(MilliCores(8_000), Bytes(32 << 30)),
            (MilliCores(8_000), Bytes(32 << 30))
        );
    }
}
