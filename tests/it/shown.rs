//! Runs what documentation shows: every line that begins with `$ ` in a `console` block is a command, the lines that follow
//! it, where there are any, are what it prints.
//!
//! Lines that fetch, build or install are known by their first word and not run here: `.ci/run` does that. A command on
//! real data is skipped, aloud, where the data are not there.

use std::path::Path;
use std::process::Command;

/// Commands that `.ci/run` or a person runs.
const ELSEWHERE: &[&str] = &["git", "cd", "make", "bash"];

/// A command, and what the page shows that it prints.
#[derive(Debug)]
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The commands of all `console` blocks.
fn commands(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (line, line.strip_prefix("$ ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => found.push(Shown { command: command.to_owned(), lines: Vec::new() }),
            (line, None) if inside => found.last_mut().expect("a block begins with `$ `").lines.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// The targets that the Makefile has.
fn make_targets(root: &Path) -> Vec<String> {
    let makefile = std::fs::read_to_string(root.join("Makefile")).unwrap();
    let names = makefile.lines().filter_map(|line| line.split_once(':').map(|(name, _)| name));
    names.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase())).map(str::to_owned).collect()
}

/// Runs all commands of a page, in order, in a scratch directory that looks like a clone; how many there are.
pub fn run_all(page: &Path) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = crate::program::scratch();
    let commands = commands(&std::fs::read_to_string(root.join(page)).unwrap());
    for shown in &commands {
        let words: Vec<&str> = shown.command.split_whitespace().collect();
        if ELSEWHERE.contains(&words[0]) {
            let known = words[0] != "make" || make_targets(root).iter().any(|target| target == words[1]);
            assert!(known, "{}: no such target: {}", page.display(), shown.command);
        } else if needs_data(&shown.command) && crate::data_dir().is_none() {
            println!("skipped: no SMO_DATA_DIR and no ../shared/data for {}", shown.command);
        } else {
            let printed = run(&shown.command, scratch.path());
            let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
            let differs = !shown.lines.is_empty() && shown.lines != printed;
            let (page, command) = (page.display(), &shown.command);
            assert!(!differs, "{page} shows something else than what `{command}` prints:\n{}", printed.join("\n"));
        }
    }
    commands.len()
}

fn needs_data(command: &str) -> bool {
    command.contains("scenarios/real") || command.contains("SMO_DATA_DIR")
}

/// Runs a command; what it prints.
fn run(command: &str, directory: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_smo")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-euc", command]).current_dir(directory).env("PATH", path).env("NO_COLOR", "1");
    if let Some(data) = crate::data_dir() {
        shell.env("SMO_DATA_DIR", data);
    }
    let output = shell.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "`{command}` failed: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}
