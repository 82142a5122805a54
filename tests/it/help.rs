//! What every command has to have, found by walking the commands themselves: a new one is covered from the day it is there.

use clap::{Command, CommandFactory};
use smo::cli::Cli;

/// Columns that help pages fit into.
const WIDTH: usize = 100;

/// Commands that print no data: files, scripts, pages, and a schema that is JSON anyway.
const WITHOUT_FORMAT: &[&str] = &[
    "smo init",
    "smo run",
    "smo pause",
    "smo remove",
    "smo serve",
    "smo report",
    "smo export",
    "smo scenario schema",
    "smo bench schema",
    "smo trace convert",
    "smo trace edit",
    "smo trace generate",
    "smo completions",
    "smo man",
];

/// All commands that do something, with their full names.
fn leaves(command: &Command, name: &str) -> Vec<(String, Command)> {
    let below: Vec<&Command> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
    if below.is_empty() {
        return vec![(name.to_owned(), command.clone())];
    }
    below.into_iter().flat_map(|one| leaves(one, &format!("{name} {}", one.get_name()))).collect()
}

fn all() -> Vec<(String, Command)> {
    leaves(&Cli::command(), "smo")
}

#[test]
fn every_command_says_what_it_does_with_an_example() {
    let all = all();
    assert!(all.len() >= 11, "{}", all.len());
    for (name, mut command) in all {
        assert!(command.get_about().is_some(), "{name} does not say what it does");
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example") && help.contains(&format!("\n  {name}")), "{name} has no example:\n{help}");
        for argument in command.get_arguments().filter(|one| one.get_id() != "help" && one.get_id() != "version") {
            assert!(argument.get_help().is_some(), "{name}: {} is not explained", argument.get_id());
        }
    }
}

#[test]
fn every_command_with_data_prints_json_too() {
    for (name, command) in all().into_iter().filter(|(name, _)| !WITHOUT_FORMAT.contains(&name.as_str())) {
        let format = command.get_arguments().find(|one| one.get_long() == Some("format"));
        let format = format.unwrap_or_else(|| panic!("{name} has no --format"));
        let values: Vec<String> =
            format.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        assert!(values.contains(&"table".to_owned()) && values.contains(&"json".to_owned()), "{name}: {values:?}");
    }
}

/// What is wrapped fits by itself; examples are not to be wrapped, so they have to fit as they stand.
#[test]
fn help_pages_fit_a_terminal_of_a_hundred_columns() {
    fn judge(command: &Command) {
        let name = command.get_name();
        let written = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let rendered = command.clone().term_width(WIDTH).render_long_help().to_string();
        let examples = written.lines().filter(|line| line.starts_with("  "));
        for line in examples.chain(rendered.lines()) {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
        command.get_subcommands().for_each(judge);
    }
    judge(&Cli::command());
}

#[test]
fn shells_and_manuals_are_served_from_the_same_declarations() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = crate::program::smo(home.path(), ["completions", shell]).well().out;
        for (name, _) in all() {
            let last = name.rsplit(' ').next().unwrap().to_owned();
            assert!(script.contains(&last), "{shell} does not know {name}");
        }
    }
    crate::program::smo(home.path(), ["completions", "tcsh"]).refused(2, "possible values: bash");
    let page = crate::program::smo(home.path(), ["man"]).well().out;
    assert!(page.contains(".TH smo 1") && page.contains(".SH EXAMPLES"), "{page}");
    crate::program::smo(home.path(), ["man", "--out", "man1"]).well();
    for (name, _) in all() {
        let path = home.path().join("man1").join(name.replace(' ', "-") + ".1");
        let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(page.contains(".SH EXAMPLES"), "{name}");
    }
}
