//! L01, L06: what is seen of a cluster, and what is done when its API server is killed or frozen.

use crate::recovery::recover;
use crate::shop::{Shop, Smo, until, wait};
use crate::stack::stack;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// When a line with `text` was said, in seconds since the start of the run.
fn said_at(smo: &Smo, text: &str) -> Option<f64> {
    let said = smo.said();
    let line = said.lines().find(|line| line.contains(text))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Loses the cluster with the front by `signal`; checks how soon that is noticed, that the other takes over, and that nobody
/// returns before the lost one has been back for a while.
fn loses_and_fails_back(name: &str, signal: &str) {
    let Some(stack) = stack(name) else { return };
    let shop = Shop::new(&stack, name);
    shop.load(54.0);
    let smo = shop.start("--live", &["--set", "inventory.clusters.far.pools.main.price_per_hour=9 $"]);
    until("it drives", SOON, || shop.ready_all("front") == 4 && shop.ready_all("back") == 2);
    let lost = if shop.ready("member1", "front") > 0 { "member1" } else { "member2" };
    let (other, word) = if lost == "member1" { ("member2", "near") } else { ("member1", "far") };
    // Settled: no decision is under way that would move things anyway.
    wait(3);
    let api = format!("api-{lost}");
    stack.live(&["signal", &api, signal]);
    let noticed = until("the loss is told", SOON, || smo.said().contains(&format!("lost   cluster  {word}")));
    until("the other takes over", SOON, || shop.ready(other, "front") >= 4 && shop.ready(other, "back") >= 2);
    let (loss, asked) = (said_at(&smo, "lost   cluster"), said_at(&smo, &format!("{word}: 4 → 0")));
    eprintln!(
        "{name}: noticed {:.1} s after SIG{signal}, replanned at {asked:?} after {loss:?}",
        noticed.as_secs_f64()
    );
    assert!(noticed < Duration::from_secs(6), "noticed after {noticed:?}");
    let replanned = asked.zip(loss).map(|(asked, loss)| asked - loss);
    assert!(
        replanned.is_some_and(|after| after <= 1.0),
        "replanned {replanned:?} s after it was noticed\n{}",
        smo.said()
    );
    if signal == "KILL" {
        stack.live(&["restart", &api]);
    } else {
        stack.live(&["signal", &api, "CONT"]);
    }
    until("it is told to be back", SOON, || smo.said().contains(&format!("back   cluster  {word}")));
    // Nothing is wedged: what the lost one still held is gone, and the workload serves where it was planned.
    until("no orphan stays", SOON, || {
        let shares = shop.shares("front");
        ["member1", "member2"]
            .iter()
            .all(|member| shop.ready(member, "front") == shares.get(*member).copied().unwrap_or(0))
    });
    assert_eq!(shop.ready_all("front"), 4, "{}", smo.said());
    recover(&stack, lost);
}

/// L06 with a killed API server.
#[test]
fn l06_a_killed_cluster_is_left_and_returned_to() {
    loses_and_fails_back("l06", "KILL");
}

/// L06 with a frozen API server, which Karmada itself needs most of a minute to notice.
#[test]
fn l06_a_frozen_cluster_is_left_and_returned_to() {
    loses_and_fails_back("l06f", "STOP");
}

/// L06: the way to all members is gone: nothing is decided about them, and nothing changes.
#[test]
fn l06_a_silent_control_plane_means_hold() {
    let Some(stack) = stack("l06c") else { return };
    let shop = Shop::new(&stack, "l06c");
    shop.load(54.0);
    let smo = shop.start("--live", &[]);
    until("it drives", SOON, || shop.ready_all("front") == 4);
    let frozen = stack.freeze("agg");
    until("the silence is told", SOON, || smo.said().contains("silent  karmada"));
    wait(5);
    assert!(!smo.said().contains("lost   cluster"), "{}", smo.said());
    drop(frozen);
    until("it is heard again", SOON, || smo.said().contains("heard   karmada"));
    shop.load(100.0);
    until("it goes on", SOON, || shop.ready_all("front") == 7);
}
