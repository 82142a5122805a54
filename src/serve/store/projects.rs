//! Projects: the namespaces of graphs.

use super::rows::Project;
use super::sql::{Row, sql};
use super::{Store, StoreError};
use crate::serve::at::At;
use sqlx::AnyConnection;

impl Store {
    /// A project.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn project(&self, name: &str) -> Result<Option<Project>, StoreError> {
        let found = sql("SELECT name, policy, created_at FROM projects WHERE name = $1").text(name);
        found.row(&mut *self.reading().await?).await?.as_ref().map(project).transpose()
    }

    /// All projects, by name.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn projects(&self) -> Result<Vec<Project>, StoreError> {
        let all = sql("SELECT name, policy, created_at FROM projects ORDER BY name");
        all.rows(&mut *self.reading().await?).await?.iter().map(project).collect()
    }

    /// Makes a project that is not there yet.
    ///
    /// # Errors
    /// [`StoreError::Exists`], or a database that does not answer.
    pub async fn add_project(&self, name: &str, policy: Option<String>) -> Result<Project, StoreError> {
        let add = sql("INSERT INTO projects (name, policy, created_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (name) DO NOTHING RETURNING name, policy, created_at");
        let add = add.text(name).text_or_null(policy.as_deref()).at(At::now());
        let row = add.row(&mut *self.writing().await?).await?;
        project(&row.ok_or_else(|| StoreError::Exists { what: format!("project `{name}`") })?)
    }

    /// Makes a project, or sets the policy of the one that is there.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn put_project(&self, name: &str, policy: Option<String>) -> Result<Project, StoreError> {
        let put = sql("INSERT INTO projects (name, policy, created_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (name) DO UPDATE SET policy = excluded.policy RETURNING name, policy, created_at");
        let put = put.text(name).text_or_null(policy.as_deref()).at(At::now());
        let row = put.row(&mut *self.writing().await?).await?;
        project(&row.ok_or_else(|| StoreError::absent("project", name))?)
    }

    /// Deletes a project; whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while it has graphs, or a database that does not answer.
    pub async fn delete_project(&self, name: &str) -> Result<bool, StoreError> {
        let mut within = self.begin().await?;
        let graphs = sql("SELECT COUNT(*) AS graphs FROM graphs WHERE project = $1").text(name);
        let graphs = graphs.row(&mut within).await?.map_or(Ok(0), |row| row.number("graphs"))?;
        if graphs > 0 {
            let what = format!("project `{name}` has graphs ({graphs}); remove them first");
            return Err(StoreError::Conflict { what });
        }
        // A graph that comes between is seen by the foreign key.
        let deleted = sql("DELETE FROM projects WHERE name = $1").text(name).run(&mut within).await?;
        within.commit().await?;
        Ok(deleted > 0)
    }
}

/// Sees to it that a project is there, and stays until the transaction ends: the row is written, and with that locked.
pub(super) async fn ensure(name: &str, within: &mut AnyConnection) -> Result<(), StoreError> {
    let ensure = sql("INSERT INTO projects (name, policy, created_at) VALUES ($1, NULL, $2) \
                      ON CONFLICT (name) DO UPDATE SET name = excluded.name");
    ensure.text(name).at(At::now()).run(within).await.map(drop)
}

fn project(row: &Row) -> Result<Project, StoreError> {
    Ok(Project { name: row.text("name")?, policy: row.text_or_null("policy")?, created_at: row.at("created_at")? })
}
