//! What is taken, what is not, and what Alertmanager is told about it.

use super::{Alert, Counts, Inbox, Listener, State};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// As Alertmanager 0.25 wrote it.
fn alert(fingerprint: &str, status: &str) -> Value {
    json!({"status": status, "labels": {"alertname": "Late", "service": "web"}, "annotations": {"summary": "x"},
        "startsAt": "2026-11-23T20:15:50.5Z", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1:9090/graph", "fingerprint": fingerprint})
}

fn payload(alerts: &[Value]) -> Value {
    json!({"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 2, "status": "firing", "receiver": "smo", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://127.0.0.1:9093", "alerts": alerts})
}

async fn inbox(waiting: usize, token: Option<&str>) -> (Inbox, Receiver<Alert>, Listener) {
    crate::backend::live::tls::install();
    let (inbox, taken) = Inbox::new(waiting, token);
    let listener = inbox.listen("127.0.0.1:0".parse().unwrap(), "/alerts").await.unwrap();
    (inbox, taken, listener)
}

async fn post(listener: &Listener, token: Option<&str>, body: String) -> (u16, String) {
    let mut request = reqwest::Client::new().post(format!("http://{}/alerts", listener.address())).body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn alerts_are_taken_once_and_a_bad_one_does_not_take_the_others_with_it() {
    let (inbox, mut taken, listener) = inbox(8, None).await;
    let body =
        payload(&[json!({"status": "firing"}), alert("a", "firing"), json!(3), alert("b", "firing")]).to_string();
    let says = (202, "taken 2, repeated 0, unreadable 2\n".to_owned());
    assert_eq!(post(&listener, None, body.clone()).await, says);
    assert_eq!(post(&listener, None, body).await.1, "taken 0, repeated 2, unreadable 2\n");
    let first = taken.recv().await.unwrap();
    assert_eq!((first.state, first.labels["service"].as_str()), (State::Firing, "web"));
    assert_eq!(first.starts_at, Duration::from_millis(1_795_464_950_500));
    assert_eq!(taken.recv().await.unwrap().fingerprint, "b");
    assert!(taken.try_recv().is_err());
    let counts = Counts { taken: 2, repeated: 2, unreadable: 4, left_out: 4, refused: 0 };
    assert_eq!(inbox.counts(), counts);
}

#[tokio::test]
async fn of_a_payload_what_fires_is_told_before_what_has_ended() {
    let (_inbox, mut taken, listener) = inbox(8, None).await;
    let body = payload(&[alert("a", "resolved"), alert("b", "firing"), alert("c", "firing")]).to_string();
    assert_eq!(post(&listener, None, body).await.0, 202);
    for expected in ["b", "c", "a"] {
        assert_eq!(taken.recv().await.unwrap().fingerprint, expected);
    }
}

/// Room for one: the second alert is refused by 503, and the next try brings it, and it alone.
#[tokio::test]
async fn a_full_queue_is_answered_by_503_and_nothing_is_lost_or_doubled() {
    let (inbox, mut taken, listener) = inbox(1, None).await;
    let body = payload(&[alert("a", "firing"), alert("b", "firing")]).to_string();
    assert_eq!(post(&listener, None, body.clone()).await.0, 503);
    assert_eq!(taken.recv().await.unwrap().fingerprint, "a");
    assert_eq!(post(&listener, None, body).await, (202, "taken 1, repeated 1, unreadable 0\n".to_owned()));
    assert_eq!(taken.recv().await.unwrap().fingerprint, "b");
    assert_eq!(inbox.counts().refused, 1);
}

#[tokio::test]
async fn only_who_bears_the_token_is_heard() {
    let (_inbox, mut taken, listener) = inbox(8, Some("secret")).await;
    let body = payload(&[alert("a", "resolved")]).to_string();
    assert_eq!(post(&listener, None, body.clone()).await.0, 401);
    assert_eq!(post(&listener, Some("guess"), body.clone()).await.0, 401);
    assert_eq!(post(&listener, Some("secret"), body).await.0, 202);
    assert_eq!(taken.recv().await.unwrap().state, State::Resolved);
}

#[tokio::test]
async fn what_is_no_payload_is_refused_for_good() {
    let (_inbox, _taken, listener) = inbox(8, None).await;
    let (status, says) = post(&listener, None, "{}".to_owned()).await;
    assert_eq!(status, 400);
    assert!(says.contains("no payload of Alertmanager: missing field `alerts`"), "{says}");
    let mut bare = alert("", "firing");
    bare.as_object_mut().unwrap().remove("fingerprint");
    let body = payload(&[bare.clone(), bare]).to_string();
    assert_eq!(post(&listener, None, body).await.1, "taken 1, repeated 1, unreadable 0\n");
    let gone = listener.address();
    drop(listener);
    let left = async {
        while tokio::net::TcpStream::connect(gone).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), left).await.expect("nobody listens when the listener is dropped");
}
