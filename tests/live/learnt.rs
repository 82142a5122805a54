//! Capacities that nobody says: fitted while a graph runs, by what the real Prometheus measures of a service of known truth.

use crate::graphs::{app, forget, gauge, plain, publish_all, ready};
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);
const WEB: (&str, &str) = ("smo-learnt", "web-server");
/// Cores of an idle replica.
const IDLE: f64 = 0.05;
/// Core-seconds of a request.
const DEMAND: f64 = 0.04;
/// Requests per second of a replica that asks for half a core, as its chart says, and can use all of it: (0.5 − 0.05) / 0.04.
const TRUE: f64 = 11.25;

/// What the service is, as Prometheus sees it.
struct Truth<'a> {
    stack: &'a Stack,
    demand: f64,
}

impl Truth<'_> {
    fn replicas(&self) -> u64 {
        ready(self.stack, "member1", WEB) + ready(self.stack, "member2", WEB)
    }

    /// So many requests arrive each second from now on.
    fn load(&self, rate: f64) {
        let labels = json!({"namespace": WEB.0, "service": WEB.1});
        gauge(self.stack, ("arrivals", &labels), rate);
        let replicas: Vec<(&str, f64)> =
            ["member1", "member2"].map(|member| (member, ready(self.stack, member, WEB) as f64)).to_vec();
        let all: f64 = replicas.iter().map(|(_, count)| count).sum();
        for (member, count) in replicas {
            let cores = self.demand * rate * count / all.max(1.0) + IDLE * count;
            gauge(self.stack, ("cores_used", &json!({"namespace": WEB.0, "service": WEB.1, "cluster": member})), cores);
        }
    }

    /// Loads come and go until something holds.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for rate in [3.0, 7.0, 4.5, 9.0, 5.5, 8.0, 3.5, 6.5].into_iter().cycle().take(30) {
            self.load(rate);
            crate::shop::wait(4);
            if holds() {
                return;
            }
        }
        panic!("{what}: not within two minutes");
    }
}

fn capacity(service: &Service<'_>) -> Value {
    service.service(WEB.0, "learnt", WEB.1)["capacity"].clone()
}

fn is_near(capacity: &Value, wanted: f64) -> bool {
    capacity["per_replica"].as_f64().is_some_and(|found| (found / wanted - 1.0).abs() < 0.1)
}

/// From nothing: samples, two counts of replicas, a law, replicas by load; it outlives the server, and its end is told.
#[test]
fn a_capacity_is_fitted_outlives_the_server_and_its_end_is_told() {
    let Some(stack) = stack("learnt") else { return };
    publish_all(&stack);
    forget(&stack);
    let mut service = Service::new(&stack, free_port());
    let query = |name: &str, by: &str| format!(r#"sum{by} ({name}{{namespace="$project",service="$service"}})"#);
    service.configure(&["prometheus", "rate"], json!(query("arrivals", "")));
    service.configure(&["prometheus", "cpu_used"], json!(query("cores_used", " by (cluster)")));
    service.configure(&["learn"], json!({"every": "1 s", "samples": 20, "ceiling": "100 %"}));
    service.start();
    let graph = plain(&stack, "learnt", &[app("web-server", "1", "500Mi")]);
    let options = |least: u32| json!({"services": {"web-server": {"replicas_min": least, "replicas_max": 6}}});
    service.deploy(WEB.0, &graph, &options(1));
    let mut truth = Truth { stack: &stack, demand: DEMAND };
    truth.until("it is sampled", || capacity(&service)["samples"].as_u64() > Some(10));
    let before = capacity(&service);
    assert_eq!((&before["origin"], before["reason"].is_string()), (&json!("none"), true), "{before}");
    let other = json!({"hdaGraph": graph["hdaGraph"], "options": options(2)});
    service.put(&format!("/v1/projects/{}/graphs/learnt?wait=90s", WEB.0), &other).is(200);
    assert!(capacity(&service)["samples"].as_u64() > Some(10), "what was seen before counts on");
    truth.until("it is fitted", || capacity(&service)["origin"] == "fitted");
    let fitted = capacity(&service);
    assert!(is_near(&fitted, TRUE), "{fitted}");
    // 30/s with a head-room of 30 % are 39/s: four of 11.25/s.
    truth.load(30.0);
    until("load counts", SOON, || truth.replicas() == 4);
    service.kill();
    service.start();
    assert_eq!(capacity(&service)["origin"], "fitted");
    truth.demand = 2.0 * DEMAND;
    let is_told = || service.events(0).iter().any(|event| event["kind"] == "service.capacity-drift");
    truth.until("the alarm is raised", is_told);
    truth.until("half is believed", || is_near(&capacity(&service), TRUE / 2.0));
    let metrics = service.get("/metrics").is(200).text;
    let line =
        r#"smo_service_capacity_drifted{project="smo-learnt",graph="learnt",service="web-server",origin="fitted"}"#;
    assert!(metrics.contains(line), "{metrics}");
}
