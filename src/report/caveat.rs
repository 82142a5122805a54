//! What a reader must know before believing a comparison: runs that were not made alike.
//!
//! `smo simulate` makes all runs of a scenario at once, and there is nothing to say. `smo report` takes what it is given.

use super::Comparison;
use crate::record::{InputFile, RunRecord};
use std::collections::{BTreeMap, BTreeSet};

/// The caveats, a sentence each; none where all runs were made alike.
pub fn caveats(comparison: &Comparison) -> Vec<String> {
    [inputs(comparison), programs(comparison), seeds(comparison), spans(comparison)].into_iter().flatten().collect()
}

/// A file that had another content in other runs.
fn inputs(comparison: &Comparison) -> Option<String> {
    let mut hashes = BTreeMap::<&str, BTreeSet<&str>>::new();
    for InputFile { path, sha256, .. } in comparison.runs.iter().flat_map(|run| &run.manifest.header.inputs) {
        hashes.entry(path).or_default().insert(sha256);
    }
    let changed: Vec<&str> = hashes.iter().filter(|(_, hashes)| hashes.len() > 1).map(|(path, _)| *path).collect();
    (!changed.is_empty())
        .then(|| format!("The runs were not made from the same files: {} differs.", changed.join(", ")))
}

fn programs(comparison: &Comparison) -> Option<String> {
    let name = |run: &RunRecord| format!("{} ({})", run.manifest.program.version, run.manifest.program.commit);
    let programs: BTreeSet<String> = comparison.runs.iter().map(name).collect();
    (programs.len() > 1).then(|| {
        let names: Vec<String> = programs.into_iter().collect();
        format!("The runs were made by different versions of smo: {}.", names.join(", "))
    })
}

fn seeds(comparison: &Comparison) -> Option<String> {
    let of = |runs: &[usize]| -> BTreeSet<u64> {
        runs.iter().map(|index| comparison.runs[*index].manifest.header.seed).collect()
    };
    let all: BTreeSet<BTreeSet<u64>> = comparison.groups.iter().map(|group| of(&group.runs)).collect();
    (all.len() > 1).then(|| {
        let counts: Vec<String> = comparison.groups.iter().map(|group| group.runs.len().to_string()).collect();
        format!(
            "Not every policy was run with every seed ({} runs a policy): differences are over the seeds that two have in common.",
            counts.join(", ")
        )
    })
}

fn spans(comparison: &Comparison) -> Option<String> {
    let spans = comparison.runs.iter().map(|run| run.summary.span_s);
    let (least, largest) = spans.fold((f64::INFINITY, 0.0f64), |(low, high), one| (low.min(one), high.max(one)));
    (largest > least * 1.001).then(|| {
        format!(
            "The runs are not equally long ({} to {}): sums like cost do not compare, shares do.",
            super::table::duration(least),
            super::table::duration(largest)
        )
    })
}
