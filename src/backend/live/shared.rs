//! What the loop and the tasks share: what was seen, what was ordered, and the way back.

use super::clock::Clock;
use super::driver::Order;
use super::happening::Happening;
use super::karmada::binding::Shares;
use super::outside::CallError;
use super::world::World;
use crate::model::connection::Connection;
use crate::model::observation::Action;
use crate::model::{ClusterId, ServiceId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Different troubles that are counted apart: some have a number in their words, and a run may last for months.
const TROUBLES_MAX: usize = 200;
/// Where all others are counted.
const OTHER_TROUBLES: &str = "other trouble";

/// What is wanted of a service again, by cluster.
pub type Restored = (ServiceId, Vec<(ClusterId, u32)>);

/// Shared by the loop and all tasks. No lock is held while anybody waits.
#[derive(Debug)]
pub struct Shared {
    /// How things are called outside.
    pub connection: Arc<Connection>,
    /// The run's time.
    pub clock: Clock,
    world: Mutex<World>,
    orders: Mutex<Order>,
    restored: Mutex<Vec<Restored>>,
    troubles: Mutex<BTreeMap<String, u64>>,
    happenings: Mutex<Sender<Happening>>,
    over: AtomicBool,
    changed: Notify,
}

impl Shared {
    /// Nothing seen, nothing ordered; what happens goes to `happenings`.
    pub fn new(world: World, clock: Clock, happenings: Sender<Happening>) -> Self {
        Self {
            connection: world.connection.clone(),
            clock,
            world: Mutex::new(world),
            orders: Mutex::default(),
            restored: Mutex::default(),
            troubles: Mutex::default(),
            happenings: Mutex::new(happenings),
            over: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// What was seen.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Tells the loop; nobody listens after the end.
    pub fn tell(&self, happening: Happening) {
        let _ = lock(&self.happenings).send(happening);
    }

    /// Trouble that passes by itself, counted by what it was.
    pub fn note(&self, error: &CallError) {
        let mut troubles = lock(&self.troubles);
        let said = error.to_string();
        let is_counted = troubles.len() < TROUBLES_MAX || troubles.contains_key(&said);
        *troubles.entry(if is_counted { said } else { OTHER_TROUBLES.to_owned() }).or_default() += 1;
    }

    /// All trouble so far, and how often each was.
    pub fn troubles(&self) -> BTreeMap<String, u64> {
        lock(&self.troubles).clone()
    }

    /// Orders this, besides what was ordered before and not taken yet.
    pub fn order(&self, order: Order) {
        let mut orders = lock(&self.orders);
        orders.shares.retain(|(service, _)| order.shares.iter().all(|(new, _)| new != service));
        orders.shares.extend(order.shares);
        Action::supersede(&mut orders.actions, &order.actions);
        drop(orders);
        self.wake();
    }

    /// Gives back an order that could not be stored; what was ordered since goes before.
    pub fn order_again(&self, old: Order) {
        let mut orders = lock(&self.orders);
        let newer = std::mem::replace(&mut *orders, old);
        orders.shares.retain(|(service, _)| newer.shares.iter().all(|(new, _)| new != service));
        orders.shares.extend(newer.shares);
        Action::supersede(&mut orders.actions, &newer.actions);
    }

    /// Takes what was ordered.
    pub fn ordered(&self) -> Order {
        std::mem::take(&mut *lock(&self.orders))
    }

    /// A move failed: this is wanted of the service again.
    pub fn on_restored(&self, service: ServiceId, shares: Vec<(ClusterId, u32)>) {
        lock(&self.restored).push((service, shares));
    }

    /// Takes what is wanted again after failures.
    pub fn restored(&self) -> Vec<Restored> {
        std::mem::take(&mut *lock(&self.restored))
    }

    /// A write was accepted: it is what is asked for from now on, before the watch says so, or the next turn would write it again.
    pub fn on_written(&self, workload: &str, shares: &Shares) {
        let mut world = self.world();
        let Some(service) = world.service_id(workload) else { return };
        let at = self.clock.time();
        // Karmada's sums may follow before the binding's status does: from the write on they are not to be trusted.
        world.on_asked(service, shares, at);
        if let Some(binding) = &mut world.workloads[service].binding {
            binding.clusters =
                shares.iter().filter(|(_, replicas)| **replicas > 0).map(|(name, n)| (name.clone(), *n)).collect();
            binding.replicas = shares.values().sum();
        }
    }

    /// Whether a cluster of that name has joined.
    pub fn joined(&self, name: &str) -> bool {
        let world = self.world();
        world.cluster_id(name).is_some_and(|id| world.sites[id].cluster.is_some())
    }

    /// Whether the control plane was heard of within `limit`.
    pub fn hears(&self, limit: Duration) -> bool {
        let control = self.world().control;
        control.value.is_some() && control.age(self.clock.time()) <= super::clock::span(limit)
    }

    /// The run is over.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether it is.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Something was seen or ordered.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until something was seen or ordered, or for `limit`.
    pub async fn woken(&self, limit: Duration) {
        // Neither way is an error.
        let _ = tokio::time::timeout(limit, self.changed.notified()).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

#[cfg(test)]
mod tests {
    use super::{OTHER_TROUBLES, Shared, TROUBLES_MAX};
    use crate::backend::live::clock::Clock;
    use crate::backend::live::outside::{CallError, Class};
    use crate::backend::live::stand_in::{connection, known};
    use crate::backend::live::world::World;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    /// A breaker that is open says how often the system failed: another sentence after each trial, as long as an outage lasts.
    #[test]
    fn trouble_that_never_says_the_same_twice_is_counted_in_bounded_memory() {
        let (tell, _inbox) = channel();
        let shared = Shared::new(World::new(known().into(), Arc::new(connection())), Clock::start(), tell);
        let trouble = |times: usize| {
            CallError::new("prometheus", "query", Class::Retryable, format!("it failed {times} times in a row"))
        };
        (0..10_000).for_each(|times| shared.note(&trouble(times)));
        shared.note(&trouble(0));
        let told = shared.troubles();
        assert_eq!(told.len(), TROUBLES_MAX + 1);
        assert_eq!((told[&trouble(0).to_string()], told[OTHER_TROUBLES]), (2, 10_000 - TROUBLES_MAX as u64));
    }
}
