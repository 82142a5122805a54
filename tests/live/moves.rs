//! L04, L07, L12, L13: moves without a gap, other writers, removal, and our own death in the middle.

use crate::shop::{Shop, Smo, until, wait};
use crate::stack::stack;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const NEAR: [&str; 2] = ["--set", "application.services.front.clusters=near"];
const FAR: [&str; 2] = ["--set", "application.services.front.clusters=far"];
/// Four replicas, whatever load is measured: a replica less is not the move's doing then.
const FOUR: [&str; 2] = ["--set", "application.services.front.replicas={initial: 4, min: 4, max: 4}"];

/// Runs until the front has `replicas` in `member` and none elsewhere.
fn settle(shop: &Shop<'_>, smo: &Smo, (member, other): (&str, &str), replicas: u64) {
    let there = || shop.ready(member, "front") == replicas && shop.ready(other, "front") == 0;
    until(&format!("front is in {member}: {}", smo.said()), SOON, there);
}

/// Sets a flag when it goes, so that whoever waits for it does not wait for ever after a failure.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Moves the front from the near to the far cluster, watching at each instant how many of it serve.
fn moves_without_a_gap(shop: &Shop<'_>) {
    shop.load(54.0);
    let mut smo = shop.start("--live", &[NEAR, FOUR].concat());
    settle(shop, &smo, ("member1", "member2"), 4);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    // Until it is let go, nothing new gets ready in the far cluster: the instant between the two writes lasts.
    let frozen = shop.stack.freeze("sched-member2");
    let over = AtomicBool::new(false);
    let (least, looks, said) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut least, mut looks) = (u64::MAX, 0);
            while !over.load(Ordering::Relaxed) {
                // The near one first: one that has left it since is counted twice, and never not at all.
                let ready = shop.ready("member1", "front") + shop.ready("member2", "front");
                (least, looks) = (least.min(ready), looks + 1);
            }
            (least, looks)
        });
        let _ends = SetOnDrop(&over);
        let mut smo = shop.start("--live", &[FAR, FOUR].concat());
        until("the first write is made", SOON, || shop.shares("front").len() == 2);
        wait(2);
        assert_eq!(
            shop.ready("member1", "front"),
            4,
            "the old ones stay while the new ones are not ready: {:?} {}",
            shop.shares("front"),
            smo.said()
        );
        drop(frozen);
        settle(shop, &smo, ("member2", "member1"), 4);
        over.store(true, Ordering::Relaxed);
        assert_eq!(smo.end(), 0, "{}", smo.said());
        let (least, looks) = watch.join().expect("it only looks");
        (least, looks, smo.said())
    });
    assert!(least >= 4, "only {least} of 4 served at some instant ({looks} looks): {said}");
    assert!(looks >= 5, "{looks} looks are too few to see a gap");
}

/// L04: a move by one write of the binding: new replicas are ready before old ones go.
#[test]
fn l04_a_move_has_no_gap_in_availability() {
    let Some(stack) = stack("l04") else { return };
    moves_without_a_gap(&Shop::new(&stack, "l04"));
}

/// L04 by static weights, where Karmada's own scheduler stays in charge.
#[test]
fn l04_a_move_by_weights_has_no_gap_either() {
    let Some(stack) = stack("l04w") else { return };
    let mut shop = Shop::new(&stack, "l04w");
    shop.connect(&["karmada", "division"], json!("weights"));
    moves_without_a_gap(&shop);
    let policy = stack.get("karmada", &["propagationpolicy", "smo-front", "--namespace", &shop.namespace]);
    let policy = policy.expect("it is ours");
    assert_ne!(policy["spec"]["schedulerName"], "smo", "{policy}");
    assert!(policy["spec"]["suspension"].is_null(), "dispatching goes on: {policy}");
}

/// L04: new replicas that never get ready: after the time limit what was before is wanted again, and it never went away.
#[test]
fn l04_a_move_that_does_not_get_ready_is_taken_back() {
    let Some(stack) = stack("l04b") else { return };
    let mut shop = Shop::new(&stack, "l04b");
    shop.connect(&["moves", "timeout"], json!("6 s"));
    shop.load(54.0);
    let mut smo = shop.start("--live", &NEAR);
    settle(&shop, &smo, ("member1", "member2"), 4);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    // The far cluster takes pods and never starts them: its scheduler is frozen.
    let frozen = stack.freeze("sched-member2");
    let smo = shop.start("--live", &FAR);
    let failed =
        || smo.said().contains("failed  front on far: 0 → 4") && smo.said().contains("what was before is restored");
    until("the failure is told", SOON, failed);
    assert_eq!(shop.ready("member1", "front"), 4, "{}", smo.said());
    drop(frozen);
    settle(&shop, &smo, ("member2", "member1"), 4);
}

/// L07: somebody else divides the workload too: what is wanted is restored, and nothing is lost on the way.
#[test]
fn l07_another_writer_is_corrected() {
    let Some(stack) = stack("l07") else { return };
    let shop = Shop::new(&stack, "l07");
    shop.load(54.0);
    let smo = shop.start("--live", &NEAR);
    settle(&shop, &smo, ("member1", "member2"), 4);
    for _ in 0..5 {
        let patch = json!({"spec": {"clusters": [{"name": "member2", "replicas": 1}]}}).to_string();
        let arguments = [
            "patch",
            "resourcebinding",
            "front-deployment",
            "--namespace",
            &shop.namespace,
            "--type",
            "merge",
            "--patch",
            &patch,
        ];
        stack.kubectl("karmada", &arguments).expect("Karmada takes it");
        settle(&shop, &smo, ("member1", "member2"), 4);
    }
}

/// L07: Karmada's webhook is down: writes are refused with a 500, tried again, and get through when it is back.
#[test]
fn l07_a_webhook_outage_is_waited_out() {
    let Some(stack) = stack("l07b") else { return };
    let shop = Shop::new(&stack, "l07b");
    shop.load(20.0);
    let smo = shop.start("--live", &NEAR);
    settle(&shop, &smo, ("member1", "member2"), 2);
    stack.live(&["signal", "webhook", "KILL"]);
    shop.load(100.0);
    until("it decides", SOON, || smo.said().contains("→ 7"));
    wait(2);
    assert_eq!(shop.shares("front").values().sum::<u64>(), 2, "the write cannot have got through");
    stack.live(&["restart", "webhook"]);
    until("it gets through", SOON, || shop.ready("member1", "front") == 7);
}

/// L12: removal is complete, and the second time there is nothing left to do.
#[test]
fn l12_removal_is_complete_and_can_be_repeated() {
    let Some(stack) = stack("l12") else { return };
    let shop = Shop::new(&stack, "l12");
    shop.load(54.0);
    let mut smo = shop.start("--live", &[]);
    until("it drives", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    let said = shop.remove();
    assert_eq!(said.matches("removed").count(), 5, "{said}");
    let empty = || {
        ["member1", "member2"].iter().all(|member| {
            let pods = stack.get(member, &["pods", "--namespace", &shop.namespace]).expect("pods are listed");
            pods["items"].as_array().is_some_and(Vec::is_empty)
        })
    };
    until("the members are empty", SOON, empty);
    // Karmada's finalizers take their time.
    until("nothing of ours is left", SOON, || {
        ["propagationpolicies", "configmaps", "resourcebindings"].iter().all(|kind| {
            let list = stack.get("karmada", &[kind, "--namespace", &shop.namespace]).expect("listed");
            let names =
                list["items"].as_array().into_iter().flatten().filter_map(|one| one["metadata"]["name"].as_str());
            names.filter(|name| name.starts_with("smo") || name.ends_with("-deployment")).count() == 0
        })
    });
    assert!(shop.remove().contains("nothing of live was there"));
    // Half of it is gone already, by another hand.
    let mut smo = shop.start("--live", &[]);
    until("it drives again", SOON, || shop.ready_all("front") == 4);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    stack
        .kubectl("karmada", &["delete", "propagationpolicy", "smo-back", "--namespace", &shop.namespace])
        .expect("it was there");
    assert_eq!(shop.remove().matches("removed").count(), 4);
}

/// L13: killed between the two writes of a move: whoever comes next finishes it, without a gap and without an orphan.
#[test]
fn l13_a_crash_between_two_writes_is_followed_by_convergence() {
    let Some(stack) = stack("l13") else { return };
    let shop = Shop::new(&stack, "l13");
    shop.load(54.0);
    let mut smo = shop.start("--live", &NEAR);
    settle(&shop, &smo, ("member1", "member2"), 4);
    assert_eq!(smo.end(), 0, "{}", smo.said());
    // New replicas never start, so the move stays between its two writes.
    let frozen = stack.freeze("sched-member2");
    let mut smo = shop.start("--live", &FAR);
    until("the first write is made", SOON, || shop.shares("front").len() == 2);
    smo.kill();
    drop(smo);
    drop(frozen);
    assert_eq!(shop.ready("member1", "front"), 4, "what served before still does");
    // The lease of the dead one runs out first.
    let start = || {
        let mut smo = shop.start("--live", &FAR);
        wait(2);
        if smo.is_running() { Some(smo) } else { None }
    };
    let mut next = None;
    until("the lease runs out", SOON, || {
        next = start();
        next.is_some()
    });
    let smo = next.expect("it runs");
    settle(&shop, &smo, ("member2", "member1"), 4);
    let pods =
        stack.get("member1", &["pods", "--namespace", &shop.namespace, "--selector", "app=front"]).expect("listed");
    assert_eq!(pods["items"].as_array().map(Vec::len), Some(0), "no orphan: {pods}");
}
