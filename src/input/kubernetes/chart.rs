//! Helm charts, rendered by `helm template` where `helm` is on the PATH.
//!
//! Rendering runs templates and nothing else: no cluster is asked, nothing is installed. The program has a minute, and what
//! it prints has the limit of any other file.

use super::super::at::At;
use super::super::defaults::limits;
use super::super::error::InputError;
use super::super::file::{Files, TextFile};
use super::field::Field;
use super::source::{Source, source};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a chart may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a chart at `named` becomes with the files of values at `values`.
///
/// # Errors
/// Where there is no `helm`, or it fails or takes too long.
pub fn rendered(named: &At<'_>, values: &At<'_>, files: &mut Files) -> Result<Source, InputError> {
    let Some(written) = named.text()? else { return Err(named.error("no chart is named here; write a path")) };
    let chart = files.path(written, named)?;
    let name = chart.file_name().map_or_else(|| "chart".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut command = Command::new("helm");
    command.arg("template").arg(release(&name)).arg(&chart);
    let items = if values.text().is_ok() { vec![values.clone()] } else { values.items()? };
    for item in items {
        if let Some(file) = item.text()? {
            command.arg("--values").arg(files.hash(file, &item)?);
        }
    }
    let text = output(&mut command).map_err(|message| named.error(format!("the chart `{written}` {message}")))?;
    let label = format!("helm template {}", chart.display());
    files.took(&label, text.as_bytes());
    source(&name, TextFile { label, text })
}

/// A name that Helm takes for a release: small letters, digits and dashes.
fn release(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).take(50).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "chart".to_owned() } else { name.to_owned() }
}

/// What the program prints, in time.
fn output(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "is rendered by `helm`, which is not on the PATH; install Helm, or name what `helm template` printed elsewhere".to_owned()
        }
        _ => format!("cannot be rendered: `helm` does not start: {error}"),
    })?;
    let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let said = out.recv_timeout(PATIENCE).ok().zip(err.recv_timeout(PATIENCE).ok());
    let Some((out, err)) = said else {
        end(&mut child);
        return Err(format!(
            "took `helm` longer than {} s; render it yourself and name the result",
            PATIENCE.as_secs()
        ));
    };
    if out.len() as u64 > limits::KUBERNETES_BYTES {
        end(&mut child);
        return Err(format!("becomes larger than {} MiB; name its parts", limits::KUBERNETES_BYTES >> 20));
    }
    let status = child.wait().map_err(|error| format!("cannot be rendered: {error}"))?;
    if !status.success() {
        let err = String::from_utf8_lossy(&err);
        let first: Vec<&str> = err.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
        return Err(format!("cannot be rendered; `helm` says: {}", first.join(" | ")));
    }
    String::from_utf8(out)
        .map_err(|_| "becomes something that is not UTF-8 text; save its templates as UTF-8".to_owned())
}

/// Reads a pipe to its end, or to the limit, on a thread of its own: a full pipe would stop the program.
fn collect<R: Read + Send + 'static>(pipe: Option<R>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before a failure is worth showing; the exit code tells the rest.
            let _ = pipe.take(limits::KUBERNETES_BYTES + 1).read_to_end(&mut bytes);
        }
        // Nobody listens any more once the time is over.
        let _ = sender.send(bytes);
    });
    receiver
}

/// Ends a program that is not wanted any more.
fn end(child: &mut Child) {
    // It may have ended by itself in between.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::{output, release};
    use std::process::Command;

    #[test]
    fn names_of_releases_are_plain() {
        assert_eq!(release("My Chart_2"), "my-chart-2");
        assert_eq!(release("__"), "chart");
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_is_told() {
        let mut missing = Command::new("surely-no-such-program");
        assert!(output(&mut missing).is_err_and(|message| message.contains("not on the PATH; install Helm")));
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo broken template >&2; exit 1"]);
        assert!(output(&mut failing).is_err_and(|message| message.contains("`helm` says: broken template")));
        let mut fine = Command::new("sh");
        fine.args(["-c", "echo a: 1"]);
        assert_eq!(output(&mut fine).as_deref(), Ok("a: 1\n"));
    }
}
