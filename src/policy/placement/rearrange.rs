//! Making way: a replica that rules keep out of every cluster gets one, where the services that it must keep apart from can go
//! elsewhere.
//!
//! Services are placed one after the other, so one that was placed first may fill all clusters before one comes that must not
//! meet it. Instead of refusing the second, the first gives one cluster up: the one where the fewest replicas that are there
//! already have to move, then the fewest at all, then the one that ranks best. All of its replicas there must find places that
//! break no hard rule further, or nothing is done. Pinned and frozen services and tasks stay.

use super::draft::{Draft, Rank};
use crate::model::breach::Counts;
use crate::model::rules::Rule;
use crate::model::{ClusterId, ServiceId};

/// Clusters times services up to which making way is tried: it is a copy of the draft for each cluster.
const TRIED_MAX: usize = 100_000;

impl Draft<'_> {
    /// The draft with one more replica of `service`, and others out of its way; `None` where that is not to be had.
    #[must_use]
    pub fn with_way_made(&self, service: ServiceId, rank: Rank) -> Option<Self> {
        let snapshot = self.snapshot;
        if snapshot.clusters.len() * snapshot.services.len() > TRIED_MAX {
            return None;
        }
        let rivals = self.rivals(service);
        let mut best: Option<((u32, u32), [f64; 2], Self)> = None;
        for cluster in snapshot.clusters.ids().filter(|cluster| self.most(service, *cluster) > 0) {
            let here: Vec<ServiceId> =
                rivals.iter().copied().filter(|rival| self.targets().get(*rival, cluster) > 0).collect();
            if here.is_empty() || here.iter().any(|rival| self.stays_put(*rival)) {
                continue;
            }
            let Some((moved, draft)) = self.cleared(service, cluster, (&here, rank)) else { continue };
            let score = rank(self, service, cluster);
            let is_better =
                best.as_ref().is_none_or(|(least, most, _)| moved < *least || (moved == *least && score > *most));
            if is_better {
                best = Some((moved, score, draft));
            }
        }
        best.map(|(_, _, draft)| draft)
    }

    /// Services that must keep apart from `service`.
    fn rivals(&self, service: ServiceId) -> Vec<ServiceId> {
        let demands = self.snapshot.known.rules.demands.iter().filter(|demand| demand.price.is_none());
        let mut rivals: Vec<ServiceId> = demands
            .filter_map(|demand| match &demand.rule {
                Rule::Apart(services) if services.contains(&service) => Some(services),
                _ => None,
            })
            .flatten()
            .copied()
            .filter(|rival| *rival != service)
            .collect();
        rivals.sort_unstable();
        rivals.dedup();
        rivals
    }

    fn stays_put(&self, service: ServiceId) -> bool {
        let application = &self.snapshot.known.application;
        application.services[service].pinned || application.is_task(service) || self.is_frozen(service)
    }

    /// `cluster` without the rivals and with a replica of `service`; replicas that had to move, those that were there before
    /// first.
    fn cleared(
        &self,
        service: ServiceId,
        cluster: ClusterId,
        (rivals, rank): (&[ServiceId], Rank),
    ) -> Option<((u32, u32), Self)> {
        let mut draft = self.clone();
        let (mut present, mut all) = (0, 0);
        for rival in rivals {
            let replicas = draft.targets().get(*rival, cluster);
            present += replicas.min(self.snapshot.targets.get(*rival, cluster));
            all += replicas;
            draft.remove(*rival, cluster, replicas);
        }
        let (_, changes) = draft.step(service, cluster)?;
        draft.change(&changes);
        for rival in rivals {
            let missing = self.missing(*rival);
            while draft.missing(*rival) > missing {
                let changes = draft.best_by_rules(*rival, rank)?;
                draft.change(&changes);
            }
        }
        draft.breaks_no_more_than(self).then_some(((present, all), draft))
    }

    /// Whether no hard rule is broken further than in the `other` draft.
    fn breaks_no_more_than(&self, other: &Self) -> bool {
        let (now, before) = (Counts::of(self.snapshot, self.targets()), Counts::of(self.snapshot, other.targets()));
        let mut hard = self.snapshot.known.rules.demands.iter().filter(|demand| demand.price.is_none());
        hard.all(|demand| now.units(&demand.rule) <= before.units(&demand.rule))
    }
}
