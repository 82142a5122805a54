//! A child process that answers lines with lines, within a time.
//!
//! A thread reads its answers, so that waiting for one can end. The child is ended, and waited for, when it is dropped.
//! What it writes to its standard error goes where ours goes.

use super::Command;
use crate::units::Span;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes that an answer may have; a program that never ends its line must not fill the memory.
const ANSWER_MAX: u64 = 64 << 20;

/// Letters of an unreadable answer that are shown.
const SHOWN: usize = 80;

/// Why a program has no say in a decision.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It could not be started at all.
    #[error("the program cannot be started: {0}")]
    NotStarted(std::io::Error),
    /// It ended.
    #[error("the program ended{}", .0.as_ref().map_or_else(String::new, |status| format!(" ({status})")))]
    Ended(Option<std::process::ExitStatus>),
    /// It took too long.
    #[error("the program did not answer within {} s", .0.as_seconds_f64())]
    TimedOut(Span),
    /// What it said cannot be read.
    #[error("the program's answer cannot be read: {reason}; it said `{}`", shown(.answer))]
    Garbage {
        /// What is wrong, and what would be right.
        reason: String,
        /// What it said.
        answer: String,
    },
}

/// A program that runs.
pub struct Program {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    timeout: Span,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// [`Fault::NotStarted`].
    pub fn start(command: &Command) -> Result<Self, Fault> {
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("exec {}", command.line)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Fault::NotStarted)?;
        let input = child.stdin.take().expect("it was asked for");
        let output = child.stdout.take().expect("it was asked for");
        Ok(Self { child, input, answers: reader(output), timeout: command.timeout })
    }

    /// Says `question` and waits for the answer.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn ask(&mut self, question: &str) -> Result<String, Fault> {
        let said = writeln!(self.input, "{question}").and_then(|()| self.input.flush());
        if said.is_err() {
            return Err(Fault::Ended(self.child.wait().ok()));
        }
        match self.answers.recv_timeout(Duration::from_nanos(self.timeout.0)) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(Fault::TimedOut(self.timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::Ended(self.child.wait().ok())),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A thread that hands on the lines of `output`, one ahead of who reads them; it ends with the output, or when nobody listens.
fn reader(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            let read = output.by_ref().take(ANSWER_MAX).read_until(b'\n', &mut line);
            let ends = !matches!(read, Ok(count) if count > 0 && line.ends_with(b"\n"));
            if ends || sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The beginning of an answer.
fn shown(answer: &str) -> String {
    let mut text: String = answer.chars().take(SHOWN).collect();
    if text.len() < answer.len() {
        text.push('…');
    }
    text
}
