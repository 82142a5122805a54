//! Replicas of one size: any additive cost, exactly, by a flow of least cost (P4).
//!
//! Where all replicas take the same, a cluster's capacity is a number of places, `⌊cap/d⌋`. The rows of the problem are then
//! those of a bipartite graph, whose matrix is totally unimodular: the relaxation is integral, and successive shortest paths
//! find it. Potentials keep reduced costs from being negative, so each path is a Dijkstra over services and clusters,
//! O((S + E)²), and carries as many replicas as it can; there are at most as many paths as replicas.

use crate::model::{ClusterId, ServiceId, Table};

/// One problem.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Places of each cluster.
    pub places: Table<ClusterId, u32>,
    /// Replicas of each service.
    pub wanted: Table<ServiceId, u32>,
    /// What one replica costs; `None` where it may not be.
    pub costs: Table<ServiceId, Table<ClusterId, Option<i64>>>,
}

/// Replicas by service and cluster.
pub type Counts = Table<ServiceId, Table<ClusterId, u32>>;

impl Problem {
    /// What `counts` cost; `None` where one may not be there, or numbers are not kept.
    pub fn cost(&self, counts: &Counts) -> Option<i128> {
        let mut cost = 0i128;
        let mut used = Table::build(self.places.len(), |_: ClusterId| 0u64);
        for (service, row) in counts.iter() {
            let mut placed = 0u64;
            for (cluster, count) in row.iter().filter(|(_, count)| **count > 0) {
                cost += i128::from(self.costs[service][cluster]?) * i128::from(*count);
                used[cluster] += u64::from(*count);
                placed += u64::from(*count);
            }
            if placed != u64::from(self.wanted[service]) {
                return None;
            }
        }
        used.iter().all(|(cluster, used)| *used <= u64::from(self.places[cluster])).then_some(cost)
    }

    /// The cheapest counts, or `None` where not all replicas find a place: which proves that there is no answer.
    pub fn solve(&self) -> Option<Counts> {
        let mut flow = Flow::new(self);
        for service in self.wanted.ids() {
            while flow.left[service] > 0 {
                flow.send(service)?;
            }
        }
        Some(flow.counts)
    }
}

/// A flow under construction.
struct Flow<'a> {
    problem: &'a Problem,
    counts: Counts,
    left: Table<ServiceId, u32>,
    room: Table<ClusterId, u32>,
    /// Potentials of services and clusters.
    high: Table<ServiceId, i128>,
    low: Table<ClusterId, i128>,
}

/// Farther than anything.
const FAR: i128 = i128::MAX / 4;

/// The last step of a shortest path.
#[derive(Clone, Copy)]
struct Paths<'a> {
    distance: &'a Table<ClusterId, i128>,
    from: &'a Table<ClusterId, ServiceId>,
    back: &'a Table<ServiceId, Option<ClusterId>>,
}

impl<'a> Flow<'a> {
    fn new(problem: &'a Problem) -> Self {
        // Lowest costs of a cluster as its potential make all reduced costs zero or more at the start.
        let lowest = |cluster: ClusterId| {
            let costs = problem.costs.values().filter_map(|row| row[cluster]);
            costs.min().map_or(0, i128::from)
        };
        Self {
            problem,
            counts: Table::build(problem.wanted.len(), |_| Table::build(problem.places.len(), |_| 0)),
            left: problem.wanted.clone(),
            room: problem.places.clone(),
            high: Table::build(problem.wanted.len(), |_| 0),
            low: Table::build(problem.places.len(), lowest),
        }
    }

    /// Sends as many replicas of `source` as one shortest path carries.
    fn send(&mut self, source: ServiceId) -> Option<()> {
        let (services, clusters) = (self.problem.wanted.len(), self.problem.places.len());
        let mut near: Table<ServiceId, i128> = Table::build(services, |_| FAR);
        let mut distance: Table<ClusterId, i128> = Table::build(clusters, |_| FAR);
        let mut from: Table<ClusterId, ServiceId> = Table::build(clusters, |_| source);
        let mut back: Table<ServiceId, Option<ClusterId>> = Table::build(services, |_| None);
        let mut done = Table::build(clusters, |_: ClusterId| false);
        near[source] = 0;
        self.relax(source, (&near, &done), (&mut distance, &mut from));
        loop {
            let open = distance.ids().filter(|cluster| !done[*cluster] && distance[*cluster] < FAR);
            let Some(cluster) = open.min_by_key(|cluster| distance[*cluster]) else { break };
            done[cluster] = true;
            // Back along what flows into this cluster: reduced costs of flows are zero.
            for service in self.problem.wanted.ids() {
                if self.counts[service][cluster] > 0 && distance[cluster] < near[service] {
                    near[service] = distance[cluster];
                    back[service] = Some(cluster);
                    self.relax(service, (&near, &done), (&mut distance, &mut from));
                }
            }
        }
        let ends = distance.ids().filter(|cluster| self.room[*cluster] > 0 && distance[*cluster] < FAR);
        let end = ends.min_by_key(|cluster| distance[*cluster] + self.low[*cluster])?;
        self.push(source, end, Paths { distance: &distance, from: &from, back: &back });
        let reach = distance.values().filter(|far| **far < FAR).copied().max().unwrap_or(0);
        for (service, near) in near.iter() {
            self.high[service] += (*near).min(reach);
        }
        for (cluster, far) in distance.iter() {
            self.low[cluster] += (*far).min(reach);
        }
        Some(())
    }

    /// Steps from a service to all clusters.
    fn relax(
        &self,
        service: ServiceId,
        (near, done): (&Table<ServiceId, i128>, &Table<ClusterId, bool>),
        (distance, from): (&mut Table<ClusterId, i128>, &mut Table<ClusterId, ServiceId>),
    ) {
        for (cluster, cost) in self.problem.costs[service].iter() {
            let Some(cost) = cost.filter(|_| !done[cluster]) else { continue };
            let reduced = i128::from(cost) + self.high[service] - self.low[cluster];
            let far = near[service] + reduced;
            if far < distance[cluster] {
                distance[cluster] = far;
                from[cluster] = service;
            }
        }
    }

    fn push(&mut self, source: ServiceId, end: ClusterId, paths: Paths<'_>) {
        let mut amount = self.left[source].min(self.room[end]);
        let mut cluster = end;
        while paths.from[cluster] != source {
            let service = paths.from[cluster];
            let before = paths.back[service].expect("the path came from a cluster");
            amount = amount.min(self.counts[service][before]);
            cluster = before;
        }
        debug_assert!(paths.distance[end] < FAR, "the end was reached");
        let mut cluster = end;
        loop {
            let service = paths.from[cluster];
            self.counts[service][cluster] += amount;
            if service == source {
                break;
            }
            let before = paths.back[service].expect("the path came from a cluster");
            self.counts[service][before] -= amount;
            cluster = before;
        }
        self.left[source] -= amount;
        self.room[end] -= amount;
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::model::Table;

    /// Two services of two replicas; both are cheapest in the first cluster, which has three places. The one that loses least by
    /// going elsewhere (4 − 1 against 9 − 1) does: 2·1 + 1 + 4 = 7.
    #[test]
    fn who_loses_least_gives_way() {
        let row = |costs: [i64; 2]| costs.into_iter().map(Some).collect();
        let problem = Problem {
            places: [3, 9].into_iter().collect(),
            wanted: [2, 2].into_iter().collect(),
            costs: [row([1, 4]), row([1, 9])].into_iter().collect(),
        };
        let counts = problem.solve().expect("there are places enough");
        assert_eq!(problem.cost(&counts), Some(7));
        let none: Table<_, _> = [1, 1].into_iter().collect();
        assert_eq!(Problem { places: none, ..problem }.solve(), None);
    }
}
