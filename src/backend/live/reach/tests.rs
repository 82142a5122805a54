//! Which addresses are gone to, and that a client goes to no other.

use super::{Reach, Refused, is_public, refusal};
use crate::backend::live::stub::{Stub, get};
use reqwest::Url;
use serde_json::json;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn reach(listed: &[&str]) -> Reach {
    let listed: Vec<String> = listed.iter().map(|one| (*one).to_owned()).collect();
    Reach::public_and("webhooks.allow_hosts", &listed).unwrap()
}

#[test]
fn addresses_of_this_host_and_of_private_networks_are_not_public() {
    let private = [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.0.9", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::7f00:1",
        "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
    ];
    assert_eq!(private.into_iter().filter(|ip| is_public(ip.parse().unwrap())).collect::<Vec<_>>(), Vec::<&str>::new());
    let public = ["1.1.1.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2606:4700::1111", "2a00:1450::1"];
    assert!(public.into_iter().all(|ip| is_public(ip.parse().unwrap())));
}

#[tokio::test]
async fn what_is_not_public_is_refused_in_every_spelling_unless_it_is_listed() {
    let nowhere = reach(&[]);
    for spelled in [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1:8080/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data", "http://localhost/",
        "http://localhost.:80/",
    ] {
        let Refused(reason) = nowhere.admit(&url(spelled)).await.unwrap_err();
        assert!(reason.contains("no public address") || reason.contains("cannot be resolved"), "{spelled}: {reason}");
    }
    for (wrong, says) in [("ftp://1.1.1.1/", "neither http nor https"), ("http://user:pw@1.1.1.1/", "user or a password")] {
        let Refused(reason) = nowhere.admit(&url(wrong)).await.unwrap_err();
        assert!(reason.contains(says) && !reason.contains("pw"), "{wrong}: {reason}");
    }
    assert_eq!(nowhere.admit(&url("https://1.1.1.1/")).await, Ok(()));
    for listed in ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:80"] {
        assert_eq!(reach(&[listed]).admit(&url("http://127.0.0.1/")).await, Ok(()), "{listed}");
    }
    assert_eq!(reach(&["localhost"]).admit(&url("http://LOCALHOST/")).await, Ok(()));
    assert_eq!(reach(&["[::1]:90"]).admit(&url("http://[::1]:90/")).await, Ok(()));
    assert_eq!(reach(&["*.example.org"]).admit(&url("http://a.example.org/")).await, Ok(()));
    assert!(reach(&["127.0.0.1:81"]).admit(&url("http://127.0.0.1/")).await.is_err());
    let Refused(reason) = reach(&["localhost:81"]).admit(&url("http://localhost/")).await.unwrap_err();
    assert_eq!(reason, "`localhost` is listed under webhooks.allow_hosts with another port than 80");
}

#[tokio::test]
async fn a_closed_list_holds_for_who_is_asked_first_and_public_places_may_follow() {
    let only = Reach::only("charts.allow_hosts", &["127.0.0.1".to_owned()]).unwrap();
    let Refused(reason) = only.admit(&url("https://1.1.1.1/")).await.unwrap_err();
    assert_eq!(reason, "`1.1.1.1` is not listed under charts.allow_hosts");
    assert_eq!(only.check(&url("https://1.1.1.1/")).await, Ok(()));
    assert!(only.check(&url("https://10.0.0.1/")).await.is_err());
}

#[test]
fn entries_that_name_nothing_are_refused_with_what_is_wanted() {
    for wrong in ["", "http://host", "host:port", "10.0.0.0/33", "host/8", "*", "*example.org", "a b"] {
        let reason = Reach::public_and("webhooks.allow_hosts", &[wrong.to_owned()]).unwrap_err();
        assert!(reason.starts_with("webhooks.allow_hosts: `") && reason.contains("wanted `host`"), "{wrong}: {reason}");
    }
}

/// The name resolves to loopback only when it is connected to: what was checked before does not matter then.
#[tokio::test]
async fn a_client_connects_to_no_address_that_its_name_should_not_mean() {
    let stub = Stub::of(vec![]).await;
    let port = url(&stub.url).port().unwrap();
    let error = reach(&[]).client().build().unwrap().get(format!("http://localhost:{port}/")).send().await.unwrap_err();
    let Refused(reason) = refusal(&error).expect("it was the resolver");
    assert!(reason.starts_with("`localhost` is ") && reason.contains("no public address"), "{reason}");
    stub.finish();
}

#[tokio::test]
async fn redirects_lead_to_admitted_places_alone() {
    let elsewhere = Stub::of(vec![]).await;
    let away = get("/here", 302, json!(null)).header("location", &format!("{}/there", elsewhere.url));
    let stub = Stub::of(vec![away, get("/a", 302, json!(null)).header("location", "/b"), get("/b", 200, json!(1))]).await;
    let host = stub.url.trim_start_matches("http://").to_owned();
    let client = reach(&[&host]).following_client().build().unwrap();
    let error = client.get(format!("{}/here", stub.url)).send().await.unwrap_err();
    assert!(refusal(&error).is_some_and(|refused| refused.0.contains("no public address")), "{error:?}");
    assert_eq!(client.get(format!("{}/a", stub.url)).send().await.unwrap().status(), 200);
    stub.finish();
    elsewhere.finish();
}
