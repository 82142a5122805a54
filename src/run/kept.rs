//! Decisions of a run that are explained at its end: the first, those that began to refuse something, those that started the
//! most actions, and the last.
//!
//! An explanation may cost more than its decision, and which decisions matter is known at the end only. So copies are kept of
//! what was seen, of the plan and of the policy as it was then, a few at a time, and explained when the run is over. What is
//! explained is the plan as it was applied: what the rails held back is told in the log.

use crate::model::{Explanation, Plan, ServiceId, Snapshot, explanation};
use crate::policy::Policy;
use crate::record::explained::{Because, Decided, Explained};
use std::collections::BTreeSet;

/// Decisions that refuse something and are kept.
const REFUSING_MAX: usize = 4;
/// Decisions with the most actions that are kept.
const LARGEST_MAX: usize = 4;
/// Trials of other places (services × clusters²) up to which a policy is asked; beyond, only what can be said of any plan is.
const TRIALS_MAX: u64 = 2_000_000;

/// What is kept of a run.
#[derive(Default)]
pub struct Kept {
    decisions: u64,
    first: Option<Moment>,
    refusing: Vec<Moment>,
    /// Services that were refused something in a decision that is kept.
    refused: BTreeSet<ServiceId>,
    /// With the number of actions.
    largest: Vec<(usize, Moment)>,
    last: Option<(Box<Snapshot>, Plan)>,
}

/// A decision that is kept.
struct Moment {
    number: u64,
    snapshot: Snapshot,
    plan: Plan,
    policy: Box<dyn Policy>,
}

impl Kept {
    /// Keeps a copy of the decision where it matters so far, and the decision itself as the last one.
    pub fn take(&mut self, snapshot: Box<Snapshot>, plan: Plan, (actions, policy): (usize, &dyn Policy)) {
        let number = self.decisions;
        self.decisions += 1;
        let moment = || Moment { number, snapshot: (*snapshot).clone(), plan: plan.clone(), policy: policy.fork() };
        let news = || plan.refusals.iter().map(|refusal| refusal.service).filter(|one| !self.refused.contains(one));
        if number == 0 {
            self.refused.extend(plan.refusals.iter().map(|refusal| refusal.service));
            self.first = Some(moment());
        } else if self.refusing.len() < REFUSING_MAX && news().next().is_some() {
            let news: Vec<ServiceId> = news().collect();
            self.refusing.push(moment());
            self.refused.extend(news);
        } else if self.is_large(actions) {
            self.largest.push((actions, moment()));
            self.drop_least();
        }
        self.last = Some((snapshot, plan));
    }

    /// Of equals the earlier stays, as in the log of a report.
    fn is_large(&self, actions: usize) -> bool {
        actions > 0 && (self.largest.len() < LARGEST_MAX || self.largest.iter().any(|(other, _)| *other < actions))
    }

    fn drop_least(&mut self) {
        if self.largest.len() > LARGEST_MAX {
            let least =
                self.largest.iter().enumerate().min_by_key(|(_, (actions, one))| (*actions, u64::MAX - one.number));
            let least = least.map_or(0, |(at, _)| at);
            self.largest.remove(least);
        }
    }

    /// Explains what was kept, in order; `policy` is the one that has made the last decision.
    pub fn explain(&self, policy: &dyn Policy) -> Vec<Explained> {
        let told = |because, moment: &Moment| {
            let Moment { number, snapshot, plan, policy } = moment;
            (*number, explained(because, (*number, snapshot, plan), policy.as_ref()))
        };
        let mut all: Vec<(u64, Explained)> = self.first.iter().map(|one| told(Because::First, one)).collect();
        all.extend(self.refusing.iter().map(|one| told(Because::Refused, one)));
        all.extend(self.largest.iter().map(|(_, one)| told(Because::Changed, one)));
        let last = self.decisions.saturating_sub(1);
        let is_new = all.iter().all(|(number, _)| *number != last);
        if let Some((snapshot, plan)) = self.last.as_ref().filter(|_| is_new) {
            all.push((last, explained(Because::Last, (last, snapshot, plan), policy)));
        }
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, explained)| explained).collect()
    }
}

fn explained(because: Because, (number, snapshot, plan): (u64, &Snapshot, &Plan), policy: &dyn Policy) -> Explained {
    let (services, clusters) = (snapshot.services.len() as u64, snapshot.clusters.len() as u64);
    let is_reduced = services.saturating_mul(clusters.saturating_mul(clusters)) > TRIALS_MAX;
    let explanation: Explanation =
        if is_reduced { explanation::explain(snapshot, plan) } else { policy.explain(snapshot, plan) };
    let changed = snapshot.targets.changed(&plan.targets).into_iter();
    let first: BTreeSet<&str> = changed.map(|service| snapshot.service(service).name.as_str()).collect();
    Explained::new(&Decided { because, number, snapshot, plan, explanation: &explanation, is_reduced })
        .shortened(&first)
}
