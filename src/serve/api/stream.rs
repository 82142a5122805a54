//! Events as they happen: server-sent events.
//!
//! The store is what is followed, for what happens on other servers is only there; an event of our own is a knock on the door, upon
//! which the store is read at once. So no event is missed or told twice, whatever the channel does. A stream ends when its client
//! goes, or when the server does; and before the first event that its token, which was revoked or is over by then, does not open.

use super::App;
use crate::serve::auth::AuthError;
use crate::serve::store::asked::EventFilter;
use crate::serve::store::rows::Event;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt as _};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// From one look at the store to the next, where nobody knocks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// No look follows another sooner, however often somebody knocks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long a store that does not answer is left alone.
const PATIENCE: Duration = Duration::from_secs(2);
/// From one heartbeat to the next, where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that are read at once.
const BATCH: u32 = 500;

/// Follows events that pass the filter, after the number that it names, for whoever the headers are from.
pub fn follow(app: &App, filter: EventFilter, headers: &HeaderMap) -> Response {
    let mut closing = app.closing();
    let ended = async move {
        // An error: the server is gone already.
        let _ = closing.wait_for(|closing| *closing).await;
    };
    let counted = app.metrics.stream();
    let messages = followed(app, filter, headers).map(move |event| {
        let _as_long_as_the_stream = &counted;
        Ok::<Message, Infallible>(message(&event))
    });
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Sse::new(messages.take_until(Box::pin(ended))).keep_alive(heartbeat).into_response()
}

/// What is followed, and how far.
struct Following {
    app: App,
    filter: EventFilter,
    /// Who follows: only what says so.
    who: HeaderMap,
    knocks: Option<Receiver<Event>>,
    looked_at: Option<Instant>,
}

fn followed(app: &App, filter: EventFilter, headers: &HeaderMap) -> impl Stream<Item = Event> + Send + use<> {
    let filter = EventFilter { limit: BATCH, ..filter };
    let who = headers.get_all(AUTHORIZATION).iter().map(|value| (AUTHORIZATION, value.clone())).collect();
    let following = Following { app: app.clone(), filter, who, knocks: Some(app.acts.events()), looked_at: None };
    let batches = stream::unfold(following, |mut following| async move {
        let batch = following.next().await?;
        Some((batch, following))
    });
    batches.flat_map(stream::iter)
}

impl Following {
    /// The next events, once there are some; `None` where they are not for whoever follows any more.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            self.wait().await;
            self.looked_at = Some(Instant::now());
            match self.app.store.events(&self.filter).await {
                Ok(events) if events.is_empty() => {}
                Ok(_) if !is_known(&self.app, &self.who).await => return None,
                Ok(events) => {
                    if events.len() >= BATCH as usize {
                        // There may be more: no reason to wait.
                        self.looked_at = None;
                    }
                    self.filter.after = events.last().map_or(self.filter.after, |event| event.seq);
                    return Some(events);
                }
                Err(error) => {
                    tracing::warn!(%error, "a stream of events waits for the store");
                    sleep(PATIENCE).await;
                }
            }
        }
    }

    /// Until somebody knocks, or for a while.
    async fn wait(&mut self) {
        let Some(looked_at) = self.looked_at else { return };
        let next = looked_at + LOOK_EVERY;
        let Some(knocks) = &mut self.knocks else { return sleep_until(next).await };
        match timeout_at(next, knocks.recv()).await {
            Ok(Err(RecvError::Closed)) => self.knocks = None,
            Ok(_) => sleep_until(looked_at + LOOK_AGAIN).await,
            Err(_) => {}
        }
    }
}

/// Whether whoever follows is still somebody. Where nobody can say so now, what was begun goes on.
async fn is_known(app: &App, who: &HeaderMap) -> bool {
    matches!(app.auth.check(who).await, Ok(_) | Err(AuthError::Unavailable(_)))
}

fn message(event: &Event) -> Message {
    let kind = event.kind.replace(['\r', '\n'], " ");
    let message = Message::default().id(event.seq.to_string()).event(kind);
    // Line feeds would split the data, and the JSON of an event has none.
    message.data(serde_json::to_string(event).unwrap_or_default())
}
