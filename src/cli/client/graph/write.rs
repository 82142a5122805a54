//! What changes a graph: it is asked for, the server answers with a job, and whoever wants to waits for its end.

use super::descriptor::Body;
use super::{Asked, Confirmed, Deploy, Pause, plan, read, table};
use crate::cli::Failure;
use crate::cli::client::confirm::confirm;
use crate::cli::client::flags::{Format, Named};
use crate::cli::client::follow::{self, Telling};
use crate::cli::client::server::problem::{status, with_remedy};
use crate::cli::client::server::{Ask, Server};
use crate::cli::client::told;
use anyhow::anyhow;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};

/// Deploys, or changes what is deployed.
///
/// # Errors
/// Mistakes in the descriptor; a server that does not take it; a dry run that finds no place for something (3).
pub async fn deploy(arguments: &Deploy, out: &mut dyn Write) -> Result<(), Failure> {
    let body = Body::read(&arguments.sent)?;
    let format = arguments.common.format;
    if format == Format::Table {
        body.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    }
    let server = Server::open(&arguments.common.at)?;
    let project = arguments.project.or_default();
    let name = match &arguments.update {
        Some(said) => Some(updated(said.as_deref(), &body)?),
        None => None,
    };
    let path: Vec<&str> = ["projects", &project, "graphs"].into_iter().chain(name.as_deref()).collect();
    let method = if name.is_some() { Method::PUT } else { Method::POST };
    let ask = body.in_ask(Ask::new(method, &path));
    if arguments.dry_run {
        let answer = server.ask(&dry(ask)).await?.body;
        return planned(&answer, Telling { format, out });
    }
    let ask = match &name {
        Some(name) => {
            let etag = agreed(arguments, &server, (&project, name, &body), out).await?;
            ask.if_still(etag.as_deref())
        }
        None => ask,
    };
    let job = server.ask(&ask).await.map_err(|failure| there_already(failure, arguments))?.body;
    follow::after(&server, job, arguments.wait, Telling { format, out }).await
}

/// The same, planned only.
fn dry(ask: Ask<'_>) -> Ask<'_> {
    ask.with("dry_run", "true")
}

/// Tells a plan that nobody carries out.
fn planned(answer: &Value, telling: Telling<'_>) -> Result<(), Failure> {
    let Telling { format, out } = telling;
    told::print(format, answer, out, |answer| plan::table(answer) + "dry run: nothing was stored\n")?;
    plan::verdict(answer)
}

/// The graph that is changed.
fn updated(said: Option<&str>, body: &Body) -> Result<String, Failure> {
    match (said, &body.name) {
        (Some(said), Some(name)) if said != name => Err(Failure::input(anyhow!(
            "the descriptor is that of `{name}`, not of `{said}`\n  a graph keeps its name"
        ))),
        (Some(name), _) => Ok(name.to_owned()),
        (None, Some(name)) => Ok(name.clone()),
        (None, None) => Err(Failure::input(anyhow!(
            "which graph an artifact is of is not known before it is pulled\n  say it by `--update=NAME`"
        ))),
    }
}

/// Shows on a terminal what would change, and asks; the version that this is about.
async fn agreed(
    arguments: &Deploy,
    server: &Server,
    (project, name, body): (&str, &str, &Body),
    out: &mut dyn Write,
) -> Result<Option<String>, Failure> {
    if arguments.sure.yes {
        return Ok(None);
    }
    let path = ["projects", project, "graphs", name];
    if io::stdin().is_terminal() && arguments.common.format == Format::Table {
        let etag = server.ask(&Ask::get(&path)).await?.etag;
        let difference = body.in_ask(Ask::post(&["projects", project, "graphs", name, "diff"]));
        let difference = server.ask(&difference).await?.body;
        out.write_all(plan::difference(&difference).as_bytes())?;
        out.flush()?;
        confirm(&format!("change graph {name} of project {project}"), arguments.sure)?;
        return Ok(etag);
    }
    confirm(&format!("change graph {name} of project {project}"), arguments.sure)?;
    Ok(None)
}

fn there_already(failure: Failure, arguments: &Deploy) -> Failure {
    match status(&failure) {
        Some(409) if arguments.update.is_none() => with_remedy(failure, "`--update` changes the graph that is there"),
        Some(412) => with_remedy(failure, "somebody changed it in between; look again"),
        _ => failure,
    }
}

/// Runs a stopped graph again.
///
/// # Errors
/// A server that does not; a job that fails.
pub async fn start(arguments: &Asked, out: &mut dyn Write) -> Result<(), Failure> {
    ask_for(arguments, Method::POST, Some("start"), out).await
}

/// Decides anew.
///
/// # Errors
/// As [`start`].
pub async fn re_place(arguments: &Asked, out: &mut dyn Write) -> Result<(), Failure> {
    ask_for(arguments, Method::POST, Some("re-place"), out).await
}

/// Stops a graph.
///
/// # Errors
/// As [`start`]; and where it is not meant.
pub async fn stop(arguments: &Confirmed, out: &mut dyn Write) -> Result<(), Failure> {
    ask_after_asking(arguments, ("stop", Method::POST, Some("stop")), out).await
}

/// Removes a graph.
///
/// # Errors
/// As [`stop`].
pub async fn remove(arguments: &Confirmed, out: &mut dyn Write) -> Result<(), Failure> {
    ask_after_asking(arguments, ("remove", Method::DELETE, None), out).await
}

async fn ask_after_asking(
    arguments: &Confirmed,
    (word, method, action): (&str, Method, Option<&str>),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Named { name, project } = &arguments.named;
    if !arguments.dry_run {
        confirm(&format!("{word} graph {name} of project {}", project.or_default()), arguments.sure)?;
    }
    let Confirmed { named, dry_run, wait, common, .. } = arguments;
    let asked = Asked { named: named.clone(), dry_run: *dry_run, wait: *wait, common: common.clone() };
    ask_for(&asked, method, action, out).await
}

async fn ask_for(arguments: &Asked, method: Method, action: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::open(&arguments.common.at)?;
    let Named { name, project } = &arguments.named;
    let project = project.or_default();
    let path: Vec<&str> = ["projects", &project, "graphs", name].into_iter().chain(action).collect();
    let ask = Ask::new(method, &path);
    let ask = if arguments.dry_run { dry(ask) } else { ask };
    let answer = server.ask(&ask).await.map_err(|failure| read::not_there(failure, &project))?.body;
    let telling = Telling { format: arguments.common.format, out };
    if arguments.dry_run {
        return planned(&answer, telling);
    }
    follow::after(&server, answer, arguments.wait, telling).await
}

/// Turns the kill switch of a graph.
///
/// # Errors
/// A server that does not.
pub async fn pause(arguments: &Pause, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::open(&arguments.common.at)?;
    let Named { name, project } = &arguments.named;
    let project = project.or_default();
    let path = ["projects", &project, "graphs", name, "pause"];
    let ask = if arguments.off {
        Ask::new(Method::DELETE, &path)
    } else {
        Ask::new(Method::PUT, &path).sending_json(&json!({"reason": arguments.reason}))
    };
    let answer = server.ask(&ask).await.map_err(|failure| read::not_there(failure, &project))?.body;
    let word = if arguments.off { "goes on" } else { "paused" };
    told::print(arguments.common.format, &answer, out, |graph: &Value| {
        format!("{word}  {}\n", if graph.is_object() { table::title(graph) } else { name.clone() })
    })
}
