//! The page of made-up runs: its skeleton, what is escaped, and that it stands alone.

use super::{Drawn, Page, drawn, page};
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
    put_together(&Page { comparisons, command, not_modelled: &not_modelled })
}

fn put_together(whole: &Page<'_>) -> String {
    let sections = drawn(whole.comparisons).iter().map(Drawn::draw).collect::<Result<Vec<_>, _>>();
    page(whole, &sections.expect("the records can be read"))
}

#[test]
fn the_skeleton_of_the_page_is_as_it_was_looked_at() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = made(&[Comparison::new(runs(home.path()), &expected())]);
    let text = text.replace(&format!("{}/", home.path().display()), "");
    // Which program this is differs from build to build.
    let built = |line: &&str| !line.contains(", commit ");
    let skeleton = skeleton(&text);
    let text = skeleton.lines().filter(built).collect::<Vec<_>>().join("\n") + "\n";
    golden("page.txt", &text);
}

#[test]
fn twenty_runs_make_a_page_of_less_than_two_megabytes_that_draws_them_all() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let labels: Vec<&'static str> = ('a'..='v').map(|letter| &*String::leak(letter.to_string())).collect();
    let of =
        |policy: &&'static str| synthetic::run(home.path(), Behaviour { policy, headroom: 1.1, lag: 3 }, (None, 1));
    let runs: Vec<RunRecord> = labels.iter().map(of).collect();
    let text = made(&[Comparison::new(runs[..20].to_vec(), &[])]);
    assert!(text.len() < 2_000_000, "{}", text.len());
    assert_eq!(text.matches("<details class=\"policy\"").count(), 20);
    let text = made(&[Comparison::new(runs, &[])]);
    assert!(text.len() < 2_000_000, "{}", text.len());
    assert!(text.contains("2 more are in the table above"));
}

#[test]
fn several_scenarios_share_a_page_and_each_is_drawn() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let of = |name: &str, policy| {
        let mut run = synthetic::run(home.path(), Behaviour { policy, headroom: 1.1, lag: 3 }, (None, 1));
        name.clone_into(&mut run.manifest.header.scenario);
        Comparison::new(vec![run], &[])
    };
    let text = made(&[of("friday", "a"), of("saturday", "b")]);
    assert!(text.contains("<h1>2 scenarios</h1>") && text.contains("id=\"scenario-1-0\""));
    assert_headings_in_order(&text);
}

#[test]
fn a_page_stands_alone_and_says_what_is_not_modelled() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = made(&[Comparison::new(runs(home.path()), &expected())]);
    for foreign in
        ["<script ", "<link", "<iframe", "@import", "url(", "src=", "https://", "http://", "fetch(", "XMLHttp"]
    {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert_eq!(text.matches("<script>").count(), 1);
    assert!(text.contains("default-src 'none'"), "the page forbids itself the network");
    for said in ["Bandwidth between clusters is unlimited.", "smo simulate scenarios/", "smo replay ", "unreachable 20"]
    {
        assert!(text.contains(said), "{said}");
    }
    assert!(text.contains("<strong>") && text.contains("aria-label=\"Load of gateway over time: at most "));
}

/// Goal: who listens to the page, or walks it by keyboard, misses nothing.
#[test]
fn headings_are_in_order_tables_have_captions_and_pictures_words() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = made(&[Comparison::new(runs(home.path()), &expected())]);
    assert_headings_in_order(&text);
    for table in text.split("<table").skip(1) {
        let caption = table.split_once('>').expect("it ends").1;
        assert!(caption.starts_with("<caption>") && !caption.starts_with("<caption></caption>"), "{}", &table[..80]);
    }
    for picture in text.split("<svg ").skip(1) {
        let head = &picture[..picture.find('>').expect("it ends")];
        assert!(head.contains("role=\"img\"") && head.contains("aria-label=\"") && !head.contains("aria-label=\"\""));
        assert!(picture.contains("<title>"), "{head}");
    }
    // What is pointed at says when and how much.
    assert!(text.contains("<title>12:") && text.contains("offered ") && text.contains("capacity "));
}

/// No level is skipped on the way down, and the first heading is the first level.
fn assert_headings_in_order(html: &str) {
    let mut last = 0;
    for (at, _) in html.match_indices("<h").filter(|(at, _)| html[at + 3..].starts_with([' ', '>'])) {
        let Some(level) = html[at + 2..].chars().next().and_then(|digit| digit.to_digit(10)) else { continue };
        assert!(level <= last + 1, "h{level} after h{last}: {}", &html[at..at + 60]);
        last = level;
    }
    assert!(last > 0);
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |colour: &str| {
        let channel = |from: usize| {
            let part = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).expect("a colour")) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Goal: letters have a contrast of 4.5, lines and areas that mean something one of 3 (WCAG 2.2 AA), in light and dark.
#[test]
fn colours_have_contrast_in_both_schemes() {
    let (light, dark) = super::STYLE.split_once("prefers-color-scheme: dark").expect("there are two schemes");
    for scheme in [light, &dark[..dark.find("\n}").expect("it ends")]] {
        let colour = |name: &str| {
            let at = scheme.find(&format!("--{name}: #")).unwrap_or_else(|| panic!("--{name}"));
            &scheme[at + name.len() + 4..at + name.len() + 11]
        };
        for ground in ["paper", "card"] {
            for letters in ["ink", "soft", "holds", "fails", "link"] {
                let found = contrast(colour(letters), colour(ground));
                assert!(found >= 4.5, "{letters} on {ground}: {found:.2}");
            }
            let lines = ["c3", "c5", "c6", "c7", "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17"];
            for line in lines {
                let found = contrast(colour(line), colour(ground));
                assert!(found >= 3.0, "{line} on {ground}: {found:.2}");
            }
        }
        assert!(contrast(colour("ink"), colour("best")) >= 4.5);
    }
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
    let text = put_together(&page);
    assert!(text.matches("<script").count() == 1 && !text.contains("alert('1')"));
    let markdown = crate::report::markdown::render(page.comparisons, HOSTILE);
    // What stands between backticks is code, and nothing in it is taken for HTML.
    assert!(markdown.split('`').step_by(2).all(|text| !text.contains("<script")), "{markdown}");
    assert!(text.matches("&lt;script&gt;").count() > 12);
}

/// What a reader runs over: headings, sentences, captions, and what is said of the pictures.
fn skeleton(html: &str) -> String {
    let tags =
        ["<h1", "<h2", "<h3", "<li>", "<p>", "<p ", "<pre", "<caption", "<figcaption", "<summary", "<svg", "<li class"];
    let found = |line: &str| tags.iter().filter_map(|tag| line.find(tag)).min().map(|start| line[start..].to_owned());
    let shown = |line: String| match line.find("</caption>").or_else(|| line.find("<title>")) {
        Some(end) => line[..end].to_owned(),
        None => line,
    };
    html.lines()
        .filter(|line| !line.contains("class=\"key"))
        .filter_map(found)
        .map(shown)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n"
}
