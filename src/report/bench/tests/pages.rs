//! The formats: links that lead somewhere, text that is escaped, the same bytes every time.

use super::twelve;
use crate::report::bench::results::{Results, Stopped};
use crate::report::bench::synthetic::{World, cell};
use crate::report::bench::{Rendered, render};
use polars::prelude::{ParquetReader, SerReader};

/// Twelve, of which one failed once, one has one seed, and one is a yardstick in hindsight.
fn troubled() -> Results {
    let mut results = twelve().results();
    let failed = cell(&mut results, "day-3", "random");
    failed.runs[2].result = Err("no feasible plan, and a reason <b>\"quoted\"</b>, with commas".to_owned());
    failed.stopped = Stopped::Failed;
    cell(&mut results, "day-5", "pid").runs.truncate(1);
    for cell in results.cells.iter_mut().filter(|cell| cell.contestant == "threshold") {
        cell.hindsight = true;
    }
    results
}

/// Writes the page to be looked at, where `SMO_BENCH_PAGE` names a folder.
fn shown(rendered: &Rendered, name: &str) {
    if let Some(folder) = std::env::var_os("SMO_BENCH_PAGE") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join(format!("{name}.html")), &rendered.html).expect("the page can be written");
        std::fs::write(folder.join(format!("{name}.md")), &rendered.markdown).expect("the text can be written");
        std::fs::write(folder.join(format!("{name}.tex")), &rendered.latex).expect("the text can be written");
        std::fs::write(folder.join(format!("{name}.txt")), &rendered.table).expect("the text can be written");
    }
}

/// Goal: each sentence of the verdict leads to a row of the page, and so does every other link, in Markdown too.
#[test]
fn every_link_leads_to_a_place_on_the_page() {
    for (name, results) in
        [("twelve", twelve().results()), ("troubled", troubled()), ("two", World::alike(&["a", "b"], 1, 1).results())]
    {
        let rendered = render(&results);
        shown(&rendered, name);
        let html = &rendered.html;
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: an id stands twice");
        let links: Vec<&str> = html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() >= 4, "{name}");
        let in_markdown = rendered.markdown.split("report.html#").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.into_iter().chain(in_markdown) {
            assert!(unique.contains(link), "{name}: nothing is called {link}");
        }
        assert!(html.matches("<sup>").count() >= 4, "{name}");
    }
}

#[test]
fn the_same_results_give_the_same_bytes() {
    assert!(render(&troubled()) == render(&troubled()), "Parquet included");
}

#[test]
fn pages_ask_for_nothing_and_text_is_escaped() {
    const HOSTILE: &str = "</title><script>alert('1')</script>&\"";
    let mut results = troubled();
    HOSTILE.clone_into(&mut results.suite.question);
    HOSTILE.clone_into(&mut results.suite.name);
    HOSTILE.clone_into(&mut results.suite.contestants[1]);
    HOSTILE.clone_into(&mut results.suite.scenarios[1].name);
    for cell in &mut results.cells {
        if cell.contestant == "keda" {
            HOSTILE.clone_into(&mut cell.contestant);
        }
        if cell.scenario == "day-1" {
            HOSTILE.clone_into(&mut cell.scenario);
        }
        HOSTILE.clone_into(&mut cell.policy);
    }
    let rendered = render(&results);
    assert!(rendered.html.matches("<script").count() == 1 && !rendered.html.contains("alert('1')"));
    for foreign in ["<script ", "<link", "<iframe", "@import", "url(", "src=", "https://", "http://"] {
        assert!(!rendered.html.contains(foreign), "{foreign}");
    }
    assert!(rendered.markdown.split('`').step_by(2).all(|text| !text.contains("<script")), "{}", rendered.markdown);
}

#[test]
fn headings_are_in_order_tables_have_captions_and_pictures_words() {
    let html = render(&troubled()).html;
    let mut last = 0;
    for (at, _) in html.match_indices("<h").filter(|(at, _)| html[at + 3..].starts_with([' ', '>'])) {
        let Some(level) = html[at + 2..].chars().next().and_then(|digit| digit.to_digit(10)) else { continue };
        assert!(level <= last + 1, "h{level} after h{last}: {}", &html[at..at + 60]);
        last = level;
    }
    assert!(
        html.split("<table")
            .skip(1)
            .all(|table| table.split_once('>').is_some_and(|(_, rest)| rest.starts_with("<caption>")))
    );
    for picture in html.split("<svg ").skip(1) {
        let head = &picture[..picture.find('>').expect("it ends")];
        assert!(head.contains("role=\"img\"") && head.contains("aria-label=\""));
    }
    assert!(html.len() < 3_000_000, "{}", html.len());
}

/// Goal: gaps are told and never filled.
#[test]
fn gaps_stand_in_every_format() {
    let rendered = render(&troubled());
    for text in [&rendered.html, &rendered.markdown, &rendered.table] {
        assert!(text.replace(['\n', '\u{a0}'], " ").contains("failed in 1 of 12 seeds"), "{text}");
    }
    assert!(rendered.html.contains("tuned in hindsight") && rendered.html.contains("over best static"));
    assert!(rendered.html.contains("shares one seed with hpa"));
    assert!(rendered.latex.contains("not ranked"));
    assert!(rendered.table.lines().all(|line| line.chars().count() <= 100), "{}", rendered.table);
}

/// Goal: CSV and Parquet hold one row a run with all measures, and the same of both.
#[test]
fn rows_are_one_a_run_in_csv_and_parquet() {
    let results = troubled();
    let rendered = render(&results);
    let lines: Vec<&str> = rendered.csv.lines().collect();
    let heads: Vec<&str> = lines[0].split(',').collect();
    let frame = ParquetReader::new(std::io::Cursor::new(rendered.parquet)).finish().expect("it can be read");
    let names: Vec<String> = frame.get_column_names().iter().map(ToString::to_string).collect();
    assert_eq!(names, heads);
    assert_eq!((frame.height(), lines.len() - 1), (1141, 1141), "95 cells of twelve seeds, and one of one");
    let loss = frame.column("loss").expect("it is there").f64().expect("it is a number");
    let first: f64 = lines[1].split(',').nth(10).expect("the loss").parse().expect("a number");
    assert_eq!(loss.get(0), Some(first));
    assert_eq!(loss.null_count(), 1, "the run that failed");
}
