//! Real runs that began at different times, against each other and against a forecast: made-up records, figures by hand.

use super::{Difference, Parting, compare, divergence};
use crate::model::observation::{ClusterSample, PlacementSample, Sample, ServiceSample};
use crate::model::{ClusterId, ServiceId, Totals};
use crate::record::counts::Counts;
use crate::record::history::DecisionRead;
use crate::record::manifest::{LiveHeader, Manifest, Program};
use crate::record::series::SeriesWriter;
use crate::record::synthetic::{self, Behaviour};
use crate::record::{DECISIONS, RunRecord, SERIES, Summary, Timing};
use crate::units::{Rate, Span, Time};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;

/// Seconds from one decision, and one sample, to the next.
const STEP_S: u32 = 5;
/// Seconds of a run.
const RUN_S: u32 = 100;
/// When the world began, in seconds since 1970.
const WORLD_S: f64 = 1_764_000_000.0;

/// A run of one service in one cluster.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The second of the world at which it began; `None` for a forecast, which begins with the world.
    began_s: Option<u32>,
    /// Seconds from then until it first decided; later than the run where it never did.
    first_s: f64,
    /// Replicas that it wants at a second of the world.
    wish: fn(f64) -> u32,
    /// Seconds until it ends, and until which somebody measures its service.
    lasts_s: [u32; 2],
    /// Until which second its latency is measured; it is over the SLO for half of that time.
    latency_s: u32,
    /// Until which second anybody calls its service. That nobody does from then on is measured.
    called_s: u32,
}

/// What a shadow watches and a run acts upon: two changes in half a minute.
fn busy(second: f64) -> u32 {
    match second {
        ..5.0 => 1,
        ..30.0 => 2,
        _ => 3,
    }
}

/// The same until a minute has passed.
fn eager(second: f64) -> u32 {
    busy(second) + u32::from(second >= 60.0)
}

/// The same until two and a half minutes have passed.
fn late(second: f64) -> u32 {
    busy(second) + u32::from(second >= 150.0)
}

/// One more from the start.
fn generous(second: f64) -> u32 {
    busy(second) + 1
}

fn real(began_s: u32, first_s: f64, wish: fn(f64) -> u32) -> Run {
    Run { began_s: Some(began_s), first_s, ..forecast(wish) }
}

fn forecast(wish: fn(f64) -> u32) -> Run {
    Run { began_s: None, first_s: 0.0, wish, lasts_s: [RUN_S; 2], latency_s: 0, called_s: u32::MAX }
}

impl Run {
    fn world_s(self, at_s: f64) -> f64 {
        f64::from(self.began_s.unwrap_or(0)) + at_s
    }

    /// When it decided, on its own clock, and on how many replicas.
    fn decided(self) -> Vec<(f64, u32)> {
        let instants = (0..self.lasts_s[0]).step_by(STEP_S as usize).map(|tick_s| self.first_s + f64::from(tick_s));
        let within = instants.filter(|at_s| *at_s < f64::from(self.lasts_s[0]));
        within.map(|at_s| (at_s, (self.wish)(self.world_s(at_s)))).collect()
    }

    /// Its lines: the first names the service, and so does any that changes its mind.
    fn decisions(self) -> String {
        let mut before = None;
        let line = |(number, (at_s, wanted)): (usize, (f64, u32))| {
            let is_news = before.replace(wanted) != Some(wanted);
            let service = json!({"service": "gateway", "target": {"edge-1": wanted}});
            let services = if is_news { vec![service] } else { Vec::new() };
            json!({"at_s": at_s, "decision": number, "services": services}).to_string() + "\n"
        };
        self.decided().into_iter().enumerate().map(line).collect()
    }

    /// In the world's second `w`, `w` requests/s are served, and all its seconds so far have cost `w²` $: whoever measures
    /// another stretch of it gets another figure. What was wanted is there at once.
    fn sample(self, second: u32) -> Sample {
        let (began_s, world_s) = (self.world_s(0.0), self.world_s(f64::from(second)));
        let decided = self.decided();
        let before = decided.iter().take_while(|(at_s, _)| *at_s <= f64::from(second));
        let replicas = before.last().map_or(0, |(_, wanted)| *wanted);
        let is_called = second <= self.called_s;
        let rate = if is_called { Rate::from_per_second(world_s) } else { Rate::ZERO };
        let served = (second <= self.lasts_s[1]).then_some(rate);
        let offered = if is_called { served } else { Some(rate) };
        let service = ServiceSample {
            service: ServiceId(0),
            offered,
            served,
            dropped: None,
            backlog: f64::NAN,
            capacity: Rate::from_per_second(1_000.0),
            latency: None,
            slo_violated: (1..=self.latency_s).contains(&second).then_some(0.5),
            rate_seen: offered,
            rate_age: Some(Span::ZERO),
        };
        let placement = PlacementSample {
            service: ServiceId(0),
            cluster: ClusterId(0),
            target: replicas,
            ready: replicas,
            pending: 0,
            starting: 0,
            cpu_seconds: f64::NAN,
            offered: None,
            served: None,
            backlog: f64::NAN,
            latency_own: None,
        };
        let cost = world_s.powi(2) - began_s.powi(2);
        let cluster = ClusterSample { cost, ..synthetic::cluster_sample(0, u64::from(second), false) };
        Sample {
            at: Time(u64::from(second) * 1_000_000_000),
            services: vec![service],
            placements: vec![placement],
            clusters: vec![cluster],
            tasks: None,
        }
    }

    fn record(self, dir: PathBuf) -> RunRecord {
        let known = synthetic::known();
        fs::create_dir(&dir).expect("makes");
        fs::write(dir.join(DECISIONS), self.decisions()).expect("writes");
        let file = File::create(dir.join(SERIES)).expect("creates");
        let mut series = SeriesWriter::new(file, known.clone()).expect("starts");
        for second in (0..=self.lasts_s[0]).step_by(STEP_S as usize) {
            series.push(&self.sample(second)).expect("writes");
        }
        series.finish().expect("ends");
        let mut summary = Summary::new(&known, &Totals::default(), &Counts::default());
        let gateway = json!({
            "service": "gateway", "entry": true, "requests_offered": 0.0, "requests_served": null, "requests_dropped": null,
            "requests_backlog": null, "replica_hours": 0.0, "cpu_hours": null,
        });
        summary.by_service = vec![serde_json::from_value(gateway).expect("is one")];
        let mut header = synthetic::header(Behaviour { policy: "rate", headroom: 1.0, lag: 0 }, None, 1);
        header.resolved["control"] = json!({"every": format!("{STEP_S} s")});
        header.live = self.began_s.map(|began_s| LiveHeader {
            mode: "live".to_owned(),
            connection: "live.yaml".to_owned(),
            started_at_s: WORLD_S + f64::from(began_s),
        });
        let manifest = Manifest { header, program: Program::this(), records: BTreeMap::new() };
        RunRecord { dir, manifest, summary, timing: Timing::default() }
    }
}

fn difference(runs: [Run; 2]) -> Difference {
    let home = tempfile::tempdir().expect("a temporary directory");
    let [left, right] = [("left", runs[0]), ("right", runs[1])].map(|(name, run)| run.record(home.path().join(name)));
    compare(&left, &right).expect("reads")
}

/// When a side decided what it wants, and how many replicas that is.
type Decided = Option<(f64, u32)>;

/// When they part, and what each of them wants then.
fn parted(difference: &Difference) -> Option<(f64, [Decided; 2])> {
    let divergence = difference.divergence.as_ref()?;
    let [Parting { left, right, .. }] = &divergence.services[..] else { panic!("{divergence:?}") };
    let sides = [left, right].map(|side| side.as_ref().map(|side| (side.at_s, side.service.target["edge-1"])));
    Some((divergence.at_s, sides))
}

fn figures(difference: &Difference, name: &str) -> [Option<f64>; 2] {
    let pair = difference.consequences.iter().find(|pair| pair.name == name).expect("is compared");
    [pair.left, pair.right]
}

/// The right began 20 s later, or earlier; or it is a forecast, and the real run first decided after 12.4 s.
#[test]
fn runs_that_want_the_same_do_not_part_whenever_they_began() {
    let later = [real(0, 0.3, busy), real(20, 0.4, busy)];
    let late = [forecast(busy), real(0, 12.4, busy)];
    for [one, other] in [later, late] {
        for runs in [[one, other], [other, one]] {
            let found = difference(runs);
            assert_eq!(parted(&found), None, "{runs:?}");
            assert!(found.consequences.is_empty(), "{runs:?}");
        }
    }
}

/// They part at second 60 of the world and share it until second 100. In each of 65, 70, ..., 100, five seconds with as many
/// requests: 5 · 660. Cost: 100² − 60².
#[test]
fn what_followed_is_measured_over_the_same_time_in_the_world() {
    let (early, late) = (real(0, 0.3, busy), real(20, 0.4, eager));
    let found = difference([early, late]);
    assert_eq!(parted(&found), Some((60.0, [Some((30.0, 3)), Some((60.0, 4))])));
    assert_eq!(figures(&found, "mean ready replicas"), [Some(3.0), Some(4.0)]);
    // The same on the clock of the one that began later.
    let turned = difference([late, early]);
    assert_eq!(parted(&turned), Some((40.0, [Some((40.0, 4)), Some((10.0, 3))])));
    assert_eq!(figures(&turned, "mean ready replicas"), [Some(4.0), Some(3.0)]);
    for found in [found, turned] {
        assert_eq!(figures(&found, "requests served"), [Some(3_300.0); 2]);
        assert_eq!(figures(&found, "cost"), [Some(6_400.0); 2]);
        assert_eq!(figures(&found, "time over the SLO"), [None; 2], "nobody measured it");
    }
}

/// What one wanted before the other had decided is what it wants when the other has.
#[test]
fn runs_that_never_want_the_same_part_when_both_have_decided() {
    let (early, late) = (real(0, 0.3, generous), real(20, 0.4, busy));
    assert_eq!(parted(&difference([early, late])), Some((20.0, [Some((5.0, 3)), Some((20.0, 2))])));
    assert_eq!(parted(&difference([late, early])), Some((0.0, [Some((0.0, 2)), Some((-15.0, 3))])));
    // 12.4 s is nearest to the tick at 10 s.
    let (foreseen, slow) = (forecast(busy), real(0, 12.4, generous));
    assert_eq!(parted(&difference([foreseen, slow])), Some((10.0, [Some((5.0, 2)), Some((10.0, 3))])));
    assert_eq!(parted(&difference([slow, foreseen])), Some((10.0, [Some((10.0, 3)), Some((5.0, 2))])));
}

#[test]
fn a_run_that_never_decides_is_not_said_to_want_the_same() {
    let (early, mute) = (real(0, 0.3, busy), real(20, f64::from(RUN_S), busy));
    assert_eq!(parted(&difference([early, mute])), Some((20.0, [Some((5.0, 2)), None])));
    assert_eq!(parted(&difference([mute, early])), Some((0.0, [None, Some((-15.0, 2))])));
    assert_eq!(parted(&difference([forecast(busy), mute])), Some((0.0, [Some((0.0, 1)), None])));
    assert_eq!(parted(&difference([mute, mute])), None);
}

#[test]
fn a_service_that_one_side_alone_knows_is_found_when_both_have_decided() {
    let decision = |at_s: f64, names: &[&str]| -> DecisionRead {
        let services: Vec<Value> = names.iter().map(|name| json!({"service": name})).collect();
        serde_json::from_value(json!({"at_s": at_s, "decision": 0, "services": services})).expect("is one")
    };
    let sides = [vec![decision(0.0, &["gateway", "store"])], vec![decision(20.0, &["gateway"])]];
    let found = divergence(sides, 20.0).expect("they part");
    let [Parting { service, left: Some(_), right: None }] = &found.services[..] else { panic!("{found:?}") };
    assert_eq!((found.at_s, service.as_str()), (20.0, "store"));
}

/// A forecast of ten minutes that is measured all the time.
fn foreseen(wish: fn(f64) -> u32) -> Run {
    Run { lasts_s: [600; 2], latency_s: 600, ..forecast(wish) }
}

/// For more than a tenth of the time nobody measured the real run: what it served from the start to the end is not known, and not
/// less.
#[test]
fn an_outage_of_the_telemetry_is_no_difference() {
    let served = |measured_s: u32| {
        let found = difference([foreseen(generous), Run { lasts_s: [600, measured_s], ..real(0, 0.0, busy) }]);
        assert!(figures(&found, "cost").iter().all(Option::is_some));
        figures(&found, "requests served").map(|served| served.is_some())
    };
    assert_eq!([served(600), served(550), served(500)], [[true, true], [true, true], [true, false]]);
}

/// They part after a minute, ten seconds after the last measurement of the real run.
#[test]
fn what_followed_a_parting_within_an_outage_is_not_known() {
    let found = difference([foreseen(busy), Run { lasts_s: [600, 50], latency_s: 50, ..real(0, 0.0, eager) }]);
    assert_eq!(parted(&found), Some((60.0, [Some((30.0, 3)), Some((60.0, 4))])));
    for name in ["requests served", "time over the SLO"] {
        let [left, right] = figures(&found, name);
        assert!(left.is_some() && right.is_none(), "{name}: {right:?}");
    }
    assert_eq!(figures(&found, "mean ready replicas"), [Some(3.0), Some(4.0)]);
}

/// After second 300 nobody measures answers and latency: of a service that nobody calls, there are none. Until then it serves
/// 5 · (5 + 10 + ... + 300) requests, and is over the SLO for half of the time.
#[test]
fn a_service_that_nobody_calls_has_nothing_unknown() {
    let quiet = Run { lasts_s: [600, 300], latency_s: 300, called_s: 300, ..real(0, 0.0, busy) };
    let found = difference([foreseen(generous), quiet]);
    assert_eq!(figures(&found, "time over the SLO"), [Some(0.5), Some(0.25)]);
    assert_eq!(figures(&found, "requests served")[1], Some(45_750.0));
    let slow = Run { lasts_s: [600; 2], called_s: u32::MAX, ..quiet };
    let found = difference([foreseen(generous), slow]);
    assert_eq!(
        figures(&found, "time over the SLO"),
        [Some(0.5), None],
        "it was called, and nobody knows how late it was"
    );
    assert!(figures(&found, "requests served")[1].is_some());
}

/// The right began 100 s after the end of the left: each counts from its own start. 5 · (5 + 10 + ... + 100) requests there, and 200
/// more a second here; 100² and 300² − 200² $.
#[test]
fn runs_that_share_no_time_are_compared_from_their_own_starts() {
    let (early, late) = (real(0, 0.3, busy), real(200, 0.4, busy));
    let found = difference([early, late]);
    assert_eq!((found.apart_s, parted(&found)), (Some(200.0), Some((0.0, [Some((0.0, 1)), Some((0.0, 3))]))));
    assert_eq!(figures(&found, "requests served"), [Some(5_250.0), Some(25_250.0)]);
    assert_eq!(figures(&found, "cost"), [Some(10_000.0), Some(50_000.0)]);
    let turned = difference([late, early]);
    assert_eq!((turned.apart_s, parted(&turned)), (Some(-200.0), Some((0.0, [Some((0.0, 3)), Some((0.0, 1))]))));
    assert_eq!(figures(&turned, "cost"), [Some(50_000.0), Some(10_000.0)]);
    for (began_s, apart_s) in [(95, None), (100, Some(100.0))] {
        assert_eq!(difference([early, real(began_s, 0.4, busy)]).apart_s, apart_s, "{began_s}");
    }
}

#[test]
fn a_parting_after_the_end_of_the_shorter_run_has_no_figures() {
    let longer = Run { lasts_s: [200; 2], ..forecast(late) };
    let found = difference([forecast(busy), longer]);
    assert_eq!(parted(&found), Some((150.0, [Some((30.0, 3)), Some((150.0, 4))])));
    assert_eq!(found.consequences.len(), 6);
    for pair in &found.consequences {
        assert_eq!([pair.left, pair.right, pair.difference], [None; 3], "{}", pair.name);
    }
}
