//! `smo replay`: a run is a pure function of its manifest, and this is how anybody can see it.
//!
//! The manifest says what was run. The inputs are read again and must be the same to the byte; then the run is made again,
//! aside, and compared with what was recorded: decisions, figures, series.

use super::job::{self, Job, JobError, Setting};
use super::{Failure, Format, execute, runs};
use crate::input::{InputError, Request};
use crate::policy::{PolicySpec, PolicySpecError};
use crate::record::manifest::Program;
use crate::record::writer::sha256_of;
use crate::record::{self, Comparison, Manifest, RecordError};
use crate::seed::Seed;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  smo replay runs/quickstart/greedy-1      one run
  smo replay runs/quickstart               all runs of a scenario
  smo replay runs -j 4 --format json       everything, for programs

Call it from where `smo simulate` was called: paths of scenarios start there.";

/// Letters of a differing line that are shown around the first difference.
const SHOWN: usize = 120;

/// Run recorded runs again: identical, or the first line that differs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Run directories, or directories that hold some.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Runs at the same time; default: one a core.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// A run that cannot be made again.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("{0}\n  a scenario's path starts from where `smo simulate` was called; call `smo replay` there")]
    Scenario(InputError),
    #[error(transparent)]
    Policy(#[from] PolicySpecError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(
        "it was made in the real world, which cannot be run again\n  simulate its scenario, and compare the two by `smo diff`"
    )]
    Live,
    #[error("no directory for the second run: {0}")]
    Aside(#[from] io::Error),
}

/// What came of a run's repetition.
enum Verdict {
    Identical,
    InputsChanged(Vec<String>),
    Differs(Differing),
}

/// Where two records of one run differ first.
struct Differing {
    file: String,
    line: usize,
    recorded: String,
    repeated: String,
    /// What may have made the difference.
    reasons: Vec<String>,
}

/// Repeats all runs and says of each what came of it.
///
/// # Errors
/// A run that is not identical, or cannot be repeated.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let directories: Vec<PathBuf> = runs::find(&arguments.runs)?.into_iter().map(|(_, path)| path).collect();
    let verdicts = execute::all(&directories, arguments.threads, |directory| repeat(directory))?;
    match arguments.format {
        Format::Json => {
            let runs: Vec<Value> =
                directories.iter().zip(&verdicts).map(|(run, verdict)| to_json(run, verdict)).collect();
            writeln!(out, "{:#}", json!({"runs": runs}))?;
        }
        Format::Table => {
            for (directory, verdict) in directories.iter().zip(&verdicts) {
                writeln!(out, "{}: {}", directory.display(), words(verdict))?;
            }
        }
    }
    let alike = verdicts.iter().all(|verdict| matches!(verdict, Ok(Verdict::Identical)));
    if alike { Ok(()) } else { Err(Failure::told(false)) }
}

fn words(verdict: &Result<Verdict, ReplayError>) -> String {
    match verdict {
        Ok(Verdict::Identical) => "identical".to_owned(),
        Ok(Verdict::Differs(differing)) => {
            let Differing { file, line, recorded, repeated, reasons } = differing;
            let (recorded, repeated) = around_difference(recorded, repeated);
            let mut said = vec![format!("  {file}: line {line}\n    recorded  {recorded}\n    repeated  {repeated}")];
            said.extend(reasons.iter().cloned());
            format!("differs\n{}", said.join("\n  "))
        }
        Ok(Verdict::InputsChanged(files)) => {
            format!("not repeated, the inputs have changed\n  {}", files.join("\n  "))
        }
        Err(error) => format!("cannot be repeated\n  {error}"),
    }
}

fn to_json(directory: &Path, verdict: &Result<Verdict, ReplayError>) -> Value {
    let run = directory.display().to_string();
    match verdict {
        Ok(Verdict::Identical) => json!({"run": run, "verdict": "identical"}),
        Ok(Verdict::Differs(differing)) => {
            let Differing { file, line, recorded, repeated, reasons } = differing;
            let place = json!({"file": file, "line": line, "recorded": recorded, "repeated": repeated});
            json!({"run": run, "verdict": "differs", "first": place, "reasons": reasons})
        }
        Ok(Verdict::InputsChanged(files)) => json!({"run": run, "verdict": "inputs_changed", "reasons": files}),
        Err(error) => json!({"run": run, "verdict": "not_repeatable", "reasons": [error.to_string()]}),
    }
}

fn repeat(directory: &Path) -> Result<Verdict, ReplayError> {
    let manifest = record::read(directory)?.manifest;
    let header = &manifest.header;
    if header.live.is_some() {
        return Err(ReplayError::Live);
    }
    let request =
        Request { set: header.set.clone(), variant: header.variant.clone(), until: header.until, ..Request::default() };
    let setting = Setting::load(Path::new(&header.scenario_path), request).map_err(ReplayError::Scenario)?;
    let changed = changed_inputs(&manifest, &setting);
    if !changed.is_empty() {
        return Ok(Verdict::InputsChanged(changed));
    }
    let policy: PolicySpec = header.policy.parse()?;
    let aside = tempfile::tempdir()?;
    let again = aside.path().join("again");
    Job { setting: Arc::new(setting), policy, seed: Seed(header.seed), directory: again.clone() }.run()?;
    let comparison = record::compare(directory, &again)?;
    let Comparison::Differs { file, line, left, right } = comparison else { return Ok(Verdict::Identical) };
    let reasons = reasons(directory, &manifest, &file)?;
    Ok(Verdict::Differs(Differing { file, line, recorded: left, repeated: right, reasons }))
}

/// The files that are not what they were, a sentence each.
fn changed_inputs(manifest: &Manifest, setting: &Setting) -> Vec<String> {
    let now = job::inputs(&setting.loaded);
    let sentence = |then: &record::InputFile| match now.iter().find(|file| file.path == then.path) {
        None => Some(format!("{}: is not read any more", then.path)),
        Some(file) if file.sha256 != then.sha256 => {
            Some(format!("{}: its sha256 was {}, and is {}", then.path, then.sha256, file.sha256))
        }
        Some(_) => None,
    };
    manifest.header.inputs.iter().filter_map(sentence).collect()
}

/// What may have made the difference: a record that was altered, or another program.
fn reasons(directory: &Path, manifest: &Manifest, file: &str) -> Result<Vec<String>, ReplayError> {
    let mut reasons = Vec::new();
    let hash = sha256_of(&directory.join(file))?;
    if manifest.records.get(file).is_some_and(|recorded| *recorded != hash) {
        reasons.push(format!("{file} was altered after the run: its sha256 is not the one in manifest.json"));
    }
    let this = Program::this();
    if manifest.program != this {
        let name = |program: &Program| {
            format!("{} ({}; features: {})", program.version, program.commit, program.features.join(", "))
        };
        reasons.push(format!("recorded by smo {}, repeated by {}", name(&manifest.program), name(&this)));
    }
    Ok(reasons)
}

/// Both lines, cut to the letters around the first difference where they are long.
fn around_difference(left: &str, right: &str) -> (String, String) {
    let same = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(SHOWN / 2);
    let cut = |line: &str| {
        let shown: String = line.chars().skip(from).take(SHOWN).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if line.chars().count() > from + SHOWN { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (cut(left), cut(right))
}

#[cfg(test)]
mod tests {
    use super::around_difference;

    #[test]
    fn long_lines_are_cut_around_the_first_difference() {
        assert_eq!(around_difference("a1", "a2"), ("a1".to_owned(), "a2".to_owned()));
        let (left, right) = (format!("{}x{}", "s".repeat(500), "l".repeat(500)), "s".repeat(500));
        let (left, right) = around_difference(&left, &right);
        // 60 letters before the difference, the differing one, 59 after it.
        assert_eq!(left, format!("…{}x{}…", "s".repeat(60), "l".repeat(59)));
        assert_eq!(right, format!("…{}", "s".repeat(60)));
    }
}
