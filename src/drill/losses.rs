//! What may be lost: every cluster, region or link alone, or every two of them together.

use crate::model::ClusterId;
use crate::model::fault::FaultTarget;
use crate::model::scenario::Known;

/// Kinds of what may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A cluster.
    Cluster,
    /// All clusters of a region.
    Region,
    /// Calls between two clusters, in both directions.
    Link,
}

/// Things that are lost together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What, in words.
    pub name: String,
    /// What faults take away for it; a cluster that two of the things share is taken once.
    pub targets: Vec<FaultTarget>,
}

/// Every loss of `together` things of these kinds, in the order of the inventory. What would leave no cluster is no drill
/// but the end, and is left out.
pub fn losses(known: &Known, kinds: &[Kind], together: usize) -> Vec<Loss> {
    let mut single = Vec::new();
    for kind in kinds {
        single.extend(of_kind(known, *kind));
    }
    let all = chosen(single.len(), together).into_iter().map(|places| joined(&single, &places));
    all.filter(|loss| leaves_some(loss, known)).collect()
}

fn of_kind(known: &Known, kind: Kind) -> Vec<Loss> {
    let clusters = &known.clusters;
    let name = |id: ClusterId| clusters[id].name.as_str();
    match kind {
        Kind::Cluster => {
            let one = |id| Loss { name: format!("cluster {}", name(id)), targets: vec![FaultTarget::Cluster(id)] };
            clusters.ids().map(one).collect()
        }
        Kind::Region => {
            let mut regions: Vec<&str> = Vec::new();
            for cluster in clusters.values() {
                if !regions.contains(&cluster.region.as_str()) {
                    regions.push(&cluster.region);
                }
            }
            let of = |region: &&str| Loss {
                name: format!("region {region}"),
                targets: clusters
                    .iter()
                    .filter(|(_, cluster)| cluster.region == **region)
                    .map(|(id, _)| FaultTarget::Cluster(id))
                    .collect(),
            };
            regions.iter().map(of).collect()
        }
        Kind::Link => {
            let ids: Vec<ClusterId> = clusters.ids().collect();
            let between = |places: Vec<usize>| {
                let (one, other) = (ids[places[0]], ids[places[1]]);
                Loss {
                    name: format!("link {} {}", name(one), name(other)),
                    targets: vec![FaultTarget::Link(one, other)],
                }
            };
            chosen(ids.len(), 2).into_iter().map(between).collect()
        }
    }
}

/// All choices of `count` of the first `of` numbers, each rising.
fn chosen(of: usize, count: usize) -> Vec<Vec<usize>> {
    let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..count {
        let longer = |choice: &Vec<usize>| {
            let from = choice.last().map_or(0, |last| last + 1);
            let choice = choice.clone();
            (from..of).map(move |next| [choice.as_slice(), &[next]].concat())
        };
        choices = choices.iter().flat_map(longer).collect();
    }
    choices
}

fn joined(single: &[Loss], places: &[usize]) -> Loss {
    let names: Vec<&str> = places.iter().map(|place| single[*place].name.as_str()).collect();
    let mut targets = Vec::new();
    for target in places.iter().flat_map(|place| &single[*place].targets) {
        if !targets.contains(target) {
            targets.push(*target);
        }
    }
    Loss { name: names.join(" and "), targets }
}

fn leaves_some(loss: &Loss, known: &Known) -> bool {
    known.clusters.ids().any(|id| !loss.targets.contains(&FaultTarget::Cluster(id)))
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn every_pair_is_chosen_once() {
        assert_eq!(chosen(3, 1), [[0], [1], [2]]);
        assert_eq!(chosen(4, 2), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert!(chosen(1, 2).is_empty());
    }
}
