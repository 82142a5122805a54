//! `smo events`: what happened on a server, and what happens.

use super::flags::{Common, Within};

const EXAMPLES: &str = "\
Examples:
  smo events                                          the last 50
  smo events --graph shop --project demo --limit 200
  smo events --kind cluster --after 0
  smo events --follow                                 as they happen, until Ctrl-C
  smo events --follow --format json | jq -r .message

A kind is given whole or up to a dot: `graph` stands for graph.deployed, graph.degraded ... Each
event has a number; with --follow, what happened while the connection was lost is told afterwards.";

/// Tell what happened on a server: deploys, moves, losses of clusters, alerts.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Go on with what happens, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// Those behind the event of this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    #[command(flatten)]
    project: Within,
    /// Those of this graph.
    #[arg(long, value_name = "NAME")]
    graph: Option<String>,
    /// Those of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// So many at most: the last ones, or with --after the first ones behind it.
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::Arguments;
    use crate::cli::Failure;
    use crate::cli::aligned::Columns;
    use crate::cli::client::flags::Format;
    use crate::cli::client::server::stream::Parser;
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told::{self, DASH, cell, instant, one_line, printed, text};
    use anyhow::{Context, anyhow};
    use serde_json::Value;
    use std::collections::VecDeque;
    use std::io::{self, Write};
    use std::time::Duration;

    /// Events of a page.
    const PAGE: usize = 1_000;
    /// How long is waited before a stream that was lost is asked for again.
    const AGAIN: Duration = Duration::from_secs(1);

    /// Tells what happened, and what happens.
    ///
    /// # Errors
    /// A server that does not answer, or does not let this caller look.
    pub async fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let (events, mut last) = past(&server, arguments).await?;
        let format = arguments.common.format;
        if !arguments.follow {
            return told::print(format, &Value::Array(events), out, table);
        }
        events.iter().try_for_each(|event| tell(event, format, out))?;
        tokio::select! {
            failed = follow(&server, arguments, (&mut last, out)) => failed,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }

    fn asked(arguments: &Arguments) -> Ask<'static> {
        let ask = Ask::get(&["events"]).with_some("project", arguments.project.named());
        ask.with_some("graph", arguments.graph.clone()).with_some("kind", arguments.kind.clone())
    }

    /// The events that are shown, and the number of the last one that was looked at.
    async fn past(server: &Server, arguments: &Arguments) -> Result<(Vec<Value>, u64), Failure> {
        let limit = arguments.limit as usize;
        let (mut last, mut kept) = (arguments.after.unwrap_or(0), VecDeque::new());
        loop {
            let size = if arguments.after.is_some() { limit - kept.len() } else { PAGE };
            let ask = asked(arguments).with("after", last.to_string()).with("limit", size.to_string());
            let Value::Array(page) = server.ask(&ask).await?.body["items"].take() else { break };
            let is_full = page.len() >= size;
            last = page.last().and_then(|event| event["seq"].as_u64()).unwrap_or(last);
            kept.extend(page);
            if !is_full || (arguments.after.is_some() && kept.len() >= limit) {
                break;
            }
            kept.drain(..kept.len().saturating_sub(limit));
        }
        kept.drain(..kept.len().saturating_sub(limit));
        Ok((kept.into(), last))
    }

    /// Goes on for ever: a connection that is lost is made again, and goes on where it stopped.
    async fn follow(
        server: &Server,
        arguments: &Arguments,
        (last, out): (&mut u64, &mut dyn Write),
    ) -> Result<(), Failure> {
        let mut told_silence = false;
        loop {
            match once(server, arguments, (last, out)).await {
                Ok(()) => told_silence = false,
                Err(Failure { code: 1, error: Some(error) }) if !error.is::<io::Error>() => {
                    if !told_silence {
                        writeln!(io::stderr(), "{error}; trying again")?;
                    }
                    told_silence = true;
                }
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One connection, until it is lost.
    async fn once(
        server: &Server,
        arguments: &Arguments,
        (last, out): (&mut u64, &mut dyn Write),
    ) -> Result<(), Failure> {
        let mut stream = server.stream(&asked(arguments), Some(&last.to_string())).await?;
        let mut parser = Parser::default();
        // A piece that does not come is a connection that is lost, however it was.
        while let Ok(Some(piece)) = stream.chunk().await {
            for message in parser.take(&piece) {
                let event: Value = serde_json::from_str(&message.data)
                    .with_context(|| format!("{}: an event is no JSON", server.url()))
                    .map_err(Failure::run)?;
                let number = event["seq"].as_u64().or_else(|| message.id.as_deref()?.parse().ok());
                // Told twice is told once too often.
                if number.is_some_and(|number| number <= *last) {
                    continue;
                }
                *last = number.ok_or_else(|| Failure::input(anyhow!("{}: an event has no number", server.url())))?;
                tell(&event, arguments.common.format, out)?;
            }
        }
        Ok(())
    }

    fn tell(event: &Value, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
        let text = match format {
            Format::Table => line(event) + "\n",
            Format::Json | Format::Yaml => told::one_of_many(format, event)?,
        };
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// An event in the line of a stream, whose widths are not known.
    fn line(event: &Value) -> String {
        let [number, at, kind, about, message] = row(event);
        format!("{number:>6}  {at}  {kind:<18}  {about:<24}  {message}")
    }

    fn row(event: &Value) -> [String; 5] {
        let message = one_line(text(event, "message"));
        [cell(&event["seq"]), instant(text(event, "at")), cell(&event["kind"]), about(event), message]
    }

    /// `demo/shop front`: project, graph, service or cluster.
    fn about(event: &Value) -> String {
        let places = ["project", "graph"].iter().filter_map(|key| event[*key].as_str());
        let place = places.collect::<Vec<_>>().join("/");
        let words = [place.as_str(), text(event, "subject")];
        let words = words.into_iter().filter(|word| !word.is_empty()).map(one_line).collect::<Vec<_>>().join(" ");
        if words.is_empty() { DASH.to_owned() } else { words }
    }

    fn table(events: &Value) -> String {
        let events = events.as_array().map_or(&[][..], Vec::as_slice);
        if events.is_empty() {
            return "no events\n".to_owned();
        }
        let mut columns = Columns::new([">event", "at", "kind", "about", "message"]);
        for event in events {
            columns.row(row(event).into());
        }
        printed(&columns)
    }

    #[cfg(test)]
    mod tests {
        use super::{line, table};
        use crate::serve::at::At;
        use crate::serve::store::rows::Event;
        use serde_json::{Value, json};

        fn event() -> Value {
            let event = Event {
                seq: 41,
                at: At(1_796_026_500_042),
                kind: "service.scaled".to_owned(),
                project: Some("demo".to_owned()),
                graph: Some("shop".to_owned()),
                subject: Some("front".to_owned()),
                message: "2 → 3 replicas".to_owned(),
                data: json!({}),
            };
            serde_json::to_value(event).unwrap()
        }

        #[test]
        fn an_event_is_told_with_what_it_is_about() {
            let wanted = "    41  2026-11-30 08:15:00  service.scaled      demo/shop front           2 → 3 replicas";
            assert_eq!(line(&event()), wanted);
            let of_server = json!({"seq": 1, "at": "2026-11-30T08:15:00Z", "kind": "server.started", "message": "x"});
            assert!(line(&of_server).contains("server.started      –  "), "{}", line(&of_server));
        }

        #[test]
        fn events_are_listed() {
            let found = table(&json!([event()]));
            assert!(
                found.starts_with("event  at                   kind            about            message\n"),
                "{found}"
            );
            assert_eq!(table(&json!([])), "no events\n");
        }
    }
}
