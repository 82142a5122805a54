//! Topologies of `OpenDC`: `inventory: {opendc: FILE}`.
//!
//! A cluster stays a cluster; hosts that are alike are a pool. Cores count as cores whatever their speed. A size of memory
//! without a unit is in MiB, as `OpenDC` has it, unless that would be a petabyte and more: then it is in bytes. Power is
//! linear here between idle and full load; other models keep their two ends.

use super::{check_keys, list, map, number, put, text};
use crate::input::at::At;
use crate::input::error::{InputError, Place};
use crate::input::file::Files;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::node::{Node, Value};

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "opendc-topology",
    kind: Kind::Inventory,
    what: "Data centres of OpenDC: `inventory: {opendc: FILE}`.",
    extensions: &[".json"],
    columns: &[
        Column { name: "clusters.hosts.cpu.coreCount", unit: "cores", meaning: "CPU of a host" },
        Column {
            name: "clusters.hosts.memory.memorySize",
            unit: "MiB",
            meaning: "its memory, or a text like `549755813888 bytes`",
        },
        Column { name: "clusters.hosts.cpuPowerModel.idlePower", unit: "W", meaning: "power at rest" },
        Column { name: "clusters.hosts.cpuPowerModel.maxPower", unit: "W", meaning: "power at full load" },
        Column { name: "clusters.hosts.count", unit: "number", meaning: "hosts of this kind; 1 where it is missing" },
    ],
    example: "{\"clusters\": [{\"name\": \"C01\", \"hosts\": [{\"name\": \"H01\", \"cpu\": {\"coreCount\": 16, \"coreSpeed\": 2100},\n  \
              \"memory\": {\"memorySize\": 100000}, \"count\": 277}]}]}\n",
    writable: false,
};

/// Hosts that are alike.
struct Hosts {
    name: String,
    place: Place,
    cores: u64,
    memory: u64,
    power: Option<(String, String)>,
    count: u64,
}

/// The native tree.
///
/// # Errors
/// What is wrong with the section or with the file.
pub fn inventory(at: &At<'_>, files: &mut Files) -> Result<Node, InputError> {
    check_keys(at, &["opendc"])?;
    let file = at.key("opendc");
    let path = file.node().and_then(Node::text).ok_or_else(|| file.error("no file is named; write its path"))?;
    let root = files.read_yaml(path, &file)?;
    let clusters_at = At::root(&root).key("clusters");
    let mut clusters = Vec::new();
    for (index, cluster) in items(&clusters_at)?.iter().enumerate() {
        let at = clusters_at.index(index);
        let hosts_at = at.key("hosts");
        let mut pools: Vec<Hosts> = Vec::new();
        for host in 0..items(&hosts_at)?.len() {
            let host = hosts(&hosts_at.index(host), files)?;
            let alike = |other: &&mut Hosts| {
                (other.cores, other.memory, &other.power) == (host.cores, host.memory, &host.power)
            };
            match pools.iter_mut().find(alike) {
                Some(pool) => pool.count = pool.count.saturating_add(host.count),
                None => pools.push(host),
            }
        }
        let place = &cluster.place;
        let name = cluster.name().ok_or_else(|| at.key("name").error("the cluster has no name; add one"))?;
        let pools = pools.iter().map(pool).collect();
        clusters.push(map(place, [("name", text(place, name)), ("pools", list(place, pools))]));
    }
    Ok(map(&root.place, [("clusters", list(&root.place, clusters))]))
}

fn items<'a>(at: &At<'a>) -> Result<&'a [Node], InputError> {
    match at.node().map(|node| &node.value) {
        Some(Value::List(items)) if !items.is_empty() => Ok(items),
        _ => Err(at.error("a list is missing; it names one item at least")),
    }
}

fn hosts(at: &At<'_>, files: &mut Files) -> Result<Hosts, InputError> {
    let whole = |at: &At<'_>| {
        let number = at.node().and_then(Node::text).and_then(|text| text.parse::<u64>().ok());
        number.filter(|number| *number > 0).ok_or_else(|| at.error("a whole number from 1 up is missing; write it"))
    };
    let count = at.key("count");
    let model = at.key("cpuPowerModel");
    let watts = |key: &str| model.key(key).node().and_then(Node::text).map(|watts| format!("{watts} W"));
    if let Some(law) = model.key("modelType").node().and_then(Node::text).filter(|law| *law != "linear") {
        files.note(format!("OpenDC's power model `{law}` is taken as linear between its two ends."));
    }
    if at.key("gpuPowerModel").node().is_some() {
        files.note("OpenDC's power models of accelerators are left out.".to_owned());
    }
    Ok(Hosts {
        name: at.node().and_then(Node::name).unwrap_or("hosts").to_owned(),
        place: at.node().map_or_else(|| Place::whole(""), |node| node.place.clone()),
        cores: whole(&at.key("cpu").key("coreCount"))?,
        memory: memory(&at.key("memory").key("memorySize"))?,
        power: watts("idlePower").zip(watts("maxPower")),
        count: if count.node().is_some() { whole(&count)? } else { 1 },
    })
}

/// Bytes.
fn memory(at: &At<'_>) -> Result<u64, InputError> {
    const PETABYTE_MIB: u64 = 1_000_000_000;
    let missing = || at.error("the size of the memory is missing; write it in MiB, or like `549755813888 bytes`");
    let text = at.node().and_then(Node::text).ok_or_else(missing)?;
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u64 = number.parse().map_err(|_| missing())?;
    match unit {
        "bytes" | "B" => Ok(number),
        "" if number >= PETABYTE_MIB => Ok(number),
        "" | "MiB" => number.checked_mul(1 << 20).ok_or_else(missing),
        _ => Err(missing()),
    }
}

fn pool(hosts: &Hosts) -> Node {
    let place = &hosts.place;
    let mut pool = map(
        place,
        [
            ("name", text(place, hosts.name.as_str())),
            ("cpu", number(place, hosts.cores)),
            ("memory", text(place, format!("{} B", hosts.memory))),
            ("nodes", number(place, hosts.count)),
        ],
    );
    if let Some((idle, max)) = &hosts.power {
        put(&mut pool, "power", map(place, [("idle", text(place, idle.as_str())), ("max", text(place, max.as_str()))]));
    }
    pool
}
