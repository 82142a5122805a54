//! What is left of work that was broken off: all of it, or nothing. A caller who hangs up drops a future in its middle, and a
//! process that is killed drops everything.

use super::postgres::Postgres;
use super::{ask, file, new_graph, update};
use crate::serve::store::Store;
use crate::serve::store::asked::{EventFilter, GraphFilter, NewEvent};
use crate::serve::store::rows::{JobState, Wish};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells the test that is started again, as a process of its own, which store it writes into.
const WRITER: &str = "SMO_TEST_STORE_TO_WRITE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_dropped_in_its_middle_was_done_or_not_in_sqlite() {
    let (_folder, url) = file();
    dropped(&Store::open(&url).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_dropped_in_its_middle_was_done_or_not_in_postgresql() {
    let test = "a_change_that_is_dropped_in_its_middle_was_done_or_not_in_postgresql";
    let Some(mut server) = Postgres::start(test) else { return };
    dropped(&Store::open(&server.database()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_leaves_whole_transactions_in_sqlite() {
    let (_folder, url) = file();
    killed(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_leaves_whole_transactions_in_postgresql() {
    let test = "a_process_that_is_killed_leaves_whole_transactions_in_postgresql";
    let Some(mut server) = Postgres::start(test) else { return };
    killed(&server.database()).await;
}

/// Each change is given a little more time than the one before, from none at all.
async fn dropped(store: &Store) {
    let (graph, _) = store.insert_graph(&new_graph("p", "g"), "x").await.unwrap();
    let mut through = 0;
    for number in 0..300 {
        let change = update(None, "g", number);
        let time = Duration::from_micros(u64::try_from(number).unwrap() * 10);
        through += i64::from(tokio::time::timeout(time, store.change_graph(&graph.id, &change)).await.is_ok());
    }
    // What was dropped may still be under way; behind it, everything is as before.
    store.change_graph(&graph.id, &ask(None, Wish::Running)).await.unwrap();
    let generation = whole(store).await;
    assert!(generation >= 2 + through, "{generation} after {through} that were told to be through");
}

async fn killed(url: &str) {
    Store::open(url).await.unwrap().close().await;
    for round in 1..=3 {
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer.args(["--exact", "serve::store::tests::crash::the_writer_that_is_killed", "--nocapture"]);
        let mut writer = writer.env(WRITER, url).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let told = lines.map_while(Result::ok).filter(|line| line.contains("written")).take(40 * round).count();
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert_eq!(told, 40 * round, "the writer ended by itself");
        let store = Store::open(url).await.unwrap();
        assert!(whole(&store).await > 1);
        store.close().await;
    }
}

/// Whether each generation has its job and all but the latest have ended, and events have no gap; the highest generation.
async fn whole(store: &Store) -> i64 {
    let mut highest = 0;
    for graph in store.graphs(&GraphFilter::default()).await.unwrap().0 {
        let jobs = store.jobs(Some(&graph.id), 9_999).await.unwrap();
        let generations: BTreeSet<i64> = jobs.iter().map(|job| job.generation).collect();
        assert_eq!(generations, (1..=graph.generation).collect(), "{}", graph.name);
        assert_eq!(jobs.len(), generations.len(), "{}", graph.name);
        let open: Vec<i64> =
            jobs.iter().filter(|job| job.state != JobState::Superseded).map(|job| job.generation).collect();
        assert_eq!(open, [graph.generation], "{}", graph.name);
        highest = highest.max(graph.generation);
    }
    let events = store.events(&EventFilter { limit: 99_999, ..EventFilter::default() }).await.unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=store.last_event().await.unwrap()).collect::<Vec<_>>());
    highest
}

/// No test of its own: the process that [`killed`] starts. It writes until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "whoever started it counts what was written")]
async fn the_writer_that_is_killed() {
    let Ok(url) = std::env::var(WRITER) else { return };
    let store = Store::open(&url).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..4 {
        let store = store.clone();
        tasks.spawn(async move {
            let name = format!("g{number}");
            // It is there from the second round on.
            let _ = store.insert_graph(&new_graph("p", &name), "x").await;
            let graph = store.graph("p", &name).await.unwrap().unwrap();
            loop {
                store.change_graph(&graph.id, &update(None, &name, 1)).await.unwrap();
                store.append_event(&NewEvent { kind: "x".into(), ..NewEvent::default() }).await.unwrap();
                println!("written");
            }
        });
    }
    tasks.join_all().await;
}
