//! The parser on whole documents: every field, every kind of slip, hostile ones, and back again.

use super::{
    ArtifactKind, Combination, Descriptor, Implementer, Level, Note, OciRun, Size, Trigger, parse, ram_level,
    storage_level,
};
use crate::model::intent::Qos;
use crate::units::{Bytes, MilliCores, Span};

/// Every field of the information model, with a value that is not the default.
const FULL: &str = r#"
hdaGraph:
  imVersion: 0.4.0
  id: quay-cameras
  version: "2.3.1-rc.1+7"
  designer: Port Lab
  description: Cranes and who passes below them.
  hdaGraphIntent:
    useStaticPlacement: true
    security: {enabled: true}
    highAvailability: {enabled: "True"}
    highPerformance: {enabled: yes}
    energyEfficiency: {enabled: 1}
  services:
    - id: crane
      deployment:
        trigger: {auto: {dependencies: [filter]}}
        intent:
          network:
            deviceProximity: {enabled: true}
            latencies: [{connectionPoint: filter, qos: ultralow}]
          compute: {cpu: 750m, ram: 3Gi, storage: 5Gi, gpu: {enabled: "true"}}
          coLocation: [{id: 7, groundedGraphId: 0f6f3d2e-6d0a-4a52-9b7e-3f1d2c4b5a69}, {id: filter}]
          connectionPoints: [filter]
          metrics:
            - id: frames
              metricName: crane_frames_total
              selector: {app: crane}
              endpoint: {port: metrics, interval: 5s}
      artifact:
        ociImage: oci://reg.example:5000/port/crane
        ociConfig: {type: cVO, implementer: WOT}
        ociRun: {name: HELM, version: v3}
        valuesOverwrite: {voChartOverwrite: {replicas: 2, ratio: 0.5, on: true, none: null}, list: [1, -2]}
    - id: filter
      deployment:
        trigger:
          event:
            condition: ALL
            events:
              - id: busy
                source: [{serviceId: crane, metricId: frames}]
                condition: {promQuery: "sum(rate(crane_frames_total[1m])) > 12", gracePeriod: 1m30s, description: many}
        intent:
          compute: {cpu: large, ram: light, storage: medium, gpu: {enabled: false}}
      artifact:
        ociImage: oci://reg.example:5000/port/filter
        ociConfig: {type: App, implementer: HELM}
        valuesOverwrite: {}
"#;

fn read(text: &str) -> (Descriptor, Vec<Note>) {
    parse(text, "x.hdag.yaml").unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    parse(text, "x.hdag.yaml").expect_err("is refused").to_string().replace("\n  ", "; ")
}

/// A document with one service, whose `deployment` is given as flow YAML.
fn with_deployment(deployment: &str) -> String {
    let graph = "imVersion: 0.4.0, id: g, version: 1.0.0, designer: d, description: t";
    format!(
        "hdaGraph: {{{graph}, services: [\n{{id: a, artifact: {{}}, deployment: {deployment}}},\n{{id: b, artifact: {{}}}}]}}"
    )
}

fn notes(text: &str) -> Vec<String> {
    read(text).1.iter().map(ToString::to_string).collect()
}

#[test]
fn every_field_is_read() {
    let (graph, notes) = read(FULL);
    assert_eq!(notes, []);
    assert_eq!((graph.im_version.as_deref(), graph.id.as_str()), (Some("0.4.0"), "quay-cameras"));
    assert_eq!((graph.version.as_deref(), graph.designer.as_deref()), (Some("2.3.1-rc.1+7"), Some("Port Lab")));
    assert_eq!(graph.description.as_deref(), Some("Cranes and who passes below them."));
    let intent = graph.intent;
    assert!(intent.use_static_placement && intent.security.enabled && intent.high_availability.enabled);
    assert!(intent.high_performance.enabled && intent.energy_efficiency.enabled);
    let crane = graph.service("crane").expect("is there");
    assert_eq!(crane.deployment.trigger, Trigger::Auto { dependencies: vec!["filter".to_owned()] });
    let wants = &crane.deployment.intent;
    assert!(wants.network.device_proximity.enabled);
    assert_eq!(wants.network.latencies[0].qos, Qos::Ultralow);
    assert_eq!((wants.compute.cpu, wants.compute.ram), (Size::Amount(MilliCores(750)), Size::Amount(Bytes(3 << 30))));
    assert_eq!((wants.compute.storage_bytes(), wants.compute.gpu.enabled), (Bytes(5 << 30), true));
    assert_eq!((wants.co_location[0].id.as_str(), wants.co_location[1].grounded_graph_id.as_deref()), ("7", None));
    assert_eq!(wants.connection_points, ["filter"]);
    let metric = &wants.metrics[0];
    assert_eq!((metric.metric_name.as_str(), metric.selector["app"].as_str()), ("crane_frames_total", "crane"));
    let endpoint = metric.endpoint.as_ref().expect("is there");
    assert_eq!((endpoint.port.as_deref(), endpoint.interval), (Some("metrics"), Some(Span::seconds(5))));
    let artifact = crane.artifact.as_ref().expect("is there");
    assert_eq!(artifact.oci_image.as_deref(), Some("oci://reg.example:5000/port/crane"));
    let config = artifact.oci_config;
    assert_eq!(config.kind, Some(ArtifactKind::CompositeVirtualObject));
    assert_eq!(config.implementer, Some(Implementer::Wot));
    assert_eq!(artifact.oci_run, Some(OciRun { name: Some("HELM".into()), version: Some("v3".into()) }));
    let values = serde_json::json!({"voChartOverwrite": {"replicas": 2, "ratio": 0.5, "on": true, "none": null}, "list": [1, -2]});
    assert_eq!(serde_json::Value::Object(artifact.values_overwrite.clone()), values);
}

/// 1 GiB of memory, 10 GB of storage, one core.
#[test]
fn what_is_not_said_of_a_need_is_small() {
    let compute = "{intent: {compute: {cpu: large}}}";
    let text = format!("hdaGraph: {{id: g, services: [{{id: a, deployment: {compute}}}, {{id: b}}]}}");
    let (graph, _) = read(&text);
    let of = |name: &str| graph.service(name).expect("is there").deployment.intent.compute;
    let storage = storage_level(Level::Small).expect("small is one of its levels").1;
    assert_eq!(
        (of("a").cpu.cpu(), of("a").memory(), of("a").storage_bytes()),
        (MilliCores(8_000), Bytes(1 << 30), storage)
    );
    assert_eq!(
        (of("b").cpu.cpu(), of("b").memory(), of("b").storage_bytes()),
        (MilliCores(1_000), Bytes(1 << 30), storage)
    );
}

#[test]
fn events_and_levels_are_read() {
    let (graph, _) = read(FULL);
    let filter = graph.service("filter").expect("is there");
    let compute = &filter.deployment.intent.compute;
    assert_eq!(
        (compute.cpu, compute.cpu.cpu(), compute.memory()),
        (Size::Level(Level::Large), MilliCores(8_000), Bytes(500 << 20))
    );
    assert_eq!(ram_level(Level::Light).0, "500MiB");
    let Trigger::Event { condition, events } = &filter.deployment.trigger else { panic!("waits for an event") };
    assert_eq!((*condition, events[0].id.as_str()), (Combination::All, "busy"));
    assert_eq!((events[0].source[0].service_id.as_str(), events[0].source[0].metric_id.as_str()), ("crane", "frames"));
    let rule = serde_json::json!({
        "alert": "busy", "expr": "sum(rate(crane_frames_total[1m])) > 12", "for": "1m30s",
        "annotations": {"description": "many", "summary": "many"}, "labels": {"severity": "critical", "service": "filter"},
    });
    assert_eq!(events[0].alert_rule("filter"), rule);
}

#[test]
fn what_is_written_out_is_read_as_the_same_descriptor() {
    let (graph, _) = read(FULL);
    let written = graph.document().to_string();
    let (again, notes) = read(&written);
    assert_eq!((again, notes), (graph.clone(), Vec::new()));
    // As the original's interface takes it: the document inside of a JSON text.
    let wrapped = serde_json::to_string(&written).expect("text is JSON");
    assert_eq!(read(&wrapped).0, graph);
}

#[test]
fn triggers_come_in_many_forms() {
    for trigger in ["{}", "auto", "{type: standard}", "{auto: }", "{auto: {dependencies: []}}", "null"] {
        let (graph, notes) = read(&with_deployment(&format!("{{trigger: {trigger}}}")));
        assert_eq!(graph.services[0].deployment.trigger, Trigger::Auto { dependencies: Vec::new() }, "{trigger}");
        assert_eq!(notes, [], "{trigger}");
    }
    let event = |condition: &str| {
        let text = format!(
            "{{trigger: {{event: {{condition: {condition}, events: [{{id: e, condition: {{promQuery: up}}}}]}}}}}}"
        );
        match read(&with_deployment(&text)).0.services[0].deployment.trigger {
            Trigger::Event { condition, .. } => condition,
            Trigger::Auto { .. } => panic!("waits for an event"),
        }
    };
    assert_eq!(
        [event("ANY"), event("any"), event("AND"), event("All"), event("null")],
        [Combination::Any, Combination::Any, Combination::All, Combination::All, Combination::Any]
    );
}

/// Each kind of slip, with the note that it gets: place, field, what was made of it.
#[test]
fn slips_of_the_pen_load_with_a_note_that_names_the_line() {
    let cases = [
        (
            "{intent: {conectionPoints: [b]}}",
            "conectionPoints`: there is no such field; it is read as `connectionPoints`",
        ),
        ("{Intent: {}}", "Intent`: there is no such field; it is read as `intent`"),
        ("{intent: {weight: 3}}", "weight`: there is no such field, it is left out; the fields here are `network`"),
        ("{intent: {compute: {cpu: smal}}}", "`smal` is no word of this field; it is read as `small`"),
        ("{intent: {network: {latencies: [{connectionPoint: b, qos: best_effort}]}}}", "it is read as `best-effort`"),
        (
            "{intent: {network: {latencies: [{connectionPoint: b, qos: quick}]}}}",
            "`quick` is no word of this field, it is left out",
        ),
        ("{intent: {connectionPoints: [c]}}", "no service is called `c`, this is left out; did you mean"),
        ("{intent: {network: {latencies: [{connectionPoint: z9, qos: low}]}}}", "no service is called `z9`"),
        ("{trigger: {auto: {dependencies: [nobody]}}}", "no service is called `nobody`"),
        ("{intent: {connectionPoints: b}}", "a single value is read as a list of one"),
        ("{intent: {network: {connectionPoints: [b]}}}", "they are read as if they stood there"),
        ("{intent: {compute: {gpu: true}}}", "a flag alone is read as `{enabled: true}`"),
        ("{trigger: sometimes}", "the trigger `sometimes` is read as `auto`"),
    ];
    for (deployment, wanted) in cases {
        let notes = notes(&with_deployment(deployment));
        let found = notes.iter().any(|note| note.starts_with("x.hdag.yaml: line 2, column ") && note.contains(wanted));
        assert!(found, "{deployment}: wanted {wanted:?}, found {notes:?}");
    }
}

#[test]
fn slips_are_read_as_what_they_stand_for() {
    let (graph, _) = read(&with_deployment("{intent: {conectionPoints: [b], computee: {cpus: medum, RAM: 2Gi}}}"));
    let intent = &graph.services[0].deployment.intent;
    assert_eq!((intent.connection_points[0].as_str(), intent.compute.cpu), ("b", Size::Level(Level::Medium)));
    assert_eq!(intent.compute.memory(), Bytes(2 << 30));
    // The right name wins over the slip that stands beside it.
    let (graph, notes) = read(&with_deployment("{intent: {conectionPoints: [x], connectionPoints: [b]}}"));
    assert_eq!((graph.services[0].deployment.intent.connection_points.len(), notes.len()), (1, 1));
}

#[test]
fn versions_that_are_odd_and_fields_that_are_missing_are_noted() {
    let notes = notes("hdaGraph:\n  imVersion: 0.5.0\n  id: g\n  version: one\n  services: [{id: a}]\n");
    let has = |text: &str| notes.iter().any(|note| note.contains(text));
    assert!(
        has("line 2, column 14: field `hdaGraph.imVersion`: the information model 0.5.0 is read like 0.4.0"),
        "{notes:?}"
    );
    assert!(has("`one` is no semantic version; write it like `1.0.0`"), "{notes:?}");
    assert!(has("requires what is missing here: designer, description"), "{notes:?}");
    assert!(has("no `artifact`: this service can be simulated and not be deployed"), "{notes:?}");
}

#[test]
fn what_nobody_could_guess_is_refused_with_its_place() {
    let cases = [
        ("{intent: {compute: {cpu: huge}}}", "`huge` is neither a level nor an amount"),
        ("{intent: {compute: {cpu: 0}}}", "`0` is nothing"),
        ("{intent: {compute: {storage: light}}}", "storage has no level `light`"),
        ("{intent: {compute: {gpu: {enabled: perhaps}}}}", "`perhaps` is no flag; write `true` or `false`"),
        ("{intent: {compute: [small]}}", "a map is wanted here"),
        ("{intent: {connectionPoints: {b: 1}}}", "a list is wanted here"),
        ("{intent: {connectionPoints: [[b]]}}", "a name is wanted here"),
        (
            "{intent: {coLocation: [{groundedGraphId: x}]}}",
            "`hdaGraph.services.a.deployment.intent.coLocation.id`: is missing",
        ),
        ("{trigger: {event: {events: []}}}", "an event trigger without events never fires"),
        ("{trigger: {event: }}", "an event trigger without events never fires"),
        ("{trigger: {event: {events: [{id: e}]}}}", "write `condition: {promQuery"),
        (
            "{trigger: {event: {events: [{id: e, condition: {promQuery: up, gracePeriod: 5 minutes}}]}}}",
            "is no duration",
        ),
        ("{intent: {metrics: [{selector: {a: b}}]}}", "by which events refer to the metric"),
    ];
    for (deployment, wanted) in cases {
        let error = refused(&with_deployment(deployment));
        assert!(error.starts_with("x.hdag.yaml: line 2") && error.contains(wanted), "{deployment}: {error}");
    }
}

#[test]
fn documents_that_are_no_descriptors_are_refused() {
    let cases = [
        ("services: []", "it has no `hdaGraph`"),
        ("hdaGraph: {}", "`hdaGraph.id`: is missing"),
        ("hdaGraph: {id: g}", "a graph without services does nothing"),
        ("hdaGraph: {id: g, services: [{id: a}, {id: a}]}", "a second service has the id `a`"),
        ("hdaGraph: {id: g, services: [{deployment: {}}]}", "`hdaGraph.services.0.id`: is missing"),
        ("hdaGraph: {id: g, services: [a, b]}", "a map is wanted here"),
        ("hdaGraph: 5", "a map is wanted here"),
        ("hdaGraph: {id: [g], services: []}", "text is wanted here"),
        ("[1, 2]", "a map is wanted here"),
        ("\"hdaGraph: [\"", "the YAML is broken"),
        ("hdaGraph: {id: g, services: [{id: a, artifact: {valuesOverwrite: 5}}]}", "Helm values are a map"),
    ];
    for (text, wanted) in cases {
        let error = refused(text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let deep = format!("hdaGraph: {}{}", "[".repeat(2_000), "]".repeat(2_000));
    assert!(refused(&deep).starts_with("x.hdag.yaml"));
    for cut in (0..FULL.len()).step_by(7).filter(|cut| FULL.is_char_boundary(*cut)) {
        drop(parse(&FULL[..cut], "cut.yaml")); // never a panic
    }
}
