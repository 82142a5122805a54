//! Services of a known truth, as a live run shows them minute by minute: what is fitted of them, when, and what is left alone.

use super::{figures, learn, note, past};
use crate::backend::sim::untouched;
use crate::backend::{Backend, BackendError};
use crate::capacity::Series;
use crate::capacity::online::Sample;
use crate::capacity::synthetic::Truth;
use crate::input::capacities::read_fitted;
use crate::input::hdag::{Descriptor, parse};
use crate::learning::Learning;
use crate::model::observation::Action;
use crate::model::scenario::Learn;
use crate::model::{Capacity, Observation, Phase, Plan, ReplicaGroup, Seen, ServiceId, Snapshot};
use crate::seed::Seed;
use crate::serve::at::At;
use crate::serve::engine::context::Context;
use crate::serve::engine::stand_in;
use crate::serve::engine::told::{Teller, Told};
use crate::serve::engine::world::{Asked, World, WorldError, world};
use crate::serve::store::asked::NewGraph;
use crate::serve::store::rows::{
    Amount, CapacityOrigin, CapacityStatus, ClusterAttributes, ClusterRow, Graph, Options, ServiceOptions,
    ServiceStatus, Status,
};
use crate::units::{MilliCores, NANOS_PER_SECOND, Rate, Ratio, Time};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// What a replica of [`Truth::default`] serves.
const TRUE: f64 = 30.0;
/// When runs begin, in seconds since 1970.
const EPOCH: u64 = 1_796_000_000;

fn cluster() -> ClusterRow {
    ClusterRow {
        name: "one".to_owned(),
        present: true,
        ready: true,
        seen_at: At(0),
        cpu: Amount { allocatable: 64.0, free: 64.0 },
        memory: Amount { allocatable: 256.0 * 1_073_741_824.0, free: 256.0 * 1_073_741_824.0 },
        gpu: Amount::default(),
        nodes: 1,
        version: "v1.35".to_owned(),
        region: String::new(),
        pod_cidr: None,
        service_cidr: None,
        rtt_ms: BTreeMap::new(),
        attributes: ClusterAttributes::default(),
        dashboard: None,
    }
}

/// Services of a core each, as [`Truth::default`] has it.
fn descriptor(services: &[&str]) -> Descriptor {
    let of = |id: &&str| {
        format!("{{id: {id}, deployment: {{trigger: {{}}, intent: {{compute: {{cpu: small, ram: small}}}}}}}}")
    };
    let services: Vec<String> = services.iter().map(of).collect();
    parse(format!("hdaGraph: {{id: g, services: [{}]}}", services.join(", ")), "graph").unwrap().0
}

fn capacity(law: Value) -> ServiceOptions {
    ServiceOptions { capacity: Some(law), ..ServiceOptions::default() }
}

fn world_of(services: &[&str], asked: (&Options, &Status, Option<&Path>)) -> World {
    made_of(services, asked).unwrap_or_else(|error| panic!("{error}"))
}

fn made_of(
    services: &[&str],
    (options, status, file): (&Options, &Status, Option<&Path>),
) -> Result<World, WorldError> {
    let descriptor = descriptor(services);
    let (requests, held, clusters) = (BTreeMap::new(), BTreeMap::new(), [cluster()]);
    let names = services.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let asked = Asked {
        descriptor: &descriptor,
        options,
        services: &names,
        requests: &requests,
        fitted: Some(status),
        clusters: &clusters,
        held: &held,
        capacities: file,
        inject_resources: false,
    };
    world(asked)
}

fn alpha(snapshot: &crate::model::scenario::Known, service: ServiceId) -> f64 {
    match snapshot.application.services[service].capacity.default {
        Capacity::Linear { alpha, .. } => alpha,
        Capacity::Usl { .. } => panic!("every law here is a line"),
    }
}

/// A live world that shows some minutes of a series.
struct Live {
    base: Snapshot,
    series: Series,
    /// The minute in which its clock started.
    start: usize,
    minutes: std::ops::Range<usize>,
}

impl Backend for Live {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        let Some(minute) = self.minutes.next() else { return Err(BackendError::Outside("it is over".to_owned())) };
        Ok(Observation::Due(Box::new(self.snapshot(minute))))
    }

    fn apply(&mut self, _: &Plan) -> Result<Vec<Action>, BackendError> {
        Ok(Vec::new())
    }
}

impl Live {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "replicas are whole, CPU is positive")]
    fn snapshot(&self, minute: usize) -> Snapshot {
        let at = Time(((minute - self.start) as u64 + 1) * 60 * NANOS_PER_SECOND);
        let mut snapshot = Snapshot { at, ..self.base.clone() };
        let cluster = snapshot.clusters.ids().next().unwrap();
        let view = &mut snapshot.services[ServiceId(0)];
        let count = self.series.replicas[minute] as u32;
        view.rate = Seen::now(Rate::from_per_second(self.series.offered[minute]), at);
        view.cpu_used = vec![(cluster, Seen::now(MilliCores((self.series.cpu[minute] * 1e3).round() as u64), at))];
        view.replicas = vec![ReplicaGroup { cluster, phase: Phase::Ready, started: at, since: at, count }];
        snapshot
    }
}

/// A graph in a store, from run to run.
struct Kept {
    context: Arc<Context>,
    graph: Graph,
    options: Options,
    status: Status,
    learn: Learn,
}

/// What a run came to.
struct Ran {
    /// The law that policies were shown at each minute; `None` where they saw no rate.
    believed: Vec<Option<f64>>,
    /// Kinds of events, and the minute.
    news: Vec<(&'static str, usize)>,
}

impl Kept {
    async fn new(options: Options, ceiling: Option<Ratio>) -> Self {
        let settings = stand_in::settings(&[("learn.every", "60 s")]);
        let learn = Learn { ceiling, ..settings.learn.unwrap() };
        let context = stand_in::context(settings).await;
        let new = NewGraph {
            project: "p".to_owned(),
            name: "g".to_owned(),
            descriptor: descriptor(&["front"]).document(),
            source: None,
            options: options.clone(),
        };
        let graph = context.store.insert_graph(&new, "somebody").await.unwrap().0;
        let front = ServiceStatus { name: "front".to_owned(), ..ServiceStatus::default() };
        let status = Status { services: vec![front], ..Status::default() };
        Self { context, graph, options, status, learn }
    }

    fn capacity(&self) -> &CapacityStatus {
        self.status.services[0].capacity.as_ref().unwrap()
    }

    /// One run, from a deployment on, by another server each time: all that it knows is in the store and in the status.
    async fn run(&mut self, truth: &Truth, minutes: std::ops::Range<usize>) -> Ran {
        let world = world_of(&["front"], (&self.options, &self.status, None));
        note(&mut self.status, &world);
        let (tell, mut told) = unbounded_channel();
        let teller = Teller::new(world.scenario.known.clone(), tell);
        let started_at = Duration::from_secs(EPOCH + 60 * minutes.start as u64);
        let past = past(&self.context, &self.graph, (&teller, &world.origins), started_at).await.unwrap();
        let base = untouched(&world.scenario, Time::ZERO, Seed(1)).unwrap();
        let (series, start) = (truth.series("front", Seed(1)), minutes.start);
        let live = Live { base, series, start, minutes: minutes.clone() };
        let mut learning = Learning::around(live, Some(self.learn)).going_on(past);
        let mut ran = Ran { believed: Vec::new(), news: Vec::new() };
        while let Ok(observation) = learning.observe() {
            let Observation::Due(snapshot) = observation else { continue };
            let is_shown = snapshot.services[ServiceId(0)].rate.value.is_some();
            ran.believed.push(is_shown.then(|| alpha(&snapshot.known, ServiceId(0))));
            while let Ok(Told::Learnt(name, lesson)) = told.try_recv() {
                let store = &self.context.store;
                store.append_sample((&self.graph.id, &name), &lesson.sample, lesson.since).await.unwrap();
                let minute = minutes.start + ran.believed.len() - 1;
                let now = At(i64::try_from(minute).unwrap());
                let capacity = self.status.services[0].capacity.get_or_insert_default();
                ran.news.extend(learn(&name, capacity, &lesson, now).into_iter().map(|(kind, ..)| (kind, minute)));
            }
        }
        ran
    }

    async fn samples(&self) -> usize {
        self.context.store.samples(&self.graph.id).await.unwrap().get("front").map_or(0, Vec::len)
    }
}

fn near(found: f64, wanted: f64) -> bool {
    (found / wanted - 1.0).abs() < 0.1
}

const KNOWN: Option<Ratio> = Some(Ratio(920_000));

/// Truth: 30 /s a replica, CPU with 2 % noise. Policies are shown no rate before the first fit; from then on, a law within a tenth.
#[tokio::test]
async fn a_capacity_that_nobody_says_is_fitted_and_load_counts_from_then_on() {
    let mut kept = Kept::new(Options::default(), KNOWN).await;
    let ran = kept.run(&Truth { minutes: 600, ..Truth::default() }, 0..600).await;
    let first = ran.believed.iter().position(Option::is_some).expect("it is fitted");
    assert!((59..200).contains(&first), "not before there are 60 samples: {first}");
    assert!(
        ran.believed[first..].iter().all(|law| law.is_some_and(|law| near(law, TRUE))),
        "{:?}",
        &ran.believed[first..]
    );
    assert_eq!(ran.news[0], ("service.capacity-fitted", first));
    assert!(ran.news.iter().all(|(kind, _)| *kind == "service.capacity-fitted"), "no false alarm: {:?}", ran.news);
    let capacity = kept.capacity();
    assert_eq!((capacity.origin, capacity.identified_by.as_deref()), (CapacityOrigin::Fitted, Some("cpu")));
    assert_eq!((capacity.samples, kept.samples().await), (600, 600));
    assert!(capacity.drifted_at.is_none() && capacity.reason.is_none() && capacity.fitted_at.is_some());
    let figures = figures(&kept.graph, &kept.status);
    assert_eq!((figures.len(), figures[0].service.as_str()), (1, "front"));
}

/// From minute 1500 on a replica serves half. Until there are enough samples of that, the old law is scaled.
#[tokio::test]
async fn a_service_that_changes_raises_the_alarm_and_is_fitted_anew() {
    let mut kept = Kept::new(Options::default(), KNOWN).await;
    let truth = Truth { change: Some((1500, 0.5)), minutes: 1800, ..Truth::default() };
    kept.run(&truth, 0..1500).await;
    assert!(near(kept.capacity().per_replica.unwrap(), TRUE));
    let ran = kept.run(&truth, 1500..1540).await;
    assert_eq!(ran.news[0].0, "service.capacity-drift", "{:?}", ran.news);
    assert!(ran.news[0].1 < 1515, "{:?}", ran.news);
    assert_eq!(kept.capacity().drifted_at, Some(At(i64::try_from(ran.news[0].1).unwrap())));
    assert!(kept.samples().await <= 40, "what was before the change is forgotten");
    assert!(near(ran.believed[39].unwrap(), TRUE / 2.0), "{:?}", ran.believed);
    let ran = kept.run(&truth, 1540..1800).await;
    assert!(near(ran.believed[259].unwrap(), TRUE / 2.0), "{:?}", ran.believed);
    let capacity = kept.capacity();
    assert!(capacity.drifted_at.is_none() && near(capacity.per_replica.unwrap(), TRUE / 2.0), "{capacity:?}");
}

/// Another server goes on where the first was: it believes at once what was fitted, and has all samples.
#[tokio::test]
async fn what_was_fitted_outlives_the_run_and_the_server() {
    let mut kept = Kept::new(Options::default(), KNOWN).await;
    let truth = Truth { minutes: 700, ..Truth::default() };
    kept.run(&truth, 0..600).await;
    let before = kept.capacity().clone();
    // Through the store and back.
    kept.status = serde_json::from_value(json!(kept.status)).unwrap();
    let ran = kept.run(&truth, 600..700).await;
    assert!(ran.believed.iter().all(|law| law.is_some_and(|law| near(law, TRUE))), "{:?}", ran.believed);
    assert!(ran.news.iter().all(|(kind, _)| *kind != "service.capacity-drift"), "{:?}", ran.news);
    assert_eq!((kept.capacity().samples, before.samples), (700, 600));
}

/// What the operator says holds, though a replica serves 30 /s and not 20 /s; that it changes is told nevertheless.
#[tokio::test]
async fn a_capacity_that_is_said_is_never_replaced_and_its_end_is_told() {
    let services = BTreeMap::from([("front".to_owned(), capacity("20 /s".into()))]);
    let mut kept = Kept::new(Options { services, ..Options::default() }, KNOWN).await;
    let truth = Truth { change: Some((900, 0.5)), minutes: 1100, ..Truth::default() };
    let ran = kept.run(&truth, 0..1100).await;
    assert!(ran.believed.iter().all(|law| *law == Some(20.0)), "{:?}", ran.believed);
    assert!(matches!(ran.news[..], [("service.capacity-drift", 900..915)]), "{:?}", ran.news);
    let told = kept.capacity();
    assert_eq!((told.origin, told.per_replica), (CapacityOrigin::Option, Some(20.0)));
    assert!(told.drifted_at.is_some() && told.fitted_at.is_none());
    // Said anew, it is as true as it was when it was said first; said otherwise, nothing contradicts it yet.
    let again = world_of(&["front"], (&kept.options, &kept.status, None));
    note(&mut kept.status, &again);
    assert!(kept.capacity().drifted_at.is_some());
    kept.options.services.insert("front".to_owned(), capacity("15 /s".into()));
    let other = world_of(&["front"], (&kept.options, &kept.status, None));
    note(&mut kept.status, &other);
    assert_eq!((kept.capacity().drifted_at, kept.capacity().per_replica), (None, Some(15.0)));
}

#[tokio::test]
async fn where_a_fit_stands_on_too_little_there_is_none_and_the_reason_is_told() {
    let reason = async |truth: Truth, ceiling: Option<Ratio>| {
        let mut kept = Kept::new(Options::default(), ceiling).await;
        let ran = kept.run(&truth, 0..truth.minutes).await;
        assert!(ran.believed.iter().all(Option::is_none) && ran.news.is_empty(), "{:?}", ran.news);
        assert_eq!(kept.capacity().origin, CapacityOrigin::None);
        kept.capacity().reason.clone().unwrap_or_default()
    };
    let few = Truth { minutes: 50, ..Truth::default() };
    assert_eq!(reason(few, KNOWN).await, "50 samples of 60 were taken");
    let unsaturated = Truth { minutes: 400, ..Truth::default() };
    assert_eq!(reason(unsaturated, None).await, "which share of its CPU a replica can use is assumed, and not known");
    // 5 /s at the mean and 8 /s at noon are less than a replica at its target: there is never a second one.
    let alone = Truth { minutes: 400, load: 5.0, ..Truth::default() };
    assert_eq!(reason(alone, KNOWN).await, "only one count of replicas was seen, which shows no slope");
}

/// The operator goes before the file, the file before what was fitted.
#[test]
fn who_says_a_capacity_is_known_and_who_goes_before_whom() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capacity.yaml");
    let law = |alpha: f64| json!({"all": {"capacity": {"alpha": alpha, "beta": 0.0}}});
    let refused = json!({"all": {"refused": {"code": "too_few_points", "reason": "there are 3 points"}}});
    let file = json!({"capacity_quantile": 0.1, "services": {"a": law(9.0), "b": law(7.0), "c": refused}});
    std::fs::write(&path, file.to_string()).unwrap();
    let fitted = |name: &str, alpha: f64| {
        let law = Some(json!({"alpha": alpha, "beta": 0.0}));
        let capacity = CapacityStatus { origin: CapacityOrigin::Fitted, law, ..CapacityStatus::default() };
        ServiceStatus { name: name.to_owned(), capacity: Some(capacity), ..ServiceStatus::default() }
    };
    let services = vec![fitted("a", 3.0), fitted("b", 4.0), fitted("c", 5.0)];
    let status = Status { services, ..Status::default() };
    let options =
        Options { services: BTreeMap::from([("a".to_owned(), capacity("20 /s".into()))]), ..Options::default() };
    let world = world_of(&["a", "b", "c", "d"], (&options, &status, Some(&path)));
    let known = &world.scenario.known;
    let laws: Vec<(CapacityOrigin, f64)> =
        known.application.services.iter().map(|(id, one)| (world.origins[&one.name], alpha(known, id))).collect();
    let wanted = [
        (CapacityOrigin::Option, 20.0),
        (CapacityOrigin::File, 7.0),
        (CapacityOrigin::Fitted, 5.0),
        // A figure that nothing follows from.
        (CapacityOrigin::None, 1.0),
    ];
    assert_eq!(laws, wanted);
    assert_eq!(world.scaled().into_iter().collect::<String>(), "abc");
    let told = "the capacity file refuses c on class all: there are 3 points";
    assert!(world.notes.iter().any(|note| note == told), "{:?}", world.notes);
    // A graph that the file does not know at all is one like any other.
    assert!(world_of(&["d"], (&Options::default(), &status, Some(&path))).scaled().is_empty());
    let file = read_fitted(&path).unwrap();
    assert_eq!(file.median_of("b"), Some(json!({"alpha": 7.0, "beta": 0.0})));
}

/// It may be half written at this moment: graphs are not given up for that.
#[test]
fn a_file_that_cannot_be_read_is_no_fault_of_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capacity.yaml");
    std::fs::write(&path, "{\"capacity_quantile\": 0.1, \"serv").unwrap();
    let made = made_of(&["a"], (&Options::default(), &Status::default(), Some(&path)));
    assert!(matches!(made, Err(WorldError::Capacities(_))), "{made:?}");
}

/// The clock was a year ahead for a moment, and an update took a service out of the graph.
#[tokio::test]
async fn samples_of_the_future_and_of_services_that_are_gone_are_forgotten() {
    let mut kept = Kept::new(Options::default(), KNOWN).await;
    let (store, id) = (kept.context.store.clone(), kept.graph.id.clone());
    let sample = |second: u64| Sample::of(Time((EPOCH + second) * NANOS_PER_SECOND), [1.0; 9]);
    store.append_sample((&id, "front"), &sample(365 * 86_400), Time::ZERO).await.unwrap();
    store.append_sample((&id, "gone"), &sample(0), Time::ZERO).await.unwrap();
    kept.run(&Truth { minutes: 20, ..Truth::default() }, 0..20).await;
    let samples = store.samples(&id).await.unwrap();
    let counts: Vec<(&str, usize)> = samples.iter().map(|(name, all)| (name.as_str(), all.len())).collect();
    assert_eq!(counts, [("front", 20)]);
}
