//! Jobs: work that takes a while, with its steps. A job that has ended stays as it ended.

use super::rows::{Job, JobState, JobStep};
use super::sql::{Row, sql, written};
use super::{Store, StoreError};
use crate::serve::at::At;
use crate::serve::traces;
use sqlx::AnyConnection;

macro_rules! columns {
    () => {
        "id, kind, project, graph, graph_id, generation, state, reason, steps, actor, created_at, ended_at"
    };
}

impl Store {
    /// A job.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let found = sql(concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1")).text(id);
        found.row(&mut *self.reading().await?).await?.as_ref().map(job).transpose()
    }

    /// The latest jobs, newest first: of a graph, or of all.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn jobs(&self, graph_id: Option<&str>, limit: u32) -> Result<Vec<Job>, StoreError> {
        let found = sql(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE ($1 IS NULL OR graph_id = $1) ORDER BY created_at DESC, generation DESC, id LIMIT $2"
        ));
        let found = found.text_or_null(graph_id).number(limit);
        found.rows(&mut *self.reading().await?).await?.iter().map(job).collect()
    }

    /// The latest jobs, newest first: those in a project, of graphs of a name, or both.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn jobs_in(
        &self,
        project: Option<&str>,
        graph: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let found = sql(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE ($1 IS NULL OR project = $1) AND ($2 IS NULL OR graph = $2) \
             ORDER BY created_at DESC, generation DESC, id LIMIT $3"
        ));
        let found = found.text_or_null(project).text_or_null(graph).number(limit);
        found.rows(&mut *self.reading().await?).await?.iter().map(job).collect()
    }

    /// The job of a graph that has not ended. There is at most one, that of the latest generation.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn unfinished_job(&self, graph_id: &str) -> Result<Option<Job>, StoreError> {
        let found = sql(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE graph_id = $1 AND ended_at IS NULL ORDER BY generation DESC LIMIT 1"
        ));
        found.text(graph_id).row(&mut *self.reading().await?).await?.as_ref().map(job).transpose()
    }

    /// Adds a step to a job, unless it has ended; whether it did.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn job_step(&self, id: &str, what: &str) -> Result<bool, StoreError> {
        let line = written(&JobStep { at: At::now(), what: what.to_owned() }) + "\n";
        let step = sql("UPDATE jobs SET steps = steps || $2 WHERE id = $1 AND ended_at IS NULL").text(id).text(&line);
        Ok(step.run(&mut *self.writing().await?).await? > 0)
    }

    /// Says how far a job is, unless it has ended; whether it did.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn job_state(&self, id: &str, state: JobState, reason: Option<&str>) -> Result<bool, StoreError> {
        set_state(id, (state, reason), &mut *self.writing().await?).await
    }
}

/// Says how far a job is, unless it has ended; whether it did.
pub(super) async fn set_state(
    id: &str,
    (state, reason): (JobState, Option<&str>),
    on: &mut AnyConnection,
) -> Result<bool, StoreError> {
    let set = sql("UPDATE jobs SET state = $2, reason = $3, ended_at = $4 WHERE id = $1 AND ended_at IS NULL");
    let ended = state.has_ended().then(|| At::now().0);
    let set = set.text(id).word(&state).text_or_null(reason).number_or_null(ended);
    Ok(set.run(on).await? > 0)
}

/// Adds a job.
pub(super) async fn insert_job(job: &Job, within: &mut AnyConnection) -> Result<(), StoreError> {
    let insert =
        sql(concat!("INSERT INTO jobs (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '', $8, $9, NULL)"));
    let insert = insert.text(&job.id).word(&job.kind).text(&job.project).text(&job.graph).text(&job.graph_id);
    insert.number(job.generation).word(&job.state).text(&job.actor).at(job.created_at).run(within).await?;
    traces::asked(&job.id);
    Ok(())
}

fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.text("id")?,
        kind: row.word("kind")?,
        project: row.text("project")?,
        graph: row.text("graph")?,
        graph_id: row.text("graph_id")?,
        generation: row.number("generation")?,
        state: row.word("state")?,
        reason: row.text_or_null("reason")?,
        steps: steps(&row.text("steps")?)?,
        actor: row.text("actor")?,
        created_at: row.at("created_at")?,
        ended_at: row.at_or_null("ended_at")?,
    })
}

fn steps(lines: &str) -> Result<Vec<JobStep>, StoreError> {
    let broken = |error| StoreError::Broken(format!("a step of a job: {error}"));
    lines.lines().map(|line| serde_json::from_str(line).map_err(broken)).collect()
}
