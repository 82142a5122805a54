//! Rules, intents and conditions as they are written, in scenarios and descriptors: what they become, and what is refused.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use smo::input::hdag::{Trigger, parse};
use smo::input::intents::{CARBON_WEIGHT, LATENCY_WEIGHT, PRICE, ULTRALOW};
use smo::input::{InputError, Loaded, Request, load};
use smo::model::condition::{Condition, Expression, Over, Reading, Takes};
use smo::model::rules::{Demand, Domain, Rule, Weights};
use smo::model::{ClusterId, ServiceId};
use smo::units::{Money, Ratio, Span};

const A: ServiceId = ServiceId(0);
const B: ServiceId = ServiceId(1);
const C: ServiceId = ServiceId(2);

/// Three clusters, the first two 6 ms apart, the third 20 ms from both: a hop is 20 ms.
const WORLD: &str = "\
question: Where to?
inventory:
  clusters:
    - {name: one, region: here, labels: {trusted: 'yes'}, pools: [{name: main, cpu: 8, memory: 32 GiB, nodes: 2}]}
    - {name: two, region: here, pools: [{name: main, cpu: 8, memory: 32 GiB, nodes: 2}]}
    - {name: three, region: there, pools: [{name: main, cpu: 8, memory: 32 GiB, nodes: 2}]}
network:
  pairs:
    - {between: [one, two], rtt: 6 ms}
    - {between: [one, three], rtt: 20 ms}
    - {between: [two, three], rtt: 20 ms}
  origins: [{name: city, share: 100 %, local: one, access_rtt: 4 ms}]
traces: [{file: load.csv, service: a}]
policies: [greedy]
";

/// Services a, b and c as a scenario has them; `{min: 2}` replicas of b.
const NATIVE: &str = "\
application:
  services:
    - {name: a, cpu: 1, memory: 1 GiB, capacity: 10 /s}
    - {name: b, cpu: 1, memory: 1 GiB, capacity: 10 /s, replicas: {min: 2}}
    - {name: c, cpu: 1, memory: 1 GiB, capacity: 10 /s, pinned: true}
  calls: [{from: a, to: b}, {from: b, to: c}]
";

fn read(files: &[(&str, String)], request: &Request) -> Result<Loaded, InputError> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let all = files.iter().cloned();
    for (name, text) in all.chain([("load.csv", "timestamp_s,service,requests_per_s\n0,a,1\n60,a,1\n".to_owned())]) {
        std::fs::write(folder.path().join(name), text).expect("a file can be written");
    }
    load(&folder.path().join("scenario.yaml"), request)
}

#[track_caller]
fn good(text: &str) -> Loaded {
    read(&[("scenario.yaml", text.to_owned())], &Request::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    let error = read(&[("scenario.yaml", text.to_owned())], &Request::default()).expect_err(text);
    error.to_string().replace("\n  ", "; ")
}

fn hard(rule: Rule) -> Demand {
    Demand { rule, price: None }
}

#[test]
fn rules_and_objective_are_read_from_application_and_scenario() {
    let text = format!(
        "{WORLD}{NATIVE}  rules: [{{together: [a, b]}}]\n  objective: {{carbon: 0.5, moves: 0.1}}\n\
         rules:\n  - {{spread: {{service: b, over: region, at_least: 2}}, price: 0.10 $}}\n  \
         - {{share: {{service: b, at_most: 50 %}}}}\n  - {{survive: {{service: b, at_least: 1}}}}\n  \
         - {{near_users: {{service: a, rtt_max: 10 ms}}}}\n  - {{near: {{from: a, to: b, rtt_max: 6 ms}}}}\n  \
         - frozen: c\n  - budget: 12 $\n  - apart: [a, c]\nobjective: {{carbon: 1}}\n"
    );
    let rules = good(&text).scenario.known.rules.clone();
    let wanted = [
        hard(Rule::Together(vec![A, B])),
        Demand { rule: Rule::Spread { service: B, over: Domain::Region, at_least: 2 }, price: Some(Money(0.1)) },
        hard(Rule::Share { service: B, over: Domain::Cluster, at_most: Ratio(500_000) }),
        hard(Rule::Survive { service: B, over: Domain::Cluster, at_least: 1 }),
        hard(Rule::NearUsers { service: A, rtt_max: Span(10_000_000) }),
        hard(Rule::Near { from: A, to: B, rtt_max: Span(6_000_000) }),
        hard(Rule::Frozen(C)),
        hard(Rule::Budget(Money(12.0))),
        hard(Rule::Apart(vec![A, C])),
    ];
    assert_eq!(rules.demands, wanted);
    assert_eq!(rules.weights, Weights { carbon: 1.0, moves: 0.1, ..Weights::default() });
}

#[test]
fn variants_and_set_reach_rules() {
    let text = format!(
        "{WORLD}{NATIVE}rules: [{{survive: {{service: b, at_least: 1}}}}]\nvariants: {{carbon: {{objective.carbon: 2}}}}\n"
    );
    let request = Request {
        set: vec![("rules.0.survive.over".to_owned(), "region".to_owned())],
        variant: Some("carbon".to_owned()),
        ..Request::default()
    };
    let rules = read(&[("scenario.yaml", text)], &request).expect("it is good").scenario.known.rules.clone();
    assert_eq!(rules.demands, [hard(Rule::Survive { service: B, over: Domain::Region, at_least: 1 })]);
    assert!((rules.weights.carbon - 2.0).abs() < 1e-12);
}

#[test]
fn rules_that_no_plan_can_keep_are_refused_with_place_and_remedy() {
    let cases: [(&str, &[&str]); 16] = [
        ("{together: [a, z]}", &["field `rules.0.together.1`: no service is called `z`", "services are `a`, `b`, `c`"]),
        ("{together: [a]}", &["one service alone"]),
        ("{apart: [a, a]}", &["`a` stands here twice"]),
        ("{together: [a, b], apart: [a, b]}", &["a rule says one thing"]),
        ("{price: 1 $}", &["a rule says one thing"]),
        ("{sprad: {service: a, at_least: 1}}", &["no such key", "did you mean `spread`?"]),
        ("{spread: {service: a, at_least: 4}}", &["rules.0.spread.at_least`", "more than the 3", "at most 3"]),
        ("{spread: {service: a, over: region, at_least: 3}}", &["3 regions are more than the 2"]),
        ("{share: {service: a, at_most: 0 %}}", &["rules.0.share.at_most`"]),
        ("{share: {service: a, at_most: 30 %}}", &["do not add up to all replicas", "write at least 0.333334"]),
        ("{survive: {service: a, at_least: 1}}", &["with its 1 replicas at least", "write `replicas: {min: 2}`"]),
        ("{survive: {service: a, at_least: 99}}", &["write fewer"]),
        ("{near_users: {service: a, rtt_max: 3 ms}}", &["no cluster is within 3 ms", "4 ms away"]),
        ("{near: {from: a, to: a, rtt_max: 3 ms}}", &["a service is always near itself"]),
        ("{budget: much}", &["rules.0.budget`: `much` is not"]),
        ("{survive: {service: c, at_least: 0}}", &["zero makes no sense"]),
    ];
    for (rule, words) in cases {
        let error = refused(&format!("{WORLD}{NATIVE}rules: [{rule}]\n"));
        for word in words {
            assert!(error.contains(word), "{rule}: wanted {word:?}: {error}");
        }
        assert!(error.contains("scenario.yaml: line 21"), "{rule}: {error}");
    }
    let both = refused(&format!("{WORLD}{NATIVE}rules: [{{together: [a, b, c]}}, {{apart: [b, c]}}]\n"));
    assert!(both.contains("field `rules.1`: `b` and `c` are to be together by another rule"), "{both}");
    let pinned = refused(&format!("{WORLD}{NATIVE}rules: [{{spread: {{service: c, at_least: 2}}}}]\n"));
    assert!(pinned.contains("`c` is pinned to one cluster; unpin it"), "{pinned}");
}

fn with_intents(intents: &str) -> Loaded {
    good(&format!("{WORLD}{NATIVE}  intents: {intents}\n"))
}

#[test]
fn intents_of_an_application_become_rules_terms_and_weights() {
    let rules = |intents: &str| with_intents(intents).scenario.known.rules.clone();
    assert_eq!(rules("{security: true}").demands, [hard(Rule::Together(vec![A, B, C]))]);
    let available = rules("{high_availability: true}").demands;
    let survive = hard(Rule::Survive { service: B, over: Domain::Cluster, at_least: 1 });
    assert_eq!(available, [hard(Rule::Frozen(A)), hard(Rule::Frozen(B)), survive, hard(Rule::Frozen(C))]);
    let fast = rules("{high_performance: true}");
    let near = |from, to| Demand { rule: Rule::Near { from, to, rtt_max: ULTRALOW }, price: Some(PRICE) };
    assert_eq!((fast.demands, fast.weights.latency), (vec![near(A, B), near(B, C)], LATENCY_WEIGHT));
    assert_eq!(rules("{energy_efficiency: true}").weights, Weights { carbon: CARBON_WEIGHT, ..Weights::default() });
    let trusted = with_intents("{security: trusted=yes}");
    let known = &trusted.scenario.known;
    assert_eq!(known.rules.demands, []);
    for declared in known.application.services.values() {
        let may = known.clusters.values().map(|cluster| declared.terms.room_max(cluster, declared.request).is_ok());
        assert_eq!(may.collect::<Vec<_>>(), [true, false, false], "{}", declared.name);
    }
    let wrong = refused(&format!("{WORLD}{NATIVE}  intents: {{security: 'a in b'}}\n"));
    assert!(wrong.contains("intents.security`: `a in b` is not a label selector"), "{wrong}");
}

/// A descriptor in which everything is wanted. The VO is near its device; tracker waits for it; a grounded graph is unknown.
const GRAPH: &str = "\
hdaGraph:
  id: harbour
  imVersion: 0.4.0
  version: 1.0.0
  designer: d
  description: t
  hdaGraphIntent: {highAvailability: {enabled: False}, energyEfficiency: {enabled: True}}
  services:
    - id: a
      artifact: {}
      deployment:
        trigger: {auto: {dependencies: []}}
        intent:
          network:
            deviceProximity: {enabled: True}
            latencies: [{connectionPoint: b, qos: ultralow}, {connectionPoint: c, qos: best-effort}]
          coLocation: [{id: b}, {id: 7, groundedGraphId: 0f6f3d2e-6d0a-4a52-9b7e-3f1d2c4b5a69}]
          connectionPoints: [b]
          metrics: [{id: fps, metricName: crane_frames_total}]
    - id: b
      artifact: {}
      deployment:
        trigger: {auto: {dependencies: [c]}}
        intent: {network: {latencies: [{connectionPoint: c, qos: low}]}, connectionPoints: [c]}
    - id: c
      artifact: {}
      deployment:
        trigger:
          event:
            condition: ANY
            events:
              - id: busy
                source: [{serviceId: a, metricId: fps}]
                condition: {promQuery: 'sum(rate(crane_frames_total[1m])) > 12', gracePeriod: 90s}
              - id: odd
                condition: {promQuery: 'predict_linear(x[1h], 3600) > 1', gracePeriod: 1m}
        intent: {}
";

fn described(graph: &str, beside: &str) -> Loaded {
    let text = format!("{WORLD}application: {{descriptor: graph.yaml, services: {{{beside}}}}}\n");
    let files = [("scenario.yaml", text), ("graph.yaml", graph.to_owned())];
    read(&files, &Request::default()).unwrap_or_else(|error| panic!("{error}"))
}

const CAPACITIES: &str = "a: {capacity: 9 /s}, b: {capacity: 9 /s}, c: {capacity: 9 /s}";

#[test]
fn intents_of_a_descriptor_act() {
    let loaded = described(GRAPH, CAPACITIES);
    let known = &loaded.scenario.known;
    let wanted = [
        hard(Rule::Near { from: A, to: B, rtt_max: ULTRALOW }),
        hard(Rule::Together(vec![A, B])),
        // 4 ms of access and 0.5 ms within a cluster or less: what the nearest cluster has.
        Demand {
            rule: Rule::NearUsers { service: A, rtt_max: known.network.rtt_from_users(ClusterId(0)) },
            price: Some(PRICE),
        },
        hard(Rule::Near { from: B, to: C, rtt_max: Span(20_000_000) }),
    ];
    assert_eq!(known.rules.demands, wanted);
    assert!((known.rules.weights.carbon - CARBON_WEIGHT).abs() < 1e-12);
    let noted = |words: &str| loaded.notes.iter().any(|note| note.contains(words));
    assert!(
        noted("service `7` of graph `0f6f3d2e-6d0a-4a52-9b7e-3f1d2c4b5a69` is not known here"),
        "{:?}",
        loaded.notes
    );
}

#[test]
fn events_of_a_descriptor_become_conditions_and_what_cannot_be_evaluated_is_noted() {
    let loaded = described(GRAPH, CAPACITIES);
    let conditions = &loaded.scenario.known.application.conditions;
    assert_eq!(conditions.iter().map(|(service, _)| *service).collect::<Vec<_>>(), [B, C]);
    // b depends on c, which is conditional: it waits for a replica of c.
    let (after, busy) = (&conditions[0].1, &conditions[1].1);
    assert_eq!((after.takes, after.events[0].condition.readings()), (Takes::All, vec![Reading::Replicas(C)]));
    assert_eq!((busy.takes, busy.events.len(), busy.events[0].grace), (Takes::Any, 1, Span::seconds(90)));
    let minute = Over::Last(Span::seconds(60));
    assert_eq!(busy.events[0].condition.readings(), [Reading::Requests(A, minute)]);
    let Condition::Compare(_, _, Expression::Number(threshold)) = &busy.events[0].condition else { panic!("compares") };
    assert!((threshold - 12.0).abs() < 1e-12);
    let noted = |words: &[&str]| loaded.notes.iter().any(|note| words.iter().all(|word| note.contains(word)));
    assert!(noted(&["graph.yaml: line 35", "this event is left out", "`predict_linear`"]), "{:?}", loaded.notes);

    let never = described(&GRAPH.replace("sum(rate(crane_frames_total[1m])) > 12", "x > 1"), CAPACITIES);
    assert!(never.scenario.known.application.conditions[1].1.events.is_empty());
    assert!(never.notes.iter().any(|note| note.contains("`c` is never started here")), "{:?}", never.notes);
    let said = CAPACITIES
        .replace("c: {capacity: 9 /s}", "c: {capacity: 9 /s, start_when: 'replicas_ready{service=\"a\"} >= 1'}");
    let over = described(&GRAPH.replace("sum(rate(crane_frames_total[1m])) > 12", "x > 1"), &said);
    assert_eq!(over.scenario.known.application.conditions[1].1.events[0].condition.readings(), [Reading::Replicas(A)]);
}

#[test]
fn conditions_are_resolved_by_names_labels_and_declarations() {
    let condition = |text: &str| {
        let service = format!("pinned: true, start_when: {text}");
        let loaded = good(&format!("{WORLD}{}", NATIVE.replace("pinned: true", &service)));
        loaded.scenario.known.application.conditions[0].1.events[0].condition.readings()
    };
    let over = |seconds| Over::Last(Span::seconds(seconds));
    let cases = [
        ("'rate(http_requests_total{service=\"a\"}[2m]) > 1'", vec![Reading::Requests(A, over(120))]),
        ("'sum(rate(container_cpu_usage_seconds_total{app=\"b\"}[1m])) > 1'", vec![Reading::Cpu(B, over(60))]),
        ("'kube_deployment_status_replicas_ready{deployment=\"b\"} > 1'", vec![Reading::Replicas(B)]),
        (
            "'histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket{service=\"a\"}[5m])) by (le)) > 1'",
            vec![Reading::Latency(A)],
        ),
        ("'latency_p95_ms{service=\"a\"} > 200'", vec![Reading::Latency(A)]),
        ("'absent(up{prometheus=\"two/kube-prometheus-operator\"})'", vec![Reading::Up(ClusterId(1))]),
        ("'absent(up{prometheus=\"kc1/kube-prometheus-operator\"})'", vec![]),
        (
            "{any: [{if: 'sum(rate(x[1m])) > 1 and y > 2', metrics: {x: {services: [a, b]}, y: {services: [b], measures: replicas}}}]}",
            vec![Reading::Requests(A, over(60)), Reading::Requests(B, over(60)), Reading::Replicas(B)],
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(condition(text), wanted, "{text}");
    }
    let wrong = |text: &str| {
        let service = format!("pinned: true, start_when: {text}");
        refused(&format!("{WORLD}{}", NATIVE.replace("pinned: true", &service)))
    };
    let cases = [
        ("'rate(x[1m]) > 1'", "whose `x` is meant, is not said"),
        ("'rate(x{service=\"z\"}[1m]) > 1'", "no service is called `z`"),
        ("'x{service=\"a\"} > 1'", "what `x` measures is not simulated"),
        ("'rate(x{service=\"a\"}) > 1'", "what `x` measures is not simulated, or not asked like this"),
        ("'rate(x{service=\"a\"}[1m] > 1'", "a `,` is missing"),
        ("'histogram_quantile(0.5, rate(x{service=\"a\"}[1m])) > 1'", "the quantile 0.5 is not seen"),
        ("{any: [], all: []}", "what is waited for is not clear"),
        ("'12'", "a number alone is no condition"),
        ("{any: [{if: 'rate(x[1m]) > 1', metrics: {x: {services: [a, b]}}}]}", "`x` is that of 2 services"),
    ];
    for (text, words) in cases {
        let error = wrong(text);
        assert!(error.contains(words) && error.contains("services.c.start_when"), "{text}: {error}");
    }
}

/// The original's descriptors among the public data: they load with all their services, and their events are read.
#[test]
fn the_descriptors_of_the_public_data_load() {
    let Some(data) = data_dir() else {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data");
        return;
    };
    let mut found = 0;
    for entry in std::fs::read_dir(data.join("multicluster_samples")).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !text.contains("hdaGraph:") {
            continue;
        }
        found += 1;
        let name = path.display().to_string();
        let (descriptor, _) = parse(text, &name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(descriptor.id, "image-detection-graph");
        let ids: Vec<&str> = descriptor.services.iter().map(|service| service.id.as_str()).collect();
        assert_eq!(ids, ["image-compression-vo", "noise-reduction", "image-detection"]);
        let Trigger::Event { events, .. } = &descriptor.services[0].deployment.trigger else { panic!("it waits") };
        assert_eq!(events[0].condition.grace_period, Span::seconds(120));
        let ours =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/applications/image-detection.hdag.yaml");
        let (shipped, _) = parse(std::fs::read_to_string(ours).expect("it ships"), "ours").expect("it is read");
        for (ours, theirs) in shipped.services.iter().zip(&descriptor.services) {
            assert_eq!((&ours.id, &ours.deployment.intent), (&theirs.id, &theirs.deployment.intent), "the quickstart");
        }
        // In a scenario: its VO starts when the monitoring of the cluster kc1 is absent, which here it always is.
        let capacities: Vec<String> = ids.iter().map(|id| format!("{id}: {{capacity: 9 /s}}")).collect();
        let world = WORLD.replace("service: a", "service: image-compression-vo");
        let scenario = format!("{world}application: {{descriptor: {name}, services: {{{}}}}}\n", capacities.join(", "));
        let loaded =
            read(&[("scenario.yaml", scenario)], &Request::default()).unwrap_or_else(|error| panic!("{error}"));
        let conditions = &loaded.scenario.known.application.conditions;
        assert_eq!((conditions.len(), conditions[0].0), (1, A));
        assert_eq!(conditions[0].1.events[0].condition.holds(&|_| None), Some(true));
        assert!(
            loaded.notes.iter().any(|note| note.contains("`up` of `kc1/kube-prometheus-operator`")),
            "{:?}",
            loaded.notes
        );
    }
    assert!(found >= 1, "no descriptor in {}", data.display());
}
