//! The documentation in `docs/`: its commands run, its links lead somewhere, and its reference pages are what the types say.
//!
//! `SMO_BLESS=1` writes the reference pages anew.

mod commands;
#[cfg(feature = "live")]
mod config;
mod definitions;
mod formats;
mod schema;

use crate::shown;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the pages lie.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src")
}

/// All pages, by path below the source folder.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "md") {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(&source(), &mut found);
    found.sort();
    found
}

#[test]
fn every_command_of_the_book_runs_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let count: usize = pages().iter().map(|page| shown::run_all(page.strip_prefix(root).unwrap())).sum();
    assert!(count >= 5, "{count} commands in the whole book");
}

/// Goal: whoever looks a command up finds what it is for and an example that was run.
#[test]
fn every_command_has_a_page_with_an_example_of_it() {
    fn leaves(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        let below: Vec<&clap::Command> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
        if below.is_empty() {
            found.push(name.to_owned());
        }
        for one in below {
            leaves(one, &format!("{name} {}", one.get_name()), found);
        }
    }
    let mut names = Vec::new();
    leaves(&<smo::cli::Cli as clap::CommandFactory>::command(), "smo", &mut names);
    let text: String = pages()
        .iter()
        .filter(|page| page.parent().is_some_and(|folder| folder.ends_with("commands")))
        .map(|page| fs::read_to_string(page).unwrap())
        .collect();
    for name in names {
        let shown = text.lines().any(|line| line.strip_prefix("$ ").is_some_and(|command| command.starts_with(&name)));
        assert!(shown, "docs/src/commands has no example of `{name}`");
    }
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_to_a_page() {
    let summary = fs::read_to_string(source().join("SUMMARY.md")).unwrap();
    for page in pages() {
        let below = page.strip_prefix(source()).unwrap().display().to_string();
        if below == "SUMMARY.md" {
            continue;
        }
        assert!(summary.contains(&format!("({below})")), "{below} is not in SUMMARY.md");
        let text = fs::read_to_string(&page).unwrap();
        for (link, _) in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let file = link.split('#').next().unwrap();
            let known = file.is_empty() || link.starts_with("http") || page.parent().unwrap().join(file).exists();
            assert!(known, "{below}: {link} leads nowhere");
        }
    }
}

#[test]
fn the_reference_pages_are_what_the_types_say() {
    let pages = [
        ("scenario", schema::page()),
        ("suite", schema::of_suites()),
        ("formats", formats::page()),
        ("commands", commands::page()),
        ("metrics", definitions::metrics()),
        ("policies", definitions::policies()),
        #[cfg(feature = "live")]
        ("config", config::page()),
    ];
    for (name, text) in pages {
        let path = source().join(format!("reference/{name}.md"));
        if std::env::var_os("SMO_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        let first = written.lines().zip(text.lines()).position(|(left, right)| left != right);
        assert!(written == text, "docs/src/reference/{name}.md is not current (line {first:?}); SMO_BLESS=1 writes it");
    }
}

/// One cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
