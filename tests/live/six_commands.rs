//! The README's six commands against the stack: deploy, watch, remove. They run as they stand there.

use crate::graphs::define_discovery;
use crate::service::{Service, free_port};
use crate::shop::{clear, empty};
use crate::stack::{Stack, stack};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The commands of the section, without what only brings the stack up or down.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section =
        readme.split("\n## ").find(|section| section.starts_with("Running application graphs")).expect("it is there");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("it shows commands");
    // A comment at the end of a line is for people; a `\` goes on.
    block.replace("\\\n", "").lines().map(|line| line.split("  #").next().unwrap_or(line).trim().to_owned()).collect()
}

/// The project of the README; it goes with the test, also where that fails.
struct Project<'a>(&'a Stack);

impl Drop for Project<'_> {
    fn drop(&mut self) {
        clear(self.0, "hello");
    }
}

#[test]
fn a_graph_is_deployed_watched_and_removed_by_the_readmes_six_commands() {
    let commands = commands();
    assert_eq!(commands.len(), 6, "{commands:#?}");
    let Some(stack) = stack("readme") else { return };
    define_discovery(&stack);
    empty(&stack);
    let _gone = Project(&stack);
    let program = Path::new(env!("CARGO_BIN_EXE_smo")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), home.path().join("scenarios"))
        .unwrap();
    // In one shell, as somebody at a terminal would: the first command goes into the background.
    // A person takes longer to type than the server to start.
    let ready = "until curl --silent --fail --output /dev/null http://127.0.0.1:8000/readyz; do sleep 0.1; done";
    let script = commands.join("\n").replace("&\n", &format!("&\n{ready}\n"));
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("trap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script}")])
        .current_dir(home.path())
        .env("PATH", path)
        .env("HOME", home.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{script}\n{out}\n{err}");
    assert!(out.contains("running"), "{out}");
    assert!(stack.get("karmada", &["deployment", "hello-world", "--namespace", "hello"]).is_none());
}

/// With no configuration at all: a file of its own, no cluster, which the inventory says; a dry run works on a file.
#[test]
fn it_starts_without_any_configuration() {
    let Some(stack) = stack("fresh") else { return };
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_smo"))
        .arg("serve")
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", home.path())
        .env("SMO_LISTEN", format!("127.0.0.1:{port}"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let asker = Service::beside(&stack, port);
    let took = crate::shop::until("it is ready", std::time::Duration::from_secs(10), || {
        asker.try_get("/readyz").is_some_and(|answer| answer.status == 200)
    });
    eprintln!("fresh: ready after {:.2} s", took.as_secs_f64());
    let clusters = asker.get("/v1/clusters").is(200).json();
    assert_eq!(clusters["items"], Value::Array(Vec::new()), "{clusters}");
    child.kill().unwrap();
    child.wait().unwrap();
}
