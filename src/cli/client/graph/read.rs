//! What only looks: lists, a graph, what would be decided about it, what another descriptor would change.

use super::descriptor::Body;
use super::{Diff, List, Looked, Show, plan, table};
use crate::cli::client::flags::{Format, Named};
use crate::cli::client::server::problem::{status, with_remedy};
use crate::cli::client::server::{Ask, Server};
use crate::cli::client::told;
use crate::cli::{Failure, yaml};
use serde_json::Value;
use std::io::Write;

/// Lists graphs.
///
/// # Errors
/// A server that does not answer.
pub async fn list(arguments: &List, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::open(&arguments.common.at)?;
    let project = arguments.project.named();
    let ask = Ask::get(&["graphs"]).with_some("project", project.clone());
    let graphs = server.list(&ask.with_some("phase", arguments.phase.clone()), None).await?;
    told::print(arguments.common.format, &Value::Array(graphs), out, |graphs| table::list(graphs, project.as_deref()))
}

/// Shows a graph.
///
/// # Errors
/// It is not there, or the server does not answer.
pub async fn show(arguments: &Show, out: &mut dyn Write) -> Result<(), Failure> {
    let mut graph = graph(&Server::open(&arguments.common.at)?, &arguments.named).await?;
    if !arguments.descriptor {
        return told::print(arguments.common.format, &graph, out, table::graph);
    }
    let descriptor = graph["descriptor"].take();
    let text = match arguments.common.format {
        Format::Json => format!("{descriptor:#}\n"),
        // People read and write descriptors as YAML.
        Format::Table | Format::Yaml => yaml::document(&descriptor)?,
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// The graph that is named.
///
/// # Errors
/// It is not there, or the server does not answer.
pub async fn graph(server: &Server, Named { name, project }: &Named) -> Result<Value, Failure> {
    let project = project.or_default();
    let answer = server.ask(&Ask::get(&["projects", &project, "graphs", name])).await;
    Ok(answer.map_err(|failure| not_there(failure, &project))?.body)
}

/// Says where to look for what is not there.
pub fn not_there(failure: Failure, project: &str) -> Failure {
    match status(&failure) {
        Some(404) => with_remedy(
            failure,
            &format!("it was looked for in project `{project}`; `smo graph list` shows all, `--project` says which"),
        ),
        _ => failure,
    }
}

/// Says what would be decided now.
///
/// # Errors
/// As [`show`]; and where something would find no place (3).
pub async fn plan(arguments: &Looked, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::open(&arguments.common.at)?;
    let Named { name, project } = &arguments.named;
    let project = project.or_default();
    let ask = Ask::get(&["projects", &project, "graphs", name, "plan"]);
    let answer = server.ask(&ask).await.map_err(|failure| not_there(failure, &project))?.body;
    told::print(arguments.common.format, &answer, out, plan::table)?;
    plan::verdict(&answer)
}

/// Says what another descriptor would change.
///
/// # Errors
/// As [`show`]; and mistakes in the descriptor.
pub async fn diff(arguments: &Diff, out: &mut dyn Write) -> Result<(), Failure> {
    let body = Body::read(&arguments.sent)?;
    let server = Server::open(&arguments.common.at)?;
    let Named { name, project } = &arguments.named;
    let project = project.or_default();
    let ask = body.in_ask(Ask::post(&["projects", &project, "graphs", name, "diff"]));
    let answer = server.ask(&ask).await.map_err(|failure| not_there(failure, &project))?.body;
    told::print(arguments.common.format, &answer, out, plan::difference)
}
