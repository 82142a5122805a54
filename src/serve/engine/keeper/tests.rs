//! What a keeper does where the control plane cannot be had.

use super::{AGAIN_AFTER, Keeper, Next};
use crate::backend::live::outside::{CallError, Class};
use crate::model::connection::Division;
use crate::serve::config::Config;
use crate::serve::engine::context::Context;
use crate::serve::engine::settings::{ControlPlane, Settings};
use crate::serve::store::Store;
use crate::serve::store::asked::{Ask, NewGraph};
use crate::serve::store::rows::{
    Change, Graph, Job, JobKind, JobState, Options, Phase, Previous, ServiceStatus, Status, Wish,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Handle;

/// A store with a graph of one service, and the job that deploys it.
async fn stored() -> (Store, Graph, Job) {
    let descriptor = json!({"hdaGraph": {"id": "shop", "services": [{
        "id": "web", "deployment": {"trigger": {}, "intent": {"compute": {"cpu": "light", "ram": "light"}}},
        "artifact": {"ociImage": "oci://8.8.8.8/web:1", "ociConfig": {"type": "App", "implementer": "HELM"}, "valuesOverwrite": {}},
    }]}});
    let (project, name, options) = ("lab".to_owned(), "shop".to_owned(), Options::default());
    let store = Store::open("sqlite://:memory:").await.unwrap();
    let new = NewGraph { project, name, descriptor, source: None, options };
    let (graph, job) = store.insert_graph(&new, "tester").await.unwrap();
    (store, graph, job)
}

/// A server without a control plane, or with one whose kubeconfig nobody can read.
fn settings(folder: &Path, is_broken: bool) -> Settings {
    let config = Config::load(None, &[], &BTreeMap::new()).unwrap();
    let kubeconfig = folder.join("not-there");
    let karmada = ControlPlane { kubeconfig, context: None, division: Division::Own };
    Settings { karmada: is_broken.then_some(karmada), ..Settings::of(&config, folder).unwrap() }
}

async fn kept(store: &Store, graph: &Graph, settings: Settings) -> Next {
    let context = Context::new(store.clone(), settings);
    let keeper = Keeper { context, runtime: Handle::current(), id: graph.id.clone() };
    tokio::task::spawn_blocking(move || keeper.keep()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_is_said_to_be_removed_until_it_is_and_then_its_job_has_ended() {
    let (folder, (store, graph, _)) = (tempfile::tempdir().unwrap(), stored().await);
    let change = Change { wanted: Some(Wish::Removed), ..Change::default() };
    let ask = Ask { expected: None, change, kind: JobKind::Remove, actor: "tester".to_owned() };
    let (_, job) = store.change_graph(&graph.id, &ask).await.unwrap();
    assert_eq!(kept(&store, &graph, settings(folder.path(), true)).await, Next::Again(AGAIN_AFTER));
    let status = store.graph_by_id(&graph.id).await.unwrap().unwrap().status;
    assert!(status.phase == Phase::Removing && status.reason.is_some(), "{status:?}");
    assert_eq!(kept(&store, &graph, settings(folder.path(), false)).await, Next::Done);
    assert_eq!(store.graph_by_id(&graph.id).await.unwrap(), None);
    assert_eq!(store.job(&job.id).await.unwrap().unwrap().state, JobState::Succeeded);
}

/// What a deploy had begun to install when it failed is known afterwards, so that it can be taken down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_noted_of_a_deploy_outlives_its_failure() {
    let (folder, (store, graph, _)) = (tempfile::tempdir().unwrap(), stored().await);
    let chart = Some("oci://8.8.8.8/web@sha256:1".to_owned());
    let web = ServiceStatus { name: "web".to_owned(), chart: chart.clone(), ..ServiceStatus::default() };
    let status = Status { services: vec![web], generation: graph.generation, ..graph.status.clone() };
    store.set_status(&graph.id, &status).await.unwrap();
    let context = Context::new(store.clone(), settings(folder.path(), true));
    let keeper = Keeper { context, runtime: Handle::current(), id: graph.id.clone() };
    let away = CallError::new("karmada", "read", Class::Retryable, "it is away");
    let read_before = graph.clone();
    let next = tokio::task::spawn_blocking(move || keeper.on_error(&read_before, &away.into())).await.unwrap();
    assert_eq!(next, Some(Next::Again(AGAIN_AFTER)));
    let noted = store.graph_by_id(&graph.id).await.unwrap().unwrap().status;
    assert_eq!((noted.services[0].chart.clone(), noted.reason.as_deref()), (chart, Some("karmada: read: it is away")));
}

/// A server is started with a kubeconfig that cannot be read, and then with one that can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_that_has_run_is_not_given_up_and_one_that_is_waited_for_is() {
    let (folder, (store, graph, job)) = (tempfile::tempdir().unwrap(), stored().await);
    let previous = Previous { descriptor: graph.descriptor.clone(), options: Options::default(), source: None };
    store.keep_previous(&graph.id, &previous).await.unwrap();
    assert!(store.job_state(&job.id, JobState::Succeeded, None).await.unwrap());
    assert_eq!(kept(&store, &graph, settings(folder.path(), true)).await, Next::Again(AGAIN_AFTER));
    let status = store.graph_by_id(&graph.id).await.unwrap().unwrap().status;
    assert!(status.phase == Phase::Degraded && status.reason.is_some(), "{status:?}");
    assert!(store.graph_ids_to_keep().await.unwrap().contains(&graph.id), "somebody goes on to keep it");

    let change = Change { wanted: Some(Wish::Running), ..Change::default() };
    let ask = Ask { expected: None, change, kind: JobKind::Start, actor: "tester".to_owned() };
    let (_, job) = store.change_graph(&graph.id, &ask).await.unwrap();
    assert_eq!(kept(&store, &graph, settings(folder.path(), true)).await, Next::Done);
    assert_eq!(store.graph_by_id(&graph.id).await.unwrap().unwrap().status.phase, Phase::Failed);
    assert_eq!(store.job(&job.id).await.unwrap().unwrap().state, JobState::Failed);
}
