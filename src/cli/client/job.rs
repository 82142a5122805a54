//! `smo job`: what a server was asked to do, and how far it is.

use super::flags::{Common, Within};
use crate::units::Span;

const LIST: &str = "\
Examples:
  smo job list
  smo job list --graph shop --project demo
  smo job list --format json | jq '.[] | select(.state == \"failed\")'";

const SHOW: &str = "\
Examples:
  smo job show 4f1c9a
  smo job show 4f1c9a --format json | jq -r .state";

const WATCH: &str = "\
Examples:
  smo job watch 4f1c9a
  smo job watch 4f1c9a --timeout 5min

Exit code 1: the job failed, something newer was wanted, or the time was over.";

/// What can be asked about jobs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List jobs, the newest first.
    #[command(after_help = LIST)]
    List(List),
    /// Show a job with its steps.
    #[command(after_help = SHOW)]
    Show(Show),
    /// Watch a job until it has ended.
    #[command(after_help = WATCH)]
    Watch(Watch),
}

/// Which jobs are listed.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    project: Within,
    /// Those of this graph only.
    #[arg(long, value_name = "NAME")]
    graph: Option<String>,
    /// So many at most.
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    common: Common,
}

/// Which job is shown.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The job.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    common: Common,
}

/// Which job is watched.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// The job.
    #[arg(value_name = "ID")]
    id: String,
    /// Give up after so long; the job goes on: `5min`.
    #[arg(long, value_name = "SPAN")]
    timeout: Option<Span>,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::{Command, List};
    use crate::cli::Failure;
    use crate::cli::aligned::Columns;
    use crate::cli::client::follow::{self, Telling};
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told::{self, cell, clock, instant, one_line, printed, text};
    use serde_json::Value;
    use std::io::Write;

    /// Does what was asked.
    ///
    /// # Errors
    /// A server that does not answer, a job that is not there, or that failed.
    pub async fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::List(arguments) => list(arguments, out).await,
            Command::Show(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let job = server.ask(&Ask::get(&["jobs", &arguments.id])).await?.body;
                told::print(arguments.common.format, &job, out, table)
            }
            Command::Watch(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let job = server.ask(&Ask::get(&["jobs", &arguments.id])).await?.body;
                let telling = Telling { format: arguments.common.format, out };
                follow::to_its_end(&server, job, arguments.timeout, telling).await
            }
        }
    }

    async fn list(arguments: &List, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::get(&["jobs"]).with_some("project", arguments.project.named());
        let ask = ask.with_some("graph", arguments.graph.clone()).with("limit", arguments.limit.to_string());
        let jobs = server.ask(&ask).await?.body["items"].take();
        told::print(arguments.common.format, &jobs, out, rows)
    }

    fn rows(jobs: &Value) -> String {
        let jobs = jobs.as_array().map_or(&[][..], Vec::as_slice);
        if jobs.is_empty() {
            return "no jobs\n".to_owned();
        }
        let mut columns = Columns::new(["job", "kind", "graph", "project", "state", "asked for", ">took", "reason"]);
        for job in jobs {
            let mut row: Vec<String> = ["id", "kind", "graph", "project", "state"].map(|key| cell(&job[key])).into();
            row.push(instant(text(job, "created_at")));
            row.push(follow::took(job).unwrap_or_else(|| told::DASH.to_owned()));
            row.push(one_line(text(job, "reason")));
            columns.row(row);
        }
        printed(&columns)
    }

    /// A job with its steps.
    fn table(job: &Value) -> String {
        let took = follow::took(job).map(|took| format!(" in {took}")).unwrap_or_default();
        let mut lines = vec![
            format!("{}: {}{took}", follow::subject(job), text(job, "state")),
            format!("asked for  {} by {}", instant(text(job, "created_at")), cell(&job["actor"])),
        ];
        lines.extend(job["reason"].as_str().map(|reason| format!("reason     {}", one_line(reason))));
        let step = |step: &Value| format!("{}   {}", clock(text(step, "at")), one_line(text(step, "what")));
        lines.extend(job["steps"].as_array().into_iter().flatten().map(step));
        told::lines(&lines)
    }

    #[cfg(test)]
    mod tests {
        use super::{rows, table};
        use crate::serve::at::At;
        use crate::serve::store::rows::{Job, JobKind, JobState, JobStep};
        use serde_json::{Value, json};

        fn job() -> Value {
            let at = At(1_796_026_500_042);
            let job = Job {
                id: "j1".to_owned(),
                kind: JobKind::RePlace,
                project: "demo".to_owned(),
                graph: "shop".to_owned(),
                graph_id: "g1".to_owned(),
                generation: 2,
                state: JobState::Failed,
                reason: Some("no room".to_owned()),
                steps: vec![JobStep { at, what: "placed".to_owned() }],
                actor: "ann".to_owned(),
                created_at: at,
                ended_at: Some(At(at.0 + 1_500)),
            };
            serde_json::to_value(job).unwrap()
        }

        #[test]
        fn a_job_is_told_with_its_steps() {
            let wanted = "\
re-place of shop in project demo: failed in 1.5 s
asked for  2026-11-30 08:15:00 by ann
reason     no room
08:15:00   placed
";
            assert_eq!(table(&job()), wanted);
        }

        #[test]
        fn jobs_are_listed() {
            let found = rows(&json!([job()]));
            let wanted = "j1   re-place  shop   demo     failed  2026-11-30 08:15:00  1.5 s  no room";
            assert!(found.contains(wanted), "{found}");
            assert_eq!(rows(&json!([])), "no jobs\n");
        }
    }
}
