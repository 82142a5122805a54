//! The page of made-up runs: its skeleton, what is escaped, and that it stands alone.

use super::{Page, page};
use crate::model::expectation::{Bound, Comparison as Relation, Expectation, MetricOf};
use crate::record::RunRecord;
use crate::record::synthetic::{self, Behaviour};
use crate::report::Comparison;
use crate::report::tests::golden;
use std::path::Path;

const SPREAD: Behaviour = Behaviour { policy: "spread", headroom: 1.5, lag: 1 };
const NAIVE: Behaviour = Behaviour { policy: "naive", headroom: 1.0, lag: 8 };
const GREEDY: Behaviour = Behaviour { policy: "greedy+rate:headroom=20%", headroom: 1.2, lag: 1 };

fn runs(home: &Path) -> Vec<RunRecord> {
    let of = |behaviour, variant| (1..=2).map(move |seed| synthetic::run(home, behaviour, (variant, seed)));
    of(SPREAD, None).chain(of(NAIVE, None)).chain(of(GREEDY, None)).chain(of(GREEDY, Some("cloud_only"))).collect()
}

fn expected() -> [Expectation; 2] {
    let of =
        |policy: &str, metric: &str| MetricOf { policy: policy.to_owned(), variant: None, metric: metric.to_owned() };
    [
        Expectation {
            text: "greedy.slo_violation_time < 2 %".to_owned(),
            left: of("greedy", "slo_violation_time"),
            comparison: Relation::Less,
            right: Bound::Number(0.02),
        },
        Expectation {
            text: "greedy.cost < 0.9 * spread.cost".to_owned(),
            left: of("greedy", "cost"),
            comparison: Relation::Less,
            right: Bound::Times(0.9, of("spread", "cost")),
        },
    ]
}

fn made(comparisons: &[Comparison]) -> String {
    let command = "smo simulate scenarios/edge-cloud-friday.yaml --seeds 2";
    let not_modelled = ["Bandwidth between clusters is unlimited.", "Sessions do not stick to a replica."];
    page(&Page { comparisons, command, not_modelled: &not_modelled }).expect("the records can be read")
}

#[test]
fn the_skeleton_of_the_page_is_as_it_was_looked_at() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = made(&[Comparison::new(runs(home.path()), &expected())]);
    let text = text.replace(&format!("{}/", home.path().display()), "");
    golden("page.txt", &skeleton(&text));
}

#[test]
fn twenty_runs_make_a_page_of_less_than_two_megabytes() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let labels = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];
    let runs = labels.map(|policy| synthetic::run(home.path(), Behaviour { policy, headroom: 1.1, lag: 3 }, (None, 1)));
    let text = made(&[Comparison::new(runs.into(), &[])]);
    assert!(text.len() < 2_000_000, "{}", text.len());
    assert!(text.contains("8 more are in the table above"));
}

#[test]
fn a_page_stands_alone_and_says_what_is_not_modelled() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = made(&[Comparison::new(runs(home.path()), &expected())]);
    for foreign in ["<script", "<link", "<iframe", "@import", "url(", "src=", "https://"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    for said in ["Bandwidth between clusters is unlimited.", "smo simulate scenarios/", "smo replay ", "unreachable 20"]
    {
        assert!(text.contains(said), "{said}");
    }
    assert!(text.contains("<strong>") && text.contains("aria-label=\"Load of gateway over time: at most "));
    assert_eq!(text.matches("<svg ").count(), text.matches("<title>").count() - 1, "every picture has words");
}

/// Goal: nothing that a file says is taken for HTML.
/// Method: the same hostile text in every place that a run, a scenario or a command can fill.
#[test]
fn all_text_is_escaped() {
    const HOSTILE: &str = "</title><script>alert('1')</script>&\"";
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut run = synthetic::run(home.path(), NAIVE, (None, 1));
    let header = &mut run.manifest.header;
    for text in [&mut header.scenario, &mut header.question, &mut header.policy, &mut header.scenario_path] {
        HOSTILE.clone_into(text);
    }
    header.variant = Some(HOSTILE.to_owned());
    header.notes = vec![HOSTILE.to_owned()];
    header.inputs[0].path = HOSTILE.to_owned();
    header.resolved = serde_json::json!({HOSTILE: {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]}});
    run.manifest.program.commit = HOSTILE.to_owned();
    for service in &mut run.summary.by_service {
        HOSTILE.clone_into(&mut service.service);
    }
    for cluster in &mut run.summary.by_cluster {
        HOSTILE.clone_into(&mut cluster.cluster);
    }
    let decisions = run.dir.join("decisions.jsonl");
    let text = std::fs::read_to_string(&decisions).expect("reads");
    let hostile = serde_json::to_string(HOSTILE).expect("serialises");
    let text =
        text.replace("\"no cluster has 4 cores left\"", &hostile).replace("\"edge-2\"}", &format!("{hostile}}}"));
    std::fs::write(&decisions, text).expect("writes");
    let mut expected = expected();
    HOSTILE.clone_into(&mut expected[0].text);
    let comparison = Comparison::new(vec![run], &expected);
    let page = Page { comparisons: &[comparison], command: HOSTILE, not_modelled: &[HOSTILE] };
    let text = super::page(&page).expect("reads");
    assert!(!text.contains("<script") && !text.contains("alert('1')"));
    assert!(text.matches("&lt;script&gt;").count() > 12);
}

/// What a reader runs over: headings, sentences, captions, and what is said of the pictures.
fn skeleton(html: &str) -> String {
    let tags = ["<h1", "<h2", "<h3", "<p>", "<p ", "<pre", "<caption", "<figcaption", "<summary", "<svg", "<li class"];
    let found = |line: &str| tags.iter().filter_map(|tag| line.find(tag)).min().map(|start| line[start..].to_owned());
    let shown = |line: String| match line.find("</caption>").or_else(|| line.find("<title>")) {
        Some(end) => line[..end].to_owned(),
        None => line,
    };
    html.lines().filter_map(found).map(shown).collect::<Vec<_>>().join("\n") + "\n"
}
