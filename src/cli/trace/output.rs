//! A trace that is written: aside first, read again and counted, and only then put in its place.
//!
//! Reading it again is what lets `convert` promise that nothing was lost: the file itself is counted, not what went into it.

use super::Failure;
use crate::input::trace::survey::Metered;
use crate::input::trace::write::{Head, WRITERS, WriteError, Writer};
use crate::input::trace::{self, Survey, TraceOptions};
use crate::model::workload::RateSource;
use anyhow::{Context, anyhow};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The file to be written, and how.
pub struct Output {
    path: PathBuf,
    name: String,
    writer: &'static Writer,
}

impl Output {
    /// A file in the format of that name; where none is given, in the one that its ending asks for.
    pub fn new(path: &Path, format: Option<&str>) -> Result<Self, Failure> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let writer = match format {
            Some(format) => WRITERS.iter().find(|writer| writer.name == format),
            None => WRITERS.iter().find(|writer| writer.takes(&name)),
        };
        let endings = |writer: Option<&Writer>| {
            let endings: Vec<&str> = match writer {
                Some(writer) => writer.extensions.to_vec(),
                None => vec![".csv", ".csv.gz", ".csv.zst", ".parquet"],
            };
            let (last, others) = endings.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
            if others.is_empty() { last.to_owned() } else { format!("{} or {last}", others.join(", ")) }
        };
        match writer.filter(|writer| writer.takes(&name)) {
            Some(writer) => Ok(Self { path: path.to_owned(), name, writer }),
            None => Err(Failure::input(anyhow!(
                "{}: no format{} has this ending\n  end it in {}",
                path.display(),
                format.map(|format| format!(" called {format}")).unwrap_or_default(),
                endings(writer)
            ))),
        }
    }

    /// Beside the file, so that a rename stays within one file system; with its ending, so that it can be read.
    fn aside(&self) -> PathBuf {
        self.path.with_file_name(format!(".partial.{}", self.name))
    }
}

/// What was written.
pub struct Written {
    /// What the file holds.
    pub survey: Survey,
    /// The name of its format.
    pub format: &'static str,
}

impl Written {
    /// In one line.
    pub fn told(&self, path: &Path, head: Head<'_>) -> String {
        let Survey { rows, end, .. } = &self.survey;
        let (rows, services) = (counted(u128::from(*rows), "row"), counted(head.services.count() as u128, "service"));
        let requests = counted(self.survey.total().nearest(), "request");
        format!("{}: {}, {rows}, {services}, {end}, {requests}", path.display(), self.format)
    }
}

/// `1 row`, `2 rows`; `services` too.
pub fn counted(count: u128, what: &str) -> String {
    format!("{} {what}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// `3,461,610`
pub fn thousands(count: u128) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes all rows of a source.
///
/// # Errors
/// Where the rows end in a mistake, the file does not take them, or does not hold what was written into it.
pub fn write(rows: &mut dyn RateSource, head: Head<'_>, output: &Output) -> Result<Written, Failure> {
    let aside = output.aside();
    let written = write_aside(rows, head, (output, &aside)).and_then(|written| {
        let at = || output.path.display().to_string();
        fs::rename(&aside, &output.path).with_context(at).map_err(Failure::run)?;
        Ok(written)
    });
    if written.is_err() {
        // What is left of it is of no use to anybody, and the first error is the one to tell.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn write_aside(
    rows: &mut dyn RateSource,
    head: Head<'_>,
    (output, aside): (&Output, &Path),
) -> Result<Written, Failure> {
    let at = || output.path.display().to_string();
    let mut file = File::create(aside).with_context(at).map_err(Failure::run)?;
    let mut metered = Metered::new(rows);
    (output.writer.write)(&mut metered, head, &mut file, &output.name).map_err(failure)?;
    drop(file);
    let meant = metered.survey();
    let options = TraceOptions { empty_rows: true, ..TraceOptions::default() };
    let mut again = trace::open(aside, head.services, &options).with_context(at).map_err(Failure::run)?;
    let found = trace::survey(&mut again).with_context(at).map_err(Failure::run)?;
    let same = |index: usize| found.requests.get(index) == meant.requests.get(index);
    let begins = again.begin() == head.begin;
    if let (true, true, None) = (begins, found.end == meant.end, (0..head.services.count()).find(|index| !same(*index)))
    {
        return Ok(Written { survey: found, format: output.writer.name });
    }
    let what = format!(
        "{}: the file does not hold what was written: {} requests instead of {}",
        at(),
        found.total().nearest(),
        meant.total().nearest()
    );
    Err(Failure::run(anyhow!(what)))
}

/// Why a trace could not be written.
pub fn failure(error: WriteError) -> Failure {
    match error {
        WriteError::Io(error) => Failure::from(error),
        // The rows of a trace are input, and so is what a format cannot hold.
        WriteError::Rows(_) | WriteError::Inexact(_) | WriteError::Column(_) | WriteError::TooLate => {
            Failure::input(error)
        }
        WriteError::Parquet(_) => Failure::run(error),
    }
}
