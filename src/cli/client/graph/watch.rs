//! `smo graph watch`: a graph as it changes. On a terminal its table is drawn again, elsewhere each change is a line.
//!
//! The server is asked each second whether anything has changed, by the tag of what was shown last, which costs it little; so
//! a server that is started again, or another one behind the same address, is met without further ado.

use super::{Phase, Watch, read, table};
use crate::cli::Failure;
use crate::cli::client::flags::{Format, Named};
use crate::cli::client::server::problem::status;
use crate::cli::client::server::{Answer, Ask, Server};
use crate::cli::client::told::{self, clock, one_line, text};
use crate::cli::timed::Stopwatch;
use anyhow::anyhow;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(1);

/// What was seen at a look.
enum Seen {
    Same,
    Changed(Box<Answer>),
    Gone,
    Silent(String),
}

/// Watches a graph.
///
/// # Errors
/// It is not there; it failed, or is not as wanted in time.
pub async fn watch(arguments: &Watch, out: &mut dyn Write) -> Result<(), Failure> {
    let server = Server::open(&arguments.common.at)?;
    let mut screen = Screen::new(arguments.common.format, out);
    let interrupted = tokio::signal::ctrl_c();
    tokio::select! {
        done = until_done(arguments, &server, &mut screen) => done,
        _ = interrupted => Ok(()),
    }
}

async fn until_done(arguments: &Watch, server: &Server, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let stopwatch = Stopwatch::start();
    let mut etag = None;
    let mut first = true;
    loop {
        match look(server, &arguments.named, (etag.as_deref(), first)).await? {
            Seen::Same => screen.heard()?,
            Seen::Changed(answer) => {
                screen.show(&answer.body)?;
                if is_there(arguments.until, &answer.body)? {
                    return Ok(());
                }
                etag = answer.etag;
            }
            Seen::Gone => {
                screen.say("gone")?;
                return match arguments.until {
                    None | Some(Phase::Gone) => Ok(()),
                    Some(until) => Err(Failure::run(anyhow!("it is gone, and never was {}", until.word()))),
                };
            }
            Seen::Silent(why) => screen.silent(&why)?,
        }
        first = false;
        if let Some((timeout, until)) = arguments.timeout.zip(arguments.until)
            && stopwatch.elapsed() >= Duration::from_nanos(timeout.0)
        {
            return Err(Failure::run(anyhow!("it is not {} after {timeout}", until.word())));
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(server: &Server, named: &Named, (etag, first): (Option<&str>, bool)) -> Result<Seen, Failure> {
    let project = named.project.or_default();
    let ask = Ask::get(&["projects", &project, "graphs", &named.name]);
    match server.ask_changed(&ask, etag).await {
        Ok(None) => Ok(Seen::Same),
        Ok(Some(answer)) => Ok(Seen::Changed(Box::new(answer))),
        Err(failure) if first => Err(read::not_there(failure, &project)),
        Err(failure) if status(&failure) == Some(404) => Ok(Seen::Gone),
        // What may pass is waited for.
        Err(Failure { code: 1, error: Some(error) }) => Ok(Seen::Silent(error.to_string())),
        Err(failure) => Err(failure),
    }
}

/// Whether a graph is as it was waited for.
///
/// # Errors
/// It failed instead.
fn is_there(until: Option<Phase>, graph: &Value) -> Result<bool, Failure> {
    let Some(until) = until.filter(|_| !table::is_behind(graph)) else { return Ok(false) };
    let phase = text(&graph["status"], "phase");
    if phase == until.word() {
        return Ok(true);
    }
    if phase == Phase::Failed.word() {
        let reason = graph["status"]["reason"].as_str().unwrap_or("the server gives no reason");
        return Err(Failure::run(anyhow!("{} failed: {}", table::title(graph), one_line(reason))));
    }
    Ok(false)
}

/// Where it is shown.
struct Screen<'a> {
    format: Format,
    out: &'a mut dyn Write,
    drawn: bool,
    shown: Option<Value>,
    is_silent: bool,
}

impl<'a> Screen<'a> {
    fn new(format: Format, out: &'a mut dyn Write) -> Self {
        let drawn = format == Format::Table && io::stdout().is_terminal();
        Self { format, out, drawn, shown: None, is_silent: false }
    }

    fn show(&mut self, graph: &Value) -> io::Result<()> {
        self.is_silent = false;
        if self.drawn {
            self.draw(&table::graph(graph), "Ctrl-C ends")?;
        } else if self.format == Format::Table {
            for line in changes(self.shown.as_ref(), graph) {
                writeln!(self.out, "{line}")?;
            }
        } else {
            let text = told::one_of_many(self.format, graph).map_err(|_| io::Error::other("no YAML"))?;
            self.out.write_all(text.as_bytes())?;
        }
        self.shown = Some(graph.clone());
        self.out.flush()
    }

    /// The server answers (again), and nothing has changed.
    fn heard(&mut self) -> io::Result<()> {
        match self.shown.take().filter(|_| std::mem::take(&mut self.is_silent)) {
            Some(graph) => self.show(&graph),
            None => Ok(()),
        }
    }

    /// The server does not answer; said once.
    fn silent(&mut self, why: &str) -> io::Result<()> {
        if std::mem::replace(&mut self.is_silent, true) {
            return Ok(());
        }
        match self.shown.as_ref().filter(|_| self.drawn).map(table::graph) {
            Some(table) => self.draw(&table, why),
            None => self.say(why),
        }
    }

    /// A line for people.
    fn say(&mut self, line: &str) -> io::Result<()> {
        if self.format == Format::Table {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }

    /// Over what was drawn before: from the upper left corner, each line to its end, and nothing below.
    fn draw(&mut self, text: &str, below: &str) -> io::Result<()> {
        let text = format!("{text}\n{below}\n").replace('\n', "\u{1b}[K\n");
        write!(self.out, "\u{1b}[H{text}\u{1b}[J")?;
        self.out.flush()
    }
}

/// What has changed, a line each; rates are none of it, they always do.
fn changes(before: Option<&Value>, now: &Value) -> Vec<String> {
    let at = clock(text(&now["status"], "observed_at"));
    let head = |graph: &Value| {
        let status = &graph["status"];
        let words = [text(status, "phase"), text(status, "reason"), text(graph, "paused")];
        words.into_iter().filter(|word| !word.is_empty()).map(one_line).collect::<Vec<_>>().join(": ")
    };
    let services = |graph: &Value| -> Vec<String> {
        graph["status"]["services"].as_array().into_iter().flatten().map(service).collect()
    };
    let known = before.map(&services).unwrap_or_default();
    let new = services(now).into_iter().filter(|line| !known.contains(line));
    let new = new.map(|line| format!("{at}  {line}"));
    let is_news = before.map(head) != Some(head(now));
    let first = is_news.then(|| format!("{at}  {}  {}", table::title(now), head(now)));
    first.into_iter().chain(new).collect()
}

fn service(service: &Value) -> String {
    let row = table::row(service);
    let [name, phase, ready, clusters, _, _, _, reason] = &row[..] else { return row.join("  ") };
    format!("{name}  {phase}  {ready}  {clusters}  {reason}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Phase, Screen, changes, is_there};
    use crate::cli::client::flags::Format;
    use serde_json::{Value, json};

    fn shop(phase: &str, ready: u32) -> Value {
        json!({
            "name": "shop", "project": "demo", "generation": 2, "wanted": "running",
            "status": {
                "phase": phase, "generation": 2, "observed_at": "2026-11-30T08:15:00.042Z", "reason": null,
                "services": [
                    {"name": "front", "phase": phase, "rate": 1.5, "clusters": {"edge": {"ready": ready, "wanted": 2}}},
                    {"name": "back", "phase": "running", "clusters": {}},
                ],
            },
        })
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let first = changes(None, &shop("deploying", 0));
        let wanted = [
            "08:15:00  shop in project demo  deploying",
            "08:15:00  front  deploying  0/2  edge 0/2",
            "08:15:00  back  running  0/0  –",
        ];
        assert_eq!(first, wanted);
        assert_eq!(
            changes(Some(&shop("deploying", 0)), &shop("deploying", 1)),
            ["08:15:00  front  deploying  1/2  edge 1/2"]
        );
        let mut other_rate = shop("running", 2);
        other_rate["status"]["services"][0]["rate"] = json!(7.0);
        assert_eq!(changes(Some(&shop("running", 2)), &other_rate), Vec::<String>::new());
    }

    #[test]
    fn what_was_waited_for_has_to_be_about_what_is_wanted_now() {
        assert!(is_there(Some(Phase::Running), &shop("running", 2)).unwrap());
        assert!(!is_there(Some(Phase::Running), &shop("deploying", 2)).unwrap());
        assert!(!is_there(None, &shop("running", 2)).unwrap());
        let mut behind = shop("running", 2);
        behind["generation"] = json!(3);
        assert!(!is_there(Some(Phase::Running), &behind).unwrap());
        assert_eq!(is_there(Some(Phase::Running), &shop("failed", 0)).unwrap_err().code, 1);
        assert!(is_there(Some(Phase::Failed), &shop("failed", 0)).unwrap());
    }

    #[test]
    fn silence_is_told_once_and_its_end_is_seen() {
        let mut out = Vec::new();
        let mut screen = Screen { format: Format::Table, out: &mut out, drawn: false, shown: None, is_silent: false };
        screen.show(&shop("running", 2)).unwrap();
        screen.silent("no answer").unwrap();
        screen.silent("no answer").unwrap();
        screen.heard().unwrap();
        screen.show(&shop("degraded", 1)).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said.matches("no answer").count(), 1, "{said}");
        assert!(said.contains("front  degraded  1/2"), "{said}");
    }
}
