//! What Prometheus measures of services, asked for at each scrape.
//!
//! Each value has a query, a time limit and an age of its own: what is answered counts, and what is not leaves what was seen before,
//! which grows old. One expression that is wrong takes nothing from the others, one that is slow no more than its time limit, and only
//! where nothing at all is answered is Prometheus silent.
//!
//! A value is as old as the question, by our own clock: Prometheus evaluates when it is asked, and its clock may be another one.

use super::{outage, ticks};
use crate::backend::live::clock::duration;
use crate::backend::live::happening::Happening;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::prometheus::{Point, Prometheus};
use crate::backend::live::shared::Shared;
use crate::backend::live::world::Measured;
use crate::model::connection::{Connection, Counterpart};
use crate::model::{ClusterId, Seen, ServiceId};
use crate::units::{MilliCores, Rate, Span, Time};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What became of a query.
type Answer = Result<(), CallError>;

/// Something that is measured of a service.
struct Measure {
    /// What the connection calls it.
    name: &'static str,
    /// How it is asked for, where it is.
    query: fn(&Counterpart) -> Option<&str>,
    /// Notes what was answered, and when it was asked.
    note: fn(&mut Measured, &Connection, (&[Point], Time)),
}

const MEASURES: &[Measure] = &[
    Measure {
        name: "rate",
        query: |service| service.rate.as_deref(),
        note: |measured, _, (points, at)| measured.rate = rate(points, at),
    },
    Measure {
        name: "served",
        query: |service| service.served.as_deref(),
        note: |measured, _, (points, at)| measured.served = rate(points, at),
    },
    Measure {
        name: "latency_p95",
        query: |service| service.latency_p95.as_deref(),
        note: |measured, _, (points, at)| measured.latency_p95 = latency(points, at),
    },
    Measure {
        name: "cpu_used",
        query: |service| service.cpu_used.as_deref(),
        note: |measured, connection, (points, at)| measured.cpu_used = cores(connection, points, at),
    },
];

/// Checks that each query is one that Prometheus takes. None that answers is no mistake of a query: it is waited for, as in any outage.
///
/// # Errors
/// The first that it does not.
pub async fn check(prometheus: &Prometheus, connection: &Connection) -> Answer {
    let each = |service: &Counterpart| {
        let asked = MEASURES.iter().filter_map(|measure| Some((measure.name, (measure.query)(service)?.to_owned())));
        asked.map(|(name, query)| (name, service.workload.clone(), query)).collect::<Vec<_>>()
    };
    let all = connection.services.values().flat_map(each).map(|(name, workload, query)| async move {
        in_time(Duration::ZERO, prometheus.check(&query)).await.map_err(|error| of_measure(name, &workload, error))
    });
    let is_wrong = |answer: &Answer| answer.as_ref().is_err_and(|error| error.class == Class::Permanent);
    join_all(all).await.into_iter().find(is_wrong).unwrap_or(Ok(()))
}

/// The error of a query, called as the connection calls it.
fn of_measure(name: &str, workload: &str, error: CallError) -> CallError {
    CallError { call: format!("{name} of {workload}"), ..error }
}

/// Measures all services at each scrape.
pub async fn measure(prometheus: Prometheus, scrape: Span, shared: Arc<Shared>) {
    let mut ticks = ticks(duration(scrape));
    let mut was_silent = false;
    while !shared.is_over() {
        ticks.tick().await;
        let services: Vec<ServiceId> = shared.connection.services.ids().collect();
        let ask = |service| measured(&prometheus, &shared, (service, duration(scrape)));
        let answers: Vec<Answer> = join_all(services.into_iter().map(ask)).await.into_iter().flatten().collect();
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            shared.note(error);
        }
        let (silent, at) = (is_silent(&answers), shared.clock.time());
        if std::mem::replace(&mut was_silent, silent) != silent {
            shared.tell(Happening::Event(outage(silent, "prometheus", at)));
        }
    }
}

/// Whether nothing that was asked for came: one query that fails is no silence.
fn is_silent(answers: &[Answer]) -> bool {
    !answers.is_empty() && answers.iter().all(Result::is_err)
}

/// Asks for all that is measured of a service, at once, and notes what is answered.
async fn measured(prometheus: &Prometheus, shared: &Shared, (service, scrape): (ServiceId, Duration)) -> Vec<Answer> {
    let counterpart = &shared.connection.services[service];
    let at = shared.clock.time();
    let asked = MEASURES.iter().filter_map(|measure| Some((measure, (measure.query)(counterpart)?)));
    let answers = asked.map(|(measure, query)| async move {
        let answer = in_time(scrape, prometheus.query(query)).await;
        let named = |error| of_measure(measure.name, &counterpart.workload, error);
        answer.map(|points| (measure, points)).map_err(named)
    });
    let answers = join_all(answers).await;
    let mut world = shared.world();
    let noted = answers.into_iter().map(|answer| -> Answer {
        let (measure, points) = answer?;
        (measure.note)(&mut world.measured[service], &shared.connection, (&points, at));
        Ok(())
    });
    noted.collect()
}

/// The next scrape is never far: who waits long for this one knows late that there is none.
async fn in_time<T>(scrape: Duration, work: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let limit = scrape.clamp(Duration::from_secs(2), Duration::from_secs(10));
    let late = |_| Err(CallError::new("prometheus", "query", Class::Retryable, format!("no answer in {limit:?}")));
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}

/// All results together; without one it is not known.
fn rate(points: &[Point], at: Time) -> Seen<Rate> {
    let sum = (!points.is_empty()).then(|| points.iter().map(|point| point.value).sum::<f64>());
    Seen { value: sum.map(Rate::from_per_second), at }
}

/// The largest of the results.
fn latency(points: &[Point], at: Time) -> Seen<Span> {
    let largest = points.iter().map(|point| point.value).reduce(f64::max);
    Seen { value: largest.map(Span::from_seconds_f64), at }
}

/// By cluster. An expression that tells replicas apart gives several values a cluster.
fn cores(connection: &Connection, points: &[Point], at: Time) -> BTreeMap<ClusterId, Seen<MilliCores>> {
    let mut cores: BTreeMap<ClusterId, f64> = BTreeMap::new();
    for point in points {
        let name = point.labels.get("cluster");
        if let Some(cluster) = name.and_then(|name| connection.clusters.find(|called| called == name)) {
            *cores.entry(cluster).or_insert(0.0) += point.value;
        }
    }
    cores.into_iter().map(|(cluster, cores)| (cluster, Seen::now(MilliCores::from_cores(cores), at))).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, is_silent, measured};
    use crate::backend::live::clock::Clock;
    use crate::backend::live::prometheus::Prometheus;
    use crate::backend::live::shared::Shared;
    use crate::backend::live::stand_in::{connection, known};
    use crate::backend::live::stub::{Stub, get};
    use crate::backend::live::world::World;
    use crate::model::connection::Counterpart;
    use crate::model::{ClusterId, Seen, ServiceId};
    use crate::units::{MilliCores, Rate};
    use axum::Router;
    use axum::http::{StatusCode, Uri};
    use serde_json::{Value, json};
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use tokio::sync::Barrier;

    const WEB: ServiceId = ServiceId(0);
    const SCRAPE: Duration = Duration::from_secs(15);

    fn shared(ask: impl FnOnce(&mut Counterpart)) -> Shared {
        let mut asked = connection();
        ask(&mut asked.services[WEB]);
        let (tell, _nobody) = channel();
        Shared::new(World::new(known().into(), Arc::new(asked)), Clock::start(), tell)
    }

    fn vector(result: &Value) -> Value {
        json!({"status": "success", "data": {"resultType": "vector", "result": result}})
    }

    /// A Prometheus that answers once two have asked, and takes `rate` alone for an expression.
    async fn prometheus() -> Prometheus {
        let both = Arc::new(Barrier::new(2));
        let answer = move |uri: Uri| {
            let both = both.clone();
            async move {
                both.wait().await;
                if uri.query() == Some("query=rate") {
                    let one = json!([{"metric": {}, "value": [1_790_000_000.0, "7.5"]}]);
                    return (StatusCode::OK, vector(&one).to_string());
                }
                let wrong = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
                (StatusCode::BAD_REQUEST, wrong.to_string())
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        Prometheus::new(&url).unwrap()
    }

    #[tokio::test]
    async fn a_query_that_fails_takes_nothing_from_the_others_and_is_no_silence() {
        let shared = shared(|web| (web.rate, web.latency_p95) = (Some("rate".to_owned()), Some("typo(".to_owned())));
        let answers = measured(&prometheus().await, &shared, (WEB, SCRAPE)).await;
        let seen = shared.world().measured[WEB].clone();
        assert_eq!(seen.rate.value, Some(Rate::from_per_second(7.5)));
        assert_eq!(seen.latency_p95, Seen::NEVER);
        let wrong = answers[1].as_ref().unwrap_err();
        assert_eq!(wrong.to_string(), "prometheus: latency_p95 of web: bad_data: parse error (status 400)");
        assert!(answers[0].is_ok() && !is_silent(&answers));
        assert!(is_silent(&answers[1..]));
        assert!(!is_silent(&[]), "nothing was asked");
    }

    #[tokio::test]
    async fn a_query_that_prometheus_does_not_take_is_told_before_anything_begins() {
        let asked = |rate: &str| {
            let mut asked = connection();
            asked.services[WEB].rate = Some(rate.to_owned());
            asked
        };
        let wrong = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
        for (status, answer, said) in [
            (200, vector(&json!([])), None),
            (400, wrong, Some("prometheus: rate of web: bad_data: parse error (status 400)".to_owned())),
        ] {
            let stub = Stub::of(vec![get("/api/v1/query?query=sum&time=0", status, answer)]).await;
            let checked = check(&Prometheus::new(&stub.url).unwrap(), &asked("sum")).await;
            assert_eq!(checked.err().map(|error| error.to_string()), said);
            stub.finish();
        }
        let nobody = Prometheus::new("http://127.0.0.1:1").unwrap();
        assert_eq!(check(&nobody, &asked("sum")).await, Ok(()));
    }

    /// Its clock stands at 1970, and then in another century.
    #[tokio::test]
    async fn what_is_measured_is_as_old_as_the_question_whatever_time_it_is_there() {
        let shared = shared(|web| web.rate = Some("rate".to_owned()));
        for there in [1.0, 9_999_999_999.0] {
            let one = json!([{"metric": {}, "value": [there, "7.5"]}]);
            let stub = Stub::of(vec![get("/api/v1/query?query=rate", 200, vector(&one))]).await;
            let before = shared.clock.time();
            measured(&Prometheus::new(&stub.url).unwrap(), &shared, (WEB, SCRAPE)).await;
            let rate = shared.world().measured[WEB].rate;
            assert_eq!(rate.value, Some(Rate::from_per_second(7.5)));
            assert!(before <= rate.at && rate.at <= shared.clock.time(), "{there}: {rate:?}");
            stub.finish();
        }
    }

    /// Two replicas in `a` use 1.5 and 0.75 cores, one in `b` half of one: 2.25 and 0.5, whatever the order of the answer.
    #[tokio::test]
    async fn cores_of_replicas_that_are_told_one_by_one_are_added_up() {
        let of = |cluster: &str, replica: &str, cores: &str| -> Value {
            json!({"metric": {"cluster": cluster, "pod": replica}, "value": [1_790_000_000.0, cores]})
        };
        let result = json!([of("member1", "x", "1.5"), of("member2", "y", "0.5"), of("member1", "z", "0.75")]);
        let stub = Stub::of(vec![get("/api/v1/query?query=cpu", 200, vector(&result))]).await;
        let shared = shared(|web| web.cpu_used = Some("cpu".to_owned()));
        measured(&Prometheus::new(&stub.url).unwrap(), &shared, (WEB, SCRAPE)).await;
        let world = shared.world();
        let seen = |cluster: u32| world.measured[WEB].cpu_used[&ClusterId(cluster)].value;
        assert_eq!([seen(0), seen(1)], [Some(MilliCores(2_250)), Some(MilliCores(500))]);
        stub.finish();
    }
}
