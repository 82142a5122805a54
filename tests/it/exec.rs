//! Policies that are programs of the user's: what they are told, what they may say, and what becomes of those that fail.

use crate::program::{scratch, smo};
use crate::worlds;
use smo::model::{Plan, Snapshot, check};
use smo::policy::{Budget, Policy, PolicySpec};
use smo::seed::Seed;
use std::path::Path;

const EXAMPLE: &str = "scenarios/policies/by_rate.py";

fn policy(text: &str) -> Box<dyn Policy> {
    text.parse::<PolicySpec>().unwrap_or_else(|error| panic!("{text}: {error}")).build().unwrap()
}

fn decide(policy: &mut dyn Policy, snapshot: &Snapshot) -> Result<Plan, String> {
    let plan = policy.decide(snapshot, &Budget::default(), &mut Seed(1).stream("policy", 0));
    plan.map_err(|error| error.to_string())
}

/// A program in Python that answers the introduction, and each decision by the expression `answer` of `seen` and `count`.
fn python(stateful: bool, answer: &str) -> String {
    let head = "import json, sys\nsys.stdin.readline()\n";
    let hello = format!("print('{{\"stateful\": {stateful}}}', flush=True)\n");
    let body = format!(
        "for count, line in enumerate(sys.stdin):\n    seen = json.loads(line)\n    print(json.dumps({answer}), flush=True)"
    );
    format!("exec:timeout=20s,python3 -c '{}'", format!("{head}{hello}{body}").replace('\'', "'\\''"))
}

/// One service of one replica, two clusters.
fn small() -> Snapshot {
    let clusters = vec![worlds::cluster("near", 2, 4.0, 16), worlds::cluster("far", 2, 4.0, 16)];
    worlds::world(clusters, vec![worlds::service("web", worlds::request(1.0, 1), 1)])
}

#[test]
fn the_example_that_ships_makes_sound_plans_in_random_worlds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    for seed in 0..64 {
        let snapshot = worlds::random(seed);
        let mut policy = policy(&format!("exec:timeout=20s,python3 {}", path.display()));
        let plan = decide(&mut *policy, &snapshot).unwrap();
        let found = check::violations(&snapshot, &plan);
        assert!(found.is_empty(), "world {seed}: {found:?}");
    }
}

#[test]
fn a_program_runs_a_scenario_and_the_run_can_be_replayed() {
    let scratch = scratch();
    let policy = format!("exec:timeout=20s,python3 {EXAMPLE}");
    let arguments = ["simulate", "scenarios/quickstart.yaml", "--policy", &policy, "--seeds", "1", "--until", "2h"];
    let said = smo(scratch.path(), arguments).well();
    assert!(said.out.contains("exec:timeout=20s,python3"), "{}", said.out);
    let said = smo(scratch.path(), ["replay", "runs/quickstart"]).well();
    assert!(said.out.contains("identical"), "{}", said.out);
}

#[test]
fn an_answer_is_the_whole_wish_by_name() {
    let target = r#"{"targets": [{"service": "web", "cluster": "far", "replicas": 2 + count}]}"#;
    let mut policy = policy(&python(false, target));
    let snapshot = small();
    for expected in [2, 3] {
        let plan = decide(&mut *policy, &snapshot).unwrap();
        assert_eq!(plan.targets, worlds::targets(&[(0, 1, expected)]));
        assert!(plan.refusals.is_empty());
    }
}

#[test]
fn a_program_sees_what_is_seen_and_null_for_what_is_not() {
    let target = r#"{"targets": [{"service": "web", "cluster": seen["clusters"][1]["name"],
        "replicas": 7 if seen["services"][0]["rate_per_s"] is None and seen["clusters"][0]["nodes"] == 2 else 1}]}"#;
    let mut policy = policy(&python(false, &target.replace('\n', " ")));
    let plan = decide(&mut *policy, &small()).unwrap();
    assert_eq!(plan.targets, worlds::targets(&[(0, 1, 7)]));
}

/// A stranger's unsound wish is found by the same checker as everybody's.
#[test]
fn an_unsound_wish_is_judged_like_any_other() {
    let target = r#"{"targets": [{"service": "web", "cluster": "near", "replicas": 99}]}"#;
    let snapshot = small();
    let plan = decide(&mut *policy(&python(false, target)), &snapshot).unwrap();
    let found = check::violations(&snapshot, &plan);
    assert!(matches!(found[..], [check::Violation::Overcommitted { .. }]), "{found:?}");
}

#[test]
fn a_fault_keeps_everything_and_says_why_and_the_third_in_a_row_ends_the_run() {
    for (command, said) in [
        ("timeout=100ms,cat >/dev/null", "did not answer within 0.1 s"),
        ("false", "ended (exit status: 1)"),
        ("yes", "cannot be read"),
        ("no-such-program-anywhere 2>/dev/null", "ended (exit status: 127)"),
    ] {
        let mut policy = policy(&format!("exec:{command}"));
        let mut snapshot = small();
        snapshot.targets = worlds::targets(&[(0, 0, 1)]);
        for _ in 0..2 {
            let plan = decide(&mut *policy, &snapshot).unwrap_or_else(|error| panic!("{command}: {error}"));
            assert_eq!(plan.targets, snapshot.targets, "{command}");
            assert!(plan.refusals[0].reason.contains(said), "{command}: {:?}", plan.refusals);
        }
        let error = decide(&mut *policy, &snapshot).unwrap_err();
        assert!(error.contains(said) && error.contains("failure 3 in a row"), "{command}: {error}");
    }
}

#[test]
fn what_names_nothing_or_names_it_twice_is_no_wish() {
    let target =
        |service: &str, cluster: &str| format!(r#"{{"service": "{service}", "cluster": "{cluster}", "replicas": 1}}"#);
    for (targets, said) in [
        (target("wbe", "near"), "no service is called `wbe`"),
        (target("web", "nowhere"), "no cluster is called `nowhere`"),
        (format!("{0}, {0}", target("web", "near")), "two targets for `web` in `near`"),
        (target("web", "near").replace("1}", "-1}"), "invalid value"),
        (target("web", "near").replace("replicas", "count"), "unknown field `count`"),
    ] {
        let plan = decide(&mut *policy(&python(false, &format!(r#"{{"targets": [{targets}]}}"#))), &small()).unwrap();
        assert!(plan.refusals[0].reason.contains(said), "{said}: {:?}", plan.refusals);
    }
}

/// A program that fails once is started again, and the run goes on.
#[test]
fn one_fault_is_forgiven() {
    let dies_second = r#"{"targets": []} if count == 0 else sys.exit(3)"#;
    let mut policy = policy(&python(false, dies_second));
    let mut snapshot = small();
    snapshot.targets = worlds::targets(&[(0, 0, 1)]);
    for round in 0..4 {
        let plan = decide(&mut *policy, &snapshot).unwrap();
        let kept = !plan.refusals.is_empty();
        assert_eq!(kept, round % 2 == 1, "round {round}: {:?}", plan.refusals);
    }
}

#[test]
fn a_fork_of_a_program_with_state_knows_what_the_first_one_knew() {
    let counts = r#"{"targets": [{"service": "web", "cluster": "near", "replicas": 1 + count}]}"#;
    for (stateful, expected) in [(true, 4), (false, 1)] {
        let mut first = policy(&python(stateful, counts));
        for _ in 0..3 {
            decide(&mut *first, &small()).unwrap();
        }
        let plan = decide(&mut *first.fork(), &small()).unwrap();
        assert_eq!(plan.targets, worlds::targets(&[(0, 0, expected)]), "stateful: {stateful}");
    }
}

#[test]
fn a_command_that_is_none_is_refused_before_anything_runs() {
    let scratch = scratch();
    for (policy, said) in [("exec:", "no command follows"), ("exec:timeout=soon,x", "soon")] {
        smo(scratch.path(), ["simulate", "scenarios/quickstart.yaml", "--policy", policy]).refused(2, said);
        assert!(!scratch.path().join("runs").exists());
    }
}
