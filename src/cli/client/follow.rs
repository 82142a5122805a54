//! Waits for a job: its steps as they are done, with a spinner on a terminal; and how its end becomes an exit code.

use super::flags::{Format, Wait};
use super::server::{Ask, Server};
use super::told::{self, clock, one_line, text};
use crate::cli::Failure;
use crate::cli::timed::Stopwatch;
use crate::units::Span;
use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// From one question to the next: steps are told about as they are done.
const PAUSE: Duration = Duration::from_millis(300);
/// Questions in a row that may stay without an answer: a server that is started again comes back.
const SILENT_MAX: u32 = 30;

/// What is told while a job goes on.
pub struct Telling<'a> {
    /// Steps are told to people only.
    pub format: Format,
    /// Where to.
    pub out: &'a mut dyn Write,
}

/// Prints the job that was asked for; waits for its end where that is wanted.
///
/// # Errors
/// A job that failed, or is not done in time.
pub async fn after(server: &Server, job: Value, wait: Wait, telling: Telling<'_>) -> Result<(), Failure> {
    let Some(within) = wait.within else {
        let hint = |job: &Value| {
            let id = text(job, "id");
            format!("{}: job {id}\n`smo job watch {id}` follows it\n", subject(job))
        };
        return told::print(telling.format, &job, telling.out, hint);
    };
    to_its_end(server, job, within, telling).await
}

/// Waits for the end of a job, at most so long, and prints how it ended.
///
/// # Errors
/// A job that failed, or is not done in time.
pub async fn to_its_end(
    server: &Server,
    job: Value,
    within: Option<Span>,
    mut telling: Telling<'_>,
) -> Result<(), Failure> {
    let bar = spinner(telling.format)?;
    let ended = follow(server, job, within, (&mut telling, &bar)).await;
    bar.finish_and_clear();
    let job = ended?;
    let Telling { format, out } = telling;
    let verdict = verdict(&job);
    // People are told once: how it failed is the error.
    if format != Format::Table || verdict.is_ok() {
        told::print(format, &job, out, |job| format!("{}\n", outcome(job)))?;
        out.flush()?;
    }
    verdict
}

/// Whether a job ended well.
///
/// # Errors
/// It did not.
pub fn verdict(job: &Value) -> Result<(), Failure> {
    match text(job, "state") {
        "failed" => Err(Failure::run(anyhow!("{}", reason(job)))),
        "superseded" => Err(Failure::run(anyhow!(
            "something newer was wanted of the graph before it was through\n  `smo graph show {} --project {}` shows what",
            text(job, "graph"),
            text(job, "project")
        ))),
        _ => Ok(()),
    }
}

async fn follow(
    server: &Server,
    mut job: Value,
    within: Option<Span>,
    (telling, bar): (&mut Telling<'_>, &ProgressBar),
) -> Result<Value, Failure> {
    let stopwatch = Stopwatch::start();
    let (mut told, mut silent) = (0, 0);
    loop {
        if telling.format == Format::Table {
            for step in steps(&job, &mut told) {
                bar.suspend(|| writeln!(telling.out, "{step}").and_then(|()| telling.out.flush()))?;
            }
            bar.set_message(format!("{} {}", subject(&job), text(&job, "state")));
        }
        if has_ended(&job) {
            return Ok(job);
        }
        if let Some(within) = within.filter(|within| stopwatch.elapsed() >= Duration::from_nanos(within.0)) {
            let id = text(&job, "id");
            return Err(Failure::run(anyhow!(
                "{} is not done after {within}; it goes on\n  `smo job watch {id}` follows it",
                subject(&job)
            )));
        }
        tokio::time::sleep(PAUSE).await;
        let ask = Ask::get(&["jobs", text(&job, "id")]);
        match server.ask(&ask).await {
            Ok(answer) => (job, silent) = (answer.body, 0),
            Err(failure) if failure.code == 1 && silent < SILENT_MAX => {
                silent += 1;
                bar.set_message(format!("{}: no answer", server.url()));
                tokio::time::sleep(PAUSE * 3).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn spinner(format: Format) -> Result<ProgressBar, Failure> {
    let target = if format == Format::Table { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}").map_err(Failure::run)?);
    bar.enable_steady_tick(Duration::from_millis(120));
    Ok(bar)
}

/// The steps behind the first `told`, which then counts them too.
fn steps(job: &Value, told: &mut usize) -> Vec<String> {
    let all: &[Value] = job["steps"].as_array().map_or(&[], Vec::as_slice);
    let new = all.get(*told..).unwrap_or_default();
    *told = all.len();
    new.iter().map(|step| format!("{}  {}", clock(text(step, "at")), one_line(text(step, "what")))).collect()
}

/// Whether nothing more will happen to a job.
pub fn has_ended(job: &Value) -> bool {
    matches!(text(job, "state"), "succeeded" | "failed" | "superseded")
}

/// `deploy of shop in project default`.
pub fn subject(job: &Value) -> String {
    format!("{} of {} in project {}", text(job, "kind"), text(job, "graph"), text(job, "project"))
}

/// How a job ended that ended well.
fn outcome(job: &Value) -> String {
    let took = took(job).map(|took| format!(" in {took}")).unwrap_or_default();
    let odd = job["reason"].as_str().map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
    format!("{} {}{took}{odd}", subject(job), text(job, "state"))
}

fn reason(job: &Value) -> String {
    let reason = job["reason"].as_str().unwrap_or("the server gives no reason");
    format!("{} failed: {reason}", subject(job))
}

/// From being asked for to its end, in seconds.
pub fn took(job: &Value) -> Option<String> {
    let at = |key: &str| serde_json::from_value::<crate::serve::at::At>(job[key].clone()).ok();
    let took = at("ended_at")?.since(at("created_at")?);
    Some(format!("{:.1} s", took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::{has_ended, outcome, steps, verdict};
    use serde_json::{Value, json};

    fn job(state: &str, reason: Option<&str>) -> Value {
        let at = "2026-11-30T08:15:00.000Z";
        json!({
            "id": "j1", "kind": "deploy", "project": "default", "graph": "shop", "state": state, "reason": reason,
            "steps": [{"at": at, "what": "placed"}, {"at": at, "what": "front\ninstalled"}],
            "created_at": at, "ended_at": "2026-11-30T08:15:12.340Z",
        })
    }

    #[test]
    fn each_step_is_told_once() {
        let mut told = 0;
        assert_eq!(steps(&job("running", None), &mut told), ["08:15:00  placed", "08:15:00  front installed"]);
        assert_eq!(steps(&job("running", None), &mut told), Vec::<String>::new());
    }

    #[test]
    fn the_end_of_a_job_is_an_exit_code() {
        let ended =
            ["queued", "running", "succeeded", "failed", "superseded"].map(|state| has_ended(&job(state, None)));
        assert_eq!(ended, [false, false, true, true, true]);
        assert!(verdict(&job("succeeded", None)).is_ok());
        let failed = verdict(&job("failed", Some("no cluster has a GPU"))).unwrap_err();
        let said = failed.error.unwrap().to_string();
        assert_eq!((failed.code, said.as_str()), (1, "deploy of shop in project default failed: no cluster has a GPU"));
        assert_eq!(verdict(&job("superseded", None)).unwrap_err().code, 1);
    }

    #[test]
    fn the_outcome_says_how_long_it_took() {
        assert_eq!(outcome(&job("succeeded", None)), "deploy of shop in project default succeeded in 12.3 s");
        assert!(outcome(&job("succeeded", Some("no rate"))).ends_with("succeeded in 12.3 s: no rate"));
    }
}
