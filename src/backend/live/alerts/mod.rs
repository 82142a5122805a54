//! The receiver of Alertmanager's webhooks: each alert once, in the order in which they came (of one payload, those that fire go first), into a
//! bounded queue.
//!
//! Alertmanager repeats what still fires, retries what was not taken, and may have replicas that all send: an episode of an alert
//! (its fingerprint and when it began) is told once when it begins and once when it ends. It tries again after a 5xx and never
//! after a 4xx, so a full queue is answered by 503, never by 429; what of a payload was taken before is then known, and only the
//! rest is taken from the second try.
//!
//! What was told is forgotten when we end: after a restart, what still fires is told again.
//!
//! Deliberately absent: what an alert means. A resolved alert may also be one whose rule is gone.

mod episodes;
mod payload;

pub use payload::{Alert, State};

use super::digest::sha256;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use episodes::Episodes;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What a payload may weigh: some thousand alerts.
const PAYLOAD_BYTES_MAX: usize = 8 << 20;

/// What came in so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Alerts that went into the queue.
    pub taken: u64,
    /// Alerts that had been told before.
    pub repeated: u64,
    /// Alerts that could not be read.
    pub unreadable: u64,
    /// Alerts that Alertmanager left out of a payload that was too long for it.
    pub left_out: u64,
    /// Payloads that found the queue full.
    pub refused: u64,
}

/// The receiving end: a handler, and what it has seen.
#[derive(Debug, Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: mpsc::Sender<Alert>,
    /// The digest of the token: equal tokens have equal digests, and comparing digests says nothing of the token.
    token: Option<String>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: Counts,
    episodes: Episodes,
}

impl Inbox {
    /// An inbox for at most `waiting` alerts, and the end from which they are taken. With a `token`, whoever posts must bear it.
    pub fn new(waiting: usize, token: Option<&str>) -> (Self, mpsc::Receiver<Alert>) {
        let (queue, taken) = mpsc::channel(waiting);
        let token = token.map(|token| sha256(token.as_bytes()));
        (Self { inner: Arc::new(Inner { queue, token, seen: Mutex::default() }) }, taken)
    }

    /// What came in so far.
    pub fn counts(&self) -> Counts {
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).counts
    }

    /// The route at which alerts are posted, for a server of one's own.
    pub fn router(&self, path: &str) -> Router {
        let limit = DefaultBodyLimit::max(PAYLOAD_BYTES_MAX);
        Router::new().route(path, post(receive)).layer(limit).with_state(Arc::clone(&self.inner))
    }

    /// Listens at `address` for alerts that are posted to `path`, until the listener is dropped.
    ///
    /// # Errors
    /// Nobody may listen there, or somebody else does.
    pub async fn listen(&self, address: SocketAddr, path: &str) -> io::Result<Listener> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        let router = self.router(path);
        let server = tokio::spawn(async move {
            // It ends when it is aborted, and not before: axum goes on after a connection that fails.
            let _never = axum::serve(socket, router).await;
        });
        Ok(Listener { address, server })
    }
}

/// A server of alerts that runs until it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Listener {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(Shared(inner): Shared<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    if !inner.admits(&headers) {
        return (StatusCode::UNAUTHORIZED, "the bearer token is missing or wrong\n".to_owned());
    }
    match payload::read(&body) {
        Ok(payload) => inner.take(payload),
        Err(reason) => (StatusCode::BAD_REQUEST, format!("{reason}\n")),
    }
}

impl Inner {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = &self.token else { return true };
        let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = said.and_then(|said| said.strip_prefix("Bearer "));
        token.is_some_and(|token| sha256(token.trim().as_bytes()) == *wanted)
    }

    /// Takes what is new, as long as there is room.
    fn take(&self, payload: payload::Payload) -> (StatusCode, String) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        seen.counts.unreadable += payload.unreadable;
        seen.counts.left_out += payload.left_out;
        let (mut taken, mut repeated) = (0_u64, 0_u64);
        for alert in payload.alerts {
            if !seen.episodes.is_news(&alert) {
                seen.counts.repeated += 1;
                repeated += 1;
                continue;
            }
            let Ok(room) = self.queue.try_reserve() else {
                seen.counts.refused += 1;
                return (StatusCode::SERVICE_UNAVAILABLE, "the queue is full; send it again\n".to_owned());
            };
            seen.episodes.remember(&alert);
            seen.counts.taken += 1;
            taken += 1;
            room.send(alert);
        }
        let unreadable = payload.unreadable;
        (StatusCode::ACCEPTED, format!("taken {taken}, repeated {repeated}, unreadable {unreadable}\n"))
    }
}

#[cfg(test)]
mod tests;
