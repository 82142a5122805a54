//! The one writer: stores what is wanted, then takes each workload a step nearer to it, again and again.
//!
//! It wakes when something was seen or wanted, and now and then anyway. Nothing of a plan is acted on before it is stored; every
//! step is computed from what is seen, so it does not matter how often it is taken or by whom. It stops for good when somebody
//! else drives the same connection, or what is stored is barred to us; and holds while the kill switch is on or the control plane is
//! silent. A workload of which a step is refused, for whatever reason, is tried again, and the others go on.

use super::clock::Clock;
use super::connect::claim;
use super::happening::Happening;
use super::karmada::Karmada;
use super::karmada::binding::{BindingSeen, Shares};
use super::karmada::store::{LEASE, Stored, Wish};
use super::outside::{CallError, Class};
use super::reconcile::{Present, Step, half_way, is_move};
use super::shared::Shared;
use super::traced;
use crate::model::connection::Division;
use crate::model::observation::Action;
use crate::model::{ClusterId, ServiceId, Table};
use crate::units::{Span, Time};
use std::sync::Arc;
use std::time::Duration;

/// So long after a write the binding shows all of it.
const SETTLED: Span = Span(3_000_000_000);
/// From a step that was refused for a reason that will not pass by itself to the next try: it is for whoever mends the reason.
const REFUSED_EVERY: Span = Span(5_000_000_000);

/// What is wanted, from the loop to the driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Replicas by cluster, of each service that is wanted otherwise than before.
    pub shares: Vec<(ServiceId, Shares)>,
    /// What was started with it.
    pub actions: Vec<Action>,
}

/// The driver's own state.
#[derive(Debug)]
pub struct Driver {
    karmada: Karmada,
    shared: Arc<Shared>,
    clock: Clock,
    /// Who we are.
    me: String,
    stored: Stored,
    /// When the last order for a service was given, or its last write made: the time limit of a move runs from here.
    since: Table<ServiceId, Time>,
    /// When the number of its replicas was last set right.
    scaled: Table<ServiceId, Time>,
    /// When its policy was last found there, or written.
    claimed: Table<ServiceId, Time>,
    /// When its last step was refused, where none has been taken since.
    refused: Table<ServiceId, Option<Time>>,
    under_way: Vec<Action>,
    looked: Option<Time>,
    renewed: Option<Time>,
    /// Since when what is stored can neither be read nor written, for a reason that will not pass by itself.
    barred: Option<Time>,
}

impl Driver {
    /// A driver that goes on from what is stored.
    pub fn new(karmada: Karmada, shared: Arc<Shared>, (me, stored): (String, Stored)) -> Self {
        let services = shared.world().known.application.services.len();
        let clock = shared.clock;
        Self {
            karmada,
            clock,
            me,
            stored,
            since: Table::build(services, |_| Time::ZERO),
            scaled: Table::build(services, |_| Time::ZERO),
            claimed: Table::build(services, |_| Time::ZERO),
            refused: Table::build(services, |_| None),
            under_way: Vec::new(),
            looked: None,
            renewed: None,
            barred: None,
            shared,
        }
    }

    /// Drives until the run is over or nothing can go on.
    pub async fn drive(mut self) {
        while !self.shared.is_over() {
            match self.turn().await {
                Ok(()) => {}
                Err(error) if error.class == Class::Retryable => self.shared.note(&error),
                Err(error) => {
                    self.shared.tell(Happening::Broken(error));
                    return;
                }
            }
            self.shared.woken(Duration::from_millis(500)).await;
        }
        // What was decided last is stored for whoever comes next.
        if let Err(error) = self.take_orders().await {
            self.shared.note(&error);
        }
        self.leave().await;
    }

    /// One turn: look, store, step.
    async fn turn(&mut self) -> Result<(), CallError> {
        self.look().await?;
        self.take_orders().await?;
        let services: Vec<ServiceId> = self.shared.world().workloads.ids().collect();
        for service in services {
            // A step may take long when the control plane is slow: no other is taken on an older look.
            self.look().await?;
            if self.stored.paused.is_some() || !self.shared.hears(LEASE) {
                return Ok(());
            }
            let is_due = |refused: Time| self.clock.time().since(refused) >= REFUSED_EVERY;
            if self.refused[service].is_none_or(is_due) {
                let stepped = self.step(service).await;
                self.on_stepped(service, stepped).await;
            }
        }
        Ok(())
    }

    /// One workload that cannot be written does not keep the others. What is wanted of it stays so; where the reason will not pass by
    /// itself, its actions have failed when their time is over.
    async fn on_stepped(&mut self, service: ServiceId, stepped: Result<(), CallError>) {
        let Err(error) = stepped else { return self.refused[service] = None };
        self.shared.note(&error);
        if error.class != Class::Permanent {
            return;
        }
        if self.refused[service].replace(self.clock.time()).is_none() {
            tracing::warn!(%error, "a step is refused, and will be tried again");
        }
        self.fail_if_overdue(service, &error);
        if error.is_absent() {
            self.claim(service).await;
        }
    }

    /// Writes the policy of a workload again, which somebody has deleted, and is ours to write.
    async fn claim(&mut self, service: ServiceId) {
        self.claimed[service] = self.clock.time();
        if let Err(error) = claim(&self.karmada, &self.shared, service).await {
            self.shared.note(&error);
        }
    }

    /// What has been ordered since: stored first, all of it with one write.
    async fn take_orders(&mut self) -> Result<(), CallError> {
        let order = self.shared.ordered();
        if order.shares.is_empty() {
            return Ok(());
        }
        let at = self.clock.time();
        let wishes = order.shares.iter().map(|(service, shares)| self.wish(*service, shares)).collect();
        if let Err(error) = self.want(wishes).await {
            self.shared.order_again(order);
            return Err(error);
        }
        for (service, _) in &order.shares {
            self.since[*service] = at;
            self.refused[*service] = None;
            if order.actions.iter().all(|action| action.service != *service) {
                self.fail(*service, "what was before is wanted again, since a move of it has failed");
            }
        }
        Action::supersede(&mut self.under_way, &order.actions);
        Ok(())
    }

    /// What is wanted of a service by an order, and what its workload has before. A move that replaces an unfinished one goes back to
    /// where that one came from, and to what of it serves. Otherwise it comes from what was wanted, and only where nothing ever was, from
    /// what is asked for: that may be half of a division by weights.
    fn wish(&self, service: ServiceId, wanted: &Shares) -> (String, Wish) {
        let workload = self.shared.connection.services[service].workload.clone();
        let old = self.stored.wishes.get(&workload).map(|wish| {
            let unfinished = is_move(&wish.before, &wish.wanted) && !self.is_done(service, wish);
            if unfinished { half_way(wish, &self.ready(service)) } else { wish.wanted.clone() }
        });
        let had = || self.shared.world().workloads[service].binding.as_ref().map(|seen| seen.clusters.clone());
        let wish = Wish { wanted: wanted.clone(), before: old.or_else(had).unwrap_or_default() };
        (workload, wish)
    }

    /// Takes one workload a step nearer to what is wanted of it.
    async fn step(&mut self, service: ServiceId) -> Result<(), CallError> {
        let workload = self.shared.connection.services[service].workload.clone();
        let Some(binding) = self.shared.world().workloads[service].binding.clone() else { return Ok(()) };
        if binding.policy.is_empty() && self.clock.time().since(self.claimed[service]) >= REFUSED_EVERY {
            // That may have taken long: the next step is taken after another look.
            self.claim(service).await;
            return Ok(());
        }
        let Some(wish) = self.stored.wishes.get(&workload).cloned() else { return Ok(()) };
        match self.next_step(service, &binding, &wish) {
            Step::Done => {
                self.complete(service, &binding).await?;
                self.on_done(service, &workload, &wish).await
            }
            Step::Wait => self.complete(service, &binding).await,
            Step::Write(shares) => self.write(service, &binding, &shares).await,
            Step::Restore(shares) => self.on_overdue(service, &binding, &shares).await,
        }
    }

    /// Finishes what a division left half done, ours or that of one who died: the number of replicas, a suspension.
    async fn complete(&mut self, service: ServiceId, binding: &BindingSeen) -> Result<(), CallError> {
        let now = self.clock.time();
        if now.since(self.since[service].max(self.scaled[service])) < SETTLED {
            return Ok(());
        }
        if binding.suspended {
            self.karmada.resume(&binding.workload).await?;
        }
        let total: u32 = binding.clusters.values().sum();
        if binding.replicas != total && total > 0 {
            traced::changing("scale", &binding.workload, self.karmada.scale(&binding.workload, total)).await?;
            self.scaled[service] = self.clock.time();
        }
        Ok(())
    }

    fn ready(&self, service: ServiceId) -> Shares {
        self.shared.world().workloads[service].binding.as_ref().map(|seen| seen.ready.clone()).unwrap_or_default()
    }

    fn is_done(&self, service: ServiceId, wish: &Wish) -> bool {
        let binding = self.shared.world().workloads[service].binding.clone();
        binding.is_some_and(|binding| self.next_step(service, &binding, wish) == Step::Done)
    }

    fn is_overdue(&self, service: ServiceId) -> bool {
        self.clock.time().since(self.since[service]) >= self.shared.connection.moves.timeout
    }

    /// The next step towards `wish`. What lies in a cluster that is none of ours, as one that was not ready when the run began, is spared
    /// while that is there, and lost otherwise.
    fn next_step(&self, service: ServiceId, binding: &BindingSeen, wish: &Wish) -> Step {
        let world = self.shared.world();
        let named = [&binding.clusters, &wish.before, &wish.wanted].into_iter().flat_map(Shares::keys);
        let (strange, mut lost) = (world.strange(named), world.lost());
        lost.extend(strange.iter().filter(|name| !world.has_stranger(name)).cloned());
        let present = Present {
            asked: &binding.clusters,
            ready: &binding.ready,
            lost: &lost,
            strange: &strange,
            pinned: world.known.application.services[service].pinned,
            is_whole: self.karmada.division() == Division::Own,
            overdue: self.is_overdue(service),
        };
        present.step(wish)
    }

    async fn write(&mut self, service: ServiceId, binding: &BindingSeen, shares: &Shares) -> Result<(), CallError> {
        let is_there = |name: &str| self.shared.joined(name) || self.shared.world().has_stranger(name);
        if let Some(stranger) = shares.keys().find(|name| !is_there(name)) {
            // Karmada would take the replicas away everywhere.
            let reason = format!("not written: no cluster `{stranger}` has joined");
            return Err(CallError::new("karmada", format!("divide {}", binding.workload), Class::Retryable, reason));
        }
        match traced::changing("divide", &binding.workload, self.karmada.divide(binding, shares)).await {
            Ok(()) => {
                self.since[service] = self.clock.time();
                self.shared.on_written(&binding.workload, shares);
                Ok(())
            }
            // Somebody wrote in between: read it, and decide again at the next turn.
            Err(error) if error.class == Class::Conflict => {
                if let Some(fresh) = self.karmada.binding(&binding.workload).await? {
                    self.shared.world().on_binding(fresh, self.clock.time());
                }
                self.shared.wake();
                Ok(())
            }
            // Karmada may take a division by weights for one that cannot be, as long as it is asked.
            Err(error) => {
                self.fail_if_overdue(service, &error);
                Err(error)
            }
        }
    }

    /// It is as wanted: its actions are finished, and there is nothing to go back to any more.
    async fn on_done(&mut self, service: ServiceId, workload: &str, wish: &Wish) -> Result<(), CallError> {
        let lost: Vec<ClusterId> = {
            let world = self.shared.world();
            world.sites.iter().filter(|(_, site)| site.reach.is_lost()).map(|(id, _)| id).collect()
        };
        for action in self.actions_of(service) {
            // Nobody knows whether more of it runs in a cluster that is lost.
            let is_known = action.to < action.from || !lost.contains(&action.cluster);
            let failed = || Happening::Failed(action, "its cluster is lost".to_owned());
            self.shared.tell(if is_known { Happening::Finished(action) } else { failed() });
        }
        if wish.before.is_empty() {
            return Ok(());
        }
        let wish = Wish { before: Shares::new(), ..wish.clone() };
        self.want(vec![(workload.to_owned(), wish)]).await
    }

    /// New replicas were not ready in time: what was before is wanted again, and the actions have failed; once that is stored.
    async fn on_overdue(&mut self, service: ServiceId, binding: &BindingSeen, back: &Shares) -> Result<(), CallError> {
        let wish = Wish { wanted: back.clone(), before: Shares::new() };
        self.want(vec![(binding.workload.clone(), wish)]).await?;
        let timeout = self.shared.connection.moves.timeout;
        let trouble = binding.trouble.as_ref().map_or_else(String::new, |trouble| format!(" ({trouble})"));
        let reason = format!("its replicas were not ready within {timeout}{trouble}; what was before is restored");
        self.fail(service, &reason);
        self.shared.on_restored(service, self.by_id(back));
        self.write(service, binding, back).await
    }

    fn fail_if_overdue(&mut self, service: ServiceId, error: &CallError) {
        if self.is_overdue(service) {
            self.fail(service, &format!("{error}; it stays wanted, and is tried again"));
        }
    }

    fn fail(&mut self, service: ServiceId, reason: &str) {
        for action in self.actions_of(service) {
            self.shared.tell(Happening::Failed(action, reason.to_owned()));
        }
    }

    /// Takes out the actions of a service.
    fn actions_of(&mut self, service: ServiceId) -> Vec<Action> {
        self.under_way.extract_if(.., |action| action.service == service).collect()
    }

    fn by_id(&self, shares: &Shares) -> Vec<(ClusterId, u32)> {
        let world = self.shared.world();
        shares.iter().filter_map(|(name, replicas)| Some((world.cluster_id(name)?, *replicas))).collect()
    }
}

mod store;
#[cfg(test)]
mod tests;

pub use store::double_control;
