//! The past of the real world as a scenario: what Prometheus kept of it, piece by piece, so that an interrupted recording goes on.
//!
//! A piece is asked for, appended, and noted in `progress.json`; what a killed process wrote after its last note is cut off
//! again. A value that is not there stays an empty field: unknown is not zero. The inventory is that of now, since nobody keeps its past.
//!
//! Nothing is said to be a scenario that is none: what nobody asks for is refused at the begin, a rate that is none before its piece
//! is written, what nobody measured at the end, and what was written is loaded once.

use super::super::Failure;
use super::progress::{Progress, begin, note, source};
use super::{elsewhere, measured, present};
use crate::backend::live::history::{self, Row};
use crate::cli::job::Setting;
use crate::input::{self, Request};
use crate::model::connection::Connection;
use crate::model::scenario::Known;
use crate::model::{ClusterId, ServiceId};
use crate::record::aside::replace_file;
use crate::serve::at::At;
use crate::units::Span;
use anyhow::{Context, anyhow};
use serde_json::json;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// Steps of a piece.
const PIECE: u32 = 2_000;

/// How far rounding may take a rate of zero below it.
const ROUNDING: f64 = 1e-6;

/// What is recorded: how long ago from, how long ago until, and at which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// From so long ago on.
    pub from: Span,
    /// Until so long ago.
    pub until: Span,
    /// From one value to the next.
    pub step: Span,
}

/// Records, or goes on.
///
/// # Errors
/// A connection that cannot be used or does not say how load is measured, Prometheus that does not answer, a directory with another
/// recording, a service that nobody measured, or a scenario that cannot be simulated.
pub fn record(
    setting: &Setting,
    connection: &Path,
    (asked, directory): (Asked, &Path),
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let known = &setting.loaded.scenario.known;
    let at = input::connection::load(connection, known).map_err(Failure::input)?;
    if asked.step.0 == 0 || asked.from.saturating_sub(asked.until) < asked.step {
        return Err(Failure::input(anyhow!(
            "--from, --until, --step: there is less than a step between; the begin lies a step or more before the end"
        )));
    }
    let recorder = history::Recorder::open(&at).map_err(super::failure)?;
    check_asked_for(known, &at)?;
    let in_directory = |error: std::io::Error| Failure::run(anyhow!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(in_directory)?;
    let mut progress = begin(directory, asked, source(known, &at))?;
    if progress.next > progress.until {
        let directory = directory.display();
        writeln!(out, "complete  {directory} holds this recording already; remove it to record anew")?;
    }
    while progress.next <= progress.until {
        let last = progress.until.min(progress.next + u64::from(PIECE - 1) * progress.step);
        let (from, until, step) = (millis(progress.next), millis(last), millis(progress.step));
        let rows = checked(known, recorder.rows(from..=until, step).map_err(super::failure)?)?;
        let (load, observations) = (load(known, &rows, &progress), seen((known, &at), &rows, &progress));
        append(&directory.join("load.csv"), progress.load, &load).map_err(in_directory)?;
        append(&directory.join("observations.csv"), progress.observations, &observations).map_err(in_directory)?;
        progress.load += load.len() as u64;
        progress.observations += observations.len() as u64;
        progress.next = last + progress.step;
        note(directory, &progress)?;
        let done = progress.next.min(progress.until).saturating_sub(progress.from);
        writeln!(
            out,
            "recorded  {} of {}",
            Span(done * 1_000_000),
            Span((progress.until - progress.from) * 1_000_000)
        )?;
        out.flush()?;
    }
    for note in notes(known, (directory, connection), &progress)? {
        writeln!(out, "note      {note}")?;
    }
    scenario(setting, connection, directory)?;
    writeln!(out, "scenario  {}", directory.join("scenario.yaml").display())?;
    Ok(writeln!(out, "          smo simulate {}", directory.join("scenario.yaml").display())?)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What users call has to be asked for.
fn check_asked_for(known: &Known, connection: &Connection) -> Result<(), Failure> {
    let entries = entries(known);
    if entries.is_empty() {
        return Err(Failure::input(anyhow!("users call no service of the scenario, so there is no load to record")));
    }
    let unasked = entries.into_iter().filter(|id| connection.services[*id].rate.is_none());
    let unasked: Vec<String> = unasked.map(|id| format!("`{}`", known.application.services[id].name)).collect();
    if unasked.is_empty() {
        return Ok(());
    }
    let names = unasked.join(", ");
    Err(Failure::input(anyhow!(
        "nobody measures the rate of {names}; say by `rate` in the connection how it is measured"
    )))
}

/// The rows, of which none may hold a rate below zero: no load has one, so what was written with it could never be simulated.
fn checked(known: &Known, mut rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
    for row in &mut rows {
        for (id, service) in row.services.iter_mut() {
            for rate in service.total.iter_mut().chain(service.rates.values_mut()) {
                if *rate < -ROUNDING {
                    return Err(negative(&known.application.services[id].name, row.at, *rate));
                }
                *rate = f64::max(*rate, 0.0);
            }
        }
    }
    Ok(rows)
}

fn negative(service: &str, at: Duration, rate: f64) -> Failure {
    let at = At::default().after(at);
    Failure::input(anyhow!(
        "the rate of `{service}` was {rate} /s at {at}, and none can be below zero\n  \
         say by `rate` in the connection how arrivals are counted: `rate` of a counter never falls below zero, `deriv` and `delta` \
         may; then record into another directory"
    ))
}

/// Appends after the first `length` bytes; what stands behind them was never noted.
fn append(path: &Path, length: u64, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Services that users call: their rates are the load, calls follow from them.
pub fn entries(known: &Known) -> Vec<ServiceId> {
    let called = |id: &ServiceId| known.application.calls.iter().any(|call| call.to == *id);
    known.application.requests().filter(|id| !called(id)).collect()
}

/// Their names.
fn names(known: &Known) -> Vec<&str> {
    entries(known).into_iter().map(|id| known.application.services[id].name.as_str()).collect()
}

/// The load as a wide table: a column a service, an empty field where nothing was measured.
fn load(known: &Known, rows: &[Row], progress: &Progress) -> String {
    let entries = entries(known);
    let mut text = String::new();
    if progress.next == progress.from {
        writeln!(text, "timestamp_s,{}", names(known).join(",")).expect("a string takes all");
    }
    for row in rows {
        let rate = |id: &ServiceId| row.services[*id].total.map_or_else(String::new, |rate| format!("{rate:.6}"));
        let rates: Vec<String> = entries.iter().map(rate).collect();
        writeln!(text, "{},{}", row.at.as_secs_f64(), rates.join(",")).expect("a string takes all");
    }
    text
}

/// What was seen of each service in each cluster.
fn seen((known, connection): (&Known, &Connection), rows: &[Row], progress: &Progress) -> String {
    let mut text = String::new();
    let measured = connection.services.values().any(|one| one.replicas.is_some());
    if !measured {
        return text;
    }
    if progress.next == progress.from {
        text.push_str("time,service,cluster,class,replicas_ready,offered_per_s,cpu_cores,latency_p95_s\n");
    }
    for row in rows {
        for (id, service) in row.services.iter() {
            for (cluster, replicas) in &service.replicas {
                let by = |values: &std::collections::BTreeMap<ClusterId, f64>| {
                    values.get(cluster).map_or_else(String::new, |value| format!("{value:.6}"))
                };
                let latency = service.latency_p95.map_or_else(String::new, |latency| format!("{latency:.6}"));
                let declared = &known.clusters[*cluster];
                writeln!(
                    text,
                    "{},{},{},{},{replicas},{},{},{latency}",
                    row.at.as_secs_f64(),
                    known.application.services[id].name,
                    declared.name,
                    declared.class,
                    by(&service.rates),
                    by(&service.cpu_used),
                )
                .expect("a string takes all");
            }
        }
    }
    text
}

/// What nobody measured of a whole recording, and is simulated all the same.
fn notes(known: &Known, (directory, connection): (&Path, &Path), progress: &Progress) -> Result<Vec<String>, Failure> {
    let step = Span(progress.step * 1_000_000);
    let courses = measured::courses(&directory.join("load.csv"), &names(known), step).map_err(Failure::run)?;
    let never = measured::never(&courses).join(", ");
    if never.is_empty() {
        return Ok(measured::notes(&courses, step));
    }
    let (directory, connection) = (directory.display(), connection.display());
    Err(Failure::run(anyhow!(
        "{directory}: in all that time nobody measured the rate of {never}, so there is no load to simulate\n  \
         see what the query `rate` in {connection} gives, and how long Prometheus keeps what it is made of; then record into \
         another directory"
    )))
}

/// The scenario with the inventory of now and the recorded load.
fn scenario(setting: &Setting, connection: &Path, directory: &Path) -> Result<(), Failure> {
    let snapshot = present::look(connection, &setting.loaded.scenario)?;
    let set = setting.request.set.iter().cloned().chain(present::world(&snapshot));
    let file = directory.join("load.csv");
    let file = std::path::absolute(&file).map_err(Failure::run)?;
    let set = set.chain([("traces".to_owned(), json!([{"file": file}]).to_string())]).collect();
    let request = Request { set, variant: setting.request.variant.clone(), ..Request::default() };
    let loaded = input::load(&setting.path, &request).map_err(Failure::input)?;
    let mut resolved = loaded.resolved();
    let original = std::path::absolute(&setting.path).map_err(Failure::run)?;
    elsewhere::found_from_anywhere(&mut resolved, original.parent().unwrap_or(&original));
    resolved["traces"][0]["file"] = "load.csv".into();
    let text = crate::cli::yaml::document(&resolved)?;
    let path = directory.join("scenario.yaml");
    replace_file(&path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)?;
    elsewhere::loads(&path).map_err(|error| {
        let (path, original) = (path.display(), setting.path.display());
        Failure::run(error.context(format!(
            "{path}: it was written, but cannot be simulated\n  what was recorded stays: change {original}, or a field of it by \
             `--set` (`variants={{}}` leaves all variants out), and ask for the same again"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::{Asked, checked, record};
    use crate::backend::live::history::{Row, ServiceRow};
    use crate::backend::live::stand_in;
    use crate::cli::Failure;
    use crate::cli::job::Setting;
    use crate::input::Request;
    use crate::model::{ClusterId, ServiceId};
    use crate::units::Span;
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;
    use std::time::Duration;

    const ASKED: Asked = Asked { from: Span::seconds(3_600), until: Span::ZERO, step: Span::seconds(60) };

    const SHOP: &str = "
question: Does the shop keep up?
application:
  services:
    - {name: front, cpu: 1, memory: 1 GiB, capacity: 20 /s}
    - {name: back, cpu: 1, memory: 1 GiB, capacity: 30 /s}
  calls: [{from: front, to: back}]
inventory: {clusters: [{name: near, pools: [{name: main, cpu: 4, memory: 8 GiB, nodes: 1}]}]}
traces: [{file: day.csv}]
policies: [naive]
";

    /// Records the shop by a connection with these services; how that failed, and what was said before.
    fn failed(folder: &Path, prometheus: &str, services: &str) -> (Failure, String) {
        let (scenario, connection) = (folder.join("shop.yaml"), folder.join("live.yaml"));
        let text = format!(
            "karmada: {{kubeconfig: karmada.config}}\nprometheus: {{url: '{prometheus}'}}\nservices: {{{services}}}\n"
        );
        let files = [
            ("shop.yaml", SHOP),
            ("day.csv", "timestamp_s,front\n0,5\n3600,6\n"),
            ("karmada.config", ""),
            ("live.yaml", text.as_str()),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let setting = Setting::load(&scenario, Request::default()).unwrap_or_else(|error| panic!("{error}"));
        let mut said = Vec::new();
        let failure = record(&setting, &connection, (ASKED, &folder.join("out")), &mut said).unwrap_err();
        (failure, String::from_utf8(said).unwrap())
    }

    fn text(failure: &Failure) -> String {
        failure.error.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The address of a Prometheus that has seen one value, at the begin of what it is asked for, or has never seen anything.
    fn prometheus(seen: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut asked = [0; 4_096];
                let length = stream.read(&mut asked).unwrap();
                let asked = String::from_utf8_lossy(&asked[..length]);
                let start =
                    asked.split_once("start=").and_then(|(_, rest)| rest.split(['&', ' ']).next()).unwrap_or("0");
                let series = |value: &str| format!(r#"{{"metric":{{}},"values":[[{start},"{value}"]]}}"#);
                let all = seen.map(series).unwrap_or_default();
                let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{all}]}}}}"#);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        url
    }

    #[test]
    fn what_nobody_asks_for_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        // Nobody listens there, and nobody is asked.
        let (failure, said) = failed(folder.path(), "http://127.0.0.1:1", "back: {rate: sum(back)}");
        assert_eq!((failure.code, said.as_str()), (2, ""));
        let wanted = "nobody measures the rate of `front`; say by `rate` in the connection how it is measured";
        assert_eq!(text(&failure), wanted);
        assert!(!folder.path().join("out").exists());
    }

    /// Goal: a query that gives what no rate can be is told while the recording can still be another one.
    #[test]
    fn a_rate_below_zero_is_refused_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (failure, said) = failed(folder.path(), &prometheus(Some("-0.5")), "front: {rate: deriv(front)}");
        assert_eq!((failure.code, said.as_str()), (2, ""), "{failure:?}");
        assert!(text(&failure).contains("the rate of `front` was -0.5 /s at 20"), "{failure:?}");
        let out = folder.path().join("out");
        let progress = fs::read_to_string(out.join("progress.json")).unwrap();
        let progress: serde_json::Value = serde_json::from_str(&progress).unwrap();
        assert_eq!(progress["next"], progress["from"], "nothing is noted as done");
        assert!(!out.join("load.csv").exists());
    }

    #[test]
    fn what_rounding_left_below_zero_is_zero() {
        let known = stand_in::known();
        let rates = |rate: f64| {
            let service =
                ServiceRow { total: Some(rate), rates: [(ClusterId(0), rate)].into(), ..ServiceRow::default() };
            let row = Row { at: Duration::ZERO, services: [service].into_iter().collect() };
            let rows = checked(&known, vec![row])?;
            let service = &rows[0].services[ServiceId(0)];
            Ok::<_, Failure>((service.total, service.rates[&ClusterId(0)]))
        };
        assert_eq!(rates(-1e-6).unwrap(), (Some(0.0), 0.0));
        assert_eq!(rates(2.5).unwrap(), (Some(2.5), 2.5));
        assert_eq!(rates(-2e-6).unwrap_err().code, 2);
    }

    /// Goal: a service that nobody measured makes no scenario, also when the recording is complete and asked for again.
    #[test]
    fn what_nobody_measured_makes_no_scenario() {
        let folder = tempfile::tempdir().unwrap();
        let prometheus = prometheus(None);
        for begins in ["recorded  1 h of 1 h", "complete  "] {
            let (failure, said) = failed(folder.path(), &prometheus, "front: {rate: sum(front)}");
            assert_eq!(failure.code, 1, "{failure:?}");
            assert!(text(&failure).contains("nobody measured the rate of `front`"), "{failure:?}");
            assert!(said.starts_with(begins) && !said.contains("scenario"), "{said}");
            assert!(!folder.path().join("out/scenario.yaml").exists());
        }
        let (failure, _) = failed(folder.path(), &prometheus, "front: {rate: sum(other)}");
        assert_eq!(failure.code, 2, "{failure:?}");
        assert!(
            text(&failure).contains("of other services, clusters or queries, or from another Prometheus"),
            "{failure:?}"
        );
    }
}
