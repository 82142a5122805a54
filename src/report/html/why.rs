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
        let heads = ["cluster", "verdict", "weighed, and what binds"].map(Head::new);
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

#[cfg(test)]
mod tests {
    use super::Explanations;
    use crate::model::Resources;
    use crate::record::explained::{
        Because, Candidate, Explained, FitsWith, NextBest, Scarce, Seen, ServiceExplained, Term,
    };
    use crate::record::history::RefusedRead;
    use crate::report::html::chart::over_time::Detail;
    use std::collections::BTreeMap;

    fn open(cluster: &str, replicas: u32, room_for: u32) -> Candidate {
        let term = |name: &str, value| Term { name: name.to_owned(), value, unit: "$/h".to_owned() };
        let terms = vec![term("price", 0.31), term("egress", 0.02)];
        let left = Some(Resources::from_amounts([410, 0, 0, 0]));
        let verdict = Seen::Open { replicas, room_for, binds: "cpu".to_owned(), left, terms };
        Candidate { cluster: cluster.to_owned(), verdict }
    }

    fn service(name: &str) -> ServiceExplained {
        let targets = BTreeMap::from([("edge-2".to_owned(), 2)]);
        let filtered = Seen::Filtered { filtered: "<no gpu>".to_owned() };
        let reason = "no cluster has room".to_owned();
        let refused =
            RefusedRead { service: name.to_owned(), replicas: 1, reason, remedy: Some("edge-2 + 2 cores".to_owned()) };
        ServiceExplained {
            service: name.to_owned(),
            wanted: 3,
            targets: targets.clone(),
            why: "ceil(rate / alpha): rate 12.5".to_owned(),
            refused: Some(refused),
            candidates: vec![
                Candidate { cluster: "edge-1".to_owned(), verdict: filtered },
                open("cloud-1", 0, 4),
                open("edge-2", 2, 0),
            ],
            clusters_all: 3,
            next_best: Some(NextBest { targets: BTreeMap::from([("cloud-1".to_owned(), 2)]), difference: Some(0.07) }),
            fits_wholly_with: Some(FitsWith {
                cluster: "cloud-1".to_owned(),
                more: Resources::from_amounts([2_000, 0, 0, 0]),
            }),
        }
    }

    fn decision(number: u64, because: Because) -> Explained {
        let scarce = Scarce {
            cluster: "edge-2".to_owned(),
            resource: "cpu".to_owned(),
            unit: "core".to_owned(),
            dollars_per_hour: 0.04,
        };
        Explained {
            at_s: 60.0 * number as f64,
            decision: number,
            because,
            reduced: false,
            services_all: 4,
            services: vec![service("a<b"), service("b"), service("c"), service("d")],
            shortage: None,
            scarce: vec![scarce],
            conflicts: Vec::new(),
        }
    }

    /// Goal: all that an explanation holds is said, the chosen first, and nothing of it is HTML of its own.
    #[test]
    fn a_decision_is_told_cluster_by_cluster() {
        let explained = [decision(7, Because::Refused)];
        let explanations = Explanations::new("run", &explained, Detail::for_runs(1));
        assert_eq!(explanations.anchor(420.0).as_deref(), Some("run-why-7"));
        assert_eq!(explanations.anchor(421.0), None);
        let html = explanations.section();
        let said = [
            "<caption><b>a&lt;b</b>: 2 of 3 replicas → edge-2 (2); because ceil(rate / alpha): rate 12.5</caption>",
            "full after 2 (cpu binds: 0.41 cores left)",
            "price 0.3100 $/h + egress 0.0200 $/h each; room for 4 more",
            "&lt;no gpu&gt;",
            "Refused 1: no cluster has room; smallest change: edge-2 + 2 cores.",
            "Next best +0.0700: cloud-1 (2).   Would fit wholly on cloud-1 with 2 cores more.",
            "one core of cpu more would save 0.0400",
        ];
        for words in said {
            assert!(html.contains(words), "{words}\n{html}");
        }
        let place = |name: &str| html.find(&format!("<th scope=\"row\">{name}</th>")).unwrap();
        assert!(place("edge-2") < place("cloud-1") && place("cloud-1") < place("edge-1"), "{html}");
    }

    /// Goal: a page of twenty runs has room for few, and these are of every kind. Method: more decisions than room.
    #[test]
    fn many_runs_leave_room_for_some_decisions_of_every_kind() {
        let kinds =
            [Because::First, Because::Refused, Because::Refused, Because::Changed, Because::Changed, Because::Last];
        let explained: Vec<Explained> = (0..).zip(kinds).map(|(number, because)| decision(number, because)).collect();
        let detail = Detail::for_runs(20);
        let html = Explanations::new("run", &explained, detail).section();
        assert_eq!(html.matches("<details id=").count(), detail.explained);
        assert_eq!(html.matches("<caption>").count(), detail.explained * detail.explained_services);
        for kind in ["refused for the first time", "one of the largest changes", "the last decision"] {
            assert_eq!(html.matches(kind).count(), 1, "{kind}");
        }
        // Three decisions of three services and their clusters, twenty times, beside all that is drawn.
        assert!(html.len() < 20_000, "{}", html.len());
    }
}
