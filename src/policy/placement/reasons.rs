//! Why a placement without an objective put replicas where they are: its rank of each cluster, and who comes next.
//!
//! Ranks are those under the finished plan. A placement that goes replica by replica saw other ones on its way; the finished
//! plan is what people look at, and the next replica would go by it.

use super::draft::{Draft, Rank};
use super::rooms::Rooms;
use crate::model::explanation::{self, Alternative, Candidate, Reasons, Term, Verdict};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table, Wanted};

/// How a placement ranks clusters, for the eyes of people.
pub struct ByRank {
    /// The rank; larger is better.
    pub rank: Rank,
    /// What the numbers of a rank are called, the factor that makes them a figure that people know, and its unit.
    pub terms: [Option<(&'static str, f64, &'static str)>; 2],
    /// Where the replicas of a service might be otherwise, if `cluster` were used.
    pub next: fn(&Reasons, ServiceId, ClusterId) -> Option<Vec<Target>>,
}

impl ByRank {
    /// What can be said of any plan, with the ranks of all clusters that are open.
    pub fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let mut explanation = explanation::explain(snapshot, plan);
        let wanted = wanted(snapshot, plan);
        let mut rooms = None;
        let rooms = Rooms::of_world(&mut rooms, snapshot);
        let draft = Draft::new(snapshot, &wanted, rooms).with_targets(plan.targets.clone());
        for (service, reasons) in explanation.services.iter_mut() {
            for (cluster, candidate) in reasons.candidates.iter_mut().filter(|(_, one)| is_open(one)) {
                candidate.terms = self.terms_of((self.rank)(&draft, service, cluster));
            }
            reasons.alternative = self.alternative(&draft, service, reasons);
        }
        explanation
    }

    fn terms_of(&self, rank: [f64; 2]) -> Vec<Term> {
        let named = self.terms.iter().zip(rank).filter_map(|(name, value)| Some(((*name)?, value)));
        named.map(|((name, factor, unit), value)| Term { name, value: factor * value, unit }).collect()
    }

    /// The best cluster among those that could take over and did not get anything.
    fn alternative(&self, draft: &Draft<'_>, service: ServiceId, reasons: &Reasons) -> Option<Alternative> {
        let unused = reasons.candidates.iter().filter(|(_, candidate)| candidate.replicas() == 0);
        let possible = unused.filter_map(|(cluster, _)| {
            let targets = (self.next)(reasons, service, cluster)?;
            Some(((self.rank)(draft, service, cluster), targets))
        });
        let best = possible.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, targets)| Alternative { targets, difference: None })
    }
}

/// One replica in `cluster` instead of where the fewest are.
pub fn next_with_room(reasons: &Reasons, service: ServiceId, cluster: ClusterId) -> Option<Vec<Target>> {
    let used = || reasons.candidates.iter().filter(|(_, candidate)| candidate.replicas() > 0);
    let (from, _) = used().rev().min_by_key(|(_, candidate)| candidate.replicas())?;
    let here = |(other, candidate): (ClusterId, &Candidate)| {
        let replicas = candidate.replicas() - u32::from(other == from) + u32::from(other == cluster);
        Target { service, cluster: other, replicas }
    };
    let targets = reasons.candidates.iter().map(here).filter(|target| target.replicas > 0).collect();
    (reasons.candidates[cluster].more() > 0).then_some(targets)
}

/// The whole service in `cluster`.
pub fn next_for_all(reasons: &Reasons, service: ServiceId, cluster: ClusterId) -> Option<Vec<Target>> {
    let has_room = reasons.wanted > 0 && reasons.candidates[cluster].more() >= reasons.wanted;
    has_room.then(|| vec![Target { service, cluster, replicas: reasons.wanted }])
}

/// What `plan` was asked for, as far as it accounts for it.
pub fn wanted(snapshot: &Snapshot, plan: &Plan) -> Wanted {
    let replicas = snapshot.services.ids().map(|service| explanation::wanted(plan, service)).collect();
    Wanted::counts(replicas, Table::new())
}

/// Whether the candidate may run the service.
pub const fn is_open(candidate: &Candidate) -> bool {
    matches!(candidate.verdict, Verdict::Open { .. })
}
