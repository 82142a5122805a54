//! Room of a pool's nodes that others hold, as people write it: on every node, and on the first ones of the start.

use super::at::At;
use super::error::InputError;
use crate::model::resources::DEVICE;
use crate::model::{Occupied, Resources};
use crate::units::{Bytes, MilliCores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What others than the application hold on each of some nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OccupiedFile {
    /// So many of the nodes of the start, after those of the entries before; every node where nothing is said.
    pub nodes: Option<u32>,
    /// CPU.
    pub cpu: MilliCores,
    /// Memory.
    pub memory: Bytes,
    /// Accelerators.
    pub gpu: u32,
    /// Pod slots.
    pub pods: u32,
}

impl OccupiedFile {
    fn amount(&self) -> Resources {
        Resources { cpu: self.cpu, memory: self.memory, gpu: u64::from(self.gpu) * DEVICE, pods: self.pods.into() }
    }
}

/// Checks that others hold no more than the nodes have, and adds up what they hold on every node.
///
/// # Errors
/// What does not fit, below `at`, which is the list.
pub fn occupied(files: &[OccupiedFile], shape: Resources, nodes: u32, at: &At<'_>) -> Result<Occupied, InputError> {
    let each: Resources = files.iter().filter(|file| file.nodes.is_none()).map(OccupiedFile::amount).sum();
    let mut occupied = Occupied { each, groups: Vec::new() };
    let mut left = nodes;
    for (index, file) in files.iter().enumerate() {
        let (all, at) = (if file.nodes.is_some() { each + file.amount() } else { each }, at.index(index));
        if let Some(resource) = shape.shortage(all) {
            return Err(at.error(format!("others hold more {resource} here than a node has; write less")));
        }
        let Some(count) = file.nodes else { continue };
        left = left.checked_sub(count).ok_or_else(|| {
            at.key("nodes").error(format!("these are more nodes than the {nodes} of the start; write fewer"))
        })?;
        occupied.groups.push((count, file.amount()));
    }
    Ok(occupied)
}
