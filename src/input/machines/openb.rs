//! The nodes of Alibaba's GPU cluster trace of 2023 ("openb"): `inventory: {openb: FILE, split: model}`.
//!
//! Nodes that are alike are a pool. `split: model` makes a cluster of each kind of accelerators, and one of the nodes
//! without any (`cpu`); otherwise all pools are one cluster. The file has no prices, regions or power.

use super::{check_keys, list, map, number, put, text};
use crate::input::at::At;
use crate::input::error::{InputError, Place};
use crate::input::file::Files;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::node::Node;
use crate::input::table::Rows;
use std::collections::BTreeMap;

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "openb-nodes",
    kind: Kind::Inventory,
    what: "Nodes of Alibaba's GPU cluster trace of 2023 (openb): `inventory: {openb: FILE, split: model}`.",
    extensions: &[".csv"],
    columns: &[
        Column { name: "cpu_milli", unit: "millicores", meaning: "CPU of the node" },
        Column { name: "memory_mib", unit: "MiB", meaning: "memory of the node" },
        Column { name: "gpu", unit: "devices", meaning: "accelerators of the node" },
        Column { name: "model", unit: "text", meaning: "their kind; empty without accelerators" },
    ],
    example: "sn,cpu_milli,memory_mib,gpu,model\nopenb-node-0228,128000,786432,8,G3\n",
    writable: false,
};

/// Nodes of one pool: how many, and where the first of them stands.
type Pools = BTreeMap<[u64; 3], (u64, Place)>;

/// The native tree.
///
/// # Errors
/// What is wrong with the section or with the file.
pub fn inventory(at: &At<'_>, files: &mut Files) -> Result<Node, InputError> {
    check_keys(at, &["openb", "split"])?;
    let split = at.key("split");
    let by_model = match split.node().and_then(Node::text) {
        None => false,
        Some("model") => true,
        Some(other) => return Err(split.error(format!("`{other}` is nothing to split by; write `model`"))),
    };
    let file = at.key("openb");
    let path = file.node().and_then(Node::text).ok_or_else(|| file.error("no file is named; write its path"))?;
    let source = files.read_text(path, &file)?;
    let mut rows = Rows::new(&source, ["cpu_milli", "memory_mib", "gpu", "model"])?;
    let mut clusters: BTreeMap<String, BTreeMap<String, Pools>> = BTreeMap::new();
    while let Some(row) = rows.next_row()? {
        let shape = [row.integer(0)?, row.integer(1)?, row.integer(2)?];
        let model = if shape[2] == 0 { "cpu" } else { row.text(3) };
        if model.is_empty() {
            return Err(row.error(3, "accelerators without a kind; name it"));
        }
        let cluster = if by_model { model } else { "openb" };
        let pools = clusters.entry(cluster.to_owned()).or_default().entry(model.to_owned()).or_default();
        pools.entry(shape).or_insert_with(|| (0, Place::line(&source.label, row.line()))).0 += 1;
    }
    let place = Place::whole(&source.label);
    let clusters = clusters.iter().map(|(name, models)| {
        let pools =
            models.iter().flat_map(|(model, pools)| pools.iter().map(move |(shape, nodes)| pool(model, shape, nodes)));
        map(&place, [("name", text(&place, name.as_str())), ("pools", list(&place, pools.collect()))])
    });
    Ok(map(&place, [("clusters", list(&place, clusters.collect()))]))
}

fn pool(model: &str, [cpu, memory, gpu]: &[u64; 3], (nodes, place): &(u64, Place)) -> Node {
    let mut pool = map(
        place,
        [
            ("name", text(place, format!("{model}-{cpu}m-{memory}Mi-{gpu}"))),
            ("cpu", text(place, format!("{cpu}m"))),
            ("memory", text(place, format!("{memory} MiB"))),
            ("nodes", number(place, *nodes)),
        ],
    );
    if *gpu > 0 {
        put(&mut pool, "gpu", map(place, [("kind", text(place, model)), ("count", number(place, *gpu))]));
    }
    pool
}
