//! What a policy may say: a complete wish, what it refuses and why, and how good it knows the wish to be.

use super::id::{ClusterId, ServiceId, Table};
use crate::units::Rate;
use serde::Serialize;

/// Replicas per (service, cluster): sparse, sorted, the whole wish and not a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets(Vec<Target>);

/// Replicas of one service in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The service.
    pub service: ServiceId,
    /// The cluster.
    pub cluster: ClusterId,
    /// How many; never zero.
    pub replicas: u32,
}

impl Targets {
    /// All targets by service and cluster.
    pub fn iter(&self) -> std::slice::Iter<'_, Target> {
        self.0.iter()
    }

    /// The targets of one service, by cluster.
    pub fn of(&self, service: ServiceId) -> &[Target] {
        let start = self.0.partition_point(|target| target.service < service);
        let length = self.0[start..].partition_point(|target| target.service == service);
        &self.0[start..start + length]
    }

    /// Replicas of `service` in `cluster`.
    pub fn get(&self, service: ServiceId, cluster: ClusterId) -> u32 {
        self.position(service, cluster).map_or(0, |index| self.0[index].replicas)
    }

    /// Sets the replicas of `service` in `cluster`; zero removes the target.
    pub fn set(&mut self, service: ServiceId, cluster: ClusterId, replicas: u32) {
        match (self.position(service, cluster), replicas) {
            (Ok(index), 0) => drop(self.0.remove(index)),
            (Ok(index), _) => self.0[index].replicas = replicas,
            (Err(_), 0) => {}
            (Err(index), _) => self.0.insert(index, Target { service, cluster, replicas }),
        }
    }

    /// Replicas of `service` in all clusters.
    pub fn total(&self, service: ServiceId) -> u32 {
        self.of(service).iter().map(|target| target.replicas).sum()
    }

    /// The services whose targets differ from those in `other`, by id. One walk along both.
    pub fn changed(&self, other: &Self) -> Vec<ServiceId> {
        let mut changed = Vec::new();
        let (mut here, mut there) = (self.0.as_slice(), other.0.as_slice());
        loop {
            let same = here.iter().zip(there).take_while(|(one, other)| one == other).count();
            (here, there) = (&here[same..], &there[same..]);
            let Some(service) = here.first().into_iter().chain(there.first()).map(|target| target.service).min() else {
                return changed;
            };
            if changed.last() != Some(&service) {
                changed.push(service);
            }
            let rest = |targets: &[Target]| targets.iter().take_while(|target| target.service == service).count();
            (here, there) = (&here[rest(here)..], &there[rest(there)..]);
        }
    }

    /// Makes the targets of `service` those of `other`.
    pub fn copy_service(&mut self, service: ServiceId, other: &Self) {
        let start = self.0.partition_point(|target| target.service < service);
        let length = self.of(service).len();
        self.0.splice(start..start + length, other.of(service).iter().copied());
    }

    fn position(&self, service: ServiceId, cluster: ClusterId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&(service, cluster), |target| (target.service, target.cluster))
    }
}

impl<'a> IntoIterator for &'a Targets {
    type Item = &'a Target;
    type IntoIter = std::slice::Iter<'a, Target>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Target> for Targets {
    /// Sorts; of two targets for the same place the sum counts, and zeros vanish.
    fn from_iter<I: IntoIterator<Item = Target>>(items: I) -> Self {
        let mut targets: Vec<Target> = items.into_iter().filter(|target| target.replicas > 0).collect();
        targets.sort_unstable();
        targets.dedup_by(|later, earlier| {
            let same = (later.service, later.cluster) == (earlier.service, earlier.cluster);
            if same {
                earlier.replicas += later.replicas;
            }
            same
        });
        Self(targets)
    }
}

/// What a policy wants. Whoever carries it out decides nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The wish.
    pub targets: Targets,
    /// What could not be done.
    pub refusals: Vec<Refusal>,
    /// How good the wish is known to be; absent where a policy has no notion of it.
    pub quality: Option<Quality>,
    /// Why each service got its number; may be empty.
    pub why: Table<ServiceId, Why>,
}

/// Replicas that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Whose.
    pub service: ServiceId,
    /// How many of them.
    pub replicas: u32,
    /// What was missing.
    pub reason: String,
    /// The smallest change that would help, where it is known.
    pub remedy: Option<String>,
}

/// Quality of an answer to an optimisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Value of the objective, smaller is better.
    pub objective: f64,
    /// No plan has a smaller one.
    pub bound: Option<f64>,
    /// The method that gave the answer.
    pub tier: &'static str,
    /// Why it stopped.
    pub stop: Stop,
}

impl Quality {
    /// `(objective − bound) / max(|objective|, 1e-9)`: how far the answer may be from the best one.
    pub fn gap(&self) -> Option<f64> {
        self.bound.map(|bound| ((self.objective - bound) / self.objective.abs().max(1e-9)).max(0.0))
    }
}

/// Why a solver stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The answer is proved best.
    Optimal,
    /// The node limit was reached.
    NodeLimit,
    /// Nothing better was found by a method that proves nothing.
    Heuristic,
}

/// Why a service got its number: the rule and the figures that went into it. No text is made until somebody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Why {
    /// The rule, as a formula or a phrase.
    pub rule: &'static str,
    /// Its figures by name; unused ones have no name.
    pub figures: [(&'static str, f64); 4],
}

impl Why {
    /// A rule with up to four figures.
    ///
    /// # Panics
    /// With more than four.
    pub fn new(rule: &'static str, figures: &[(&'static str, f64)]) -> Self {
        let mut why = Self { rule, figures: [("", 0.0); 4] };
        why.figures[..figures.len()].copy_from_slice(figures);
        why
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule)?;
        for (index, (name, value)) in self.figures.iter().filter(|(name, _)| !name.is_empty()).enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{name} {}", (value * 1e3).round() / 1e3)?;
        }
        Ok(())
    }
}

/// What a scaling policy wants: replicas of each service, over all clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Replicas.
    pub replicas: Table<ServiceId, u32>,
    /// Why.
    pub why: Table<ServiceId, Why>,
    /// What the replicas are to serve, by the capacity that is believed of them where they are at present. A placement that
    /// knows better may want another number elsewhere. Nothing for a service whose number has another reason; empty where
    /// all have.
    pub serve: Table<ServiceId, Option<Rate>>,
}

impl Wanted {
    /// So many replicas, wherever they are.
    pub const fn counts(replicas: Table<ServiceId, u32>, why: Table<ServiceId, Why>) -> Self {
        Self { replicas, why, serve: Table::new() }
    }

    /// What the replicas of `service` are to serve, where that is why there are so many.
    pub fn serve(&self, service: ServiceId) -> Option<Rate> {
        self.serve.get(service).copied().flatten()
    }
}
