//! What is wanted of graphs: written by the interface, each change with the job that brings it about, in one transaction.

use super::asked::{Ask, Ended, NewGraph};
use super::graphs::{columns, graph};
use super::ids::id;
use super::jobs::{insert_job, set_state};
use super::projects::ensure;
use super::rows::{Graph, Job, JobKind, JobState, Status, Wish};
use super::sql::sql;
use super::{Store, StoreError};
use crate::serve::at::At;
use sqlx::AnyConnection;

impl Store {
    /// Adds a graph that is to run, with the job that deploys it. Its project is made where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where the project has one of this name, also one that is being removed; or a database that does not
    /// answer.
    pub async fn insert_graph(&self, new: &NewGraph, actor: &str) -> Result<(Graph, Job), StoreError> {
        let now = At::now();
        let mut within = self.begin().await?;
        ensure(&new.project, &mut within).await?;
        let insert = sql(concat!(
            "INSERT INTO graphs (id, project, name, generation, wanted, options, source, descriptor, created_at, updated_at, \
             status, phase, observed) VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $8, $9, $10, 0) \
             ON CONFLICT (project, name) DO NOTHING RETURNING ",
            columns!()
        ));
        let status = Status { since: now, observed_at: now, ..Status::default() };
        let insert = insert.text(&id("g")).text(&new.project).text(&new.name).word(&Wish::Running).json(&new.options);
        let insert = insert.json_or_null(new.source.as_ref()).json(&new.descriptor).at(now);
        let row = insert.json(&status).word(&status.phase).row(&mut within).await?;
        let exists = || StoreError::Exists { what: format!("graph `{}` of project `{}`", new.name, new.project) };
        let graph = graph(&row.ok_or_else(exists)?)?;
        let job = job_for(&graph, JobKind::Deploy, actor, now);
        insert_job(&job, &mut within).await?;
        within.commit().await?;
        Ok((graph, job))
    }

    /// Changes what is wanted of a graph: a new generation, and a job that brings it about. Jobs for what was wanted before are
    /// superseded. What worked last ([`keep_previous`](Self::keep_previous)) stays.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the graph is at another generation than was expected, and for everything but another removal
    /// where it is being removed; [`StoreError::Absent`]; or a database that does not answer.
    pub async fn change_graph(&self, id: &str, ask: &Ask) -> Result<(Graph, Job), StoreError> {
        let mut within = self.begin().await?;
        let changed = change(id, ask, None, &mut within).await?;
        within.commit().await?;
        Ok(changed)
    }

    /// The same, and with it the end of the job that is given up for it: both or neither.
    ///
    /// # Errors
    /// As [`change_graph`](Self::change_graph).
    pub async fn change_instead(
        &self,
        id: &str,
        ask: &Ask,
        job: Option<Ended<'_>>,
    ) -> Result<(Graph, Job), StoreError> {
        let mut within = self.begin().await?;
        let changed = change(id, ask, job, &mut within).await?;
        within.commit().await?;
        Ok(changed)
    }
}

/// Changes a graph, then its jobs, in this order like everybody else: whoever locks its row first is not waited for by another who
/// holds a job's.
async fn change(
    id: &str,
    ask: &Ask,
    given_up: Option<Ended<'_>>,
    within: &mut AnyConnection,
) -> Result<(Graph, Job), StoreError> {
    let (now, change) = (At::now(), &ask.change);
    let update = sql(concat!(
        "UPDATE graphs SET generation = generation + 1, wanted = COALESCE($2, wanted), descriptor = COALESCE($3, descriptor), \
         source = CASE WHEN $3 IS NULL THEN source ELSE $4 END, options = COALESCE($5, options), \
         paused = CASE WHEN $6 = 0 THEN paused ELSE $7 END, updated_at = $8 \
         WHERE id = $1 AND ($9 IS NULL OR generation = $9) AND (wanted <> 'removed' OR $2 = 'removed') RETURNING ",
        columns!()
    ));
    let wanted = change.wanted.map(|wish| super::sql::word(&wish));
    let (descriptor, source, options) = match &change.descriptor {
        Some((descriptor, source, options)) => (Some(descriptor), source.as_ref(), Some(options)),
        None => (None, None, None),
    };
    let update = update.text(id).text_or_null(wanted.as_deref());
    let update = update.json_or_null(descriptor).json_or_null(source).json_or_null(options);
    let update =
        update.number(change.paused.is_some()).text_or_null(change.paused.iter().flatten().next().map(String::as_str));
    let row = update.at(now).number_or_null(ask.expected).row(within).await?;
    let Some(row) = row else { return Err(refusal(id, ask, within).await?) };
    let graph = graph(&row)?;
    if let Some(Ended { job, state, reason }) = given_up {
        set_state(job, (state, reason), within).await?;
    }
    supersede(&graph, now, within).await?;
    let job = job_for(&graph, ask.kind, &ask.actor, now);
    insert_job(&job, within).await?;
    Ok((graph, job))
}

/// Why a graph was not changed.
async fn refusal(id: &str, ask: &Ask, within: &mut AnyConnection) -> Result<StoreError, StoreError> {
    let row = sql("SELECT name, generation, wanted FROM graphs WHERE id = $1").text(id).row(within).await?;
    let Some(row) = row else { return Ok(StoreError::absent("graph", id)) };
    let (name, generation, wanted) = (row.text("name")?, row.number("generation")?, row.word::<Wish>("wanted")?);
    let what = match ask.expected {
        Some(expected) if expected != generation => {
            format!("graph `{name}` is at generation {generation}, not {expected}; look at it again, then change that")
        }
        _ if wanted == Wish::Removed => format!("graph `{name}` is being removed; wait until it is gone"),
        // It was changed between the two statements; whoever sees this may try again.
        _ => format!("graph `{name}` was changed at the same time; try again"),
    };
    Ok(StoreError::Conflict { what })
}

async fn supersede(graph: &Graph, now: At, within: &mut AnyConnection) -> Result<(), StoreError> {
    let supersede =
        sql("UPDATE jobs SET state = $2, ended_at = $3, reason = $4 WHERE graph_id = $1 AND ended_at IS NULL");
    let reason = format!("generation {} was wanted before this was through", graph.generation);
    supersede.text(&graph.id).word(&JobState::Superseded).at(now).text(&reason).run(within).await.map(drop)
}

fn job_for(graph: &Graph, kind: JobKind, actor: &str, now: At) -> Job {
    Job {
        id: id("j"),
        kind,
        project: graph.project.clone(),
        graph: graph.name.clone(),
        graph_id: graph.id.clone(),
        generation: graph.generation,
        state: JobState::Queued,
        reason: None,
        steps: Vec::new(),
        actor: actor.to_owned(),
        created_at: now,
        ended_at: None,
    }
}
