//! Where a suite leaves its results, and what is printed of them.

use super::{key, to_json};
use crate::cli::Failure;
use crate::record::aside::replace_file;
use crate::report::bench;
use crate::report::bench::results::{Results, SuiteHead};
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

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
        this.put(MARK, to_json(&mark).as_bytes())?;
        Ok(this)
    }

    /// The file of that name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts a file there, whole.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        replace_file(&self.path(name), bytes).map_err(|error| self.unwritable(error))
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

/// Puts all formats of the results next to them; says what stands in which file.
///
/// # Errors
/// Where they cannot be written or printed.
pub fn report(results: &Results, folder: &Folder, out: &mut dyn Write) -> Result<(), Failure> {
    let rendered = bench::render(results);
    let files: [(&str, &[u8]); 5] = [
        ("report.html", rendered.html.as_bytes()),
        ("report.md", rendered.markdown.as_bytes()),
        ("table.tex", rendered.latex.as_bytes()),
        ("runs.csv", rendered.csv.as_bytes()),
        ("runs.parquet", &rendered.parquet),
    ];
    for (name, bytes) in files {
        folder.put(name, bytes)?;
    }
    out.write_all(rendered.table.as_bytes())?;
    writeln!(
        out,
        "\nreport  {}      figures  {}",
        folder.path("report.html").display(),
        folder.path("results.json").display()
    )?;
    Ok(())
}
