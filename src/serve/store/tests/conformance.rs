//! What every database has to do: graphs, their jobs, alerts and leases. A function a table; `all` walks them on one store.

use super::{ask, descriptor, new_graph, records, update};
use crate::serve::at::At;
use crate::serve::store::asked::{Ended, GraphFilter, NewEvent};
use crate::serve::store::rows::{Change, Firing, JobKind, JobState, Options, Phase, Previous, Source, Status, Wish};
use crate::serve::store::sql::sql;
use crate::serve::store::{Store, StoreError};
use serde_json::json;
use std::time::Duration;

pub(super) async fn all(store: &Store) {
    store.ping().await.unwrap();
    projects(store).await;
    graphs(store).await;
    listed(store).await;
    kept(store).await;
    changes(store).await;
    jobs(store).await;
    ends(store).await;
    firings(store).await;
    leases(store).await;
    records::answers(store).await;
    records::events(store).await;
    records::decisions(store).await;
    records::audits(store).await;
    records::clusters(store).await;
    records::tokens(store).await;
    records::webhooks(store).await;
    records::documents(store).await;
    records::samples(store).await;
    records::strange_letters(store).await;
    assert_eq!(store.tidy().await.unwrap(), 0, "nothing of this is old");
    records::what_has_had_its_time(store).await;
}

/// After the store was closed and opened again.
pub(super) async fn is_still_there(store: &Store) {
    assert_eq!(store.project("shop").await.unwrap().unwrap().policy.as_deref(), Some("greedy+rate"));
    assert_eq!(store.graph("shop", "cart").await.unwrap().unwrap().descriptor, descriptor("cart", 1));
    let last = store.last_event().await.unwrap();
    let event = store.append_event(&NewEvent { kind: "x".into(), ..NewEvent::default() }).await.unwrap();
    assert_eq!(
        (event.seq, event.data),
        (last + 1, json!({})),
        "what says nothing has no figures, and still an object for them"
    );
}

pub(super) fn is_absent<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Absent { .. }))
}

fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict { .. }))
}

async fn projects(store: &Store) {
    assert_eq!(store.project("shop").await.unwrap(), None);
    let made = store.put_project("shop", Some("greedy+rate".into())).await.unwrap();
    assert_eq!(store.project("shop").await.unwrap(), Some(made.clone()));
    let again = store.put_project("shop", None).await.unwrap();
    assert_eq!((again.policy, again.created_at), (None, made.created_at));
    store.put_project("shop", Some("greedy+rate".into())).await.unwrap();
    // Of two who make it at the same time, one does, and the other changes nothing of it.
    assert!(matches!(store.add_project("shop", None).await, Err(StoreError::Exists { .. })));
    assert_eq!(store.project("shop").await.unwrap().unwrap().policy.as_deref(), Some("greedy+rate"));
    assert_eq!(store.add_project("empty", None).await.unwrap().policy, None);
    assert!(store.delete_project("empty").await.unwrap() && !store.delete_project("empty").await.unwrap());
}

async fn graphs(store: &Store) {
    let mut new = new_graph("shop", "cart");
    new.source = Some(Source { artifact: "oci://r/cart:1".into(), digest: "sha256:0".into() });
    new.options = serde_json::from_value(json!({"services": {"a": {"capacity": {"alpha": 20.5}}}})).unwrap();
    let (graph, job) = store.insert_graph(&new, "alice").await.unwrap();
    assert_eq!((graph.generation, graph.wanted, graph.status.phase), (1, Wish::Running, Phase::Pending));
    assert_eq!((&graph.descriptor, &graph.options, &graph.source), (&new.descriptor, &new.options, &new.source));
    assert_eq!(
        (job.kind, job.state, job.generation, job.actor.as_str()),
        (JobKind::Deploy, JobState::Queued, 1, "alice")
    );
    assert_eq!(store.graph("shop", "cart").await.unwrap().as_ref(), Some(&graph));
    assert_eq!(store.graph_by_id(&graph.id).await.unwrap().as_ref(), Some(&graph));
    assert_eq!(store.job(&job.id).await.unwrap(), Some(job));
    assert_eq!(store.graph("shop", "none").await.unwrap(), None);
    assert_eq!(store.graph("other", "cart").await.unwrap(), None);

    let error = store.insert_graph(&new, "bob").await.unwrap_err();
    assert_eq!(error, StoreError::Exists { what: "graph `cart` of project `shop`".into() });
    assert_eq!(store.jobs(Some(&graph.id), 9).await.unwrap().len(), 1, "a refused graph leaves no job");
    assert!(is_conflict(&store.delete_project("shop").await));
    // Its project is made on the way.
    let (other, _) = store.insert_graph(&new_graph("other", "cart"), "bob").await.unwrap();
    assert!(store.project("other").await.unwrap().is_some() && other.id != graph.id);
    let named: Vec<String> = store.graphs_named("cart").await.unwrap().into_iter().map(|one| one.project).collect();
    assert_eq!(named, ["other", "shop"]);
    assert!(store.delete_graph(&other.id).await.unwrap() && !store.delete_graph(&other.id).await.unwrap());
    assert!(store.delete_project("other").await.unwrap());
}

/// Both databases list in the order of bytes: `-` is 2d, `0` is 30, letters come after.
async fn listed(store: &Store) {
    for name in ["b", "a0", "a-0", "ab", "a"] {
        store.insert_graph(&new_graph("list", name), "x").await.unwrap();
    }
    let mut filter = GraphFilter { project: Some("list".into()), limit: 2, ..GraphFilter::default() };
    let mut pages = Vec::new();
    loop {
        let (page, next) = store.graphs(&filter).await.unwrap();
        pages.push(page.into_iter().map(|graph| graph.name).collect::<Vec<_>>());
        filter.after = next;
        if filter.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "a-0"], vec!["a0", "ab"], vec!["b"]]);
    let exact = GraphFilter { project: Some("list".into()), limit: 5, ..GraphFilter::default() };
    assert_eq!(store.graphs(&exact).await.unwrap().1, None, "a page that is just full is the last");
    let (all, _) = store.graphs(&GraphFilter::default()).await.unwrap();
    assert_eq!(all.len(), 6);
    let running = GraphFilter { phase: Some(Phase::Running), ..GraphFilter::default() };
    assert_eq!(store.graphs(&running).await.unwrap().0.len(), 0);
    assert_eq!(store.phase_counts().await.unwrap(), [(Phase::Pending, 6)]);
    for graph in store.graphs(&exact).await.unwrap().0 {
        store.delete_graph(&graph.id).await.unwrap();
    }
}

async fn kept(store: &Store) {
    let (graph, _) = store.insert_graph(&new_graph("keep", "g"), "x").await.unwrap();
    let ids = || async { store.graph_ids_to_keep().await.unwrap().contains(&graph.id) };
    assert!(ids().await);
    let status = Status {
        phase: Phase::Running,
        reason: Some("all is well".into()),
        since: At(1),
        observed_at: At(2),
        generation: 1,
        keeper: Some("one".into()),
        ..Status::default()
    };
    store.set_status(&graph.id, &status).await.unwrap();
    let seen = store.graph_by_id(&graph.id).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.generation, seen.updated_at), (status.clone(), 1, graph.updated_at));
    assert!(ids().await, "what is to run is kept");
    store.change_graph(&graph.id, &ask(Some(1), Wish::Stopped)).await.unwrap();
    assert!(ids().await, "a stop that was not seen yet");
    store.set_status(&graph.id, &Status { phase: Phase::Stopped, generation: 2, ..status.clone() }).await.unwrap();
    assert!(!ids().await, "a graph that stands still");
    let running = GraphFilter { phase: Some(Phase::Stopped), ..GraphFilter::default() };
    assert_eq!(store.graphs(&running).await.unwrap().0.len(), 1);

    assert_eq!(store.set_pause(&graph.id, Some("4711".into())).await.unwrap().paused.as_deref(), Some("4711"));
    assert_eq!(store.set_pause(&graph.id, None).await.unwrap().paused, None);
    let previous = Previous { descriptor: json!({"v": 0}), options: Options::default(), source: None };
    store.keep_previous(&graph.id, &previous).await.unwrap();
    let (changed, _) = store.change_graph(&graph.id, &update(None, "g", 7)).await.unwrap();
    assert_eq!((changed.previous, changed.status.phase), (Some(previous.clone()), Phase::Stopped));
    assert_eq!(store.graph_by_id(&graph.id).await.unwrap().unwrap().previous, Some(previous.clone()));
    assert_eq!(store.graph("keep", "g").await.unwrap().unwrap().previous, None, "nobody's who only looks");

    store.change_graph(&graph.id, &ask(None, Wish::Removed)).await.unwrap();
    assert!(ids().await, "a removal");
    assert!(store.delete_graph(&graph.id).await.unwrap());
    assert!(is_absent(&store.set_status(&graph.id, &status).await));
    assert!(is_absent(&store.set_pause(&graph.id, None).await));
    assert!(is_absent(&store.keep_previous(&graph.id, &previous).await));
    assert_eq!(store.jobs(Some(&graph.id), 9).await.unwrap().len(), 4, "jobs outlive their graph");
}

/// Nobody looks after a graph that stands still, was given up or is gone: its job ends with it.
async fn ends(store: &Store) {
    let (graph, deploy) = store.insert_graph(&new_graph("end", "g"), "x").await.unwrap();
    let state = async |job: &str| store.job(job).await.unwrap().unwrap().state;
    let failed = Status { phase: Phase::Failed, generation: 1, ..Status::default() };
    let ended = |job| Ended { job, state: JobState::Failed, reason: Some("no room") };
    assert!(is_absent(&store.conclude("g-none", &failed, Some(ended(&deploy.id))).await));
    assert_eq!(state(&deploy.id).await, JobState::Queued, "neither of the two was done");
    store.conclude(&graph.id, &failed, Some(ended(&deploy.id))).await.unwrap();
    assert_eq!(state(&deploy.id).await, JobState::Failed);
    assert_eq!(store.graph_by_id(&graph.id).await.unwrap().unwrap().status, failed);

    let (_, start) = store.change_graph(&graph.id, &ask(None, Wish::Running)).await.unwrap();
    let stale = store.change_instead(&graph.id, &update(Some(1), "g", 2), Some(ended(&start.id))).await;
    assert!(is_conflict(&stale));
    assert_eq!(state(&start.id).await, JobState::Queued, "neither of the two was done");
    store.change_instead(&graph.id, &update(Some(2), "g", 2), Some(ended(&start.id))).await.unwrap();
    assert_eq!(state(&start.id).await, JobState::Failed, "and not superseded");

    // Two want it removed: the keeper knows of the first alone.
    let (_, first) = store.change_graph(&graph.id, &ask(None, Wish::Removed)).await.unwrap();
    let (_, second) = store.change_graph(&graph.id, &ask(None, Wish::Removed)).await.unwrap();
    assert!(store.delete_graph(&graph.id).await.unwrap());
    assert_eq!((state(&first.id).await, state(&second.id).await), (JobState::Superseded, JobState::Succeeded));
}

async fn changes(store: &Store) {
    let (graph, first) = store.insert_graph(&new_graph("change", "g"), "x").await.unwrap();
    let error = store.change_graph(&graph.id, &ask(Some(9), Wish::Stopped)).await.unwrap_err();
    let what = "graph `g` is at generation 1, not 9; look at it again, then change that";
    assert_eq!(error, StoreError::Conflict { what: what.into() });
    assert!(is_absent(&store.change_graph("g-none", &ask(None, Wish::Stopped)).await));
    assert_eq!(store.unfinished_job(&graph.id).await.unwrap().map(|job| job.id), Some(first.id.clone()));

    let (changed, second) = store.change_graph(&graph.id, &update(Some(1), "g", 2)).await.unwrap();
    assert_eq!((changed.generation, &changed.descriptor, changed.wanted), (2, &descriptor("g", 2), Wish::Running));
    assert_eq!((second.kind, second.generation), (JobKind::Update, 2));
    let first = store.job(&first.id).await.unwrap().unwrap();
    assert_eq!((first.state, first.ended_at.is_some()), (JobState::Superseded, true));
    assert_eq!(store.unfinished_job(&graph.id).await.unwrap().map(|job| job.id), Some(second.id));

    let mut paused = ask(None, Wish::Running);
    paused.change.paused = Some(Some("why".into()));
    assert_eq!(store.change_graph(&graph.id, &paused).await.unwrap().0.paused.as_deref(), Some("why"));
    let (same, _) = store.change_graph(&graph.id, &ask(None, Wish::Stopped)).await.unwrap();
    assert_eq!((same.paused.as_deref(), &same.descriptor), (Some("why"), &descriptor("g", 2)));
    let mut go_on = ask(None, Wish::Running);
    go_on.change = Change { paused: Some(None), ..Change::default() };
    let (on, _) = store.change_graph(&graph.id, &go_on).await.unwrap();
    assert_eq!((on.paused, on.wanted), (None, Wish::Stopped));

    store.change_graph(&graph.id, &ask(None, Wish::Removed)).await.unwrap();
    let error = store.change_graph(&graph.id, &ask(None, Wish::Running)).await.unwrap_err();
    assert_eq!(error, StoreError::Conflict { what: "graph `g` is being removed; wait until it is gone".into() });
    assert!(store.change_graph(&graph.id, &ask(None, Wish::Removed)).await.is_ok());
    store.delete_graph(&graph.id).await.unwrap();
}

async fn jobs(store: &Store) {
    let (graph, job) = store.insert_graph(&new_graph("jobs", "g"), "x").await.unwrap();
    assert!(store.job_state(&job.id, JobState::Running, None).await.unwrap());
    for what in ["pulled\nthe chart", "installed \"a\""] {
        assert!(store.job_step(&job.id, what).await.unwrap());
    }
    assert!(store.job_state(&job.id, JobState::Failed, Some("no room")).await.unwrap());
    // What has ended stays as it ended.
    assert!(!store.job_step(&job.id, "late").await.unwrap());
    assert!(!store.job_state(&job.id, JobState::Succeeded, None).await.unwrap());
    assert!(!store.job_state("j-none", JobState::Succeeded, None).await.unwrap());
    let job = store.job(&job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.reason.as_deref()), (JobState::Failed, Some("no room")));
    let steps: Vec<&str> = job.steps.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(steps, ["pulled\nthe chart", "installed \"a\""]);
    assert!(job.ended_at >= Some(job.created_at));
    assert_eq!(store.unfinished_job(&graph.id).await.unwrap(), None);
    store.change_graph(&graph.id, &ask(None, Wish::Stopped)).await.unwrap();
    let kinds: Vec<JobKind> = store.jobs(Some(&graph.id), 9).await.unwrap().iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::Stop, JobKind::Deploy], "newest first");
    assert_eq!(store.jobs(Some(&graph.id), 1).await.unwrap().len(), 1);
    assert!(store.jobs(None, 100).await.unwrap().len() > 2);
    // However many there are of others that are newer.
    let (newer, _) = store.insert_graph(&new_graph("newer", "newest"), "x").await.unwrap();
    let of = async |project: Option<&str>, graph: Option<&str>| {
        store.jobs_in(project, graph, 1).await.unwrap().first().map(|job| job.kind)
    };
    assert_eq!(of(Some("jobs"), None).await, Some(JobKind::Stop));
    assert_eq!(of(None, Some("newest")).await, Some(JobKind::Deploy));
    assert_eq!(of(Some("jobs"), Some("newest")).await, None);
    store.delete_graph(&newer.id).await.unwrap();
    assert!(store.job_counts().await.unwrap().contains(&(JobState::Failed, 1)));
    store.delete_graph(&graph.id).await.unwrap();
}

async fn firings(store: &Store) {
    let (graph, _) = store.insert_graph(&new_graph("fire", "g"), "x").await.unwrap();
    let alert = |service: &str, since: i64| Firing { service: service.into(), event: "hot".into(), since: At(since) };
    let set = async |(service, fingerprint): (&str, &str), since: i64, fires: bool| {
        store.set_firing(&graph.id, (&alert(service, since), fingerprint), fires).await.unwrap()
    };
    let fire = async || store.firings(&graph.id).await.unwrap();
    assert!(set(("b", "1"), 5, true).await);
    assert!(!set(("b", "1"), 9, true).await, "it fires already");
    assert!(set(("b", "2"), 4, true).await, "another alert of the same event");
    assert!(set(("a", "1"), 7, true).await);
    assert_eq!(fire().await, [alert("a", 7), alert("b", 4)]);
    assert!(!set(("b", "1"), 4, false).await, "what ended was over before");
    assert!(set(("b", "2"), 9, false).await);
    assert_eq!(fire().await, [alert("a", 7), alert("b", 5)], "an event goes on as long as one of its alerts");
    assert!(set(("b", "1"), 9, false).await);
    assert!(!set(("b", "1"), 9, false).await);
    assert_eq!(fire().await, [alert("a", 7)]);
    for (service, fingerprint) in [("b", "1"), ("b", "")] {
        assert!(set((service, fingerprint), 8, true).await);
    }
    store.clear_event(&graph.id, "b", "cold").await.unwrap();
    assert_eq!(fire().await, [alert("a", 7), alert("b", 8)], "another event goes on");
    store.clear_event(&graph.id, "b", "hot").await.unwrap();
    assert_eq!(fire().await, [alert("a", 7)], "with whatever alerts it had");
    store.clear_firings(&graph.id).await.unwrap();
    assert_eq!(fire().await, []);
    assert!(is_conflict(&store.set_firing("g-none", (&alert("a", 1), "1"), true).await));
    assert!(set(("a", "1"), 1, true).await);
    store.delete_graph(&graph.id).await.unwrap();
    assert_eq!(fire().await, [], "they go with their graph");
}

/// A store in which something fires, written by the program that did not keep fingerprints.
pub(super) async fn what_fired_before_fingerprints(url: &str) {
    let store = Store::open(url).await.unwrap();
    let (graph, _) = store.insert_graph(&new_graph("fire", "before"), "x").await.unwrap();
    let before = [
        sql("DROP TABLE firings"),
        sql("CREATE TABLE firings (graph_id TEXT NOT NULL REFERENCES graphs (id) ON DELETE CASCADE, \
             service TEXT NOT NULL, event TEXT NOT NULL, since BIGINT NOT NULL, \
             PRIMARY KEY (graph_id, service, event))"),
        sql("INSERT INTO firings (graph_id, service, event, since) VALUES ($1, 'a', 'hot', 5)").text(&graph.id),
        sql("DELETE FROM _sqlx_migrations WHERE version = 3"),
    ];
    for statement in before {
        statement.run(&mut store.writing().await.unwrap()).await.unwrap();
    }
    store.close().await;
    let store = Store::open(url).await.unwrap();
    let hot = |since: i64| Firing { service: "a".into(), event: "hot".into(), since: At(since) };
    assert_eq!(store.firings(&graph.id).await.unwrap(), [hot(5)], "it goes on");
    assert!(store.set_firing(&graph.id, (&hot(7), "1"), true).await.unwrap());
    assert!(store.set_firing(&graph.id, (&hot(6), "2"), false).await.unwrap(), "whichever it was, it is over");
    assert_eq!(store.firings(&graph.id).await.unwrap(), [hot(7)]);
}

async fn leases(store: &Store) {
    let minute = Duration::from_mins(1);
    assert!(store.acquire("g", "one", minute).await.unwrap());
    assert!(!store.acquire("g", "two", minute).await.unwrap());
    assert!(store.acquire("g", "one", minute).await.unwrap(), "one's own is renewed");
    assert!(store.acquire("h", "two", minute).await.unwrap());
    let (holder, until) = store.lease("g").await.unwrap().unwrap();
    assert_eq!(holder, "one");
    // The database is on this machine, so its clock is ours.
    let left = until.since(At::now());
    assert!(left <= minute && left > minute / 2, "{left:?}");
    store.release("g", "two").await.unwrap();
    assert!(store.lease("g").await.unwrap().is_some(), "only its holder gives it back");
    store.release("g", "one").await.unwrap();
    assert_eq!(store.lease("g").await.unwrap(), None);
    assert!(store.acquire("g", "two", Duration::ZERO).await.unwrap());
    assert_eq!(store.lease("g").await.unwrap(), None, "it has expired at once");
    assert!(store.acquire("g", "one", minute).await.unwrap());
}
