//! What is in Kubernetes files, before there is a scenario: for `smo init`, which writes one that fits them.

use super::super::at::At;
use super::super::error::{InputError, Place};
use super::super::file::Files;
use super::super::inventory::{InventoryFile, clusters};
use super::super::read::read;
use super::inventory::inventory;
use super::tree::text;
use crate::model::Cluster;
use std::path::Path;

/// The clusters in a file or directory, those that are switched off left out.
///
/// # Errors
/// What is wrong with it.
pub fn clusters_of(path: &Path) -> Result<Vec<Cluster>, InputError> {
    let node = text(&Place::whole("--from-kubectl"), path.display().to_string());
    let tree = inventory(&At::root(&node), &mut Files::of(Path::new("")))?;
    let file: InventoryFile = read(&tree)?;
    let all = clusters(&file, &At::root(&tree))?;
    let enabled = all.into_iter().zip(&file.clusters).filter(|(_, file)| file.enabled);
    Ok(enabled.map(|(cluster, _)| cluster).collect())
}
