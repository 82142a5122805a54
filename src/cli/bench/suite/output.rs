//! Where a suite leaves its results, and what is printed of them.

use super::{key, to_json};
use crate::cli::Failure;
use crate::cli::aligned::Columns;
use crate::report::bench::results::{Cell, Results, Stopped, SuiteHead};
use crate::report::estimate::Estimate;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Says whose a folder is.
const MARK: &str = "suite.json";

/// A folder for the results of one suite.
pub struct Folder(PathBuf);

/// What the mark says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    name: String,
    sha256: String,
}

impl Folder {
    /// Makes it, or finds it made for the same suite; to resume, for the suite of that name as it was.
    ///
    /// # Errors
    /// Where it holds something else, or cannot be written.
    pub fn open(folder: PathBuf, head: &SuiteHead, is_resumed: bool) -> Result<Self, Failure> {
        let mark = Mark { name: head.name.clone(), sha256: key::sha256(identity(head).as_bytes()) };
        let this = Self(folder);
        let shown = this.0.display();
        let is_empty = fs::read_dir(&this.0).map_or(true, |mut entries| entries.next().is_none());
        let found = fs::read(this.path(MARK)).ok().and_then(|text| serde_json::from_slice::<Mark>(&text).ok());
        match found {
            None if !is_empty => {
                return Err(Failure::input(anyhow!("{shown}: is not empty, and holds no suite; name another `--out`")));
            }
            Some(found) if found.name != mark.name => {
                let name = found.name;
                return Err(Failure::input(anyhow!("{shown}: holds the suite {name}; name another `--out`")));
            }
            Some(found) if found != mark && !is_resumed => {
                let way = "name another `--out`, or `--resume` to keep those of its runs that have not changed";
                return Err(Failure::input(anyhow!(
                    "{shown}: holds results of this suite as it was before a change; {way}"
                )));
            }
            _ => {}
        }
        fs::create_dir_all(&this.0).map_err(|error| this.unwritable(error))?;
        replace(&this.path(MARK), &to_json(&mark)).map_err(|error| this.unwritable(error))?;
        Ok(this)
    }

    /// The file of that name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The failure to write there.
    pub fn unwritable(&self, error: io::Error) -> Failure {
        Failure::run(anyhow::Error::new(error).context(format!("{}: cannot be written", self.0.display())))
    }
}

/// What two invocations of one suite by one program have alike. Warm-ups are found later, and follow from it.
fn identity(head: &SuiteHead) -> String {
    let mut head = head.clone();
    for scenario in &mut head.scenarios {
        (scenario.warm_up_s, scenario.warm_up_by, scenario.span_s) = (0.0, String::new(), 0.0);
    }
    to_json(&head)
}

/// Writes aside and renames.
///
/// # Errors
/// Where that cannot be.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The loss of every cell.
///
/// # Errors
/// Where it cannot be printed.
pub fn table(results: &Results, out: &mut dyn Write) -> Result<(), Failure> {
    // SEAM(render): `report::bench` renders tables and pages.
    let head = &results.suite;
    writeln!(out, "{}: {}", head.name, head.question)?;
    let mut table = Columns::new(["scenario", "contestant", ">loss $", ">±", ">seeds", "ended", "policy"]);
    for cell in &results.cells {
        let [loss, half] = figures(cell, head);
        let (scenario, contestant, policy) = (cell.scenario.clone(), cell.contestant.clone(), cell.policy.clone());
        let ended = ended(cell.stopped).to_owned();
        table.row(vec![scenario, contestant, loss, half, cell.runs.len().to_string(), ended, policy]);
    }
    Ok(table.print("", out)?)
}

/// Mean and half-width; gaps where a run failed.
fn figures(cell: &Cell, head: &SuiteHead) -> [String; 2] {
    let losses = cell.runs.iter().map(|run| run.result.as_ref().ok().map(|summary| head.loss(summary)));
    let estimate = losses.collect::<Option<Vec<f64>>>().and_then(|losses| Estimate::of(&losses));
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    [shown(estimate.map(|one| one.mean)), shown(estimate.and_then(|one| one.half_width))]
}

const fn ended(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Precise => "precise",
        Stopped::Budget => "budget",
        Stopped::Certain => "certain",
        Stopped::Failed => "failed",
    }
}
