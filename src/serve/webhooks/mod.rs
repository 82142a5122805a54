//! Webhooks: what happens is told to whoever asked to be told, in order, at least once.
//!
//! The log of the store is the queue: a webhook remembers the number of the event that it was sent last, and a task of its own
//! goes on from there, so that one that is dead delays no other and a restart forgets nothing. What is not accepted is tried again
//! after delays that grow from seconds to minutes, with jitter. An event that the receiver refuses as such (4xx) again and again is
//! left out after a while, which is said; silence is waited out.
//!
//! Of several servers on one store the one that holds the lease `webhooks` sends, and begins no try that could outlast the lease: two
//! never send the same at the same time. An event may come twice (the receiver answered, and we fell before we noted it): its number
//! `seq` is the same then, in the body and in the header `X-Smo-Event-Id`. Receivers are asked within
//! [`Reach`]: an address of this host or of a private network has to be listed. Redirects are not followed, answers not read,
//! secrets and addresses not shown.

mod hook;
mod sign;
#[cfg(test)]
mod tests;

pub use sign::signature;

use crate::backend::live::clock;
use crate::backend::live::reach::Reach;
use crate::serve::store::rows::{Event, Webhook};
use crate::serve::store::{Store, StoreError};
use hook::Hook;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

/// Who may send.
const LEASE: &str = "webhooks";

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The log and the webhooks are looked at so often, also where nobody wakes us.
    pub look: Duration,
    /// The lease holds so long.
    pub lease: Duration,
    /// An answer.
    pub answer: Duration,
    /// The first delay after a failure; it doubles.
    pub delay_min: Duration,
    /// The longest.
    pub delay_max: Duration,
    /// Refusals (4xx) after which an event is left out.
    pub refusals_max: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            lease: Duration::from_secs(20),
            answer: Duration::from_secs(10),
            delay_min: Duration::from_secs(1),
            delay_max: Duration::from_mins(5),
            refusals_max: 12,
        }
    }
}

/// Who sends.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Where the log lies.
    pub store: Store,
    /// This server's name, for the lease.
    pub me: String,
    /// Who may be spoken to.
    pub reach: Reach,
    /// How long is waited for what.
    pub pace: Pace,
}

/// Webhooks, and the tasks that follow the log for them.
type Tasks = BTreeMap<String, Task>;

struct Task {
    follows: JoinHandle<()>,
    end: watch::Sender<bool>,
}

impl Sender {
    /// Sends what happens until `shutdown`; `wake` says that something has. What is being sent then is sent to its end.
    pub async fn deliver(self, mut wake: broadcast::Receiver<Event>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let (nudge, nudged) = watch::channel(clock::now());
        let mut tasks = Tasks::new();
        let mut look = tokio::time::interval(self.pace.look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut awake = true;
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                woken = wake.recv(), if awake => awake = !matches!(woken, Err(RecvError::Closed)),
                _ = look.tick() => {
                    // From before it was asked for: the lease holds longer than we think.
                    let held = clock::now() + self.pace.lease.saturating_sub(self.pace.answer);
                    if self.look(&mut tasks, &nudged).await {
                        nudge.send_replace(held);
                    }
                }
            }
            nudge.send_modify(|_| ());
        }
        self.end(tasks).await;
        if let Err(error) = self.store.release(LEASE, &self.me).await {
            tracing::debug!(%error, "the lease of webhooks runs out by itself");
        }
    }

    /// Starts tasks for webhooks that are new and ends those of webhooks that are gone; all of them where another server sends. Whether
    /// this one does.
    async fn look(&self, tasks: &mut Tasks, nudged: &watch::Receiver<Instant>) -> bool {
        let known = self.known().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "webhooks wait: the store does not answer");
            None
        });
        let Some(known) = known else {
            self.end(std::mem::take(tasks)).await;
            return false;
        };
        tasks.retain(|id, task| {
            let is_gone = !known.iter().any(|webhook| webhook.id == *id);
            if is_gone {
                task.follows.abort();
            }
            !is_gone && !task.follows.is_finished()
        });
        for webhook in known {
            tasks.entry(webhook.id.clone()).or_insert_with(|| {
                let (end, ending) = watch::channel(false);
                let hook = Hook::new(self, webhook, ending, nudged.clone());
                Task { follows: tokio::spawn(hook.follow()), end }
            });
        }
        true
    }

    /// The webhooks, if it is this server that sends them.
    async fn known(&self) -> Result<Option<Vec<Webhook>>, StoreError> {
        let sends = self.store.acquire(LEASE, &self.me, self.pace.lease).await?;
        if sends { self.store.webhooks().await.map(Some) } else { Ok(None) }
    }

    /// Ends tasks, each after what it is sending: all answers together are waited for as long as one.
    async fn end(&self, tasks: Tasks) {
        for task in tasks.values() {
            task.end.send_replace(true);
        }
        let within = tokio::time::Instant::now() + self.pace.answer;
        for mut task in tasks.into_values() {
            if tokio::time::timeout_at(within, &mut task.follows).await.is_err() {
                task.follows.abort();
            }
        }
    }
}
