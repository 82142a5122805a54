//! A database that goes away and comes back: said as what it is, and over by itself.

use super::postgres::Postgres;
use super::{ask, new_graph};
use crate::serve::store::rows::Wish;
use crate::serve::store::{Store, StoreError};

fn is_unreachable<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(error) if error.is_passing())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_crashes_is_unreachable_until_it_is_back() {
    let Some(mut server) = Postgres::start("a_postgresql_that_crashes_is_unreachable_until_it_is_back") else { return };
    let url = server.database();
    let store = Store::open(&url).await.unwrap();
    let (graph, _) = store.insert_graph(&new_graph("p", "g"), "x").await.unwrap();

    server.stop();
    let stop = ask(None, Wish::Stopped);
    let (pinged, changed) = tokio::join!(store.ping(), store.change_graph(&graph.id, &stop));
    assert!(is_unreachable(&pinged) && is_unreachable(&changed), "{pinged:?} {changed:?}");
    let opened = Store::open(&url).await.map(|store| store.kind());
    assert!(is_unreachable(&opened), "{opened:?}");

    server.start_again();
    store.ping().await.unwrap();
    let found = store.graph_by_id(&graph.id).await.unwrap().unwrap();
    assert_eq!((found.generation, found.wanted), (1, Wish::Running), "what was refused did not happen");
    store.change_graph(&graph.id, &stop).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_an_operator_ends_are_made_again() {
    let Some(mut server) = Postgres::start("connections_that_an_operator_ends_are_made_again") else { return };
    let store = Store::open(&server.database()).await.unwrap();
    let (graph, _) = store.insert_graph(&new_graph("p", "g"), "x").await.unwrap();
    for _ in 0..3 {
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'smo' AND pid <> pg_backend_pid()",
        );
        assert_eq!(store.graph("p", "g").await.unwrap().map(|found| found.id), Some(graph.id.clone()));
    }
}
