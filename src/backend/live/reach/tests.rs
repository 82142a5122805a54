//! Which addresses are gone to, and that a client goes to no other.

use super::{Hosts, Reach, Refused, refusal};
use crate::backend::live::stub::{Stub, get};
use reqwest::Url;
use serde_json::json;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn reach(only: &[&str], also: &[&str]) -> Reach {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    Reach::new(Hosts::of("charts.allow_hosts", &owned(only)).unwrap().and(&owned(also)).unwrap())
}

#[tokio::test]
async fn what_is_not_public_is_refused_in_every_spelling_unless_it_is_listed() {
    let nowhere = reach(&[], &[]);
    for spelled in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1:8080/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://localhost.:80/",
    ] {
        let Refused(reason) = nowhere.admit(&url(spelled)).await.unwrap_err();
        assert!(reason.contains("which is private") || reason.contains("is not known"), "{spelled}: {reason}");
    }
    for (wrong, says) in
        [("ftp://1.1.1.1/", "neither http nor https"), ("http://user:pw@1.1.1.1/", "user or a password")]
    {
        let Refused(reason) = nowhere.admit(&url(wrong)).await.unwrap_err();
        assert!(reason.contains(says) && !reason.contains("pw"), "{wrong}: {reason}");
    }
    assert_eq!(nowhere.admit(&url("https://1.1.1.1/")).await, Ok(()));
    for listed in ["127.0.0.1", "*", "127.0.0.1:80"] {
        assert_eq!(reach(&[listed], &[]).admit(&url("http://127.0.0.1/")).await, Ok(()), "{listed}");
    }
    assert_eq!(reach(&["localhost"], &[]).admit(&url("http://LOCALHOST/")).await, Ok(()));
    assert_eq!(reach(&[], &["[::1]:90"]).admit(&url("http://[::1]:90/")).await, Ok(()));
    assert!(reach(&[], &["127.0.0.1:81"]).admit(&url("http://127.0.0.1/")).await.is_err());
    let Refused(reason) = reach(&[], &["localhost:81"]).admit(&url("http://localhost/")).await.unwrap_err();
    assert_eq!(reason, "`localhost` is named in `charts.allow_hosts` with another port than 80");
}

#[tokio::test]
async fn a_closed_list_holds_for_who_is_asked_first_and_public_places_may_follow() {
    let only = reach(&["127.0.0.1"], &[]);
    let Refused(reason) = only.admit(&url("https://1.1.1.1/")).await.unwrap_err();
    assert!(reason.starts_with("`1.1.1.1` is not among the hosts of `charts.allow_hosts`"), "{reason}");
    assert_eq!(only.check(&url("https://1.1.1.1/")).await, Ok(()));
    assert!(only.check(&url("https://10.0.0.1/")).await.is_err());
}

/// The name resolves to loopback only when it is connected to: what was checked before does not matter then.
#[tokio::test]
async fn a_client_connects_to_no_address_that_its_name_should_not_mean() {
    let stub = Stub::of(vec![]).await;
    let port = url(&stub.url).port().unwrap();
    let error =
        reach(&[], &[]).client().build().unwrap().get(format!("http://localhost:{port}/")).send().await.unwrap_err();
    let Refused(reason) = refusal(&error).expect("it was the resolver");
    assert!(reason.starts_with("`localhost` leads to ") && reason.contains("which is private"), "{reason}");
    stub.finish();
}

#[tokio::test]
async fn redirects_lead_to_admitted_places_alone() {
    let elsewhere = Stub::of(vec![]).await;
    let away = get("/here", 302, json!(null)).header("location", &format!("{}/there", elsewhere.url));
    let stub =
        Stub::of(vec![away, get("/a", 302, json!(null)).header("location", "/b"), get("/b", 200, json!(1))]).await;
    let host = stub.url.trim_start_matches("http://").to_owned();
    let client = reach(&[], &[&host]).following_client().build().unwrap();
    let error = client.get(format!("{}/here", stub.url)).send().await.unwrap_err();
    assert!(refusal(&error).is_some_and(|refused| refused.0.contains("which is private")), "{error:?}");
    assert_eq!(client.get(format!("{}/a", stub.url)).send().await.unwrap().status(), 200);
    stub.finish();
    elsewhere.finish();
}
