//! The shipped scenarios load, say what they ask, and echo every default; variants and `--set` change them.

use smo::input::{Loaded, Request, load};
use smo::model::cluster::ACCELERATOR_LABEL;
use smo::units::Span;
use std::path::{Path, PathBuf};

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

fn loaded(name: &str, request: &Request) -> Loaded {
    load(&scenario(name), request).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn variant(name: &str) -> Request {
    Request { variant: Some(name.to_owned()), ..Request::default() }
}

fn set(pairs: &[(&str, &str)]) -> Request {
    let owned = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
    Request { set: pairs.iter().map(owned).collect(), ..Request::default() }
}

/// Goal: whoever runs a shipped scenario meets no mistake, in any of its variants.
#[test]
fn every_shipped_scenario_loads_in_every_variant() {
    let classics = ["steady", "daily", "weekly", "flash-crowd", "noisy", "cluster-loss", "price-swing", "multi-tenant"];
    let classics = classics.map(|name| format!("classic/{name}.yaml"));
    let names = ["quickstart.yaml", "flash-crowd.yaml", "cluster-loss.yaml"];
    for name in names.into_iter().chain(classics.iter().map(String::as_str)) {
        let base = loaded(name, &Request::default());
        assert!(base.question.ends_with('?'), "{name} asks no question: {}", base.question);
        assert!(!base.expect.is_empty(), "{name} expects nothing");
        for one in &base.variants {
            loaded(name, &variant(one));
        }
    }
}

#[test]
fn scenarios_on_real_data_load_where_the_data_is() {
    let Some(folder) = std::env::var_os("SMO_DATA_DIR").filter(|folder| Path::new(folder).is_dir()) else {
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("skipped: SMO_DATA_DIR is not set to a folder, so scenarios/real is not loaded");
        }
        return;
    };
    for name in ["real/nasa-peak-day.yaml", "real/azure-llm.yaml", "real/wikipedia.yaml"] {
        let base = loaded(name, &Request::default());
        assert!(!base.expect.is_empty(), "{name} expects nothing");
        let trace = base.inputs.last().expect("a trace is read");
        assert!(trace.path.starts_with("${SMO_DATA_DIR}/"), "{} names {}", trace.path, folder.display());
        for one in &base.variants {
            loaded(name, &variant(one));
        }
    }
}

/// Goal: a real scenario without its data says which variable to set. Only where the variable is not set, since a process
/// has one environment.
#[test]
fn a_variable_that_is_not_set_is_named() {
    if std::env::var_os("SMO_DATA_DIR").is_some() {
        return;
    }
    let error = load(&scenario("real/wikipedia.yaml"), &Request::default()).expect_err("the data cannot be found");
    assert!(error.to_string().contains("export SMO_DATA_DIR="), "{error}");
}

#[test]
fn what_a_scenario_leaves_out_is_echoed() {
    let resolved = loaded("quickstart.yaml", &Request::default()).resolved();
    let echoed = |pointer: &str| resolved.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not echoed")).clone();
    assert_eq!(echoed("/control/every"), "15 s");
    assert_eq!(echoed("/telemetry/jitter"), "15 s");
    assert_eq!(echoed("/platform/loss_noticed_after"), "40 s");
    assert_eq!(echoed("/inventory/clusters/0/pools/0/pods"), 110);
    assert_eq!(echoed("/inventory/clusters/0/speed"), "1");
    assert_eq!(echoed("/application/services/0/slo/latency"), "500 ms");
    assert_eq!(echoed("/application/services/0/drain"), "30 s");
    assert_eq!(echoed("/application/services/1/capacity/by_class/edge/alpha"), 26.0);
    assert_eq!(echoed("/traces/0/scale"), "1");
}

/// Goal: a resolved scenario is a scenario: what the manifest holds can be run again without the files it came from.
#[test]
fn a_resolved_scenario_loads_again_and_resolves_to_itself() {
    let first = loaded("cluster-loss.yaml", &Request::default());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(place("scenarios")).expect("a folder can be made");
    std::fs::create_dir_all(place("traces")).expect("a folder can be made");
    std::fs::copy(scenario("../traces/day.csv.gz"), place("traces/day.csv.gz")).expect("the trace is shipped");
    let text = serde_json::to_string_pretty(&first.resolved()).expect("JSON is text");
    std::fs::write(place("scenarios/copy.yaml"), text).expect("a file can be written");
    let second = load(&place("scenarios/copy.yaml"), &Request::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(first.resolved(), second.resolved());
}

#[test]
fn variants_and_set_change_what_they_name_and_nothing_else() {
    let base = loaded("flash-crowd.yaml", &Request::default());
    let warm = loaded("flash-crowd.yaml", &variant("warm_cloud"));
    let nodes = |loaded: &Loaded| -> Vec<u32> {
        let clusters = loaded.scenario.known.clusters.values();
        clusters.flat_map(|cluster| cluster.pools.values().map(|pool| pool.nodes)).collect()
    };
    assert_eq!((nodes(&base), nodes(&warm)), (vec![1, 1, 1], vec![1, 1, 4]));
    assert_eq!(base.scenario.truth, warm.scenario.truth);

    let request = set(&[
        ("telemetry.loss", "10 %"),
        ("inventory.clusters.edge-2.enabled", "false"),
        ("application.services.detector.replicas", "{initial: 7, max: 9}"),
        ("truth.all.capacity_factor", "80 %"),
        ("traces.0.scale", "2"),
    ]);
    let changed = loaded("flash-crowd.yaml", &Request { until: Some(Span::seconds(60)), ..request });
    let world = &changed.scenario;
    assert_eq!(world.telemetry.loss.0, 100_000);
    assert_eq!(world.known.clusters.len(), 2);
    let detector = world.known.application.service("detector").expect("the detector is there");
    let service = &world.known.application.services[detector];
    assert_eq!((service.replicas, service.replicas_min, service.replicas_max), (7, 1, 9));
    assert_eq!(world.until, Some(Span::seconds(60)));
    // Believed 25 and true 0.8 · 25 = 20 requests/s for one more replica.
    let alpha = |capacity: &smo::model::Capacity| match capacity {
        smo::model::Capacity::Linear { alpha, .. } => *alpha,
        smo::model::Capacity::Usl { .. } => panic!("the detector scales linearly"),
    };
    assert!((alpha(&service.capacity.default) - 25.0).abs() < 1e-9);
    assert!((alpha(&world.truth[detector].capacity.default) - 20.0).abs() < 1e-9);
    assert!(changed.notes.iter().any(|note| note.contains("true capacity of all differs")), "{:?}", changed.notes);
}

/// Zurich's users are 13 ms from Belgium and 5 ms from Milan; without their own cluster, Milan's is nearest: 8 + 5 ms.
#[test]
fn users_of_a_cluster_that_is_switched_off_go_to_the_nearest_one() {
    let request = set(&[("inventory.clusters.edge-2.enabled", "false")]);
    let loaded = loaded("quickstart.yaml", &request);
    let known = &loaded.scenario.known;
    let zurich = &known.network.origins[1];
    let local = zurich.local.expect("there is a nearest cluster");
    assert_eq!(known.clusters[local].name, "edge-1");
    assert_eq!(zurich.rtt[local], Span(13_000_000));
    let shares: u64 = known.network.origins.iter().map(|origin| origin.share.0).sum();
    assert_eq!(shares, 1_000_000);
}

#[test]
fn faults_of_what_is_switched_off_are_left_out_and_noted() {
    let request = set(&[("inventory.clusters.edge-1.enabled", "false")]);
    let loaded = loaded("cluster-loss.yaml", &request);
    assert!(loaded.scenario.faults.is_empty());
    assert!(loaded.notes.iter().any(|note| note.contains("cluster edge-1")), "{:?}", loaded.notes);
}

#[test]
fn gpu_kinds_join_services_to_pools() {
    let request = set(&[
        ("inventory.clusters.cloud-1.pools.main.gpu", "{kind: nvidia-l4, count: 2}"),
        ("application.services.image-detection.gpu", "{kind: nvidia-l4}"),
    ]);
    let loaded = loaded("quickstart.yaml", &request);
    let known = &loaded.scenario.known;
    let detector = known.application.services.values().nth(2).expect("the detector is the third service");
    assert_eq!(detector.request.gpu, 1_000);
    assert_eq!(detector.terms.selector[ACCELERATOR_LABEL], "nvidia-l4");
    let fits: Vec<bool> =
        known.clusters.values().map(|one| detector.terms.room_max(one, detector.request).is_ok()).collect();
    assert_eq!(fits, [false, false, true]);
}

#[test]
fn inputs_are_named_as_written_and_hashed() {
    let loaded = loaded("quickstart.yaml", &Request::default());
    let names: Vec<&str> = loaded.inputs[1..].iter().map(|input| input.path.as_str()).collect();
    assert_eq!(
        names,
        ["inventories/edge-cloud.yaml", "applications/image-detection.hdag.yaml", "../traces/day.csv.gz"]
    );
    assert!(loaded.inputs.iter().all(|input| input.sha256.len() == 64 && input.bytes > 0));
}

/// Goal: an editor that completes by the schema completes every key, each with its documentation.
#[test]
fn the_schema_describes_every_key() {
    fn walk(schema: &serde_json::Value, path: &str, keys: &mut usize) {
        if let Some(properties) = schema.get("properties").and_then(|value| value.as_object()) {
            for (key, value) in properties {
                assert!(value.get("description").is_some(), "{path}/{key} has no description");
                *keys += 1;
            }
        }
        match schema {
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"), keys));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| walk(value, path, keys)),
            _ => {}
        }
    }
    let schema = smo::input::schema();
    let mut keys = 0;
    walk(&schema, "", &mut keys);
    assert!(keys > 100, "only {keys} keys are described");
    for schema in [smo::input::suite::schema(), smo::input::gate::schema()] {
        walk(&schema, "", &mut keys);
    }
    assert_eq!(schema.pointer("/additionalProperties"), Some(&serde_json::Value::Bool(false)));
}
