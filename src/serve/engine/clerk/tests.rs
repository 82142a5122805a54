//! What a clerk does with what it is told.

use super::{Clerk, Decided, Refresh, Shares, Shown, Told, Verdict};
use crate::model::observation::{Event, EventKind};
use crate::serve::at::At;
use crate::serve::engine::stand_in::{self, descriptor, service};
use crate::serve::store::asked::NewGraph;
use crate::serve::store::rows::{Options, Status};
use crate::units::Time;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many replicas of `web` charts were told of, each time.
#[derive(Default)]
struct Charts(Mutex<Vec<Option<u32>>>);

impl Refresh for Charts {
    fn refresh(&self, targets: Option<&BTreeMap<String, Shares>>) {
        self.0.lock().unwrap().push(targets.map(|targets| targets["web"]["a"]));
    }

    fn given(&self) -> BTreeMap<String, Value> {
        BTreeMap::new()
    }
}

async fn clerk(charts: Arc<Charts>) -> Clerk {
    let context = stand_in::context(stand_in::settings(&[])).await;
    let (project, name, options) = ("lab".to_owned(), "shop".to_owned(), Options::default());
    let new = NewGraph { project, name, descriptor: json!({}), source: None, options };
    let (graph, _) = context.store.insert_graph(&new, "tester").await.unwrap();
    Clerk {
        context,
        graph,
        descriptor: descriptor(&service("web", "light", "{}", "")),
        services: BTreeSet::from(["web".to_owned()]),
        status: Status::default(),
        job: None,
        remote: None,
        refresh: Some(charts),
        decided: None,
        held: false,
        newcomers: None,
        written: Status::default(),
        shown: Shown::default(),
    }
}

/// By somebody else's hand and by ours at once: it is off when both have let go.
#[tokio::test]
async fn charts_are_told_of_nothing_while_the_kill_switch_is_on_and_then_of_what_was_decided_last() {
    let charts = Arc::new(Charts::default());
    let mut clerk = clerk(charts.clone()).await;
    let decided = |replicas: u32| {
        let targets = BTreeMap::from([("web".to_owned(), Shares::from([("a".to_owned(), replicas)]))]);
        Told::Decided(Decided { targets, ..Decided::default() })
    };
    let switched = |kind| Told::Happened(Event { at: Time::ZERO, kind, subject: "incident 4711".to_owned() });
    clerk.take(decided(1)).await;
    clerk.take(switched(EventKind::ControlPaused)).await;
    clerk.take(decided(2)).await;
    clerk.graph.paused = Some("incident 4712".to_owned());
    clerk.take(switched(EventKind::ControlResumed)).await;
    clerk.graph.paused = None;
    clerk.tell_charts();
    assert_eq!(*charts.0.lock().unwrap(), [Some(1), None, None, None, Some(2)]);
}

/// Somebody else's kill switch was on before the run could begin, for longer than a deployment may take.
#[tokio::test]
async fn a_job_that_was_held_up_has_its_time_from_then_on() {
    let mut clerk = clerk(Arc::new(Charts::default())).await;
    Arc::get_mut(&mut clerk.context).unwrap().settings.deploy_timeout = Duration::ZERO;
    let job = clerk.context.store.unfinished_job(&clerk.graph.id).await.unwrap().unwrap();
    clerk.job = Some((job, tracing::Span::none()));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(matches!(clerk.look().await, Some(Verdict::Late(_))));
    clerk.context.hold_up(&clerk.graph.id, At::now().after(Duration::from_mins(1)));
    assert_eq!(clerk.look().await, None);
}
