//! One webhook and its way through the log.

use super::{Pace, Sender, signature};
use crate::backend::live::clock;
use crate::backend::live::reach::{Reach, said};
use crate::serve::at::At;
use crate::serve::store::asked::EventFilter;
use crate::serve::store::rows::{Event, Webhook};
use crate::serve::store::{Store, StoreError};
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use reqwest::{Client, Response, StatusCode, Url, header};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Events that are read at once.
const BATCH: u32 = 100;
/// What a receiver may ask us to wait, at most.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// A webhook that is sent to.
pub struct Hook {
    store: Store,
    reach: Reach,
    pace: Pace,
    webhook: Webhook,
    client: Client,
    /// Turns true when this is to end: after what is being sent, and noted.
    ending: watch::Receiver<bool>,
    /// Until when a try may begin, so that its end is within the lease; told anew whenever something may have happened.
    held: watch::Receiver<Instant>,
}

/// Why an event did not arrive.
struct Trouble {
    said: String,
    /// Whether the receiver does not want this very event.
    is_refusal: bool,
    /// When it wants to be asked again.
    after: Option<Duration>,
}

impl Hook {
    /// Each has a client of its own, so that connections of one that hangs are not those of another.
    pub fn new(
        sender: &Sender,
        webhook: Webhook,
        ending: watch::Receiver<bool>,
        held: watch::Receiver<Instant>,
    ) -> Self {
        let Sender { store, reach, pace, .. } = sender.clone();
        let client = reach.client().timeout(pace.answer).user_agent(concat!("smo/", env!("CARGO_PKG_VERSION")));
        let client = client.build().expect("its settings do not depend on anything");
        Self { store, reach, pace, webhook, client, ending, held }
    }

    /// Follows the log until this is to end.
    pub async fn follow(mut self) {
        while !self.is_ending() {
            self.held.mark_unchanged();
            match self.batch().await {
                Ok(0) if !self.is_ending() => {
                    // Somebody wakes us, or the time.
                    tokio::select! {
                        _ = self.ending.changed() => {}
                        _ = tokio::time::timeout(self.pace.look, self.held.changed()) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(webhook = %self.webhook.id, %error, "a webhook waits: the store does not answer");
                    self.pause(self.pace.look).await;
                }
            }
        }
    }

    /// Whether this is to end; also where nobody is left to say so.
    fn is_ending(&self) -> bool {
        *self.ending.borrow() || self.ending.has_changed().is_err()
    }

    /// Whether a try that begins now ends while the lease is still ours, so that no other server makes the same at the same time.
    fn is_held(&self) -> bool {
        clock::now() < *self.held.borrow()
    }

    async fn pause(&mut self, delay: Duration) {
        tokio::select! {
            _ = self.ending.changed() => {}
            () = tokio::time::sleep(delay) => {}
        }
    }

    /// Sends the next events; how many there were, also of those that are not wanted; none where it may not go on.
    pub(super) async fn batch(&mut self) -> Result<usize, StoreError> {
        let project = self.webhook.project.clone();
        let filter = EventFilter { after: self.webhook.sent, project, limit: BATCH, ..EventFilter::default() };
        let events = self.store.events(&filter).await?;
        for event in &events {
            if self.wants(event) && !self.send(event).await? {
                return Ok(0);
            }
            self.webhook.sent = event.seq;
        }
        if let Some(last) = events.last().filter(|last| !self.wants(last)) {
            self.store.set_webhook_sent(&self.webhook.id, last.seq, self.webhook.trouble.as_deref()).await?;
        }
        Ok(events.len())
    }

    fn wants(&self, event: &Event) -> bool {
        let is_kind = |kind: &String| {
            event.kind.strip_prefix(kind.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.webhook.kinds.is_empty() || self.webhook.kinds.iter().any(is_kind)
    }

    /// Sends one event, as often as it takes, or until this is to end or may not go on; whether it is done with.
    async fn send(&mut self, event: &Event) -> Result<bool, StoreError> {
        let (mut delays, mut refusals) = (self.delays(), 0);
        for attempt in 1_u32.. {
            if self.is_ending() || !self.is_held() {
                break;
            }
            let Err(trouble) = self.try_once(event, attempt).await else {
                self.webhook.trouble = None;
                self.store.set_webhook_sent(&self.webhook.id, event.seq, None).await?;
                return Ok(true);
            };
            refusals += u32::from(trouble.is_refusal);
            let is_left_out = refusals >= self.pace.refusals_max;
            let said = if is_left_out {
                format!("event {} was refused {refusals} times and is left out: {}", event.seq, trouble.said)
            } else {
                format!("event {}: {}", event.seq, trouble.said)
            };
            tracing::info!(webhook = %self.webhook.id, trouble = %said, "a webhook is not delivered");
            let sent = if is_left_out { event.seq } else { self.webhook.sent };
            self.store.set_webhook_sent(&self.webhook.id, sent, Some(&said)).await?;
            self.webhook.trouble = Some(said);
            if is_left_out {
                return Ok(true);
            }
            let delay = delays.next().unwrap_or(self.pace.delay_max);
            self.pause(trouble.after.map_or(delay, |after| after.min(RETRY_AFTER_MAX).max(delay))).await;
        }
        Ok(false)
    }

    fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.pace.delay_min)
            .with_max_delay(self.pace.delay_max)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build()
    }

    async fn try_once(&self, event: &Event, attempt: u32) -> Result<(), Trouble> {
        let away = |said: String| Trouble { said, is_refusal: false, after: None };
        let url: Url = self.webhook.url.parse().map_err(|error| away(format!("its address is none: {error}")))?;
        self.reach.admit(&url).await.map_err(|refused| away(refused.0))?;
        let body = serde_json::to_vec(event).expect("an event is plain data");
        // Seconds, as receivers expect them; a second try has a time of its own.
        let timestamp = (At::now().0 / 1_000).to_string();
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-smo-event", &event.kind)
            .header("x-smo-event-id", event.seq)
            .header("x-smo-attempt", attempt)
            .header("x-smo-delivery", format!("{}-{}", self.webhook.id, event.seq))
            .header("x-smo-signature", signature(&self.webhook.secret, &timestamp, &body))
            .header("x-smo-timestamp", timestamp);
        let response = request.body(body).send().await.map_err(|error| away(said(error)))?;
        judged(&response)
    }
}

/// Every 2xx will do.
fn judged(response: &Response) -> Result<(), Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said = match status {
        status if status.is_redirection() => {
            format!("it answers with the redirect {}, which is not followed", status.as_u16())
        }
        status => format!("it answers with the status {}", status.as_u16()),
    };
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Err(Trouble { said, is_refusal: status.is_client_error() && !passes, after })
}
