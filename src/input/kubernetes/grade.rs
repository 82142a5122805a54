//! Karmada's resource modelling: how many nodes have how much free, by grades.
//!
//! A node's grade is the lower of the grades that its free CPU and its free memory fall into, so a grade bounds the free room
//! of its nodes from below only. The cluster's free CPU `F` (allocatable less requested) is known; a node of grade `g`
//! with the middle `m(g) = (min + max) / 2` (endless: `1.5 · min`) is given `F · m(g) / Σ count(h) · m(h)`; memory alike.
//! What the cluster has is shared likewise, and the difference is what others hold. Sums are kept, sizes are estimates.

use super::super::at::At;
use super::super::error::InputError;
use super::documents::Object;
use super::field::Field;
use super::karmada::{Summary, usual_labels};
use super::notes::Notes;
use super::pool::Pool;
use crate::model::Resources;
use crate::units::kubernetes::{Quantity, QuantityMistake};
use std::collections::BTreeMap;

/// Karmada's grades where a cluster states none: bounds of cores and of GiB; the last one is endless.
const DEFAULT_BOUNDS: [(u64, u64); 9] =
    [(0, 0), (1, 4), (2, 16), (4, 32), (8, 64), (16, 128), (32, 256), (64, 512), (128, 1024)];

/// The middle of a grade: thousandths of a core, and bytes.
type Middle = (u64, u64);

/// A pool for each grade that has nodes; none where the cluster is not graded.
///
/// # Errors
/// Values of a wrong type.
pub fn pools(object: &Object, summary: &Summary, notes: &mut Notes) -> Result<Vec<Pool>, InputError> {
    let at = object.at().path("status.resourceSummary.allocatableModelings");
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for item in at.items()? {
        if let (Some(grade), Some(count)) = (item.key("grade").whole()?, item.key("count").whole()?) {
            let sum = counts.entry(grade).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    counts.retain(|_, count| *count > 0);
    let middles = middles(&object.at().path("spec.resourceModels"))?;
    let graded: Vec<(u32, u32, Middle)> =
        counts.iter().filter_map(|(grade, count)| Some((*grade, *count, *middles.get(grade)?))).collect();
    let nodes: u64 = graded.iter().map(|(_, count, _)| u64::from(*count)).sum();
    if nodes == 0 {
        return Ok(Vec::new());
    }
    let name = object.name();
    notes.say(
        &at.place(),
        format!("cluster {name}: Karmada shows its {nodes} nodes by grades of free room only, so their sizes are estimates that keep its sums, with Linux on amd64"),
    );
    let free = summary.allocatable.saturating_sub(summary.requested);
    let pools = graded.iter().map(|(grade, count, middle)| {
        let whole: u128 = graded.iter().map(|(_, count, other)| u128::from(*count) * u128::from(other.0)).sum();
        let whole_memory: u128 = graded.iter().map(|(_, count, other)| u128::from(*count) * u128::from(other.1)).sum();
        let share = |of: Resources| {
            let (cpu, memory) = (share(of.cpu.0, middle.0, whole), share(of.memory.0, middle.1, whole_memory));
            Resources::from_amounts([cpu, memory, 0, of.pods / nodes])
        };
        let shape = share(summary.allocatable);
        let occupied = shape.saturating_sub(share(free));
        Pool {
            place: at.place(),
            name: format!("grade-{grade}"),
            nodes: *count,
            shape,
            capacity: shape,
            gpu_kind: None,
            labels: usual_labels(),
            taints: Vec::new(),
            occupied: if occupied == Resources::ZERO { Vec::new() } else { vec![(Some(*count), occupied)] },
        }
    });
    Ok(pools.filter(|pool| pool.shape.cpu.0 > 0 && pool.shape.memory.0 > 0).collect())
}

/// `free · middle / whole`.
fn share(free: u64, middle: u64, whole: u128) -> u64 {
    let share = u128::from(free) * u128::from(middle) / whole.max(1);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// The middles by grade: those that the cluster states, or Karmada's own.
fn middles(at: &At<'_>) -> Result<BTreeMap<u32, Middle>, InputError> {
    let mut middles = BTreeMap::new();
    for model in at.items()? {
        let (mut cpu, mut memory) = (0, 0);
        for range in model.key("ranges").items()? {
            match range.key("name").text()? {
                Some("cpu") => cpu = middle(&range, |quantity| quantity.millicores().map(|cpu| cpu.0))?,
                Some("memory") => memory = middle(&range, Quantity::count)?,
                _ => {}
            }
        }
        if let Some(grade) = model.key("grade").whole()? {
            middles.insert(grade, (cpu, memory));
        }
    }
    Ok(if middles.is_empty() { default_middles() } else { middles })
}

/// The middle of a range; half again its lower end where the upper one is as good as endless.
fn middle(range: &At<'_>, unit: fn(Quantity) -> Result<u64, QuantityMistake>) -> Result<u64, InputError> {
    let min = range.key("min").quantity(unit)?.unwrap_or(0);
    // The last grade ends at 2^63 - 1 cores, which are too many thousandths to count.
    let max = match range.key("max").text()?.map(|text| Quantity::parse(text).and_then(unit)) {
        Some(Ok(max)) if max < 1 << 62 => Some(max),
        Some(Err(QuantityMistake::TooLarge) | Ok(_)) | None => None,
        Some(Err(_)) => range.key("max").quantity(unit)?,
    };
    Ok(max.map_or(min + min / 2, |max| min.midpoint(max)))
}

fn default_middles() -> BTreeMap<u32, Middle> {
    let middle = |index: usize| {
        let (cpu, memory) = DEFAULT_BOUNDS[index];
        let (cpu_end, memory_end) = DEFAULT_BOUNDS.get(index + 1).copied().unwrap_or((2 * cpu, 2 * memory));
        ((cpu + cpu_end) * 500, (memory + memory_end) << 29)
    };
    (0u32..).zip(0..DEFAULT_BOUNDS.len()).map(|(grade, index)| (grade, middle(index))).collect()
}
