//! The reference of commands: the help texts, from the command line's own declaration.

use clap::CommandFactory as _;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Commands

Made from the program: what each command says for `--help`.

";

/// The whole page.
pub fn page() -> String {
    let mut command = smo::cli::Cli::command().term_width(100).disable_help_subcommand(true);
    command.build();
    let mut text = INTRODUCTION.to_owned();
    walk(&mut text, &mut command, "");
    text.trim_end().to_owned() + "\n"
}

/// A command, then those below it.
fn walk(text: &mut String, command: &mut clap::Command, above: &str) {
    let name = if above.is_empty() { command.get_name().to_owned() } else { format!("{above} {}", command.get_name()) };
    let help = command.clone().bin_name(&name).render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "## {name}\n\n```text\n{}\n```\n\n", help.join("\n").trim_end()).unwrap();
    for below in command.get_subcommands_mut().filter(|below| !below.is_hide_set()) {
        walk(text, below, &name);
    }
}
