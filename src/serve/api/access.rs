//! Who may see and change what, in one place: every handler gets its graph, its project or its role from here.
//!
//! A caller that is bound to a project sees nothing of the others, so what lies there is *not found* (404). What a caller sees and
//! may not change is *forbidden* (403).

use super::App;
use super::problem::Problem;
use crate::serve::auth::Caller;
use crate::serve::store::rows::{Graph, Role, Wish};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

/// Who asks. Put there by `gate`, so that a route outside of it does not compile into an open door: it answers 401.
#[derive(Debug, Clone)]
pub struct By(pub Caller);

impl By {
    /// Who it is, for the records.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Who it is, for the audit log: an admin of a project calls its tokens what he likes, also as somebody else's are, so that the project of
    /// one is said with its name.
    pub fn in_full(&self) -> String {
        match self.project() {
            None => self.name().to_owned(),
            Some(project) => format!("{} (project {project})", self.name()),
        }
    }

    /// The only project that is seen, if it is only one.
    pub fn project(&self) -> Option<&str> {
        self.0.project.as_deref()
    }

    /// Whether a project is seen.
    pub fn sees(&self, project: &str) -> bool {
        self.project().is_none_or(|own| own == project)
    }

    /// Somebody of at least this role, wherever.
    ///
    /// # Errors
    /// 403.
    pub fn need(&self, role: Role) -> Result<(), Problem> {
        if self.0.role >= role {
            return Ok(());
        }
        let (has, wants) = (word(self.0.role), word(role));
        Err(Problem::forbidden(format!("this takes the role {wants}; `{}` is {has}", self.name())))
    }

    /// Somebody of at least this role in a project.
    ///
    /// # Errors
    /// 404 where the project is not seen, 403 where it is and the role is too small.
    pub fn need_in(&self, role: Role, project: &str) -> Result<(), Problem> {
        if !self.sees(project) {
            return Err(no_project(project));
        }
        self.need(role)
    }

    /// Somebody of at least this role in all projects.
    ///
    /// # Errors
    /// 403.
    pub fn need_everywhere(&self, role: Role) -> Result<(), Problem> {
        self.need(role)?;
        match self.project() {
            None => Ok(()),
            Some(own) => {
                Err(Problem::forbidden(format!("this concerns all projects; `{}` has only `{own}`", self.name())))
            }
        }
    }

    /// The project that is asked about: the one that is named, else the only one that is seen; `None` is all of them.
    ///
    /// # Errors
    /// 404 where the named one is not seen.
    pub fn narrowed(&self, named: Option<String>) -> Result<Option<String>, Problem> {
        match named {
            Some(named) if !self.sees(&named) => Err(no_project(&named)),
            Some(named) => Ok(Some(named)),
            None => Ok(self.0.project.clone()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unauthorized("nobody said who asks"))
    }
}

/// A project of the path, whether it is there or not, and the caller.
pub struct InProject {
    /// Who asks.
    pub by: By,
    /// The project.
    pub project: String,
}

impl FromRequestParts<App> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let by = By::from_request_parts(parts, app).await?;
        let Path(project) = read(Path::<String>::from_request_parts(parts, app).await)?;
        Ok(Self { by, project })
    }
}

/// A graph of the path, whether it is there or not, and the caller.
pub struct Named {
    /// Who asks.
    pub by: By,
    /// The project.
    pub project: String,
    /// The name.
    pub name: String,
}

impl FromRequestParts<App> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let by = By::from_request_parts(parts, app).await?;
        let Path((project, name)) = read(Path::<(String, String)>::from_request_parts(parts, app).await)?;
        Ok(Self { by, project, name })
    }
}

/// A graph of the path, which the caller may see.
pub struct Seen(pub Graph);

impl FromRequestParts<App> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        graph(parts, app, Role::Viewer).await.map(|(_, graph)| Self(graph))
    }
}

/// A graph of the path that the caller may change, and which is not about to go; and the caller.
pub struct Held(pub Graph, pub By);

impl FromRequestParts<App> for Held {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (by, graph) = graph(parts, app, Role::Operator).await?;
        if graph.wanted == Wish::Removed {
            return Err(being_removed(&graph));
        }
        Ok(Self(graph, by))
    }
}

/// The graph that the path names.
async fn graph(parts: &mut Parts, app: &App, role: Role) -> Result<(By, Graph), Problem> {
    let Named { by, project, name } = Named::from_request_parts(parts, app).await?;
    graph_in(app, &by, role, (&project, &name)).await.map(|graph| (by, graph))
}

/// A path whose letters can be read.
fn read<T>(path: Result<Path<T>, PathRejection>) -> Result<Path<T>, Problem> {
    path.map_err(|error| Problem::bad_request(error.body_text()))
}

/// The graph of that project and name.
///
/// # Errors
/// 404 where it is not or is not seen, 403 where the role is too small.
pub async fn graph_in(app: &App, by: &By, role: Role, (project, name): (&str, &str)) -> Result<Graph, Problem> {
    by.need_in(role, project)?;
    app.store.graph(project, name).await?.ok_or_else(|| no_graph(project, name))
}

/// The one graph of that name over all projects that are seen.
///
/// # Errors
/// 404 where there is none, 409 where there are several.
pub async fn graph_named(app: &App, by: &By, name: &str) -> Result<Graph, Problem> {
    let mut found = app.store.graphs_named(name).await?;
    found.retain(|graph| by.sees(&graph.project));
    match found.len() {
        0 => Err(Problem::not_found(format!("there is no graph `{name}`; `GET /v1/graphs` lists all"))),
        1 => Ok(found.remove(0)),
        _ => {
            let projects: Vec<&str> = found.iter().map(|graph| graph.project.as_str()).collect();
            let listed = projects.join("`, `");
            let detail = format!(
                "several projects have a graph `{name}`; name one of `{listed}`: /v1/projects/PROJECT/graphs/{name}"
            );
            Err(Problem::conflict("ambiguous", detail))
        }
    }
}

/// A graph that is about to go cannot be changed any more.
pub fn being_removed(graph: &Graph) -> Problem {
    let detail = format!("the graph `{}` is being removed; wait until it is gone, and deploy it again", graph.name);
    Problem::conflict("being-removed", detail)
}

/// There is no such graph, or none that is seen.
pub fn no_graph(project: &str, name: &str) -> Problem {
    let detail =
        format!("the project `{project}` has no graph `{name}`; `GET /v1/projects/{project}/graphs` lists all");
    Problem::not_found(detail)
}

/// There is no such project, or none that is seen.
pub fn no_project(project: &str) -> Problem {
    Problem::not_found(format!("there is no project `{project}`; `GET /v1/projects` lists all"))
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}
