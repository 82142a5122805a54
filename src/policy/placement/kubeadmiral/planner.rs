//! `KubeAdmiral`'s planner: replicas by weight, within the least, the most and the capacity of each cluster.
//!
//! ```text
//! plan = least of each, then in rounds: extra_e = ⌈rest · weight_e ÷ Σ weights⌉, by falling weight, until nothing is left;
//!        a cluster that reaches its most or its capacity drops out of the next round
//! ```
//!
//! Fractions are rounded up, so the first clusters get more: equal weights stand by a hash of cluster and workload (FNV-1, 32
//! bits), not by name. With *avoid disruption* replicas are not moved: only the difference to what runs is divided, by how
//! much each cluster is off. Source: kubewharf/kubeadmiral, pkg/controllers/util/planner.

use std::collections::BTreeMap;

/// What is wanted of one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preference {
    /// Name.
    pub name: String,
    /// Weight.
    pub weight: u64,
    /// At least so many replicas.
    pub least: u64,
    /// At most so many, where that is stated.
    pub most: Option<u64>,
    /// How many could run, where some could not.
    pub capacity: Option<u64>,
}

/// Replicas by cluster.
pub type Replicas = BTreeMap<String, u64>;

/// Divides `total` replicas of the workload `key`. `current` is what each cluster has; with `avoid_disruption` it stays as far
/// as it can run and is wanted.
pub fn plan(preferences: &[Preference], total: u64, key: &str, current: Option<&Replicas>) -> Replicas {
    let desired = divide(&ordered(preferences.to_vec(), key), total);
    let Some(current) = current else { return desired };
    let able = |one: &Preference| {
        let there = current.get(&one.name).copied().unwrap_or(0);
        (one.name.clone(), one.capacity.map_or(there, |capacity| there.min(capacity)))
    };
    let mut kept: Replicas = preferences.iter().map(able).collect();
    let (have, want) = (kept.values().sum::<u64>(), desired.values().sum::<u64>());
    let most = |name: &str| preferences.iter().find(|one| one.name == name).and_then(|one| one.most);
    let off = |up: bool| {
        let gap = |name: &String| {
            let (now, then) = (kept[name], desired[name]);
            let weight = if up { then.saturating_sub(now) } else { now.saturating_sub(then) };
            let most = if up { most(name).map(|most| most.saturating_sub(now)) } else { Some(now) };
            Preference { name: name.clone(), weight, least: 0, most, capacity: None }
        };
        let off: Vec<Preference> = kept.keys().map(gap).filter(|one| one.weight > 0).collect();
        ordered(off, key)
    };
    if have < want {
        for (name, more) in divide(&off(true), want - have) {
            *kept.entry(name).or_default() += more;
        }
    } else {
        for (name, fewer) in divide(&off(false), have - want) {
            *kept.entry(name).or_default() -= fewer;
        }
    }
    kept
}

/// By falling weight, then by rising hash.
fn ordered(mut preferences: Vec<Preference>, key: &str) -> Vec<Preference> {
    let hash = |name: &str| {
        let bytes = name.bytes().chain(key.bytes());
        bytes.fold(2_166_136_261_u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(byte))
    };
    preferences.sort_by_key(|one| (std::cmp::Reverse(one.weight), hash(&one.name), one.name.clone()));
    preferences
}

fn divide(preferences: &[Preference], total: u64) -> Replicas {
    let mut rest = total;
    let mut plan = Replicas::new();
    for one in preferences {
        let least = one.least.min(rest).min(one.capacity.unwrap_or(u64::MAX));
        rest -= least;
        plan.insert(one.name.clone(), least);
    }
    let mut open: Vec<&Preference> = preferences.iter().collect();
    loop {
        let weights: u64 = open.iter().map(|one| one.weight).sum();
        if rest == 0 || weights == 0 {
            return plan;
        }
        let in_round = rest;
        let mut is_changed = false;
        open.retain(|one| {
            let Some(planned) = plan.get_mut(&one.name) else { return false };
            let share = (u128::from(in_round) * u128::from(one.weight)).div_ceil(u128::from(weights));
            let wanted = *planned + u64::try_from(share).unwrap_or(u64::MAX).min(rest);
            let limit = one.most.unwrap_or(u64::MAX).min(one.capacity.unwrap_or(u64::MAX));
            let reached = wanted.min(limit).max(*planned);
            is_changed |= reached > *planned;
            rest -= reached - *planned;
            *planned = reached;
            wanted <= limit
        });
        if !is_changed {
            return plan;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Preference, Replicas, plan};

    type Entry = (&'static str, u64, u64, Option<u64>);

    fn preferences(entries: &[Entry], capacities: &[(&str, u64)]) -> Vec<Preference> {
        let capacity = |name: &str| capacities.iter().find(|(other, _)| *other == name).map(|(_, capacity)| *capacity);
        let preference = |&(name, weight, least, most): &Entry| Preference {
            name: name.to_owned(),
            weight,
            least,
            most,
            capacity: capacity(name),
        };
        entries.iter().map(preference).collect()
    }

    fn replicas(entries: &[(&str, u64)]) -> Replicas {
        entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// Preferences, total, what is there, what is planned.
    type Case = (&'static [Entry], u64, &'static [(&'static str, u64)], &'static [u64]);

    const EQUAL: [Entry; 3] = [("A", 1, 0, None), ("B", 1, 0, None), ("C", 1, 0, None)];

    /// Published examples: `planner_test.go` of `KubeAdmiral`, `TestWithoutExisting`.
    #[test]
    fn plans_without_anything_there_are_the_published_ones() {
        let most = |most| Some(most);
        let cases: [(&[Entry], u64, &[u64]); 12] = [
            (&EQUAL, 50, &[16, 17, 17]),
            (&EQUAL[..2], 50, &[25, 25]),
            (&EQUAL[..2], 1, &[0, 1]),
            (&EQUAL[..1], 1, &[1]),
            (&[("A", 0, 2, None), ("B", 0, 2, None), ("C", 0, 2, None)], 50, &[2, 2, 2]),
            (&[("A", 0, 20, None), ("B", 0, 20, None), ("C", 0, 20, None)], 50, &[10, 20, 20]),
            (&[("A", 1, 100, None), ("B", 0, 20, None), ("C", 0, 20, None)], 50, &[50, 0, 0]),
            (&[("A", 1, 10, None), ("B", 1, 0, None)], 50, &[30, 20]),
            (&[("A", 2, 3, None), ("B", 3, 3, None), ("C", 5, 3, None)], 10, &[3, 3, 4]),
            (&[("A", 1, 10, most(12)), ("B", 1, 10, most(12)), ("C", 1, 10, most(12))], 50, &[12, 12, 12]),
            (&[("A", 10_000, 0, most(10)), ("B", 1, 0, None), ("C", 1, 0, most(10))], 50, &[10, 30, 10]),
            (
                &[
                    ("A", 10_000, 0, most(10)),
                    ("B", 1, 0, None),
                    ("C", 1, 0, most(21)),
                    ("D", 1, 0, most(10)),
                    ("E", 1, 0, None),
                ],
                91,
                &[10, 25, 21, 10, 25],
            ),
        ];
        for (entries, total, expected) in cases {
            let planned = plan(&preferences(entries, &[]), total, "", None);
            assert_eq!(planned.values().copied().collect::<Vec<_>>(), expected, "{total} over {entries:?}");
        }
    }

    /// Published examples: `planner_test.go` of `KubeAdmiral`, `TestWithExisting` with *avoid disruption*.
    #[test]
    fn what_is_there_stays_as_in_the_published_examples() {
        let cases: [Case; 8] = [
            (&EQUAL, 50, &[("C", 30)], &[9, 11, 30]),
            (&EQUAL[..2], 50, &[("A", 30)], &[30, 20]),
            (&EQUAL[..2], 15, &[("A", 1), ("B", 8)], &[7, 8]),
            (&EQUAL[..2], 15, &[("A", 15), ("B", 0)], &[15, 0]),
            (&EQUAL[..2], 50, &[("A", 10), ("B", 70)], &[10, 40]),
            (&EQUAL[..2], 1, &[("A", 30)], &[1, 0]),
            (&EQUAL, 18, &[("A", 10), ("B", 1), ("C", 1)], &[10, 4, 4]),
            (
                &[("A", 0, 0, None), ("B", 1, 0, None), ("C", 1, 0, None)],
                18,
                &[("A", 10), ("B", 1), ("C", 7)],
                &[10, 1, 7],
            ),
        ];
        for (entries, total, current, expected) in cases {
            let planned = plan(&preferences(entries, &[]), total, "", Some(&replicas(current)));
            assert_eq!(planned.values().copied().collect::<Vec<_>>(), expected, "{total} over {current:?}");
        }
    }

    /// Ten over A and B by equal weights, A can run 3: 3 stay there, the rest goes to B, and so it stays.
    #[test]
    fn what_cannot_run_in_a_cluster_goes_to_the_others() {
        let two = preferences(&EQUAL[..2], &[("A", 3)]);
        let first = plan(&two, 10, "", None);
        assert_eq!(first, replicas(&[("A", 3), ("B", 7)]));
        assert_eq!(plan(&two, 10, "", Some(&first)), first);
        assert_eq!(plan(&two, 10, "", Some(&replicas(&[("A", 10)]))), first);
        let full = preferences(&EQUAL[..2], &[("A", 3), ("B", 1)]);
        assert_eq!(plan(&full, 10, "", None), replicas(&[("A", 3), ("B", 1)]));
    }
}
