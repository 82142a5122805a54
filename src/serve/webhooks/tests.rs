//! What receivers get, and what becomes of those that do not answer well; receivers are servers on loopback.

use super::hook::Hook;
use super::{Pace, Sender, signature};
use crate::backend::live::clock;
use crate::backend::live::reach::{Hosts, Reach};
use crate::serve::store::Store;
use crate::serve::store::asked::{NewEvent, NewWebhook};
use crate::serve::store::rows::{Event, Webhook};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

const PACE: Pace = Pace {
    look: Duration::from_millis(20),
    lease: Duration::from_secs(20),
    answer: Duration::from_secs(2),
    delay_min: Duration::from_millis(5),
    delay_max: Duration::from_millis(20),
    refusals_max: 3,
};

/// A receiver: what it got, in order; it answers what it is told, then 200.
struct Receiver {
    url: String,
    got: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

type Ear = (mpsc::UnboundedSender<(HeaderMap, Bytes)>, Arc<Mutex<VecDeque<u16>>>);

async fn hear(
    State((ear, answers)): State<Ear>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let _gone = ear.send((headers, body));
    let status = answers.lock().unwrap().pop_front().unwrap_or(200);
    (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")])
}

impl Receiver {
    async fn answering(answers: &[u16]) -> Self {
        let (ear, got) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect()));
        let router = Router::new().fallback(hear).with_state((ear, Arc::clone(&answers)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got, answers }
    }

    async fn next(&mut self) -> (HeaderMap, Event) {
        let got = tokio::time::timeout(Duration::from_secs(10), self.got.recv()).await;
        let (headers, body) = got.expect("it comes soon").unwrap();
        assert_eq!(headers["x-smo-signature"], signature("key", headers["x-smo-timestamp"].to_str().unwrap(), &body));
        (headers, serde_json::from_slice(&body).unwrap())
    }

    async fn next_messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.next().await.1.message);
        }
        messages
    }
}

/// A server that sends, until this is dropped.
struct Sending {
    wake: broadcast::Sender<Event>,
    end: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

fn sender(store: &Store, me: &str, allowed: &[&str]) -> Sender {
    let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
    let reach = Reach::new(Hosts::of("webhooks.allow_hosts", &allowed).unwrap());
    Sender { store: store.clone(), me: me.to_owned(), reach, pace: PACE }
}

impl Sending {
    fn of(store: &Store, me: &str, allowed: &[&str]) -> Self {
        let (wake, woken) = broadcast::channel(16);
        let (end, ended) = oneshot::channel::<()>();
        let sender = sender(store, me, allowed);
        let task = tokio::spawn(sender.deliver(woken, async move { ended.await.unwrap_or(()) }));
        Self { wake, end: Some(end), task: Some(task) }
    }

    async fn end(mut self) {
        self.end.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
    }
}

async fn store() -> Store {
    Store::open("sqlite://:memory:").await.unwrap()
}

async fn hook(store: &Store, url: &str, kinds: &[&str], project: Option<&str>) -> Webhook {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let (url, project, secret) = (url.to_owned(), project.map(str::to_owned), Some("key".to_owned()));
    store.add_webhook(&NewWebhook { url, kinds, project, secret }).await.unwrap()
}

async fn happens(store: &Store, kind: &str, project: &str, message: &str) -> Event {
    let (project, data) = (Some(project.to_owned()), serde_json::json!({"figure": 1}));
    let event = NewEvent { kind: kind.to_owned(), project, message: message.to_owned(), data, ..NewEvent::default() };
    store.append_event(&event).await.unwrap()
}

/// The webhook, once it is as wanted.
async fn until(store: &Store, id: &str, wanted: impl Fn(&Webhook) -> bool) -> Webhook {
    let look = async {
        loop {
            let all = store.webhooks().await.unwrap();
            match all.into_iter().find(|one| one.id == id && wanted(one)) {
                Some(found) => break found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), look).await.expect("it is so soon")
}

#[tokio::test]
async fn events_come_in_order_signed_and_only_those_that_are_wanted() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    happens(&store, "graph.deployed", "shop", "before it was asked for").await;
    let webhook = hook(&store, &receiver.url, &["graph", "service.scaled"], Some("shop")).await;
    let sending = Sending::of(&store, "a", &["127.0.0.1"]);
    for (kind, project, message) in [
        ("graph.deployed", "shop", "one"),
        ("graph.deployed", "other", "another project"),
        ("graphs.deployed", "shop", "another kind"),
        ("service.failed", "shop", "another kind"),
        ("service.scaled", "shop", "two"),
        ("graph", "shop", "three"),
    ] {
        let event = happens(&store, kind, project, message).await;
        let _nobody = sending.wake.send(event);
    }
    let (headers, event) = receiver.next().await;
    assert_eq!((event.message.as_str(), event.data["figure"].as_i64()), ("one", Some(1)));
    assert_eq!(
        (&headers["x-smo-event"], &headers["content-type"]),
        (&"graph.deployed".parse().unwrap(), &"application/json".parse().unwrap())
    );
    assert_eq!(headers["x-smo-delivery"], format!("{}-{}", webhook.id, event.seq));
    assert_eq!(receiver.next_messages(2).await, ["two", "three"]);
    let last = store.last_event().await.unwrap();
    assert_eq!(until(&store, &webhook.id, |one| one.sent == last).await.trouble, None);
    sending.end().await;
    // Another server goes on where the first has ended.
    happens(&store, "graph.stopped", "shop", "four").await;
    let again = Sending::of(&store, "b", &["127.0.0.1"]);
    assert_eq!(receiver.next_messages(1).await, ["four"]);
    again.end().await;
    assert!(receiver.got.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_accepted_comes_again_in_its_place_with_the_same_id() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[503, 429, 302]).await);
    let webhook = hook(&store, &receiver.url, &[], None).await;
    let sending = Sending::of(&store, "a", &["127.0.0.1"]);
    happens(&store, "graph.deployed", "shop", "one").await;
    happens(&store, "graph.stopped", "shop", "two").await;
    let (first, event) = receiver.next().await;
    assert_eq!((&first["x-smo-event-id"], &first["x-smo-attempt"]), (&event.seq.into(), &1.into()));
    for attempt in 2..=4 {
        let (headers, event) = receiver.next().await;
        assert_eq!((event.message.as_str(), &headers["x-smo-delivery"]), ("one", &first["x-smo-delivery"]));
        assert_eq!((&headers["x-smo-event-id"], &headers["x-smo-attempt"]), (&event.seq.into(), &attempt.into()));
    }
    assert_eq!(receiver.next_messages(1).await, ["two"]);
    let last = store.last_event().await.unwrap();
    assert_eq!(until(&store, &webhook.id, |one| one.sent == last).await.trouble, None);
    sending.end().await;
}

#[tokio::test]
async fn what_a_receiver_refuses_again_and_again_is_left_out_and_said() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[400, 400, 400]).await);
    let webhook = hook(&store, &receiver.url, &[], None).await;
    let refused = happens(&store, "graph.deployed", "shop", "poison").await;
    let sending = Sending::of(&store, "a", &["127.0.0.1"]);
    assert_eq!(receiver.next_messages(3).await, ["poison"; 3]);
    let trouble = until(&store, &webhook.id, |one| one.sent == refused.seq).await.trouble.unwrap();
    let wanted = format!("event {} was refused 3 times and is left out: it answers with the status 400", refused.seq);
    assert_eq!(trouble, wanted);
    happens(&store, "graph.stopped", "shop", "next").await;
    assert_eq!(receiver.next_messages(1).await, ["next"]);
    until(&store, &webhook.id, |one| one.trouble.is_none()).await;
    sending.end().await;
}

#[tokio::test]
async fn a_receiver_that_is_dead_delays_no_other_and_gets_everything_once_it_lives() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    let silent = Receiver::answering(&vec![503; 10_000]).await;
    let dead = hook(&store, &silent.url, &[], None).await;
    hook(&store, &receiver.url, &[], None).await;
    let sending = Sending::of(&store, "a", &["127.0.0.1"]);
    for message in ["one", "two", "three"] {
        happens(&store, "graph.deployed", "shop", message).await;
    }
    assert_eq!(receiver.next_messages(3).await, ["one", "two", "three"]);
    let trouble = until(&store, &dead.id, |one| one.trouble.is_some()).await.trouble.unwrap();
    assert!(trouble.ends_with("it answers with the status 503"), "{trouble}");
    silent.answers.lock().unwrap().clear();
    let last = store.last_event().await.unwrap();
    until(&store, &dead.id, |one| one.sent == last).await;
    sending.end().await;
}

#[tokio::test]
async fn private_addresses_are_not_asked_unless_they_are_named_and_nothing_secret_is_said() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    let url = receiver.url.replace("/hook", "/hook?token=s3cret");
    let webhook = hook(&store, &url, &[], None).await;
    happens(&store, "graph.deployed", "shop", "one").await;
    let sending = Sending::of(&store, "a", &[]);
    let trouble = until(&store, &webhook.id, |one| one.trouble.is_some()).await.trouble.unwrap();
    assert!(trouble.contains("which is private") && trouble.contains("webhooks.allow_hosts"), "{trouble}");
    assert!(!trouble.contains("s3cret") && !trouble.contains("key\""), "{trouble}");
    sending.end().await;
    assert!(receiver.got.try_recv().is_err());
}

#[tokio::test]
async fn of_two_servers_one_sends_and_the_other_takes_over() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    hook(&store, &receiver.url, &[], None).await;
    let first = Sending::of(&store, "a", &["127.0.0.1"]);
    happens(&store, "graph.deployed", "shop", "one").await;
    assert_eq!(receiver.next_messages(1).await, ["one"]);
    let second = Sending::of(&store, "b", &["127.0.0.1"]);
    happens(&store, "graph.deployed", "shop", "two").await;
    assert_eq!(receiver.next_messages(1).await, ["two"]);
    assert_eq!(store.lease("webhooks").await.unwrap().unwrap().0, "a");
    first.end().await;
    happens(&store, "graph.deployed", "shop", "three").await;
    assert_eq!(receiver.next_messages(1).await, ["three"]);
    second.end().await;
    assert!(receiver.got.try_recv().is_err());
}

/// The receiver has answered, and the server fell before it noted that: the one that goes on says the same number.
#[tokio::test]
async fn an_event_that_comes_twice_is_known_by_its_number() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    let webhook = hook(&store, &receiver.url, &[], None).await;
    let event = happens(&store, "graph.deployed", "shop", "one").await;
    let mut numbers = Vec::new();
    for me in ["a", "b"] {
        let sending = Sending::of(&store, me, &["127.0.0.1"]);
        let (headers, got) = receiver.next().await;
        numbers.push((headers["x-smo-event-id"].to_str().unwrap().to_owned(), got.seq));
        until(&store, &webhook.id, |one| one.sent == event.seq).await;
        sending.end().await;
        store.set_webhook_sent(&webhook.id, event.seq - 1, None).await.unwrap();
    }
    assert_eq!(numbers, vec![(event.seq.to_string(), event.seq); 2]);
}

/// A server that was stopped for a while does not know yet that another one sends by now.
#[tokio::test]
async fn no_try_begins_that_could_outlast_the_lease() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    let webhook = hook(&store, &receiver.url, &[], None).await;
    let event = happens(&store, "graph.deployed", "shop", "one").await;
    let (_end, ending) = watch::channel(false);
    let (held, until) = watch::channel(clock::now());
    let mut hook = Hook::new(&sender(&store, "a", &["127.0.0.1"]), webhook.clone(), ending, until);
    assert_eq!(hook.batch().await.unwrap(), 0);
    assert!(receiver.got.try_recv().is_err());
    assert_eq!(store.webhooks().await.unwrap(), [webhook], "nothing is noted");
    held.send_replace(clock::now() + PACE.lease);
    assert_eq!(hook.batch().await.unwrap(), 1);
    assert_eq!(receiver.next_messages(1).await, ["one"]);
    assert_eq!(store.webhooks().await.unwrap()[0].sent, event.seq);
}

#[tokio::test]
async fn a_webhook_that_is_deleted_is_sent_nothing_more() {
    let (store, mut receiver) = (store().await, Receiver::answering(&[]).await);
    let gone = hook(&store, &receiver.url, &[], None).await;
    let sending = Sending::of(&store, "a", &["127.0.0.1"]);
    happens(&store, "graph.deployed", "shop", "one").await;
    assert_eq!(receiver.next_messages(1).await, ["one"]);
    assert!(store.delete_webhook(&gone.id).await.unwrap());
    let mut other = Receiver::answering(&[]).await;
    hook(&store, &other.url, &[], None).await;
    // The look that finds the new one finds that the other is gone.
    happens(&store, "graph.deployed", "shop", "two").await;
    assert_eq!(other.next_messages(1).await, ["two"]);
    happens(&store, "graph.deployed", "shop", "three").await;
    assert_eq!(other.next_messages(1).await, ["three"]);
    let got: Vec<Bytes> = std::iter::from_fn(|| receiver.got.try_recv().ok()).map(|(_, body)| body).collect();
    assert!(!got.iter().any(|body| body.windows(5).any(|part| part == b"three")));
    sending.end().await;
}
