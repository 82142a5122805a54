//! The same laws for both databases: what is asked of the store is walked twice, once with SQLite and once with a PostgreSQL of the
//! test's own.

mod conformance;
mod crash;
mod outage;
pub mod postgres;
mod races;
mod records;

use super::Store;
use super::asked::{Ask, NewGraph};
use super::rows::{Change, JobKind, Options, Wish};
use postgres::Postgres;
use serde_json::{Value, json};
use tempfile::TempDir;

/// An SQLite file; the folder has to be held.
pub(super) fn file() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("with space/and%percent/smo.db").display());
    (folder, url)
}

/// A graph that is to be.
pub(super) fn new_graph(project: &str, name: &str) -> NewGraph {
    let (project, name) = (project.to_owned(), name.to_owned());
    NewGraph { descriptor: descriptor(&name, 1), project, name, source: None, options: Options::default() }
}

/// A descriptor that says how often it was changed.
pub(super) fn descriptor(name: &str, version: i64) -> Value {
    json!({"hdaGraph": {"id": name, "version": version, "services": [{"id": "a"}, {"id": "b"}]}})
}

/// A change of what is wanted.
pub(super) fn ask(expected: Option<i64>, wanted: Wish) -> Ask {
    let change = Change { wanted: Some(wanted), ..Change::default() };
    let kind = match wanted {
        Wish::Running => JobKind::Start,
        Wish::Stopped => JobKind::Stop,
        Wish::Removed => JobKind::Remove,
    };
    Ask { expected, change, kind, actor: "tester".to_owned() }
}

/// Another descriptor.
pub(super) fn update(expected: Option<i64>, name: &str, version: i64) -> Ask {
    let change =
        Change { descriptor: Some((descriptor(name, version), None, Options::default())), ..Change::default() };
    Ask { expected, change, kind: JobKind::Update, actor: "tester".to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_laws_in_an_sqlite_file() {
    let (_folder, url) = file();
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.kind(), "sqlite");
    conformance::all(&store).await;
    store.close().await;
    let store = Store::open(&url).await.unwrap();
    conformance::is_still_there(&store).await;
    store.close().await;
    conformance::what_fired_before_fingerprints(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_laws_in_memory() {
    conformance::all(&Store::open("sqlite://:memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_laws_in_postgresql() {
    let Some(mut server) = Postgres::start("the_store_keeps_its_laws_in_postgresql") else { return };
    let url = server.database();
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.kind(), "postgres");
    conformance::all(&store).await;
    store.close().await;
    let store = Store::open(&url).await.unwrap();
    conformance::is_still_there(&store).await;
    store.close().await;
    conformance::what_fired_before_fingerprints(&url).await;
}

#[tokio::test]
async fn memory_is_one_database_for_all_clones_and_none_for_others() {
    let store = Store::open("sqlite://:memory:").await.unwrap();
    let clone = store.clone();
    store.put_project("p", None).await.unwrap();
    assert_eq!(clone.projects().await.unwrap().len(), 1);
    assert_eq!(Store::open("sqlite::memory:").await.unwrap().projects().await.unwrap().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn an_sqlite_file_is_its_owners_alone_and_where_it_was_wanted() {
    use std::os::unix::fs::MetadataExt;
    let (folder, url) = file();
    let store = Store::open(&url).await.unwrap();
    store.put_project("p", None).await.unwrap();
    let path = folder.path().join("with space/and%percent/smo.db");
    for file in [path.clone(), path.with_extension("db-wal")] {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_url_that_leads_nowhere_says_what_would_be_right_and_no_password() {
    for url in ["mysql://root:secret@db/smo", "smo.db", "sqlite://", "", "sqlite:///x?mode=ro"] {
        let error = Store::open(url).await.unwrap_err().to_string();
        assert!(
            error.contains("write `sqlite:///path/to/smo.db` or `postgres://") && !error.contains("secret"),
            "{error}"
        );
    }
    let error = Store::open("sqlite:///proc/nowhere/smo.db").await.unwrap_err().to_string();
    assert!(error.contains("`/proc/nowhere/smo.db` cannot be written"), "{error}");
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_left_alone() {
    let (_folder, url) = file();
    let store = Store::open(&url).await.unwrap();
    let newer = super::sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                            VALUES (99, 'newer', 1, $1, 0)",
    );
    newer.text("x").run(&mut store.writing().await.unwrap()).await.unwrap();
    store.close().await;
    let error = Store::open(&url).await.unwrap_err().to_string();
    assert!(error.contains("written by a newer smo (migration 99 is unknown here)"), "{error}");
}
