//! Kubernetes objects as input: clusters and nodes as an inventory, workloads and policies as an application.
//!
//! ```text
//! documents ─► objects ─┬─► karmada, grade ─┐
//!                       ├─► nodes, member ──┴─► pool ─► the tree of an inventory
//!                       └─► workload, autoscaler, propagation ─► the tree of an application
//! ```
//!
//! Everything becomes the tree that a native file would give, with the places of the objects kept: variants, `--set`,
//! defaults, the echo in the manifest and messages work as for any scenario. What is not understood is a note with its line,
//! never an error; a value of a wrong type is an error, since the API server would not have taken it either.
//!
//! Nothing is fetched: `kubectl` writes the files.

mod affinity;
mod application;
mod autoscaler;
mod chart;
mod documents;
mod field;
mod grade;
mod inventory;
mod karmada;
mod member;
mod nodes;
mod notes;
mod outline;
mod overlay;
mod pool;
mod propagation;
mod quantity;
mod resource;
mod source;
mod tree;
mod workload;

pub use outline::{WorkloadOutline, Workloads, clusters_of, workloads_of};

use super::at::At;
use super::error::InputError;
use super::file::Files;
use super::node::{Node, Scalar, Value};

/// The native tree of a section where it stands for Kubernetes objects; `None` where it is something else.
///
/// # Errors
/// Objects that cannot be read.
pub fn resolve(section: &str, at: &At<'_>, files: &mut Files) -> Result<Option<Node>, InputError> {
    let Some(node) = at.node() else { return Ok(None) };
    match section {
        "inventory" if node.get("kubectl").is_some() || is_of_objects(node, files) => {
            inventory::inventory(at, files).map(Some)
        }
        "application" if is_of_objects(node.get("descriptor").unwrap_or(node), files) => {
            application::section(at, files).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether a path leads to Kubernetes objects, or to a directory.
fn is_of_objects(node: &Node, files: &Files) -> bool {
    let path = match &node.value {
        Value::Scalar(Scalar::Text(path)) => path,
        Value::List(items) => return items.first().is_some_and(|item| is_of_objects(item, files)),
        _ => return false,
    };
    files.is_directory(path) || files.beginning(path).is_some_and(|text| documents::looks_like_objects(&text))
}
