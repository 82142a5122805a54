//! Two servers on one database that want the same at the same time: two stores, each with connections of its own.

use super::postgres::Postgres;
use super::{ask, file, new_graph};
use crate::serve::store::asked::{EventFilter, NewEvent};
use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow, JobState, Wish};
use crate::serve::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// How many want the same.
const MANY: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_agree_on_an_sqlite_file() {
    let (_folder, url) = file();
    // Both at once: they also race for the migrations.
    let (one, other) = tokio::join!(Store::open(&url), Store::open(&url));
    all(&[one.unwrap(), other.unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_agree_on_one_postgresql() {
    let Some(mut server) = Postgres::start("two_servers_agree_on_one_postgresql") else { return };
    let url = server.database();
    let (one, other) = tokio::join!(Store::open(&url), Store::open(&url));
    all(&[one.unwrap(), other.unwrap()]).await;
}

async fn all(stores: &[Store; 2]) {
    one_of_many_gets_a_lease(stores).await;
    one_of_many_adds_a_graph(stores).await;
    no_change_is_lost(stores).await;
    no_event_is_missed(stores).await;
    projects_go_only_without_graphs(stores).await;
    clusters_are_seen_one_after_the_other(stores).await;
}

/// Runs `what` many times at once, on both stores by turns; what came out, in no order.
async fn at_once<T: Send + 'static, F>(stores: &[Store; 2], what: impl Fn(Store, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..MANY {
        tasks.spawn(what(stores[number % 2].clone(), number));
    }
    tasks.join_all().await
}

async fn one_of_many_gets_a_lease(stores: &[Store; 2]) {
    for round in 0..20 {
        let got = at_once(stores, |store, number| async move {
            store.acquire(&format!("lease-{round}"), &format!("holder-{number}"), Duration::from_mins(1)).await.unwrap()
        });
        assert_eq!(got.await.into_iter().filter(|&got| got).count(), 1, "round {round}");
    }
    // One that has expired goes to one of them too.
    for store in stores {
        assert!(store.acquire(&format!("old-{}", store.kind()), "nobody", Duration::ZERO).await.unwrap());
    }
    let got = at_once(stores, |store, number| async move {
        let name = format!("old-{}", store.kind());
        store.acquire(&name, &format!("holder-{number}"), Duration::from_mins(1)).await.unwrap()
    });
    assert_eq!(got.await.into_iter().filter(|&got| got).count(), 1);
}

async fn one_of_many_adds_a_graph(stores: &[Store; 2]) {
    for round in 0..10 {
        let name = format!("graph-{round}");
        let new = new_graph(&format!("race-{round}"), &name);
        let added = at_once(stores, |store, number| {
            let new = new.clone();
            async move { store.insert_graph(&new, &format!("actor-{number}")).await }
        });
        let (good, bad): (Vec<_>, Vec<_>) = added.await.into_iter().partition(Result::is_ok);
        assert_eq!(good.len(), 1, "round {round}");
        assert!(bad.iter().all(|error| matches!(error, Err(StoreError::Exists { .. }))), "{bad:?}");
        let found = stores[0].graphs_named(&name).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(stores[1].jobs(Some(&found[0].id), 99).await.unwrap().len(), 1);
    }
}

/// Everybody changes what they saw, until they were let to five times.
async fn no_change_is_lost(stores: &[Store; 2]) {
    let (graph, _) = stores[0].insert_graph(&new_graph("changes", "g"), "x").await.unwrap();
    let id = graph.id.clone();
    let refused = at_once(stores, |store, _| {
        let id = id.clone();
        async move {
            let (mut changed, mut refused) = (0, 0);
            while changed < 5 {
                let seen = store.graph_by_id(&id).await.unwrap().unwrap().generation;
                match store.change_graph(&id, &ask(Some(seen), Wish::Running)).await {
                    Ok((graph, job)) => {
                        assert_eq!((graph.generation, job.generation), (seen + 1, seen + 1));
                        changed += 1;
                    }
                    Err(StoreError::Conflict { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            refused
        }
    });
    let refused: usize = refused.await.into_iter().sum();
    let changes = i64::try_from(MANY * 5).unwrap();
    let graph = stores[0].graph_by_id(&id).await.unwrap().unwrap();
    assert_eq!(graph.generation, 1 + changes, "after {refused} refusals");
    let jobs = stores[1].jobs(Some(&id), 999).await.unwrap();
    let generations: BTreeSet<i64> = jobs.iter().map(|job| job.generation).collect();
    assert_eq!(generations, (1..=1 + changes).collect(), "a job for each generation");
    assert_eq!(jobs.len(), generations.len());
    let unfinished: Vec<_> = jobs.iter().filter(|job| job.state != JobState::Superseded).collect();
    assert_eq!((unfinished.len(), unfinished[0].generation), (1, graph.generation));
}

/// A reader that goes on from the last number that it saw sees all of them, in order, while they are written.
async fn no_event_is_missed(stores: &[Store; 2]) {
    let begin = stores[0].last_event().await.unwrap();
    let (reader, total) = (stores[1].clone(), i64::try_from(MANY * 10).unwrap());
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|&last| last < begin + total) {
            let after = seen.last().copied().unwrap_or(begin);
            let found = reader.events(&EventFilter { after, limit: 7, ..EventFilter::default() }).await.unwrap();
            seen.extend(found.iter().map(|event| event.seq));
            tokio::task::yield_now().await;
        }
        seen
    });
    at_once(stores, |store, number| async move {
        for _ in 0..10 {
            let event = NewEvent { kind: format!("kind.{number}"), ..NewEvent::default() };
            store.append_event(&event).await.unwrap();
        }
    })
    .await;
    assert_eq!(reading.await.unwrap(), (begin + 1..=begin + total).collect::<Vec<_>>());
}

/// A graph comes while its project is deleted: whoever is second sees the first, and no graph is ever without its project.
async fn projects_go_only_without_graphs(stores: &[Store; 2]) {
    for round in 0..20 {
        let name = format!("comes-{round}");
        stores[0].put_project(&name, None).await.unwrap();
        let new = new_graph(&name, "g");
        let (added, deleted) = tokio::join!(stores[0].insert_graph(&new, "x"), stores[1].delete_project(&name));
        added.unwrap();
        assert!(matches!(deleted, Ok(true) | Err(StoreError::Conflict { .. })), "{deleted:?}");
        assert!(stores[1].project(&name).await.unwrap().is_some(), "round {round}: {deleted:?}");
    }
}

async fn clusters_are_seen_one_after_the_other(stores: &[Store; 2]) {
    let seen = |name: String| ClusterRow {
        name,
        present: true,
        ready: true,
        seen_at: crate::serve::at::At(3),
        cpu: Amount::default(),
        memory: Amount::default(),
        gpu: Amount::default(),
        nodes: 1,
        version: String::new(),
        region: String::new(),
        pod_cidr: None,
        rtt_ms: BTreeMap::new(),
        service_cidr: None,
        attributes: ClusterAttributes::default(),
        dashboard: None,
    };
    at_once(stores, |store, number| async move {
        // In an order of everybody's own: locks that are taken in different orders would block each other.
        let clusters: Vec<ClusterRow> =
            (0..8).map(|index| seen(format!("c{}", (index * (1 + number % 3 * 2)) % 8))).collect();
        store.put_clusters(&clusters).await.unwrap();
        store.set_attributes("c0", &ClusterAttributes::default()).await.unwrap();
    })
    .await;
    let clusters = stores[0].clusters().await.unwrap();
    assert!(clusters.len() == 8 && clusters.iter().all(|cluster| cluster.present), "{clusters:?}");
}
