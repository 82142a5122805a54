//! Machine types of a whole data centre, with how many there are of each: Google's cell of 2011, in normalised units.
//!
//! The trace states CPU and memory as shares of its largest machine and does not say what that is, so the scenario must.

use super::sheet::Sheet;
use super::tree;
use crate::input::at::At;
use crate::input::error::{InputError, Place};
use crate::input::file::Files;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::node::Node;
use crate::input::written::Positive;
use crate::units::{Bytes, MilliCores, Ratio};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pools from a table of machine types, a pool each.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolsFile {
    /// The table: `machine-types` (`smo formats`).
    pub file: String,
    /// What the largest machine of the table has: its CPU and memory are shares of these.
    pub largest: Largest,
    /// Share of the machines that are there; each type rounds to the nearest count.
    #[serde(default = "crate::input::defaults::scale")]
    pub scale: Positive<Ratio>,
}

/// The machine whose CPU and memory are 1 in a table of shares.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Largest {
    /// Its CPU.
    pub cpu: Positive<MilliCores>,
    /// Its memory.
    pub memory: Positive<Bytes>,
}

/// A type of machine.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineType {
    /// Where it stands.
    pub place: Place,
    /// CPU in millionths of the largest machine's.
    pub cpu: Ratio,
    /// Memory in millionths of the largest machine's.
    pub memory: Ratio,
    /// How many there are.
    pub machines: u64,
}

/// Machine types in shares of the largest machine.
pub const PAGE: FormatPage = FormatPage {
    name: "machine-types",
    kind: Kind::Inventory,
    what: "Types of machines with their numbers, CPU and memory as shares of the largest one (Google's cell of 2011)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "cpu", unit: "share", meaning: "CPU over that of the largest machine" },
        Column { name: "memory", unit: "share", meaning: "memory over that of the largest machine" },
        Column { name: "number_of_machines", unit: "machines", meaning: "how many there are" },
    ],
    example: "cpu,memory,capacity,number_of_machines,machine_percentage\n0.5,0.4995,0.49975,6732,53.5",
    writable: false,
};

/// Reads all types, in the order of the file.
///
/// # Errors
/// A missing column or a broken cell.
pub fn read(sheet: &mut Sheet) -> Result<Vec<MachineType>, InputError> {
    let [cpu, memory] = [sheet.column("cpu")?, sheet.column("memory")?];
    let machines = sheet.column("number_of_machines")?;
    let mut all = Vec::new();
    while sheet.read()? {
        let share = |column| sheet.given(column, sheet.exact(column, Ratio::ONE.0)?).map(Ratio);
        let (cpu, memory) = (share(cpu)?, share(memory)?);
        let machines = sheet.given(machines, sheet.exact(machines, 1)?)?;
        all.push(MachineType { place: sheet.place(), cpu, memory, machines });
    }
    Ok(all)
}

/// The pools that a table stands for.
///
/// # Errors
/// What is wrong with the table, or that nothing is left of it.
pub fn pools(wanted: &PoolsFile, files: &mut Files, at: &At<'_>) -> Result<Node, InputError> {
    let mut sheet = Sheet::open(&wanted.file, files, &at.key("file"))?;
    let mut pools = Vec::new();
    let mut dropped = Vec::new();
    for (index, kind) in read(&mut sheet)?.iter().enumerate() {
        let scaled = u128::from(kind.machines) * u128::from(wanted.scale.0.0);
        let one = u128::from(Ratio::ONE.0);
        let nodes = u64::try_from((scaled + one / 2) / one).unwrap_or(u64::MAX);
        let name = format!("type-{}", index + 1);
        if nodes == 0 {
            dropped.push(format!("{name} ({} machines)", kind.machines));
            continue;
        }
        let part =
            |whole: u64, share: Ratio| u64::try_from(u128::from(whole) * u128::from(share.0) / one).unwrap_or(u64::MAX);
        let cpu = MilliCores(part(wanted.largest.cpu.0.0, kind.cpu));
        let memory = Bytes(part(wanted.largest.memory.0.0, kind.memory));
        let place = &kind.place;
        let entries = vec![
            ("name", tree::text(place, name)),
            ("cpu", tree::text(place, cpu.to_string())),
            ("memory", tree::text(place, memory.to_string())),
            ("nodes", tree::count(place, nodes)),
        ];
        pools.push(tree::map(place, entries));
    }
    if pools.is_empty() {
        let scale = wanted.scale.0;
        return Err(at.error(format!("no machine is left of the table at a scale of {scale}; write a larger one")));
    }
    if !dropped.is_empty() {
        files.note(format!("At that scale no machine is left of {}.", dropped.join(", ")));
    }
    Ok(tree::list(&Place::whole(&sheet.label), pools))
}
