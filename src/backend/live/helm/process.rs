//! One run of a program: its output, and its end within a limit.
//!
//! A Helm that takes too long is asked to end (SIGTERM: it then marks the release as failed, which is better than a lock that is
//! left behind) and is ended (SIGKILL) only after a grace. Where the caller goes away it is ended at once.

use std::io;
use std::process::Output;
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};
use tokio::process::Command;

/// For how long a program may run, and how long it has to end itself after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until it is asked to end.
    pub limit: Duration,
    /// From there until it is ended.
    pub grace: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// By itself.
    Itself(Output),
    /// Because it was told to, after its limit.
    Stopped,
}

/// Runs `command` to its end.
///
/// # Errors
/// It cannot be started.
pub async fn run(mut command: Command, patience: Patience) -> io::Result<End> {
    let child = command.kill_on_drop(true).spawn()?;
    let pid = child.id();
    let output = child.wait_with_output();
    tokio::pin!(output);
    if let Ok(output) = tokio::time::timeout(patience.limit, &mut output).await {
        return output.map(End::Itself);
    }
    ask_to_end(pid);
    // Dropped when the grace is over, which ends it.
    match tokio::time::timeout(patience.grace, output).await {
        Ok(output) => output.map(|_late| End::Stopped),
        Err(_still_there) => Ok(End::Stopped),
    }
}

/// Sends SIGTERM; a process that has just ended has no need of it.
fn ask_to_end(pid: Option<u32>) {
    let Some(pid) = pid.map(Pid::from_u32) else { return };
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing());
    if let Some(process) = system.process(pid) {
        process.kill_with(Signal::Term);
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Patience, run};
    use std::process::Stdio;
    use std::time::Duration;
    use tokio::process::Command;

    const SHORT: Patience = Patience { limit: Duration::from_secs(1), grace: Duration::from_millis(300) };
    const LONG: Patience = Patience { limit: Duration::from_secs(30), grace: Duration::from_secs(30) };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[tokio::test]
    async fn a_program_that_ends_gives_its_output() {
        let End::Itself(output) = run(shell("echo out; echo err >&2; exit 3"), LONG).await.unwrap() else {
            panic!("it ended by itself")
        };
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"out\n".as_slice()));
        assert_eq!(output.stderr, b"err\n");
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_asked_first_and_ended_then() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let polite = format!("trap 'echo yes > {}; exit 1' TERM; while :; do sleep 0.05; done", told.display());
        let patience = Patience { grace: LONG.grace, ..SHORT };
        assert!(matches!(run(shell(&polite), patience).await.unwrap(), End::Stopped));
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "yes\n");
        let deaf = "trap '' TERM; while :; do sleep 0.05; done";
        assert!(matches!(run(shell(deaf), SHORT).await.unwrap(), End::Stopped));
    }

    #[tokio::test]
    async fn one_that_is_not_there_cannot_be_started() {
        assert!(run(Command::new("/nowhere/helm"), LONG).await.is_err());
    }
}
