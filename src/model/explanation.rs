//! Why a plan is as it is: for each service all clusters, those that were out of the question included.
//!
//! [`explain`] works it out from snapshot and plan alone, so the plans of all policies are explained, and only when
//! somebody asks: a decision costs nothing for it. What a policy weighs (prices, shares) and what it would have done
//! otherwise is added by the policy itself. Nothing here judges: that is [`check`](super::check)'s.

use super::check::loads;
use super::id::{ClusterId, ServiceId, Table};
use super::plan::{Plan, Target};
use super::resources::{RESOURCES, Resources};
use super::snapshot::Snapshot;

/// Why a plan is as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Service by service.
    pub services: Table<ServiceId, Reasons>,
    /// What the objective counts for each refused replica; `None` where the policy has no objective.
    pub shortage: Option<f64>,
    /// What a little more of a resource would save, the dearest first; empty where the policy has no prices.
    pub scarce: Vec<Scarce>,
    /// Services that no plan could serve all; empty where nothing of the kind is proved.
    pub conflicts: Vec<Conflict>,
}

/// A resource of a cluster of which more would make the plan cheaper: its shadow price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scarce {
    /// Where.
    pub cluster: ClusterId,
    /// Of what.
    pub resource: &'static str,
    /// In which unit it is priced.
    pub unit: &'static str,
    /// Dollars an hour that one unit more would save, as long as the price holds.
    pub price: f64,
}

/// Services that may only run in clusters that have less than they want together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The fewest that already want too much.
    pub services: Vec<ServiceId>,
    /// All clusters where they may run.
    pub clusters: Vec<ClusterId>,
    /// What there is too little of.
    pub resource: &'static str,
    /// How much they want, in base units.
    pub wanted: u64,
    /// How much there is.
    pub available: u64,
}

/// Why one service is where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasons {
    /// Replicas that were to be placed: those that were, and those that were refused.
    pub wanted: u32,
    /// What each cluster was to it.
    pub candidates: Table<ClusterId, Candidate>,
    /// What the policy would have done otherwise, all other services staying where they are; `None` where nothing else was
    /// possible, or the policy cannot tell.
    pub alternative: Option<Alternative>,
    /// For a service that is split: which of its clusters would hold all of it after the smallest change, and the change.
    pub whole: Option<(ClusterId, Resources)>,
}

/// One cluster, seen by one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Whether it could be chosen, and whether it was.
    pub verdict: Verdict,
    /// What the policy weighs, for one replica here.
    pub terms: Vec<Term>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Out of the question, and why.
    Filtered(String),
    /// It may run the service.
    Open {
        /// Replicas that it got; zero where it was not chosen.
        replicas: u32,
        /// Room that is left for more of them under the whole plan.
        room: Room,
    },
}

/// Room for more replicas of one service in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many more.
    pub more: u32,
    /// What ends first.
    pub limit: Limit,
}

/// What ends first when replicas are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The sum of a resource over the cluster; holds what is left of it, all other resources being zero.
    Resource(&'static str, Resources),
    /// The nodes, of which each holds whole replicas only.
    Nodes,
}

/// Something that a policy weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// What.
    pub name: &'static str,
    /// How much of it.
    pub value: f64,
    /// In which unit: `$/h`, or empty for a share or a rank.
    pub unit: &'static str,
}

/// Another place for the replicas of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// All its replicas.
    pub targets: Vec<Target>,
    /// By how much the objective would be larger; `None` where the policy has none and the rule alone ranks.
    pub difference: Option<f64>,
}

impl Candidate {
    /// Replicas that the cluster got.
    pub const fn replicas(&self) -> u32 {
        match self.verdict {
            Verdict::Filtered(_) => 0,
            Verdict::Open { replicas, .. } => replicas,
        }
    }

    /// How many more replicas it could take.
    pub const fn more(&self) -> u32 {
        match self.verdict {
            Verdict::Filtered(_) => 0,
            Verdict::Open { room, .. } => room.more,
        }
    }
}

/// What can be said of any plan: candidates with what is against them or what limits them, and what splits a service.
pub fn explain(snapshot: &Snapshot, plan: &Plan) -> Explanation {
    let taken = loads(snapshot, &plan.targets);
    let free = snapshot.clusters.iter().map(|(cluster, view)| view.allocatable_max.saturating_sub(taken[cluster]));
    let account = Account { snapshot, plan, free: free.collect() };
    let services = snapshot.services.ids().map(|service| account.reasons(service)).collect();
    Explanation { services, shortage: None, scarce: Vec::new(), conflicts: Vec::new() }
}

/// Replicas of `service` that the plan accounts for, placed or refused.
pub fn wanted(plan: &Plan, service: ServiceId) -> u32 {
    let refused = plan.refusals.iter().filter(|refusal| refusal.service == service).map(|refusal| refusal.replicas);
    plan.targets.total(service) + refused.sum::<u32>()
}

/// A plan and what it leaves free.
struct Account<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    free: Table<ClusterId, Resources>,
}

impl Account<'_> {
    fn reasons(&self, service: ServiceId) -> Reasons {
        let candidate = |cluster| Candidate { verdict: self.verdict(service, cluster), terms: Vec::new() };
        Reasons {
            wanted: wanted(self.plan, service),
            candidates: self.snapshot.clusters.ids().map(candidate).collect(),
            alternative: None,
            whole: self.whole(service),
        }
    }

    fn verdict(&self, service: ServiceId, cluster: ClusterId) -> Verdict {
        let replicas = self.plan.targets.get(service, cluster);
        match self.nodes_room(service, cluster) {
            Err(reason) if replicas == 0 => Verdict::Filtered(reason),
            // What was there and cannot be had again stays: a pinned service in a cluster that is lost.
            Err(_) => Verdict::Open { replicas, room: Room { more: 0, limit: Limit::Nodes } },
            Ok(most) => Verdict::Open { replicas, room: self.room(service, cluster, most.saturating_sub(replicas)) },
        }
    }

    /// Replicas that the nodes of `cluster` could hold were it empty, or what keeps the service out altogether.
    fn nodes_room(&self, service: ServiceId, cluster: ClusterId) -> Result<u32, String> {
        let declared = self.snapshot.service(service);
        if !self.snapshot.clusters[cluster].reachable {
            return Err("it cannot be reached".to_owned());
        }
        if let Some(home) = self.home(service).filter(|home| *home != cluster) {
            return Err(format!("pinned to {}", self.snapshot.cluster(home).name));
        }
        let most = declared.terms.room_max(self.snapshot.cluster(cluster), declared.request);
        most.map(|most| u32::try_from(most).unwrap_or(u32::MAX)).map_err(|reason| reason.to_string())
    }

    /// Where a pinned service has to stay, because it is there.
    fn home(&self, service: ServiceId) -> Option<ClusterId> {
        let is_pinned = self.snapshot.service(service).pinned;
        let present = self.snapshot.targets.of(service).first().filter(|_| is_pinned)?;
        self.plan.targets.of(service).first().or(Some(present)).map(|target| target.cluster)
    }

    fn room(&self, service: ServiceId, cluster: ClusterId, by_nodes: u32) -> Room {
        let (request, free) = (self.snapshot.service(service).request.amounts(), self.free[cluster].amounts());
        let fits = |k: &usize| free[*k].checked_div(request[*k]);
        let scarcest = (0..RESOURCES.len()).filter(|k| request[*k] > 0).min_by_key(|k| fits(k));
        let by_sum = scarcest.and_then(|k| fits(&k)).map_or(u32::MAX, |most| u32::try_from(most).unwrap_or(u32::MAX));
        match scarcest.filter(|_| by_sum <= by_nodes) {
            Some(k) => {
                let mut left = [0; RESOURCES.len()];
                left[k] = free[k];
                Room { more: by_sum, limit: Limit::Resource(RESOURCES[k], Resources::from_amounts(left)) }
            }
            None => Room { more: by_nodes, limit: Limit::Nodes },
        }
    }

    /// The smallest change after which one of the clusters of a split service could hold all of it; none where each could
    /// already. What is short is looked at in sums: more of a resource means more nodes, or larger ones.
    fn whole(&self, service: ServiceId) -> Option<(ClusterId, Resources)> {
        let targets = self.plan.targets.of(service);
        if targets.len() < 2 {
            return None;
        }
        let placed: u32 = targets.iter().map(|target| target.replicas).sum();
        let request = self.snapshot.service(service).request;
        let lack = |target: &Target| {
            let elsewhere = request.repeated((placed - target.replicas).into());
            (target.cluster, elsewhere.saturating_sub(self.free[target.cluster]))
        };
        let lacking = targets.iter().map(lack).filter(|(_, lack)| *lack != Resources::ZERO);
        lacking.min_by(|a, b| self.growth(a.0, a.1).total_cmp(&self.growth(b.0, b.1)))
    }

    /// Largest share by which a resource of the cluster would have to grow.
    fn growth(&self, cluster: ClusterId, lack: Resources) -> f64 {
        let all = self.snapshot.clusters[cluster].allocatable_max.amounts();
        let shares = lack.amounts().into_iter().zip(all).map(|(lack, all)| lack as f64 / all.max(1) as f64);
        shares.fold(0.0, f64::max)
    }
}
