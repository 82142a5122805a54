//! What happens in a real run, told as it happens: a line for each decision that changes something, and for each event.

use crate::cli::timed::Stopwatch;
use crate::model::observation::{Action, EventKind};
use crate::model::scenario::Known;
use crate::model::{Observation, Snapshot};
use crate::record::{Decision, Record, Writer};
use crate::units::{Span, Time};
use std::io::{self, Write};
use std::sync::Arc;

/// A record that is told, too.
pub struct Narrated<'a> {
    writer: Writer,
    known: Arc<Known>,
    out: Option<&'a mut dyn Write>,
    stopwatch: Stopwatch,
    /// By how much the run's clock is ahead of the stopwatch, from the first decision on.
    lead: Option<Span>,
    /// What a shadow would have done, as it was said last.
    would: String,
}

impl<'a> Narrated<'a> {
    /// Writes into `writer`, and tells `out`, if anybody listens.
    pub fn new(writer: Writer, known: Arc<Known>, out: Option<&'a mut dyn Write>) -> Self {
        Self { writer, known, out, stopwatch: Stopwatch::start(), lead: None, would: String::new() }
    }

    /// The writer, and who listened.
    pub fn into_parts(self) -> (Writer, Option<&'a mut dyn Write>) {
        (self.writer, self.out)
    }

    /// Tells it, as long as somebody listens: who does not any more is no reason to leave the world without control.
    fn say(&mut self, at: Time, text: &str) {
        let Some(out) = &mut self.out else { return };
        let told = writeln!(out, "{:>9.1} s  {text}", at.as_seconds_f64()).and_then(|()| out.flush());
        if told.is_err() {
            self.out = None;
        }
    }

    /// Now, for what is not dated itself.
    fn now(&self) -> Time {
        Time(u64::try_from(self.stopwatch.elapsed().as_nanos()).unwrap_or(u64::MAX)) + self.lead.unwrap_or(Span::ZERO)
    }

    fn action(&self, action: &Action) -> String {
        let service = &self.known.application.services[action.service].name;
        let cluster = &self.known.clusters[action.cluster].name;
        format!("{service} on {cluster}: {} → {}", action.from, action.to)
    }

    fn rates(&self, snapshot: &Snapshot) -> String {
        let rate = |(id, view): (crate::model::ServiceId, &crate::model::ServiceView)| {
            let rate =
                view.rate.value.map_or_else(|| "unknown".to_owned(), |rate| format!("{:.1}/s", rate.per_second()));
            format!("{} {rate}", self.known.application.services[id].name)
        };
        snapshot.services.iter().map(rate).collect::<Vec<_>>().join(", ")
    }
}

impl Record for Narrated<'_> {
    fn decision(&mut self, decision: Decision<'_>) -> io::Result<()> {
        self.writer.decision(decision)?;
        if self.lead.is_none() {
            self.lead = Some(decision.snapshot.at.since(self.now()));
        }
        let changed = decision.snapshot.targets.changed(&decision.plan.targets);
        if changed.is_empty() && decision.plan.refusals.is_empty() {
            return Ok(());
        }
        let at = decision.snapshot.at;
        let load = self.rates(decision.snapshot);
        if decision.actions.is_empty() && !changed.is_empty() {
            // In shadow: what it would have done.
            let names = changed.iter().map(|service| {
                let name = &self.known.application.services[*service].name;
                let places = decision.plan.targets.of(*service).iter();
                let places = places.map(|one| format!("{} {}", self.known.clusters[one.cluster].name, one.replicas));
                format!("{name}: {}", places.collect::<Vec<_>>().join(", "))
            });
            let would = names.collect::<Vec<_>>().join("; ");
            let is_news = would != self.would;
            let text = format!("would  {would} ({load})");
            self.would = would;
            if is_news {
                self.say(at, &text);
            }
        }
        for action in decision.actions {
            let text = format!("asked  {} ({load})", self.action(action));
            self.say(at, &text);
        }
        for refusal in &decision.plan.refusals {
            let name = &self.known.application.services[refusal.service].name;
            let text = format!("refused  {} of {name}: {}", refusal.replicas, refusal.reason);
            self.say(at, &text);
        }
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> io::Result<()> {
        self.writer.happened(observation)?;
        match observation {
            Observation::Event(event) => self.say(event.at, &format!("{}  {}", word(event.kind), event.subject)),
            Observation::Failed { action, error } => {
                let text = format!("failed  {}: {error}", self.action(action));
                self.say(self.now(), &text);
            }
            Observation::Finished(action) => {
                let took = self.now().since(action.asked_at).as_seconds_f64();
                let text = format!("done   {}, after {took:.1} s", self.action(action));
                self.say(self.now(), &text);
            }
            _ => {}
        }
        Ok(())
    }
}

const fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ClusterLost => "lost   cluster",
        EventKind::ClusterBack => "back   cluster",
        EventKind::TelemetryLost => "silent",
        EventKind::TelemetryBack => "heard ",
        EventKind::ControlPaused => "paused",
        EventKind::ControlResumed => "goes on",
        EventKind::ServiceWanted => "wanted",
        EventKind::ServiceUnwanted => "unwanted",
        _ => "event ",
    }
}
