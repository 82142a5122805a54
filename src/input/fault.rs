//! What breaks: at given times, again and again at random, or as a file lists it.

use super::at::At;
use super::error::{InputError, known_names};
use super::file::Files;
use super::network::ClusterNames;
use super::table::Rows;
use super::tasks;
use super::written::Positive;
use crate::model::Application;
use crate::model::fault::{Fault, FaultTarget, FaultTimes};
use crate::model::id::Id;
use crate::units::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something is lost: `at` a time, `every` so often at random, or as a `trace` lists it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultFile {
    /// What: `cluster NAME`, `node CLUSTER` (one of its nodes, drawn at random), `replica SERVICE` (one that is ready, drawn
    /// at random), `link CLUSTER CLUSTER` (both directions), or `telemetry`.
    pub lose: String,
    /// When, since the start of the run: `19:30` (of the first day) or `90 min`.
    #[serde(default)]
    pub at: Option<Time>,
    /// At random: the mean time from a repair to the next failure, exponentially distributed.
    #[serde(default)]
    pub every: Option<Positive<Span>>,
    /// For how long; with `every` the mean, exponentially distributed. A replica may leave it out: it starts again at once.
    #[serde(default, rename = "for")]
    pub lasts: Option<Span>,
    /// A CSV file with the columns `start_s` and `duration_s`, by rising start, relative to the scenario; or, for nodes, a
    /// Parquet file of `OpenDC` with `failure_interval`, `failure_duration` (ms) and `failure_intensity`, the share of the
    /// cluster's nodes that are lost at once.
    #[serde(default)]
    pub trace: Option<String>,
}

/// What faults may name.
pub struct Breakable<'a> {
    /// The services.
    pub application: &'a Application,
    /// The clusters.
    pub clusters: &'a ClusterNames<'a>,
    /// Nodes of each cluster at the start.
    pub nodes: Vec<u32>,
}

/// Checks a fault; `None` where it strikes only what is switched off.
///
/// # Errors
/// What is wrong, at `at`, which is the fault, or in its trace.
pub fn fault(
    file: &FaultFile,
    breakable: &Breakable<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Option<Fault>, InputError> {
    let target = target(&file.lose, breakable, &at.key("lose"))?;
    let lasts = |at: &At<'_>| match (file.lasts, file.lose.starts_with("replica")) {
        (Some(lasts), _) => Ok(lasts),
        (None, true) => Ok(Span::ZERO),
        (None, false) => Err(at.error("for how long is missing; add `for: 20 min`")),
    };
    let when = match (file.at, file.every, &file.trace) {
        (Some(time), None, None) => FaultTimes::Listed(vec![(time, lasts(at)?)]),
        (None, Some(every), None) => FaultTimes::Random { mean_between: every.0, mean_repair: lasts(at)? },
        (None, None, Some(path)) if path.ends_with(".parquet") => {
            FaultTimes::Listed(failures(path, (target, breakable), files, &at.key("trace"))?)
        }
        (None, None, Some(path)) => FaultTimes::Listed(listed(path, files, &at.key("trace"))?),
        _ => {
            return Err(
                at.error("when this happens is not clear; write one of `at: 19:30`, `every: 6 h` or `trace: FILE.csv`")
            );
        }
    };
    if target.is_none() {
        files.note(format!("The fault `lose: {}` is left out: what it strikes is switched off.", file.lose));
    }
    Ok(target.map(|target| Fault { target, when }))
}

fn target(text: &str, breakable: &Breakable<'_>, at: &At<'_>) -> Result<Option<FaultTarget>, InputError> {
    let clusters = breakable.clusters;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["cluster", name] => Ok(clusters.id(clusters.find(name, at)?).map(FaultTarget::Cluster)),
        ["node", name] => Ok(clusters.id(clusters.find(name, at)?).map(FaultTarget::Node)),
        ["replica", name] => {
            let services = &breakable.application.services;
            let names: Vec<&str> = services.values().map(|service| service.name.as_str()).collect();
            let service = breakable.application.service(name).ok_or_else(|| {
                at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names)))
            })?;
            Ok(Some(FaultTarget::Replica(service)))
        }
        ["link", one, other] => {
            let (one, other) = (clusters.find(one, at)?, clusters.find(other, at)?);
            if one == other {
                return Err(at.error("a link joins two clusters; name another one"));
            }
            Ok(clusters.id(one).zip(clusters.id(other)).map(|(one, other)| FaultTarget::Link(one, other)))
        }
        ["telemetry"] => Ok(Some(FaultTarget::Telemetry)),
        _ => Err(at.error(format!(
            "`{text}` is nothing that can be lost; write `cluster NAME`, `node CLUSTER`, `replica SERVICE`, \
             `link CLUSTER CLUSTER` or `telemetry`"
        ))),
    }
}

/// Reads a trace of failures of `OpenDC`: each of them once for every node that it strikes, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of fewer than 2^32 nodes")]
fn failures(
    path: &str,
    (target, breakable): (Option<FaultTarget>, &Breakable<'_>),
    files: &mut Files,
    at: &At<'_>,
) -> Result<Vec<(Time, Span)>, InputError> {
    let nodes = match target {
        Some(FaultTarget::Node(cluster)) => breakable.nodes[cluster.index()],
        Some(_) => return Err(at.error("its failures strike a share of the nodes; write `lose: node CLUSTER`")),
        None => 0,
    };
    let failures = tasks::opendc::failures(&files.hash(path, at)?)?;
    let strikes = failures.iter().flat_map(|failure| {
        let struck = (f64::from(nodes) * failure.intensity).round().max(1.0) as usize;
        std::iter::repeat_n((failure.at, failure.lasts), struck.min(nodes as usize))
    });
    Ok(strikes.collect())
}

/// Reads `start_s,duration_s`.
fn listed(path: &str, files: &mut Files, at: &At<'_>) -> Result<Vec<(Time, Span)>, InputError> {
    let source = files.read_text(path, at)?;
    let mut rows = Rows::new(&source, ["start_s", "duration_s"])?;
    let mut times: Vec<(Time, Span)> = Vec::new();
    while let Some(row) = rows.next_row()? {
        let (start, duration) = (row.seconds(0)?, Span(row.seconds(1)?.0));
        if let Some((previous, _)) = times.last().filter(|(previous, _)| start < *previous) {
            return Err(row.error(0, &format!("{start} follows {previous}; sort the file by `start_s`")));
        }
        times.push((start, duration));
    }
    Ok(times)
}
