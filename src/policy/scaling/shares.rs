//! What a service is believed to serve where its replicas are.
//!
//! Of n replicas each reachable cluster is given its present share, by cumulative rounding; the capacities of the shares
//! add up. A service that has no replicas yet is reckoned with the slowest of the clusters that may run it.

use crate::model::{Capacity, ClusterId, Service, ServiceId, Snapshot};
use crate::units::{Rate, Ratio};

/// Where a service is, and what it is believed to serve there.
pub(super) struct Shares<'a> {
    /// Capacity, speed, and present replicas, by cluster.
    pub(super) places: Vec<(&'a Capacity, Ratio, u32)>,
    pub(super) present: u32,
}

impl<'a> Shares<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, service: ServiceId) -> Self {
        let declared = snapshot.service(service);
        let place = |cluster: ClusterId, replicas: u32| {
            let known = snapshot.cluster(cluster);
            (declared.capacity.of(&known.class), known.speed, replicas)
        };
        let targets = snapshot.targets.of(service).iter();
        let reachable = targets.filter(|target| snapshot.clusters[target.cluster].reachable);
        let mut places: Vec<_> = reachable.map(|target| place(target.cluster, target.replicas)).collect();
        if places.is_empty() {
            places.extend(slowest(snapshot, declared).map(|cluster| place(cluster, 1)));
        }
        let present = places.iter().map(|place| place.2).sum();
        Self { places, present }
    }

    /// The fewest replicas, at most `most`, that serve `need`; where no number does, the one that serves most.
    ///
    /// Capacity rises up to the number at which the first cluster reaches its peak, so a binary search finds it; there
    /// rounding to whole replicas a cluster may cost one more than the very fewest.
    pub(super) fn fewest(&self, need: Rate, most: u32) -> Result<u32, u32> {
        if let [(capacity, speed, _)] = self.places[..] {
            return capacity.replicas_for(need, speed, most).ok_or(capacity.peak(most));
        }
        let (mut low, mut high) = (1, self.peak(most));
        if self.capacity(high) < need {
            return Err(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.capacity(middle) >= need { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The most replicas at which no cluster is beyond its peak.
    pub(super) fn peak(&self, most: u32) -> u32 {
        let peaks = self.places.iter().map(|(capacity, _, replicas)| {
            let peak = u64::from(capacity.peak(most)) * u64::from(self.present) / u64::from(*replicas).max(1);
            u32::try_from(peak).unwrap_or(u32::MAX)
        });
        peaks.min().unwrap_or(most).clamp(1, most.max(1))
    }

    /// What `replicas` serve when they are shared out like the present ones, by cumulative rounding.
    pub(super) fn capacity(&self, replicas: u32) -> Rate {
        let upto = |present: u64| present * u64::from(replicas) / u64::from(self.present.max(1));
        let mut before = 0;
        let serve = |(capacity, speed, present): &(&Capacity, Ratio, u32)| {
            let after = before + u64::from(*present);
            let share = upto(after) - upto(before);
            before = after;
            capacity.at(u32::try_from(share).expect("a share is no more than the whole"), *speed)
        };
        self.places.iter().map(serve).sum()
    }
}

/// The cluster in which as many replicas as are allowed serve least, of those that may run the service: those that can be
/// reached, or all where none can.
fn slowest(snapshot: &Snapshot, service: &Service) -> Option<ClusterId> {
    let eligible = |cluster: &ClusterId| service.terms.room_max(snapshot.cluster(*cluster), service.request).is_ok();
    let serves = |cluster: &ClusterId| {
        let known = snapshot.cluster(*cluster);
        service.capacity.of(&known.class).at(service.replicas_max, known.speed)
    };
    let clusters = || snapshot.clusters.ids();
    let reachable =
        clusters().filter(|cluster| snapshot.clusters[*cluster].reachable).filter(eligible).min_by_key(serves);
    reachable.or_else(|| clusters().min_by_key(serves))
}
