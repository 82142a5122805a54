//! What the driver does where it is refused something: one workload, what is stored, a cluster that is not there.

use super::Driver;
use crate::backend::live::clock::{self, Clock};
use crate::backend::live::happening::Happening;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::karmada::binding::{BindingSeen, Shares};
use crate::backend::live::karmada::cluster::ClusterSeen;
use crate::backend::live::karmada::store::{LEASE, Stored, Wish};
use crate::backend::live::outside::Class;
use crate::backend::live::shared::Shared;
use crate::backend::live::stand_in::{connection, known};
use crate::backend::live::stub::{Exchange, Stub, exchange, get};
use crate::backend::live::tls;
use crate::backend::live::world::World;
use crate::model::connection::{Counterpart, Division};
use crate::model::observation::Action;
use crate::model::{ActionId, Application, ClusterId, Service, ServiceId};
use crate::units::{Span, Time};
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const STORED: &str = "/api/v1/namespaces/shop/configmaps/smo-shop";

type Pairs = &'static [(&'static str, u32)];

fn shares(pairs: Pairs) -> Shares {
    pairs.iter().map(|(name, replicas)| ((*name).to_owned(), *replicas)).collect()
}

fn wish(wanted: Pairs, before: Pairs) -> Wish {
    Wish { wanted: shares(wanted), before: shares(before) }
}

/// A workload that is asked for so, where `ready` of it serves; the number of all replicas is right already.
fn binding(workload: &str, (asked, ready): (Pairs, Pairs), replicas: u32) -> BindingSeen {
    let workload = workload.to_owned();
    BindingSeen { workload, clusters: shares(asked), ready: shares(ready), replicas, ..BindingSeen::default() }
}

fn cluster(name: &str) -> ClusterSeen {
    let object = json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    ClusterSeen::of(&serde_json::from_value(object).unwrap()).unwrap()
}

/// A write, and the object after it, or a failure that says nothing else.
fn patched(target: &str, status: u16, object: &Value) -> Exchange {
    let failure = Value::Null;
    let answer = if status == 200 { object } else { &failure };
    exchange(Method::PATCH, &format!("{target}?&fieldManager=smo"), status, answer)
}

/// The division of a workload is written, and answered with this status.
fn divided(workload: &str, status: u16) -> Exchange {
    let target = format!("/apis/work.karmada.io/v1alpha2/namespaces/shop/resourcebindings/{workload}-deployment");
    let object = json!({"apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
        "metadata": {"name": format!("{workload}-deployment")}, "spec": {}});
    patched(&target, status, &object)
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "smo-shop", "resourceVersion": "1"}, "data": data})
}

/// What is wanted is written, and answered with this status.
fn stored(status: u16) -> Exchange {
    patched(STORED, status, &config_map(&json!({})))
}

/// A driver of `web` and `api` in two clusters that are there. It has looked, and need not again; moves have no time at all.
fn driver(stub: &Stub, bindings: Vec<BindingSeen>, wishes: Vec<(&str, Wish)>) -> (Driver, Receiver<Happening>) {
    let (mut known, mut connection) = (known(), connection());
    let web = known.application.services[ServiceId(0)].clone();
    let api = Service { name: "api".to_owned(), ..web.clone() };
    known.application = Application::new("shop".to_owned(), [web, api].into_iter().collect(), Vec::new()).unwrap();
    let api = Counterpart { workload: "api".to_owned(), ..connection.services[ServiceId(0)].clone() };
    connection.services.push(api);
    connection.moves.timeout = Span::ZERO;
    let mut world = World::new(known.into(), connection.into());
    world.on_cluster(cluster("member1"), Time(1));
    world.on_cluster(cluster("member2"), Time(1));
    for binding in bindings {
        world.on_binding(binding, Time(1));
    }
    tls::install();
    let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
    let (tell, inbox) = channel();
    let shared = Arc::new(Shared::new(world, Clock::start(), tell));
    let wishes = wishes.into_iter().map(|(workload, wish)| (workload.to_owned(), wish)).collect();
    let stored = Stored { version: "1".to_owned(), wishes, ..Stored::default() };
    let karmada = Karmada::with_client(client, "shop", Division::Own);
    let mut driver = Driver::new(karmada, shared, ("me".to_owned(), stored));
    driver.looked = Some(driver.clock.time() + Span::seconds(3_600));
    (driver, inbox)
}

fn action(cluster: u32, from: u32, to: u32) -> Action {
    let (service, cluster) = (ServiceId(0), ClusterId(cluster));
    Action { id: ActionId(cluster.0), service, cluster, from, to, asked_at: Time::ZERO }
}

fn written(stub: &Stub, place: usize) -> Value {
    stub.bodies()[place]["spec"]["clusters"].clone()
}

#[tokio::test]
async fn a_workload_that_is_refused_keeps_no_other_one_and_is_left_alone_for_a_while() {
    let stub = Stub::of(vec![divided("web", 403), divided("api", 200)]).await;
    let one: (Pairs, Pairs) = (&[("member1", 1)], &[("member1", 1)]);
    let wanted = wish(&[("member1", 2)], &[]);
    let wishes = vec![("web", wanted.clone()), ("api", wanted)];
    let (mut driver, inbox) = driver(&stub, vec![binding("web", one, 2), binding("api", one, 2)], wishes);
    driver.under_way.push(action(0, 1, 2));
    driver.turn().await.unwrap();
    driver.turn().await.unwrap();
    stub.finish();
    assert_eq!(written(&stub, 1), json!([{"name": "member1", "replicas": 2}]));
    assert_eq!(driver.shared.troubles().len(), 1);
    let told: Vec<Happening> = inbox.try_iter().collect();
    let [Happening::Failed(failed, reason)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*failed, action(0, 1, 2));
    assert!(reason.contains("not allowed"), "{reason}");
}

fn claimed() -> Exchange {
    let policy = json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "smo-web"}});
    patched("/apis/policy.karmada.io/v1alpha1/namespaces/shop/propagationpolicies/smo-web", 200, &policy)
}

/// Somebody has deleted the policy that divides: by weights nothing can be written, and it is missing in the answer.
#[tokio::test]
async fn a_workload_whose_policy_is_gone_is_claimed_again() {
    let stub = Stub::of(vec![divided("web", 404), claimed()]).await;
    let one: (Pairs, Pairs) = (&[("member1", 1)], &[("member1", 1)]);
    let wishes = vec![("web", wish(&[("member1", 2)], &[]))];
    let (mut driver, _inbox) = driver(&stub, vec![binding("web", one, 2)], wishes);
    driver.turn().await.unwrap();
    stub.finish();
    assert_eq!(driver.shared.troubles().len(), 1, "what was refused, and not that it was claimed");
}

/// The binding outlives the policy, and says that it follows none: seen twice, it is claimed once, until some time has passed.
#[tokio::test]
async fn a_workload_that_follows_no_policy_is_claimed() {
    let stub = Stub::of(vec![claimed()]).await;
    let one: (Pairs, Pairs) = (&[("member1", 1)], &[("member1", 1)]);
    let (mut driver, _inbox) = driver(&stub, vec![binding("web", one, 1)], vec![("web", wish(&[("member1", 1)], &[]))]);
    driver.turn().await.unwrap();
    driver.clock = Clock::started_ago(Duration::from_secs(6));
    driver.turn().await.unwrap();
    driver.turn().await.unwrap();
    stub.finish();
    assert_eq!(driver.shared.troubles().len(), 0);
}

/// Somebody sets the number of replicas again and again: that gives a move that gets nowhere no more time.
#[tokio::test]
async fn a_number_of_replicas_that_is_set_right_is_no_news_of_a_move() {
    let scale =
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 6}});
    let scaled = patched("/apis/apps/v1/namespaces/shop/deployments/web/scale", 200, &scale);
    let stub = Stub::of(vec![scaled]).await;
    let both: (Pairs, Pairs) = (&[("member1", 3), ("member2", 3)], &[("member1", 3)]);
    let moves = wish(&[("member2", 3)], &[("member1", 3)]);
    let (mut driver, _inbox) = driver(&stub, vec![binding("web", both, 3)], vec![("web", moves)]);
    let seen = driver.shared.world().workloads[ServiceId(0)].binding.clone().unwrap();
    driver.clock = Clock::started_ago(Duration::from_secs(4));
    driver.complete(ServiceId(0), &seen).await.unwrap();
    driver.complete(ServiceId(0), &seen).await.unwrap();
    stub.finish();
    assert_eq!(driver.since[ServiceId(0)], Time::ZERO);
}

#[tokio::test]
async fn more_replicas_in_a_cluster_that_is_lost_are_not_told_as_done() {
    let stub = Stub::of(Vec::new()).await;
    let both: (Pairs, Pairs) = (&[("member1", 2), ("member2", 2)], &[("member1", 1), ("member2", 2)]);
    let wanted = wish(&[("member1", 2), ("member2", 2)], &[]);
    let (mut driver, inbox) = driver(&stub, vec![binding("web", both, 4)], vec![("web", wanted)]);
    for at in 0..20 {
        driver.shared.world().on_probed(ClusterId(0), false, Time(1) + Span::seconds(at));
    }
    driver.under_way.extend([action(0, 1, 2), action(1, 1, 2)]);
    driver.turn().await.unwrap();
    stub.finish();
    let told: Vec<Happening> = inbox.try_iter().collect();
    let ends = |failed: u32, done: u32| {
        let is_failed = |one: &Happening| matches!(one, Happening::Failed(action, _) if action.cluster.0 == failed);
        let is_done = |one: &Happening| matches!(one, Happening::Finished(action) if action.cluster.0 == done);
        told.iter().any(is_failed) && told.iter().any(is_done)
    };
    assert!(ends(0, 1), "{told:?}");
}

/// Three from `a` to `b`, where nothing gets ready in time. Until it is stored that they are wanted back, they are not.
#[tokio::test]
async fn a_move_that_is_overdue_has_failed_when_that_is_stored() {
    let stub = Stub::of(vec![stored(403), stored(200), divided("web", 200)]).await;
    let both: (Pairs, Pairs) = (&[("member1", 3), ("member2", 3)], &[("member1", 3)]);
    let moves = wish(&[("member2", 3)], &[("member1", 3)]);
    let (mut driver, inbox) = driver(&stub, vec![binding("web", both, 3)], vec![("web", moves.clone())]);
    driver.under_way.extend([action(0, 3, 0), action(1, 0, 3)]);
    driver.turn().await.unwrap();
    assert_eq!(driver.stored.wishes["web"], moves);
    assert_eq!(inbox.try_iter().count(), 0);
    driver.turn().await.unwrap();
    stub.finish();
    assert_eq!(driver.stored.wishes["web"], wish(&[("member1", 3)], &[]));
    assert_eq!(written(&stub, 2), json!([{"name": "member1", "replicas": 3}]));
    assert_eq!(driver.shared.restored(), [(ServiceId(0), vec![(ClusterId(0), 3)])]);
    let told: Vec<Happening> = inbox.try_iter().collect();
    assert!(told.len() == 2 && told.iter().all(|one| matches!(one, Happening::Failed(..))), "{told:?}");
}

/// Two in `member3`, which the scenario does not name, are to be in `member1`.
#[tokio::test]
async fn what_a_cluster_that_is_none_of_ours_has_is_spared_if_it_is_there_and_holds_up_nothing_if_not() {
    let only = json!([{"name": "member1", "replicas": 2}]);
    let both = json!([{"name": "member1", "replicas": 2}, {"name": "member3", "replicas": 2}]);
    for (is_there, replicas, expected) in [(false, 2, only), (true, 4, both)] {
        let stub = Stub::of(vec![divided("web", 200)]).await;
        let there: (Pairs, Pairs) = (&[("member3", 2)], &[("member3", 2)]);
        let moves = wish(&[("member1", 2)], &[("member3", 2)]);
        let (mut driver, _inbox) = driver(&stub, vec![binding("web", there, replicas)], vec![("web", moves)]);
        if is_there {
            driver.shared.world().on_cluster(cluster("member3"), Time(1));
        }
        driver.turn().await.unwrap();
        stub.finish();
        assert_eq!(written(&stub, 0), expected);
    }
}

#[tokio::test]
async fn what_is_stored_may_be_barred_for_a_moment_and_somebody_else_never_drives() {
    let other = config_map(&json!({"driver": "other", "driven-at": clock::since_epoch().as_secs_f64().to_string()}));
    let refused = || get(STORED, 403, Value::Null);
    let found = |data: Value| get(STORED, 200, config_map(&data));
    let script = vec![refused(), found(json!({})), stored(200), refused(), refused(), get(STORED, 200, other)];
    let stub = Stub::of(script).await;
    let (mut driver, _inbox) = driver(&stub, Vec::new(), Vec::new());
    driver.looked = None;
    assert_eq!(driver.look().await.unwrap_err().class, Class::Retryable);
    driver.look().await.unwrap();
    assert_eq!((driver.barred, driver.looked.take().is_some()), (None, true));
    assert_eq!(driver.look().await.unwrap_err().class, Class::Retryable);
    // Longer than a lease later.
    driver.clock = Clock::started_ago(2 * LEASE);
    assert_eq!(driver.look().await.unwrap_err().class, Class::Permanent);
    let double = driver.look().await.unwrap_err();
    assert!(double.class == Class::Permanent && double.reason.contains("drives it already"), "{double}");
    stub.finish();
}
