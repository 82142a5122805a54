//! Graphs, as they are read, and what their keepers write about them.

use super::asked::{Ended, GraphFilter};
use super::jobs::set_state;
use super::rows::{Graph, JobKind, JobState, Phase, Previous, Status, Wish};
use super::sql::{Row, sql};
use super::{Store, StoreError};
use crate::serve::at::At;
use sqlx::AnyConnection;

/// The columns of a graph; text, so that statements stay constants. What worked before is as long as all others together and nobody's
/// who only looks: it comes with `graph_by_id`, and with what changes the graph.
macro_rules! columns {
    () => {
        concat!(columns!(shown), ", previous")
    };
    (shown) => {
        "id, project, name, generation, wanted, options, source, descriptor, paused, created_at, updated_at, status"
    };
}
pub(super) use columns;

impl Store {
    /// A graph of a project, without what worked before.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn graph(&self, project: &str, name: &str) -> Result<Option<Graph>, StoreError> {
        let found = sql(concat!("SELECT ", columns!(shown), " FROM graphs WHERE project = $1 AND name = $2"));
        let found = found.text(project).text(name);
        found.row(&mut *self.reading().await?).await?.as_ref().map(graph).transpose()
    }

    /// A graph by its id, with what worked before.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn graph_by_id(&self, id: &str) -> Result<Option<Graph>, StoreError> {
        let found = sql(concat!("SELECT ", columns!(), " FROM graphs WHERE id = $1")).text(id);
        found.row(&mut *self.reading().await?).await?.as_ref().map(graph).transpose()
    }

    /// The graphs of a name, of all projects, without what worked before.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn graphs_named(&self, name: &str) -> Result<Vec<Graph>, StoreError> {
        let found =
            sql(concat!("SELECT ", columns!(shown), " FROM graphs WHERE name = $1 ORDER BY project")).text(name);
        found.rows(&mut *self.reading().await?).await?.iter().map(graph).collect()
    }

    /// Graphs by project and name, without what worked before, and where the next page begins if there is one.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn graphs(&self, filter: &GraphFilter) -> Result<(Vec<Graph>, Option<String>), StoreError> {
        let (project_after, name_after) =
            filter.after.as_deref().map_or(("", ""), |after| after.split_once('/').unwrap_or((after, "")));
        let found = sql(concat!(
            "SELECT ",
            columns!(shown),
            " FROM graphs WHERE ($1 IS NULL OR project = $1) AND ($2 IS NULL OR phase = $2) AND (project, name) > ($3, $4) \
             ORDER BY project, name LIMIT $5"
        ));
        let phase = filter.phase.map(|phase| super::sql::word(&phase));
        let found = found.text_or_null(filter.project.as_deref()).text_or_null(phase.as_deref());
        // One more than is wanted says whether there is more.
        let found = found.text(project_after).text(name_after).number(i64::from(filter.limit) + 1);
        let rows = found.rows(&mut *self.reading().await?).await?;
        let mut graphs: Vec<Graph> = rows.iter().map(graph).collect::<Result<_, _>>()?;
        let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = graphs.len() > wanted;
        graphs.truncate(wanted);
        let next = graphs.last().filter(|_| more).map(|last| format!("{}/{}", last.project, last.name));
        Ok((graphs, next))
    }

    /// The ids of all graphs that a keeper has to be busy with: those that are to run or to go, and those of which something is
    /// wanted that was not seen yet.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn graph_ids_to_keep(&self) -> Result<Vec<String>, StoreError> {
        // What was given up stays so until something else is wanted.
        let busy = sql(
            "SELECT id FROM graphs WHERE observed < generation OR (wanted <> $1 AND NOT (wanted = $2 AND phase = $3)) \
             ORDER BY created_at, id",
        );
        busy.word(&Wish::Stopped)
            .word(&Wish::Running)
            .word(&Phase::Failed)
            .rows(&mut *self.reading().await?)
            .await?
            .iter()
            .map(|row| row.text("id"))
            .collect()
    }

    /// Turns the kill switch of a graph: on with a reason, or off.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn set_pause(&self, id: &str, reason: Option<String>) -> Result<Graph, StoreError> {
        let set = sql(concat!("UPDATE graphs SET paused = $2, updated_at = $3 WHERE id = $1 RETURNING ", columns!()));
        let row = set.text(id).text_or_null(reason.as_deref()).at(At::now()).row(&mut *self.writing().await?).await?;
        graph(&row.ok_or_else(|| StoreError::absent("graph", id))?)
    }

    /// Writes down what was observed: the only thing that a keeper writes on the row while it keeps.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn set_status(&self, id: &str, status: &Status) -> Result<(), StoreError> {
        write_status(id, status, &mut *self.writing().await?).await
    }

    /// Writes down what became of a graph together with the end of its job, where it has one: both or neither. A graph that stands
    /// still, or was given up, has no keeper any more, so that nobody would end a job that was left open.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn conclude(&self, id: &str, status: &Status, job: Option<Ended<'_>>) -> Result<(), StoreError> {
        let mut within = self.begin().await?;
        write_status(id, status, &mut within).await?;
        if let Some(Ended { job, state, reason }) = job {
            set_state(job, (state, reason), &mut within).await?;
        }
        within.commit().await?;
        Ok(())
    }

    /// Keeps what worked, to go back to.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn keep_previous(&self, id: &str, previous: &Previous) -> Result<(), StoreError> {
        let keep = sql("UPDATE graphs SET previous = $2 WHERE id = $1").text(id).json(previous);
        changed(id, keep.run(&mut *self.writing().await?).await?)
    }

    /// Deletes the row of a graph with its alerts and decisions; its jobs stay, and one that removes it is through with that, also one
    /// that was asked for in the last moment. Whether it was there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn delete_graph(&self, id: &str) -> Result<bool, StoreError> {
        let mut within = self.begin().await?;
        // First the graph: whoever changes it locks its row first, too.
        let is_there = sql("DELETE FROM graphs WHERE id = $1").text(id).run(&mut within).await? > 0;
        let through =
            sql("UPDATE jobs SET state = $2, ended_at = $3 WHERE graph_id = $1 AND kind = $4 AND ended_at IS NULL");
        let through = through.text(id).word(&JobState::Succeeded).at(At::now()).word(&JobKind::Remove);
        through.run(&mut within).await?;
        within.commit().await?;
        Ok(is_there)
    }
}

async fn write_status(id: &str, status: &Status, on: &mut AnyConnection) -> Result<(), StoreError> {
    let set = sql("UPDATE graphs SET status = $2, phase = $3, observed = $4 WHERE id = $1");
    let set = set.text(id).json(status).word(&status.phase).number(status.generation);
    changed(id, set.run(on).await?)
}

fn changed(id: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::absent("graph", id)) } else { Ok(()) }
}

/// A graph from its row.
pub(super) fn graph(row: &Row) -> Result<Graph, StoreError> {
    Ok(Graph {
        id: row.text("id")?,
        project: row.text("project")?,
        name: row.text("name")?,
        generation: row.number("generation")?,
        wanted: row.word("wanted")?,
        options: row.json("options")?,
        source: row.json_or_null("source")?,
        descriptor: row.json("descriptor")?,
        status: row.json("status")?,
        paused: row.text_or_null("paused")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        previous: if row.has("previous") { row.json_or_null("previous")? } else { None },
    })
}
