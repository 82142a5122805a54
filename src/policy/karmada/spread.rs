//! Which of the feasible clusters are used: spread constraints.
//!
//! Candidates stand by overflow tier, score (100 where the workload is already, else 0), replicas that they could hold (free
//! ones plus those there) and name. Without constraints, or with static weights, all of them are used.
//!
//! - *By cluster*: the first `groups_max`. Where replicas are divided by room and these have not enough, the last of them gives
//!   way to the roomiest of the rest, then the last but one, until they have.
//! - *By region*: regions are weighted and a set of them is chosen ([`groups`](super::groups)); each gives its first cluster,
//!   and the best of the others fill up to the cluster constraint's `groups_max`.
//!
//! The weight of a region is 1000 for each replica that it could hold of its fair share ⌈replicas ÷ `groups_min`⌉ (for
//! duplicated replicas: 1000 for each cluster that could hold all of them), plus the mean score of the clusters counted.

use super::groups::{Group, GroupLimits, choose_groups};
use super::placement::{Division, Field, Placement, SpreadConstraint};
use super::schedule::{Binding, Candidate, Failure, SelectError};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What makes one replica outweigh any score.
const WEIGHT_UNIT: i64 = 1_000;

/// The clusters to divide the replicas among, in Karmada's order. `candidates` stand in theirs.
///
/// # Errors
/// Where there are too few clusters or regions, or too little room in as many as may be used.
pub fn select<'a>(
    mut candidates: Vec<Candidate<'a>>,
    placement: &Placement,
    binding: &Binding,
) -> Result<Vec<Candidate<'a>>, Failure> {
    candidates.sort_by(order);
    if placement.spread.is_empty() || placement.ignores_spread() {
        return Ok(candidates);
    }
    if let Some(regions) = placement.spread_over(Field::Region) {
        return by_region(candidates, (placement, regions), binding);
    }
    let Some(clusters) = placement.spread_over(Field::Cluster) else {
        return Err(Failure::Select(SelectError::Unsupported));
    };
    let needed = (placement.division != Division::Duplicated).then_some(binding.replicas);
    by_cluster(candidates, clusters, needed)
}

fn order(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let by_rank = a.tier.cmp(&b.tier).then(b.score.cmp(&a.score)).then(b.possible.cmp(&a.possible));
    by_rank.then(a.name.cmp(b.name))
}

fn by_cluster(
    mut candidates: Vec<Candidate<'_>>,
    constraint: SpreadConstraint,
    needed: Option<i32>,
) -> Result<Vec<Candidate<'_>>, Failure> {
    if candidates.len() < constraint.groups_min {
        return Err(Failure::Select(SelectError::FewClusters));
    }
    let count = candidates.len().min(constraint.groups_max);
    let mut rest = candidates.split_off(count);
    let Some(needed) = needed else { return Ok(candidates) };
    let suffices = |chosen: &[Candidate<'_>]| possible(chosen) >= i64::from(needed);
    for place in (0..count).rev() {
        if suffices(&candidates) {
            break;
        }
        if let Some(roomier) = roomiest(&rest, candidates[place].possible) {
            std::mem::swap(&mut candidates[place], &mut rest[roomier]);
        }
    }
    // No clusters at all are no answer, even where no room is needed.
    if candidates.is_empty() || !suffices(&candidates) {
        return Err(Failure::Select(SelectError::NoRoom { clusters: count }));
    }
    Ok(candidates)
}

fn possible(candidates: &[Candidate<'_>]) -> i64 {
    candidates.iter().map(|one| one.possible).sum()
}

/// Place of the first of the roomiest that have more room than `least`.
fn roomiest(candidates: &[Candidate<'_>], least: i64) -> Option<usize> {
    let mut best = None;
    let mut most = least;
    for (place, candidate) in candidates.iter().enumerate() {
        if candidate.possible > most {
            (best, most) = (Some(place), candidate.possible);
        }
    }
    best
}

fn by_region<'a>(
    candidates: Vec<Candidate<'a>>,
    (placement, constraint): (&Placement, SpreadConstraint),
    binding: &Binding,
) -> Result<Vec<Candidate<'a>>, Failure> {
    let clusters = placement.spread_over(Field::Cluster);
    let (clusters_min, clusters_max) = clusters.map_or((0, 0), |one| (one.groups_min, one.groups_max));
    let mut regions: BTreeMap<&str, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in candidates.into_iter().filter(|one| !one.region.is_empty()) {
        regions.entry(candidate.region).or_default().push(candidate);
    }
    if regions.len() < constraint.groups_min {
        return Err(Failure::Select(SelectError::FewRegions));
    }
    let weigh = |members: &[Candidate<'_>]| match placement.division {
        Division::Duplicated => weight_of_copies(members, binding.replicas),
        _ => weight_of_share(members, binding.replicas, (constraint.groups_min, clusters_min)),
    };
    let group = |(name, members): (&&'a str, &Vec<Candidate<'_>>)| Group {
        name: (*name).to_owned(),
        value: members.len(),
        weight: weigh(members),
    };
    let groups = regions.iter().map(group).collect();
    let limits =
        GroupLimits { groups_min: constraint.groups_min, groups_max: constraint.groups_max, value_min: clusters_min };
    let chosen = choose_groups(groups, &limits).map_err(Failure::Select)?;
    if chosen.is_empty() {
        return Err(Failure::Select(SelectError::FewClustersInRegions));
    }
    let (mut selected, mut others) = (Vec::new(), Vec::new());
    for name in &chosen {
        let mut members = regions.remove(name.as_str()).unwrap_or_default().into_iter();
        selected.extend(members.next());
        others.extend(members);
    }
    others.sort_by(order);
    let more = clusters_max.saturating_sub(selected.len());
    selected.extend(others.into_iter().take(more));
    Ok(selected)
}

fn weight_of_copies(members: &[Candidate<'_>], replicas: i32) -> i64 {
    let able: Vec<i64> =
        members.iter().filter(|one| one.possible >= i64::from(replicas)).map(|one| one.score).collect();
    let count = i64::try_from(able.len()).unwrap_or(i64::MAX);
    if count == 0 { 0 } else { count * WEIGHT_UNIT + able.iter().sum::<i64>() / count }
}

fn weight_of_share(members: &[Candidate<'_>], replicas: i32, (regions_min, clusters_min): (usize, usize)) -> i64 {
    let regions = i64::try_from(regions_min.max(1)).unwrap_or(i64::MAX);
    let share = i64::from(replicas).saturating_add(regions - 1) / regions;
    let clusters_min = clusters_min.max(regions_min);
    let (mut room, mut score, mut counted) = (0_i64, 0_i64, 0_usize);
    for member in members {
        room = room.saturating_add(member.possible);
        score += member.score;
        counted += 1;
        if counted >= clusters_min && room >= share {
            break;
        }
    }
    let mean = score / i64::try_from(counted.max(1)).unwrap_or(i64::MAX);
    room.min(share).saturating_mul(WEIGHT_UNIT) + mean
}
