//! `smo drill` and the library below it: a fork that is not disturbed changes nothing, losses do what arithmetic says, and the
//! least head-room that is told makes the drill pass.

use crate::program::{Said, smo};
use crate::world::{Kept, SEED, Scripted, at, cluster, known, load, scenario, service};
use serde_json::Value;
use smo::backend::sim::SimBackend;
use smo::drill::harm::harm;
use smo::drill::losses::{Kind, losses};
use smo::drill::{LOOK_EVERY, Past, Stage, Times};
use smo::model::fault::FaultTarget;
use smo::model::network::Routing;
use smo::model::task::TasksInMemory;
use smo::model::{ClusterId, Scenario};
use smo::run::Run;
use smo::units::Span;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const HOUR: u64 = 3_600;

/// A service of 10 requests/s a replica, two replicas in each of two clusters, calls shared by capacity.
fn even() -> Scenario {
    let mut world = scenario(vec![service("web", 10.0)], vec![], vec![cluster("a", 1), cluster("b", 1)]);
    known(&mut world).network.routing = Routing::ByCapacity;
    world
}

fn past(world: &Scenario, at_s: u64) -> Past {
    let stage = Stage {
        scenario: Arc::new(world.clone()),
        rates: Box::new(load(&[(0, 10)], 4 * HOUR)),
        tasks: Box::new(TasksInMemory::default()),
        policy: Box::new(Scripted(vec![(0, 0, 0, 2), (0, 0, 1, 2)])),
        seed: SEED,
    };
    stage.until(at(at_s)).unwrap().expect("the run is longer")
}

#[test]
fn the_future_in_which_nothing_is_lost_is_the_run_that_was_not_forked() {
    let mut world = even();
    let times = Times { lasts: Span::seconds(HOUR), until: Span::seconds(2 * HOUR) };
    let course = past(&world, HOUR).future(&[], times).live().unwrap();
    world.until = Some(Span::seconds(3 * HOUR));
    world.sample_every = Some(LOOK_EVERY);
    let rails = world.control.rails.clone();
    let backend = SimBackend::new(Arc::new(world), Box::new(load(&[(0, 10)], 4 * HOUR)), SEED).unwrap();
    let mut run = Run::new(backend, Box::new(Scripted(vec![(0, 0, 0, 2), (0, 0, 1, 2)])), rails, SEED);
    let totals = run.drive(None, &mut Kept::default()).unwrap().expect("it runs to its end");
    assert_eq!(course.totals, totals);
}

/// Half of 10 requests/s go to `b`; it is lost for 10 minutes and called lost 40 s later, when `a`, of 20 requests/s, takes
/// all. So 40 s · 5 /s = 200 requests are lost, and hardly one more is slow while `a` works for both; the SLO is broken for
/// 40 s: half of the requests are good, of 95 % that it demands. That is seen at the end of the first minute.
#[test]
fn a_loss_costs_what_arithmetic_says() {
    let past = past(&even(), HOUR);
    assert_eq!(past.at(), at(HOUR));
    let times = Times { lasts: Span::seconds(600), until: Span::seconds(HOUR) };
    let anyway = past.future(&[], times).live().unwrap();
    let course = past.future(&[FaultTarget::Cluster(ClusterId(1))], times).live().unwrap();
    let harm = harm(&anyway, &course, past.at());
    assert!((harm.slo_minutes - 40.0 / 60.0).abs() < 1e-3, "{harm:?}");
    assert!((200.0..202.0).contains(&harm.bad_requests), "{harm:?}");
    assert!(harm.unplaceable.abs() < 1e-9, "{harm:?}");
    assert_eq!(harm.recovery_minutes, Some(1.0), "{harm:?}");
}

#[test]
fn losses_are_every_cluster_region_and_link_and_their_pairs() {
    let mut clusters = vec![cluster("a", 1), cluster("b", 1), cluster("c", 1)];
    clusters[2].region = "b".to_owned();
    let world = scenario(vec![service("web", 10.0)], vec![], clusters);
    let names = |kinds: &[Kind], together| -> Vec<String> {
        losses(&world.known, kinds, together).into_iter().map(|loss| loss.name).collect()
    };
    assert_eq!(names(&[Kind::Cluster], 1), ["cluster a", "cluster b", "cluster c"]);
    assert_eq!(names(&[Kind::Region], 1), ["region a", "region b"]);
    assert_eq!(names(&[Kind::Link], 1), ["link a b", "link a c", "link b c"]);
    assert_eq!(names(&[Kind::Cluster], 2).len(), 3);
    // Both regions together are all clusters, which is no drill.
    assert!(names(&[Kind::Region], 2).is_empty());
}

/// Two equal clusters of six replicas of one core, 10 requests/s each: room for 120/s, of which each alone has 60 % of the 100/s
/// that come. `rate` with 20 % head-room wants 100 · 1.2 / 10 = 12 replicas.
fn two_clusters(directory: &Path) {
    fs::write(directory.join("load.csv"), "timestamp_s,service,requests_per_s\n0,web,100\n").unwrap();
    let cluster = |name: &str| {
        format!(
            "    - {{name: {name}, region: {name}, pools: [{{name: main, cpu: 2, memory: 8 GiB, nodes: 3, price_per_hour: 1 $}}]}}\n"
        )
    };
    let text = format!(
        "question: Is one of two enough?\n\
         application:\n  name: web\n  services:\n    - {{name: web, cpu: 1, memory: 1 GiB, replicas: {{initial: 12, min: 1, max: 40}}, \
         capacity: {{alpha: 10, beta: 0}}, slo: {{latency: 1 s, share: 95 %}}, start: 5 s}}\n\
         inventory:\n  clusters:\n{}{}\
         traces: [{{file: load.csv, last: 6 h}}]\n\
         network: {{routing: by_capacity}}\n\
         policies: [\"spread+rate:headroom=20%\"]\n\
         seeds: 2\nuntil: 4 h\n",
        cluster("a"),
        cluster("b")
    );
    fs::write(directory.join("two.yaml"), text).unwrap();
}

fn drill(directory: &Path, more: &[&str]) -> Said {
    smo(directory, ["drill", "two.yaml", "--at", "1h"].iter().chain(more))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

/// With one cluster left, 100/s need more than ten replicas (ten are busy all the time), so six nodes of two: three more in
/// each, since either may be lost. Four or five more are too few in sum, and three and three are six.
#[test]
fn the_least_head_room_is_what_arithmetic_says_and_makes_the_drill_pass() {
    let scratch = tempfile::tempdir().unwrap();
    two_clusters(scratch.path());
    drill(scratch.path(), &["--check", "--no-search"]).refused(3, "");
    let found = json(&drill(scratch.path(), &["--format", "json"]).well());
    let one = &found["drills"][0];
    assert_eq!(one["passes"], false);
    assert_eq!(one["losses"].as_array().unwrap().len(), 2);
    assert_eq!(one["head_room"]["nodes_more"], serde_json::json!({"a/main": 3, "b/main": 3}), "{one:#}");
    assert_eq!(one["head_room"]["proof"], "no_better_step");
    let mut pasted = vec!["--check", "--no-search"];
    for set in one["head_room"]["set"].as_array().unwrap() {
        pasted.extend(["--set", set.as_str().unwrap()]);
    }
    let said = drill(scratch.path(), &pasted).well();
    assert!(said.out.contains("Passes for spread+rate"), "{}", said.out);
    // One node less, and it does not.
    let less = [
        "--check",
        "--no-search",
        "--set",
        "inventory.clusters.a.pools.main.nodes=6",
        "--set",
        "inventory.clusters.b.pools.main.nodes=5",
    ];
    drill(scratch.path(), &less).refused(3, "");
}

#[test]
fn a_drill_is_the_same_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    two_clusters(scratch.path());
    let options = ["--no-search", "--lose", "cluster", "--lose", "link", "--format", "json"];
    let said = |threads: &str| drill(scratch.path(), &[&options[..], &["-j", threads]].concat()).well().out;
    let page = || fs::read(scratch.path().join("runs/two/drill.html")).unwrap();
    let (one, page_of_one) = (said("1"), page());
    assert_eq!((one, page_of_one), (said("2"), page()));
}

#[test]
fn a_drill_says_when_nothing_can_help_and_what_is_wrong_with_a_question() {
    let scratch = tempfile::tempdir().unwrap();
    two_clusters(scratch.path());
    let said = drill(scratch.path(), &["--pass", "recovery_minutes < 0.1", "--budget", "8"]).well();
    assert!(said.out.contains("No head-room was found"), "{}", said.out);
    drill(scratch.path(), &["--pass", "minutes < 5"]).refused(2, "figures of a drill are");
    drill(scratch.path(), &["--lose", "region", "-k", "2"]).refused(2, "nothing can be lost that leaves a cluster");
    smo(scratch.path(), ["drill", "two.yaml", "--at", "9h"]).refused(2, "the run ends before 9 h");
    smo(scratch.path(), ["drill", "two.yaml", "--at", "noon"]).refused(2, "or `worst`");
}
