//! Waiting for a job: `?wait=30s`.
//!
//! An event wakes whoever waits; between events the store is looked at now and then, for the job may be another server's.

use super::App;
use super::problem::Problem;
use crate::serve::store::rows::{Graph, Job, JobState};
use crate::units::Span;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long is waited at most.
pub const WAIT_MAX: Duration = Duration::from_mins(10);
/// From one look at the store to the next.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// No look follows another sooner, however many events there are.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Whether an operation waits until its job has ended.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Wait so long for the job to end, at most `10m`; else it is answered at once.
    #[param(example = "30s")]
    pub wait: Option<String>,
}

impl Wait {
    /// The time.
    ///
    /// # Errors
    /// 400 for what is no time, and for more than is waited.
    pub fn time(&self) -> Result<Option<Duration>, Problem> {
        self.wait.as_deref().map(read).transpose()
    }
}

/// A time to wait, as it is written.
///
/// # Errors
/// 400 for what is no time, and for more than is waited.
pub fn read(text: &str) -> Result<Duration, Problem> {
    let spelt = || Problem::bad_request(format!("`wait` is `{text}`; write it like `30s` or `2m`, at most `10m`"));
    // A minute is `min` in scenarios, and `m` for everybody who knows Kubernetes.
    let text = text.trim();
    let minutes = text.strip_suffix('m').filter(|number| number.ends_with(|letter: char| letter.is_ascii_digit()));
    let span: Span = match minutes {
        Some(number) => format!("{number} min").parse().map_err(|_| spelt())?,
        None => text.parse().map_err(|_| spelt())?,
    };
    let time = Duration::from_nanos(span.0);
    if time > WAIT_MAX { Err(spelt()) } else { Ok(time) }
}

/// The job, once it has ended or the time is over.
///
/// # Errors
/// 404 where there is no such job, and what the store says.
pub async fn ended(app: &App, id: &str, wait: Duration) -> Result<Job, Problem> {
    let until = Instant::now() + wait;
    let mut events = app.acts.events();
    let mut knocks = true;
    loop {
        let job = app.store.job(id).await?.ok_or_else(|| no_job(id))?;
        let now = Instant::now();
        if job.state.has_ended() || now >= until {
            return Ok(job);
        }
        let next = until.min(now + LOOK_EVERY);
        if knocks {
            match timeout_at(next, events.recv()).await {
                Ok(Err(RecvError::Closed)) => knocks = false,
                Ok(_) => sleep_until(until.min(now + LOOK_AGAIN)).await,
                Err(_) => {}
            }
        } else {
            sleep_until(next).await;
        }
    }
}

/// What is answered to whoever has started a job: 202 with the job at once or when the time is over; else how it ended.
///
/// # Errors
/// 424 where it failed, 409 where something newer was wanted.
pub async fn answer(app: &App, job: Job, wait: Option<Duration>) -> Result<Response, Problem> {
    let job = match wait {
        None => return Ok(accepted(job)),
        Some(wait) => ended(app, &job.id, wait).await?,
    };
    match settled(job)? {
        Settled::Done(job) => done(app, job).await,
        Settled::Open(job) => Ok(accepted(job)),
    }
}

/// A job that has not failed.
pub enum Settled {
    /// It is as was wanted.
    Done(Job),
    /// It goes on.
    Open(Job),
}

/// How a job stands.
///
/// # Errors
/// 424 where it failed, 409 where something newer was wanted.
pub fn settled(job: Job) -> Result<Settled, Problem> {
    let reason = || job.reason.clone().unwrap_or_else(|| "no reason was given".to_owned());
    match job.state {
        JobState::Succeeded => Ok(Settled::Done(job)),
        JobState::Queued | JobState::Running => Ok(Settled::Open(job)),
        JobState::Failed => Err(Problem::failed(format!("{}; the job is /v1/jobs/{}", reason(), job.id))),
        JobState::Superseded => {
            let detail = format!("something newer was wanted of `{}` before job {} was through", job.graph, job.id);
            Err(Problem::conflict("superseded", detail))
        }
    }
}

/// 200 with the graph, or with the job where the graph is gone.
async fn done(app: &App, job: Job) -> Result<Response, Problem> {
    let graph: Option<Graph> = app.store.graph_by_id(&job.graph_id).await?;
    Ok(match graph {
        Some(graph) => Json(graph).into_response(),
        None => Json(job).into_response(),
    })
}

/// 202 with the job, and where to ask for it.
pub fn accepted(job: Job) -> Response {
    let location = HeaderValue::from_str(&format!("/v1/jobs/{}", job.id));
    let mut response = (StatusCode::ACCEPTED, Json(job)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// There is no such job, or none that is seen.
pub fn no_job(id: &str) -> Problem {
    Problem::not_found(format!("there is no job `{id}`; `GET /v1/jobs` lists all"))
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::time::Duration;

    #[test]
    fn times_are_read_as_people_write_them_and_not_beyond_ten_minutes() {
        for (text, seconds) in [("30s", 30), ("2m", 120), ("1 min", 60), ("0s", 0), ("10m", 600)] {
            assert_eq!(read(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "soon", "-1s", "601s", "11m"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
