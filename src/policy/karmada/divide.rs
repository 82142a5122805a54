//! How the replicas are divided among the selected clusters.
//!
//! | division | steady | fresh |
//! |---|---|---|
//! | duplicated | all replicas in every cluster | the same |
//! | static weights | Webster's seats by the weights, whatever was there | the same |
//! | dynamic weights | more: seats for the *additional* ones by what is free; fewer: seats for all by what was there | seats for all by what is free plus what was there |
//! | aggregated | the same on the shortest prefix that suffices: where it is already first, then by room | the same |
//!
//! In a group with overflow tiers each tier is filled as far as it could hold before the next gets the rest.
//!
//! Replica counts are 32-bit numbers that wrap in Karmada, so they do here: a workload that is scaled to nothing and scheduled
//! afresh over two clusters has −2 free replicas and fails.

use super::placement::{Division, Placement, WeightRule};
use super::schedule::{AssignError, Assigned, Binding, Candidate, Failure, Stage};
use super::sort::sort_as_go;
use super::webster::{TieBreak, allocate};
use std::collections::BTreeMap;

/// The replicas of each cluster, without clusters that get none.
///
/// # Errors
/// Where the clusters have not room enough.
pub fn divide(
    candidates: &[Candidate<'_>],
    placement: &Placement,
    (binding, has_overflow): (&Binding, bool),
) -> Result<Vec<Assigned>, Failure> {
    if candidates.is_empty() {
        return Err(Failure::Assign(AssignError::NoClusters));
    }
    if !binding.is_workload() {
        return Ok(candidates.iter().map(|one| Assigned::new(one.name, 0)).collect());
    }
    if has_overflow { by_tiers(candidates, placement, binding) } else { within(candidates, placement, binding) }
}

fn by_tiers(candidates: &[Candidate<'_>], placement: &Placement, binding: &Binding) -> Result<Vec<Assigned>, Failure> {
    let mut tiers: BTreeMap<u32, Vec<Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        tiers.entry(candidate.tier).or_default().push(candidate.clone());
    }
    let mut remaining = binding.replicas;
    let mut assigned = Vec::new();
    for members in tiers.values() {
        let room: i64 = members.iter().map(|one| one.possible).sum();
        let replicas = i32::try_from(room.min(remaining.into())).unwrap_or(remaining);
        assigned.extend(within(members, placement, &Binding { replicas, ..binding.clone() })?);
        remaining -= replicas;
        if remaining <= 0 {
            return Ok(assigned);
        }
    }
    Err(Failure::Assign(AssignError::TiersFull))
}

fn within(candidates: &[Candidate<'_>], placement: &Placement, binding: &Binding) -> Result<Vec<Assigned>, Failure> {
    let assigned = match &placement.division {
        Division::Duplicated => candidates.iter().map(|one| Assigned::new(one.name, binding.replicas)).collect(),
        Division::StaticWeights(rules) => by_weights(candidates, rules.as_deref(), binding),
        Division::DynamicWeights => by_room(candidates, binding, false)?,
        Division::Aggregated => by_room(candidates, binding, true)?,
    };
    Ok(assigned.into_iter().filter(|one| one.replicas > 0).collect())
}

/// Clusters without a weight get nothing; where no cluster has one, all weigh the same.
fn by_weights(candidates: &[Candidate<'_>], rules: Option<&[WeightRule]>, binding: &Binding) -> Vec<Assigned> {
    let weight = |candidate: &Candidate<'_>| {
        let matching = rules.into_iter().flatten().filter(|rule| rule.target.matches(candidate.cluster));
        matching.map(|rule| rule.weight).fold(0, i64::max)
    };
    let mut votes: Vec<(&str, i64)> = candidates.iter().map(|one| (one.name, weight(one))).collect();
    votes.retain(|(_, weight)| *weight > 0);
    if votes.is_empty() {
        votes = candidates.iter().map(|one| (one.name, 1)).collect();
    }
    seats(binding.replicas, &votes, &binding.uid)
}

fn seats(replicas: i32, votes: &[(&str, i64)], uid: &str) -> Vec<Assigned> {
    let parties = allocate(replicas, votes.iter().copied(), TieBreak::of_uid(uid));
    parties.into_iter().map(|party| Assigned { cluster: party.name, replicas: party.seats }).collect()
}

fn by_room(candidates: &[Candidate<'_>], binding: &Binding, is_aggregated: bool) -> Result<Vec<Assigned>, Failure> {
    let is_candidate = |one: &&Assigned| candidates.iter().any(|candidate| candidate.name == one.cluster);
    let there: Vec<Assigned> = binding.previous.iter().filter(is_candidate).cloned().collect();
    let assigned = there.iter().fold(0_i32, |sum, one| sum.wrapping_add(one.replicas));
    let free = || candidates.iter().map(|one| Assigned::new(one.name, one.free)).collect::<Vec<_>>();
    let mut division = if binding.fresh {
        let mut weights = free();
        for one in &there {
            if let Some(weight) = weights.iter_mut().find(|weight| weight.cluster == one.cluster) {
                weight.replicas = weight.replicas.wrapping_add(one.replicas);
            }
        }
        Dynamic { stage: Stage::Fresh, target: binding.replicas, weights, kept: Vec::new() }
    } else if assigned > binding.replicas {
        Dynamic { stage: Stage::Down, target: binding.replicas, weights: there, kept: Vec::new() }
    } else if assigned < binding.replicas {
        Dynamic { stage: Stage::Up, target: binding.replicas - assigned, weights: free(), kept: there }
    } else {
        return Ok(there);
    };
    sort_as_go(&mut division.weights, |a, b| a.replicas > b.replicas);
    division.carry_out(&binding.uid, is_aggregated).map_err(Failure::Assign)
}

/// One division by room.
struct Dynamic {
    stage: Stage,
    /// Replicas to give out.
    target: i32,
    /// What each cluster weighs, by falling weight.
    weights: Vec<Assigned>,
    /// What stays where it is besides.
    kept: Vec<Assigned>,
}

impl Dynamic {
    fn carry_out(mut self, uid: &str, is_aggregated: bool) -> Result<Vec<Assigned>, AssignError> {
        let available = self.weights.iter().fold(0_i32, |sum, one| sum.wrapping_add(one.replicas));
        if available < self.target {
            return Err(AssignError::NotEnough { stage: self.stage, available });
        }
        if is_aggregated {
            self.aggregate();
        }
        let votes: Vec<(&str, i64)> =
            self.weights.iter().map(|one| (one.cluster.as_str(), one.replicas.into())).collect();
        Ok(merged(self.kept, seats(self.target, &votes, uid)))
    }

    /// Where it is already comes first; then the shortest prefix that suffices.
    fn aggregate(&mut self) {
        let kept = &self.kept;
        let is_there = |one: &Assigned| kept.iter().any(|kept| kept.cluster == one.cluster && kept.replicas > 0);
        self.weights.sort_by_key(|one| !is_there(one));
        let mut sum = 0_i32;
        let enough = self.weights.iter().position(|one| {
            sum = sum.wrapping_add(one.replicas);
            sum >= self.target
        });
        self.weights.truncate(enough.map_or(usize::MAX, |last| last + 1));
    }
}

/// Both together.
fn merged(kept: Vec<Assigned>, mut added: Vec<Assigned>) -> Vec<Assigned> {
    for one in kept {
        match added.iter_mut().find(|other| other.cluster == one.cluster) {
            Some(other) => other.replicas = other.replicas.wrapping_add(one.replicas),
            None => added.push(one),
        }
    }
    added
}
