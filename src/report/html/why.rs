//! Why the decisions that mattered were as they were: for each service cluster by cluster, what would have been second, what
//! a service that was refused lacks, and what is scarce.
//!
//! A page is to be sent: so many decisions of a run, services of a decision and clusters of a service, those that matter most
//! first, and how many there are. All that was recorded lies in `explanations.jsonl`, all of one decision is
//! `smo plan --at T --explain`.

use super::chart::axis::instant;
use super::chart::over_time::Detail;
use super::markup::{Cell, Head, escape, list, put, table_of_words_about};
use crate::record::explained::{Because, Candidate, Explained, ServiceExplained};
use crate::report::choice::capital;
use crate::report::why::{conflict_words, outcome_words, scarce_words, second_words, verdict_words};

/// Prices and conflicts that are listed of a decision.
const FINDINGS_MAX: usize = 6;
/// Services that the line of a decision names.
const NAMED_MAX: usize = 3;

/// The explanations of one run, as far as the page has room for them.
pub struct Explanations<'a> {
    /// The anchor of the run.
    id: &'a str,
    shown: Vec<&'a Explained>,
    all: usize,
    detail: Detail,
}

impl<'a> Explanations<'a> {
    /// Those of each kind in turn, until there is no more room.
    pub fn new(id: &'a str, explained: &'a [Explained], detail: Detail) -> Self {
        let kinds = [Because::Refused, Because::Changed, Because::Last, Because::First];
        let of = |kind| explained.iter().filter(move |one| one.because == kind);
        let most = kinds.iter().map(|kind| of(*kind).count()).max().unwrap_or(0);
        let in_turn = (0..most).flat_map(|turn| kinds.into_iter().filter_map(move |kind| of(kind).nth(turn)));
        let mut shown: Vec<&Explained> = in_turn.take(detail.explained).collect();
        shown.sort_by_key(|one| one.decision);
        Self { id, shown, all: explained.len(), detail }
    }

    /// The anchor of the decision at that time, where it is shown.
    pub fn anchor(&self, at_s: f64) -> Option<String> {
        let there = self.shown.iter().find(|one| (one.at_s - at_s).abs() < 1e-9);
        there.map(|one| self.anchor_of(one))
    }

    fn anchor_of(&self, one: &Explained) -> String {
        format!("{}-why-{}", self.id, one.decision)
    }

    /// The section; empty where nothing was explained.
    pub fn section(&self) -> String {
        if self.shown.is_empty() {
            return String::new();
        }
        let which = if self.shown.len() < self.all {
            format!("{} of {} decisions that were explained", self.shown.len(), self.all)
        } else {
            format!("{} decisions", self.all)
        };
        let mut html = format!("<details class=\"why\" open><summary>Why, cluster by cluster: {which}</summary>\n");
        html.extend(self.shown.iter().map(|one| self.decision(one)));
        html + "</details>\n"
    }

    fn decision(&self, one: &Explained) -> String {
        let services = &one.services[..one.services.len().min(self.detail.explained_services)];
        let names: Vec<&str> = services.iter().take(NAMED_MAX).map(|service| service.service.as_str()).collect();
        let more = one.services_all.saturating_sub(names.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let mut html = format!(
            "<details id=\"{}\"><summary>{} <small>{}: {}{rest}</small></summary>\n",
            escape(&self.anchor_of(one)),
            instant(one.at_s),
            because(one.because),
            escape(&names.join(", "))
        );
        html += "<div class=\"services\">\n";
        html.extend(services.iter().map(|service| self.service(service)));
        html += "</div>\n";
        if services.len() < one.services_all {
            put(
                &mut html,
                format_args!(
                    "<p>{} of {} services; explanations.jsonl has more.</p>\n",
                    services.len(),
                    one.services_all
                ),
            );
        }
        let scarce = one.scarce.iter().take(FINDINGS_MAX).map(|one| format!("Scarce: {}.", scarce_words(one)));
        let conflicts =
            one.conflicts.iter().take(FINDINGS_MAX).map(|one| format!("Conflict: {}.", conflict_words(one)));
        let findings: Vec<String> = scarce.chain(conflicts).collect();
        html += &list(findings.iter().map(String::as_str));
        if one.reduced {
            html += "<p>The world is too large to work out costs and next best places for every decision; \
                     <code>smo plan --at T --explain</code> does it for one.</p>\n";
        }
        html + "</details>\n"
    }

    fn service(&self, service: &ServiceExplained) -> String {
        let mut ranked: Vec<&Candidate> = service.candidates.iter().collect();
        ranked.sort_by_key(|candidate| candidate.verdict.rank());
        let row = |candidate: &&Candidate| {
            let (verdict, because) = verdict_words(candidate);
            vec![Cell::text(&candidate.cluster), Cell::text(verdict), Cell::text(&because)]
        };
        let shown = ranked.len().min(self.detail.explained_clusters);
        let rows: Vec<Vec<Cell>> = ranked[..shown].iter().map(row).collect();
        let why = if service.why.is_empty() { String::new() } else { format!("; because {}", service.why) };
        let caption = format!("{}{why}", outcome_words(service));
        let heads = ["cluster", "verdict", "what was weighed, and what binds"].map(Head::new);
        let mut sentences: Vec<String> = Vec::new();
        if shown < service.clusters_all {
            sentences.push(format!("{} more clusters are not listed.", service.clusters_all - shown));
        }
        sentences.extend(service.refused.as_ref().map(|refused| {
            let remedy = refused.remedy.as_ref().map(|remedy| format!("; smallest change: {remedy}"));
            format!(
                "Refused {}: {}{}.",
                refused.replicas,
                refused.reason.trim_end_matches('.'),
                remedy.unwrap_or_default()
            )
        }));
        sentences.extend(second_words(service).map(|words| capital(&words)));
        let paragraph =
            if sentences.is_empty() { String::new() } else { format!("<p>{}</p>\n", escape(&sentences.join(" "))) };
        format!("<div>{}{paragraph}</div>\n", table_of_words_about((&service.service, &caption), &heads, &rows))
    }
}

const fn because(because: Because) -> &'static str {
    match because {
        Because::First => "the first decision",
        Because::Refused => "refused for the first time",
        Because::Changed => "one of the largest changes",
        Because::Last => "the last decision",
    }
}
