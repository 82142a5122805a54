//! Services that wait for events: any or all of them, through a stop and a start, and until they have ended.

use crate::graphs::{self, Chart, app, forget, gauge, publish_all, releases};
use crate::service::{ALERTS_PORT, Service};
use crate::shop::{until, wait};
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(40);

/// A graph in which `web-server` waits for two events, of two gauges.
fn waiting(stack: &Stack, condition: &str) -> Value {
    let charts: [Chart; 2] = [app("hello-world", "1", "1Gi"), app("web-server", "500m", "500Mi")];
    let mut graph = graphs::plain(stack, "waits", &charts);
    let event = |name: &str| {
        json!({"id": name, "source": [{"serviceId": "hello-world", "metricId": name}], "condition": {
            "promQuery": format!("smo_waits{{level=\"{name}\"}} > 1"), "gracePeriod": "1s", "description": "for a test"}})
    };
    graph["hdaGraph"]["services"][1]["deployment"]["trigger"] =
        json!({"event": {"condition": condition, "events": [event("heat"), event("smoke")]}});
    graph
}

fn level(stack: &Stack, name: &str, value: f64) {
    gauge(stack, ("smo_waits", &json!({"level": name})), value);
}

fn phase(service: &Service<'_>, project: &str) -> String {
    service.service(project, "waits", "web-server")["phase"].as_str().unwrap().to_owned()
}

fn started(stack: &Stack) -> Service<'_> {
    publish_all(stack);
    forget(stack);
    level(stack, "heat", 0.0);
    level(stack, "smoke", 0.0);
    let mut service = Service::new(stack, ALERTS_PORT);
    service.start();
    service
}

fn names(stack: &Stack, project: &str) -> Vec<String> {
    releases(stack, project).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn all_events_have_to_fire_where_all_are_wanted() {
    let Some(stack) = stack("waits all") else { return };
    let (service, project) = (started(&stack), "smo-waits-all");
    service.deploy(project, &waiting(&stack, "ALL"), &json!({}));
    let rules = stack.get("karmada", &["prometheusrules", "--all-namespaces"]).unwrap().to_string();
    assert!(rules.contains("heat") && rules.contains("smoke"), "a rule for each event: {rules}");
    level(&stack, "heat", 5.0);
    until("the first event is told", SOON, || {
        service.events(0).iter().any(|event| event["kind"] == "event.fired" && event["data"]["event"] == "heat")
    });
    wait(2);
    assert_eq!(
        (phase(&service, project).as_str(), names(&stack, project)),
        ("pending", vec!["hello-world".to_owned()])
    );
    level(&stack, "smoke", 5.0);
    until("both have fired", SOON, || phase(&service, project) == "running");
    assert_eq!(names(&stack, project), ["hello-world", "web-server"]);
}

/// Any of them is enough. Stopped and started again it waits again, and its rules go with the stop and come back with the start.
#[test]
fn what_waits_still_waits_after_a_stop() {
    let Some(stack) = stack("waits stop") else { return };
    let (service, project) = (started(&stack), "smo-waits-stop");
    service.deploy(project, &waiting(&stack, "ANY"), &json!({}));
    let graph = format!("/v1/projects/{project}/graphs/waits");
    let rules = || stack.get("karmada", &["prometheusrules", "--all-namespaces"]).unwrap().to_string().contains("heat");
    until("its rules are there", SOON, rules);
    service.post(&format!("{graph}/stop?wait=60s"), &Value::Null).is(200);
    assert_eq!((phase(&service, project).as_str(), names(&stack, project)), ("pending", vec![]));
    until("its rules are gone", SOON, || !rules());
    service.post(&format!("{graph}/start?wait=60s"), &Value::Null).is(200);
    assert_eq!(
        (phase(&service, project).as_str(), names(&stack, project)),
        ("pending", vec!["hello-world".to_owned()])
    );
    until("its rules are back", SOON, rules);
    level(&stack, "smoke", 5.0);
    until("one event is enough", SOON, || phase(&service, project) == "running");
    // It stays when its event has ended.
    level(&stack, "smoke", 0.0);
    until("the end is told", SOON, || service.events(0).iter().any(|event| event["kind"] == "event.ended"));
    wait(2);
    assert_eq!(phase(&service, project), "running");
    service.delete(&format!("{graph}?wait=60s"));
    until("nothing of it is left", SOON, || !rules() && names(&stack, project).is_empty());
}

#[test]
fn it_sleeps_again_when_its_events_have_ended_where_that_is_wanted() {
    let Some(stack) = stack("waits end") else { return };
    let (service, project) = (started(&stack), "smo-waits-end");
    service.deploy(project, &waiting(&stack, "ANY"), &json!({"stop_when_resolved": true}));
    level(&stack, "heat", 5.0);
    until("it runs", SOON, || phase(&service, project) == "running");
    level(&stack, "heat", 0.0);
    until("it sleeps", SOON, || phase(&service, project) == "pending" && names(&stack, project) == ["hello-world"]);
}
