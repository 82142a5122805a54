//! Single decisions of scaling policies on worlds small enough to work out by hand.

use crate::policies::{decide, place, policy};
use crate::worlds::{NOW, cluster, ready, request, service, targets, world};
use smo::model::{Capacity, CapacityByClass, ClusterId, Plan, Seen, ServiceId, Slo, Snapshot};
use smo::policy::scaling::SCALINGS;
use smo::policy::{Policy, PolicySpec};
use smo::units::{MilliCores, Rate, Ratio, Span};
use std::sync::Arc;

const FIRST: ServiceId = ServiceId(0);

/// One service of 1 core and 10 /s a replica, with so many ready replicas.
fn with_ready(replicas: u32) -> Snapshot {
    let mut snapshot = world(vec![cluster("a", 20, 16.0, 64)], vec![service("web", request(1.0, 1), replicas)]);
    snapshot.targets = targets(&[(0, 0, replicas)]);
    snapshot.services[FIRST].replicas = ready(&[(0, replicas)]);
    snapshot
}

/// Sees `per_second` requests and `cores` in use, just now.
fn see(snapshot: &mut Snapshot, per_second: f64, cores: f64) {
    let view = &mut snapshot.services[FIRST];
    view.rate = Seen::now(Rate::from_per_second(per_second), snapshot.at);
    let cores = MilliCores(format!("{:.0}", cores * 1e3).parse().expect("a number"));
    view.cpu_used = vec![(ClusterId(0), Seen::now(cores, snapshot.at))];
}

/// The replicas wanted at each of (second, requests per second, cores in use); those wanted are ready at the next.
fn series(policy: &mut dyn Policy, start: u32, steps: &[(u64, f64, f64)]) -> Vec<u32> {
    let mut replicas = start;
    let step = |&(second, per_second, cores): &(u64, f64, f64)| {
        let mut snapshot = with_ready(replicas);
        snapshot.at = NOW + Span::seconds(second);
        see(&mut snapshot, per_second, cores);
        replicas = decide(policy, &snapshot).targets.total(FIRST);
        replicas
    };
    steps.iter().map(step).collect()
}

fn wanted(plan: &Plan) -> u32 {
    plan.targets.total(FIRST) + plan.refusals.iter().map(|refusal| refusal.replicas).sum::<u32>()
}

/// Goal: whatever is missing or old, no policy takes it for rest. Method: every scaling on a service of 7 replicas of which
/// nothing is seen, and again an hour after the last sample.
#[test]
fn without_telemetry_every_scaling_holds_and_says_so() {
    // `nephele-scaling` has the original's fault and takes what is missing for rest; `tests/it/defects.rs` shows it.
    let faulty = ["static", "nephele-scaling"];
    for entry in SCALINGS.iter().filter(|entry| !faulty.contains(&entry.name)) {
        let mut policy = policy(&format!("greedy+{}", entry.name));
        let mut snapshot = with_ready(7);
        let blind = decide(&mut *policy, &snapshot);
        assert_eq!(wanted(&blind), 7, "{}", entry.name);
        assert!(blind.why[FIRST].rule.starts_with("hold"), "{}: {}", entry.name, blind.why[FIRST]);
        see(&mut snapshot, 1_000.0, 99.0);
        snapshot.at = NOW + Span::seconds(3_600);
        let late = decide(&mut *policy, &snapshot);
        assert_eq!(wanted(&late), 7, "{}: {}", entry.name, late.why[FIRST]);
    }
}

/// `up=2/60s`: from 4 to 6, and no more within the minute; `down_select=Disabled`: never down.
#[test]
fn hpa_keeps_the_rate_policies_of_its_behavior() {
    let mut hpa = policy("spread+hpa:target=50%,up=2/60s,down_select=Disabled,initialization=0s");
    let steps = [(0, 0.0, 4.0), (15, 0.0, 6.0), (30, 0.0, 6.0), (60, 0.0, 6.0), (600, 0.0, 0.5), (1_200, 0.0, 0.5)];
    assert_eq!(series(&mut *hpa, 4, &steps), [6, 6, 6, 8, 8, 8]);
}

/// `down_window=60s`, `down=50%/60s`: the wish of 4 s before leads for a minute, then half a minute.
#[test]
fn hpa_keeps_the_window_and_the_percentage_downwards() {
    let mut hpa = policy("spread+hpa:target=50%,down_window=60s,down=50%/60s,initialization=0s");
    // 16 replicas at 8 cores are on target; then 1 core wants 2: held for 60 s, 8 after it, 4 a minute later.
    let steps = [(0, 0.0, 8.0), (15, 0.0, 1.0), (45, 0.0, 1.0), (60, 0.0, 1.0), (90, 0.0, 1.0), (120, 0.0, 1.0)];
    assert_eq!(series(&mut *hpa, 16, &steps), [16, 16, 16, 8, 8, 4]);
}

/// 4 ready replicas at 2 cores are on target of 50 %. 48 /s are 12 each: of 8, ratio 1.5, ⌈1.5·4⌉ = 6. As an external metric at 5
/// each: ⌈48/5⌉ = 10. The largest of all counts, and a rate that is not seen forbids to go down, not up.
#[test]
fn hpa_takes_the_largest_of_several_metrics() {
    let one = |text: &str, per_second: f64, cores: f64| series(&mut *policy(text), 4, &[(0, per_second, cores)])[0];
    assert_eq!(one("spread+hpa:target=50%,requests=8/s", 48.0, 2.0), 6);
    assert_eq!(one("spread+hpa:target=none,external=5/s", 48.0, 2.0), 8, "twice the replicas at most");
    assert_eq!(one("spread+hpa:target=none,external=5/s,up=100/15s", 48.0, 2.0), 10);
    assert_eq!(one("spread+hpa:target=50%,requests=8/s,external=6/s", 42.0, 2.8), 7);
    assert_eq!(one("spread+hpa:target=50%,requests=100/s,window=0s", 48.0, 3.0), 6);
    let blind = |cores: f64| {
        let mut snapshot = with_ready(4);
        see(&mut snapshot, 0.0, cores);
        snapshot.services[FIRST].rate = Seen::NEVER;
        place("spread+hpa:target=50%,requests=8/s,window=0s", &snapshot).targets.total(FIRST)
    };
    assert_eq!((blind(0.5), blind(3.0)), (4, 6));
}

/// Load over believed capacity: 40/40 is above 80 %: 40/0.65 → 7. 30/70 = 43 % is below 45 %, for 5 min: 30/0.65 → 5.
#[test]
fn reactive_leaves_what_lies_between_the_marks() {
    let mut reactive = policy("greedy+reactive");
    let steps = [(0, 30.0, 0.0), (30, 40.0, 0.0), (60, 50.0, 0.0), (90, 30.0, 0.0), (389, 30.0, 0.0), (390, 30.0, 0.0)];
    assert_eq!(series(&mut *reactive, 4, &steps), [4, 7, 7, 7, 7, 5]);
}

/// Goal: no smaller number keeps the promise. Method: P(W > 0.3 s) ≤ 5 % by the sum formula of Erlang C, and by the closed form of
/// M/M/1 for queues apart, tried for every number from one on; 10 /s a replica, one worker each, no head-room.
#[test]
fn erlang_c_wants_the_fewest_that_keep_the_promise() {
    let late = |servers: u32, load: f64| {
        let term = |k: u32| (1..=k).fold(1.0, |product, i| product * load / f64::from(i));
        let below: f64 = (0..servers).map(term).sum();
        let last = term(servers) * f64::from(servers) / (f64::from(servers) - load);
        last / (below + last) * (-(f64::from(servers) - load) * 10.0 * 0.3).exp()
    };
    for per_second in [5.0, 30.0, 77.0, 200.0] {
        let load = per_second / 10.0;
        let fewest = (1..200).find(|servers| f64::from(*servers) > load && late(*servers, load) <= 0.05).unwrap();
        let mut snapshot = with_ready(4);
        let known = Arc::get_mut(&mut snapshot.known).expect("nobody else holds it");
        known.application.services[FIRST].slo = Some(Slo { latency: Span::seconds(1), share: Ratio(950_000) });
        see(&mut snapshot, per_second, 0.0);
        let pooled = wanted(&place("greedy+erlang-c:headroom=0", &snapshot));
        assert_eq!(pooled, fewest, "at {per_second} /s");
        // Each replica a queue of its own: M/M/1 with λ/n, ρ·e^(−(µ − λ/n)·t) ≤ 5 %.
        let alone = |replicas: u32| {
            let rate = per_second / f64::from(replicas);
            rate < 10.0 && rate / 10.0 * (-(10.0 - rate) * 0.3).exp() <= 0.05
        };
        let apart = wanted(&place("greedy+erlang-c:headroom=0,queue=per_replica", &snapshot));
        assert_eq!(Some(apart), (1..200).find(|replicas| alone(*replicas)), "at {per_second} /s");
        assert!(apart >= pooled);
    }
}

/// Half of the requests may wait: β = 0.506. 90 /s are 9 erlangs: 9 + 0.506·3 = 10.5 → 11.
#[test]
fn square_root_staffing_adds_a_multiple_of_the_root() {
    let mut snapshot = with_ready(4);
    see(&mut snapshot, 90.0, 0.0);
    assert_eq!(wanted(&place("greedy+square-root:delayed=50%,headroom=0", &snapshot)), 11);
    assert_eq!(wanted(&place("greedy+square-root:delayed=99.9%,headroom=0", &snapshot)), 10);
}

/// γ 100, σ 0.1, κ 0.01 peak at √(0.9/0.01) = 9.49. 200 /s: X(3) = 300/1.26 = 238, X(2) = 200/1.12 = 179 → 3. X(9) = 900/2.52 =
/// 357, so 400 /s are never served: the peak.
#[test]
fn usl_wants_no_more_than_helps() {
    let mut snapshot = with_ready(4);
    let known = Arc::get_mut(&mut snapshot.known).expect("nobody else holds it");
    let law = Capacity::Usl { gamma: 100.0, sigma: 0.1, kappa: 0.01 };
    known.application.services[FIRST].capacity = CapacityByClass::uniform(law);
    see(&mut snapshot, 200.0, 0.0);
    assert_eq!(wanted(&place("greedy+usl:headroom=0", &snapshot)), 3);
    see(&mut snapshot, 400.0, 0.0);
    let plan = place("greedy+usl:headroom=0", &snapshot);
    assert!((9..=10).contains(&wanted(&plan)), "{}", wanted(&plan));
    assert_eq!(plan.why[FIRST].rule, "no number of replicas keeps up; the peak of the law");
}

/// The rate fails four times with `failures=3`: until then the HPA has no metric and holds, then it has 7·5 /s: 5 replicas; with
/// `currentReplicasIfHigher` the 8 that there are.
#[test]
fn keda_falls_back_after_its_failures() {
    let after = |behavior: &str| {
        let text = format!("spread+keda:threshold=7/s,fallback=5,fallback_behavior={behavior},window=0s,polling=1h");
        let mut keda = policy(&text);
        let mut snapshot = with_ready(8);
        see(&mut snapshot, 50.0, 0.0);
        let mut found = vec![decide(&mut *keda, &snapshot).targets.total(FIRST)];
        for failure in 1..=4_u64 {
            snapshot.at = NOW + Span::seconds(600 + 15 * failure);
            found.push(decide(&mut *keda, &snapshot).targets.total(FIRST));
        }
        found
    };
    assert_eq!(after("static"), [8, 8, 8, 8, 5]);
    assert_eq!(after("currentReplicasIfHigher"), [8, 8, 8, 8, 8]);
}

/// NOW is 01:00. The cron wants 6 from 02:00 until before 03:00; the rate of 7 /s wants one.
#[test]
fn kedas_cron_counts_within_its_hours() {
    let mut keda = policy("spread+keda:threshold=7/s,cron_replicas=6,cron_start=02:00,cron_end=03:00,window=0s");
    let steps = [(0, 7.0, 0.0), (3_540, 7.0, 0.0), (3_600, 7.0, 0.0), (3_660, 7.0, 0.0), (7_200, 7.0, 0.0)];
    assert_eq!(series(&mut *keda, 1, &steps), [1, 1, 4, 6, 1]);
}

/// One sample of 6 cores: the end of its bucket is within 5 % above, times 1.15: 6.9 to 7.25 cores, 7 or 8 replicas of 1 core.
#[test]
fn vpa_wants_the_recommended_request_in_replicas() {
    let mut vpa = policy("spread+vpa");
    let found = series(&mut *vpa, 4, &[(0, 0.0, 6.0), (60, 0.0, 6.0)]);
    assert!(found.iter().all(|replicas| (7..=8).contains(replicas)), "{found:?}");
}

/// 4 replicas of 1 core at 3 cores: 75 %, of 60 % 1.25: ki·Δt = 1 multiplies by it after a minute.
#[test]
fn pid_with_its_integral_alone_tracks_the_target() {
    let mut pid = policy("spread+pid:kp=0,ki=1,tolerance=0");
    assert_eq!(series(&mut *pid, 4, &[(0, 0.0, 3.0), (60, 0.0, 3.0), (120, 0.0, 3.0)]), [4, 5, 5]);
}

/// Two days of a step at noon, told every ten minutes; on the third, ten minutes before noon, the step is provided for.
#[test]
fn forecasters_provide_for_a_step_before_it_comes() {
    for name in ["seasonal-quantile", "holt-winters", "newsvendor", "mpc"] {
        let mut policy = policy(&format!("greedy+{name}:step=10min,lead=10min,headroom=0"));
        let rate = |minute: u64| if minute % 1_440 < 720 { 10.0 } else { 80.0 };
        let (mut snapshot, mut replicas) = (with_ready(1), 1);
        for minute in (0..2 * 1_440 + 720).step_by(10) {
            snapshot = with_ready(replicas);
            snapshot.at = smo::units::Time(Span::seconds(60 * minute).0);
            see(&mut snapshot, rate(minute), 0.0);
            replicas = decide(&mut *policy, &snapshot).targets.total(FIRST);
        }
        assert!(replicas >= 8, "{name}: {replicas} replicas at {} for the 80 /s to come", snapshot.at);
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused_with_what_would_be_right() {
    let cases = [
        ("hpa:up=4/15", "`4/15` are no policies; write `value/period` joined by `|`, like `4/15s|100%/15s`"),
        ("hpa:target=none", "without it there is no metric; write a target of CPU, of `requests` or of `external`"),
        ("keda:idle=2", "`2` is neither `0`, the only number that KEDA takes, nor `none`"),
        ("keda:cron_start=25:00", "25"),
        ("pid:on=hope", "`hope` is neither `utilisation` nor `latency`"),
        ("reactive:aim=90%", "0.9 does not lie between low, 0.45, and high, 0.8"),
        ("aws-step:out=5:10%", "are no steps; write `bound:adjustment` joined by `/`, with bounds that rise from 0"),
        ("aws-predictive:buffer=1h", "1 h is not less than an hour"),
        (
            "holt-winters:season=1h,step=7min",
            "a season of 1 h is no whole number of steps of 7 min, at least 2 of them",
        ),
        ("mpc:horizon=1s", "1 s is not 1 to 1000 steps of 1 min"),
        ("autopilot:statistic=mode", "`mode` is none; write `max`, `average` or `p95`"),
        ("erlang-c:queue=long", "`long` is neither `pooled` nor `per_replica`"),
    ];
    for (text, message) in cases {
        let error = text.parse::<PolicySpec>().expect_err(text).to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}
