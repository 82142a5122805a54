//! What every database has to do: what is told and kept beside graphs.

use super::conformance::is_absent;
use super::new_graph;
use crate::capacity::online::Sample;
use crate::serve::at::At;
use crate::serve::store::Store;
use crate::serve::store::asked::{Answer, EventFilter, GraphFilter, NewEvent, NewToken, NewWebhook};
use crate::serve::store::rows::{Amount, AuditRow, ClusterAttributes, ClusterRow, DecisionRow, Role};
use crate::serve::store::sql::sql;
use crate::units::Time;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) async fn answers(store: &Store) {
    let answer = Answer {
        key: "k".into(),
        actor: "alice".into(),
        request_digest: "d".into(),
        status: 202,
        body: "{\"id\": 1}".into(),
    };
    assert_eq!(store.recall("k", "alice").await.unwrap(), None);
    assert!(store.remember(&answer).await.unwrap());
    assert!(!store.remember(&Answer { status: 500, ..answer.clone() }).await.unwrap(), "the first answer stays");
    let recalled = store.recall("k", "alice").await.unwrap().unwrap();
    assert_eq!((recalled.request_digest.as_str(), recalled.status, recalled.body), ("d", 202, answer.body));
    assert_eq!(store.recall("k", "bob").await.unwrap(), None, "keys are everybody's own");
}

pub(super) async fn events(store: &Store) {
    let before = store.last_event().await.unwrap();
    let event = |kind: &str, project: Option<&str>, graph: Option<&str>| NewEvent {
        kind: kind.into(),
        project: project.map(Into::into),
        graph: graph.map(Into::into),
        message: format!("{kind} happened"),
        data: json!({"x": 1.5}),
        ..NewEvent::default()
    };
    let mut made = Vec::new();
    for new in [
        event("graph.deployed", Some("p"), Some("g")),
        event("graphs", Some("q"), None),
        event("cluster.lost", None, None),
    ] {
        made.push(store.append_event(&new).await.unwrap());
    }
    let numbers: Vec<i64> = made.iter().map(|event| event.seq - before).collect();
    assert_eq!(numbers, [1, 2, 3], "numbers have no gaps");
    assert_eq!(store.last_event().await.unwrap(), before + 3);
    let all = EventFilter { after: before, ..EventFilter::default() };
    let found = |filter: EventFilter| async move { store.events(&filter).await.unwrap() };
    assert_eq!(found(all.clone()).await, made);
    assert_eq!(found(EventFilter { limit: 2, ..all.clone() }).await, made[..2]);
    assert_eq!(
        found(EventFilter { kind: Some("graph".into()), ..all.clone() }).await,
        made[..1],
        "a kind ends at its dot"
    );
    assert_eq!(found(EventFilter { kind: Some("cluster.lost".into()), ..all.clone() }).await, made[2..]);
    assert_eq!(
        found(EventFilter { kind: Some("gr%".into()), ..all.clone() }).await,
        [],
        "nothing in a kind is a wildcard"
    );
    assert_eq!(found(EventFilter { project: Some("q".into()), ..all.clone() }).await, made[1..2]);
    assert_eq!(found(EventFilter { graph: Some("g".into()), ..all }).await, made[..1]);
}

pub(super) async fn samples(store: &Store) {
    let (graph, _) = store.insert_graph(&new_graph("measured", "g"), "x").await.unwrap();
    let at = |second: u64| Time(1_796_026_500_000_000_000 + second * 1_000_000_000);
    let sample = |second: u64| {
        let rate = 59.84 + f64::from(u32::try_from(second).unwrap());
        Sample::of(at(second), [2.5, rate, f64::NAN, 1.2, 1.0, f64::NAN, f64::NAN, f64::NAN, 0.1])
    };
    for second in [60, 120, 180] {
        store.append_sample((&graph.id, "a"), &sample(second), at(60)).await.unwrap();
        store.append_sample((&graph.id, "b"), &sample(second + 7), at(180)).await.unwrap();
    }
    store.append_sample((&graph.id, "a"), &sample(180), at(120)).await.unwrap();
    let found = store.samples(&graph.id).await.unwrap();
    let times = |service: &str| found[service].iter().map(|one| one.at).collect::<Vec<_>>();
    assert_eq!(times("a"), [at(120), at(180)], "what counts no more is forgotten, and nothing is there twice");
    assert_eq!(times("b"), [at(187)], "of this service alone");
    let (kept, given) = (found["a"][0].values(), sample(120).values());
    assert!(
        kept.iter()
            .zip(given)
            .all(|(kept, given)| kept.to_bits() == given.to_bits() || kept.is_nan() && given.is_nan())
    );
    assert!(store.append_sample(("nobody", "a"), &sample(1), at(0)).await.is_err(), "samples are of a graph");
    assert_eq!(store.forget_samples((&graph.id, "a"), at(120)).await.unwrap(), 1);
    assert_eq!(store.forget_samples((&graph.id, "b"), Time::ZERO).await.unwrap(), 1);
    let left = store.samples(&graph.id).await.unwrap();
    assert_eq!(left.iter().map(|(name, all)| (name.as_str(), all.len())).collect::<Vec<_>>(), [("a", 1)]);
    store.delete_graph(&graph.id).await.unwrap();
    assert!(store.samples(&graph.id).await.unwrap().is_empty(), "they go with it");
}

pub(super) async fn decisions(store: &Store) {
    let (graph, _) = store.insert_graph(&new_graph("decide", "g"), "x").await.unwrap();
    let decision = |number: u32| DecisionRow {
        seq: 0,
        at: At(i64::from(number)),
        policy: "greedy+rate".into(),
        targets: BTreeMap::from([("a".into(), BTreeMap::from([("alpha".into(), number)]))]),
        refusals: vec!["no room".into()],
        actions: 1,
        held: Vec::new(),
        explanation: Some(json!({"why": "so"})),
    };
    let mut last = 0;
    for number in 0..1_003 {
        let seq = store.append_decision(&graph.id, &decision(number)).await.unwrap();
        assert!(seq > last);
        last = seq;
    }
    let newest = store.decisions(&graph.id, None, 2).await.unwrap();
    assert_eq!(
        newest,
        [DecisionRow { seq: last, ..decision(1_002) }, DecisionRow { seq: last - 1, ..decision(1_001) }]
    );
    let before = store.decisions(&graph.id, Some(last), 1).await.unwrap();
    assert_eq!(before[0].at, At(1_001));
    let all = store.decisions(&graph.id, None, 5_000).await.unwrap();
    assert_eq!((all.len(), all.last().map(|oldest| oldest.at)), (1_000, Some(At(3))), "1,003 less the oldest three");
    store.delete_graph(&graph.id).await.unwrap();
    assert_eq!(store.decisions(&graph.id, None, 9).await.unwrap(), []);
}

pub(super) async fn audits(store: &Store) {
    let row = |path: &str| AuditRow {
        seq: 0,
        at: At(5),
        actor: "alice".into(),
        method: "PUT".into(),
        path: path.into(),
        status: 202,
        request_id: "r".into(),
    };
    let (first, second) = (store.audit(&row("/a")).await.unwrap(), store.audit(&row("/b")).await.unwrap());
    assert_eq!(second, first + 1);
    assert_eq!(store.audits(first, 9).await.unwrap(), [AuditRow { seq: second, ..row("/b") }]);
    assert_eq!(store.audits(0, 1).await.unwrap().len(), 1);
}

pub(super) async fn clusters(store: &Store) {
    let seen = |name: &str, free: f64| ClusterRow {
        name: name.into(),
        present: true,
        ready: true,
        seen_at: At(3),
        cpu: Amount { allocatable: 8.0, free },
        memory: Amount::default(),
        gpu: Amount::default(),
        nodes: 2,
        version: "v1.33".into(),
        region: "eu".into(),
        pod_cidr: None,
        rtt_ms: BTreeMap::new(),
        service_cidr: None,
        attributes: ClusterAttributes::default(),
        dashboard: None,
    };
    store.put_clusters(&[seen("beta", 1.5), seen("alpha", 2.0)]).await.unwrap();
    let attributes =
        ClusterAttributes { location: Some("Wien".into()), pue: Some(1.2), ..ClusterAttributes::default() };
    let set = store.set_attributes("beta", &attributes).await.unwrap();
    assert_eq!(set.attributes, attributes);
    store.set_cluster_dashboard("beta", Some("http://g/d")).await.unwrap();
    store.put_clusters(&[seen("beta", 0.5)]).await.unwrap();
    let all = store.clusters().await.unwrap();
    assert_eq!(all[0], ClusterRow { present: false, ..seen("alpha", 2.0) }, "who has left is shown for what it was");
    let beta = ClusterRow { attributes, dashboard: Some("http://g/d".into()), ..seen("beta", 0.5) };
    assert_eq!((&all[1], all.len()), (&beta, 2));
    assert_eq!(store.cluster("beta").await.unwrap(), Some(beta));
    assert!(is_absent(&store.set_attributes("none", &ClusterAttributes::default()).await));
    assert!(is_absent(&store.set_cluster_dashboard("none", None).await));
}

pub(super) async fn tokens(store: &Store) {
    assert!(!store.has_tokens().await.unwrap());
    let new =
        NewToken { name: "ci".into(), role: Role::Operator, project: Some("shop".into()), expires_at: Some(At(7)) };
    let (token, secret) = store.add_token(&new).await.unwrap();
    assert!(secret.starts_with("smo_") && secret.len() == 47, "{secret}");
    assert_eq!((token.role, token.project.as_deref(), token.expires_at), (Role::Operator, Some("shop"), Some(At(7))));
    assert_eq!(store.token_by_secret(&secret).await.unwrap(), Some(token.clone()));
    assert_eq!(store.token_by_secret("smo_x").await.unwrap(), None);
    assert_eq!(store.tokens().await.unwrap(), std::slice::from_ref(&token));
    assert!(store.revoke_token(&token.id).await.unwrap() && !store.revoke_token(&token.id).await.unwrap());
    assert_eq!(store.token_by_secret(&secret).await.unwrap(), None);
}

pub(super) async fn webhooks(store: &Store) {
    let new = NewWebhook { url: "https://a".into(), kinds: vec!["graph".into()], project: None, secret: None };
    let made = store.add_webhook(&new).await.unwrap();
    assert_eq!((made.sent, made.trouble.as_deref()), (store.last_event().await.unwrap(), None));
    assert!(made.secret.len() > 40);
    store.set_webhook_sent(&made.id, 9, Some("refused")).await.unwrap();
    let given = store.add_webhook(&NewWebhook { secret: Some("mine".into()), ..new }).await.unwrap();
    let mut all = store.webhooks().await.unwrap();
    all.sort_by_key(|webhook| webhook.sent);
    assert_eq!((all.len(), given.secret.as_str()), (2, "mine"));
    let told = all.into_iter().find(|webhook| webhook.id == made.id).unwrap();
    assert_eq!((told.sent, told.trouble.as_deref(), told.kinds), (9, Some("refused"), vec!["graph".to_owned()]));
    assert!(store.delete_webhook(&made.id).await.unwrap() && !store.delete_webhook(&made.id).await.unwrap());
    assert!(is_absent(&store.set_webhook_sent(&made.id, 1, None).await));
}

pub(super) async fn documents(store: &Store) {
    store.put_doc("vim", "b", &json!({"x": 1})).await.unwrap();
    store.put_doc("vim", "a", &Value::Null).await.unwrap();
    store.put_doc("vim", "b", &json!({"x": [2]})).await.unwrap();
    store.put_doc("other", "b", &json!(true)).await.unwrap();
    assert_eq!(store.doc("vim", "b").await.unwrap(), Some(json!({"x": [2]})));
    assert_eq!(store.docs("vim").await.unwrap(), [("a".to_owned(), Value::Null), ("b".to_owned(), json!({"x": [2]}))]);
    assert!(store.delete_doc("vim", "b").await.unwrap() && !store.delete_doc("vim", "b").await.unwrap());
    assert_eq!(store.doc("vim", "b").await.unwrap(), None);
}

/// Whatever comes from outside is a text, also what would end one in SQL, and what PostgreSQL does not take.
pub(super) async fn strange_letters(store: &Store) {
    for strange in ["'; DROP TABLE graphs; --", "\"", "%", "_", "a\0b", "\u{1F980}\u{301}", "$1", "\\"] {
        assert_eq!(store.graph(strange, strange).await.unwrap(), None, "{strange:?}");
        assert_eq!(store.graphs_named(strange).await.unwrap(), [], "{strange:?}");
        let filter = GraphFilter { after: Some(strange.into()), ..GraphFilter::default() };
        store.graphs(&filter).await.unwrap();
        let event = NewEvent {
            kind: "odd".into(),
            message: strange.into(),
            data: json!({ strange: strange }),
            ..NewEvent::default()
        };
        let seq = store.append_event(&event).await.unwrap().seq;
        let read = store.events(&EventFilter { after: seq - 1, ..EventFilter::default() }).await.unwrap();
        assert_eq!((&read[0].message, &read[0].data), (&strange.replace('\0', "\u{fffd}"), &event.data), "{strange:?}");
    }
}

/// Everything that is kept for a time only grows old at once: all of it is forgotten, and what is kept for good stays.
pub(super) async fn what_has_had_its_time(store: &Store) {
    let run = |text: &'static str| async move { sql(text).run(&mut store.writing().await.unwrap()).await.unwrap() };
    let mut old = 0;
    for text in [
        "UPDATE answers SET at = 1",
        "UPDATE leases SET expires_at = 1",
        "UPDATE jobs SET ended_at = 1 WHERE ended_at IS NOT NULL",
    ] {
        let rows = run(text).await;
        assert!(rows > 0, "nothing to forget: {text}");
        old += rows;
    }
    // As if so many more had happened since; of the audit log, the last row is among the latest 100,000 still.
    let all = store.events(&EventFilter { limit: 1_000, ..EventFilter::default() }).await.unwrap().len();
    run("UPDATE counters SET value = value + 100000 WHERE name = 'events'").await;
    run("UPDATE counters SET value = value + 99999 WHERE name = 'audit'").await;
    let audited = run("UPDATE audit SET seq = seq").await;
    assert!(all > 0 && audited > 0);
    let graphs = run("UPDATE graphs SET name = name").await;
    assert_eq!(store.tidy().await.unwrap(), old + all as u64 + audited - 1);
    assert_eq!(store.recall("k", "alice").await.unwrap(), None);
    assert_eq!(store.events(&EventFilter::default()).await.unwrap(), []);
    assert_eq!(run("UPDATE graphs SET name = name").await, graphs);
    assert_eq!(store.tidy().await.unwrap(), 0, "once is enough");
}
