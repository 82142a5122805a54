//! What the README shows is executed as it is written.
//!
//! Every line that begins with `$ ` in a `console` block is run, in order, in a scratch directory that looks like a clone,
//! with `smo` on the PATH. Lines that fetch, build or install are known by their first word and not run here: `.ci/run`
//! does that. A command on real data is skipped, aloud, where the data are not there.

use std::path::Path;
use std::process::Command;

/// Commands that `.ci/run` or a person runs.
const ELSEWHERE: &[&str] = &["git", "cd", "make", "bash"];

/// The commands of all `console` blocks, with the lines that a trailing `\` continues.
fn commands(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut inside, mut continues) = (false, false);
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if inside && continues => {
                let last = found.last_mut().unwrap();
                last.push('\n');
                last.push_str(line);
                continues = line.ends_with('\\');
            }
            _ if inside => {
                if let Some(command) = line.strip_prefix("$ ") {
                    found.push(command.to_owned());
                    continues = line.ends_with('\\');
                }
            }
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

#[test]
fn every_command_of_the_readme_runs_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir().unwrap();
    for shared in ["scenarios", "traces"] {
        std::os::unix::fs::symlink(root.join(shared), scratch.path().join(shared)).unwrap();
    }
    let commands = commands(&std::fs::read_to_string(root.join("README.md")).unwrap());
    assert!(commands.len() >= 5, "the README shows commands in `console` blocks");
    let data = crate::data_dir();
    for command in &commands {
        let first = command.split_whitespace().next().unwrap();
        if ELSEWHERE.contains(&first) {
            let target = command.split_whitespace().nth(1).unwrap().to_owned();
            assert!(first != "make" || make_targets(root).contains(&target), "no such target: {command}");
        } else if command.contains("scenarios/real") && data.is_none() {
            eprintln!("skipped, the data are not there (SMO_DATA_DIR): {command}");
        } else {
            run(command, scratch.path());
        }
    }
}

fn run(command: &str, directory: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_smo")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-euc", command]).current_dir(directory).env("PATH", path).env("NO_COLOR", "1");
    if let Some(data) = crate::data_dir() {
        shell.env("SMO_DATA_DIR", data);
    }
    let output = shell.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the README's `{command}` failed: {}\n{stdout}\n{stderr}", output.status);
}
