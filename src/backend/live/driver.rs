//! The one writer: stores what is wanted, then takes each workload a step nearer to it, again and again.
//!
//! It wakes when something was seen or wanted, and now and then anyway. Nothing of a plan is acted on before it is stored; every
//! step is computed from what is seen, so it does not matter how often it is taken or by whom. It stops for good when somebody
//! else drives the same connection, or what is stored is barred to us; and holds while the kill switch is on or the control plane is
//! silent. A workload of which a step is refused, for whatever reason, is tried again, and the others go on.

use super::clock::{self, Clock};
use super::connect::claim;
use super::happening::Happening;
use super::karmada::Karmada;
use super::karmada::binding::{BindingSeen, Shares};
use super::karmada::store::{LEASE, Stored, Wish};
use super::outside::{CallError, Class};
use super::reconcile::{Present, Step, half_way, is_move};
use super::shared::Shared;
use super::traced;
use crate::model::observation::{Action, Event, EventKind};
use crate::model::{ClusterId, ServiceId, Table};
use crate::units::{Span, Time};
use std::sync::Arc;
use std::time::Duration;

/// From one look at the kill switch to the next: no write is made on an older one.
const LOOK_EVERY: Span = Span::seconds(1);
/// So long after a write the binding shows all of it.
const SETTLED: Span = Span(3_000_000_000);
/// From a step that was refused for a reason that will not pass by itself to the next try: it is for whoever mends the reason.
const REFUSED_EVERY: Span = Span(5_000_000_000);
/// A lease is renewed when a third of it is gone.
const RENEW_EVERY: Span = Span::seconds(LEASE.as_secs() / 3);

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
        if self.is_overdue(service) {
            self.fail(service, &format!("{error}; it stays wanted, and is tried again"));
        }
        // Its policy may have been deleted, which is ours to write.
        if error.is_absent()
            && let Err(error) = claim(&self.karmada, &self.shared, service).await
        {
            self.shared.note(&error);
        }
    }

    /// Reads the kill switch and who drives, and says that we still do.
    async fn look(&mut self) -> Result<(), CallError> {
        let now = self.clock.time();
        if self.looked.is_some_and(|looked| now.since(looked) < LOOK_EVERY) {
            return Ok(());
        }
        let found = self.karmada.stored(&self.shared.connection.name).await;
        let found = found.map_err(|error| self.on_barred(error))?;
        if let Some(other) = found.other_driver(&self.me, clock::since_epoch()) {
            return Err(double_control(&self.shared.connection.name, other));
        }
        // Once it was us, anybody else has taken over meanwhile, even if they have left again: our wishes are not theirs.
        let name = found.driver.as_ref().map_or("", |(name, _)| name);
        if self.renewed.is_some() && name != self.me {
            let other = if name.is_empty() { "somebody else" } else { name };
            return Err(double_control(&self.shared.connection.name, other));
        }
        self.looked = Some(now);
        self.note_pause(found.paused.as_deref());
        self.stored.version.clone_from(&found.version);
        self.stored.paused = found.paused;
        if self.renewed.is_none_or(|renewed| now.since(renewed) >= RENEW_EVERY) {
            self.store().await?;
        }
        Ok(())
    }

    fn note_pause(&self, now: Option<&str>) {
        let kind = match (self.stored.paused.is_some(), now.is_some()) {
            (false, true) => EventKind::ControlPaused,
            (true, false) => EventKind::ControlResumed,
            _ => return,
        };
        let subject = now.or(self.stored.paused.as_deref()).unwrap_or_default().to_owned();
        self.shared.tell(Happening::Event(Event { at: self.clock.time(), kind, subject }));
    }

    async fn store(&mut self) -> Result<(), CallError> {
        let now = self.clock.time();
        self.stored.driver = Some((self.me.clone(), clock::since_epoch()));
        match self.karmada.store(&self.shared.connection.name, &self.stored).await {
            Ok(version) => {
                self.stored.version = version;
                self.renewed = Some(now);
                self.barred = None;
                Ok(())
            }
            // The kill switch, or another driver: the next look tells.
            Err(error) if error.class == Class::Conflict => {
                self.looked = None;
                Err(CallError { class: Class::Retryable, ..error })
            }
            Err(error) => Err(self.on_barred(error)),
        }
    }

    /// What is stored cannot be had, or not be written. A control plane that comes back may know nobody's rights for a moment, so that
    /// counts as what passes for as long as a lease lasts without a break; after that anybody may drive, and we cannot.
    fn on_barred(&mut self, error: CallError) -> CallError {
        if error.class == Class::Retryable {
            self.barred = None;
            return error;
        }
        let now = self.clock.time();
        let passes = now.since(*self.barred.get_or_insert(now)) < Span::seconds(LEASE.as_secs());
        if passes { CallError { class: Class::Retryable, ..error } } else { error }
    }

    /// Wants this from now on. What cannot be stored is not wanted: nothing of it may be acted on.
    async fn want(&mut self, wishes: Vec<(String, Wish)>) -> Result<(), CallError> {
        let before = self.stored.wishes.clone();
        self.stored.wishes.extend(wishes);
        let stored = self.store().await;
        if stored.is_err() {
            self.stored.wishes = before;
        }
        stored
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
        }
        let replaced =
            |old: &Action| order.actions.iter().any(|new| (new.service, new.cluster) == (old.service, old.cluster));
        self.under_way.retain(|old| !replaced(old));
        self.under_way.extend(order.actions);
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
        let Some(wish) = self.stored.wishes.get(&workload).cloned() else { return Ok(()) };
        let Some(binding) = self.shared.world().workloads[service].binding.clone() else { return Ok(()) };
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
        if self.clock.time().since(self.since[service]) < SETTLED {
            return Ok(());
        }
        if binding.suspended {
            self.karmada.resume(&binding.workload).await?;
        }
        let total: u32 = binding.clusters.values().sum();
        if binding.replicas != total && total > 0 {
            traced::changing("scale", &binding.workload, self.karmada.scale(&binding.workload, total)).await?;
            self.since[service] = self.clock.time();
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
            Err(error) => Err(error),
        }
    }

    /// It is as wanted: its actions are finished, and there is nothing to go back to any more.
    async fn on_done(&mut self, service: ServiceId, workload: &str, wish: &Wish) -> Result<(), CallError> {
        for action in self.actions_of(service) {
            self.shared.tell(Happening::Finished(action));
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

    /// Says that nobody drives any more. What is wanted stays stored.
    async fn leave(&mut self) {
        self.stored.driver = Some((String::new(), Duration::ZERO));
        if let Err(error) = self.karmada.store(&self.shared.connection.name, &self.stored).await {
            self.shared.note(&error);
        }
    }
}

/// Two of us on one connection.
pub fn double_control(connection: &str, other: &str) -> CallError {
    let reason = format!("`{other}` drives it already; stop that one, or wait {} s if it is gone", LEASE.as_secs());
    CallError::new("karmada", format!("drive {connection}"), Class::Permanent, reason)
}

#[cfg(test)]
mod tests;
